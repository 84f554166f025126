//! The tables of the embedded store.
//!
//! Each collection is a table whose `document` is the BSON itself; the other columns repeat what is searched for.
//! Chunks hang on a file's number instead of its `_id`, so that a file moves between buckets without its bytes.

use std::path::Path;

use rusqlite::Connection;
use xblock_core::runtime::RuntimeError;

use super::StoreMode;
use super::connection::failed;
use crate::documents::corrupt;

/// Marks our files in SQLite's header: `XBms`.
const APPLICATION_ID: i32 = 0x5842_6d73;
/// The version of the tables below.
const SCHEMA_VERSION: i32 = 1;

const TABLES: &str = r#"
CREATE TABLE "modulestore.active_versions" (
    _id BLOB NOT NULL PRIMARY KEY,
    org TEXT NOT NULL,
    course TEXT NOT NULL,
    run TEXT NOT NULL,
    document BLOB NOT NULL,
    UNIQUE (org, course, run)
);
CREATE TABLE "modulestore.structures" (
    _id BLOB NOT NULL PRIMARY KEY,
    previous_version BLOB,
    original_version BLOB,
    edited_on INTEGER,
    edited_by INTEGER,
    message TEXT NOT NULL DEFAULT '',
    document BLOB NOT NULL
);
CREATE TABLE "modulestore.definitions" (
    _id BLOB NOT NULL PRIMARY KEY,
    document BLOB NOT NULL
);
CREATE TABLE files (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket TEXT NOT NULL,
    _id BLOB NOT NULL,
    org TEXT,
    course TEXT,
    run TEXT,
    document BLOB NOT NULL,
    UNIQUE (bucket, _id)
);
CREATE INDEX files_of_owner ON files (bucket, org, course, run);
CREATE TABLE chunks (
    file INTEGER NOT NULL REFERENCES files (number),
    n INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (file, n)
);
CREATE TABLE feed (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    context TEXT NOT NULL,
    branch TEXT NOT NULL,
    version BLOB NOT NULL,
    edited_on INTEGER,
    edited_by INTEGER
);
"#;

/// The table of documents of collections that no other table is for.
pub(super) const OTHERS: &str = "
CREATE TABLE IF NOT EXISTS other_documents (
    collection TEXT NOT NULL,
    _id BLOB NOT NULL,
    -- Those of Old Mongo's ids.
    org TEXT,
    course TEXT,
    category TEXT,
    document BLOB NOT NULL,
    UNIQUE (collection, _id)
);
CREATE INDEX IF NOT EXISTS old_blocks ON other_documents (org, course) WHERE org IS NOT NULL;
CREATE INDEX IF NOT EXISTS old_courses ON other_documents (category) WHERE category = 'course'";

/// The table of structures and definitions that were set aside.
pub(super) const SET_ASIDE: &str = "
CREATE TABLE IF NOT EXISTS set_aside (
    kind TEXT NOT NULL,
    _id BLOB NOT NULL,
    since INTEGER NOT NULL,
    message TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (kind, _id)
)";

/// Why a file cannot serve as a store.
pub(super) enum Unfit {
    Foreign,
    Newer(i32),
    Failed(RuntimeError),
}

impl Unfit {
    pub(super) fn at(self, path: &Path) -> RuntimeError {
        let place = path.display().to_string();
        match self {
            Self::Foreign => RuntimeError::Corrupt { place, reason: "it is no modulestore file".into() },
            Self::Newer(version) => RuntimeError::Corrupt {
                place,
                reason: format!("its tables are of version {version}, this program knows {SCHEMA_VERSION}"),
            },
            Self::Failed(RuntimeError::Corrupt { reason, .. }) => RuntimeError::Corrupt { place, reason },
            Self::Failed(other) => other,
        }
    }
}

/// Makes the tables in an empty file, and refuses files that are something else.
pub(super) fn prepare(connection: &Connection, mode: StoreMode) -> Result<(), Unfit> {
    let fail = |error| Unfit::Failed(failed("preparing the store")(error));
    if is_ours(connection)? {
        return check_indexes(connection);
    }
    if mode == StoreMode::ReadOnly {
        return Err(Unfit::Foreign);
    }
    connection.execute_batch("BEGIN IMMEDIATE").map_err(fail)?;
    let made = make(connection);
    let end = if made.is_ok() { "COMMIT" } else { "ROLLBACK" };
    connection.execute_batch(end).map_err(fail)?;
    made
}

/// Proves the table that names the contexts, with what SQLite finds them by: where that is damaged, contexts would seem
/// not to be there. It is small, a row for each context.
fn check_indexes(connection: &Connection) -> Result<(), Unfit> {
    let fail = |error| Unfit::Failed(failed("checking the store")(error));
    let found: String = connection
        .query_row(r#"PRAGMA integrity_check("modulestore.active_versions")"#, [], |row| row.get(0))
        .map_err(fail)?;
    match &*found {
        "ok" => Ok(()),
        reason => Err(Unfit::Failed(corrupt("the store file", reason))),
    }
}

fn make(connection: &Connection) -> Result<(), Unfit> {
    let fail = |error| Unfit::Failed(failed("preparing the store")(error));
    // Another process may have been faster.
    if is_ours(connection)? {
        return Ok(());
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fail)?;
    if tables > 0 {
        return Err(Unfit::Foreign);
    }
    connection.execute_batch(TABLES).map_err(fail)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(fail)?;
    connection.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(fail)
}

fn is_ours(connection: &Connection) -> Result<bool, Unfit> {
    let fail = |error| Unfit::Failed(failed("preparing the store")(error));
    let pragma =
        |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(fail);
    match (pragma("application_id")?, pragma("user_version")?) {
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(true),
        (APPLICATION_ID, version) => Err(Unfit::Newer(version)),
        (0, 0) => Ok(false),
        _ => Err(Unfit::Foreign),
    }
}
