//! A store, or one bundle with full history, made again from a backup.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;
use xblock_core::clock::Clock;

use super::backup::{
    DATABASE, DRAFTS, Entry, IncompleteBackup, Manifest, OBJECTS, backups, copy_file, name_of,
};
use crate::database::{Access, Connection, DatabaseError, find_same_draft, refused};
use crate::digest::Digest;
use crate::error::BlockstoreError;
use crate::place::MysqlPlace;
use crate::rows::{RowId, uuid_text};
use crate::runtime::{Restored, know_again};
use crate::schema::Home;
use crate::storage::{Assets, Storage, digest_of, missing_or, sync_names};
use crate::store::{Blockstore, Present, refuse_taken};

type Result<T> = std::result::Result<T, BlockstoreError>;

/// What is restored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreOptions {
    /// The name of the backup; where there is none, the newest whole one, and the newest where none is whole.
    pub name: Option<String>,
    /// The one bundle that is put into a store which may have others; where there is none, a whole new store is made.
    pub bundle: Option<Uuid>,
    /// Whether files of bundles that the store does not know, which lie in its place, become this store's: what a restore left
    /// that was killed, or the files of a store whose database is lost. They must be no other store's.
    pub take_over: bool,
}

/// What was restored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RestoreReport {
    /// The name of the backup.
    pub name: String,
    /// How many files were put in place.
    pub files: usize,
    /// Bytes of those.
    pub bytes: u64,
    /// What the backup lacks, because it was damaged in the store when the backup was made.
    pub damaged: Vec<String>,
    /// Newer backups that were passed over because they are incomplete, newest first.
    pub passed_over: Vec<IncompleteBackup>,
    /// The course or library that the one bundle is which was restored, where it is one.
    pub context: Option<String>,
    /// What the backup knows of the one bundle and the store does not take.
    pub left_out: Vec<String>,
}

/// Restores a backup into the folder of a store; every file is proved before any row names it.
///
/// A whole store goes to a folder that has none. A bundle goes into a store, new or not, that does not have the bundle, with
/// what only our tables know of it; what it links to comes as files, and as a bundle only if it is restored too.
///
/// # Errors
/// [`BlockstoreError::Missing`] where there is no such backup, [`BlockstoreError::BundleNotFound`] where it has no such
/// bundle, [`BlockstoreError::AlreadyThere`] where the target has a store or the bundle, [`BlockstoreError::ContextTaken`] where another
/// bundle of it is the same context, [`BlockstoreError::StorageTaken`] where it has files of bundles that it does not know, [`BlockstoreError::Corrupt`]
/// where the backup is damaged; in each case no row was written.
pub fn restore(
    folder: &Path,
    target: &Path,
    options: &RestoreOptions,
    clock: Arc<dyn Clock>,
) -> Result<RestoreReport> {
    restore_with_assets(folder, target, &Assets::BesideDatabase, options, clock)
}

/// Restores a backup into the folder of a database, and documents and data files into their own place.
///
/// # Errors
/// As [`restore`], and failures of an object store.
pub fn restore_with_assets(
    folder: &Path,
    target: &Path,
    assets: &Assets,
    options: &RestoreOptions,
    clock: Arc<dyn Clock>,
) -> Result<RestoreReport> {
    let (backup, manifest, mut report) = proved(folder, options)?;
    match options.bundle {
        None => {
            let storage = Storage::new(assets, target)?;
            whole(folder, &backup, &manifest, (target, &storage), options, &mut report)?;
        }
        Some(bundle) => {
            // Before a store is made for nothing.
            let rows = read_rows(&backup.join(DATABASE), bundle)?;
            let present = Present::taken_over(options.take_over);
            let begun = Begun::in_place_of_nothing(target, assets)?;
            let store = Blockstore::open_file(target, assets, Access::ReadWrite, present, clock)?;
            let outcome = one(folder, &backup, &manifest, &store, (bundle, &rows), present, &mut report);
            drop(store);
            outcome.or_else(|error| begun.undo(error))?;
        }
    }
    Ok(report)
}

/// Restores a backup, of a store in a file or on a server, into a database on a server, and documents and data files into
/// their place.
///
/// The database must be there and have no collections, unless a single bundle is restored. Tables that are missing are made
/// first, and stay, empty, where the restore fails.
///
/// # Errors
/// As [`restore`], and failures of the server and of an object store.
pub fn restore_to_server(
    folder: &Path,
    place: &MysqlPlace,
    assets: &Assets,
    options: &RestoreOptions,
    clock: Arc<dyn Clock>,
) -> Result<RestoreReport> {
    let (backup, manifest, mut report) = proved(folder, options)?;
    let database = backup.join(DATABASE);
    let rows =
        options.bundle.map(|bundle| read_rows(&database, bundle).map(|rows| (bundle, rows))).transpose()?;
    let present = Present::taken_over(options.take_over);
    let store = Blockstore::open_server(place, assets, Access::ReadWrite, present, clock)?;
    match rows {
        Some((bundle, rows)) => {
            one(folder, &backup, &manifest, &store, (bundle, &rows), present, &mut report)?;
        }
        None => {
            if !store.get_collections()?.is_empty() {
                return Err(BlockstoreError::AlreadyThere { place: place.to_string() });
            }
            if present == Present::Refused {
                refuse_taken(&store.storage, &store.storage.folders()?)?;
            }
            store.try_take_over(&database)?;
            let mut placed = Placed::new(&store.storage);
            files(folder, &backup, &manifest, &mut placed, &mut report)
                .and_then(|()| store.take_over(&database))
                .or_else(|error| placed.undo(error))?;
            report.files += 1;
            report.bytes += manifest.database.size;
        }
    }
    Ok(report)
}

/// Finds a backup whose database is what its list says.
fn proved(folder: &Path, options: &RestoreOptions) -> Result<(PathBuf, Manifest, RestoreReport)> {
    let (backup, manifest, passed_over) = match options.name.as_deref() {
        Some(name) => {
            let backup = find(folder, name)?;
            let manifest = Manifest::read(&backup)?;
            (backup, manifest, Vec::new())
        }
        None => newest(folder)?,
    };
    let name = name_of(&backup);
    let database = backup.join(DATABASE);
    let (digest, _) = digest_of(&database)?;
    if digest != manifest.database.digest {
        return Err(BlockstoreError::corrupt(database.display(), format!("it has the digest {digest}")));
    }
    let damaged = manifest.damaged.clone();
    Ok((backup, manifest, RestoreReport { name, damaged, passed_over, ..RestoreReport::default() }))
}

/// Puts all documents and data files in their places.
fn files(
    folder: &Path,
    backup: &Path,
    manifest: &Manifest,
    placed: &mut Placed<'_>,
    report: &mut RestoreReport,
) -> Result<()> {
    for (key, entry) in &manifest.objects {
        placed.put(&folder.join(OBJECTS).join(key), key, entry, report)?;
    }
    for (key, entry) in &manifest.drafts {
        placed.put(&backup.join(DRAFTS).join(key), key, entry, report)?;
    }
    placed.storage.create()?;
    placed.storage.sync_names()
}

fn find(folder: &Path, name: &str) -> Result<PathBuf> {
    let all = backups(folder)?;
    let found = all.into_iter().find(|backup| name_of(backup) == name);
    found.ok_or_else(|| no_backup(folder, name))
}

fn no_backup(folder: &Path, name: &str) -> BlockstoreError {
    BlockstoreError::Missing { place: format!("backup {name} in {}", folder.display()) }
}

/// Finds the newest whole backup, with the incomplete ones that are newer; the newest of all where none is whole.
fn newest(folder: &Path) -> Result<(PathBuf, Manifest, Vec<IncompleteBackup>)> {
    let mut newest = None;
    let mut passed_over = Vec::new();
    for backup in backups(folder)?.into_iter().rev() {
        let manifest = Manifest::read(&backup)?;
        if manifest.damaged.is_empty() {
            return Ok((backup, manifest, passed_over));
        }
        passed_over.push(IncompleteBackup { name: name_of(&backup), damaged: manifest.damaged.clone() });
        newest.get_or_insert((backup, manifest));
    }
    let (backup, manifest) = newest.ok_or_else(|| no_backup(folder, "(any)"))?;
    Ok((backup, manifest, Vec::new()))
}

fn whole(
    folder: &Path,
    backup: &Path,
    manifest: &Manifest,
    (target, storage): (&Path, &Storage),
    options: &RestoreOptions,
    report: &mut RestoreReport,
) -> Result<()> {
    let database = target.join(DATABASE);
    if database.exists() {
        return Err(BlockstoreError::AlreadyThere { place: database.display().to_string() });
    }
    if !options.take_over {
        refuse_taken(storage, &storage.folders()?)?;
    }
    let mut placed = Placed::new(storage);
    let put = |placed: &mut Placed<'_>, report: &mut RestoreReport| {
        files(folder, backup, manifest, placed, report)?;
        put_database(backup, manifest, &database, report)
    };
    put(&mut placed, report).or_else(|error| placed.undo(error))?;
    sync_names(target)
}

fn put_database(
    backup: &Path,
    manifest: &Manifest,
    database: &Path,
    report: &mut RestoreReport,
) -> Result<()> {
    // The last of all: before it there is no store.
    let source = backup.join(DATABASE);
    let (digest, size) = copy_file(open(&source)?, database)?;
    if digest != manifest.database.digest {
        fs::remove_file(database).map_err(BlockstoreError::io("cannot remove", database))?;
        return Err(differs(&source, digest, &manifest.database));
    }
    report.files += 1;
    report.bytes += size;
    Ok(())
}

/// Says whether nobody knows what became of the rows; of other failures a server says that nothing was kept.
fn may_be_there(error: &BlockstoreError) -> bool {
    let BlockstoreError::Database { source, .. } = error else { return false };
    matches!(source, DatabaseError::Unresolved { .. } | DatabaseError::Sqlite(_))
}

/// What a restore has put into a storage, so that one that fails leaves nothing.
struct Placed<'s> {
    storage: &'s Storage,
    /// The outermost folder that was not there.
    made: Option<PathBuf>,
    files: Vec<PathBuf>,
}

impl<'s> Placed<'s> {
    fn new(storage: &'s Storage) -> Self {
        let made = storage.missing_folders();
        Self { storage, made, files: Vec::new() }
    }

    /// Copies a file of a backup to its place, proved; one that is there with the same bytes stays.
    fn put(&mut self, source: &Path, key: &str, entry: &Entry, report: &mut RestoreReport) -> Result<()> {
        let storage = self.storage;
        let target = storage.root().join(key);
        let is_there = storage.is_file(&target)?;
        if is_there && storage.digest_of(&target)?.0 == entry.digest {
            return Ok(());
        }
        if !is_there {
            self.files.push(target.clone());
        }
        let (digest, size) = storage.store_whole(open(source)?, &target)?;
        if digest != entry.digest {
            storage.remove_file(&target)?;
            return Err(differs(source, digest, entry));
        }
        report.files += 1;
        report.bytes += size;
        Ok(())
    }

    /// Removes what was put, as far as that goes, and returns why; not where nobody knows whether rows name it by now.
    fn undo<T>(&self, error: BlockstoreError) -> Result<T> {
        if may_be_there(&error) {
            return Err(error);
        }
        for file in &self.files {
            // What stays is what a restore leaves that was killed.
            let _ = self.storage.remove_file(file);
        }
        if let Some(made) = &self.made {
            let mut below = Some(self.storage.root());
            while let Some(folder) = below.filter(|folder| folder.starts_with(made)) {
                let _ = fs::remove_dir(folder);
                below = folder.parent();
            }
        }
        Err(error)
    }
}

/// A store that is made for one bundle, and taken away again where that cannot be restored.
struct Begun {
    /// The folder of its database; none where a store was there before.
    folder: Option<PathBuf>,
    storage: PathBuf,
    /// The outermost folder that was not there.
    made: Option<PathBuf>,
}

impl Begun {
    fn in_place_of_nothing(target: &Path, assets: &Assets) -> Result<Self> {
        let folder = (!target.join(DATABASE).exists()).then(|| target.to_path_buf());
        let storage = Storage::new(assets, target)?;
        let missing =
            target.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let made = missing.last().or((!target.exists()).then_some(target)).map(Path::to_path_buf);
        Ok(Self { folder, storage: storage.root().to_path_buf(), made })
    }

    /// Takes a store without bundles away, and returns why; not where nobody knows whether there are rows by now.
    fn undo<T>(&self, error: BlockstoreError) -> Result<T> {
        let Some(folder) = self.folder.as_ref().filter(|_| !may_be_there(&error)) else {
            return Err(error);
        };
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(folder.join(format!("{DATABASE}{suffix}")));
        }
        // Folders in which something is stay.
        let _ = fs::remove_dir(&self.storage);
        if let Some(made) = &self.made {
            let mut below = Some(folder.as_path());
            while let Some(folder) = below.filter(|folder| folder.starts_with(made)) {
                let _ = fs::remove_dir(folder);
                below = folder.parent();
            }
        }
        Err(error)
    }
}

fn open(file: &Path) -> Result<fs::File> {
    fs::File::open(file).map_err(missing_or("cannot read", file))
}

fn differs(file: &Path, found: Digest, entry: &Entry) -> BlockstoreError {
    let reason = format!("it has the digest {found}, not {}", entry.digest);
    BlockstoreError::corrupt(file.display(), reason)
}

/// The rows of a bundle in a backup.
struct Rows {
    collection: (String, String),
    slug: String,
    title: String,
    description: String,
    versions: Vec<(i64, String, String)>,
    drafts: BTreeMap<String, String>,
}

fn one(
    folder: &Path,
    backup: &Path,
    manifest: &Manifest,
    store: &Blockstore,
    (bundle, rows): (Uuid, &Rows),
    present: Present,
    report: &mut RestoreReport,
) -> Result<()> {
    if store.db.read(|db| crate::rows::bundle_id(db, bundle))?.is_some() {
        return Err(BlockstoreError::AlreadyThere { place: format!("bundle {bundle}") });
    }
    if present == Present::Refused && store.is_of_others(bundle)? {
        refuse_taken(&store.storage, &[bundle])?;
    }
    let mut placed = Placed::new(&store.storage);
    put_one(folder, backup, manifest, store, (bundle, rows), &mut placed, report)
        .or_else(|error| placed.undo(error))
}

fn put_one(
    folder: &Path,
    backup: &Path,
    manifest: &Manifest,
    store: &Blockstore,
    (bundle, rows): (Uuid, &Rows),
    placed: &mut Placed<'_>,
    report: &mut RestoreReport,
) -> Result<()> {
    // What the bundle links to lies in other folders: its snapshots say which.
    for key in needed(folder, manifest, bundle)? {
        if let Some(entry) = manifest.objects.get(&key) {
            placed.put(&folder.join(OBJECTS).join(&key), &key, entry, report)?;
        }
    }
    for draft in rows.drafts.values() {
        let prefix = Uuid::try_parse(draft).map(|uuid| format!("{uuid}/")).unwrap_or_default();
        for (key, entry) in
            manifest.drafts.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix))
        {
            placed.put(&backup.join(DRAFTS).join(key), key, entry, report)?;
        }
    }
    store.storage.sync_names()?;
    store.db.create_index(Home::Main)?;
    let known = Connection::open_file_read_only(&backup.join(DATABASE))?;
    let Restored { context, left_out } = store.db.write(|db| {
        if crate::rows::bundle_id(db, bundle)?.is_some() {
            return Err(BlockstoreError::AlreadyThere { place: format!("bundle {bundle}") });
        }
        let id = insert_rows(db, bundle, rows)?;
        know_again(store, db, (bundle, id), &known)
    })?;
    (report.context, report.left_out) = (context, left_out);
    Ok(())
}

/// Lists the objects of a bundle, and those of the snapshots it links to.
fn needed(folder: &Path, manifest: &Manifest, bundle: Uuid) -> Result<Vec<String>> {
    let own = format!("{bundle}/");
    let mut keys: Vec<String> =
        manifest.objects.keys().filter(|key| key.starts_with(&own)).cloned().collect();
    let mut linked = std::collections::BTreeSet::new();
    for key in keys.iter().filter(|key| key.contains("/snapshots/")) {
        let snapshot = read_snapshot(folder, key)?;
        for dependency in snapshot.links.values().flat_map(|link| link.dependencies().cloned()) {
            linked.insert((dependency.bundle_uuid, dependency.snapshot_digest));
        }
    }
    for (target, digest) in linked {
        let key = format!("{target}/snapshots/{digest}.json");
        if !manifest.objects.contains_key(&key) {
            continue;
        }
        let snapshot = read_snapshot(folder, &key)?;
        keys.push(key);
        for record in snapshot.files.values() {
            let prefix = format!("{target}/snapshot_data/{}", record.hash);
            let found =
                manifest.objects.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
            keys.extend(found.map(|(key, _)| key.clone()));
        }
    }
    Ok(keys)
}

fn read_snapshot(folder: &Path, key: &str) -> Result<crate::document::Snapshot> {
    let file = folder.join(OBJECTS).join(key);
    let text = fs::read(&file).map_err(BlockstoreError::io("cannot read", &file))?;
    crate::document::Snapshot::from_json(&text)
        .map_err(|error| BlockstoreError::corrupt(file.display(), error))
}

fn read_rows(database: &Path, bundle: Uuid) -> Result<Rows> {
    const ACTION: &str = "reading the backup's database";
    let db = Connection::open_file_read_only(database)?;
    let found = db.one(
        ACTION,
        "SELECT c.uuid, c.title, b.slug, b.title, b.description, b.id FROM bundles_bundle b \
         JOIN bundles_collection c ON c.id = b.collection_id WHERE b.uuid = ?1",
        [uuid_text(bundle)],
        |row| {
            let rows = Rows {
                collection: (row.get(0)?, row.get(1)?),
                slug: row.get(2)?,
                title: row.get(3)?,
                description: row.get(4)?,
                versions: Vec::new(),
                drafts: BTreeMap::new(),
            };
            Ok((rows, row.get::<i64>(5)?))
        },
    )?;
    let (mut rows, id) = found.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
    rows.versions = db.all(
        ACTION,
        "SELECT version_num, snapshot_digest, change_description FROM bundles_bundleversion \
         WHERE bundle_id = ?1 ORDER BY version_num",
        [id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let sql = "SELECT name, uuid FROM bundles_draft WHERE bundle_id = ?1";
    let drafts = db.all(ACTION, sql, [id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.drafts = drafts.into_iter().collect();
    Ok(rows)
}

fn insert_rows(db: &Connection, bundle: Uuid, rows: &Rows) -> Result<RowId> {
    const ACTION: &str = "restoring the rows of a bundle";
    let (uuid, title) = &rows.collection;
    let sql = "SELECT id FROM bundles_collection WHERE uuid = ?1";
    let collection = match db.one(ACTION, sql, [uuid], |row| row.get(0))? {
        Some(collection) => collection,
        None => {
            let sql = "INSERT INTO bundles_collection (uuid, title) VALUES (?1, ?2)";
            let told = || format!("collection {uuid}, title {title:?}, of bundle {bundle}");
            db.insert(ACTION, sql, (uuid, title))
                .map_err(|error| refused(error, "bundles_collection", told()))?
        }
    };
    let id = db.insert(
        ACTION,
        "INSERT INTO bundles_bundle (uuid, slug, title, description, collection_id) VALUES (?1, ?2, ?3, ?4, ?5)",
        (uuid_text(bundle), &rows.slug, &rows.title, &rows.description, collection),
    )
    .map_err(|error| {
        refused(error, "bundles_bundle", format!("bundle {bundle}, title {:?}, slug {:?}", rows.title, rows.slug))
    })?;
    for (number, digest, description) in &rows.versions {
        db.run(
            ACTION,
            "INSERT INTO bundles_bundleversion (bundle_id, version_num, snapshot_digest, change_description) \
             VALUES (?1, ?2, ?3, ?4)",
            (id, number, digest, description),
        )
        .map_err(|error| {
            refused(error, "bundles_bundleversion", format!("version {number} of bundle {bundle}"))
        })?;
    }
    for (name, uuid) in &rows.drafts {
        let sql = "INSERT INTO bundles_draft (uuid, bundle_id, name) VALUES (?1, ?2, ?3)";
        find_same_draft(db, id, bundle, name)?;
        db.run(ACTION, sql, (uuid, id, name)).map_err(|error| {
            refused(error, "bundles_draft", format!("draft {name:?}, {uuid}, of bundle {bundle}"))
        })?;
    }
    Ok(id)
}
