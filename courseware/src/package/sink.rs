//! Where an exported course goes: a directory or an archive that appears whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header, HeaderMode};
use tempfile::NamedTempFile;
use xblock_core::olx::PackageSink;

use super::directory::{LONG, fits};
use super::error::PackageError;
use super::staging::{self, Staging};

/// What to do with what is at the target already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overwrite {
    /// Refuse a directory that is not empty and a file that exists.
    #[default]
    Refuse,
    /// Replace it; [`export`](crate::export()) refuses where the package lacks what could not be read.
    Replace,
    /// Replace it, also by a package that lacks what could not be read.
    ReplaceByIncomplete,
}

/// Says whether there is something at a target.
///
/// # Errors
/// What the operating system says.
pub(crate) fn is_taken(target: &Path) -> Result<bool, PackageError> {
    match fs::read_dir(target) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(true),
        Err(error) => Err(PackageError::io("read", target)(error)),
    }
}

/// A package being written into a directory.
///
/// Files are collected in a hidden directory beside the target, which takes its place in the end.
#[derive(Debug)]
pub struct DirectorySink {
    target: PathBuf,
    overwrite: Overwrite,
    staging: Staging,
}

impl DirectorySink {
    /// Begins a package.
    ///
    /// # Errors
    /// [`PackageError::TargetTaken`], and what the operating system says.
    pub fn create(target: &Path, overwrite: Overwrite) -> Result<Self, PackageError> {
        if is_taken(target)? && (overwrite == Overwrite::Refuse || !target.is_dir()) {
            return Err(PackageError::TargetTaken { path: target.to_path_buf() });
        }
        let staging = Staging::beside(target)?;
        Ok(Self { target: target.to_path_buf(), overwrite, staging })
    }

    /// Writes one file of the package.
    ///
    /// # Errors
    /// [`PackageError::IllegalPath`] for a path that leaves the package, and what the operating system says.
    pub fn write(&mut self, path: &str, content: &[u8]) -> Result<(), PackageError> {
        let place = place_below(self.staging.path(), &self.target, path)?;
        fs::write(&place, content).map_err(PackageError::io("write", &place))
    }

    /// Puts the package at its target.
    ///
    /// # Errors
    /// What the operating system says; the target is as it was then.
    pub fn finish(self) -> Result<(), PackageError> {
        let rename = |from: &Path, to: &Path| fs::rename(from, to).map_err(PackageError::io("write", to));
        share(self.staging.path())?;
        let (staging, _lock) = self.staging.keep();
        let outcome = if self.overwrite != Overwrite::Refuse && self.target.exists() {
            if exchange(&staging, &self.target) {
                // What was there is beside it now; that it cannot be removed is no reason to say that nothing was written.
                let _ = fs::remove_dir_all(&staging);
                return Ok(());
            }
            let old = staging::aside(&self.target)?;
            let aside = old.path().join("old");
            rename(&self.target, &aside)?;
            let outcome = rename(&staging, &self.target);
            if outcome.is_err() {
                // The first error is the one to report.
                let _ = fs::rename(&aside, &self.target);
            }
            outcome
        } else {
            rename(&staging, &self.target)
        };
        if outcome.is_err() {
            let _ = fs::remove_dir_all(&staging);
        }
        outcome
    }
}

impl PackageSink for DirectorySink {
    fn takes(&self, path: &str) -> bool {
        fits(self.staging.path(), path)
    }

    fn write_from(&mut self, path: &str, content: &mut dyn Read) -> io::Result<()> {
        let place = place_below(self.staging.path(), &self.target, path).map_err(io::Error::other)?;
        stream_into(&place, content).map_err(io::Error::other)
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        Self::write(self, path, bytes).map_err(io::Error::other)
    }
}

/// A package being written into a `.tar.gz` file.
///
/// The same files give the same bytes: members are sorted, and times, owners and modes are fixed.
#[derive(Debug)]
pub struct ArchiveSink {
    target: PathBuf,
    /// The one directory at the top of the archive.
    top: String,
    staging: Staging,
    /// Files whose names no file system takes: where they are until they are packed.
    long: BTreeMap<String, PathBuf>,
}

impl ArchiveSink {
    /// Begins a package whose files will lie below the directory `top` in the archive.
    ///
    /// # Errors
    /// [`PackageError::TargetTaken`], and what the operating system says.
    pub fn create(target: &Path, top: &str, overwrite: Overwrite) -> Result<Self, PackageError> {
        if overwrite == Overwrite::Refuse && target.exists() || target.is_dir() {
            return Err(PackageError::TargetTaken { path: target.to_path_buf() });
        }
        let (target, top) = (target.to_path_buf(), top.to_owned());
        let staging = Staging::beside(&target)?;
        Ok(Self { target, top, staging, long: BTreeMap::new() })
    }

    /// Writes one file of the package.
    ///
    /// # Errors
    /// As [`DirectorySink::write`].
    pub fn write(&mut self, path: &str, content: &[u8]) -> Result<(), PackageError> {
        let place = self.place(path)?;
        fs::write(&place, content).map_err(PackageError::io("write", &place))
    }

    /// Finds a place for a file, under a name of our own where its own is too long.
    fn place(&mut self, path: &str) -> Result<PathBuf, PackageError> {
        let staging = self.staging.path();
        if fits(staging, path) {
            return place_below(staging, &self.target, path);
        }
        check(&self.target, path)?;
        let folder = staging.join(LONG);
        fs::create_dir_all(&folder).map_err(PackageError::io("make the directory", &folder))?;
        let place = folder.join(self.long.len().to_string());
        Ok(self.long.entry(path.to_owned()).or_insert(place).clone())
    }

    /// Packs the files and puts the archive at its target.
    ///
    /// # Errors
    /// What the operating system says; the target is as it was then.
    pub fn finish(self) -> Result<(), PackageError> {
        let io = |error| PackageError::io("write", &self.target)(error);
        let archive = NamedTempFile::new_in(self.staging.path()).map_err(io)?;
        let hidden = [archive.path().to_path_buf(), self.staging.path().join(LONG)];
        let gz = GzBuilder::new()
            .mtime(0)
            .operating_system(255)
            .write(BufWriter::new(archive), Compression::default());
        let mut tar = Builder::new(gz);
        tar.mode(HeaderMode::Deterministic);
        append(&mut tar, self.staging.path(), &self.top, &hidden).map_err(io)?;
        for (path, place) in &self.long {
            append_file(&mut tar, place, &format!("{}/{path}", self.top)).map_err(io)?;
        }
        let gz = tar.into_inner().map_err(io)?;
        let archive = gz.finish().map_err(io)?.into_inner().map_err(|error| io(error.into_error()))?;
        share(archive.path())?;
        // A name that appears stands for all of its bytes.
        archive.as_file().sync_data().map_err(io)?;
        archive.persist(&self.target).map_err(|error| io(error.error))?;
        Ok(())
    }
}

impl PackageSink for ArchiveSink {
    fn write_from(&mut self, path: &str, content: &mut dyn Read) -> io::Result<()> {
        let place = self.place(path).map_err(io::Error::other)?;
        stream_into(&place, content).map_err(io::Error::other)
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        Self::write(self, path, bytes).map_err(io::Error::other)
    }
}

/// Puts two directories into each other's places in one step, where the file system can; else nothing happens.
fn exchange(left: &Path, right: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        // A link to a directory would be moved instead of the directory.
        !right.is_symlink() && renameat_with(CWD, left, CWD, right, RenameFlags::EXCHANGE).is_ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (left, right);
        false
    }
}

/// Gives a temporary file or directory, made for its owner alone, the mode new ones have.
fn share(path: &Path) -> Result<(), PackageError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(PackageError::io("share", path))?;
    }
    Ok(())
}

/// Refuses a path that leads out of the package.
fn check(target: &Path, path: &str) -> Result<(), PackageError> {
    if !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | "..")) {
        return Ok(());
    }
    Err(PackageError::IllegalPath { archive: target.to_path_buf(), member: path.to_owned() })
}

/// Finds the place of a file below a directory, and makes the directories it lies in.
fn place_below(staging: &Path, target: &Path, path: &str) -> Result<PathBuf, PackageError> {
    check(target, path)?;
    let place = staging.join(path);
    if let Some(directory) = place.parent() {
        fs::create_dir_all(directory).map_err(PackageError::io("write", &place))?;
    }
    Ok(place)
}

/// Writes a file piece by piece; nothing of it stays where that fails.
fn stream_into(place: &Path, content: &mut dyn Read) -> Result<(), PackageError> {
    let written = File::create(place).and_then(|mut file| io::copy(content, &mut file));
    written.map(drop).map_err(|error| {
        let _ = fs::remove_file(place);
        PackageError::io("write", place)(error)
    })
}

/// Packs a directory's content in order of the names.
fn append<W: Write>(
    tar: &mut Builder<W>,
    directory: &Path,
    member: &str,
    hidden: &[PathBuf],
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Directory);
    header.set_mode(0o755);
    header.set_size(0);
    tar.append_data(&mut header, format!("{member}/"), io::empty())?;
    let mut entries = fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if hidden.contains(&path) {
            continue;
        }
        let member = format!("{member}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            append(tar, &path, &member, hidden)?;
            continue;
        }
        append_file(tar, &path, &member)?;
    }
    Ok(())
}

fn append_file<W: Write>(tar: &mut Builder<W>, path: &Path, member: &str) -> io::Result<()> {
    let file = File::open(path)?;
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(file.metadata()?.len());
    tar.append_data(&mut header, member, file)
}
