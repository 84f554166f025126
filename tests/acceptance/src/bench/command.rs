//! What the benchmark's programs have in common: the course they take, what they print and how they end.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use super::Outcome;

/// Returns the course to measure with: the one that was named, else the demo course where it lies beside the checkout,
/// else the sample.
#[must_use]
pub fn course(named: Option<PathBuf>) -> PathBuf {
    named.unwrap_or_else(|| {
        let demo = PathBuf::from("../shared/courses/openedx-demo-course/course");
        if demo.exists() { demo } else { "examples/courses/tides".into() }
    })
}

/// Prints what a program of the benchmark came to, and says how it ends.
#[must_use]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what the programs are for")]
pub fn finish(outcome: Outcome<impl Display>) -> ExitCode {
    match outcome {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
