//! Why a package or one of its blocks cannot be read.

use std::fmt;

use crate::fields::FieldError;
use crate::keys::KeyError;

use super::diagnostic::{Diagnostic, Excerpt, Severity};
use super::parse_error::ParseError;
use super::plain::PlainError;
use super::position::{FileName, Position};

/// A place in a file of a package, with the line that stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: FileName,
    /// The line and column.
    pub position: Position,
    /// The line.
    pub excerpt: Excerpt,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.position)
    }
}

/// What can go wrong while OLX is read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OlxError {
    /// There is neither `course.xml` nor `library.xml`.
    #[error("this is no OLX: neither course.xml nor library.xml is there")]
    NotOlx,
    /// A file is no XML.
    #[error(transparent)]
    Xml(#[from] Box<ParseError>),
    /// The root element is of another type than its file says.
    #[error("{place}: <{found}> where <{expected}> is needed")]
    WrongRoot {
        /// The element that is needed.
        expected: &'static str,
        /// The element that stands there.
        found: String,
        /// Where it stands.
        place: Box<Place>,
    },
    /// The root element lacks an attribute the package's key is made of.
    #[error("{place}: attribute {attribute} is missing")]
    MissingAttribute {
        /// The attribute.
        attribute: &'static str,
        /// The element.
        place: Box<Place>,
    },
    /// A file that an element points to is not there.
    #[error("{place}: {path} does not exist")]
    MissingFile {
        /// The file.
        path: String,
        /// The element that points to it.
        place: Box<Place>,
    },
    /// A text file is not UTF-8.
    #[error("{path} is not UTF-8")]
    NotUtf8 {
        /// The file.
        path: String,
        /// The bytes before the first that are not.
        valid_up_to: usize,
    },
    /// A name that cannot be part of a key.
    #[error("{place}: {name:?} cannot be the name of a block: {source}")]
    InvalidName {
        /// The name.
        name: String,
        /// What the key says.
        source: KeyError,
        /// The element.
        place: Box<Place>,
    },
    /// Nobody registered the type, and the options do not keep such blocks.
    #[error("{place}: block type {block_type} is not known")]
    UnknownType {
        /// The type.
        block_type: String,
        /// The element.
        place: Box<Place>,
    },
    /// A value a field refuses, in a type that checks its values while reading.
    #[error("{place}: field {field}: {source}")]
    InvalidValue {
        /// The field.
        field: String,
        /// What the field says.
        source: FieldError,
        /// The attribute or element.
        place: Box<Place>,
    },
    /// An element that a block in plain XBlock XML cannot be.
    #[error("{place}: {source}")]
    Plain {
        /// What is wrong.
        source: PlainError,
        /// The attribute or element.
        place: Box<Place>,
    },
    /// An element its type cannot use.
    #[error("{place}: {reason}")]
    InvalidContent {
        /// What is wrong, in words for an author.
        reason: String,
        /// The element.
        place: Box<Place>,
    },
    /// Text or a comment stands where only a block can be.
    #[error("{place}: {what} where only a block can be")]
    NotABlock {
        /// What stands there.
        what: &'static str,
        /// The element around or before it.
        place: Box<Place>,
    },
    /// A pointer leads to a file that is being read because of an equal pointer further up.
    #[error("{place}: {path} leads back to itself")]
    Circle {
        /// The file.
        path: String,
        /// The pointer.
        place: Box<Place>,
    },
    /// Blocks inside blocks beyond the limit.
    #[error("{place}: blocks are nested more than {limit} deep; a file points back to one above it")]
    TooDeep {
        /// The limit.
        limit: usize,
        /// The element.
        place: Box<Place>,
    },
    /// The package could not be read.
    #[error("{path} cannot be read: {source}")]
    Source {
        /// The file or folder.
        path: String,
        /// What the reader said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl OlxError {
    /// Returns the stable code of the situation.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotOlx => "not-olx",
            Self::Xml(error) => error.kind.code(),
            Self::WrongRoot { .. } => "wrong-root",
            Self::MissingAttribute { .. } => "missing-attribute",
            Self::MissingFile { .. } => "missing-file",
            Self::NotUtf8 { .. } => "not-utf8",
            Self::InvalidName { .. } => "invalid-name",
            Self::UnknownType { .. } => "unknown-type",
            Self::InvalidValue { .. } | Self::Plain { .. } => "invalid-value",
            Self::InvalidContent { .. } => "invalid-content",
            Self::NotABlock { .. } => "not-a-block",
            Self::TooDeep { .. } | Self::Circle { .. } => "nested-too-deep",
            Self::Source { .. } => "unreadable",
        }
    }

    /// Returns the place, where there is one.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::WrongRoot { place, .. }
            | Self::MissingAttribute { place, .. }
            | Self::MissingFile { place, .. }
            | Self::InvalidName { place, .. }
            | Self::UnknownType { place, .. }
            | Self::InvalidValue { place, .. }
            | Self::Plain { place, .. }
            | Self::InvalidContent { place, .. }
            | Self::NotABlock { place, .. }
            | Self::Circle { place, .. }
            | Self::TooDeep { place, .. } => Some(place),
            Self::NotOlx | Self::Xml(_) | Self::NotUtf8 { .. } | Self::Source { .. } => None,
        }
    }

    /// Returns the error as a remark about the package.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        if let Self::Xml(error) = self {
            return error.diagnostic();
        }
        let text = self.to_string();
        let message = match self.place() {
            Some(place) => text.strip_prefix(&format!("{place}: ")).unwrap_or(&text),
            None => &text,
        };
        let mut diagnostic = Diagnostic::new(self.code(), Severity::Error, message);
        match (self, self.place()) {
            (_, Some(place)) => {
                diagnostic.file = Some(place.file.clone());
                diagnostic.position = Some(place.position);
                diagnostic.excerpt = Some(place.excerpt.clone());
            }
            (Self::NotUtf8 { path, .. } | Self::Source { path, .. }, None) => {
                diagnostic.file = Some(path.as_str().into());
            }
            _ => {}
        }
        if let Some(fix) = self.fix() {
            diagnostic.fix = Some(fix.into());
        }
        diagnostic
    }

    const fn fix(&self) -> Option<&'static str> {
        match self {
            Self::NotOlx => Some("name the folder that holds course.xml or library.xml"),
            Self::MissingFile { .. } => Some("add the file, or take out the element that points to it"),
            Self::NotUtf8 { .. } => Some("save the file as UTF-8"),
            Self::InvalidName { .. } => Some("use only letters, digits and . _ - : in url_name"),
            Self::UnknownType { .. } => Some("install the XBlock, or let unknown blocks be kept as they are"),
            _ => None,
        }
    }
}
