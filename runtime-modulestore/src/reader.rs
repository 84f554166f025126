//! From documents to what a runtime returns.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::oid::ObjectId;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use xblock_core::block::{BlockType, Registry};
use xblock_core::keys::{ContextKey, DefinitionKey, SplitDefinitionKey, UsageKey};
use xblock_core::runtime::{AsideData, BlockData, BlockRecord, FieldMap, RuntimeError, Unlisted};

use crate::attempts::Tried;
use crate::documents::{
    BlockKey, BlockView, Child, CourseIndex, DefinitionView, IndexKey, Structure, StructureIntake,
    UsageTable, corrupt, to_key_id,
};
use crate::dump::damage_kept;
use crate::fields::FieldCodec;
use crate::store::{Collection, DocumentReads};
use crate::twins::damaged_index;

/// The setting whose name is taken by the list of children; it is kept in our own field.
pub(crate) const CHILDREN: &str = "children";

/// Structures by id, bounded by their bytes. They never change, so they are never stale.
pub(crate) type StructureCache = Cache<ObjectId, Arc<Structure>, ByBytes>;

/// Weighs structures by the memory they take.
#[derive(Clone)]
pub(crate) struct ByBytes;

impl Weighter<ObjectId, Arc<Structure>> for ByBytes {
    fn weight(&self, _: &ObjectId, structure: &Arc<Structure>) -> u64 {
        structure.weight() as u64
    }
}

/// Says which block of a structure a usage is; asides and blocks of other kinds of contexts are none.
pub(crate) fn block_key(usage: &UsageKey) -> Option<BlockKey> {
    usage.as_block().map(|key| BlockKey::new(key.block_type(), key.block_id()))
}

/// A block with what is needed to write it again.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) data: Arc<BlockData>,
    pub(crate) definition: ObjectId,
}

/// Reads one context's documents in one view of the store.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'r> {
    pub(crate) docs: &'r dyn DocumentReads,
    pub(crate) registry: &'r Registry,
    pub(crate) structures: &'r StructureCache,
    pub(crate) context: &'r ContextKey,
    /// The most bytes a structure may take.
    pub(crate) document_limit: usize,
}

impl<'r> Reader<'r> {
    /// Finds the context's index; one that is filed in its place but belongs to a key of the other form is another's.
    pub(crate) fn index(&self) -> Result<Option<CourseIndex>, RuntimeError> {
        Ok(self.filed_index()?.filter(|(_, is_ours)| *is_ours).map(|(index, _)| index))
    }

    /// As [`Reader::index`], of a context that is to be there.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`]; [`RuntimeError::Corrupt`] where its index is there and cannot be read.
    pub(crate) fn existing_index(&self) -> Result<CourseIndex, RuntimeError> {
        match self.index()? {
            Some(index) => Ok(index),
            None => Err(self.no_index()?),
        }
    }

    /// Says why the context has no index.
    pub(crate) fn no_index(&self) -> Result<RuntimeError, RuntimeError> {
        let key = IndexKey::of(self.context).ok();
        let damaged = key.map(|key| damaged_index(self.docs, &key)).transpose()?.flatten();
        Ok(damaged.unwrap_or_else(|| RuntimeError::NoSuchContext { key: self.context.clone() }))
    }

    /// Says what the context's index is before a change of it.
    pub(crate) fn tried(&self) -> Result<Tried, RuntimeError> {
        let found = self.filed_index()?.map(|(index, _)| index);
        Ok(Tried {
            index: found.as_ref().map(|index| (index.id(), index.last_update())),
            draft: found.and_then(|index| index.draft().ok()),
        })
    }

    /// Finds what is filed in the context's place, and says whether it is the context's.
    pub(crate) fn filed_index(&self) -> Result<Option<(CourseIndex, bool)>, RuntimeError> {
        let Ok(key) = IndexKey::of(self.context) else { return Ok(None) };
        let Some(raw) = self.docs.index(&key)? else { return Ok(None) };
        let index = CourseIndex::read(&raw)?;
        let is_ours = index.context()? == *self.context;
        Ok(Some((index, is_ours)))
    }

    pub(crate) fn structure(&self, id: ObjectId) -> Result<Arc<Structure>, RuntimeError> {
        if let Some(found) = self.structures.get(&id) {
            return Ok(found);
        }
        let mut intake = StructureIntake::new(id);
        let Some(bytes) = self.docs.structure_as_it_comes(id, &mut |so_far| intake.advance(so_far))? else {
            let kept = damage_kept(self.docs, &Collection::Structures, id)?;
            let reason = kept.unwrap_or_else(|| "it is missing from the store".to_owned());
            return Err(corrupt(format!("structure {id}"), reason));
        };
        let structure = Arc::new(intake.finish(bytes)?);
        self.structures.insert(id, structure.clone());
        Ok(structure)
    }

    pub(crate) fn usage(
        &self,
        block_type: &str,
        block_id: &str,
        place: impl std::fmt::Display,
    ) -> Result<UsageKey, RuntimeError> {
        self.context.make_usage_key(block_type, block_id).map_err(|error| corrupt(place, error))
    }

    pub(crate) fn usages(&self, structure: &Structure) -> Vec<UsageKey> {
        let mut usages: Vec<_> = self.named(structure.keys()).collect();
        usages.sort();
        usages.dedup();
        usages
    }

    /// Makes keys of types and ids. What makes none is damage that [`Reader::unnamed`] lists and all others pass over, as
    /// they do children that do not exist.
    fn named<'a>(&self, names: impl Iterator<Item = (&'a str, &'a str)>) -> impl Iterator<Item = UsageKey> {
        names.filter_map(|(block_type, block_id)| self.context.make_usage_key(block_type, block_id).ok())
    }

    /// Lists the blocks whose types and ids make no keys, and such children that are no blocks.
    pub(crate) fn unnamed(&self, structure: &Structure) -> Result<Vec<Unlisted>, RuntimeError> {
        let mut found = BTreeSet::new();
        for (block_type, block_id) in structure.keys() {
            if let Err(error) = self.context.make_usage_key(block_type, block_id) {
                let place = format!("structure {}, block {block_type}+{block_id}", structure.id());
                found.insert((place, error.to_string()));
            }
        }
        for at in (0..).take(structure.len()) {
            for child in structure.children_at(at).unwrap_or_default() {
                let (block_type, block_id) = match child {
                    Child::Block(_) => continue,
                    Child::Missing(_) => structure.child_key(*child),
                };
                if let Err(error) = self.context.make_usage_key(block_type, block_id) {
                    let reason = format!("its child {block_type}+{block_id} does not exist: {error}");
                    found.insert((structure.place_of(at).to_string(), reason));
                }
            }
        }
        Ok(found.into_iter().map(|(place, reason)| Unlisted::Block { place, reason }).collect())
    }

    pub(crate) fn parents(&self, structure: &Structure, usage: &UsageKey) -> Vec<UsageKey> {
        let parents = structure.parents(usage.block_type(), usage.block_id());
        let mut parents: Vec<_> = self.named(parents.into_iter()).collect();
        parents.sort();
        parents
    }

    pub(crate) fn definition(&self, id: ObjectId) -> Result<Option<DefinitionView>, RuntimeError> {
        self.docs.definition(id)?.map(|bytes| DefinitionView::read(id, bytes)).transpose()
    }

    fn content(
        &self,
        id: ObjectId,
        codec: FieldCodec<'_>,
        block: &BlockView<'_>,
    ) -> Result<FieldMap, RuntimeError> {
        let Some(definition) = self.definition(id)? else {
            let kept = damage_kept(self.docs, &Collection::Definitions, id)?;
            let reason = match kept {
                Some(reason) => format!("its definition {id} is damaged: {reason}"),
                None => format!("its definition {id} is missing"),
            };
            return Err(corrupt(block.place(), reason));
        };
        codec.read(definition.fields()?, &[], definition.place())
    }

    /// Decodes a block: each field where it is stored, also one whose scope changed since.
    pub(crate) fn known(&self, block_type: &str, view: &BlockView<'_>) -> Result<Known, RuntimeError> {
        let declared = self.registry.block_type(block_type);
        let children = || Ok(self.named(view.children()?.into_iter()).collect());
        self.known_as(&declared, view, children)
    }

    /// Decodes a block whose list of children is to be replaced; one that cannot be read counts for none.
    pub(crate) fn known_but_for_children(
        &self,
        block_type: &str,
        view: &BlockView<'_>,
    ) -> Result<Known, RuntimeError> {
        let declared = self.registry.block_type(block_type);
        let children = || Ok(self.named(view.known_children().into_iter()).collect());
        self.known_as(&declared, view, children)
    }

    /// Says whether a child's type and id make a key.
    pub(crate) fn is_named(&self, (block_type, block_id): (&str, &str)) -> bool {
        self.context.make_usage_key(block_type, block_id).is_ok()
    }

    /// Decodes a block of a type that was looked up.
    fn known_as(
        &self,
        declared: &BlockType,
        view: &BlockView<'_>,
        children: impl FnOnce() -> Result<Vec<UsageKey>, RuntimeError>,
    ) -> Result<Known, RuntimeError> {
        let codec = FieldCodec::new(declared, Some(self.context));
        let definition = view.definition()?.ok_or_else(|| corrupt(view.place(), "it names no definition"))?;
        let mut settings = codec.read(view.fields()?, &[CHILDREN], view.place())?;
        if let Some(own) = view.own()? {
            let kept = own.get_document("settings").ok();
            settings.extend(codec.read(kept, &[], view.place())?);
        }
        let children = children()?;
        let asides = view
            .asides()?
            .into_iter()
            .map(|(aside_type, fields)| {
                let fields = FieldCodec::UNTYPED.read(Some(fields), &[], view.place())?;
                Ok(AsideData { aside_type: aside_type.into(), fields })
            })
            .collect::<Result<_, RuntimeError>>()?;
        let data = BlockData {
            content: self.content(definition, codec, view)?,
            settings,
            defaults: codec.read(view.defaults()?, &[], view.place())?,
            children,
            asides,
        };
        Ok(Known { data: Arc::new(data), definition })
    }

    /// Reads a block as the runtime returns it.
    pub(crate) fn record(&self, usage: &UsageKey, view: &BlockView<'_>) -> Result<BlockRecord, RuntimeError> {
        record(usage, view, self.known(usage.block_type(), view)?)
    }

    /// Reads the block at a place, whose type was looked up and whose keys are in a table.
    pub(crate) fn record_at(
        &self,
        structure: &Structure,
        usages: &UsageTable,
        declared: &BlockType,
        at: u32,
    ) -> Result<BlockRecord, RuntimeError> {
        let usage = usages.key(structure, Child::Block(at))?;
        let view = structure.at(at).ok_or_else(|| corrupt(usage, "it is no document"))?;
        let children = || match structure.children_at(at) {
            Some(children) => {
                Ok(children.iter().filter_map(|child| usages.known(structure, *child).cloned()).collect())
            }
            None => Err(view.children().err().unwrap_or_else(|| corrupt(view.place(), "`children`"))),
        };
        record(usage, &view, self.known_as(declared, &view, children)?)
    }
}

fn record(usage: &UsageKey, view: &BlockView<'_>, known: Known) -> Result<BlockRecord, RuntimeError> {
    Ok(BlockRecord {
        usage: usage.clone(),
        definition: definition_key(usage.block_type(), known.definition),
        data: known.data,
        edit_info: view.edit_info()?.summary(),
    })
}

/// Returns the key of a definition.
pub(crate) fn definition_key(block_type: &str, id: ObjectId) -> DefinitionKey {
    SplitDefinitionKey::new(block_type, to_key_id(id)).into()
}
