//! Collections, bundles and their versions.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Blockstore;
use super::data::{
    BundleChanges, BundleData, BundleFileData, BundleQuery, BundleVersionData, CollectionData,
};
use super::files::file_data;
use crate::database::{Connection, Params};
use crate::document::Link;
use crate::error::BlockstoreError;
use crate::rows::{self, BundleNames, RowId, in_row, uuid_at, uuid_text, version_at};

type Result<T> = std::result::Result<T, BlockstoreError>;

impl Blockstore {
    /// Lists the collections.
    ///
    /// # Errors
    /// Failures of the medium.
    pub fn get_collections(&self) -> Result<Vec<CollectionData>> {
        self.db.read(|db| {
            let sql = "SELECT id, uuid, title FROM bundles_collection ORDER BY id";
            let read = db.all("listing the collections", sql, (), |row| {
                Ok(CollectionData { uuid: uuid_at(row, 1)?, title: row.get(2)? })
            });
            in_row(read, "bundles_collection")
        })
    }

    /// Returns a collection.
    ///
    /// # Errors
    /// [`BlockstoreError::CollectionNotFound`].
    pub fn get_collection(&self, uuid: Uuid) -> Result<CollectionData> {
        let found = self.db.read(|db| {
            let sql = "SELECT title FROM bundles_collection WHERE uuid = ?1";
            db.one("finding a collection", sql, [uuid_text(uuid)], |row| row.get(0))
        })?;
        match found {
            Some(title) => Ok(CollectionData { uuid, title }),
            None => Err(BlockstoreError::CollectionNotFound { uuid }),
        }
    }

    /// Makes a collection.
    ///
    /// # Errors
    /// Failures of the medium.
    pub fn create_collection(&self, title: &str) -> Result<CollectionData> {
        let uuid = Uuid::new_v4();
        self.db.write(|db| rows::insert_collection(db, uuid, title))?;
        Ok(CollectionData { uuid, title: title.to_owned() })
    }

    /// Renames a collection.
    ///
    /// # Errors
    /// [`BlockstoreError::CollectionNotFound`].
    pub fn update_collection(&self, uuid: Uuid, title: &str) -> Result<CollectionData> {
        let changed = self.db.write(|db| {
            let sql = "UPDATE bundles_collection SET title = ?2 WHERE uuid = ?1";
            db.run("renaming a collection", sql, (uuid_text(uuid), title))
        })?;
        if changed == 0 {
            return Err(BlockstoreError::CollectionNotFound { uuid });
        }
        Ok(CollectionData { uuid, title: title.to_owned() })
    }

    /// Deletes the rows of a collection and its bundles; files stay, as in the app.
    ///
    /// # Errors
    /// [`BlockstoreError::CollectionNotFound`].
    pub fn delete_collection(&self, uuid: Uuid) -> Result<()> {
        self.db.write(|db| {
            let collection = collection_id(db, uuid)?;
            let bundles: Vec<(RowId, Uuid)> = db.all(
                "listing the bundles of a collection",
                "SELECT id, uuid FROM bundles_bundle WHERE collection_id = ?1",
                [collection],
                |row| Ok((row.get(0)?, uuid_at(row, 1)?)),
            )?;
            for (bundle, uuid) in bundles {
                self.enter_deleted(db, bundle, uuid)?;
                delete_bundle_rows(db, bundle)?;
            }
            db.run("deleting a collection", "DELETE FROM bundles_collection WHERE id = ?1", [collection])
                .map(drop)
        })
    }

    /// Lists bundles: all, or those in which a text occurs in title, description or slug, whatever its case.
    ///
    /// # Errors
    /// Failures of the medium.
    pub fn get_bundles(&self, text_search: Option<&str>) -> Result<Vec<BundleData>> {
        let query = BundleQuery { text_search: text_search.map(str::to_owned), ..BundleQuery::default() };
        self.find_bundles(&query)
    }

    /// Lists the bundles a query asks for, in the order they were made.
    ///
    /// # Errors
    /// [`BlockstoreError::CollectionNotFound`], [`BlockstoreError::BundleNotFound`] where the list was to go on after
    /// a bundle that is not there, and failures of the medium.
    pub fn find_bundles(&self, query: &BundleQuery) -> Result<Vec<BundleData>> {
        let wanted = query.text_search.as_deref().map(str::to_lowercase);
        let limit = query.limit.unwrap_or(usize::MAX);
        self.db.read(|db| {
            let collection = query.collection_uuid.map(|uuid| collection_id(db, uuid)).transpose()?;
            let after = match query.after {
                Some(uuid) => rows::bundle_id(db, uuid)?.ok_or(BlockstoreError::BundleNotFound { uuid })?,
                None => 0,
            };
            let named = |ids: &[Uuid]| -> Result<Vec<(RowId, Uuid)>> {
                let mut found = Vec::new();
                for uuid in ids {
                    found.extend(rows::bundle_id(db, *uuid)?.map(|id| (id, *uuid)));
                }
                found.retain(|(id, _)| *id > after);
                found.sort_unstable();
                found.dedup();
                Ok(found)
            };
            let all: Vec<(RowId, Uuid)> = match &query.uuids {
                Some(uuids) => named(uuids)?,
                None => {
                    // A search looks at rows here, so that it finds letters of every script whatever their case.
                    let most = if wanted.is_some() { usize::MAX } else { limit };
                    let read = db.all(
                        "listing the bundles",
                        "SELECT id, uuid FROM bundles_bundle WHERE id > ?1 AND (?2 IS NULL OR collection_id = ?2) \
                         ORDER BY id LIMIT ?3",
                        (after, collection, rows::number(most as u64)),
                        |row| Ok((row.get(0)?, uuid_at(row, 1)?)),
                    );
                    in_row(read, "bundles_bundle")?
                }
            };
            let mut bundles = Vec::new();
            for (id, uuid) in all {
                if bundles.len() >= limit {
                    break;
                }
                // Rows that follow each other lie side by side; their UUIDs are all over the index.
                let found = find_bundle(db, "b.id = ?1", [id])?;
                let (_, bundle) = found.ok_or(BlockstoreError::BundleNotFound { uuid })?;
                let has =
                    |text: &str| wanted.as_ref().is_none_or(|wanted| text.to_lowercase().contains(wanted));
                let stands_there =
                    query.collection_uuid.is_none_or(|collection| bundle.collection_uuid == collection);
                if stands_there && (has(&bundle.title) || has(&bundle.description) || has(&bundle.slug)) {
                    bundles.push(bundle);
                }
            }
            Ok(bundles)
        })
    }

    /// Returns a bundle.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`].
    pub fn get_bundle(&self, uuid: Uuid) -> Result<BundleData> {
        self.db.read(|db| read_bundle(db, uuid)).map(|(_, bundle)| bundle)
    }

    /// Makes a bundle without versions.
    ///
    /// # Errors
    /// [`BlockstoreError::CollectionNotFound`].
    pub fn create_bundle(
        &self,
        collection_uuid: Uuid,
        slug: &str,
        title: &str,
        description: &str,
    ) -> Result<BundleData> {
        let uuid = Uuid::new_v4();
        self.db.write(|db| {
            let collection = collection_id(db, collection_uuid)?;
            rows::insert_bundle(db, uuid, collection, BundleNames { slug, title, description })?;
            read_bundle(db, uuid).map(|(_, bundle)| bundle)
        })
    }

    /// Changes a bundle's own properties.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`], [`BlockstoreError::CollectionNotFound`].
    pub fn update_bundle(&self, uuid: Uuid, changes: &BundleChanges) -> Result<BundleData> {
        self.db.write(|db| {
            let (id, _) = read_bundle(db, uuid)?;
            let collection = changes.collection_uuid.map(|uuid| collection_id(db, uuid)).transpose()?;
            db.run(
                "changing a bundle",
                "UPDATE bundles_bundle SET title = coalesce(?2, title), description = coalesce(?3, description), \
                 slug = coalesce(?4, slug), collection_id = coalesce(?5, collection_id) WHERE id = ?1",
                (id, &changes.title, &changes.description, &changes.slug, collection),
            )?;
            read_bundle(db, uuid).map(|(_, bundle)| bundle)
        })
    }

    /// Deletes the rows of a bundle with its versions and drafts; files stay, as in the app.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`].
    pub fn delete_bundle(&self, uuid: Uuid) -> Result<()> {
        self.db.write(|db| {
            let (id, _) = read_bundle(db, uuid)?;
            self.enter_deleted(db, id, uuid)?;
            delete_bundle_rows(db, id)
        })
    }

    /// Returns a version, or the latest one where no number is given; none where the bundle has no version at all.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`], [`BlockstoreError::BundleVersionNotFound`], and damage.
    pub fn get_bundle_version(
        &self,
        bundle: Uuid,
        version: Option<u64>,
    ) -> Result<Option<BundleVersionData>> {
        let row = self.db.read(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
            match version.filter(|number| *number > 0) {
                None => rows::latest_version(db, id),
                Some(version) => match rows::version(db, id, version)? {
                    Some(row) => Ok(Some(row)),
                    None => Err(BlockstoreError::BundleVersionNotFound { bundle, version }),
                },
            }
        })?;
        let Some(row) = row else { return Ok(None) };
        let snapshot = self.snapshot(bundle, row.snapshot)?;
        Ok(Some(BundleVersionData {
            bundle_uuid: bundle,
            version: row.number,
            snapshot_digest: row.snapshot,
            change_description: row.change_description,
            created_at: snapshot.created_at.clone(),
            files: snapshot
                .files
                .iter()
                .map(|(path, record)| (path.clone(), file_data(path, record)))
                .collect(),
            links: snapshot.links.clone(),
        }))
    }
}

impl Blockstore {
    /// Lists the files of a version by path; version 0 is the empty state before the first.
    ///
    /// # Errors
    /// As [`Blockstore::get_bundle_version`].
    pub fn get_bundle_version_files(
        &self,
        bundle: Uuid,
        version: u64,
    ) -> Result<BTreeMap<String, BundleFileData>> {
        Ok(self.numbered(bundle, version)?.map(|version| version.files).unwrap_or_default())
    }

    /// Lists the links of a version by name; version 0 is the empty state before the first.
    ///
    /// # Errors
    /// As [`Blockstore::get_bundle_version`].
    pub fn get_bundle_version_links(&self, bundle: Uuid, version: u64) -> Result<BTreeMap<String, Link>> {
        Ok(self.numbered(bundle, version)?.map(|version| version.links).unwrap_or_default())
    }

    fn numbered(&self, bundle: Uuid, version: u64) -> Result<Option<BundleVersionData>> {
        match version {
            0 => self.get_bundle(bundle).map(|_| None),
            version => self.get_bundle_version(bundle, Some(version)),
        }
    }

    /// Says something else about a version; that is all that can be changed about one.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`], [`BlockstoreError::BundleVersionNotFound`].
    pub fn update_bundle_version(&self, bundle: Uuid, version: u64, change_description: &str) -> Result<()> {
        let changed = self.db.write(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
            db.run(
                "describing a version",
                "UPDATE bundles_bundleversion SET change_description = ?3 \
                 WHERE bundle_id = ?1 AND version_num = ?2",
                (id, rows::number(version), change_description),
            )
        })?;
        match changed {
            0 => Err(BlockstoreError::BundleVersionNotFound { bundle, version }),
            _ => Ok(()),
        }
    }
}

fn collection_id(db: &Connection, uuid: Uuid) -> Result<RowId> {
    let sql = "SELECT id FROM bundles_collection WHERE uuid = ?1";
    db.one("finding a collection", sql, [uuid_text(uuid)], |row| row.get(0))?
        .ok_or(BlockstoreError::CollectionNotFound { uuid })
}

pub(super) fn read_bundle(db: &Connection, uuid: Uuid) -> Result<(RowId, BundleData)> {
    find_bundle(db, "b.uuid = ?1", [uuid_text(uuid)])?.ok_or(BlockstoreError::BundleNotFound { uuid })
}

/// Reads the bundle for which a condition holds.
fn find_bundle(db: &Connection, condition: &str, params: impl Params) -> Result<Option<(RowId, BundleData)>> {
    let read = db.one(
        "finding a bundle",
        &format!(
            "SELECT b.id, c.uuid AS \"bundles_collection.uuid\", b.title, b.description, b.slug, coalesce((SELECT \
             max(version_num) FROM bundles_bundleversion v WHERE v.bundle_id = b.id), 0) AS \"version_num\", b.uuid \
             FROM bundles_bundle b JOIN bundles_collection c ON c.id = b.collection_id WHERE {condition}"
        ),
        params,
        |row| {
            let bundle = BundleData {
                uuid: uuid_at(row, 6)?,
                collection_uuid: uuid_at(row, 1)?,
                title: row.get(2)?,
                description: row.get(3)?,
                slug: row.get(4)?,
                drafts: BTreeMap::new(),
                latest_version: version_at(row, 5)?,
            };
            Ok((row.get(0)?, bundle))
        },
    );
    let found = in_row(read, "bundles_bundle")?;
    let Some((id, mut bundle)) = found else { return Ok(None) };
    let sql = "SELECT id, name, uuid FROM bundles_draft WHERE bundle_id = ?1";
    let read = db.all("listing the drafts of a bundle", sql, [id], |row| Ok((row.get(1)?, uuid_at(row, 2)?)));
    bundle.drafts = in_row(read, "bundles_draft")?.into_iter().collect();
    Ok(Some((id, bundle)))
}

fn delete_bundle_rows(db: &Connection, bundle: RowId) -> Result<()> {
    for statement in [
        "DELETE FROM bundles_draft WHERE bundle_id = ?1",
        "DELETE FROM bundles_bundleversion WHERE bundle_id = ?1",
        "DELETE FROM bundles_bundle WHERE id = ?1",
    ] {
        db.run("deleting a bundle", statement, [bundle])?;
    }
    Ok(())
}
