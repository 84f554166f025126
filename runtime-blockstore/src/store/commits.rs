//! Commits: a draft, or part of it, becomes the next version; an old version becomes the next again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::Blockstore;
use super::drafts::{Open, refuse_cycle};
use crate::digest::Digest;
use crate::document::{DraftDocument, FileRecord, Link, Snapshot, SnapshotParts};
use crate::error::BlockstoreError;
use crate::path;
use crate::rows;
use crate::storage::{Batch, Place};

type Result<T> = std::result::Result<T, BlockstoreError>;
type Files = BTreeMap<String, FileRecord>;
type Links = BTreeMap<String, Link>;

/// What to do where another version was made since the draft was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnStale {
    /// Refuse, and name what both have changed.
    #[default]
    Refuse,
    /// Take over what only the others changed; refuse where both changed the same to something else.
    Merge,
    /// Take over what only the others changed; where both changed the same, the draft's stays.
    KeepOurs,
    /// Take over all that the others changed; where both changed the same, the draft's is dropped.
    KeepTheirs,
    /// Take over nothing: the new version is the draft as it was composed, as the app makes it, and undoes the others'.
    UndoTheirs,
}

/// What to do where the draft changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnEmpty {
    /// Refuse.
    #[default]
    Refuse,
    /// Make a version all the same, as the app does.
    MakeVersion,
}

/// Which of a draft's changes are meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CommitExtent {
    /// All of them.
    #[default]
    All,
    /// Some, and the rest stays in the draft.
    Part {
        /// Files, and folders with all that is staged below them.
        paths: BTreeSet<String>,
        /// Names of links.
        links: BTreeSet<String>,
    },
}

/// How a draft is committed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitOptions {
    /// What to do where the draft is stale.
    pub on_stale: OnStale,
    /// What to do where it changes nothing.
    pub on_empty: OnEmpty,
    /// What of it is committed.
    pub extent: CommitExtent,
    /// What is said about the version.
    pub change_description: String,
}

/// What a commit made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitReport {
    /// The number of the new version.
    pub version: u64,
    /// Its snapshot.
    pub snapshot_digest: Digest,
    /// Paths that both the draft and others had changed to something else.
    pub conflicting_files: Vec<String>,
    /// Names of links that both had changed to something else.
    pub conflicting_links: Vec<String>,
}

/// A draft held against the version it lies on and the one that is latest now.
struct Merged<T> {
    /// What the new version has.
    composed: BTreeMap<String, T>,
    /// What both changed, each to something else.
    conflicts: Vec<String>,
}

impl Blockstore {
    /// Makes the draft the bundle's next version and returns its number.
    ///
    /// # Errors
    /// [`BlockstoreError::DraftHasNoChangesToCommit`], [`BlockstoreError::StaleDraft`] where another version was made
    /// since the draft was begun, and damage; in each case nothing has changed.
    pub fn commit_draft(&self, uuid: Uuid) -> Result<u64> {
        self.commit_draft_with(uuid, &CommitOptions::default()).map(|report| report.version)
    }

    /// Makes a draft, or part of it, the bundle's next version.
    ///
    /// # Errors
    /// As [`Blockstore::commit_draft`]; [`BlockstoreError::BundleFileNotFound`] and [`BlockstoreError::LinkNotFound`]
    /// where a part was named of which the draft stages nothing.
    pub fn commit_draft_with(&self, uuid: Uuid, options: &CommitOptions) -> Result<CommitReport> {
        let report = self.db.write(|db| {
            let Open { bundle, document: old, digest, base } = self.open_draft(db, uuid)?;
            let latest = rows::latest_version(db, bundle)?;
            let published =
                latest.as_ref().map(|row| self.snapshot(old.bundle_uuid, row.snapshot)).transpose()?;
            let (base, published) = (base.as_deref(), published.as_deref());
            let is_stale = published.map(|latest| latest.hash_digest) != old.base_snapshot;

            let picked = Picked::of(&old, &options.extent)?;
            let files = merge(
                base.map(|base| &base.files),
                published.map(|latest| &latest.files),
                &old.files_to_overwrite,
                &picked.files,
                options.on_stale,
            );
            let links = merge(
                base.map(|base| &base.links),
                published.map(|latest| &latest.links),
                &old.links_to_overwrite,
                &picked.links,
                options.on_stale,
            );
            let has_conflicts = !files.conflicts.is_empty() || !links.conflicts.is_empty();
            let refuses = match options.on_stale {
                OnStale::Refuse => is_stale,
                OnStale::Merge => is_stale && has_conflicts,
                OnStale::KeepOurs | OnStale::KeepTheirs | OnStale::UndoTheirs => false,
            };
            if refuses {
                return Err(BlockstoreError::StaleDraft {
                    uuid,
                    base: old.base_snapshot,
                    latest: published.map(|latest| latest.hash_digest),
                    files: files.conflicts,
                    links: links.conflicts,
                });
            }
            let is_same = match published {
                Some(latest) => latest.files == files.composed && latest.links == links.composed,
                None => files.composed.is_empty() && links.composed.is_empty(),
            };
            if is_same && options.on_empty == OnEmpty::Refuse {
                return Err(BlockstoreError::DraftHasNoChangesToCommit { uuid });
            }
            check_state(old.bundle_uuid, &picked.files, &files.composed, &links.composed)?;

            let now = self.clock.now();
            let snapshot = Snapshot::new(SnapshotParts {
                bundle_uuid: old.bundle_uuid,
                created_at: now,
                files: files.composed,
                links: links.composed,
            });
            let mut document = old.clone();
            document.base_snapshot = Some(snapshot.hash_digest);
            document.files_to_overwrite.retain(|path, _| !picked.files.contains(path));
            document.links_to_overwrite.retain(|name, _| !picked.links.contains(name));
            document.touch(now);

            let mut batch = Batch::default();
            self.plan_snapshot(&mut batch, &old, &snapshot)?;
            let after = self.plan_handover(&mut batch, &old, &document, |_, _, _, _| Ok(()))?;
            self.storage.run(batch)?;
            let number = latest.map_or(0, |row| row.number) + 1;
            self.insert_version(db, bundle, number, &snapshot, published, &options.change_description)?;
            self.note_handover(db, uuid, digest, after)?;
            let report = CommitReport {
                version: number,
                snapshot_digest: snapshot.hash_digest,
                conflicting_files: files.conflicts,
                conflicting_links: links.conflicts,
            };
            self.keep_snapshot(Arc::new(snapshot));
            Ok(report)
        })?;
        self.complete_soon();
        Ok(report)
    }

    /// Makes an old version the next one again and returns its number; the latest one where that has the same content.
    ///
    /// Drafts are not touched: those begun before are stale then, as after any other version.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`], [`BlockstoreError::BundleVersionNotFound`],
    /// [`BlockstoreError::Missing`] where a file of the old version is not there any more, and damage.
    pub fn restore_bundle_version(
        &self,
        bundle: Uuid,
        version: u64,
        change_description: &str,
    ) -> Result<u64> {
        self.db.write(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
            let wanted = rows::version(db, id, version)?
                .ok_or(BlockstoreError::BundleVersionNotFound { bundle, version })?;
            let latest = rows::latest_version(db, id)?
                .ok_or(BlockstoreError::BundleVersionNotFound { bundle, version })?;
            let old = self.snapshot(bundle, wanted.snapshot)?;
            let published = self.snapshot(bundle, latest.snapshot)?;
            if old.files == published.files && old.links == published.links {
                return Ok(latest.number);
            }
            let mut batch = Batch::default();
            let mut names: BTreeSet<String> = old.files.values().map(FileRecord::data_name).collect();
            for (path, record) in &old.files {
                let found = self.storage.locate(Place::Data(bundle), path, record)?;
                let target = self.storage.data_path(bundle, record);
                let is_of_another =
                    found.file_name().and_then(|name| name.to_str()).is_some_and(|name| names.contains(name));
                // Earlier releases wrote the same bytes under one of their names only.
                if found != target && is_of_another && names.remove(&record.data_name()) {
                    let written = target.with_file_name(format!(".incoming-{}", Uuid::new_v4()));
                    batch.link(found, written.clone(), Some(record.hash));
                    batch.rename(written, target);
                }
            }
            let snapshot = Snapshot::new(SnapshotParts {
                bundle_uuid: bundle,
                created_at: self.clock.now(),
                files: old.files.clone(),
                links: old.links.clone(),
            });
            let target = self.storage.snapshot_path(bundle, snapshot.hash_digest);
            let written = target.with_file_name(format!(".incoming-{}", Uuid::new_v4()));
            batch.write(written.clone(), snapshot.to_json());
            batch.rename(written, target);
            self.storage.run(batch)?;
            let number = latest.number + 1;
            self.insert_version(db, id, number, &snapshot, Some(&published), change_description)?;
            self.keep_snapshot(Arc::new(snapshot));
            Ok(number)
        })
    }

    /// Plans the data files a version takes from a draft, and the snapshot that names them.
    fn plan_snapshot(&self, batch: &mut Batch, draft: &DraftDocument, snapshot: &Snapshot) -> Result<()> {
        let incoming = self.storage.incoming(draft.uuid);
        let mut done = BTreeSet::new();
        for (path, staged) in &draft.files_to_overwrite {
            let Some(record) = staged.as_ref().filter(|record| snapshot.files.get(path) == Some(record))
            else {
                continue;
            };
            let name = record.data_name();
            let named = incoming.join(format!("{name}.data"));
            if !done.insert(name) || self.storage.has_data(snapshot.bundle_uuid, path, record)? {
                continue;
            }
            let staged = self.storage.staged_path(draft.uuid, path)?;
            let target = self.storage.data_path(snapshot.bundle_uuid, record);
            // A torn file may have the name.
            if self.durable.knows(&self.storage, &staged) && !self.storage.is_file(&target)? {
                batch.link_durable(staged, target, record.hash);
                continue;
            }
            batch.link(staged, named.clone(), Some(record.hash));
            batch.rename(named, target);
        }
        let target = self.storage.snapshot_path(snapshot.bundle_uuid, snapshot.hash_digest);
        let text = snapshot.to_json();
        if !self.storage.waits_for_nothing() && self.storage.is_file(&target)? {
            let document = incoming.join("snapshot.json");
            batch.write(document.clone(), text);
            batch.rename(document, target);
        } else {
            // No other snapshot will ever have this name, so nobody takes a torn one for whole.
            batch.write(target, text);
        }
        Ok(())
    }
}

/// The staged names a commit takes.
struct Picked {
    files: BTreeSet<String>,
    links: BTreeSet<String>,
}

impl Picked {
    fn of(draft: &DraftDocument, extent: &CommitExtent) -> Result<Self> {
        let (files, links) = (&draft.files_to_overwrite, &draft.links_to_overwrite);
        let CommitExtent::Part { paths, links: names } = extent else {
            return Ok(Self {
                files: files.keys().cloned().collect(),
                links: links.keys().cloned().collect(),
            });
        };
        let mut picked = Self { files: BTreeSet::new(), links: BTreeSet::new() };
        for path in paths {
            let folder = format!("{}/", path.trim_end_matches('/'));
            let found: Vec<_> = files
                .keys()
                .filter(|staged| *staged == path || staged.starts_with(&folder))
                .cloned()
                .collect();
            if found.is_empty() {
                return Err(BlockstoreError::BundleFileNotFound {
                    bundle: draft.bundle_uuid,
                    draft: Some(draft.name.clone()),
                    path: path.clone(),
                });
            }
            picked.files.extend(found);
        }
        for name in names {
            if !links.contains_key(name) {
                return Err(BlockstoreError::LinkNotFound { name: name.clone(), draft: draft.uuid });
            }
            picked.links.insert(name.clone());
        }
        Ok(picked)
    }
}

/// Lays the picked changes over the latest version, and finds what both sides changed.
fn merge<T: Clone + PartialEq>(
    base: Option<&BTreeMap<String, T>>,
    latest: Option<&BTreeMap<String, T>>,
    staged: &BTreeMap<String, Option<T>>,
    picked: &BTreeSet<String>,
    on_stale: OnStale,
) -> Merged<T> {
    let mut conflicts = Vec::new();
    let below = if on_stale == OnStale::UndoTheirs { base } else { latest };
    let mut composed = below.cloned().unwrap_or_default();
    for (name, ours) in staged {
        let before = base.and_then(|base| base.get(name));
        let theirs = latest.and_then(|latest| latest.get(name));
        let is_ours = ours.as_ref() != before;
        let is_theirs = theirs != before;
        // What stays in the draft counts too: it lies on the new version afterwards, so it would win unseen.
        let is_conflict = is_ours && is_theirs && ours.as_ref() != theirs;
        if is_conflict {
            conflicts.push(name.clone());
        }
        if !picked.contains(name) {
            continue;
        }
        let takes = match on_stale {
            OnStale::UndoTheirs => true,
            OnStale::KeepTheirs => is_ours && !is_conflict,
            OnStale::Refuse | OnStale::Merge | OnStale::KeepOurs => is_ours,
        };
        if takes {
            match ours {
                Some(value) => composed.insert(name.clone(), value.clone()),
                None => composed.remove(name),
            };
        }
    }
    Merged { composed, conflicts }
}

/// Refuses what no version may be: a file where another's folder is, a link that leads back.
fn check_state(bundle: Uuid, changed: &BTreeSet<String>, files: &Files, links: &Links) -> Result<()> {
    for path in changed.iter().filter(|path| files.contains_key(*path)) {
        path::check_folders(files, path)?;
    }
    links.iter().try_for_each(|(name, link)| refuse_cycle(bundle, name, link))
}
