//! Loading what `mongodump` wrote: files of concatenated BSON documents, one per collection.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, RuntimeError};

use crate::documents::{
    Bucket, CourseIndex, FileId, Structure, StructureHeader, corrupt, integer, object_id,
};
use crate::store::{DocumentStore, DocumentWrites};

/// What was loaded from a dump.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DumpCounts {
    /// The contexts whose index was loaded.
    pub contexts: Vec<ContextKey>,
    /// New structures; those that were there already are not counted.
    pub structures: usize,
    /// New definitions; those that were there already are not counted.
    pub definitions: usize,
    /// Files of the contentstore.
    pub files: usize,
    /// Files of the dump that belong to no collection of Split or of the contentstore.
    pub passed_over: Vec<PathBuf>,
}

/// The collections that are loaded, by how the names of their files end.
const INDEXES: &str = ".active_versions.bson";
const STRUCTURES: &str = ".structures.bson";
const DEFINITIONS: &str = ".definitions.bson";
const FILES: &str = "fs.files.bson";
const CHUNKS: &str = "fs.chunks.bson";

/// Loads the collections in a folder (`dump/DATABASE` of a dump) in one transaction.
pub(crate) fn import(store: &dyn DocumentStore, folder: &Path) -> Result<DumpCounts, RuntimeError> {
    let found = Collections::find(folder)?;
    let docs = store.write()?;
    let mut counts = DumpCounts { passed_over: found.others.clone(), ..DumpCounts::default() };
    each(&found.structures, &mut |document| {
        let id = id_of(document)?;
        if docs.header(id)?.is_none() {
            docs.insert_structure(&Structure::read(id, document.as_bytes().to_vec())?, "")?;
            counts.structures += 1;
        }
        Ok(())
    })?;
    each(&found.definitions, &mut |document| {
        let id = id_of(document)?;
        if docs.definition(id)?.is_none() {
            docs.insert_definition(id, document)?;
            counts.definitions += 1;
        }
        Ok(())
    })?;
    let mut handles = HashMap::new();
    each(&found.files, &mut |document| {
        let id = FileId::of(document, "_id")?;
        let file = docs.begin_file(Bucket::Published, &id)?;
        docs.finish_file(file, document)?;
        handles.insert(id, file);
        Ok(())
    })?;
    counts.files = handles.len();
    each(&found.chunks, &mut |document| {
        let id = FileId::of(document, "files_id")?;
        let place = || format!("a chunk of file {}", id.value());
        // A chunk whose file is gone is garbage of an interrupted upload.
        let Some(file) = handles.get(&id) else { return Ok(()) };
        let number = integer(document, "n", &place())?.and_then(|number| i32::try_from(number).ok());
        let number = number.ok_or_else(|| corrupt(place(), "it has no number"))?;
        match document.get("data") {
            Ok(Some(RawBsonRef::Binary(data))) => docs.append_chunk(*file, number, data.bytes),
            _ => Err(corrupt(place(), "it has no data")),
        }
    })?;
    each(&found.indexes, &mut |document| {
        counts.contexts.push(insert_index(&*docs, document)?);
        Ok(())
    })?;
    docs.commit()?;
    Ok(counts)
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

fn id_of(document: &RawDocument) -> Result<ObjectId, RuntimeError> {
    object_id(document, "_id", "a document of the dump")?
        .ok_or_else(|| corrupt("a document of the dump", "it has no `_id`"))
}

#[derive(Default)]
struct Collections {
    indexes: Vec<PathBuf>,
    structures: Vec<PathBuf>,
    definitions: Vec<PathBuf>,
    files: Vec<PathBuf>,
    chunks: Vec<PathBuf>,
    others: Vec<PathBuf>,
}

impl Collections {
    fn find(folder: &Path) -> Result<Self, RuntimeError> {
        let unreadable = |error| RuntimeError::storage(format!("reading {}", folder.display()), error);
        let mut found = Self::default();
        for entry in folder.read_dir().map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let list = match name.as_str() {
                FILES => &mut found.files,
                CHUNKS => &mut found.chunks,
                name if name.ends_with(INDEXES) => &mut found.indexes,
                name if name.ends_with(STRUCTURES) => &mut found.structures,
                name if name.ends_with(DEFINITIONS) => &mut found.definitions,
                _ => &mut found.others,
            };
            list.push(path);
        }
        found.others.sort();
        Ok(found)
    }
}

/// Reads the documents of some files one by one.
fn each(
    files: &[PathBuf],
    take: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
) -> Result<(), RuntimeError> {
    for path in files {
        let unreadable = |error| RuntimeError::storage(format!("reading {}", path.display()), error);
        let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
        for position in 0_usize.. {
            if reader.fill_buf().map_err(unreadable)?.is_empty() {
                break;
            }
            let document = RawDocumentBuf::from_reader(&mut reader)
                .map_err(|error| corrupt(format!("{}, document {position}", path.display()), error))?;
            take(&document)?;
        }
    }
    Ok(())
}
