//! Opaque keys for Python, with the classes, attributes and methods that code written for opaque-keys knows.
//!
//! - `opaque_key`: what all keys do.
//! - `classes`: the families and their classes.
//! - `convert`: values of attributes and arguments.

mod classes;
mod convert;
mod opaque_key;

pub(crate) use classes::{
    AsideDefinitionKey, AsideDefinitionKeyV1, AsideDefinitionKeyV2, AsideUsageKey, AsideUsageKeyV1,
    AsideUsageKeyV2, AssetKey, AssetLocator, BlockTypeKey, BlockTypeKeyV1, BlockUsageLocator,
    BundleDefinitionLocator, CcxBlockUsageLocator, CcxLocator, CollectionKey, ContainerKey, CourseKey,
    CourseLocator, DefinitionKey, DefinitionLocator, DeprecatedLocation, LearningContextKey,
    LibraryCollectionLocator, LibraryContainerLocator, LibraryLocator, LibraryLocatorV2, LibraryUsageLocator,
    LibraryUsageLocatorV2, UsageKey, UsageKeyV2,
};
pub(crate) use opaque_key::OpaqueKey;
