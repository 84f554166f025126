//! What rows, drafts and links lead to.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::database::{BadValue, Connection};
use crate::digest::Digest;
use crate::document::{Dependency, DraftDocument};
use crate::error::BlockstoreError;
use crate::rows::{RowId, VersionRow, digest_at, uuid_at, version_at};
use crate::store::{Blockstore, versions_in_feed};

type Result<T> = std::result::Result<T, BlockstoreError>;

/// A bundle that has a row, with its versions (oldest first) and drafts.
#[derive(Debug, Clone)]
pub(super) struct BundleRoots {
    pub(super) uuid: Uuid,
    pub(super) slug: String,
    pub(super) versions: Vec<VersionRow>,
    pub(super) drafts: Vec<(Uuid, String)>,
}

/// A row that says nothing that can be read.
#[derive(Debug, Clone)]
pub(super) struct BadRow {
    pub(super) table: &'static str,
    /// Its primary key, where the table has one that is a number.
    pub(super) id: Option<RowId>,
    /// The bundle it is of, where that is known.
    pub(super) bundle: Option<Uuid>,
    /// The column, and what is wrong with it.
    pub(super) reason: String,
}

impl BadRow {
    /// Names the row.
    pub(super) fn place(&self) -> String {
        let row = self.id.map_or_else(|| "a row".to_owned(), |id| format!("row {id}"));
        let bundle = self.bundle.map(|bundle| format!(" (of bundle {bundle})")).unwrap_or_default();
        format!("{}, {row}{bundle}", self.table)
    }
}

/// Everything that the rows name.
#[derive(Debug, Default)]
pub(super) struct Roots {
    pub(super) bundles: BTreeMap<Uuid, BundleRoots>,
    /// Drafts, with their bundles.
    pub(super) drafts: BTreeMap<Uuid, Uuid>,
    /// Drafts with a change that is in the database and not in the folder.
    pub(super) handovers: BTreeSet<Uuid>,
    /// Draft folders that are being made, or are left to be swept by the runtime.
    pub(super) being_made: BTreeSet<Uuid>,
    /// Rows that cannot be read; where there are any, nobody knows what all of them name.
    pub(super) bad: Vec<BadRow>,
}

impl Roots {
    /// Reads the rows; of one bundle only, where one is given.
    pub(super) fn read(db: &Connection, only: Option<Uuid>) -> Result<Self> {
        let mut roots = Self::default();
        let mut by_id: BTreeMap<RowId, Uuid> = BTreeMap::new();
        let is_all = only.is_none();
        let only = only.map(crate::rows::uuid_text);
        if is_all {
            let sql = "SELECT id, uuid, title FROM bundles_collection ORDER BY id";
            let collections = db.all("listing the collections", sql, (), |row| {
                Ok((row.get(0)?, uuid_at(row, 1).and_then(|_| row.get::<String>(2))))
            })?;
            for (id, collection) in collections {
                roots.take("bundles_collection", &["id", "uuid", "title"], (Some(id), None), collection);
            }
        }
        let bundles: Vec<(RowId, Read<(Uuid, String)>)> = db.all(
            "listing the bundles",
            "SELECT id, uuid, slug FROM bundles_bundle WHERE ?1 IS NULL OR uuid = ?1 ORDER BY id",
            [&only],
            |row| Ok((row.get(0)?, uuid_at(row, 1).and_then(|uuid| Ok((uuid, row.get(2)?))))),
        )?;
        for (id, bundle) in bundles {
            if let Some((uuid, slug)) =
                roots.take("bundles_bundle", &["id", "uuid", "slug"], (Some(id), None), bundle)
            {
                by_id.insert(id, uuid);
                let bundle = BundleRoots { uuid, slug, versions: Vec::new(), drafts: Vec::new() };
                roots.bundles.insert(uuid, bundle);
            }
        }
        let versions: Vec<(RowId, RowId, Read<VersionRow>)> = db.all(
            "listing the versions",
            "SELECT v.id, v.bundle_id, v.version_num, v.snapshot_digest FROM bundles_bundleversion v \
             JOIN bundles_bundle b ON b.id = v.bundle_id WHERE ?1 IS NULL OR b.uuid = ?1 \
             ORDER BY v.bundle_id, v.version_num",
            [&only],
            |row| {
                let read = || {
                    Ok(VersionRow {
                        number: version_at(row, 2)?,
                        snapshot: digest_at(row, 3)?,
                        change_description: String::new(),
                    })
                };
                Ok((row.get(0)?, row.get(1)?, read()))
            },
        )?;
        let columns = ["id", "bundle_id", "version_num", "snapshot_digest"];
        for (row, id, version) in versions {
            let bundle = by_id.get(&id).copied();
            let version = roots.take("bundles_bundleversion", &columns, (Some(row), bundle), version);
            let bundle = bundle.and_then(|uuid| roots.bundles.get_mut(&uuid));
            if let (Some(bundle), Some(version)) = (bundle, version) {
                bundle.versions.push(version);
            }
        }
        let drafts: Vec<(RowId, RowId, Read<Draft>)> = db.all(
            "listing the drafts",
            "SELECT d.id, d.bundle_id, d.uuid, d.name FROM bundles_draft d \
             JOIN bundles_bundle b ON b.id = d.bundle_id WHERE ?1 IS NULL OR b.uuid = ?1 ORDER BY d.id",
            [&only],
            |row| {
                let draft = uuid_at(row, 2).and_then(|uuid| Ok((uuid, row.get(3)?)));
                Ok((row.get(0)?, row.get(1)?, draft))
            },
        )?;
        for (row, id, draft) in drafts {
            let bundle = by_id.get(&id).copied();
            let columns = ["id", "bundle_id", "uuid", "name"];
            let draft = roots.take("bundles_draft", &columns, (Some(row), bundle), draft);
            let bundle = bundle.and_then(|uuid| roots.bundles.get_mut(&uuid));
            if let (Some(bundle), Some((uuid, name))) = (bundle, draft) {
                bundle.drafts.push((uuid, name));
                roots.drafts.insert(uuid, bundle.uuid);
            }
        }
        for table in ["xblock_handover", "xblock_garbage"] {
            if !db.has_table(table)? {
                continue;
            }
            let is_note = table == "xblock_handover";
            let columns = if is_note { &["draft", "before", "after"][..] } else { &["draft"] };
            let sql = format!("SELECT \"{}\" FROM main.{table}", columns.join("\", \""));
            let read = db.all("listing what is under way", &sql, (), |row| {
                let draft = uuid_at(row, 0);
                Ok(draft.and_then(|draft| {
                    (1..columns.len()).try_for_each(|at| digest_at(row, at).map(drop)).map(|()| draft)
                }))
            })?;
            for draft in read {
                let draft = roots.take(table, columns, (None, None), draft);
                match is_note {
                    true => roots.handovers.extend(draft),
                    false => roots.being_made.extend(draft),
                }
            }
        }
        Ok(roots)
    }

    /// Lists the versions of a bundle that the change feed has and that have no row any more, with their snapshots; none
    /// where a row of the bundle cannot be read, for it may be of any version.
    pub(super) fn lost_versions(&self, db: &Connection, bundle: &BundleRoots) -> Result<Vec<(u64, Digest)>> {
        if self.bad.iter().any(|row| row.bundle == Some(bundle.uuid)) {
            return Ok(Vec::new());
        }
        let Some(id) = crate::rows::bundle_id(db, bundle.uuid)? else { return Ok(Vec::new()) };
        let mut lost = versions_in_feed(db, id)?;
        lost.retain(|(number, _)| !bundle.versions.iter().any(|version| version.number == *number));
        Ok(lost)
    }

    /// Takes what a row says, or notes that it cannot be read.
    fn take<T>(
        &mut self,
        table: &'static str,
        columns: &[&str],
        (id, bundle): (Option<RowId>, Option<Uuid>),
        read: Read<T>,
    ) -> Option<T> {
        read.map_err(|BadValue { column, reason }| {
            let column = columns.get(column).copied().unwrap_or_default();
            self.bad.push(BadRow { table, id, bundle, reason: format!("{column}: {reason}") });
        })
        .ok()
    }
}

/// A draft's UUID and name.
type Draft = (Uuid, String);

/// What a row says, or why it cannot be read.
type Read<T> = std::result::Result<T, BadValue>;

/// What is in use in the folder of a bundle.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) snapshots: BTreeSet<Digest>,
    /// Digests of files that snapshots name.
    pub(super) data: BTreeSet<Digest>,
    /// What versions and drafts link to.
    pub(super) links: BTreeSet<(Uuid, Digest)>,
    /// Documents that cannot be read, so that nobody knows what they name.
    pub(super) unread: Vec<(String, BlockstoreError)>,
}

impl Marks {
    /// Marks what a bundle's versions and drafts lead to, and the snapshots that links of others need.
    pub(super) fn of(
        store: &Blockstore,
        db: &Connection,
        bundle: Uuid,
        roots: Option<&BundleRoots>,
        linked: &BTreeSet<Digest>,
    ) -> Self {
        let mut marks = Self::default();
        for version in roots.iter().flat_map(|roots| &roots.versions) {
            marks.snapshot(store, bundle, version.snapshot, &format!("version {}", version.number));
        }
        for digest in linked {
            marks.snapshot(store, bundle, *digest, "what a link names");
        }
        for (draft, name) in roots.iter().flat_map(|roots| &roots.drafts) {
            match store.draft_now(db, *draft) {
                Ok((document, _)) => {
                    if let Some(base) = document.base_snapshot {
                        marks.snapshot(store, bundle, base, &format!("the base of draft {name}"));
                    }
                    // Among objects, what a draft stages lies among the data files already.
                    marks
                        .data
                        .extend(document.files_to_overwrite.values().flatten().map(|record| record.hash));
                    marks.draft_links(&document);
                }
                Err(error) => marks.unread.push((format!("draft {name} of bundle {bundle}"), error)),
            }
        }
        marks
    }

    fn draft_links(&mut self, document: &DraftDocument) {
        for link in document.links_to_overwrite.values().flatten() {
            self.links.extend(link.dependencies().map(target));
        }
    }

    fn snapshot(&mut self, store: &Blockstore, bundle: Uuid, digest: Digest, what: &str) {
        if !self.snapshots.insert(digest) {
            return;
        }
        match store.storage.snapshot(bundle, digest) {
            Ok(snapshot) => {
                self.data.extend(snapshot.files.values().map(|record| record.hash));
                for link in snapshot.links.values() {
                    self.links.extend(link.dependencies().map(target));
                }
            }
            Err(error) => self.unread.push((format!("{what} of bundle {bundle}"), error)),
        }
    }
}

fn target(dependency: &Dependency) -> (Uuid, Digest) {
    (dependency.bundle_uuid, dependency.snapshot_digest)
}
