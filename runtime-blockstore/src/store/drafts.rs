//! Drafts: staging, links and commits (reference/blockstore, sections 8 and 9).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use super::Blockstore;
use super::data::DraftData;
use crate::digest::Digest;
use crate::document::{Dependency, DraftDocument, FileRecord, Link, Snapshot, SnapshotParts};
use crate::error::BlockstoreError;
use crate::path;
use crate::rows::{self, RowId, query_failed, uuid_at, uuid_text};
use crate::storage::{Batch, replace};

type Result<T> = std::result::Result<T, BlockstoreError>;

/// A draft as it stands, with what it lies on.
struct Open {
    bundle: RowId,
    document: DraftDocument,
    /// Digest of the document's file.
    digest: Digest,
    base: Option<Arc<Snapshot>>,
}

impl Blockstore {
    /// Finds a bundle's draft by name, or makes it on the latest version.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`], and damage.
    pub fn get_or_create_bundle_draft(&self, bundle: Uuid, name: &str) -> Result<DraftData> {
        let uuid = self.db.write(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
            if let Some(found) = rows::draft_named(db, id, name)? {
                return Ok(found);
            }
            let uuid = Uuid::new_v4();
            let base = rows::latest_version(db, id)?.map(|row| row.snapshot);
            let document = DraftDocument::new(uuid, bundle, name, base, self.clock.now());
            replace(&self.storage.summary_path(uuid), &document.to_json())?;
            rows::put_draft(db, id, name, uuid)?;
            Ok::<_, BlockstoreError>(uuid)
        })?;
        self.get_draft(uuid)
    }

    /// Stages a file, or its deletion.
    ///
    /// # Errors
    /// [`BlockstoreError::DraftNotFound`], [`BlockstoreError::InvalidFileName`], and damage.
    pub fn write_draft_file(&self, draft: Uuid, path: &str, contents: Option<&[u8]>) -> Result<()> {
        self.write_draft_files(draft, &BTreeMap::from([(path, contents)]))
    }

    /// Stages several files or deletions; the draft's document names all of them at once.
    ///
    /// # Errors
    /// As [`Blockstore::write_draft_file`].
    pub fn write_draft_files(&self, draft: Uuid, files: &BTreeMap<&str, Option<&[u8]>>) -> Result<()> {
        files.keys().try_for_each(|path| path::check(path))?;
        self.change_draft(draft, files, |open| {
            for (path, contents) in files {
                let record =
                    contents.map(|bytes| FileRecord::new(path, bytes.len() as u64, Digest::of(bytes)));
                open.document.files_to_overwrite.insert((*path).to_owned(), record);
            }
            let composed = open.document.composed_files(open.base.as_deref());
            for (path, contents) in files {
                if contents.is_some() {
                    path::check_folders(&composed, path)?;
                }
            }
            Ok(())
        })
    }

    /// Stages a link to a version of a bundle (0 is the latest), or its deletion.
    ///
    /// # Errors
    /// [`BlockstoreError::LinkTargetNotFound`], [`BlockstoreError::LinkCycle`], and those of
    /// [`Blockstore::write_draft_file`].
    pub fn set_draft_link(&self, draft: Uuid, name: &str, target: Option<(Uuid, u64)>) -> Result<()> {
        let link = target.map(|(bundle, version)| self.link_to(name, bundle, version)).transpose()?;
        self.change_draft(draft, &BTreeMap::new(), |open| {
            let document = &mut open.document;
            if let Some(link) = &link {
                refuse_cycle(document.bundle_uuid, name, link)?;
            }
            let base = open.base.as_ref().and_then(|base| base.links.get(name));
            // Unlike the app, setting what is set already does not unset it.
            if link.as_ref() == base {
                document.links_to_overwrite.remove(name);
            } else {
                document.links_to_overwrite.insert(name.to_owned(), link);
            }
            Ok(())
        })
    }

    /// Makes the draft the bundle's next version and returns its number.
    ///
    /// # Errors
    /// [`BlockstoreError::DraftHasNoChangesToCommit`], [`BlockstoreError::StaleDraft`] where another version was made
    /// since the draft was begun, and damage; in each case nothing has changed.
    pub fn commit_draft(&self, uuid: Uuid) -> Result<u64> {
        let number = self.db.write(|db| {
            let Open { bundle, document: old, digest, base } = self.open_draft(db, uuid)?;
            let latest = rows::latest_version(db, bundle)?;
            let latest_digest = latest.as_ref().map(|row| row.snapshot);
            if latest_digest != old.base_snapshot {
                return Err(BlockstoreError::StaleDraft {
                    uuid,
                    base: old.base_snapshot,
                    latest: latest_digest,
                });
            }
            let files = old.composed_files(base.as_deref());
            let links = old.composed_links(base.as_deref());
            let is_same = match &base {
                Some(base) => base.files == files && base.links == links,
                None => files.is_empty() && links.is_empty(),
            };
            if is_same {
                return Err(BlockstoreError::DraftHasNoChangesToCommit { uuid });
            }
            for (name, link) in &links {
                refuse_cycle(old.bundle_uuid, name, link)?;
            }
            let now = self.clock.now();
            let bundle_uuid = old.bundle_uuid;
            let snapshot = Snapshot::new(SnapshotParts { bundle_uuid, created_at: now, files, links });
            let mut document = old.clone();
            document.base_snapshot = Some(snapshot.hash_digest);
            document.files_to_overwrite.clear();
            document.links_to_overwrite.clear();
            document.touch(now);

            let mut batch = Batch::default();
            self.plan_snapshot(&mut batch, &old, &snapshot)?;
            self.plan_handover(&mut batch, &old, &document, |_, _, _, _| Ok(()))?;
            batch.run()?;
            let number = latest.map_or(0, |row| row.number) + 1;
            rows::insert_version(db, bundle, number, snapshot.hash_digest, "")?;
            self.note_handover(db, uuid, digest, Digest::of(&document.to_json()))?;
            self.keep_snapshot(Arc::new(snapshot));
            Ok(number)
        })?;
        self.complete_soon();
        Ok(number)
    }

    /// Deletes a draft with all it staged.
    ///
    /// # Errors
    /// [`BlockstoreError::DraftNotFound`].
    pub fn delete_draft(&self, uuid: Uuid) -> Result<()> {
        let deleted = self.db.write(|db| {
            db.execute("DELETE FROM bundles_draft WHERE uuid = ?1", [uuid_text(uuid)])
                .map_err(BlockstoreError::sql("deleting a draft"))
        })?;
        if deleted == 0 {
            return Err(BlockstoreError::DraftNotFound { uuid });
        }
        self.storage.remove_folder(uuid)
    }

    /// Reads a draft's document, which must have a row.
    pub(crate) fn draft_document(&self, uuid: Uuid) -> Result<DraftDocument> {
        self.db.read(|db| {
            draft_bundle(db, uuid)?;
            match self.draft_now(db, uuid) {
                Err(BlockstoreError::Missing { .. }) => Err(BlockstoreError::DraftNotFound { uuid }),
                result => result.map(|(document, _)| document),
            }
        })
    }

    /// Opens a draft to change it, with everything done that was left to do.
    fn open_draft(&self, db: &Connection, uuid: Uuid) -> Result<Open> {
        self.complete_handovers(db)?;
        let (bundle, _) = draft_bundle(db, uuid)?;
        let (document, digest) = match self.storage.draft(uuid) {
            Err(BlockstoreError::Missing { .. }) => return Err(BlockstoreError::DraftNotFound { uuid }),
            result => result?,
        };
        self.clear_incoming(uuid)?;
        let base =
            document.base_snapshot.map(|base| self.snapshot(document.bundle_uuid, base)).transpose()?;
        Ok(Open { bundle, document, digest, base })
    }

    /// Changes a draft's document, and the files that go with it.
    fn change_draft(
        &self,
        uuid: Uuid,
        files: &BTreeMap<&str, Option<&[u8]>>,
        job: impl FnOnce(&mut Open) -> Result<()>,
    ) -> Result<()> {
        self.db.write(|db| {
            let mut open = self.open_draft(db, uuid)?;
            let old = open.document.clone();
            job(&mut open)?;
            open.document.touch(self.clock.now());
            let mut batch = Batch::default();
            self.plan_handover(&mut batch, &old, &open.document, |batch, path, _, target| {
                if let Some(Some(bytes)) = files.get(path) {
                    batch.write(target, *bytes);
                }
                Ok(())
            })?;
            batch.run()?;
            self.note_handover(db, uuid, open.digest, Digest::of(&open.document.to_json()))
        })?;
        self.complete_soon();
        Ok(())
    }

    /// Brings the drafts' folders up to date after a change; what fails here is done by the next one that writes.
    pub(crate) fn complete_soon(&self) {
        let _ = self.db.write(|db| self.complete_handovers(db));
    }

    fn link_to(&self, name: &str, bundle: Uuid, version: u64) -> Result<Link> {
        let missing = || BlockstoreError::LinkTargetNotFound { name: name.to_owned(), bundle, version };
        let row = self.db.read(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or_else(missing)?;
            let row = match version {
                0 => rows::latest_version(db, id)?,
                version => rows::version(db, id, version)?,
            };
            row.ok_or_else(missing)
        })?;
        let snapshot = self.snapshot(bundle, row.snapshot)?;
        let direct = Dependency { bundle_uuid: bundle, snapshot_digest: row.snapshot, version };
        Ok(Link::new(direct, snapshot.links.values()))
    }

    /// Plans the data files a draft stages and the snapshot that names them.
    fn plan_snapshot(&self, batch: &mut Batch, draft: &DraftDocument, snapshot: &Snapshot) -> Result<()> {
        let incoming = self.storage.incoming(draft.uuid);
        let mut done = BTreeSet::new();
        for (path, staged) in &draft.files_to_overwrite {
            let Some(record) = staged else { continue };
            if !done.insert(record.hash) || self.storage.has_data(snapshot.bundle_uuid, path, record) {
                continue;
            }
            let named = incoming.join(format!("{}.data", record.hash));
            batch.link(self.storage.staged_path(draft.uuid, path)?, named.clone(), Some(record.hash));
            batch.rename(named, self.storage.data_path(snapshot.bundle_uuid, record));
        }
        let document = incoming.join("snapshot.json");
        batch.write(document.clone(), snapshot.to_json());
        batch.rename(document, self.storage.snapshot_path(snapshot.bundle_uuid, snapshot.hash_digest));
        Ok(())
    }
}

/// Refuses a link that leads back to its own bundle, directly or not.
fn refuse_cycle(bundle: Uuid, name: &str, link: &Link) -> Result<()> {
    if link.dependencies().any(|dependency| dependency.bundle_uuid == bundle) {
        return Err(BlockstoreError::LinkCycle { name: name.to_owned(), bundle });
    }
    Ok(())
}

fn draft_bundle(db: &Connection, draft: Uuid) -> Result<(RowId, Uuid)> {
    db.prepare_cached(
        "SELECT b.id, b.uuid FROM bundles_draft d JOIN bundles_bundle b ON b.id = d.bundle_id WHERE d.uuid = ?1",
    )
    .and_then(|mut query| {
        query.query_row([uuid_text(draft)], |row| Ok((row.get(0)?, uuid_at(row, 1)?))).optional()
    })
    .map_err(query_failed("finding a draft"))?
    .ok_or(BlockstoreError::DraftNotFound { uuid: draft })
}
