//! The files of a dump and the documents in them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use bson::raw::{RawDocument, RawDocumentBuf};
use flate2::read::MultiGzDecoder;
use xblock_core::runtime::RuntimeError;

use crate::documents::corrupt;
use crate::store::Collection;
/// The fewest: the length and the end.
const MIN_DOCUMENT: usize = 5;

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
        if !direct.collections.is_empty() {
            return Ok(direct);
        }
        let mut databases = Vec::new();
        for entry in entries(folder)?.into_iter().filter(|entry| entry.is_dir()) {
            let inner = Self::at(&entry)?;
            let has_courseware = inner.collections.iter().any(|(collection, _)| match collection {
                Collection::Other(name) => name == "modulestore",
                _ => true,
            });
            if has_courseware {
                databases.push((entry, inner));
            }
        }
        let place = folder.display().to_string();
        match databases.len() {
            0 => Err(corrupt(place, "it is no dump: no file in it is a collection of a modulestore")),
            1 => Ok(databases.remove(0).1),
            _ => {
                let names: Vec<_> = databases.iter().map(|(path, _)| path.display().to_string()).collect();
                Err(corrupt(place, format!("it holds several databases, name one: {}", names.join(", "))))
            }
        }
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

/// Hands the documents of a file over, one at a time.
pub(super) fn each_document(
    path: &Path,
    limit: usize,
    mut take: impl FnMut(&RawDocument, Place<'_>) -> Result<(), RuntimeError>,
) -> Result<(), RuntimeError> {
    let unreadable = |error| RuntimeError::storage(format!("reading {}", path.display()), error);
    let file = File::open(path).map_err(unreadable)?;
    let is_packed = path.extension().is_some_and(|extension| extension == "gz");
    let mut reader: Box<dyn BufRead> = if is_packed {
        Box::new(BufReader::new(MultiGzDecoder::new(file)))
    } else {
        Box::new(BufReader::new(file))
    };
    for position in 0_usize.. {
        let place = || format!("{}, document {position}", path.display());
        if reader.fill_buf().map_err(unreadable)?.is_empty() {
            break;
        }
        let mut read = |bytes: &mut [u8]| {
            reader.read_exact(bytes).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => corrupt(place(), "the file ends within it"),
                _ => unreadable(error),
            })
        };
        let mut length = [0; 4];
        read(&mut length)?;
        let count = usize::try_from(i32::from_le_bytes(length)).unwrap_or(0);
        if count < MIN_DOCUMENT {
            return Err(corrupt(place(), "its first bytes are no length"));
        }
        if count > limit {
            let reason = format!("it takes {count} bytes, a document may take {limit}");
            return Err(corrupt(place(), reason));
        }
        let mut bytes = vec![0; count];
        bytes[..length.len()].copy_from_slice(&length);
        read(&mut bytes[length.len()..])?;
        let document = RawDocumentBuf::from_bytes(bytes).map_err(|error| corrupt(place(), error))?;
        take(&document, &place)?;
    }
    Ok(())
}
