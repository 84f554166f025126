//! Loading a dump.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument};
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, RuntimeError};

use super::folder::{Folder, Place, each_document};
use crate::documents::{
    CourseIndex, DefinitionView, FileId, IndexKey, Structure, StructureHeader, corrupt, integer, object_id,
    to_document,
};
use crate::old_mongo;
use crate::store::{Collection, DocumentStore, DocumentWrites, FileHandle, OLD_MONGO, Outcome};

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
    /// What lies in the folder and is no collection.
    pub passed_over: Vec<PathBuf>,
}

/// Loads the collections in one transaction.
pub(crate) fn import(
    store: &dyn DocumentStore,
    folder: &Path,
    limit: usize,
) -> Result<DumpCounts, RuntimeError> {
    let found = Folder::find(folder)?;
    let docs = store.write()?;
    let mut import = Import {
        docs: &*docs,
        files: HashMap::new(),
        counts: DumpCounts { passed_over: found.others.clone(), ..DumpCounts::default() },
    };
    // Indexes come last and prove that what they name is there; chunks come after the files they belong to.
    let order: [fn(&Collection) -> bool; 3] = [
        |collection| !matches!(collection, Collection::Chunks(_) | Collection::Indexes),
        |collection| matches!(collection, Collection::Chunks(_)),
        |collection| *collection == Collection::Indexes,
    ];
    for wanted in order {
        for (collection, path) in found.files(wanted) {
            each_document(path, limit, |document, place| import.document(collection, document, place))?;
        }
    }
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
    files: HashMap<(Collection, FileId), FileHandle>,
    counts: DumpCounts,
}

impl Import<'_> {
    fn document(
        &mut self,
        collection: &Collection,
        document: &RawDocument,
        place: Place<'_>,
    ) -> Result<(), RuntimeError> {
        match collection {
            Collection::Indexes => {
                let context = insert_index(self.docs, document)?;
                self.counts.contexts.push(context);
                Ok(())
            }
            Collection::Structures => self.structure(document, place),
            Collection::Definitions => self.definition(document, place),
            Collection::Files(bucket) => {
                let id = FileId::of(document, "_id").map_err(|_| no_id(place))?;
                if let Some(present) = self.docs.file(*bucket, &id)? {
                    return same(&present, document, place);
                }
                let file = self.docs.begin_file(*bucket, &id)?;
                self.docs.finish_file(file, document)?;
                self.files.insert((Collection::Chunks(*bucket), id), file);
                self.counts.files += 1;
                Ok(())
            }
            Collection::Chunks(bucket) => {
                let id = FileId::of(document, "files_id")
                    .map_err(|_| corrupt(place(), "it is the chunk of no file"))?;
                match self.files.get(&(collection.clone(), id.clone())) {
                    Some(file) => self.chunk(*file, document, place),
                    None if self.docs.file(*bucket, &id)?.is_some() => Ok(()),
                    // A chunk whose file is gone is garbage of an interrupted upload; a dump has it all the same.
                    None => self.other(&collection.name(), document, place),
                }
            }
            Collection::Other(name) => self.other(name, document, place),
        }
    }

    fn structure(&mut self, document: &RawDocument, place: Place<'_>) -> Result<(), RuntimeError> {
        let id = id_of(document, place)?;
        if let Some(present) = self.docs.structure(id)? {
            return same_bytes(&present, document, place);
        }
        let structure =
            Structure::read(id, document.as_bytes().to_vec()).map_err(|error| error_at(error, place))?;
        self.docs.insert_structure(&structure, "")?;
        self.counts.structures += 1;
        Ok(())
    }

    fn definition(&mut self, document: &RawDocument, place: Place<'_>) -> Result<(), RuntimeError> {
        let id = id_of(document, place)?;
        if let Some(present) = self.docs.definition(id)? {
            return same_bytes(&present, document, place);
        }
        let view = DefinitionView::read(id, document.as_bytes().to_vec());
        let view = view.map_err(|error| error_at(error, place))?;
        view.block_type().and_then(|_| view.fields()).map_err(|error| error_at(error, place))?;
        self.docs.insert_definition(id, document)?;
        self.counts.definitions += 1;
        Ok(())
    }

    fn chunk(&self, file: FileHandle, document: &RawDocument, place: Place<'_>) -> Result<(), RuntimeError> {
        let number = integer(document, "n", place())?.and_then(|number| i32::try_from(number).ok());
        let number = number.ok_or_else(|| corrupt(place(), "it has no number"))?;
        match document.get("data") {
            Ok(Some(RawBsonRef::Binary(_))) => self.docs.append_chunk_document(file, number, document),
            _ => Err(corrupt(place(), "it has no data")),
        }
    }

    fn other(
        &mut self,
        collection: &str,
        document: &RawDocument,
        place: Place<'_>,
    ) -> Result<(), RuntimeError> {
        let id = FileId::of(document, "_id").map_err(|_| no_id(place))?;
        if let Some(present) = self.docs.other(collection, &id)? {
            return same(&present, document, place);
        }
        self.docs.insert_other(collection, document)?;
        self.counts.others += 1;
        if collection == OLD_MONGO
            && let Some(context) = old_mongo::context(document)?
        {
            self.counts.contexts.push(context);
        }
        Ok(())
    }
}

fn insert_index(docs: &dyn DocumentWrites, document: &RawDocument) -> Result<ContextKey, RuntimeError> {
    let index = CourseIndex::read(document)?;
    let context = index.context()?;
    if docs.index(index.key())?.is_some() {
        return Err(RuntimeError::ContextExists { key: context });
    }
    docs.insert_index(index.key(), index.id(), document)?;
    for branch in Branch::ALL {
        if let Some(version) = index.head(branch) {
            let header: StructureHeader = docs.header(version)?.ok_or_else(|| {
                corrupt(format!("structure {version}"), format!("{context} is at it, it is missing"))
            })?;
            docs.append_feed(&context.to_string(), branch.name(), version, &header.edit_info)?;
        }
    }
    Ok(context)
}

fn id_of(document: &RawDocument, place: Place<'_>) -> Result<ObjectId, RuntimeError> {
    object_id(document, "_id", place())?.ok_or_else(|| no_id(place))
}

fn no_id(place: Place<'_>) -> RuntimeError {
    corrupt(place(), "it has no `_id`")
}

/// Says in which file of the dump a document is damaged, besides its own name.
fn error_at(error: RuntimeError, place: Place<'_>) -> RuntimeError {
    match error {
        RuntimeError::Corrupt { place: inner, reason } => corrupt(place(), format!("{inner}: {reason}")),
        other => other,
    }
}

fn same_bytes(present: &[u8], document: &RawDocument, place: Place<'_>) -> Result<(), RuntimeError> {
    let present = RawDocument::from_bytes(present).map_err(|error| corrupt(place(), error))?;
    same(present, document, place)
}

/// Refuses a document in whose place the store has another one.
fn same(present: &RawDocument, document: &RawDocument, place: Place<'_>) -> Result<(), RuntimeError> {
    if present.as_bytes() == document.as_bytes() {
        return Ok(());
    }
    // The order of fields says nothing.
    match (to_document(present), to_document(document)) {
        (Ok(present), Ok(new)) if present == new => Ok(()),
        _ => Err(RuntimeError::Unstorable {
            place: place(),
            reason: "the store has another document with its id".into(),
        }),
    }
}
