//! What documents say of one file.

use std::fmt;
use std::sync::Arc;

use serde::de::{self, SeqAccess, Visitor};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Digest;
use crate::mime;

/// A file in a snapshot or draft: `[public, size, hash]` or `[public, size, hash, mime]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Always false in practice.
    pub public: bool,
    /// Size in bytes.
    pub size: u64,
    /// Digest of the bytes.
    pub hash: Digest,
    /// MIME type, where one was guessed.
    pub mime: Option<Arc<str>>,
}

impl FileRecord {
    /// Describes content that is written at a path.
    #[must_use]
    pub fn new(path: &str, size: u64, hash: Digest) -> Self {
        Self { public: false, size, hash, mime: mime::of_path(path) }
    }

    /// Returns the name of the data file, which a Python reader computes from digest and MIME type: the same bytes have several
    /// where they stand at paths of several types.
    pub(crate) fn data_name(&self) -> String {
        mime::data_name(self.hash, self.mime.as_deref())
    }
}

impl Serialize for FileRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_seq(None)?;
        array.serialize_element(&self.public)?;
        array.serialize_element(&self.size)?;
        array.serialize_element(&self.hash)?;
        if let Some(mime) = &self.mime {
            array.serialize_element(mime)?;
        }
        array.end()
    }
}

impl<'de> Deserialize<'de> for FileRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = FileRecord;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file record: public, size, hash and perhaps a MIME type")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<FileRecord, A::Error> {
        let record = FileRecord {
            public: array.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?,
            size: array.next_element()?.ok_or_else(|| de::Error::invalid_length(1, &self))?,
            hash: array.next_element()?.ok_or_else(|| de::Error::invalid_length(2, &self))?,
            mime: array.next_element::<Option<Arc<str>>>()?.flatten().filter(|mime| !mime.is_empty()),
        };
        match array.next_element::<de::IgnoredAny>()? {
            None => Ok(record),
            Some(_) => Err(de::Error::invalid_length(5, &self)),
        }
    }
}
