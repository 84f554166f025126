//! Names of documents and data files, read.

use std::path::Path;

use crate::digest::Digest;

/// Tells the digest that a data file or snapshot has in its name.
pub(super) fn digest_in_name(path: &Path) -> Option<Digest> {
    path.file_name()?.to_str()?.get(..40)?.parse().ok()
}

/// Writes a path below the root as a name with slashes.
pub(super) fn key(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
