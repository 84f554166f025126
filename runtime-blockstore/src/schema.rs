//! The tables of the Blockstore app, as its four migrations leave them on SQLite (reference/blockstore, section 6).

use chrono::{DateTime, Utc};
use rusqlite::Connection;

/// The app's tables and indexes, in the words Django uses.
const APP_TABLES: &str = r#"
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

/// The migrations that make them; with their rows the app takes the tables for its own.
const MIGRATIONS: [&str; 4] =
    ["0001_initial", "0002_create_drafts", "0003_update_character_set", "0004_alter_bundle_collection"];

/// Our own tables: changes to drafts that are true and not yet in the drafts' folders, the feed of new
/// versions, and the form of our tables.
const OWN_TABLES: &str = "CREATE TABLE IF NOT EXISTS xblock_handover \
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

/// Makes the app's tables where the database does not have them, and ours.
pub(crate) fn create(db: &Connection, now: DateTime<Utc>) -> rusqlite::Result<()> {
    db.execute_batch(OWN_TABLES)?;
    db.execute(
        "INSERT INTO xblock_form (form) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM xblock_form)",
        [OWN_FORM],
    )?;
    if is_present(db)? {
        return Ok(());
    }
    db.execute_batch(APP_TABLES)?;
    for name in MIGRATIONS {
        db.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('bundles', ?1, ?2)",
            (name, now.format("%Y-%m-%d %H:%M:%S%.6f").to_string()),
        )?;
    }
    Ok(())
}

/// The form of our own tables; a later form has a higher number.
const OWN_FORM: u32 = 1;

/// Finds what a later version of the app, or of this library, has made of the database.
pub(crate) fn newer(db: &Connection) -> rusqlite::Result<Option<String>> {
    let has = |table: &str| -> rusqlite::Result<bool> {
        db.query_row("SELECT EXISTS (SELECT 1 FROM main.sqlite_master WHERE name = ?1)", [table], |row| {
            row.get(0)
        })
    };
    if has("django_migrations")? {
        let mut query =
            db.prepare("SELECT name FROM main.django_migrations WHERE app = 'bundles' ORDER BY id")?;
        let names =
            query.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
        if let Some(name) = names.into_iter().find(|name| !MIGRATIONS.contains(&name.as_str())) {
            return Ok(Some(format!("migration {name} of the Blockstore app")));
        }
    }
    if has("xblock_form")? {
        let form: u32 =
            db.query_row("SELECT coalesce(max(form), 0) FROM main.xblock_form", [], |row| row.get(0))?;
        if form > OWN_FORM {
            return Ok(Some(format!("form {form} of the xblock tables; this version knows {OWN_FORM}")));
        }
    }
    Ok(None)
}

/// Says whether the database has tables, and those of the app are not among them.
pub(crate) fn is_foreign(db: &Connection) -> rusqlite::Result<bool> {
    let is_empty: bool =
        db.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)", [], |row| row.get(0))?;
    Ok(!is_empty && !is_present(db)?)
}

/// Says whether the database has the app's tables.
pub(crate) fn is_present(db: &Connection) -> rusqlite::Result<bool> {
    let tables: u32 = db.query_row(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN \
         ('bundles_collection', 'bundles_bundle', 'bundles_bundleversion', 'bundles_draft')",
        [],
        |row| row.get(0),
    )?;
    Ok(tables == 4)
}
