//! Split Modulestore documents and the XBlock runtime over them; courses of Old Mongo are read.
//!
//! - [`documents`]: typed views over course indexes, structures, blocks, definitions and files.
//! - [`store`]: where documents lie; the embedded store keeps them as BSON in one SQLite file.
//! - [`operations`]: what edx-platform's modulestore can be asked to do, call by call.
//! - [`ModulestoreRuntime`]: the [`Runtime`](xblock_core::runtime::Runtime) over them.

mod asset_reader;
mod assets;
mod attempts;
mod branch;
mod commit;
pub mod documents;
mod dump;
mod every_block;
mod fields;
mod lost_head;
mod maintenance;
mod old_mongo;
pub mod operations;
mod origin;
mod reader;
mod runtime;
pub mod store;
mod twins;
mod view;
mod writing;

pub use dump::{DamagedDocument, DumpCounts, ExportedDump, OnDamage};
pub use every_block::EveryBlock;
pub use maintenance::{
    FsckReport, PruneOptions, PruneReport, PruneRoot, Pruned, PrunedKind, SizeReport, SizeWarning,
    SizedBlock, SizedField,
};
pub use runtime::{CacheUse, ModulestoreRuntime};
pub use view::{BranchView, Outline, OutlineBlock};
pub use xblock_core::runtime::{Finding, Findings, FsckOptions, Severity};
