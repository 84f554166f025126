//! Writing blocks and definitions as documents, whoever asks for it.

use bson::Document;
use bson::oid::ObjectId;
use bson::raw::RawDocumentBuf;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{BlockData, FieldMap, RuntimeError};

use crate::documents::{
    BlockEditInfo, BlockKey, BlockParts, BlockView, DefinitionView, Stamp, corrupt, to_document,
};
use crate::fields::FieldCodec;
use crate::reader::{CHILDREN, Known, Reader, block_key};
use crate::store::DocumentWrites;

/// Writes blocks of one context.
#[derive(Clone, Copy)]
pub(crate) struct BlockWriter<'w> {
    pub(crate) docs: &'w dyn DocumentWrites,
    pub(crate) reader: Reader<'w>,
}

impl BlockWriter<'_> {
    /// Finds or makes the definition for a block's content; equal content keeps its definition.
    ///
    /// `known` are the states of the block the store has; a new definition comes after that of the first.
    pub(crate) fn define(
        &self,
        usage: &UsageKey,
        content: &FieldMap,
        known: &[Option<&Known>],
        stamp: &Stamp,
    ) -> Result<ObjectId, RuntimeError> {
        let known = || known.iter().copied().flatten();
        if let Some(same) = known().find(|known| known.data.content == *content) {
            return Ok(same.definition);
        }
        let place = usage.to_string();
        let block_type = self.reader.registry.block_type(usage.block_type());
        let codec = FieldCodec::new(&block_type, Some(self.reader.context));
        let previous = match known().next() {
            Some(old) => self.reader.definition(old.definition)?,
            None => None,
        };
        let old_fields = previous.as_ref().map(DefinitionView::fields).transpose()?.flatten();
        let fields = codec.write(content, &[], old_fields, &place)?;
        let (id, document) =
            DefinitionView::create(usage.block_type(), fields, previous.as_ref(), stamp, &place)?;
        self.docs.insert_definition(id, &document)?;
        Ok(id)
    }

    #[expect(clippy::too_many_arguments, reason = "a block's document has that many parts")]
    pub(crate) fn write_block(
        &self,
        usage: &UsageKey,
        key: &BlockKey,
        data: &BlockData,
        definition: ObjectId,
        edit_info: BlockEditInfo,
        old: Option<&BlockView<'_>>,
        always_children: bool,
    ) -> Result<RawDocumentBuf, RuntimeError> {
        let place = usage.to_string();
        let block_type = self.reader.registry.block_type(usage.block_type());
        let codec = FieldCodec::new(&block_type, Some(self.reader.context));
        let old_fields = old.map(BlockView::fields).transpose()?.flatten();
        let old_defaults = old.map(BlockView::defaults).transpose()?.flatten();
        let mut fields = codec.write(&data.settings, &[CHILDREN], old_fields, &place)?;
        let had_children = old.map(BlockView::sets_children).transpose()?.unwrap_or(false);
        if always_children || had_children || !data.children.is_empty() {
            let children = data.children.iter().filter_map(block_key).map(|key| key.to_bson());
            fields.insert(CHILDREN, children.collect::<bson::Array>());
        }
        // A setting of that name (only a type nobody knows can have one) goes where no reader takes it for the list.
        let own = data.settings.get_key_value(CHILDREN).map(|(name, value)| {
            let kept = FieldMap::from_iter([(name.clone(), value.clone())]);
            codec.write(&kept, &[], None, &place).map(|kept| bson::doc! { "settings": kept })
        });
        let asides = data.asides.iter().map(|aside| {
            let fields = FieldCodec::UNTYPED.write(&aside.fields, &[], None, &place)?;
            Ok(bson::doc! { "aside_type": &*aside.aside_type, "fields": fields }.into())
        });
        let parts = BlockParts {
            definition: Some(definition),
            fields,
            defaults: codec.write(&data.defaults, &[], old_defaults, &place)?,
            asides: asides.collect::<Result<_, RuntimeError>>()?,
            edit_info,
            own: own.transpose()?,
        };
        parts.write(key, old, &place)
    }
}

/// Copies a draft block as a publish does; the list of children is always written.
pub(crate) fn publish_copy(
    draft: &BlockView<'_>,
    old: Option<&BlockView<'_>>,
    stamp: &Stamp,
) -> Result<RawDocumentBuf, RuntimeError> {
    let old = old.map(BlockView::edit_info).transpose()?;
    let info = BlockEditInfo::published(&draft.edit_info()?, old.as_ref(), stamp);
    let mut copy = to_document(draft.raw()).map_err(|error| corrupt(draft.place(), error))?;
    copy.insert("edit_info", info.to_document());
    let fields = copy.entry("fields").or_insert_with(|| Document::new().into());
    if let Some(fields) = fields.as_document_mut() {
        fields.entry(CHILDREN).or_insert_with(|| bson::Bson::Array(Vec::new()));
    }
    RawDocumentBuf::try_from(&copy).map_err(|error| corrupt(draft.place(), error))
}
