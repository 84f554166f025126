//! The Python process that measures the other side: `bench/peers.py`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::groups::folder;
use super::{Inputs, Outcome};

/// A running `peers.py`, which does one round of a piece of work when it is asked to.
pub struct Peers {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    about: Value,
}

impl Peers {
    /// Starts the process and waits until it has made its inputs.
    ///
    /// # Errors
    /// When it does not start, or says nothing.
    pub fn start(python: &Path, inputs: &Inputs<'_>) -> Outcome<Self> {
        let mut process = Command::new(python)
            .arg(folder().join("peers.py"))
            .args([
                inputs.keys.as_path(),
                inputs.course,
                inputs.problems.as_path(),
                super::split::folder().as_path(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", python.display()))?;
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().ok_or("the Python process has no output")?);
        let mut peers = Self { process, questions, answers, about: Value::Null };
        peers.about = peers.answer()?;
        Ok(peers)
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
        let questions = self.questions.as_mut().ok_or("the Python process takes no input")?;
        writeln!(questions, "{round}")?;
        questions.flush()?;
        self.answer()?.as_f64().ok_or_else(|| format!("{round}: the answer is no number").into())
    }

    fn answer(&mut self) -> Outcome<Value> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the Python process ended".into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // Without input it ends by itself; how it ended changes no figure.
        drop(self.questions.take());
        let _ = self.process.wait();
    }
}
