//! What a platform's `assetstore` says about files, whether there are such files or not (modulestore reference, section 11).

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::error::RuntimeError;
use super::record::FieldMap;
use crate::keys::AssetKey;

/// What is said about one file beside its bytes; the file itself need not exist.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AssetMetadata {
    /// The folder it was uploaded from.
    pub pathname: Option<String>,
    /// What the storage calls it.
    pub internal_name: Option<String>,
    /// Whether only learners of the course may have it.
    pub locked: Option<bool>,
    /// Its media type.
    pub content_type: Option<String>,
    /// The name of its thumbnail.
    pub thumbnail: Option<String>,
    /// Whatever else is said of it.
    pub fields: FieldMap,
    /// Its version.
    pub curr_version: Option<String>,
    /// The version before.
    pub prev_version: Option<String>,
    /// Who made it; where that is not said, who saves it first.
    pub created_by: Option<i64>,
    /// Their address.
    pub created_by_email: Option<String>,
    /// When it was made; where that is not said, when it is saved first.
    pub created_on: Option<DateTime<Utc>>,
    /// Who changed it last; set when it is saved.
    pub edited_by: Option<i64>,
    /// Their address.
    pub edited_by_email: Option<String>,
    /// When that was; set when it is saved.
    pub edited_on: Option<DateTime<Utc>>,
    /// Attributes no release known here writes, and values that no attribute of the name can have.
    #[serde(skip_serializing_if = "FieldMap::is_empty")]
    pub extra: FieldMap,
}

/// What a branch or a version says about files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AssetMetadataRecords {
    /// What can be read, in key order.
    pub records: Vec<(AssetKey, AssetMetadata)>,
    /// Records that cannot be read.
    pub damaged: Vec<DamagedAssetMetadata>,
}

/// A record about a file that cannot be read; the others can.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DamagedAssetMetadata {
    /// The file, where the record still says which.
    pub key: Option<AssetKey>,
    /// The document, and where in it.
    pub place: String,
    /// What is wrong there.
    pub reason: String,
}

impl DamagedAssetMetadata {
    /// Takes an error for one; gives back what is no damage.
    ///
    /// # Errors
    /// Every error but [`RuntimeError::Corrupt`].
    pub fn from_error(key: Option<AssetKey>, error: RuntimeError) -> Result<Self, RuntimeError> {
        match error {
            RuntimeError::Corrupt { place, reason } => Ok(Self { key, place, reason }),
            other => Err(other),
        }
    }
}

impl fmt::Display for DamagedAssetMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => {
                write!(f, "what is said about {key} cannot be read: {}: {}", self.place, self.reason)
            }
            None => write!(f, "a record about a file cannot be read: {}: {}", self.place, self.reason),
        }
    }
}
