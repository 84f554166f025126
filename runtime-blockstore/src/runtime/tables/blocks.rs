//! The blocks of a state, and their children.

use super::{Result, Tables, UsageRow, edit_info_at, micros, size_at};
use crate::database::{BadValue, Row};
use crate::rows::{RowId, digest_at, number};

impl Tables<'_> {
    /// Lists types and ids.
    pub(in crate::runtime) fn usages(&self, state: RowId) -> Result<Vec<(String, String)>> {
        self.all(
            "listing usages",
            "SELECT block_type, block_id FROM {home}.xblock_usage WHERE state_id = ?1",
            [state],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    pub(in crate::runtime) fn usage_rows(&self, state: RowId) -> Result<Vec<((String, String), UsageRow)>> {
        self.all(
            "listing usages",
            "SELECT hash, size, edited_on, edited_by, title, block_type, block_id FROM {home}.xblock_usage \
             WHERE state_id = ?1",
            [state],
            |row| Ok(((row.get(5)?, row.get(6)?), usage_row(row)?)),
        )
    }

    pub(in crate::runtime) fn usage(
        &self,
        state: RowId,
        block_type: &str,
        id: &str,
    ) -> Result<Option<UsageRow>> {
        self.one(
            "finding a usage",
            "SELECT hash, size, edited_on, edited_by, title FROM {home}.xblock_usage \
             WHERE state_id = ?1 AND block_type = ?2 AND block_id = ?3",
            (state, block_type, id),
            usage_row,
        )
    }

    pub(in crate::runtime) fn parents(
        &self,
        state: RowId,
        block_type: &str,
        id: &str,
    ) -> Result<Vec<(String, String)>> {
        self.all(
            "finding parents",
            "SELECT DISTINCT parent_type, parent_id FROM {home}.xblock_child \
             WHERE state_id = ?1 AND child_type = ?2 AND child_id = ?3",
            (state, block_type, id),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    pub(in crate::runtime) fn put_usage(
        &self,
        state: RowId,
        block_type: &str,
        id: &str,
        row: &UsageRow,
    ) -> Result<()> {
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
    pub(in crate::runtime) fn top_level(&self, state: RowId) -> Result<Vec<(String, String)>> {
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
    pub(in crate::runtime) fn children(
        &self,
        state: RowId,
        block_type: &str,
        id: &str,
    ) -> Result<Vec<(String, String)>> {
        self.all(
            "listing children",
            "SELECT child_type, child_id FROM {home}.xblock_child WHERE state_id = ?1 AND parent_type = ?2 \
             AND parent_id = ?3 ORDER BY position",
            (state, block_type, id),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    /// Lists all parents with their children, in order.
    pub(in crate::runtime) fn all_children(&self, state: RowId) -> Result<Vec<[String; 4]>> {
        self.all(
            "listing children",
            "SELECT parent_type, parent_id, child_type, child_id FROM {home}.xblock_child WHERE state_id = ?1 \
             ORDER BY parent_type, parent_id, position",
            [state],
            |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]),
        )
    }

    pub(in crate::runtime) fn delete_usage(&self, state: RowId, block_type: &str, id: &str) -> Result<()> {
        self.run(
            "deleting a usage",
            "DELETE FROM {home}.xblock_usage WHERE state_id = ?1 AND block_type = ?2 AND block_id = ?3",
            (state, block_type, id),
        )?;
        self.put_children(state, block_type, id, std::iter::empty())
    }

    pub(in crate::runtime) fn put_children<'k>(
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
}

fn usage_row(row: &Row<'_>) -> std::result::Result<UsageRow, BadValue> {
    Ok(UsageRow {
        hash: digest_at(row, 0)?,
        size: size_at(row, 1)?,
        edit_info: edit_info_at(row, 2)?,
        title: row.get(4)?,
    })
}
