//! A structure: one version of one branch with all its blocks (modulestore reference, section 2.2).

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bson::Bson;
use bson::oid::ObjectId;
use bson::raw::{CString, RawArrayBuf, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{EditInfo, RuntimeError, VersionId};

use super::block::{BlockKey, BlockPlace, BlockView};
use super::edit_info::{Stamp, integer_bson};
use super::entries::{Entries, Intake};
use super::read::{corrupt, integer, object_id, pair, time, to_time};
use super::tree::{Child, Tree};
use super::usages::UsageTable;

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

/// A structure with a way to each of its blocks. The blocks themselves stay BSON until they are asked for.
#[derive(Debug)]
pub struct Structure {
    header: StructureHeader,
    root: BlockKey,
    place: String,
    bytes: RawDocumentBuf,
    entries: Entries,
    /// Made when first asked for.
    tree: OnceLock<Tree>,
    /// Keys in the first context that asked for them; a structure is mostly of one.
    usages: OnceLock<Arc<UsageTable>>,
}

impl Structure {
    /// Reads a structure's outline.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where it is not what a structure must be.
    pub fn read(id: ObjectId, bytes: Vec<u8>) -> Result<Self, RuntimeError> {
        StructureIntake::new(id).finish(bytes)
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

    /// Returns about how much memory the structure takes, with all that is made of it when it is asked for.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.bytes.as_bytes().len()
            + self.entries.ids_weight()
            + self.entries.len() * (Entries::WEIGHT + Tree::WEIGHT + UsageTable::WEIGHT)
    }

    /// Returns the number of blocks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Says whether there is no block at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }

    /// Lists the blocks in order of type and id.
    pub fn blocks(&self) -> impl Iterator<Item = (&str, &str, BlockView<'_>)> {
        self.entries.order().iter().filter_map(|at| {
            let (block_type, block_id) = self.key_at(*at);
            Some((block_type, block_id, self.at(*at)?))
        })
    }

    /// Lists the blocks' types and ids, in order.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.order().iter().map(|at| self.key_at(*at))
    }

    /// Finds a block; of several by the same key the last, as edx-platform does.
    #[must_use]
    pub fn block(&self, block_type: &str, block_id: &str) -> Option<BlockView<'_>> {
        self.at(self.position(block_type, block_id)?)
    }

    /// Says whether there is such a block.
    #[must_use]
    pub fn contains(&self, block_type: &str, block_id: &str) -> bool {
        self.position(block_type, block_id).is_some()
    }

    /// Lists the blocks that name this one among their children, in order; it need not exist itself. Of lists that cannot be
    /// read as a whole the entries that can be count.
    #[must_use]
    pub fn parents(&self, block_type: &str, block_id: &str) -> Vec<(&str, &str)> {
        let tree = self.tree();
        let whole = self.bytes.as_bytes();
        let places: Vec<_> = match self.position(block_type, block_id) {
            Some(at) => tree.parents(at).collect(),
            None => tree.parents_of_missing(whole, block_type, block_id).collect(),
        };
        let mut parents: Vec<_> = places.into_iter().map(|at| self.key_at(at)).collect();
        parents.sort_unstable();
        parents.dedup();
        parents
    }

    /// Finds a block's place in the document.
    pub(crate) fn position(&self, block_type: &str, block_id: &str) -> Option<u32> {
        self.entries.position(block_type.as_bytes(), block_id.as_bytes())
    }

    /// Returns the block at a place.
    pub(crate) fn at(&self, position: u32) -> Option<BlockView<'_>> {
        let document = self.entries.document(self.bytes.as_bytes(), position);
        let document = RawDocument::from_bytes(document).ok()?;
        let fields = self.fields_at(position);
        Some(BlockView::in_structure(document, fields, self.place_of(position)))
    }

    /// Names the block at a place in errors.
    pub(crate) fn place_of(&self, position: u32) -> BlockPlace<'_> {
        let (block_type, block_id) = self.key_at(position);
        BlockPlace::InStructure { structure: &self.place, block_type, block_id }
    }

    /// Returns the fields of the block at a place; nothing where the block has to say why there are none.
    pub(crate) fn fields_at(&self, position: u32) -> Option<&RawDocument> {
        RawDocument::from_bytes(self.entries.fields(self.bytes.as_bytes(), position)?).ok()
    }

    /// Returns the type and id of the block at a place.
    pub(crate) fn key_at(&self, position: u32) -> (&str, &str) {
        self.entries.key(position)
    }

    /// Returns a number for the type of the block at a place; blocks of one type have the same.
    pub(crate) fn type_at(&self, position: u32) -> usize {
        self.entries.type_number(position)
    }

    /// Returns the children of the block at a place; nothing where they cannot be read.
    pub(crate) fn children_at(&self, position: u32) -> Option<&[Child]> {
        self.tree().children(position)
    }

    /// Returns a table for the keys of the blocks, and of children the structure does not have, in a context.
    pub(crate) fn usages(&self, context: &ContextKey) -> Arc<UsageTable> {
        let make = || Arc::new(UsageTable::new(context, self.len(), self.tree().missing_len()));
        let table = self.usages.get_or_init(make);
        if table.context() == context { table.clone() } else { make() }
    }

    /// Returns the type and id of a child.
    pub(crate) fn child_key(&self, child: Child) -> (&str, &str) {
        match child {
            Child::Block(at) => self.key_at(at),
            Child::Missing(number) => self.tree().missing(self.bytes.as_bytes(), number),
        }
    }

    fn tree(&self) -> &Tree {
        self.tree.get_or_init(|| Tree::read(self.bytes.as_bytes(), &self.entries))
    }
}

/// Reads a structure while its bytes come in.
pub(crate) struct StructureIntake(Intake);

impl StructureIntake {
    pub(crate) fn new(id: ObjectId) -> Self {
        Self(Intake::new(format!("structure {id}")))
    }

    /// Takes note of what is there so far; it begins with what was there before.
    pub(crate) fn advance(&mut self, so_far: &[u8]) {
        self.0.advance(so_far);
    }

    /// Ends with the whole.
    pub(crate) fn finish(self, bytes: Vec<u8>) -> Result<Structure, RuntimeError> {
        let place = self.0.place();
        let bytes = RawDocumentBuf::from_bytes(bytes).map_err(|error| corrupt(place, error))?;
        let header = StructureHeader::read(&bytes)?;
        let root = bytes
            .get("root")
            .ok()
            .flatten()
            .and_then(pair)
            .map(|(block_type, block_id)| BlockKey::new(block_type, block_id))
            .ok_or_else(|| corrupt(place, "`root` is no [type, id]"))?;
        let (entries, place) = self.0.finish(bytes.as_bytes())?;
        Ok(Structure { header, root, place, bytes, entries, tree: OnceLock::new(), usages: OnceLock::new() })
    }
}

/// The next version of a branch while it is put together (`version_structure`, modulestore reference, section 6).
pub struct NextStructure<'a> {
    base: Option<&'a Structure>,
    /// Without a base: the version it comes after, which cannot be read, and the first of the line.
    after: Option<(ObjectId, Option<ObjectId>)>,
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
        Self { base, after: None, stamp, root, changed: BTreeMap::new(), assets: None }
    }

    /// Names the version a first one comes after all the same: it cannot be read, and its id is all that is left of it.
    pub(crate) fn come_after(&mut self, lost: ObjectId, original: Option<ObjectId>) {
        self.after = Some((lost, original));
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
        let Self { base, after, stamp, root, mut changed, assets } = self;
        let previous = base.map(Structure::id).or(after.map(|(lost, _)| lost));
        let original = match base {
            Some(base) => base.header.original_version,
            None => after.and_then(|(_, original)| original),
        };
        let original = original.or(previous).unwrap_or(stamp.version);
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
        // Of several by the same key the last is read; a change leaves one of them, a deletion none.
        for (at, entry, block) in base.into_iter().flat_map(in_document_order) {
            let is_read =
                || base.and_then(|base| base.position(&entry.block_type, &entry.block_id)) == Some(at);
            match changed.get_mut(&entry) {
                None => blocks.push(block),
                Some(changed) if is_read() => {
                    if let Some(block) = changed.take() {
                        blocks.push(&block);
                    }
                }
                Some(_) => {}
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

fn in_document_order(structure: &Structure) -> impl Iterator<Item = (u32, BlockKey, &RawDocument)> {
    let places = (0..).take(structure.len());
    places.filter_map(|at| {
        let (block_type, block_id) = structure.key_at(at);
        Some((at, BlockKey::new(block_type, block_id), structure.at(at)?.raw()))
    })
}
