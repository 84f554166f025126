//! The SQLite file: connections, transactions and who may write.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::error::BlockstoreError;
use crate::rows::query_failed;
use crate::schema;

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
    main: Mutex<Main>,
    readers: Mutex<Vec<Connection>>,
    /// Makes the temporary tables of a read-only store, once it has any.
    temporary: Mutex<Option<String>>,
}

struct Main {
    connection: Connection,
    /// What the file was when it was opened as one that nobody changes; none where it was opened as usual.
    unchanging: Option<Stamp>,
}

/// What tells a database file that was written from one that was not.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    has_log: bool,
}

impl Stamp {
    fn of(file: &Path) -> Self {
        let metadata = fs::metadata(file).ok();
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        Self {
            length: metadata.as_ref().map_or(0, fs::Metadata::len),
            modified: metadata.and_then(|metadata| metadata.modified().ok()),
            has_log: fs::metadata(log).is_ok_and(|log| log.len() > 0),
        }
    }
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
                // Another program's database is left as it is, its journal mode included.
                if schema::is_foreign(&db).map_err(query_failed("reading the tables"))? {
                    let reason = "it is a database of another program, not of a Blockstore";
                    return Err(BlockstoreError::corrupt(file.display(), reason));
                }
                refuse_newer(&db, file)?;
                keep_log(&db).map_err(BlockstoreError::sql("setting the journal mode"))?;
                Main { connection: db, unchanging: None }
            }
            Access::ReadOnly => open_read_only(file)?,
        };
        if access == Access::ReadOnly {
            refuse_newer(&main.connection, file)?;
        }
        Ok(Self {
            file: file.to_path_buf(),
            access,
            main: Mutex::new(main),
            readers: Mutex::default(),
            temporary: Mutex::default(),
        })
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
            let mut main = enter(&self.main);
            self.renew(&mut main)?;
            return in_read_transaction(&mut main.connection, job);
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
        let mut main = enter(&self.main);
        let transaction = main
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(BlockstoreError::sql("waiting for the database"))?;
        let result = job(&transaction)?;
        transaction.commit().map_err(BlockstoreError::sql("committing to the database"))?;
        Ok(result)
    }

    /// Writes a copy of the committed state to a new file, on a connection of its own.
    pub(crate) fn copy_to(&self, file: &Path) -> Result<(), BlockstoreError> {
        let db = connect(&self.file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.execute("VACUUM INTO ?1", [file.to_string_lossy()])
            .map(drop)
            .map_err(BlockstoreError::sql("copying the database"))
    }

    /// Runs a job that fills temporary tables of the one connection a read-only store has.
    pub(crate) fn write_temporary<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut main = enter(&self.main);
        self.renew(&mut main)?;
        let transaction = main.connection.transaction().map_err(BlockstoreError::sql("beginning to read"))?;
        let result = job(&transaction)?;
        transaction.commit().map_err(BlockstoreError::sql("filling temporary tables"))?;
        Ok(result)
    }

    /// Makes temporary tables on the one connection a read-only store has, and again wherever that is opened anew.
    pub(crate) fn make_temporary(&self, tables: String) -> Result<(), BlockstoreError> {
        let main = enter(&self.main);
        main.connection.execute_batch(&tables).map_err(BlockstoreError::sql("making temporary tables"))?;
        *enter(&self.temporary) = Some(tables);
        Ok(())
    }

    /// Opens the file of a read-only store anew where it was taken for one that nobody changes, and somebody did.
    fn renew(&self, main: &mut Main) -> Result<(), BlockstoreError> {
        if main.unchanging.as_ref().is_none_or(|stamp| *stamp == Stamp::of(&self.file)) {
            return Ok(());
        }
        let renewed = open_read_only(&self.file)?;
        if let Some(tables) = &*enter(&self.temporary) {
            let made = renewed.connection.execute_batch(tables);
            made.map_err(BlockstoreError::sql("making temporary tables"))?;
        }
        *main = renewed;
        Ok(())
    }
}

/// Refuses what was made by a later version, before anything is changed.
fn refuse_newer(db: &Connection, file: &Path) -> Result<(), BlockstoreError> {
    match schema::newer(db).map_err(query_failed("reading the form of the tables"))? {
        None => Ok(()),
        Some(found) => Err(BlockstoreError::NewerForm { place: file.display().to_string(), found }),
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

/// Opens a file for reading, also where nothing can be written, not even the index of the log beside it.
fn open_read_only(file: &Path) -> Result<Main, BlockstoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let stamp = Stamp::of(file);
    let usual = connect(file, flags).and_then(|db| {
        db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0))
            .map_err(query_failed("opening the database"))?;
        Ok(db)
    });
    let main = match usual {
        Ok(connection) => Main { connection, unchanging: None },
        // Immutable means that the log is not looked at, so there must be nothing in it.
        Err(BlockstoreError::Database { source, .. }) if needs_writing(&source) && !stamp.has_log => {
            let path = file.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            let uri = PathBuf::from(format!("file:{path}?immutable=1"));
            let connection = connect(&uri, flags | OpenFlags::SQLITE_OPEN_URI)?;
            Main { connection, unchanging: Some(stamp) }
        }
        Err(error) => return Err(error),
    };
    main.connection
        .pragma_update(None, "temp_store", "MEMORY")
        .map_err(BlockstoreError::sql("setting the place of temporary tables"))?;
    Ok(main)
}

fn needs_writing(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
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
