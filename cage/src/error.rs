//! Why there is no cage, or no answer from it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Says why no code can be run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CageError {
    /// The system lacks what a cage is built of.
    #[error("this system has no {feature}")]
    Missing {
        /// What it lacks.
        feature: String,
    },
    /// The Python interpreter cannot be used.
    #[error("{} cannot be used: {reason}", python.display())]
    Interpreter {
        /// The interpreter.
        python: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The caged process did not start.
    #[error("the caged Python process did not start: {reason}")]
    Start {
        /// What it said.
        reason: String,
    },
    /// Code that tries the cage got through, so nothing else is run.
    #[error("the cage does not hold: {what}")]
    Open {
        /// What could be done inside.
        what: String,
    },
    /// The caged process does not answer.
    #[error("the caged Python process is gone")]
    Gone,
    /// The system refused something a cage needs.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl CageError {
    pub(crate) fn missing(feature: impl Into<String>) -> Self {
        Self::Missing { feature: feature.into() }
    }

    pub(crate) fn filter(error: impl std::fmt::Display) -> Self {
        Self::Missing { feature: format!("usable system call filters: {error}") }
    }

    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}
