//! Files and links of versions and drafts.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Blockstore;
use super::data::{BundleFileData, DraftData, DraftFileData, DraftLinkData};
use crate::document::{DraftDocument, FileRecord, Link};
use crate::error::BlockstoreError;
use crate::library::DefinitionState;
use crate::rows::{self, VersionRow};
use crate::storage::Place;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// How often to read again what another process replaced while it was read.
const ATTEMPTS: usize = 4;

pub(super) fn file_data(path: &str, record: &FileRecord) -> BundleFileData {
    BundleFileData {
        path: path.to_owned(),
        public: record.public,
        size: record.size,
        hash_digest: record.hash,
        mime_type: record.mime.clone(),
    }
}

/// Files and links of one state of a bundle, with the draft that stages some of them.
pub(crate) struct State {
    pub(crate) files: BTreeMap<String, FileRecord>,
    pub(crate) links: BTreeMap<String, Link>,
    /// The draft, and the paths it stages.
    staged: Option<(Uuid, Vec<String>)>,
    bundle: Uuid,
}

impl State {
    /// Says where a file's bytes lie.
    pub(crate) fn place(&self, path: &str) -> Place {
        match &self.staged {
            Some((draft, paths)) if paths.binary_search_by(|staged| staged.as_str().cmp(path)).is_ok() => {
                Place::Draft { draft: *draft, bundle: self.bundle }
            }
            _ => Place::Data(self.bundle),
        }
    }
}

impl Blockstore {
    /// Returns a draft laid over its base.
    ///
    /// # Errors
    /// [`BlockstoreError::DraftNotFound`], and damage.
    pub fn get_draft(&self, uuid: Uuid) -> Result<DraftData> {
        let draft = self.draft_document(uuid)?;
        let base = draft.base_snapshot.map(|base| self.snapshot(draft.bundle_uuid, base)).transpose()?;
        let files = draft.composed_files(base.as_deref());
        let links = draft.composed_links(base.as_deref());
        let deleted = |(name, staged): (&String, bool)| staged.then(|| name.clone());
        Ok(DraftData {
            uuid,
            bundle_uuid: draft.bundle_uuid,
            name: draft.name.clone(),
            base_snapshot: draft.base_snapshot,
            created_at: draft.created_at.clone(),
            updated_at: draft.updated_at.clone(),
            files: files
                .iter()
                .map(|(path, record)| {
                    let modified = draft.files_to_overwrite.contains_key(path);
                    (path.clone(), DraftFileData { file: file_data(path, record), modified })
                })
                .collect(),
            deleted_files: draft
                .files_to_overwrite
                .iter()
                .map(|(path, staged)| (path, staged.is_none()))
                .filter_map(deleted)
                .collect(),
            links: links
                .into_iter()
                .map(|(name, link)| {
                    let modified = draft.links_to_overwrite.contains_key(&name);
                    (name, DraftLinkData { link, modified })
                })
                .collect(),
            deleted_links: draft
                .links_to_overwrite
                .iter()
                .map(|(name, staged)| (name, staged.is_none()))
                .filter_map(deleted)
                .collect(),
        })
    }

    /// Lists the files of a bundle's draft, or of its latest version where no draft has the name; none without a
    /// version.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`], and damage.
    pub fn get_bundle_files(&self, bundle: Uuid, use_draft: Option<&str>) -> Result<Vec<BundleFileData>> {
        let state = self.state(bundle, use_draft)?;
        Ok(state.files.iter().map(|(path, record)| file_data(path, record)).collect())
    }

    /// Returns the files of a bundle's draft or latest version by path, with what the draft changed.
    ///
    /// # Errors
    /// As [`Blockstore::get_bundle_files`].
    pub fn get_bundle_files_dict(
        &self,
        bundle: Uuid,
        use_draft: Option<&str>,
    ) -> Result<BTreeMap<String, DraftFileData>> {
        let state = self.state(bundle, use_draft)?;
        let data = |(path, record): (&String, &FileRecord)| {
            let modified = matches!(state.place(path), Place::Draft { .. });
            (path.clone(), DraftFileData { file: file_data(path, record), modified })
        };
        Ok(state.files.iter().map(data).collect())
    }

    /// Returns the links of a bundle's draft or latest version by name.
    ///
    /// # Errors
    /// As [`Blockstore::get_bundle_files`].
    pub fn get_bundle_links(&self, bundle: Uuid, use_draft: Option<&str>) -> Result<BTreeMap<String, Link>> {
        self.state(bundle, use_draft).map(|state| state.links)
    }

    /// Names the links that lead to an older version than the latest, with the version each has and could have.
    ///
    /// Links to bundles that are not there any more have none.
    ///
    /// # Errors
    /// As [`Blockstore::get_bundle_files`].
    pub fn get_bundle_link_updates(
        &self,
        bundle: Uuid,
        use_draft: Option<&str>,
    ) -> Result<BTreeMap<String, (u64, u64)>> {
        let links = self.state(bundle, use_draft)?.links;
        self.db.read(|db| {
            let mut updates = BTreeMap::new();
            for (name, link) in &links {
                let Some(id) = rows::bundle_id(db, link.direct.bundle_uuid)? else { continue };
                let Some(latest) = rows::latest_version(db, id)? else { continue };
                if latest.snapshot != link.direct.snapshot_digest {
                    updates.insert(name.clone(), (link.direct.version, latest.number));
                }
            }
            Ok(updates)
        })
    }

    /// Returns what is known of a file.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleFileNotFound`], and those of [`Blockstore::get_bundle_files`].
    pub fn get_bundle_file_metadata(
        &self,
        bundle: Uuid,
        path: &str,
        use_draft: Option<&str>,
    ) -> Result<BundleFileData> {
        let (_, record) = self.retry(|| self.find(bundle, path, use_draft))?;
        Ok(file_data(path, &record))
    }

    /// Returns a file's bytes.
    ///
    /// # Errors
    /// As [`Blockstore::get_bundle_file_metadata`].
    pub fn get_bundle_file_data(&self, bundle: Uuid, path: &str, use_draft: Option<&str>) -> Result<Vec<u8>> {
        self.retry(|| {
            let (place, record) = self.find(bundle, path, use_draft)?;
            self.storage.read(place, path, &record)
        })
    }

    /// Reads again where another process may have written the draft between two reads.
    pub(super) fn retry<T>(&self, job: impl Fn() -> Result<T>) -> Result<T> {
        let mut attempt = 1;
        loop {
            match job() {
                Err(BlockstoreError::Missing { .. } | BlockstoreError::Corrupt { .. })
                    if attempt < ATTEMPTS =>
                {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    /// Returns the bytes of a file of a version.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleFileNotFound`], and those of [`Blockstore::get_bundle_version`].
    pub fn get_bundle_version_file_data(&self, bundle: Uuid, version: u64, path: &str) -> Result<Vec<u8>> {
        let record = self.version_record(bundle, version, path)?;
        self.storage.read(Place::Data(bundle), path, &record)
    }

    /// Reads all files of a version, one after the other, each proved; with the database asked once.
    ///
    /// # Errors
    /// Those of [`Blockstore::get_bundle_version`]; of each file [`BlockstoreError::Missing`] and
    /// [`BlockstoreError::Corrupt`].
    pub fn read_bundle_version(
        &self,
        bundle: Uuid,
        version: u64,
    ) -> Result<impl Iterator<Item = (String, Result<Vec<u8>>)> + '_> {
        let row = self.db.read(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
            rows::version(db, id, version)?.ok_or(BlockstoreError::BundleVersionNotFound { bundle, version })
        })?;
        let snapshot = self.snapshot(bundle, row.snapshot)?;
        let files: Vec<_> =
            snapshot.files.iter().map(|(path, record)| (path.clone(), record.clone())).collect();
        Ok(files.into_iter().map(move |(path, record)| {
            let content = self.storage.read(Place::Data(bundle), &path, &record);
            (path, content)
        }))
    }

    /// Returns where a file lies in the object store: the part of its URL that comes after the storage's own.
    ///
    /// # Errors
    /// As [`Blockstore::get_bundle_file_metadata`], and [`BlockstoreError::Missing`] where its bytes are not there.
    pub fn get_bundle_file_storage_path(
        &self,
        bundle: Uuid,
        path: &str,
        use_draft: Option<&str>,
    ) -> Result<String> {
        let (place, record) = self.retry(|| self.find(bundle, path, use_draft))?;
        self.storage_path(place, path, &record)
    }

    /// Returns where a file of a version lies in the object store.
    ///
    /// # Errors
    /// As [`Blockstore::get_bundle_version_file_data`], and [`BlockstoreError::Missing`].
    pub fn get_bundle_version_file_storage_path(
        &self,
        bundle: Uuid,
        version: u64,
        path: &str,
    ) -> Result<String> {
        let record = self.version_record(bundle, version, path)?;
        self.storage_path(Place::Data(bundle), path, &record)
    }

    fn storage_path(&self, place: Place, path: &str, record: &FileRecord) -> Result<String> {
        let found = self.storage.locate(place, path, record)?;
        let below = found.strip_prefix(self.storage.root()).unwrap_or(&found);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        Ok(parts.join("/"))
    }

    /// Finds what a version says of a file.
    pub(crate) fn version_record(&self, bundle: Uuid, version: u64, path: &str) -> Result<FileRecord> {
        let row = self.db.read(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
            rows::version(db, id, version)?.ok_or(BlockstoreError::BundleVersionNotFound { bundle, version })
        })?;
        let snapshot = self.snapshot(bundle, row.snapshot)?;
        snapshot.files.get(path).cloned().ok_or_else(|| no_file(bundle, path, None))
    }

    /// Returns a state by what a definition says of it.
    pub(crate) fn state_in(&self, bundle: Uuid, state: &DefinitionState) -> Result<State> {
        let number = match state {
            DefinitionState::Draft(name) => return self.state(bundle, Some(name)),
            DefinitionState::Version(number) => *number,
        };
        let row = self.db.read(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
            let missing = BlockstoreError::BundleVersionNotFound { bundle, version: number };
            match number {
                0 => Ok(None),
                number => rows::version(db, id, number)?.ok_or(missing).map(Some),
            }
        })?;
        let snapshot = row.map(|row| self.snapshot(bundle, row.snapshot)).transpose()?;
        let (files, links) = snapshot.map(|s| (s.files.clone(), s.links.clone())).unwrap_or_default();
        Ok(State { files, links, staged: None, bundle })
    }

    /// Composes a draft, or the latest version where no draft has the name.
    pub(crate) fn state(&self, bundle: Uuid, use_draft: Option<&str>) -> Result<State> {
        let mut attempt = 1;
        loop {
            match self.state_once(bundle, use_draft) {
                Err(BlockstoreError::Missing { .. }) if attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    /// Finds what a draft, or the latest version where no draft has the name, says of one file, without composing the rest.
    pub(super) fn find(
        &self,
        bundle: Uuid,
        path: &str,
        use_draft: Option<&str>,
    ) -> Result<(Place, FileRecord)> {
        let missing = || no_file(bundle, path, use_draft);
        let (draft, latest) = self.draft_and_latest(bundle, use_draft)?;
        let Some(document) = draft else {
            let snapshot = self.snapshot(bundle, latest.ok_or_else(missing)?.snapshot)?;
            let record = snapshot.files.get(path).ok_or_else(missing)?;
            return Ok((Place::Data(bundle), record.clone()));
        };
        if let Some(staged) = document.files_to_overwrite.get(path) {
            let place = Place::Draft { draft: document.uuid, bundle };
            return Ok((place, staged.clone().ok_or_else(missing)?));
        }
        let base = self.snapshot(bundle, document.base_snapshot.ok_or_else(missing)?)?;
        let record = base.files.get(path).ok_or_else(missing)?;
        Ok((Place::Data(bundle), record.clone()))
    }

    fn draft_and_latest(
        &self,
        bundle: Uuid,
        use_draft: Option<&str>,
    ) -> Result<(Option<DraftDocument>, Option<VersionRow>)> {
        self.db.read(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
            let draft = match use_draft {
                Some(name) => rows::draft_named(db, id, name)?,
                None => None,
            };
            let document = draft.map(|draft| self.draft_now(db, draft)).transpose()?;
            Ok((document.map(|(document, _)| document), rows::latest_version(db, id)?))
        })
    }

    fn state_once(&self, bundle: Uuid, use_draft: Option<&str>) -> Result<State> {
        let (draft, latest) = self.draft_and_latest(bundle, use_draft)?;
        let Some(document) = draft else {
            let snapshot = latest.map(|row| self.snapshot(bundle, row.snapshot)).transpose()?;
            let (files, links) = snapshot.map(|s| (s.files.clone(), s.links.clone())).unwrap_or_default();
            return Ok(State { files, links, staged: None, bundle });
        };
        let base = document.base_snapshot.map(|base| self.snapshot(bundle, base)).transpose()?;
        let staged = document.files_to_overwrite.keys().cloned().collect();
        Ok(State {
            files: document.composed_files(base.as_deref()),
            links: document.composed_links(base.as_deref()),
            staged: Some((document.uuid, staged)),
            bundle,
        })
    }
}

fn no_file(bundle: Uuid, path: &str, draft: Option<&str>) -> BlockstoreError {
    BlockstoreError::BundleFileNotFound { bundle, draft: draft.map(str::to_owned), path: path.to_owned() }
}
