//! A runtime that only imports may change, as the LMS uses its modulestore.

use std::sync::Arc;

use xblock_core::keys::{AssetKey, ContextKey, DefinitionKey, UsageKey};
use xblock_core::runtime::{
    AssetMetadataRecords, AssetReader, AssetRecord, BlockAsset, BlockRecord, Branch, Change, Commit,
    ContextRecord, Cursor, DefinitionRecord, Edit, Origin, Runtime, RuntimeError, Unlisted, VersionContent,
    VersionId, VersionRecord,
};

use crate::forward::forward;

/// Reads as the runtime within and refuses every write with [`RuntimeError::ReadOnly`].
///
/// What imports courses asks for [`ReadOnlyRuntime::for_imports`], so that whoever changes something says so.
pub struct ReadOnlyRuntime {
    within: Arc<dyn Runtime>,
}

impl ReadOnlyRuntime {
    /// Wraps a runtime.
    #[must_use]
    pub fn new(within: Arc<dyn Runtime>) -> Self {
        Self { within }
    }

    /// Returns the runtime that imports write to.
    #[must_use]
    pub fn for_imports(&self) -> &Arc<dyn Runtime> {
        &self.within
    }
}

#[deny(clippy::missing_trait_methods)]
impl Runtime for ReadOnlyRuntime {
    forward! { to within:
        contexts, damaged_contexts, context, usages, unlisted, block, parents, definition, assets, asset_metadata, asset, read_asset, open_asset,
        block_assets, read_block_asset, open_block_asset, history, version, changes, is_feed_behind, origin,
    }

    fn commit(&self, _: Edit) -> Result<Commit, RuntimeError> {
        Err(RuntimeError::ReadOnly)
    }

    fn keep_origin(&self, _: &ContextKey, _: Option<&Origin>) -> Result<(), RuntimeError> {
        Err(RuntimeError::ReadOnly)
    }
}
