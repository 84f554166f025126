//! Files and links of versions and drafts.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Blockstore;
use super::data::{BundleFileData, DraftData, DraftFileData, DraftLinkData};
use crate::document::{FileRecord, Link};
use crate::error::BlockstoreError;
use crate::rows;
use crate::storage::Place;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// How often to read again what another process replaced while it was read.
const ATTEMPTS: usize = 4;

pub(super) fn file_data(path: &str, record: &FileRecord) -> BundleFileData {
    BundleFileData {
        path: path.to_owned(),
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
                Place::Draft(*draft)
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

    /// Returns the links of a bundle's draft or latest version by name.
    ///
    /// # Errors
    /// As [`Blockstore::get_bundle_files`].
    pub fn get_bundle_links(&self, bundle: Uuid, use_draft: Option<&str>) -> Result<BTreeMap<String, Link>> {
        self.state(bundle, use_draft).map(|state| state.links)
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
        let state = self.state(bundle, use_draft)?;
        match state.files.get(path) {
            Some(record) => Ok(file_data(path, record)),
            None => Err(no_file(bundle, path, use_draft)),
        }
    }

    /// Returns a file's bytes.
    ///
    /// # Errors
    /// As [`Blockstore::get_bundle_file_metadata`].
    pub fn get_bundle_file_data(&self, bundle: Uuid, path: &str, use_draft: Option<&str>) -> Result<Vec<u8>> {
        let mut attempt = 1;
        loop {
            let state = self.state(bundle, use_draft)?;
            let Some(record) = state.files.get(path) else { return Err(no_file(bundle, path, use_draft)) };
            match self.storage.read(state.place(path), path, record) {
                // Another process may have written the draft between the two reads.
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
        let missing = || no_file(bundle, path, None);
        let row = self.db.read(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
            rows::version(db, id, version)?.ok_or(BlockstoreError::BundleVersionNotFound { bundle, version })
        })?;
        let snapshot = self.snapshot(bundle, row.snapshot)?;
        let record = snapshot.files.get(path).ok_or_else(missing)?;
        self.storage.read(Place::Data(bundle), path, record)
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

    fn state_once(&self, bundle: Uuid, use_draft: Option<&str>) -> Result<State> {
        let (draft, latest) = self.db.read(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
            let draft = match use_draft {
                Some(name) => rows::draft_named(db, id, name)?,
                None => None,
            };
            let document = draft.map(|draft| self.draft_now(db, draft)).transpose()?;
            Ok::<_, BlockstoreError>((document, rows::latest_version(db, id)?))
        })?;
        let Some((document, _)) = draft else {
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
