//! Rows that cannot be made anew: who made versions, the change feed, and leftovers to sweep.

use uuid::Uuid;
use xblock_core::runtime::{Branch, EditInfo};

use super::tables::{ChangeRow, Tables, edit_info_at, micros, size_at};
use crate::error::BlockstoreError;
use crate::rows::{RowId, number, uuid_at};

type Result<T> = std::result::Result<T, BlockstoreError>;

impl Tables<'_> {
    // Versions and the feed

    /// Notes who made a version that the app's table has.
    pub(super) fn put_version(&self, bundle: RowId, version: u64, edit: &EditInfo) -> Result<()> {
        self.run(
            "noting who made a version",
            "REPLACE INTO {home}.xblock_version \
             (bundle_id, version_num, version_id, edited_on, edited_by) \
             SELECT bundle_id, version_num, id, ?3, ?4 FROM main.bundles_bundleversion \
             WHERE bundle_id = ?1 AND version_num = ?2",
            (bundle, number(version), micros(edit.edited_on), edit.edited_by),
        )
        .map(drop)
    }

    pub(super) fn version(&self, bundle: RowId, version: u64) -> Result<Option<EditInfo>> {
        self.one(
            "finding who made a version",
            "SELECT edited_on, edited_by FROM {home}.xblock_version WHERE bundle_id = ?1 AND version_num = ?2",
            (bundle, number(version)),
            |row| edit_info_at(row, 0),
        )
    }

    pub(super) fn append_change(
        &self,
        context: &str,
        branch: Branch,
        version: &str,
        edit: &EditInfo,
    ) -> Result<()> {
        self.run(
            "writing the change feed",
            "INSERT INTO {home}.xblock_change (context_key, branch, version, edited_on, edited_by) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
            (context, branch.name(), version, micros(edit.edited_on), edit.edited_by),
        )
        .map(drop)
    }

    pub(super) fn last_change(&self) -> Result<u64> {
        let last = self.one(
            "reading the change feed",
            "SELECT max(\"cursor\") FROM {home}.xblock_change",
            (),
            |row| row.get::<Option<i64>>(0),
        )?;
        Ok(last.flatten().and_then(|last| u64::try_from(last).ok()).unwrap_or_default())
    }

    pub(super) fn changes(&self, after: u64, limit: usize) -> Result<Vec<ChangeRow>> {
        self.all(
            "reading the change feed",
            "SELECT \"cursor\", context_key, branch, version, edited_on, edited_by FROM {home}.xblock_change \
             WHERE \"cursor\" > ?1 ORDER BY \"cursor\" LIMIT ?2",
            (number(after), number(limit as u64)),
            |row| {
                let branch: String = row.get(2)?;
                Ok(ChangeRow {
                    cursor: size_at(row, 0)?,
                    context: row.get(1)?,
                    branch: if branch == Branch::Draft.name() { Branch::Draft } else { Branch::Published },
                    version: row.get(3)?,
                    edit_info: edit_info_at(row, 4)?,
                })
            },
        )
    }

    /// Lists contexts of which the app has made versions that the index does not know.
    pub(super) fn contexts_with_new_versions(&self) -> Result<Vec<String>> {
        // Asked of each context by itself: what one of them knows says nothing of the others.
        self.all(
            "looking for new versions",
            "SELECT x.context_key FROM {home}.xblock_bundle x WHERE x.context_key IS NOT NULL \
             AND (NOT EXISTS (SELECT 1 FROM {home}.xblock_state s WHERE s.bundle_id = x.bundle_id) \
             OR (SELECT coalesce(max(v.version_num), 0) FROM main.bundles_bundleversion v \
             WHERE v.bundle_id = x.bundle_id) > (SELECT coalesce(max(w.version_num), 0) \
             FROM {home}.xblock_version w WHERE w.bundle_id = x.bundle_id)) ORDER BY x.bundle_id",
            (),
            |row| row.get(0),
        )
    }

    // Draft folders that are being made or no longer used

    /// Lists them; what no row can be read for, `fsck` names.
    pub(super) fn garbage(&self) -> Result<Vec<Uuid>> {
        let sql = "SELECT draft FROM {home}.xblock_garbage";
        let read = self.all("listing leftovers", sql, (), |row| Ok(uuid_at(row, 0).ok()))?;
        Ok(read.into_iter().flatten().collect())
    }

    pub(super) fn is_garbage(&self, draft: Uuid) -> Result<bool> {
        let found = self.one(
            "finding leftovers",
            "SELECT 1 FROM {home}.xblock_garbage WHERE draft = ?1",
            [draft.to_string()],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    pub(super) fn add_garbage(&self, draft: Uuid) -> Result<()> {
        self.run(
            "noting leftovers",
            "REPLACE INTO {home}.xblock_garbage (draft) VALUES (?1)",
            [draft.to_string()],
        )
        .map(drop)
    }

    pub(super) fn drop_garbage(&self, draft: Uuid) -> Result<()> {
        self.run(
            "forgetting leftovers",
            "DELETE FROM {home}.xblock_garbage WHERE draft = ?1",
            [draft.to_string()],
        )
        .map(drop)
    }
}
