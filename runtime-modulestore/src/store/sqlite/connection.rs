//! Connections and the transactions on them.

use std::path::Path;
use std::sync::{MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use xblock_core::runtime::RuntimeError;

use super::{SqliteStore, StoreMode};

/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(60);

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

pub(super) fn open(path: &Path, mode: StoreMode) -> Result<Connection, RuntimeError> {
    let fail = |error| match failed(&format!("opening {}", path.display()))(error) {
        RuntimeError::Corrupt { reason, .. } => {
            RuntimeError::Corrupt { place: path.display().to_string(), reason }
        }
        other => other,
    };
    let connection = match mode {
        StoreMode::ReadWrite => Connection::open(path).map_err(fail)?,
        StoreMode::ReadOnly => open_read_only(path).map_err(fail)?,
    };
    connection.busy_timeout(PATIENCE).map_err(fail)?;
    if mode == StoreMode::ReadWrite {
        keep_log(&connection).map_err(fail)?;
        connection.pragma_update(None, "synchronous", "full").map_err(fail)?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
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
fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let probe = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    match probe {
        Ok(_) => Ok(connection),
        // Immutable means that the log is not looked at, so there must be nothing in it.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) && !has_log(path) => {
            let uri = format!("file:{}?immutable=1", uri_path(path));
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
        }
        Err(error) => Err(error),
    }
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

fn uri_path(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

/// One transaction. Dropped without a commit it leaves nothing.
pub(super) struct Session<'s> {
    store: &'s SqliteStore,
    /// Absent only while the session is dropped.
    connection: Option<Connection>,
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
        let connection = store.take()?;
        connection.execute_batch(statement).map_err(failed("beginning a transaction"))?;
        Ok(Self { store, connection: Some(connection), open: true, _writing: writing })
    }

    pub(super) fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("the connection is there until the session is dropped")
    }

    pub(super) fn finish(mut self) -> Result<(), RuntimeError> {
        self.connection().execute_batch("COMMIT").map_err(failed("committing"))?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // A connection whose transaction cannot be ended is closed, which ends it.
        if !self.open || connection.execute_batch("ROLLBACK").is_ok() {
            self.store.give_back(connection);
        }
    }
}
