//! Checks of a store that the Blockstore app wrote: what it holds, byte for byte, how the rules of content libraries read
//! it, and that the same calls make the same store here.
//!
//! A folder has `db.sqlite3` and `storage/`, `expected.json`, and where there are such, `digest-vectors.json`,
//! `expected-library-view.json` and `operations.json`.

mod expected;
mod library;
mod replay;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use runtime_blockstore::{Access, Blockstore, Digest, DraftDocument, Snapshot};
use serde_json::Value;
use uuid::Uuid;
use xblock_core::clock::Clock;

use super::Report;

type Outcome<T = ()> = Result<T, String>;

/// Checks a file beside `expected.json`, given with that and the folder.
type Check = fn(&Value, &Value, &Path, &mut Report) -> Outcome;

/// The clock of the system: snapshots of equal content differ by their time.
struct Now;

impl Clock for Now {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// Says whether a folder is one of this kind.
pub(super) fn is_vectors(folder: &Path) -> bool {
    folder.join("expected.json").is_file() && folder.join("db.sqlite3").is_file()
}

/// Checks a folder; it is opened where it lies and not changed.
pub(super) fn run(folder: &Path, report: &mut Report) {
    let expected = match json(&folder.join("expected.json")) {
        Ok(expected) => expected,
        Err(reason) => return report.case("expected.json", Err(reason)),
    };
    in_place(folder, &expected, report);
    if let Err(reason) = in_a_copy(folder, &expected, report) {
        report.case("a copy of the store", Err(reason));
    }
    documents(folder, report);
    let others: [(&str, &str, Check); 3] = [
        ("digest-vectors.json", "the bytes that are digested", digests),
        ("expected-library-view.json", "how content libraries read it", library::views),
        ("operations.json", "that the same calls make the same store", replay::operations),
    ];
    for (name, what, check) in others {
        let file = folder.join(name);
        if !file.is_file() {
            report.unproven.push(format!("{what} ({} is not there)", file.display()));
        } else if let Err(reason) = json(&file).and_then(|json| check(&json, &expected, folder, report)) {
            report.case(name, Err(reason));
        }
    }
}

fn in_place(folder: &Path, expected: &Value, report: &mut Report) {
    match open(folder, Access::ReadOnly) {
        Ok(store) => {
            expected::store(&store, expected, "in place", report);
            report.case("files of the storage, in place", expected::storage(folder, expected));
        }
        Err(reason) => report.case("in place", Err(reason)),
    }
}

/// Opens a copy for writing, which makes tables of our own beside the app's, and expects the same.
fn in_a_copy(folder: &Path, expected: &Value, report: &mut Report) -> Outcome {
    let own = tempfile::tempdir().map_err(text)?;
    copy(folder, own.path())?;
    expected::store(&open(own.path(), Access::ReadWrite)?, expected, "in a copy", report);
    report.case("files of the storage, in a copy", expected::storage(own.path(), expected));
    Ok(())
}

/// Every document of the store is written again as it is.
fn documents(folder: &Path, report: &mut Report) {
    let check = |file: &Path, again: fn(&[u8]) -> Outcome<Vec<u8>>| {
        let bytes = fs::read(file).map_err(text)?;
        if again(&bytes)? == bytes { Ok(()) } else { Err("is written in other words".to_owned()) }
    };
    for place in entries(&folder.join("storage")) {
        let summary = place.join("summary.json");
        if summary.is_file() {
            let again = |bytes: &[u8]| DraftDocument::from_json(bytes).map(|d| d.to_json()).map_err(text);
            report.case(&format!("document {}", summary.display()), check(&summary, again));
        }
        for snapshot in entries(&place.join("snapshots")) {
            let again = |bytes: &[u8]| Snapshot::from_json(bytes).map(|s| s.to_json()).map_err(text);
            report.case(&format!("document {}", snapshot.display()), check(&snapshot, again));
        }
    }
}

fn digests(vectors: &Value, expected: &Value, folder: &Path, report: &mut Report) -> Outcome {
    let mut proved = BTreeSet::new();
    for vector in list(&vectors["snapshots"])? {
        let (key, digest) = (string(&vector["bundle"])?, string(&vector["blake2b_160"])?);
        proved.insert((key.to_owned(), vector["version_num"].to_string()));
        let id = format!("digest of {key}, version {}", vector["version_num"]);
        let check = || -> Outcome {
            let preimage = string(&vector["preimage_utf8"])?;
            same("digest of the bytes", &digest, &Digest::of(preimage.as_bytes()).to_string().as_str())?;
            let bundle = list(&expected["bundles"])?
                .iter()
                .find(|bundle| bundle["key"] == *key)
                .ok_or_else(|| format!("expected.json has no bundle {key}"))?;
            let version = list(&bundle["versions"])?
                .iter()
                .find(|version| version["version_num"] == vector["version_num"])
                .ok_or("expected.json has no such version")?;
            same("digest of the version", &digest, &string(&version["snapshot_digest"])?)?;
            let file = folder.join(format!("storage/{}/snapshots/{digest}.json", string(&bundle["uuid"])?));
            let snapshot = Snapshot::from_json(&fs::read(file).map_err(text)?).map_err(text)?;
            same("bytes that are digested", &preimage, &&*String::from_utf8_lossy(&snapshot.preimage()))?;
            same("digest", &digest, &snapshot.digest().to_string().as_str())
        };
        report.case(&id, check());
    }
    for bundle in list(&expected["bundles"])? {
        for version in list(&bundle["versions"])? {
            let (key, number) = (string(&bundle["key"])?, version["version_num"].to_string());
            if !proved.contains(&(key.to_owned(), number.clone())) {
                report.unproven.push(format!(
                    "the bytes that are digested of {key}, version {number} (digest-vectors.json does not have it)"
                ));
            }
        }
    }
    Ok(())
}

fn open(folder: &Path, access: Access) -> Outcome<Blockstore> {
    Blockstore::open(folder, access, Arc::new(Now)).map_err(text)
}

fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries.map(|entry| entry.path()).collect();
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to).map_err(text)?;
    for entry in entries(from) {
        let target = to.join(entry.file_name().unwrap_or_default());
        if entry.is_dir() {
            copy(&entry, &target)?;
        } else {
            fs::write(&target, fs::read(&entry).map_err(text)?).map_err(text)?;
        }
    }
    Ok(())
}

fn json(file: &Path) -> Outcome<Value> {
    let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", file.display()))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn string(value: &Value) -> Outcome<&str> {
    value.as_str().ok_or_else(|| format!("expected a text, not {value}"))
}

fn number(value: &Value) -> Outcome<u64> {
    value.as_u64().ok_or_else(|| format!("expected a number, not {value}"))
}

fn list(value: &Value) -> Outcome<&Vec<Value>> {
    value.as_array().ok_or_else(|| format!("expected a list, not {value}"))
}

fn object(value: &Value) -> Outcome<&serde_json::Map<String, Value>> {
    value.as_object().ok_or_else(|| format!("expected an object, not {value}"))
}

fn uuid(value: &Value) -> Outcome<Uuid> {
    string(value)?.parse().map_err(text)
}

/// Compares, and says what differs.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Outcome {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, got {found:?}")) }
}

/// Reads the content a vector gives, as text or in base64.
fn content(file: &Value) -> Outcome<Vec<u8>> {
    match (file["text"].as_str(), file["base64"].as_str()) {
        (Some(text), _) => Ok(text.as_bytes().to_vec()),
        (None, Some(base64)) => decode_base64(base64),
        (None, None) => Err(format!("no content in {file}")),
    }
}

fn decode_base64(text: &str) -> Outcome<Vec<u8>> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return Err("no base64".to_owned());
    }
    for byte in digits.bytes() {
        let digit = DIGITS.iter().position(|digit| *digit == byte).ok_or("no base64")?;
        bits = (bits << 6) | u32::try_from(digit).map_err(self::text)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 255) as u8);
        }
    }
    // What is left over says nothing.
    if bits & ((1 << count) - 1) == 0 { Ok(out) } else { Err("no base64".to_owned()) }
}
