//! What a platform's `assetstore` says about files, whether there are such files or not (modulestore reference, section 11).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::record::FieldMap;

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
    /// Attributes no release known here writes.
    #[serde(skip_serializing_if = "FieldMap::is_empty")]
    pub extra: FieldMap,
}
