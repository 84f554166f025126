//! The rows of the app's tables.

use uuid::Uuid;

use crate::database::{BadValue, Cell, Connection, Row};
use crate::digest::{Digest, NoDigest};
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
pub(crate) fn uuid_at(row: &Row<'_>, column: usize) -> Result<Uuid, BadValue> {
    let text: String = row.get(column)?;
    Uuid::try_parse(&text).map_err(|error| BadValue { column, reason: error.to_string() })
}

pub(crate) fn digest_at(row: &Row<'_>, column: usize) -> Result<Digest, BadValue> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: NoDigest| BadValue { column, reason: error.to_string() })
}

pub(crate) fn digest_or_none(row: &Row<'_>, column: usize) -> Result<Option<Digest>, BadValue> {
    match row.cell(column)? {
        Cell::Null => Ok(None),
        _ => digest_at(row, column).map(Some),
    }
}

/// Reads a number of a version.
pub(crate) fn version_at(row: &Row<'_>, column: usize) -> Result<u64, BadValue> {
    row.get::<u32>(column).map(u64::from)
}

/// Writes a UUID as the app keeps it.
pub(crate) fn uuid_text(uuid: Uuid) -> String {
    uuid.simple().to_string()
}

/// Makes a number fit for a database; larger ones than it can hold are in no row.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Says in which table the row is that cannot be read.
pub(crate) fn in_row<T>(read: Result<T, BlockstoreError>, table: &str) -> Result<T, BlockstoreError> {
    read.map_err(|error| match error {
        BlockstoreError::Corrupt { place, reason } => {
            BlockstoreError::Corrupt { place: format!("{table}, {place}"), reason }
        }
        other => other,
    })
}

const VERSIONS: &str = "bundles_bundleversion";
const DRAFTS: &str = "bundles_draft";

fn version_row(row: &Row<'_>) -> Result<VersionRow, BadValue> {
    Ok(VersionRow {
        number: version_at(row, 1)?,
        snapshot: digest_at(row, 2)?,
        change_description: row.get(3)?,
    })
}

pub(crate) fn bundle_id(db: &Connection, bundle: Uuid) -> Result<Option<RowId>, BlockstoreError> {
    let sql = "SELECT id FROM bundles_bundle WHERE uuid = ?1";
    db.one("finding a bundle", sql, [uuid_text(bundle)], |row| row.get(0))
}

pub(crate) fn latest_version(db: &Connection, bundle: RowId) -> Result<Option<VersionRow>, BlockstoreError> {
    let read = db.one(
        "finding the latest version of a bundle",
        "SELECT id, version_num, snapshot_digest, change_description FROM bundles_bundleversion \
         WHERE bundle_id = ?1 ORDER BY version_num DESC LIMIT 1",
        [bundle],
        version_row,
    );
    in_row(read, VERSIONS)
}

pub(crate) fn version(
    db: &Connection,
    bundle: RowId,
    wanted: u64,
) -> Result<Option<VersionRow>, BlockstoreError> {
    let read = db.one(
        "finding a version of a bundle",
        "SELECT id, version_num, snapshot_digest, change_description FROM bundles_bundleversion \
         WHERE bundle_id = ?1 AND version_num = ?2",
        (bundle, number(wanted)),
        version_row,
    );
    in_row(read, VERSIONS)
}

/// Finds the number under which a bundle's version has a snapshot.
pub(crate) fn version_of_snapshot(
    db: &Connection,
    bundle: Uuid,
    snapshot: Digest,
) -> Result<Option<u64>, BlockstoreError> {
    let Some(id) = bundle_id(db, bundle)? else { return Ok(None) };
    db.one(
        "finding the version of a snapshot",
        "SELECT version_num FROM bundles_bundleversion WHERE bundle_id = ?1 AND snapshot_digest = ?2 \
         ORDER BY version_num LIMIT 1",
        (id, snapshot.to_string()),
        |row| version_at(row, 0),
    )
}

/// Lists a bundle's versions, newest first.
pub(crate) fn versions(db: &Connection, bundle: RowId) -> Result<Vec<VersionRow>, BlockstoreError> {
    let read = db.all(
        "listing the versions of a bundle",
        "SELECT id, version_num, snapshot_digest, change_description FROM bundles_bundleversion \
         WHERE bundle_id = ?1 ORDER BY version_num DESC",
        [bundle],
        version_row,
    );
    in_row(read, VERSIONS)
}

/// Inserts a version; the app refuses two of one number.
pub(crate) fn insert_version(
    db: &Connection,
    bundle: RowId,
    version: u64,
    snapshot: Digest,
    description: &str,
) -> Result<RowId, BlockstoreError> {
    db.insert(
        "inserting a version",
        "INSERT INTO bundles_bundleversion (bundle_id, version_num, snapshot_digest, change_description) \
         VALUES (?1, ?2, ?3, ?4)",
        (bundle, number(version), snapshot.to_string(), description),
    )
}

/// Finds the draft of a name.
pub(crate) fn draft_named(
    db: &Connection,
    bundle: RowId,
    name: &str,
) -> Result<Option<Uuid>, BlockstoreError> {
    let sql = "SELECT id, uuid FROM bundles_draft WHERE bundle_id = ?1 AND name = ?2";
    let read = db.one("finding a draft", sql, (bundle, name), |row| uuid_at(row, 1));
    in_row(read, DRAFTS)
}

/// Says whether a draft has a row.
pub(crate) fn has_draft(db: &Connection, draft: Uuid) -> Result<bool, BlockstoreError> {
    db.exists("looking for a draft", "SELECT 1 FROM bundles_draft WHERE uuid = ?1", [uuid_text(draft)])
}

/// Makes a draft's row or gives it another UUID.
pub(crate) fn put_draft(
    db: &Connection,
    bundle: RowId,
    name: &str,
    uuid: Uuid,
) -> Result<(), BlockstoreError> {
    const ACTION: &str = "writing a draft's row";
    let uuid = uuid_text(uuid);
    let update = "UPDATE bundles_draft SET uuid = ?3 WHERE bundle_id = ?1 AND name = ?2";
    if db.run(ACTION, update, (bundle, name, &uuid))? == 0 {
        let insert = "INSERT INTO bundles_draft (bundle_id, name, uuid) VALUES (?1, ?2, ?3)";
        db.run(ACTION, insert, (bundle, name, &uuid))?;
    }
    Ok(())
}

pub(crate) fn insert_collection(db: &Connection, uuid: Uuid, title: &str) -> Result<RowId, BlockstoreError> {
    let sql = "INSERT INTO bundles_collection (uuid, title) VALUES (?1, ?2)";
    db.insert("inserting a collection", sql, (uuid_text(uuid), title))
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
    db.insert(
        "inserting a bundle",
        "INSERT INTO bundles_bundle (uuid, slug, description, collection_id, title) VALUES (?1, ?2, ?3, ?4, ?5)",
        (uuid_text(uuid), names.slug, names.description, collection, names.title),
    )
}
