//! Writing a dump.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use xblock_core::runtime::RuntimeError;

use super::kept::is_of_server;
use crate::documents::{Bucket, opened};
use crate::store::{Collection, DocumentReads, DocumentStore};

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportedDump {
    /// The collections, each with the number of its documents.
    pub collections: Vec<(String, u64)>,
}

/// Writes every collection that has documents, in one view of the store.
///
/// The files are made in a folder beside the target, which takes its name when all of them are on the medium: a process
/// that dies leaves no folder that looks like a dump.
pub(crate) fn export(store: &dyn DocumentStore, target: &Path) -> Result<ExportedDump, RuntimeError> {
    let refused = |reason: &str| RuntimeError::Unstorable {
        place: target.display().to_string(),
        reason: reason.to_owned(),
    };
    if fs::symlink_metadata(target).is_ok() {
        return Err(refused("it is there already"));
    }
    let name = target.file_name().ok_or_else(|| refused("it is no name of a folder"))?;
    let parent = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&parent).map_err(unwritten(&parent))?;
    let prefix = format!(".{}.", name.to_string_lossy());
    remove_unfinished(&parent, &prefix);
    let unfinished = Unfinished::make(parent.join(format!("{prefix}{}{UNFINISHED}", std::process::id())))?;
    let exported = write_all(&*store.read()?, &unfinished.path)?;
    // Where a folder of this name was made meanwhile, renaming fails unless it is empty.
    fs::rename(&unfinished.path, target).map_err(unwritten(target))?;
    sync(&parent)?;
    Ok(exported)
}

/// How the name of a folder ends that is not finished.
const UNFINISHED: &str = ".unfinished";

/// A folder that is removed unless it got its name. While it is written it is locked, so that nobody takes it for a dead
/// process's.
struct Unfinished {
    path: PathBuf,
    _lock: File,
}

impl Unfinished {
    fn make(path: PathBuf) -> Result<Self, RuntimeError> {
        loop {
            fs::create_dir(&path).map_err(unwritten(&path))?;
            let lock = File::open(&path).map_err(unwritten(&path))?;
            // Where folders cannot be locked, nobody removes them either.
            let _ = lock.try_lock();
            // Before it was locked, another export may have removed it.
            if fs::symlink_metadata(&path).is_ok() {
                return Ok(Self { path, _lock: lock });
            }
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Renamed, it is not there any more; else there is nobody left to tell.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what exports to the same target left that were killed. What cannot be removed stays, as nobody is kept from
/// anything by it.
fn remove_unfinished(parent: &Path, prefix: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(UNFINISHED));
        let is_ours = number.is_some_and(|number| number.parse::<u32>().is_ok());
        if !is_ours || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        if File::open(&path).is_ok_and(|folder| folder.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

fn unwritten(path: &Path) -> impl Fn(std::io::Error) -> RuntimeError {
    let action = format!("writing {}", path.display());
    move |error| RuntimeError::storage(action.clone(), error)
}

fn sync(path: &Path) -> Result<(), RuntimeError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(unwritten(path))
}

fn write_all(docs: &dyn DocumentReads, folder: &Path) -> Result<ExportedDump, RuntimeError> {
    let mut known = vec![Collection::Indexes, Collection::Structures, Collection::Definitions];
    known.extend(
        Bucket::ALL.into_iter().flat_map(|bucket| [Collection::Files(bucket), Collection::Chunks(bucket)]),
    );
    let others = docs.other_collections()?;
    let names: BTreeSet<_> = known.iter().map(Collection::name).chain(others).collect();
    let mut exported = ExportedDump::default();
    for name in names {
        // Chunks without a file are kept beside those that have one.
        let sources = [Collection::named(&name), Collection::Other(name.clone())];
        let sources = if sources[0] == sources[1] { &sources[1..] } else { &sources[..] };
        let count = write_collection(docs, folder, &name, sources)?;
        if count > 0 {
            exported.collections.push((name, count));
        }
    }
    sync(folder)?;
    Ok(exported)
}

fn write_collection(
    docs: &dyn DocumentReads,
    folder: &Path,
    name: &str,
    sources: &[Collection],
) -> Result<u64, RuntimeError> {
    let path = folder.join(format!("{name}.bson"));
    let mut file: Option<BufWriter<File>> = None;
    let mut count = 0;
    for source in sources {
        docs.each_document(source, &mut |document| {
            let writer = match &mut file {
                Some(writer) => writer,
                none => none.insert(BufWriter::new(File::create(&path).map_err(unwritten(&path))?)),
            };
            count += 1;
            writer.write_all(opened(document).unwrap_or(document.as_bytes())).map_err(unwritten(&path))
        })?;
    }
    if let Some(writer) = file {
        let file = writer.into_inner().map_err(|error| unwritten(&path)(error.into_error()))?;
        file.sync_all().map_err(unwritten(&path))?;
        if is_of_server(name) {
            return Ok(count);
        }
        let path = folder.join(format!("{name}.metadata.json"));
        let mut file = File::create(&path).map_err(unwritten(&path))?;
        file.write_all(metadata(name).to_string().as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(unwritten(&path))?;
    }
    Ok(count)
}

/// Returns what `mongorestore` makes beside the documents: the indexes edx-platform has, of which only these are unique.
fn metadata(name: &str) -> Json {
    let mut indexes = vec![json!({ "v": 2, "key": { "_id": 1 }, "name": "_id_" })];
    match Collection::named(name) {
        Collection::Indexes => indexes.push(json!({
            "v": 2,
            "key": { "org": 1, "course": 1, "run": 1 },
            "name": "org_1_course_1_run_1",
            "unique": true,
        })),
        Collection::Chunks(_) => indexes.push(json!({
            "v": 2,
            "key": { "files_id": 1, "n": 1 },
            "name": "files_id_1_n_1",
            "unique": true,
        })),
        _ => {}
    }
    json!({ "options": {}, "indexes": indexes, "collectionName": name, "type": "collection" })
}
