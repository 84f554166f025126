//! What writers that died left, found and done away with.

use bson::doc;
use bson::oid::ObjectId;
use bson::raw::{RawDocument, RawDocumentBuf};
use chrono::{TimeDelta, Utc};
use mongodb::options::FindOptions;
use xblock_core::runtime::RuntimeError;

use super::index::is_same;
use super::own;
use super::pending::Fate;
use super::session::{IndexChange, Session};
use crate::documents::{Bucket, CourseIndex, IndexKey, Structure, to_time};
use crate::store::{Collection, DocumentReads as _, IndexDifference, Leftover, LostHead};

/// How long something may be under way.
const GRACE: TimeDelta = TimeDelta::days(1);

/// Returns the time before which nothing is under way any more. The machine's clock dated it, too.
fn long_ago() -> bson::DateTime {
    to_time(Utc::now().checked_sub_signed(GRACE).unwrap_or_default())
}

impl Session<'_> {
    fn difference(
        &self,
        row: Option<&RawDocumentBuf>,
        document: Option<&RawDocumentBuf>,
    ) -> Result<IndexDifference, RuntimeError> {
        let any = row.or(document).expect("one of them is there, else there is no difference");
        let context = CourseIndex::read(any)?.context()?;
        let lost_heads = match (row, document) {
            (Some(row), Some(document)) => self.lost_heads(row, document)?,
            _ => Vec::new(),
        };
        let (is_in_table, is_in_collection) = (row.is_some(), document.is_some());
        Ok(IndexDifference { context, is_in_table, is_in_collection, lost_heads })
    }

    /// Lists the branches that only the collection leads to.
    pub(super) fn lost_heads(
        &self,
        row: &RawDocument,
        document: &RawDocument,
    ) -> Result<Vec<LostHead>, RuntimeError> {
        let row = CourseIndex::read(row)?;
        let document = match CourseIndex::read(document) {
            // It leads nowhere.
            Err(error) if error.is_damage() => return Ok(Vec::new()),
            read => read?,
        };
        let mut lost = Vec::new();
        for (branch, head) in document.heads() {
            let in_table = row.version(&branch);
            let Some(in_collection) = head.filter(|head| in_table != Some(*head)) else { continue };
            let is_lost = match in_table {
                Some(id) => !self.is_structure(id)?,
                None => true,
            };
            if is_lost && self.is_structure(in_collection)? {
                lost.push(LostHead { branch, in_table, in_collection });
            }
        }
        Ok(lost)
    }

    /// Says whether there is such a structure, and it can be read.
    fn is_structure(&self, id: ObjectId) -> Result<bool, RuntimeError> {
        match self.structure(id) {
            Ok(Some(bytes)) => Ok(Structure::read(id, bytes).is_ok()),
            Ok(None) => Ok(false),
            Err(error) if error.is_damage() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lists the contexts of which the table and the collection say different things.
    pub(super) fn index_differences(&self) -> Result<Vec<IndexDifference>, RuntimeError> {
        let differing = self.differing_indexes()?;
        let told = differing.iter().map(|(row, document)| self.difference(row.as_ref(), document.as_ref()));
        // A document that is no index is found among the indexes.
        told.filter(|told| !told.as_ref().is_err_and(RuntimeError::is_damage)).collect()
    }

    /// Lets the collection say what the table says of those that are `wanted`; returns which these were. Where the table has
    /// lost what the collection still leads to, nothing is changed.
    pub(super) fn mend_indexes(
        &self,
        wanted: &dyn Fn(&IndexDifference) -> bool,
    ) -> Result<Vec<IndexDifference>, RuntimeError> {
        let mut mended = Vec::new();
        for (row, document) in self.differing_indexes()? {
            let difference = match self.difference(row.as_ref(), document.as_ref()) {
                Err(error) if error.is_damage() => continue,
                told => told?,
            };
            let is_mended = difference.lost_heads.is_empty() && wanted(&difference);
            let Some(row) = row.filter(|_| is_mended) else { continue };
            let index = CourseIndex::read(&row)?;
            let (id, key): (_, IndexKey) = (index.id(), index.key().clone());
            // However far ahead the document says it is, and by whatever id, the table is what counts.
            if let Some(document) = document {
                let id = CourseIndex::read(&document)?.id();
                let gone = IndexChange { id, key: key.clone(), before: Some(document), after: None };
                self.follow_table(&gone)?;
            }
            self.follow_table(&IndexChange { id, key, before: None, after: Some(row.clone()) })?;
            // Servers pass over what is in the way of another document.
            if !self.filed_index(id)?.is_some_and(|filed| is_same(&filed, &row)) {
                let action = format!("bringing the course index of {} in line", difference.context);
                return Err(RuntimeError::storage(action, "the collection still says something else"));
            }
            mended.push(difference);
        }
        Ok(mended)
    }

    pub(super) fn find_leftovers(&self) -> Result<Vec<Leftover>, RuntimeError> {
        let mut found: Vec<_> = self.index_differences()?.into_iter().map(Leftover::Index).collect();
        for pending in self.pending(doc! {})? {
            let IndexKey { org, course, run } = &pending.key;
            let (id, context) = (pending.id, format!("{org}/{course}/{run}"));
            let is_old = id.timestamp() < long_ago();
            match self.fate(&pending)? {
                Fate::Made => found.push(Leftover::Commit { id, context }),
                Fate::Open | Fate::Void if is_old => found.push(Leftover::Attempt { id, context }),
                Fate::Open | Fate::Void => {}
            }
        }
        for bucket in Bucket::ALL {
            let count = self.lost_chunks(bucket)?.len() as u64;
            if count > 0 {
                found.push(Leftover::Chunks { bucket, count });
            }
        }
        Ok(found)
    }

    /// Finds chunks that were staged long ago, and that no commit is waiting for.
    fn lost_chunks(&self, bucket: Bucket) -> Result<Vec<ObjectId>, RuntimeError> {
        let ids = FindOptions::builder().projection(doc! { "_id": 1 }).build();
        let staged = doc! { own::STAGED: { "$lt": long_ago() } };
        let mut lost = std::collections::BTreeSet::new();
        self.each(&self.of(&Collection::Chunks(bucket)), staged, ids, &mut |chunk| {
            lost.extend(chunk.get_object_id("_id").ok());
            Ok(())
        })?;
        if !lost.is_empty() {
            for pending in self.pending(doc! { "has_files": true })? {
                for (_, file) in self.steps(pending.id)? {
                    for id in file.chunks {
                        lost.remove(&id);
                    }
                }
            }
        }
        Ok(lost.into_iter().collect())
    }

    pub(super) fn mend_leftover(&self, leftover: &Leftover) -> Result<bool, RuntimeError> {
        match leftover {
            Leftover::Index(difference) => {
                let mended = self.mend_indexes(&|found| found.context == difference.context)?;
                Ok(!mended.is_empty())
            }
            Leftover::Commit { id, .. } | Leftover::Attempt { id, .. } => {
                let found = self.pending(doc! { "_id": id })?;
                for pending in &found {
                    match self.fate(pending)? {
                        Fate::Made => self.do_rest(pending, None)?,
                        Fate::Open | Fate::Void => self.forget(pending)?,
                    }
                }
                Ok(!found.is_empty())
            }
            Leftover::Chunks { bucket, .. } => {
                let name = self.store.name(&Collection::Chunks(*bucket));
                let mut deleted = 0;
                for ids in self.lost_chunks(*bucket)?.chunks(super::files::IDS) {
                    let staged = doc! { "_id": { "$in": ids }, own::STAGED: { "$exists": true } };
                    deleted += self.delete(&name, staged)?;
                }
                Ok(deleted > 0)
            }
        }
    }
}
