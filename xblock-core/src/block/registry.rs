//! The block types a host knows, with the fields its mixins add.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::fields::{
    CHILDREN_FIELDS, FieldSpec, INHERITABLE, LMS_FIELDS, UPSTREAM_FIELDS, XBLOCK_FIELDS, XML_FIELDS,
    XMODULE_FIELDS,
};

use super::class::BlockClass;

/// A registration that cannot be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryError {
    /// Two classes claim the same type.
    #[error("two classes are registered for block type {block_type}")]
    Ambiguous {
        /// The type.
        block_type: String,
    },
}

/// A block type as a host sees it: its class, and its fields with those of the mixins.
#[derive(Clone)]
pub struct BlockType {
    /// The name it was asked for by.
    pub name: Arc<str>,
    /// Its class; a placeholder class where nobody registered the type.
    pub class: &'static BlockClass,
    /// Whether somebody registered it.
    pub is_known: bool,
    fields: Arc<Fields>,
}

struct Fields {
    specs: Arc<[FieldSpec]>,
    by_name: HashMap<&'static str, usize>,
}

impl BlockType {
    /// Lists all fields: the mixins' first, then XBlock's, then the type's own; the latest of equal names counts.
    #[must_use]
    pub fn fields(&self) -> &Arc<[FieldSpec]> {
        &self.fields.specs
    }

    /// Finds a field by its name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&FieldSpec> {
        self.fields.by_name.get(name).map(|at| &self.fields.specs[*at])
    }
}

/// The block types a host knows. It never changes once it is built.
#[derive(Clone)]
pub struct Registry {
    types: Arc<BTreeMap<Arc<str>, BlockType>>,
    placeholder: BlockType,
}

impl Registry {
    /// Begins a registry with the class that stands in for types nobody registered.
    #[must_use]
    pub fn builder(placeholder: &'static BlockClass) -> RegistryBuilder {
        RegistryBuilder { placeholder, classes: Vec::new(), mixins: PLATFORM_MIXINS }
    }

    /// Finds a type; one that nobody registered gets the placeholder class and `is_known` false.
    ///
    /// XBlock looks names up in lower case.
    #[must_use]
    pub fn block_type(&self, name: &str) -> BlockType {
        if let Some(found) = self.types.get(name) {
            return found.clone();
        }
        if let Some(found) = self.types.get(name.to_lowercase().as_str()) {
            return found.clone();
        }
        BlockType { name: name.into(), ..self.placeholder.clone() }
    }

    /// Lists the registered types in order of their names, aliases included.
    pub fn types(&self) -> impl Iterator<Item = &BlockType> {
        self.types.values()
    }
}

/// The fields the platform mixes into every block (blocks reference, section 2).
const PLATFORM_MIXINS: &[&[FieldSpec]] =
    &[LMS_FIELDS, INHERITABLE, XMODULE_FIELDS, XML_FIELDS, UPSTREAM_FIELDS];

/// Collects classes for a [`Registry`].
pub struct RegistryBuilder {
    placeholder: &'static BlockClass,
    classes: Vec<&'static BlockClass>,
    mixins: &'static [&'static [FieldSpec]],
}

impl RegistryBuilder {
    /// Adds a class under its name and its aliases.
    #[must_use]
    pub fn class(mut self, class: &'static BlockClass) -> Self {
        self.classes.push(class);
        self
    }

    /// Replaces the fields mixed into every block; an empty list gives bare XBlocks.
    #[must_use]
    pub fn mixins(mut self, mixins: &'static [&'static [FieldSpec]]) -> Self {
        self.mixins = mixins;
        self
    }

    /// Builds the registry.
    ///
    /// # Errors
    /// [`RegistryError::Ambiguous`] where a name is taken twice.
    pub fn build(self) -> Result<Registry, RegistryError> {
        let mut types = BTreeMap::new();
        for class in self.classes {
            let fields = Arc::new(collect(self.mixins, class));
            for name in std::iter::once(&class.block_type).chain(class.aliases) {
                let name: Arc<str> = (*name).into();
                let block_type =
                    BlockType { name: name.clone(), class, is_known: true, fields: fields.clone() };
                if types.insert(name.clone(), block_type).is_some() {
                    return Err(RegistryError::Ambiguous { block_type: name.to_string() });
                }
            }
        }
        let placeholder = BlockType {
            name: self.placeholder.block_type.into(),
            class: self.placeholder,
            is_known: false,
            fields: Arc::new(collect(self.mixins, self.placeholder)),
        };
        Ok(Registry { types: Arc::new(types), placeholder })
    }
}

fn collect(mixins: &[&[FieldSpec]], class: &BlockClass) -> Fields {
    let mut specs: Vec<FieldSpec> = Vec::new();
    let mut by_name = HashMap::new();
    let children: &[FieldSpec] = if class.has_children { CHILDREN_FIELDS } else { &[] };
    let all = mixins.iter().copied().chain([XBLOCK_FIELDS, children, class.fields]);
    for spec in all.flatten() {
        match by_name.get(spec.name) {
            Some(at) => specs[*at] = *spec,
            None => {
                by_name.insert(spec.name, specs.len());
                specs.push(*spec);
            }
        }
    }
    Fields { specs: specs.into(), by_name }
}
