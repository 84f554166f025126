//! How packages are read.

use crate::fields::Conversion;
use crate::keys::ContextKey;

use super::super::parse_options::ParseOptions;

/// What becomes of a block that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BrokenBlocks {
    /// It becomes an `error` block that holds its XML.
    #[default]
    KeepAsError,
    /// It is left out, as Studio's importer does.
    LeaveOut,
}

/// What becomes of a block whose type nobody registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownTypes {
    /// It is kept under its own type, see [`UnknownOlx`](super::super::UnknownOlx).
    #[default]
    Keep,
    /// It cannot be read.
    Broken,
}

/// How far the reader follows edx-platform where that loses content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fidelity {
    /// Comments and text between blocks are passed over with a remark; a block that a vertical points to without a
    /// file is broken like any other; two different blocks of one name are both kept, the second under a new name.
    #[default]
    LoseNothing,
    /// As the platform: comments between blocks and blocks with text behind them are broken; verticals leave out what
    /// they point to in vain; of two blocks of one name the last one stays, unless the type keeps learner state.
    Platform,
}

/// Whether links to files and blocks inside HTML are rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// Old links of the course to itself become portable ones.
    #[default]
    Rewrite,
    /// They stay.
    Keep,
}

/// Whether an element without a name is changed to have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// It gets the attribute `url_name`, as in the platform's import of courses.
    #[default]
    WriteDown,
    /// It stays as it is: for an element that is no part of a package, which pointers can be looked for in vain.
    AsGiven,
}

/// How many threads read a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Threads {
    /// As many as there are cores, kept for the next package. What is read, remarks and their order included, is the same as with one.
    #[default]
    Many,
    /// The one that asks. A process that forks later, as web servers in Python do, cannot use a pool in both halves.
    One,
}

/// How a package is read.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The context to read into; by default `course-v1:` or `library-v1:` with what the package says of itself.
    pub target: Option<ContextKey>,
    /// The name of the folder the package is in, for courses that do not say what they are called.
    pub folder_name: Option<String>,
    /// What becomes of blocks that cannot be read; they become error blocks by default.
    pub broken_blocks: BrokenBlocks,
    /// What becomes of blocks of unknown types; they are kept by default.
    pub unknown_types: UnknownTypes,
    /// How far the platform is followed where it loses content; nothing is lost by default.
    pub fidelity: Fidelity,
    /// Whether links are rewritten; they are by default.
    pub links: Links,
    /// What becomes of elements without a name; one is written down by default.
    pub names: Names,
    /// What the XML parser accepts; blank text is removed as the platform does.
    pub parse: Option<ParseOptions>,
    /// What dates without a year are completed with.
    pub conversion: Conversion,
    /// How many threads read; many by default.
    pub threads: Threads,
}

impl ReadOptions {
    /// Returns the options under which everything is read as edx-platform's loader does.
    #[must_use]
    pub fn platform() -> Self {
        Self { unknown_types: UnknownTypes::Broken, fidelity: Fidelity::Platform, ..Self::default() }
    }

    /// Replaces the context to read into.
    #[must_use]
    pub fn target(mut self, target: ContextKey) -> Self {
        self.target = Some(target);
        self
    }

    /// Replaces what becomes of broken blocks.
    #[must_use]
    pub const fn broken_blocks(mut self, broken_blocks: BrokenBlocks) -> Self {
        self.broken_blocks = broken_blocks;
        self
    }

    /// Replaces what becomes of elements without a name.
    #[must_use]
    pub const fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// Replaces whether links are rewritten.
    #[must_use]
    pub const fn links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// Replaces how many threads read.
    #[must_use]
    pub const fn threads(mut self, threads: Threads) -> Self {
        self.threads = threads;
        self
    }
}
