//! The columns of the tables, as rows are carried from one database to another.

/// A table with its columns.
pub(crate) type Table = (&'static str, &'static [&'static str]);

/// The app's tables, those that others refer to first.
pub(crate) const APP: [Table; 4] = [
    ("bundles_collection", &["id", "uuid", "title"]),
    ("bundles_bundle", &["id", "uuid", "slug", "description", "collection_id", "title"]),
    ("bundles_bundleversion", &["id", "version_num", "snapshot_digest", "bundle_id", "change_description"]),
    ("bundles_draft", &["id", "uuid", "bundle_id", "name"]),
];

/// Our own tables.
pub(crate) const OWN: [Table; 5] = [
    ("xblock_handover", &["draft", "before", "after"]),
    (
        "xblock_feed",
        &[
            "cursor",
            "bundle_id",
            "bundle",
            "version_id",
            "version_num",
            "before",
            "after",
            "links",
            "is_whole",
        ],
    ),
    ("xblock_file_change", &["bundle_id", "path", "cursor", "before", "after"]),
    ("xblock_link", &["target", "bundle_id", "version_num", "name", "target_version", "is_direct"]),
    ("xblock_feed_seen", &["version_id"]),
];

/// The runtime's index.
pub(crate) const INDEX: [Table; 12] = [
    ("xblock_bundle", &["bundle_id", "context_key", "root_type", "root_id"]),
    (
        "xblock_state",
        &["state_id", "bundle_id", "branch", "token", "previous", "message", "edited_on", "edited_by"],
    ),
    (
        "xblock_usage",
        &["state_id", "block_type", "block_id", "hash", "size", "edited_on", "edited_by", "title"],
    ),
    ("xblock_child", &["state_id", "parent_type", "parent_id", "position", "child_type", "child_id"]),
    (
        "xblock_include",
        &["state_id", "parent_type", "parent_id", "position", "child_type", "child_id", "link", "definition"],
    ),
    (
        "xblock_included",
        &[
            "state_id",
            "block_type",
            "block_id",
            "bundle",
            "version",
            "snapshot",
            "path",
            "hash",
            "size",
            "title",
            "edited_on",
            "problem",
        ],
    ),
    ("xblock_asset", &["state_id", "asset_type", "name", "hash", "size", "attributes"]),
    ("xblock_version", &["bundle_id", "version_num", "version_id", "edited_on", "edited_by"]),
    ("xblock_change", &["cursor", "context_key", "branch", "version", "edited_on", "edited_by"]),
    ("xblock_origin", &["context_key", "files"]),
    ("xblock_garbage", &["draft"]),
    ("xblock_unread", &["bundle_id"]),
];
