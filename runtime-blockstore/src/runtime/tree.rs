//! The files of a bundle while an edit is carried out: what the draft stages, what is published, and where bytes are.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;
use xblock_core::runtime::RuntimeError;

use super::layout::is_asset;
use crate::digest::Digest;
use crate::document::{DraftDocument, FileRecord, Link, Snapshot, SnapshotParts, compose};
use crate::error::BlockstoreError;
use crate::path;
use crate::storage::{Batch, Place, Storage};
use crate::store::Blockstore;

/// Bytes that are not among the bundle's data files yet.
enum Content {
    /// Still in memory.
    Bytes(Arc<[u8]>),
    /// Written to the folder of the coming draft.
    Incoming(PathBuf),
    /// Staged by the draft that is being replaced.
    Staged(PathBuf),
}

/// A bundle's files as an edit leaves them, stage by stage.
pub(super) struct Tree {
    bundle: Uuid,
    /// The draft as it was, with the digest of its document; none where the edit makes it.
    old: Option<(DraftDocument, Digest)>,
    /// The UUID of the draft.
    draft: Uuid,
    /// What the draft lies on.
    base: Option<Arc<Snapshot>>,
    files: BTreeMap<String, Option<FileRecord>>,
    links: BTreeMap<String, Option<Link>>,
    /// The latest version.
    published: Option<(u64, Arc<Snapshot>)>,
    contents: HashMap<Digest, Content>,
    /// Files that were put with the bytes they had.
    put_again: Vec<String>,
    /// Data files that new snapshots need: their names, and for each a path and its record.
    needed: HashSet<String>,
    needed_records: Vec<(String, FileRecord)>,
    /// The versions the edit makes.
    snapshots: Vec<(u64, Arc<Snapshot>)>,
}

impl Tree {
    /// Begins with the draft and the latest version as they are.
    pub(super) fn open(
        storage: &Storage,
        bundle: Uuid,
        draft: Uuid,
        old: Option<(DraftDocument, Digest)>,
        base: Option<Arc<Snapshot>>,
        published: Option<(u64, Arc<Snapshot>)>,
    ) -> Result<Self, BlockstoreError> {
        let mut tree = Self {
            bundle,
            draft,
            base,
            files: BTreeMap::new(),
            links: BTreeMap::new(),
            published,
            contents: HashMap::new(),
            put_again: Vec::new(),
            needed: HashSet::new(),
            needed_records: Vec::new(),
            snapshots: Vec::new(),
            old,
        };
        if let Some((old, _)) = &tree.old {
            for (path, record) in &old.files_to_overwrite {
                if let Some(record) = record {
                    let staged = storage.staged_path(old.uuid, path)?;
                    tree.contents.entry(record.hash).or_insert(Content::Staged(staged));
                }
            }
            tree.files = old.files_to_overwrite.clone();
            tree.links = old.links_to_overwrite.clone();
        }
        Ok(tree)
    }

    /// Finds a file of the draft.
    pub(super) fn file(&self, path: &str) -> Option<&FileRecord> {
        match self.files.get(path) {
            Some(staged) => staged.as_ref(),
            None => self.base.as_ref().and_then(|base| base.files.get(path)),
        }
    }

    pub(super) fn published(&self) -> Option<&(u64, Arc<Snapshot>)> {
        self.published.as_ref()
    }

    /// Says whether the draft lies on another version than the latest, because somebody else made one.
    pub(super) fn is_stale(&self) -> bool {
        let digest = |snapshot: &Arc<Snapshot>| snapshot.hash_digest;
        self.base.as_ref().map(digest) != self.published.as_ref().map(|(_, snapshot)| digest(snapshot))
    }

    fn base_digest(&self) -> Option<Digest> {
        self.base.as_ref().map(|base| base.hash_digest)
    }

    /// Says whether all that the draft stages is what it lies on.
    pub(super) fn changes_nothing(&self) -> bool {
        let base = self.base.as_ref();
        self.files.iter().all(|(path, ours)| ours.as_ref() == base.and_then(|base| base.files.get(path)))
            && self
                .links
                .iter()
                .all(|(name, ours)| ours.as_ref() == base.and_then(|base| base.links.get(name)))
    }

    /// Lists all files of the draft.
    pub(super) fn composed(&self) -> BTreeMap<String, FileRecord> {
        compose(self.base.as_ref().map(|base| &base.files), &self.files)
    }

    /// Lists the links of the draft.
    pub(super) fn composed_links(&self) -> BTreeMap<String, Link> {
        compose(self.base.as_ref().map(|base| &base.links), &self.links)
    }

    /// Sets a link of the draft, or deletes it.
    pub(super) fn put_link(&mut self, name: &str, link: Option<Link>) {
        if self.base.as_ref().and_then(|base| base.links.get(name)) == link.as_ref() {
            self.links.remove(name);
        } else {
            self.links.insert(name.to_owned(), link);
        }
    }

    /// Makes the links of the draft those of a version.
    pub(super) fn take_links(&mut self, links: &BTreeMap<String, Link>) {
        let none = BTreeMap::new();
        let base = self.base.as_ref().map_or(&none, |base| &base.links);
        self.links = difference(base, links);
    }

    /// Lists the paths of the draft's static files and their attributes.
    pub(super) fn asset_paths(&self) -> Vec<String> {
        let base = self.base.iter().flat_map(|base| base.files.keys());
        let mut paths: Vec<_> =
            base.chain(self.files.keys()).filter(|path| is_asset(path)).cloned().collect();
        paths.sort_unstable();
        paths.dedup();
        paths.retain(|path| self.file(path).is_some());
        paths
    }

    /// Says whether static files of the draft may differ from the published ones.
    pub(super) fn stages_assets(&self) -> bool {
        self.is_stale() || self.files.keys().any(|path| is_asset(path))
    }

    /// Writes a file of the draft.
    pub(super) fn put(&mut self, path: &str, bytes: Vec<u8>) -> Result<FileRecord, BlockstoreError> {
        let record = FileRecord::new(path, bytes.len() as u64, Digest::of(&bytes));
        if self.file(path).is_some_and(|old| old.hash == record.hash) {
            // The record stays; the bytes are at hand for whoever finds that they are not where they should be.
            self.contents.insert(record.hash, Content::Bytes(bytes.into()));
            self.put_again.push(path.to_owned());
            return Ok(self.file(path).cloned().unwrap_or(record));
        }
        self.put_record(path, record.clone())?;
        self.offer(record.hash, Content::Bytes(bytes.into()));
        Ok(record)
    }

    /// Writes a file of the draft whose bytes lie in the folder of the coming draft.
    pub(super) fn put_incoming(
        &mut self,
        path: &str,
        record: FileRecord,
        incoming: PathBuf,
    ) -> Result<(), BlockstoreError> {
        self.offer(record.hash, Content::Incoming(incoming));
        self.put_record(path, record)
    }

    fn offer(&mut self, hash: Digest, content: Content) {
        self.contents.entry(hash).or_insert(content);
    }

    /// Makes a file of the draft what a record says, whose bytes are known.
    pub(super) fn put_record(&mut self, path: &str, record: FileRecord) -> Result<(), BlockstoreError> {
        if self.file(path).is_none() {
            path::check(path)?;
            self.check_folders(path)?;
        }
        if self.base.as_ref().and_then(|base| base.files.get(path)) == Some(&record) {
            self.files.remove(path);
        } else {
            self.files.insert(path.to_owned(), Some(record));
        }
        Ok(())
    }

    /// Deletes a file of the draft.
    pub(super) fn delete(&mut self, path: &str) {
        if self.base.as_ref().is_some_and(|base| base.files.contains_key(path)) {
            self.files.insert(path.to_owned(), None);
        } else {
            self.files.remove(path);
        }
    }

    /// Lists the paths of the draft that begin with a text.
    pub(super) fn below(&self, prefix: &str) -> Vec<String> {
        let from = prefix.to_owned();
        let begins = |path: &&String| path.starts_with(prefix);
        let base = self.base.iter().flat_map(|base| base.files.range(from.clone()..).map(|(path, _)| path));
        let base = base.take_while(begins);
        let staged = self.files.range(from.clone()..).map(|(path, _)| path).take_while(begins);
        let mut paths: Vec<_> = base.chain(staged).cloned().collect();
        paths.sort_unstable();
        paths.dedup();
        paths.retain(|path| self.file(path).is_some());
        paths
    }

    /// Lists what the draft stages at paths that begin with a text; none where it deletes.
    pub(super) fn staged_below(&self, prefix: &str) -> impl Iterator<Item = (&String, Option<&FileRecord>)> {
        let staged = self.files.range(prefix.to_owned()..);
        staged.take_while(move |(path, _)| path.starts_with(prefix)).map(|(path, file)| (path, file.as_ref()))
    }

    fn check_folders(&self, path: &str) -> Result<(), BlockstoreError> {
        let file_above = path.match_indices('/').any(|(at, _)| self.file(&path[..at]).is_some());
        if file_above || !self.below(&format!("{path}/")).is_empty() {
            return Err(BlockstoreError::InvalidFileName {
                path: path.to_owned(),
                problem: path::PathProblem::FileAndFolder,
            });
        }
        Ok(())
    }

    /// Keeps bytes that only a published version has.
    pub(super) fn put_published_only(&mut self, path: &str, bytes: Vec<u8>) -> FileRecord {
        let record = FileRecord::new(path, bytes.len() as u64, Digest::of(&bytes));
        let known = self.published.iter().any(|(_, snapshot)| snapshot.files.get(path) == Some(&record));
        if !known {
            self.offer(record.hash, Content::Bytes(bytes.into()));
        }
        record
    }

    /// Lays the draft on the latest version without any changes; returns the files whose bytes that changes.
    pub(super) fn discard(&mut self) -> Vec<(String, FileRecord)> {
        let Some((_, published)) = self.published.clone() else { return Vec::new() };
        let changed = published
            .files
            .iter()
            .filter(|(path, record)| self.file(path).is_some_and(|old| old.hash != record.hash))
            .map(|(path, record)| (path.clone(), record.clone()))
            .collect();
        self.files.clear();
        self.links.clear();
        self.base = Some(published);
        changed
    }

    /// Makes the next version of these files and lays the draft on it; where not all is published, with those of the
    /// draft's links that the published branch lacks, and with these.
    pub(super) fn publish(
        &mut self,
        files: BTreeMap<String, FileRecord>,
        is_all: bool,
        moved: BTreeMap<String, Link>,
        now: DateTime<Utc>,
    ) -> (u64, Arc<Snapshot>) {
        let composed = if is_all { None } else { Some(self.composed()) };
        let draft_links = compose(self.base.as_ref().map(|base| &base.links), &self.links);
        let mut links = match &self.published {
            Some((_, published)) if !is_all => published.links.clone(),
            _ => draft_links.clone(),
        };
        for (name, link) in &draft_links {
            links.entry(name.clone()).or_insert_with(|| link.clone());
        }
        links.extend(moved);
        for (path, record) in &files {
            if self.contents.contains_key(&record.hash) && self.needed.insert(record.data_name()) {
                self.needed_records.push((path.clone(), record.clone()));
            }
        }
        let parts = SnapshotParts { bundle_uuid: self.bundle, created_at: now, files, links };
        let snapshot = Arc::new(Snapshot::new(parts));
        let number = self.published.as_ref().map_or(0, |(number, _)| *number) + 1;
        match composed {
            None => {
                self.files.clear();
                self.links.clear();
            }
            Some(composed) => {
                self.files = difference(&snapshot.files, &composed);
                self.links = difference(&snapshot.links, &draft_links);
            }
        }
        self.base = Some(snapshot.clone());
        self.published = Some((number, snapshot.clone()));
        self.snapshots.push((number, snapshot.clone()));
        (number, snapshot)
    }

    /// Writes everything the edit made, durably, and returns the versions and the digests of the draft's documents.
    ///
    /// Nothing that is written here is named by the database yet.
    pub(super) fn write(
        self,
        store: &Blockstore,
        name: &str,
        now: DateTime<Utc>,
    ) -> Result<Written, RuntimeError> {
        let storage = &store.storage;
        let incoming = storage.incoming(self.draft);
        let mut batch = Batch::default();
        for (path, record) in &self.needed_records {
            if storage.has_data(self.bundle, path, record)? {
                continue;
            }
            let target = storage.data_path(self.bundle, record);
            let written = incoming.join(format!("{}.data", record.data_name()));
            match self.contents.get(&record.hash) {
                Some(Content::Bytes(bytes)) => batch.write(written.clone(), bytes.clone()),
                Some(Content::Incoming(file) | Content::Staged(file)) => {
                    batch.link(file.clone(), written.clone(), Some(record.hash));
                }
                None => continue,
            }
            batch.rename(written, target);
        }
        for (number, snapshot) in &self.snapshots {
            let written = incoming.join(format!("{number}.json"));
            batch.write(written.clone(), snapshot.to_json());
            batch.rename(written, storage.snapshot_path(self.bundle, snapshot.hash_digest));
        }
        let base = self.base_digest();
        let provide = |batch: &mut Batch, path: &str, record: &FileRecord, target: PathBuf| {
            match self.contents.get(&record.hash) {
                Some(Content::Bytes(bytes)) => batch.write(target, bytes.clone()),
                Some(Content::Incoming(file)) => batch.link(file.clone(), target, Some(record.hash)),
                // Among objects the same bytes lie under their digest, whatever became of the others.
                Some(Content::Staged(file)) if storage.may_be_late() => {
                    let is_kept = storage.has_data(self.bundle, path, record)?;
                    let kept = storage.data_path(self.bundle, record);
                    if !is_kept {
                        batch.link(file.clone(), target, Some(record.hash));
                    } else if target != kept {
                        batch.link(kept, target, Some(record.hash));
                    }
                }
                Some(Content::Staged(file)) => batch.link(file.clone(), target, None),
                None => {
                    let source = storage.locate(Place::Data(self.bundle), path, record)?;
                    if source != target {
                        let expected = storage.may_be_late().then_some(record.hash);
                        batch.link(source, target, expected);
                    }
                }
            }
            Ok(())
        };
        let mut document = match &self.old {
            Some((old, _)) => old.clone(),
            None => DraftDocument::new(self.draft, self.bundle, name, base, now),
        };
        document.base_snapshot = base;
        document.files_to_overwrite.clone_from(&self.files);
        document.links_to_overwrite.clone_from(&self.links);
        let (before, after) = match &self.old {
            Some((old, digest)) => {
                document.touch(now);
                let mut whole = old.clone();
                for path in &self.put_again {
                    if document.files_to_overwrite.get(path).is_some_and(Option::is_some) {
                        whole.files_to_overwrite.remove(path);
                    }
                }
                (Some(*digest), store.plan_handover(&mut batch, &whole, &document, provide)?)
            }
            None => {
                for (path, record) in &document.files_to_overwrite {
                    if let Some(record) = record {
                        if storage.may_be_late() {
                            provide(&mut batch, path, record, storage.data_path(self.bundle, record))?;
                        }
                        provide(&mut batch, path, record, storage.staged_path(self.draft, path)?)?;
                    }
                }
                let text = document.to_json();
                let after = Digest::of(&text);
                batch.write(storage.summary_path(self.draft), text);
                (None, after)
            }
        };
        storage.run(batch)?;
        if before.is_none() {
            store.clear_incoming(self.draft)?;
        }
        Ok(Written { before, after, snapshots: self.snapshots })
    }
}

/// What a commit has written to the files.
pub(super) struct Written {
    /// Digest of the draft's document before; none where the draft is new.
    pub(super) before: Option<Digest>,
    /// Digest of the draft's document after.
    pub(super) after: Digest,
    /// The new versions in order.
    pub(super) snapshots: Vec<(u64, Arc<Snapshot>)>,
}

/// Lists what must be staged over a base to get a wanted state.
fn difference<T: Clone + PartialEq>(
    base: &BTreeMap<String, T>,
    wanted: &BTreeMap<String, T>,
) -> BTreeMap<String, Option<T>> {
    let mut staged = BTreeMap::new();
    for (name, value) in wanted {
        if base.get(name) != Some(value) {
            staged.insert(name.clone(), Some(value.clone()));
        }
    }
    for name in base.keys() {
        if !wanted.contains_key(name) {
            staged.insert(name.clone(), None);
        }
    }
    staged
}
