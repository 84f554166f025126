//! Stores in temporary folders.

use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use runtime_blockstore::BlockstoreRuntime;
use tempfile::TempDir;
use xblock_core::clock::{Clock, FixedClock};
use xblock_testkit::Fresh;

pub(crate) use crate::classes::registry;

/// A moment with microseconds.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(FixedClock(DateTime::from_timestamp_micros(1_930_000_000_123_456).expect("a moment")))
}

/// Opens a store in a folder.
pub(crate) fn open(folder: &Path) -> BlockstoreRuntime {
    BlockstoreRuntime::open(folder, registry(), clock()).expect("the store opens")
}

/// A store that lives as long as the folder.
pub(crate) fn new_store() -> (BlockstoreRuntime, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    (open(folder.path()), folder)
}

/// A store for the suite.
pub(crate) fn fresh() -> Fresh {
    let (runtime, folder) = new_store();
    Fresh::with_guard(runtime, folder)
}

/// Copies a folder with everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::write(&target, std::fs::read(entry.path()).expect("the file")).expect("a copy");
        }
    }
}
