//! Turns an edit's steps into the blocks that change, once for every backend.
//!
//! A backend opens its two branches as [`BranchState`]s, asks for the [`Plan`] and writes the stages in order. What a
//! step means (which parents change, which descendants go, what a subtree's publish takes along) is decided here.

mod overlay;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::fields::{Json, MAX_DEPTH, is_too_deep};
use crate::keys::{AssetKey, ContextKey, UsageKey};

use self::overlay::Overlay;
use super::asset_metadata::AssetMetadata;
use super::edit::{Base, Edit, EditOp, Extent};
use super::error::RuntimeError;
use super::record::{AssetData, AssetSource, BlockData, Branch, VersionId};

/// The state of one branch, as a backend reads it while planning an edit.
pub trait BranchState {
    /// Returns what was written of a block, or none where the branch does not have it.
    ///
    /// # Errors
    /// The store's own.
    fn block(&self, usage: &UsageKey) -> Result<Option<Arc<BlockData>>, RuntimeError>;

    /// Returns every block that lists this one among its children, in key order.
    ///
    /// # Errors
    /// The store's own.
    fn parents(&self, usage: &UsageKey) -> Result<Vec<UsageKey>, RuntimeError>;

    /// Returns every block of the branch, in key order.
    ///
    /// # Errors
    /// The store's own.
    fn usages(&self) -> Result<Vec<UsageKey>, RuntimeError>;

    /// Says whether the branch has a static file.
    ///
    /// # Errors
    /// The store's own.
    fn has_asset(&self, key: &AssetKey) -> Result<bool, RuntimeError>;
}

/// A branch without anything in it.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmptyBranch;

impl BranchState for EmptyBranch {
    fn block(&self, _: &UsageKey) -> Result<Option<Arc<BlockData>>, RuntimeError> {
        Ok(None)
    }
    fn parents(&self, _: &UsageKey) -> Result<Vec<UsageKey>, RuntimeError> {
        Ok(Vec::new())
    }
    fn usages(&self) -> Result<Vec<UsageKey>, RuntimeError> {
        Ok(Vec::new())
    }
    fn has_asset(&self, _: &AssetKey) -> Result<bool, RuntimeError> {
        Ok(false)
    }
}

/// Blocks to write and blocks to delete in one branch; no block is in both.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BlockChanges {
    /// Blocks as they are from now on.
    pub put: BTreeMap<UsageKey, Arc<BlockData>>,
    /// Blocks that are gone.
    pub deleted: BTreeSet<UsageKey>,
}

impl BlockChanges {
    /// Says whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.deleted.is_empty()
    }
}

/// A change to the draft's static files.
#[derive(Clone)]
pub enum AssetStep {
    /// Create or replace one.
    Put {
        /// The file.
        key: AssetKey,
        /// Its attributes.
        data: AssetData,
        /// Its bytes.
        content: Arc<dyn AssetSource>,
    },
    /// Delete one.
    Delete {
        /// The file.
        key: AssetKey,
    },
    /// Set what is said about one, which need not exist.
    PutMetadata {
        /// The file.
        key: AssetKey,
        /// What is said about it.
        metadata: Arc<AssetMetadata>,
    },
    /// Forget what is said about one.
    DeleteMetadata {
        /// The file.
        key: AssetKey,
    },
    /// Make all of them what the published branch has.
    TakePublished,
    /// Make all of them what an older published version had.
    TakeVersion(VersionId),
}

/// A run of changes to one branch.
#[derive(Clone)]
pub enum Stage {
    /// Changes to the draft.
    Draft {
        /// Its blocks.
        blocks: BlockChanges,
        /// Its static files, in order.
        assets: Vec<AssetStep>,
    },
    /// A new published version: these blocks change and all static files become what the draft has here.
    Published {
        /// Its blocks.
        blocks: BlockChanges,
        /// Whether the whole draft was published, so that both branches are equal here.
        extent: Extent,
    },
}

/// What an edit does to a store, stage by stage.
#[derive(Clone, Default)]
pub struct Plan {
    /// The stages in order.
    pub stages: Vec<Stage>,
}

/// Gives the planner an older version of the published branch.
pub type OpenVersion<'a> = dyn Fn(&VersionId) -> Result<Box<dyn BranchState + 'a>, RuntimeError> + 'a;

impl Plan {
    /// Works out what an edit changes.
    ///
    /// # Errors
    /// Every situation of [`RuntimeError`] that an author can cause, and the store's own.
    pub fn make<'a>(
        edit: &Edit,
        draft: &'a dyn BranchState,
        published: &'a dyn BranchState,
        root: &UsageKey,
        open_version: &OpenVersion<'a>,
    ) -> Result<Self, RuntimeError> {
        let mut planner = Planner {
            context: &edit.context,
            root,
            draft: Overlay::new(draft, Branch::Draft),
            published: Overlay::new(published, Branch::Published),
            assets: Vec::new(),
            asset_overlay: BTreeMap::new(),
            stages: Vec::new(),
        };
        for op in &edit.ops {
            refuse_deep_values(op)?;
            planner.step(op, open_version)?;
        }
        planner.flush_draft();
        if matches!(edit.base, Base::New { .. }) && planner.draft.block(root)?.is_none() {
            return Err(RuntimeError::NoSuchUsage { key: root.clone(), branch: Branch::Draft });
        }
        Ok(Self { stages: planner.stages })
    }
}

/// Refuses values that whoever reads them back could not take apart.
fn refuse_deep_values(op: &EditOp) -> Result<(), RuntimeError> {
    fn refuse<'j>(
        values: impl IntoIterator<Item = (&'j Arc<str>, &'j Json)>,
        place: &dyn std::fmt::Display,
    ) -> Result<(), RuntimeError> {
        match values.into_iter().find(|(_, value)| is_too_deep(value)) {
            None => Ok(()),
            Some((name, _)) => Err(RuntimeError::Unstorable {
                place: format!("field {name:?} of {place}"),
                reason: format!("its value is nested deeper than {MAX_DEPTH} levels"),
            }),
        }
    }
    match op {
        EditOp::PutBlock { usage, data } => {
            let BlockData { content, settings, defaults, asides, .. } = &**data;
            let asides = asides.iter().map(|aside| &aside.fields);
            [content, settings, defaults].into_iter().chain(asides).try_for_each(|map| refuse(map, usage))
        }
        EditOp::PatchBlock { usage, patch } => {
            let set = patch.content.iter().chain(&patch.settings);
            refuse(set.filter_map(|(name, value)| Some((name, value.as_ref()?))), usage)
        }
        EditOp::PutAsset { key, data, .. } => refuse(&data.extra, key),
        EditOp::PutAssetMetadata { key, metadata } => {
            refuse(metadata.fields.iter().chain(&metadata.extra), key)
        }
        _ => Ok(()),
    }
}

struct Planner<'a, 'e> {
    context: &'e ContextKey,
    root: &'e UsageKey,
    draft: Overlay<'a>,
    published: Overlay<'a>,
    assets: Vec<AssetStep>,
    /// Whether a static file is there after the steps so far; absent means as in the base.
    asset_overlay: BTreeMap<AssetKey, bool>,
    stages: Vec<Stage>,
}

impl<'a> Planner<'a, '_> {
    fn step(&mut self, op: &EditOp, open_version: &OpenVersion<'a>) -> Result<(), RuntimeError> {
        match op {
            EditOp::PutBlock { usage, data } => self.put(usage, data.clone()),
            EditOp::PatchBlock { usage, patch } => {
                let mut data = (*self.draft.require(usage)?).clone();
                patch.apply(&mut data);
                self.put(usage, Arc::new(data))
            }
            EditOp::DeleteBlock { usage } => self.delete(usage),
            EditOp::MoveBlock { usage, parent, position } => self.shift(usage, parent, *position),
            EditOp::PutAsset { key, data, content } => {
                self.check_context(&key.context_key(), key)?;
                self.asset_overlay.insert(key.clone(), true);
                self.assets.push(AssetStep::Put {
                    key: key.clone(),
                    data: data.clone(),
                    content: content.clone(),
                });
                Ok(())
            }
            EditOp::DeleteAsset { key } => {
                let there = match self.asset_overlay.get(key) {
                    Some(there) => *there,
                    None => self.draft.base.has_asset(key)?,
                };
                if !there {
                    return Err(RuntimeError::NoSuchAsset { key: key.clone(), branch: Branch::Draft });
                }
                self.asset_overlay.insert(key.clone(), false);
                self.assets.push(AssetStep::Delete { key: key.clone() });
                Ok(())
            }
            EditOp::PutAssetMetadata { key, metadata } => {
                self.check_context(&key.context_key(), key)?;
                let (key, metadata) = (key.clone(), metadata.clone());
                self.assets.push(AssetStep::PutMetadata { key, metadata });
                Ok(())
            }
            EditOp::DeleteAssetMetadata { key } => {
                self.check_context(&key.context_key(), key)?;
                self.assets.push(AssetStep::DeleteMetadata { key: key.clone() });
                Ok(())
            }
            EditOp::Publish(extent) => self.publish(extent),
            EditOp::Discard(extent) => self.discard(extent),
            EditOp::Restore(version) => {
                let state = open_version(version)?;
                self.take_over(&*state)?;
                self.assets.push(AssetStep::TakeVersion(version.clone()));
                Ok(())
            }
        }
    }

    fn check_context(&self, found: &ContextKey, key: &dyn std::fmt::Display) -> Result<(), RuntimeError> {
        if found == self.context {
            return Ok(());
        }
        Err(RuntimeError::WrongContext { key: key.to_string(), context: self.context.clone() })
    }

    fn put(&mut self, usage: &UsageKey, data: Arc<BlockData>) -> Result<(), RuntimeError> {
        self.check_context(&usage.context_key(), usage)?;
        for child in &data.children {
            self.check_context(&child.context_key(), child)?;
        }
        self.refuse_cycle(usage, &data.children)?;
        self.draft.put(usage, data);
        Ok(())
    }

    /// Refuses children that are the block itself or stand above it.
    fn refuse_cycle(&self, usage: &UsageKey, children: &[UsageKey]) -> Result<(), RuntimeError> {
        if children.is_empty() {
            return Ok(());
        }
        let children: BTreeSet<_> = children.iter().collect();
        let mut seen = BTreeSet::new();
        let mut queue = VecDeque::from([usage.clone()]);
        while let Some(above) = queue.pop_front() {
            if children.contains(&above) {
                return Err(RuntimeError::ChildCycle { usage: above });
            }
            if seen.insert(above.clone()) {
                queue.extend(self.draft.parents(&above)?);
            }
        }
        Ok(())
    }

    fn refuse_root(&self, usage: &UsageKey) -> Result<(), RuntimeError> {
        if usage == self.root {
            return Err(RuntimeError::RootIsFixed { usage: usage.clone() });
        }
        Ok(())
    }

    fn delete(&mut self, usage: &UsageKey) -> Result<(), RuntimeError> {
        self.refuse_root(usage)?;
        if !self.draft.contains(usage)? {
            return Err(RuntimeError::NoSuchUsage { key: usage.clone(), branch: Branch::Draft });
        }
        for parent in self.draft.parents(usage)? {
            self.draft.without_child(&parent, usage)?;
        }
        self.draft.delete_with_orphans([usage.clone()])
    }

    fn shift(&mut self, usage: &UsageKey, parent: &UsageKey, position: usize) -> Result<(), RuntimeError> {
        self.refuse_root(usage)?;
        self.draft.require(usage)?;
        self.draft.require(parent)?;
        for old in self.draft.parents(usage)? {
            self.draft.without_child(&old, usage)?;
        }
        self.refuse_cycle(parent, std::slice::from_ref(usage))?;
        self.draft.with_child(parent, usage, position)
    }

    fn publish(&mut self, extent: &Extent) -> Result<(), RuntimeError> {
        self.flush_draft();
        match extent {
            Extent::All => {
                for usage in self.draft.usages()? {
                    let data = self.draft.require(&usage)?;
                    // What cannot be read is replaced.
                    if self.published.readable(&usage)?.as_ref() != Some(&data) {
                        self.published.put(&usage, data);
                    }
                }
                for usage in self.published.usages()? {
                    if !self.draft.contains(&usage)? {
                        self.published.delete(&usage);
                    }
                }
            }
            Extent::Subtree(top) => self.publish_subtree(top)?,
        }
        let blocks = self.published.take_pending();
        self.stages.push(Stage::Published { blocks, extent: extent.clone() });
        Ok(())
    }

    /// Follows Split's copy rule (modulestore reference, section 7): a published parent takes the draft's order,
    /// restricted to what is published already and this block; what the draft dropped goes if nothing else holds it.
    fn publish_subtree(&mut self, top: &UsageKey) -> Result<(), RuntimeError> {
        self.draft.require(top)?;
        let mut dropped = BTreeSet::new();
        let parents = self.draft.parents(top)?;
        let mut below_published = parents.is_empty();
        for parent in &parents {
            if !self.published.contains(parent)? {
                continue;
            }
            below_published = true;
            // Learners' list stays as it is where it cannot be read.
            let Some(published) = self.published.readable(parent)? else { continue };
            let mut changed = (*published).clone();
            match self.draft.readable(parent)? {
                Some(draft) => {
                    let stays = |c: &&UsageKey| *c == top || published.children.contains(c);
                    changed.children = draft.children.iter().filter(stays).cloned().collect();
                }
                // The order authors gave it is not known.
                None if published.children.contains(top) => {}
                None => changed.children.push(top.clone()),
            }
            dropped.extend(published.children.iter().filter(|c| !changed.children.contains(c)).cloned());
            if changed != *published {
                self.published.put(parent, Arc::new(changed));
            }
        }
        if !below_published && let Some(parent) = parents.into_iter().next() {
            return Err(RuntimeError::ParentNotPublished { usage: top.clone(), parent });
        }
        for usage in self.draft.subtree(top)? {
            let data = self.draft.require(&usage)?;
            let published = self.published.readable(&usage)?;
            if let Some(published) = &published {
                dropped.extend(published.children.iter().filter(|c| !data.children.contains(c)).cloned());
            }
            if published.as_ref() != Some(&data) {
                self.published.put(&usage, data);
            }
        }
        let mut orphans = Vec::new();
        for usage in dropped {
            if usage != *self.root && self.published.parents(&usage)?.is_empty() {
                orphans.push(usage);
            }
        }
        self.published.delete_with_orphans(orphans)
    }

    fn discard(&mut self, extent: &Extent) -> Result<(), RuntimeError> {
        match extent {
            Extent::All => {
                let usages = self.published.usages()?;
                if usages.is_empty() {
                    return Err(RuntimeError::NoSuchBranch {
                        key: self.context.clone(),
                        branch: Branch::Published,
                    });
                }
                for usage in self.draft.usages()? {
                    if !usages.contains(&usage) {
                        self.draft.delete(&usage);
                    }
                }
                for usage in usages {
                    let data = self.published.require(&usage)?;
                    if self.draft.readable(&usage)?.as_ref() != Some(&data) {
                        self.draft.put(&usage, data);
                    }
                }
                self.asset_overlay.clear();
                self.assets.push(AssetStep::TakePublished);
                Ok(())
            }
            Extent::Subtree(top) => self.discard_subtree(top),
        }
    }

    /// Takes a published subtree back into the draft. Its place in the draft stays, unless the draft lost it.
    fn discard_subtree(&mut self, top: &UsageKey) -> Result<(), RuntimeError> {
        self.published.require(top)?;
        if !self.draft.contains(top)? {
            for parent in self.published.parents(top)? {
                // There is no place in a list that cannot be read.
                let Some(draft) = self.draft.readable(&parent)? else { continue };
                let Some(published) = self.published.readable(&parent)? else { continue };
                let before: BTreeSet<_> = published.children.iter().take_while(|c| *c != top).collect();
                let position = draft.children.iter().rposition(|c| before.contains(c)).map_or(0, |at| at + 1);
                self.draft.with_child(&parent, top, position)?;
            }
        }
        let old: Vec<_> = self.draft.subtree(top)?;
        for usage in self.published.subtree(top)? {
            let data = self.published.require(&usage)?;
            self.refuse_cycle(&usage, &data.children)?;
            if self.draft.readable(&usage)?.as_ref() != Some(&data) {
                self.draft.put(&usage, data);
            }
        }
        let mut orphans = Vec::new();
        for usage in old {
            if usage != *top && usage != *self.root && self.draft.parents(&usage)?.is_empty() {
                orphans.push(usage);
            }
        }
        self.draft.delete_with_orphans(orphans)
    }

    /// Makes the draft what another state is.
    fn take_over(&mut self, state: &dyn BranchState) -> Result<(), RuntimeError> {
        let usages: BTreeSet<_> = state.usages()?.into_iter().collect();
        for usage in self.draft.usages()? {
            if !usages.contains(&usage) {
                self.draft.delete(&usage);
            }
        }
        for usage in usages {
            let data = state
                .block(&usage)?
                .ok_or_else(|| RuntimeError::NoSuchUsage { key: usage.clone(), branch: Branch::Published })?;
            if self.draft.readable(&usage)?.as_ref() != Some(&data) {
                self.draft.put(&usage, data);
            }
        }
        Ok(())
    }

    fn flush_draft(&mut self) {
        let blocks = self.draft.take_pending();
        let assets = std::mem::take(&mut self.assets);
        if !blocks.is_empty() || !assets.is_empty() {
            self.stages.push(Stage::Draft { blocks, assets });
        }
    }
}
