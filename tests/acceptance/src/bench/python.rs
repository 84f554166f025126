//! A Python process that does one round of a piece of work when a line of its input names it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::Outcome;

/// A running process, which answers each line with one.
pub(super) struct Python {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    pub(super) fn start(command: &mut Command) -> Outcome<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().ok_or("the Python process has no output")?);
        Ok(Self { process, questions, answers })
    }

    pub(super) fn ask(&mut self, round: &str) -> Outcome<String> {
        let questions = self.questions.as_mut().ok_or("the Python process takes no input")?;
        writeln!(questions, "{round}")?;
        questions.flush()?;
        self.line()
    }

    /// Reads what it says by itself: that it is ready.
    pub(super) fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the Python process ended".into());
        }
        Ok(line)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // Without input it ends by itself; how it ended changes no figure.
        drop(self.questions.take());
        let _ = self.process.wait();
    }
}
