//! The database: SQLite in a file, or a MySQL or MariaDB server; what a job does in a transaction is the same on all.

mod carried;
mod connection;
mod error;
mod mysql;
mod sqlite;
mod transfer;
mod value;

use std::path::Path;

use chrono::{DateTime, Utc};

pub(crate) use carried::{find_same_draft, refused};
pub(crate) use connection::Connection;
pub use error::DatabaseError;
pub(crate) use value::{BadValue, Cell, OwnedCell, Params, Row};

use crate::error::BlockstoreError;
use crate::place::MysqlPlace;
use crate::schema::{self, Home};
use mysql::Server;
use sqlite::Sqlite;

/// Whether a store may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing on the medium changes.
    ReadOnly,
    /// The store is made where it is missing.
    ReadWrite,
}

/// The database of a store.
pub(crate) struct Database {
    access: Access,
    engine: Engine,
}

enum Engine {
    Sqlite(Box<Sqlite>),
    Mysql(Box<Server>),
}

/// Makes temporary tables on a connection.
type MakeTables = fn(&Connection) -> Result<(), BlockstoreError>;

/// Names a failure of SQLite; meant for `map_err`.
fn failed(action: &'static str) -> impl FnOnce(rusqlite::Error) -> BlockstoreError {
    move |source| BlockstoreError::Database { action, source: source.into() }
}

impl Database {
    /// Opens the database in a file; for writing it is made where it is missing.
    pub(crate) fn open_file(file: &Path, access: Access) -> Result<Self, BlockstoreError> {
        Sqlite::open(file, access).map(|sqlite| Self { access, engine: Engine::Sqlite(Box::new(sqlite)) })
    }

    /// Opens a database on a server; it must be there, its tables need not.
    pub(crate) fn open_mysql(place: &MysqlPlace, access: Access) -> Result<Self, BlockstoreError> {
        let server = Server::new(place);
        server.look(|db| {
            if access == Access::ReadWrite {
                schema::refuse_foreign(db, place)?;
            }
            schema::refuse_newer(db, place)
        })?;
        Ok(Self { access, engine: Engine::Mysql(Box::new(server)) })
    }

    /// Says whether a database on a server has tables of the app.
    pub(crate) fn has_app(place: &MysqlPlace) -> Result<bool, BlockstoreError> {
        Server::new(place).look(schema::is_begun)
    }

    pub(crate) fn access(&self) -> Access {
        self.access
    }

    /// Makes the app's tables where they are missing, and ours.
    pub(crate) fn create_tables(&self, now: DateTime<Utc>) -> Result<(), BlockstoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.write(|db| schema::create(db, now)),
            Engine::Mysql(server) => server.define(|db| schema::create(db, now)),
        }
    }

    /// Makes the tables of the runtime's index where they are missing: in the database, or in memory where that is read only.
    pub(crate) fn create_index(&self, home: Home) -> Result<(), BlockstoreError> {
        match (&self.engine, home) {
            (Engine::Sqlite(sqlite), Home::Main) => sqlite.write(|db| schema::create_index(db, Home::Main)),
            (Engine::Sqlite(sqlite), Home::Temporary) => {
                sqlite.make_temporary(|db| schema::create_index(db, Home::Temporary))
            }
            (Engine::Mysql(server), Home::Main) => server.define(|db| schema::create_index(db, Home::Main)),
            (Engine::Mysql(server), Home::Temporary) => {
                server.make_temporary(|db| schema::create_index(db, Home::Temporary))
            }
        }
    }

    /// Says what is wrong with the database itself: kinds of damage and what is said of each.
    pub(crate) fn check(&self, db: &Connection) -> Result<Vec<(&'static str, String)>, BlockstoreError> {
        match &self.engine {
            Engine::Sqlite(_) => Sqlite::check(db),
            Engine::Mysql(server) => server.check(db),
        }
    }

    /// Runs queries that cannot begin anew, because they use something up, on one consistent state of the database.
    pub(crate) fn read_once<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.read(job),
            Engine::Mysql(server) => server.read_once(job),
        }
    }

    /// Runs queries on one consistent state of the database; again where the connection was lost meanwhile.
    pub(crate) fn read<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnMut(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.read(job),
            Engine::Mysql(server) => server.read(job),
        }
    }

    /// Runs a job that alone may write; what it wrote stays only where it succeeds.
    ///
    /// The job begins anew where a server took back what it did, so what it does to files must bear being done twice.
    pub(crate) fn write<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnMut(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.access == Access::ReadOnly {
            return Err(BlockstoreError::ReadOnly.into());
        }
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.write(job),
            Engine::Mysql(server) => server.write(job),
        }
    }

    /// Runs a job that alone may write, and whose outcome a power failure may undo: the next writer brings it to the medium.
    pub(crate) fn write_unawaited<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnMut(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        match &self.engine {
            Engine::Sqlite(sqlite) if self.access == Access::ReadWrite => sqlite.write_unawaited(job),
            _ => self.write(job),
        }
    }

    /// Runs a job that alone may write and cannot begin anew, because it uses something up.
    pub(crate) fn write_once<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.access == Access::ReadOnly {
            return Err(BlockstoreError::ReadOnly.into());
        }
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.write(job),
            Engine::Mysql(server) => server.write_once(job),
        }
    }

    /// Writes a copy of the committed state to a new SQLite file, inside a job that alone may write.
    pub(crate) fn copy_to(&self, db: &Connection, file: &Path) -> Result<(), BlockstoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.copy_to(file),
            Engine::Mysql(_) => transfer::copy_to_file(db, file),
        }
    }

    /// Takes over everything a SQLite file has, inside a job that alone may write a database without bundles.
    pub(crate) fn copy_from(db: &Connection, file: &Path) -> Result<(), BlockstoreError> {
        transfer::copy_from_file(file, db)
    }

    /// Says whether a database takes the app's rows of a SQLite file; none of them is to stay.
    pub(crate) fn try_copy_from(&self, file: &Path) -> Result<(), BlockstoreError> {
        /// How a trial ends, so that whatever it wrote is taken back.
        enum Trial {
            Passed,
            Failed(BlockstoreError),
        }
        impl From<BlockstoreError> for Trial {
            fn from(error: BlockstoreError) -> Self {
                Self::Failed(error)
            }
        }
        let tried = self.write_once(|db| {
            transfer::try_file(file, db)?;
            Err::<(), _>(Trial::Passed)
        });
        match tried {
            Ok(()) | Err(Trial::Passed) => Ok(()),
            Err(Trial::Failed(error)) => Err(error),
        }
    }

    /// Runs a job that fills temporary tables of the one connection a read-only store has.
    pub(crate) fn write_temporary<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.write_temporary(job),
            Engine::Mysql(server) => server.write_temporary(job),
        }
    }
}
