//! Snapshot documents.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::file_record::FileRecord;
use super::link::{Link, LinkPreimage};
use super::{format_time, json, parse_time, uuid_text};
use crate::digest::Digest;

/// An immutable state of a bundle.
///
/// Fields stand in the order in which the document's keys are sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(rename = "_version")]
    format: u64,
    /// The bundle.
    #[serde(with = "uuid_text")]
    pub bundle_uuid: Uuid,
    /// When it was made, as the document writes it; it is part of the digest.
    pub created_at: String,
    /// Files by path, in code point order.
    pub files: BTreeMap<String, FileRecord>,
    /// The digest that names it.
    pub hash_digest: Digest,
    /// Links by name.
    #[serde(default)]
    pub links: BTreeMap<String, Link>,
}

/// What a new snapshot is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotParts {
    /// The bundle.
    pub bundle_uuid: Uuid,
    /// When it is made.
    pub created_at: DateTime<Utc>,
    /// Files by path.
    pub files: BTreeMap<String, FileRecord>,
    /// Links by name.
    pub links: BTreeMap<String, Link>,
}

impl Snapshot {
    /// Makes a snapshot and computes its digest.
    #[must_use]
    pub fn new(parts: SnapshotParts) -> Self {
        let SnapshotParts { bundle_uuid, created_at, files, links } = parts;
        let mut snapshot = Self {
            kind: "snapshot".into(),
            format: 1,
            bundle_uuid,
            created_at: format_time(created_at),
            files,
            hash_digest: Digest::of(b""),
            links,
        };
        snapshot.hash_digest = snapshot.digest();
        snapshot
    }

    /// Reads a document; its digest is not checked here.
    ///
    /// # Errors
    /// A text that is no snapshot document.
    pub fn from_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// Returns the snapshot as one that says that it is one.
    pub(crate) fn with_its_type(&self) -> Self {
        Self { kind: "snapshot".into(), ..self.clone() }
    }

    /// Returns the form it is written in; 1 is the only one there is so far.
    #[must_use]
    pub fn form(&self) -> u64 {
        self.format
    }

    /// Writes the document.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        json::pretty(self)
    }

    /// Returns when it was made.
    #[must_use]
    pub fn created(&self) -> Option<DateTime<Utc>> {
        parse_time(&self.created_at)
    }

    /// Computes the digest from the content (reference/blockstore, section 4).
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.preimage())
    }

    /// Returns the text the digest is computed from.
    #[must_use]
    pub fn preimage(&self) -> Vec<u8> {
        let files: Vec<_> = self.files.iter().collect();
        let links: Vec<_> = self.links.iter().map(|(name, link)| LinkPreimage(name, link)).collect();
        json::compact(&(self.bundle_uuid.to_string(), &self.created_at, files, links))
    }
}
