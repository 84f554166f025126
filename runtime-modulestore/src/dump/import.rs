//! Loading a dump.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use bson::oid::ObjectId;
use bson::raw::RawDocument;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, RuntimeError};

use super::damage::{
    TAKEN_ID, chunk_place, error_at, id_of, no_id, read_definition, read_document, read_structure,
};
use super::folder::{Folder, Found, Place, each_document};
use super::kept::{is_kept_only, is_own};
use crate::documents::{
    ASSETSTORE, Bucket, CourseIndex, FileId, IndexKey, StructureHeader, corrupt, digest_of, enclosed,
    is_too_deep, malformed, misshapen, opened, read_any_old_records, to_bson, to_document,
};
use crate::old_mongo;
use crate::store::{Collection, DocumentStore, DocumentWrites, FileHandle, OLD_MONGO, Outcome};

/// What to do with documents of a dump that are damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDamage {
    /// Load the others, keep these as they are for [`export_dump`](crate::ModulestoreRuntime::export_dump), and name them.
    #[default]
    Keep,
    /// Load nothing.
    Refuse,
}

/// A document of a dump that is damaged, and kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedDocument {
    /// Where it stands in the dump.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What was loaded from a dump.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DumpCounts {
    /// The contexts whose index was loaded, and the courses of Old Mongo.
    pub contexts: Vec<ContextKey>,
    /// New structures; those that were there already are not counted.
    pub structures: usize,
    /// New definitions; those that were there already are not counted.
    pub definitions: usize,
    /// Files of the contentstore.
    pub files: usize,
    /// New documents of other collections, which are kept as they are.
    pub others: usize,
    /// What is damaged, in the order in which it was met.
    pub damaged: Vec<DamagedDocument>,
    /// Collections in which this program kept what only it knows, in the database the dump was made of: they are kept for
    /// [`export_dump`](crate::ModulestoreRuntime::export_dump), and nothing of this store is read from them.
    pub bookkeeping: BTreeSet<String>,
    /// What lies in the folder and is no collection.
    pub passed_over: Vec<PathBuf>,
}

/// Loads the collections in one transaction.
pub(crate) fn import(
    store: &dyn DocumentStore,
    folder: &Path,
    limit: usize,
    on_damage: OnDamage,
) -> Result<DumpCounts, RuntimeError> {
    let found = Folder::find(folder)?;
    let docs = store.write()?;
    let mut import = Import {
        docs: &*docs,
        on_damage,
        files: HashMap::new(),
        ids: HashSet::new(),
        indexes: HashSet::new(),
        chunks: HashSet::new(),
        fileless: HashMap::new(),
        old_blocks: HashSet::new(),
        nameless: HashMap::new(),
        counts: DumpCounts { passed_over: found.others.clone(), ..DumpCounts::default() },
    };
    // Indexes come last and are held against what they name; chunks come after the files they belong to.
    let order: [fn(&Collection) -> bool; 3] = [
        |collection| !matches!(collection, Collection::Chunks(_) | Collection::Indexes),
        |collection| matches!(collection, Collection::Chunks(_)),
        |collection| *collection == Collection::Indexes,
    ];
    if !docs.is_undone_when_dropped() {
        // What is refused for itself is refused before anything is sent.
        for (collection, path) in found.files(|_| true) {
            each_document(path, limit, |found, place| match (on_damage, found.wrong) {
                (OnDamage::Keep, _) => Ok(()),
                (OnDamage::Refuse, Some(reason)) => Err(corrupt(place(), reason)),
                (OnDamage::Refuse, None) => read_document(collection, found.document, place),
            })?;
        }
    }
    for wanted in order {
        for (collection, path) in found.files(wanted) {
            each_document(path, limit, |found, place| import.document(collection, found, place))?;
        }
    }
    import.displaced()?;
    let counts = import.counts;
    match docs.commit()? {
        Outcome::Kept => Ok(counts),
        // Another process made one of the contexts while the dump was read.
        Outcome::Overtaken => {
            let docs = store.read()?;
            for context in counts.contexts {
                if let Ok(key) = IndexKey::of(&context)
                    && docs.index(&key)?.is_some()
                {
                    return Err(RuntimeError::ContextExists { key: context });
                }
            }
            Err(RuntimeError::storage("loading the dump", "another writer was in the way; try again"))
        }
    }
}

struct Import<'i> {
    docs: &'i dyn DocumentWrites,
    on_damage: OnDamage,
    files: HashMap<(Collection, FileId), FileHandle>,
    /// Digests of the ids of the dump's documents with their collections.
    ids: HashSet<[u8; 12]>,
    /// What the indexes of the dump are filed under.
    indexes: HashSet<IndexKey>,
    /// Digests of the places that chunks have: of the file and the number.
    chunks: HashSet<[u8; 12]>,
    /// Digests of the places of chunks without a file that the store had already.
    fileless: HashMap<Bucket, HashSet<[u8; 12]>>,
    /// Digests of the ids of Old Mongo's documents, in an order of members of ours.
    old_blocks: HashSet<[u8; 12]>,
    /// How many documents without an `_id` of their own there were, by what they are kept under.
    nameless: HashMap<(String, FileId), i32>,
    counts: DumpCounts,
}

impl Import<'_> {
    fn document(
        &mut self,
        collection: &Collection,
        found: Found<'_>,
        place: Place<'_>,
    ) -> Result<(), RuntimeError> {
        let Found { document, bytes, wrong } = found;
        let looks_like_ours = || opened(document).and_then(|_| misshapen(document));
        if let Some(reason) = wrong.or_else(looks_like_ours) {
            if self.on_damage == OnDamage::Refuse {
                return Err(corrupt(place(), reason));
            }
            return self.misshapen(collection, document, bytes, place);
        }
        let malformed = malformed(document);
        let loaded = match &malformed {
            Some(reason) if self.on_damage == OnDamage::Refuse || !self.docs.takes_malformed() => {
                Err(corrupt(place(), reason))
            }
            _ => self.load(collection, document, place),
        };
        match (loaded, malformed) {
            (Err(RuntimeError::Corrupt { place: at, reason }), _) if self.on_damage == OnDamage::Keep => {
                self.put_aside(&collection.name(), document, place)?;
                self.counts.damaged.push(DamagedDocument { place: at, reason });
            }
            (Ok(()), _) if is_too_deep(document) => {
                let error = to_document(document).err().map(|error| error.to_string());
                let reason = error.unwrap_or_default();
                self.counts.damaged.push(DamagedDocument { place: place(), reason });
            }
            (Ok(()), Some(reason)) => self.counts.damaged.push(DamagedDocument { place: place(), reason }),
            (loaded, _) => loaded?,
        }
        Ok(())
    }

    /// Keeps what is too long, or whose length or end is wrong.
    fn misshapen(
        &mut self,
        collection: &Collection,
        document: &RawDocument,
        bytes: &[u8],
        place: Place<'_>,
    ) -> Result<(), RuntimeError> {
        let is_content = matches!(collection, Collection::Structures | Collection::Definitions);
        let id = document.get("_id").ok().flatten().filter(|_| is_content);
        let id = id.and_then(|id| to_bson(id).ok());
        let kept = if document.as_bytes() == bytes && opened(document).is_none() {
            document.to_owned()
        } else {
            // What leads to it finds it by its id.
            enclosed(id.as_ref(), bytes)?
        };
        self.put_aside(&collection.name(), &kept, place)?;
        let reason = misshapen(&kept).unwrap_or_else(|| "it is too long".to_owned());
        self.counts.damaged.push(DamagedDocument { place: place(), reason });
        Ok(())
    }

    /// Loads a document; one that is damaged is an error and changes nothing.
    fn load(
        &mut self,
        collection: &Collection,
        document: &RawDocument,
        place: Place<'_>,
    ) -> Result<(), RuntimeError> {
        match collection {
            Collection::Indexes => self.index(document, place),
            Collection::Structures => self.structure(document, place),
            Collection::Definitions => self.definition(document, place),
            Collection::Files(bucket) => {
                let id = FileId::of(document, "_id").map_err(|_| no_id(place))?;
                let is_first = self.is_first(collection, &id);
                if let Some(present) = self.docs.file(*bucket, &id)? {
                    return same(&present, document, is_first, place);
                }
                let file = self.docs.begin_file(*bucket, &id)?;
                self.docs.finish_file(file, document)?;
                self.files.insert((Collection::Chunks(*bucket), id), file);
                self.counts.files += 1;
                Ok(())
            }
            Collection::Chunks(bucket) => {
                let (id, number) = chunk_place(document).map_err(|error| error_at(error, place))?;
                let file = self.files.get(&(collection.clone(), id.clone())).copied();
                if file.is_none() && self.docs.file(*bucket, &id)?.is_some() {
                    return Ok(());
                }
                if let Some(id) = FileId::sound(document)
                    && !self.is_first(collection, &id)
                {
                    return Err(corrupt(place(), TAKEN_ID));
                }
                let its_place = digest_of(&chunk_digest_parts(*bucket, &id, &number.to_le_bytes()));
                if !self.chunks.insert(its_place) {
                    return Err(corrupt(place(), TAKEN_PLACE));
                }
                match file {
                    Some(file) => self.docs.append_chunk_document(file, number, document),
                    // A chunk whose file is gone is garbage of an interrupted upload; a dump has it all the same.
                    None => {
                        let own = FileId::of(document, "_id").map_err(|_| no_id(place))?;
                        let name = collection.name();
                        if self.docs.other(&name, &own)?.is_none()
                            && self.fileless(*bucket)?.contains(&its_place)
                        {
                            return Err(corrupt(place(), TAKEN_PLACE));
                        }
                        self.other(&name, document, place)
                    }
                }
            }
            Collection::Other(name) => self.other(name, document, place),
        }
    }

    /// Says whether it is the first document of the dump with an id.
    fn is_first(&mut self, collection: &Collection, id: &FileId) -> bool {
        self.ids.insert(digest_of(&[collection.name().as_bytes(), &[0], id.as_bytes()]))
    }

    /// Returns the places of those chunks without a file that the store had before.
    fn fileless(&mut self, bucket: Bucket) -> Result<&HashSet<[u8; 12]>, RuntimeError> {
        if !self.fileless.contains_key(&bucket) {
            let mut places = HashSet::new();
            self.docs.each_document(&Collection::Other(Collection::Chunks(bucket).name()), &mut |chunk| {
                if let Ok((id, number)) = chunk_place(chunk) {
                    places.insert(digest_of(&chunk_digest_parts(bucket, &id, &number.to_le_bytes())));
                }
                Ok(())
            })?;
            self.fileless.insert(bucket, places);
        }
        Ok(self.fileless.entry(bucket).or_default())
    }

    /// Names the chunks in whose places a server has others.
    fn displaced(&mut self) -> Result<(), RuntimeError> {
        for (collection, id) in self.docs.displaced()? {
            let place = format!("{} {}", collection.name(), id.value());
            if self.on_damage == OnDamage::Refuse {
                return Err(corrupt(place, TAKEN_PLACE));
            }
            self.counts.damaged.push(DamagedDocument { place, reason: TAKEN_PLACE.to_owned() });
        }
        Ok(())
    }

    /// Keeps a damaged document beside those of its collection.
    ///
    /// Says whether it was not there before.
    fn put_aside(
        &mut self,
        collection: &str,
        document: &RawDocument,
        place: Place<'_>,
    ) -> Result<bool, RuntimeError> {
        if let Some(key) = FileId::sound(document) {
            match self.docs.damaged(collection, &key)? {
                None => return self.docs.keep_damaged(collection, &key, document).map(|()| true),
                Some(present) if is_same(&present, document) => return Ok(false),
                // Another one is kept under its id.
                Some(_) => {}
            }
        }
        let first = FileId::of_nameless(document, 0);
        let count = self.nameless.entry((collection.to_owned(), first)).or_default();
        *count += 1;
        let key = FileId::of_nameless(document, *count - 1);
        if let Some(present) = self.docs.damaged(collection, &key)? {
            return same(&present, document, true, place).map(|()| false);
        }
        self.docs.keep_damaged(collection, &key, document).map(|()| true)
    }

    fn index(&mut self, document: &RawDocument, place: Place<'_>) -> Result<(), RuntimeError> {
        let damaged = |reason: String| corrupt(place(), reason);
        let index = CourseIndex::read(document).map_err(|error| error_at(error, place))?;
        let context = index.context();
        if self.indexes.contains(index.key()) {
            let IndexKey { org, course, run } = index.key();
            return Err(damaged(format!("there are several course indexes of {org}, {course}, {run}")));
        }
        if !self.is_first(&Collection::Indexes, &FileId::of_value(index.id().into())) {
            return Err(damaged(TAKEN_ID.to_owned()));
        }
        if self.docs.index(index.key())?.is_some() {
            return Err(RuntimeError::ContextExists { key: context? });
        }
        if let Some(twin) = self.docs.twin(index.key())? {
            return Err(RuntimeError::ContextExists { key: twin });
        }
        let context = context.and_then(|context| index.check_heads().map(|()| context));
        let mut heads = Vec::new();
        let mut missing = None;
        for branch in Branch::ALL {
            if let Some(version) = index.head(branch) {
                match self.header(version)? {
                    Some(header) => heads.push((branch, version, header)),
                    None => missing = Some(version),
                }
            }
        }
        let reason = match (&context, missing) {
            (Err(error), _) => Some(error.to_string()),
            (Ok(context), Some(version)) => {
                Some(format!("{context} is at structure {version}, which is missing or damaged"))
            }
            (Ok(_), None) => None,
        };
        if let Some(reason) = reason {
            if self.on_damage == OnDamage::Refuse {
                return Err(damaged(reason));
            }
            // It can be read, and what it lacks is told by whoever reads it.
            self.counts.damaged.push(DamagedDocument { place: place(), reason });
        }
        self.docs.insert_index(index.key(), index.id(), document)?;
        self.indexes.insert(index.key().clone());
        let Ok(context) = context else { return Ok(()) };
        for (branch, version, header) in heads {
            let name = context.to_string();
            self.docs.append_feed(&name, branch.name(), version, &header.edit_info)?;
        }
        self.counts.contexts.push(context);
        Ok(())
    }

    /// Finds what a structure says about itself; nothing where that cannot be read.
    fn header(&self, version: ObjectId) -> Result<Option<StructureHeader>, RuntimeError> {
        match self.docs.header(version) {
            Err(error) if error.is_damage() => Ok(None),
            header => header,
        }
    }

    fn structure(&mut self, document: &RawDocument, place: Place<'_>) -> Result<(), RuntimeError> {
        let id = id_of(document, place)?;
        let is_first = self.is_first(&Collection::Structures, &FileId::of_value(id.into()));
        if let Some(present) = self.docs.structure(id)? {
            return same_bytes(&present, document, is_first, place);
        }
        let structure = read_structure(document).map_err(|error| error_at(error, place))?;
        self.docs.insert_structure(&structure, "")?;
        self.counts.structures += 1;
        Ok(())
    }

    fn definition(&mut self, document: &RawDocument, place: Place<'_>) -> Result<(), RuntimeError> {
        let id = id_of(document, place)?;
        let is_first = self.is_first(&Collection::Definitions, &FileId::of_value(id.into()));
        if let Some(present) = self.docs.definition(id)? {
            return same_bytes(&present, document, is_first, place);
        }
        read_definition(document).map_err(|error| error_at(error, place))?;
        self.docs.insert_definition(id, document)?;
        self.counts.definitions += 1;
        Ok(())
    }

    fn other(
        &mut self,
        collection: &str,
        document: &RawDocument,
        place: Place<'_>,
    ) -> Result<(), RuntimeError> {
        if is_own(collection) {
            self.counts.bookkeeping.insert(collection.to_owned());
        }
        if is_kept_only(collection) {
            // Indexes of the server, which old ones kept as documents without ids, and the like: no damage.
            self.counts.others += usize::from(self.put_aside(collection, document, place)?);
            return Ok(());
        }
        let id = FileId::of(document, "_id").map_err(|_| no_id(place))?;
        // Chunks that have no file were counted before.
        let named = Collection::Other(collection.to_owned());
        let is_first = Collection::named(collection) != named || self.is_first(&named, &id);
        if let Some(present) = self.docs.other(collection, &id)? {
            return same(&present, document, is_first, place);
        }
        self.docs.insert_other(collection, document)?;
        self.counts.others += 1;
        let read = match collection {
            OLD_MONGO => self.old_document(document),
            ASSETSTORE => read_any_old_records(document)?
                .damaged
                .into_iter()
                .next()
                .map_or(Ok(None), |wrong| Err(corrupt(wrong.place, wrong.reason))),
            _ => Ok(None),
        };
        match read {
            Ok(context) => self.counts.contexts.extend(context),
            Err(RuntimeError::Corrupt { place: at, reason }) if self.on_damage == OnDamage::Keep => {
                let place = format!("{}, {at}", place());
                self.counts.damaged.push(DamagedDocument { place, reason });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Reads whose root a document of Old Mongo is, if it is one.
    fn old_document(&mut self, document: &RawDocument) -> Result<Option<ContextKey>, RuntimeError> {
        let context = old_mongo::context(document)?;
        let view = old_mongo::OldDocument::new(document)?;
        let ((org, course), (category, name, is_draft)) = (view.owner()?, view.block()?);
        let parts = [org, course, category, name, if is_draft { "draft" } else { "" }];
        if !self.old_blocks.insert(digest_of(&[parts.join("\0").as_bytes()])) {
            let reason = "another document has the same `_id` with its members in another order";
            return Err(corrupt(view.place(), reason));
        }
        Ok(context)
    }
}

/// What is said of a chunk in whose place there is another.
const TAKEN_PLACE: &str = "the file has another chunk of this number";

fn chunk_digest_parts<'c>(bucket: Bucket, id: &'c FileId, number: &'c [u8]) -> [&'c [u8]; 3] {
    [bucket.name().as_bytes(), number, id.as_bytes()]
}

fn same_bytes(
    present: &[u8],
    document: &RawDocument,
    is_first: bool,
    place: Place<'_>,
) -> Result<(), RuntimeError> {
    let present = RawDocument::from_bytes(present).map_err(|error| corrupt(place(), error))?;
    same(present, document, is_first, place)
}

/// Refuses a document in whose place the store has another one; that the dump has several of an id is its damage.
fn same(
    present: &RawDocument,
    document: &RawDocument,
    is_first: bool,
    place: Place<'_>,
) -> Result<(), RuntimeError> {
    if is_same(present, document) {
        return Ok(());
    }
    if !is_first {
        return Err(corrupt(place(), TAKEN_ID));
    }
    Err(RuntimeError::Unstorable {
        place: place(),
        reason: "the store has another document with its id".into(),
    })
}

/// Says whether two documents are the same; the order of their fields says nothing.
fn is_same(a: &RawDocument, b: &RawDocument) -> bool {
    let is_equal = || Some(to_document(a).ok()? == to_document(b).ok()?);
    a.as_bytes() == b.as_bytes() || is_equal() == Some(true)
}
