//! The files of a package, kept while it is read, for exports to come.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use xblock_core::olx::{OlxError, PackageSource, SourceError};
use xblock_core::runtime::Origin;

/// Files that nobody reads are kept up to this size; larger ones are no text anybody edits.
const LARGEST_UNREAD: usize = 1 << 20;
/// As many bytes of files that nobody reads are kept.
const MOST_UNREAD: usize = 8 << 20;

/// A source that keeps what is read through it, except for static files, which stores have anyway.
pub(crate) struct Capture<'s> {
    inner: &'s dyn PackageSource,
    files: Mutex<BTreeMap<String, Vec<u8>>>,
}

fn is_static(path: &str) -> bool {
    path.starts_with("static/") || path.starts_with("static_import/")
}

impl<'s> Capture<'s> {
    pub(crate) fn of(inner: &'s dyn PackageSource) -> Self {
        Self { inner, files: Mutex::default() }
    }

    /// Returns the files: all that were read, and the others as long as they are not much.
    pub(crate) fn origin(self) -> Result<Option<Origin>, OlxError> {
        let mut files = self.files.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut folders = vec![String::new()];
        let mut unread = 0;
        while let Some(folder) = folders.pop() {
            let failed = |source| OlxError::Source { path: folder.clone(), source };
            for name in self.inner.list(&folder).map_err(failed)? {
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                if is_static(&path) || files.contains_key(&path) {
                    continue;
                }
                if let Some(folder) = path.strip_suffix('/') {
                    folders.push(folder.to_owned());
                    continue;
                }
                let failed = |source| OlxError::Source { path: path.clone(), source };
                if self.inner.size(&path).map_err(failed)?.is_some_and(|size| size > LARGEST_UNREAD as u64) {
                    continue;
                }
                let bytes = self.inner.read(&path);
                let bytes = bytes.map_err(|source| OlxError::Source { path: path.clone(), source })?;
                let Some(bytes) = bytes else { continue };
                if bytes.len() <= LARGEST_UNREAD && unread + bytes.len() <= MOST_UNREAD {
                    unread += bytes.len();
                    files.insert(path, bytes);
                }
            }
        }
        Ok(Origin::new(files))
    }
}

impl PackageSource for Capture<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        if is_static(path) {
            return self.inner.read(path);
        }
        if let Some(bytes) = self.files.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Ok(Some(bytes.clone()));
        }
        let bytes = self.inner.read(path)?;
        if let Some(bytes) = &bytes {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            files.insert(path.to_owned(), bytes.clone());
        }
        Ok(bytes)
    }

    fn size(&self, path: &str) -> Result<Option<u64>, SourceError> {
        self.inner.size(path)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        self.inner.list(folder)
    }

    fn exists(&self, path: &str) -> Result<bool, SourceError> {
        self.inner.exists(path)
    }
}
