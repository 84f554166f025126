//! Our own tables beside the app's: an index of usages, who made versions, and the change feed.
//!
//! Everything in here but authors, messages, the feed and origins can be computed from the bundles, and is where it is missing or
//! where its token says that another program has written.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use xblock_core::runtime::{Branch, EditInfo};

use crate::database::{BadValue, Connection, Params, Row};
use crate::digest::Digest;
use crate::error::BlockstoreError;
use crate::rows::{RowId, digest_at, number, uuid_at};
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

pub(super) fn size_at(row: &Row<'_>, column: usize) -> std::result::Result<u64, BadValue> {
    row.get::<i64>(column).map(|size| u64::try_from(size).unwrap_or_default())
}

pub(super) fn edit_info_at(row: &Row<'_>, column: usize) -> std::result::Result<EditInfo, BadValue> {
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

    // Contexts

    pub(super) fn context_keys(&self) -> Result<Vec<String>> {
        self.all(
            "listing the contexts",
            "SELECT x.context_key FROM {home}.xblock_bundle x JOIN main.bundles_bundle b ON b.id = x.bundle_id \
             WHERE x.context_key IS NOT NULL",
            (),
            |row| row.get(0),
        )
    }

    /// Finds bundles that nobody has looked at yet.
    pub(super) fn unknown_bundles(&self) -> Result<Vec<(RowId, Uuid)>> {
        const ACTION: &str = "looking for new bundles";
        // By itself, because MySQL takes a table in memory only once in a statement.
        let known = "SELECT coalesce(max(bundle_id), 0) FROM {home}.xblock_bundle";
        let known = self.one(ACTION, known, (), |row| row.get::<RowId>(0))?.unwrap_or_default();
        self.all(
            ACTION,
            "SELECT b.id, b.uuid FROM main.bundles_bundle b WHERE b.id > ?1 \
             AND NOT EXISTS (SELECT 1 FROM {home}.xblock_bundle x WHERE x.bundle_id = b.id) ORDER BY b.id",
            [known - self.db.late_keys()],
            |row| Ok((row.get(0)?, uuid_at(row, 1)?)),
        )
    }

    /// Notes what a bundle is; a context that another bundle is already stays with that one.
    pub(super) fn put_bundle(&self, bundle: RowId, context: Option<(&str, &str, &str)>) -> Result<()> {
        let (key, root_type, root_id) =
            context.map_or((None, None, None), |(key, t, id)| (Some(key), Some(t), Some(id)));
        let is_taken = match key {
            Some(key) => self
                .one(
                    "finding a context",
                    "SELECT 1 FROM {home}.xblock_bundle WHERE context_key = ?1",
                    [key],
                    |_| Ok(()),
                )?
                .is_some(),
            None => false,
        };
        let is_noted = self.one(
            "finding a bundle",
            "SELECT 1 FROM {home}.xblock_bundle WHERE bundle_id = ?1",
            [bundle],
            |_| Ok(()),
        )?;
        if is_noted.is_some() {
            return Ok(());
        }
        let (key, root_type, root_id) = if is_taken { (None, None, None) } else { (key, root_type, root_id) };
        self.run(
            "noting a bundle's context",
            "INSERT INTO {home}.xblock_bundle (bundle_id, context_key, root_type, root_id) \
             VALUES (?1, ?2, ?3, ?4)",
            (bundle, key, root_type, root_id),
        )
        .map(drop)
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
                        .map(|number| Ok::<_, BadValue>((u64::from(number), digest_at(row, 6)?)))
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
            |row| row.get::<Option<String>>(0),
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
            "REPLACE INTO {home}.xblock_usage \
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
        let rows = children.enumerate().map(|(position, (child_type, child_id))| {
            (state, block_type, id, number(position as u64), child_type, child_id)
        });
        let into = "INSERT INTO {home}.xblock_child \
                    (state_id, parent_type, parent_id, position, child_type, child_id)";
        self.db.insert_rows("writing children", &self.sql(into), rows)
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

fn usage_row(row: &Row<'_>) -> std::result::Result<UsageRow, BadValue> {
    Ok(UsageRow { hash: digest_at(row, 0)?, size: size_at(row, 1)?, edit_info: edit_info_at(row, 2)? })
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
