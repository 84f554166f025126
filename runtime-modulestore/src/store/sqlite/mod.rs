//! The embedded store: the collections as tables of one SQLite file.

mod chunks;
mod connection;
mod reads;
mod schema;
mod writes;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use xblock_core::runtime::RuntimeError;

use self::connection::{Opened, Session};
use super::{DocumentReads, DocumentStore, DocumentWrites};

/// Whether a store may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreMode {
    /// It is made where it is not there yet.
    ReadWrite,
    /// It must be there and stays as it is.
    ReadOnly,
}

/// Keeps the documents in one SQLite file with a write-ahead log, so that readers never wait.
///
/// Each commit is one transaction that holds the write lock from its first read on. A process that dies leaves the
/// state before its transaction, or after it.
pub struct SqliteStore {
    path: PathBuf,
    mode: StoreMode,
    /// Connections nobody uses at the moment.
    idle: Mutex<Vec<Opened>>,
    /// Held by the one writer of this process, so that threads queue up instead of polling the file's lock.
    writing: Mutex<()>,
}

/// How many unused connections are kept open.
const MAX_IDLE: usize = 8;

impl SqliteStore {
    /// Opens a store file.
    ///
    /// # Errors
    /// [`RuntimeError::Storage`] where the file cannot be opened, [`RuntimeError::Corrupt`] where it is something else.
    pub fn open(path: impl AsRef<Path>, mode: StoreMode) -> Result<Self, RuntimeError> {
        let path = path.as_ref().to_owned();
        let opened = connection::open(&path, mode)?;
        schema::prepare(opened.connection(), mode).map_err(|problem| problem.at(&path))?;
        Ok(Self { path, mode, idle: Mutex::new(vec![opened]), writing: Mutex::new(()) })
    }

    /// Returns the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn take(&self) -> Result<Opened, RuntimeError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(opened) if opened.is_current(&self.path) => Ok(opened),
            _ => connection::open(&self.path, self.mode),
        }
    }

    fn give_back(&self, opened: Opened) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(opened);
        }
    }
}

impl DocumentStore for SqliteStore {
    fn read(&self) -> Result<Box<dyn DocumentReads + '_>, RuntimeError> {
        Ok(Box::new(Session::begin_read(self)?))
    }

    fn write(&self) -> Result<Box<dyn DocumentWrites + '_>, RuntimeError> {
        if self.mode == StoreMode::ReadOnly {
            return Err(RuntimeError::ReadOnly);
        }
        Ok(Box::new(Session::begin_write(self)?))
    }
}
