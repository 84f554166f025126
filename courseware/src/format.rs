//! Formatting: a package on disk gets the canonical layout, file by file, without a change of what it says.
//!
//! The blocks are read before and after, and what would change one of them is left alone. As every file means the same
//! before and after by itself, a process that dies between two files leaves a package that is as good as before.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use xblock_core::block::Registry;
use xblock_core::keys::UsageKey;
use xblock_core::olx::{
    Diagnostic, OlxError, Outcome, Package, PackageSource, ParseOptions, ReadOptions, Severity, SourceError,
    format_olx, format_policy, read_course,
};
use xblock_core::runtime::BlockData;

use crate::error::CoursewareError;
use crate::package::{
    ArchiveLimits, ArchiveSink, ArchiveSource, DirectorySource, Overwrite, PackageError, TEMPORARY,
};
use crate::progress::{Progress, Stage};

/// What becomes of files that are not in the canonical layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FormatMode {
    /// They are written anew.
    #[default]
    Write,
    /// They are only listed.
    Check,
}

/// What a formatting found and did.
#[derive(Debug, Clone, Serialize)]
pub struct FormatReport {
    /// How many files have a canonical layout, those that are in it included.
    pub files: usize,
    /// Those that were not in it, and are now unless it was only a check.
    pub changed: Vec<String>,
    /// What cannot be formatted.
    pub diagnostics: Vec<Diagnostic>,
}

/// Brings a course or library on disk into the canonical layout, be it a directory or an archive.
///
/// # Errors
/// [`CoursewareError::Package`] where it cannot be read or written, [`CoursewareError::Olx`] where it is no course, and
/// [`CoursewareError::Interrupted`].
pub fn format(
    path: &Path,
    registry: &Registry,
    mode: FormatMode,
    progress: &Progress<'_>,
) -> Result<FormatReport, CoursewareError> {
    if path.is_dir() {
        let source = DirectorySource::open(path)?;
        let (report, files) = formatted(&source, registry, progress)?;
        if mode == FormatMode::Write {
            for file in source.leftovers() {
                fs::remove_file(file).map_err(PackageError::io("remove", file))?;
            }
            for (done, (name, bytes)) in (0..).zip(&files) {
                progress.step(Stage::WritePackage, done, Some(files.len() as u64))?;
                if let Some(file) = source.file(name) {
                    replace(&file, bytes)?;
                }
            }
        }
        return Ok(report);
    }
    let archive = ArchiveSource::open(path, &ArchiveLimits::default())?;
    let source = archive.directory();
    let (report, files) = formatted(source, registry, progress)?;
    if mode == FormatMode::Write && !files.is_empty() {
        let top = source.root().file_name().and_then(|name| name.to_str()).unwrap_or("course");
        let mut sink = ArchiveSink::create(path, top, Overwrite::Replace)?;
        for name in source.paths() {
            progress.step(Stage::WritePackage, 0, None)?;
            match files.get(name) {
                Some(bytes) => sink.write(name, bytes)?,
                None => {
                    let file = source.file(name).unwrap_or_else(|| path.to_path_buf());
                    sink.write(name, &fs::read(&file).map_err(PackageError::io("read", &file))?)?;
                }
            }
        }
        sink.finish()?;
    }
    Ok(report)
}

/// Puts new bytes into the place of a file, whole or not at all.
fn replace(file: &Path, bytes: &[u8]) -> Result<(), PackageError> {
    let io = |error| PackageError::io("write", file)(error);
    // A link stays one.
    let file = file.canonicalize().map_err(io)?;
    let mode = fs::metadata(&file).map_err(io)?.permissions();
    let parent = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(parent).map_err(io)?;
    new.write_all(bytes).map_err(io)?;
    new.as_file().sync_data().map_err(io)?;
    fs::set_permissions(new.path(), mode).map_err(io)?;
    new.persist(&file).map(drop).map_err(|error| io(error.error))
}

/// Another package with some files replaced, whose reading ends when the work is to stop.
struct Replaced<'a> {
    inner: &'a DirectorySource,
    files: &'a BTreeMap<String, &'a [u8]>,
    progress: &'a Progress<'a>,
}

impl Replaced<'_> {
    fn package(&self, registry: &Registry) -> Result<Package, CoursewareError> {
        let package = read_course(self, &ReadOptions::default(), registry);
        // Whatever the reading says then, it is not the course's fault.
        self.progress.step(Stage::ReadPackage, 0, None)?;
        Ok(package?)
    }
}

impl PackageSource for Replaced<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        self.progress.step(Stage::ReadPackage, 0, None)?;
        match self.files.get(path) {
            Some(bytes) => Ok(Some(bytes.to_vec())),
            None => self.inner.read(path),
        }
    }

    fn size(&self, path: &str) -> Result<Option<u64>, SourceError> {
        self.progress.step(Stage::ReadPackage, 0, None)?;
        match self.files.get(path) {
            Some(bytes) => Ok(Some(bytes.len() as u64)),
            None => self.inner.size(path),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        self.inner.list(folder)
    }

    fn exists(&self, path: &str) -> Result<bool, SourceError> {
        self.inner.exists(path)
    }
}

/// Formats the files of a package in memory, and returns those that change.
fn formatted(
    source: &DirectorySource,
    registry: &Registry,
    progress: &Progress<'_>,
) -> Result<(FormatReport, BTreeMap<String, Vec<u8>>), CoursewareError> {
    let before = Replaced { inner: source, files: &BTreeMap::new(), progress }.package(registry)?;
    let mut report = FormatReport { files: 0, changed: Vec::new(), diagnostics: Vec::new() };
    let mut files = BTreeMap::new();
    for path in source.paths() {
        let is_olx = path.ends_with(".xml") && !path.starts_with("static");
        let is_policy = path.ends_with(".json") && path.starts_with("policies/");
        if !is_olx && !is_policy {
            continue;
        }
        progress.step(Stage::ReadPackage, report.files as u64, None)?;
        report.files += 1;
        let unreadable = |source| OlxError::Source { path: path.to_owned(), source };
        let size = source.size(path).map_err(unreadable)?.unwrap_or_default();
        if let Err(error) =
            ParseOptions::default().check_size(&path.into(), usize::try_from(size).unwrap_or(usize::MAX))
        {
            report.diagnostics.push(OlxError::from(error).diagnostic().outcome(Outcome::Kept));
            continue;
        }
        let bytes = source.read(path).map_err(unreadable)?.unwrap_or_default();
        let new = if is_policy {
            format_policy(&bytes)
        } else {
            match format_olx(path.into(), &bytes, registry) {
                Ok(new) => Some(new),
                Err(error) => {
                    let remark = OlxError::from(error).diagnostic().outcome(Outcome::Kept);
                    report.diagnostics.push(remark);
                    None
                }
            }
        };
        if let Some(new) = new.filter(|new| *new != bytes) {
            files.insert(path.to_owned(), new);
        }
    }
    let compare = Compare { source, registry, progress, before: &before };
    let mut wrong = Vec::new();
    compare.find_wrong(&files.iter().collect::<Vec<_>>(), &mut wrong)?;
    for path in &wrong {
        files.remove(path);
        let message = "another layout would change what this file says; it stays as it is";
        let remark = Diagnostic::new("layout-has-meaning", Severity::Warning, message);
        report.diagnostics.push(remark.in_file(path.as_str().into()).outcome(Outcome::Kept));
    }
    if !wrong.is_empty() && !compare.is_same(&files.iter().collect::<Vec<_>>())? {
        files.clear();
    }
    report.changed = files.keys().cloned().collect();
    Ok((report, files))
}

/// Finds the files that mean something else in another layout.
struct Compare<'a> {
    source: &'a DirectorySource,
    registry: &'a Registry,
    progress: &'a Progress<'a>,
    before: &'a Package,
}

impl Compare<'_> {
    fn is_same(&self, files: &[(&String, &Vec<u8>)]) -> Result<bool, CoursewareError> {
        let files = files.iter().map(|(path, bytes)| ((*path).clone(), bytes.as_slice())).collect();
        let after =
            Replaced { inner: self.source, files: &files, progress: self.progress }.package(self.registry);
        match after {
            Ok(after) => Ok(says_the_same(self.before, &after)),
            Err(CoursewareError::Interrupted) => Err(CoursewareError::Interrupted),
            Err(_) => Ok(false),
        }
    }

    /// Halves the files until those that are wrong are left: mostly there are none, else few.
    fn find_wrong(
        &self,
        files: &[(&String, &Vec<u8>)],
        wrong: &mut Vec<String>,
    ) -> Result<(), CoursewareError> {
        if files.is_empty() || self.is_same(files)? {
            return Ok(());
        }
        if let [(path, _)] = files {
            wrong.push((*path).clone());
            return Ok(());
        }
        let (left, right) = files.split_at(files.len() / 2);
        self.find_wrong(left, wrong)?;
        self.find_wrong(right, wrong)
    }
}

/// Says whether two packages hold the same; remarks on places in files are no part of that.
fn says_the_same(a: &Package, b: &Package) -> bool {
    a.context == b.context
        && a.root == b.root
        && are_same_blocks(&a.published, &b.published)
        && are_same_blocks(&a.draft, &b.draft)
        && a.assets == b.assets
}

type Blocks = BTreeMap<UsageKey, Arc<BlockData>>;

fn are_same_blocks(a: &Blocks, b: &Blocks) -> bool {
    let is_same = |a: &BlockData, b: &BlockData, is_error| a == b || is_error && is_same_error(a, b);
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|((key, a), (other, b))| key == other && is_same(a, b, key.block_type() == "error"))
}

/// Compares blocks that hold what could not be read; their message says where that stood.
fn is_same_error(a: &BlockData, b: &BlockData) -> bool {
    let without = |data: &BlockData| {
        let mut data = data.clone();
        data.content.shift_remove("error_msg");
        data
    };
    without(a) == without(b)
}
