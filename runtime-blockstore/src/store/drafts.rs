//! Drafts: staging and links (reference/blockstore, sections 8 and 9).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use super::Blockstore;
use super::data::DraftData;
use crate::database::Connection;
use crate::digest::Digest;
use crate::document::{Dependency, DraftDocument, FileRecord, Link, Snapshot};
use crate::error::BlockstoreError;
use crate::library::DefinitionState;
use crate::path;
use crate::rows::{self, RowId, uuid_at, uuid_text};
use crate::storage::{Batch, Place};

type Result<T> = std::result::Result<T, BlockstoreError>;

/// A draft as it stands, with what it lies on.
pub(super) struct Open {
    pub(super) bundle: RowId,
    pub(super) document: DraftDocument,
    /// Digest of the document's file.
    pub(super) digest: Digest,
    pub(super) base: Option<Arc<Snapshot>>,
}

/// Where the bytes of a file come from that is to be staged.
#[derive(Clone)]
pub(super) enum Incoming<'b> {
    Bytes(&'b [u8]),
    /// A file beside the draft's own, which is moved.
    Upload(PathBuf),
    /// The data files of the bundle.
    Committed,
}

/// How often a change may be begun anew where the server took it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempts {
    /// Once: what was uploaded is moved, which cannot be done twice.
    One,
    /// As often as any other.
    Many,
}

/// Files to be staged, or their deletion, by path.
pub(super) type Staging<'b> = BTreeMap<String, Option<(FileRecord, Incoming<'b>)>>;

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
            let mut batch = Batch::default();
            batch.write(self.storage.summary_path(uuid), document.to_json());
            self.storage.run(batch)?;
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
        let mut staging = Staging::new();
        for (path, contents) in files {
            let staged = contents.map(|bytes| {
                (FileRecord::new(path, bytes.len() as u64, Digest::of(bytes)), Incoming::Bytes(bytes))
            });
            staging.insert((*path).to_owned(), staged);
        }
        self.stage(draft, staging)
    }

    /// Stages files whose paths were checked.
    pub(super) fn stage(&self, draft: Uuid, staging: Staging<'_>) -> Result<()> {
        let is_upload = |staged: &Option<(_, Incoming<'_>)>| matches!(staged, Some((_, Incoming::Upload(_))));
        let attempts = if staging.values().any(is_upload) { Attempts::One } else { Attempts::Many };
        self.change_draft(draft, attempts, |open| {
            for (path, staged) in &staging {
                let record = staged.as_ref().map(|(record, _)| record.clone());
                open.document.files_to_overwrite.insert(path.clone(), record);
            }
            for (path, staged) in &staging {
                if staged.is_some() {
                    open.document.check_folders(open.base.as_deref(), path)?;
                }
            }
            Ok(staging.clone())
        })
    }

    /// Stages what makes a draft equal to a version of its bundle, files and links, to be looked at before it is
    /// committed.
    ///
    /// # Errors
    /// [`BlockstoreError::DraftNotFound`], [`BlockstoreError::BundleVersionNotFound`], and damage.
    pub fn stage_bundle_version(&self, draft: Uuid, version: u64) -> Result<()> {
        self.change_draft(draft, Attempts::Many, |open| {
            let bundle = open.document.bundle_uuid;
            let wanted = self.state_in(bundle, &DefinitionState::Version(version))?;
            let base = open.base.as_deref();
            let mut staging = Staging::new();
            let mut names: BTreeSet<&String> = wanted.files.keys().collect();
            names.extend(base.iter().flat_map(|base| base.files.keys()));
            for path in names {
                let record = wanted.files.get(path);
                if record != base.and_then(|base| base.files.get(path)) {
                    staging.insert(path.clone(), record.map(|record| (record.clone(), Incoming::Committed)));
                }
            }
            let mut links = BTreeMap::new();
            for (name, link) in &wanted.links {
                if base.and_then(|base| base.links.get(name)) != Some(link) {
                    links.insert(name.clone(), Some(link.clone()));
                }
            }
            for name in base.iter().flat_map(|base| base.links.keys()) {
                if !wanted.links.contains_key(name) {
                    links.insert(name.clone(), None);
                }
            }
            open.document.links_to_overwrite = links;
            open.document.files_to_overwrite = staging
                .iter()
                .map(|(path, staged)| (path.clone(), staged.as_ref().map(|(record, _)| record.clone())))
                .collect();
            Ok(staging)
        })
    }

    /// Stages a link to a version of a bundle (0 is the latest), or its deletion.
    ///
    /// # Errors
    /// [`BlockstoreError::LinkTargetNotFound`], [`BlockstoreError::LinkCycle`], and those of
    /// [`Blockstore::write_draft_file`].
    pub fn set_draft_link(&self, draft: Uuid, name: &str, target: Option<(Uuid, u64)>) -> Result<()> {
        let link = target.map(|(bundle, version)| self.link_to(name, bundle, version)).transpose()?;
        self.change_draft(draft, Attempts::Many, |open| {
            let document = &mut open.document;
            if let Some(link) = &link {
                refuse_cycle(document.bundle_uuid, name, link)?;
            }
            let base = open.base.as_ref().and_then(|base| base.links.get(name));
            // Unlike the app, setting what is set already does not unset it.
            if link.as_ref() == base {
                document.links_to_overwrite.remove(name);
            } else {
                document.links_to_overwrite.insert(name.to_owned(), link.clone());
            }
            Ok(Staging::new())
        })
    }

    /// Sets a link of a draft to the latest version of the bundle it leads to; returns that version's number.
    ///
    /// # Errors
    /// [`BlockstoreError::LinkNotFound`] where the draft has no such link, and those of
    /// [`Blockstore::set_draft_link`].
    pub fn update_draft_link(&self, draft: Uuid, name: &str) -> Result<u64> {
        let data = self.get_draft(draft)?;
        let Some(link) = data.links.get(name) else {
            return Err(BlockstoreError::LinkNotFound { name: name.to_owned(), draft });
        };
        let target = link.link.direct.bundle_uuid;
        let latest = self.get_bundle(target)?.latest_version;
        self.set_draft_link(draft, name, Some((target, latest)))?;
        Ok(latest)
    }

    /// Deletes a draft with all it staged.
    ///
    /// # Errors
    /// [`BlockstoreError::DraftNotFound`].
    pub fn delete_draft(&self, uuid: Uuid) -> Result<()> {
        let deleted = self.db.write(|db| {
            db.run("deleting a draft", "DELETE FROM bundles_draft WHERE uuid = ?1", [uuid_text(uuid)])
        })?;
        if deleted == 0 {
            return Err(BlockstoreError::DraftNotFound { uuid });
        }
        self.storage.remove_folder(uuid).map(drop)
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
    pub(super) fn open_draft(&self, db: &Connection, uuid: Uuid) -> Result<Open> {
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
    fn change_draft<'b>(
        &self,
        uuid: Uuid,
        attempts: Attempts,
        mut job: impl FnMut(&mut Open) -> Result<Staging<'b>>,
    ) -> Result<()> {
        let change = |db: &Connection| {
            let mut open = self.open_draft(db, uuid)?;
            let old = open.document.clone();
            let staging = job(&mut open)?;
            open.document.touch(self.clock.now());
            changed_draft(self, db, (&old, open.digest), &open.document, &staging)
        };
        match attempts {
            Attempts::One => self.db.write_once(change)?,
            Attempts::Many => self.db.write(change)?,
        }
        self.complete_soon();
        Ok(())
    }

    /// Brings the drafts' folders up to date after a change; what fails here is done by the next one that writes.
    pub(crate) fn complete_soon(&self) {
        let _ = self.db.write_unawaited(|db| self.complete_handovers(db));
    }

    /// Makes a link to a version of a bundle (0 is the latest), with all that it depends on.
    pub(crate) fn link_to(&self, name: &str, bundle: Uuid, version: u64) -> Result<Link> {
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
}

/// Refuses a link that leads back to its own bundle, directly or not.
pub(crate) fn refuse_cycle(bundle: Uuid, name: &str, link: &Link) -> Result<()> {
    if link.dependencies().any(|dependency| dependency.bundle_uuid == bundle) {
        return Err(BlockstoreError::LinkCycle { name: name.to_owned(), bundle });
    }
    Ok(())
}

/// Writes the changed document of a draft, and the files that go with it.
pub(super) fn changed_draft(
    store: &Blockstore,
    db: &Connection,
    (old, digest): (&DraftDocument, Digest),
    new: &DraftDocument,
    staging: &Staging<'_>,
) -> Result<()> {
    let mut batch = Batch::default();
    let mut written = Vec::new();
    let after = store.plan_handover(&mut batch, old, new, |batch, path, record, target| {
        match staging.get(path) {
            Some(Some((_, Incoming::Bytes(bytes)))) => {
                written.push(target.clone());
                batch.write(target, *bytes);
            }
            Some(Some((_, Incoming::Upload(upload)))) => {
                written.push(target.clone());
                batch.rename(upload.clone(), target);
            }
            Some(Some((_, Incoming::Committed))) => {
                let source = store.storage.locate(Place::Data(old.bundle_uuid), path, record)?;
                if source != target {
                    batch.link(source, target, Some(record.hash));
                }
            }
            Some(None) | None => {}
        }
        Ok(())
    })?;
    store.storage.run(batch)?;
    for file in &written {
        store.durable.remember(&store.storage, file);
    }
    store.note_handover(db, new.uuid, digest, after)
}

pub(super) fn draft_bundle(db: &Connection, draft: Uuid) -> Result<(RowId, Uuid)> {
    db.one(
        "finding a draft",
        "SELECT b.id, b.uuid FROM bundles_draft d JOIN bundles_bundle b ON b.id = d.bundle_id WHERE d.uuid = ?1",
        [uuid_text(draft)],
        |row| Ok((row.get(0)?, uuid_at(row, 1)?)),
    )?
    .ok_or(BlockstoreError::DraftNotFound { uuid: draft })
}
