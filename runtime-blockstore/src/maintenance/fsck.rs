//! Every digest and every reference, proved; and what can be repaired, repaired.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;
use xblock_core::runtime::{Finding, Findings, FsckOptions, Severity};

use super::data_names::{DataNames, is_nameless, misnamed};
use super::gc::{GcOptions, GcReport, UnusedKind};
use super::marks::{BundleRoots, Roots};
use super::walk::digest_in_name;
use crate::database::Connection;
use crate::digest::Digest;
use crate::document::{FileRecord, Link, Snapshot};
use crate::error::BlockstoreError;
use crate::path;
use crate::rows::{self, VersionRow};
use crate::storage::Place;
use crate::store::{Blockstore, FeedEntry, known_bundles, versions_in_feed};

type Result<T> = std::result::Result<T, BlockstoreError>;

/// What a check counted and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FsckReport {
    /// Bundles that were checked.
    pub bundles: usize,
    /// Versions that were checked.
    pub versions: usize,
    /// Drafts that were checked.
    pub drafts: usize,
    /// Data files that were checked, each once in its bundle.
    pub files: usize,
    /// Bytes that were read and digested.
    pub bytes: u64,
    /// What was found, in the order of bundles.
    pub findings: Findings,
}

/// A store being checked.
struct Check<'s> {
    store: &'s Blockstore,
    db: &'s Connection,
    options: FsckOptions,
    roots: Roots,
    report: FsckReport,
    /// Where data files with a digest lie; made when something is missing.
    copies: Option<BTreeMap<Digest, Vec<PathBuf>>>,
    /// Bundles that are there or were deleted, as far as that was noted; read when it is needed.
    known: Option<BTreeSet<Uuid>>,
    suspects: Vec<Suspect>,
}

/// What seems to be damaged while others write: a file may be gone because the draft changed between the look at its row and
/// the look at the file.
struct Suspect {
    /// How many findings were there before those about it.
    at: usize,
    bundle: Uuid,
    /// The draft; none for the bundle's versions.
    draft: Option<Uuid>,
    /// The data files that were proved before.
    proved: DataNames,
    found: Findings,
}

/// How often what seems to be damaged is looked at again, and how long to wait before the first time; each later time that
/// much longer.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(50);

impl Blockstore {
    /// Checks the database, every version with every file and link, and every draft.
    ///
    /// Damage is in the report, not an error. With [`FsckOptions::repair`] writers wait until the check is done.
    ///
    /// # Errors
    /// [`BlockstoreError::ReadOnly`] where a store that is open for reading is to be repaired; a database that cannot
    /// be read at all.
    pub fn fsck(&self, options: FsckOptions) -> Result<FsckReport> {
        let check = |db: &Connection| -> Result<(FsckReport, Vec<Suspect>)> {
            let mut check = Check::new(self, db, options)?;
            check.run()?;
            Ok((check.report, check.suspects))
        };
        // Writers of ours wait where something is repaired.
        let (mut report, suspects) = if options.repair {
            self.db.write(check)?
        } else {
            let (report, suspects) = self.db.read(check)?;
            (report, self.look_again(suspects, options)?)
        };
        let mut found = std::mem::take(&mut report.findings).iter().cloned().collect::<Vec<_>>().into_iter();
        let mut passed = 0;
        for suspect in suspects {
            found.by_ref().take(suspect.at - passed).for_each(|finding| report.findings.push(finding));
            passed = suspect.at;
            suspect.found.iter().for_each(|finding| report.findings.push(finding.clone()));
        }
        found.for_each(|finding| report.findings.push(finding));
        self.orphans(&mut report)?;
        Ok(report)
    }

    /// Looks again at what seems to be damaged, by rows and files as they are then, a few times.
    fn look_again(&self, mut suspects: Vec<Suspect>, options: FsckOptions) -> Result<Vec<Suspect>> {
        for look in 1..=LOOKS {
            if suspects.iter().all(|suspect| suspect.found.is_sound()) {
                break;
            }
            std::thread::sleep(PAUSE * look);
            let found = self.db.read(|db| {
                let mut check = Check::new(self, db, options)?;
                suspects.iter().map(|suspect| check.again(suspect)).collect::<Result<Vec<_>>>()
            })?;
            for (suspect, found) in suspects.iter_mut().zip(found) {
                suspect.found = found;
            }
        }
        Ok(suspects)
    }

    /// Counts what nothing leads to, by kind.
    fn orphans(&self, report: &mut FsckReport) -> Result<()> {
        let GcReport { unused, unknown, .. } =
            self.gc(&GcOptions { grace: Duration::ZERO, ..GcOptions::default() })?;
        let mut kinds: BTreeMap<UnusedKind, (usize, u64, String)> = BTreeMap::new();
        for unused in unused {
            let (count, bytes, _) = kinds.entry(unused.kind).or_insert((0, 0, unused.key));
            *count += 1;
            *bytes += unused.size;
        }
        for folder in unknown {
            report.findings.push(Finding {
                severity: Severity::Note,
                code: "unknown_bundle",
                place: folder,
                reason: "the database knows nothing of it; another store may have its files here".into(),
                repair: None,
                is_repaired: false,
            });
        }
        for (kind, (count, bytes, first)) in kinds {
            report.findings.push(Finding {
                severity: Severity::Note,
                code: "orphan",
                place: first,
                reason: format!("nothing leads to {count} files like this ({}), {bytes} bytes", kind.name()),
                repair: Some("gc removes them".into()),
                is_repaired: false,
            });
        }
        Ok(())
    }
}

impl<'s> Check<'s> {
    fn new(store: &'s Blockstore, db: &'s Connection, options: FsckOptions) -> Result<Self> {
        Ok(Self {
            store,
            db,
            options,
            roots: Roots::read(db, None)?,
            report: FsckReport::default(),
            copies: None,
            known: None,
            suspects: Vec::new(),
        })
    }

    /// Returns what is found of a suspect now.
    fn again(&mut self, suspect: &Suspect) -> Result<Findings> {
        if suspect.found.is_sound() {
            return Ok(suspect.found.clone());
        }
        let Some(bundle) = self.roots.bundles.get(&suspect.bundle).cloned() else {
            // It was deleted, and with it what its files were for.
            return Ok(Findings::default());
        };
        // Versions do not change.
        let Some(draft) = suspect.draft else { return Ok(suspect.found.clone()) };
        let Some((_, name)) = bundle.drafts.iter().find(|(uuid, _)| *uuid == draft) else {
            return Ok(Findings::default());
        };
        self.report.findings = Findings::default();
        self.draft(&bundle, draft, name, &mut suspect.proved.anew())?;
        Ok(std::mem::take(&mut self.report.findings))
    }

    /// Takes what a step finds for suspect where damage is among it.
    fn suspecting(
        &mut self,
        (bundle, draft): (Uuid, Option<Uuid>),
        proved: &mut DataNames,
        step: impl FnOnce(&mut Self, &mut DataNames) -> Result<()>,
    ) -> Result<()> {
        let before = std::mem::take(&mut self.report.findings);
        let proved_before = proved.anew();
        step(self, proved)?;
        let found = std::mem::replace(&mut self.report.findings, before);
        if found.is_sound() {
            found.iter().for_each(|finding| self.report.findings.push(finding.clone()));
        } else {
            let at = self.report.findings.len();
            self.suspects.push(Suspect { at, bundle, draft, proved: proved_before, found });
        }
        Ok(())
    }

    fn run(&mut self) -> Result<()> {
        self.database()?;
        self.rows();
        self.handovers()?;
        let bundles: Vec<BundleRoots> = self.roots.bundles.values().cloned().collect();
        for bundle in &bundles {
            self.bundle(bundle)?;
        }
        (self.report.bundles, self.report.drafts) = (bundles.len(), self.roots.drafts.len());
        Ok(())
    }

    fn database(&mut self) -> Result<()> {
        for (code, text) in self.store.db.check(self.db)? {
            self.report.findings.add(Severity::Damage, code, "the database", text);
        }
        Ok(())
    }

    /// Names the rows that cannot be read; what they would lead to is not checked.
    fn rows(&mut self) {
        for row in &self.roots.bad {
            self.report.findings.add(Severity::Damage, "row", row.place(), &row.reason);
        }
    }

    fn handovers(&mut self) -> Result<()> {
        if self.roots.handovers.is_empty() {
            return Ok(());
        }
        if self.options.repair {
            self.store.complete_handovers(self.db)?;
        }
        for draft in &self.roots.handovers {
            self.report.findings.push(Finding {
                severity: Severity::Note,
                code: "handover",
                place: format!("draft {draft}"),
                reason: "a change is true and its files have not taken their places yet".into(),
                repair: Some("whoever writes next completes it".into()),
                is_repaired: self.options.repair,
            });
        }
        Ok(())
    }

    fn bundle(&mut self, bundle: &BundleRoots) -> Result<()> {
        let mut proved = DataNames::default();
        self.suspecting((bundle.uuid, None), &mut proved, |check, proved| check.versions(bundle, proved))?;
        for (draft, name) in &bundle.drafts {
            self.suspecting((bundle.uuid, Some(*draft)), &mut proved, |check, proved| {
                check.draft(bundle, *draft, name, proved)
            })?;
        }
        Ok(())
    }

    fn versions(&mut self, bundle: &BundleRoots, proved: &mut DataNames) -> Result<()> {
        // The version before, none where it cannot be read.
        let mut before: Option<Option<Snapshot>> = Some(None);
        // Where a row cannot be read, nobody knows which version came before which.
        let has_all_rows = !self.roots.bad.iter().any(|row| row.bundle == Some(bundle.uuid));
        if has_all_rows {
            self.lost_versions(bundle)?;
        }
        for (at, version) in bundle.versions.iter().enumerate() {
            let place = format!("bundle {} ({}), version {}", bundle.uuid, bundle.slug, version.number);
            if version.number != at as u64 + 1 {
                let reason = format!("it should be version {}", at + 1);
                self.report.findings.add(Severity::Warning, "gap", &place, reason);
            }
            self.report.versions += 1;
            match self.store.storage.snapshot_and_text(bundle.uuid, version.snapshot) {
                Ok((snapshot, text)) => {
                    // The digest is of what it says, not of how; links may be left out.
                    if text != snapshot.with_its_type().to_json()
                        && (!snapshot.links.is_empty() || says_links(&text))
                    {
                        let reason = "its document says what it should, and has more beside it, or is written otherwise";
                        self.report.findings.add(Severity::Warning, "snapshot_form", &place, reason);
                    }
                    self.snapshot(&place, &snapshot, proved)?;
                    if let Some(before) = before.as_ref().filter(|_| has_all_rows) {
                        self.feed(place, bundle.uuid, version, before.as_ref(), &snapshot)?;
                    }
                    before = Some(Some(snapshot));
                }
                Err(error) if error.is_definite() => {
                    self.report.findings.add(Severity::Damage, "snapshot", place, error);
                    before = None;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Names the versions that the change feed has and that have no row any more.
    fn lost_versions(&mut self, bundle: &BundleRoots) -> Result<()> {
        let Some(bundle_id) = rows::bundle_id(self.db, bundle.uuid)? else { return Ok(()) };
        for (number, snapshot) in versions_in_feed(self.db, bundle_id)? {
            if bundle.versions.iter().any(|version| version.number == number) {
                continue;
            }
            let place = format!("bundle {} ({}), version {number}", bundle.uuid, bundle.slug);
            let is_there =
                self.store.storage.is_file(&self.store.storage.snapshot_path(bundle.uuid, snapshot))?;
            let fate = if is_there { "is there" } else { "is gone, too" };
            let reason =
                format!("its row is gone; the change feed has it, and its snapshot {snapshot} {fate}");
            self.report.findings.add(Severity::Damage, "version_lost", place, reason);
        }
        Ok(())
    }

    /// Holds what the change feed and the index of links say of a version against its snapshots.
    fn feed(
        &mut self,
        place: String,
        bundle: Uuid,
        version: &VersionRow,
        before: Option<&Snapshot>,
        after: &Snapshot,
    ) -> Result<()> {
        let Some(bundle_id) = rows::bundle_id(self.db, bundle)? else { return Ok(()) };
        let entry = FeedEntry { bundle_id, bundle, version, before, after };
        let Some(reason) = entry.fault(self.db)? else { return Ok(()) };
        if self.options.repair {
            entry.mend(self.db)?;
        }
        self.report.findings.push(Finding {
            severity: Severity::Damage,
            code: "feed",
            place,
            reason,
            repair: Some("both can be made anew from the snapshots".into()),
            is_repaired: self.options.repair,
        });
        Ok(())
    }

    /// Checks what a snapshot names; `proved` has the data files of the bundle that were looked at.
    fn snapshot(&mut self, place: &str, snapshot: &Snapshot, proved: &mut DataNames) -> Result<()> {
        // All names before any file, so that a file that is missing is not taken for another's.
        let mut unproved = proved.add(snapshot);
        for (file, record) in &snapshot.files {
            if let Some(problem) = path::problem(file) {
                self.report.findings.add(Severity::Warning, "path", format!("{place}, {file:?}"), problem);
            }
            if unproved.remove(&record.data_name()) {
                self.data(&format!("{place}, {file}"), snapshot.bundle_uuid, record, proved)?;
            }
        }
        for (name, link) in &snapshot.links {
            self.link(&format!("{place}, link {name}"), snapshot.bundle_uuid, link)?;
        }
        Ok(())
    }

    /// Proves the data file of a record, and puts it where a reader looks for it.
    fn data(&mut self, place: &str, bundle: Uuid, record: &FileRecord, names: &mut DataNames) -> Result<()> {
        self.report.files += 1;
        let storage = &self.store.storage;
        let target = storage.data_path(bundle, record);
        let found = names.find(storage, bundle, record)?;
        let (severity, code, reason) = match &found {
            Some(found) => match self.prove(found, record)? {
                Some(reason) => (Severity::Damage, "data", reason),
                None if is_nameless(found) && !is_nameless(&target) => {
                    (Severity::Warning, "data_name", misnamed(&target, found))
                }
                None => return Ok(()),
            },
            None => match storage.search_data(bundle, record.hash)? {
                Some(other) => (Severity::Damage, "data_name", misnamed(&target, &other)),
                None => (
                    Severity::Damage,
                    "data",
                    BlockstoreError::Missing { place: target.display().to_string() }.to_string(),
                ),
            },
        };
        let source = self.copy_of(record)?;
        let mut finding = Finding {
            severity,
            code,
            place: place.to_owned(),
            reason,
            repair: source.as_ref().map(|source| format!("the same bytes are in {}", source.display())),
            is_repaired: false,
        };
        if let (true, Some(source)) = (self.options.repair, source) {
            let storage = &self.store.storage;
            // Damaged bytes under another name would be found first.
            if let Some(damaged) = found.filter(|found| code == "data" && *found != target) {
                storage.remove_file(&damaged)?;
            }
            storage.store_whole(storage.open(&source)?, &target)?;
            storage.sync_names_of(&target)?;
            finding.is_repaired = true;
        }
        self.report.findings.push(finding);
        Ok(())
    }

    /// Holds a file against its record, and says what is wrong with it; where it cannot be read now, nobody knows.
    fn prove(&mut self, found: &Path, record: &FileRecord) -> Result<Option<String>> {
        let storage = &self.store.storage;
        let told = |error: BlockstoreError| {
            if error.is_definite() { Ok(Some(error.to_string())) } else { Err(error) }
        };
        let size = match storage.mark(found) {
            Ok(mark) => mark.length,
            Err(error) => return told(error),
        };
        if size != record.size {
            return Ok(Some(format!("{} has {size} bytes, not {}", found.display(), record.size)));
        }
        if self.options.is_quick {
            return Ok(None);
        }
        let (hash, length) = match storage.digest_of(found) {
            Ok(read) => read,
            Err(error) => return told(error),
        };
        self.report.bytes += length;
        let is_whole = hash == record.hash;
        Ok((!is_whole).then(|| format!("{} has the digest {hash}, not {}", found.display(), record.hash)))
    }

    /// Finds the bytes of a record anywhere else in the store, proved.
    fn copy_of(&mut self, record: &FileRecord) -> Result<Option<PathBuf>> {
        let copies = match self.copies.take() {
            Some(copies) => copies,
            None => self.list_copies()?,
        };
        let storage = &self.store.storage;
        let is_whole = |file: &&PathBuf| storage.digest_of(file).is_ok_and(|(hash, _)| hash == record.hash);
        let found = copies.get(&record.hash).and_then(|files| files.iter().find(is_whole)).cloned();
        self.copies = Some(copies);
        Ok(found)
    }

    /// Lists data files by the digests in their names, and staged ones by what drafts say.
    fn list_copies(&self) -> Result<BTreeMap<Digest, Vec<PathBuf>>> {
        let mut copies: BTreeMap<Digest, Vec<PathBuf>> = BTreeMap::new();
        let storage = &self.store.storage;
        for folder in storage.folders()? {
            for found in storage.files(&storage.folder(folder).join("snapshot_data"))? {
                if let Some(digest) = digest_in_name(&found.path) {
                    copies.entry(digest).or_default().push(found.path);
                }
            }
            let Ok((draft, _)) = storage.draft(folder) else { continue };
            for (path, record) in &draft.files_to_overwrite {
                if let (Some(record), Ok(file)) = (record, storage.staged_path(folder, path)) {
                    copies.entry(record.hash).or_default().push(file);
                }
            }
        }
        Ok(copies)
    }

    fn link(&mut self, place: &str, bundle: Uuid, link: &Link) -> Result<()> {
        if link.dependencies().any(|dependency| dependency.bundle_uuid == bundle) {
            let reason = "the bundle depends on itself";
            self.report.findings.add(Severity::Warning, "link_cycle", place, reason);
        }
        for dependency in link.dependencies() {
            let (target, digest) = (dependency.bundle_uuid, dependency.snapshot_digest);
            if !self.store.storage.is_file(&self.store.storage.snapshot_path(target, digest))? {
                let reason = format!("snapshot {digest} of bundle {target} is not there");
                self.report.findings.add(Severity::Damage, "link", place, reason);
                continue;
            }
            let Some(roots) = self.roots.bundles.get(&target) else {
                let (code, fate) = match self.is_known_deleted(target)? {
                    true => ("link_deleted", "was deleted"),
                    false => (
                        "link_elsewhere",
                        "is not in this store; it was restored without it, or deleted by another program",
                    ),
                };
                let reason = format!("bundle {target} {fate}; the files that the link needs are here");
                self.report.findings.add(Severity::Note, code, place, reason);
                continue;
            };
            let row = roots.versions.iter().find(|row| row.number == dependency.version);
            // Version 0 stands for the one that was latest when the link was set.
            if dependency.version != 0 && row.is_none_or(|row| row.snapshot != digest) {
                let reason =
                    format!("version {} of bundle {target} is another than {digest}", dependency.version);
                self.report.findings.add(Severity::Warning, "link_version", place, reason);
            }
        }
        Ok(())
    }

    /// Says whether a bundle that has no row was deleted by a program that notes it.
    fn is_known_deleted(&mut self, bundle: Uuid) -> Result<bool> {
        let known = match self.known.take() {
            Some(known) => known,
            None => known_bundles(self.db)?,
        };
        Ok(self.known.insert(known).contains(&bundle))
    }

    /// Holds a file a draft stages against its record.
    fn staged(
        &mut self,
        place: String,
        (draft, bundle): (Uuid, Uuid),
        path: &str,
        record: &FileRecord,
    ) -> Result<()> {
        let storage = &self.store.storage;
        let (target, reason) = match storage.staged_path(draft, path) {
            Ok(staged) => match self.prove(&staged, record)? {
                None => return Ok(()),
                Some(reason) => (Some(staged), reason),
            },
            Err(error) => (None, error.to_string()),
        };
        // It may still wait to be put there.
        if self.prove(&storage.incoming_path(draft, path), record)?.is_none() {
            return Ok(());
        }
        let mut kept = match storage.locate(Place::Data(bundle), path, record) {
            Ok(kept) => Some(kept),
            Err(BlockstoreError::Missing { .. } | BlockstoreError::Corrupt { .. }) => None,
            Err(error) => return Err(error),
        };
        if let Some(found) = &kept
            && self.prove(found, record)?.is_some()
        {
            kept = None;
        }
        // Among objects it waits under its digest, until whoever writes next completes the change.
        let is_under_way = !self.options.repair && self.roots.handovers.contains(&draft);
        if is_under_way && kept.is_some() {
            return Ok(());
        }
        let mut finding = Finding {
            severity: Severity::Damage,
            code: "staged",
            place,
            reason,
            repair: kept.as_ref().map(|kept| format!("the same bytes are in {}", kept.display())),
            is_repaired: false,
        };
        if let (true, Some(kept), Some(staged)) = (self.options.repair, kept, target) {
            storage.store_whole(storage.open(&kept)?, &staged)?;
            storage.sync_names_of(&staged)?;
            finding.is_repaired = true;
        }
        self.report.findings.push(finding);
        Ok(())
    }

    fn draft(&mut self, bundle: &BundleRoots, uuid: Uuid, name: &str, proved: &mut DataNames) -> Result<()> {
        let place = format!("bundle {} ({}), draft {name}", bundle.uuid, bundle.slug);
        let document = match self.store.draft_now(self.db, uuid) {
            Ok((document, _)) => document,
            Err(error) if error.is_definite() => {
                self.report.findings.add(Severity::Damage, "draft", place, error);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if document.bundle_uuid != bundle.uuid {
            let reason = format!("its document says it is of bundle {}", document.bundle_uuid);
            self.report.findings.add(Severity::Damage, "draft", &place, reason);
        }
        if let Some(base) = document.base_snapshot {
            match self.store.storage.snapshot(bundle.uuid, base) {
                Ok(snapshot) => self.snapshot(&format!("{place}, base"), &snapshot, proved)?,
                Err(error) if error.is_definite() => {
                    self.report.findings.add(Severity::Damage, "draft_base", &place, error);
                }
                Err(error) => return Err(error),
            }
        }
        let latest = bundle.versions.last().map(|row| row.snapshot);
        if document.base_snapshot != latest {
            let reason = "it was begun on an older version than the latest";
            self.report.findings.add(Severity::Note, "stale_draft", &place, reason);
        }
        for (path, record) in &document.files_to_overwrite {
            let Some(record) = record else { continue };
            self.report.files += 1;
            self.staged(format!("{place}, {path}"), (uuid, bundle.uuid), path, record)?;
        }
        for (name, link) in &document.links_to_overwrite {
            if let Some(link) = link {
                self.link(&format!("{place}, link {name}"), bundle.uuid, link)?;
            }
        }
        Ok(())
    }
}

/// Says whether a document has a member for links.
fn says_links(text: &[u8]) -> bool {
    text.windows(LINKS.len()).any(|part| part == LINKS)
}

const LINKS: &[u8] = b"\"links\"";
