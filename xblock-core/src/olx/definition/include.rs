//! The elements by which a definition names its children.

use crate::keys::{ContextKey, KeyError, UsageKey};
use crate::olx::Element;

use super::error::DefinitionError;
use super::path::{block_id_of, definition_id};

/// The element's name.
pub(super) const TAG: &str = "xblock-include";

/// One child, as a definition file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// The bundle's link to the bundle of the definition, absent where that is the same bundle.
    pub link: Option<String>,
    /// The block type.
    pub block_type: String,
    /// The definition's folder in its bundle.
    pub definition_id: String,
    /// The id to use in place of the definition's.
    pub usage: Option<String>,
}

impl Include {
    /// Makes the include that names a block of the same bundle.
    #[must_use]
    pub fn of(child: &UsageKey) -> Self {
        let folder = definition_id(child.block_id());
        let usage = (folder != child.block_id()).then(|| child.block_id().to_owned());
        Self {
            link: None,
            block_type: child.block_type().to_owned(),
            definition_id: folder.into_owned(),
            usage,
        }
    }

    /// Returns the child it names, for a parent whose own definition lies in the bundle of its context.
    ///
    /// # Errors
    /// A [`KeyError`] where the context cannot have such a block.
    pub fn child_of(&self, context: &ContextKey) -> Result<UsageKey, KeyError> {
        let id = match &self.usage {
            Some(usage) => usage.as_str().into(),
            None => block_id_of(&self.definition_id).unwrap_or_else(|| self.definition_id.as_str().into()),
        };
        context.make_usage_key(&self.block_type, &id)
    }

    /// Returns the path of the definition in its bundle.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}/definition.xml", self.block_type, self.definition_id)
    }

    pub(super) fn element(&self) -> Element {
        let mut element = Element::new(TAG);
        if let Some(link) = &self.link {
            element.set("source", link);
        }
        element.set("definition", format!("{}/{}", self.block_type, self.definition_id));
        if let Some(usage) = &self.usage {
            element.set("usage", usage);
        }
        element
    }

    pub(super) fn read(element: &Element) -> Result<Self, DefinitionError> {
        let position = element.position();
        if element.name != TAG {
            return Err(DefinitionError::NotAnInclude { tag: element.name.to_string(), position });
        }
        let Some(value) = element.get("definition") else {
            return Err(DefinitionError::NoDefinition { position });
        };
        // An empty text says as little as none.
        let said = |name| element.get(name).filter(|text| !text.is_empty()).map(str::to_owned);
        match value.split_once('/') {
            Some((block_type, id)) if !id.contains('/') => Ok(Self {
                link: said("source"),
                block_type: block_type.to_owned(),
                definition_id: id.to_owned(),
                usage: said("usage"),
            }),
            _ => Err(DefinitionError::BadDefinition { value: value.to_owned(), position }),
        }
    }
}
