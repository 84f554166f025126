//! Formulas as learners type them: numbers, arithmetic, functions and variables (capa reference, section 9.1).
//!
//! - `parse`: from text to a tree.
//! - `number`: the numbers of Python and numpy, whose rules differ where they overflow or divide by zero.
//! - `functions`: the functions and constants there are.
//! - `evaluate`: from a tree to a number.

mod evaluate;
mod functions;
mod number;
mod parse;

pub(crate) use evaluate::{Case, Variables, evaluate};
pub(crate) use number::Number;

use thiserror::Error;

/// Why a formula has no value. The variants are told apart by what learners are told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum FormulaError {
    /// It names something that is not defined; the text is for the learner.
    #[error("{message}")]
    Undefined {
        /// What to say.
        message: String,
    },
    /// Its parentheses do not match; the text is for the learner.
    #[error("{message}")]
    Parentheses {
        /// What to say.
        message: String,
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
    /// A division by zero, an overflow, or a value of the wrong kind.
    #[error("{0}")]
    Arithmetic(&'static str),
}
