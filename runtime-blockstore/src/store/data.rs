//! What the store returns; the shapes of the Python API's data classes.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::digest::Digest;
use crate::document::Link;

/// A grouping of bundles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionData {
    /// Its UUID.
    pub uuid: Uuid,
    /// Its title.
    pub title: String,
}

/// A bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleData {
    /// Its UUID.
    pub uuid: Uuid,
    /// The collection it stands in.
    pub collection_uuid: Uuid,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
    /// Its slug; several bundles may have the same.
    pub slug: String,
    /// Its drafts by name.
    pub drafts: BTreeMap<String, Uuid>,
    /// The number of its latest version, 0 where there is none.
    pub latest_version: u64,
}

/// Which bundles are asked for; the default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BundleQuery {
    /// Only these, as far as they are there; an empty list finds none.
    pub uuids: Option<Vec<Uuid>>,
    /// Only those of this collection.
    pub collection_uuid: Option<Uuid>,
    /// Only those that have this text in title, description or slug, whatever its case.
    pub text_search: Option<String>,
    /// Only those that come after this one.
    pub after: Option<Uuid>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// Changes to a bundle's own properties; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BundleChanges {
    /// The new title.
    pub title: Option<String>,
    /// The new description.
    pub description: Option<String>,
    /// The new slug.
    pub slug: Option<String>,
    /// The collection it goes to.
    pub collection_uuid: Option<Uuid>,
}

/// A file of a bundle's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFileData {
    /// Its path.
    pub path: String,
    /// Whether the app may hand it out without a signed address, as its record in the snapshot says.
    pub public: bool,
    /// Its size in bytes.
    pub size: u64,
    /// Digest of its bytes.
    pub hash_digest: Digest,
    /// Its MIME type, where one was guessed.
    pub mime_type: Option<Arc<str>>,
}

/// A file of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftFileData {
    /// The file.
    pub file: BundleFileData,
    /// Whether the draft stages it.
    pub modified: bool,
}

/// A link of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftLinkData {
    /// The link.
    pub link: Link,
    /// Whether the draft stages it, be it equal to what the base has.
    pub modified: bool,
}

/// A committed version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleVersionData {
    /// The bundle.
    pub bundle_uuid: Uuid,
    /// The version's number.
    pub version: u64,
    /// The snapshot it names.
    pub snapshot_digest: Digest,
    /// What was said about it.
    pub change_description: String,
    /// When it was made, as the snapshot says.
    pub created_at: String,
    /// Its files by path.
    pub files: BTreeMap<String, BundleFileData>,
    /// Its links by name.
    pub links: BTreeMap<String, Link>,
}

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftData {
    /// Its UUID.
    pub uuid: Uuid,
    /// The bundle.
    pub bundle_uuid: Uuid,
    /// Its name.
    pub name: String,
    /// The snapshot it lies on.
    pub base_snapshot: Option<Digest>,
    /// When it was made.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
    /// Its files by path, laid over its base.
    pub files: BTreeMap<String, DraftFileData>,
    /// Paths it stages as deleted.
    pub deleted_files: Vec<String>,
    /// Its links by name, laid over its base.
    pub links: BTreeMap<String, DraftLinkData>,
    /// Names of links it stages as deleted.
    pub deleted_links: Vec<String>,
}
