//! The block types a host knows, with the fields its mixins add.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::fields::{
    BlockFields, CHILDREN_FIELDS, FieldSpec, FieldTable, INHERITABLE, LMS_FIELDS, UPSTREAM_FIELDS,
    XBLOCK_FIELDS, XML_FIELDS, XMODULE_FIELDS,
};
use crate::services::Demand;

use super::aside::AsideClass;
use super::class::BlockClass;
use super::mixin::{MixedBlock, Mixin};
use super::xblock::XBlock;

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
    /// Two classes claim the same aside type.
    #[error("two classes are registered for aside type {aside_type}")]
    AmbiguousAside {
        /// The type.
        aside_type: String,
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
    shape: Arc<Shape>,
}

/// A class with what the mixins add to it.
struct Shape {
    table: Arc<FieldTable>,
    mixins: Vec<Mixin>,
    asides: Arc<[&'static AsideClass]>,
}

impl BlockType {
    /// Lists all fields: the mixins' first, then XBlock's, then the type's own; the latest of equal names counts.
    #[must_use]
    pub fn fields(&self) -> &Arc<[FieldSpec]> {
        self.shape.table.specs()
    }

    /// Returns the fields as all blocks of the type share them.
    #[must_use]
    pub fn table(&self) -> &Arc<FieldTable> {
        &self.shape.table
    }

    /// Finds a field by its name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&FieldSpec> {
        self.shape.table.get(name)
    }

    /// Lists the mixins that were added to the class, innermost first.
    #[must_use]
    pub fn mixins(&self) -> &[Mixin] {
        &self.shape.mixins
    }

    /// Finds a registered aside type: what blocks of the type may have beside them.
    #[must_use]
    pub fn aside_type(&self, name: &str) -> Option<&'static AsideClass> {
        self.shape.asides.iter().find(|class| class.aside_type == name).copied()
    }

    /// Makes a block from its fields, with the behaviour of the mixins around it.
    #[must_use]
    pub fn create(&self, fields: BlockFields) -> Box<dyn XBlock> {
        let behaviours = self.shape.mixins.iter().filter_map(|mixin| mixin.behaviour);
        behaviours
            .fold((self.class.create)(fields), |block, behaviour| Box::new(MixedBlock { block, behaviour }))
    }

    /// Returns how much the class or one of its mixins asks for a service.
    #[must_use]
    pub fn demand(&self, service: &str) -> Demand {
        let mixins = self.shape.mixins.iter().map(|mixin| mixin.services.demand(service));
        mixins.fold(self.class.services.demand(service), Ord::max)
    }

    /// Lists the services without which blocks of the type do not work.
    pub fn needed_services(&self) -> impl Iterator<Item = &'static str> {
        let mixins = self.shape.mixins.iter().flat_map(|mixin| mixin.services.needs);
        self.class.services.needs.iter().chain(mixins).copied()
    }
}

/// The block types a host knows. It never changes once it is built.
#[derive(Clone)]
pub struct Registry {
    types: Arc<BTreeMap<Arc<str>, BlockType>>,
    placeholder: BlockType,
    asides: Arc<[&'static AsideClass]>,
}

impl Registry {
    /// Begins a registry with the class that stands in for types nobody registered.
    #[must_use]
    pub fn builder(placeholder: &'static BlockClass) -> RegistryBuilder {
        RegistryBuilder {
            placeholder,
            classes: Vec::new(),
            field_mixins: PLATFORM_MIXINS,
            mixins: Vec::new(),
            asides: Vec::new(),
        }
    }

    /// Finds a type as [`Registry::block_type`] does, without copying one that is registered.
    #[must_use]
    pub(crate) fn find(&self, name: &str) -> Cow<'_, BlockType> {
        match self.types.get(name) {
            Some(found) => Cow::Borrowed(found),
            None => Cow::Owned(self.block_type(name)),
        }
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

    /// Finds an aside type; none where nobody registered it, unlike block types.
    #[must_use]
    pub fn aside_type(&self, name: &str) -> Option<&'static AsideClass> {
        self.asides.iter().find(|class| class.aside_type == name).copied()
    }

    /// Lists the registered aside types, in the order in which blocks show them.
    pub fn aside_types(&self) -> impl Iterator<Item = &'static AsideClass> {
        self.asides.iter().copied()
    }
}

/// The fields the platform mixes into every block (blocks reference, section 2).
const PLATFORM_MIXINS: &[&[FieldSpec]] =
    &[LMS_FIELDS, INHERITABLE, XMODULE_FIELDS, XML_FIELDS, UPSTREAM_FIELDS];

/// Collects classes for a [`Registry`].
pub struct RegistryBuilder {
    placeholder: &'static BlockClass,
    classes: Vec<&'static BlockClass>,
    field_mixins: &'static [&'static [FieldSpec]],
    mixins: Vec<Mixin>,
    asides: Vec<&'static AsideClass>,
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
        self.field_mixins = mixins;
        self
    }

    /// Adds a mixin to the classes it applies to, the placeholder's among them; the mixin added last is outermost.
    #[must_use]
    pub fn mixin(mut self, mixin: Mixin) -> Self {
        self.mixins.push(mixin);
        self
    }

    /// Adds a class of asides.
    #[must_use]
    pub fn aside(mut self, class: &'static AsideClass) -> Self {
        self.asides.push(class);
        self
    }

    /// Builds the registry.
    ///
    /// # Errors
    /// [`RegistryError::Ambiguous`] and [`RegistryError::AmbiguousAside`] where a name is taken twice.
    pub fn build(self) -> Result<Registry, RegistryError> {
        let mut aside_types = BTreeSet::new();
        for class in &self.asides {
            if !aside_types.insert(class.aside_type) {
                return Err(RegistryError::AmbiguousAside { aside_type: class.aside_type.to_owned() });
            }
        }
        let asides: Arc<[&'static AsideClass]> = self.asides.into();
        let shape = |class| Arc::new(Shape::of(class, self.field_mixins, &self.mixins, &asides));
        let mut types = BTreeMap::new();
        for class in self.classes {
            let shape = shape(class);
            for name in std::iter::once(&class.block_type).chain(class.aliases) {
                let name: Arc<str> = (*name).into();
                let block_type =
                    BlockType { name: name.clone(), class, is_known: true, shape: shape.clone() };
                if types.insert(name.clone(), block_type).is_some() {
                    return Err(RegistryError::Ambiguous { block_type: name.to_string() });
                }
            }
        }
        let placeholder = BlockType {
            name: self.placeholder.block_type.into(),
            class: self.placeholder,
            is_known: false,
            shape: shape(self.placeholder),
        };
        Ok(Registry { types: Arc::new(types), placeholder, asides })
    }
}

impl Shape {
    fn of(
        class: &BlockClass,
        field_mixins: &[&[FieldSpec]],
        mixins: &[Mixin],
        asides: &Arc<[&'static AsideClass]>,
    ) -> Self {
        let mixins: Vec<Mixin> = mixins.iter().filter(|mixin| (mixin.applies_to)(class)).copied().collect();
        let children: &[FieldSpec] = if class.has_children { CHILDREN_FIELDS } else { &[] };
        let mixed = field_mixins.iter().copied().chain(mixins.iter().map(|mixin| mixin.fields));
        let all = mixed.chain([XBLOCK_FIELDS, children, class.fields]).flatten().copied();
        Self { table: Arc::new(FieldTable::new(all)), mixins, asides: asides.clone() }
    }
}
