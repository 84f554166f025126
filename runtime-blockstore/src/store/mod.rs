//! Collections, bundles, versions and drafts: what the app's Python API offers (reference/blockstore, section 10).

mod bundles;
mod commits;
mod data;
mod dependents;
mod drafts;
mod durable;
mod feed;
mod files;
mod handover;
mod history;
mod rebase;
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
pub(crate) use drafts::refuse_cycle;
pub use feed::{BundleChange, FileChange};
pub(crate) use feed::{FeedEntry, known_bundles, versions_in_feed};
pub(crate) use files::State;
pub use history::{FileRevision, VersionSummary};
pub use rebase::DraftStanding;
pub use streams::BundleFile;

use crate::database::{Access, Connection, Database};
use crate::digest::Digest;
use crate::document::Snapshot;
use crate::error::BlockstoreError;
use crate::place::MysqlPlace;
use crate::schema::{self, Home};
use crate::storage::{Assets, Storage};
use durable::DurableFiles;

/// Parsed snapshots kept in memory.
const SNAPSHOTS: usize = 32;

/// What becomes of files that lie where a new store should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Present {
    /// They may be another store's: there is no new store.
    Refused,
    /// They are this store's.
    TakenOver,
}

impl Present {
    /// Returns what follows from whether it was asked for.
    pub(crate) const fn taken_over(is_asked_for: bool) -> Self {
        if is_asked_for { Self::TakenOver } else { Self::Refused }
    }
}

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
    durable: DurableFiles,
}

impl Blockstore {
    /// Opens the store in a folder; for writing it is made where it is missing.
    ///
    /// # Errors
    /// [`BlockstoreError::Missing`] where there is nothing to read, [`BlockstoreError::StorageTaken`] where a new store would
    /// lie on files of bundles that it does not know, and failures of the medium.
    pub fn open(dir: &Path, access: Access, clock: Arc<dyn Clock>) -> Result<Self, BlockstoreError> {
        Self::open_with_assets(dir, &Assets::BesideDatabase, access, clock)
    }

    /// Opens the store whose database is in a folder and whose documents and data files are somewhere else.
    ///
    /// # Errors
    /// As [`Blockstore::open`], and an environment from which no client of an object store can be made.
    pub fn open_with_assets(
        dir: &Path,
        assets: &Assets,
        access: Access,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BlockstoreError> {
        Self::open_file(dir, assets, access, Present::Refused, clock)
    }

    pub(crate) fn open_file(
        dir: &Path,
        assets: &Assets,
        access: Access,
        present: Present,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BlockstoreError> {
        let file = dir.join("db.sqlite3");
        let storage = Storage::new(assets, dir)?;
        if access == Access::ReadWrite {
            // Where a store cannot be, no empty database is left behind; opening an empty file writes it.
            let is_new = || fs::metadata(&file).map_or(true, |metadata| metadata.len() == 0);
            if is_new() {
                storage.look_for_bucket()?;
                let found = storage.folders()?;
                if present == Present::Refused && !found.is_empty() && is_new() {
                    refuse_taken(&storage, &found)?;
                }
            }
            fs::create_dir_all(dir).map_err(BlockstoreError::io("cannot create", dir))?;
        } else if !file.is_file() {
            return Err(BlockstoreError::Missing { place: file.display().to_string() });
        }
        let db = Database::open_file(&file, access)?;
        if access == Access::ReadWrite {
            refuse_bare(&db, &storage)?;
            if present == Present::Refused {
                refuse_unknown(&db, &storage)?;
            }
            storage.create()?;
            db.create_tables(clock.now())?;
        } else {
            db.read(|db| schema::require(db, &file.display()))?;
            refuse_nowhere(&db, &storage)?;
        }
        Self::over(db, storage, clock)
    }

    /// Opens the store whose database is on a server and whose documents and data files are somewhere else; in the folder
    /// `storage` where no place is named.
    ///
    /// The database must be there; its tables are made where they are missing, for writing.
    ///
    /// # Errors
    /// [`BlockstoreError::Database`] where the server cannot be reached or refuses, [`BlockstoreError::Corrupt`] where the
    /// database is another program's or, for reading, has no tables, and failures of the medium.
    pub fn open_mysql(
        place: &MysqlPlace,
        assets: &Assets,
        access: Access,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BlockstoreError> {
        Self::open_server(place, assets, access, Present::Refused, clock)
    }

    /// Opens, for [`Blockstore::take_over`], a store whose database is on a server and new, and whose documents and data files
    /// lie in their place already.
    ///
    /// # Errors
    /// As [`Blockstore::open_mysql`], but for [`BlockstoreError::StorageTaken`].
    pub fn open_mysql_over_files(
        place: &MysqlPlace,
        assets: &Assets,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BlockstoreError> {
        Self::open_server(place, assets, Access::ReadWrite, Present::TakenOver, clock)
    }

    pub(crate) fn open_server(
        place: &MysqlPlace,
        assets: &Assets,
        access: Access,
        present: Present,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BlockstoreError> {
        let storage = Storage::new(assets, Path::new("."))?;
        let db = Database::open_mysql(place, access)?;
        if access == Access::ReadWrite {
            refuse_bare(&db, &storage)?;
            if present == Present::Refused {
                refuse_unknown(&db, &storage)?;
            }
            storage.create()?;
            db.create_tables(clock.now())?;
        } else {
            db.read(|db| schema::require(db, place))?;
            refuse_nowhere(&db, &storage)?;
        }
        Self::over(db, storage, clock)
    }

    fn over(db: Database, storage: Storage, clock: Arc<dyn Clock>) -> Result<Self, BlockstoreError> {
        let store =
            Self { db, storage, clock, snapshots: Mutex::default(), durable: DurableFiles::default() };
        if store.db.access() == Access::ReadWrite {
            store.db.write(|db| store.complete_handovers(db))?;
        }
        Ok(store)
    }

    /// Says whether the database has tables of ours beside the app's, as it has where anybody has written it with this library.
    ///
    /// # Errors
    /// Failures of the medium.
    pub fn has_own_tables(&self) -> Result<bool, BlockstoreError> {
        self.db.read(|db| db.has_table("xblock_handover"))
    }

    /// Takes over all rows of a Blockstore's SQLite file, the app's or one of ours, into this store, which has no bundles
    /// yet. Documents and data files are not touched: they must lie where this store looks for them.
    ///
    /// # Errors
    /// [`BlockstoreError::AlreadyThere`] where the store has bundles or collections, [`BlockstoreError::NewerForm`] and
    /// [`BlockstoreError::Corrupt`] where the file is none that is understood, [`BlockstoreError::RowRefused`] where this database
    /// does not take a row, such as two drafts whose names differ in case only; in each case nothing has changed.
    pub fn take_over(&self, file: &Path) -> Result<(), BlockstoreError> {
        self.db.read(refuse_collections)?;
        // What only the runtime's index knows goes along: authors, times, messages, adopted bundles, its feed.
        self.db.create_index(Home::Main)?;
        self.db.write_once(|db| {
            refuse_collections(db)?;
            Database::copy_from(db, file)
        })
    }

    /// Says whether the database takes the rows of a SQLite file, before anything is done for it.
    ///
    /// # Errors
    /// [`BlockstoreError::RowRefused`] where it does not take one.
    pub(crate) fn try_take_over(&self, file: &Path) -> Result<(), BlockstoreError> {
        self.db.create_index(Home::Main)?;
        self.db.try_copy_from(file)
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

/// Refuses to write where the storage is not there at all and rows name what should lie in it: whoever takes a folder that is
/// not mounted for an empty one would lose what the rows say.
fn refuse_bare(db: &Database, storage: &Storage) -> Result<(), BlockstoreError> {
    if !names_data(db)? {
        return storage.look_for_bucket();
    }
    if storage.is_bare()? {
        return Err(BlockstoreError::NoStorage { place: storage.root().display().to_string() });
    }
    Ok(())
}

/// Refuses a new database over files that are there: they may be another store's. Whoever lists them before asking the database
/// takes no files for somebody else's that another process has made in this store meanwhile.
fn refuse_unknown(db: &Database, storage: &Storage) -> Result<(), BlockstoreError> {
    let is_new = || {
        db.read(|db| {
            let is_ours = db.has_table("xblock_form")?;
            let sql = "SELECT 1 FROM bundles_collection LIMIT 1";
            let has_rows = !is_ours
                && db.has_table("bundles_collection")?
                && db.exists("looking for collections", sql, ())?;
            Ok::<_, BlockstoreError>(!is_ours && !has_rows)
        })
    };
    if !is_new()? {
        return Ok(());
    }
    let found = storage.folders()?;
    if found.is_empty() || !is_new()? { Ok(()) } else { refuse_taken(storage, &found) }
}

/// Refuses a storage in which these folders of bundles or drafts are.
pub(crate) fn refuse_taken(storage: &Storage, found: &[Uuid]) -> Result<(), BlockstoreError> {
    match found.first() {
        None => Ok(()),
        Some(first) => {
            Err(BlockstoreError::StorageTaken { place: storage.root().display().to_string(), first: *first })
        }
    }
}

fn refuse_collections(db: &Connection) -> Result<(), BlockstoreError> {
    let sql = "SELECT 1 FROM bundles_collection LIMIT 1";
    if db.exists("looking for collections", sql, ())? {
        return Err(BlockstoreError::AlreadyThere { place: "a collection".to_owned() });
    }
    Ok(())
}

/// Refuses to read a store without versions whose bucket is not there: it would be taken for an empty store.
fn refuse_nowhere(db: &Database, storage: &Storage) -> Result<(), BlockstoreError> {
    if names_data(db)? { Ok(()) } else { storage.look_for_bucket() }
}

/// Says whether rows name what should lie in the storage.
fn names_data(db: &Database) -> Result<bool, BlockstoreError> {
    db.read(|db| {
        let sql = "SELECT 1 FROM bundles_bundleversion LIMIT 1";
        Ok(schema::is_present(db)? && db.exists("looking for versions", sql, ())?)
    })
}
