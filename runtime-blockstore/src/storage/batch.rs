//! Many files written durably: contents first, then names, then folders.
//!
//! A file that is renamed into place is complete on the medium before it has its name, and the name is on the medium
//! when [`Batch::run`] returns. Nothing existing is ever changed or removed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::digest_of;
use crate::digest::Digest;
use crate::error::BlockstoreError;

/// Threads that write; most of their time is waiting for the medium.
const THREADS: usize = 8;

/// Fewer files than this are written by the calling thread.
const FEW: usize = 4;

/// From this many folders on the whole file system is synced at once: a draft has two folders for each block it stages.
const MANY_FOLDERS: usize = 32;

pub(super) enum Work {
    Bytes {
        target: PathBuf,
        bytes: Arc<[u8]>,
    },
    /// A second name for a file, or a copy where the file system has no links. With a digest it is proved first.
    Link {
        source: PathBuf,
        target: PathBuf,
        expected: Option<Digest>,
    },
}

/// Files to be written together.
#[derive(Default)]
pub(crate) struct Batch {
    pub(super) work: Vec<Work>,
    pub(super) renames: Vec<(PathBuf, PathBuf)>,
}

impl Batch {
    /// Plans a new file.
    pub(crate) fn write(&mut self, target: PathBuf, bytes: impl Into<Arc<[u8]>>) {
        self.work.push(Work::Bytes { target, bytes: bytes.into() });
    }

    /// Plans a second name for a file that never changes.
    pub(crate) fn link(&mut self, source: PathBuf, target: PathBuf, expected: Option<Digest>) {
        self.work.push(Work::Link { source, target, expected });
    }

    /// Plans to rename a file once all contents are on the medium.
    pub(crate) fn rename(&mut self, from: PathBuf, to: PathBuf) {
        self.renames.push((from, to));
    }

    /// Does it all and returns when it is durable.
    pub(super) fn run(self) -> Result<(), BlockstoreError> {
        let mut folders = BTreeSet::new();
        let targets = self.work.iter().map(|work| match work {
            Work::Bytes { target, .. } | Work::Link { target, .. } => target,
        });
        for target in targets.chain(self.renames.iter().map(|(_, to)| to)) {
            make_parents(target, &mut folders)?;
        }
        spread(&self.work, Work::run)?;
        for (from, to) in &self.renames {
            fs::rename(from, to).map_err(BlockstoreError::io("cannot rename", from))?;
        }
        // Deepest first, so that a folder has its content when its own name becomes durable.
        let folders: Vec<_> = folders.into_iter().rev().collect();
        match folders.first() {
            Some(folder) if folders.len() > MANY_FOLDERS && sync_file_system(folder) => Ok(()),
            _ => spread(&folders, |folder| sync_folder(folder)),
        }
    }
}

impl Work {
    fn run(&self) -> Result<(), BlockstoreError> {
        match self {
            Self::Bytes { target, bytes } => {
                let mut file =
                    File::create_new(target).map_err(BlockstoreError::io("cannot create", target))?;
                file.write_all(bytes)
                    .and_then(|()| file.sync_all())
                    .map_err(BlockstoreError::io("cannot write", target))
            }
            Self::Link { source, target, expected } => {
                if let Some(expected) = expected {
                    let (hash, _) = digest_of(source)?;
                    if hash != *expected {
                        let reason = format!("it should have the digest {expected}, not {hash}");
                        return Err(BlockstoreError::corrupt(source.display(), reason));
                    }
                    // Whoever wrote it may not have waited for the medium.
                    sync_file(source)?;
                }
                match fs::hard_link(source, target) {
                    Ok(()) => Ok(()),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        Err(BlockstoreError::Missing { place: source.display().to_string() })
                    }
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        Err(BlockstoreError::io("cannot create", target)(error))
                    }
                    Err(_) => {
                        fs::copy(source, target).map_err(BlockstoreError::io("cannot copy", source))?;
                        sync_file(target)
                    }
                }
            }
        }
    }
}

/// Makes the folders above a file and collects those whose entries must reach the medium.
fn make_parents(target: &Path, folders: &mut BTreeSet<PathBuf>) -> Result<(), BlockstoreError> {
    let Some(parent) = target.parent() else { return Ok(()) };
    if folders.contains(parent) {
        return Ok(());
    }
    let mut missing = Vec::new();
    let mut at = parent;
    while !folders.contains(at) && !at.is_dir() {
        missing.push(at);
        let Some(above) = at.parent() else { break };
        at = above;
    }
    // The folder in which the first new one appears has a new entry too.
    folders.insert(at.to_path_buf());
    for folder in missing.into_iter().rev() {
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(BlockstoreError::io("cannot create", folder)(error));
            }
            _ => {}
        }
        folders.insert(folder.to_path_buf());
    }
    folders.insert(parent.to_path_buf());
    Ok(())
}

fn sync_file(file: &Path) -> Result<(), BlockstoreError> {
    File::open(file).and_then(|open| open.sync_all()).map_err(BlockstoreError::io("cannot sync", file))
}

fn sync_folder(folder: &Path) -> Result<(), BlockstoreError> {
    if cfg!(windows) {
        // Windows opens no folders as files; its file systems journal names themselves.
        return Ok(());
    }
    sync_file(folder)
}

/// Makes a whole file system durable; false where that cannot be done.
#[cfg(target_os = "linux")]
fn sync_file_system(folder: &Path) -> bool {
    File::open(folder).is_ok_and(|open| rustix::fs::syncfs(&open).is_ok())
}

/// Makes a whole file system durable; false where that cannot be done.
#[cfg(not(target_os = "linux"))]
fn sync_file_system(_: &Path) -> bool {
    false
}

/// Makes the names of all files below a folder durable; their contents are so already.
pub(crate) fn sync_names(root: &Path) -> Result<(), BlockstoreError> {
    if sync_file_system(root) {
        return Ok(());
    }
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        sync_folder(&folder)?;
        let entries = fs::read_dir(&folder).map_err(BlockstoreError::io("cannot list", &folder))?;
        for entry in entries {
            let path = entry.map_err(BlockstoreError::io("cannot list", &folder))?.path();
            if path.is_dir() {
                open.push(path);
            }
        }
    }
    Ok(())
}

/// Runs a job for each item on several threads; the first failure ends it.
fn spread<T: Sync>(
    items: &[T],
    job: impl Fn(&T) -> Result<(), BlockstoreError> + Sync,
) -> Result<(), BlockstoreError> {
    if items.len() < FEW {
        return items.iter().try_for_each(job);
    }
    spread_over(THREADS, items, job)
}

/// Runs a job for each item on so many threads; the first failure ends it.
pub(super) fn spread_over<T: Sync>(
    threads: usize,
    items: &[T],
    job: impl Fn(&T) -> Result<(), BlockstoreError> + Sync,
) -> Result<(), BlockstoreError> {
    if items.len() < 2 {
        return items.iter().try_for_each(job);
    }
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = job(item) {
                        next.store(items.len(), Ordering::Relaxed);
                        failure
                            .lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner)
                            .get_or_insert(error);
                    }
                }
            });
        }
    });
    match failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

/// Replaces a file whole: readers see the old or the new bytes, also after a crash.
pub(crate) fn replace(target: &Path, bytes: &[u8]) -> Result<(), BlockstoreError> {
    let mut folders = BTreeSet::new();
    make_parents(target, &mut folders)?;
    let incoming = target.with_file_name(format!(".incoming-{}", uuid::Uuid::new_v4()));
    let mut file = File::create_new(&incoming).map_err(BlockstoreError::io("cannot create", &incoming))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&incoming, target))
        .map_err(BlockstoreError::io("cannot write", target))?;
    for folder in folders.iter().rev() {
        sync_folder(folder)?;
    }
    Ok(())
}
