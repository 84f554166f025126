//! Rows carried from one database to another: out of a server into the file of a backup, and back.

use std::path::Path;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Connection;
use super::carried;
use super::value::{Cell, OwnedCell, Row, ToCell};
use crate::error::BlockstoreError;
use crate::schema::columns::{APP, INDEX, OWN, Table};
use crate::schema::{self, Home};

type Result<T> = std::result::Result<T, BlockstoreError>;

const ACTION: &str = "copying the database";

/// Columns that hold bytes; all others hold text or numbers.
const BYTES: &str = "files";

/// Writes everything a transaction sees to a new SQLite file.
pub(super) fn copy_to_file(from: &Connection, file: &Path) -> Result<()> {
    let to = Connection::create_file(file)?;
    to.script(ACTION, "PRAGMA synchronous = OFF; BEGIN;", &[])?;
    schema::create(&to, DateTime::<Utc>::UNIX_EPOCH)?;
    schema::create_index(&to, Home::Main)?;
    to.run(ACTION, "DELETE FROM django_migrations", ())?;
    let migrations = from.all(
        ACTION,
        "SELECT app, name, cast(applied AS char) FROM django_migrations WHERE app = 'bundles' ORDER BY id",
        (),
        |row| Ok([row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?]),
    )?;
    to.insert_rows(ACTION, "INSERT INTO django_migrations (app, name, applied)", migrations)?;
    copy_rows(from, &to, APP.iter().chain(&OWN).chain(&INDEX))?;
    reserve_numbers(&to)?;
    to.script(ACTION, "COMMIT;", &[])
}

/// Writes everything a file of a backup has into a database that has no bundles.
pub(super) fn copy_from_file(file: &Path, to: &Connection) -> Result<()> {
    let from = Connection::open_file_read_only(file)?;
    schema::refuse_newer(&from, &file.display())?;
    schema::require(&from, &file.display())?;
    // Rows of bundles that were deleted; the file has others by the same numbers.
    for (table, _) in OWN.iter().chain(&INDEX).filter(|(table, _)| *table != "xblock_feed_seen") {
        let sql = format!("SELECT 1 FROM {table} LIMIT 1");
        if to.has_table(table)? && to.exists("looking for rows", &sql, ())? {
            let place = format!("{table}, with rows of bundles that the store once had,");
            return Err(BlockstoreError::AlreadyThere { place });
        }
    }
    copy_rows(&from, to, APP.iter().chain(&OWN).chain(&INDEX))?;
    reserve_numbers(to)
}

/// Where rows of bundles and versions are named that may be deleted.
const BUNDLES: [&str; 7] = [
    "xblock_feed",
    "xblock_file_change",
    "xblock_link",
    "xblock_bundle",
    "xblock_state",
    "xblock_version",
    "xblock_unread",
];
const VERSIONS: [&str; 3] = ["xblock_feed", "xblock_feed_seen", "xblock_version"];

/// Keeps the numbers of rows that were deleted, and that the feed still names, from being given a second time.
///
/// Both databases go on after the highest number that a row ever had: so one of that number is put there, and taken away.
fn reserve_numbers(to: &Connection) -> Result<()> {
    let highest = |column: &str, tables: &[&str]| {
        let mut highest = 0;
        for table in tables {
            if to.has_table(table)? {
                let sql = format!("SELECT coalesce(max({column}), 0) FROM {table}");
                highest = to.one(ACTION, &sql, (), |row| row.get::<i64>(0))?.unwrap_or_default().max(highest);
            }
        }
        Ok::<_, BlockstoreError>(highest)
    };
    let bundle = highest("bundle_id", &BUNDLES)?;
    let version = highest("version_id", &VERSIONS)?;
    let next_bundle = highest("id", &["bundles_bundle"])? + 1;
    let next_version = highest("id", &["bundles_bundleversion"])? + 1;
    if bundle < next_bundle && version < next_version {
        return Ok(());
    }
    let (bundle, version) = (bundle.max(next_bundle), version.max(next_version));
    let collection = Uuid::new_v4();
    to.run(
        ACTION,
        "INSERT INTO bundles_collection (uuid, title) VALUES (?1, 'reserved')",
        [&*collection.simple().to_string()],
    )?;
    to.run(
        ACTION,
        "INSERT INTO bundles_bundle (id, uuid, title, slug, description, collection_id) \
         SELECT ?1, uuid, 'reserved', 'reserved', '', id FROM bundles_collection WHERE uuid = ?2",
        (bundle, &*collection.simple().to_string()),
    )?;
    to.run(
        ACTION,
        "INSERT INTO bundles_bundleversion (id, version_num, snapshot_digest, change_description, bundle_id) \
         VALUES (?1, 1, '', '', ?2)",
        (version, bundle),
    )?;
    to.run(ACTION, "DELETE FROM bundles_bundleversion WHERE id = ?1", [version])?;
    to.run(ACTION, "DELETE FROM bundles_bundle WHERE id = ?1", [bundle])?;
    to.run(ACTION, "DELETE FROM bundles_collection WHERE uuid = ?1", [&*collection.simple().to_string()])
        .map(drop)
}

/// Writes the app's rows of a file into a database that has no bundles.
pub(super) fn try_file(file: &Path, to: &Connection) -> Result<()> {
    let from = Connection::open_file_read_only(file)?;
    schema::refuse_newer(&from, &file.display())?;
    schema::require(&from, &file.display())?;
    copy_rows(&from, to, APP.iter().chain(&OWN).chain(&INDEX))
}

fn copy_rows<'t>(from: &Connection, to: &Connection, tables: impl Iterator<Item = &'t Table>) -> Result<()> {
    for (table, columns) in tables {
        if !from.has_table(table)? || !to.has_table(table)? {
            continue;
        }
        // An index of form 1 knows no titles; it is copied as one that is out of date.
        let lacks_titles = *table == "xblock_usage" && !from.has_column(table, "title")?;
        let columns: Vec<&str> =
            columns.iter().copied().filter(|name| !lacks_titles || *name != "title").collect();
        let names = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        // No row takes another one's place.
        let target = Target { table, columns: &columns, into: format!("INSERT INTO {table} ({names})") };
        let mut batch = Vec::new();
        let mut size = 0;
        from.each(ACTION, &format!("SELECT {names} FROM {table}"), |row| {
            let values = values(row, &columns)?;
            size += values.iter().map(OwnedCell::size).sum::<usize>();
            batch.push(values);
            if batch.len() >= ROWS || size >= BYTES_AT_ONCE {
                size = 0;
                target.put(to, &std::mem::take(&mut batch))?;
            }
            Ok(())
        })?;
        target.put(to, &batch)?;
        if lacks_titles {
            to.run(ACTION, "UPDATE xblock_state SET token = ''", ())?;
        }
    }
    Ok(())
}

/// Where rows go.
struct Target<'t> {
    table: &'static str,
    columns: &'t [&'static str],
    /// The statement up to its values.
    into: String,
}

impl Target<'_> {
    /// Puts rows, and names the one that is not taken.
    fn put(&self, to: &Connection, rows: &[Vec<OwnedCell>]) -> Result<()> {
        to.script(ACTION, "", &["SAVEPOINT carried"])?;
        let Err(error) = to.insert_rows(ACTION, &self.into, rows) else { return Ok(()) };
        if carried::reason(&error).is_none() {
            return Err(error);
        }
        to.script(ACTION, "", &["ROLLBACK TO SAVEPOINT carried"])?;
        for row in rows {
            if let Err(error) = to.insert_rows(ACTION, &self.into, [row]) {
                let values: Vec<_> = row.iter().map(ToCell::cell).collect();
                return Err(carried::refused_row(to, self.table, self.columns, &values, error));
            }
        }
        Err(error)
    }
}

/// How many rows, and bytes of them, are carried at once.
const ROWS: usize = 1000;
const BYTES_AT_ONCE: usize = 1 << 20;

fn values(row: &Row<'_>, columns: &[&str]) -> Result<Vec<OwnedCell>> {
    let damaged = |error| BlockstoreError::corrupt("the database", error);
    let value = |(at, name): (usize, &&str)| {
        Ok(match row.cell(at).map_err(damaged)? {
            Cell::Text(bytes) | Cell::Bytes(bytes) if *name == BYTES => OwnedCell::Bytes(bytes.to_vec()),
            other => OwnedCell::plain(other),
        })
    };
    columns.iter().enumerate().map(value).collect()
}
