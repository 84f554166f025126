//! Which bundles are contexts, and what is known of each.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{ContextRow, Result, Tables};
use crate::database::BadValue;
use crate::rows::{RowId, digest_at, in_row, uuid_at};
use crate::schema::Home;

impl Tables<'_> {
    pub(in crate::runtime) fn context_keys(&self) -> Result<Vec<String>> {
        self.all(
            "listing the contexts",
            "SELECT x.context_key FROM {home}.xblock_bundle x JOIN main.bundles_bundle b ON b.id = x.bundle_id \
             WHERE x.context_key IS NOT NULL",
            (),
            |row| row.get(0),
        )
    }

    /// Finds bundles that nobody has looked at yet, oldest first; without a UUID where theirs cannot be read.
    pub(in crate::runtime) fn new_bundles(&self) -> Result<Vec<(RowId, Option<Uuid>)>> {
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
            |row| Ok((row.get(0)?, uuid_at(row, 1).ok())),
        )
    }

    /// Finds bundles of which nobody knows yet what they are, oldest first: new ones, and those that could not be read.
    pub(in crate::runtime) fn unknown_bundles(&self) -> Result<BTreeMap<RowId, Option<Uuid>>> {
        let unread = self.unread_bundles()?.into_iter().map(|(id, uuid, _)| (id, uuid));
        Ok(self.new_bundles()?.into_iter().chain(unread).collect())
    }

    /// Lists the bundles that could not be read when somebody looked at what they are, with their descriptions.
    pub(in crate::runtime) fn unread_bundles(&self) -> Result<Vec<(RowId, Option<Uuid>, String)>> {
        // Told to begin with the few, SQLite does not go through all bundles because they lie in the order that is asked for.
        self.all(
            "listing the bundles that cannot be read",
            "SELECT b.id, b.uuid, b.description FROM {home}.xblock_unread u \
             CROSS JOIN main.bundles_bundle b ON b.id = u.bundle_id ORDER BY u.bundle_id",
            (),
            |row| Ok((row.get(0)?, uuid_at(row, 1).ok(), row.get(2).unwrap_or_default())),
        )
    }

    /// Notes that a bundle cannot be read, so that nobody knows what it is.
    pub(in crate::runtime) fn put_unread(&self, bundle: RowId) -> Result<()> {
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
    pub(in crate::runtime) fn put_bundle(
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
    pub(in crate::runtime) fn forget_deleted(&self, context: &str) -> Result<()> {
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

    pub(in crate::runtime) fn context(&self, key: &str, draft: &str) -> Result<Option<ContextRow>> {
        // The columns are named so that an error tells where the value stands.
        let read = self.one(
            "finding a context",
            "SELECT x.bundle_id, b.uuid AS \"bundles_bundle.uuid\", x.root_type, x.root_id, \
             (SELECT d.uuid FROM main.bundles_draft d WHERE d.bundle_id = b.id AND d.name = ?2) \
             AS \"bundles_draft.uuid\", v.version_num AS \"bundles_bundleversion.version_num\", \
             v.snapshot_digest AS \"bundles_bundleversion.snapshot_digest\" \
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
        );
        in_row(read, &format!("the rows of {key}"))
    }

    /// Notes that a bundle is a context which it does not say itself; returns false where another bundle is that context.
    pub(in crate::runtime) fn adopt(&self, bundle: RowId, key: &str) -> Result<bool> {
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
    pub(in crate::runtime) fn told(&self) -> Result<Vec<(RowId, String)>> {
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
    pub(in crate::runtime) fn disown(&self, bundle: RowId) -> Result<()> {
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
    pub(in crate::runtime) fn bundle_title(&self, bundle: RowId) -> Result<String> {
        let sql = "SELECT title FROM main.bundles_bundle WHERE id = ?1";
        let found = self.one("reading the title of a bundle", sql, [bundle], |row| row.get(0))?;
        Ok(found.unwrap_or_default())
    }

    /// Returns the context a bundle is, and whether it says so itself.
    pub(in crate::runtime) fn context_of_bundle(&self, bundle: RowId) -> Result<Option<(String, bool)>> {
        let found = self.one(
            "finding the context of a bundle",
            "SELECT context_key, root_type FROM {home}.xblock_bundle WHERE bundle_id = ?1",
            [bundle],
            |row| Ok((row.get::<Option<String>>(0)?, row.get::<Option<String>>(1)?.is_some())),
        )?;
        Ok(found.and_then(|(key, is_declared)| Some((key?, is_declared))))
    }
}
