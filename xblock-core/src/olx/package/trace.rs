//! Which files of a package each block came from, for whoever is to write it again.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use crate::keys::UsageKey;

use super::super::position::{FileName, Span};

/// Where a block came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provenance {
    /// The file its element, or the pointer to its own file, stands in.
    pub(crate) file: FileName,
    /// The bytes of that element or pointer.
    pub(crate) span: Span,
    /// Whether it is a pointer.
    pub(crate) is_pointer: bool,
    /// The files that were read for it, in this order.
    pub(crate) files: Vec<String>,
}

/// Where the blocks of one branch came from.
#[derive(Debug, Clone, Default)]
pub(crate) struct BranchTrace {
    /// The blocks.
    pub(crate) blocks: BTreeMap<UsageKey, Provenance>,
    /// What the elements that stand for children mean, by their places.
    pub(crate) children: HashMap<(FileName, Span), UsageKey>,
}

/// Where everything in a package came from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace {
    /// What is published.
    pub(crate) published: BranchTrace,
    /// What stands under `drafts/`.
    pub(crate) draft: BranchTrace,
    /// Parents and indices of the tops of draft subtrees.
    pub(crate) tops: BTreeMap<UsageKey, (Option<UsageKey>, i64)>,
    /// Pages and the files they were read from.
    pub(crate) pages: BTreeMap<UsageKey, Vec<String>>,
    /// The policy file.
    pub(crate) policy: Option<String>,
    /// The file of the grading policy.
    pub(crate) grading: Option<String>,
}

/// Notes down where blocks come from while they are read.
#[derive(Debug, Default)]
pub(super) struct Tracer {
    pub(super) trace: BranchTrace,
    /// The files read for each block on the way down.
    frames: RefCell<Vec<Vec<String>>>,
}

impl Tracer {
    pub(super) fn enter(&self) {
        self.frames.borrow_mut().push(Vec::new());
    }

    pub(super) fn leave(&self) -> Vec<String> {
        self.frames.borrow_mut().pop().unwrap_or_default()
    }

    pub(super) fn read(&self, path: &str) {
        if let Some(frame) = self.frames.borrow_mut().last_mut() {
            frame.push(path.to_owned());
        }
    }
}

impl BranchTrace {
    /// Names files from the root of the package, for those that were read below a folder of it.
    pub(super) fn below(self, folder: &str) -> Self {
        let whole = |path: &str| match path.strip_prefix(folder) {
            Some(rest) if rest.starts_with('/') => path.to_owned(),
            _ => format!("{folder}/{path}"),
        };
        let name = |file: &FileName| FileName::from(whole(file.as_str()).as_str());
        let blocks = self.blocks.into_iter().map(|(usage, mut block)| {
            block.file = name(&block.file);
            block.files.iter_mut().for_each(|path| *path = whole(path));
            (usage, block)
        });
        let children = self.children.into_iter().map(|((file, span), usage)| ((name(&file), span), usage));
        Self { blocks: blocks.collect(), children: children.collect() }
    }
}
