//! Where the files of a package come from.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use super::super::error::OlxError;
use super::super::parse_options::{MOST_BYTES, ParseOptions};

/// What a source says when it cannot be read.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// What [`PackageSource::read_within`] finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// All bytes of the file.
    Bytes(Vec<u8>),
    /// Only how many there are.
    TooLarge(u64),
}

/// The files of a package: a folder, an archive, or texts in memory.
///
/// Paths are relative to the folder that holds `course.xml` or `library.xml`, with `/` between their parts.
pub trait PackageSource: Send + Sync {
    /// Returns a file's bytes, none where there is no such file.
    ///
    /// # Errors
    /// Whatever keeps an existing file from being read.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError>;

    /// Opens a file to read it piece by piece, none where there is no such file. Static files may be of any size.
    ///
    /// # Errors
    /// As [`PackageSource::read`].
    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send>>, SourceError> {
        Ok(self.read(path)?.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>))
    }

    /// Returns how many bytes a file has, none where there is no such file or that is known only by reading it. Files
    /// too large to be read are refused by it.
    ///
    /// # Errors
    /// As [`PackageSource::read`].
    fn size(&self, path: &str) -> Result<Option<u64>, SourceError> {
        let _ = path;
        Ok(None)
    }

    /// Reads a file that has no more than so many bytes; of a larger one the size is told, where it is known before it
    /// is read.
    ///
    /// # Errors
    /// As [`PackageSource::read`].
    fn read_within(&self, path: &str, limit: u64) -> Result<Option<Contents>, SourceError> {
        match self.size(path)? {
            Some(size) if size > limit => Ok(Some(Contents::TooLarge(size))),
            _ => Ok(self.read(path)?.map(Contents::Bytes)),
        }
    }

    /// Lists what stands in a folder, in order of the names; names of folders end in `/`. The root is the empty path;
    /// a folder that does not exist is empty.
    ///
    /// # Errors
    /// Whatever keeps an existing folder from being read.
    fn list(&self, folder: &str) -> Result<Vec<String>, SourceError>;

    /// Says whether there is such a file.
    ///
    /// # Errors
    /// As [`PackageSource::read`].
    fn exists(&self, path: &str) -> Result<bool, SourceError> {
        Ok(self.read(path)?.is_some())
    }
}

/// Reads a file of courseware, which must not be larger than the parser takes.
///
/// # Errors
/// [`OlxError::Xml`] for a file that is too large, before it is read; [`OlxError::Source`].
pub(super) fn read_within(
    source: &dyn PackageSource,
    path: &str,
    options: &ParseOptions,
) -> Result<Option<Vec<u8>>, OlxError> {
    let limit = options.max_size.min(MOST_BYTES) as u64;
    let read = source.read_within(path, limit);
    match read.map_err(|source| OlxError::Source { path: path.to_owned(), source })? {
        Some(Contents::Bytes(bytes)) => Ok(Some(bytes)),
        Some(Contents::TooLarge(size)) => {
            options.check_size(&path.into(), usize::try_from(size).unwrap_or(usize::MAX))?;
            Ok(None)
        }
        None => Ok(None),
    }
}

/// A package in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryPackage {
    /// The files by their paths.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl<P: Into<String>, B: Into<Vec<u8>>> FromIterator<(P, B)> for MemoryPackage {
    fn from_iter<I: IntoIterator<Item = (P, B)>>(files: I) -> Self {
        Self { files: files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect() }
    }
}

impl PackageSource for MemoryPackage {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.files.get(path).cloned())
    }

    fn size(&self, path: &str) -> Result<Option<u64>, SourceError> {
        Ok(self.files.get(path).map(|bytes| bytes.len() as u64))
    }

    fn read_within(&self, path: &str, limit: u64) -> Result<Option<Contents>, SourceError> {
        let file = self.files.get(path);
        Ok(file.map(|bytes| match bytes.len() as u64 {
            size if size > limit => Contents::TooLarge(size),
            _ => Contents::Bytes(bytes.clone()),
        }))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = self.files.range(prefix.clone()..).map_while(|(path, _)| path.strip_prefix(&prefix));
        let names: BTreeSet<String> = below
            .map(|rest| match rest.split_once('/') {
                Some((folder, _)) => format!("{folder}/"),
                None => rest.to_owned(),
            })
            .collect();
        Ok(names.into_iter().collect())
    }

    fn exists(&self, path: &str) -> Result<bool, SourceError> {
        Ok(self.files.contains_key(path))
    }
}
