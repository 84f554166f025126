//! The seam to the databases: every statement of this crate goes through a [`Connection`].
//!
//! Statements are written once, in words that SQLite, MariaDB and MySQL read alike: parameters are `?1`, `?2`, names that
//! are reserved somewhere stand in double quotes, tables that may lie in memory have `main.` or `temp.` before them.
//! What is put where a row may be already is `REPLACE INTO`, or an `UPDATE` before an `INSERT`.

use std::path::Path;

use rusqlite::{OpenFlags, OptionalExtension as _};

use super::failed;
use super::mysql::Session;
use super::value::{BadValue, Params, Row};
use crate::counts;
use crate::error::BlockstoreError;
use crate::rows::RowId;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// A connection with a transaction open.
pub(crate) struct Connection(Kind);

enum Kind {
    Sqlite(rusqlite::Connection),
    Mysql(Session),
}

impl From<rusqlite::Connection> for Connection {
    fn from(connection: rusqlite::Connection) -> Self {
        Self(Kind::Sqlite(connection))
    }
}

/// Names the row, where its key was asked for first, and the column whose value is none of its kind.
fn damaged(action: &'static str, row: &Row<'_>, BadValue { column, reason }: &BadValue) -> BlockstoreError {
    let key = row.get::<RowId>(0).ok().filter(|_| row.column_name(0) == "id");
    let which = key.map(|key| format!(", row {key}")).unwrap_or_default();
    let reason = format!("{}: {reason}", row.column_name(*column));
    BlockstoreError::corrupt(format!("the database, {action}{which}"), reason)
}

impl Connection {
    /// Opens a file of a backup as it is, without a transaction.
    pub(crate) fn open_file(file: &Path) -> Result<Self> {
        rusqlite::Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map(Self::from)
            .map_err(failed("opening a copy of the database"))
    }

    /// Makes a new file.
    pub(super) fn create_file(file: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        rusqlite::Connection::open_with_flags(file, flags)
            .map(Self::from)
            .map_err(failed("making a copy of the database"))
    }

    /// Opens a file of a backup to read it.
    pub(crate) fn open_file_read_only(file: &Path) -> Result<Self> {
        rusqlite::Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map(Self::from)
            .map_err(failed("opening a copy of the database"))
    }

    /// Wraps a session with a MySQL or MariaDB server.
    pub(super) fn mysql(session: Session) -> Self {
        Self(Kind::Mysql(session))
    }

    /// Returns the connection to a file, where it is one.
    pub(crate) fn sqlite(&self) -> Option<&rusqlite::Connection> {
        match &self.0 {
            Kind::Sqlite(db) => Some(db),
            Kind::Mysql(_) => None,
        }
    }

    /// Returns the session with a server, where it is one.
    pub(super) fn session(&self) -> Option<&Session> {
        match &self.0 {
            Kind::Sqlite(_) => None,
            Kind::Mysql(session) => Some(session),
        }
    }

    /// Runs a statement; returns how many rows it found or made.
    pub(crate) fn run(&self, action: &'static str, sql: &str, params: impl Params) -> Result<usize> {
        counts::statement();
        match &self.0 {
            Kind::Sqlite(db) => params
                .with(|cells| {
                    let mut statement = db.prepare_cached(sql)?;
                    let changed = statement.execute(rusqlite::params_from_iter(cells));
                    counts::steps(&statement);
                    changed
                })
                .map_err(failed(action)),
            Kind::Mysql(session) => {
                params.with(|cells| session.run(sql, cells)).map_err(BlockstoreError::database(action))
            }
        }
    }

    /// Puts many rows where `into` says, which is a statement up to its `VALUES`.
    pub(crate) fn insert_rows<P: Params>(
        &self,
        action: &'static str,
        into: &str,
        rows: impl IntoIterator<Item = P>,
    ) -> Result<()> {
        counts::statement();
        match &self.0 {
            Kind::Sqlite(db) => {
                let mut statement = None;
                for row in rows {
                    let outcome = row.with(|cells| {
                        let prepared = match &mut statement {
                            Some(prepared) => prepared,
                            None => {
                                let marks = vec!["?"; cells.len()].join(", ");
                                statement.insert(db.prepare_cached(&format!("{into} VALUES ({marks})"))?)
                            }
                        };
                        prepared.execute(rusqlite::params_from_iter(cells))
                    });
                    outcome.map_err(failed(action))?;
                }
                Ok(())
            }
            Kind::Mysql(session) => {
                session.insert_rows(into, rows.into_iter()).map_err(BlockstoreError::database(action))
            }
        }
    }

    /// Inserts a row; returns the key it got.
    pub(crate) fn insert(&self, action: &'static str, sql: &str, params: impl Params) -> Result<RowId> {
        self.run(action, sql, params)?;
        Ok(match &self.0 {
            Kind::Sqlite(db) => db.last_insert_rowid(),
            Kind::Mysql(session) => session.last_insert_id(),
        })
    }

    /// Returns the first row of an answer.
    pub(crate) fn one<T>(
        &self,
        action: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> std::result::Result<T, BadValue>,
    ) -> Result<Option<T>> {
        counts::statement();
        let read = |row: Row<'_>| read(&row).map_err(|error| damaged(action, &row, &error));
        let found = match &self.0 {
            Kind::Sqlite(db) => params
                .with(|cells| {
                    let mut statement = db.prepare_cached(sql)?;
                    let row = |row: &rusqlite::Row<'_>| Ok(read(Row::Sqlite(row)));
                    let found = statement.query_row(rusqlite::params_from_iter(cells), row).optional();
                    counts::steps(&statement);
                    found
                })
                .map_err(failed(action))?,
            Kind::Mysql(session) => params
                .with(|cells| session.first(sql, cells))
                .map_err(BlockstoreError::database(action))?
                .map(|row| read(Row::Mysql(&row))),
        };
        found.transpose()
    }

    /// Returns all rows of an answer.
    pub(crate) fn all<T>(
        &self,
        action: &'static str,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> std::result::Result<T, BadValue>,
    ) -> Result<Vec<T>> {
        counts::statement();
        let mut read = |row: Row<'_>| read(&row).map_err(|error| damaged(action, &row, &error));
        match &self.0 {
            Kind::Sqlite(db) => params
                .with(|cells| {
                    let mut statement = db.prepare_cached(sql)?;
                    let mut rows = statement.query(rusqlite::params_from_iter(cells))?;
                    let mut found = Vec::new();
                    while let Some(row) = rows.next()? {
                        match read(Row::Sqlite(row)) {
                            Ok(value) => found.push(value),
                            Err(error) => return Ok(Err(error)),
                        }
                    }
                    drop(rows);
                    counts::steps(&statement);
                    Ok(Ok(found))
                })
                .map_err(failed(action))?,
            Kind::Mysql(session) => params
                .with(|cells| session.all(sql, cells))
                .map_err(BlockstoreError::database(action))?
                .iter()
                .map(|row| read(Row::Mysql(row)))
                .collect(),
        }
    }

    /// Looks at all rows of an answer, one at a time.
    pub(crate) fn each(
        &self,
        action: &'static str,
        sql: &str,
        mut look: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        match &self.0 {
            Kind::Sqlite(db) => {
                let mut statement = db.prepare(sql).map_err(failed(action))?;
                let mut rows = statement.query(()).map_err(failed(action))?;
                while let Some(row) = rows.next().map_err(failed(action))? {
                    look(&Row::Sqlite(row))?;
                }
                Ok(())
            }
            Kind::Mysql(session) => session
                .each(sql, |row| look(&Row::Mysql(row)))
                .map_err(BlockstoreError::database(action))
                .and_then(|looked| looked),
        }
    }

    /// Says whether an answer has any row.
    pub(crate) fn exists(&self, action: &'static str, sql: &str, params: impl Params) -> Result<bool> {
        self.one(action, sql, params, |_| Ok(())).map(|found| found.is_some())
    }

    /// Runs statements that make tables, in the words of the database.
    pub(crate) fn script(&self, action: &'static str, sqlite: &str, mysql: &[&str]) -> Result<()> {
        match &self.0 {
            Kind::Sqlite(db) => db.execute_batch(sqlite).map_err(failed(action)),
            Kind::Mysql(session) => mysql
                .iter()
                .try_for_each(|statement| session.make_table(statement))
                .map_err(BlockstoreError::database(action)),
        }
    }

    /// Says whether the database has tables of other programs.
    ///
    /// A file is made at once, so that any table in one without the app's is another's. On a server a process that is killed
    /// leaves as many tables as it has made.
    pub(crate) fn has_others(&self) -> Result<bool> {
        let sql = match &self.0 {
            Kind::Sqlite(_) => "SELECT 1 FROM main.sqlite_master",
            Kind::Mysql(_) => {
                "SELECT 1 FROM information_schema.tables WHERE table_schema = database() \
                 AND left(table_name, 7) <> 'xblock_' AND left(table_name, 8) <> 'bundles_' \
                 AND table_name <> 'django_migrations' LIMIT 1"
            }
        };
        self.exists("looking for tables", sql, ())
    }

    /// Says how far below the greatest key a row may still turn up: on a server, programs that do not take our lock may
    /// commit in another order than they inserted.
    pub(crate) fn late_keys(&self) -> RowId {
        match &self.0 {
            Kind::Sqlite(_) => 0,
            Kind::Mysql(_) => 1000,
        }
    }

    /// Says whether the database, not counting what lies in memory, has a table.
    pub(crate) fn has_table(&self, table: &str) -> Result<bool> {
        const ACTION: &str = "looking for a table";
        match &self.0 {
            Kind::Sqlite(_) => {
                let sql = "SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = ?1";
                self.exists(ACTION, sql, [table])
            }
            Kind::Mysql(session) => session.has_table(table).map_err(BlockstoreError::database(ACTION)),
        }
    }

    /// Says whether a table of the database has a column.
    pub(crate) fn has_column(&self, table: &str, column: &str) -> Result<bool> {
        let sql = match &self.0 {
            Kind::Sqlite(_) => "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2",
            Kind::Mysql(_) => {
                "SELECT 1 FROM information_schema.columns \
                 WHERE table_schema = database() AND table_name = ?1 AND column_name = ?2"
            }
        };
        self.exists("looking for a column", sql, (table, column))
    }
}
