//! Connections and the transactions on them.

use std::fs;
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use xblock_core::runtime::RuntimeError;

use super::{SqliteStore, StoreMode};

/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many bytes a page of a new file has. A structure is one document of up to many megabytes, each page of which is read
/// by a call of its own, and written anew with every edit.
const PAGE: u32 = 8192;

/// Turns an error of SQLite into the runtime's.
pub(super) fn failed(action: &str) -> impl FnOnce(rusqlite::Error) -> RuntimeError {
    let action = action.to_owned();
    move |error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            RuntimeError::Corrupt { place: "the store file".into(), reason: error.to_string() }
        }
        Some(ErrorCode::ReadOnly) => RuntimeError::ReadOnly,
        _ => RuntimeError::storage(action, error),
    }
}

/// A connection, and how the file was opened.
pub(super) struct Opened {
    connection: Connection,
    /// What the file was when it was opened as one that nobody changes; none where it was opened as usual.
    unchanging: Option<Stamp>,
}

impl Opened {
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Says whether the file is still what this connection takes it for.
    pub(super) fn is_current(&self, path: &Path) -> bool {
        self.unchanging.as_ref().is_none_or(|stamp| *stamp == Stamp::of(path))
    }
}

/// What tells a database file that was written from one that was not.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    has_log: bool,
}

impl Stamp {
    fn of(path: &Path) -> Self {
        let metadata = fs::metadata(path).ok();
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Self {
            length: metadata.as_ref().map_or(0, fs::Metadata::len),
            modified: metadata.and_then(|metadata| metadata.modified().ok()),
            has_log: fs::metadata(log).is_ok_and(|log| log.len() > 0),
        }
    }
}

pub(super) fn open(path: &Path, mode: StoreMode) -> Result<Opened, RuntimeError> {
    let fail = |error| match failed(&format!("opening {}", path.display()))(error) {
        RuntimeError::Corrupt { reason, .. } => {
            RuntimeError::Corrupt { place: path.display().to_string(), reason }
        }
        other => other,
    };
    if path.is_dir() {
        let reason = "it is a directory; a modulestore is one file".to_owned();
        return Err(RuntimeError::Corrupt { place: path.display().to_string(), reason });
    }
    let opened = match mode {
        StoreMode::ReadWrite => {
            Opened { connection: Connection::open(path).map_err(fail)?, unchanging: None }
        }
        StoreMode::ReadOnly => open_read_only(path).map_err(fail)?,
    };
    let connection = &opened.connection;
    connection.busy_timeout(PATIENCE).map_err(fail)?;
    if mode == StoreMode::ReadWrite {
        // Of a file that has pages already it changes nothing.
        connection.pragma_update(None, "page_size", PAGE).map_err(fail)?;
        keep_log(connection).map_err(fail)?;
        connection.pragma_update(None, "synchronous", "full").map_err(fail)?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok(opened)
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

/// Opens a file that may lie where nothing can be written: then not even the log's index can be made beside it.
fn open_read_only(path: &Path) -> rusqlite::Result<Opened> {
    let stamp = Stamp::of(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let probe = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    match probe {
        Ok(_) => Ok(Opened { connection, unchanging: None }),
        // Immutable means that the log is not looked at, so there must be nothing in it.
        Err(error) if needs_writing(&error) && !stamp.has_log => {
            let uri = format!("file:{}?immutable=1", uri_path(path));
            let connection = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?;
            Ok(Opened { connection, unchanging: Some(stamp) })
        }
        Err(error) => Err(error),
    }
}

fn needs_writing(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
}

fn uri_path(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// One transaction. Dropped without a commit it leaves nothing.
pub(super) struct Session<'s> {
    store: &'s SqliteStore,
    /// Absent only while the session is dropped.
    opened: Option<Opened>,
    open: bool,
    _writing: Option<MutexGuard<'s, ()>>,
}

impl<'s> Session<'s> {
    pub(super) fn begin_read(store: &'s SqliteStore) -> Result<Self, RuntimeError> {
        Self::begin(store, "BEGIN", None)
    }

    pub(super) fn begin_write(store: &'s SqliteStore) -> Result<Self, RuntimeError> {
        let writing = store.writing.lock().unwrap_or_else(PoisonError::into_inner);
        Self::begin(store, "BEGIN IMMEDIATE", Some(writing))
    }

    fn begin(
        store: &'s SqliteStore,
        statement: &str,
        writing: Option<MutexGuard<'s, ()>>,
    ) -> Result<Self, RuntimeError> {
        let opened = store.take()?;
        opened.connection.execute_batch(statement).map_err(failed("beginning a transaction"))?;
        Ok(Self { store, opened: Some(opened), open: true, _writing: writing })
    }

    pub(super) fn connection(&self) -> &Connection {
        let opened = self.opened.as_ref().expect("the connection is there until the session is dropped");
        &opened.connection
    }

    pub(super) fn finish(mut self) -> Result<(), RuntimeError> {
        self.connection().execute_batch("COMMIT").map_err(failed("committing"))?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let Some(opened) = self.opened.take() else { return };
        // A connection whose transaction cannot be ended is closed, which ends it.
        if !self.open || opened.connection.execute_batch("ROLLBACK").is_ok() {
            self.store.give_back(opened);
        }
    }
}
