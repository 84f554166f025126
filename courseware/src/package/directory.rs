//! A course package as a directory.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use xblock_core::olx::{Contents, PackageSource, SourceError};

use super::error::PackageError;

/// Files that make a directory the root of a package.
const ROOT_FILES: [&str; 2] = ["course.xml", "library.xml"];

/// What the names of temporary files and directories begin with; a process that was killed leaves them behind.
pub(crate) const TEMPORARY: &str = ".courseware-";

/// The directory for files of archives whose names no file system takes.
pub(super) const LONG: &str = ".courseware-long";

/// The longest name, and the longest path with its end, that file systems take.
const LONGEST: (usize, usize) = (255, 4096);

/// Says whether a file system takes a path below a directory.
pub(super) fn fits(directory: &Path, path: &str) -> bool {
    let (name, whole) = LONGEST;
    path.split('/').all(|part| part.len() <= name) && directory.as_os_str().len() + path.len() + 2 <= whole
}

/// How deep directories may be nested.
const MAX_DEPTH: usize = 64;

/// A package in a directory: the first one, from the top, that holds `course.xml` or `library.xml`.
///
/// The list of files is taken once, when it is opened. Links are followed as long as they stay inside the package, those
/// to directories only where they do not stand below one another. Links that lead nowhere and with whose name editors
/// lock a file (`.#page.html`) are passed over, as are `.git` and what a killed
/// process left under a temporary name (`.courseware-...`).
#[derive(Debug)]
pub struct DirectorySource {
    root: PathBuf,
    /// The files' paths below the root, with `/`, in order.
    files: Vec<String>,
    /// Where files are that are called otherwise on the disk.
    elsewhere: BTreeMap<String, PathBuf>,
    leftovers: Vec<PathBuf>,
    refused: Vec<(String, PackageError)>,
}

/// What becomes of entries that a package cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// The first one ends the listing.
    Fail,
    /// They are left out, as are files that cannot be opened, and told.
    Collect,
}

impl DirectorySource {
    /// Opens a directory.
    ///
    /// # Errors
    /// [`PackageError::NotFound`], [`PackageError::NoCourse`], a link or name that a package cannot have, and what the
    /// operating system says.
    pub fn open(path: &Path) -> Result<Self, PackageError> {
        if !path.exists() {
            return Err(PackageError::NotFound { path: path.to_path_buf() });
        }
        Self::find(path, path)
    }

    /// Opens a directory without what a package cannot have and what cannot be read: [`DirectorySource::refused`] tells it.
    ///
    /// # Errors
    /// [`PackageError::NotFound`], [`PackageError::NoCourse`], and what the operating system says of the directory itself.
    pub fn open_in_part(path: &Path) -> Result<Self, PackageError> {
        if !path.exists() {
            return Err(PackageError::NotFound { path: path.to_path_buf() });
        }
        Self::list_below(path, path, Refusal::Collect)
    }

    /// Finds the package below a directory; errors name `shown`.
    pub(super) fn find(path: &Path, shown: &Path) -> Result<Self, PackageError> {
        Self::list_below(path, shown, Refusal::Fail)
    }

    fn list_below(path: &Path, shown: &Path, refusal: Refusal) -> Result<Self, PackageError> {
        let no_course = || PackageError::NoCourse { path: shown.to_path_buf() };
        let root = find_root(path, 0)?.ok_or_else(no_course)?;
        let mut files = Vec::new();
        let real = root.canonicalize().map_err(PackageError::io("read", &root))?;
        let (mut leftovers, mut refused) = (Vec::new(), Vec::new());
        let mut listing = Listing {
            real: &real,
            shown,
            refusal,
            files: &mut files,
            leftovers: &mut leftovers,
            refused: &mut refused,
        };
        listing.list(&root, "", Depth::default())?;
        // Folders stand among the names beside them without their `/`.
        files.sort();
        Ok(Self { root, files, elsewhere: BTreeMap::new(), leftovers, refused })
    }

    /// Returns the directory that holds `course.xml` or `library.xml`.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Lists the paths that were left out by [`DirectorySource::open_in_part`], and why.
    #[must_use]
    pub fn refused(&self) -> &[(String, PackageError)] {
        &self.refused
    }

    /// Lists the temporary files that a killed process left behind; they are no part of the package.
    pub(crate) fn leftovers(&self) -> &[PathBuf] {
        &self.leftovers
    }

    /// Lists the files' paths inside the package, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// Returns where a file of the package is.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<PathBuf> {
        let place = || self.elsewhere.get(path).cloned().unwrap_or_else(|| self.root.join(path));
        self.has(path).then(place)
    }

    /// Adds files that lie elsewhere, by their paths in the package.
    pub(super) fn with_elsewhere(mut self, files: BTreeMap<String, PathBuf>) -> Self {
        self.files.extend(files.keys().cloned());
        self.files.sort();
        self.elsewhere = files;
        self
    }

    fn has(&self, path: &str) -> bool {
        self.files.binary_search_by(|file| file.as_str().cmp(path)).is_ok()
    }
}

impl PackageSource for DirectorySource {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.file(path).map(fs::read).transpose()?)
    }

    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send>>, SourceError> {
        let file = self.file(path).map(File::open).transpose()?;
        Ok(file.map(|file| Box::new(file) as Box<dyn Read + Send>))
    }

    fn size(&self, path: &str) -> Result<Option<u64>, SourceError> {
        self.file(path).map(|file| Ok(fs::metadata(file)?.len())).transpose()
    }

    fn read_within(&self, path: &str, limit: u64) -> Result<Option<Contents>, SourceError> {
        let Some(path) = self.file(path) else { return Ok(None) };
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        if size > limit {
            return Ok(Some(Contents::TooLarge(size)));
        }
        Ok(Some(Contents::Bytes(read_all(&mut file, usize::try_from(size)?)?)))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let first = self.files.partition_point(|path| *path < prefix);
        let below = self.files[first..].iter().map_while(|path| path.strip_prefix(&prefix));
        // What is in one folder stands together.
        let mut names: Vec<String> = Vec::new();
        for path in below {
            let name = path.find('/').map_or(path, |end| &path[..=end]);
            if names.last().is_none_or(|last| last != name) {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn exists(&self, path: &str) -> Result<bool, SourceError> {
        Ok(self.has(path))
    }
}

/// Reads a file of about this size to its end.
fn read_all(file: &mut File, size: usize) -> io::Result<Vec<u8>> {
    // With room for one byte more, a call that brings all of them has also found their end: it brings fewer than asked.
    let mut bytes = vec![0; size + 1];
    let mut filled = 0;
    loop {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if filled > size {
            file.read_to_end(&mut bytes)?;
            return Ok(bytes);
        }
        if filled == size {
            break;
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Something in a directory; its kind was read with its name and tells links from what they lead to.
struct Entry {
    name: OsString,
    kind: FileType,
}

/// Entries of a directory in order of their names.
fn entries(directory: &Path) -> Result<Vec<Entry>, PackageError> {
    let unreadable = || PackageError::io("read", directory);
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable())? {
        let entry = entry.map_err(unreadable())?;
        let kind = entry.file_type().map_err(unreadable())?;
        entries.push(Entry { name: entry.file_name(), kind });
    }
    entries.sort_unstable_by(|left, right| left.name.cmp(&right.name));
    Ok(entries)
}

fn is_temporary(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
}

fn find_root(directory: &Path, depth: usize) -> Result<Option<PathBuf>, PackageError> {
    if ROOT_FILES.iter().any(|name| directory.join(name).is_file()) {
        return Ok(Some(directory.to_path_buf()));
    }
    if depth >= MAX_DEPTH {
        return Ok(None);
    }
    for Entry { name, kind } in entries(directory)? {
        if kind.is_dir()
            && !is_temporary(&name)
            && let Some(found) = find_root(&directory.join(name), depth + 1)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

struct Listing<'a> {
    /// The root without links in it.
    real: &'a Path,
    /// What errors name.
    shown: &'a Path,
    refusal: Refusal,
    files: &'a mut Vec<String>,
    leftovers: &'a mut Vec<PathBuf>,
    refused: &'a mut Vec<(String, PackageError)>,
}

/// How a directory was reached.
#[derive(Clone, Copy, Default)]
struct Depth {
    /// How many directories down it is.
    directories: usize,
    /// Whether there is a link on the way.
    is_linked: bool,
}

impl Listing<'_> {
    fn list(&mut self, directory: &Path, prefix: &str, depth: Depth) -> Result<(), PackageError> {
        let entries = match entries(directory) {
            // Without its own root there is no package.
            Err(error) if !prefix.is_empty() => return self.refuse(prefix.trim_end_matches('/'), error),
            entries => entries?,
        };
        for Entry { name, kind } in entries {
            if is_temporary(&name) {
                if kind.is_file() && !depth.is_linked {
                    self.leftovers.push(directory.join(name));
                }
                continue;
            }
            let member = format!("{prefix}{}", name.to_string_lossy());
            if let Err(error) = self.entry(directory, &Entry { name, kind }, &member, depth) {
                self.refuse(&member, error)?;
            }
        }
        Ok(())
    }

    fn refuse(&mut self, member: &str, error: PackageError) -> Result<(), PackageError> {
        match self.refusal {
            Refusal::Fail => Err(error),
            Refusal::Collect => {
                self.refused.push((member.to_owned(), error));
                Ok(())
            }
        }
    }

    fn entry(
        &mut self,
        directory: &Path,
        entry: &Entry,
        member: &str,
        depth: Depth,
    ) -> Result<(), PackageError> {
        let archive = || self.shown.to_path_buf();
        let Some(name) = entry.name.to_str() else {
            let name = entry.name.to_string_lossy().into_owned();
            return Err(PackageError::NameNotUtf8 { archive: archive(), name });
        };
        // Version control keeps its own files beside the course's; no export has such a directory.
        if member == ".git" {
            return Ok(());
        }
        let path = || directory.join(name);
        let is_link = entry.kind.is_symlink();
        if is_link && name.starts_with(".#") && !path().exists() {
            return Ok(());
        }
        let kind = if is_link { self.follow(&path(), member, depth)? } else { entry.kind };
        if kind.is_dir() {
            if depth.directories >= MAX_DEPTH {
                let member = member.to_owned();
                return Err(PackageError::TooDeep { archive: archive(), member, limit: MAX_DEPTH });
            }
            let below = Depth { directories: depth.directories + 1, is_linked: depth.is_linked || is_link };
            return self.list(&path(), &format!("{member}/"), below);
        }
        if !kind.is_file() {
            return Err(PackageError::SpecialFile { archive: archive(), member: member.to_owned() });
        }
        if self.refusal == Refusal::Collect {
            let path = path();
            File::open(&path).map_err(PackageError::io("read", &path))?;
        }
        self.files.push(member.to_owned());
        Ok(())
    }

    fn follow(&self, path: &Path, member: &str, depth: Depth) -> Result<FileType, PackageError> {
        let archive = || self.shown.to_path_buf();
        let written = || fs::read_link(path).map(|target| target.display().to_string()).unwrap_or_default();
        let illegal =
            || PackageError::IllegalLink { archive: archive(), member: member.to_owned(), target: written() };
        let target = path.canonicalize().map_err(|_| illegal())?;
        let metadata = fs::metadata(&target).map_err(|_| illegal())?;
        if !target.starts_with(self.real) {
            return Err(illegal());
        }
        // Below one link there are no others to directories, so that none leads round in a circle.
        if metadata.is_dir() && depth.is_linked {
            return Err(PackageError::NestedLink {
                archive: archive(),
                member: member.to_owned(),
                target: written(),
            });
        }
        Ok(metadata.file_type())
    }
}
