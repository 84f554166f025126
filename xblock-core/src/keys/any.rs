//! A key of any family.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::python::StrayAside;
use super::{
    AssetKey, BlockTypeKey, CollectionKey, ContainerKey, ContextKey, DefinitionKey, KeyError, UsageKey,
};

/// A key of any family.
///
/// Families share no namespace but do share texts: every text is a block type. So reading one takes a
/// [`KeyKind`](super::KeyKind).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AnyKey {
    /// A learning context.
    Context(ContextKey),
    /// A usage.
    Usage(UsageKey),
    /// A definition.
    Definition(DefinitionKey),
    /// An asset.
    Asset(AssetKey),
    /// A block type.
    BlockType(BlockTypeKey),
    /// A collection.
    Collection(CollectionKey),
    /// A container.
    Container(ContainerKey),
    /// An aside of something that is not of its family; only [`construct`](super::python::construct) makes these.
    StrayAside(Arc<StrayAside>),
}

impl AnyKey {
    /// Writes the key.
    ///
    /// # Errors
    /// When the key is in a state that has no text.
    pub fn to_text(&self) -> Result<String, KeyError> {
        let mut out = String::with_capacity(96);
        self.write_to(&mut out).map(|()| out)
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        match self {
            AnyKey::Context(key) => key.write_to(out),
            AnyKey::Usage(key) => key.write_to(out),
            AnyKey::Definition(key) => key.write_to(out),
            AnyKey::Asset(key) => key.write_to(out),
            AnyKey::BlockType(key) => key.write_to(out),
            AnyKey::Collection(key) => key.write_to(out),
            AnyKey::Container(key) => key.write_to(out),
            AnyKey::StrayAside(key) => key.write_to(out),
        }
    }
}

impl Hash for AnyKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Usages, which most keys are, go without a number for their family, because each number costs.
        match self {
            AnyKey::Usage(key) => key.hash(state),
            AnyKey::Context(key) => (4_u8, key).hash(state),
            AnyKey::Definition(key) => (5_u8, key).hash(state),
            AnyKey::Asset(key) => (6_u8, key).hash(state),
            AnyKey::BlockType(key) => (7_u8, key).hash(state),
            AnyKey::Collection(key) => (8_u8, key).hash(state),
            AnyKey::Container(key) => (9_u8, key).hash(state),
            AnyKey::StrayAside(key) => (10_u8, key).hash(state),
        }
    }
}

impl std::fmt::Display for AnyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::with_capacity(96);
        // A key without a text is shown as far as it goes.
        let _ = self.write_to(&mut out);
        f.pad(&out)
    }
}

impl From<ContextKey> for AnyKey {
    fn from(key: ContextKey) -> AnyKey {
        AnyKey::Context(key)
    }
}

impl From<UsageKey> for AnyKey {
    fn from(key: UsageKey) -> AnyKey {
        AnyKey::Usage(key)
    }
}

impl From<DefinitionKey> for AnyKey {
    fn from(key: DefinitionKey) -> AnyKey {
        AnyKey::Definition(key)
    }
}

impl From<AssetKey> for AnyKey {
    fn from(key: AssetKey) -> AnyKey {
        AnyKey::Asset(key)
    }
}

impl From<BlockTypeKey> for AnyKey {
    fn from(key: BlockTypeKey) -> AnyKey {
        AnyKey::BlockType(key)
    }
}

impl From<CollectionKey> for AnyKey {
    fn from(key: CollectionKey) -> AnyKey {
        AnyKey::Collection(key)
    }
}

impl From<ContainerKey> for AnyKey {
    fn from(key: ContainerKey) -> AnyKey {
        AnyKey::Container(key)
    }
}
