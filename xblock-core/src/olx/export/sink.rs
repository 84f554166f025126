//! Where a package goes, and what is asked and told while it is written.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::AtomicBool;

use crate::keys::UsageKey;
use crate::olx::{Diagnostic, Fidelity};
use crate::runtime::Origin;

/// Takes the files of a package in the order in which they are made, each path once.
pub trait PackageSink {
    /// Says whether a file of this path can be taken at all; file systems have limits to the length of names.
    fn takes(&self, path: &str) -> bool {
        let _ = path;
        true
    }

    /// Takes one file.
    ///
    /// # Errors
    /// Whatever the medium says.
    fn write(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()>;

    /// Takes one file of any size, in pieces. Where the reader fails nothing of the file is kept.
    ///
    /// # Errors
    /// Those of the reader, and whatever the medium says.
    fn write_from(&mut self, path: &str, content: &mut dyn Read) -> std::io::Result<()>;
}

/// Keeps a package in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemorySink {
    /// The files by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl PackageSink for MemorySink {
    fn write(&mut self, path: &str, bytes: &[u8]) -> std::io::Result<()> {
        self.files.insert(path.to_owned(), bytes.to_owned());
        Ok(())
    }

    fn write_from(&mut self, path: &str, content: &mut dyn Read) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        self.files.insert(path.to_owned(), bytes);
        Ok(())
    }
}

/// What was just written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportStep<'a> {
    /// A block.
    Block(&'a UsageKey),
    /// A static file of this path.
    Asset(&'a str),
}

/// How a package is written.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct ExportOptions<'a> {
    /// Told of every step; nobody is by default.
    pub progress: Option<&'a dyn Fn(ExportStep<'_>)>,
    /// How far edx-platform is followed where it loses content; nothing is lost by default.
    pub fidelity: Fidelity,
    /// Ends the export when it becomes true; nothing does by default.
    pub stop: Option<&'a AtomicBool>,
    /// The package whose files are written as they were where that is still so; everything is canonical by default.
    pub origin: Option<&'a Origin>,
    /// The package out of which come the files of blocks that could not be read and are but pointers to these.
    pub imported: Option<&'a Origin>,
}

impl<'a> ExportOptions<'a> {
    /// Replaces how far edx-platform is followed where it loses content.
    #[must_use]
    pub const fn fidelity(mut self, fidelity: Fidelity) -> Self {
        self.fidelity = fidelity;
        self
    }

    /// Replaces who is told of every step.
    #[must_use]
    pub const fn progress(mut self, progress: &'a dyn Fn(ExportStep<'_>)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Replaces the package whose files are kept where they can be.
    #[must_use]
    pub const fn origin(mut self, origin: &'a Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Replaces the package out of which come the files of blocks that could not be read.
    #[must_use]
    pub const fn imported(mut self, imported: &'a Origin) -> Self {
        self.imported = Some(imported);
        self
    }

    /// Replaces what ends the export.
    #[must_use]
    pub const fn stop(mut self, stop: &'a AtomicBool) -> Self {
        self.stop = Some(stop);
        self
    }
}

impl std::fmt::Debug for ExportOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExportOptions").field("stop", &self.stop).finish_non_exhaustive()
    }
}

/// What an export wrote and what it has to say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExportReport {
    /// How many blocks were written, those of drafts again.
    pub blocks: usize,
    /// How many static files were written.
    pub assets: usize,
    /// Remarks, in the order in which they came up.
    pub diagnostics: Vec<Diagnostic>,
}
