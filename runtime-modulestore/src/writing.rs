//! Writing blocks and definitions as documents, whoever asks for it.

use bson::oid::ObjectId;
use bson::raw::RawDocumentBuf;
use bson::{Bson, Document};
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{BlockData, FieldMap, RuntimeError};

use crate::documents::{
    BlockEditInfo, BlockKey, BlockParts, BlockView, DefinitionView, Stamp, corrupt, to_bson, to_document,
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
        if let Some(children) = self.children(data, old, always_children)? {
            fields.insert(CHILDREN, children);
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

impl BlockWriter<'_> {
    /// Returns the list of children to write; nothing where none is to be set.
    ///
    /// Children whose type and id make no key are in no list a caller has seen, so that no caller takes them out: where the
    /// others are the same, the list stays as it lies there, else those have their places behind the same neighbours.
    fn children(
        &self,
        data: &BlockData,
        old: Option<&BlockView<'_>>,
        always: bool,
    ) -> Result<Option<Bson>, RuntimeError> {
        let had_children = old.map(BlockView::sets_children).transpose()?.unwrap_or(false);
        if !always && !had_children && data.children.is_empty() {
            return Ok(None);
        }
        let before = match old.map(BlockView::children).transpose() {
            // All of it is replaced.
            Err(error) if error.is_damage() => None,
            before => before?,
        };
        let mut children: Vec<_> = data.children.iter().filter_map(block_key).collect();
        let is_named = |child: &(&str, &str)| self.reader.is_named(*child);
        let named = before.iter().flatten().copied().filter(is_named);
        if let Some(old) = old.filter(|_| had_children && before.is_some())
            && named.eq(children.iter().map(BlockKey::parts))
        {
            let list = old.field(CHILDREN)?.map(to_bson).transpose();
            let list = list.map_err(|error| corrupt(old.place(), error))?;
            return Ok(
                list.map(|list| if list == Bson::Null && always { Bson::Array(Vec::new()) } else { list })
            );
        }
        let mut at = 0;
        for child in before.into_iter().flatten() {
            let key = BlockKey::new(child.0, child.1);
            if is_named(&child) {
                at = children.iter().position(|one| *one == key).map_or(at, |found| found + 1);
            } else {
                children.insert(at, key);
                at += 1;
            }
        }
        Ok(Some(children.iter().map(BlockKey::to_bson).collect::<bson::Array>().into()))
    }
}

/// Copies a draft block as a publish does; the list of children is always written.
pub(crate) fn publish_copy(
    draft: &BlockView<'_>,
    old: Option<&BlockView<'_>>,
    stamp: &Stamp,
) -> Result<RawDocumentBuf, RuntimeError> {
    let old = old.map(BlockView::known_edit_info).transpose()?;
    let info = BlockEditInfo::published(&draft.edit_info()?, old.as_ref(), stamp);
    let mut copy = to_document(draft.raw()).map_err(|error| corrupt(draft.place(), error))?;
    copy.insert("edit_info", info.to_document());
    let fields = copy.entry("fields").or_insert_with(|| Document::new().into());
    if let Some(fields) = fields.as_document_mut() {
        fields.entry(CHILDREN).or_insert_with(|| Bson::Array(Vec::new()));
    }
    RawDocumentBuf::try_from(&copy).map_err(|error| corrupt(draft.place(), error))
}
