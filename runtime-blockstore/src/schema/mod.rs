//! The tables of the Blockstore app, as its four migrations leave them (reference/blockstore, section 6), and ours.

pub(crate) mod columns;
mod mysql;
mod sqlite;

use std::fmt::Display;

use chrono::{DateTime, Utc};

use crate::database::Connection;
use crate::error::BlockstoreError;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// Where the runtime's index is kept: in the database itself, or in memory where nothing may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    Main,
    Temporary,
}

impl Home {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Temporary => "temp",
        }
    }
}

/// The migrations that make the app's tables; with their rows the app takes the tables for its own.
const MIGRATIONS: [&str; 4] =
    ["0001_initial", "0002_create_drafts", "0003_update_character_set", "0004_alter_bundle_collection"];

/// The app's tables that a store cannot be without.
pub(crate) const APP: [&str; 4] =
    ["bundles_collection", "bundles_bundle", "bundles_bundleversion", "bundles_draft"];

/// Which columns of which tables refer to which tables.
pub(crate) const REFERENCES: [(&str, &str, &str); 3] = [
    ("bundles_bundle", "collection_id", "bundles_collection"),
    ("bundles_bundleversion", "bundle_id", "bundles_bundle"),
    ("bundles_draft", "bundle_id", "bundles_bundle"),
];

/// The form of our own tables; a later form has a higher number. Form 1 knew no usages of included definitions.
const OWN_FORM: u32 = 2;

/// Makes the app's tables where the database does not have them, and ours.
pub(crate) fn create(db: &Connection, now: DateTime<Utc>) -> Result<()> {
    const ACTION: &str = "making the tables";
    db.script(ACTION, sqlite::OWN_TABLES, mysql::OWN_TABLES)?;
    // Looking for the row waits for nobody; putting it there would wait for whoever has locked it.
    if db.has_table("xblock_lock")? && !db.exists(ACTION, "SELECT 1 FROM xblock_lock WHERE id = 1", ())? {
        db.run(ACTION, "INSERT INTO xblock_lock (id) VALUES (1)", ())?;
    }
    db.run(
        ACTION,
        "INSERT INTO xblock_form (form) SELECT ?1 FROM (SELECT 1) AS one \
         WHERE NOT EXISTS (SELECT 1 FROM xblock_form)",
        [OWN_FORM],
    )?;
    db.run(ACTION, "UPDATE xblock_form SET form = ?1 WHERE form < ?1", [OWN_FORM])?;
    if !is_present(db)? {
        db.script(ACTION, sqlite::APP_TABLES, mysql::APP_TABLES)?;
    }
    // On a server tables stay when a process is killed before it says which migrations they are of.
    let known = "SELECT 1 FROM django_migrations WHERE app = 'bundles'";
    if !db.has_table("django_migrations")? || db.exists(ACTION, known, ())? {
        return Ok(());
    }
    let [first, second, third, fourth] = MIGRATIONS;
    let now = now.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    db.run(
        ACTION,
        "INSERT INTO django_migrations (app, name, applied) VALUES ('bundles', ?1, ?5), ('bundles', ?2, ?5), \
         ('bundles', ?3, ?5), ('bundles', ?4, ?5)",
        (first, second, third, fourth, now),
    )
    .map(drop)
}

/// Makes the tables of the runtime's index where they are missing.
pub(crate) fn create_index(db: &Connection, home: Home) -> Result<()> {
    const ACTION: &str = "making the index tables";
    if home == Home::Main && db.has_table("xblock_state")? {
        // What a branch has is said in several tables: where one of them is gone, the others say less than is wanted.
        for table in ["xblock_usage", "xblock_child", "xblock_include", "xblock_included", "xblock_asset"] {
            if !db.has_table(table)? {
                db.run(ACTION, "UPDATE xblock_state SET token = ''", ())?;
                break;
            }
        }
    }
    if home == Home::Main && db.has_table("xblock_usage")? && !db.has_column("xblock_usage", "title")? {
        // What form 1 says of a branch is less than is wanted now, so it counts as out of date.
        if db.has_table("xblock_state")? {
            db.run(ACTION, "UPDATE xblock_state SET token = ''", ())?;
        }
        db.script(ACTION, sqlite::ADD_TITLES, mysql::ADD_TITLES)?;
    }
    let sqlite = sqlite::INDEX_TABLES.replace("{home}", home.name());
    let mysql: Vec<String> = mysql::INDEX_TABLES
        .iter()
        .map(|table| match home {
            Home::Main => table.replace("{home}.", ""),
            Home::Temporary => {
                table.replace("CREATE TABLE", "CREATE TEMPORARY TABLE").replace("{home}.", "temp_")
            }
        })
        .collect();
    let mysql: Vec<&str> = mysql.iter().map(String::as_str).collect();
    db.script(ACTION, &sqlite, &mysql)
}

/// Says whether the database has the runtime's index, whole: where a table is gone, readers make it anew in memory.
pub(crate) fn has_index(db: &Connection) -> Result<bool> {
    for (table, _) in columns::INDEX {
        if !db.has_table(table)? {
            return Ok(false);
        }
    }
    db.has_column("xblock_usage", "title")
}

/// Refuses what was made by a later version of the app or of this library, before anything is changed.
pub(crate) fn refuse_newer(db: &Connection, place: &dyn Display) -> Result<()> {
    const ACTION: &str = "reading the form of the tables";
    let newer = |found| BlockstoreError::NewerForm { place: place.to_string(), found };
    if db.has_table("django_migrations")? {
        let sql = "SELECT name FROM main.django_migrations WHERE app = 'bundles' ORDER BY id";
        let names = db.all(ACTION, sql, (), |row| row.get::<String>(0))?;
        if let Some(name) = names.into_iter().find(|name| !MIGRATIONS.contains(&name.as_str())) {
            return Err(newer(format!("migration {name} of the Blockstore app")));
        }
    }
    if db.has_table("xblock_form")? {
        let sql = "SELECT coalesce(max(form), 0) FROM main.xblock_form";
        let form = db.one(ACTION, sql, (), |row| row.get::<u32>(0))?.unwrap_or_default();
        if form > OWN_FORM {
            let found = format!("form {form} of the xblock tables; this version knows {OWN_FORM}");
            return Err(newer(found));
        }
    }
    Ok(())
}

/// Refuses a database that has tables, and those of the app are not, or not all, among them.
pub(crate) fn refuse_foreign(db: &Connection, place: &dyn Display) -> Result<()> {
    let missing = missing(db)?;
    if missing.is_empty() {
        return Ok(());
    }
    if missing.len() < APP.len() {
        // On a server whoever made them may have been killed before the last one; the next one makes the rest.
        return if db.has_others()? || is_migrated(db)? { Err(lacking(place, &missing)) } else { Ok(()) };
    }
    if !db.has_others()? {
        return Ok(());
    }
    Err(BlockstoreError::corrupt(place, "it is a database of another program, not of a Blockstore"))
}

/// Refuses a database that has not all of the app's tables.
pub(crate) fn require(db: &Connection, place: &dyn Display) -> Result<()> {
    match missing(db)? {
        missing if missing.is_empty() => Ok(()),
        missing => Err(lacking(place, &missing)),
    }
}

fn lacking(place: &dyn Display, missing: &[&str]) -> BlockstoreError {
    let reason = match missing {
        all if all.len() == APP.len() => "it has no tables of the Blockstore app".to_owned(),
        [table] => format!("it lacks the table {table} of the Blockstore app"),
        tables => format!("it lacks the tables {} of the Blockstore app", tables.join(", ")),
    };
    BlockstoreError::corrupt(place, reason)
}

/// Says whether the database knows which migrations of the app its tables are of.
fn is_migrated(db: &Connection) -> Result<bool> {
    let known = "SELECT 1 FROM django_migrations WHERE app = 'bundles'";
    Ok(db.has_table("django_migrations")? && db.exists("reading the form of the tables", known, ())?)
}

/// Lists those of the app's tables that the database does not have.
fn missing(db: &Connection) -> Result<Vec<&'static str>> {
    let mut missing = Vec::new();
    for table in APP {
        if !db.has_table(table)? {
            missing.push(table);
        }
    }
    Ok(missing)
}

/// Says whether the database has the app's tables.
pub(crate) fn is_present(db: &Connection) -> Result<bool> {
    Ok(missing(db)?.is_empty())
}

/// Says whether the database has any of the app's tables.
pub(crate) fn is_begun(db: &Connection) -> Result<bool> {
    Ok(missing(db)?.len() < APP.len())
}
