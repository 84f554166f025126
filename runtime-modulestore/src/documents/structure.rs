//! A structure: one version of one branch with all its blocks (modulestore reference, section 2.2).

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use bson::Bson;
use bson::oid::ObjectId;
use bson::raw::{CString, RawArray, RawArrayBuf, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use xblock_core::runtime::{EditInfo, RuntimeError, VersionId};

use super::block::{BlockKey, BlockView};
use super::edit_info::{Stamp, integer_bson};
use super::read::{corrupt, integer, object_id, pair, time, to_time};

/// The most bytes a server takes in one document.
pub(crate) const MAX_DOCUMENT: usize = 16 * 1024 * 1024;

/// What a structure says about itself, apart from its blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct StructureHeader {
    /// The version id.
    pub id: ObjectId,
    /// The structure this one was copied from.
    pub previous_version: Option<ObjectId>,
    /// The first structure of the line.
    pub original_version: Option<ObjectId>,
    /// Who made it and when.
    pub edit_info: EditInfo,
}

impl StructureHeader {
    /// Reads the header; the blocks are passed over.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where it lacks its id or has a field of another type.
    pub fn read(document: &RawDocument) -> Result<Self, RuntimeError> {
        let id = object_id(document, "_id", "a structure")?
            .ok_or_else(|| corrupt("a structure", "it has no `_id`"))?;
        let place = format!("structure {id}");
        Ok(Self {
            id,
            previous_version: object_id(document, "previous_version", &place)?,
            original_version: object_id(document, "original_version", &place)?,
            edit_info: EditInfo {
                edited_on: time(document, "edited_on", &place)?,
                edited_by: integer(document, "edited_by", &place)?,
            },
        })
    }

    /// Returns the id as a runtime's version.
    #[must_use]
    pub fn version(&self) -> VersionId {
        VersionId(self.id.to_hex().into())
    }
}

/// A stretch of a structure's bytes.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Locates a slice inside the bytes it was cut from.
    fn of(whole: &[u8], part: &[u8]) -> Option<Self> {
        let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
        let end = start.checked_add(part.len()).filter(|end| *end <= whole.len())?;
        Some(Self { start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? })
    }

    fn bytes(self, whole: &[u8]) -> &[u8] {
        &whole[self.start as usize..self.end as usize]
    }

    fn text(self, whole: &[u8]) -> &str {
        std::str::from_utf8(self.bytes(whole)).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    block_type: Span,
    block_id: Span,
    document: Span,
}

#[derive(Debug, Clone, Copy)]
struct ParentLink {
    child_type: Span,
    child_id: Span,
    /// Place of the parent among the entries.
    parent: u32,
}

/// A structure with a way to each of its blocks. The blocks themselves stay BSON until they are asked for.
#[derive(Debug)]
pub struct Structure {
    header: StructureHeader,
    root: BlockKey,
    place: String,
    bytes: RawDocumentBuf,
    /// In order of type and id.
    entries: Vec<Entry>,
    /// In order of the child's type and id, then of the parent; made when first asked for.
    parents: OnceLock<Vec<ParentLink>>,
}

impl Structure {
    /// Reads a structure's outline.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where it is not what a structure must be.
    pub fn read(id: ObjectId, bytes: Vec<u8>) -> Result<Self, RuntimeError> {
        let place = format!("structure {id}");
        let bytes = RawDocumentBuf::from_bytes(bytes).map_err(|error| corrupt(place.as_str(), error))?;
        let header = StructureHeader::read(&bytes)?;
        let root = bytes
            .get("root")
            .ok()
            .flatten()
            .and_then(pair)
            .map(|(block_type, block_id)| BlockKey::new(block_type, block_id))
            .ok_or_else(|| corrupt(place.as_str(), "`root` is no [type, id]"))?;
        let blocks = bytes.get_array("blocks").map_err(|error| corrupt(place.as_str(), error))?;
        let mut entries = outline(bytes.as_bytes(), blocks, &place)?;
        let whole = bytes.as_bytes();
        entries.sort_by(|a, b| a.key(whole).cmp(&b.key(whole)));
        Ok(Self { header, root, place, bytes, entries, parents: OnceLock::new() })
    }

    /// Returns the version id.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        self.header.id
    }

    /// Returns what the structure says about itself.
    #[must_use]
    pub fn header(&self) -> &StructureHeader {
        &self.header
    }

    /// Returns the block everything else hangs below.
    #[must_use]
    pub fn root(&self) -> &BlockKey {
        &self.root
    }

    /// Returns the document.
    #[must_use]
    pub fn raw(&self) -> &RawDocument {
        &self.bytes
    }

    /// Returns about how much memory the structure takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.bytes.as_bytes().len() + self.entries.len() * (size_of::<Entry>() + size_of::<ParentLink>())
    }

    /// Returns the number of blocks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Says whether there is no block at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Lists the blocks in order of type and id.
    pub fn blocks(&self) -> impl Iterator<Item = (&str, &str, BlockView<'_>)> {
        self.entries.iter().filter_map(|entry| {
            let (block_type, block_id) = entry.parts(self.bytes.as_bytes());
            Some((block_type, block_id, self.view(entry)?))
        })
    }

    /// Lists the blocks' types and ids, in order.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| entry.parts(self.bytes.as_bytes()))
    }

    /// Finds a block.
    #[must_use]
    pub fn block(&self, block_type: &str, block_id: &str) -> Option<BlockView<'_>> {
        self.view(self.entry(block_type, block_id)?)
    }

    /// Says whether there is such a block.
    #[must_use]
    pub fn contains(&self, block_type: &str, block_id: &str) -> bool {
        self.entry(block_type, block_id).is_some()
    }

    /// Lists the blocks that name this one among their children, in order; it need not exist itself.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where some block's children cannot be read.
    pub fn parents(&self, block_type: &str, block_id: &str) -> Result<Vec<(&str, &str)>, RuntimeError> {
        let links = match self.parents.get() {
            Some(links) => links,
            None => {
                let links = self.parent_links()?;
                self.parents.get_or_init(|| links)
            }
        };
        let whole = self.bytes.as_bytes();
        let wanted = (block_type.as_bytes(), block_id.as_bytes());
        let start = links.partition_point(|link| link.child(whole).cmp(&wanted) == Ordering::Less);
        Ok(links[start..]
            .iter()
            .take_while(|link| link.child(whole) == wanted)
            .map(|link| self.entries[link.parent as usize].parts(whole))
            .collect())
    }

    /// Finds a block's place among all, in order of types and ids.
    pub(crate) fn position(&self, block_type: &str, block_id: &str) -> Option<usize> {
        let whole = self.bytes.as_bytes();
        let wanted = (block_type.as_bytes(), block_id.as_bytes());
        self.entries.binary_search_by(|entry| entry.key(whole).cmp(&wanted)).ok()
    }

    /// Returns the block at a place, with its type and id.
    pub(crate) fn at(&self, position: usize) -> Option<(&str, &str, BlockView<'_>)> {
        let entry = self.entries.get(position)?;
        let (block_type, block_id) = entry.parts(self.bytes.as_bytes());
        Some((block_type, block_id, self.view(entry)?))
    }

    fn entry(&self, block_type: &str, block_id: &str) -> Option<&Entry> {
        self.entries.get(self.position(block_type, block_id)?)
    }

    fn view(&self, entry: &Entry) -> Option<BlockView<'_>> {
        let whole = self.bytes.as_bytes();
        let document = RawDocument::from_bytes(entry.document.bytes(whole)).ok()?;
        Some(BlockView::in_structure(document, &self.place, entry.parts(whole)))
    }

    fn parent_links(&self) -> Result<Vec<ParentLink>, RuntimeError> {
        let whole = self.bytes.as_bytes();
        let mut links = Vec::new();
        for (parent, entry) in (0..).zip(&self.entries) {
            let Some(view) = self.view(entry) else { continue };
            for (child_type, child_id) in view.children()? {
                let spans = (Span::of(whole, child_type.as_bytes()), Span::of(whole, child_id.as_bytes()));
                if let (Some(child_type), Some(child_id)) = spans {
                    links.push(ParentLink { child_type, child_id, parent });
                }
            }
        }
        links.sort_by(|a, b| (a.child(whole), a.parent).cmp(&(b.child(whole), b.parent)));
        links.dedup_by(|a, b| (a.child(whole), a.parent) == (b.child(whole), b.parent));
        Ok(links)
    }
}

impl Entry {
    /// Returns type and id to compare: bytes are in the order of the texts, and need no proof that they are some.
    fn key(self, whole: &[u8]) -> (&[u8], &[u8]) {
        (self.block_type.bytes(whole), self.block_id.bytes(whole))
    }

    fn parts(self, whole: &[u8]) -> (&str, &str) {
        (self.block_type.text(whole), self.block_id.text(whole))
    }
}

impl ParentLink {
    fn child(self, whole: &[u8]) -> (&[u8], &[u8]) {
        (self.child_type.bytes(whole), self.child_id.bytes(whole))
    }
}

fn outline(whole: &[u8], blocks: &RawArray, place: &str) -> Result<Vec<Entry>, RuntimeError> {
    let mut entries = Vec::new();
    for (position, item) in blocks.into_iter().enumerate() {
        let place = || format!("{place}, block {position}");
        let block = item
            .map_err(|error| corrupt(place(), error))?
            .as_document()
            .ok_or_else(|| corrupt(place(), "it is no document"))?;
        let block_type = block.get_str("block_type").map_err(|error| corrupt(place(), error))?;
        let block_id = block.get_str("block_id").map_err(|error| corrupt(place(), error))?;
        let spans = (
            Span::of(whole, block_type.as_bytes()),
            Span::of(whole, block_id.as_bytes()),
            Span::of(whole, block.as_bytes()),
        );
        let (Some(block_type), Some(block_id), Some(document)) = spans else {
            return Err(corrupt(place(), "it lies beyond the first 4 GiB"));
        };
        entries.push(Entry { block_type, block_id, document });
    }
    Ok(entries)
}

/// The next version of a branch while it is put together (`version_structure`, modulestore reference, section 6).
pub struct NextStructure<'a> {
    base: Option<&'a Structure>,
    stamp: Stamp,
    root: BlockKey,
    /// `None` is a deleted block.
    changed: BTreeMap<BlockKey, Option<RawDocumentBuf>>,
    /// The asset metadata, where it is another than the base's.
    assets: Option<RawDocumentBuf>,
}

impl<'a> NextStructure<'a> {
    /// Begins a copy of a structure, or a first one.
    pub(crate) fn begin(base: Option<&'a Structure>, root: BlockKey, stamp: Stamp) -> Self {
        Self { base, stamp, root, changed: BTreeMap::new(), assets: None }
    }

    /// Finds a block as it is so far.
    #[must_use]
    pub fn block(&self, key: &BlockKey) -> Option<BlockView<'_>> {
        match self.changed.get(key) {
            Some(changed) => changed.as_ref().map(|document| {
                BlockView::new(document, format!("structure {}, block {key}", self.stamp.version))
            }),
            None => self.base.and_then(|base| base.block(&key.block_type, &key.block_id)),
        }
    }

    /// Sets a block.
    pub fn put(&mut self, key: BlockKey, document: RawDocumentBuf) {
        self.changed.insert(key, Some(document));
    }

    /// Deletes a block.
    pub fn delete(&mut self, key: BlockKey) {
        self.changed.insert(key, None);
    }

    /// Sets the asset metadata.
    pub fn set_assets(&mut self, assets: RawDocumentBuf) {
        self.assets = Some(assets);
    }

    /// Says whether any block was set or deleted.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Puts the document together; blocks that nobody touched are copied as they are.
    ///
    /// # Errors
    /// [`RuntimeError::Unstorable`] beyond so many bytes, [`RuntimeError::Corrupt`] where the base cannot be read.
    pub fn finish(self, context: &str, limit: usize) -> Result<Structure, RuntimeError> {
        let Self { base, stamp, root, mut changed, assets } = self;
        let previous = base.map(Structure::id);
        let original =
            base.and_then(|base| base.header.original_version).or(previous).unwrap_or(stamp.version);
        let mut document = RawDocumentBuf::new();
        document.append(cstr!("_id"), stamp.version);
        document.append(cstr!("root"), raw(&root.to_bson(), "root")?);
        document
            .append(cstr!("previous_version"), raw(&previous.map_or(Bson::Null, Bson::from), "previous")?);
        document.append(cstr!("original_version"), original);
        document
            .append(cstr!("edited_by"), raw(&stamp.edited_by.map_or(Bson::Null, integer_bson), "edited_by")?);
        document.append(cstr!("edited_on"), to_time(stamp.edited_on));
        document.append(cstr!("schema_version"), 1);
        if let Some(base) = base {
            append_unknown(&mut document, base, assets.is_some())?;
        }
        if let Some(assets) = assets {
            document.append(cstr!("assets"), assets);
        }
        let mut blocks = RawArrayBuf::new();
        for (entry, block) in base.into_iter().flat_map(in_document_order) {
            match changed.remove(&entry) {
                Some(Some(block)) => blocks.push(&block),
                Some(None) => {}
                None => blocks.push(block),
            }
        }
        for block in changed.into_values().flatten() {
            blocks.push(&block);
        }
        document.append(cstr!("blocks"), &blocks);
        let bytes = document.into_bytes();
        if bytes.len() > limit {
            return Err(RuntimeError::Unstorable {
                place: format!("the structure of {context}"),
                reason: too_big(&bytes, limit),
            });
        }
        Structure::read(stamp.version, bytes)
    }
}

/// Says what takes the room.
fn too_big(bytes: &[u8], limit: usize) -> String {
    let document = RawDocument::from_bytes(bytes).ok();
    let blocks = document.and_then(|document| document.get_array("blocks").ok());
    let blocks = blocks.into_iter().flatten().flatten().filter_map(|block| {
        let block = block.as_document()?;
        Some((block.get_str("block_type").ok()?, block))
    });
    let biggest = crate::maintenance::biggest_fields(blocks);
    format!("it takes {} bytes, a document at most {limit}; most of it: {biggest}", bytes.len())
}

fn raw(value: &Bson, place: &str) -> Result<bson::raw::RawBson, RuntimeError> {
    bson::raw::RawBson::try_from(value.clone())
        .map_err(|error| RuntimeError::Unstorable { place: place.to_owned(), reason: error.to_string() })
}

/// Copies what the store's own fields are not: `assets`, `thumbnails`, and whatever a later release adds.
fn append_unknown(
    document: &mut RawDocumentBuf,
    base: &Structure,
    without_assets: bool,
) -> Result<(), RuntimeError> {
    const KNOWN: [&str; 8] = [
        "_id",
        "root",
        "previous_version",
        "original_version",
        "edited_by",
        "edited_on",
        "schema_version",
        "blocks",
    ];
    for element in &*base.bytes {
        let (name, value): (_, RawBsonRef<'_>) =
            element.map_err(|error| corrupt(base.place.as_str(), error))?;
        let is_replaced = without_assets && name.as_str() == "assets";
        if !is_replaced && !KNOWN.contains(&name.as_str()) {
            document.append(CString::from(name), value);
        }
    }
    Ok(())
}

fn in_document_order(structure: &Structure) -> Vec<(BlockKey, &RawDocument)> {
    let whole = structure.bytes.as_bytes();
    let mut entries = structure.entries.clone();
    entries.sort_by_key(|entry| entry.document.start);
    entries
        .iter()
        .filter_map(|entry| {
            let (block_type, block_id) = entry.parts(whole);
            let document = RawDocument::from_bytes(entry.document.bytes(whole)).ok()?;
            Some((BlockKey::new(block_type, block_id), document))
        })
        .collect()
}
