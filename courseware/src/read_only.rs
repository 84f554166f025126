//! A runtime that only imports may change, as the LMS uses its modulestore.

use std::sync::Arc;

use xblock_core::keys::{AssetKey, ContextKey, DefinitionKey, UsageKey};
use xblock_core::runtime::{
    AssetReader, AssetRecord, BlockAsset, BlockRecord, Branch, Change, Commit, ContextRecord, Cursor,
    DefinitionRecord, Edit, Origin, Runtime, RuntimeError, VersionContent, VersionId, VersionRecord,
};

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

impl Runtime for ReadOnlyRuntime {
    fn contexts(&self) -> Result<Vec<ContextKey>, RuntimeError> {
        self.within.contexts()
    }

    fn damaged_contexts(&self) -> Result<Vec<RuntimeError>, RuntimeError> {
        self.within.damaged_contexts()
    }

    fn context(&self, key: &ContextKey) -> Result<ContextRecord, RuntimeError> {
        self.within.context(key)
    }

    fn usages(&self, context: &ContextKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        self.within.usages(context, branch)
    }

    fn block(&self, usage: &UsageKey, branch: Branch) -> Result<BlockRecord, RuntimeError> {
        self.within.block(usage, branch)
    }

    fn parents(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        self.within.parents(usage, branch)
    }

    fn definition(&self, key: &DefinitionKey) -> Result<DefinitionRecord, RuntimeError> {
        self.within.definition(key)
    }

    fn assets(&self, context: &ContextKey, branch: Branch) -> Result<Vec<AssetRecord>, RuntimeError> {
        self.within.assets(context, branch)
    }

    fn asset(&self, key: &AssetKey, branch: Branch) -> Result<AssetRecord, RuntimeError> {
        self.within.asset(key, branch)
    }

    fn read_asset(&self, key: &AssetKey, branch: Branch) -> Result<Vec<u8>, RuntimeError> {
        self.within.read_asset(key, branch)
    }

    fn open_asset(&self, key: &AssetKey, branch: Branch) -> Result<Box<dyn AssetReader>, RuntimeError> {
        self.within.open_asset(key, branch)
    }

    fn block_assets(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<BlockAsset>, RuntimeError> {
        self.within.block_assets(usage, branch)
    }

    fn read_block_asset(
        &self,
        usage: &UsageKey,
        name: &str,
        branch: Branch,
    ) -> Result<Vec<u8>, RuntimeError> {
        self.within.read_block_asset(usage, name, branch)
    }

    fn open_block_asset(
        &self,
        usage: &UsageKey,
        name: &str,
        branch: Branch,
    ) -> Result<Box<dyn AssetReader>, RuntimeError> {
        self.within.open_block_asset(usage, name, branch)
    }

    fn history(&self, context: &ContextKey, branch: Branch) -> Result<Vec<VersionRecord>, RuntimeError> {
        self.within.history(context, branch)
    }

    fn version(&self, context: &ContextKey, version: &VersionId) -> Result<VersionContent, RuntimeError> {
        self.within.version(context, version)
    }

    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, RuntimeError> {
        self.within.changes(after, limit)
    }

    fn commit(&self, _: Edit) -> Result<Commit, RuntimeError> {
        Err(RuntimeError::ReadOnly)
    }

    fn origin(&self, context: &ContextKey) -> Result<Option<Origin>, RuntimeError> {
        self.within.origin(context)
    }

    fn keep_origin(&self, _: &ContextKey, _: Option<&Origin>) -> Result<(), RuntimeError> {
        Err(RuntimeError::ReadOnly)
    }
}
