//! Loading what `mongodump` wrote into a store, which is there afterwards or, where that fails, is not made.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;

use runtime_modulestore::{DumpCounts, OnDamage};
use tempfile::{TempDir, TempPath};
use xblock_core::block::Registry;
use xblock_core::clock::Clock;
use xblock_core::runtime::RuntimeError;

use crate::error::CoursewareError;
use crate::opening::{OpenMode, StoreError, make_parent};
use crate::store_url::StoreUrl;

impl StoreUrl {
    /// Loads a dump into a Modulestore. A file that is not there yet is made beside its place and gets its name when it is
    /// whole, so that a dump that is refused leaves none, and nobody writes into one that goes away again.
    ///
    /// # Errors
    /// [`StoreError`], and what [`runtime_modulestore::ModulestoreRuntime::import_dump_with`] says.
    pub fn load_dump(
        &self,
        folder: &Path,
        on_damage: OnDamage,
        registry: &Registry,
        clock: &Arc<dyn Clock>,
    ) -> Result<DumpCounts, CoursewareError> {
        let load = |url: &Self| -> Result<DumpCounts, CoursewareError> {
            let store = url.open_modulestore(OpenMode::Create, registry, clock)?;
            Ok(store.import_dump_with(folder, on_damage)?)
        };
        let file = match self {
            Self::Modulestore(file) if file.symlink_metadata().is_err() => file,
            _ => return load(self),
        };
        make_parent(file)?;
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        remove_unfinished(parent);
        let making = Unfinished::make(parent)
            .map_err(|source| StoreError::Directory { path: parent.to_path_buf(), source })?;
        let making = making.folder.path();
        let made = making.join("store");
        let counts = load(&Self::Modulestore(made.clone()))?;
        let failed = |error: &dyn std::fmt::Display| {
            RuntimeError::storage("naming the new store", format!("{}: {error}", file.display()))
        };
        // What SQLite has not moved into the file would stay behind.
        let log = making.join("store-wal");
        if log.metadata().is_ok_and(|log| log.len() > 0) {
            let what = "what was written does not all go into it; there may be no space left on its disk";
            return Err(failed(&what).into());
        }
        let made = TempPath::try_from_path(made).map_err(|error| failed(&error))?;
        made.persist_noclobber(file).map_err(|error| failed(&error.error))?;
        Ok(counts)
    }
}

/// How the name of a folder begins in which a store is made.
const UNFINISHED: &str = ".new-store-";
/// What can be in it.
const FILES: [&str; 4] = ["store", "store-wal", "store-shm", "store-journal"];

/// A folder in which a store is made. It is locked meanwhile, so that nobody takes it for a dead process's.
struct Unfinished {
    folder: TempDir,
    _lock: File,
}

impl Unfinished {
    fn make(parent: &Path) -> io::Result<Self> {
        loop {
            let folder = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(parent)?;
            // Before it was locked, another process may have locked or removed it.
            let lock = match File::open(folder.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                lock => lock?,
            };
            match lock.try_lock() {
                Err(TryLockError::WouldBlock) => {}
                _ if folder.path().symlink_metadata().is_err() => {}
                // Where folders cannot be locked, nobody removes them either.
                _ => return Ok(Self { folder, _lock: lock }),
            }
        }
    }
}

/// Removes what others that were killed left beside the store. Only files of a store go, and what cannot be removed stays:
/// nobody is kept from anything by it.
fn remove_unfinished(parent: &Path) {
    for entry in parent.read_dir().into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(UNFINISHED);
        if !is_ours || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        let Ok(folder) = File::open(&path) else { continue };
        if folder.try_lock().is_ok() {
            for file in FILES {
                let _ = fs::remove_file(path.join(file));
            }
            let _ = fs::remove_dir(&path);
        }
    }
}
