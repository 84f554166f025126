//! Hidden directories beside a target, in which a package is collected, and the end of those that nobody works in.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::directory::TEMPORARY;
use super::error::PackageError;

/// How often a directory is begun anew that somebody who tidies up took for left over.
const TRIES: usize = 16;

/// How many characters stand behind [`TEMPORARY`] in names made here.
const RANDOM: usize = 6;

/// A hidden directory beside a target, on the same file system, so that renaming is one step.
///
/// Its process holds a lock on it as long as it lives; what is not locked was left by one that was killed, and the next
/// that begins such a directory at the same place removes it.
#[derive(Debug)]
pub(super) struct Staging {
    directory: TempDir,
    /// Held open for the lock; none where the system or the file system has no such locks.
    lock: Option<File>,
}

impl Staging {
    /// Begins a directory, and removes what killed processes left there.
    pub(super) fn beside(target: &Path) -> Result<Self, PackageError> {
        let parent = parent_of(target);
        fs::create_dir_all(parent).map_err(PackageError::io("make the directory", parent))?;
        remove_left_over(parent);
        let begin = || {
            let mut named = tempfile::Builder::new();
            named.prefix(TEMPORARY).rand_bytes(RANDOM);
            named.tempdir_in(parent).map_err(PackageError::io("write into", parent))
        };
        for _ in 1..TRIES {
            let directory = begin()?;
            let lock = lock::wait(directory.path());
            // Between making and locking it somebody may have taken it for left over.
            if directory.path().is_dir() {
                return Ok(Self { directory, lock });
            }
        }
        Ok(Self { directory: begin()?, lock: None })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Keeps the directory; returns where it is, with its lock.
    pub(super) fn keep(self) -> (PathBuf, Option<File>) {
        (self.directory.keep(), self.lock)
    }
}

/// Makes a hidden directory for what was at the target. A process that is killed may leave the only copy in it, so that
/// nobody tidies it up: its name is longer.
pub(super) fn aside(target: &Path) -> Result<TempDir, PackageError> {
    let parent = parent_of(target);
    let prefix = format!("{TEMPORARY}old-");
    let made = tempfile::Builder::new().prefix(&prefix).rand_bytes(RANDOM).tempdir_in(parent);
    made.map_err(PackageError::io("write into", parent))
}

fn parent_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Removes the directories in which nobody works any more. What cannot be read or removed stays: it harms nothing.
fn remove_left_over(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY));
        let is_ours = random.is_some_and(|random| {
            random.len() == RANDOM && random.chars().all(|c| c.is_ascii_alphanumeric())
        });
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_ours
            && is_directory
            && let Some(_lock) = lock::take(&entry.path())
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(unix)]
mod lock {
    use std::fs::File;
    use std::path::Path;

    use rustix::fs::{FlockOperation, flock};

    /// Locks a directory, however long somebody else holds it; nothing where that cannot be done.
    pub(super) fn wait(directory: &Path) -> Option<File> {
        let file = File::open(directory).ok()?;
        flock(&file, FlockOperation::LockExclusive).ok()?;
        Some(file)
    }

    /// Locks a directory, where nobody holds it.
    pub(super) fn take(directory: &Path) -> Option<File> {
        let file = File::open(directory).ok()?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        Some(file)
    }
}

#[cfg(not(unix))]
mod lock {
    use std::fs::File;
    use std::path::Path;

    pub(super) fn wait(_: &Path) -> Option<File> {
        None
    }

    pub(super) fn take(_: &Path) -> Option<File> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parent: &Path) -> Vec<String> {
        let entries = fs::read_dir(parent).expect("it can be read");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("it is one").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[cfg(unix)]
    #[test]
    fn what_killed_exports_left_goes_and_what_others_work_in_stays() {
        let parent = tempfile::tempdir().expect("there is room");
        let target = parent.path().join("course");
        for left in [".courseware-a1B2c3/html", ".courseware-old-a1B2c3/old", ".courseware-mine", "course"] {
            fs::create_dir_all(parent.path().join(left)).expect("there is room");
        }
        fs::write(parent.path().join(".courseware-file01"), "a file").expect("there is room");
        let other = Staging::beside(&target).expect("it begins");
        let mine = Staging::beside(&target).expect("it begins");
        let mut expected = vec![".courseware-file01", ".courseware-mine", ".courseware-old-a1B2c3", "course"];
        let others =
            [other.path(), mine.path()].map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
        expected.extend(others.iter().map(String::as_str));
        expected.sort_unstable();
        assert_eq!(names(parent.path()), expected);
        // A process that is killed lets go of its lock without removing anything.
        let (left, lock) = other.keep();
        drop(lock);
        let next = Staging::beside(&target).expect("it begins");
        assert!(!left.exists() && mine.path().is_dir() && next.path().is_dir());
    }
}
