//! The table in an SQLite file.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, ToSql, TransactionBehavior, ffi, params_from_iter,
};
use xblock_core::runtime::RuntimeError;

use super::row::Columns;
use super::statements::{Cell, Statements};
use super::{NAME, fill};
use crate::store::StoreMode;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS split_modulestore_django_splitmodulestorecourseindex (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    objectid varchar(24) NOT NULL UNIQUE,
    course_id varchar(255) NOT NULL UNIQUE,
    org varchar(255) NOT NULL,
    draft_version varchar(24) NOT NULL,
    published_version varchar(24) NOT NULL,
    library_version varchar(24) NOT NULL,
    wiki_slug varchar(255) NOT NULL,
    base_store varchar(20) NOT NULL,
    edited_on datetime NOT NULL,
    last_update datetime NOT NULL,
    edited_by_id integer NULL
);
CREATE INDEX IF NOT EXISTS split_modulestore_django_org
    ON split_modulestore_django_splitmodulestorecourseindex (org);
CREATE INDEX IF NOT EXISTS split_modulestore_django_wiki_slug
    ON split_modulestore_django_splitmodulestorecourseindex (wiki_slug);";

/// How long another process is waited for at most.
const PATIENCE: Duration = Duration::from_secs(30);

fn failed(error: rusqlite::Error) -> RuntimeError {
    let code = error.sqlite_error().map(|error| error.extended_code);
    let action = match code {
        Some(ffi::SQLITE_READONLY_ROLLBACK) => {
            "undoing, in the table of course indexes, a commit whose writer died; its file and folder have to be \
             writable for that"
        }
        _ => "reading or writing the table of course indexes",
    };
    RuntimeError::storage(action, error)
}

/// Opens a file that no statement changes.
///
/// A writer that died within a commit leaves a journal, which whoever reads next has to roll back: a connection that may
/// write nothing at all cannot, and fails until somebody opens the file for writing. Where the file cannot be written SQLite
/// itself opens it for reading only.
fn open_for_reading(file: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// The file.
pub(in crate::store::mongo) struct File {
    connection: Mutex<Connection>,
}

impl File {
    /// Opens the file; with [`StoreMode::ReadWrite`] the table is made where it is missing, with its first rows.
    pub(super) fn open(
        file: &str,
        patience: Duration,
        mode: StoreMode,
        first: &dyn Fn() -> Result<Vec<Columns>, RuntimeError>,
    ) -> Result<Self, RuntimeError> {
        let open =
            |error| RuntimeError::storage(format!("opening the table of course indexes in {file}"), error);
        let mut connection = match mode {
            StoreMode::ReadWrite => Connection::open(Path::new(file)).map_err(open)?,
            StoreMode::ReadOnly => open_for_reading(file).map_err(open)?,
        };
        connection.busy_timeout(PATIENCE.min(patience)).map_err(open)?;
        if mode == StoreMode::ReadWrite && (&connection).has_table(NAME)? {
            connection.execute_batch(TABLES).map_err(open)?;
        } else if mode == StoreMode::ReadWrite {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(open)?;
            let is_new = !(&*transaction).has_table(NAME)?;
            transaction.execute_batch(TABLES).map_err(open)?;
            if is_new {
                fill(&mut &*transaction, NAME, &first()?)?;
            }
            transaction.commit().map_err(open)?;
        }
        Ok(Self { connection: Mutex::new(connection) })
    }

    pub(super) fn read<T>(
        &self,
        job: impl FnOnce(&mut dyn Statements) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        job(&mut &*connection)
    }

    /// Runs a job in a transaction of its own; nothing is kept where it fails.
    pub(super) fn write<T>(
        &self,
        job: impl FnOnce(&mut dyn Statements) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let done = job(&mut &*transaction)?;
        transaction.commit().map_err(failed)?;
        Ok(done)
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null | Self::Other => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Integer(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Text(bytes) => str::from_utf8(bytes).map_or(Cell::Other, Cell::from),
        ValueRef::Real(_) | ValueRef::Blob(_) => Cell::Other,
    }
}

impl Statements for &Connection {
    fn for_update(&self) -> &'static str {
        ""
    }

    fn rows(&mut self, sql: &str, values: &[Cell]) -> Result<Vec<Vec<Cell>>, RuntimeError> {
        let mut statement = self.prepare_cached(sql).map_err(failed)?;
        let columns = statement.column_count();
        let rows = statement.query_map(params_from_iter(values), |row| {
            (0..columns).map(|at| row.get_ref(at).map(cell)).collect::<rusqlite::Result<Vec<_>>>()
        });
        rows.map_err(failed)?.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    fn execute(&mut self, sql: &str, values: &[Cell]) -> Result<(), RuntimeError> {
        Connection::execute(self, sql, params_from_iter(values)).map(drop).map_err(failed)
    }

    fn has_table(&mut self, name: &str) -> Result<bool, RuntimeError> {
        let sql = "SELECT 1 FROM sqlite_schema WHERE name = ?";
        Ok(self.query_row(sql, [name], |_| Ok(())).optional().map_err(failed)?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_file_is_waited_for_as_long_as_is_set_and_half_a_minute_at_most() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("edxapp.db");
        let waits = |mode, seconds| {
            let path = path.to_str().expect("a name");
            let file =
                File::open(path, Duration::from_secs(seconds), mode, &|| Ok(Vec::new())).expect("it opens");
            let connection = file.connection.lock().unwrap_or_else(PoisonError::into_inner);
            connection.query_row("PRAGMA busy_timeout", [], |row| row.get::<_, i64>(0)).expect("a number")
        };
        for mode in [StoreMode::ReadWrite, StoreMode::ReadOnly] {
            assert_eq!([waits(mode, 2), waits(mode, 60)], [2_000, 30_000]);
        }
    }
}
