//! Our own tables beside the app's: an index of usages, who made versions, and the change feed.
//!
//! Everything in here but authors, messages, the feed and origins can be computed from the bundles, and is where it is missing or
//! where its token says that another program has written.

use std::collections::BTreeMap;

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

    /// Finds bundles that nobody has looked at yet, oldest first.
    pub(super) fn new_bundles(&self) -> Result<Vec<(RowId, Uuid)>> {
        const ACTION: &str = "looking for new bundles";
        // By itself, because MySQL takes a table in memory only once in a statement.
        let known = "SELECT coalesce(max(bundle_id), 0) FROM {home}.xblock_bundle";
        let known = match self.home {
            Home::Main => self.one(ACTION, known, (), |row| row.get::<RowId>(0))?.unwrap_or_default(),
            // An index in memory begins with the bundles that were told what they are, wherever these stand.
            Home::Temporary => 0,
        };
        self.all(
            ACTION,
            "SELECT b.id, b.uuid FROM main.bundles_bundle b WHERE b.id > ?1 \
             AND NOT EXISTS (SELECT 1 FROM {home}.xblock_bundle x WHERE x.bundle_id = b.id) \
             AND NOT EXISTS (SELECT 1 FROM {home}.xblock_unread u WHERE u.bundle_id = b.id) ORDER BY b.id",
            [known - self.db.late_keys()],
            |row| Ok((row.get(0)?, uuid_at(row, 1)?)),
        )
    }

    /// Finds bundles of which nobody knows yet what they are, oldest first: new ones, and those that could not be read.
    pub(super) fn unknown_bundles(&self) -> Result<BTreeMap<RowId, Uuid>> {
        let unread = self.unread_bundles()?.into_iter().map(|(id, uuid, _)| (id, uuid));
        Ok(self.new_bundles()?.into_iter().chain(unread).collect())
    }

    /// Lists the bundles that could not be read when somebody looked at what they are, with their descriptions.
    pub(super) fn unread_bundles(&self) -> Result<Vec<(RowId, Uuid, String)>> {
        self.all(
            "listing the bundles that cannot be read",
            "SELECT b.id, b.uuid, b.description FROM {home}.xblock_unread u \
             JOIN main.bundles_bundle b ON b.id = u.bundle_id ORDER BY b.id",
            (),
            |row| Ok((row.get(0)?, uuid_at(row, 1)?, row.get(2)?)),
        )
    }

    /// Notes that a bundle cannot be read, so that nobody knows what it is.
    pub(super) fn put_unread(&self, bundle: RowId) -> Result<()> {
        const ACTION: &str = "noting a bundle that cannot be read";
        self.drop_unread(bundle)?;
        self.run(ACTION, "INSERT INTO {home}.xblock_unread (bundle_id) VALUES (?1)", [bundle]).map(drop)
    }

    fn drop_unread(&self, bundle: RowId) -> Result<()> {
        const ACTION: &str = "noting a bundle that can be read";
        self.run(ACTION, "DELETE FROM {home}.xblock_unread WHERE bundle_id = ?1", [bundle]).map(drop)
    }

    /// Notes what a bundle is; a context that several bundles say they are is the oldest of them. Returns the other bundle
    /// that says the same, where there is one.
    pub(super) fn put_bundle(
        &self,
        bundle: RowId,
        context: Option<(&str, &str, &str)>,
    ) -> Result<Option<RowId>> {
        const ACTION: &str = "noting a bundle's context";
        self.drop_unread(bundle)?;
        let is_noted = "SELECT 1 FROM {home}.xblock_bundle WHERE bundle_id = ?1";
        if self.one(ACTION, is_noted, [bundle], |_| Ok(()))?.is_some() {
            return Ok(None);
        }
        let mut noted = context;
        let mut twin = None;
        if let Some((key, ..)) = context {
            self.forget_deleted(key)?;
            let sql = "SELECT bundle_id, root_type FROM {home}.xblock_bundle WHERE context_key = ?1";
            let holder = self.one(ACTION, sql, [key], |row| {
                Ok((row.get::<RowId>(0)?, row.get::<Option<String>>(1)?.is_some()))
            })?;
            match holder {
                Some((holder, true)) if holder > bundle => {
                    let sql = "UPDATE {home}.xblock_bundle SET context_key = NULL, root_type = NULL, root_id = NULL \
                               WHERE bundle_id = ?1";
                    self.run(ACTION, sql, [holder])?;
                    self.forget_index(holder)?;
                    twin = Some(holder);
                }
                Some((holder, _)) => {
                    noted = None;
                    twin = Some(holder);
                }
                None => {}
            }
        }
        let (key, root_type, root_id) =
            noted.map_or((None, None, None), |(key, t, id)| (Some(key), Some(t), Some(id)));
        self.run(
            ACTION,
            "INSERT INTO {home}.xblock_bundle (bundle_id, context_key, root_type, root_id) \
             VALUES (?1, ?2, ?3, ?4)",
            (bundle, key, root_type, root_id),
        )?;
        Ok(twin)
    }

    /// Forgets contexts whose bundles are gone.
    pub(super) fn forget_deleted(&self, context: &str) -> Result<()> {
        let gone = "SELECT bundle_id FROM {home}.xblock_bundle WHERE context_key = ?1 \
                    AND bundle_id NOT IN (SELECT id FROM main.bundles_bundle)";
        for table in ["usage", "child", "include", "included", "asset"] {
            let statement = format!(
                "DELETE FROM {{home}}.xblock_{table} WHERE state_id IN \
                 (SELECT state_id FROM {{home}}.xblock_state WHERE bundle_id IN ({gone}))"
            );
            self.run("forgetting a deleted context", &statement, [context])?;
        }
        for statement in [
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

    pub(super) fn context(&self, key: &str, draft: &str) -> Result<Option<ContextRow>> {
        self.one(
            "finding a context",
            "SELECT x.bundle_id, b.uuid, x.root_type, x.root_id, \
             (SELECT d.uuid FROM main.bundles_draft d WHERE d.bundle_id = b.id AND d.name = ?2), \
             v.version_num, v.snapshot_digest \
             FROM {home}.xblock_bundle x JOIN main.bundles_bundle b ON b.id = x.bundle_id \
             LEFT JOIN main.bundles_bundleversion v ON v.bundle_id = b.id AND v.version_num = \
             (SELECT max(w.version_num) FROM main.bundles_bundleversion w WHERE w.bundle_id = b.id) \
             WHERE x.context_key = ?1",
            (key, draft),
            |row| {
                let number: Option<u32> = row.get(5)?;
                let draft: Option<String> = row.get(4)?;
                Ok(ContextRow {
                    bundle_id: row.get(0)?,
                    bundle: uuid_at(row, 1)?,
                    root: row.get::<Option<String>>(2)?.zip(row.get(3)?),
                    draft: draft.map(|_| uuid_at(row, 4)).transpose()?,
                    latest: number
                        .map(|number| Ok::<_, BadValue>((u64::from(number), digest_at(row, 6)?)))
                        .transpose()?,
                })
            },
        )
    }

    /// Notes that a bundle is a context which it does not say itself; returns false where another bundle is that context.
    pub(super) fn adopt(&self, bundle: RowId, key: &str) -> Result<bool> {
        const ACTION: &str = "noting a bundle's context";
        self.forget_deleted(key)?;
        let sql = "SELECT bundle_id FROM {home}.xblock_bundle WHERE context_key = ?1";
        match self.one(ACTION, sql, [key], |row| row.get::<RowId>(0))? {
            Some(known) => return Ok(known == bundle),
            None => drop(self.put_bundle(bundle, None)?),
        }
        self.forget_index(bundle)?;
        let sql = "UPDATE {home}.xblock_bundle SET context_key = ?2, root_type = NULL, root_id = NULL \
                   WHERE bundle_id = ?1";
        self.run(ACTION, sql, (bundle, key))?;
        Ok(true)
    }

    /// Lists the bundles that were told which contexts they are.
    pub(super) fn told(&self) -> Result<Vec<(RowId, String)>> {
        self.all(
            "listing the contexts",
            "SELECT x.bundle_id, x.context_key FROM {home}.xblock_bundle x \
             JOIN main.bundles_bundle b ON b.id = x.bundle_id \
             WHERE x.context_key IS NOT NULL AND x.root_type IS NULL",
            (),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// Forgets which context a bundle was told to be; one that says it itself stays what it is.
    pub(super) fn disown(&self, bundle: RowId) -> Result<()> {
        self.forget_index(bundle)?;
        let sql =
            "UPDATE {home}.xblock_bundle SET context_key = NULL WHERE bundle_id = ?1 AND root_type IS NULL";
        self.run("forgetting a context", sql, [bundle]).map(drop)
    }

    /// Makes the index of a bundle count as out of date.
    fn forget_index(&self, bundle: RowId) -> Result<()> {
        let sql = "UPDATE {home}.xblock_state SET token = '' WHERE bundle_id = ?1";
        self.run("forgetting the index of a bundle", sql, [bundle]).map(drop)
    }

    /// Returns the title of a bundle.
    pub(super) fn bundle_title(&self, bundle: RowId) -> Result<String> {
        let sql = "SELECT title FROM main.bundles_bundle WHERE id = ?1";
        let found = self.one("reading the title of a bundle", sql, [bundle], |row| row.get(0))?;
        Ok(found.unwrap_or_default())
    }

    /// Returns the context a bundle is, and whether it says so itself.
    pub(super) fn context_of_bundle(&self, bundle: RowId) -> Result<Option<(String, bool)>> {
        let found = self.one(
            "finding the context of a bundle",
            "SELECT context_key, root_type FROM {home}.xblock_bundle WHERE bundle_id = ?1",
            [bundle],
            |row| Ok((row.get::<Option<String>>(0)?, row.get::<Option<String>>(1)?.is_some())),
        )?;
        Ok(found.and_then(|(key, is_declared)| Some((key?, is_declared))))
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
            "SELECT hash, size, edited_on, edited_by, title, block_type, block_id FROM {home}.xblock_usage \
             WHERE state_id = ?1",
            [state],
            |row| Ok(((row.get(5)?, row.get(6)?), usage_row(row)?)),
        )
    }

    pub(super) fn usage(&self, state: RowId, block_type: &str, id: &str) -> Result<Option<UsageRow>> {
        self.one(
            "finding a usage",
            "SELECT hash, size, edited_on, edited_by, title FROM {home}.xblock_usage \
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
             (state_id, block_type, block_id, hash, size, edited_on, edited_by, title) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                state,
                block_type,
                id,
                row.hash.to_string(),
                number(row.size),
                micros(row.edit_info.edited_on),
                row.edit_info.edited_by,
                &row.title,
            ),
        )
        .map(drop)
    }

    /// Lists types and ids of the blocks that no block includes.
    pub(super) fn top_level(&self, state: RowId) -> Result<Vec<(String, String)>> {
        self.all(
            "listing top-level blocks",
            "SELECT u.block_type, u.block_id FROM {home}.xblock_usage u WHERE u.state_id = ?1 AND NOT EXISTS \
             (SELECT 1 FROM {home}.xblock_child c WHERE c.state_id = u.state_id AND c.child_type = u.block_type \
             AND c.child_id = u.block_id)",
            [state],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// Lists the children of a block in order, as far as they belong to its context.
    pub(super) fn children(&self, state: RowId, block_type: &str, id: &str) -> Result<Vec<(String, String)>> {
        self.all(
            "listing children",
            "SELECT child_type, child_id FROM {home}.xblock_child WHERE state_id = ?1 AND parent_type = ?2 \
             AND parent_id = ?3 ORDER BY position",
            (state, block_type, id),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// Lists all parents with their children, in order.
    pub(super) fn all_children(&self, state: RowId) -> Result<Vec<[String; 4]>> {
        self.all(
            "listing children",
            "SELECT parent_type, parent_id, child_type, child_id FROM {home}.xblock_child WHERE state_id = ?1 \
             ORDER BY parent_type, parent_id, position",
            [state],
            |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]),
        )
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
        self.insert("writing children", into, rows)
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

fn usage_row(row: &Row<'_>) -> std::result::Result<UsageRow, BadValue> {
    Ok(UsageRow {
        hash: digest_at(row, 0)?,
        size: size_at(row, 1)?,
        edit_info: edit_info_at(row, 2)?,
        title: row.get(4)?,
    })
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
