//! Checks of a dump that edx-platform wrote: that it comes back document for document, and that every block of Split and of
//! Old Mongo reads as the platform read it.
//!
//! A folder has `dump/DATABASE`, and for each course of it `expected*.json`; or it has such folders.

mod export;
mod reads;
mod round_trip;
mod steps;
mod stored;
mod stores;

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::Value;
use xblock_core::clock::FixedClock;
use xblock_core::keys::ContextKey;

use super::Report;
use stores::Stores;

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

/// Checks every dump in a folder in stores that are files.
pub(super) fn run(folder: &Path, report: &mut Report) {
    check(Stores::files(), folder, report);
}

/// Checks every dump in a folder in databases of a server on MongoDB's protocol, which is started for it.
pub(super) fn run_on_mongodb(folder: &Path, report: &mut Report) {
    check(Stores::databases(), folder, report);
}

fn check(stores: Outcome<Stores>, folder: &Path, report: &mut Report) {
    let stores = match stores {
        Ok(stores) => stores,
        Err(reason) => return report.case(&folder.display().to_string(), Err(reason)),
    };
    for place in dumps(folder) {
        let name = place.strip_prefix(folder).unwrap_or(&place).display().to_string();
        if let Err(reason) = dump(&stores, &place, &name, report) {
            report.case(&name, Err(reason));
        }
    }
}

fn dump(stores: &Stores, place: &Path, name: &str, report: &mut Report) -> Outcome {
    let (runtime, own) = stores.fresh(FixedClock(DateTime::<Utc>::UNIX_EPOCH))?;
    runtime.import_dump(place.join("dump")).map_err(text)?;
    report.case(&format!("{name}, round trip"), round_trip::check(&runtime, &place.join("dump"), own.path()));
    let counted = counts(place, report);
    report.case(&format!("{name}, counts"), counted);
    steps::check(place, stores, name, report);
    let mut is_recorded = false;
    for file in entries(place) {
        if !is_expected(&file) {
            continue;
        }
        let expected = json(&file)?;
        let id = format!("{name}, {}", expected["course_key"].as_str().unwrap_or("?"));
        let context: ContextKey =
            expected["course_key"].as_str().ok_or("no course_key")?.parse().map_err(text)?;
        reads::check(&runtime, &stores.registry, &context, &expected, &id, report)?;
        let classes = "which class of the platform's code served each block";
        report.unproven.push(format!("{classes} (\"class\" in {})", file.display()));
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let olx = place.join(name.replacen("expected", "olx", 1).trim_end_matches(".json"));
        if olx.is_dir() {
            export::check(&runtime, &stores.registry, &context, &olx, &id, report);
            let files = "that the files of blocks are those of the platform's export: what they are read as is compared";
            report.unproven.push(format!("{files} ({})", olx.display()));
        } else {
            report.unproven.push(format!("how it is exported ({} is not there)", olx.display()));
        }
        is_recorded = true;
    }
    if !is_recorded {
        let file = place.join("expected.json");
        report.unproven.push(format!("what the platform reads from it ({} is not there)", file.display()));
    }
    Ok(())
}

/// Compares how many documents are recorded of each collection with those of the dump.
fn counts(place: &Path, report: &mut Report) -> Outcome {
    let file = place.join("counts.json");
    if !file.is_file() {
        report.unproven.push(format!("how many documents there are ({} is not there)", file.display()));
        return Ok(());
    }
    same("counts.json", &json(&file)?, &round_trip::counts(&place.join("dump"))?)
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
