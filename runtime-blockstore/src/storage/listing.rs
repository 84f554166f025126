//! Files in folders, as they lie there.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::opened::Found;
use crate::error::BlockstoreError;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// Lists what lies in a folder, in the order of names; nothing where there is none.
pub(crate) fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(BlockstoreError::io("cannot list", folder)(error)),
    };
    let mut found =
        entries.collect::<io::Result<Vec<_>>>().map_err(BlockstoreError::io("cannot list", folder))?;
    found.sort_by_key(fs::DirEntry::file_name);
    Ok(found)
}

/// Lists all files below a folder.
pub(super) fn files(folder: &Path) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in entries(&folder)? {
            let path = entry.path();
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // It went away meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(BlockstoreError::io("cannot look at", &path)(error)),
            };
            if metadata.is_dir() {
                open.push(path);
            } else {
                found.push(Found { path, size: metadata.len(), modified: metadata.modified().ok() });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Lists the folders with no file anywhere in them, inner ones first, each as old as the youngest folder in it.
pub(super) fn empty_folders(folder: &Path) -> Result<Vec<Found>> {
    let mut empty = Vec::new();
    find_empty(folder, &mut empty)?;
    Ok(empty)
}

/// Adds a folder, and returns when anything in it was changed last, where there is no file in it.
fn find_empty(folder: &Path, empty: &mut Vec<Found>) -> Result<Option<SystemTime>> {
    let metadata = match fs::symlink_metadata(folder) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(BlockstoreError::io("cannot look at", folder)(error));
        }
        _ => return Ok(None),
    };
    let mut modified = metadata.modified().ok();
    for entry in entries(folder)? {
        let below = find_empty(&entry.path(), empty)?;
        modified = modified.zip(below).map(|(here, below)| here.max(below));
    }
    if modified.is_some() {
        empty.push(Found { path: folder.to_owned(), size: 0, modified });
    }
    Ok(modified)
}
