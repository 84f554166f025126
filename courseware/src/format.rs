//! Formatting: a package on disk gets the canonical layout, file by file, without a change of what it says.
//!
//! The blocks are read before and after, and what would change one of them is left alone. As every file means the same
//! before and after by itself, a process that dies between two files leaves a package that is as good as before.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use xblock_core::block::Registry;
use xblock_core::olx::{
    Diagnostic, OlxError, Outcome, Package, PackageSource, ParseOptions, ReadOptions, Severity, SourceError,
    format_olx, format_policy, read_course,
};

use crate::error::CoursewareError;
use crate::package::{ArchiveLimits, ArchiveSink, ArchiveSource, DirectorySource, Overwrite, PackageError};
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
            for (done, (name, bytes)) in (0..).zip(&files) {
                progress.step(Stage::WritePackage, done, Some(files.len() as u64))?;
                if let Some(file) = source.file(name) {
                    replace(file, bytes)?;
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
                    let file = source.file(name).unwrap_or(path);
                    sink.write(name, &fs::read(file).map_err(PackageError::io("read", file))?)?;
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
    let mut new = tempfile::Builder::new().prefix(".courseware-").tempfile_in(parent).map_err(io)?;
    new.write_all(bytes).map_err(io)?;
    new.as_file().sync_data().map_err(io)?;
    fs::set_permissions(new.path(), mode).map_err(io)?;
    new.persist(&file).map(drop).map_err(|error| io(error.error))
}

/// Another package with some files replaced.
struct Replaced<'a> {
    inner: &'a DirectorySource,
    files: &'a BTreeMap<String, Vec<u8>>,
}

impl PackageSource for Replaced<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        match self.files.get(path) {
            Some(bytes) => Ok(Some(bytes.clone())),
            None => self.inner.read(path),
        }
    }

    fn size(&self, path: &str) -> Result<Option<u64>, SourceError> {
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
    let before = read_course(source, &ReadOptions::default(), registry)?;
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
    let is_same = |files: &BTreeMap<String, Vec<u8>>| {
        let after = read_course(&Replaced { inner: source, files }, &ReadOptions::default(), registry);
        after.is_ok_and(|after| says_the_same(&before, &after))
    };
    if !is_same(&files) {
        // Which of them it is shows each by itself; that is rare.
        let mut wrong = Vec::new();
        for (path, bytes) in &files {
            if !is_same(&[(path.clone(), bytes.clone())].into()) {
                wrong.push(path.clone());
            }
        }
        for path in wrong {
            files.remove(&path);
            let message = "another layout would change what this file says; it stays as it is";
            let remark = Diagnostic::new("layout-has-meaning", Severity::Warning, message);
            report.diagnostics.push(remark.in_file(path.as_str().into()).outcome(Outcome::Kept));
        }
        if !is_same(&files) {
            files.clear();
        }
    }
    report.changed = files.keys().cloned().collect();
    Ok((report, files))
}

/// Says whether two packages hold the same; remarks on places in files are no part of that.
fn says_the_same(a: &Package, b: &Package) -> bool {
    a.context == b.context
        && a.root == b.root
        && a.published == b.published
        && a.draft == b.draft
        && a.assets == b.assets
}
