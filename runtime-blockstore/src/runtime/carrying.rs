//! One edit on its way: the draft's blocks and static files, published versions, files, rows.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{
    AssetStep, BlockChanges, BlockData, Branch, BranchState, Commit, Edit, EditInfo, Extent, RuntimeError,
    VersionId,
};

use super::BlockstoreRuntime;
use super::definitions::Source;
use super::layout::{
    ASSETS_FILE, AssetsDocument, CONTEXT_FILE, ContextDocument, DRAFT, asset_path, is_asset, usage_path,
};
use super::refresh::{index_assets, own_children};
use super::tables::{Tables, UsageRow};
use super::tree::Tree;
use super::view::{View, draft_id, version_id};
use crate::digest::Digest;
use crate::document::{FileRecord, Snapshot};
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
    /// Attributes of the draft's static files, once they are needed.
    attributes: Option<AssetsDocument>,
    draft_assets_changed: bool,
    /// Attributes of the published static files, where the edit publishes other ones.
    published_attributes: Option<AssetsDocument>,
}

impl<'v> Carrying<'v> {
    pub(super) fn begin(
        runtime: &'v BlockstoreRuntime,
        view: &'v View<'v>,
        edit: &'v Edit,
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
        let mut carrying = Self {
            runtime,
            view,
            tables: view.tables,
            edit,
            info: EditInfo { edited_on: Some(store.clock.now()), edited_by: edit.author },
            tree,
            incoming: store.storage.incoming(draft),
            draft,
            draft_state: view.tables.state_id(row.bundle_id, Branch::Draft)?,
            published_state,
            written: HashMap::new(),
            attributes: None,
            draft_assets_changed: false,
            published_attributes: None,
        };
        if is_new {
            let document = ContextDocument::new(&view.key, &view.root()?)?;
            carrying.tree.put(CONTEXT_FILE, document.to_json())?;
        }
        Ok(carrying)
    }

    fn path(&self, usage: &UsageKey) -> Result<String, RuntimeError> {
        usage_path(&self.view.key, usage)
    }

    /// Changes blocks of the draft.
    pub(super) fn change_blocks(&mut self, blocks: &BlockChanges) -> Result<(), RuntimeError> {
        for usage in &blocks.deleted {
            for path in self.tree.below(&folder_of(&self.path(usage)?)) {
                self.tree.delete(&path);
            }
            self.tables.delete_usage(self.draft_state, usage.block_type(), usage.block_id())?;
            self.written.insert(usage.clone(), None);
        }
        let puts: Vec<_> = blocks.put.iter().collect();
        for ((usage, data), text) in puts.iter().zip(self.runtime.render_all(&puts)?) {
            let path = self.path(usage)?;
            // The key of a definition must be one, or the block could not be read.
            super::reading::definition_key(self.view, usage, Branch::Draft)?;
            let record = match self.unchanged(usage, &path, &text, data) {
                Some(record) => record,
                None => self.tree.put(&path, text)?,
            };
            self.index(self.draft_state, usage, data, &record)?;
            self.written.insert((*usage).clone(), Some((*data).clone()));
        }
        Ok(())
    }

    /// Finds the file of a block that says the same already, perhaps in other words; then those stay.
    fn unchanged(&self, usage: &UsageKey, path: &str, text: &[u8], data: &BlockData) -> Option<FileRecord> {
        let record = self.tree.file(path)?;
        let source = Source::draft(&self.view.row);
        let is_same = if record.hash == Digest::of(text) {
            // A file that was lost or damaged is written again.
            self.runtime.read_file(source, path, record).is_ok()
        } else {
            let old = self.runtime.read_block(source, usage, record.hash, record.size);
            old.is_ok_and(|old| *old == *data)
        };
        is_same.then(|| record.clone())
    }

    /// Drops everything the draft stages, so that it lies on the latest version; the plan's blocks are written after.
    pub(super) fn discard(&mut self) -> Result<(), RuntimeError> {
        for (path, record) in self.tree.discard() {
            let source = Source::published(&self.view.row);
            let Some((block_type, id)) = self.runtime.block_at(source, &path, &record) else { continue };
            // Blocks that differ are in the plan. Others may say the same in other words, which are other bytes.
            if let Some(mut row) = self.tables.usage(self.draft_state, &block_type, &id)? {
                (row.hash, row.size) = (record.hash, record.size);
                self.tables.put_usage(self.draft_state, &block_type, &id, &row)?;
            }
        }
        Ok(())
    }

    fn index(
        &self,
        state: RowId,
        usage: &UsageKey,
        data: &BlockData,
        record: &FileRecord,
    ) -> Result<(), RuntimeError> {
        let row = UsageRow { hash: record.hash, size: record.size, edit_info: self.info.clone() };
        let (block_type, id) = (usage.block_type(), usage.block_id());
        self.tables.put_usage(state, block_type, id, &row)?;
        let children = own_children(&self.view.key, &data.children);
        Ok(self.tables.put_children(state, block_type, id, children)?)
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
                AssetStep::TakePublished => {
                    let published = self.tree.published().map(|(_, snapshot)| snapshot.clone());
                    let attributes = self.published_attributes.clone();
                    self.take_assets(published.as_deref(), attributes)?;
                }
                AssetStep::TakeVersion(version) => {
                    let snapshot = self.runtime.version_snapshot(self.view, &version)?;
                    self.take_assets(Some(&snapshot), None)?;
                }
            }
        }
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
        }
        let is_all = matches!(extent, Extent::All);
        let files = if is_all { self.tree.composed() } else { self.subtree_files(blocks, before)? };
        let now = self.info.edited_on.unwrap_or_default();
        let (_, snapshot) = self.tree.publish(files, is_all, now);
        let state = match self.published_state {
            Some(state) => state,
            None => self.tables.state_id(self.view.row.bundle_id, Branch::Published)?,
        };
        self.published_state = Some(state);
        for usage in &blocks.deleted {
            self.tables.delete_usage(state, usage.block_type(), usage.block_id())?;
        }
        for (usage, data) in &blocks.put {
            let path = self.path(usage)?;
            let record = snapshot.files.get(&path).ok_or_else(|| {
                BlockstoreError::corrupt(&path, "the draft lost the file while it was published")
            })?;
            self.index(state, usage, data, record)?;
        }
        Ok(())
    }

    /// Lists the files of the published branch with some blocks and all static files taken over.
    fn subtree_files(
        &mut self,
        blocks: &BlockChanges,
        before: &dyn BranchState,
    ) -> Result<BTreeMap<String, FileRecord>, RuntimeError> {
        let published = self.tree.published().map(|(_, snapshot)| snapshot.clone());
        let mut files = published.map(|snapshot| snapshot.files.clone()).unwrap_or_default();
        for usage in &blocks.deleted {
            let folder = folder_of(&self.path(usage)?);
            files.retain(|path, _| !path.starts_with(&folder));
        }
        for (usage, data) in &blocks.put {
            let path = self.path(usage)?;
            let drafted = match self.written.get(usage) {
                Some(written) => written.clone(),
                None => before.block(usage)?,
            };
            let as_drafted = drafted.filter(|drafted| Arc::ptr_eq(drafted, data) || drafted == data);
            match as_drafted.and_then(|_| self.tree.file(&path).cloned()) {
                Some(record) => {
                    let folder = folder_of(&path);
                    files.retain(|path, _| !path.starts_with(&folder));
                    for own in self.tree.below(&folder) {
                        files.extend(self.tree.file(&own).map(|record| (own.clone(), record.clone())));
                    }
                    files.insert(path, record);
                }
                None => {
                    let text = self.runtime.render(usage, data)?;
                    let record = self.tree.put_published_only(&path, text);
                    files.insert(path, record);
                }
            }
        }
        files.retain(|path, _| !is_asset(path));
        let mut along = self.tree.asset_paths();
        along.push(CONTEXT_FILE.to_owned());
        for path in along {
            files.extend(self.tree.file(&path).map(|record| (path.clone(), record.clone())));
        }
        Ok(files)
    }

    /// Says that the draft was begun on an older version than the latest.
    fn published_meanwhile(&self) -> Result<RuntimeError, RuntimeError> {
        let base = self.tree.base_digest();
        let versions = rows::versions(self.tables.db, self.view.row.bundle_id)?;
        let name = |found: Option<&rows::VersionRow>| match found {
            Some(row) => version_id(row.number, row.snapshot),
            None => VersionId(base.map(|digest| digest.to_string()).unwrap_or_default().into()),
        };
        Ok(RuntimeError::Conflict {
            context: self.view.key.clone(),
            base: name(versions.iter().find(|row| Some(row.snapshot) == base)),
            head: name(versions.first()),
        })
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
        let published_before = self.view.row.latest.map(|(number, digest)| version_id(number, digest));
        let now = self.info.edited_on.unwrap_or_default();
        let written = self.tree.write(&runtime.store, now)?;
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
                rows::put_draft(tables.db, bundle, DRAFT, self.draft)?;
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
