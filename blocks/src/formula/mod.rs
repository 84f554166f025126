//! Formulas as learners type them: numbers, arithmetic, functions and variables.
//!
//! The same texts have the same values, and the same errors, as in Python's `calc`; what counts as the same value is a
//! matter of problems. [`Formula`] reads a text once, for many values and for its LaTeX.
//!
//! - `parse`: from text to steps.
//! - `names`: what names mean.
//! - `evaluate`: from steps to a number.
//! - `number`, `arithmetic`, `power`: the numbers of Python and numpy, whose rules differ where they overflow or divide
//!   by zero.
//! - `functions`, `complex`: the functions and constants there are.
//! - `latex`: how a formula is shown.

mod arithmetic;
mod complex;
mod error;
mod evaluate;
mod functions;
mod latex;
mod names;
mod number;
mod parse;
mod power;
#[cfg(test)]
mod tests;

pub use error::FormulaError;
pub use evaluate::{Bound, Formula, evaluate, value_of};
pub use functions::{CONSTANT_NAMES, FUNCTION_NAMES};
pub use latex::latex;
pub use names::{Case, Function, Functions, Names, Variables};
pub use num_bigint::BigInt;
pub use num_complex::Complex64;
pub use number::Number;
