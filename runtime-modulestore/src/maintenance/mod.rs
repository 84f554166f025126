//! Care for a whole store: what is damaged, what no branch leads to any more, what is big.
//!
//! - [`ModulestoreRuntime::fsck`] follows every index to its structures, blocks, definitions and files, and repairs what can
//!   be repaired; of Old Mongo it reads every document.
//! - [`ModulestoreRuntime::prune`] takes old versions out, with a reason for each, and can put them back for a while.
//! - [`ModulestoreRuntime::sizes`] says what makes a structure big.
//!
//! [`ModulestoreRuntime::fsck`]: crate::ModulestoreRuntime::fsck
//! [`ModulestoreRuntime::prune`]: crate::ModulestoreRuntime::prune
//! [`ModulestoreRuntime::sizes`]: crate::ModulestoreRuntime::sizes

mod aside;
mod blocks;
mod files;
mod fsck;
mod old;
mod prune;
mod repair;
mod sizes;

pub use fsck::FsckReport;
pub use prune::{PruneOptions, PruneReport, PruneRoot, Pruned, PrunedKind};
pub(crate) use sizes::biggest_fields;
pub use sizes::{SizeReport, SizeWarning, SizedBlock, SizedField};
