//! Care for a whole store: what is damaged, what is no longer used, what is big, and copies of it elsewhere.
//!
//! - [`Blockstore::fsck`] proves every digest and reference, and repairs what can be repaired.
//! - [`Blockstore::gc`] marks what rows, drafts and links lead to, and sweeps the rest.
//! - [`Blockstore::stats`] counts.
//! - [`Blockstore::backup`] and [`restore`] copy a store or one bundle with full history; `docs/blockstore.md` has the form.
//!
//! [`Blockstore::fsck`]: crate::Blockstore::fsck
//! [`Blockstore::gc`]: crate::Blockstore::gc
//! [`Blockstore::stats`]: crate::Blockstore::stats
//! [`Blockstore::backup`]: crate::Blockstore::backup

mod backup;
mod data_names;
mod fsck;
mod gc;
mod marks;
mod restore;
mod stats;
mod walk;

pub use backup::{BackupCheck, BackupOptions, BackupReport, IncompleteBackup, check_backup};
pub use fsck::FsckReport;
pub use gc::{GcOptions, GcReport, Unused, UnusedKind};
pub use restore::{RestoreOptions, RestoreReport, restore, restore_to_server, restore_with_assets};
pub use stats::{SizedBundle, SizedFile, StoreStats};
