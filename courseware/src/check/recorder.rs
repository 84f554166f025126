//! A package that remembers what was read of it: what nobody read is no part of the course.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use xblock_core::olx::{PackageSource, SourceError};

/// A package source around another.
pub(super) struct Recorder<'s> {
    source: &'s dyn PackageSource,
    read: Mutex<BTreeMap<String, Arc<[u8]>>>,
}

impl<'s> Recorder<'s> {
    pub(super) fn new(source: &'s dyn PackageSource) -> Self {
        Self { source, read: Mutex::new(BTreeMap::new()) }
    }

    /// Returns the files that were read, with what they hold.
    pub(super) fn into_read(self) -> BTreeMap<String, Arc<[u8]>> {
        self.read.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PackageSource for Recorder<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let bytes = self.source.read(path)?;
        if let Some(bytes) = &bytes {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            read.insert(path.to_owned(), bytes.as_slice().into());
        }
        Ok(bytes)
    }

    fn size(&self, path: &str) -> Result<Option<u64>, SourceError> {
        self.source.size(path)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        self.source.list(folder)
    }

    fn exists(&self, path: &str) -> Result<bool, SourceError> {
        self.source.exists(path)
    }
}

/// Lists all files of a package.
pub(super) fn all_files(source: &dyn PackageSource) -> Result<BTreeSet<String>, SourceError> {
    let mut files = BTreeSet::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for name in source.list(&folder)? {
            let path =
                |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            match name.strip_suffix('/') {
                Some(name) => folders.push(path(name)),
                None => drop(files.insert(path(&name))),
            }
        }
    }
    Ok(files)
}
