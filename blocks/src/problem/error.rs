//! Why a problem cannot be shown or graded.

use thiserror::Error;

/// A problem that cannot be put together, with the words for its author.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum LoadError {
    /// The data is no well-formed XML, or XML the platform refuses.
    #[error("{0}")]
    Xml(String),
    /// An element breaks the rules of its kind.
    #[error("{message}\nSee XML source line {line}")]
    Element {
        /// What is wrong.
        message: String,
        /// Where.
        line: u32,
    },
    /// The problem breaks a rule.
    #[error("{0}")]
    Rule(String),
}

impl LoadError {
    /// Reports an element.
    pub(super) fn at(line: u32, message: impl Into<String>) -> Self {
        Self::Element { message: message.into(), line }
    }
}

/// Answers that cannot be graded. Nothing is counted then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum GradeError {
    /// What the learner wrote, or what the author wanted, cannot be used; the text is for the learner.
    #[error("{0}")]
    Message(String),
    /// A question of a type that is not graded natively.
    #[error("This problem cannot be graded here yet: {needs}.")]
    Unsupported {
        /// What it needs, as a sentence without a full stop.
        needs: String,
    },
    /// A mistake of the author's that stops grading, in words for the author.
    #[error("{0}")]
    Author(String),
}
