//! The SQLite file: connections, transactions and who may write.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::{Access, Cell, Connection, DatabaseError, MakeTables, failed};
use crate::error::BlockstoreError;
use crate::schema;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// How long to wait for another process; a large import holds the database for seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Idle reading connections kept for the next reader.
const IDLE_READERS: usize = 16;

/// Statements each connection keeps prepared.
const STATEMENTS: usize = 64;

/// A database in a file.
pub(super) struct Sqlite {
    file: PathBuf,
    access: Access,
    /// Closed before the connection that writes: the last one that is closed takes the log in, which readers cannot.
    readers: Mutex<Vec<Connection>>,
    /// Writes, and in a read-only store reads too, one at a time.
    main: Mutex<Main>,
    /// Makes the temporary tables of a read-only store, once it has any.
    temporary: Mutex<Option<MakeTables>>,
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

impl Sqlite {
    pub(super) fn open(file: &Path, access: Access) -> Result<Self> {
        let main = match access {
            Access::ReadWrite => {
                let db = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
                // Another program's database is left as it is, its journal mode included.
                schema::refuse_foreign(&db, &file.display())?;
                schema::refuse_newer(&db, &file.display())?;
                keep_log(raw(&db)).map_err(failed("setting the journal mode"))?;
                Main { connection: db, unchanging: None }
            }
            Access::ReadOnly => open_read_only(file)?,
        };
        if access == Access::ReadOnly {
            schema::refuse_newer(&main.connection, &file.display())?;
        }
        Ok(Self {
            file: file.to_path_buf(),
            access,
            main: Mutex::new(main),
            readers: Mutex::default(),
            temporary: Mutex::default(),
        })
    }

    pub(super) fn read<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        if self.access == Access::ReadOnly {
            let mut main = enter(&self.main);
            self.renew(&mut main)?;
            return in_read_transaction(&main.connection, job);
        }
        let idle = enter(&self.readers).pop();
        let db = match idle {
            Some(db) => db,
            None => connect(&self.file, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let result = in_read_transaction(&db, job);
        let mut readers = enter(&self.readers);
        if readers.len() < IDLE_READERS {
            readers.push(db);
        }
        result
    }

    pub(super) fn write<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        in_write_transaction(&enter(&self.main).connection, job)
    }

    /// Runs a job whose outcome a power failure may undo: the log is not waited for until the next one is committed.
    pub(super) fn write_unawaited<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        /// Sets back what the connection promises, whatever becomes of the job.
        struct Unawaited<'c>(&'c rusqlite::Connection);
        impl Drop for Unawaited<'_> {
            fn drop(&mut self) {
                self.0.pragma_update(None, "synchronous", "FULL").expect("SQLite knows the level");
            }
        }
        let main = enter(&self.main);
        let db = raw(&main.connection);
        db.pragma_update(None, "synchronous", "NORMAL").map_err(failed("setting the database up"))?;
        let _unawaited = Unawaited(db);
        in_write_transaction(&main.connection, job)
    }

    /// Writes a copy of the committed state to a new file, on a connection of its own.
    pub(super) fn copy_to(&self, file: &Path) -> Result<()> {
        let db = connect(&self.file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.run("copying the database", "VACUUM INTO ?1", [file.to_string_lossy().as_ref()]).map(drop)
    }

    /// Runs a job that fills temporary tables of the one connection a read-only store has.
    pub(super) fn write_temporary<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut main = enter(&self.main);
        self.renew(&mut main)?;
        let transaction = Transaction::new_unchecked(raw(&main.connection), TransactionBehavior::Deferred)
            .map_err(failed("beginning to read"))?;
        let result = job(&main.connection)?;
        transaction.commit().map_err(failed("filling temporary tables"))?;
        Ok(result)
    }

    /// Makes temporary tables on the one connection a read-only store has, and again wherever that is opened anew.
    pub(super) fn make_temporary(&self, make: MakeTables) -> Result<()> {
        let main = enter(&self.main);
        make(&main.connection)?;
        *enter(&self.temporary) = Some(make);
        Ok(())
    }

    /// Says what is wrong with the file: kinds of damage and what is said of each.
    pub(super) fn check(db: &Connection) -> Result<Vec<(&'static str, String)>> {
        let mut found = Vec::new();
        for (pragma, code) in [("quick_check", "database"), ("foreign_key_check", "foreign_key")] {
            let told = db.all("checking the database", &format!("PRAGMA main.{pragma}"), (), |row| {
                Ok(match row.cell(0)? {
                    Cell::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    _ => "a row refers to one that is not there".to_owned(),
                })
            })?;
            found.extend(told.into_iter().filter(|text| text != "ok").map(|text| (code, text)));
        }
        Ok(found)
    }

    /// Opens the file of a read-only store anew where it was taken for one that nobody changes, and somebody did.
    fn renew(&self, main: &mut Main) -> Result<()> {
        if main.unchanging.as_ref().is_none_or(|stamp| *stamp == Stamp::of(&self.file)) {
            return Ok(());
        }
        let renewed = open_read_only(&self.file)?;
        if let Some(tables) = *enter(&self.temporary) {
            tables(&renewed.connection)?;
        }
        *main = renewed;
        Ok(())
    }
}

fn raw(connection: &Connection) -> &rusqlite::Connection {
    connection.sqlite().expect("connections of this file are SQLite's")
}

/// Turns the write-ahead log on. SQLite does not wait by itself for another process that does the same to a new file.
fn keep_log(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
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
fn open_read_only(file: &Path) -> Result<Main> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let stamp = Stamp::of(file);
    let usual = connect(file, flags).and_then(|db| {
        db.exists("opening the database", "SELECT 1 FROM sqlite_master", ())?;
        Ok(db)
    });
    let main = match usual {
        Ok(connection) => Main { connection, unchanging: None },
        // Immutable means that the log is not looked at, so there must be nothing in it.
        Err(BlockstoreError::Database { source: DatabaseError::Sqlite(source), .. })
            if needs_writing(&source) && !stamp.has_log =>
        {
            let path = file.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            let uri = PathBuf::from(format!("file:{path}?immutable=1"));
            let connection = connect(&uri, flags | OpenFlags::SQLITE_OPEN_URI)?;
            Main { connection, unchanging: Some(stamp) }
        }
        Err(error) => return Err(error),
    };
    raw(&main.connection)
        .pragma_update(None, "temp_store", "MEMORY")
        .map_err(failed("setting the place of temporary tables"))?;
    Ok(main)
}

fn needs_writing(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
}

fn connect(file: &Path, flags: OpenFlags) -> Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = rusqlite::Connection::open_with_flags(file, flags).map_err(failed("opening the database"))?;
    let prepare = || {
        db.busy_timeout(PATIENCE)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        db.pragma_update(None, "foreign_keys", true)?;
        // A draft's old folder is removed after the commit, so the commit must be on the medium by then.
        db.pragma_update(None, "synchronous", "FULL")
    };
    prepare().map_err(failed("setting the database up"))?;
    Ok(db.into())
}

fn in_write_transaction<T, E: From<BlockstoreError>>(
    db: &Connection,
    job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let transaction = Transaction::new_unchecked(raw(db), TransactionBehavior::Immediate)
        .map_err(failed("waiting for the database"))?;
    let result = job(db)?;
    transaction.commit().map_err(failed("committing to the database"))?;
    Ok(result)
}

fn in_read_transaction<T, E: From<BlockstoreError>>(
    db: &Connection,
    job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let transaction = Transaction::new_unchecked(raw(db), TransactionBehavior::Deferred)
        .map_err(failed("beginning to read"))?;
    let result = job(db);
    transaction.finish().map_err(failed("ending to read"))?;
    result
}
