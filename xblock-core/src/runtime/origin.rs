//! The package a context was last imported from, kept so that an export can give unchanged files back as they were.

use std::collections::BTreeMap;

/// What an origin takes at most, in bytes of its files.
const MAX_BYTES: usize = 64 << 20;

/// The files of a package without its static ones, by their paths.
///
/// A keepsake: it has no versions and says nothing of a context. Whoever exports compares what its files say with what
/// the context is, so that one that is old, missing or of something else only costs the layout of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    files: BTreeMap<String, Vec<u8>>,
}

impl Origin {
    /// Collects files; none where they are more than an origin takes (64 MiB).
    #[must_use]
    pub fn new(files: BTreeMap<String, Vec<u8>>) -> Option<Self> {
        let size: usize = files.iter().map(|(path, bytes)| path.len() + bytes.len()).sum();
        (size <= MAX_BYTES).then_some(Self { files })
    }

    /// Returns the files by their paths.
    #[must_use]
    pub const fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// Writes the files one after the other: the lengths of path and content as 32-bit little-endian numbers, then both.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (path, bytes) in &self.files {
            for part in [path.as_bytes(), bytes] {
                // Nothing is longer than an origin may be.
                out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            }
            out.extend_from_slice(path.as_bytes());
            out.extend_from_slice(bytes);
        }
        out
    }

    /// Reads what [`Origin::to_bytes`] wrote; none where it is something else.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        fn length(bytes: &mut &[u8]) -> Option<usize> {
            let (number, rest) = bytes.split_first_chunk::<4>()?;
            *bytes = rest;
            usize::try_from(u32::from_le_bytes(*number)).ok()
        }
        let mut files = BTreeMap::new();
        while !bytes.is_empty() {
            let (path, content) = (length(&mut bytes)?, length(&mut bytes)?);
            let (path, rest) = bytes.split_at_checked(path)?;
            let (content, rest) = rest.split_at_checked(content)?;
            files.insert(String::from_utf8(path.to_vec()).ok()?, content.to_vec());
            bytes = rest;
        }
        Self::new(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let files = [("course.xml", &b"<course/>"[..]), ("empty", b""), ("tabs/\u{e5}.html", b"\xff\0")];
        let files = files.map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).into();
        let origin = Origin::new(files).expect("small enough");
        let bytes = origin.to_bytes();
        assert_eq!(Origin::from_bytes(&bytes), Some(origin));
        assert_eq!(Origin::from_bytes(&[]), Some(Origin::default()));
        for end in [1, 7, 9, bytes.len() - 1] {
            assert_eq!(Origin::from_bytes(&bytes[..end]), None, "{end}");
        }
        assert_eq!(Origin::from_bytes(&[0xff; 40]), None);
    }
}
