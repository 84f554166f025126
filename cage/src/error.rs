//! Why there is no cage, or no answer from it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

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
    /// The caged process is being started and was not ready in time; later it may be.
    #[error("the caged Python process is still being started after {}; try again later", seconds(*waited))]
    Starting {
        /// How long the run waited.
        waited: Duration,
    },
    /// All places were taken for too long.
    #[error("too many scripts run at once: no place was free for {}, {others} others wait; try again later", seconds(*waited))]
    Busy {
        /// How long the run waited.
        waited: Duration,
        /// How many others wait.
        others: usize,
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

fn seconds(time: Duration) -> String {
    format!("{:.1} seconds", time.as_secs_f64())
}

impl CageError {
    /// Says the same to another who waited for it.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Missing { feature } => Self::Missing { feature: feature.clone() },
            Self::Interpreter { python, reason } => {
                Self::Interpreter { python: python.clone(), reason: reason.clone() }
            }
            Self::Start { reason } => Self::Start { reason: reason.clone() },
            Self::Open { what } => Self::Open { what: what.clone() },
            Self::Starting { waited } => Self::Starting { waited: *waited },
            Self::Busy { waited, others } => Self::Busy { waited: *waited, others: *others },
            Self::Gone => Self::Gone,
            Self::Io { what, source } => {
                Self::Io { what, source: io::Error::new(source.kind(), source.to_string()) }
            }
        }
    }

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
