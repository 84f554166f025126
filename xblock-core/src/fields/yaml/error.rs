//! Where and why a text is not YAML.
use thiserror::Error;

use super::token::Mark;

/// Says which stage of reading found the fault; the Python package has one exception class for each of
/// the first five, and lets a built-in exception through for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum YamlStage {
    /// A character no YAML text may contain.
    Reader,
    /// The text cannot be cut into tokens.
    Scanner,
    /// The tokens make no document.
    Parser,
    /// Several documents, an unknown alias or a repeated anchor.
    Composer,
    /// A node that makes no value, or of a type safe loading refuses.
    Constructor,
    /// A scalar whose tag says number or date, and which is none or an impossible one.
    Number,
    /// A scalar whose tag says number, without a digit.
    EmptyNumber,
    /// A scalar whose tag says truth value, and which is another word.
    TruthValue,
    /// A scalar whose tag says timestamp, and which has not the form of one.
    Timestamp,
}

/// Reports a text that is not YAML, or YAML that safe loading refuses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not YAML at line {line}, column {column}: {problem}")]
#[non_exhaustive]
pub struct YamlError {
    /// The stage that failed.
    pub stage: YamlStage,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: String,
}

impl YamlStage {
    /// Returns the built-in Python exception class the package raises, or the root of its own.
    #[must_use]
    pub const fn python_class(self) -> &'static str {
        match self {
            Self::Reader | Self::Scanner | Self::Parser | Self::Composer | Self::Constructor => "Exception",
            Self::Number => "ValueError",
            Self::EmptyNumber => "IndexError",
            Self::TruthValue => "KeyError",
            Self::Timestamp => "AttributeError",
        }
    }
}

impl YamlError {
    pub(super) fn new(stage: YamlStage, mark: Mark, problem: impl Into<String>) -> Self {
        Self { stage, line: mark.line + 1, column: mark.column + 1, problem: problem.into() }
    }
}
