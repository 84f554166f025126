//! Where the documents lie. The runtime above decides what they say; a store only keeps and finds them.

mod collection;
mod leftover;
mod mongo;
mod sqlite;

use std::ops::Range;
use std::time::Duration;

use bson::oid::ObjectId;
use bson::raw::{RawDocument, RawDocumentBuf};
use chrono::{DateTime, Utc};
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{EditInfo, RuntimeError};

use crate::documents::{Bucket, FileId, FileOwner, IndexKey, Structure, StructureHeader};

pub(crate) use collection::BOOKKEEPING;
pub use collection::{Collection, OLD_MONGO};
pub use leftover::{IndexDifference, Leftover, LostHead};
pub use mongo::{IndexPlace, MongoLogin, MongoStore, MongoUrl, MongoUrlError, MysqlIndexPlace};
pub use sqlite::{SqliteStore, StoreMode};

/// Keeps documents. Structures and definitions are only ever added; the course index is the one document that changes.
pub trait DocumentStore: Send + Sync {
    /// Opens a view of the store that does not change while it is held.
    ///
    /// # Errors
    /// The medium's.
    fn read(&self) -> Result<Box<dyn DocumentReads + '_>, RuntimeError>;

    /// Opens a transaction; nothing of it is seen, or kept, until it is committed.
    ///
    /// # Errors
    /// [`RuntimeError::ReadOnly`], and the medium's.
    fn write(&self) -> Result<Box<dyn DocumentWrites + '_>, RuntimeError>;

    /// Returns how long a writer whom others overtake may begin anew. In a store with locks nobody is overtaken.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }
}

/// One entry of the change feed as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedEntry {
    /// Its place; counted up from 1.
    pub cursor: u64,
    /// The context, as text.
    pub context: String,
    /// The branch's name.
    pub branch: String,
    /// The structure the branch is at now.
    pub version: ObjectId,
    /// Who changed it and when.
    pub edit_info: EditInfo,
}

/// What a structure or definition that was set aside is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContentKind {
    /// A structure.
    Structure,
    /// A definition.
    Definition,
}

/// A structure or definition that was taken out of its collection and can be put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// What it is.
    pub kind: ContentKind,
    /// Its id.
    pub id: ObjectId,
    /// When it was taken out.
    pub since: DateTime<Utc>,
    /// How long its document is.
    pub bytes: u64,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Everything is seen and kept.
    Kept,
    /// Another writer changed or made the same course index meanwhile, so that nothing was changed. Only stores without
    /// locks end so.
    Overtaken,
}

/// A file that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileHandle(pub(crate) i64);

/// Finds documents.
pub trait DocumentReads {
    /// Lists what writers that died left half done, and what two places say differently.
    ///
    /// # Errors
    /// The medium's.
    fn leftovers(&self) -> Result<Vec<Leftover>, RuntimeError>;

    /// Returns every course index.
    ///
    /// # Errors
    /// The medium's.
    fn indexes(&self) -> Result<Vec<Result<RawDocumentBuf, RuntimeError>>, RuntimeError>;

    /// Returns every course index, and, of a store with two places for them, also what the one says that does not count:
    /// whoever goes by that still needs what it names.
    ///
    /// # Errors
    /// The medium's.
    fn indexes_anywhere(&self) -> Result<Vec<Result<RawDocumentBuf, RuntimeError>>, RuntimeError> {
        self.indexes()
    }

    /// Finds a context that the medium takes for this one though its key is another, so that there is no room for both.
    ///
    /// # Errors
    /// The medium's.
    fn twin(&self, _key: &IndexKey) -> Result<Option<ContextKey>, RuntimeError> {
        Ok(None)
    }

    /// Finds a course index.
    ///
    /// # Errors
    /// The medium's.
    fn index(&self, key: &IndexKey) -> Result<Option<RawDocumentBuf>, RuntimeError>;

    /// Finds a structure's bytes.
    ///
    /// # Errors
    /// The medium's.
    fn structure(&self, id: ObjectId) -> Result<Option<Vec<u8>>, RuntimeError>;

    /// Finds a structure's bytes; a store that reads them piece by piece shows after each what is there so far.
    ///
    /// # Errors
    /// The medium's.
    fn structure_as_it_comes(
        &self,
        id: ObjectId,
        _seen: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Vec<u8>>, RuntimeError> {
        self.structure(id)
    }

    /// Finds what a structure says about itself, without its blocks.
    ///
    /// # Errors
    /// The medium's.
    fn header(&self, id: ObjectId) -> Result<Option<StructureHeader>, RuntimeError>;

    /// Hands what every structure says about itself over, with the length of its document.
    ///
    /// # Errors
    /// The medium's, and the receiver's.
    fn each_header(
        &self,
        receive: &mut dyn FnMut(StructureHeader, u64) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError>;

    /// Finds a definition's bytes.
    ///
    /// # Errors
    /// The medium's.
    fn definition(&self, id: ObjectId) -> Result<Option<Vec<u8>>, RuntimeError>;

    /// Hands the id of every definition over, with the length of its document.
    ///
    /// # Errors
    /// The medium's, and the receiver's.
    fn each_definition(
        &self,
        receive: &mut dyn FnMut(ObjectId, u64) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError>;

    /// Lists the structures and definitions that were set aside, in the order of kinds and ids.
    ///
    /// # Errors
    /// The medium's.
    fn set_aside_content(&self) -> Result<Vec<SetAside>, RuntimeError>;

    /// Lists the replaced static files that were set aside, in the order of their ids.
    ///
    /// # Errors
    /// The medium's.
    fn files_set_aside(&self) -> Result<Vec<FileId>, RuntimeError>;

    /// Finds what an author said about a structure.
    ///
    /// # Errors
    /// The medium's.
    fn message(&self, id: ObjectId) -> Result<Option<String>, RuntimeError>;

    /// Returns an owner's files in a bucket, in no order.
    ///
    /// # Errors
    /// The medium's.
    fn files(&self, bucket: Bucket, owner: &FileOwner) -> Result<Vec<RawDocumentBuf>, RuntimeError>;

    /// Finds a file.
    ///
    /// # Errors
    /// The medium's.
    fn file(&self, bucket: Bucket, id: &FileId) -> Result<Option<RawDocumentBuf>, RuntimeError>;

    /// Hands a file's bytes over, chunk by chunk.
    ///
    /// # Errors
    /// The medium's, and the receiver's.
    fn chunks(
        &self,
        bucket: Bucket,
        id: &FileId,
        receive: &mut dyn FnMut(&[u8]) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError>;

    /// Hands over those of a file's chunks that have one of the numbers, in their order.
    ///
    /// # Errors
    /// The medium's, and the receiver's.
    fn some_chunks(
        &self,
        bucket: Bucket,
        id: &FileId,
        numbers: Range<i32>,
        receive: &mut dyn FnMut(&[u8]) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError>;

    /// Returns at most `limit` entries of the change feed after a place.
    ///
    /// # Errors
    /// The medium's.
    fn feed(&self, after: u64, limit: usize) -> Result<Vec<FeedEntry>, RuntimeError>;

    /// Returns the entries of the change feed that tell of one of these versions.
    ///
    /// # Errors
    /// The medium's.
    fn feed_of(&self, versions: &[ObjectId]) -> Result<Vec<FeedEntry>, RuntimeError>;

    /// Returns the place of the newest entry, 0 without any.
    ///
    /// # Errors
    /// The medium's.
    fn feed_end(&self) -> Result<u64, RuntimeError>;

    /// Finds the packed files a context was imported from.
    ///
    /// # Errors
    /// The medium's.
    fn origin(&self, context: &str) -> Result<Option<Vec<u8>>, RuntimeError>;

    /// Returns the names of the collections no other table is for, in order.
    ///
    /// # Errors
    /// The medium's.
    fn other_collections(&self) -> Result<Vec<String>, RuntimeError>;

    /// Finds a document of such a collection by its `_id`.
    ///
    /// # Errors
    /// The medium's.
    fn other(&self, collection: &str, id: &FileId) -> Result<Option<RawDocumentBuf>, RuntimeError>;

    /// Finds a document that was kept with [`DocumentWrites::keep_damaged`].
    ///
    /// # Errors
    /// The medium's.
    fn damaged(&self, collection: &str, key: &FileId) -> Result<Option<RawDocumentBuf>, RuntimeError>;

    /// Returns how far the documents of such collections go; it grows with every one that is added.
    ///
    /// # Errors
    /// The medium's.
    fn other_end(&self) -> Result<i64, RuntimeError>;

    /// Hands the documents of Old Mongo's courses over, of each the block of type `course`.
    ///
    /// # Errors
    /// The medium's, and the receiver's.
    fn each_old_course(
        &self,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError>;

    /// Hands Old Mongo's documents of a course over, in the order of their ids.
    ///
    /// # Errors
    /// The medium's, and the receiver's.
    fn each_old_block(
        &self,
        org: &str,
        course: &str,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError>;

    /// Hands every document of a collection over, one at a time.
    ///
    /// Chunks that were not loaded from a dump get an `_id` of the file's and their number.
    ///
    /// # Errors
    /// The medium's, and the receiver's.
    fn each_document(
        &self,
        collection: &Collection,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError>;
}

/// Changes documents, all at once.
pub trait DocumentWrites: DocumentReads {
    /// Does away with a leftover at once, whatever becomes of the transaction; says whether it was still there.
    ///
    /// # Errors
    /// The medium's.
    fn mend(&self, leftover: &Leftover) -> Result<bool, RuntimeError>;

    /// Adds a course index.
    ///
    /// # Errors
    /// The medium's.
    fn insert_index(&self, key: &IndexKey, id: ObjectId, document: &RawDocument) -> Result<(), RuntimeError>;

    /// Replaces a course index if its `last_update` still is what was read; says whether it was.
    ///
    /// # Errors
    /// The medium's.
    fn replace_index(
        &self,
        id: ObjectId,
        last_update: Option<bson::DateTime>,
        document: &RawDocument,
    ) -> Result<bool, RuntimeError>;

    /// Deletes a course index if its `last_update` still is what was read; says whether it was. What it names stays.
    ///
    /// # Errors
    /// The medium's.
    fn delete_index(&self, id: ObjectId, last_update: Option<bson::DateTime>) -> Result<bool, RuntimeError>;

    /// Adds a structure, with what its author said about it.
    ///
    /// # Errors
    /// The medium's.
    fn insert_structure(&self, structure: &Structure, message: &str) -> Result<(), RuntimeError>;

    /// Adds a definition.
    ///
    /// # Errors
    /// The medium's.
    fn insert_definition(&self, id: ObjectId, document: &RawDocument) -> Result<(), RuntimeError>;

    /// Takes structures or definitions out of their collection, from where they can be put back; says how many there
    /// were.
    ///
    /// # Errors
    /// The medium's.
    fn set_aside(
        &self,
        kind: ContentKind,
        ids: &[ObjectId],
        now: DateTime<Utc>,
    ) -> Result<usize, RuntimeError>;

    /// Puts structures or definitions that were set aside back; says how many there were.
    ///
    /// # Errors
    /// The medium's.
    fn put_back(&self, kind: ContentKind, ids: &[ObjectId]) -> Result<usize, RuntimeError>;

    /// Takes files out of [`Bucket::Replaced`], from where they can be put back; says how many there were.
    ///
    /// # Errors
    /// The medium's.
    fn set_aside_files(&self, ids: &[FileId], now: DateTime<Utc>) -> Result<usize, RuntimeError>;

    /// Puts files that were set aside back; says how many there were.
    ///
    /// # Errors
    /// The medium's.
    fn put_back_files(&self, ids: &[FileId]) -> Result<usize, RuntimeError>;

    /// Deletes for good what was set aside before a time, files too; says how many there were.
    ///
    /// # Errors
    /// The medium's.
    fn forget_set_aside(&self, before: DateTime<Utc>) -> Result<usize, RuntimeError>;

    /// Begins a file in place of the one with this id.
    ///
    /// # Errors
    /// The medium's.
    fn begin_file(&self, bucket: Bucket, id: &FileId) -> Result<FileHandle, RuntimeError>;

    /// Adds the next chunk.
    ///
    /// # Errors
    /// The medium's.
    fn append_chunk(&self, file: FileHandle, number: i32, data: &[u8]) -> Result<(), RuntimeError>;

    /// Adds a chunk as a dump has it, with its other fields.
    ///
    /// # Errors
    /// The medium's.
    fn append_chunk_document(
        &self,
        file: FileHandle,
        number: i32,
        document: &RawDocument,
    ) -> Result<(), RuntimeError>;

    /// Says whether nothing at all stays of a transaction that is dropped.
    fn is_undone_when_dropped(&self) -> bool;

    /// Says whether documents that are no well-formed BSON can be kept in their collections.
    fn takes_malformed(&self) -> bool;

    /// Keeps a document of any collection beside it, from where [`DocumentReads::each_document`] hands it over as one of
    /// [`Collection::Other`] of that name.
    ///
    /// # Errors
    /// The medium's.
    fn keep_damaged(
        &self,
        collection: &str,
        key: &FileId,
        document: &RawDocument,
    ) -> Result<(), RuntimeError>;

    /// Names those documents of a dump that this transaction keeps beside their collections, because the store has others in
    /// their places; for that it may send what is gathered.
    ///
    /// # Errors
    /// The medium's.
    fn displaced(&self) -> Result<Vec<(Collection, FileId)>, RuntimeError>;

    /// Adds a document to a collection no other table is for.
    ///
    /// # Errors
    /// The medium's.
    fn insert_other(&self, collection: &str, document: &RawDocument) -> Result<(), RuntimeError>;

    /// Completes a file with its document.
    ///
    /// # Errors
    /// The medium's.
    fn finish_file(&self, file: FileHandle, document: &RawDocument) -> Result<(), RuntimeError>;

    /// Copies a file's chunks to another place, where the document has its new id.
    ///
    /// # Errors
    /// The medium's.
    fn copy_file(
        &self,
        from: (Bucket, &FileId),
        to: (Bucket, &FileId),
        document: &RawDocument,
    ) -> Result<(), RuntimeError>;

    /// Moves a file to another place, where the document has its new id.
    ///
    /// # Errors
    /// The medium's.
    fn move_file(
        &self,
        from: (Bucket, &FileId),
        to: (Bucket, &FileId),
        document: &RawDocument,
    ) -> Result<(), RuntimeError>;

    /// Deletes a file, if it is there.
    ///
    /// # Errors
    /// The medium's.
    fn delete_file(&self, bucket: Bucket, id: &FileId) -> Result<(), RuntimeError>;

    /// Adds an entry to the change feed. One that follows no change of an index tells of another program's version; however
    /// many add it at the same time, it is there once.
    ///
    /// # Errors
    /// The medium's.
    fn append_feed(
        &self,
        context: &str,
        branch: &str,
        version: ObjectId,
        edit_info: &EditInfo,
    ) -> Result<(), RuntimeError>;

    /// Keeps the packed files a context was imported from, or none.
    ///
    /// # Errors
    /// The medium's.
    fn put_origin(&self, context: &str, packed: Option<&[u8]>) -> Result<(), RuntimeError>;

    /// Makes everything seen and kept, or, where [`Outcome::Overtaken`] is returned, nothing.
    ///
    /// # Errors
    /// The medium's.
    fn commit(self: Box<Self>) -> Result<Outcome, RuntimeError>;
}
