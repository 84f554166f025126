//! Recorded behaviour of the Python packages, held against this implementation.

mod blockstore;
mod calc;
mod capa;
mod chem;
mod fields;
mod keys;
mod markdown;
mod olx;
mod split;

pub use capa::{sandbox, sandbox_modules, sandbox_python};

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Checks one kind of vectors and reports each case.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// Each vector file by itself, as JSON.
    File(fn(&Value, &mut Report)),
    /// A folder with everything in it, of which the first function says whether it is one.
    Folder(fn(&Path) -> bool, fn(&Path, &mut Report)),
}

/// The kinds of vectors there are checks for.
pub const KINDS: &[(&str, Run)] = &[
    ("blockstore", Run::Folder(blockstore::is_vectors, blockstore::run)),
    ("calc", Run::File(calc::run)),
    ("capa", Run::File(capa::run)),
    ("chem", Run::File(chem::run)),
    ("fields", Run::File(fields::run)),
    ("keys", Run::File(keys::run)),
    ("markdown", Run::File(markdown::run)),
    ("olx", Run::File(olx::run)),
    ("split", Run::Folder(split::is_vectors, split::run)),
    ("split-on-mongodb", Run::Folder(split::is_vectors, split::run_on_mongodb)),
];

/// Finds the check for a kind of vectors.
pub fn by_kind(kind: &str) -> Option<Run> {
    KINDS.iter().find(|(name, _)| *name == kind).map(|(_, run)| *run)
}

/// Length to which a failure is cut when it is not shown in full.
const BRIEF: usize = 240;

/// What has passed and failed so far.
#[derive(Debug, Default)]
pub struct Report {
    /// How many cases passed.
    pub passed: usize,
    /// How many cases failed.
    pub failed: usize,
    /// Whether failures are told in full.
    pub verbose: bool,
    /// One text for each failure.
    pub failures: Vec<String>,
    /// What could not be held against anything because its file is not there, one text for each file.
    pub unproven: Vec<String>,
}

impl Report {
    /// Counts a case and keeps what is to be told about it.
    pub fn case(&mut self, id: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(reason) => {
                self.failed += 1;
                let mut text = format!("{id}: {reason}");
                if !self.verbose {
                    text = text.lines().next().unwrap_or_default().to_owned();
                    if let Some((cut, _)) = text.char_indices().nth(BRIEF) {
                        text.truncate(cut);
                        text.push_str(" ..");
                    }
                }
                self.failures.push(text);
            }
        }
    }
}

/// Lists the files of vectors that a path stands for: itself, or all `*.json` below it but `index.json`, in order.
///
/// # Errors
/// When the path cannot be read.
pub fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = std::fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        let is_vectors = entry.extension().is_some_and(|extension| extension == "json")
            && entry.file_name().is_some_and(|name| name != "index.json");
        if entry.is_dir() {
            found.extend(files(&entry)?);
        } else if is_vectors {
            found.push(entry);
        }
    }
    Ok(found)
}

/// Checks all files of vectors that the paths stand for.
///
/// # Errors
/// A text when a file cannot be read, or when there is none.
pub fn run(kind: Run, paths: &[PathBuf], report: &mut Report) -> Result<(), String> {
    let guarded = |report: &mut Report, place: &Path, check: &dyn Fn(&mut Report)| {
        // A case nobody foresaw is a failure of its file, and no end of the others.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(report)));
        if outcome.is_err() {
            report.case(&place.display().to_string(), Err("the check of a case panicked".into()));
        }
    };
    for path in paths {
        let check = match kind {
            Run::File(check) => check,
            Run::Folder(is_vectors, check) => {
                if !is_vectors(path) {
                    return Err(format!("{}: no vectors", path.display()));
                }
                guarded(report, path, &|report| check(path, report));
                continue;
            }
        };
        let files = files(path).map_err(|error| format!("{}: {error}", path.display()))?;
        if files.is_empty() {
            return Err(format!("{}: no vectors", path.display()));
        }
        for file in files {
            let text =
                std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let json = match serde_json::from_str(&text) {
                Ok(json) => json,
                Err(error) => {
                    report.case(&file.display().to_string(), Err(format!("not JSON: {error}")));
                    continue;
                }
            };
            guarded(report, &file, &|report| check(&json, report));
        }
    }
    Ok(())
}
