//! The rows of the app's tables.

use rusqlite::{Connection, OptionalExtension as _, Row};
use uuid::Uuid;

use crate::digest::Digest;
use crate::error::BlockstoreError;

/// Primary key of a row.
pub(crate) type RowId = i64;

/// A row of `bundles_bundleversion`.
#[derive(Debug, Clone)]
pub(crate) struct VersionRow {
    pub(crate) number: u64,
    pub(crate) snapshot: Digest,
    pub(crate) change_description: String,
}

/// Reads a UUID as the app keeps it: 32 hex digits without hyphens.
pub(crate) fn uuid_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let text: String = row.get(column)?;
    Uuid::try_parse(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

pub(crate) fn digest_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// Writes a UUID as the app keeps it.
pub(crate) fn uuid_text(uuid: Uuid) -> String {
    uuid.simple().to_string()
}

/// Makes a number fit for SQLite; larger ones than it can hold are in no row.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn version_row(row: &Row<'_>) -> rusqlite::Result<VersionRow> {
    Ok(VersionRow {
        number: u64::from(row.get::<_, u32>(0)?),
        snapshot: digest_at(row, 1)?,
        change_description: row.get(2)?,
    })
}

/// Names a failure of a query; a value that is none of its column's kind is damage.
pub(crate) fn query_failed(action: &'static str) -> impl FnOnce(rusqlite::Error) -> BlockstoreError {
    move |error| match error {
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
            BlockstoreError::corrupt(format!("db.sqlite3, {action}"), error)
        }
        error => BlockstoreError::Database { action, source: error },
    }
}

pub(crate) fn bundle_id(db: &Connection, bundle: Uuid) -> Result<Option<RowId>, BlockstoreError> {
    db.prepare_cached("SELECT id FROM bundles_bundle WHERE uuid = ?1")
        .and_then(|mut query| query.query_row([uuid_text(bundle)], |row| row.get(0)).optional())
        .map_err(query_failed("finding a bundle"))
}

pub(crate) fn latest_version(db: &Connection, bundle: RowId) -> Result<Option<VersionRow>, BlockstoreError> {
    db.prepare_cached(
        "SELECT version_num, snapshot_digest, change_description FROM bundles_bundleversion \
         WHERE bundle_id = ?1 ORDER BY version_num DESC LIMIT 1",
    )
    .and_then(|mut query| query.query_row([bundle], version_row).optional())
    .map_err(query_failed("finding the latest version of a bundle"))
}

pub(crate) fn version(
    db: &Connection,
    bundle: RowId,
    wanted: u64,
) -> Result<Option<VersionRow>, BlockstoreError> {
    db.prepare_cached(
        "SELECT version_num, snapshot_digest, change_description FROM bundles_bundleversion \
         WHERE bundle_id = ?1 AND version_num = ?2",
    )
    .and_then(|mut query| query.query_row((bundle, number(wanted)), version_row).optional())
    .map_err(query_failed("finding a version of a bundle"))
}

/// Lists a bundle's versions, newest first.
pub(crate) fn versions(db: &Connection, bundle: RowId) -> Result<Vec<VersionRow>, BlockstoreError> {
    db.prepare_cached(
        "SELECT version_num, snapshot_digest, change_description FROM bundles_bundleversion \
         WHERE bundle_id = ?1 ORDER BY version_num DESC",
    )
    .and_then(|mut query| query.query_map([bundle], version_row)?.collect())
    .map_err(query_failed("listing the versions of a bundle"))
}

pub(crate) fn insert_version(
    db: &Connection,
    bundle: RowId,
    number_: u64,
    snapshot: Digest,
    description: &str,
) -> Result<(), BlockstoreError> {
    db.prepare_cached(
        "INSERT INTO bundles_bundleversion (bundle_id, version_num, snapshot_digest, change_description) \
         VALUES (?1, ?2, ?3, ?4)",
    )
    .and_then(|mut insert| insert.execute((bundle, number(number_), snapshot.to_string(), description)))
    .map(drop)
    .map_err(BlockstoreError::sql("inserting a version"))
}

/// Finds the draft of a name.
pub(crate) fn draft_named(
    db: &Connection,
    bundle: RowId,
    name: &str,
) -> Result<Option<Uuid>, BlockstoreError> {
    db.prepare_cached("SELECT uuid FROM bundles_draft WHERE bundle_id = ?1 AND name = ?2")
        .and_then(|mut query| query.query_row((bundle, name), |row| uuid_at(row, 0)).optional())
        .map_err(query_failed("finding a draft"))
}

/// Makes a draft's row or gives it another UUID.
pub(crate) fn put_draft(
    db: &Connection,
    bundle: RowId,
    name: &str,
    uuid: Uuid,
) -> Result<(), BlockstoreError> {
    db.prepare_cached(
        "INSERT INTO bundles_draft (uuid, bundle_id, name) VALUES (?1, ?2, ?3) \
         ON CONFLICT (bundle_id, name) DO UPDATE SET uuid = excluded.uuid",
    )
    .and_then(|mut insert| insert.execute((uuid_text(uuid), bundle, name)))
    .map(drop)
    .map_err(BlockstoreError::sql("writing a draft's row"))
}

pub(crate) fn insert_collection(db: &Connection, uuid: Uuid, title: &str) -> Result<RowId, BlockstoreError> {
    db.execute("INSERT INTO bundles_collection (uuid, title) VALUES (?1, ?2)", (uuid_text(uuid), title))
        .map_err(BlockstoreError::sql("inserting a collection"))?;
    Ok(db.last_insert_rowid())
}

/// What a new bundle is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BundleNames<'n> {
    pub(crate) slug: &'n str,
    pub(crate) title: &'n str,
    pub(crate) description: &'n str,
}

pub(crate) fn insert_bundle(
    db: &Connection,
    uuid: Uuid,
    collection: RowId,
    names: BundleNames<'_>,
) -> Result<RowId, BlockstoreError> {
    db.execute(
        "INSERT INTO bundles_bundle (uuid, slug, description, collection_id, title) VALUES (?1, ?2, ?3, ?4, ?5)",
        (uuid_text(uuid), names.slug, names.description, collection, names.title),
    )
    .map_err(BlockstoreError::sql("inserting a bundle"))?;
    Ok(db.last_insert_rowid())
}
