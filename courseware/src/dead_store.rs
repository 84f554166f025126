//! A store of a site that does not open.

use xblock_core::keys::{AssetKey, ContextKey, DefinitionKey, UsageKey};
use xblock_core::runtime::{
    AssetMetadataRecords, AssetReader, AssetRecord, BlockAsset, BlockRecord, Branch, Change, Commit,
    ContextRecord, Cursor, DefinitionRecord, Edit, Origin, Runtime, RuntimeError, Unlisted, VersionContent,
    VersionId, VersionRecord,
};

use crate::forward::forward;

/// Stands in the place of a store that does not open, and says so whatever it is asked: nobody knows what is in it.
pub(crate) struct DeadStore {
    action: String,
    reason: String,
}

impl DeadStore {
    /// Names the store and says why it does not open.
    pub(crate) fn new(action: String, error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let mut reasons: Vec<String> = causes.map(ToString::to_string).collect();
        reasons.dedup();
        Self { action, reason: reasons.join(": ") }
    }

    fn error(&self) -> RuntimeError {
        RuntimeError::storage(self.action.clone(), self.reason.clone())
    }

    fn store_of(&self, _: &ContextKey) -> Result<&dyn Runtime, RuntimeError> {
        Err(self.error())
    }
}

#[deny(clippy::missing_trait_methods)]
impl Runtime for DeadStore {
    forward! { by store_of:
        context, usages, unlisted, block, parents, assets, asset_metadata, asset, read_asset, open_asset, block_assets,
        read_block_asset, open_block_asset, history, version, origin, keep_origin,
    }

    fn contexts(&self) -> Result<Vec<ContextKey>, RuntimeError> {
        Err(self.error())
    }

    fn damaged_contexts(&self) -> Result<Vec<RuntimeError>, RuntimeError> {
        Err(self.error())
    }

    fn definition(&self, _: &DefinitionKey) -> Result<DefinitionRecord, RuntimeError> {
        Err(self.error())
    }

    fn changes(&self, _: Cursor, _: usize) -> Result<Vec<Change>, RuntimeError> {
        Err(self.error())
    }

    fn is_feed_behind(&self) -> Result<bool, RuntimeError> {
        Err(self.error())
    }

    fn commit(&self, _: Edit) -> Result<Commit, RuntimeError> {
        Err(self.error())
    }
}
