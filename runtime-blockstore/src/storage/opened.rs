//! Files and objects looked at and open for reading.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::SystemTime;

use object_store::UpdateVersion;

use super::object_reader::ObjectReader;

/// What tells a file from another one of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) length: u64,
    pub(crate) modified: Option<SystemTime>,
    pub(crate) inode: u64,
    /// The tag an object store gives to content.
    pub(crate) tag: Option<String>,
}

impl Mark {
    pub(super) fn of(metadata: &fs::Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self { length: metadata.len(), modified: metadata.modified().ok(), inode, tag: None }
    }
}

/// By what an object is known that another one may be written over, and none else; nothing among files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tag(pub(super) Option<UpdateVersion>);

/// A file below a folder.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
    pub(crate) modified: Option<SystemTime>,
}

/// A file open for reading from any place in it.
#[derive(Debug)]
pub(crate) enum Opened {
    File(File, u64),
    Object(Box<ObjectReader>),
}

impl Opened {
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::File(_, length) => *length,
            Self::Object(object) => object.length(),
        }
    }

    /// Says that no more than so many bytes are read next.
    pub(crate) fn expect(&mut self, length: u64) {
        if let Self::Object(object) = self {
            object.expect(length);
        }
    }
}

impl Read for Opened {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file, _) => file.read(bytes),
            Self::Object(object) => object.read(bytes),
        }
    }
}

impl Seek for Opened {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file, _) => file.seek(to),
            Self::Object(object) => object.seek(to),
        }
    }
}
