//! Class, namespace and fields of any key.

use smol_str::SmolStr;

use crate::keys::aside::AsideVersion;
use crate::keys::asset::AssetRepr;
use crate::keys::block_usage::{BlockNamespace, Located};
use crate::keys::collection::{CollectionRepr, ContainerRepr};
use crate::keys::course::CourseFields;
use crate::keys::{
    AnyKey, AssetKey, BlockTypeKey, CollectionKey, ContainerKey, ContextKey, DefinitionKey, KeyClass,
    PluginKey, Scalar, UsageKey,
};

use super::KeyValue;

/// Named values, in order.
pub(super) type Fields = Vec<(SmolStr, KeyValue)>;

fn named<const N: usize>(fields: [(&'static str, KeyValue); N]) -> Fields {
    fields.into_iter().map(|(name, value)| (SmolStr::new_static(name), value)).collect()
}

fn course_fields(fields: &CourseFields) -> Fields {
    named([
        ("org", (&fields.org).into()),
        ("course", (&fields.course).into()),
        ("run", (&fields.run).into()),
        ("branch", (&fields.branch).into()),
        ("version_guid", fields.version.clone().into()),
    ])
}

fn located_fields(context_name: &'static str, located: &Located) -> Fields {
    let (block_type, block_id) = located.within.values();
    named([
        (context_name, located.context.clone().into()),
        ("block_type", block_type.into()),
        ("block_id", block_id.into()),
    ])
}

fn plugin_fields(key: &PluginKey) -> Fields {
    key.fields().iter().map(|(name, value)| (name.clone(), value.clone().into())).collect()
}

impl AnyKey {
    /// Returns the Python class; none for keys of plugins.
    pub fn class(&self) -> Option<KeyClass> {
        Some(match self {
            AnyKey::Context(ContextKey::Course(_)) => KeyClass::CourseLocator,
            AnyKey::Context(ContextKey::Library(_)) => KeyClass::LibraryLocator,
            AnyKey::Context(ContextKey::LibraryV2(_)) => KeyClass::LibraryLocatorV2,
            AnyKey::Context(ContextKey::Ccx(_)) => KeyClass::CcxLocator,
            AnyKey::Usage(UsageKey::Block(key)) => match key.block_namespace() {
                BlockNamespace::Block => KeyClass::BlockUsageLocator,
                BlockNamespace::CcxBlock => KeyClass::CcxBlockUsageLocator,
                BlockNamespace::LibraryBlock => KeyClass::LibraryUsageLocator,
                BlockNamespace::Location => KeyClass::DeprecatedLocation,
            },
            AnyKey::Usage(UsageKey::LibraryV2(_)) => KeyClass::LibraryUsageLocatorV2,
            AnyKey::Usage(UsageKey::Aside(key)) => match key.version() {
                AsideVersion::V1 => KeyClass::AsideUsageKeyV1,
                AsideVersion::V2 => KeyClass::AsideUsageKeyV2,
            },
            AnyKey::Definition(DefinitionKey::Split(_)) => KeyClass::DefinitionLocator,
            AnyKey::Definition(DefinitionKey::Bundle(_)) => KeyClass::BundleDefinitionLocator,
            AnyKey::Definition(DefinitionKey::Aside(key)) => match key.version() {
                AsideVersion::V1 => KeyClass::AsideDefinitionKeyV1,
                AsideVersion::V2 => KeyClass::AsideDefinitionKeyV2,
            },
            AnyKey::Asset(AssetKey(AssetRepr::Located(_))) => KeyClass::AssetLocator,
            AnyKey::BlockType(_) => KeyClass::BlockTypeKeyV1,
            AnyKey::Collection(CollectionKey(CollectionRepr::Library(_))) => {
                KeyClass::LibraryCollectionLocator
            }
            AnyKey::Container(ContainerKey(ContainerRepr::Library(_))) => KeyClass::LibraryContainerLocator,
            AnyKey::StrayAside(stray) => stray.class,
            _ => return None,
        })
    }

    /// Returns the name of the Python class, of the family for keys of plugins.
    pub fn class_name(&self) -> &'static str {
        match self.class() {
            Some(class) => class.name(),
            None => match self {
                AnyKey::Context(_) => "LearningContextKey",
                AnyKey::Usage(_) => "UsageKey",
                AnyKey::Definition(_) => "DefinitionKey",
                AnyKey::Asset(_) => "AssetKey",
                AnyKey::Collection(_) => "CollectionKey",
                _ => "ContainerKey",
            },
        }
    }

    /// Returns the namespace (`CANONICAL_NAMESPACE`).
    pub fn namespace(&self) -> &str {
        match self {
            AnyKey::Context(key) => key.namespace(),
            AnyKey::Usage(key) => key.namespace(),
            AnyKey::Definition(key) => key.namespace(),
            AnyKey::Asset(AssetKey(AssetRepr::Plugin(key)))
            | AnyKey::Collection(CollectionKey(CollectionRepr::Plugin(key)))
            | AnyKey::Container(ContainerKey(ContainerRepr::Plugin(key))) => key.namespace(),
            AnyKey::Asset(_) => AssetKey::NAMESPACE,
            AnyKey::BlockType(_) => BlockTypeKey::NAMESPACE,
            AnyKey::Collection(_) => CollectionKey::NAMESPACE,
            AnyKey::Container(_) => ContainerKey::NAMESPACE,
            AnyKey::StrayAside(stray) => stray.namespace(),
        }
    }

    /// Tells whether the key is of an old form, written without namespace.
    pub fn is_deprecated(&self) -> bool {
        match self {
            AnyKey::Context(key) => key.is_deprecated(),
            AnyKey::Usage(key) => key.is_deprecated(),
            AnyKey::Asset(key) => key.is_deprecated(),
            AnyKey::BlockType(key) => key.0.deprecated,
            _ => false,
        }
    }

    /// Returns the fields that make up the key's identity (`KEY_FIELDS`), in their order.
    pub fn fields(&self) -> Fields {
        match self {
            AnyKey::Context(ContextKey::Course(key)) => course_fields(&key.0),
            AnyKey::Context(ContextKey::Ccx(key)) => {
                let mut fields = course_fields(&key.0.course);
                fields.push((SmolStr::new_static("ccx"), key.0.ccx.clone().into()));
                fields
            }
            AnyKey::Context(ContextKey::Library(key)) => named([
                ("org", (&key.0.org).into()),
                ("library", (&key.0.library).into()),
                ("branch", (&key.0.branch).into()),
                ("version_guid", key.0.version.clone().into()),
            ]),
            AnyKey::Context(ContextKey::LibraryV2(key)) => {
                named([("org", (&key.0.org).into()), ("slug", (&key.0.slug).into())])
            }
            AnyKey::Usage(UsageKey::Block(key)) => {
                let context = match key.block_namespace() {
                    BlockNamespace::LibraryBlock => "library_key",
                    _ => "course_key",
                };
                located_fields(context, &key.0.located)
            }
            AnyKey::Usage(UsageKey::LibraryV2(key)) => named([
                ("lib_key", ContextKey::LibraryV2(key.0.library.clone()).into()),
                ("block_type", key.block_type().into()),
                ("usage_id", key.usage_id().into()),
            ]),
            AnyKey::Usage(UsageKey::Aside(key)) => named([
                ("usage_key", key.0.inner.clone().into()),
                ("aside_type", key.0.aside_type.clone().into()),
            ]),
            AnyKey::Definition(DefinitionKey::Split(key)) => named([
                ("definition_id", key.0.definition_id.clone().into()),
                ("block_type", key.0.block_type.clone().into()),
            ]),
            AnyKey::Definition(DefinitionKey::Bundle(key)) => named([
                ("bundle_uuid", Scalar::Uuid(key.0.bundle_uuid).into()),
                ("block_type", (&key.0.block_type).into()),
                ("olx_path", (&key.0.olx_path).into()),
                ("_version_or_draft", key.0.version_or_draft.clone().into()),
            ]),
            AnyKey::Definition(DefinitionKey::Aside(key)) => named([
                ("definition_key", key.0.inner.clone().into()),
                ("aside_type", key.0.aside_type.clone().into()),
            ]),
            AnyKey::Asset(AssetKey(AssetRepr::Located(located))) => located_fields("course_key", located),
            AnyKey::BlockType(key) => named([
                ("block_family", (&key.0.block_family).into()),
                ("block_type", key.0.block_type.clone().into()),
            ]),
            AnyKey::Collection(CollectionKey(CollectionRepr::Library(fields))) => named([
                ("lib_key", ContextKey::LibraryV2(fields.library.clone()).into()),
                ("collection_id", (&fields.collection_id).into()),
            ]),
            AnyKey::Container(ContainerKey(ContainerRepr::Library(fields))) => named([
                ("lib_key", ContextKey::LibraryV2(fields.library.clone()).into()),
                ("container_type", (&fields.container_type).into()),
                ("container_id", (&fields.container_id).into()),
            ]),
            AnyKey::StrayAside(stray) => {
                let inner = match stray.class {
                    KeyClass::AsideUsageKeyV1 | KeyClass::AsideUsageKeyV2 => "usage_key",
                    _ => "definition_key",
                };
                named([(inner, stray.inner.clone()), ("aside_type", stray.aside_type.clone().into())])
            }
            AnyKey::Context(ContextKey::Plugin(key))
            | AnyKey::Usage(UsageKey::Plugin(key))
            | AnyKey::Definition(DefinitionKey::Plugin(key))
            | AnyKey::Asset(AssetKey(AssetRepr::Plugin(key)))
            | AnyKey::Collection(CollectionKey(CollectionRepr::Plugin(key)))
            | AnyKey::Container(ContainerKey(ContainerRepr::Plugin(key))) => plugin_fields(key),
        }
    }

    /// Returns a field.
    pub(super) fn field(&self, name: &str) -> Option<KeyValue> {
        self.fields().into_iter().find_map(|(field, value)| (field == name).then_some(value))
    }
}
