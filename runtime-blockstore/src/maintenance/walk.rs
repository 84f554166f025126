//! The files of an object store, as they lie there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use uuid::Uuid;

use crate::digest::Digest;
use crate::error::BlockstoreError;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// A file below a folder.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) modified: Option<SystemTime>,
}

/// Lists what lies in a folder, in the order of names; nothing where there is none.
pub(super) fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>> {
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

/// Lists the folders of bundles and drafts.
pub(super) fn folders(root: &Path) -> Result<Vec<Uuid>> {
    let name = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let uuid = Uuid::try_parse(&name).ok()?;
        // Another way to write the same UUID is nobody's folder.
        (uuid.to_string() == name).then_some(uuid)
    };
    Ok(entries(root)?.into_iter().filter_map(name).collect())
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

/// Tells the digest that a data file or snapshot has in its name.
pub(super) fn digest_in_name(path: &Path) -> Option<Digest> {
    path.file_name()?.to_str()?.get(..40)?.parse().ok()
}

/// Writes a path below the root as the object store's key.
pub(super) fn key(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
