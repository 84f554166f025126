//! What is loaded and written again is the same documents.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use runtime_modulestore::ModulestoreRuntime;
use serde_json::Value;

use super::{Outcome, entries, text};

/// Compares the files of collections as sets of documents.
pub(super) fn check(runtime: &ModulestoreRuntime, dump: &Path, own: &Path) -> Outcome {
    let target = own.join("dump");
    runtime.export_dump(&target).map_err(text)?;
    let (wanted, found) = (collections(&database(dump))?, collections(&target)?);
    for (name, documents) in &wanted {
        if found.get(name) != Some(documents) {
            return Err(format!("collection {name} comes back with other documents"));
        }
    }
    match found.keys().find(|name| !wanted.contains_key(*name)) {
        Some(name) => Err(format!("collection {name} was not in the dump")),
        None => Ok(()),
    }
}

/// Counts the documents of each collection of a dump.
pub(super) fn counts(dump: &Path) -> Outcome<Value> {
    let found = collections(&database(dump))?;
    Ok(found.into_iter().map(|(name, documents)| (name, Value::from(documents.len()))).collect())
}

fn database(dump: &Path) -> PathBuf {
    entries(dump).into_iter().find(|entry| entry.is_dir()).unwrap_or_else(|| dump.to_owned())
}

/// Returns the documents of each collection, as bytes: not even the order of fields is another.
fn collections(folder: &Path) -> Outcome<BTreeMap<String, BTreeSet<Vec<u8>>>> {
    let mut found = BTreeMap::new();
    for path in entries(folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".bson") else { continue };
        let bytes = fs::read(&path).map_err(text)?;
        let mut rest = bytes.as_slice();
        let mut documents = BTreeSet::new();
        while let Some(length) = rest.first_chunk::<4>() {
            let length = usize::try_from(i32::from_le_bytes(*length)).map_err(text)?;
            let (document, after) = rest.split_at_checked(length).ok_or("a document is cut")?;
            documents.insert(document.to_vec());
            rest = after;
        }
        if !documents.is_empty() {
            found.insert(name.to_owned(), documents);
        }
    }
    Ok(found)
}
