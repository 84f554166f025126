//! Why expressions cannot be compared.

use thiserror::Error;

/// Why expressions cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChemistryError {
    /// A text is no chemical expression.
    #[error("{text:?} is no chemical expression")]
    Syntax {
        /// The text.
        text: String,
    },
    /// A count is zero, or too large, where it is divided by.
    #[error("the count of a molecule cannot be divided by")]
    Count,
    /// An answer about a lattice is not written as one.
    #[error("the answer about the lattice cannot be read: {reason}")]
    Lattice {
        /// What is wrong with it.
        reason: String,
    },
}
