//! Checks of a dump that edx-platform wrote: that it comes back document for document, and that every block of Split and of
//! Old Mongo reads as the platform read it.
//!
//! A folder has `dump/DATABASE`, and for each course of it `expected*.json`; or it has such folders.

mod export;
mod reads;
mod round_trip;
mod steps;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use runtime_modulestore::ModulestoreRuntime;
use serde_json::Value;
use xblock_core::clock::FixedClock;
use xblock_core::keys::ContextKey;

use super::Report;

type Outcome<T = ()> = Result<T, String>;

/// Says whether a folder is one of this kind, or has such folders in it.
pub(super) fn is_vectors(folder: &Path) -> bool {
    !dumps(folder).is_empty()
}

/// Finds the folders that hold a dump.
fn dumps(folder: &Path) -> Vec<PathBuf> {
    if folder.join("dump").is_dir() {
        return vec![folder.to_owned()];
    }
    entries(folder).iter().filter(|entry| entry.is_dir()).flat_map(|entry| dumps(entry)).collect()
}

/// Checks every dump in a folder.
pub(super) fn run(folder: &Path, report: &mut Report) {
    for place in dumps(folder) {
        let name = place.strip_prefix(folder).unwrap_or(&place).display().to_string();
        if let Err(reason) = dump(&place, &name, report) {
            report.case(&name, Err(reason));
        }
    }
}

fn dump(place: &Path, name: &str, report: &mut Report) -> Outcome {
    let own = tempfile::tempdir().map_err(text)?;
    let registry = blocks::registry().map_err(text)?;
    let clock = Arc::new(FixedClock(DateTime::<Utc>::UNIX_EPOCH));
    let runtime =
        ModulestoreRuntime::open(own.path().join("store.db"), registry.clone(), clock).map_err(text)?;
    runtime.import_dump(place.join("dump")).map_err(text)?;
    report.case(&format!("{name}, round trip"), round_trip::check(&runtime, &place.join("dump"), own.path()));
    steps::check(place, &registry, name, report);
    for file in entries(place) {
        if !is_expected(&file) {
            continue;
        }
        let expected = json(&file)?;
        let id = format!("{name}, {}", expected["course_key"].as_str().unwrap_or("?"));
        let context: ContextKey =
            expected["course_key"].as_str().ok_or("no course_key")?.parse().map_err(text)?;
        reads::check(&runtime, &context, &expected, &id, report);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let olx = place.join(name.replacen("expected", "olx", 1).trim_end_matches(".json"));
        if olx.is_dir() {
            export::check(&runtime, &registry, &context, &olx, &id, report);
        }
    }
    Ok(())
}

/// Says whether a file is the recorded read of a course.
fn is_expected(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("expected") && name.ends_with(".json")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries.map(|entry| entry.path()).collect();
    found.sort();
    found
}

fn json(file: &Path) -> Outcome<Value> {
    let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", file.display()))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Compares, and says what differs.
fn same(what: &str, expected: &Value, found: &Value) -> Outcome {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected}, got {found}")) }
}
