//! The course index, the one document that changes.

use bson::oid::ObjectId;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use xblock_core::runtime::RuntimeError;

use super::failure::{failed, is_duplicate};
use super::session::{IndexChange, Session, value};
use crate::documents::IndexKey;
use crate::store::Collection;

/// Says whether two documents say the same about the fields that are compared.
pub(super) fn is_same(a: &RawDocument, b: &RawDocument) -> bool {
    ["last_update", "versions"].into_iter().all(|name| value(a, name) == value(b, name))
}

impl Session<'_> {
    pub(super) fn find_index(&self, key: &IndexKey) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        let IndexKey { org, course, run } = key;
        let filter = doc! { "org": org, "course": course, "run": run };
        self.find_one(&self.of(&Collection::Indexes), filter)
    }

    /// Finds an index as it stands at the primary.
    pub(super) fn find_index_by_id(&self, id: ObjectId) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        let name = self.store.name(&Collection::Indexes);
        self.find_one(&self.store.primary.collection(&name), doc! { "_id": id })
    }

    /// Changes an index if it still is what was read; says whether it was. Where the answer gets lost, the index itself
    /// tells.
    pub(super) fn swap_index(&self, change: &IndexChange) -> Result<bool, RuntimeError> {
        let outcome = self.try_swap(change);
        let Err(error) = outcome else { return outcome };
        match (self.find_index_by_id(change.id), &change.after) {
            (Ok(Some(found)), Some(after)) if is_same(&found, after) => Ok(true),
            (Ok(None), None) => Ok(true),
            _ => Err(error),
        }
    }

    fn try_swap(&self, change: &IndexChange) -> Result<bool, RuntimeError> {
        let action = "changing a course index";
        let indexes = self.of(&Collection::Indexes);
        let store = self.store;
        match (&change.before, &change.after) {
            (None, Some(after)) => match store.attempt(action, async { indexes.insert_one(after).await })? {
                Err(error) if is_duplicate(&error) => Ok(false),
                outcome => outcome.map(|_| true).map_err(|error| failed(action, error)),
            },
            (Some(before), Some(after)) => {
                let filter = as_it_was(change.id, before);
                let done = store.run(action, async { indexes.replace_one(filter, after).await })?;
                Ok(done.matched_count == 1)
            }
            (Some(before), None) => {
                let filter = as_it_was(change.id, before);
                let done = store.run(action, async { indexes.delete_one(filter).await })?;
                Ok(done.deleted_count == 1)
            }
            (None, None) => Ok(true),
        }
    }
}

/// The platform compares `_id` and `last_update`; with the versions nothing is left to chance.
fn as_it_was(id: ObjectId, before: &RawDocument) -> Document {
    let mut filter = doc! { "_id": id };
    for name in ["last_update", "versions"] {
        filter.insert(name, value(before, name).unwrap_or_else(|| Bson::from(doc! { "$exists": false })));
    }
    filter
}
