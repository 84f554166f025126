//! Drafts: staging, links and commits (reference/blockstore, sections 8 and 9).

use std::collections::BTreeMap;
use std::fs;
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
        self.change_draft(draft, |open| {
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
            for (path, contents) in files {
                if let Some(bytes) = contents {
                    replace(&self.storage.staged_path(draft, path)?, bytes)?;
                }
            }
            Ok(())
        })?;
        for (path, contents) in files {
            if contents.is_none() {
                let staged = self.storage.staged_path(draft, path)?;
                match fs::remove_file(&staged) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(BlockstoreError::io("cannot remove", &staged)(error));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Stages a link to a version of a bundle (0 is the latest), or its deletion.
    ///
    /// # Errors
    /// [`BlockstoreError::LinkTargetNotFound`], [`BlockstoreError::LinkCycle`], and those of
    /// [`Blockstore::write_draft_file`].
    pub fn set_draft_link(&self, draft: Uuid, name: &str, target: Option<(Uuid, u64)>) -> Result<()> {
        let link = target.map(|(bundle, version)| self.link_to(name, bundle, version)).transpose()?;
        self.change_draft(draft, |open| {
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
        let (number, document) = self.db.write(|db| {
            let Open { bundle, mut document, base } = self.open_draft(db, uuid)?;
            let latest = rows::latest_version(db, bundle)?;
            let latest_digest = latest.as_ref().map(|row| row.snapshot);
            let files = document.composed_files(base.as_deref());
            let links = document.composed_links(base.as_deref());
            if latest_digest != document.base_snapshot {
                return Err(BlockstoreError::StaleDraft {
                    uuid,
                    base: document.base_snapshot,
                    latest: latest_digest,
                });
            }
            let is_same = match &base {
                Some(base) => base.files == files && base.links == links,
                None => files.is_empty() && links.is_empty(),
            };
            if is_same {
                return Err(BlockstoreError::DraftHasNoChangesToCommit { uuid });
            }
            for (name, link) in &links {
                refuse_cycle(document.bundle_uuid, name, link)?;
            }
            let now = self.clock.now();
            let bundle_uuid = document.bundle_uuid;
            let snapshot = Snapshot::new(SnapshotParts { bundle_uuid, created_at: now, files, links });
            self.write_snapshot(&document, &snapshot)?;
            let number = latest.map_or(0, |row| row.number) + 1;
            rows::insert_version(db, bundle, number, snapshot.hash_digest, "")?;
            document.base_snapshot = Some(snapshot.hash_digest);
            document.files_to_overwrite.clear();
            document.links_to_overwrite.clear();
            document.touch(now);
            self.keep_snapshot(Arc::new(snapshot));
            Ok((number, document))
        })?;
        // The version stands; a crash before this leaves a draft that repeats it, which opening it repairs.
        self.db.write(|_| replace(&self.storage.summary_path(uuid), &document.to_json()))?;
        let staged = self.storage.folder(uuid).join("data");
        match fs::remove_dir_all(&staged) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(BlockstoreError::io("cannot remove", &staged)(error))
            }
            _ => Ok(number),
        }
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
    pub(crate) fn draft_document(&self, uuid: Uuid) -> Result<(DraftDocument, Digest)> {
        self.db.read(|db| draft_bundle(db, uuid))?;
        self.read_draft_document(uuid)
    }

    fn read_draft_document(&self, uuid: Uuid) -> Result<(DraftDocument, Digest)> {
        match self.storage.draft(uuid) {
            Err(BlockstoreError::Missing { .. }) => Err(BlockstoreError::DraftNotFound { uuid }),
            result => result,
        }
    }

    fn open_draft(&self, db: &Connection, uuid: Uuid) -> Result<Open> {
        let (bundle, _) = draft_bundle(db, uuid)?;
        let (mut document, _) = self.read_draft_document(uuid)?;
        let base =
            document.base_snapshot.map(|base| self.snapshot(document.bundle_uuid, base)).transpose()?;
        if let Some(latest) = rows::latest_version(db, bundle)?
            && document.base_snapshot != Some(latest.snapshot)
        {
            // A crash may have come between a commit and the draft's new document: then the draft is the version.
            let latest = self.snapshot(document.bundle_uuid, latest.snapshot)?;
            if document.composed_files(base.as_deref()) == latest.files
                && document.composed_links(base.as_deref()) == latest.links
            {
                document.base_snapshot = Some(latest.hash_digest);
                document.files_to_overwrite.clear();
                document.links_to_overwrite.clear();
                return Ok(Open { bundle, document, base: Some(latest) });
            }
        }
        Ok(Open { bundle, document, base })
    }

    /// Changes a draft's document after a job has written what it names.
    fn change_draft(&self, uuid: Uuid, job: impl FnOnce(&mut Open) -> Result<()>) -> Result<()> {
        self.db.write(|db| {
            let mut open = self.open_draft(db, uuid)?;
            job(&mut open)?;
            open.document.touch(self.clock.now());
            replace(&self.storage.summary_path(uuid), &open.document.to_json())
        })
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

    /// Writes the data files a draft stages and the snapshot that names them.
    fn write_snapshot(&self, draft: &DraftDocument, snapshot: &Snapshot) -> Result<()> {
        let incoming = self.storage.folder(draft.uuid).join("incoming");
        if incoming.exists() {
            fs::remove_dir_all(&incoming).map_err(BlockstoreError::io("cannot remove", &incoming))?;
        }
        let mut batch = Batch::default();
        let mut done = BTreeMap::new();
        for (path, staged) in &draft.files_to_overwrite {
            let Some(record) = staged else { continue };
            if done.insert(record.hash, ()).is_some()
                || self.storage.has_data(snapshot.bundle_uuid, path, record)
            {
                continue;
            }
            let named = incoming.join(record.hash.to_string());
            batch.link(self.storage.staged_path(draft.uuid, path)?, named.clone(), Some(record.hash));
            batch.rename(named, self.storage.data_path(snapshot.bundle_uuid, record));
        }
        let document = incoming.join("snapshot.json");
        batch.write(document.clone(), snapshot.to_json());
        batch.rename(document, self.storage.snapshot_path(snapshot.bundle_uuid, snapshot.hash_digest));
        batch.run()?;
        fs::remove_dir(&incoming).map_err(BlockstoreError::io("cannot remove", &incoming))
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
