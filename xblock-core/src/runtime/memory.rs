//! The runtime that keeps everything in memory: the reference the other backends are compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::clock::Clock;
use crate::keys::{AssetKey, ContextKey, DefinitionKey, ObjectId, SplitDefinitionKey, UsageKey};

use super::asset_metadata::{AssetMetadata, AssetMetadataRecords};
use super::asset_reader::AssetReader;
use super::digest::ContentDigest;
use super::edit::{Base, Commit, Edit};
use super::error::RuntimeError;
use super::origin::Origin;
use super::plan::{AssetStep, BlockChanges, BranchState, EmptyBranch, OpenVersion, Plan, Stage};
use super::record::{
    AssetData, AssetRecord, BlockData, BlockRecord, Branch, Change, ContextRecord, Cursor, DefinitionRecord,
    EditInfo, Head, VersionContent, VersionId, VersionRecord,
};
use super::{FieldMap, Runtime};

/// A runtime without persistence. It promises what [`Runtime`] promises and nothing more.
pub struct MemoryRuntime {
    clock: Arc<dyn Clock>,
    store: Mutex<Store>,
}

#[derive(Default)]
struct Store {
    contexts: BTreeMap<ContextKey, Context>,
    origins: BTreeMap<ContextKey, Origin>,
    definitions: BTreeMap<DefinitionKey, DefinitionRecord>,
    changes: Vec<Change>,
    versions: u64,
    next_definition: u64,
}

#[derive(Clone)]
struct Context {
    root: UsageKey,
    draft: Version,
    /// Oldest first.
    published: Vec<Version>,
}

#[derive(Clone)]
struct Version {
    record: VersionRecord,
    state: State,
}

#[derive(Clone, Default)]
struct State {
    blocks: BTreeMap<UsageKey, Block>,
    parents: BTreeMap<UsageKey, BTreeSet<UsageKey>>,
    assets: BTreeMap<AssetKey, Asset>,
    metadata: BTreeMap<AssetKey, Arc<AssetMetadata>>,
}

#[derive(Clone)]
struct Block {
    data: Arc<BlockData>,
    definition: DefinitionKey,
    edit_info: EditInfo,
}

#[derive(Clone)]
struct Asset {
    data: AssetData,
    bytes: Arc<[u8]>,
    digest: Arc<str>,
}

impl BranchState for State {
    fn block(&self, usage: &UsageKey) -> Result<Option<Arc<BlockData>>, RuntimeError> {
        Ok(self.blocks.get(usage).map(|b| b.data.clone()))
    }
    fn parents(&self, usage: &UsageKey) -> Result<Vec<UsageKey>, RuntimeError> {
        Ok(self.parents.get(usage).into_iter().flatten().cloned().collect())
    }
    fn usages(&self) -> Result<Vec<UsageKey>, RuntimeError> {
        Ok(self.blocks.keys().cloned().collect())
    }
    fn has_asset(&self, key: &AssetKey) -> Result<bool, RuntimeError> {
        Ok(self.assets.contains_key(key))
    }
}

impl State {
    fn forget(&mut self, usage: &UsageKey) -> Option<Block> {
        let old = self.blocks.remove(usage)?;
        for child in &old.data.children {
            if let Some(parents) = self.parents.get_mut(child) {
                parents.remove(usage);
            }
        }
        Some(old)
    }

    fn put(&mut self, usage: &UsageKey, block: Block) {
        self.forget(usage);
        for child in &block.data.children {
            self.parents.entry(child.clone()).or_default().insert(usage.clone());
        }
        self.blocks.insert(usage.clone(), block);
    }
}

impl Store {
    fn version(&mut self, previous: Option<VersionId>, edit_info: &EditInfo, message: &str) -> VersionRecord {
        self.versions += 1;
        VersionRecord {
            version: VersionId(format!("m{}", self.versions).into()),
            previous,
            edit_info: edit_info.clone(),
            message: message.to_owned(),
        }
    }

    /// Finds or makes the definition for a block's content; equal content keeps its definition.
    fn define(&mut self, usage: &UsageKey, content: &FieldMap, old: Option<&Block>) -> DefinitionKey {
        if let Some(old) = old
            && old.data.content == *content
        {
            return old.definition.clone();
        }
        self.next_definition += 1;
        let mut id = [0; 12];
        id[4..].copy_from_slice(&self.next_definition.to_be_bytes());
        let key = DefinitionKey::from(SplitDefinitionKey::new(usage.block_type(), ObjectId(id)));
        self.definitions.insert(
            key.clone(),
            DefinitionRecord {
                key: key.clone(),
                block_type: usage.block_type().into(),
                content: content.clone(),
            },
        );
        key
    }

    fn apply(&mut self, state: &mut State, blocks: &BlockChanges, edit: &EditInfo) {
        for usage in &blocks.deleted {
            state.forget(usage);
        }
        for (usage, data) in &blocks.put {
            let definition = self.define(usage, &data.content, state.blocks.get(usage));
            state.put(usage, Block { data: data.clone(), definition, edit_info: edit.clone() });
        }
    }
}

impl Context {
    fn state(&self, key: &ContextKey, branch: Branch) -> Result<&State, RuntimeError> {
        match branch {
            Branch::Draft => Ok(&self.draft.state),
            Branch::Published => self
                .published
                .last()
                .map(|v| &v.state)
                .ok_or_else(|| RuntimeError::NoSuchBranch { key: key.clone(), branch }),
        }
    }
}

impl MemoryRuntime {
    /// Makes an empty store whose edits are dated by a clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, store: Mutex::default() }
    }

    /// Enters the store; a commit replaces a context only when it is complete, so a poisoned lock hides no mix.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn read<T>(
        &self,
        context: &ContextKey,
        branch: Branch,
        read: impl FnOnce(&State) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let store = self.store();
        read(find(&store, context)?.state(context, branch)?)
    }
}

fn find<'s>(store: &'s Store, key: &ContextKey) -> Result<&'s Context, RuntimeError> {
    store.contexts.get(key).ok_or_else(|| RuntimeError::NoSuchContext { key: key.clone() })
}

fn head(version: &VersionRecord) -> Head {
    Head { version: version.version.clone(), edit_info: version.edit_info.clone() }
}

fn asset_metadata(state: &State) -> AssetMetadataRecords {
    let records = state.metadata.iter().map(|(key, metadata)| (key.clone(), (**metadata).clone()));
    AssetMetadataRecords { records: records.collect(), damaged: Vec::new() }
}

fn asset_record(key: &AssetKey, asset: &Asset) -> AssetRecord {
    AssetRecord {
        key: key.clone(),
        data: asset.data.clone(),
        length: asset.bytes.len() as u64,
        digest: asset.digest.clone(),
    }
}

/// A file as it was; what an edit puts in its place is another one.
struct OpenAsset {
    record: AssetRecord,
    bytes: Arc<[u8]>,
}

impl AssetReader for OpenAsset {
    fn record(&self) -> &AssetRecord {
        &self.record
    }

    fn read_at(&mut self, start: u64, length: usize) -> Result<Vec<u8>, RuntimeError> {
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(self.bytes.len());
        let end = start.saturating_add(length).min(self.bytes.len());
        Ok(self.bytes[start..end].to_vec())
    }
}

impl Runtime for MemoryRuntime {
    fn contexts(&self) -> Result<Vec<ContextKey>, RuntimeError> {
        Ok(self.store().contexts.keys().cloned().collect())
    }

    fn context(&self, key: &ContextKey) -> Result<ContextRecord, RuntimeError> {
        let store = self.store();
        let context = find(&store, key)?;
        Ok(ContextRecord {
            key: key.clone(),
            root: context.root.clone(),
            draft: head(&context.draft.record),
            published: context.published.last().map(|v| head(&v.record)),
        })
    }

    fn usages(&self, context: &ContextKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        self.read(context, branch, BranchState::usages)
    }

    fn block(&self, usage: &UsageKey, branch: Branch) -> Result<BlockRecord, RuntimeError> {
        self.read(&usage.context_key(), branch, |state| {
            let block = state
                .blocks
                .get(usage)
                .ok_or_else(|| RuntimeError::NoSuchUsage { key: usage.clone(), branch })?;
            Ok(BlockRecord {
                usage: usage.clone(),
                definition: block.definition.clone(),
                data: block.data.clone(),
                edit_info: block.edit_info.clone(),
            })
        })
    }

    fn parents(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        self.read(&usage.context_key(), branch, |state| {
            if !state.blocks.contains_key(usage) {
                return Err(RuntimeError::NoSuchUsage { key: usage.clone(), branch });
            }
            BranchState::parents(state, usage)
        })
    }

    fn definition(&self, key: &DefinitionKey) -> Result<DefinitionRecord, RuntimeError> {
        self.store()
            .definitions
            .get(key)
            .cloned()
            .ok_or_else(|| RuntimeError::NoSuchDefinition { key: key.clone() })
    }

    fn assets(&self, context: &ContextKey, branch: Branch) -> Result<Vec<AssetRecord>, RuntimeError> {
        self.read(context, branch, |state| Ok(state.assets.iter().map(|(k, a)| asset_record(k, a)).collect()))
    }

    fn asset(&self, key: &AssetKey, branch: Branch) -> Result<AssetRecord, RuntimeError> {
        self.read(&key.context_key(), branch, |state| match state.assets.get(key) {
            Some(asset) => Ok(asset_record(key, asset)),
            None => Err(RuntimeError::NoSuchAsset { key: key.clone(), branch }),
        })
    }

    fn read_asset(&self, key: &AssetKey, branch: Branch) -> Result<Vec<u8>, RuntimeError> {
        self.read(&key.context_key(), branch, |state| match state.assets.get(key) {
            Some(asset) => Ok(asset.bytes.to_vec()),
            None => Err(RuntimeError::NoSuchAsset { key: key.clone(), branch }),
        })
    }

    fn open_asset(&self, key: &AssetKey, branch: Branch) -> Result<Box<dyn AssetReader>, RuntimeError> {
        self.read(&key.context_key(), branch, |state| match state.assets.get(key) {
            Some(asset) => {
                let (record, bytes) = (asset_record(key, asset), asset.bytes.clone());
                Ok(Box::new(OpenAsset { record, bytes }) as Box<dyn AssetReader>)
            }
            None => Err(RuntimeError::NoSuchAsset { key: key.clone(), branch }),
        })
    }

    fn asset_metadata(
        &self,
        context: &ContextKey,
        branch: Branch,
    ) -> Result<AssetMetadataRecords, RuntimeError> {
        self.read(context, branch, |state| Ok(asset_metadata(state)))
    }

    fn history(&self, context: &ContextKey, branch: Branch) -> Result<Vec<VersionRecord>, RuntimeError> {
        let store = self.store();
        let found = find(&store, context)?;
        match branch {
            Branch::Draft => Ok(vec![found.draft.record.clone()]),
            Branch::Published if found.published.is_empty() => {
                Err(RuntimeError::NoSuchBranch { key: context.clone(), branch })
            }
            Branch::Published => Ok(found.published.iter().rev().map(|v| v.record.clone()).collect()),
        }
    }

    fn version(&self, context: &ContextKey, version: &VersionId) -> Result<VersionContent, RuntimeError> {
        let store = self.store();
        let found = find(&store, context)?;
        let mut versions = found.published.iter().chain([&found.draft]);
        let at = versions.find(|v| v.record.version == *version).ok_or_else(|| {
            RuntimeError::NoSuchVersion { context: context.clone(), version: version.clone() }
        })?;
        let State { blocks, assets, .. } = &at.state;
        Ok(VersionContent {
            root: found.root.clone(),
            blocks: blocks.iter().map(|(usage, block)| (usage.clone(), Ok(block.data.clone()))).collect(),
            assets: Some(assets.iter().map(|(key, asset)| asset_record(key, asset)).collect()),
            asset_metadata: asset_metadata(&at.state),
        })
    }

    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, RuntimeError> {
        let store = self.store();
        let start = usize::try_from(after.0).unwrap_or(usize::MAX);
        match store.changes.get(start..) {
            Some(rest) => Ok(rest.iter().take(limit).cloned().collect()),
            None => Err(RuntimeError::NoSuchCursor { cursor: after }),
        }
    }

    fn commit(&self, edit: Edit) -> Result<Commit, RuntimeError> {
        let mut store = self.store();
        let old = store.contexts.get(&edit.context);
        let root = match (&edit.base, old) {
            (Base::New { .. }, Some(_)) => {
                return Err(RuntimeError::ContextExists { key: edit.context.clone() });
            }
            (Base::New { root }, None) => root.clone(),
            (_, None) => return Err(RuntimeError::NoSuchContext { key: edit.context.clone() }),
            (Base::Version(base), Some(old)) if *base != old.draft.record.version => {
                return Err(RuntimeError::Conflict {
                    context: edit.context.clone(),
                    base: base.clone(),
                    head: old.draft.record.version.clone(),
                });
            }
            (_, Some(old)) => old.root.clone(),
        };
        let versions: &[Version] = old.map_or(&[], |old| &old.published);
        let open_version: &OpenVersion<'_> = &|version| {
            let found = versions.iter().find(|v| v.record.version == *version);
            match found {
                Some(found) => Ok(Box::new(found.state.clone())),
                None => Err(RuntimeError::NoSuchVersion {
                    context: edit.context.clone(),
                    version: version.clone(),
                }),
            }
        };
        let empty = EmptyBranch;
        let draft: &dyn BranchState = old.map_or(&empty, |old| &old.draft.state);
        let published: &dyn BranchState =
            old.and_then(|old| old.published.last()).map_or(&empty as &dyn BranchState, |v| &v.state);
        let plan = Plan::make(&edit, draft, published, &root, open_version)?;

        let edit_info = EditInfo { edited_on: Some(self.clock.now()), edited_by: edit.author };
        let mut draft_state = old.map(|old| old.draft.state.clone()).unwrap_or_default();
        let draft_previous = old.map(|old| old.draft.record.version.clone());
        let mut published_versions = old.map(|old| old.published.clone()).unwrap_or_default();
        let mut new_changes = Vec::new();
        for stage in plan.stages {
            match stage {
                Stage::Draft { blocks, assets } => {
                    store.apply(&mut draft_state, &blocks, &edit_info);
                    for step in assets {
                        apply_asset(&mut draft_state, &published_versions, step)?;
                    }
                }
                Stage::Published { blocks, .. } => {
                    let last = published_versions.last();
                    let previous = last.map(|v| v.record.version.clone());
                    let mut state = last.map(|v| v.state.clone()).unwrap_or_default();
                    for usage in &blocks.deleted {
                        state.forget(usage);
                    }
                    for usage in blocks.put.keys() {
                        // Planned parents may differ from the draft's, so the data is the plan's.
                        let data = blocks.put[usage].clone();
                        let definition = match draft_state.blocks.get(usage) {
                            Some(block) if block.data.content == data.content => block.definition.clone(),
                            _ => store.define(usage, &data.content, state.blocks.get(usage)),
                        };
                        state.put(usage, Block { data, definition, edit_info: edit_info.clone() });
                    }
                    state.assets.clone_from(&draft_state.assets);
                    state.metadata.clone_from(&draft_state.metadata);
                    let record = store.version(previous, &edit_info, &edit.message);
                    new_changes.push((Branch::Published, record.version.clone()));
                    published_versions.push(Version { record, state });
                }
            }
        }
        let record = store.version(draft_previous, &edit_info, &edit.message);
        new_changes.push((Branch::Draft, record.version.clone()));
        let commit = Commit {
            draft: record.version.clone(),
            published: published_versions.last().map(|v| v.record.version.clone()),
        };
        for (branch, version) in new_changes {
            let cursor = Cursor(store.changes.len() as u64 + 1);
            let context = edit.context.clone();
            store.changes.push(Change { cursor, context, branch, version, edit_info: edit_info.clone() });
        }
        let context =
            Context { root, draft: Version { record, state: draft_state }, published: published_versions };
        store.contexts.insert(edit.context, context);
        Ok(commit)
    }

    fn origin(&self, context: &ContextKey) -> Result<Option<Origin>, RuntimeError> {
        let store = self.store();
        find(&store, context)?;
        Ok(store.origins.get(context).cloned())
    }

    fn keep_origin(&self, context: &ContextKey, origin: Option<&Origin>) -> Result<(), RuntimeError> {
        let mut store = self.store();
        find(&store, context)?;
        match origin {
            Some(origin) => drop(store.origins.insert(context.clone(), origin.clone())),
            None => drop(store.origins.remove(context)),
        }
        Ok(())
    }
}

fn apply_asset(draft: &mut State, published: &[Version], step: AssetStep) -> Result<(), RuntimeError> {
    match step {
        AssetStep::Put { key, data, content } => {
            let mut bytes = Vec::new();
            content
                .open()
                .and_then(|mut reader| reader.read_to_end(&mut bytes))
                .map_err(|error| RuntimeError::storage(format!("reading the bytes of {key}"), error))?;
            let digest = ContentDigest::of(&bytes);
            draft.assets.insert(key, Asset { data, bytes: bytes.into(), digest });
        }
        AssetStep::Delete { key } => {
            draft.assets.remove(&key);
        }
        AssetStep::PutMetadata { key, metadata } => drop(draft.metadata.insert(key, metadata)),
        AssetStep::DeleteMetadata { key } => drop(draft.metadata.remove(&key)),
        AssetStep::TakePublished => {
            let published = published.last();
            draft.assets = published.map(|v| v.state.assets.clone()).unwrap_or_default();
            draft.metadata = published.map(|v| v.state.metadata.clone()).unwrap_or_default();
        }
        AssetStep::TakeVersion(version) => {
            if let Some(found) = published.iter().find(|v| v.record.version == version) {
                draft.assets.clone_from(&found.state.assets);
                draft.metadata.clone_from(&found.state.metadata);
            }
        }
    }
    Ok(())
}
