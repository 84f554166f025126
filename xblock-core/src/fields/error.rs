//! Why a value is not a value of its field.
use thiserror::Error;

use super::yaml::YamlError;

/// Reports why a value could not be converted.
///
/// Each variant corresponds to one exception class of the Python implementation ([`python_class`](Self::python_class)),
/// because callers there decide by the class what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FieldError {
    /// A value of the wrong kind altogether.
    #[error("a value of type {found} is not {expected}")]
    WrongType {
        /// What was expected, with its article.
        expected: &'static str,
        /// The type that was found.
        found: &'static str,
    },
    /// A value of an acceptable type that does not say what it should.
    #[error("{found} is not {expected}")]
    InvalidValue {
        /// What was expected, with its article.
        expected: &'static str,
        /// The value, printed.
        found: String,
    },
    /// A text that is not a date, or names an impossible one.
    #[error("`{text}` is not a date: {problem}")]
    InvalidDate {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A date text that leaves out what only a clock could supply, read without one.
    #[error("`{text}` leaves out part of the date, and no current date was given to complete it")]
    IncompleteDate {
        /// The text.
        text: String,
    },
    /// A number too large to be converted.
    #[error("{found} is too large for {expected}")]
    Overflow {
        /// What was expected, with its article.
        expected: &'static str,
        /// The value, printed.
        found: String,
    },
    /// Bytes that are not UTF-8 text.
    #[error("the bytes are not UTF-8 text: {problem}")]
    NotUtf8 {
        /// Where decoding failed.
        problem: String,
    },
    /// A text that is not a well-formed XML document.
    #[error("not well-formed XML at line {line}, column {column}: {problem}")]
    NotXml {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A text of an attribute that is not YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A value that has no JSON form.
    #[error("{found} has no JSON form")]
    NotJson {
        /// What was found, with its article.
        found: &'static str,
    },
    /// A default that is not the JSON it should be in the field's declaration.
    #[error("the declared default of field `{field}` is not JSON: {problem}")]
    InvalidDefault {
        /// The field.
        field: &'static str,
        /// The parser's words.
        problem: String,
    },
}

impl FieldError {
    /// Returns the built-in Python exception class the reference implementation raises here.
    #[must_use]
    pub const fn python_class(&self) -> &'static str {
        match self {
            Self::WrongType { .. } | Self::NotJson { .. } => "TypeError",
            Self::InvalidValue { .. }
            | Self::InvalidDate { .. }
            | Self::IncompleteDate { .. }
            | Self::InvalidDefault { .. } => "ValueError",
            Self::Overflow { .. } => "OverflowError",
            Self::NotUtf8 { .. } => "UnicodeDecodeError",
            Self::NotXml { .. } => "SyntaxError",
            Self::Yaml(error) => error.stage.python_class(),
        }
    }
}
