//! The `edit_info` of a block, and how the operations of Split change it (modulestore reference, sections 2.3, 6, 7).

use bson::oid::ObjectId;
use bson::raw::RawDocument;
use bson::{Bson, Document};
use chrono::{DateTime, Utc};
use xblock_core::runtime::{EditInfo, RuntimeError};

use super::depth::to_bson;
use super::read::{as_integer, as_object_id, as_text, as_time, corrupt, to_time};
use super::scan::Elements;

/// Who writes where nobody is named: edx-platform's id of a management command (modulestore reference, section 1).
pub(crate) const MANAGEMENT_COMMAND: i64 = -1;

/// Who changes a branch, when, and into which structure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub(crate) version: ObjectId,
    pub(crate) edited_on: DateTime<Utc>,
    pub(crate) edited_by: Option<i64>,
}

/// When a block changed last, and what it was before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BlockEditInfo {
    /// The time of the last change.
    pub edited_on: Option<DateTime<Utc>>,
    /// The user who made it.
    pub edited_by: Option<i64>,
    /// The structure in which it happened.
    pub update_version: Option<ObjectId>,
    /// The `update_version` before that.
    pub previous_version: Option<ObjectId>,
    /// On published blocks the draft's version that was published; on reverted ones the same.
    pub source_version: Option<ObjectId>,
    /// The usage in a library this block was copied from.
    pub original_usage: Option<String>,
    /// The version of that usage.
    pub original_usage_version: Option<ObjectId>,
    /// What else the document holds.
    other: Document,
}

const KNOWN: [&str; 7] = [
    "edited_on",
    "edited_by",
    "update_version",
    "previous_version",
    "source_version",
    "original_usage",
    "original_usage_version",
];

fn or_null(value: Option<impl Into<Bson>>) -> Bson {
    value.map_or(Bson::Null, Into::into)
}

/// Returns a user id in the narrowest of BSON's integer types, as Python's driver writes it.
pub(crate) fn integer_bson(number: i64) -> Bson {
    i32::try_from(number).map_or(Bson::Int64(number), Bson::Int32)
}

impl BlockEditInfo {
    /// Reads the document; missing keys count as null.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where a key has a value of another type.
    pub fn read(document: &RawDocument, place: impl std::fmt::Display) -> Result<Self, RuntimeError> {
        let mut info = Self::default();
        for element in Elements::of(document.as_bytes()) {
            let element = element.map_err(|error| corrupt(&place, error))?;
            let name = std::str::from_utf8(element.name()).map_err(|error| corrupt(&place, error))?;
            if element.is_null() && KNOWN.contains(&name) {
                continue;
            }
            let value = element.value(document).map_err(|error| corrupt(&place, error))?;
            match name {
                "edited_on" => info.edited_on = Some(as_time(value, name, &place)?),
                "edited_by" => info.edited_by = Some(as_integer(value, name, &place)?),
                "update_version" => info.update_version = Some(as_object_id(value, name, &place)?),
                "previous_version" => info.previous_version = Some(as_object_id(value, name, &place)?),
                "source_version" => info.source_version = Some(as_object_id(value, name, &place)?),
                "original_usage" => info.original_usage = Some(as_text(value, name, &place)?.to_owned()),
                "original_usage_version" => {
                    info.original_usage_version = Some(as_object_id(value, name, &place)?);
                }
                _ => {
                    let value = to_bson(value).map_err(|error| corrupt(&place, error))?;
                    info.other.insert(name, value);
                }
            }
        }
        Ok(info)
    }

    /// Writes every key, empty ones as null, as the store does.
    #[must_use]
    pub fn to_document(&self) -> Document {
        let mut document = Document::new();
        document.insert("edited_on", or_null(self.edited_on.map(to_time)));
        document.insert("edited_by", self.edited_by.map_or(Bson::Null, integer_bson));
        document.insert("update_version", or_null(self.update_version));
        document.insert("previous_version", or_null(self.previous_version));
        document.insert("source_version", or_null(self.source_version));
        document.insert("original_usage", or_null(self.original_usage.as_deref()));
        document.insert("original_usage_version", or_null(self.original_usage_version));
        document.extend(self.other.clone());
        document
    }

    /// Returns the version that tells whether draft and published differ (section 19, trap 2).
    #[must_use]
    pub fn compared_version(&self) -> Option<ObjectId> {
        self.source_version.or(self.update_version)
    }

    /// Makes the info of a block that did not exist.
    pub(crate) fn created(stamp: &Stamp) -> Self {
        Self {
            edited_on: Some(stamp.edited_on),
            edited_by: stamp.edited_by,
            update_version: Some(stamp.version),
            ..Self::default()
        }
    }

    /// Versions a block and forgets what was published: `update_item` and the parents of `delete_item`.
    pub(crate) fn updated(&self, stamp: &Stamp) -> Self {
        Self { source_version: None, ..self.versioned(stamp) }
    }

    /// Makes the info of a published block from the draft's and the published one it replaces.
    pub(crate) fn published(draft: &Self, old: Option<&Self>, stamp: &Stamp) -> Self {
        // A block published for the first time keeps the draft's previous version, and everything else of the draft.
        let previous_version = old.map_or(draft.previous_version, |old| old.update_version);
        Self {
            edited_on: Some(stamp.edited_on),
            edited_by: stamp.edited_by,
            update_version: Some(stamp.version),
            previous_version,
            source_version: draft.compared_version(),
            ..draft.clone()
        }
    }

    /// Returns what a runtime's caller is told.
    #[must_use]
    pub fn summary(&self) -> EditInfo {
        EditInfo { edited_on: self.edited_on, edited_by: self.edited_by }
    }

    /// Versions a parent that lost a child, also where it was versioned in this structure before (`delete_item`).
    pub(crate) fn lost_a_child(&self, stamp: &Stamp) -> Self {
        Self { source_version: None, ..self.moved_to(stamp, stamp.version) }
    }

    /// Versions a block that was copied from a library, or the one below which the copies are; what was published stays.
    pub(crate) fn moved_to(&self, stamp: &Stamp, version: ObjectId) -> Self {
        Self {
            edited_on: Some(stamp.edited_on),
            edited_by: stamp.edited_by,
            previous_version: self.update_version,
            update_version: Some(version),
            ..self.clone()
        }
    }

    /// Versions a block once in a structure; what was published stays (the parent in `create_child`).
    pub(crate) fn versioned(&self, stamp: &Stamp) -> Self {
        if self.update_version == Some(stamp.version) {
            return self.clone();
        }
        Self {
            edited_on: Some(stamp.edited_on),
            edited_by: stamp.edited_by,
            previous_version: self.update_version,
            update_version: Some(stamp.version),
            ..self.clone()
        }
    }
}
