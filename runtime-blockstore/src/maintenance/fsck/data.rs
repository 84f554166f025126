//! Data files, proved, and put where a reader looks for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use uuid::Uuid;
use xblock_core::runtime::{Finding, Severity};

use super::{Check, Result};
use crate::digest::Digest;
use crate::document::FileRecord;
use crate::error::BlockstoreError;
use crate::maintenance::data_names::{DataNames, is_nameless, misnamed};
use crate::maintenance::walk::digest_in_name;

/// What is wrong with a file.
pub(super) struct Fault {
    pub(super) reason: String,
    /// Whether the medium does not give it back, so that nobody knows what is in it.
    pub(super) is_unread: bool,
}

impl Check<'_> {
    /// Proves the data file of a record, and puts it where a reader looks for it.
    pub(super) fn data(
        &mut self,
        place: &str,
        bundle: Uuid,
        record: &FileRecord,
        names: &mut DataNames,
    ) -> Result<()> {
        self.report.files += 1;
        let storage = &self.store.storage;
        let target = storage.data_path(bundle, record);
        let found = names.find(storage, bundle, record)?;
        let (severity, code, reason) = match &found {
            Some(found) => match self.prove(found, record)? {
                Some(Fault { reason, is_unread: true }) => {
                    self.unread(place, reason);
                    return Ok(());
                }
                Some(Fault { reason, .. }) => (Severity::Damage, "data", reason),
                None if is_nameless(found) && !is_nameless(&target) => {
                    (Severity::Warning, "data_name", misnamed(&target, found))
                }
                None => return Ok(()),
            },
            None => match storage.search_data(bundle, record.hash)? {
                Some(other) => (Severity::Damage, "data_name", misnamed(&target, &other)),
                None => (
                    Severity::Damage,
                    "data",
                    BlockstoreError::Missing { place: target.display().to_string() }.to_string(),
                ),
            },
        };
        let source = self.copy_of(record)?;
        let mut finding = Finding {
            severity,
            code,
            place: place.to_owned(),
            reason,
            repair: source.as_ref().map(|source| format!("the same bytes are in {}", source.display())),
            is_repaired: false,
        };
        if let (true, Some(source)) = (self.options.repair, source) {
            let storage = &self.store.storage;
            // Damaged bytes under another name would be found first.
            if let Some(damaged) = found.filter(|found| code == "data" && *found != target) {
                storage.remove_file(&damaged)?;
            }
            storage.store_whole(storage.open(&source)?, &target)?;
            storage.sync_names_of(&target)?;
            finding.is_repaired = true;
        }
        self.report.findings.push(finding);
        Ok(())
    }

    /// Holds a file against its record, and says what is wrong with it; where it cannot be read now, nobody knows.
    pub(super) fn prove(&mut self, found: &Path, record: &FileRecord) -> Result<Option<Fault>> {
        let storage = &self.store.storage;
        let told = |error: BlockstoreError| match error.is_of_one_file() {
            true => Ok(Some(Fault { is_unread: error.is_unread(), reason: error.to_string() })),
            false => Err(error),
        };
        let wrong = |reason| Fault { reason, is_unread: false };
        let size = match storage.mark(found) {
            Ok(mark) => mark.length,
            Err(error) => return told(error),
        };
        if size != record.size {
            return Ok(Some(wrong(format!("{} has {size} bytes, not {}", found.display(), record.size))));
        }
        if self.options.is_quick {
            return Ok(None);
        }
        let (hash, length) = match storage.digest_of(found) {
            Ok(read) => read,
            Err(error) => return told(error),
        };
        self.report.bytes += length;
        let is_whole = hash == record.hash;
        Ok((!is_whole)
            .then(|| wrong(format!("{} has the digest {hash}, not {}", found.display(), record.hash))))
    }

    /// Finds the bytes of a record anywhere else in the store, proved.
    fn copy_of(&mut self, record: &FileRecord) -> Result<Option<PathBuf>> {
        let copies = match self.copies.take() {
            Some(copies) => copies,
            None => self.list_copies()?,
        };
        let storage = &self.store.storage;
        let is_whole = |file: &&PathBuf| storage.digest_of(file).is_ok_and(|(hash, _)| hash == record.hash);
        let found = copies.get(&record.hash).and_then(|files| files.iter().find(is_whole)).cloned();
        self.copies = Some(copies);
        Ok(found)
    }

    /// Lists data files by the digests in their names, and staged ones by what drafts say.
    fn list_copies(&self) -> Result<BTreeMap<Digest, Vec<PathBuf>>> {
        let mut copies: BTreeMap<Digest, Vec<PathBuf>> = BTreeMap::new();
        let storage = &self.store.storage;
        for folder in storage.folders()? {
            for found in storage.files(&storage.folder(folder).join("snapshot_data"))? {
                if let Some(digest) = digest_in_name(&found.path) {
                    copies.entry(digest).or_default().push(found.path);
                }
            }
            let Ok((draft, _)) = storage.draft(folder) else { continue };
            for (path, record) in &draft.files_to_overwrite {
                if let (Some(record), Ok(file)) = (record, storage.staged_path(folder, path)) {
                    copies.entry(record.hash).or_default().push(file);
                }
            }
        }
        Ok(copies)
    }
}
