//! Keys of namespaces that a plugin brings.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use smol_str::SmolStr;

use super::{ContextKey, KeyError, KeyFamily, Scalar, UsageKey};

/// A namespace of keys that a plugin brings: it reads and writes the text and says what the keys mean.
///
/// Register it with [`KeyRegistry::with`](super::KeyRegistry::with). Its keys are then ordinary values of their family
/// (`ContextKey::Plugin`, `UsageKey::Plugin` and so on), equal when their namespace and their fields are.
pub trait KeyNamespace: Send + Sync + fmt::Debug {
    /// Returns the text before the first `:`.
    fn namespace(&self) -> &str;

    /// Returns the family the keys belong to.
    fn family(&self) -> KeyFamily;

    /// Reads the text after the namespace into named fields, in the order in which keys are to be compared.
    ///
    /// The families' own names are understood without more: `org`; `block_type`, `block_id` or `usage_id`; `path`,
    /// `asset_type`; `collection_id`; `container_type`, `container_id`.
    ///
    /// # Errors
    /// [`KeyError::InvalidKey`] when the text is none of this namespace.
    fn parse(&self, rest: &str) -> Result<Vec<(SmolStr, Scalar)>, KeyError>;

    /// Writes the text after the namespace. Reading it again must give the same fields.
    fn write(&self, fields: &[(SmolStr, Scalar)]) -> String;

    /// Tells whether the contexts of this namespace are courses.
    fn is_course(&self) -> bool {
        false
    }

    /// Returns the learning context of a usage or asset. Required of namespaces of these families.
    ///
    /// # Errors
    /// When the fields do not say.
    fn context_key(&self, fields: &[(SmolStr, Scalar)]) -> Result<ContextKey, KeyError> {
        let _ = fields;
        Err(KeyError::no_attribute("KeyNamespace", "context_key"))
    }

    /// Returns the key of a block in a context of this namespace.
    ///
    /// # Errors
    /// [`KeyError::NoAttribute`] unless the plugin provides it.
    fn make_usage_key(
        &self,
        context: &PluginKey,
        block_type: &str,
        block_id: &str,
    ) -> Result<UsageKey, KeyError> {
        let _ = (context, block_type, block_id);
        Err(KeyError::no_attribute("KeyNamespace", "make_usage_key"))
    }

    /// Returns the key of the same block in another context.
    ///
    /// # Errors
    /// [`KeyError::NoAttribute`] unless the plugin provides it.
    fn map_into_course(&self, usage: &PluginKey, context: &ContextKey) -> Result<UsageKey, KeyError> {
        let _ = (usage, context);
        Err(KeyError::no_attribute("KeyNamespace", "map_into_course"))
    }
}

struct PluginFields {
    namespace: Arc<dyn KeyNamespace>,
    fields: Vec<(SmolStr, Scalar)>,
    /// The context of a usage or asset, asked for once when the key is read.
    context: Option<ContextKey>,
}

/// A key of a namespace that a plugin brought.
#[derive(Clone)]
pub struct PluginKey(Arc<PluginFields>);

impl PluginKey {
    /// Makes a key of a namespace from its fields.
    ///
    /// # Errors
    /// When the namespace cannot say which context a usage or asset belongs to.
    pub fn new(
        namespace: Arc<dyn KeyNamespace>,
        fields: Vec<(SmolStr, Scalar)>,
    ) -> Result<PluginKey, KeyError> {
        let context = match namespace.family() {
            KeyFamily::Usage | KeyFamily::Asset => Some(namespace.context_key(&fields)?),
            _ => None,
        };
        Ok(PluginKey(Arc::new(PluginFields { namespace, fields, context })))
    }

    /// Returns the namespace.
    pub fn namespace(&self) -> &str {
        self.0.namespace.namespace()
    }

    /// Returns the fields, in their order.
    pub fn fields(&self) -> &[(SmolStr, Scalar)] {
        &self.0.fields
    }

    /// Returns the text of a field.
    pub fn text_field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.fields.iter().find(|(field, _)| field == name)?;
        value.as_text()
    }

    pub(crate) fn class(&self) -> &'static str {
        self.0.namespace.family().name()
    }

    pub(crate) fn is_course(&self) -> bool {
        self.0.namespace.is_course()
    }

    pub(crate) fn context_key(&self) -> ContextKey {
        match &self.0.context {
            Some(context) => context.clone(),
            None => ContextKey::Plugin(self.clone()),
        }
    }

    pub(crate) fn make_usage_key(
        &self,
        block_type: &Scalar,
        block_id: &Scalar,
    ) -> Result<UsageKey, KeyError> {
        self.0.namespace.make_usage_key(self, block_type.shown(), block_id.shown())
    }

    pub(crate) fn map_into_course(&self, context: &ContextKey) -> Result<UsageKey, KeyError> {
        if self.0.context.as_ref() == Some(context) {
            return Ok(UsageKey::Plugin(self.clone()));
        }
        self.0.namespace.map_into_course(self, context)
    }

    pub(crate) fn rest(&self) -> String {
        self.0.namespace.write(&self.0.fields)
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        out.push_str(self.namespace());
        out.push(':');
        out.push_str(&self.rest());
        Ok(())
    }

    fn identity(&self) -> (&str, &[(SmolStr, Scalar)]) {
        (self.namespace(), &self.0.fields)
    }
}

impl PartialEq for PluginKey {
    fn eq(&self, other: &PluginKey) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for PluginKey {}

impl Hash for PluginKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl Ord for PluginKey {
    fn cmp(&self, other: &PluginKey) -> Ordering {
        self.identity().cmp(&other.identity())
    }
}

impl PartialOrd for PluginKey {
    fn partial_cmp(&self, other: &PluginKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for PluginKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PluginKey({}:{})", self.namespace(), self.rest())
    }
}
