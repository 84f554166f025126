//! Taking old versions out of the store, with a proof for each.
//!
//! The roots are the heads of all branches, wherever an index names them, and the versions of libraries that blocks in them name. From the heads back, as
//! many versions stay as are asked for, and all that are young. Everything else no branch leads to: it is set aside, not
//! deleted, and can be put back until its time is over. Static files that a publish replaced go with the last version from
//! before that publish.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use bson::oid::ObjectId;
use chrono::{DateTime, Utc};
use serde::Serialize;
use xblock_core::runtime::{Branch, RuntimeError};

use crate::documents::{
    Bucket, CourseIndex, FileId, FileView, OWN, Structure, StructureHeader, corrupt, integer,
};
use crate::runtime::{ModulestoreRuntime, in_milliseconds};
use crate::store::{Collection, ContentKind, DocumentReads, DocumentWrites, Outcome};

/// A setting of `library_content` blocks that names a version of a library.
const LIBRARY_VERSION: &str = "source_library_version";

/// What stays, and for how long what does not can be put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneOptions {
    /// Whether anything is taken out; else the report says what would be.
    pub delete: bool,
    /// How many versions of each branch stay beside its head: the head, and so many before it.
    pub keep_versions: usize,
    /// Versions of the branches that are younger stay, however many there are.
    pub keep_younger: Duration,
    /// Whatever is younger is left alone: someone may just be writing it.
    pub grace: Duration,
    /// How long what is taken out can be put back; with the first pruning after that it is deleted.
    pub undo: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for PruneOptions {
    /// A dry run: ten versions and a month stay, what is taken out can be put back for a week.
    fn default() -> Self {
        Self { delete: false, keep_versions: 10, keep_younger: DAY * 30, grace: DAY, undo: DAY * 7 }
    }
}

/// A version from which everything else is followed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PruneRoot {
    /// What names it: a branch, or a block.
    pub named_by: String,
    /// The structure.
    pub structure: String,
    /// How many versions stay for it, itself included.
    pub kept: usize,
}

/// What a pruned document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PrunedKind {
    /// A version of a branch.
    Structure,
    /// The content of a block.
    Definition,
    /// A static file that a publish replaced, or the mark that there was none.
    File,
}

/// A document that is taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// What it is.
    pub kind: PrunedKind,
    /// Its id.
    pub id: String,
    /// Its size.
    pub bytes: u64,
    /// Why nobody needs it.
    pub proof: String,
}

/// What a pruning found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PruneReport {
    /// The roots.
    pub roots: Vec<PruneRoot>,
    /// Structures that stay.
    pub kept_structures: usize,
    /// Definitions that stay.
    pub kept_definitions: usize,
    /// Replaced static files that stay.
    pub kept_files: usize,
    /// What is taken out: structures, definitions, files.
    pub pruned: Vec<Pruned>,
    /// The bytes of these.
    pub pruned_bytes: u64,
    /// How many documents nobody leads to are too young to be touched.
    pub too_young: usize,
    /// Whether they were taken out.
    pub deleted: bool,
    /// What was taken out by earlier prunings and is deleted for good now.
    pub forgotten: usize,
}

impl ModulestoreRuntime {
    /// Finds the versions and contents that no branch leads to within what is to be kept, and takes them out if told to.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] with the version's name where a kept version is missing or cannot be read: then nothing is
    /// taken out, because what it leads to is not known. [`RuntimeError::ReadOnly`], and the store's own.
    pub fn prune(&self, options: &PruneOptions) -> Result<PruneReport, RuntimeError> {
        let now = in_milliseconds(self.clock.now());
        if !options.delete {
            return Ok(find(&*self.store.read()?, options, now)?.0);
        }
        let docs = self.store.write()?;
        let (mut report, files) = find(&*docs, options, now)?;
        for (kind, content) in [
            (PrunedKind::Structure, ContentKind::Structure),
            (PrunedKind::Definition, ContentKind::Definition),
        ] {
            let ids: Vec<_> = report
                .pruned
                .iter()
                .filter(|pruned| pruned.kind == kind)
                .filter_map(|pruned| ObjectId::parse_str(&pruned.id).ok())
                .collect();
            if !ids.is_empty() {
                docs.set_aside(content, &ids, now)?;
            }
        }
        if !files.is_empty() {
            docs.set_aside_files(&files, now)?;
        }
        if let Some(before) = before(now, options.undo) {
            report.forgotten = docs.forget_set_aside(before)?;
        }
        report.deleted = finish(docs)?;
        Ok(report)
    }

    /// Puts everything back that prunings have taken out and not deleted yet; says how many documents that were.
    ///
    /// # Errors
    /// [`RuntimeError::ReadOnly`], and the store's own.
    pub fn undo_prune(&self) -> Result<usize, RuntimeError> {
        let docs = self.store.write()?;
        let mut count = 0;
        for kind in [ContentKind::Structure, ContentKind::Definition] {
            let aside = docs.set_aside_content()?;
            let ids: Vec<_> = aside.into_iter().filter(|one| one.kind == kind).map(|one| one.id).collect();
            count += docs.put_back(kind, &ids)?;
        }
        count += docs.put_back_files(&docs.files_set_aside()?)?;
        finish(docs)?;
        Ok(count)
    }
}

/// No index is changed, so that no other writer can be in the way.
fn finish(docs: Box<dyn DocumentWrites + '_>) -> Result<bool, RuntimeError> {
    Ok(docs.commit()? == Outcome::Kept)
}

fn before(now: DateTime<Utc>, age: Duration) -> Option<DateTime<Utc>> {
    now.checked_sub_signed(chrono::Duration::from_std(age).ok()?)
}

/// Says whether a document was made so lately that it may be part of something unfinished; ids hold the time.
fn is_young(id: ObjectId, now: DateTime<Utc>, grace: Duration) -> bool {
    let made = id.timestamp().timestamp_millis();
    before(now, grace).is_none_or(|limit| made > limit.timestamp_millis())
}

fn find(
    docs: &dyn DocumentReads,
    options: &PruneOptions,
    now: DateTime<Utc>,
) -> Result<(PruneReport, Vec<FileId>), RuntimeError> {
    // First what names versions: whoever changes it meanwhile wrote the new ones before.
    let indexes = docs.indexes_anywhere()?;
    let versions = Versions::read(docs)?;
    let headers = &versions.headers;
    let mut report = PruneReport::default();
    let mut kept = BTreeSet::new();
    // Which lines a structure was found on, for the proof.
    let mut lines: BTreeMap<ObjectId, String> = BTreeMap::new();
    let mut heads = Vec::new();
    let mut published = PublishedLines::default();
    for raw in indexes {
        // What an index that cannot be read leads to might be taken out.
        let index = CourseIndex::read(&raw?)?;
        let context = index.context()?;
        index.check_heads()?;
        if let Some(head) = index.head(Branch::Published) {
            published.add(head, headers);
        }
        for (branch, head) in index.heads() {
            let Some(head) = head else { continue };
            let named_by = format!("{context} {branch}");
            let root = follow(head, &named_by, &versions, options, now, &mut kept, &mut lines)?;
            report.roots.push(root);
            heads.push((head, context.to_string()));
        }
    }
    for (head, context) in heads {
        for (block, version) in library_versions(docs, head)? {
            if versions.damaged.contains(&version) && !headers.contains_key(&version) {
                return Err(versions.unreadable(version, &format!("{context} {block}")));
            }
            if headers.contains_key(&version) && kept.insert(version) {
                let (named_by, structure) = (format!("{context} {block}"), version.to_hex());
                report.roots.push(PruneRoot { named_by, structure, kept: 1 });
            }
        }
    }
    report.roots.sort();
    // A library's version may be named by several blocks, a structure by several courses.
    report.roots.dedup();
    let mut definitions = HashSet::new();
    for id in &kept {
        let bytes = docs.structure(*id)?;
        let Some(bytes) = bytes else { continue };
        for (_, _, view) in Structure::read(*id, bytes)?.blocks() {
            definitions.extend(view.definition()?);
        }
    }
    let mut ids: Vec<_> = headers.keys().copied().filter(|id| !kept.contains(id)).collect();
    ids.sort();
    for id in ids {
        if is_young(id, now, options.grace) {
            report.too_young += 1;
            // It may become a head, with what it leads to.
            if let Some(bytes) = docs.structure(id)? {
                for (_, _, view) in Structure::read(id, bytes)?.blocks() {
                    definitions.extend(view.definition()?);
                }
            }
            continue;
        }
        let proof = match lines.get(&id) {
            Some(line) => format!("{line} has {} newer versions", options.keep_versions + 1),
            None => "no branch leads to it".to_owned(),
        };
        let bytes = headers.get(&id).map_or(0, |(_, bytes)| *bytes);
        report.pruned.push(Pruned { kind: PrunedKind::Structure, id: id.to_hex(), bytes, proof });
    }
    let mut unused = Vec::new();
    docs.each_definition(&mut |id, bytes| {
        if definitions.contains(&id) {
            report.kept_definitions += 1;
        } else if is_young(id, now, options.grace) {
            report.too_young += 1;
        } else {
            let proof = "no version that stays has it".to_owned();
            unused.push(Pruned { kind: PrunedKind::Definition, id: id.to_hex(), bytes, proof });
        }
        Ok(())
    })?;
    unused.sort_by(|a, b| a.id.cmp(&b.id));
    report.pruned.extend(unused);
    let stays = |id: &ObjectId| kept.contains(id) || is_young(*id, now, options.grace);
    let files = published.find_files(docs, &stays, &|id| is_young(id, now, options.grace), &mut report)?;
    report.kept_structures = headers.keys().filter(|id| kept.contains(id)).count();
    report.pruned_bytes = report.pruned.iter().map(|pruned| pruned.bytes).sum();
    Ok((report, files))
}

/// The structures of a store.
struct Versions {
    /// What they say about themselves, and their sizes.
    headers: HashMap<ObjectId, (StructureHeader, u64)>,
    /// Those of dumps that were damaged and lie aside.
    damaged: HashSet<ObjectId>,
}

impl Versions {
    fn read(docs: &dyn DocumentReads) -> Result<Self, RuntimeError> {
        let (mut headers, mut damaged) = (HashMap::new(), HashSet::new());
        docs.each_header(&mut |header, bytes| {
            headers.insert(header.id, (header, bytes));
            Ok(())
        })?;
        docs.each_document(&Collection::Other(Collection::Structures.name()), &mut |document| {
            damaged.extend(document.get_object_id("_id").ok());
            Ok(())
        })?;
        Ok(Self { headers, damaged })
    }

    /// Names a version that stays and cannot be read.
    fn unreadable(&self, id: ObjectId, named_by: &str) -> RuntimeError {
        let how = if self.damaged.contains(&id) { "damaged" } else { "missing" };
        corrupt(format!("{named_by}, structure {id}"), format!("it stays and is {how}; nothing is taken out"))
    }
}

/// The published branches back to their oldest versions that are there.
#[derive(Default)]
struct PublishedLines {
    /// From the newest to the oldest.
    lines: Vec<Vec<ObjectId>>,
}

impl PublishedLines {
    fn add(&mut self, head: ObjectId, headers: &HashMap<ObjectId, (StructureHeader, u64)>) {
        let (mut line, mut seen, mut at) = (Vec::new(), HashSet::new(), Some(head));
        while let Some(id) = at.filter(|id| seen.insert(*id)) {
            let Some((header, _)) = headers.get(&id) else { break };
            line.push(id);
            at = header.previous_version;
        }
        self.lines.push(line);
    }

    /// Finds replaced files nobody can ask for: what a version replaced is seen in those before it on its branch only.
    fn find_files(
        &self,
        docs: &dyn DocumentReads,
        stays: &dyn Fn(&ObjectId) -> bool,
        is_young: &dyn Fn(ObjectId) -> bool,
        report: &mut PruneReport,
    ) -> Result<Vec<FileId>, RuntimeError> {
        let mut needed = HashSet::new();
        for line in &self.lines {
            let mut has_older = false;
            for id in line.iter().rev() {
                if has_older {
                    needed.insert(*id);
                }
                has_older |= stays(id);
            }
        }
        let mut files = Vec::new();
        docs.each_document(&Collection::Files(Bucket::Replaced), &mut |document| {
            let view = FileView::new(document);
            let until = document.get_document(OWN).ok().and_then(|own| own.get_object_id("until").ok());
            // What does not say until when it was there is damaged; the check names it.
            let Some(until) = until.filter(|until| !needed.contains(until)) else {
                report.kept_files += 1;
                return Ok(());
            };
            if is_young(until) {
                report.too_young += 1;
            } else {
                let id = FileId::of(document, "_id")?;
                let length = integer(document, "length", view.place()).ok().flatten().unwrap_or(0);
                let bytes = document.as_bytes().len() as u64 + length.unsigned_abs();
                let proof = format!("no version from before {until}, which replaced it, stays on its branch");
                let pruned = Pruned { kind: PrunedKind::File, id: id.value().to_string(), bytes, proof };
                files.push((pruned, id));
            }
            Ok(())
        })?;
        files.sort_by(|(_, a), (_, b)| a.cmp(b));
        let (pruned, ids): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        report.pruned.extend(pruned);
        Ok(ids)
    }
}

/// Follows a branch back: marks what stays, and remembers what was on its line.
fn follow(
    head: ObjectId,
    named_by: &str,
    versions: &Versions,
    options: &PruneOptions,
    now: DateTime<Utc>,
    kept: &mut BTreeSet<ObjectId>,
    lines: &mut BTreeMap<ObjectId, String>,
) -> Result<PruneRoot, RuntimeError> {
    let young = before(now, options.keep_younger).filter(|_| !options.keep_younger.is_zero());
    let (mut at, mut count, mut stays) = (Some(head), 0, 0);
    let mut seen = HashSet::new();
    while let Some(id) = at.filter(|id| seen.insert(*id)) {
        let Some((header, _)) = versions.headers.get(&id) else {
            // An older version may have been taken out before. One that is damaged is not gone: what was before it is
            // not known, nor when it was made, but by its id.
            let made = id.timestamp().timestamp_millis();
            let is_young = young.is_some_and(|limit| made >= limit.timestamp_millis());
            let would_stay = versions.damaged.contains(&id) && (count <= options.keep_versions || is_young);
            if count == 0 || would_stay {
                return Err(versions.unreadable(id, named_by));
            }
            break;
        };
        let is_young = header.edit_info.edited_on.is_some_and(|on| young.is_some_and(|limit| on >= limit));
        if count <= options.keep_versions || is_young {
            kept.insert(id);
            stays += 1;
        }
        lines.entry(id).or_insert_with(|| named_by.to_owned());
        count += 1;
        at = header.previous_version;
    }
    Ok(PruneRoot { named_by: named_by.to_owned(), structure: head.to_hex(), kept: stays })
}

/// Finds the versions of libraries that blocks of a structure were filled from.
fn library_versions(
    docs: &dyn DocumentReads,
    head: ObjectId,
) -> Result<Vec<(String, ObjectId)>, RuntimeError> {
    let Some(bytes) = docs.structure(head)? else { return Ok(Vec::new()) };
    let structure = Structure::read(head, bytes)?;
    let mut found = Vec::new();
    for (block_type, block_id, view) in structure.blocks() {
        let Some(fields) = view.fields()? else { continue };
        let version =
            fields.get(LIBRARY_VERSION).map_err(|error| corrupt(view.place().to_string(), error))?;
        let Some(version) = version.and_then(|version| version.as_str()) else { continue };
        if let Ok(version) = ObjectId::parse_str(version) {
            found.push((format!("{block_type}+{block_id}"), version));
        }
    }
    Ok(found)
}
