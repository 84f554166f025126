//! The SQLite file: connections, transactions and who may write.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::error::BlockstoreError;

/// How long to wait for another process; a large import holds the database for seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Idle reading connections kept for the next reader.
const IDLE_READERS: usize = 16;

/// Statements each connection keeps prepared.
const STATEMENTS: usize = 64;

/// Whether a store may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing on the medium changes.
    ReadOnly,
    /// The store is made where it is missing.
    ReadWrite,
}

pub(crate) struct Database {
    file: PathBuf,
    access: Access,
    /// Writes, and in a read-only store reads too, one at a time.
    main: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

fn enter<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A transaction that a panic interrupted was rolled back when it was dropped.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Database {
    pub(crate) fn open(file: &Path, access: Access) -> Result<Self, BlockstoreError> {
        let main = match access {
            Access::ReadWrite => {
                let db = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
                keep_log(&db).map_err(BlockstoreError::sql("setting the journal mode"))?;
                db
            }
            Access::ReadOnly => {
                let db = connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
                db.pragma_update(None, "temp_store", "MEMORY")
                    .map_err(BlockstoreError::sql("setting the place of temporary tables"))?;
                db
            }
        };
        Ok(Self { file: file.to_path_buf(), access, main: Mutex::new(main), readers: Mutex::default() })
    }

    pub(crate) fn access(&self) -> Access {
        self.access
    }

    /// Runs queries on one consistent state of the database.
    pub(crate) fn read<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.access == Access::ReadOnly {
            return in_read_transaction(&mut enter(&self.main), job);
        }
        let idle = enter(&self.readers).pop();
        let mut db = match idle {
            Some(db) => db,
            None => connect(&self.file, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let result = in_read_transaction(&mut db, job);
        let mut readers = enter(&self.readers);
        if readers.len() < IDLE_READERS {
            readers.push(db);
        }
        result
    }

    /// Runs a job that alone may write; what it wrote stays only where it succeeds.
    pub(crate) fn write<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.access == Access::ReadOnly {
            return Err(BlockstoreError::ReadOnly.into());
        }
        let mut db = enter(&self.main);
        let transaction = db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(BlockstoreError::sql("waiting for the database"))?;
        let result = job(&transaction)?;
        transaction.commit().map_err(BlockstoreError::sql("committing to the database"))?;
        Ok(result)
    }

    /// Runs a job that fills temporary tables of the one connection a read-only store has.
    pub(crate) fn write_temporary<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut db = enter(&self.main);
        let transaction = db.transaction().map_err(BlockstoreError::sql("beginning to read"))?;
        let result = job(&transaction)?;
        transaction.commit().map_err(BlockstoreError::sql("filling temporary tables"))?;
        Ok(result)
    }
}

/// Turns the write-ahead log on. SQLite does not wait by itself for another process that does the same to a new file.
fn keep_log(connection: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && start.elapsed() < PATIENCE =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            outcome => return outcome,
        }
    }
}

fn connect(file: &Path, flags: OpenFlags) -> Result<Connection, BlockstoreError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db =
        Connection::open_with_flags(file, flags).map_err(BlockstoreError::sql("opening the database"))?;
    let prepare = || {
        db.busy_timeout(PATIENCE)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        db.pragma_update(None, "foreign_keys", true)?;
        // A draft's old folder is removed after the commit, so the commit must be on the medium by then.
        db.pragma_update(None, "synchronous", "FULL")
    };
    prepare().map_err(BlockstoreError::sql("setting the database up"))?;
    Ok(db)
}

fn in_read_transaction<T, E: From<BlockstoreError>>(
    db: &mut Connection,
    job: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = db.transaction().map_err(BlockstoreError::sql("beginning to read"))?;
    let result = job(&transaction);
    transaction.finish().map_err(BlockstoreError::sql("ending to read"))?;
    result
}
