//! Mark and sweep: what nothing leads to any more goes, once it is old enough.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use uuid::Uuid;

use super::marks::{Marks, Roots};
use super::walk::{digest_in_name, key};
use crate::database::Connection;
use crate::digest::Digest;
use crate::error::BlockstoreError;
use crate::rows;
use crate::storage::Found;
use crate::store::{Blockstore, known_bundles};

type Result<T> = std::result::Result<T, BlockstoreError>;

/// How old what nothing leads to must be, unless told otherwise: longer than any commit of the app takes, which writes
/// files first and their row last.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// How a sweep goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcOptions {
    /// Whether anything is removed; otherwise the report says what would be.
    pub delete: bool,
    /// How long ago a file must have been written to be removed.
    pub grace: Duration,
    /// Whether equal data files, of one bundle or several, become one file with several names.
    pub deduplicate: bool,
    /// Whether files of bundles go that this database knows nothing of, not even that they were deleted. Another store may
    /// have its files in the same place, so unless asked for they are named and stay.
    pub unknown: bool,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self { delete: false, grace: GRACE, deduplicate: false, unknown: false }
    }
}

/// What a file is that nothing leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnusedKind {
    /// A snapshot of a bundle that is no version's, no draft's base and no link's target.
    Snapshot,
    /// A data file that no snapshot in use names.
    Data,
    /// A file of a bundle that has no row any more.
    DeletedBundle,
    /// A file of a draft that has no row any more.
    DeletedDraft,
    /// A file in a draft's folder that the draft does not stage.
    NotStaged,
    /// Bytes on their way that never arrived.
    Unfinished,
}

impl UnusedKind {
    /// Returns what it is in words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshots of no version",
            Self::Data => "data files of no snapshot",
            Self::DeletedBundle => "of deleted bundles",
            Self::DeletedDraft => "of deleted drafts",
            Self::NotStaged => "not staged by their draft",
            Self::Unfinished => "never finished",
        }
    }
}

/// A file that nothing leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unused {
    /// Its key in the object store.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// What it is.
    pub kind: UnusedKind,
    /// Why nothing leads to it.
    pub proof: String,
}

/// What a sweep found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GcReport {
    /// How many bundles, versions and drafts were followed.
    pub bundles: usize,
    /// Versions that were followed.
    pub versions: usize,
    /// Drafts that were followed.
    pub drafts: usize,
    /// What nothing leads to and is old enough; removed, where that was asked for.
    pub unused: Vec<Unused>,
    /// Bytes of that.
    pub unused_bytes: u64,
    /// How many files nothing leads to that are younger than the grace period.
    pub too_young: usize,
    /// How many folders of drafts have nothing in them any more and are old enough; removed, where that was asked for.
    pub empty_folders: usize,
    /// Folders that were left alone, because a document that may lead into them cannot be read, and why.
    pub left_alone: Vec<String>,
    /// Bundles and drafts this database knows nothing of, with files in the storage; left alone, unless asked for.
    pub unknown: Vec<String>,
    /// Bytes of equal data files of different bundles that became, or could become, one.
    pub deduplicated_bytes: u64,
    /// Whether anything was removed.
    pub deleted: bool,
}

impl Blockstore {
    /// Finds what no row, draft or link leads to, and removes it where the options say so.
    ///
    /// Each bundle is looked at again under the lock that writers take before anything of it is removed; against the
    /// app, which takes no lock, the grace period guards. A bundle with a document that cannot be read is left alone.
    ///
    /// # Errors
    /// [`BlockstoreError::ReadOnly`] where something is to be removed, and failures of the medium.
    pub fn gc(&self, options: &GcOptions) -> Result<GcReport> {
        let mut report = GcReport { deleted: options.delete, ..GcReport::default() };
        let (roots, linked) = self.db.read_once(|db| {
            let roots = Roots::read(db, None)?;
            let mut linked: BTreeMap<Uuid, BTreeSet<Digest>> = BTreeMap::new();
            // What a row leads to that cannot be read, nobody knows.
            let mut is_all_read = roots.bad.is_empty();
            for (uuid, bundle) in &roots.bundles {
                let marks = Marks::of(self, db, *uuid, Some(bundle), &BTreeSet::new());
                is_all_read &= marks.unread.is_empty();
                for (target, digest) in marks.links {
                    linked.entry(target).or_default().insert(digest);
                }
                report.versions += bundle.versions.len();
                report.drafts += bundle.drafts.len();
            }
            report.bundles = roots.bundles.len();
            Ok::<_, BlockstoreError>((roots, is_all_read.then_some(linked)))
        })?;
        for folder in self.storage.folders()? {
            let had_rows = roots.bundles.contains_key(&folder);
            let is_unknown = !roots.bundles.contains_key(&folder) && !roots.drafts.contains_key(&folder);
            let Some(linked) = &linked else {
                if is_unknown {
                    let reason = "a document cannot be read, and its links may lead here";
                    report.left_alone.push(format!("{folder}: {reason}"));
                    continue;
                }
                self.sweep_folder((folder, had_rows), &BTreeSet::new(), options, &mut report, true)?;
                continue;
            };
            let none = BTreeSet::new();
            let linked = linked.get(&folder).unwrap_or(&none);
            self.sweep_folder((folder, had_rows), linked, options, &mut report, false)?;
        }
        report.unused_bytes = report.unused.iter().map(|unused| unused.size).sum();
        report.deduplicated_bytes = self.deduplicate(options)?;
        Ok(report)
    }

    /// Sweeps one folder, under the writers' lock where something is removed.
    fn sweep_folder(
        &self,
        (folder, had_rows): (Uuid, bool),
        linked: &BTreeSet<Digest>,
        options: &GcOptions,
        report: &mut GcReport,
        keep_snapshots: bool,
    ) -> Result<()> {
        let sweep = |db: &Connection| -> Result<()> {
            if had_rows && rows::bundle_id(db, folder)?.is_none() {
                let reason =
                    "the bundle was deleted meanwhile, and links that lead here may be newer than this sweep";
                report.left_alone.push(format!("{folder}: {reason}"));
                return Ok(());
            }
            let mut unused = Vec::new();
            self.unused_in(db, folder, linked, keep_snapshots, &mut unused, report)?;
            if !options.unknown && !unused.is_empty() && self.is_unknown(db, folder)? {
                report.unknown.push(folder.to_string());
                return Ok(());
            }
            let limit = SystemTime::now().checked_sub(options.grace);
            for (found, entry) in unused {
                let is_old = match (found.modified, limit) {
                    (Some(modified), Some(limit)) => modified <= limit,
                    _ => false,
                };
                if !is_old {
                    report.too_young += 1;
                    continue;
                }
                if options.delete {
                    self.storage.remove_file(&found.path)?;
                }
                report.unused.push(entry);
            }
            if let Some(limit) = limit
                && rows::has_draft(db, folder)?
            {
                report.empty_folders += self.sweep_empty_folders(folder, limit, options)?;
            }
            Ok(())
        };
        if options.delete { self.db.write_once(sweep) } else { self.db.read_once(sweep) }
    }

    /// Says whether a folder is of a bundle or draft that the database knows nothing of, not even that it was deleted.
    fn is_unknown(&self, db: &Connection, folder: Uuid) -> Result<bool> {
        if rows::has_draft(db, folder)? {
            return Ok(false);
        }
        let known = known_bundles(db)?;
        if known.contains(&folder) {
            return Ok(false);
        }
        // A draft says which bundle it is of.
        Ok(match self.storage.draft(folder) {
            Ok((document, _)) => !known.contains(&document.bundle_uuid),
            Err(error) if error.is_of_one_file() => true,
            Err(error) => return Err(error),
        })
    }

    /// Says whether files of a bundle without a row are here, and neither was it deleted here nor does anything link to it.
    pub(super) fn is_of_others(&self, bundle: Uuid) -> Result<bool> {
        if self.storage.files(&self.storage.folder(bundle))?.is_empty() {
            return Ok(false);
        }
        self.db.read(|db| {
            if !self.is_unknown(db, bundle)? {
                return Ok(false);
            }
            let roots = Roots::read(db, None)?;
            Ok(!roots.bundles.iter().any(|(uuid, roots)| {
                let marks = Marks::of(self, db, *uuid, Some(roots), &BTreeSet::new());
                marks.links.iter().any(|(target, _)| *target == bundle)
            }))
        })
    }

    /// Sweeps what commits leave of a draft's folders: a staged file goes, its folder stays.
    fn sweep_empty_folders(&self, draft: Uuid, limit: SystemTime, options: &GcOptions) -> Result<usize> {
        let mut empty = self.storage.empty_folders(&self.storage.folder(draft).join("data"))?;
        empty.retain(|found| found.modified.is_some_and(|modified| modified <= limit));
        if options.delete {
            self.storage.remove_empty_folders(&empty)?;
        }
        Ok(empty.len())
    }

    /// Lists the files of a folder that nothing leads to.
    fn unused_in(
        &self,
        db: &Connection,
        folder: Uuid,
        linked: &BTreeSet<Digest>,
        keep_snapshots: bool,
        unused: &mut Vec<(Found, Unused)>,
        report: &mut GcReport,
    ) -> Result<()> {
        let root = self.storage.root();
        let place = self.storage.folder(folder);
        let mut add = |found: Found, kind: UnusedKind, proof: String| {
            let entry = Unused { key: key(root, &found.path), size: found.size, kind, proof };
            unused.push((found, entry));
        };
        let mut own = Roots::read(db, Some(folder))?;
        let bundle = own.bundles.remove(&folder);
        if let Some(row) = own.bad.iter().find(|row| row.bundle == Some(folder)) {
            report.left_alone.push(format!("{folder}: {} cannot be read: {}", row.place(), row.reason));
            return Ok(());
        }
        if bundle.is_none() {
            if rows::has_draft(db, folder)? {
                return self.unused_of_draft(db, folder, &mut add, report);
            }
            let all = Roots::read(db, Some(Uuid::nil()))?;
            if all.being_made.contains(&folder) || all.handovers.contains(&folder) {
                return Ok(());
            }
            let is_draft = self.storage.is_file(&self.storage.summary_path(folder))?
                || !self.storage.files(&place.join("data"))?.is_empty();
            if is_draft {
                for found in self.storage.files(&place)? {
                    add(found, UnusedKind::DeletedDraft, "no bundle and no draft has this UUID".into());
                }
                return Ok(());
            }
        }
        let marks = Marks::of(self, db, folder, bundle.as_ref(), linked);
        if let Some((what, error)) = marks.unread.first() {
            report.left_alone.push(format!("{folder}: {what} cannot be read: {error}"));
            return Ok(());
        }
        let (versions, drafts) = bundle.as_ref().map_or((0, 0), |b| (b.versions.len(), b.drafts.len()));
        for found in self.storage.files(&place)? {
            let below = found.path.strip_prefix(&place).unwrap_or(&found.path);
            let part = below.iter().next().and_then(|part| part.to_str()).unwrap_or_default();
            let name = digest_in_name(&found.path);
            let proof = |what: &str| {
                format!(
                    "{what} of {versions} versions, {drafts} drafts and {} links from elsewhere",
                    linked.len()
                )
            };
            let kind = match (part, name) {
                ("snapshots", Some(digest)) if marks.snapshots.contains(&digest) => continue,
                ("snapshot_data", Some(digest)) if marks.data.contains(&digest) => continue,
                ("snapshots" | "snapshot_data", Some(_)) if bundle.is_some() && keep_snapshots => continue,
                ("snapshots" | "snapshot_data", None) => UnusedKind::Unfinished,
                ("snapshots" | "snapshot_data", Some(_)) if bundle.is_none() => UnusedKind::DeletedBundle,
                ("snapshots", Some(_)) => UnusedKind::Snapshot,
                ("snapshot_data", Some(_)) => UnusedKind::Data,
                // What others may have put here is theirs.
                _ => continue,
            };
            let proof = match kind {
                UnusedKind::Unfinished => "its name is none of a document or data file".to_owned(),
                UnusedKind::DeletedBundle => "no bundle has this UUID, and no link leads to it".to_owned(),
                UnusedKind::Snapshot => proof("it is the snapshot of none"),
                _ => proof("no snapshot names it"),
            };
            add(found, kind, proof);
        }
        Ok(())
    }

    fn unused_of_draft(
        &self,
        db: &Connection,
        draft: Uuid,
        add: &mut dyn FnMut(Found, UnusedKind, String),
        report: &mut GcReport,
    ) -> Result<()> {
        let has_handover = Roots::read(db, Some(Uuid::nil()))?.handovers.contains(&draft);
        let place = self.storage.folder(draft);
        if has_handover {
            // The next one that writes completes it.
            return Ok(());
        }
        let document = match self.storage.draft(draft) {
            Ok((document, _)) => document,
            Err(error) => {
                report.left_alone.push(format!("{draft}: the draft cannot be read: {error}"));
                return Ok(());
            }
        };
        let data = place.join("data");
        for found in self.storage.files(&place)? {
            let below = key(&place, &found.path);
            if found.path.starts_with(&data) {
                let path = key(&data, &found.path);
                if document.files_to_overwrite.get(&path).is_none_or(Option::is_none) {
                    add(found, UnusedKind::NotStaged, format!("draft {} does not stage it", document.name));
                }
            } else if below.starts_with("incoming/")
                || below.starts_with("upload-")
                || below.starts_with(".incoming-")
            {
                add(found, UnusedKind::Unfinished, "no change to the draft is under way".into());
            }
        }
        Ok(())
    }

    /// Finds equal data files of different bundles, and makes them one where that was asked for.
    fn deduplicate(&self, options: &GcOptions) -> Result<u64> {
        if !options.deduplicate || !self.storage.can_unite() {
            return Ok(0);
        }
        let mut first: BTreeMap<Digest, (PathBuf, u64)> = BTreeMap::new();
        let mut saved = 0;
        for folder in self.storage.folders()? {
            for found in self.storage.files(&self.storage.folder(folder).join("snapshot_data"))? {
                let Some(digest) = digest_in_name(&found.path) else { continue };
                let Some((other, size)) = first.get(&digest) else {
                    first.insert(digest, (found.path, found.size));
                    continue;
                };
                if *size != found.size || self.storage.is_one(other, &found.path) {
                    continue;
                }
                saved += found.size;
                if options.delete {
                    let (proved, _) = self.storage.digest_of(other)?;
                    if proved == digest && !self.storage.unite(other, &found.path)? {
                        saved -= found.size;
                    }
                }
            }
        }
        Ok(saved)
    }
}
