//! Which namespaces there are, and how a text becomes a key.

use std::sync::Arc;

use super::aside::AsideVersion;
use super::block_usage::BlockNamespace;
use super::plugin::{KeyNamespace, PluginKey};
use super::scan::find;
use super::{
    AnyKey, AsideDefinitionKey, AsideUsageKey, AssetKey, BlockTypeKey, BlockUsageKey, BundleDefinitionKey,
    CcxKey, CollectionKey, ContainerKey, ContextKey, CourseKey, DefinitionKey, KeyClass, KeyError, KeyFamily,
    KeyKind, LibraryKey, LibraryKeyV2, LibraryUsageKeyV2, SplitDefinitionKey, UsageKey,
};

/// The namespaces that texts are read by: those built in, and those of plugins.
///
/// A registry is a value: who wants to read plugins' keys makes one and passes it on. `FromStr` and serde know the built-in
/// namespaces only.
#[derive(Debug, Default, Clone)]
pub struct KeyRegistry {
    plugins: Vec<Arc<dyn KeyNamespace>>,
}

impl KeyRegistry {
    /// The built-in namespaces.
    pub const BUILTIN: &'static KeyRegistry = &KeyRegistry { plugins: Vec::new() };

    /// Makes a registry of the built-in namespaces.
    pub const fn new() -> KeyRegistry {
        KeyRegistry { plugins: Vec::new() }
    }

    /// Adds a plugin's namespace. Namespaces built in, or registered before, take precedence.
    #[must_use]
    pub fn with(mut self, namespace: Arc<dyn KeyNamespace>) -> KeyRegistry {
        self.plugins.push(namespace);
        self
    }

    /// Reads a learning context (`LearningContextKey.from_string`).
    ///
    /// # Errors
    /// [`KeyError::InvalidKey`] when the text is none.
    pub fn context_key(&self, text: &str) -> Result<ContextKey, KeyError> {
        match self.parse(KeyKind::Family(KeyFamily::Context), text)? {
            AnyKey::Context(key) => Ok(key),
            _ => Err(KeyError::invalid("LearningContextKey", text)),
        }
    }

    /// Reads a usage (`UsageKey.from_string`).
    ///
    /// # Errors
    /// [`KeyError::InvalidKey`] when the text is none.
    pub fn usage_key(&self, text: &str) -> Result<UsageKey, KeyError> {
        match self.parse(KeyKind::Family(KeyFamily::Usage), text)? {
            AnyKey::Usage(key) => Ok(key),
            _ => Err(KeyError::invalid("UsageKey", text)),
        }
    }

    /// Reads a definition (`DefinitionKey.from_string`).
    ///
    /// # Errors
    /// [`KeyError::InvalidKey`] when the text is none; [`KeyError::InvalidValue`] for a bundle version that is made of digits
    /// and is no number.
    pub fn definition_key(&self, text: &str) -> Result<DefinitionKey, KeyError> {
        match self.parse(KeyKind::Family(KeyFamily::Definition), text)? {
            AnyKey::Definition(key) => Ok(key),
            _ => Err(KeyError::invalid("DefinitionKey", text)),
        }
    }

    /// Reads an asset (`AssetKey.from_string`).
    ///
    /// # Errors
    /// [`KeyError::InvalidKey`] when the text is none.
    pub fn asset_key(&self, text: &str) -> Result<AssetKey, KeyError> {
        match self.parse(KeyKind::Family(KeyFamily::Asset), text)? {
            AnyKey::Asset(key) => Ok(key),
            _ => Err(KeyError::invalid("AssetKey", text)),
        }
    }

    /// Reads a block type (`BlockTypeKey.from_string`), which any text is.
    ///
    /// # Errors
    /// None of the built-in namespaces fails.
    pub fn block_type_key(&self, text: &str) -> Result<BlockTypeKey, KeyError> {
        match self.parse(KeyKind::Family(KeyFamily::BlockType), text)? {
            AnyKey::BlockType(key) => Ok(key),
            _ => Err(KeyError::invalid("BlockTypeKey", text)),
        }
    }

    /// Reads a collection (`CollectionKey.from_string`).
    ///
    /// # Errors
    /// [`KeyError::InvalidKey`] when the text is none.
    pub fn collection_key(&self, text: &str) -> Result<CollectionKey, KeyError> {
        match self.parse(KeyKind::Family(KeyFamily::Collection), text)? {
            AnyKey::Collection(key) => Ok(key),
            _ => Err(KeyError::invalid("CollectionKey", text)),
        }
    }

    /// Reads a container (`ContainerKey.from_string`).
    ///
    /// # Errors
    /// [`KeyError::InvalidKey`] when the text is none.
    pub fn container_key(&self, text: &str) -> Result<ContainerKey, KeyError> {
        match self.parse(KeyKind::Family(KeyFamily::Container), text)? {
            AnyKey::Container(key) => Ok(key),
            _ => Err(KeyError::invalid("ContainerKey", text)),
        }
    }

    /// Reads a text as a key of a kind, as the `from_string` of that Python class does.
    ///
    /// The namespace, all before the first `:`, selects the class; only classes of the kind are considered. When that fails
    /// and the kind has an old form, the whole text is read as one.
    ///
    /// # Errors
    /// [`KeyError::InvalidKey`] and its like when the text is none; errors of a class that are not
    /// [`KeyError::is_invalid_key`] pass unchanged.
    pub fn parse(&self, kind: KeyKind, text: &str) -> Result<AnyKey, KeyError> {
        // What most keys are: this spares looking for the namespace.
        if kind == KeyKind::Family(KeyFamily::Usage)
            && let Some(rest) = text.strip_prefix("block-v1:")
            && let Some(key) = BlockUsageKey::parse_rest(BlockNamespace::Block, rest)
        {
            return Ok(UsageKey::Block(key).into());
        }
        if let Some(end) = find(text, b':') {
            let (namespace, rest) = (&text[..end], &text[end + 1..]);
            let found = match KeyClass::by_namespace(kind.family(), namespace) {
                Some(class) if kind.accepts(class) => self.parse_rest(class, rest)?,
                Some(_) => None,
                None => self.parse_plugin(kind, namespace, rest)?,
            };
            if let Some(key) = found {
                return Ok(key);
            }
        }
        match kind.fallback() {
            Some(KeyClass::CourseLocator) => {
                Ok(ContextKey::Course(CourseKey::parse_deprecated(text)?).into())
            }
            Some(KeyClass::BlockUsageLocator) => {
                Ok(UsageKey::Block(BlockUsageKey::parse_deprecated(text)?).into())
            }
            Some(KeyClass::AssetLocator) => Ok(AssetKey::parse_deprecated(text)?.into()),
            Some(KeyClass::BlockTypeKeyV1) => Ok(BlockTypeKey::of_xblock(text).into()),
            _ => Err(KeyError::invalid(kind.name(), text)),
        }
    }

    /// Reads the text after the namespace of a class; none when it is not one of its keys.
    fn parse_rest(&self, class: KeyClass, rest: &str) -> Result<Option<AnyKey>, KeyError> {
        let block = |namespace| {
            BlockUsageKey::parse_rest(namespace, rest).map(|key| AnyKey::Usage(UsageKey::Block(key)))
        };
        let aside_usage = |version| {
            AsideUsageKey::parse_rest(self, version, rest).map(|key| AnyKey::Usage(UsageKey::Aside(key)))
        };
        let aside_definition = |version| {
            AsideDefinitionKey::parse_rest(self, version, rest)
                .map(|key| AnyKey::Definition(DefinitionKey::Aside(key)))
        };
        Ok(match class {
            KeyClass::CourseLocator => {
                CourseKey::parse_rest(rest).map(|key| AnyKey::Context(ContextKey::Course(key)))
            }
            KeyClass::LibraryLocator => {
                LibraryKey::parse_rest(rest).map(|key| AnyKey::Context(ContextKey::Library(key)))
            }
            KeyClass::LibraryLocatorV2 => {
                LibraryKeyV2::parse_rest(rest).map(|key| AnyKey::Context(ContextKey::LibraryV2(key)))
            }
            KeyClass::CcxLocator => CcxKey::parse_rest(rest).map(|key| AnyKey::Context(ContextKey::Ccx(key))),
            KeyClass::BlockUsageLocator => block(BlockNamespace::Block),
            KeyClass::LibraryUsageLocator => block(BlockNamespace::LibraryBlock),
            KeyClass::DeprecatedLocation => block(BlockNamespace::Location),
            KeyClass::CcxBlockUsageLocator => block(BlockNamespace::CcxBlock),
            KeyClass::LibraryUsageLocatorV2 => {
                LibraryUsageKeyV2::parse_rest(rest).map(|key| AnyKey::Usage(UsageKey::LibraryV2(key)))
            }
            KeyClass::AsideUsageKeyV1 => aside_usage(AsideVersion::V1),
            KeyClass::AsideUsageKeyV2 => aside_usage(AsideVersion::V2),
            KeyClass::DefinitionLocator => {
                SplitDefinitionKey::parse_rest(rest).map(|key| AnyKey::Definition(DefinitionKey::Split(key)))
            }
            KeyClass::BundleDefinitionLocator => BundleDefinitionKey::parse_rest(rest)?
                .map(|key| AnyKey::Definition(DefinitionKey::Bundle(key))),
            KeyClass::AsideDefinitionKeyV1 => aside_definition(AsideVersion::V1),
            KeyClass::AsideDefinitionKeyV2 => aside_definition(AsideVersion::V2),
            KeyClass::AssetLocator => AssetKey::parse_rest(rest).map(AnyKey::Asset),
            KeyClass::BlockTypeKeyV1 => BlockTypeKey::parse_rest(rest).map(AnyKey::BlockType),
            KeyClass::LibraryCollectionLocator => CollectionKey::parse_rest(rest).map(AnyKey::Collection),
            KeyClass::LibraryContainerLocator => ContainerKey::parse_rest(rest).map(AnyKey::Container),
        })
    }

    /// Reads the text after a plugin's namespace.
    fn parse_plugin(&self, kind: KeyKind, namespace: &str, rest: &str) -> Result<Option<AnyKey>, KeyError> {
        let plugin = self.plugins.iter().find(|plugin| {
            let family = plugin.family();
            plugin.namespace() == namespace
                && (kind == KeyKind::Family(family)
                    || (kind == KeyKind::Course && family == KeyFamily::Context && plugin.is_course()))
        });
        let Some(plugin) = plugin else { return Ok(None) };
        let fields = match plugin.parse(rest) {
            Ok(fields) => fields,
            Err(error) if error.is_invalid_key() => return Ok(None),
            Err(error) => return Err(error),
        };
        let key = PluginKey::new(Arc::clone(plugin), fields)?;
        Ok(Some(match plugin.family() {
            KeyFamily::Context => ContextKey::Plugin(key).into(),
            KeyFamily::Usage => UsageKey::Plugin(key).into(),
            KeyFamily::Definition => DefinitionKey::Plugin(key).into(),
            KeyFamily::Asset => AssetKey::from_plugin(key).into(),
            KeyFamily::Collection => CollectionKey::from_plugin(key).into(),
            KeyFamily::Container => ContainerKey::from_plugin(key).into(),
            KeyFamily::BlockType => return Ok(None),
        }))
    }
}
