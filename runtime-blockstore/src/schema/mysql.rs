//! The tables as MySQL and MariaDB are told to make them.
//!
//! Texts of ours that are compared are `VARBINARY`: they compare byte by byte, as on SQLite, whatever collation the
//! server has, and blanks at their ends count. A path has at most 500 characters of at most four bytes.

/// The app's tables and indexes, in the words Django uses.
pub(super) const APP_TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS django_migrations (id bigint AUTO_INCREMENT NOT NULL PRIMARY KEY, app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied datetime(6) NOT NULL) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    "CREATE TABLE IF NOT EXISTS bundles_bundlelink (id bigint AUTO_INCREMENT NOT NULL PRIMARY KEY, uses_latest bool NOT NULL) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    "CREATE TABLE IF NOT EXISTS bundles_collection (id bigint AUTO_INCREMENT NOT NULL PRIMARY KEY, uuid char(32) NOT NULL UNIQUE, title varchar(180) NOT NULL, KEY bundles_collection_title_ca2abfeb (title)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    "CREATE TABLE IF NOT EXISTS bundles_bundle (id bigint AUTO_INCREMENT NOT NULL PRIMARY KEY, uuid char(32) NOT NULL UNIQUE, title varchar(180) NOT NULL, slug varchar(50) NOT NULL, description longtext NOT NULL, collection_id bigint NOT NULL, KEY bundles_bundle_slug_2ecea44e (slug), KEY bundles_bundle_title_4fb0d07c (title), CONSTRAINT bundles_bundle_collection_id_7bbee084_fk_bundles_collection_id FOREIGN KEY (collection_id) REFERENCES bundles_collection (id)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    "CREATE TABLE IF NOT EXISTS bundles_bundleversion (id bigint AUTO_INCREMENT NOT NULL PRIMARY KEY, version_num integer UNSIGNED NOT NULL CHECK (version_num >= 0), snapshot_digest varchar(40) NOT NULL, change_description longtext NOT NULL, bundle_id bigint NOT NULL, UNIQUE KEY bundles_bundleversion_bundle_id_version_num_60ae090e_uniq (bundle_id, version_num), KEY bundles_bundleversion_snapshot_digest_53518161 (snapshot_digest), CONSTRAINT bundles_bundleversion_bundle_id_8a76e2ca_fk_bundles_bundle_id FOREIGN KEY (bundle_id) REFERENCES bundles_bundle (id)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    "CREATE TABLE IF NOT EXISTS bundles_draft (id bigint AUTO_INCREMENT NOT NULL PRIMARY KEY, uuid char(32) NOT NULL UNIQUE, name varchar(180) NOT NULL, bundle_id bigint NOT NULL, UNIQUE KEY bundles_draft_bundle_id_name_55dbe3ed_uniq (bundle_id, name), CONSTRAINT bundles_draft_bundle_id_20fb78ec_fk_bundles_bundle_id FOREIGN KEY (bundle_id) REFERENCES bundles_bundle (id)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
];

/// Our own tables: changes to drafts that are true and not yet in the drafts' folders, the feed of new
/// versions, the form of our tables, the lock writers take, and what they committed lately.
pub(super) const OWN_TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS xblock_lock (id TINYINT NOT NULL PRIMARY KEY) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS xblock_commit (
        number BIGINT AUTO_INCREMENT NOT NULL PRIMARY KEY, name CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        UNIQUE KEY xblock_commit_name (name)) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS xblock_handover (
        draft VARBINARY(36) NOT NULL PRIMARY KEY, \"before\" VARBINARY(40) NOT NULL, \"after\" VARBINARY(40) NOT NULL)
        ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS xblock_form (form INTEGER NOT NULL) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS xblock_feed (
        \"cursor\" BIGINT AUTO_INCREMENT NOT NULL PRIMARY KEY, bundle_id BIGINT NOT NULL, bundle VARBINARY(36) NOT NULL,
        version_id BIGINT UNIQUE, version_num BIGINT, \"before\" VARBINARY(40), \"after\" VARBINARY(40),
        links LONGTEXT CHARACTER SET utf8mb4 NOT NULL, is_whole TINYINT NOT NULL,
        KEY xblock_feed_of (bundle_id, version_num)) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS xblock_file_change (
        bundle_id BIGINT NOT NULL, path VARBINARY(2000) NOT NULL, \"cursor\" BIGINT NOT NULL,
        \"before\" VARBINARY(40), \"after\" VARBINARY(40), PRIMARY KEY (bundle_id, path, \"cursor\"),
        KEY xblock_file_change_at (\"cursor\")) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS xblock_link (
        target VARBINARY(36) NOT NULL, bundle_id BIGINT NOT NULL, version_num BIGINT NOT NULL,
        name VARBINARY(2000) NOT NULL, target_version BIGINT NOT NULL, is_direct TINYINT NOT NULL,
        PRIMARY KEY (target, bundle_id, version_num, name, target_version)) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS xblock_feed_seen (version_id BIGINT NOT NULL) ENGINE = InnoDB",
];

/// The runtime's index; `{home}` is where it is kept.
pub(super) const INDEX_TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS {home}.xblock_bundle (
        bundle_id BIGINT NOT NULL PRIMARY KEY, context_key VARBINARY(2000), root_type VARBINARY(760),
        root_id VARBINARY(2000), UNIQUE KEY xblock_bundle_context (context_key)) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS {home}.xblock_state (
        state_id BIGINT AUTO_INCREMENT NOT NULL PRIMARY KEY, bundle_id BIGINT NOT NULL, branch VARBINARY(16) NOT NULL,
        token VARBINARY(80) NOT NULL, previous VARBINARY(80), message LONGTEXT CHARACTER SET utf8mb4 NOT NULL,
        edited_on BIGINT, edited_by BIGINT, UNIQUE KEY xblock_state_of (bundle_id, branch)) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS {home}.xblock_usage (
        state_id BIGINT NOT NULL, block_type VARBINARY(760) NOT NULL, block_id VARBINARY(2000) NOT NULL,
        hash VARBINARY(40) NOT NULL, size BIGINT NOT NULL, edited_on BIGINT, edited_by BIGINT,
        title LONGTEXT CHARACTER SET utf8mb4, PRIMARY KEY (state_id, block_type, block_id)) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS {home}.xblock_child (
        state_id BIGINT NOT NULL, parent_type VARBINARY(760) NOT NULL, parent_id VARBINARY(2000) NOT NULL,
        position BIGINT NOT NULL, child_type VARBINARY(760) NOT NULL, child_id VARBINARY(2000) NOT NULL,
        PRIMARY KEY (state_id, parent_type, parent_id, position),
        KEY xblock_child_of (state_id, child_type, child_id)) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS {home}.xblock_include (
        state_id BIGINT NOT NULL, parent_type VARBINARY(760) NOT NULL, parent_id VARBINARY(2000) NOT NULL,
        position BIGINT NOT NULL, child_type VARBINARY(760) NOT NULL, child_id VARBINARY(2000) NOT NULL,
        link LONGTEXT CHARACTER SET utf8mb4, definition VARBINARY(2000) NOT NULL,
        PRIMARY KEY (state_id, parent_type, parent_id, position),
        KEY xblock_include_of (state_id, child_type, child_id)) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS {home}.xblock_included (
        state_id BIGINT NOT NULL, block_type VARBINARY(760) NOT NULL, block_id VARBINARY(2000) NOT NULL,
        bundle VARBINARY(36), version BIGINT, snapshot VARBINARY(40), path VARBINARY(2000) NOT NULL,
        hash VARBINARY(40), size BIGINT, title LONGTEXT CHARACTER SET utf8mb4, edited_on BIGINT,
        problem LONGTEXT CHARACTER SET utf8mb4, PRIMARY KEY (state_id, block_type, block_id)) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS {home}.xblock_asset (
        state_id BIGINT NOT NULL, asset_type VARBINARY(760) NOT NULL, name VARBINARY(2000) NOT NULL,
        hash VARBINARY(40) NOT NULL, size BIGINT NOT NULL, attributes LONGTEXT CHARACTER SET utf8mb4 NOT NULL,
        PRIMARY KEY (state_id, asset_type, name)) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS {home}.xblock_version (
        bundle_id BIGINT NOT NULL, version_num BIGINT NOT NULL, version_id BIGINT NOT NULL,
        edited_on BIGINT, edited_by BIGINT, PRIMARY KEY (bundle_id, version_num),
        KEY xblock_version_id (version_id)) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS {home}.xblock_change (
        \"cursor\" BIGINT AUTO_INCREMENT NOT NULL PRIMARY KEY, context_key VARBINARY(2000) NOT NULL,
        branch VARBINARY(16) NOT NULL, version VARBINARY(80) NOT NULL, edited_on BIGINT, edited_by BIGINT)
        ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS {home}.xblock_origin (
        context_key VARBINARY(2000) NOT NULL PRIMARY KEY, files LONGBLOB NOT NULL) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS {home}.xblock_garbage (draft VARBINARY(36) NOT NULL PRIMARY KEY) ENGINE = InnoDB",
    "CREATE TABLE IF NOT EXISTS {home}.xblock_unread (bundle_id BIGINT NOT NULL PRIMARY KEY) ENGINE = InnoDB",
];

/// Brings the table of usages that form 1 had to the one there is now.
pub(super) const ADD_TITLES: &[&str] =
    &["ALTER TABLE xblock_usage ADD COLUMN title LONGTEXT CHARACTER SET utf8mb4"];
