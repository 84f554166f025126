//! The course index, the one document that changes.

use std::collections::{HashMap, HashSet};

use bson::oid::ObjectId;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use xblock_core::runtime::RuntimeError;

use super::failure::{failed, is_duplicate, may_be_made};
use super::reads::plain;
use super::session::{IndexChange, Session, value};
use super::sql_index::SqlIndex;
use crate::documents::IndexKey;
use crate::dump::kept_index;
use crate::store::Collection;

/// What the table says of an index, and what the collection says.
type RowAndDocument = (Option<RawDocumentBuf>, Option<RawDocumentBuf>);

/// The table beside the collection.
struct TableAndCollection {
    pairs: Vec<RowAndDocument>,
    /// The collection's documents of rows that cannot be read.
    of_damaged_rows: Vec<RawDocumentBuf>,
}

/// Says whether two documents say the same about the fields that are compared.
pub(super) fn is_same(a: &RawDocument, b: &RawDocument) -> bool {
    ["last_update", "versions"].into_iter().all(|name| value(a, name) == value(b, name))
}

fn key_parts(index: &RawDocument) -> [Option<String>; 3] {
    ["org", "course", "run"].map(|part| index.get_str(part).ok().map(str::to_owned))
}

fn parts(IndexKey { org, course, run }: IndexKey) -> [Option<String>; 3] {
    [org, course, run].map(Some)
}

fn slug(index: &RawDocument) -> &str {
    index.get_document("search_targets").and_then(|targets| targets.get_str("wiki_slug")).unwrap_or_default()
}

impl Session<'_> {
    pub(super) fn find_index(&self, key: &IndexKey) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        if let Some(table) = &self.store.sql_index {
            return table.find(key, |id| self.filed_index(id));
        }
        let IndexKey { org, course, run } = key;
        let filter = doc! { "org": org, "course": course, "run": run };
        self.find_one(&self.of(&Collection::Indexes), filter)
    }

    /// Finds an index as it stands at the primary.
    pub(super) fn find_index_by_id(&self, id: ObjectId) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        match &self.store.sql_index {
            Some(table) => table.find_by_id(id, |id| self.filed_index(id)),
            None => self.filed_index(id),
        }
    }

    /// Finds the document of the collection, which a table of indexes may be ahead of.
    pub(super) fn filed_index(&self, id: ObjectId) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        let name = self.store.name(&Collection::Indexes);
        self.find_one(&self.store.primary.collection(&name), doc! { "_id": id })
    }

    /// Lists the documents of the collection.
    pub(super) fn filed_indexes(&self) -> Result<Vec<RawDocumentBuf>, RuntimeError> {
        self.many(&self.of(&Collection::Indexes), doc! {}, plain())
    }

    /// Finds the id under which the collection has an index that the table has no row for.
    pub(super) fn filed_id(&self, key: &IndexKey) -> Result<Option<ObjectId>, RuntimeError> {
        let Some(table) = &self.store.sql_index else { return Ok(None) };
        let IndexKey { org, course, run } = key;
        let filter = doc! { "org": org, "course": course, "run": run };
        let filed = self.find_one(&self.of(&Collection::Indexes), filter)?;
        let Some(id) = filed.and_then(|filed| filed.get_object_id("_id").ok()) else { return Ok(None) };
        Ok(table.find_by_id(id, |_| Ok(None))?.is_none().then_some(id))
    }

    pub(super) fn all_indexes(&self) -> Result<Vec<Result<RawDocumentBuf, RuntimeError>>, RuntimeError> {
        let filed = self.filed_indexes()?;
        let mut found = match &self.store.sql_index {
            Some(table) => table.all(&filed)?,
            None => filed.into_iter().map(Ok).collect(),
        };
        self.each_damaged(&Collection::Indexes.name(), &mut |damaged| {
            found.push(kept_index(damaged));
            Ok(())
        })?;
        Ok(found)
    }

    /// Puts what the table has beside what the collection has.
    fn rows_and_documents(&self, table: &SqlIndex) -> Result<TableAndCollection, RuntimeError> {
        let filed = self.filed_indexes()?;
        // Those that cannot be read are found among the indexes themselves.
        let rows: Vec<_> = table.all(&filed)?.into_iter().flatten().collect();
        let damaged: Vec<_> = table.damaged_keys()?.into_iter().map(parts).collect();
        let (mut by_id, mut by_key) = (HashMap::new(), HashMap::new());
        for (at, row) in rows.iter().enumerate() {
            by_id.insert(row.get_object_id("_id").ok(), at);
            by_key.insert(key_parts(row), at);
        }
        let (mut pairs, mut of_damaged_rows) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for document in filed {
            // Whoever made both apart from each other gave them ids of their own.
            let id = document.get_object_id("_id").ok();
            match by_id.get(&id).or_else(|| by_key.get(&key_parts(&document))).copied() {
                Some(at) => {
                    seen.insert(at);
                    pairs.push((Some(rows[at].clone()), Some(document)));
                }
                None if damaged.contains(&key_parts(&document)) => of_damaged_rows.push(document),
                None => pairs.push((None, Some(document))),
            }
        }
        let unseen = rows.into_iter().enumerate().filter(|(at, _)| !seen.contains(at));
        pairs.extend(unseen.map(|(_, row)| (Some(row), None)));
        Ok(TableAndCollection { pairs, of_damaged_rows })
    }

    /// Lists the contexts whose document in the collection does not say what the table says.
    pub(super) fn differing_indexes(&self) -> Result<Vec<RowAndDocument>, RuntimeError> {
        let Some(table) = &self.store.sql_index else { return Ok(Vec::new()) };
        let TableAndCollection { mut pairs, .. } = self.rows_and_documents(table)?;
        pairs.retain(|pair| match pair {
            (Some(row), Some(document)) => {
                !is_same(row, document)
                    || ["_id", "org", "course", "run"]
                        .iter()
                        .any(|name| value(row, name) != value(document, name))
                    || slug(row) != slug(document)
            }
            _ => true,
        });
        Ok(pairs)
    }

    /// Gives the indexes as documents of the collection that says what the table says. What only the collection has, or
    /// leads to, is taken from there.
    pub(super) fn each_index_in_line(
        &self,
        table: &SqlIndex,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let TableAndCollection { pairs, of_damaged_rows } = self.rows_and_documents(table)?;
        for pair in &pairs {
            match pair {
                (Some(row), Some(document)) if !self.lost_heads(row, document)?.is_empty() => {
                    receive(document)?
                }
                (Some(index), _) | (None, Some(index)) => receive(index)?,
                (None, None) => {}
            }
        }
        of_damaged_rows.iter().try_for_each(|document| receive(document))
    }

    /// Lets the collection say what the table says, unless it is ahead by then.
    pub(super) fn follow_table(&self, change: &IndexChange) -> Result<(), RuntimeError> {
        let indexes = self.of(&Collection::Indexes);
        let action = "bringing a course index in line with the table";
        let filter = match &change.after {
            Some(after) => {
                let time = value(after, "last_update").unwrap_or(Bson::Null);
                doc! {
                    "_id": change.id,
                    "$or": [{ "last_update": { "$lte": time } }, { "last_update": { "$exists": false } }],
                }
            }
            None => doc! { "_id": change.id },
        };
        match &change.after {
            None => self.store.run(action, async { indexes.delete_one(filter).await }).map(drop),
            Some(after) => {
                let replaced = self.store.run(action, async { indexes.replace_one(filter, after).await })?;
                if replaced.matched_count == 0 {
                    self.add(&self.store.name(&Collection::Indexes), vec![after.clone()])?;
                }
                Ok(())
            }
        }
    }

    /// Changes an index if it still is what was read; says whether it was. Where the answer gets lost, the index itself
    /// tells.
    pub(super) fn swap_index(&self, change: &IndexChange) -> Result<bool, RuntimeError> {
        if let Some(table) = &self.store.sql_index {
            let is_done = table.swap(change)?;
            if is_done {
                // The table is what counts; the next change, or a repair, brings the collection in line.
                let _ = self.follow_table(change);
            }
            return Ok(is_done);
        }
        let outcome = self.try_swap(change);
        let Err(error) = outcome else { return outcome };
        match (self.find_index_by_id(change.id), &change.after) {
            (Ok(Some(found)), Some(after)) if is_same(&found, after) => Ok(true),
            (Ok(None), None) => Ok(true),
            _ => Err(may_be_made(error)),
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
