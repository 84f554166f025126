//! Collections, bundles, versions and drafts: what the app's Python API offers (reference/blockstore, section 10).

mod bundles;
mod commits;
mod data;
mod dependents;
mod drafts;
mod feed;
mod files;
mod handover;
mod history;
mod streams;

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;
use xblock_core::clock::Clock;

pub use commits::{CommitExtent, CommitOptions, CommitReport, OnEmpty, OnStale};
pub use data::{
    BundleChanges, BundleData, BundleFileData, BundleQuery, BundleVersionData, CollectionData, DraftData,
    DraftFileData, DraftLinkData,
};

pub use dependents::Dependent;
pub use feed::{BundleChange, FileChange};
pub(crate) use files::State;
pub use history::{FileRevision, VersionSummary};
pub use streams::BundleFile;

use crate::database::{Access, Database};
use crate::digest::Digest;
use crate::document::Snapshot;
use crate::error::BlockstoreError;
use crate::schema;
use crate::storage::Storage;

/// Parsed snapshots kept in memory.
const SNAPSHOTS: usize = 32;

/// A Blockstore in a folder: the database `db.sqlite3` and the object store `storage/`.
///
/// Methods carry the names of the Python API. What that API does and should not (reference/blockstore, section 13)
/// differs here: stale drafts and empty commits are refused, links to the bundle itself are found, linking twice does
/// not unlink, and files are replaced whole.
pub struct Blockstore {
    pub(crate) db: Database,
    pub(crate) storage: Storage,
    pub(crate) clock: Arc<dyn Clock>,
    /// Latest used last.
    snapshots: Mutex<VecDeque<Arc<Snapshot>>>,
}

impl Blockstore {
    /// Opens the store in a folder; for writing it is made where it is missing.
    ///
    /// # Errors
    /// [`BlockstoreError::Missing`] where there is nothing to read, and failures of the medium.
    pub fn open(dir: &Path, access: Access, clock: Arc<dyn Clock>) -> Result<Self, BlockstoreError> {
        let file = dir.join("db.sqlite3");
        let storage = Storage::new(dir.join("storage"));
        if access == Access::ReadWrite {
            fs::create_dir_all(dir).map_err(BlockstoreError::io("cannot create", dir))?;
        } else if !file.is_file() {
            return Err(BlockstoreError::Missing { place: file.display().to_string() });
        }
        let db = Database::open(&file, access)?;
        if access == Access::ReadWrite {
            fs::create_dir_all(storage.root())
                .map_err(BlockstoreError::io("cannot create", storage.root()))?;
            let now = clock.now();
            db.write(|db| schema::create(db, now).map_err(BlockstoreError::sql("making the tables")))?;
        } else if !db.read(|db| schema::is_present(db).map_err(BlockstoreError::sql("reading the tables")))? {
            return Err(BlockstoreError::corrupt(file.display(), "it has no tables of the Blockstore app"));
        }
        let store = Self { db, storage, clock, snapshots: Mutex::default() };
        if access == Access::ReadWrite {
            store.db.write(|db| store.complete_handovers(db))?;
        }
        Ok(store)
    }

    /// Reads a snapshot or takes it from memory.
    pub(crate) fn snapshot(&self, bundle: Uuid, digest: Digest) -> Result<Arc<Snapshot>, BlockstoreError> {
        let is_wanted = |kept: &Arc<Snapshot>| kept.hash_digest == digest && kept.bundle_uuid == bundle;
        {
            let mut kept = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = kept.iter().position(is_wanted)
                && let Some(found) = kept.remove(at)
            {
                kept.push_back(found.clone());
                return Ok(found);
            }
        }
        let read = Arc::new(self.storage.snapshot(bundle, digest)?);
        self.keep_snapshot(read.clone());
        Ok(read)
    }

    /// Keeps a snapshot that was just written or read.
    pub(crate) fn keep_snapshot(&self, snapshot: Arc<Snapshot>) {
        let mut kept = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= SNAPSHOTS {
            kept.pop_front();
        }
        kept.push_back(snapshot);
    }
}
