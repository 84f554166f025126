//! The files of a dump and the documents in them.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use bson::raw::{RawDocument, RawDocumentBuf};
use flate2::read::MultiGzDecoder;
use xblock_core::runtime::RuntimeError;

use crate::documents::corrupt;
use crate::store::{Collection, OLD_MONGO};

use super::stream::Stream;

/// The files of a dump.
#[derive(Debug, Default)]
pub(super) struct Folder {
    collections: Vec<(Collection, PathBuf)>,
    /// What is no collection.
    pub(super) others: Vec<PathBuf>,
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, RuntimeError> {
    let unreadable = |error| RuntimeError::storage(format!("reading {}", folder.display()), error);
    let mut found = Vec::new();
    for entry in folder.read_dir().map_err(unreadable)? {
        found.push(entry.map_err(unreadable)?.path());
    }
    found.sort();
    Ok(found)
}

/// Returns the name of the collection that a file holds.
fn collection_name(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".bson")
}

fn is_about_collections(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name == "prelude.json" || name.ends_with(".metadata.json")
}

impl Folder {
    /// Looks into `dump/DATABASE`, or into `dump` where that holds one database with courseware.
    pub(super) fn find(folder: &Path) -> Result<Self, RuntimeError> {
        let direct = Self::at(folder)?;
        if direct.has_courseware() {
            return Ok(direct);
        }
        let mut databases = Vec::new();
        for entry in entries(folder)?.into_iter().filter(|entry| entry.is_dir()) {
            let inner = Self::at(&entry)?;
            if inner.has_courseware() {
                databases.push((entry, inner));
            }
        }
        let place = folder.display().to_string();
        match databases.len() {
            0 if !direct.collections.is_empty() => Ok(direct),
            0 => Err(corrupt(place, "it is no dump: no file in it is a collection of a modulestore")),
            1 => {
                let (path, mut found) = databases.remove(0);
                // Other databases, and what lies beside them all, such as the server's log of operations.
                found.others.extend(direct.others.into_iter().filter(|other| *other != path));
                found.others.extend(direct.collections.into_iter().map(|(_, path)| path));
                found.others.sort();
                Ok(found)
            }
            _ => {
                let names: Vec<_> = databases.iter().map(|(path, _)| path.display().to_string()).collect();
                Err(corrupt(place, format!("it holds several databases, name one: {}", names.join(", "))))
            }
        }
    }

    fn has_courseware(&self) -> bool {
        self.collections.iter().any(|(collection, _)| match collection {
            Collection::Other(name) => name == OLD_MONGO,
            _ => true,
        })
    }

    fn at(folder: &Path) -> Result<Self, RuntimeError> {
        let mut found = Self::default();
        for path in entries(folder)? {
            match collection_name(&path) {
                Some(name) if path.is_file() => {
                    found.collections.push((Collection::named(name), path));
                }
                // What `mongodump` says about collections is not needed.
                _ if is_about_collections(&path) => {}
                _ => found.others.push(path),
            }
        }
        Ok(found)
    }

    /// Returns the files of the collections that are asked for.
    pub(super) fn files(
        &self,
        wanted: impl Fn(&Collection) -> bool,
    ) -> impl Iterator<Item = (&Collection, &Path)> {
        let found = self.collections.iter().filter(move |(collection, _)| wanted(collection));
        found.map(|(collection, path)| (collection, path.as_path()))
    }
}

/// Says where a document lies, for errors.
pub(super) type Place<'p> = &'p dyn Fn() -> String;

/// A document as it stands in a dump.
pub(super) struct Found<'f> {
    /// The document; where its bytes are wrong, what they would be else.
    pub(super) document: &'f RawDocument,
    /// Its bytes.
    pub(super) bytes: &'f [u8],
    /// What is wrong with its length or its end.
    pub(super) wrong: Option<String>,
}

/// Hands the documents of a file over, one at a time.
///
/// # Errors
/// The medium's, and [`RuntimeError::Corrupt`] where it cannot be told where a document ends.
pub(super) fn each_document(
    path: &Path,
    limit: usize,
    mut take: impl FnMut(Found<'_>, Place<'_>) -> Result<(), RuntimeError>,
) -> Result<(), RuntimeError> {
    let unreadable = |error| RuntimeError::storage(format!("reading {}", path.display()), error);
    let file = File::open(path).map_err(unreadable)?;
    let is_packed = path.extension().is_some_and(|extension| extension == "gz");
    let reader: Box<dyn Read> = if is_packed {
        Box::new(MultiGzDecoder::new(BufReader::new(file)))
    } else {
        Box::new(BufReader::new(file))
    };
    let mut stream = Stream::new(reader);
    for position in 0_usize.. {
        let place = || format!("{}, document {position}", path.display());
        if stream.fill(1).map_err(unreadable)?.is_empty() {
            break;
        }
        let length = match stream.next_document(limit).map_err(unreadable)? {
            Ok(length) => length,
            Err(reason) => {
                let at = stream.passed;
                return Err(corrupt(place(), format!("{reason}; nothing can be read from byte {at} on")));
            }
        };
        let bytes = stream.ahead(length);
        match RawDocument::from_bytes(bytes) {
            Ok(document) => {
                let wrong =
                    (length > limit).then(|| format!("it takes {length} bytes, a document may take {limit}"));
                take(Found { document, bytes, wrong }, &place)?;
            }
            Err(error) => {
                let mended = mended(bytes).map_err(|error| corrupt(place(), error))?;
                take(Found { document: &mended, bytes, wrong: Some(error.to_string()) }, &place)?;
            }
        }
        stream.pass(length);
    }
    Ok(())
}

/// Makes a document of bytes whose first four or last one are wrong.
fn mended(bytes: &[u8]) -> bson::error::Result<RawDocumentBuf> {
    let mut bytes = bytes.to_vec();
    if let Ok(length) = i32::try_from(bytes.len())
        && let Some(first) = bytes.first_chunk_mut()
    {
        *first = length.to_le_bytes();
    }
    if let Some(last) = bytes.last_mut() {
        *last = 0;
    }
    RawDocumentBuf::from_bytes(bytes)
}
