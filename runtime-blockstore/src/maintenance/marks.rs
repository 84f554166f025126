//! What rows, drafts and links lead to.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::database::Connection;
use crate::digest::Digest;
use crate::document::{Dependency, DraftDocument};
use crate::error::BlockstoreError;
use crate::rows::{RowId, VersionRow, digest_at, uuid_at, version_at};
use crate::store::Blockstore;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// A bundle that has a row, with its versions (oldest first) and drafts.
#[derive(Debug, Clone)]
pub(super) struct BundleRoots {
    pub(super) uuid: Uuid,
    pub(super) slug: String,
    pub(super) versions: Vec<VersionRow>,
    pub(super) drafts: Vec<(Uuid, String)>,
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
}

impl Roots {
    /// Reads the rows; of one bundle only, where one is given.
    pub(super) fn read(db: &Connection, only: Option<Uuid>) -> Result<Self> {
        let mut roots = Self::default();
        let mut by_id: BTreeMap<RowId, Uuid> = BTreeMap::new();
        let only = only.map(crate::rows::uuid_text);
        let bundles: Vec<(RowId, Uuid, String)> = db.all(
            "listing the bundles",
            "SELECT id, uuid, slug FROM bundles_bundle WHERE ?1 IS NULL OR uuid = ?1 ORDER BY id",
            [&only],
            |row| Ok((row.get(0)?, uuid_at(row, 1)?, row.get(2)?)),
        )?;
        for (id, uuid, slug) in bundles {
            by_id.insert(id, uuid);
            roots.bundles.insert(uuid, BundleRoots { uuid, slug, versions: Vec::new(), drafts: Vec::new() });
        }
        let versions: Vec<(RowId, VersionRow)> = db.all(
            "listing the versions",
            "SELECT v.bundle_id, v.version_num, v.snapshot_digest FROM bundles_bundleversion v \
             JOIN bundles_bundle b ON b.id = v.bundle_id WHERE ?1 IS NULL OR b.uuid = ?1 \
             ORDER BY v.bundle_id, v.version_num",
            [&only],
            |row| {
                let version = VersionRow {
                    number: version_at(row, 1)?,
                    snapshot: digest_at(row, 2)?,
                    change_description: String::new(),
                };
                Ok((row.get(0)?, version))
            },
        )?;
        for (id, version) in versions {
            if let Some(bundle) = by_id.get(&id).and_then(|uuid| roots.bundles.get_mut(uuid)) {
                bundle.versions.push(version);
            }
        }
        let drafts: Vec<(RowId, Uuid, String)> = db.all(
            "listing the drafts",
            "SELECT d.bundle_id, d.uuid, d.name FROM bundles_draft d \
             JOIN bundles_bundle b ON b.id = d.bundle_id WHERE ?1 IS NULL OR b.uuid = ?1 ORDER BY d.id",
            [&only],
            |row| Ok((row.get(0)?, uuid_at(row, 1)?, row.get(2)?)),
        )?;
        for (id, uuid, name) in drafts {
            if let Some(bundle) = by_id.get(&id).and_then(|uuid| roots.bundles.get_mut(uuid)) {
                bundle.drafts.push((uuid, name));
                roots.drafts.insert(uuid, bundle.uuid);
            }
        }
        for (table, set) in
            [("xblock_handover", &mut roots.handovers), ("xblock_garbage", &mut roots.being_made)]
        {
            if db.has_table(table)? {
                let sql = format!("SELECT draft FROM main.{table}");
                set.extend(db.all("listing what is under way", &sql, (), |row| uuid_at(row, 0))?);
            }
        }
        Ok(roots)
    }
}

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
