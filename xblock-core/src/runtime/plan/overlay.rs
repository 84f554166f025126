//! What a branch is after the steps so far.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::{BlockChanges, BranchState};
use crate::keys::UsageKey;
use crate::runtime::error::RuntimeError;
use crate::runtime::record::{BlockData, Branch};

/// A branch with the changes of the edit so far laid over it.
pub(super) struct Overlay<'a> {
    pub(super) base: &'a dyn BranchState,
    branch: Branch,
    /// `None` is a deleted block.
    blocks: BTreeMap<UsageKey, Option<Arc<BlockData>>>,
    /// For each child, the overlaid blocks that list it.
    parents: BTreeMap<UsageKey, BTreeSet<UsageKey>>,
    /// What changed since the last stage.
    pending: BlockChanges,
}

impl<'a> Overlay<'a> {
    pub(super) fn new(base: &'a dyn BranchState, branch: Branch) -> Self {
        Self {
            base,
            branch,
            blocks: BTreeMap::new(),
            parents: BTreeMap::new(),
            pending: BlockChanges::default(),
        }
    }

    pub(super) fn block(&self, usage: &UsageKey) -> Result<Option<Arc<BlockData>>, RuntimeError> {
        match self.blocks.get(usage) {
            Some(overlaid) => Ok(overlaid.clone()),
            None => self.base.block(usage),
        }
    }

    pub(super) fn require(&self, usage: &UsageKey) -> Result<Arc<BlockData>, RuntimeError> {
        self.block(usage)?
            .ok_or_else(|| RuntimeError::NoSuchUsage { key: usage.clone(), branch: self.branch })
    }

    /// Says whether the block is there, be it damaged.
    pub(super) fn contains(&self, usage: &UsageKey) -> Result<bool, RuntimeError> {
        match self.block(usage) {
            Err(error) if error.is_damage() => Ok(true),
            block => Ok(block?.is_some()),
        }
    }

    /// As [`Overlay::block`], for what is replaced: a damaged block is not what will be there.
    pub(super) fn readable(&self, usage: &UsageKey) -> Result<Option<Arc<BlockData>>, RuntimeError> {
        match self.block(usage) {
            Err(error) if error.is_damage() => Ok(None),
            block => block,
        }
    }

    pub(super) fn parents(&self, usage: &UsageKey) -> Result<BTreeSet<UsageKey>, RuntimeError> {
        let mut parents: BTreeSet<_> =
            self.base.parents(usage)?.into_iter().filter(|p| !self.blocks.contains_key(p)).collect();
        if let Some(overlaid) = self.parents.get(usage) {
            parents.extend(overlaid.iter().cloned());
        }
        Ok(parents)
    }

    pub(super) fn usages(&self) -> Result<BTreeSet<UsageKey>, RuntimeError> {
        let mut usages: BTreeSet<_> = self.base.usages()?.into_iter().collect();
        for (usage, overlaid) in &self.blocks {
            if overlaid.is_some() {
                usages.insert(usage.clone());
            } else {
                usages.remove(usage);
            }
        }
        Ok(usages)
    }

    pub(super) fn forget_children(&mut self, usage: &UsageKey) {
        if let Some(Some(old)) = self.blocks.get(usage) {
            for child in &old.children {
                if let Some(parents) = self.parents.get_mut(child) {
                    parents.remove(usage);
                }
            }
        }
    }

    pub(super) fn put(&mut self, usage: &UsageKey, data: Arc<BlockData>) {
        self.forget_children(usage);
        for child in &data.children {
            self.parents.entry(child.clone()).or_default().insert(usage.clone());
        }
        self.pending.deleted.remove(usage);
        self.pending.put.insert(usage.clone(), data.clone());
        self.blocks.insert(usage.clone(), Some(data));
    }

    pub(super) fn delete(&mut self, usage: &UsageKey) {
        self.forget_children(usage);
        self.pending.put.remove(usage);
        self.pending.deleted.insert(usage.clone());
        self.blocks.insert(usage.clone(), None);
    }

    /// Deletes blocks and every descendant that thereby loses its last parent. What is below a damaged one is not known.
    pub(super) fn delete_with_orphans(
        &mut self,
        usages: impl IntoIterator<Item = UsageKey>,
    ) -> Result<(), RuntimeError> {
        let mut queue: VecDeque<_> = usages.into_iter().collect();
        while let Some(usage) = queue.pop_front() {
            if !self.contains(&usage)? {
                continue;
            }
            let data = self.readable(&usage)?;
            self.delete(&usage);
            for child in data.iter().flat_map(|data| &data.children) {
                if self.parents(child)?.is_empty() {
                    queue.push_back(child.clone());
                }
            }
        }
        Ok(())
    }

    /// Takes a child out of a list; that of a damaged block stays as it is.
    pub(super) fn without_child(&mut self, parent: &UsageKey, child: &UsageKey) -> Result<(), RuntimeError> {
        if let Some(data) = self.readable(parent)? {
            let mut changed = (*data).clone();
            changed.children.retain(|c| c != child);
            self.put(parent, Arc::new(changed));
        }
        Ok(())
    }

    pub(super) fn with_child(
        &mut self,
        parent: &UsageKey,
        child: &UsageKey,
        position: usize,
    ) -> Result<(), RuntimeError> {
        let mut changed = (*self.require(parent)?).clone();
        let position = position.min(changed.children.len());
        changed.children.insert(position, child.clone());
        self.put(parent, Arc::new(changed));
        Ok(())
    }

    /// Lists a block and all that exist below it, each once, parents before children. What is below a damaged one is not known.
    pub(super) fn subtree(&self, top: &UsageKey) -> Result<Vec<UsageKey>, RuntimeError> {
        let mut seen = BTreeSet::from([top.clone()]);
        let mut order = Vec::new();
        let mut queue = VecDeque::from([top.clone()]);
        while let Some(usage) = queue.pop_front() {
            if !self.contains(&usage)? {
                continue;
            }
            let data = self.readable(&usage)?;
            order.push(usage);
            for child in data.iter().flat_map(|data| &data.children) {
                if seen.insert(child.clone()) {
                    queue.push_back(child.clone());
                }
            }
        }
        Ok(order)
    }

    pub(super) fn take_pending(&mut self) -> BlockChanges {
        std::mem::take(&mut self.pending)
    }
}
