//! What edx-platform's modulestore can be asked to do, call by call (modulestore reference, sections 5 to 9).
//!
//! An [`Edit`](xblock_core::runtime::Edit) is the same on every store, and publishes when told to. The operations here are
//! those of Split, with its rules by category: what authors save of a chapter is published at once, a unit when it is
//! asked for. They leave the very documents the platform leaves. [`Bulk`] makes any number of them one new version.

mod asset_metadata;
mod branch;
mod bulk;
mod calls;
mod course;
mod create;
mod delete;
mod library;
mod mend;
mod orphans;
mod publish;
mod rerun;

pub use bulk::{Bulk, BulkOptions};
pub use delete::Revision;
pub use library::DerivedIds;
pub(crate) use orphans::orphans;
pub use xblock_core::runtime::AssetMetadata;

/// The types that have no draft of their own: what is saved of them is published.
const DIRECT_ONLY: [&str; 6] = ["course", "chapter", "sequential", "about", "static_tab", "course_info"];

/// The types that stand beside the tree.
pub(crate) const DETACHED: [&str; 3] = ["about", "static_tab", "course_info"];

/// Says whether blocks of a type have no draft of their own.
fn is_direct_only(block_type: &str) -> bool {
    DIRECT_ONLY.contains(&block_type)
}
