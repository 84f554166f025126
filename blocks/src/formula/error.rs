//! Why a formula has no value.

use thiserror::Error;

use crate::words::Saying;

/// Why a formula has no value. The variants are told apart by what learners are told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FormulaError {
    /// It names variables or functions that are not defined; the text is for the learner.
    #[error("{message}")]
    Undefined {
        /// What to say.
        message: Saying,
    },
    /// Its parentheses do not match; the text is for the learner.
    #[error("{message}")]
    Parentheses {
        /// What to say.
        message: Saying,
    },
    /// It is longer, deeper or costlier than what is read; the text is for the learner.
    #[error("{message}")]
    TooMuch {
        /// What to say.
        message: Saying,
    },
    /// It is not written as a formula.
    #[error("not a formula")]
    Syntax,
    /// The factorial of a negative number.
    #[error("factorial() not defined for negative values")]
    Factorial,
    /// A number a function or operator is not defined for (`ValueError` in Python).
    #[error("{0}")]
    Domain(&'static str),
    /// A division by zero (`ZeroDivisionError`).
    #[error("{0}")]
    ZeroDivision(&'static str),
    /// A number that is too large (`OverflowError`).
    #[error("{0}")]
    Overflow(&'static str),
    /// A number of the wrong kind (`TypeError`).
    #[error("{0}")]
    Kind(&'static str),
    /// A function the caller gave failed.
    #[error("{message}")]
    Function {
        /// What the function says.
        message: String,
    },
}

impl FormulaError {
    /// Says that a formula asks for too much.
    pub(super) fn too_much(text: &'static str, values: &[(&'static str, &str)]) -> Self {
        Self::TooMuch { message: Saying::new(text, values) }
    }
}
