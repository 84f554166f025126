//! What is wrong with a document by itself, as it is loaded and as it is kept.

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use xblock_core::runtime::RuntimeError;

use super::folder::Place;
use super::kept::is_kept_only;
use crate::documents::{
    CourseIndex, DefinitionView, FileId, Structure, corrupt, integer, malformed, misshapen, object_id,
};
use crate::store::{Collection, DocumentReads};

/// What is said of a document whose `_id` an earlier one of the dump has.
pub(crate) const TAKEN_ID: &str = "another document of the dump has its `_id`";

/// Reads which file a chunk is of, and its number among that file's chunks.
///
/// # Errors
/// [`RuntimeError::Corrupt`], also where it has no data.
pub(crate) fn chunk_place(document: &RawDocument) -> Result<(FileId, i32), RuntimeError> {
    const PLACE: &str = "a chunk";
    let id = FileId::of(document, "files_id").map_err(|_| corrupt(PLACE, "it is the chunk of no file"))?;
    let number = integer(document, "n", PLACE)?.and_then(|number| i32::try_from(number).ok());
    let number = number.ok_or_else(|| corrupt(PLACE, "it has no number"))?;
    match document.get("data") {
        Ok(Some(RawBsonRef::Binary(_))) => Ok((id, number)),
        _ => Err(corrupt(PLACE, "it has no data")),
    }
}

pub(super) fn read_structure(document: &RawDocument) -> Result<Structure, RuntimeError> {
    let id = id_of(document, &|| "a structure".to_owned())?;
    Structure::read(id, document.as_bytes().to_vec())
}

pub(super) fn read_definition(document: &RawDocument) -> Result<(), RuntimeError> {
    let id = id_of(document, &|| "a definition".to_owned())?;
    let view = DefinitionView::read(id, document.as_bytes().to_vec())?;
    view.block_type().and_then(|_| view.fields()).map(drop)
}

/// Reads a document of a dump by itself.
pub(super) fn read_document(
    collection: &Collection,
    document: &RawDocument,
    place: Place<'_>,
) -> Result<(), RuntimeError> {
    if let Collection::Other(name) = collection
        && is_kept_only(name)
    {
        return Ok(());
    }
    if let Some(reason) = malformed(document) {
        return Err(corrupt(place(), reason));
    }
    let read = match collection {
        Collection::Structures => read_structure(document).map(drop),
        Collection::Definitions => read_definition(document),
        Collection::Indexes => CourseIndex::read(document).map(drop),
        Collection::Chunks(_) => chunk_place(document).map(drop),
        Collection::Files(_) | Collection::Other(_) => {
            FileId::of(document, "_id").map(drop).map_err(|_| no_id(&|| "a document".to_owned()))
        }
    };
    read.map_err(|error| error_at(error, place))
}

/// Says why a document was kept beside those of its collection.
pub(crate) fn damage_of(collection: &Collection, document: &RawDocument) -> RuntimeError {
    let id = FileId::of(document, "_id").map_or_else(|_| "?".to_owned(), |id| id.value().to_string());
    let place = format!("{} {id}", collection.name());
    if let Some(reason) = misshapen(document) {
        return corrupt(place, reason);
    }
    match read_document(collection, document, &|| place.clone()) {
        Err(error) => error,
        Ok(()) => corrupt(
            place,
            match collection {
                Collection::Chunks(_) => "there is another chunk of this number, or of this `_id`",
                Collection::Indexes => "the dump it came from had another one in its place",
                _ => TAKEN_ID,
            },
        ),
    }
}

/// Returns a course index that is kept beside the others.
///
/// # Errors
/// [`RuntimeError::Corrupt`] where it is no document.
pub(crate) fn kept_index(document: &RawDocument) -> Result<RawDocumentBuf, RuntimeError> {
    match misshapen(document) {
        Some(_) => Err(damage_of(&Collection::Indexes, document)),
        None => Ok(document.to_owned()),
    }
}

/// Says what is wrong with a structure or definition that its collection has no place for, where one with this id is kept.
///
/// # Errors
/// The medium's.
pub(crate) fn damage_kept(
    docs: &dyn DocumentReads,
    collection: &Collection,
    id: ObjectId,
) -> Result<Option<String>, RuntimeError> {
    let kept = docs.damaged(&collection.name(), &FileId::of_value(id.into()))?;
    Ok(kept.map(|document| match damage_of(collection, &document) {
        RuntimeError::Corrupt { reason, .. } => reason,
        other => other.to_string(),
    }))
}

pub(super) fn id_of(document: &RawDocument, place: Place<'_>) -> Result<ObjectId, RuntimeError> {
    object_id(document, "_id", place())?.ok_or_else(|| no_id(place))
}

pub(super) fn no_id(place: Place<'_>) -> RuntimeError {
    corrupt(place(), "it has no `_id`")
}

/// Says in which file of the dump a document is damaged, besides its own name.
pub(super) fn error_at(error: RuntimeError, place: Place<'_>) -> RuntimeError {
    match error {
        RuntimeError::Corrupt { place: inner, reason } => corrupt(place(), format!("{inner}: {reason}")),
        other => other,
    }
}
