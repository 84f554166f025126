//! MIME types by file name, and the names of data files (reference/blockstore, section 5).
//!
//! The type of a file goes into snapshot digests and the names of data files, so it must not depend on the machine.
//! The table is what CPython 3.11 with Debian's `/etc/mime.types` answers for every extension that is known there;
//! `tests/mime_types.py` has recorded it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::digest::Digest;

/// Lines of extension, type, and what Python appends to the data file of that type; the extension is empty where it guesses
/// the type for no file, which another Python has written.
const TABLE: &str = include_str!("mime_types.tsv");

struct Types {
    by_extension: HashMap<&'static str, Arc<str>>,
    suffix_of: HashMap<&'static str, &'static str>,
    /// The extensions of a type, any of which may be the ending of its data files under some deployment's table.
    extensions_of: HashMap<&'static str, Vec<&'static str>>,
}

static TYPES: LazyLock<Types> = LazyLock::new(|| {
    let mut types =
        Types { by_extension: HashMap::new(), suffix_of: HashMap::new(), extensions_of: HashMap::new() };
    for line in TABLE.lines() {
        let mut cells = line.split('\t');
        let (Some(extension), Some(mime), Some(suffix)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        types.suffix_of.insert(mime, suffix);
        if extension.is_empty() {
            continue;
        }
        types.by_extension.insert(extension, mime.into());
        types.extensions_of.entry(mime).or_default().push(extension);
    }
    types
});

/// Guesses a file's type from its name, as Python's `mimetypes.guess_type` does.
pub(crate) fn of_path(path: &str) -> Option<Arc<str>> {
    let (stem, mut extension) = split_extension(path);
    match extension.to_lowercase().as_str() {
        ".tgz" | ".taz" | ".tz" | ".tbz2" | ".txz" => extension = ".tar",
        ".svgz" => extension = ".svg",
        // The encoding is dropped; Python compares these with case.
        _ if [".gz", ".Z", ".bz2", ".xz", ".br"].contains(&extension) => extension = split_extension(stem).1,
        _ => {}
    }
    // Extensions that the table has with capitals are never found, there or here.
    TYPES.by_extension.get(extension.strip_prefix('.')?.to_lowercase().as_str()).cloned()
}

/// Guesses the type of a file from its name, as the Blockstore app does: Python's `mimetypes` with Debian's table.
///
/// ```
/// assert_eq!(runtime_blockstore::guess_mime_type("notes/tide.PNG").as_deref(), Some("image/png"));
/// assert_eq!(runtime_blockstore::guess_mime_type("tide.olx"), None);
/// ```
#[must_use]
pub fn guess_mime_type(path: &str) -> Option<Arc<str>> {
    of_path(path)
}

/// Splits off the extension with its dot; leading dots of a name begin no extension.
fn split_extension(path: &str) -> (&str, &str) {
    let name_at = path.rfind('/').map_or(0, |at| at + 1);
    let name = &path[name_at..];
    let body_at = name.len() - name.trim_start_matches('.').len();
    match name[body_at..].rfind('.') {
        Some(at) => path.split_at(name_at + body_at + at),
        None => (path, ""),
    }
}

/// Returns the name under which a data file is written.
pub(crate) fn data_name(hash: Digest, mime: Option<&str>) -> String {
    let suffix = mime.and_then(|mime| TYPES.suffix_of.get(mime).copied()).unwrap_or(match mime {
        // Python formats the missing extension of a known type into the name.
        Some(_) => "None",
        None => "",
    });
    format!("{hash}{suffix}")
}

/// Lists the names a data file of a type is likely to have, likeliest first.
pub(crate) fn data_names(hash: Digest, mime: Option<&str>) -> impl Iterator<Item = String> {
    let first = data_name(hash, mime);
    let rest = ["", "None", ".xsl", ".xml", ".rdf", ".js"].map(str::to_owned).into_iter();
    let own = mime.and_then(|mime| TYPES.extensions_of.get(mime)).into_iter().flatten();
    let endings = rest.chain(own.map(|extension| format!(".{extension}")));
    std::iter::once(first).chain(endings.map(move |ending| format!("{hash}{ending}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_of_the_reference() {
        for (path, expected) in [
            ("html/a/definition.xml", Some("application/xml")),
            ("a.srt", Some("text/plain")),
            ("a/B.PNG", Some("image/png")),
            ("a.jpeg", Some("image/jpeg")),
            ("a.tar.gz", Some("application/x-tar")),
            ("a.tgz", Some("application/x-tar")),
            ("a.xlsm", Some("application/vnd.ms-excel.sheet.macroEnabled.12")),
            ("a.olx", None),
            ("a.sjson", None),
            (".png", None),
            ("LICENCE", None),
            ("a.gz", None),
            ("dir.png/name", None),
        ] {
            assert_eq!(of_path(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn data_files_are_named_as_python_names_them() {
        let hash = Digest::of(b"");
        let name = |mime| data_name(hash, mime).split_off(40);
        assert_eq!(name(Some("application/xml")), ".xsl");
        // Pythons without a table of the system guess these.
        assert_eq!(name(Some("text/xml")), ".xml");
        assert_eq!(name(Some("application/javascript")), ".js");
        assert_eq!(name(Some("text/plain")), ".txt");
        assert_eq!(name(Some("application/vnd.ms-excel.sheet.macroEnabled.12")), "None");
        assert_eq!(name(Some("x/never-heard-of")), "None");
        assert_eq!(name(None), "");
    }
}
