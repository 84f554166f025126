//! Every index, structure, block, definition and file that something leads to, looked at; and what can be repaired, repaired.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bson::oid::ObjectId;
use serde::Serialize;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{
    AssetMetadataRecords, Branch, DamagedAssetMetadata, Findings, FsckOptions, RuntimeError, Severity,
};

use super::blocks::BlockCheck;
use super::files;
use super::repair::Repair;
use crate::documents::{
    CourseIndex, DRAFT_BRANCH, FileId, IndexKey, LIBRARY_BRANCH, MAX_DOCUMENT, PUBLISHED_BRANCH, Structure,
    StructureHeader, records_of, to_document,
};
use crate::dump::damage_kept;
use crate::runtime::{ModulestoreRuntime, in_milliseconds};
use crate::store::{Collection, ContentKind, DocumentReads, Leftover, Outcome};
use crate::twins::folded;

/// What a check counted and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FsckReport {
    /// Courses and libraries that were checked.
    pub contexts: usize,
    /// Structures that were read.
    pub structures: usize,
    /// Blocks that were read.
    pub blocks: usize,
    /// Definitions that were read.
    pub definitions: usize,
    /// Files that were checked.
    pub files: usize,
    /// What was found, in the order of contexts.
    pub findings: Findings,
}

/// What mends a published head that cannot be read, while the draft can.
const LOST_BY_HAND: &str =
    "by hand: publish the whole course, or import a package over it, which puts the draft in its place";

/// A store being checked.
pub(super) struct Check<'c> {
    pub(super) docs: &'c dyn DocumentReads,
    pub(super) report: FsckReport,
    /// What each finding's repair is, by the finding's place in the report.
    pub(super) repairs: HashMap<usize, Repair>,
    pub(super) headers: HashMap<ObjectId, (StructureHeader, u64)>,
    pub(super) definitions: HashSet<ObjectId>,
    pub(super) aside: HashSet<(ContentKind, ObjectId)>,
    /// Documents kept beside their collections that were named with what leads to them.
    pub(super) told: HashSet<(Collection, FileId)>,
}

impl ModulestoreRuntime {
    /// Checks every course index, and what it leads to: structures, blocks, definitions, children, history, files; and every
    /// document of Old Mongo.
    ///
    /// Damage is in the report, not an error. Repairs of blocks are new versions of their branches.
    ///
    /// # Errors
    /// [`RuntimeError::ReadOnly`] where a store that is open for reading is to be repaired; a store that cannot be read at
    /// all.
    pub fn fsck(&self, options: FsckOptions) -> Result<FsckReport, RuntimeError> {
        if !options.repair {
            let docs = self.store.read()?;
            return Ok(self.check(&*docs, options)?.report);
        }
        let docs = self.store.write()?;
        let check = self.check(&*docs, options)?;
        let (mut report, repairs) = (check.report, check.repairs);
        let now = in_milliseconds(self.clock.now());
        let repaired = super::repair::carry_out(self, &*docs, &repairs, now)?;
        if docs.commit()? == Outcome::Kept {
            for at in repaired.done {
                report.findings[at].is_repaired = true;
            }
        }
        // What was a note while it could be done is damage now that it cannot.
        for (at, reason) in repaired.failed {
            let finding = &mut report.findings[at];
            finding.severity = Severity::Damage;
            finding.reason = format!("{}; its repair failed: {reason}", finding.reason);
        }
        Ok(report)
    }

    fn check<'c>(
        &self,
        docs: &'c dyn DocumentReads,
        options: FsckOptions,
    ) -> Result<Check<'c>, RuntimeError> {
        let mut check = Check {
            docs,
            report: FsckReport::default(),
            repairs: HashMap::new(),
            headers: HashMap::new(),
            definitions: HashSet::new(),
            aside: docs.set_aside_content()?.into_iter().map(|one| (one.kind, one.id)).collect(),
            told: HashSet::new(),
        };
        docs.each_header(&mut |header, bytes| {
            check.headers.insert(header.id, (header, bytes));
            Ok(())
        })?;
        docs.each_definition(&mut |id, _| {
            check.definitions.insert(id);
            Ok(())
        })?;
        for leftover in docs.leftovers()? {
            check.leftover(leftover);
        }
        let mut checked = BTreeSet::new();
        let mut contexts = Vec::new();
        for raw in docs.indexes()? {
            check.report.contexts += 1;
            let read =
                raw.and_then(|raw| CourseIndex::read(&raw)).and_then(|index| Ok((index.context()?, index)));
            match read {
                Ok((context, index)) => {
                    check.index(&context, &index, &mut checked, options)?;
                    contexts.push(context);
                }
                Err(RuntimeError::Corrupt { place, reason }) => {
                    check.report.findings.add(Severity::Damage, "index", place, reason);
                }
                Err(other) => return Err(other),
            }
        }
        contexts.extend(super::old::check(&mut check, &self.registry, options.is_quick)?);
        files::check_owners(&mut check)?;
        check.twins(&contexts);
        super::aside::check(&mut check, options.is_quick)?;
        if !options.is_quick {
            check.older_structures(&checked)?;
            check.all_definitions()?;
        }
        Ok(check)
    }
}

impl Check<'_> {
    pub(super) fn find(
        &mut self,
        severity: Severity,
        code: &'static str,
        place: impl std::fmt::Display,
        reason: impl std::fmt::Display,
        repair: Option<Repair>,
    ) {
        self.report.findings.add(severity, code, place, reason);
        if let Some(repair) = repair {
            let at = self.report.findings.len() - 1;
            self.report.findings[at].repair = Some(repair.to_string());
            self.repairs.insert(at, repair);
        }
    }

    /// Says of what was found last how a person mends it.
    pub(super) fn by_hand(&mut self, how: &str) {
        if let Some(last) = self.report.findings.last_mut() {
            last.repair = Some(how.to_owned());
        }
    }

    /// As [`Check::by_hand`], where no repair is known.
    fn by_hand_at_least(&mut self, how: &str) {
        if self.report.findings.last().is_some_and(|last| last.repair.is_none()) {
            self.by_hand(how);
        }
    }

    /// Contexts whose keys differ in case only: the platform, and whoever makes one here, takes them for one.
    fn twins(&mut self, contexts: &[ContextKey]) {
        let mut known: BTreeMap<[String; 3], (IndexKey, &ContextKey)> = BTreeMap::new();
        for context in contexts {
            let Ok(key) = IndexKey::of(context) else { continue };
            match known.get(&folded(&key)) {
                // A course of Old Mongo that moved to Split has the same parts.
                Some((twin, _)) if *twin == key => {}
                Some((_, twin)) => {
                    let reason = format!("its key differs from that of {twin} in case only");
                    self.find(Severity::Warning, "key_case", context, reason, None);
                }
                None => drop(known.insert(folded(&key), (key, context))),
            }
        }
    }

    fn leftover(&mut self, leftover: Leftover) {
        let (severity, code) = match &leftover {
            Leftover::Index(difference) if !difference.lost_heads.is_empty() => {
                (Severity::Damage, "index_behind")
            }
            Leftover::Index(difference) if difference.is_in_table => (Severity::Warning, "index_behind"),
            Leftover::Index(_) => (Severity::Warning, "index_not_in_table"),
            Leftover::Commit { .. } => (Severity::Note, "commit_not_done"),
            Leftover::Attempt { .. } => (Severity::Note, "commit_not_made"),
            Leftover::Chunks { .. } => (Severity::Note, "chunks_of_no_file"),
        };
        let (place, reason) = (leftover.place(), leftover.to_string());
        let repair = leftover.repair().is_some().then_some(Repair::Mend(leftover));
        self.find(severity, code, place, reason, repair);
    }

    /// Says what is wrong with a document that something leads to and that is kept beside its collection; it is named with
    /// that, and not a second time.
    pub(super) fn damage_kept(
        &mut self,
        kind: ContentKind,
        id: ObjectId,
    ) -> Result<Option<String>, RuntimeError> {
        let collection = match kind {
            ContentKind::Structure => Collection::Structures,
            ContentKind::Definition => Collection::Definitions,
        };
        let found = damage_kept(self.docs, &collection, id)?;
        if found.is_some() {
            self.told.insert((collection, FileId::of_value(id.into())));
        }
        Ok(found)
    }

    /// Says what puts a missing document back.
    pub(super) fn put_back(&self, kind: ContentKind, id: ObjectId) -> Option<Repair> {
        self.aside.contains(&(kind, id)).then_some(Repair::PutBack { kind, id })
    }

    fn index(
        &mut self,
        context: &ContextKey,
        index: &CourseIndex,
        checked: &mut BTreeSet<ObjectId>,
        options: FsckOptions,
    ) -> Result<(), RuntimeError> {
        if index.head(Branch::Draft).is_none() {
            self.find(Severity::Damage, "no_version", context, "its index names no structure", None);
        }
        if [LIBRARY_BRANCH, DRAFT_BRANCH].iter().all(|branch| index.version(branch).is_some()) {
            let (read, other) = match index.is_library() {
                true => (LIBRARY_BRANCH, DRAFT_BRANCH),
                false => (DRAFT_BRANCH, LIBRARY_BRANCH),
            };
            let reason = format!("its index names `{other}` beside `{read}`, which is its draft");
            self.find(Severity::Warning, "two_drafts", context, reason, None);
        }
        let draft = index.head(Branch::Draft);
        for (branch, head) in index.heads() {
            let place = format!("{context}, {branch}");
            let Some(head) = head else {
                self.find(Severity::Damage, "no_version", place, "the index names no id", None);
                continue;
            };
            let is_mendable = branch == PUBLISHED_BRANCH
                && draft.is_some_and(|draft| draft != head && self.headers.contains_key(&draft));
            let Some((_, bytes)) = self.headers.get(&head).cloned() else {
                let repair = self.put_back(ContentKind::Structure, head);
                match self.damage_kept(ContentKind::Structure, head)? {
                    Some(reason) => {
                        let reason = format!("structure {head} is damaged: {reason}");
                        self.find(Severity::Damage, "structure", place, reason, repair);
                    }
                    None => {
                        let reason = format!("structure {head} is missing");
                        self.find(Severity::Damage, "missing_structure", place, reason, repair);
                    }
                }
                if is_mendable {
                    self.by_hand_at_least(LOST_BY_HAND);
                }
                continue;
            };
            let limit = MAX_DOCUMENT as u64;
            if bytes > limit {
                let reason = format!("structure {head} takes {bytes} bytes; MongoDB takes {limit}");
                self.find(Severity::Warning, "too_big", &place, reason, None);
            } else if bytes * 5 >= limit * 4 {
                let reason = format!("structure {head} takes {bytes} bytes of {limit} at most");
                self.find(Severity::Warning, "big", &place, reason, None);
            }
            if let Some(reason) = self.end_of_history(head)? {
                self.find(Severity::Note, "history", &place, reason, None);
            }
            // Both branches, and reruns, may share one.
            let is_new = checked.insert(head);
            self.report.structures += usize::from(is_new);
            let Some(structure) = self.structure(head, &place)? else {
                if is_mendable {
                    self.by_hand_at_least(LOST_BY_HAND);
                }
                continue;
            };
            self.asset_metadata(records_of(&structure, context)?);
            let is_draft = Some(head) == draft;
            BlockCheck { check: self, context, place, structure, is_draft, is_new }.run()?;
        }
        files::check(self, context, options.is_quick)
    }

    /// Names what is said about files where that cannot be read.
    pub(super) fn asset_metadata(&mut self, records: AssetMetadataRecords) {
        for DamagedAssetMetadata { key, place, reason } in records.damaged {
            let place = key.map_or(place.clone(), |key| format!("{place}, {key}"));
            self.find(Severity::Damage, "asset_metadata", place, reason, None);
        }
    }

    /// Reads a structure; what cannot be read is a finding.
    pub(super) fn structure(
        &mut self,
        id: ObjectId,
        place: &str,
    ) -> Result<Option<Arc<Structure>>, RuntimeError> {
        let Some(bytes) = self.docs.structure(id)? else { return Ok(None) };
        match Structure::read(id, bytes) {
            Ok(structure) => Ok(Some(Arc::new(structure))),
            Err(RuntimeError::Corrupt { place: at, reason }) => {
                let repair = self.put_back(ContentKind::Structure, id);
                self.find(Severity::Damage, "structure", format!("{place}, {at}"), reason, repair);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Says why the history of a head ends before its first version; nothing where it does not.
    fn end_of_history(&self, head: ObjectId) -> Result<Option<String>, RuntimeError> {
        let mut seen = HashSet::new();
        let mut at = Some(head);
        while let Some(id) = at.filter(|id| seen.insert(*id)) {
            if let Some((header, _)) = self.headers.get(&id) {
                at = header.previous_version;
                continue;
            }
            if self.aside.contains(&(ContentKind::Structure, id)) {
                let reason = format!(
                    "version {id} and those before it were taken out; `store prune --undo` puts them back"
                );
                return Ok(Some(reason));
            }
            // By itself it is told, too.
            return Ok(Some(match damage_kept(self.docs, &Collection::Structures, id)? {
                Some(reason) => format!("version {id}, at which its history ends, is damaged: {reason}"),
                None => format!(
                    "version {id}, at which its history ends, is not there: it was pruned, and is deleted for good, or it is lost"
                ),
            }));
        }
        Ok(None)
    }

    /// Older versions must be readable; what is wrong inside them nobody meets unless they are restored.
    fn older_structures(&mut self, checked: &BTreeSet<ObjectId>) -> Result<(), RuntimeError> {
        let mut ids: Vec<_> = self.headers.keys().copied().filter(|id| !checked.contains(id)).collect();
        ids.sort();
        for id in ids {
            let place = "an older version";
            self.report.structures += 1;
            let Some(structure) = self.structure(id, place)? else { continue };
            let mut missing = BTreeSet::new();
            for (_, _, view) in structure.blocks() {
                match view.definition() {
                    Ok(Some(definition)) if !self.definitions.contains(&definition) => {
                        missing.insert(definition);
                    }
                    _ => {}
                }
            }
            for definition in missing {
                let repair = self.put_back(ContentKind::Definition, definition);
                let reason = format!("definition {definition} is missing");
                let place = format!("{place}, structure {id}");
                self.find(Severity::Warning, "missing_definition", place, reason, repair);
            }
        }
        Ok(())
    }

    fn all_definitions(&mut self) -> Result<(), RuntimeError> {
        let mut damaged = Vec::new();
        let mut count = 0;
        self.docs.each_document(&Collection::Definitions, &mut |raw| {
            count += 1;
            if let Err(error) = to_document(raw) {
                let id = raw.get_object_id("_id").map_or_else(|_| "?".to_owned(), ObjectId::to_hex);
                damaged.push((id, error.to_string()));
            }
            Ok(())
        })?;
        self.report.definitions += count;
        for (id, reason) in damaged {
            self.find(Severity::Damage, "definition", format!("definition {id}"), reason, None);
        }
        Ok(())
    }
}
