//! Our own tables beside the app's: an index of usages, who made versions, and the change feed.
//!
//! Everything in here but authors, messages, the feed and origins can be computed from the bundles, and is where it is missing or
//! where its token says that another program has written.

mod blocks;
mod contexts;

use chrono::{DateTime, Utc};
use uuid::Uuid;
use xblock_core::runtime::{Branch, EditInfo};

use crate::database::{BadValue, Connection, Params, Row};
use crate::digest::Digest;
use crate::error::BlockstoreError;
use crate::rows::{RowId, digest_at, number};
use crate::schema::Home;

type Result<T> = std::result::Result<T, BlockstoreError>;

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
    /// Type and id of the root, where the bundle itself says so.
    pub(super) root: Option<(String, String)>,
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
    /// The display name.
    pub(super) title: Option<String>,
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

pub(super) fn size_at(row: &Row<'_>, column: usize) -> std::result::Result<u64, BadValue> {
    row.get::<i64>(column).map(|size| u64::try_from(size).unwrap_or_default())
}

pub(super) fn edit_info_at(row: &Row<'_>, column: usize) -> std::result::Result<EditInfo, BadValue> {
    Ok(EditInfo { edited_on: time_at(row, column)?, edited_by: row.get(column + 1)? })
}

pub(super) fn time_at(row: &Row<'_>, column: usize) -> std::result::Result<Option<DateTime<Utc>>, BadValue> {
    let micros: Option<i64> = row.get(column)?;
    Ok(micros.and_then(DateTime::from_timestamp_micros))
}

pub(super) fn micros(time: Option<DateTime<Utc>>) -> Option<i64> {
    time.map(|time| time.timestamp_micros())
}

impl<'c> Tables<'c> {
    pub(super) fn new(db: &'c Connection, home: Home) -> Self {
        Self { db, home }
    }

    /// Says whether the index is kept in memory only.
    pub(super) fn is_in_memory(&self) -> bool {
        self.home == Home::Temporary
    }

    /// Puts the place of our tables into a statement.
    fn sql(&self, statement: &str) -> String {
        statement.replace("{home}", self.home.name())
    }

    pub(super) fn run(&self, action: &'static str, statement: &str, values: impl Params) -> Result<usize> {
        self.db.run(action, &self.sql(statement), values)
    }

    pub(super) fn one<T>(
        &self,
        action: &'static str,
        query: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> std::result::Result<T, BadValue>,
    ) -> Result<Option<T>> {
        self.db.one(action, &self.sql(query), values, read)
    }

    pub(super) fn all<T>(
        &self,
        action: &'static str,
        query: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> std::result::Result<T, BadValue>,
    ) -> Result<Vec<T>> {
        self.db.all(action, &self.sql(query), values, read)
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
        let state = self.state_id(bundle, branch)?;
        self.run(
            "noting the version of an index",
            "UPDATE {home}.xblock_state SET previous = nullif(token, ''), token = ?2, message = ?3, \
             edited_on = ?4, edited_by = ?5 WHERE state_id = ?1",
            (state, token, message, micros(edit.edited_on), edit.edited_by),
        )?;
        Ok(state)
    }

    /// Returns the id of a branch's rows; a branch without rows gets one, and a version when it is complete.
    pub(super) fn state_id(&self, bundle: RowId, branch: Branch) -> Result<RowId> {
        let found = self.one(
            "finding the index of a branch",
            "SELECT state_id FROM {home}.xblock_state WHERE bundle_id = ?1 AND branch = ?2",
            (bundle, branch.name()),
            |row| row.get(0),
        )?;
        match found {
            Some(state) => Ok(state),
            None => self.db.insert(
                "beginning an index",
                &self.sql(
                    "INSERT INTO {home}.xblock_state (bundle_id, branch, token, message) VALUES (?1, ?2, '', '')",
                ),
                (bundle, branch.name()),
            ),
        }
    }

    /// Forgets everything about a branch but its version.
    pub(super) fn clear_state(&self, state: RowId) -> Result<()> {
        for statement in [
            "DELETE FROM {home}.xblock_usage WHERE state_id = ?1",
            "DELETE FROM {home}.xblock_child WHERE state_id = ?1",
            "DELETE FROM {home}.xblock_include WHERE state_id = ?1",
            "DELETE FROM {home}.xblock_included WHERE state_id = ?1",
            "DELETE FROM {home}.xblock_asset WHERE state_id = ?1",
        ] {
            self.run("clearing an index", statement, [state])?;
        }
        Ok(())
    }

    /// Puts many rows where `into` says.
    pub(super) fn insert<P: Params>(
        &self,
        action: &'static str,
        into: &str,
        rows: impl Iterator<Item = P>,
    ) -> Result<()> {
        self.db.insert_rows(action, &self.sql(into), rows)
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
            "REPLACE INTO {home}.xblock_asset (state_id, asset_type, name, hash, size, attributes) \
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

fn asset_row(row: &Row<'_>) -> std::result::Result<AssetRow, BadValue> {
    Ok(AssetRow {
        asset_type: row.get(0)?,
        name: row.get(1)?,
        hash: digest_at(row, 2)?,
        size: size_at(row, 3)?,
        attributes: row.get(4)?,
    })
}
