//! What an author wants done: an ordered list of operations that becomes visible at once or not at all.

use std::sync::Arc;

use crate::fields::Json;
use crate::keys::{AssetKey, ContextKey, UsageKey};

use super::asset_metadata::AssetMetadata;
use super::record::{AssetData, AssetSource, BlockData, VersionId};

/// The state an edit was made on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// The context must not exist; the edit makes it, with this block as its root.
    New {
        /// The root's usage; the edit must put this block.
        root: UsageKey,
    },
    /// The draft must still be at this version, else the commit is a conflict.
    Version(VersionId),
    /// Whatever the draft is; for callers that own the context.
    Any,
}

/// Which part of a context is published or discarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// Everything, detached and orphaned blocks included.
    All,
    /// One block and all below it.
    ///
    /// In its parents only the place of this block is taken over. A block whose last parent goes is deleted.
    Subtree(UsageKey),
}

/// One step of an edit. Steps act on the draft branch, in order; only `Publish` touches the published one.
#[derive(Clone)]
pub enum EditOp {
    /// Creates a block or replaces all that was written of it.
    PutBlock {
        /// The block.
        usage: UsageKey,
        /// What it is from now on.
        data: Arc<BlockData>,
    },
    /// Sets and unsets single fields of a block that exists.
    PatchBlock {
        /// The block.
        usage: UsageKey,
        /// The changes.
        patch: BlockPatch,
    },
    /// Takes a block out of all its parents and deletes it, with every descendant that loses its last parent.
    DeleteBlock {
        /// The block; not the root.
        usage: UsageKey,
    },
    /// Takes a block out of all its parents and puts it below another.
    MoveBlock {
        /// The block; not the root.
        usage: UsageKey,
        /// Its new parent.
        parent: UsageKey,
        /// Its place among the children; past the end means last.
        position: usize,
    },
    /// Creates or replaces a static file.
    PutAsset {
        /// The file.
        key: AssetKey,
        /// Its attributes.
        data: AssetData,
        /// Its bytes.
        content: Arc<dyn AssetSource>,
    },
    /// Deletes a static file.
    DeleteAsset {
        /// The file.
        key: AssetKey,
    },
    /// Sets what is said about a file, which need not exist. It goes along with the static files wherever they go.
    PutAssetMetadata {
        /// The file.
        key: AssetKey,
        /// What is said about it from now on.
        metadata: Arc<AssetMetadata>,
    },
    /// Forgets what is said about a file; nothing may be said about it.
    DeleteAssetMetadata {
        /// The file.
        key: AssetKey,
    },
    /// Makes the draft, or a subtree of it, what learners see. Changes to static files always go along.
    Publish(Extent),
    /// Makes the draft, or a subtree of it, what is published. `All` takes changes to static files back too.
    Discard(Extent),
    /// Makes the draft what an older version of the published branch was.
    Restore(VersionId),
}

/// Changes to single fields of a block.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BlockPatch {
    /// Content fields to set (`Some`) or unset (`None`).
    pub content: Vec<(Arc<str>, Option<Json>)>,
    /// Settings fields to set (`Some`) or unset (`None`).
    pub settings: Vec<(Arc<str>, Option<Json>)>,
    /// The new list of children, where it changes.
    pub children: Option<Vec<UsageKey>>,
}

impl BlockPatch {
    /// Applies the changes to what was written before.
    pub fn apply(&self, data: &mut BlockData) {
        for (map, changes) in [(&mut data.content, &self.content), (&mut data.settings, &self.settings)] {
            for (name, value) in changes {
                match value {
                    Some(value) => map.insert(name.clone(), value.clone()),
                    None => map.shift_remove(name),
                };
            }
        }
        if let Some(children) = &self.children {
            data.children.clone_from(children);
        }
    }
}

/// A list of operations on one context that is committed as one.
#[derive(Clone)]
pub struct Edit {
    /// The context, without branch and version.
    pub context: ContextKey,
    /// The state it was made on.
    pub base: Base,
    /// The steps.
    pub ops: Vec<EditOp>,
    /// Who makes it; stores that keep no user ignore it.
    pub author: Option<i64>,
    /// What to say about it in the history.
    pub message: String,
}

impl Edit {
    /// Begins an edit without steps.
    #[must_use]
    pub fn new(context: ContextKey, base: Base) -> Self {
        Self { context, base, ops: Vec::new(), author: None, message: String::new() }
    }

    /// Adds a step.
    #[must_use]
    pub fn with(mut self, op: EditOp) -> Self {
        self.ops.push(op);
        self
    }

    /// Adds a step that creates or replaces a block.
    #[must_use]
    pub fn put(self, usage: UsageKey, data: BlockData) -> Self {
        self.with(EditOp::PutBlock { usage, data: Arc::new(data) })
    }

    /// Adds a step that publishes everything.
    #[must_use]
    pub fn publish_all(self) -> Self {
        self.with(EditOp::Publish(Extent::All))
    }
}

/// What a commit made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The draft's version after it.
    pub draft: VersionId,
    /// The published branch's version after it, where there is one.
    pub published: Option<VersionId>,
}
