//! The tables as SQLite is told to make them.

/// The app's tables and indexes, in the words Django uses.
pub(super) const APP_TABLES: &str = r#"
CREATE TABLE IF NOT EXISTS "django_migrations" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app" varchar(255) NOT NULL, "name" varchar(255) NOT NULL, "applied" datetime NOT NULL);
CREATE TABLE IF NOT EXISTS "bundles_bundlelink" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "uses_latest" bool NOT NULL);
CREATE TABLE IF NOT EXISTS "bundles_collection" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "uuid" char(32) NOT NULL UNIQUE, "title" varchar(180) COLLATE binary NOT NULL);
CREATE TABLE IF NOT EXISTS "bundles_bundle" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "uuid" char(32) NOT NULL UNIQUE, "slug" varchar(50) COLLATE binary NOT NULL, "description" text COLLATE binary NOT NULL, "collection_id" bigint NOT NULL REFERENCES "bundles_collection" ("id") DEFERRABLE INITIALLY DEFERRED, "title" varchar(180) COLLATE binary NOT NULL);
CREATE TABLE IF NOT EXISTS "bundles_bundleversion" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "version_num" integer unsigned NOT NULL CHECK ("version_num" >= 0), "snapshot_digest" varchar(40) NOT NULL, "bundle_id" bigint NOT NULL REFERENCES "bundles_bundle" ("id") DEFERRABLE INITIALLY DEFERRED, "change_description" text COLLATE binary NOT NULL);
CREATE TABLE IF NOT EXISTS "bundles_draft" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "uuid" char(32) NOT NULL UNIQUE, "bundle_id" bigint NOT NULL REFERENCES "bundles_bundle" ("id") DEFERRABLE INITIALLY DEFERRED, "name" varchar(180) COLLATE binary NOT NULL);
CREATE INDEX IF NOT EXISTS "bundles_bundle_slug_2ecea44e" ON "bundles_bundle" ("slug");
CREATE INDEX IF NOT EXISTS "bundles_bundle_collection_id_7bbee084" ON "bundles_bundle" ("collection_id");
CREATE INDEX IF NOT EXISTS "bundles_bundle_title_4fb0d07c" ON "bundles_bundle" ("title");
CREATE UNIQUE INDEX IF NOT EXISTS "bundles_bundleversion_bundle_id_version_num_60ae090e_uniq" ON "bundles_bundleversion" ("bundle_id", "version_num");
CREATE INDEX IF NOT EXISTS "bundles_bundleversion_snapshot_digest_53518161" ON "bundles_bundleversion" ("snapshot_digest");
CREATE INDEX IF NOT EXISTS "bundles_bundleversion_bundle_id_8a76e2ca" ON "bundles_bundleversion" ("bundle_id");
CREATE INDEX IF NOT EXISTS "bundles_collection_title_ca2abfeb" ON "bundles_collection" ("title");
CREATE UNIQUE INDEX IF NOT EXISTS "bundles_draft_bundle_id_name_55dbe3ed_uniq" ON "bundles_draft" ("bundle_id", "name");
CREATE INDEX IF NOT EXISTS "bundles_draft_bundle_id_20fb78ec" ON "bundles_draft" ("bundle_id");
"#;

/// Our own tables: changes to drafts that are true and not yet in the drafts' folders, the feed of new
/// versions, and the form of our tables.
pub(super) const OWN_TABLES: &str = "CREATE TABLE IF NOT EXISTS xblock_handover \
     (draft TEXT PRIMARY KEY, before TEXT NOT NULL, after TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS xblock_form (form INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS xblock_feed (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT, bundle_id INTEGER NOT NULL, bundle TEXT NOT NULL,
    version_id INTEGER UNIQUE, version_num INTEGER, before TEXT, after TEXT, links TEXT NOT NULL,
    is_whole INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS xblock_feed_of ON xblock_feed (bundle_id, version_num);
CREATE TABLE IF NOT EXISTS xblock_file_change (
    bundle_id INTEGER NOT NULL, path TEXT NOT NULL, cursor INTEGER NOT NULL, before TEXT, after TEXT,
    PRIMARY KEY (bundle_id, path, cursor)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS xblock_file_change_at ON xblock_file_change (cursor);
CREATE TABLE IF NOT EXISTS xblock_link (
    target TEXT NOT NULL, bundle_id INTEGER NOT NULL, version_num INTEGER NOT NULL, name TEXT NOT NULL,
    target_version INTEGER NOT NULL, is_direct INTEGER NOT NULL,
    PRIMARY KEY (target, bundle_id, version_num, name, target_version)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS xblock_feed_seen (version_id INTEGER NOT NULL);";

/// The runtime's index; `{home}` is where it is kept.
pub(super) const INDEX_TABLES: &str = "
CREATE TABLE IF NOT EXISTS {home}.xblock_bundle (
    bundle_id INTEGER PRIMARY KEY, context_key TEXT UNIQUE, root_type TEXT, root_id TEXT);
CREATE TABLE IF NOT EXISTS {home}.xblock_state (
    state_id INTEGER PRIMARY KEY, bundle_id INTEGER NOT NULL, branch TEXT NOT NULL, token TEXT NOT NULL,
    previous TEXT, message TEXT NOT NULL, edited_on INTEGER, edited_by INTEGER, UNIQUE (bundle_id, branch));
CREATE TABLE IF NOT EXISTS {home}.xblock_usage (
    state_id INTEGER NOT NULL, block_type TEXT NOT NULL, block_id TEXT NOT NULL, hash TEXT NOT NULL,
    size INTEGER NOT NULL, edited_on INTEGER, edited_by INTEGER, title TEXT,
    PRIMARY KEY (state_id, block_type, block_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {home}.xblock_child (
    state_id INTEGER NOT NULL, parent_type TEXT NOT NULL, parent_id TEXT NOT NULL, position INTEGER NOT NULL,
    child_type TEXT NOT NULL, child_id TEXT NOT NULL,
    PRIMARY KEY (state_id, parent_type, parent_id, position)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS {home}.xblock_child_of ON xblock_child (state_id, child_type, child_id);
CREATE TABLE IF NOT EXISTS {home}.xblock_include (
    state_id INTEGER NOT NULL, parent_type TEXT NOT NULL, parent_id TEXT NOT NULL, position INTEGER NOT NULL,
    child_type TEXT NOT NULL, child_id TEXT NOT NULL, link TEXT, definition TEXT NOT NULL,
    PRIMARY KEY (state_id, parent_type, parent_id, position)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS {home}.xblock_include_of ON xblock_include (state_id, child_type, child_id);
CREATE TABLE IF NOT EXISTS {home}.xblock_included (
    state_id INTEGER NOT NULL, block_type TEXT NOT NULL, block_id TEXT NOT NULL, bundle TEXT, version INTEGER,
    snapshot TEXT, path TEXT NOT NULL, hash TEXT, size INTEGER, title TEXT, edited_on INTEGER, problem TEXT,
    PRIMARY KEY (state_id, block_type, block_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {home}.xblock_asset (
    state_id INTEGER NOT NULL, asset_type TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL,
    size INTEGER NOT NULL, attributes TEXT NOT NULL,
    PRIMARY KEY (state_id, asset_type, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {home}.xblock_version (
    bundle_id INTEGER NOT NULL, version_num INTEGER NOT NULL, version_id INTEGER NOT NULL,
    edited_on INTEGER, edited_by INTEGER, PRIMARY KEY (bundle_id, version_num)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS {home}.xblock_version_id ON xblock_version (version_id);
CREATE TABLE IF NOT EXISTS {home}.xblock_change (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT, context_key TEXT NOT NULL, branch TEXT NOT NULL,
    version TEXT NOT NULL, edited_on INTEGER, edited_by INTEGER);
CREATE TABLE IF NOT EXISTS {home}.xblock_origin (context_key TEXT PRIMARY KEY, files BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS {home}.xblock_garbage (draft TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {home}.xblock_unread (bundle_id INTEGER PRIMARY KEY);
";

/// Brings the table of usages that form 1 had to the one there is now.
pub(super) const ADD_TITLES: &str = "ALTER TABLE xblock_usage ADD COLUMN title TEXT;";
