//! Our own tables beside the app's: an index of usages, who made versions, and the change feed.
//!
//! Everything in here but authors, messages, the feed and origins can be computed from the bundles, and is where it is missing or
//! where its token says that another program has written.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row};
use uuid::Uuid;
use xblock_core::runtime::{Branch, EditInfo};

use crate::digest::Digest;
use crate::error::BlockstoreError;
use crate::rows::{RowId, digest_at, number, query_failed, uuid_at};

type Result<T> = std::result::Result<T, BlockstoreError>;

/// The schema our tables are in: the database's own, or memory where nothing may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    Main,
    Temporary,
}

impl Home {
    const fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Temporary => "temp",
        }
    }
}

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS {home}.xblock_bundle (
    bundle_id INTEGER PRIMARY KEY, context_key TEXT UNIQUE, root_type TEXT, root_id TEXT);
CREATE TABLE IF NOT EXISTS {home}.xblock_state (
    state_id INTEGER PRIMARY KEY, bundle_id INTEGER NOT NULL, branch TEXT NOT NULL, token TEXT NOT NULL,
    previous TEXT, message TEXT NOT NULL, edited_on INTEGER, edited_by INTEGER, UNIQUE (bundle_id, branch));
CREATE TABLE IF NOT EXISTS {home}.xblock_usage (
    state_id INTEGER NOT NULL, block_type TEXT NOT NULL, block_id TEXT NOT NULL, hash TEXT NOT NULL,
    size INTEGER NOT NULL, edited_on INTEGER, edited_by INTEGER,
    PRIMARY KEY (state_id, block_type, block_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {home}.xblock_child (
    state_id INTEGER NOT NULL, parent_type TEXT NOT NULL, parent_id TEXT NOT NULL, position INTEGER NOT NULL,
    child_type TEXT NOT NULL, child_id TEXT NOT NULL,
    PRIMARY KEY (state_id, parent_type, parent_id, position)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS {home}.xblock_child_of ON xblock_child (state_id, child_type, child_id);
CREATE TABLE IF NOT EXISTS {home}.xblock_asset (
    state_id INTEGER NOT NULL, asset_type TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL,
    size INTEGER NOT NULL, attributes TEXT NOT NULL,
    PRIMARY KEY (state_id, asset_type, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {home}.xblock_version (
    bundle_id INTEGER NOT NULL, version_num INTEGER NOT NULL, version_id INTEGER NOT NULL,
    edited_on INTEGER, edited_by INTEGER, PRIMARY KEY (bundle_id, version_num)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS {home}.xblock_version_id ON xblock_version (version_id);
CREATE TABLE IF NOT EXISTS {home}.xblock_change (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT, context_key TEXT NOT NULL, branch TEXT NOT NULL,
    version TEXT NOT NULL, edited_on INTEGER, edited_by INTEGER);
CREATE TABLE IF NOT EXISTS {home}.xblock_origin (context_key TEXT PRIMARY KEY, files BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS {home}.xblock_garbage (draft TEXT PRIMARY KEY) WITHOUT ROWID;
";

/// Queries and changes of our tables on one connection.
#[derive(Clone, Copy)]
pub(super) struct Tables<'c> {
    pub(super) db: &'c Connection,
    home: Home,
}

/// A bundle that is a learning context, with what the app's tables say of it at this moment.
#[derive(Debug, Clone)]
pub(super) struct ContextRow {
    pub(super) bundle_id: RowId,
    pub(super) bundle: Uuid,
    pub(super) root_type: String,
    pub(super) root_id: String,
    pub(super) draft: Option<Uuid>,
    pub(super) latest: Option<(u64, Digest)>,
}

/// What the index holds of a branch.
#[derive(Debug, Clone)]
pub(super) struct StateRow {
    pub(super) id: RowId,
    /// The version the rows describe.
    pub(super) token: String,
    pub(super) previous: Option<String>,
    pub(super) message: String,
    pub(super) edit_info: EditInfo,
}

/// What the index holds of a block.
#[derive(Debug, Clone)]
pub(super) struct UsageRow {
    pub(super) hash: Digest,
    pub(super) size: u64,
    pub(super) edit_info: EditInfo,
}

/// What the index holds of a static file.
#[derive(Debug, Clone)]
pub(super) struct AssetRow {
    pub(super) asset_type: String,
    pub(super) name: String,
    pub(super) hash: Digest,
    pub(super) size: u64,
    pub(super) attributes: String,
}

/// One entry of the feed.
#[derive(Debug, Clone)]
pub(super) struct ChangeRow {
    pub(super) cursor: u64,
    pub(super) context: String,
    pub(super) branch: Branch,
    pub(super) version: String,
    pub(super) edit_info: EditInfo,
}

pub(super) fn size_at(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|size| u64::try_from(size).unwrap_or_default())
}

pub(super) fn edit_info_at(row: &Row<'_>, column: usize) -> rusqlite::Result<EditInfo> {
    let micros: Option<i64> = row.get(column)?;
    Ok(EditInfo {
        edited_on: micros.and_then(DateTime::from_timestamp_micros),
        edited_by: row.get(column + 1)?,
    })
}

pub(super) fn micros(time: Option<DateTime<Utc>>) -> Option<i64> {
    time.map(|time| time.timestamp_micros())
}

impl<'c> Tables<'c> {
    pub(super) fn new(db: &'c Connection, home: Home) -> Self {
        Self { db, home }
    }

    /// Puts the place of our tables into a statement.
    fn sql(&self, statement: &str) -> String {
        statement.replace("{home}", self.home.name())
    }

    pub(super) fn run(
        &self,
        action: &'static str,
        statement: &str,
        values: impl rusqlite::Params,
    ) -> Result<usize> {
        self.db
            .prepare_cached(&self.sql(statement))
            .and_then(|mut prepared| prepared.execute(values))
            .map_err(BlockstoreError::sql(action))
    }

    pub(super) fn one<T>(
        &self,
        action: &'static str,
        query: &str,
        values: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        self.db
            .prepare_cached(&self.sql(query))
            .and_then(|mut prepared| prepared.query_row(values, read).optional())
            .map_err(query_failed(action))
    }

    pub(super) fn all<T>(
        &self,
        action: &'static str,
        query: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        self.db
            .prepare_cached(&self.sql(query))
            .and_then(|mut prepared| prepared.query_map(values, read)?.collect())
            .map_err(query_failed(action))
    }

    /// Returns the statements that make the tables where they are missing.
    pub(super) fn schema(home: Home) -> String {
        TABLES.replace("{home}", home.name())
    }

    pub(super) fn create(&self) -> Result<()> {
        self.db.execute_batch(&self.sql(TABLES)).map_err(BlockstoreError::sql("making the index tables"))
    }

    pub(super) fn exist(&self) -> Result<bool> {
        let catalogue = match self.home {
            Home::Main => "main.sqlite_master",
            Home::Temporary => "temp.sqlite_master",
        };
        let query =
            format!("SELECT count(*) FROM {catalogue} WHERE name IN ('xblock_bundle', 'xblock_garbage')");
        let count: u32 = self
            .db
            .query_row(&query, [], |row| row.get(0))
            .map_err(BlockstoreError::sql("looking for the index tables"))?;
        Ok(count == 2)
    }

    // Contexts

    pub(super) fn context_keys(&self) -> Result<Vec<String>> {
        self.all(
            "listing the contexts",
            "SELECT x.context_key FROM {home}.xblock_bundle x JOIN main.bundles_bundle b ON b.id = x.bundle_id \
             WHERE x.context_key IS NOT NULL",
            [],
            |row| row.get(0),
        )
    }

    /// Finds bundles that nobody has looked at yet.
    pub(super) fn unknown_bundles(&self) -> Result<Vec<(RowId, Uuid)>> {
        self.all(
            "looking for new bundles",
            "SELECT id, uuid FROM main.bundles_bundle \
             WHERE id > (SELECT coalesce(max(bundle_id), 0) FROM {home}.xblock_bundle) ORDER BY id",
            [],
            |row| Ok((row.get(0)?, uuid_at(row, 1)?)),
        )
    }

    /// Notes what a bundle is; a context that another bundle is already stays with that one.
    pub(super) fn put_bundle(&self, bundle: RowId, context: Option<(&str, &str, &str)>) -> Result<()> {
        let (key, root_type, root_id) =
            context.map_or((None, None, None), |(key, t, id)| (Some(key), Some(t), Some(id)));
        let inserted = self.run(
            "noting a bundle's context",
            "INSERT OR IGNORE INTO {home}.xblock_bundle (bundle_id, context_key, root_type, root_id) \
             VALUES (?1, ?2, ?3, ?4)",
            (bundle, key, root_type, root_id),
        )?;
        if inserted == 0 {
            self.run(
                "noting a bundle",
                "INSERT OR IGNORE INTO {home}.xblock_bundle (bundle_id) VALUES (?1)",
                [bundle],
            )?;
        }
        Ok(())
    }

    /// Forgets contexts whose bundles are gone.
    pub(super) fn forget_deleted(&self, context: &str) -> Result<()> {
        let gone = "SELECT bundle_id FROM {home}.xblock_bundle WHERE context_key = ?1 \
                    AND bundle_id NOT IN (SELECT id FROM main.bundles_bundle)";
        for statement in [
            format!(
                "DELETE FROM {{home}}.xblock_usage WHERE state_id IN \
                 (SELECT state_id FROM {{home}}.xblock_state WHERE bundle_id IN ({gone}))"
            ),
            format!(
                "DELETE FROM {{home}}.xblock_child WHERE state_id IN \
                 (SELECT state_id FROM {{home}}.xblock_state WHERE bundle_id IN ({gone}))"
            ),
            format!(
                "DELETE FROM {{home}}.xblock_asset WHERE state_id IN \
                 (SELECT state_id FROM {{home}}.xblock_state WHERE bundle_id IN ({gone}))"
            ),
            format!("DELETE FROM {{home}}.xblock_version WHERE bundle_id IN ({gone})"),
            format!("DELETE FROM {{home}}.xblock_state WHERE bundle_id IN ({gone})"),
        ] {
            self.run("forgetting a deleted context", &statement, [context])?;
        }
        self.run(
            "forgetting a deleted context",
            &format!("DELETE FROM {{home}}.xblock_origin WHERE context_key = ?1 AND EXISTS ({gone})"),
            [context],
        )?;
        self.run(
            "forgetting a deleted context",
            "UPDATE {home}.xblock_bundle SET context_key = NULL WHERE context_key = ?1 \
             AND bundle_id NOT IN (SELECT id FROM main.bundles_bundle)",
            [context],
        )?;
        Ok(())
    }

    pub(super) fn context(&self, key: &str) -> Result<Option<ContextRow>> {
        self.one(
            "finding a context",
            "SELECT x.bundle_id, b.uuid, x.root_type, x.root_id, \
             (SELECT d.uuid FROM main.bundles_draft d WHERE d.bundle_id = b.id AND d.name = 'studio_draft'), \
             v.version_num, v.snapshot_digest \
             FROM {home}.xblock_bundle x JOIN main.bundles_bundle b ON b.id = x.bundle_id \
             LEFT JOIN main.bundles_bundleversion v ON v.bundle_id = b.id AND v.version_num = \
             (SELECT max(w.version_num) FROM main.bundles_bundleversion w WHERE w.bundle_id = b.id) \
             WHERE x.context_key = ?1",
            [key],
            |row| {
                let number: Option<u32> = row.get(5)?;
                let draft: Option<String> = row.get(4)?;
                Ok(ContextRow {
                    bundle_id: row.get(0)?,
                    bundle: uuid_at(row, 1)?,
                    root_type: row.get(2)?,
                    root_id: row.get(3)?,
                    draft: draft.map(|_| uuid_at(row, 4)).transpose()?,
                    latest: number
                        .map(|number| Ok::<_, rusqlite::Error>((u64::from(number), digest_at(row, 6)?)))
                        .transpose()?,
                })
            },
        )
    }

    /// Returns the context a bundle is.
    pub(super) fn context_of_bundle(&self, bundle: RowId) -> Result<Option<String>> {
        let found = self.one(
            "finding the context of a bundle",
            "SELECT context_key FROM {home}.xblock_bundle WHERE bundle_id = ?1",
            [bundle],
            |row| row.get::<_, Option<String>>(0),
        )?;
        Ok(found.flatten())
    }

    // States

    pub(super) fn state(&self, bundle: RowId, branch: Branch) -> Result<Option<StateRow>> {
        self.one(
            "finding the index of a branch",
            "SELECT state_id, token, previous, message, edited_on, edited_by FROM {home}.xblock_state \
             WHERE bundle_id = ?1 AND branch = ?2",
            (bundle, branch.name()),
            |row| {
                Ok(StateRow {
                    id: row.get(0)?,
                    token: row.get(1)?,
                    previous: row.get(2)?,
                    message: row.get(3)?,
                    edit_info: edit_info_at(row, 4)?,
                })
            },
        )
    }

    /// Notes which version the rows of a branch describe, and returns the branch's id.
    pub(super) fn put_state(
        &self,
        bundle: RowId,
        branch: Branch,
        token: &str,
        message: &str,
        edit: &EditInfo,
    ) -> Result<RowId> {
        self.one(
            "noting the version of an index",
            "INSERT INTO {home}.xblock_state (bundle_id, branch, token, message, edited_on, edited_by) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (bundle_id, branch) DO UPDATE SET previous = nullif(token, ''), \
             token = excluded.token, message = excluded.message, edited_on = excluded.edited_on, \
             edited_by = excluded.edited_by RETURNING state_id",
            (bundle, branch.name(), token, message, micros(edit.edited_on), edit.edited_by),
            |row| row.get(0),
        )?
        .ok_or_else(|| BlockstoreError::corrupt("xblock_state", "an inserted row is not there"))
    }

    /// Returns the id of a branch's rows; a branch without rows gets one, and a version when it is complete.
    pub(super) fn state_id(&self, bundle: RowId, branch: Branch) -> Result<RowId> {
        self.run(
            "beginning an index",
            "INSERT OR IGNORE INTO {home}.xblock_state (bundle_id, branch, token, message) VALUES (?1, ?2, '', '')",
            (bundle, branch.name()),
        )?;
        self.one(
            "finding the index of a branch",
            "SELECT state_id FROM {home}.xblock_state WHERE bundle_id = ?1 AND branch = ?2",
            (bundle, branch.name()),
            |row| row.get(0),
        )?
        .ok_or_else(|| BlockstoreError::corrupt("xblock_state", "an inserted row is not there"))
    }

    /// Forgets everything about a branch but its version.
    pub(super) fn clear_state(&self, state: RowId) -> Result<()> {
        for statement in [
            "DELETE FROM {home}.xblock_usage WHERE state_id = ?1",
            "DELETE FROM {home}.xblock_child WHERE state_id = ?1",
            "DELETE FROM {home}.xblock_asset WHERE state_id = ?1",
        ] {
            self.run("clearing an index", statement, [state])?;
        }
        Ok(())
    }

    // Blocks

    /// Lists types and ids.
    pub(super) fn usages(&self, state: RowId) -> Result<Vec<(String, String)>> {
        self.all(
            "listing usages",
            "SELECT block_type, block_id FROM {home}.xblock_usage WHERE state_id = ?1",
            [state],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    pub(super) fn usage_rows(&self, state: RowId) -> Result<Vec<((String, String), UsageRow)>> {
        self.all(
            "listing usages",
            "SELECT hash, size, edited_on, edited_by, block_type, block_id FROM {home}.xblock_usage \
             WHERE state_id = ?1",
            [state],
            |row| Ok(((row.get(4)?, row.get(5)?), usage_row(row)?)),
        )
    }

    pub(super) fn usage(&self, state: RowId, block_type: &str, id: &str) -> Result<Option<UsageRow>> {
        self.one(
            "finding a usage",
            "SELECT hash, size, edited_on, edited_by FROM {home}.xblock_usage \
             WHERE state_id = ?1 AND block_type = ?2 AND block_id = ?3",
            (state, block_type, id),
            usage_row,
        )
    }

    pub(super) fn parents(&self, state: RowId, block_type: &str, id: &str) -> Result<Vec<(String, String)>> {
        self.all(
            "finding parents",
            "SELECT DISTINCT parent_type, parent_id FROM {home}.xblock_child \
             WHERE state_id = ?1 AND child_type = ?2 AND child_id = ?3",
            (state, block_type, id),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    pub(super) fn put_usage(&self, state: RowId, block_type: &str, id: &str, row: &UsageRow) -> Result<()> {
        self.run(
            "writing a usage",
            "INSERT OR REPLACE INTO {home}.xblock_usage \
             (state_id, block_type, block_id, hash, size, edited_on, edited_by) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                state,
                block_type,
                id,
                row.hash.to_string(),
                number(row.size),
                micros(row.edit_info.edited_on),
                row.edit_info.edited_by,
            ),
        )
        .map(drop)
    }

    pub(super) fn delete_usage(&self, state: RowId, block_type: &str, id: &str) -> Result<()> {
        self.run(
            "deleting a usage",
            "DELETE FROM {home}.xblock_usage WHERE state_id = ?1 AND block_type = ?2 AND block_id = ?3",
            (state, block_type, id),
        )?;
        self.put_children(state, block_type, id, std::iter::empty())
    }

    pub(super) fn put_children<'k>(
        &self,
        state: RowId,
        block_type: &str,
        id: &str,
        children: impl Iterator<Item = (&'k str, &'k str)>,
    ) -> Result<()> {
        self.run(
            "deleting children",
            "DELETE FROM {home}.xblock_child WHERE state_id = ?1 AND parent_type = ?2 AND parent_id = ?3",
            (state, block_type, id),
        )?;
        for (position, (child_type, child_id)) in children.enumerate() {
            self.run(
                "writing children",
                "INSERT INTO {home}.xblock_child \
                 (state_id, parent_type, parent_id, position, child_type, child_id) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (state, block_type, id, number(position as u64), child_type, child_id),
            )?;
        }
        Ok(())
    }

    // Static files

    pub(super) fn assets(&self, state: RowId) -> Result<Vec<AssetRow>> {
        self.all(
            "listing static files",
            "SELECT asset_type, name, hash, size, attributes FROM {home}.xblock_asset WHERE state_id = ?1",
            [state],
            asset_row,
        )
    }

    pub(super) fn asset(&self, state: RowId, asset_type: &str, name: &str) -> Result<Option<AssetRow>> {
        self.one(
            "finding a static file",
            "SELECT asset_type, name, hash, size, attributes FROM {home}.xblock_asset \
             WHERE state_id = ?1 AND asset_type = ?2 AND name = ?3",
            (state, asset_type, name),
            asset_row,
        )
    }

    pub(super) fn put_asset(&self, state: RowId, row: &AssetRow) -> Result<()> {
        self.run(
            "writing a static file",
            "INSERT OR REPLACE INTO {home}.xblock_asset (state_id, asset_type, name, hash, size, attributes) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (state, &row.asset_type, &row.name, row.hash.to_string(), number(row.size), &row.attributes),
        )
        .map(drop)
    }

    pub(super) fn delete_assets(&self, state: RowId) -> Result<()> {
        self.run("clearing static files", "DELETE FROM {home}.xblock_asset WHERE state_id = ?1", [state])
            .map(drop)
    }
}

fn usage_row(row: &Row<'_>) -> rusqlite::Result<UsageRow> {
    Ok(UsageRow { hash: digest_at(row, 0)?, size: size_at(row, 1)?, edit_info: edit_info_at(row, 2)? })
}

fn asset_row(row: &Row<'_>) -> rusqlite::Result<AssetRow> {
    Ok(AssetRow {
        asset_type: row.get(0)?,
        name: row.get(1)?,
        hash: digest_at(row, 2)?,
        size: size_at(row, 3)?,
        attributes: row.get(4)?,
    })
}
