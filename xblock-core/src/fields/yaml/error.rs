//! Where and why a text is not YAML.
use thiserror::Error;

/// Says which stage of reading found the fault; the Python package has one exception class for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum YamlStage {
    /// A character no YAML text may contain.
    Reader,
    /// The text cannot be cut into tokens.
    Scanner,
    /// The tokens make no document.
    Parser,
    /// Several documents, an unknown alias or a repeated anchor.
    Composer,
    /// A node that makes no value.
    Constructor,
}

/// Reports a text that is not YAML, or YAML that safe loading refuses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not YAML at line {line}, column {column}: {problem}")]
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
