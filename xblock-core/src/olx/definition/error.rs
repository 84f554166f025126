//! What can be wrong with a definition file.

use crate::keys::{KeyError, UsageKey};
use crate::olx::{ParseError, PlainError, Position};

/// A definition file that cannot be read, or a block that cannot be written as one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionError {
    /// The file is no well-formed XML.
    #[error(transparent)]
    Parse(#[from] Box<ParseError>),
    /// Base XBlock code would refuse the element.
    #[error(transparent)]
    Plain(#[from] PlainError),
    /// A child element that is no include.
    #[error("expected an <xblock-include/>, but found <{tag}>")]
    NotAnInclude {
        /// The element's name.
        tag: String,
        /// Its place.
        position: Position,
    },
    /// An include that does not say what it includes.
    #[error("an <xblock-include> lacks the attribute `definition`")]
    NoDefinition {
        /// The include's place.
        position: Position,
    },
    /// An include whose definition is not of the form `type/id`.
    #[error("`{value}` is not of the form type/id")]
    BadDefinition {
        /// The attribute's value.
        value: String,
        /// The include's place.
        position: Position,
    },
    /// An include, or a child in `xblock-data`, that names a block this context cannot have.
    #[error("a child cannot be named: {source}")]
    BadChild {
        /// What is wrong with the key.
        source: KeyError,
        /// The element's place.
        position: Position,
    },
    /// The block's own convention refuses the element.
    #[error("{reason}")]
    Refused {
        /// What is wrong.
        reason: String,
        /// The element's place.
        position: Position,
    },
    /// The attribute `xblock-data` is not what this version writes.
    #[error("the attribute xblock-data cannot be read: {source}")]
    BadData {
        /// What is wrong with the JSON.
        source: serde_json::Error,
        /// The attribute's place.
        position: Position,
    },
    /// A block that a definition file cannot hold, because one of its keys has no text that reads back.
    #[error("{usage} cannot be written as a definition file: {reason}")]
    Unwritable {
        /// The block.
        usage: UsageKey,
        /// Why.
        reason: String,
    },
}

impl DefinitionError {
    /// Returns the place of what is wrong, where one is known.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Parse(error) => Some(error.position),
            Self::Plain(error) => Some(error.position()),
            Self::NotAnInclude { position, .. }
            | Self::NoDefinition { position }
            | Self::BadDefinition { position, .. }
            | Self::BadChild { position, .. }
            | Self::Refused { position, .. }
            | Self::BadData { position, .. } => Some(*position),
            Self::Unwritable { .. } => None,
        }
    }
}
