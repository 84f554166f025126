//! Where and why a text is not YAML.
use thiserror::Error;

use super::token::Mark;

/// Says which stage of reading found the fault; the Python package has one exception class for each but the last.
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
    /// A scalar that looks like a number or date and is none.
    Value,
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

impl YamlError {
    pub(super) fn new(stage: YamlStage, mark: Mark, problem: impl Into<String>) -> Self {
        Self { stage, line: mark.line + 1, column: mark.column + 1, problem: problem.into() }
    }
}
