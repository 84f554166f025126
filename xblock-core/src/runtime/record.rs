//! What a runtime stores and returns: blocks, assets, contexts and their versions.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::fields::Json;
use crate::keys::{AssetKey, ContextKey, DefinitionKey, UsageKey, clean_asset_name};

use super::asset_metadata::AssetMetadataRecords;
use super::error::RuntimeError;

/// Maps a field's name to its stored JSON; a name that is present is explicitly set, `null` included.
///
/// The order of the names carries no meaning and two maps with the same entries are equal.
pub type FieldMap = IndexMap<Arc<str>, Json, foldhash::fast::RandomState>;

/// Says which of a context's two states is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Branch {
    /// What authors work on.
    Draft,
    /// What learners see.
    Published,
}

impl Branch {
    /// Both branches, published first.
    pub const ALL: [Self; 2] = [Self::Published, Self::Draft];

    /// Returns the branch's name as the command line and JSON write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
        }
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Names one state of one branch, opaque to everyone but the runtime that made it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionId(pub Arc<str>);

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The authored data of an aside attached to a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AsideData {
    /// The aside's type, an entry point name of group `xblock_asides.v1`.
    pub aside_type: Arc<str>,
    /// Its explicitly set fields.
    pub fields: FieldMap,
}

/// What authors wrote of one block; user state is never in here.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BlockData {
    /// Explicitly set fields of scope content.
    pub content: FieldMap,
    /// Explicitly set fields of scope settings.
    pub settings: FieldMap,
    /// Settings copied from a library block, which the block's own settings override.
    pub defaults: FieldMap,
    /// The children in order; a child may be named that does not exist.
    pub children: Vec<UsageKey>,
    /// Asides in the order in which they were attached.
    pub asides: Vec<AsideData>,
}

impl BlockData {
    /// Returns the explicitly set value of a field, wherever it is kept.
    #[must_use]
    pub fn own(&self, name: &str) -> Option<&Json> {
        self.settings.get(name).or_else(|| self.content.get(name))
    }

    /// Returns `display_name` where it is set to a text, looking at `defaults` last.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.own("display_name").or_else(|| self.defaults.get("display_name")).and_then(Json::as_str)
    }
}

/// Who changed something last, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EditInfo {
    /// The time of the last change, where the store keeps one.
    pub edited_on: Option<DateTime<Utc>>,
    /// The user who made it, where the store keeps one.
    pub edited_by: Option<i64>,
}

/// One block as a runtime returns it.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockRecord {
    /// The usage, without branch and version.
    pub usage: UsageKey,
    /// The definition the usage refers to in the branch that was read.
    pub definition: DefinitionKey,
    /// What authors wrote.
    pub data: Arc<BlockData>,
    /// Who changed it last.
    pub edit_info: EditInfo,
}

/// A block's content, wherever it is used.
#[derive(Debug, Clone, PartialEq)]
pub struct DefinitionRecord {
    /// The key it was asked for by.
    pub key: DefinitionKey,
    /// Its block type.
    pub block_type: Arc<str>,
    /// Explicitly set fields of scope content.
    pub content: FieldMap,
}

/// The state a branch is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The version to give as the base of the next edit.
    pub version: VersionId,
    /// Who made it and when.
    pub edit_info: EditInfo,
}

/// A learning context as a runtime returns it.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextRecord {
    /// The context, without branch and version.
    pub key: ContextKey,
    /// The block everything else hangs below.
    pub root: UsageKey,
    /// The draft branch.
    pub draft: Head,
    /// The published branch, absent until something was published.
    pub published: Option<Head>,
}

impl ContextRecord {
    /// Returns the head of a branch.
    #[must_use]
    pub fn head(&self, branch: Branch) -> Option<&Head> {
        match branch {
            Branch::Draft => Some(&self.draft),
            Branch::Published => self.published.as_ref(),
        }
    }
}

/// The attributes of a static file, as `policies/assets.json` and the contentstore keep them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AssetData {
    /// MIME type.
    pub content_type: Option<String>,
    /// The name people see.
    pub display_name: String,
    /// Whether only enrolled learners may fetch it.
    pub locked: bool,
    /// Path below the `static/` folder of the export it came from, if it came from one.
    pub import_path: Option<String>,
    /// Name of its thumbnail asset.
    pub thumbnail: Option<String>,
    /// Every other attribute, kept as it came.
    pub extra: FieldMap,
}

/// A static file as a runtime returns it.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetRecord {
    /// Its key, without branch and version.
    pub key: AssetKey,
    /// Its attributes.
    pub data: AssetData,
    /// Its size in bytes.
    pub length: u64,
    /// BLAKE2b-160 of its bytes in lower-case hex, the digest Blockstore uses.
    pub digest: Arc<str>,
}

/// A static file that belongs to one block alone, as a runtime returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockAsset {
    /// Its name, as texts of the block write it after `/static/`; it may have slashes.
    pub name: String,
    /// MIME type, where one is known.
    pub content_type: Option<String>,
    /// Its size in bytes.
    pub length: u64,
    /// BLAKE2b-160 of its bytes in lower-case hex.
    pub digest: Arc<str>,
}

impl BlockAsset {
    /// Makes the record this file would have among those of a context; none where no context can have one of that name.
    #[must_use]
    pub fn in_context(&self, context: &ContextKey) -> Option<AssetRecord> {
        let path = clean_asset_name(&self.name);
        let key = context.make_asset_key(&path).ok()?;
        let data = AssetData {
            content_type: self.content_type.clone(),
            display_name: self.name.rsplit('/').next().unwrap_or(&self.name).to_owned(),
            import_path: (self.name != path).then(|| self.name.clone()),
            ..AssetData::default()
        };
        Some(AssetRecord { key, data, length: self.length, digest: self.digest.clone() })
    }
}

/// Bytes that an edit brings along, opened only when they are stored.
pub trait AssetSource: Send + Sync {
    /// Opens the bytes from their beginning.
    ///
    /// # Errors
    /// Whatever reading the underlying file gives.
    fn open(&self) -> std::io::Result<Box<dyn Read + Send + '_>>;
}

impl AssetSource for Vec<u8> {
    fn open(&self) -> std::io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.as_slice()))
    }
}

/// One version in a branch's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionRecord {
    /// The version.
    pub version: VersionId,
    /// The version it was made from.
    pub previous: Option<VersionId>,
    /// Who made it and when.
    pub edit_info: EditInfo,
    /// What its author said about it.
    pub message: String,
}

/// All that a context holds in one version.
#[derive(Debug)]
pub struct VersionContent {
    /// The block everything else hangs below.
    pub root: UsageKey,
    /// Every block, detached and orphaned ones included; damaged ones with the reason.
    pub blocks: BTreeMap<UsageKey, Result<Arc<BlockData>, RuntimeError>>,
    /// The static files in key order; none where the store does not keep which files a version had.
    pub assets: Option<Vec<AssetRecord>>,
    /// What is said about files, whether there are any.
    pub asset_metadata: AssetMetadataRecords,
}

/// A place in a runtime's change feed; 0 is before the first change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub u64);

/// One entry of the change feed: a branch of a context got a new version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Where the entry stands; give it back to read on from here.
    pub cursor: Cursor,
    /// The context that changed.
    pub context: ContextKey,
    /// The branch that changed.
    pub branch: Branch,
    /// The version it has now.
    pub version: VersionId,
    /// Who changed it and when.
    pub edit_info: EditInfo,
}
