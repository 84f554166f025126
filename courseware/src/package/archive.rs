//! Course packages in one file: checked as a whole, then unpacked beside nobody's files.
//!
//! The rules are those of the xblock reference, section 23, and stricter where the platform's are loose: a member must stay
//! inside the package, a link must lead to a file of the package, nothing but files and directories is taken, and size and
//! number have limits, so that a small file cannot fill a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use tar::{Archive, EntryType};
use tempfile::TempDir;
use xblock_core::olx::{PackageSource, SourceError};

use super::directory::{DirectorySource, LONG, fits};
use super::error::PackageError;

/// How much an archive may unpack to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArchiveLimits {
    /// Most members; 200,000 by default.
    pub members: u64,
    /// Most bytes of one member; 1 GiB by default.
    pub member_bytes: u64,
    /// Most bytes of all members; 4 GiB by default.
    pub total_bytes: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { members: 200_000, member_bytes: 1 << 30, total_bytes: 4 << 30 }
    }
}

/// Most bytes of the records with which tar writes long names; the decoder holds them in memory.
const MAX_NAME_RECORD: u64 = 64 * 1024;

/// Most links one after the other.
const MAX_LINKS: usize = 8;

/// A package in a `.tar.gz` or `.tgz` file, unpacked into a temporary directory that goes with this value.
#[derive(Debug)]
pub struct ArchiveSource {
    directory: DirectorySource,
    _unpacked: TempDir,
}

impl ArchiveSource {
    /// Checks an archive, unpacks it and finds the course in it.
    ///
    /// # Errors
    /// [`PackageError`]; nothing of an archive that breaks a rule is kept.
    pub fn open(path: &Path, limits: &ArchiveLimits) -> Result<Self, PackageError> {
        if !path.exists() {
            return Err(PackageError::NotFound { path: path.to_path_buf() });
        }
        if !is_archive_name(path) {
            return Err(PackageError::UnknownArchive { path: path.to_path_buf() });
        }
        Scan { archive: path, limits }.run()?;
        let unpacked = tempfile::Builder::new()
            .prefix("courseware-")
            .tempdir()
            .map_err(PackageError::io("make a temporary directory for", path))?;
        let long = Unpack::new(path, unpacked.path(), limits).run()?;
        let directory = DirectorySource::find(unpacked.path(), path)?;
        let top = directory.root().strip_prefix(unpacked.path()).unwrap_or(Path::new("")).to_path_buf();
        let below = |member: &str| Some(Path::new(member).strip_prefix(&top).ok()?.to_str()?.to_owned());
        let long = long.into_iter().filter_map(|(member, place)| Some((below(&member)?, place))).collect();
        let directory = directory.with_elsewhere(long);
        Ok(Self { directory, _unpacked: unpacked })
    }

    /// Returns the unpacked package.
    #[must_use]
    pub fn directory(&self) -> &DirectorySource {
        &self.directory
    }
}

impl PackageSource for ArchiveSource {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        self.directory.read(path)
    }

    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send>>, SourceError> {
        PackageSource::open(&self.directory, path)
    }

    fn size(&self, path: &str) -> Result<Option<u64>, SourceError> {
        self.directory.size(path)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        self.directory.list(folder)
    }

    fn exists(&self, path: &str) -> Result<bool, SourceError> {
        self.directory.exists(path)
    }
}

/// Says whether a name is one of an archive this module reads.
#[must_use]
pub(crate) fn is_archive_name(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    name.ends_with(".tar.gz") || name.ends_with(".tgz")
}

fn decoder(path: &Path) -> Result<Archive<impl Read>, PackageError> {
    let file = File::open(path).map_err(PackageError::io("open", path))?;
    Ok(Archive::new(Unzip { member: Some(GzDecoder::new(Box::new(BufReader::new(file)))) }))
}

/// What every member of a gzip file begins with.
const GZIP_MARK: [u8; 2] = [0x1F, 0x8B];

/// The contents of a gzip file: those of its members, one after the other. What stands behind the last one and is no
/// member is passed over, as gzip and Python's `tarfile` do: zeros that fill a block, bytes that a transfer added.
struct Unzip {
    member: Option<GzDecoder<Box<dyn BufRead>>>,
}

impl Read for Unzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(mut rest) = self.member.take().map(GzDecoder::into_inner) else { break };
            pass_over_zeros(&mut rest)?;
            let mut start = Vec::new();
            rest.by_ref().take(GZIP_MARK.len() as u64).read_to_end(&mut start)?;
            if start == GZIP_MARK {
                self.member = Some(GzDecoder::new(Box::new(io::Cursor::new(start).chain(rest))));
            }
        }
        Ok(0)
    }
}

fn pass_over_zeros(file: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = file.fill_buf()?;
        let (zeros, held) = (bytes.iter().take_while(|byte| **byte == 0).count(), bytes.len());
        file.consume(zeros);
        if zeros < held || held == 0 {
            return Ok(());
        }
    }
}

fn damaged(path: &Path, source: io::Error) -> PackageError {
    PackageError::Damaged { path: path.to_path_buf(), source }
}

/// Says what is wrong where the header of a member was to be, given the member before it.
fn no_header(path: &Path, source: io::Error, before: Option<&str>) -> PackageError {
    // What the gzip decoder says is clear. What the tar decoder says names bytes of the header, whatever they are.
    let source = match (source.kind(), before) {
        (io::ErrorKind::Other, None) => io::Error::other("what is compressed in it is no tar archive"),
        (io::ErrorKind::Other, Some(member)) => {
            io::Error::other(format!("what comes behind {member:?} is no member of a tar archive"))
        }
        _ => source,
    };
    damaged(path, source)
}

/// The first pass: sizes and kinds as the headers give them, before anything is written or held in memory.
struct Scan<'a> {
    archive: &'a Path,
    limits: &'a ArchiveLimits,
}

impl Scan<'_> {
    fn run(&self) -> Result<(), PackageError> {
        let mut archive = decoder(self.archive)?;
        let entries = archive.entries().map_err(|e| damaged(self.archive, e))?.raw(true);
        let mut members = 0;
        let mut total: u64 = 0;
        let mut before: Option<String> = None;
        for entry in entries {
            let mut entry = entry.map_err(|e| no_header(self.archive, e, before.as_deref()))?;
            let kind = entry.header().entry_type();
            let name = || String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            members += 1;
            if members > self.limits.members {
                let archive = self.archive.to_path_buf();
                return Err(PackageError::TooManyMembers { archive, limit: self.limits.members });
            }
            let size = entry.size();
            let limit = if is_name_record(kind) { MAX_NAME_RECORD } else { self.limits.member_bytes };
            if size > limit {
                let archive = self.archive.to_path_buf();
                return Err(PackageError::MemberTooLarge { archive, member: name(), limit });
            }
            total = total.saturating_add(size);
            if total > self.limits.total_bytes {
                let archive = self.archive.to_path_buf();
                return Err(PackageError::TooLarge { archive, limit: self.limits.total_bytes });
            }
            if !is_name_record(kind) && !is_taken(kind) {
                let archive = self.archive.to_path_buf();
                return Err(PackageError::SpecialFile { archive, member: name() });
            }
            before = Some(name());
            io::copy(&mut entry, &mut io::sink()).map_err(|e| damaged(self.archive, e))?;
        }
        // Reads the rest, so that a checksum that does not fit or a missing trailer is noticed.
        let mut rest = archive.into_inner().take(self.limits.total_bytes);
        io::copy(&mut rest, &mut io::sink()).map_err(|e| damaged(self.archive, e))?;
        Ok(())
    }
}

fn is_name_record(kind: EntryType) -> bool {
    kind.is_gnu_longname()
        || kind.is_gnu_longlink()
        || kind.is_pax_local_extensions()
        || kind.is_pax_global_extensions()
}

fn is_taken(kind: EntryType) -> bool {
    kind.is_file() || kind.is_dir() || kind.is_symlink() || kind.is_hard_link() || kind.is_contiguous()
}

/// The second pass: writes files and directories, then puts copies where links stood.
struct Unpack<'a> {
    archive: &'a Path,
    target: &'a Path,
    limits: &'a ArchiveLimits,
    total: u64,
    files: BTreeSet<String>,
    directories: BTreeSet<String>,
    links: BTreeMap<String, Link>,
    /// Where files are whose names no file system takes.
    long: BTreeMap<String, PathBuf>,
}

struct Link {
    /// As the archive has it.
    written: String,
    /// Where it leads inside the package.
    resolved: String,
}

impl<'a> Unpack<'a> {
    fn new(archive: &'a Path, target: &'a Path, limits: &'a ArchiveLimits) -> Self {
        let (files, directories, links, long) = Default::default();
        Self { archive, target, limits, total: 0, files, directories, links, long }
    }

    /// Returns the files whose names no file system takes, and where they are.
    fn run(mut self) -> Result<BTreeMap<String, PathBuf>, PackageError> {
        let mut archive = decoder(self.archive)?;
        for entry in archive.entries().map_err(|e| damaged(self.archive, e))? {
            let mut entry = entry.map_err(|e| damaged(self.archive, e))?;
            let member = self.utf8(&entry.path_bytes())?;
            let kind = entry.header().entry_type();
            if kind.is_pax_global_extensions() {
                continue;
            }
            let Some(path) = inside("", &member) else {
                return Err(PackageError::IllegalPath { archive: self.archive.to_path_buf(), member });
            };
            if kind.is_symlink() || kind.is_hard_link() {
                let written = self.utf8(&entry.link_name_bytes().unwrap_or_default())?;
                // A hard link names a member; a symbolic one starts from its own directory.
                let from =
                    if kind.is_symlink() { path.rsplit_once('/').map_or("", |(dir, _)| dir) } else { "" };
                let Some(resolved) = inside(from, &written) else {
                    return Err(self.illegal_link(member, written));
                };
                self.files.remove(&path);
                self.links.insert(path, Link { written, resolved });
            } else if kind.is_dir() {
                self.claim_directory(&path)?;
                if !fits(self.target, &path) {
                    continue;
                }
                let directory = self.target.join(&path);
                std::fs::create_dir_all(&directory)
                    .map_err(PackageError::io("make the directory", &directory))?;
            } else {
                self.links.remove(&path);
                self.claim_file(&path)?;
                self.file(&path, &mut entry)?;
            }
        }
        self.copy_links()?;
        Ok(self.long)
    }

    /// Finds the place of a file, under a name of our own where its own is too long, and makes the directories it lies in.
    fn place(&mut self, path: &str) -> Result<PathBuf, PackageError> {
        let place = if fits(self.target, path) {
            self.target.join(path)
        } else {
            let place = self.target.join(LONG).join(self.long.len().to_string());
            self.long.entry(path.to_owned()).or_insert(place).clone()
        };
        if let Some(directory) = place.parent() {
            std::fs::create_dir_all(directory).map_err(PackageError::io("make the directory", directory))?;
        }
        Ok(place)
    }

    fn utf8(&self, name: &[u8]) -> Result<String, PackageError> {
        String::from_utf8(name.to_vec()).map_err(|_| PackageError::NameNotUtf8 {
            archive: self.archive.to_path_buf(),
            name: String::from_utf8_lossy(name).into_owned(),
        })
    }

    fn illegal_link(&self, member: String, target: String) -> PackageError {
        PackageError::IllegalLink { archive: self.archive.to_path_buf(), member, target }
    }

    /// Notes a directory and those it lies in; a file cannot have the name of one.
    fn claim_directory(&mut self, path: &str) -> Result<(), PackageError> {
        let mut at = path;
        while !at.is_empty() {
            if self.files.contains(at) {
                return Err(self.file_and_directory(at));
            }
            if !self.directories.insert(at.to_owned()) {
                break;
            }
            at = at.rsplit_once('/').map_or("", |(above, _)| above);
        }
        Ok(())
    }

    /// Notes a file and the directories it lies in.
    fn claim_file(&mut self, path: &str) -> Result<(), PackageError> {
        if path.is_empty() || self.directories.contains(path) {
            return Err(self.file_and_directory(path));
        }
        self.claim_directory(path.rsplit_once('/').map_or("", |(above, _)| above))?;
        self.files.insert(path.to_owned());
        Ok(())
    }

    fn file_and_directory(&self, member: &str) -> PackageError {
        PackageError::FileAndDirectory { archive: self.archive.to_path_buf(), member: member.to_owned() }
    }

    fn file(&mut self, path: &str, content: &mut dyn Read) -> Result<(), PackageError> {
        let place = self.place(path)?;
        let mut file = File::create(&place).map_err(PackageError::io("write", &place))?;
        let mut content = content.take(self.limits.member_bytes.saturating_add(1));
        let written = io::copy(&mut content, &mut file).map_err(|error| match error.raw_os_error() {
            // Decoders make errors of their own; the system's come from the disk that is written to.
            Some(_) => PackageError::io("write", &place)(error),
            None => damaged(self.archive, error),
        })?;
        if written > self.limits.member_bytes {
            return Err(PackageError::MemberTooLarge {
                archive: self.archive.to_path_buf(),
                member: path.to_owned(),
                limit: self.limits.member_bytes,
            });
        }
        self.count(written)
    }

    fn count(&mut self, bytes: u64) -> Result<(), PackageError> {
        self.total = self.total.saturating_add(bytes);
        if self.total > self.limits.total_bytes {
            let archive = self.archive.to_path_buf();
            return Err(PackageError::TooLarge { archive, limit: self.limits.total_bytes });
        }
        Ok(())
    }

    /// Puts a copy of its target where each link stood; links never reach the disk.
    fn copy_links(&mut self) -> Result<(), PackageError> {
        let links = std::mem::take(&mut self.links);
        for (path, link) in &links {
            let mut at = &link.resolved;
            for _ in 0..MAX_LINKS {
                match links.get(at) {
                    Some(next) => at = &next.resolved,
                    None => break,
                }
            }
            if !self.files.contains(at) {
                return Err(self.illegal_link(path.clone(), link.written.clone()));
            }
            self.claim_file(path)?;
            let (from, to) = (self.place(at)?, self.place(path)?);
            let bytes = std::fs::copy(&from, &to).map_err(PackageError::io("write", &to))?;
            self.count(bytes)?;
        }
        Ok(())
    }
}

/// Follows a path from a directory of the package; none where it is absolute or leaves the package on its way.
fn inside(from: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains('\0') || path.contains('\\') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn paths_stay_inside() {
        assert_eq!(inside("", "./course/course.xml").as_deref(), Some("course/course.xml"));
        assert_eq!(inside("a/b", "../c").as_deref(), Some("a/c"));
        assert_eq!(inside("a", "../../c"), None);
        assert_eq!(inside("", "a/../../b"), None);
        assert_eq!(inside("", "/etc/passwd"), None);
        assert_eq!(inside("", "..\\windows"), None);
    }

    #[test]
    fn archives_are_known_by_their_names() {
        assert!(is_archive_name(&PathBuf::from("x/Course.TAR.GZ")));
        assert!(is_archive_name(&PathBuf::from("c.tgz")));
        assert!(!is_archive_name(&PathBuf::from("c.tar")));
    }
}
