//! The Python process that measures the other side: `bench/peers.py`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::groups::folder;
use super::python::Python;
use super::{Inputs, Outcome};

/// A running `peers.py`, which does one round of a piece of work when it is asked to.
pub struct Peers {
    python: Python,
    about: Value,
}

impl Peers {
    /// Starts the process and waits until it has made its inputs.
    ///
    /// # Errors
    /// When it does not start, or says nothing.
    pub fn start(python: &Path, inputs: &Inputs<'_>) -> Outcome<Self> {
        let mut command = Command::new(python);
        command.arg(folder().join("peers.py")).args([
            inputs.keys.as_path(),
            inputs.course,
            inputs.problems.as_path(),
            super::split::folder().as_path(),
        ]);
        let mut python = Python::start(&mut command)?;
        let about = serde_json::from_str(&python.line()?)?;
        Ok(Self { python, about })
    }

    /// Returns the versions of Python and of its packages, and the names of the rounds.
    #[must_use]
    pub fn about(&self) -> &Value {
        &self.about
    }

    /// Tells whether it can do this work: without the wheel it has no keys of ours.
    #[must_use]
    pub fn has(&self, round: &str) -> bool {
        self.about["rounds"].as_array().is_some_and(|rounds| rounds.iter().any(|name| name == round))
    }

    /// Has one round done.
    ///
    /// # Errors
    /// When the process ends, as it does on any Python exception.
    pub fn measure(&mut self, round: &str) -> Outcome<f64> {
        let answer: Value = serde_json::from_str(&self.python.ask(round)?)?;
        answer.as_f64().ok_or_else(|| format!("{round}: the answer is no number").into())
    }
}
