//! The names under which readers look for a bundle's data files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::document::{FileRecord, Snapshot};
use crate::error::BlockstoreError;
use crate::mime;
use crate::storage::Storage;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// The names of a bundle's data files that snapshots ask for. A Python reader computes them and looks nowhere else, so the
/// same bytes at paths of two types must lie under two names.
#[derive(Debug, Default)]
pub(super) struct DataNames {
    wanted: BTreeSet<String>,
    /// What lies there, listed when it is needed.
    there: Option<Vec<PathBuf>>,
}

impl DataNames {
    /// Returns the same names, to be looked for again.
    pub(super) fn anew(&self) -> Self {
        Self { wanted: self.wanted.clone(), there: None }
    }

    /// Adds the names a snapshot asks for; returns those that none before did.
    pub(super) fn add(&mut self, snapshot: &Snapshot) -> BTreeSet<String> {
        let names = snapshot.files.values().map(FileRecord::data_name);
        let new: BTreeSet<String> = names.filter(|name| !self.wanted.contains(name)).collect();
        self.wanted.extend(new.iter().cloned());
        new
    }

    /// Finds the data file of a record: under its name, or under one that another table of MIME types may have given it. One
    /// that is another record's name is that one's file.
    pub(super) fn find(
        &mut self,
        storage: &Storage,
        bundle: Uuid,
        record: &FileRecord,
    ) -> Result<Option<PathBuf>> {
        let folder = storage.folder(bundle).join("snapshot_data");
        let own = record.data_name();
        for name in mime::data_names(record.hash, record.mime.as_deref()) {
            let file = folder.join(&name);
            if (name == own || !self.wanted.contains(&name)) && storage.is_file(&file)? {
                return Ok(Some(file));
            }
        }
        let there = match self.there.take() {
            Some(there) => there,
            None => storage.files(&folder)?.into_iter().map(|found| found.path).collect(),
        };
        let digest = record.hash.to_string();
        let is_free = |file: &&PathBuf| {
            let name = file.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(&digest) && !self.wanted.contains(name))
        };
        let found = there.iter().find(is_free).cloned();
        self.there = Some(there);
        Ok(found)
    }
}

/// Says that a file is not under its name, and where the same bytes are.
pub(super) fn misnamed(wanted: &Path, other: &Path) -> String {
    format!(
        "{} is missing, the name by which readers in Python look for it; the same bytes are in {}",
        wanted.display(),
        other.display()
    )
}

/// Says whether a data file has the ending that Python gives to what it knows no ending for.
pub(super) fn is_nameless(file: &Path) -> bool {
    file.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with("None"))
}
