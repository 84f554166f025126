//! The smallest edit that makes one branch state of another.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use xblock_core::keys::UsageKey;
use xblock_core::runtime::{BlockPatch, EditOp};

use crate::branch_content::{BranchContent, unlisted_assets};
use crate::error::CoursewareError;

/// How much an edit changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct ChangeCounts {
    /// Blocks that were not there before.
    pub blocks_added: usize,
    /// Blocks that were there and differ.
    pub blocks_changed: usize,
    /// Blocks that are gone.
    pub blocks_deleted: usize,
    /// Static files that were not there before.
    pub assets_added: usize,
    /// Static files that were there and differ.
    pub assets_changed: usize,
    /// Static files that are gone.
    pub assets_deleted: usize,
    /// Files, which need not exist, about which something else is said.
    pub asset_metadata: usize,
}

impl ChangeCounts {
    /// Says whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for ChangeCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            blocks_added,
            blocks_changed,
            blocks_deleted,
            assets_added,
            assets_changed,
            assets_deleted,
            asset_metadata,
        } = self;
        write!(f, "blocks: {blocks_added} added, {blocks_changed} changed, {blocks_deleted} deleted; ")?;
        write!(f, "static files: {assets_added} added, {assets_changed} changed, {assets_deleted} deleted")?;
        if *asset_metadata > 0 {
            write!(f, "; records about files: {asset_metadata} changed")?;
        }
        Ok(())
    }
}

/// The steps from one state to another.
#[derive(Clone, Default)]
pub struct EditSteps {
    /// The steps in order.
    pub ops: Vec<EditOp>,
    /// What they amount to.
    pub counts: ChangeCounts,
}

impl EditSteps {
    /// Works out what has to be done to `from` so that it becomes `to`. Equal blocks and files are not touched.
    ///
    /// First the children of every block that will have others are let go, so that no step on the way makes a circle and
    /// no deletion takes along what stays; then what is gone is deleted; then what is new or different is put. A block that
    /// cannot be read in `to` stays as it is.
    ///
    /// # Errors
    /// What reading the bytes of static files gives.
    pub fn between(from: &BranchContent, to: &BranchContent) -> Result<Self, CoursewareError> {
        let mut steps = Self::default();
        let gone: BTreeSet<&UsageKey> = from
            .blocks
            .keys()
            .chain(from.damaged.keys())
            .filter(|usage| !to.blocks.contains_key(*usage) && !to.damaged.contains_key(*usage))
            .collect();
        // Deleting a block and planning its children takes reading it, so an empty one takes a damaged one's place first.
        for usage in from.damaged.keys().filter(|usage| !to.damaged.contains_key(*usage)) {
            steps.ops.push(EditOp::PutBlock { usage: usage.clone(), data: Arc::default() });
        }
        for (usage, old) in &from.blocks {
            let keeps_children = to.damaged.contains_key(usage)
                || to.blocks.get(usage).is_some_and(|new| new.children == old.children);
            if !keeps_children && !old.children.is_empty() {
                let patch = BlockPatch { children: Some(Vec::new()), ..BlockPatch::default() };
                steps.ops.push(EditOp::PatchBlock { usage: usage.clone(), patch });
            }
        }
        for usage in &gone {
            steps.ops.push(EditOp::DeleteBlock { usage: (*usage).clone() });
        }
        for (usage, new) in &to.blocks {
            let old = from.blocks.get(usage);
            let differs = old != Some(new);
            // A child that does not exist may be named; deleting it above took the name out of the list as well.
            if differs || new.children.iter().any(|child| gone.contains(child)) {
                steps.ops.push(EditOp::PutBlock { usage: usage.clone(), data: new.clone() });
            }
            match old {
                None if from.damaged.contains_key(usage) => steps.counts.blocks_changed += 1,
                None => steps.counts.blocks_added += 1,
                Some(_) if differs => steps.counts.blocks_changed += 1,
                Some(_) => {}
            }
        }
        steps.counts.blocks_deleted = gone.len();
        steps.assets(from, to)?;
        steps.metadata(from, to);
        Ok(steps)
    }

    fn metadata(&mut self, from: &BranchContent, to: &BranchContent) {
        let before = self.ops.len();
        self.ops.extend(from.metadata_steps(to));
        self.counts.asset_metadata = self.ops.len() - before;
    }

    fn assets(&mut self, from: &BranchContent, to: &BranchContent) -> Result<(), CoursewareError> {
        // What cannot be read on the wanted side stays as it is.
        let kept: BTreeSet<_> = unlisted_assets(to).collect();
        for key in from.assets.keys().filter(|key| !to.assets.contains_key(*key) && !kept.contains(key)) {
            self.ops.push(EditOp::DeleteAsset { key: key.clone() });
            self.counts.assets_deleted += 1;
        }
        for (key, new) in &to.assets {
            match from.assets.get(key) {
                None => self.counts.assets_added += 1,
                Some(old) => {
                    if old.is_same(new).map_err(|source| CoursewareError::asset(key, source))? {
                        continue;
                    }
                    self.counts.assets_changed += 1;
                }
            }
            self.ops.push(EditOp::PutAsset {
                key: key.clone(),
                data: new.data.clone(),
                content: new.source.clone(),
            });
        }
        Ok(())
    }
}
