//! A view of the database, and what a transaction gathers until it is committed.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};

use bson::oid::ObjectId;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document};
use indexmap::IndexMap;
use mongodb::options::FindOptions;
use mongodb::{Collection as Handle, Cursor, Database};
use xblock_core::runtime::{EditInfo, RuntimeError};

use super::MongoStore;
use super::failure::{clashing, failed, is_duplicate};
use super::files::Overlay;
use super::own;
use super::reads::{contents, plain};
use crate::documents::{Bucket, FileId, IndexKey, to_bson};
use crate::store::{Collection, ContentKind};

/// How many bytes of documents are gathered before they are sent, in a transaction that loads a dump.
const BATCH_BYTES: usize = 8 << 20;
/// How many documents are gathered.
const BATCH: usize = 1_000;

/// One view or transaction. Course indexes are read once, so that what is read through them is one state: structures and
/// definitions never change.
pub(super) struct Session<'s> {
    pub(super) store: &'s MongoStore,
    pub(super) db: Database,
    pub(super) is_write: bool,
    pub(super) indexes: RefCell<HashMap<IndexKey, Option<RawDocumentBuf>>>,
    pub(super) overlay: OnceCell<Overlay>,
    pub(super) staged: RefCell<Staged>,
    /// Documents of a dump in whose places there are others.
    pub(super) displaced: RefCell<Vec<(Collection, RawDocumentBuf)>>,
}

/// What a transaction is to change.
#[derive(Default)]
pub(super) struct Staged {
    pub(super) structures: IndexMap<ObjectId, RawDocumentBuf>,
    pub(super) definitions: IndexMap<ObjectId, RawDocumentBuf>,
    pub(super) messages: Vec<(ObjectId, String)>,
    pub(super) others: IndexMap<(String, FileId), RawDocumentBuf>,
    /// Roots of Old Mongo's courses, which make a course seen; they go last.
    pub(super) old_roots: IndexMap<FileId, RawDocumentBuf>,
    pub(super) bytes: usize,
    pub(super) indexes: Vec<IndexChange>,
    pub(super) feed: Vec<(Option<ObjectId>, Announcement)>,
    pub(super) files: BTreeMap<(Bucket, FileId), StagedFile>,
    pub(super) handles: Vec<(Bucket, FileId)>,
    pub(super) aside: Vec<AsideChange>,
    pub(super) origins: Vec<(String, Option<Vec<u8>>)>,
}

impl Staged {
    /// Takes the documents that nobody sees before an index names them.
    pub(super) fn take_content(&mut self) -> Self {
        Self {
            structures: std::mem::take(&mut self.structures),
            definitions: std::mem::take(&mut self.definitions),
            messages: std::mem::take(&mut self.messages),
            others: std::mem::take(&mut self.others),
            ..Self::default()
        }
    }
}

/// A change of a course index; `before` is what it must be still.
pub(super) struct IndexChange {
    pub(super) id: ObjectId,
    pub(super) key: IndexKey,
    pub(super) before: Option<RawDocumentBuf>,
    pub(super) after: Option<RawDocumentBuf>,
}

/// An entry of the change feed without its place.
#[derive(Clone)]
pub(super) struct Announcement {
    pub(super) context: String,
    pub(super) branch: String,
    pub(super) version: ObjectId,
    pub(super) edit_info: EditInfo,
}

/// What a file is to be; without a document it is to be gone.
#[derive(Default)]
pub(super) struct StagedFile {
    pub(super) document: Option<RawDocumentBuf>,
    /// The id under which its chunks lie until the commit is made.
    pub(super) staged_as: Option<ObjectId>,
    pub(super) chunks: Vec<ObjectId>,
    /// Chunks that are still to be sent.
    pub(super) unsent: Vec<RawDocumentBuf>,
    /// Whether the chunks come from a dump and lie in their place already.
    pub(super) in_place: bool,
}

pub(super) enum AsideChange {
    Take { kind: ContentKind, ids: Vec<ObjectId>, since: bson::DateTime },
    Return { kind: ContentKind, ids: Vec<ObjectId> },
    TakeFiles { ids: Vec<FileId>, since: bson::DateTime },
    ReturnFiles { ids: Vec<FileId> },
    Forget { before: bson::DateTime },
}

impl<'s> Session<'s> {
    pub(super) fn begin(store: &'s MongoStore, is_write: bool) -> Self {
        Self {
            store,
            db: if is_write { store.primary.clone() } else { store.preferred.clone() },
            is_write,
            indexes: RefCell::default(),
            overlay: OnceCell::new(),
            staged: RefCell::default(),
            displaced: RefCell::default(),
        }
    }

    pub(super) fn collection(&self, name: &str) -> Handle<RawDocumentBuf> {
        self.db.collection(name)
    }

    pub(super) fn of(&self, collection: &Collection) -> Handle<RawDocumentBuf> {
        self.db.collection(&self.store.name(collection))
    }

    pub(super) fn find_one(
        &self,
        collection: &Handle<RawDocumentBuf>,
        filter: Document,
    ) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        self.store.run("reading the store", async { collection.find_one(filter).await })
    }

    pub(super) fn find(
        &self,
        collection: &Handle<RawDocumentBuf>,
        filter: Document,
        mut options: FindOptions,
    ) -> Result<Cursor<RawDocumentBuf>, RuntimeError> {
        let usual = if options.projection.is_some() { plain() } else { contents() };
        options.batch_size = options.batch_size.or(usual.batch_size);
        self.store.run("reading the store", async { collection.find(filter).with_options(options).await })
    }

    /// Hands documents over one at a time.
    pub(super) fn each(
        &self,
        collection: &Handle<RawDocumentBuf>,
        filter: Document,
        options: FindOptions,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let mut cursor = self.find(collection, filter, options)?;
        while self.store.run("reading the store", cursor.advance())? {
            receive(cursor.current())?;
        }
        Ok(())
    }

    pub(super) fn many(
        &self,
        collection: &Handle<RawDocumentBuf>,
        filter: Document,
        options: FindOptions,
    ) -> Result<Vec<RawDocumentBuf>, RuntimeError> {
        let mut found = Vec::new();
        self.each(collection, filter, options, &mut |document| {
            found.push(document.to_owned());
            Ok(())
        })?;
        Ok(found)
    }

    /// Finds a structure or definition; a secondary that does not have it yet is not believed.
    pub(super) fn content(
        &self,
        collection: &Collection,
        id: ObjectId,
        options: mongodb::options::FindOneOptions,
    ) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        let name = self.store.name(collection);
        let find = |db: &Database| {
            let collection = db.collection::<RawDocumentBuf>(&name);
            let options = options.clone();
            self.store.run("reading the store", async move {
                collection.find_one(bson::doc! { "_id": id }).with_options(options).await
            })
        };
        match find(&self.db)? {
            None if !self.is_write && self.store.may_lag() => find(&self.store.primary),
            found => Ok(found),
        }
    }

    /// Adds documents; those whose ids are there already are passed over, as edx-platform does.
    pub(super) fn add(&self, collection: &str, documents: Vec<RawDocumentBuf>) -> Result<(), RuntimeError> {
        self.store.ensure_indexes()?;
        self.store
            .run(&format!("writing to {collection}"), insert_new(self.collection(collection), documents))
            .map(drop)
    }

    pub(super) fn delete(&self, collection: &str, filter: Document) -> Result<u64, RuntimeError> {
        let handle = self.collection(collection);
        let action = format!("deleting from {collection}");
        self.store.run(&action, async { handle.delete_many(filter).await }).map(|done| done.deleted_count)
    }

    /// Sends content when much has been gathered.
    pub(super) fn gathered(&self, bytes: usize) -> Result<(), RuntimeError> {
        let is_full = {
            let mut staged = self.staged.borrow_mut();
            staged.bytes += bytes;
            let count = staged.structures.len() + staged.definitions.len() + staged.others.len();
            staged.bytes >= BATCH_BYTES || count >= BATCH
        };
        if is_full { self.send_content() } else { Ok(()) }
    }

    /// Sends structures, definitions and what was said about them; nobody sees them before an index names them.
    pub(super) fn send_content(&self) -> Result<(), RuntimeError> {
        self.send_content_with(Vec::new(), Vec::new())
    }

    /// Sends content, and what is to follow the commit that it is for: all of it must be there before the index is changed.
    pub(super) fn send_content_with(
        &self,
        pending: Vec<RawDocumentBuf>,
        steps: Vec<RawDocumentBuf>,
    ) -> Result<(), RuntimeError> {
        self.store.ensure_indexes()?;
        let (structures, definitions, messages, others) = {
            let mut staged = self.staged.borrow_mut();
            staged.bytes = 0;
            (
                std::mem::take(&mut staged.structures),
                std::mem::take(&mut staged.definitions),
                std::mem::take(&mut staged.messages),
                std::mem::take(&mut staged.others),
            )
        };
        let messages = messages.into_iter().map(|(id, message)| {
            let mut document = RawDocumentBuf::new();
            document.append(bson::raw::cstr!("_id"), id);
            document.append(bson::raw::cstr!("message"), &*message);
            document
        });
        let insert = |name: &str, documents| insert_new(self.collection(name), documents);
        let names = [Collection::Definitions, Collection::Structures].map(|one| self.store.name(&one));
        let [definition_name, structure_name] = &names;
        // Contents first: what names them is nowhere without them, also where the line breaks in between.
        let contents = async {
            Ok(tokio::join!(
                insert(definition_name, definitions.into_values().collect()),
                insert(own::MESSAGES, messages.collect()),
                insert(own::STEPS, steps),
            ))
        };
        let (definitions, messages, steps) = self.store.run("writing content", contents)?;
        let told = |name: &str, outcome: mongodb::error::Result<Vec<RawDocumentBuf>>| {
            outcome.map(drop).map_err(|error| failed(&format!("writing to {name}"), error))
        };
        told(definition_name, definitions)?;
        told(own::MESSAGES, messages)?;
        told(own::STEPS, steps)?;
        let naming = async {
            let structures = insert(structure_name, structures.into_values().collect());
            Ok(tokio::join!(structures, insert(own::PENDING, pending)))
        };
        let (structures, pending) = self.store.run("writing content", naming)?;
        told(structure_name, structures)?;
        told(own::PENDING, pending)?;
        let mut by_collection: BTreeMap<String, Vec<RawDocumentBuf>> = BTreeMap::new();
        for ((collection, _), document) in others {
            by_collection.entry(collection).or_default().push(document);
        }
        for (collection, documents) in by_collection {
            self.add_of_dump(&Collection::Other(collection), documents)?;
        }
        Ok(())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // A transaction that is not committed leaves no chunks; where the server is gone they stay, marked as staged.
        let staged = std::mem::take(&mut *self.staged.borrow_mut());
        for ((bucket, _), file) in staged.files {
            if let Some(staged_as) = file.staged_as.filter(|_| !file.chunks.is_empty()) {
                let chunks = self.store.name(&Collection::Chunks(bucket));
                let _ = self.delete(&chunks, bson::doc! { "files_id": staged_as });
            }
        }
    }
}

/// Adds documents; those whose ids are there already are passed over. Returns those that are not there, because others
/// have the same values of another unique index.
pub(super) async fn insert_new(
    collection: Handle<RawDocumentBuf>,
    documents: Vec<RawDocumentBuf>,
) -> mongodb::error::Result<Vec<RawDocumentBuf>> {
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    let error = match collection.insert_many(&documents).ordered(false).await {
        Err(error) if is_duplicate(&error) => error,
        outcome => return outcome.map(|_| Vec::new()),
    };
    let mut absent: Vec<_> =
        clashing(&error).into_iter().filter_map(|at| documents.get(at).cloned()).collect();
    let ids: Vec<_> = absent.iter().filter_map(|document| value(document, "_id")).collect();
    if !ids.is_empty() {
        let options = FindOptions::builder().projection(bson::doc! { "_id": 1 }).build();
        let found = gather(collection, bson::doc! { "_id": { "$in": ids } }, options).await?;
        let present: HashSet<_> = found.iter().filter_map(|found| FileId::of(found, "_id").ok()).collect();
        absent.retain(|document| FileId::of(document, "_id").is_ok_and(|id| !present.contains(&id)));
    }
    Ok(absent)
}

/// Finds all documents of a filter.
pub(super) async fn gather(
    collection: Handle<RawDocumentBuf>,
    filter: Document,
    options: FindOptions,
) -> mongodb::error::Result<Vec<RawDocumentBuf>> {
    let mut cursor = collection.find(filter).with_options(options).await?;
    let mut found = Vec::new();
    while cursor.advance().await? {
        found.push(cursor.current().to_owned());
    }
    Ok(found)
}

/// Returns a field as a value of its own.
pub(super) fn value(document: &RawDocument, name: &str) -> Option<Bson> {
    document.get(name).ok().flatten().and_then(|value| to_bson(value).ok())
}
