//! One bundle of a backup that becomes the context again which it was: what only our tables know of it.

use uuid::Uuid;
use xblock_core::runtime::Branch;

use super::layout::{CONTEXT_FILE, ContextDocument};
use super::room::has_room_for_context;
use super::tables::{Tables, edit_info_at};
use super::view::version_id;
use crate::context::LearningContexts;
use crate::database::{Connection, OwnedCell, Row, refused};
use crate::error::BlockstoreError;
use crate::rows::{self, RowId, digest_at, uuid_at, uuid_text, version_at};
use crate::schema::{self, Home};
use crate::storage::Place;
use crate::store::Blockstore;

type Result<T> = std::result::Result<T, BlockstoreError>;

const ACTION: &str = "restoring what a bundle is";

/// The tables that have the rows of a branch in the index; what state they are of is their first column.
const OF_STATE: [&str; 5] =
    ["xblock_usage", "xblock_child", "xblock_include", "xblock_included", "xblock_asset"];

/// What a restored bundle is in its new store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Restored {
    /// The context it is, where it is one.
    pub(crate) context: Option<String>,
    /// What the backup knows of it and the store does not take.
    pub(crate) left_out: Vec<String>,
}

/// Brings what the tables of a backup know of a bundle into a store that has just got its rows and files: which context it
/// was told to be, the files of its package, who made versions and blocks.
///
/// # Errors
/// [`BlockstoreError::ContextTaken`] where the bundle says it is a context that another bundle is; then nothing may stay.
pub(crate) fn know_again(
    store: &Blockstore,
    db: &Connection,
    (bundle, id): (Uuid, RowId),
    backup: &Connection,
) -> Result<Restored> {
    let tables = Tables::new(db, Home::Main);
    let said = said(store, db, bundle, id)?;
    // Bundles that nobody has looked at stay such: numbers above theirs must not hide them.
    for (other, uuid) in tables.unknown_bundles()? {
        if other == id {
            continue;
        }
        if let (Some(context), Some(present)) = (&said, uuid)
            && self::said(store, db, present, other)?.as_ref() == Some(context)
        {
            return Err(BlockstoreError::ContextTaken { context: context.clone(), present, bundle });
        }
        tables.put_unread(other)?;
    }
    if let Some(context) = &said {
        tables.forget_deleted(context)?;
        if let Some(present) = holder(&tables, context)? {
            return Err(BlockstoreError::ContextTaken { context: context.clone(), present, bundle });
        }
    }
    let Some(old) = Old::read(backup, bundle)? else {
        return Ok(Restored { context: said, left_out: Vec::new() });
    };
    match (&old.root, &said) {
        (Some((root_type, root_id)), Some(said))
            if *said == old.context && has_room_for_context(said, root_type, root_id) =>
        {
            tables.put_bundle(id, Some((said, root_type, root_id)))?;
        }
        // What the bundle says now is for the next look at it.
        (Some(_), _) | (None, Some(_)) => return Ok(Restored { context: said, left_out: Vec::new() }),
        (None, None) => {
            if !tables.adopt(id, &old.context)? {
                let present = holder(&tables, &old.context)?.unwrap_or_default();
                let reason = format!(
                    "that bundle {bundle} was adopted as {0}, with the other files of its package: bundle {present} of the store is \
                     {0}; courseware adopt gives it another key",
                    old.context
                );
                return Ok(Restored { context: None, left_out: vec![reason] });
            }
        }
    }
    old.put_origin(backup, db)?;
    old.put_versions(backup, &tables, id)?;
    old.put_states(backup, &tables, (bundle, id))?;
    Ok(Restored { context: Some(old.context), left_out: Vec::new() })
}

/// What the index of a backup says of a bundle.
struct Old {
    id: RowId,
    context: String,
    /// The root, where the bundle itself says what it is.
    root: Option<(String, String)>,
}

impl Old {
    fn read(backup: &Connection, bundle: Uuid) -> Result<Option<Self>> {
        if !backup.has_table("xblock_bundle")? {
            return Ok(None);
        }
        backup.one(
            ACTION,
            "SELECT x.bundle_id, x.context_key, x.root_type, x.root_id FROM xblock_bundle x \
             JOIN bundles_bundle b ON b.id = x.bundle_id WHERE b.uuid = ?1 AND x.context_key IS NOT NULL",
            [uuid_text(bundle)],
            |row| {
                let root = row.get::<Option<String>>(2)?.zip(row.get(3)?);
                Ok(Self { id: row.get(0)?, context: row.get(1)?, root })
            },
        )
    }

    /// Keeps the files of the package the context was imported from.
    fn put_origin(&self, backup: &Connection, db: &Connection) -> Result<()> {
        if !backup.has_table("xblock_origin")? {
            return Ok(());
        }
        let sql = "SELECT files FROM xblock_origin WHERE context_key = ?1";
        let Some(files) = backup.one(ACTION, sql, [&*self.context], |row| row.get::<Vec<u8>>(0))? else {
            return Ok(());
        };
        let sql = "REPLACE INTO main.xblock_origin (context_key, files) VALUES (?1, ?2)";
        db.run(ACTION, sql, (&self.context, files))
            .map(drop)
            .map_err(|error| refused(error, "xblock_origin", format!("the files of {}", self.context)))
    }

    /// Notes who made which version, and tells of the versions in the feed.
    fn put_versions(&self, backup: &Connection, tables: &Tables<'_>, id: RowId) -> Result<()> {
        if !backup.has_table("xblock_version")? {
            return Ok(());
        }
        let versions = backup.all(
            ACTION,
            "SELECT v.version_num, w.snapshot_digest, v.edited_on, v.edited_by FROM xblock_version v \
             JOIN bundles_bundleversion w ON w.bundle_id = v.bundle_id AND w.version_num = v.version_num \
             WHERE v.bundle_id = ?1 ORDER BY v.version_num",
            [self.id],
            |row| Ok((version_at(row, 0)?, digest_at(row, 1)?, edit_info_at(row, 2)?)),
        )?;
        for (number, digest, info) in versions {
            tables.put_version(id, number, &info)?;
            let version = version_id(number, digest);
            tables.append_change(&self.context, Branch::Published, &version.0, &info)?;
        }
        Ok(())
    }

    /// Copies the index of both branches, which has who made which block; one that is out of date is made anew by whoever reads.
    fn put_states(
        &self,
        backup: &Connection,
        tables: &Tables<'_>,
        (bundle, id): (Uuid, RowId),
    ) -> Result<()> {
        if !schema::has_index(backup)? {
            return Ok(());
        }
        for branch in Branch::ALL {
            let Some(old) = Tables::new(backup, Home::Main).state(self.id, branch)? else { continue };
            let (token, info) = (&old.token, &old.edit_info);
            let state = tables.put_state(id, branch, token, &old.message, info)?;
            let sql = "UPDATE {home}.xblock_state SET previous = ?2 WHERE state_id = ?1";
            tables.run(ACTION, sql, (state, &old.previous))?;
            tables.clear_state(state)?;
            let of_state = schema::columns::INDEX.iter().filter(|(table, _)| OF_STATE.contains(table));
            for (table, columns) in of_state {
                let columns = columns.get(1..).unwrap_or_default();
                let names = columns.join(", ");
                let sql = format!("SELECT {names} FROM {table} WHERE state_id = ?1");
                let cells = |row: &Row<'_>| {
                    let cells = (0..columns.len()).map(|at| row.cell(at).map(OwnedCell::plain));
                    std::iter::once(Ok(OwnedCell::Int(state)))
                        .chain(cells)
                        .collect::<std::result::Result<Vec<_>, _>>()
                };
                let found = backup.all(ACTION, &sql, [old.id], cells)?;
                let into = format!("INSERT INTO {{home}}.{table} (state_id, {names})");
                tables
                    .insert(ACTION, &into, found.iter())
                    .map_err(|error| refused(error, table, format!("a row of bundle {bundle}")))?;
            }
            if branch == Branch::Draft && !token.is_empty() {
                tables.append_change(&self.context, branch, token, info)?;
            }
        }
        Ok(())
    }
}

/// Finds the bundle that is a context by the index.
fn holder(tables: &Tables<'_>, context: &str) -> Result<Option<Uuid>> {
    tables.one(
        ACTION,
        "SELECT b.uuid FROM {home}.xblock_bundle x JOIN main.bundles_bundle b ON b.id = x.bundle_id \
         WHERE x.context_key = ?1",
        [context],
        |row| uuid_at(row, 0),
    )
}

/// Reads which context a bundle says it is, of whatever kind; nothing where that cannot be read.
fn said(store: &Blockstore, db: &Connection, bundle: Uuid, id: RowId) -> Result<Option<String>> {
    let latest = rows::latest_version(db, id)?.map(|row| row.snapshot);
    let contexts = LearningContexts::standard();
    for name in contexts.drafts() {
        let Some(draft) = rows::draft_named(db, id, name)? else { continue };
        let read = || {
            let (document, _) = store.draft_now(db, draft)?;
            let base = document.base_snapshot.map(|base| store.snapshot(bundle, base)).transpose()?;
            let files = document.composed_files(base.as_deref());
            let Some(record) = files.get(CONTEXT_FILE) else { return Ok(None) };
            let staged = store.storage.read(Place::Draft { draft, bundle }, CONTEXT_FILE, record);
            staged.or_else(|_| store.storage.read(Place::Data(bundle), CONTEXT_FILE, record)).map(Some)
        };
        if let Some(text) = definite(read())? {
            return Ok(text.and_then(|text| context_in(&text)));
        }
    }
    let read = || {
        let Some(latest) = latest else { return Ok(None) };
        let snapshot = store.snapshot(bundle, latest)?;
        let record = snapshot.files.get(CONTEXT_FILE);
        record.map(|record| store.storage.read(Place::Data(bundle), CONTEXT_FILE, record)).transpose()
    };
    Ok(definite(read())?.flatten().and_then(|text| context_in(&text)))
}

fn context_in(text: &[u8]) -> Option<String> {
    serde_json::from_slice::<ContextDocument>(text).ok().map(|document| document.context)
}

/// Takes what is damaged, or not given back by the medium, for what nobody knows.
fn definite<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_of_one_file() => Ok(None),
        Err(error) => Err(error),
    }
}
