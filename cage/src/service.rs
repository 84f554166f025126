//! The cage as the service `sandbox` that blocks ask for.

use std::sync::Arc;

use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Runtime};
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxLimits, SandboxService};

use crate::cage::Cage;
use crate::error::CageError;
use crate::library;
use crate::limits::RunLimits;
use crate::run::{Outcome, Raised, Run};

/// Runs the code of a site's courses in one cage. No course may run code without it.
#[derive(Clone)]
pub struct CageSandbox {
    cage: Arc<Cage>,
    runtime: Arc<dyn Runtime>,
    branch: Branch,
    limits: RunLimits,
}

impl CageSandbox {
    /// Takes a cage and the store whose courses' libraries scripts may import.
    #[must_use]
    pub fn new(cage: Arc<Cage>, runtime: Arc<dyn Runtime>, branch: Branch) -> Self {
        Self { cage, runtime, branch, limits: RunLimits::default() }
    }

    /// Replaces how much a run may use.
    #[must_use]
    pub fn with_limits(mut self, limits: RunLimits) -> Self {
        self.limits = limits;
        self
    }
}

impl SandboxService for CageSandbox {
    fn python_lib_zip(&self, context: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError> {
        library::read(&*self.runtime, self.branch, context)
    }

    fn limits(&self, _: &ContextKey) -> SandboxLimits {
        SandboxLimits {
            cpu: self.limits.cpu,
            real_time: self.limits.real_time,
            memory: Some(self.limits.memory),
            file_size: 0,
            processes: 1,
        }
    }

    fn run(&self, job: &SandboxJob, _: &ContextKey) -> Result<Globals, SandboxError> {
        if job.unsafely {
            return Err(SandboxError::Forbidden);
        }
        let run = Run {
            code: &job.code,
            globals: job.globals.clone(),
            seed: job.random_seed,
            python_path: job.python_path.clone(),
            files: job.extra_files.iter().map(|(name, bytes)| (name.clone(), bytes.as_slice())).collect(),
        };
        let outcome = self.cage.run(&run, &self.limits);
        match outcome.map_err(|error| engine_error(&error))? {
            Outcome::Done { globals } => Ok(globals),
            Outcome::Raised(raised) => Err(raised_error(raised)),
            // Code that ends itself in peace leaves the code jail without an answer, which is no JSON.
            Outcome::Ended { code: 0 } => {
                Err(plain_error("Expecting value: line 1 column 1 (char 0)".into()))
            }
            Outcome::Ended { code } => Err(plain_error(jail_text("", code))),
            Outcome::Killed { signal } => Err(plain_error(jail_text("", -signal))),
            Outcome::TooMuch { what } => Err(SandboxError::LimitExceeded { resource: what }),
        }
    }
}

/// Tells a cage that cannot be built from one that fails or has too much to do.
fn engine_error(error: &CageError) -> SandboxError {
    match error {
        CageError::Missing { .. }
        | CageError::Interpreter { .. }
        | CageError::Start { .. }
        | CageError::Open { .. } => SandboxError::NoCage { reason: error.to_string() },
        _ => SandboxError::Engine { message: error.to_string() },
    }
}

fn raised_error(raised: Raised) -> SandboxError {
    SandboxError::Code {
        message: jail_text(&raised.traceback, 1),
        last_line: Some(raised.last_line),
        line: raised.line,
    }
}

const fn plain_error(message: String) -> SandboxError {
    SandboxError::Code { message, last_line: None, line: None }
}

/// Says it as the code jail does (capa reference, section 10.2), from which problems take the last line.
fn jail_text(stderr: &str, code: i32) -> String {
    format!(
        "Couldn't execute jailed code: stdout: b'', stderr: {} with status code: {code}",
        bytes_repr(stderr)
    )
}

/// Writes a text's bytes as Python's `repr` of `bytes` does.
fn bytes_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for byte in text.bytes() {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte if char::from(byte) == quote => {
                out.push('\\');
                out.push(quote);
            }
            0x20..0x7f => out.push(char::from(byte)),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_python_writes_them() {
        assert_eq!(bytes_repr("a\n'b' \\ é"), r#"b"a\n'b' \\ \xc3\xa9""#);
        assert_eq!(bytes_repr("'\""), r#"b'\'"'"#);
    }
}
