//! One edit on its way: the draft's blocks and static files, published versions, files, rows.

mod asset_metadata;
mod moved_links;
mod own_files;
mod places;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;
use xblock_core::keys::UsageKey;
use xblock_core::olx::Include;
use xblock_core::runtime::{
    AssetStep, BlockChanges, BlockData, Branch, BranchState, Commit, Edit, EditInfo, Extent, RuntimeError,
};

use super::BlockstoreRuntime;
use super::definitions::Source;
use super::included::IncludeRow;
use super::layout::{
    ASSETS_FILE, AssetMetadataDocument, AssetsDocument, CONTEXT_FILE, ContextDocument, asset_path,
    check_usage, is_asset,
};
use super::locating::definition_key;
use super::refresh::{index_assets, own_children};
use super::tables::{Tables, UsageRow};
use super::tree::Tree;
use super::view::{View, draft_id, version_id};
use crate::digest::Digest;
use crate::document::{FileRecord, Link, Snapshot};
use crate::error::BlockstoreError;
use crate::rows::{self, RowId};

/// An edit on its way.
pub(super) struct Carrying<'v> {
    runtime: &'v BlockstoreRuntime,
    view: &'v View<'v>,
    tables: Tables<'v>,
    edit: &'v Edit,
    info: EditInfo,
    tree: Tree,
    /// The folder for bytes that come in.
    incoming: PathBuf,
    draft: Uuid,
    draft_state: RowId,
    published_state: Option<RowId>,
    /// Blocks of the draft that the edit wrote or deleted so far.
    written: HashMap<UsageKey, Option<Arc<BlockData>>>,
    /// The files of blocks as the edit found them, for blocks that it puts again in a later stage.
    found: HashMap<UsageKey, BTreeMap<String, FileRecord>>,
    /// Attributes of the draft's static files, once they are needed.
    attributes: Option<AssetsDocument>,
    draft_assets_changed: bool,
    /// Attributes of the published static files, where the edit publishes other ones.
    published_attributes: Option<AssetsDocument>,
    /// What the draft says about files, once that is needed.
    metadata: Option<AssetMetadataDocument>,
    /// What is published about files, where the edit publishes something else.
    published_metadata: Option<AssetMetadataDocument>,
    /// How the caller wants children to be included.
    wanted: &'v BTreeMap<UsageKey, Include>,
    /// Whether any definition may name children that are not plainly its context's own.
    may_include: bool,
    /// States in which what includes give is to be found out anew.
    changed: BTreeSet<RowId>,
    /// Blocks that were written under another name, which is the only one the plan knows of.
    as_aliases: Vec<(UsageKey, Arc<BlockData>)>,
    /// Definitions that only the published branch gets.
    published_texts: HashMap<UsageKey, Vec<u8>>,
    /// The version the draft becomes again.
    restored: Option<Arc<Snapshot>>,
    /// What the edit says of a root that is made up.
    root: Option<Arc<BlockData>>,
}

impl<'v> Carrying<'v> {
    pub(super) fn begin(
        runtime: &'v BlockstoreRuntime,
        view: &'v View<'v>,
        edit: &'v Edit,
        wanted: &'v BTreeMap<UsageKey, Include>,
        draft: Uuid,
    ) -> Result<Self, RuntimeError> {
        let store = &runtime.store;
        let row = &view.row;
        let old = row.draft.map(|old| store.storage.draft(old)).transpose()?;
        let published = row
            .latest
            .map(|(number, digest)| store.snapshot(row.bundle, digest).map(|snapshot| (number, snapshot)))
            .transpose()?;
        let base = match &old {
            Some((old, _)) => old.base_snapshot.map(|base| store.snapshot(row.bundle, base)).transpose()?,
            None => published.as_ref().map(|(_, snapshot)| snapshot.clone()),
        };
        let is_new = old.is_none() && published.is_none();
        let tree = Tree::open(&store.storage, row.bundle, draft, old, base, published)?;
        let published_state = match row.latest {
            Some(_) => Some(view.tables.state_id(row.bundle_id, Branch::Published)?),
            None => None,
        };
        let draft_state = view.tables.state_id(row.bundle_id, Branch::Draft)?;
        let may_include = !wanted.is_empty()
            || view.tables.has_includes(draft_state)?
            || match published_state {
                Some(state) => view.tables.has_includes(state)?,
                None => false,
            };
        let mut carrying = Self {
            runtime,
            view,
            tables: view.tables,
            edit,
            info: EditInfo { edited_on: Some(store.clock.now()), edited_by: edit.author },
            tree,
            incoming: store.storage.incoming(draft),
            draft,
            draft_state,
            published_state,
            written: HashMap::new(),
            found: HashMap::new(),
            attributes: None,
            draft_assets_changed: false,
            published_attributes: None,
            metadata: None,
            published_metadata: None,
            wanted,
            may_include,
            changed: BTreeSet::new(),
            as_aliases: Vec::new(),
            published_texts: HashMap::new(),
            restored: None,
            root: None,
        };
        if is_new && view.conventions.is_declared {
            let document = ContextDocument::new(&runtime.contexts, &view.key, &view.root()?)?;
            carrying.tree.put(CONTEXT_FILE, document.to_json())?;
        }
        Ok(carrying)
    }

    fn path(&self, usage: &UsageKey) -> Result<String, RuntimeError> {
        check_usage(&self.view.key, usage)?;
        Ok(self.view.conventions.path(usage.block_type(), usage.block_id()))
    }

    /// Says whether the draft lies on another version than the latest, and changes nothing of it.
    pub(super) fn lies_idle(&self) -> bool {
        self.view.row.draft.is_some() && self.tree.is_stale() && self.tree.changes_nothing()
    }

    /// Changes links of the draft.
    pub(super) fn change_links(&mut self, links: &[(String, Option<Link>)]) {
        for (name, link) in links {
            self.tree.put_link(name, link.clone());
            self.changed.insert(self.draft_state);
        }
    }

    /// Makes the links of the draft those of a version, and takes words of that where it says what the edit does.
    pub(super) fn restore(&mut self, version: Arc<Snapshot>) {
        self.tree.take_links(&version.links);
        self.restored = Some(version);
        self.may_include = true;
        self.changed.insert(self.draft_state);
    }

    /// Changes blocks of the draft.
    pub(super) fn change_blocks(
        &mut self,
        blocks: &BlockChanges,
        before: &dyn BranchState,
    ) -> Result<(), RuntimeError> {
        for usage in &blocks.deleted {
            let path = self.path(usage)?;
            if self.may_include {
                let (block_type, id) = (usage.block_type(), usage.block_id());
                if self.tables.usage(self.draft_state, block_type, id)?.is_none() {
                    // What is only included goes with what includes it.
                    continue;
                }
                self.changed.insert(self.draft_state);
            }
            self.note_files(usage, &path);
            for path in self.tree.below(&folder_of(&path)) {
                self.tree.delete(&path);
            }
            self.tables.delete_usage(self.draft_state, usage.block_type(), usage.block_id())?;
            if self.may_include {
                let own = (usage.block_type(), usage.block_id());
                self.tables.put_includes(self.draft_state, own, &[])?;
            }
            self.written.insert(usage.clone(), None);
        }
        let puts = self.choose_puts(&blocks.put, before)?;
        let mut texts = Vec::new();
        for (usage, data) in &puts {
            texts.push(self.rendering(usage, data)?);
        }
        let (conventions, own) = (&self.view.conventions, self.view.row.bundle);
        let rendered = self.runtime.render_all(conventions, own, &texts)?;
        for ((usage, data), text) in puts.iter().zip(rendered) {
            let path = self.path(usage)?;
            // The key of a definition must be one, or the block could not be read.
            definition_key(self.view, usage, Branch::Draft)?;
            let (record, includes) = match self.unchanged(usage, &path, &text, data) {
                Some(record) => {
                    if self.tree.file(&path) != Some(&record) {
                        self.tree.put_record(&path, record.clone())?;
                    }
                    let includes = self.includes_in(usage, data, &path, &record, None)?;
                    (record, includes)
                }
                None => {
                    let record = FileRecord::new(&path, text.len() as u64, Digest::of(&text));
                    let includes = self.includes_in(usage, data, &path, &record, Some(&text))?;
                    (self.tree.put(&path, text)?, includes)
                }
            };
            self.index(self.draft_state, usage, data, &record, &includes)?;
            self.written.insert(usage.clone(), Some((*data).clone()));
        }
        Ok(())
    }

    /// Notes the files of a block that is deleted, as the edit found them.
    fn note_files(&mut self, usage: &UsageKey, definition: &str) {
        if self.found.contains_key(usage) {
            return;
        }
        let files = self.tree.below(&folder_of(definition)).into_iter();
        let files = files.filter_map(|path| self.tree.file(&path).cloned().map(|record| (path, record)));
        self.found.insert(usage.clone(), files.collect());
    }

    /// Puts the files of a block back that this edit deleted and that comes again: those that no step can name are its
    /// own still, and its definition is in the words it had.
    fn put_files_back(&mut self, usage: &UsageKey) -> Result<(), RuntimeError> {
        let path = self.path(usage)?;
        if self.tree.file(&path).is_some() {
            return Ok(());
        }
        for (path, record) in self.found.get(usage).into_iter().flatten() {
            self.tree.put_record(path, record.clone())?;
        }
        Ok(())
    }

    /// Drops everything the draft stages, so that it lies on the latest version; the plan's blocks are written after.
    pub(super) fn discard(&mut self) -> Result<(), RuntimeError> {
        let earlier = self.tree.composed();
        for (path, record) in self.tree.discard() {
            let source = Source::published(&self.view.row);
            let conventions = &self.view.conventions;
            let Some((block_type, id)) = self.runtime.block_at(conventions, source, &path, &record) else {
                continue;
            };
            // Blocks that differ are in the plan. Others may say the same in other words, which are other bytes.
            if let Some(mut row) = self.tables.usage(self.draft_state, &block_type, &id)? {
                (row.hash, row.size) = (record.hash, record.size);
                self.tables.put_usage(self.draft_state, &block_type, &id, &row)?;
            }
        }
        if let Some(published) = self.published_state {
            self.follow_files(self.draft_state, &earlier, &self.tree.composed(), published)?;
            self.copy_includes(published, self.draft_state)?;
        }
        Ok(())
    }

    fn index(
        &mut self,
        state: RowId,
        usage: &UsageKey,
        data: &BlockData,
        record: &FileRecord,
        includes: &[IncludeRow],
    ) -> Result<(), RuntimeError> {
        let row = UsageRow {
            hash: record.hash,
            size: record.size,
            edit_info: self.info.clone(),
            title: data.display_name().map(str::to_owned),
        };
        let (block_type, id) = (usage.block_type(), usage.block_id());
        self.tables.put_usage(state, block_type, id, &row)?;
        let children = own_children(&self.view.key, &data.children);
        self.tables.put_children(state, block_type, id, children)?;
        if self.may_include {
            let own = (block_type, id);
            // A definition that is used under a second name has the same children there.
            if self.tables.put_includes(state, own, includes)? || self.tables.has_aliases(state)? {
                self.changed.insert(state);
            }
        }
        Ok(())
    }

    /// Returns the attributes of the draft's static files.
    fn attributes(&mut self) -> Result<&mut AssetsDocument, RuntimeError> {
        if self.attributes.is_none() {
            let source = Source::draft(&self.view.row);
            // Nothing in this edit has written the file yet, else the attributes would be here.
            let read = self.runtime.attributes(source, self.tree.file(ASSETS_FILE))?;
            self.attributes = Some(read);
        }
        Ok(self.attributes.get_or_insert_default())
    }

    /// Changes static files of the draft.
    pub(super) fn change_assets(&mut self, steps: Vec<AssetStep>) -> Result<(), RuntimeError> {
        if steps.is_empty() {
            return Ok(());
        }
        self.draft_assets_changed = true;
        for step in steps {
            match step {
                AssetStep::Put { key, mut data, content } => {
                    let path = asset_path(&key);
                    data.extra.sort_keys();
                    let storage = &self.runtime.store.storage;
                    storage.make_folder(&self.incoming)?;
                    let incoming = self.incoming.join(Uuid::new_v4().to_string());
                    let source = content.open().map_err(|error| {
                        RuntimeError::storage(format!("reading the bytes of {key}"), error)
                    })?;
                    let (hash, size) = storage.store_stream(source, &incoming)?;
                    self.tree.put_incoming(&path, FileRecord::new(&path, size, hash), incoming)?;
                    self.attributes()?.0.insert(path, data);
                }
                AssetStep::Delete { key } => {
                    let path = asset_path(&key);
                    self.tree.delete(&path);
                    self.attributes()?.0.remove(&path);
                }
                AssetStep::PutMetadata { key, metadata } => self.put_metadata(&key, metadata)?,
                AssetStep::DeleteMetadata { key } => self.delete_metadata(&key)?,
                AssetStep::TakePublished => {
                    let published = self.tree.published().map(|(_, snapshot)| snapshot.clone());
                    let attributes = self.published_attributes.clone();
                    self.take_assets(published.as_deref(), attributes)?;
                    self.take_metadata(published.as_deref(), self.published_metadata.clone())?;
                }
                AssetStep::TakeVersion(version) => {
                    let snapshot = self.runtime.version_snapshot(self.view, &version)?;
                    self.take_assets(Some(&snapshot), None)?;
                    self.take_metadata(Some(&snapshot), None)?;
                }
            }
        }
        self.write_metadata()?;
        let text = self.attributes()?.to_json();
        let is_empty = self.attributes()?.0.is_empty();
        if is_empty {
            self.tree.delete(ASSETS_FILE);
        } else {
            self.tree.put(ASSETS_FILE, text)?;
        }
        Ok(())
    }

    /// Makes the draft's static files those of a version.
    fn take_assets(
        &mut self,
        from: Option<&Snapshot>,
        attributes: Option<AssetsDocument>,
    ) -> Result<(), RuntimeError> {
        for path in self.tree.asset_paths() {
            if from.is_none_or(|from| !from.files.contains_key(&path)) {
                self.tree.delete(&path);
            }
        }
        for (path, record) in from.iter().flat_map(|from| &from.files) {
            if is_asset(path) {
                self.tree.put_record(path, record.clone())?;
            }
        }
        self.attributes = Some(match attributes {
            Some(attributes) => attributes,
            None => {
                let source = Source { bundle: self.view.row.bundle, draft: None };
                let record = from.and_then(|from| from.files.get(ASSETS_FILE));
                self.runtime.attributes(source, record)?
            }
        });
        Ok(())
    }

    /// Makes a published version.
    pub(super) fn publish(
        &mut self,
        blocks: &BlockChanges,
        extent: &Extent,
        before: &dyn BranchState,
    ) -> Result<(), RuntimeError> {
        if self.tree.is_stale() {
            // Publishing would undo what somebody else published.
            return Err(self.published_meanwhile()?);
        }
        if self.tree.stages_assets() {
            self.published_attributes = Some(self.attributes()?.clone());
            self.published_metadata = Some(self.metadata()?.clone());
        }
        let is_all = matches!(extent, Extent::All);
        let links = match extent {
            Extent::All => BTreeMap::new(),
            Extent::Subtree(top) => self.links_to_move(top, blocks)?,
        };
        let files = match extent {
            Extent::All => self.tree.composed(),
            Extent::Subtree(top) => self.subtree_files(top, blocks, before)?,
        };
        let now = self.info.edited_on.unwrap_or_default();
        let earlier = self.tree.published().map(|(_, snapshot)| snapshot.clone());
        let (_, snapshot) = self.tree.publish(files, is_all, links, now);
        let state = match self.published_state {
            Some(state) => state,
            None => self.tables.state_id(self.view.row.bundle_id, Branch::Published)?,
        };
        self.published_state = Some(state);
        for usage in &blocks.deleted {
            self.tables.delete_usage(state, usage.block_type(), usage.block_id())?;
            if self.may_include {
                self.tables.put_includes(state, (usage.block_type(), usage.block_id()), &[])?;
            }
        }
        let as_aliases = if is_all { self.as_aliases.clone() } else { Vec::new() };
        let written = as_aliases.iter().map(|(usage, data)| (usage, data));
        for (usage, data) in blocks.put.iter().chain(written) {
            let path = self.path(usage)?;
            let Some(record) = snapshot.files.get(&path).cloned() else {
                if self.may_be_elsewhere() {
                    // It is only included, and comes along with what includes it.
                    continue;
                }
                let reason = "the draft lost the file while it was published";
                return Err(BlockstoreError::corrupt(&path, reason).into());
            };
            let text = self.published_texts.get(usage).cloned();
            let includes = match &text {
                Some(text) => self.includes_in(usage, data, &path, &record, Some(text))?,
                None => self.tables.includes_of(self.draft_state, (usage.block_type(), usage.block_id()))?,
            };
            self.index(state, usage, data, &record, &includes)?;
        }
        if is_all {
            let earlier = earlier.as_ref().map(|snapshot| &snapshot.files);
            self.follow_files(state, earlier.unwrap_or(&BTreeMap::new()), &snapshot.files, self.draft_state)?;
            self.copy_includes(self.draft_state, state)?;
        } else if self.may_include {
            self.changed.insert(state);
        }
        Ok(())
    }

    /// Lists the files of the published branch with some blocks and all static files taken over.
    fn subtree_files(
        &mut self,
        top: &UsageKey,
        blocks: &BlockChanges,
        before: &dyn BranchState,
    ) -> Result<BTreeMap<String, FileRecord>, RuntimeError> {
        let published = self.tree.published().map(|(_, snapshot)| snapshot.clone());
        let mut files = published.map(|snapshot| snapshot.files.clone()).unwrap_or_default();
        for usage in &blocks.deleted {
            let path = self.path(usage)?;
            if files.contains_key(&path) {
                let folder = folder_of(&path);
                files.retain(|path, _| !path.starts_with(&folder));
            }
        }
        for (usage, data) in &blocks.put {
            let path = self.path(usage)?;
            if self.may_be_elsewhere() && self.tree.file(&path).is_none() {
                continue;
            }
            let drafted = match self.written.get(usage) {
                Some(written) => written.clone(),
                None => before.block(usage)?,
            };
            let as_drafted = drafted.filter(|drafted| Arc::ptr_eq(drafted, data) || drafted == data);
            match as_drafted.and_then(|_| self.tree.file(&path).cloned()) {
                Some(record) => drop(files.insert(path, record)),
                None => {
                    let (conventions, own) = (&self.view.conventions, self.view.row.bundle);
                    let mut rendering = self.rendering(usage, data)?;
                    if let Some(record) = files.get(&path) {
                        let source = Source::published(&self.view.row);
                        rendering.earlier = self.runtime.read_file(source, &path, record).ok();
                    }
                    let text = self.runtime.render(conventions, own, &rendering)?;
                    if self.may_include {
                        self.published_texts.insert(usage.clone(), text.clone());
                    }
                    let record = self.tree.put_published_only(&path, text);
                    files.insert(path, record);
                }
            }
        }
        self.publish_own_files(top, &mut files)?;
        files.retain(|path, _| !is_asset(path));
        let mut along = self.tree.asset_paths();
        along.push(CONTEXT_FILE.to_owned());
        for path in along {
            files.extend(self.tree.file(&path).map(|record| (path.clone(), record.clone())));
        }
        Ok(files)
    }

    /// Says that the draft was begun on an older version than the latest, and what both have changed.
    fn published_meanwhile(&self) -> Result<RuntimeError, RuntimeError> {
        let Some(draft) = self.view.row.draft else {
            return Err(BlockstoreError::corrupt(&self.view.key, "its draft is stale, and not there").into());
        };
        let standing = self.runtime.store.standing_in(self.tables.db, draft)?;
        let conflicts = [standing.conflicting_files, standing.conflicting_links].concat();
        Ok(RuntimeError::StaleDraft { context: self.view.key.clone(), conflicts })
    }

    /// Writes the files, then the rows.
    pub(super) fn finish(mut self) -> Result<Commit, RuntimeError> {
        let runtime = self.runtime;
        let bundle = self.view.row.bundle_id;
        let tables = self.tables;
        if self.draft_assets_changed {
            let files = self
                .tree
                .asset_paths()
                .into_iter()
                .filter_map(|path| self.tree.file(&path).cloned().map(|record| (path, record)))
                .collect();
            tables.delete_assets(self.draft_state)?;
            index_assets(&tables, self.draft_state, &files, self.attributes.get_or_insert_default())?;
        }
        if let (Some(attributes), Some(state), Some((_, snapshot))) =
            (&self.published_attributes, self.published_state, self.tree.published())
        {
            tables.delete_assets(state)?;
            index_assets(&tables, state, &snapshot.files, attributes)?;
        }
        self.index_changed_includes()?;
        let published_before = self.view.row.latest.map(|(number, digest)| version_id(number, digest));
        let now = self.info.edited_on.unwrap_or_default();
        let draft_name = self.view.conventions.kind.draft();
        let written = self.tree.write(&runtime.store, draft_name, now)?;
        let key = self.view.key.to_string();
        let (edit, info) = (self.edit, &self.info);
        let mut published = published_before;
        let mut before = match self.view.row.latest {
            Some((_, digest)) if !written.snapshots.is_empty() => {
                Some(runtime.store.snapshot(self.view.row.bundle, digest)?)
            }
            _ => None,
        };
        for (number, snapshot) in &written.snapshots {
            let (store, message) = (&runtime.store, &edit.message);
            store.insert_version(tables.db, bundle, *number, snapshot, before.as_deref(), message)?;
            before = Some(snapshot.clone());
            tables.put_version(bundle, *number, info)?;
            let version = version_id(*number, snapshot.hash_digest);
            tables.append_change(&key, Branch::Published, &version.0, info)?;
            tables.put_state(bundle, Branch::Published, &version.0, &edit.message, info)?;
            published = Some(version);
            runtime.store.keep_snapshot(snapshot.clone());
        }
        match written.before {
            Some(before) => runtime.store.note_handover(tables.db, self.draft, before, written.after)?,
            None => {
                rows::put_draft(tables.db, bundle, draft_name, self.draft)?;
                tables.drop_garbage(self.draft)?;
            }
        }
        let draft = draft_id(written.after);
        tables.append_change(&key, Branch::Draft, &draft.0, info)?;
        tables.put_state(bundle, Branch::Draft, &draft.0, &edit.message, info)?;
        Ok(Commit { draft, published })
    }
}

/// Returns the folder of a block's own files, with a slash at its end.
fn folder_of(definition: &str) -> String {
    definition.strip_suffix("definition.xml").unwrap_or(definition).to_owned()
}
