//! The groups of contests, one for each subject, which `bench --only` names.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{Contest, Outcome, bundles, fields, imports, keys, olx, problems, split};

/// What the contests are made of.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The course that is read and imported.
    pub course: &'a Path,
    /// The keys that are parsed, a line each.
    pub keys: PathBuf,
    /// The problems that are shown and graded.
    pub problems: PathBuf,
    /// The Python that the cage starts; without one, no script is run.
    pub python: Option<&'a Path>,
    /// The Python that has the Blockstore app; without one, bundles are compared with plain files only.
    pub app: Option<&'a Path>,
}

impl<'a> Inputs<'a> {
    /// Names the project's own inputs, `tests/acceptance/bench`, beside a course.
    #[must_use]
    pub fn new(course: &'a Path, python: Option<&'a Path>) -> Self {
        let folder = folder();
        Self {
            course,
            keys: folder.join("keys.txt"),
            problems: folder.join("problems.json"),
            python,
            app: None,
        }
    }
}

/// The folder of inputs, where the program of the other side lies, too.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bench")
}

/// A subject of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// Keys, from Rust and through Python.
    Keys,
    /// Fields of blocks, inherited and learners'.
    Fields,
    /// Imports into every store.
    Imports,
    /// Bundles written, read and changed.
    Bundles,
    /// Bundles of 100,000 files, and 100,000 bundles; takes minutes, so that it is measured only where it is named.
    LargeBundles,
    /// XML files parsed, courses read.
    Olx,
    /// Problems, formulas and scripts.
    Problems,
    /// Split's documents, in courses of three sizes.
    Split,
}

impl Group {
    /// Returns the contests of this group.
    ///
    /// # Errors
    /// When an input cannot be read.
    pub fn contests(self, inputs: &Inputs<'_>) -> Outcome<Vec<Contest>> {
        match self {
            Self::Keys => keys::contests(&inputs.keys),
            Self::Fields => fields::contests(),
            Self::Imports => imports::contests(inputs.course),
            Self::Bundles => bundles::contests(inputs.app),
            Self::LargeBundles => bundles::large_contests(),
            Self::Olx => olx::contests(inputs.course),
            Self::Problems => problems::contests(&inputs.problems, inputs.python),
            Self::Split => split::contests(&split::folder()),
        }
    }
}
