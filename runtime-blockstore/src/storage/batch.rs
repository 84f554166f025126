//! Many files written durably: contents first, then names, then folders.
//!
//! A file that is renamed into place is complete on the medium before it has its name, and the name is on the medium
//! when [`Batch::run`] returns. Nothing existing is ever changed or removed.
//!
//! Waiting for the medium is nearly all of the time, so everything is written before anything is waited for: what is
//! waited for together, the medium takes in together.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::reading::open_and_digest;
use crate::digest::Digest;
use crate::error::BlockstoreError;

/// Threads that write, at most: names in one folder are made one after the other, so that more would only wait for each
/// other.
const WRITERS: usize = 4;

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
        let targets: Vec<&Path> = self.work.iter().map(Work::target).collect();
        let renames: Vec<_> = self.renames.iter().chain(&self.last).collect();
        let Folders { lone, changed: folders, .. } =
            Folders::above(&targets, renames.iter().map(|(_, to)| to.as_path()))?;
        let steps: Vec<_> = self.work.iter().zip(lone).map(|(work, folder)| Step { work, folder }).collect();
        // Opened before anything is written, so that it hears of every write that fails.
        let whole = match folders.first().filter(|_| self.work.len() > MANY_FILES) {
            Some(folder) => FileSystem::open(folder),
            None => None,
        };
        if let Some(whole) = whole {
            return self.run_at_once(&steps, &whole, &renames);
        }
        let mut pending = Vec::new();
        let mut rest = &steps[..];
        while let Some((part, others)) =
            rest.split_at_checked(OPEN.min(rest.len())).filter(|_| !rest.is_empty())
        {
            rest = others;
            let begun = Mutex::new(Vec::new());
            spread_over(threads_for(part), part, |step| {
                let open = step.begin()?;
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
        steps: &[Step<'_>],
        whole: &FileSystem,
        renames: &[&(PathBuf, PathBuf)],
    ) -> Result<(), BlockstoreError> {
        spread_over(threads_for(steps), steps, |step| step.begin().map(drop))?;
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

/// What is done for one file, by one thread.
struct Step<'b> {
    work: &'b Work,
    /// A folder for this file alone, which is made first.
    folder: Option<&'b Path>,
}

impl Step<'_> {
    fn begin(&self) -> Result<Option<Pending<'_>>, BlockstoreError> {
        self.folder.map_or(Ok(()), make_folder)?;
        self.work.begin()
    }
}

impl Work {
    fn target(&self) -> &Path {
        match self {
            Self::Bytes { target, .. } | Self::Link { target, .. } => target,
        }
    }

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

/// The folders above files: they are made, but for those of one file alone, which the thread that writes it makes.
///
/// A folder is asked for once, and not at all where the folder above it is new.
#[derive(Default)]
struct Folders<'t> {
    /// Those that are there, and whether they are new.
    is_new: HashMap<&'t Path, bool>,
    /// For each file to be written, the folder that is to be made with it.
    lone: Vec<Option<&'t Path>>,
    /// Those whose entries must reach the medium.
    changed: BTreeSet<PathBuf>,
}

impl<'t> Folders<'t> {
    fn above(written: &[&'t Path], renamed: impl Iterator<Item = &'t Path>) -> Result<Self, BlockstoreError> {
        // Whether a folder has one file to be written and nothing else.
        let mut is_lone: HashMap<&Path, bool> = HashMap::new();
        let mut wanted = Vec::new();
        let written_to = written.iter().copied().map(|target| (target, true));
        for (target, is_alone) in written_to.chain(renamed.map(|target| (target, false))) {
            let Some(folder) = target.parent() else { continue };
            let before = is_lone.get(folder).copied();
            if before.is_none() {
                wanted.push(folder);
            }
            is_lone.insert(folder, is_alone && before.is_none());
        }
        let mut passed = HashSet::new();
        for folder in &wanted {
            for above in folder.ancestors().skip(1).take_while(|above| passed.insert(*above)) {
                is_lone.entry(above).and_modify(|is_lone| *is_lone = false);
            }
        }
        let mut folders = Self::default();
        let mut lone = HashSet::new();
        for folder in wanted {
            match folder.parent().filter(|_| is_lone.get(folder) == Some(&true)) {
                Some(above) if folders.make(above)? || !folder.is_dir() => {
                    lone.insert(folder);
                    folders.changed.insert(above.to_owned());
                }
                Some(_) => {}
                None => drop(folders.make(folder)?),
            }
            folders.changed.insert(folder.to_owned());
        }
        let of = |target: &&'t Path| target.parent().filter(|folder| lone.contains(folder));
        folders.lone = written.iter().map(of).collect();
        Ok(folders)
    }

    /// Makes a folder and those above where they are missing; says whether it is new.
    fn make(&mut self, folder: &'t Path) -> Result<bool, BlockstoreError> {
        if let Some(is_new) = self.is_new.get(folder) {
            return Ok(*is_new);
        }
        let is_new = match folder.parent() {
            Some(above) if self.is_new.get(above) == Some(&true) || !folder.is_dir() => {
                self.make(above)?;
                make_folder(folder)?;
                // The folder in which a new one appears has a new entry too.
                self.changed.extend([above.to_owned(), folder.to_owned()]);
                true
            }
            _ => false,
        };
        self.is_new.insert(folder, is_new);
        Ok(is_new)
    }
}

/// Makes a folder in one that is there; another thread or process may have made it.
fn make_folder(folder: &Path) -> Result<(), BlockstoreError> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(BlockstoreError::io("cannot create", folder)(error))
        }
        _ => Ok(()),
    }
}

/// Says how many threads work at so many files.
pub(super) fn threads_for<T>(items: &[T]) -> usize {
    if items.len() < FEW {
        return 1;
    }
    std::thread::available_parallelism().map_or(1, NonZero::get).min(WRITERS)
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
    let Folders { changed: folders, .. } = Folders::above(&[], std::iter::once(target))?;
    let incoming = target.with_file_name(format!(".incoming-{}", uuid::Uuid::new_v4()));
    let mut file = File::create_new(&incoming).map_err(BlockstoreError::io("cannot create", &incoming))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&incoming, target))
        .map_err(BlockstoreError::io("cannot write", target))?;
    settle(folders.iter().rev().map(|folder| Pending::Folder(folder)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_file_are_made_with_it_and_all_others_before() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("old/there")).unwrap();
        let written =
            ["html/a/x", "html/b/x", "html/b/y", "html/c/x", "html/c/d/x", "old/e/x", "old/there/x"].map(at);
        let renamed = [at("html/f/x")];
        let targets: Vec<_> = written.iter().map(PathBuf::as_path).collect();
        let folders = Folders::above(&targets, renamed.iter().map(PathBuf::as_path)).unwrap();
        let lone: Vec<_> = folders.lone.iter().flatten().map(|folder| folder.to_path_buf()).collect();
        assert_eq!(lone, ["html/a", "html/c/d", "old/e"].map(at));
        assert!(lone.iter().all(|folder| !folder.exists()));
        assert!(["html/b", "html/c", "html/f"].map(at).iter().all(|folder| folder.is_dir()));
        // New folders and those they appear in, and all that get a file; not what nothing happens in.
        let changed =
            ["html", "html/a", "html/b", "html/c", "html/c/d", "html/f", "old", "old/e", "old/there"];
        let mut wanted: BTreeSet<_> = changed.map(at).into();
        wanted.insert(root.path().to_owned());
        assert_eq!(folders.changed, wanted);
    }

    #[test]
    fn many_files_are_written_whatever_folders_they_share() {
        let root = tempfile::tempdir().unwrap();
        for round in 0..2 {
            let mut batch = Batch::default();
            for number in 0..300 {
                let folder = if number % 3 == 0 { "shared".into() } else { format!("alone/{number}") };
                let target = root.path().join(folder).join(format!("{round}-{number}"));
                batch.write(target, number.to_string().into_bytes());
            }
            batch.run().unwrap();
        }
        let found = crate::storage::listing::files(root.path()).unwrap();
        assert_eq!(found.len(), 600);
        for file in found {
            let name = file.path.file_name().unwrap().to_str().unwrap();
            assert_eq!(fs::read_to_string(&file.path).unwrap(), name[2..]);
        }
    }
}
