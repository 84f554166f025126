//! `vectors KIND PATH... [--verbose] [--all]`: holds recorded behaviour against this implementation.
//!
//! Prints each failure, then `NOT PROVEN: ...` for what a folder of vectors has not, or has and nothing is held against, and ends with a line
//! `N passed, N failed`. The exit status is 0 when all passed, 1 when one failed or, with `--all`, when something is not
//! proven, 2 when there was nothing to check.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use acceptance::vectors::{self, KINDS, Report};

/// Tells failures in full.
const VERBOSE: &str = "--verbose";

/// Fails where something is not proven, too.
const ALL: &str = "--all";

fn main() -> ExitCode {
    let (flags, words): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    match check(&flags, &words) {
        Ok(report) => {
            let mut out = std::io::stdout().lock();
            for failure in &report.failures {
                // A closed pipe is no reason to stop counting.
                let _ = writeln!(out, "{failure}");
            }
            for unproven in &report.unproven {
                let _ = writeln!(out, "NOT PROVEN: {unproven}");
            }
            let _ = writeln!(out, "{} passed, {} failed", report.passed, report.failed);
            let needs_all = flags.iter().any(|flag| flag == ALL);
            let is_proven = report.failed == 0 && (report.unproven.is_empty() || !needs_all);
            if is_proven { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(reason) => {
            let _ = writeln!(std::io::stderr().lock(), "vectors: {reason}");
            ExitCode::from(2)
        }
    }
}

fn check(flags: &[String], words: &[String]) -> Result<Report, String> {
    let kinds: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
    let usage =
        format!("vectors KIND PATH... [{VERBOSE}] [{ALL}], where KIND is one of: {}", kinds.join(", "));
    if let Some(flag) = flags.iter().find(|flag| ![VERBOSE, ALL].contains(&flag.as_str())) {
        return Err(format!("unknown option {flag}\n{usage}"));
    }
    let [kind, paths @ ..] = words else { return Err(usage) };
    let run = vectors::by_kind(kind).ok_or_else(|| format!("unknown kind {kind:?}\n{usage}"))?;
    if paths.is_empty() {
        return Err(usage);
    }
    let paths: Vec<_> = paths.iter().map(PathBuf::from).collect();
    let mut report = Report { verbose: flags.iter().any(|flag| flag == VERBOSE), ..Report::default() };
    vectors::run(run, &paths, &mut report)?;
    Ok(report)
}
