//! Keys of collections and containers of libraries of the second generation.

use std::sync::Arc;

use smol_str::SmolStr;

use super::charset::is_ascii_slug;
use super::library::{checked, is_slug};
use super::plugin::PluginKey;
use super::text::key_text;
use super::{KeyError, LibraryKeyV2, Scalar};

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CollectionFields {
    pub(crate) library: LibraryKeyV2,
    pub(crate) collection_id: SmolStr,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum CollectionRepr {
    Library(Arc<CollectionFields>),
    Plugin(PluginKey),
}

/// The key of a collection: `lib-collection:Org:slug:<id>` (`LibraryCollectionLocator`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CollectionKey(pub(crate) CollectionRepr);

pub(crate) const COLLECTION_CLASS: &str = "LibraryCollectionLocator";
pub(crate) const CONTAINER_CLASS: &str = "LibraryContainerLocator";

impl CollectionKey {
    /// Namespace of these keys.
    pub const NAMESPACE: &str = "lib-collection";

    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError::InvalidValue`] when the id is not made of `[\w\-.]`.
    pub fn new(library: LibraryKeyV2, collection_id: &str) -> Result<CollectionKey, KeyError> {
        CollectionKey::build(library, &collection_id.into())
    }

    pub(crate) fn build(library: LibraryKeyV2, collection_id: &Scalar) -> Result<CollectionKey, KeyError> {
        let collection_id = checked(COLLECTION_CLASS, "collection_id", collection_id, is_slug)?;
        Ok(CollectionKey(CollectionRepr::Library(Arc::new(CollectionFields { library, collection_id }))))
    }

    /// Reads the text after `lib-collection:`.
    pub(crate) fn parse_rest(rest: &str) -> Option<CollectionKey> {
        let mut parts = rest.split(':');
        let (org, slug, collection_id) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        CollectionKey::new(LibraryKeyV2::new(org, slug).ok()?, collection_id).ok()
    }

    pub(crate) fn from_plugin(key: PluginKey) -> CollectionKey {
        CollectionKey(CollectionRepr::Plugin(key))
    }

    /// Returns the library; none for a plugin's collection.
    pub fn library_key(&self) -> Option<&LibraryKeyV2> {
        match &self.0 {
            CollectionRepr::Library(fields) => Some(&fields.library),
            CollectionRepr::Plugin(_) => None,
        }
    }

    /// Returns the id of the collection.
    pub fn collection_id(&self) -> &str {
        match &self.0 {
            CollectionRepr::Library(fields) => &fields.collection_id,
            CollectionRepr::Plugin(key) => key.text_field("collection_id").unwrap_or_default(),
        }
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        match &self.0 {
            CollectionRepr::Library(fields) => {
                out.push_str("lib-collection:");
                fields.library.write_part(':', out);
                out.push(':');
                out.push_str(&fields.collection_id);
                Ok(())
            }
            CollectionRepr::Plugin(key) => key.write_to(out),
        }
    }
}

key_text!(CollectionKey, "CollectionKey", |text| super::KeyRegistry::BUILTIN.collection_key(text));

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ContainerFields {
    pub(crate) library: LibraryKeyV2,
    pub(crate) container_type: SmolStr,
    pub(crate) container_id: SmolStr,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ContainerRepr {
    Library(Arc<ContainerFields>),
    Plugin(PluginKey),
}

/// The key of a container, such as a unit: `lct:Org:slug:<type>:<id>` (`LibraryContainerLocator`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerKey(pub(crate) ContainerRepr);

impl ContainerKey {
    /// Namespace of these keys.
    pub const NAMESPACE: &str = "lct";

    /// Makes a key. In use are the types `unit`, `subsection` and `section`; others are not refused.
    ///
    /// # Errors
    /// [`KeyError::InvalidValue`] when the type is not made of `[a-zA-Z0-9_\-.]` or the id not of `[\w\-.]`.
    pub fn new(
        library: LibraryKeyV2,
        container_type: &str,
        container_id: &str,
    ) -> Result<ContainerKey, KeyError> {
        ContainerKey::build(library, &container_type.into(), &container_id.into())
    }

    pub(crate) fn build(
        library: LibraryKeyV2,
        container_type: &Scalar,
        container_id: &Scalar,
    ) -> Result<ContainerKey, KeyError> {
        let container_type = checked(CONTAINER_CLASS, "container_type", container_type, is_ascii_slug)?;
        let container_id = checked(CONTAINER_CLASS, "container_id", container_id, is_slug)?;
        let fields = ContainerFields { library, container_type, container_id };
        Ok(ContainerKey(ContainerRepr::Library(Arc::new(fields))))
    }

    /// Reads the text after `lct:`.
    pub(crate) fn parse_rest(rest: &str) -> Option<ContainerKey> {
        let mut parts = rest.split(':');
        let (org, slug, container_type, container_id) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        ContainerKey::new(LibraryKeyV2::new(org, slug).ok()?, container_type, container_id).ok()
    }

    pub(crate) fn from_plugin(key: PluginKey) -> ContainerKey {
        ContainerKey(ContainerRepr::Plugin(key))
    }

    /// Returns the library; none for a plugin's container.
    pub fn library_key(&self) -> Option<&LibraryKeyV2> {
        match &self.0 {
            ContainerRepr::Library(fields) => Some(&fields.library),
            ContainerRepr::Plugin(_) => None,
        }
    }

    /// Returns the type of the container.
    pub fn container_type(&self) -> &str {
        match &self.0 {
            ContainerRepr::Library(fields) => &fields.container_type,
            ContainerRepr::Plugin(key) => key.text_field("container_type").unwrap_or_default(),
        }
    }

    /// Returns the id of the container.
    pub fn container_id(&self) -> &str {
        match &self.0 {
            ContainerRepr::Library(fields) => &fields.container_id,
            ContainerRepr::Plugin(key) => key.text_field("container_id").unwrap_or_default(),
        }
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        match &self.0 {
            ContainerRepr::Library(fields) => {
                out.push_str("lct:");
                fields.library.write_part(':', out);
                for part in [&fields.container_type, &fields.container_id] {
                    out.push(':');
                    out.push_str(part);
                }
                Ok(())
            }
            ContainerRepr::Plugin(key) => key.write_to(out),
        }
    }
}

key_text!(ContainerKey, "ContainerKey", |text| super::KeyRegistry::BUILTIN.container_key(text));
