//! One block inside a structure (modulestore reference, section 2.3).

use std::cmp::Ordering;

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use bson::{Array, Bson, Document};
use xblock_core::runtime::RuntimeError;

use super::depth::{to_bson, to_document};
use super::edit_info::BlockEditInfo;
use super::read::{corrupt, document, object_id};
use super::scan::find;

/// The identity of a block inside one structure.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockKey {
    /// The block type.
    pub block_type: Box<str>,
    /// The block id.
    pub block_id: Box<str>,
}

impl BlockKey {
    /// Makes a key.
    #[must_use]
    pub fn new(block_type: &str, block_id: &str) -> Self {
        Self { block_type: block_type.into(), block_id: block_id.into() }
    }

    /// Compares with the two parts of another key.
    #[must_use]
    pub fn cmp_parts(&self, block_type: &str, block_id: &str) -> Ordering {
        (&*self.block_type, &*self.block_id).cmp(&(block_type, block_id))
    }

    /// Returns type and id.
    #[must_use]
    pub fn parts(&self) -> (&str, &str) {
        (&self.block_type, &self.block_id)
    }

    /// Returns the pair as references and children are stored.
    #[must_use]
    pub fn to_bson(&self) -> Bson {
        pair_bson(&self.block_type, &self.block_id)
    }
}

impl std::fmt::Display for BlockKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}+{}", self.block_type, self.block_id)
    }
}

/// Returns `[type, id]`.
pub(crate) fn pair_bson(block_type: &str, block_id: &str) -> Bson {
    Bson::Array(vec![Bson::from(block_type), Bson::from(block_id)])
}

/// A block as it lies in its structure.
#[derive(Debug, Clone)]
pub struct BlockView<'a> {
    document: &'a RawDocument,
    /// Where they were found before.
    fields: Option<&'a RawDocument>,
    place: BlockPlace<'a>,
}

/// Names a block in errors; the text is made when there is one.
#[derive(Debug, Clone)]
pub enum BlockPlace<'a> {
    /// As it was named.
    Named(String),
    /// A block of a structure.
    InStructure {
        /// The structure.
        structure: &'a str,
        /// The block's type.
        block_type: &'a str,
        /// The block's id.
        block_id: &'a str,
    },
}

impl std::fmt::Display for BlockPlace<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(place) => f.write_str(place),
            Self::InStructure { structure, block_type, block_id } => {
                write!(f, "{structure}, block {block_type}+{block_id}")
            }
        }
    }
}

/// What a block's document is made of when it is written.
#[derive(Debug, Clone)]
pub struct BlockParts {
    /// Its content.
    pub definition: Option<ObjectId>,
    /// Set settings and children.
    pub fields: Document,
    /// Settings copied from a library block.
    pub defaults: Document,
    /// Asides with their fields.
    pub asides: Array,
    /// When it changed.
    pub edit_info: BlockEditInfo,
    /// Fields of our own, which other readers pass over.
    pub own: Option<Document>,
}

/// The name under which what Split has no place for is kept in a document; readers ignore unknown names.
pub(crate) const OWN: &str = "xblock_runtime";

const KNOWN: [&str; 8] =
    ["block_type", "block_id", "definition", "fields", "defaults", "asides", "edit_info", OWN];

impl BlockParts {
    /// Writes the block; fields of the old document that nobody knows are kept.
    ///
    /// # Errors
    /// [`RuntimeError::Unstorable`] where BSON cannot hold a part.
    pub fn write(
        self,
        key: &BlockKey,
        old: Option<&BlockView<'_>>,
        place: &str,
    ) -> Result<RawDocumentBuf, RuntimeError> {
        let mut document = Document::new();
        document.insert("block_type", &*key.block_type);
        document.insert("block_id", &*key.block_id);
        document.insert("definition", self.definition.map_or(Bson::Null, Bson::from));
        document.insert("fields", self.fields);
        document.insert("defaults", self.defaults);
        document.insert("asides", self.asides);
        document.insert("edit_info", self.edit_info.to_document());
        if let Some(own) = self.own {
            document.insert(OWN, own);
        }
        if let Some(old) = old {
            for element in old.document {
                let (name, value) = element.map_err(|error| corrupt(&old.place, error))?;
                if !KNOWN.contains(&name.as_str()) {
                    let value = to_bson(value).map_err(|error| corrupt(&old.place, error))?;
                    document.insert(name.as_str(), value);
                }
            }
        }
        RawDocumentBuf::try_from(&document)
            .map_err(|error| RuntimeError::Unstorable { place: place.to_owned(), reason: error.to_string() })
    }
}

/// Returns the value of a setting among a block's fields.
pub(crate) fn field_of<'a>(fields: &'a RawDocument, name: &str) -> Result<Option<RawBsonRef<'a>>, String> {
    let found = find(fields.as_bytes(), name).map_err(|error| error.to_string())?;
    found.map(|found| found.value(fields)).transpose()
}

impl<'a> BlockView<'a> {
    /// Views a block's document; `place` names it in errors.
    #[must_use]
    pub fn new(document: &'a RawDocument, place: String) -> Self {
        Self { document, fields: None, place: BlockPlace::Named(place) }
    }

    /// Views a block of a structure, and its fields where they were found before.
    pub(super) fn in_structure(
        document: &'a RawDocument,
        fields: Option<&'a RawDocument>,
        place: BlockPlace<'a>,
    ) -> Self {
        Self { document, fields, place }
    }

    /// Returns the document itself.
    #[must_use]
    pub fn raw(&self) -> &'a RawDocument {
        self.document
    }

    /// Names the block in errors.
    #[must_use]
    pub fn place(&self) -> &BlockPlace<'a> {
        &self.place
    }

    /// Returns the id of the content document.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where it is no id.
    pub fn definition(&self) -> Result<Option<ObjectId>, RuntimeError> {
        object_id(self.document, "definition", &self.place)
    }

    /// Returns set settings and children.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where they are no document.
    pub fn fields(&self) -> Result<Option<&'a RawDocument>, RuntimeError> {
        if self.fields.is_some() {
            return Ok(self.fields);
        }
        document(self.document, "fields", &self.place)
    }

    /// Returns the value of a set setting, null too.
    pub(crate) fn field(&self, name: &str) -> Result<Option<RawBsonRef<'a>>, RuntimeError> {
        let Some(fields) = self.fields()? else { return Ok(None) };
        field_of(fields, name).map_err(|error| corrupt(&self.place, error))
    }

    /// Returns settings copied from a library block.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where they are no document.
    pub fn defaults(&self) -> Result<Option<&'a RawDocument>, RuntimeError> {
        document(self.document, "defaults", &self.place)
    }

    /// Returns our own fields.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where they are no document.
    pub fn own(&self) -> Result<Option<&'a RawDocument>, RuntimeError> {
        document(self.document, OWN, &self.place)
    }

    /// Returns the asides with their fields. Writers leave them out, or write `{}`, `[]`, a list, or a map by type.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where they are none of these.
    pub fn asides(&self) -> Result<Vec<(&'a str, &'a RawDocument)>, RuntimeError> {
        let malformed = |reason: &str| corrupt(&self.place, format!("`asides`: {reason}"));
        let found = find(self.document.as_bytes(), "asides").map_err(|error| corrupt(&self.place, error))?;
        // Nearly every block has an empty list.
        if found.is_none_or(|found| found.is_null() || found.items().is_some_and(|list| list.left() == 0)) {
            return Ok(Vec::new());
        }
        let value = found.map(|found| found.value(self.document)).transpose();
        let value = value.map_err(|error| corrupt(&self.place, error))?;
        let mut asides = Vec::new();
        match value {
            None | Some(RawBsonRef::Null) => {}
            Some(RawBsonRef::Array(list)) => {
                for item in list {
                    let aside = item
                        .map_err(|error| malformed(&error.to_string()))?
                        .as_document()
                        .ok_or_else(|| malformed("an item is no document"))?;
                    let aside_type = aside.get_str("aside_type").map_err(|e| malformed(&e.to_string()))?;
                    asides.push((
                        aside_type,
                        aside.get_document("fields").map_err(|e| malformed(&e.to_string()))?,
                    ));
                }
            }
            Some(RawBsonRef::Document(map)) => {
                for element in map {
                    let (name, fields) = element.map_err(|error| malformed(&error.to_string()))?;
                    let fields = fields.as_document().ok_or_else(|| malformed("fields are no document"))?;
                    asides.push((name.as_str(), fields));
                }
            }
            Some(_) => return Err(malformed("neither list nor document")),
        }
        Ok(asides)
    }

    /// Returns when the block changed; missing keys count as null.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where a key has a value of another type.
    pub fn edit_info(&self) -> Result<BlockEditInfo, RuntimeError> {
        match document(self.document, "edit_info", &self.place)? {
            Some(info) => BlockEditInfo::read(info, &self.place),
            None => Ok(BlockEditInfo::default()),
        }
    }

    /// Returns the version that tells whether draft and published differ, without reading the rest.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where it is no id.
    pub fn compared_version(&self) -> Result<Option<ObjectId>, RuntimeError> {
        let Some(info) = document(self.document, "edit_info", &self.place)? else { return Ok(None) };
        match object_id(info, "source_version", &self.place)? {
            Some(source) => Ok(Some(source)),
            None => object_id(info, "update_version", &self.place),
        }
    }

    /// Returns the block with another `edit_info` and everything else as it lies there.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where it cannot be read.
    pub fn with_edit_info(&self, info: &BlockEditInfo) -> Result<RawDocumentBuf, RuntimeError> {
        let mut document = to_document(self.document).map_err(|error| corrupt(&self.place, error))?;
        document.insert("edit_info", info.to_document());
        RawDocumentBuf::try_from(&document).map_err(|error| corrupt(&self.place, error))
    }

    /// Says whether `children` is set, be it to an empty list.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where the fields cannot be read.
    pub fn sets_children(&self) -> Result<bool, RuntimeError> {
        let Some(fields) = self.fields()? else { return Ok(false) };
        let found = find(fields.as_bytes(), "children").map_err(|error| corrupt(&self.place, error))?;
        Ok(found.is_some())
    }

    /// Returns those children that can be read, in order: of a list with other things in it the pairs.
    #[must_use]
    pub fn known_children(&self) -> Vec<(&'a str, &'a str)> {
        let Ok(Some(fields)) = self.fields() else { return Vec::new() };
        let Ok(Some(list)) = find(fields.as_bytes(), "children") else { return Vec::new() };
        let text = |text: &'a [u8]| std::str::from_utf8(text).ok();
        let items = list.items().into_iter().flatten().map_while(Result::ok);
        items
            .filter_map(|item| {
                let (block_type, block_id) = item.pair()?;
                text(block_type).zip(text(block_id))
            })
            .collect()
    }

    /// Returns when the block changed, for another document in its place: of what cannot be read nothing is known.
    ///
    /// # Errors
    /// As [`BlockView::edit_info`], but for damage.
    pub(crate) fn known_edit_info(&self) -> Result<BlockEditInfo, RuntimeError> {
        match self.edit_info() {
            Err(error) if error.is_damage() => Ok(BlockEditInfo::default()),
            read => read,
        }
    }

    /// Returns the children in order; they may name blocks that do not exist.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where the list is none of pairs.
    pub fn children(&self) -> Result<Vec<(&'a str, &'a str)>, RuntimeError> {
        let Some(fields) = self.fields()? else { return Ok(Vec::new()) };
        let found = find(fields.as_bytes(), "children").map_err(|error| corrupt(&self.place, error))?;
        let Some(list) = found.filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
        let items = list.items().ok_or_else(|| corrupt(&self.place, "`children` is no list"))?;
        let text = |text: &'a [u8]| std::str::from_utf8(text).ok();
        items
            .map(|item| {
                let (block_type, block_id) = item.ok()?.pair()?;
                text(block_type).zip(text(block_id))
            })
            .map(|pair| pair.ok_or_else(|| corrupt(&self.place, "a child is no [type, id]")))
            .collect()
    }
}
