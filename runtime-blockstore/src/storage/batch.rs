//! Many files written durably: contents first, then names, then folders.
//!
//! A file that is renamed into place is complete on the medium before it has its name, and the name is on the medium
//! when [`Batch::run`] returns. Nothing existing is ever changed or removed.
//!
//! Waiting for the medium is nearly all of the time, so everything is written before anything is waited for: what is
//! waited for together, the medium takes in together.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::reading::open_and_digest;
use crate::digest::Digest;
use crate::error::BlockstoreError;

/// Threads that write.
const WRITERS: usize = 8;

/// Fewer files than this are written by the calling thread.
const FEW: usize = 8;

/// Threads that wait for the medium.
const WAITERS: usize = 16;

/// Files that are open at once between writing and waiting.
const OPEN: usize = 256;

/// From this many folders on the whole file system is synced at once: a draft has two folders for each block it stages.
const MANY_FOLDERS: usize = 32;

/// From this many files on the whole file system is synced at once, which waits for all of them together.
const MANY_FILES: usize = 64;

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
        /// Whether its bytes are known to be on the medium.
        is_durable: bool,
    },
}

/// What is written and not yet known to be on the medium.
enum Pending<'b> {
    File(File, &'b Path),
    Folder(&'b Path),
}

/// Files to be written together.
#[derive(Default)]
pub(crate) struct Batch {
    pub(super) work: Vec<Work>,
    pub(super) renames: Vec<(PathBuf, PathBuf)>,
    pub(super) last: Option<(PathBuf, PathBuf)>,
}

impl Batch {
    /// Plans a new file.
    pub(crate) fn write(&mut self, target: PathBuf, bytes: impl Into<Arc<[u8]>>) {
        self.work.push(Work::Bytes { target, bytes: bytes.into() });
    }

    /// Plans a second name for a file that never changes.
    ///
    /// With a digest its bytes are proved and brought to the medium, which may be after it has the name: one that says
    /// nothing before the batch is done, or is renamed.
    pub(crate) fn link(&mut self, source: PathBuf, target: PathBuf, expected: Option<Digest>) {
        self.work.push(Work::Link { source, target, expected, is_durable: expected.is_none() });
    }

    /// Plans a second name for a file whose bytes are on the medium, and are proved.
    pub(crate) fn link_durable(&mut self, source: PathBuf, target: PathBuf, expected: Digest) {
        self.work.push(Work::Link { source, target, expected: Some(expected), is_durable: true });
    }

    /// Plans to rename a file once all contents are on the medium.
    pub(crate) fn rename(&mut self, from: PathBuf, to: PathBuf) {
        self.renames.push((from, to));
    }

    /// Plans to rename a file once everything else is done.
    pub(crate) fn rename_last(&mut self, from: PathBuf, to: PathBuf) {
        self.last = Some((from, to));
    }

    /// Does it all and returns when it is durable.
    pub(super) fn run(self) -> Result<(), BlockstoreError> {
        let targets = self.work.iter().map(|work| match work {
            Work::Bytes { target, .. } | Work::Link { target, .. } => target,
        });
        let renames: Vec<_> = self.renames.iter().chain(&self.last).collect();
        let folders = make_folders(targets.chain(renames.iter().map(|(_, to)| to)))?;
        // Opened before anything is written, so that it hears of every write that fails.
        let whole = match folders.first().filter(|_| self.work.len() > MANY_FILES) {
            Some(folder) => FileSystem::open(folder),
            None => None,
        };
        if let Some(whole) = whole {
            return self.run_at_once(&whole, &renames);
        }
        let mut pending = Vec::new();
        let mut rest = &self.work[..];
        while let Some((part, others)) =
            rest.split_at_checked(OPEN.min(rest.len())).filter(|_| !rest.is_empty())
        {
            rest = others;
            let begun = Mutex::new(Vec::new());
            spread_over(threads_for(part), part, |work| {
                let open = work.begin()?;
                begun.lock().unwrap_or_else(PoisonError::into_inner).extend(open);
                Ok(())
            })?;
            pending = begun.into_inner().unwrap_or_else(PoisonError::into_inner);
            // Where nothing is renamed, one wait does for contents and names.
            if !rest.is_empty() || !renames.is_empty() {
                settle(std::mem::take(&mut pending))?;
            }
        }
        self.rename_all()?;
        // Deepest first, so that a folder has its content when its own name becomes durable.
        let folders: Vec<_> = folders.into_iter().rev().collect();
        if let Some(folder) = folders.first().filter(|_| folders.len() > MANY_FOLDERS) {
            settle(std::mem::take(&mut pending))?;
            if let Some(whole) = FileSystem::open(folder) {
                return whole.sync();
            }
        }
        pending.extend(folders.iter().map(|folder| Pending::Folder(folder)));
        settle(pending)
    }

    /// Does it all and waits for the whole file system: once, or twice where contents come before their names.
    fn run_at_once(
        &self,
        whole: &FileSystem,
        renames: &[&(PathBuf, PathBuf)],
    ) -> Result<(), BlockstoreError> {
        spread_over(threads_for(&self.work), &self.work, |work| work.begin().map(drop))?;
        if !renames.is_empty() {
            whole.sync()?;
            self.rename_all()?;
        }
        whole.sync()
    }

    fn rename_all(&self) -> Result<(), BlockstoreError> {
        let rename = |(from, to): &(PathBuf, PathBuf)| {
            fs::rename(from, to).map_err(BlockstoreError::io("cannot rename", from))
        };
        spread_over(threads_for(&self.renames), &self.renames, rename)?;
        self.last.as_ref().map_or(Ok(()), rename)
    }
}

/// A file system that can be synced as a whole.
struct FileSystem {
    #[cfg(target_os = "linux")]
    open: File,
    folder: PathBuf,
}

impl FileSystem {
    /// Opens the file system of a folder; nothing where there is no such call.
    #[cfg(target_os = "linux")]
    fn open(folder: &Path) -> Option<Self> {
        Some(Self { open: File::open(folder).ok()?, folder: folder.to_owned() })
    }

    #[cfg(not(target_os = "linux"))]
    fn open(_: &Path) -> Option<Self> {
        None
    }

    /// Waits until everything that was written to it is on the medium.
    fn sync(&self) -> Result<(), BlockstoreError> {
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&self.open).map_err(|error| {
            BlockstoreError::io("cannot sync the file system of", &self.folder)(error.into())
        })?;
        Ok(())
    }
}

/// Waits until everything is on the medium.
fn settle(pending: Vec<Pending<'_>>) -> Result<(), BlockstoreError> {
    spread_over(WAITERS, &pending, |one| match one {
        Pending::File(file, path) => file.sync_all().map_err(BlockstoreError::io("cannot sync", path)),
        Pending::Folder(folder) => sync_folder(folder),
    })
}

impl Work {
    /// Writes the bytes or makes the name, and returns the file that is to be waited for.
    fn begin(&self) -> Result<Option<Pending<'_>>, BlockstoreError> {
        match self {
            Self::Bytes { target, bytes } => {
                let mut file =
                    File::create_new(target).map_err(BlockstoreError::io("cannot create", target))?;
                file.write_all(bytes).map_err(BlockstoreError::io("cannot write", target))?;
                Ok(Some(Pending::File(file, target)))
            }
            Self::Link { source, target, expected, is_durable } => {
                let mut pending = None;
                if let Some(expected) = expected {
                    let (file, hash, _) = open_and_digest(source)?;
                    if hash != *expected {
                        let reason = format!("it should have the digest {expected}, not {hash}");
                        return Err(BlockstoreError::corrupt(source.display(), reason));
                    }
                    // Whoever wrote it may not have waited for the medium.
                    pending = (!is_durable).then_some(Pending::File(file, source));
                }
                match fs::hard_link(source, target) {
                    Ok(()) => Ok(pending),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        Err(BlockstoreError::Missing { place: source.display().to_string() })
                    }
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        Err(BlockstoreError::io("cannot create", target)(error))
                    }
                    Err(_) => {
                        fs::copy(source, target).map_err(BlockstoreError::io("cannot copy", source))?;
                        let copy = File::open(target).map_err(BlockstoreError::io("cannot sync", target))?;
                        Ok(Some(Pending::File(copy, target)))
                    }
                }
            }
        }
    }
}

/// Makes the folders above files and returns those whose entries must reach the medium.
fn make_folders<'t>(
    targets: impl Iterator<Item = &'t PathBuf>,
) -> Result<BTreeSet<PathBuf>, BlockstoreError> {
    let mut parents: Vec<&PathBuf> = Vec::new();
    let mut seen = HashSet::new();
    for target in targets {
        if seen.insert(target.parent()) {
            parents.push(target);
        }
    }
    let all = Mutex::new(HashSet::new());
    spread_over(threads_for(&parents), &parents, |target| {
        let mut folders = BTreeSet::new();
        make_parents(target, &mut folders)?;
        all.lock().unwrap_or_else(PoisonError::into_inner).extend(folders);
        Ok(())
    })?;
    Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect())
}

/// Says how many threads work at so many files.
pub(super) fn threads_for<T>(items: &[T]) -> usize {
    if items.len() < FEW { 1 } else { WRITERS }
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

/// Makes the names of all files below a folder durable; their contents are so already.
pub(crate) fn sync_names(root: &Path) -> Result<(), BlockstoreError> {
    if let Some(whole) = FileSystem::open(root) {
        return whole.sync();
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

/// Runs a job for each item on so many threads; the first failure ends it.
pub(super) fn spread_over<'i, T: Sync>(
    threads: usize,
    items: &'i [T],
    job: impl Fn(&'i T) -> Result<(), BlockstoreError> + Sync,
) -> Result<(), BlockstoreError> {
    if items.len().min(threads) < 2 {
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
                        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    }
                }
            });
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
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
    settle(folders.iter().rev().map(|folder| Pending::Folder(folder)).collect())
}
