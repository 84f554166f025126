//! Backups: a folder of objects that only grows, and for each backup the database, the drafts and a list of all it needs.
//!
//! ```text
//! objects/{bundle}/snapshots/…, objects/{bundle}/snapshot_data/…   shared by all backups
//! backups/{time}/db.sqlite3, backups/{time}/drafts/{draft}/…       of one backup
//! backups/{time}/manifest.json                                     written last: a backup without it is none
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::marks::{BundleRoots, Marks, Roots};
use super::walk::key;
use crate::database::{Access, Connection};
use crate::digest::Digest;
use crate::document::{FileRecord, Link, format_time};
use crate::error::BlockstoreError;
use crate::rows::uuid_text;
use crate::schema;
use crate::storage::{Place, Storage, digest_of, entries, replace, store_stream, sync_names};
use crate::store::Blockstore;

type Result<T> = std::result::Result<T, BlockstoreError>;

pub(super) const OBJECTS: &str = "objects";
pub(super) const BACKUPS: &str = "backups";
pub(super) const DATABASE: &str = "db.sqlite3";
pub(super) const DRAFTS: &str = "drafts";
const MANIFEST: &str = "manifest.json";

/// The form of manifests.
const FORM: u32 = 1;

/// How a backup is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackupOptions {
    /// The one bundle that is backed up; all of them where there is none.
    pub bundle: Option<Uuid>,
    /// Whether what earlier backups copied is taken for whole where its size is right, without reading it.
    pub is_quick: bool,
}

/// What a backup has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// Its name: the time it was made, fit for a folder.
    pub name: String,
    /// How many files it has.
    pub files: usize,
    /// How many of them were copied, because no backup before had them.
    pub copied_files: usize,
    /// Bytes of those.
    pub copied_bytes: u64,
    /// Files of earlier backups that were damaged, and are copied anew.
    pub replaced: Vec<String>,
    /// What could not be backed up because it is damaged in the store; everything else was.
    pub damaged: Vec<String>,
}

/// Snapshots by the bundles they are of.
type Wanted = BTreeMap<Uuid, BTreeSet<Digest>>;

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) size: u64,
    /// The digest of its bytes.
    pub(super) digest: Digest,
}

/// What a backup is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) form: u32,
    pub(super) created_at: String,
    /// The bundle, where it is of one only.
    pub(super) bundle: Option<String>,
    pub(super) database: Entry,
    /// Below `objects/`.
    pub(super) objects: BTreeMap<String, Entry>,
    /// Below the backup's own `drafts/`.
    pub(super) drafts: BTreeMap<String, Entry>,
    /// What the store should have had and was damaged; a backup with any of it is incomplete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) damaged: Vec<String>,
}

impl Manifest {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let file = folder.join(MANIFEST);
        let text = fs::read(&file).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => BlockstoreError::Missing { place: file.display().to_string() },
            _ => BlockstoreError::io("cannot read", &file)(error),
        })?;
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| BlockstoreError::corrupt(file.display(), error))?;
        if manifest.form > FORM {
            let found = format!("form {} of the manifest; this version knows {FORM}", manifest.form);
            return Err(BlockstoreError::NewerForm { place: file.display().to_string(), found });
        }
        Ok(manifest)
    }
}

/// Lists the backups of a folder that are complete, oldest first.
pub(super) fn backups(folder: &Path) -> Result<Vec<PathBuf>> {
    let all = entries(&folder.join(BACKUPS))?.into_iter().map(|entry| entry.path());
    Ok(all.filter(|backup| backup.join(MANIFEST).is_file()).collect())
}

/// A backup that lacks what was damaged in the store when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncompleteBackup {
    /// Its name.
    pub name: String,
    /// What it lacks.
    pub damaged: Vec<String>,
}

/// What the proof of all backups in a folder found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BackupCheck {
    /// How many files were proved.
    pub files: usize,
    /// Files that are missing or not what the backups say.
    pub damaged: Vec<String>,
    /// Backups that lacked something from the beginning, oldest first.
    pub incomplete: Vec<IncompleteBackup>,
}

impl BackupCheck {
    /// Says whether every backup has all it should have.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damaged.is_empty() && self.incomplete.is_empty()
    }
}

/// Returns the name of the backup in a folder.
pub(super) fn name_of(backup: &Path) -> String {
    backup.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Blockstore {
    /// Copies the store, or one bundle, into a folder of backups; what earlier backups have is not copied again.
    ///
    /// Every file is proved while it is copied, and so is what earlier backups copied; what is damaged of that is copied anew. The
    /// state is that of one moment: writers wait while drafts and database
    /// are copied, not while the data files are. A backup that was killed is none, and the next one goes on from what it
    /// has copied.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`], [`BlockstoreError::ReadOnly`] where the store is open for reading and changes wait for
    /// one who writes, and failures of the medium.
    pub fn backup(&self, folder: &Path, options: BackupOptions) -> Result<BackupReport> {
        if let Some(bundle) = options.bundle {
            self.get_bundle(bundle)?;
        }
        let created_at = format_time(self.clock.now());
        let name = created_at.trim_end_matches("+00:00").replace(':', "-");
        let place = folder.join(BACKUPS).join(&name);
        if place.exists() {
            return Err(BlockstoreError::io("cannot create", &place)(
                std::io::ErrorKind::AlreadyExists.into(),
            ));
        }
        fs::create_dir_all(&place).map_err(BlockstoreError::io("cannot create", &place))?;
        let mut copy =
            Copy { report: BackupReport { name, ..BackupReport::default() }, is_quick: options.is_quick };

        let mut drafts = BTreeMap::new();
        let mut wanted = Wanted::new();
        let mut copy_all = |db: &Connection| {
            let roots = Roots::read(db, options.bundle)?;
            let bad = roots.bad.iter().map(|row| format!("{}: {}", row.place(), row.reason));
            copy.report.damaged.extend(bad);
            for bundle in roots.bundles.values() {
                let lost = roots.lost_versions(db, bundle)?;
                copy.report.damaged.extend(lost.into_iter().map(|(number, _)| {
                    format!(
                        "bundle {}, version {number}: its row is gone, and the change feed has it",
                        bundle.uuid
                    )
                }));
            }
            for draft in roots.drafts.keys() {
                self.backup_draft(*draft, &place.join(DRAFTS), &mut copy, &mut drafts, &mut wanted)?;
            }
            self.db.copy_to(db, &place.join(DATABASE))
        };
        let is_reader = self.db.access() == Access::ReadOnly;
        if is_reader {
            self.db.read(&mut copy_all)?;
        } else {
            self.db.write(|db| {
                self.complete_handovers(db)?;
                copy_all(db)
            })?;
        }
        let copied = Connection::open_file(&place.join(DATABASE))?;
        // What is true of a draft by the database only, its folder does not have yet.
        if is_reader
            && copied.has_table("xblock_handover")?
            && copied.exists("looking for notes", "SELECT 1 FROM xblock_handover LIMIT 1", ())?
        {
            return Err(BlockstoreError::ReadOnly);
        }
        if let Some(bundle) = options.bundle {
            keep_only(&copied, bundle)?;
        }
        let objects = self.backup_objects(&copied, wanted, &folder.join(OBJECTS), &mut copy)?;
        drop(copied);
        let database = place.join(DATABASE);
        sync(&database)?;
        let (digest, size) = digest_of(&database)?;
        let manifest = Manifest {
            form: FORM,
            created_at,
            bundle: options.bundle.map(|bundle| bundle.to_string()),
            database: Entry { size, digest },
            objects,
            drafts,
            damaged: copy.report.damaged.clone(),
        };
        copy.report.files = manifest.objects.len() + manifest.drafts.len() + 1;
        sync_names(folder)?;
        let text = serde_json::to_vec_pretty(&manifest).expect("the keys are texts");
        replace(&place.join(MANIFEST), &text)?;
        Ok(copy.report)
    }

    fn backup_draft(
        &self,
        draft: Uuid,
        target: &Path,
        copy: &mut Copy,
        list: &mut BTreeMap<String, Entry>,
        wanted: &mut Wanted,
    ) -> Result<()> {
        let (document, _) = match self.storage.draft(draft) {
            Ok(found) => found,
            Err(error) if error.is_of_one_file() => {
                copy.report.damaged.push(format!("draft {draft}: {error}"));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        wanted.entry(document.bundle_uuid).or_default().extend(document.base_snapshot);
        for dependency in document.links_to_overwrite.values().flatten().flat_map(Link::dependencies) {
            wanted.entry(dependency.bundle_uuid).or_default().insert(dependency.snapshot_digest);
        }
        let summary = self.storage.summary_path(draft);
        let name = format!("{draft}/summary.json");
        list.insert(name.clone(), copy.file(&self.storage, &summary, &target.join(name), None)?);
        for (path, record) in &document.files_to_overwrite {
            let Some(record) = record else { continue };
            let name = format!("{draft}/data/{path}");
            let place = Place::Draft { draft, bundle: document.bundle_uuid };
            let mut copied = |place| {
                let source = self.storage.locate(place, path, record)?;
                copy.file(&self.storage, &source, &target.join(&name), Some(record))
            };
            // Whatever became of a staged file, the bundle may have its bytes.
            let copied =
                copied(place).or_else(|error| copied(Place::Data(document.bundle_uuid)).map_err(|_| error));
            match copied {
                Ok(entry) => drop(list.insert(name, entry)),
                Err(error) if error.is_of_one_file() => {
                    copy.report.damaged.push(format!("draft {draft}, {path}: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Copies what the copied database and drafts lead to.
    fn backup_objects(
        &self,
        copied: &Connection,
        mut wanted: Wanted,
        target: &Path,
        copy: &mut Copy,
    ) -> Result<BTreeMap<String, Entry>> {
        let mut list = BTreeMap::new();
        let mut named = BTreeSet::new();
        let roots = Roots::read(copied, None)?;
        for (uuid, bundle) in roots.bundles {
            // Drafts were copied before; what they need now may be something else.
            let bundle = BundleRoots { drafts: Vec::new(), ..bundle };
            let bases = wanted.get(&uuid).cloned().unwrap_or_default();
            let marks = Marks::of(self, copied, uuid, Some(&bundle), &bases);
            wanted.entry(uuid).or_default().extend(&marks.snapshots);
            named.extend(marks.snapshots.iter().map(|digest| (uuid, *digest)));
            for (what, error) in marks.unread {
                if !error.is_of_one_file() {
                    return Err(error);
                }
                copy.report.damaged.push(format!("{what}: {error}"));
            }
            // Of other bundles only what is linked to is needed.
            for (linked, digest) in marks.links {
                wanted.entry(linked).or_default().insert(digest);
            }
        }
        for (bundle, digests) in wanted {
            for digest in digests {
                let snapshot = match self.storage.snapshot(bundle, digest) {
                    Ok(snapshot) => snapshot,
                    Err(error) if error.is_of_one_file() => {
                        // What the bundle's own versions and drafts lie on was named with them.
                        if !named.contains(&(bundle, digest)) {
                            let what = format!("bundle {bundle}, snapshot {digest}, which a link leads to");
                            copy.report.damaged.push(format!("{what}: {error}"));
                        }
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let source = self.storage.snapshot_path(bundle, digest);
                let name = format!("{bundle}/snapshots/{digest}.json");
                list.insert(name.clone(), copy.file(&self.storage, &source, &target.join(name), None)?);
                for (path, record) in &snapshot.files {
                    let source = match self.storage.locate(Place::Data(bundle), path, record) {
                        Ok(source) => source,
                        Err(error) if error.is_of_one_file() => {
                            copy.report.damaged.push(format!("bundle {bundle}, {path}: {error}"));
                            continue;
                        }
                        Err(error) => return Err(error),
                    };
                    let name = key(self.storage.root(), &source);
                    if list.contains_key(&name) {
                        continue;
                    }
                    match copy.file(&self.storage, &source, &target.join(&name), Some(record)) {
                        Ok(entry) => drop(list.insert(name, entry)),
                        Err(error) if error.is_of_one_file() => {
                            copy.report.damaged.push(format!("bundle {bundle}, {path}: {error}"));
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(list)
    }
}

/// Copies files and counts them.
struct Copy {
    report: BackupReport,
    is_quick: bool,
}

impl Copy {
    /// Copies a file unless it is there; with a record its bytes are proved while they are copied.
    fn file(
        &mut self,
        storage: &Storage,
        source: &Path,
        target: &Path,
        record: Option<&FileRecord>,
    ) -> Result<Entry> {
        if let (Some(record), Ok(metadata)) = (record, fs::metadata(target)) {
            let is_whole =
                metadata.len() == record.size && (self.is_quick || digest_of(target)?.0 == record.hash);
            if is_whole {
                return Ok(Entry { size: record.size, digest: record.hash });
            }
            self.report.replaced.push(target.display().to_string());
        }
        if record.is_none() && target.is_file() {
            let (digest, size) = digest_of(target)?;
            if storage.digest_of(source)?.0 == digest {
                return Ok(Entry { size, digest });
            }
            self.report.replaced.push(target.display().to_string());
        }
        let (digest, size) = copy_file(storage.open(source)?, target)?;
        if record.is_some_and(|record| record.hash != digest) {
            fs::remove_file(target).map_err(BlockstoreError::io("cannot remove", target))?;
            return Err(BlockstoreError::corrupt(source.display(), format!("it has the digest {digest}")));
        }
        self.report.copied_files += 1;
        self.report.copied_bytes += size;
        Ok(Entry { size, digest })
    }
}

/// Copies a file so that it has its name only when it is whole on the medium.
pub(super) fn copy_file(source: impl io::Read, target: &Path) -> Result<(Digest, u64)> {
    let folder = target.parent().unwrap_or(target);
    fs::create_dir_all(folder).map_err(BlockstoreError::io("cannot create", folder))?;
    let incoming = folder.join(format!(".incoming-{}", Uuid::new_v4()));
    let copied = store_stream(source, &incoming)?;
    sync(&incoming)?;
    fs::rename(&incoming, target).map_err(BlockstoreError::io("cannot rename", &incoming))?;
    Ok(copied)
}

pub(super) fn sync(file: &Path) -> Result<()> {
    File::open(file).and_then(|open| open.sync_all()).map_err(BlockstoreError::io("cannot sync", file))
}

/// Reduces a copied database to one bundle.
fn keep_only(db: &Connection, bundle: Uuid) -> Result<()> {
    const ACTION: &str = "reducing the copy to one bundle";
    let uuid = uuid_text(bundle);
    let tables: Vec<String> = db.all(
        ACTION,
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'xblock\\_%' ESCAPE '\\'",
        (),
        |row| row.get(0),
    )?;
    // The feed of bundles is made again from the bundle; what only the runtime's index knows of it stays.
    let has_index =
        ["xblock_bundle", "xblock_state"].iter().all(|table| tables.iter().any(|name| name == table));
    let is_of_index = |table: &str| schema::columns::INDEX.iter().any(|(name, _)| *name == table);
    let is_kept = |table: &str| table == "xblock_form" || has_index && is_of_index(table);
    for table in tables.iter().filter(|table| !is_kept(table)) {
        db.run(ACTION, &format!("DROP TABLE \"{table}\""), ())?;
    }
    const OF_BUNDLE: &str = "bundle_id NOT IN (SELECT id FROM bundles_bundle WHERE uuid = ?1)";
    const OF_CONTEXT: &str = "context_key NOT IN (SELECT x.context_key FROM xblock_bundle x \
                              JOIN bundles_bundle b ON b.id = x.bundle_id \
                              WHERE b.uuid = ?1 AND x.context_key IS NOT NULL)";
    const OF_STATE: &str = "state_id NOT IN (SELECT s.state_id FROM xblock_state s \
                            JOIN bundles_bundle b ON b.id = s.bundle_id WHERE b.uuid = ?1)";
    for table in tables.iter().filter(|table| *table != "xblock_form" && is_kept(table)) {
        let others = match &**table {
            "xblock_bundle" | "xblock_state" | "xblock_version" | "xblock_unread" => OF_BUNDLE,
            "xblock_change" | "xblock_origin" => OF_CONTEXT,
            "xblock_garbage" => "?1 <> ''",
            _ => OF_STATE,
        };
        db.run(ACTION, &format!("DELETE FROM {table} WHERE {others}"), [&uuid])?;
    }
    for table in ["bundles_draft", "bundles_bundleversion"] {
        let sql = format!(
            "DELETE FROM {table} WHERE bundle_id NOT IN (SELECT id FROM bundles_bundle WHERE uuid = ?1)"
        );
        db.run(ACTION, &sql, [&uuid])?;
    }
    db.run(ACTION, "DELETE FROM bundles_bundle WHERE uuid <> ?1", [&uuid])?;
    let sql = "DELETE FROM bundles_collection WHERE id NOT IN (SELECT collection_id FROM bundles_bundle)";
    db.run(ACTION, sql, ())?;
    db.run(ACTION, "VACUUM", ()).map(drop)
}

/// Proves every file of every backup in a folder, and names backups that were incomplete from the beginning.
///
/// # Errors
/// [`BlockstoreError::Missing`] where there is no backup, and failures of the medium.
pub fn check_backup(folder: &Path) -> Result<BackupCheck> {
    let all = backups(folder)?;
    if all.is_empty() {
        return Err(BlockstoreError::Missing { place: folder.join(BACKUPS).display().to_string() });
    }
    let mut proved: BTreeMap<PathBuf, Digest> = BTreeMap::new();
    let (mut damaged, mut incomplete) = (Vec::new(), Vec::new());
    for backup in all {
        let mut manifest = Manifest::read(&backup)?;
        if !manifest.damaged.is_empty() {
            let damaged = std::mem::take(&mut manifest.damaged);
            incomplete.push(IncompleteBackup { name: name_of(&backup), damaged });
        }
        let objects = manifest.objects.iter().map(|(key, entry)| (folder.join(OBJECTS).join(key), entry));
        let drafts = manifest.drafts.iter().map(|(key, entry)| (backup.join(DRAFTS).join(key), entry));
        let database = std::iter::once((backup.join(DATABASE), &manifest.database));
        for (file, entry) in objects.chain(drafts).chain(database) {
            let digest = match proved.get(&file) {
                Some(digest) => *digest,
                None => match digest_of(&file) {
                    Ok((digest, _)) => digest,
                    Err(error) => {
                        damaged.push(error.to_string());
                        continue;
                    }
                },
            };
            if digest != entry.digest {
                let wanted = entry.digest;
                damaged.push(format!("{} has the digest {digest}, not {wanted}", file.display()));
            }
            proved.insert(file, digest);
        }
    }
    Ok(BackupCheck { files: proved.len(), damaged, incomplete })
}
