//! Draft documents.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::file_record::FileRecord;
use super::link::Link;
use super::snapshot::Snapshot;
use super::{format_time, json, parse_time, uuid_text};
use crate::digest::Digest;
use crate::error::BlockstoreError;
use crate::path;

/// A named set of changes over a snapshot.
///
/// Fields stand in the order in which the document's keys are sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftDocument {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(rename = "_version")]
    format: u64,
    /// The snapshot it lies on; none where the bundle had no version.
    pub base_snapshot: Option<Digest>,
    /// The bundle.
    #[serde(with = "uuid_text")]
    pub bundle_uuid: Uuid,
    /// When it was made.
    pub created_at: String,
    /// Files by path; none is a deletion.
    pub files_to_overwrite: BTreeMap<String, Option<FileRecord>>,
    /// Links by name; none is a deletion.
    #[serde(default)]
    pub links_to_overwrite: BTreeMap<String, Option<Link>>,
    /// Its name, one of each in a bundle.
    pub name: String,
    /// When it last changed.
    pub updated_at: String,
    /// Its own UUID.
    #[serde(with = "uuid_text")]
    pub uuid: Uuid,
    /// Members that this version does not know; they stay as they are.
    #[serde(skip)]
    others: BTreeMap<String, Value>,
}

/// The members of a document that are known.
const KNOWN: [&str; 10] = [
    "_type",
    "_version",
    "base_snapshot",
    "bundle_uuid",
    "created_at",
    "files_to_overwrite",
    "links_to_overwrite",
    "name",
    "updated_at",
    "uuid",
];

impl DraftDocument {
    /// Makes a draft without changes.
    #[must_use]
    pub fn new(
        uuid: Uuid,
        bundle_uuid: Uuid,
        name: &str,
        base_snapshot: Option<Digest>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            kind: "draft".into(),
            format: 1,
            base_snapshot,
            bundle_uuid,
            created_at: format_time(now),
            files_to_overwrite: BTreeMap::new(),
            links_to_overwrite: BTreeMap::new(),
            name: name.to_owned(),
            updated_at: format_time(now),
            uuid,
            others: BTreeMap::new(),
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// A text that is no draft document.
    pub fn from_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text).or_else(|error| Self::with_others(text).ok_or(error))
    }

    /// Reads a document that has members which this version does not know.
    fn with_others(text: &[u8]) -> Option<Self> {
        let mut known: Map<String, Value> = serde_json::from_slice(text).ok()?;
        let names: Vec<String> = known.keys().filter(|name| !KNOWN.contains(&&***name)).cloned().collect();
        let others: BTreeMap<String, Value> =
            names.into_iter().filter_map(|name| known.remove_entry(&name)).collect();
        let document: Self = serde_json::from_value(Value::Object(known)).ok()?;
        (!others.is_empty()).then_some(Self { others, ..document })
    }

    /// Returns the form it is written in; 1 is the only one there is so far.
    #[must_use]
    pub fn form(&self) -> u64 {
        self.format
    }

    /// Writes the document.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        if self.others.is_empty() {
            return json::pretty(self);
        }
        let Ok(Value::Object(known)) = serde_json::to_value(self) else { return json::pretty(self) };
        let all: BTreeMap<String, Value> = known.into_iter().chain(self.others.clone()).collect();
        json::pretty(&all)
    }

    /// Dates a change, always later than the one before, so that no two states have the same document.
    pub fn touch(&mut self, now: DateTime<Utc>) {
        let earliest = self.updated().map(|before| before + TimeDelta::microseconds(1));
        self.updated_at = format_time(earliest.map_or(now, |earliest| earliest.max(now)));
    }

    /// Returns when it last changed.
    #[must_use]
    pub fn updated(&self) -> Option<DateTime<Utc>> {
        parse_time(&self.updated_at)
    }

    /// Finds a file in the draft laid over its base.
    #[must_use]
    pub fn file<'d>(&'d self, base: Option<&'d Snapshot>, path: &str) -> Option<&'d FileRecord> {
        match self.files_to_overwrite.get(path) {
            Some(staged) => staged.as_ref(),
            None => base.and_then(|base| base.files.get(path)),
        }
    }

    /// Refuses a path where the draft laid over its base has a file for a folder, or a folder for the file.
    pub(crate) fn check_folders(&self, base: Option<&Snapshot>, path: &str) -> Result<(), BlockstoreError> {
        let has_file = |path: &str| self.file(base, path).is_some();
        let folder = format!("{path}/");
        let below = |name: &&String| name.starts_with(&folder);
        let staged = self.files_to_overwrite.range(folder.clone()..).map(|(name, _)| name).take_while(below);
        let lower = base
            .iter()
            .flat_map(|base| base.files.range(folder.clone()..).map(|(name, _)| name))
            .take_while(below);
        if path::folders_above(path).any(has_file) || staged.chain(lower).any(|name| has_file(name)) {
            return Err(path::file_and_folder(path));
        }
        Ok(())
    }

    /// Lists the files of the draft laid over its base.
    #[must_use]
    pub fn composed_files(&self, base: Option<&Snapshot>) -> BTreeMap<String, FileRecord> {
        compose(base.map(|base| &base.files), &self.files_to_overwrite)
    }

    /// Lists the links of the draft laid over its base.
    #[must_use]
    pub fn composed_links(&self, base: Option<&Snapshot>) -> BTreeMap<String, Link> {
        compose(base.map(|base| &base.links), &self.links_to_overwrite)
    }
}

/// Lays what is staged over what lies below it; nothing staged in a name's place takes it out.
pub(crate) fn compose<T: Clone>(
    base: Option<&BTreeMap<String, T>>,
    staged: &BTreeMap<String, Option<T>>,
) -> BTreeMap<String, T> {
    let mut composed = base.cloned().unwrap_or_default();
    for (name, value) in staged {
        match value {
            Some(value) => composed.insert(name.clone(), value.clone()),
            None => composed.remove(name),
        };
    }
    composed
}
