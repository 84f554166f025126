//! The runtime trait: what a store of courseware must decide, and nothing else.
//!
//! A backend implements [`Runtime`]. What is the same for all of them lives beside it: the meaning of an edit
//! ([`Plan`]), walks and queries ([`RuntimeExt`]), inheritance, rendering and learner state (module
//! [`host`](crate::host)).

mod asset_metadata;
mod asset_reader;
mod digest;
mod edit;
mod error;
mod ext;
mod fsck;
mod memory;
mod origin;
mod plan;
mod record;
mod unlisted;

use crate::keys::{AssetKey, ContextKey, DefinitionKey, UsageKey};

pub use asset_metadata::{AssetMetadata, AssetMetadataRecords, DamagedAssetMetadata};
pub use asset_reader::{AssetReader, AssetStream};
pub use digest::ContentDigest;
pub use edit::{Base, BlockPatch, Commit, Edit, EditOp, Extent};
pub use error::{IncludeProblem, RuntimeError};
pub use ext::{MOST_PLACES, Problem, RuntimeExt, Walk, WalkItem};
pub use fsck::{Finding, Findings, FsckOptions, Severity};
pub use memory::MemoryRuntime;
pub use origin::Origin;
pub use plan::{AssetStep, BlockChanges, BranchState, EmptyBranch, OpenVersion, Plan, Stage};
pub use record::{
    AsideData, AssetData, AssetRecord, AssetSource, BlockAsset, BlockData, BlockRecord, Branch, Change,
    ContextRecord, Cursor, DefinitionRecord, EditInfo, FieldMap, Head, VersionContent, VersionId,
    VersionRecord,
};
pub use unlisted::Unlisted;

/// A store of learning contexts. Reads never write; a commit is visible at once and whole, or not at all.
///
/// Every method takes keys without branch and version; [`Branch`] says which state is meant. Implementations hold no
/// other hidden state than caches, so any number of threads may call them.
pub trait Runtime: Send + Sync {
    /// Lists every learning context, in key order.
    ///
    /// # Errors
    /// The store's own.
    fn contexts(&self) -> Result<Vec<ContextKey>, RuntimeError>;

    /// Says what is wrong with contexts whose very entry cannot be read, so that [`contexts`](Self::contexts) does not
    /// name them; none in stores that have no such entries.
    ///
    /// # Errors
    /// The store's own.
    fn damaged_contexts(&self) -> Result<Vec<RuntimeError>, RuntimeError> {
        Ok(Vec::new())
    }

    /// Returns a context's root and the heads of its branches.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`].
    fn context(&self, key: &ContextKey) -> Result<ContextRecord, RuntimeError>;

    /// Lists every block of a branch in key order, detached and orphaned ones included.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::NoSuchBranch`].
    fn usages(&self, context: &ContextKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError>;

    /// Lists what a branch has and its lists leave out, since it is damaged: blocks whose names are no keys
    /// ([`usages`](Self::usages)), and static files that cannot be described ([`assets`](Self::assets)); none in stores
    /// whose lists name everything.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::NoSuchBranch`].
    fn unlisted(&self, context: &ContextKey, branch: Branch) -> Result<Vec<Unlisted>, RuntimeError> {
        let _ = (context, branch);
        Ok(Vec::new())
    }

    /// Reads one block.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::NoSuchBranch`], [`RuntimeError::NoSuchUsage`].
    fn block(&self, usage: &UsageKey, branch: Branch) -> Result<BlockRecord, RuntimeError>;

    /// Lists the blocks that have this one as a child, in key order; none for the root, detached and orphaned blocks.
    ///
    /// # Errors
    /// As [`Runtime::block`]; the block itself must exist.
    fn parents(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError>;

    /// Looks a definition up, wherever it is used.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchDefinition`].
    fn definition(&self, key: &DefinitionKey) -> Result<DefinitionRecord, RuntimeError>;

    /// Lists a branch's static files in key order.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::NoSuchBranch`].
    fn assets(&self, context: &ContextKey, branch: Branch) -> Result<Vec<AssetRecord>, RuntimeError>;

    /// Returns a static file's attributes.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchAsset`] and those of [`Runtime::assets`].
    fn asset(&self, key: &AssetKey, branch: Branch) -> Result<AssetRecord, RuntimeError>;

    /// Returns a static file's bytes.
    ///
    /// # Errors
    /// As [`Runtime::asset`].
    fn read_asset(&self, key: &AssetKey, branch: Branch) -> Result<Vec<u8>, RuntimeError>;

    /// Opens a static file to read it in parts, without reading all of it first.
    ///
    /// # Errors
    /// As [`Runtime::asset`].
    fn open_asset(&self, key: &AssetKey, branch: Branch) -> Result<Box<dyn AssetReader>, RuntimeError>;

    /// Returns what an `assetstore` says about files of a branch; there need be no file by such a key. One record that
    /// cannot be read takes no other along.
    ///
    /// # Errors
    /// As [`Runtime::assets`].
    fn asset_metadata(
        &self,
        context: &ContextKey,
        branch: Branch,
    ) -> Result<AssetMetadataRecords, RuntimeError>;

    /// Lists the static files that belong to one block alone, by name. A store that keeps none lists none of any block.
    ///
    /// In the block's own texts `/static/NAME` means one of these first, and one of its context after them.
    ///
    /// # Errors
    /// As [`Runtime::block`].
    fn block_assets(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<BlockAsset>, RuntimeError> {
        let _ = (usage, branch);
        Ok(Vec::new())
    }

    /// Returns the bytes of a static file that belongs to one block alone.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchBlockAsset`], and those of [`Runtime::block`].
    fn read_block_asset(
        &self,
        usage: &UsageKey,
        name: &str,
        branch: Branch,
    ) -> Result<Vec<u8>, RuntimeError> {
        Err(RuntimeError::NoSuchBlockAsset { usage: usage.clone(), name: name.to_owned(), branch })
    }

    /// Opens a static file that belongs to one block alone, to read it in parts; its record is that of
    /// [`BlockAsset::in_context`].
    ///
    /// # Errors
    /// As [`Runtime::read_block_asset`]; [`RuntimeError::NoSuchBlockAsset`] also for a name that no file of a context can have.
    fn open_block_asset(
        &self,
        usage: &UsageKey,
        name: &str,
        branch: Branch,
    ) -> Result<Box<dyn AssetReader>, RuntimeError> {
        Err(RuntimeError::NoSuchBlockAsset { usage: usage.clone(), name: name.to_owned(), branch })
    }

    /// Lists the versions of a branch, newest first. A store that keeps no history of drafts lists the present one.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::NoSuchBranch`].
    fn history(&self, context: &ContextKey, branch: Branch) -> Result<Vec<VersionRecord>, RuntimeError>;

    /// Reads all that one version holds: any that [`Runtime::history`] lists, of either branch.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::NoSuchVersion`].
    fn version(&self, context: &ContextKey, version: &VersionId) -> Result<VersionContent, RuntimeError>;

    /// Reads the change feed: at most `limit` entries after a cursor, in order.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchCursor`] for a cursor the feed has not reached yet.
    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, RuntimeError>;

    /// Says whether the feed lacks versions that other programs have made: they are entered when it is read by whoever may
    /// write, and not numbered before. Where such versions follow one another between two readings, a store may tell of the
    /// newest of each branch alone; [`Runtime::history`] has the others.
    ///
    /// # Errors
    /// Failures of the store.
    fn is_feed_behind(&self) -> Result<bool, RuntimeError> {
        Ok(false)
    }

    /// Carries an edit out: all of it or nothing.
    ///
    /// # Errors
    /// [`RuntimeError::Conflict`] where the draft is no longer at the edit's base, [`RuntimeError::ContextExists`]
    /// for [`Base::New`], [`RuntimeError::ReadOnly`], and whatever a step can meet.
    fn commit(&self, edit: Edit) -> Result<Commit, RuntimeError>;

    /// Returns the package a context was last imported from, where the store was given it to keep.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::Corrupt`].
    fn origin(&self, context: &ContextKey) -> Result<Option<Origin>, RuntimeError>;

    /// Keeps the package a context was imported from, in place of an earlier one; without one, keeps none.
    ///
    /// It is no part of any version and leaves no trace in the change feed.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::ReadOnly`].
    fn keep_origin(&self, context: &ContextKey, origin: Option<&Origin>) -> Result<(), RuntimeError>;
}
