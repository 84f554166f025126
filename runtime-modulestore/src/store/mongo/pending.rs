//! Commits that are being made, and those whose committer died.
//!
//! A document in `xblock_runtime.pending` is written before the course index is changed. It says which index is to be
//! changed from what to what, which structures the commit made, what the change feed is to tell and how many steps with
//! static files are to follow (`xblock_runtime.file_steps`). It needs no mark to become valid: structure ids are made
//! once, so a commit was made exactly if one of its structures is the head of a branch or an ancestor of it. It never
//! will be where the index is neither what it was nor came from it. Else nobody knows yet, and nobody needs to.
//!
//! What follows a commit may be done by anybody and twice. Entries of the feed are numbered by inserting them after the
//! last one, each once by a unique index; steps with files are done by one at a time, who holds a lease in the document.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use chrono::{TimeDelta, Utc};
use mongodb::options::FindOptions;
use xblock_core::runtime::{EditInfo, RuntimeError};

use super::failure::{failed, is_duplicate};
use super::files::{OverlaidFile, Overlay};
use super::index::is_same;
use super::own;
use super::reads::time_bson;
use super::session::{Announcement, IndexChange, Session, StagedFile, gather, value};
use crate::documents::{Bucket, FileId, IndexKey, corrupt, to_document};
use crate::store::{Collection, DocumentReads, StoreMode};

/// How much longer a lease lasts than any operation of its holder, who renews it before each file.
const MARGIN: Duration = Duration::from_secs(1);
/// How long is waited between two looks at another's lease.
const PAUSE: Duration = Duration::from_millis(25);
/// How far back a commit is looked for among the ancestors of a head.
const ANCESTORS: usize = 10_000;

const PLACE: &str = "a commit that is not done";

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its index was changed.
    Made,
    /// It may still be made.
    Open,
    /// It never will be.
    Void,
}

/// Returns what stands for all runs of a course, which with old keys share their files.
fn owner(key: &IndexKey) -> String {
    format!("{}/{}", key.org, key.course)
}

fn versions_of(document: &RawDocument) -> Vec<ObjectId> {
    let Ok(versions) = document.get_document("versions") else { return Vec::new() };
    versions
        .iter()
        .filter_map(|version| match version {
            Ok((_, RawBsonRef::ObjectId(id))) => Some(id),
            _ => None,
        })
        .collect()
}

fn raw(document: &Document) -> Result<RawDocumentBuf, RuntimeError> {
    RawDocumentBuf::try_from(document)
        .map_err(|error| RuntimeError::Unstorable { place: PLACE.to_owned(), reason: error.to_string() })
}

/// What a commit does to one file.
type Step = ((Bucket, FileId), OverlaidFile);

/// What a document about a commit says.
pub(super) struct Pending {
    pub(super) id: ObjectId,
    index: ObjectId,
    pub(super) key: IndexKey,
    /// What the index was; nothing for one that was to be made.
    base: Option<RawDocumentBuf>,
    made: Vec<ObjectId>,
    feed: Vec<Announcement>,
    has_files: bool,
}

impl Pending {
    fn read(document: &RawDocument) -> Result<Self, RuntimeError> {
        let id = |name: &str| document.get_object_id(name).map_err(|error| corrupt(PLACE, error));
        let part =
            |name: &str| document.get_str(name).map(str::to_owned).map_err(|error| corrupt(PLACE, error));
        let mut feed = Vec::new();
        for entry in document.get_array("feed").map_err(|error| corrupt(PLACE, error))? {
            let entry = entry.ok().and_then(|entry| entry.as_document());
            let entry = entry.ok_or_else(|| corrupt(PLACE, "an entry is no document"))?;
            let text = |name| entry.get_str(name).map(str::to_owned).map_err(|error| corrupt(PLACE, error));
            feed.push(Announcement {
                context: text("context")?,
                branch: text("branch")?,
                version: entry.get_object_id("version").map_err(|error| corrupt(PLACE, error))?,
                edit_info: EditInfo {
                    edited_on: crate::documents::time(entry, "edited_on", PLACE)?,
                    edited_by: crate::documents::integer(entry, "edited_by", PLACE)?,
                },
            });
        }
        let made = document.get_array("made").map_err(|error| corrupt(PLACE, error))?;
        Ok(Self {
            id: id("_id")?,
            index: id("index")?,
            key: IndexKey { org: part("org")?, course: part("course")?, run: part("run")? },
            base: document.get_document("base").ok().map(RawDocument::to_owned),
            made: made.into_iter().filter_map(|id| id.ok().and_then(|id| id.as_object_id())).collect(),
            feed,
            has_files: document.get_bool("has_files").unwrap_or(false),
        })
    }
}

/// Makes the document about a commit.
fn document(
    id: ObjectId,
    change: &IndexChange,
    feed: &[Announcement],
    has_files: bool,
    patience: Duration,
) -> Result<RawDocumentBuf, RuntimeError> {
    let before = change.before.as_deref().map(versions_of).unwrap_or_default();
    let after = change.after.as_deref().map(versions_of).unwrap_or_default();
    let mut made: Vec<_> = after.into_iter().filter(|version| !before.contains(version)).collect();
    made.extend(feed.iter().map(|entry| entry.version).filter(|version| !before.contains(version)));
    let base = change.before.as_deref().map(|before| {
        let compared = ["last_update", "versions"];
        compared
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), value(before, name)?)))
            .collect::<Document>()
    });
    let feed: Vec<Bson> = feed.iter().map(|entry| announcement_document(entry).into()).collect();
    raw(&doc! {
        "_id": id,
        "owner": owner(&change.key),
        "index": change.id,
        "org": &change.key.org,
        "course": &change.key.course,
        "run": &change.key.run,
        "base": base,
        "made": made,
        "feed": feed,
        "has_files": has_files,
        "lease": lease(id, patience),
    })
}

fn announcement_document(entry: &Announcement) -> Document {
    doc! {
        "context": &entry.context,
        "branch": &entry.branch,
        "version": entry.version,
        "edited_on": time_bson(entry.edit_info.edited_on),
        "edited_by": entry.edit_info.edited_by,
    }
}

fn lease(holder: ObjectId, patience: Duration) -> Document {
    let length = TimeDelta::from_std(patience + MARGIN).unwrap_or(TimeDelta::MAX);
    doc! { "by": holder, "until": time_bson(Utc::now().checked_add_signed(length)) }
}

impl Session<'_> {
    pub(super) fn pending(&self, filter: Document) -> Result<Vec<Pending>, RuntimeError> {
        let collection = self.store.primary.collection(own::PENDING);
        let options = FindOptions::builder().sort(doc! { "_id": 1 }).build();
        self.many(&collection, filter, options)?.iter().map(|document| Pending::read(document)).collect()
    }

    pub(super) fn fate(&self, pending: &Pending) -> Result<Fate, RuntimeError> {
        let Some(index) = self.find_index_by_id(pending.index)? else {
            // An index of this name that another made keeps this one from being made.
            let is_open = pending.base.is_none() && self.find_index(&pending.key)?.is_none();
            return Ok(if is_open { Fate::Open } else { Fate::Void });
        };
        let Some(base) = &pending.base else { return Ok(Fate::Made) };
        if is_same(&index, base) {
            return Ok(Fate::Open);
        }
        let made: HashSet<_> = pending.made.iter().copied().collect();
        for head in versions_of(&index) {
            let mut at = Some(head);
            let mut seen = HashSet::new();
            while let Some(id) = at.filter(|id| seen.len() < ANCESTORS && seen.insert(*id)) {
                if made.contains(&id) {
                    return Ok(Fate::Made);
                }
                // No commit that is not done can be older than what it was made on.
                if versions_of(base).contains(&id) {
                    break;
                }
                at = self.header(id)?.and_then(|header| header.previous_version);
            }
        }
        Ok(Fate::Void)
    }

    /// Sends content, and says what is to follow the commit that it is for.
    pub(super) fn prepare(
        &self,
        change: &IndexChange,
        feed: &[Announcement],
        files: &[((Bucket, FileId), StagedFile)],
    ) -> Result<Pending, RuntimeError> {
        let commit = ObjectId::new();
        let mut steps = Vec::new();
        for (n, ((bucket, id), file)) in files.iter().enumerate() {
            let mut step = doc! {
                "_id": ObjectId::new(),
                "commit": commit,
                "n": i64::try_from(n).unwrap_or(i64::MAX),
                "bucket": bucket.name(),
                "file": id.value(),
                "chunks": file.chunks.clone(),
            };
            if let Some(document) = &file.document {
                let document = to_document(document).map_err(|error| corrupt(PLACE, error))?;
                step.insert("document", document);
            }
            steps.push(raw(&step)?);
        }
        let document = document(commit, change, feed, !files.is_empty(), self.store.url().patience())?;
        let pending = Pending::read(&document)?;
        if let Err(error) = self.send_content_with(vec![document], steps) {
            // Nobody will make it; where the server is gone that is found out later.
            let _ = self.forget(&pending);
            return Err(error);
        }
        Ok(pending)
    }

    /// Does what follows a commit that this process made.
    pub(super) fn follow_up(&self, pending: &Pending) -> Result<(), RuntimeError> {
        self.do_rest(pending, Some(pending.id))
    }

    pub(super) fn do_rest(&self, pending: &Pending, holder: Option<ObjectId>) -> Result<(), RuntimeError> {
        self.announce(pending.id, &pending.feed)?;
        if pending.has_files {
            let holder = match holder {
                Some(holder) => holder,
                None => match self.take_lease(pending.id)? {
                    Some(holder) => holder,
                    // Whoever held it is done.
                    None => return Ok(()),
                },
            };
            self.take_steps(pending.id, holder)?;
            self.delete(own::STEPS, doc! { "commit": pending.id })?;
        }
        self.delete(own::PENDING, doc! { "_id": pending.id }).map(drop)
    }

    /// Waits for the lease of a commit; nothing where it is done meanwhile.
    fn take_lease(&self, commit: ObjectId) -> Result<Option<ObjectId>, RuntimeError> {
        let holder = ObjectId::new();
        let start = Instant::now();
        let limit = self.store.url().patience() * 3 + MARGIN;
        let collection = self.store.primary.collection::<RawDocumentBuf>(own::PENDING);
        loop {
            let free = doc! { "_id": commit, "lease.until": { "$lt": time_bson(Some(Utc::now())) } };
            let update = doc! { "$set": { "lease": lease(holder, self.store.url().patience()) } };
            let action = "taking over a commit";
            let taken = self.store.run(action, async { collection.update_one(free, update).await })?;
            if taken.matched_count == 1 {
                return Ok(Some(holder));
            }
            if self.pending(doc! { "_id": commit })?.is_empty() {
                return Ok(None);
            }
            if start.elapsed() > limit {
                let begun = commit.timestamp().try_to_rfc3339_string().unwrap_or_default();
                let reason = format!(
                    "another writer has not finished its commit {commit}, begun at {begun}, and held it for {} s more than \
                     it may stand still (timeoutMS)",
                    start.elapsed().as_secs()
                );
                return Err(RuntimeError::storage(action, reason));
            }
            thread::sleep(PAUSE);
        }
    }

    fn take_steps(&self, commit: ObjectId, holder: ObjectId) -> Result<(), RuntimeError> {
        let pending = self.store.primary.collection::<RawDocumentBuf>(own::PENDING);
        let renewal = self.store.url().patience() / 3;
        let mut renewed = Instant::now();
        for step in self.steps(commit)? {
            if renewed.elapsed() > renewal {
                let mine = doc! { "_id": commit, "lease.by": holder };
                let update = doc! { "$set": { "lease": lease(holder, self.store.url().patience()) } };
                let action = "renewing a lease";
                let kept = self.store.run(action, async { pending.update_one(mine, update).await })?;
                if kept.matched_count == 0 {
                    return Err(RuntimeError::storage(action, "another writer took the commit over"));
                }
                renewed = Instant::now();
            }
            let (bucket, id) = &step.0;
            self.put_file_in_place(*bucket, &id.value(), step.1.document, &step.1.chunks)?;
        }
        Ok(())
    }

    pub(super) fn steps(&self, commit: ObjectId) -> Result<Vec<Step>, RuntimeError> {
        let collection = self.store.primary.collection(own::STEPS);
        let options = FindOptions::builder().sort(doc! { "n": 1 }).build();
        let mut steps = Vec::new();
        self.each(&collection, doc! { "commit": commit }, options, &mut |step| {
            let bucket = step.get_str("bucket").ok();
            let bucket = Bucket::ALL.into_iter().find(|known| Some(known.name()) == bucket);
            let bucket = bucket.ok_or_else(|| corrupt(PLACE, "a step names no bucket"))?;
            let chunks = step.get_array("chunks").map_err(|error| corrupt(PLACE, error))?;
            steps.push((
                (bucket, FileId::of(step, "file")?),
                OverlaidFile {
                    document: step.get_document("document").ok().map(RawDocument::to_owned),
                    chunks: chunks
                        .into_iter()
                        .filter_map(|id| id.ok().and_then(|id| id.as_object_id()))
                        .collect(),
                },
            ));
            Ok(())
        })?;
        Ok(steps)
    }

    /// Adds a commit's entries to the feed, each once.
    pub(super) fn announce(&self, commit: ObjectId, entries: &[Announcement]) -> Result<(), RuntimeError> {
        self.add_to_feed((0..).zip(entries).map(|(n, entry)| (commit.into(), n, entry)).collect())
    }

    /// Adds entries of versions that no commit of ours made, each once: what they tell of is what names them.
    pub(super) fn announce_others(&self, entries: &[Announcement]) -> Result<(), RuntimeError> {
        let name = |entry: &Announcement| format!("{} {} {}", entry.context, entry.branch, entry.version);
        self.add_to_feed(entries.iter().map(|entry| (name(entry).into(), 0, entry)).collect())
    }

    /// Adds entries by the names of their commits and their numbers there: the next place is free for one only.
    fn add_to_feed(&self, mut left: Vec<(Bson, i32, &Announcement)>) -> Result<(), RuntimeError> {
        let action = "adding to the change feed";
        let feed = self.store.primary.collection::<RawDocumentBuf>(own::FEED);
        while !left.is_empty() {
            let last = i64::try_from(self.last_cursor()?).unwrap_or(i64::MAX);
            let mut documents = Vec::new();
            for (place, (commit, n, entry)) in (last.saturating_add(1)..).zip(&left) {
                let mut document = doc! { "_id": place, "commit": commit, "entry": n };
                document.extend(announcement_document(entry));
                documents.push(raw(&document)?);
            }
            // In order: one is added only after that before it, so that no place is left free.
            match self.store.attempt(action, async { feed.insert_many(&documents).ordered(true).await })? {
                Ok(_) => return Ok(()),
                Err(error) if is_duplicate(&error) => {
                    let options = FindOptions::builder().projection(doc! { "commit": 1, "entry": 1 }).build();
                    let commits: Vec<_> = left.iter().map(|(commit, ..)| commit.clone()).collect();
                    let there = self.many(&feed, doc! { "commit": { "$in": commits } }, options)?;
                    left.retain(|(commit, n, _)| {
                        !there.iter().any(|entry| {
                            value(entry, "commit").as_ref() == Some(commit)
                                && entry.get_i32("entry").is_ok_and(|found| found == *n)
                        })
                    });
                }
                Err(error) => return Err(failed(action, error)),
            }
        }
        Ok(())
    }

    /// Forgets a commit that will not be made, with what it had written of files.
    pub(super) fn forget(&self, pending: &Pending) -> Result<(), RuntimeError> {
        if pending.has_files {
            for ((bucket, _), file) in self.steps(pending.id)? {
                let chunks = self.store.name(&Collection::Chunks(bucket));
                for ids in file.chunks.chunks(super::files::IDS) {
                    let staged = doc! { "_id": { "$in": ids }, own::STAGED: { "$exists": true } };
                    self.delete(&chunks, staged)?;
                }
            }
            self.delete(own::STEPS, doc! { "commit": pending.id })?;
        }
        self.delete(own::PENDING, doc! { "_id": pending.id }).map(drop)
    }

    /// Finds an index that is to be changed, after what earlier commits in its course left is done.
    pub(super) fn index_to_change(&self, key: &IndexKey) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        if self.store.sql_index.is_some() {
            self.finish_pending(key)?;
            return self.find_index(key);
        }
        // Mostly nothing is left, so that both are asked for at once.
        let pending = self.store.primary.collection(own::PENDING);
        let indexes = self.of(&Collection::Indexes);
        let owned = doc! { "owner": owner(key) };
        let filter = doc! { "org": &key.org, "course": &key.course, "run": &key.run };
        let both = async {
            Ok(tokio::join!(gather(pending, owned, FindOptions::default()), indexes.find_one(filter)))
        };
        let action = "reading the store";
        let (left, found) = self.store.run(action, both)?;
        if left.map_err(|error| failed(action, error))?.is_empty() {
            return found.map_err(|error| failed(action, error));
        }
        self.finish_pending(key)?;
        self.find_index(key)
    }

    /// Does what earlier commits in a course left, before another one is made there.
    pub(super) fn finish_pending(&self, key: &IndexKey) -> Result<(), RuntimeError> {
        for pending in self.pending(doc! { "owner": owner(key) })? {
            match self.fate(&pending)? {
                Fate::Made => self.do_rest(&pending, None)?,
                Fate::Void => self.forget(&pending)?,
                Fate::Open => {}
            }
        }
        Ok(())
    }

    /// Adds the entries of commits that were made to the feed, where nobody did so yet.
    pub(super) fn announce_pending(&self) -> Result<(), RuntimeError> {
        if self.store.mode == StoreMode::ReadOnly {
            return Ok(());
        }
        for pending in self.pending(doc! {})? {
            if self.fate(&pending)? == Fate::Made {
                self.announce(pending.id, &pending.feed)?;
                if !pending.has_files {
                    self.delete(own::PENDING, doc! { "_id": pending.id })?;
                }
            }
        }
        Ok(())
    }

    /// Reads what commits that were made have not done to static files yet.
    pub(super) fn read_overlay(&self) -> Result<Overlay, RuntimeError> {
        let mut overlay = Overlay::default();
        for pending in self.pending(doc! { "has_files": true })? {
            if self.fate(&pending)? == Fate::Made {
                overlay.files.extend(self.steps(pending.id)?);
            }
        }
        Ok(overlay)
    }
}
