//! Finding documents.

use std::ops::Range;

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use bson::{Bson, doc};
use chrono::{DateTime, Utc};
use mongodb::options::{FindOneOptions, FindOptions};
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{EditInfo, RuntimeError};

use super::damaged;
use super::own;
use super::session::Session;
use crate::documents::{
    Bucket, FileId, FileOwner, IndexKey, StructureHeader, corrupt, integer, object_id, text, time,
};
use crate::store::{Collection, ContentKind, DocumentReads, FeedEntry, Leftover, OLD_MONGO, SetAside};

/// How long courses of Old Mongo are taken to be as they were read, in seconds: other programs may edit them in place.
const OLD_COURSES_LAST: u64 = 5;

/// How many documents a server is to send at once: many of ours, which are small; contents, which mostly are; structures,
/// of which three of the biggest are more than a message may have. Not every server sees to it by itself that an answer
/// does not become too long.
const MANY: u32 = 500;
const SOME: u32 = 32;
const FEW: u32 = 2;
const CHUNKS: u32 = 16;

/// How many versions are asked for at once.
const ASKED: usize = 1000;

pub(super) fn plain() -> FindOptions {
    FindOptions::builder().batch_size(MANY).build()
}

/// Asks for documents that may be big.
pub(super) fn contents() -> FindOptions {
    FindOptions::builder().batch_size(SOME).build()
}

/// Asks for chunks, which are of a quarter or half a megabyte.
pub(super) fn chunks() -> FindOptions {
    FindOptions::builder().batch_size(CHUNKS).build()
}

/// Asks for documents that may be as big as documents can be.
pub(super) fn big() -> FindOptions {
    FindOptions::builder().batch_size(FEW).build()
}

fn id_of(document: &RawDocument, place: &str) -> Result<ObjectId, RuntimeError> {
    object_id(document, "_id", place)?.ok_or_else(|| corrupt(place, "it has no `_id`"))
}

impl Session<'_> {
    fn feed_entry(document: &RawDocument) -> Result<FeedEntry, RuntimeError> {
        const PLACE: &str = "an entry of the change feed";
        let missing = |name: &str| corrupt(PLACE, format!("it has no `{name}`"));
        Ok(FeedEntry {
            cursor: integer(document, "_id", PLACE)?.ok_or_else(|| missing("_id"))?.unsigned_abs(),
            context: text(document, "context", PLACE)?.ok_or_else(|| missing("context"))?.to_owned(),
            branch: text(document, "branch", PLACE)?.ok_or_else(|| missing("branch"))?.to_owned(),
            version: object_id(document, "version", PLACE)?.ok_or_else(|| missing("version"))?,
            edit_info: EditInfo {
                edited_on: time(document, "edited_on", PLACE)?,
                edited_by: integer(document, "edited_by", PLACE)?,
            },
        })
    }

    /// Returns the place of the newest entry as the feed stands.
    pub(super) fn last_cursor(&self) -> Result<u64, RuntimeError> {
        let feed = self.store.primary.collection::<RawDocumentBuf>(own::FEED);
        let options =
            FindOneOptions::builder().sort(doc! { "_id": -1 }).projection(doc! { "_id": 1 }).build();
        let last = self
            .store
            .run("reading the change feed", async { feed.find_one(doc! {}).with_options(options).await })?;
        match last {
            Some(last) => Ok(integer(&last, "_id", "the change feed")?.unwrap_or(0).unsigned_abs()),
            None => Ok(0),
        }
    }

    /// Hands documents over in the order of their ids, as the embedded store has it.
    fn each_in_order(
        &self,
        filter: bson::Document,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let collection = self.of(&Collection::Other(OLD_MONGO.to_owned()));
        let mut found = Vec::new();
        for document in self.many(&collection, filter, contents())? {
            found.push((FileId::of(&document, "_id")?, document));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.iter().try_for_each(|(_, document)| receive(document))
    }
}

impl DocumentReads for Session<'_> {
    fn leftovers(&self) -> Result<Vec<Leftover>, RuntimeError> {
        self.find_leftovers()
    }

    fn indexes(&self) -> Result<Vec<Result<RawDocumentBuf, RuntimeError>>, RuntimeError> {
        self.all_indexes()
    }

    fn indexes_anywhere(&self) -> Result<Vec<Result<RawDocumentBuf, RuntimeError>>, RuntimeError> {
        let mut found = self.all_indexes()?;
        if self.store.sql_index.is_some() {
            // The table counts; the collection may have courses of its own, or older heads.
            found.extend(self.filed_indexes()?.into_iter().map(Ok));
        }
        Ok(found)
    }

    fn twin(&self, key: &IndexKey) -> Result<Option<ContextKey>, RuntimeError> {
        self.store.sql_index.as_ref().map_or(Ok(None), |table| table.twin(key))
    }

    fn index(&self, key: &IndexKey) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        let staged = self
            .staged
            .borrow()
            .indexes
            .iter()
            .rev()
            .find(|change| change.key == *key)
            .map(|change| change.after.clone());
        if let Some(changed) = staged {
            return Ok(changed);
        }
        if let Some(known) = self.indexes.borrow().get(key) {
            return Ok(known.clone());
        }
        let found = if self.is_write { self.index_to_change(key)? } else { self.find_index(key)? };
        self.indexes.borrow_mut().insert(key.clone(), found.clone());
        Ok(found)
    }

    fn structure(&self, id: ObjectId) -> Result<Option<Vec<u8>>, RuntimeError> {
        if let Some(staged) = self.staged.borrow().structures.get(&id) {
            return Ok(Some(staged.as_bytes().to_vec()));
        }
        let found = self.content(&Collection::Structures, id, FindOneOptions::default())?;
        Ok(found.map(RawDocumentBuf::into_bytes))
    }

    fn header(&self, id: ObjectId) -> Result<Option<StructureHeader>, RuntimeError> {
        if let Some(staged) = self.staged.borrow().structures.get(&id) {
            return StructureHeader::read(staged).map(Some);
        }
        let fields = doc! { "previous_version": 1, "original_version": 1, "edited_on": 1, "edited_by": 1 };
        let options = FindOneOptions::builder().projection(fields).build();
        let found = self.content(&Collection::Structures, id, options)?;
        found.map(|found| StructureHeader::read(&found)).transpose()
    }

    fn each_header(
        &self,
        receive: &mut dyn FnMut(StructureHeader, u64) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        self.each(&self.of(&Collection::Structures), doc! {}, big(), &mut |document| {
            receive(StructureHeader::read(document)?, document.as_bytes().len() as u64)
        })
    }

    fn definition(&self, id: ObjectId) -> Result<Option<Vec<u8>>, RuntimeError> {
        if let Some(staged) = self.staged.borrow().definitions.get(&id) {
            return Ok(Some(staged.as_bytes().to_vec()));
        }
        let found = self.content(&Collection::Definitions, id, FindOneOptions::default())?;
        Ok(found.map(RawDocumentBuf::into_bytes))
    }

    fn each_definition(
        &self,
        receive: &mut dyn FnMut(ObjectId, u64) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        self.each(&self.of(&Collection::Definitions), doc! {}, contents(), &mut |document| {
            receive(id_of(document, "a definition")?, document.as_bytes().len() as u64)
        })
    }

    fn set_aside_content(&self) -> Result<Vec<SetAside>, RuntimeError> {
        const PLACE: &str = "a mark of what was set aside";
        let mut found = Vec::new();
        self.each(&self.collection(own::ASIDE), doc! {}, plain(), &mut |mark| {
            let kind = match text(mark, "kind", PLACE)? {
                Some("structure") => ContentKind::Structure,
                Some("definition") => ContentKind::Definition,
                _ => return Err(corrupt(PLACE, "it names no kind")),
            };
            found.push(SetAside {
                kind,
                id: id_of(mark, PLACE)?,
                since: time(mark, "since", PLACE)?.unwrap_or_default(),
                bytes: integer(mark, "bytes", PLACE)?.unwrap_or(0).unsigned_abs(),
            });
            Ok(())
        })?;
        found.sort_by_key(|one| (one.kind, one.id));
        Ok(found)
    }

    fn files_set_aside(&self) -> Result<Vec<FileId>, RuntimeError> {
        let mut found = Vec::new();
        self.each(&self.collection(own::ASIDE_FILES), doc! {}, plain(), &mut |mark| {
            found.push(FileId::of(mark, "_id")?);
            Ok(())
        })?;
        found.sort();
        Ok(found)
    }

    fn message(&self, id: ObjectId) -> Result<Option<String>, RuntimeError> {
        let found = self.find_one(&self.collection(own::MESSAGES), doc! { "_id": id })?;
        Ok(found.and_then(|found| found.get_str("message").ok().map(str::to_owned)))
    }

    fn files(&self, bucket: Bucket, owner: &FileOwner) -> Result<Vec<RawDocumentBuf>, RuntimeError> {
        self.files_of(bucket, owner)
    }

    fn file(&self, bucket: Bucket, id: &FileId) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        match self.changed_file(bucket, id)? {
            Some(changed) => Ok(changed),
            None => self.find_one(&self.of(&Collection::Files(bucket)), doc! { "_id": id.value() }),
        }
    }

    fn chunks(
        &self,
        bucket: Bucket,
        id: &FileId,
        receive: &mut dyn FnMut(&[u8]) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        self.some_chunks(bucket, id, 0..i32::MAX, receive)
    }

    fn some_chunks(
        &self,
        bucket: Bucket,
        id: &FileId,
        numbers: Range<i32>,
        receive: &mut dyn FnMut(&[u8]) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        self.each_chunk_of(bucket, id, numbers, &mut |chunk| match chunk.get("data") {
            Ok(Some(RawBsonRef::Binary(data))) => receive(data.bytes),
            _ => Err(corrupt(format!("file {}", id.value()), "one of its chunks has no data")),
        })
    }

    fn feed(&self, after: u64, limit: usize) -> Result<Vec<FeedEntry>, RuntimeError> {
        let feed = self.store.primary.collection(own::FEED);
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let options = FindOptions::builder()
            .sort(doc! { "_id": 1 })
            .limit(i64::try_from(limit.max(1)).unwrap_or(i64::MAX))
            .batch_size(MANY)
            .build();
        let mut entries = Vec::new();
        self.each(&feed, doc! { "_id": { "$gt": after } }, options, &mut |document| {
            entries.push(Self::feed_entry(document)?);
            Ok(())
        })?;
        entries.truncate(limit);
        Ok(entries)
    }

    fn feed_of(&self, versions: &[ObjectId]) -> Result<Vec<FeedEntry>, RuntimeError> {
        let feed = self.store.primary.collection(own::FEED);
        let mut found = Vec::new();
        for versions in versions.chunks(ASKED) {
            self.each(&feed, doc! { "version": { "$in": versions } }, plain(), &mut |document| {
                found.push(Self::feed_entry(document)?);
                Ok(())
            })?;
        }
        Ok(found)
    }

    fn feed_end(&self) -> Result<u64, RuntimeError> {
        // Every reader of the feed asks for its end first.
        self.announce_pending()?;
        self.last_cursor()
    }

    fn origin(&self, context: &str) -> Result<Option<Vec<u8>>, RuntimeError> {
        let options = FindOptions::builder().sort(doc! { "n": 1 }).batch_size(FEW).build();
        let pieces = self.many(&self.collection(own::ORIGINS), doc! { "context": context }, options)?;
        // The first piece is written last, so that an origin without one is not whole.
        let firsts = pieces.iter().filter(|piece| piece.get_i32("n").is_ok_and(|n| n == 0));
        let newest = firsts.max_by_key(|piece| piece.get_object_id("origin").ok());
        let Some(first) = newest.filter(|first| first.get_bool("kept").unwrap_or(true)) else {
            return Ok(None);
        };
        let origin = first.get_object_id("origin").ok();
        let mut packed = Vec::new();
        for piece in pieces.iter().filter(|piece| piece.get_object_id("origin").ok() == origin) {
            match piece.get("data") {
                Ok(Some(RawBsonRef::Binary(data))) => packed.extend_from_slice(data.bytes),
                _ => return Err(corrupt(format!("origin of {context}"), "a piece of it has no data")),
            }
        }
        Ok(Some(packed))
    }

    fn other_collections(&self) -> Result<Vec<String>, RuntimeError> {
        let mut names =
            self.store.run("listing collections", async { self.db.list_collection_names().await })?;
        let mut known = vec![
            self.store.name(&Collection::Indexes),
            self.store.name(&Collection::Structures),
            self.store.name(&Collection::Definitions),
        ];
        for bucket in Bucket::ALL {
            known.push(self.store.name(&Collection::Files(bucket)));
            known.push(self.store.name(&Collection::Chunks(bucket)));
        }
        names.retain(|name| {
            !known.contains(name) && !name.starts_with(own::PREFIX) && !name.starts_with(damaged::SYSTEM)
        });
        for name in &mut names {
            if name == self.store.url().prefix() {
                OLD_MONGO.clone_into(name);
            }
        }
        let is_other = |name: &String| Collection::named(name) == Collection::Other(name.clone());
        names.extend(self.damaged_collections()?.into_iter().filter(is_other));
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn other(&self, collection: &str, id: &FileId) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        let key = (collection.to_owned(), id.clone());
        let staged = self.staged.borrow();
        let root = || staged.old_roots.get(id).filter(|_| collection == OLD_MONGO);
        if let Some(staged) = staged.others.get(&key).or_else(root) {
            return Ok(Some(staged.clone()));
        }
        drop(staged);
        self.find_one(&self.of(&Collection::Other(collection.to_owned())), doc! { "_id": id.value() })
    }

    fn damaged(&self, collection: &str, key: &FileId) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        self.find_damaged(collection, key)
    }

    fn other_end(&self) -> Result<i64, RuntimeError> {
        // Nothing tells cheaply whether another program changed a document in place.
        Ok(i64::try_from(self.store.opened.elapsed().as_secs() / OLD_COURSES_LAST).unwrap_or(i64::MAX))
    }

    fn each_old_course(
        &self,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        self.each_in_order(doc! { "_id.category": "course" }, receive)
    }

    fn each_old_block(
        &self,
        org: &str,
        course: &str,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        self.each_in_order(doc! { "_id.org": org, "_id.course": course }, receive)
    }

    fn each_document(
        &self,
        collection: &Collection,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        if let (Collection::Indexes, Some(table)) = (collection, &self.store.sql_index) {
            return self.each_index_in_line(table, receive);
        }
        let filter = match collection {
            // What is beside those collections, and what cannot be in them.
            Collection::Other(name)
                if Collection::named(name) != *collection
                    || name.starts_with(damaged::SYSTEM)
                    || name.starts_with(own::PREFIX) =>
            {
                return self.each_damaged(name, receive);
            }
            Collection::Other(name) => {
                self.each(&self.of(collection), doc! {}, contents(), receive)?;
                return self.each_damaged(name, receive);
            }
            // Chunks that belong to no file yet are nobody's.
            Collection::Chunks(_) => doc! { own::STAGED: { "$exists": false } },
            _ => doc! {},
        };
        let options = match collection {
            Collection::Structures => big(),
            Collection::Chunks(_) => chunks(),
            Collection::Indexes => plain(),
            _ => contents(),
        };
        self.each(&self.of(collection), filter, options, receive)
    }
}

/// Returns a time as BSON has it, or null.
pub(super) fn time_bson(time: Option<DateTime<Utc>>) -> Bson {
    time.map_or(Bson::Null, |time| Bson::DateTime(crate::documents::to_time(time)))
}
