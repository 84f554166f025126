//! A definition: the content of a block, wherever it is used (modulestore reference, section 2.4).

use bson::oid::ObjectId;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use xblock_core::runtime::RuntimeError;

use super::depth::to_document;
use super::edit_info::{Stamp, integer_bson};
use super::read::{corrupt, document, object_id, text, to_time};
use super::structure::MAX_DOCUMENT;

/// A definition as it is stored.
#[derive(Debug, Clone)]
pub struct DefinitionView {
    raw: RawDocumentBuf,
    id: ObjectId,
}

/// Names a definition in errors; the text is made when there is one.
#[derive(Debug, Clone, Copy)]
pub struct DefinitionPlace(ObjectId);

impl std::fmt::Display for DefinitionPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "definition {}", self.0)
    }
}

impl DefinitionView {
    /// Views a definition.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where the bytes are no BSON.
    pub fn read(id: ObjectId, bytes: Vec<u8>) -> Result<Self, RuntimeError> {
        let raw = RawDocumentBuf::from_bytes(bytes).map_err(|error| corrupt(DefinitionPlace(id), error))?;
        Ok(Self { raw, id })
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// Names the document in errors.
    #[must_use]
    pub fn place(&self) -> DefinitionPlace {
        DefinitionPlace(self.id)
    }

    /// Returns the block type it is for.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where it has none.
    pub fn block_type(&self) -> Result<&str, RuntimeError> {
        text(&self.raw, "block_type", self.place())?
            .ok_or_else(|| corrupt(self.place(), "it has no `block_type`"))
    }

    /// Returns the set content fields.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where they are no document.
    pub fn fields(&self) -> Result<Option<&RawDocument>, RuntimeError> {
        document(&self.raw, "fields", self.place())
    }

    /// Returns the first definition of the line.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where it is no id.
    pub fn original_version(&self) -> Result<Option<ObjectId>, RuntimeError> {
        match document(&self.raw, "edit_info", self.place())? {
            Some(info) => object_id(info, "original_version", self.place()),
            None => Ok(None),
        }
    }

    /// Makes a definition: the first of its line, or the next one after another, whose unknown fields it keeps.
    ///
    /// # Errors
    /// [`RuntimeError::Unstorable`] beyond 16 MiB; `place` names the block.
    pub(crate) fn create(
        block_type: &str,
        fields: Document,
        previous: Option<&Self>,
        stamp: &Stamp,
        place: &str,
    ) -> Result<(ObjectId, RawDocumentBuf), RuntimeError> {
        let id = ObjectId::new();
        let original = match previous {
            Some(previous) => previous.original_version()?.unwrap_or(previous.id),
            None => id,
        };
        let mut definition = match previous {
            Some(previous) => to_document(&previous.raw).map_err(|error| corrupt(previous.place(), error))?,
            None => Document::new(),
        };
        definition.insert("_id", id);
        definition.insert("block_type", block_type);
        definition.insert("fields", fields);
        let mut info = match definition.remove("edit_info") {
            Some(Bson::Document(info)) => info,
            _ => Document::new(),
        };
        info.extend(doc! {
            "edited_by": stamp.edited_by.map_or(Bson::Null, integer_bson),
            "edited_on": to_time(stamp.edited_on),
            "previous_version": previous.map_or(Bson::Null, |previous| previous.id.into()),
            "original_version": original,
        });
        definition.insert("edit_info", info);
        definition.insert("schema_version", 1);
        let unstorable =
            |reason: String| RuntimeError::Unstorable { place: format!("the definition of {place}"), reason };
        let raw = RawDocumentBuf::try_from(&definition).map_err(|error| unstorable(error.to_string()))?;
        let size = raw.as_bytes().len();
        if size > MAX_DOCUMENT {
            return Err(unstorable(format!("it takes {size} bytes, a document at most {MAX_DOCUMENT}")));
        }
        Ok((id, raw))
    }
}
