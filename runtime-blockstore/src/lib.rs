//! Blockstore bundles and the XBlock runtime over them.
//!
//! - [`Blockstore`]: collections, bundles, versions, drafts and links in the Blockstore app's own tables and files.
//! - [`BlockstoreRuntime`]: courses and libraries as bundles, one each; the form is told in `docs/course-bundle.md`.
//! - [`LearningContext`]: a kind of courses, libraries or other contexts; [`LearningContexts`]: those a runtime serves.
//! - [`Library`]: bundles read by the rules of content libraries.
//! - [`Blockstore::fsck`], [`Blockstore::gc`], [`Blockstore::stats`], [`Blockstore::backup`], [`restore`]: care for a whole store.
//! - [`Snapshot`], [`DraftDocument`]: the documents, byte for byte as the app writes them.

mod context;
mod counts;
mod database;
mod digest;
mod document;
mod error;
mod library;
mod maintenance;
mod mime;
mod path;
mod place;
mod rows;
mod runtime;
mod schema;
mod storage;
mod store;

pub use context::{CourseContext, IncludingBlock, LearningContext, LearningContexts, LibraryContext};
pub use database::{Access, DatabaseError};
pub use digest::{Digest, NoDigest};
pub use document::{Dependency, DraftDocument, FileRecord, Link, Snapshot, SnapshotParts};
pub use error::{BlockstoreError, cannot_be_read};
pub use library::{DefinitionPlace, DefinitionState, Library, LibraryChanges, LibraryView, SkippedInclude};
pub use maintenance::{
    BackupCheck, BackupOptions, BackupReport, FsckReport, GcOptions, GcReport, IncompleteBackup,
    RestoreOptions, RestoreReport, SizedBundle, SizedFile, StoreStats, Unused, UnusedKind, check_backup,
    restore, restore_to_server, restore_with_assets,
};
pub use mime::guess_mime_type;
pub use path::PathProblem;
pub use place::{MysqlPlace, NoMysqlPlace, Tls};
pub use runtime::{
    BlockstoreRuntime, ContextError, ContextLink, IndexFault, LinkChanges, LinkTarget, LinkUpdates,
    OutlineBlock,
};
pub use storage::{Assets, NoAssets, ObjectOptions, ObjectPlace, ObjectService};
pub use store::{
    Blockstore, BundleChange, BundleChanges, BundleData, BundleFile, BundleFileData, BundleQuery,
    BundleVersionData, CollectionData, CommitExtent, CommitOptions, CommitReport, Dependent, DraftData,
    DraftFileData, DraftLinkData, DraftStanding, FileChange, FileRevision, OnEmpty, OnStale, VersionSummary,
};
pub use xblock_core::runtime::{Finding, Findings, FsckOptions, Severity};
