//! The conventions of one bundle: where its definitions lie, and what its includes and those below them are called.

use std::borrow::Cow;
use std::sync::Arc;

use uuid::Uuid;
use xblock_core::keys::{KeyError, UsageKey};
use xblock_core::olx::{ChildNaming, Include, block_id_of, definition_path};

use crate::context::{IncludingBlock, LearningContext, encoded_block_at};

/// What the kind of a context says, or its bundle itself.
#[derive(Debug, Clone)]
pub(super) struct Conventions {
    pub(super) kind: Arc<dyn LearningContext>,
    /// Whether the bundle says itself what it is, and so is in the form of `docs/course-bundle.md`.
    pub(super) is_declared: bool,
}

impl Conventions {
    /// Returns where the definition of a block of its own lies.
    pub(super) fn path(&self, block_type: &str, id: &str) -> String {
        if self.is_declared {
            definition_path(block_type, id)
        } else {
            self.kind.definition_path(block_type, id)
        }
    }

    /// Tells type and id of the block whose definition lies at a path.
    pub(super) fn block_at<'p>(&self, path: &'p str) -> Option<(Cow<'p, str>, Cow<'p, str>)> {
        if self.is_declared { encoded_block_at(path) } else { self.kind.block_at(path) }
    }

    /// Returns the usage that an include gives.
    pub(super) fn usage_of_include(
        &self,
        parent: &IncludingBlock<'_>,
        include: &Include,
    ) -> Result<UsageKey, KeyError> {
        let path;
        let id: Cow<'_, str> = match &include.usage {
            Some(usage) => usage.into(),
            None => {
                path = include.path();
                match self.block_at(&path) {
                    Some((_, id)) => id,
                    None if self.is_declared => {
                        block_id_of(&include.definition_id).unwrap_or_else(|| (&include.definition_id).into())
                    }
                    None => (&include.definition_id).into(),
                }
            }
        };
        self.kind.usage_of_include(parent, &include.block_type, &id)
    }
}

/// Names the children of one definition as it is read.
pub(super) struct ReadNaming<'n> {
    pub(super) conventions: &'n Conventions,
    pub(super) parent: IncludingBlock<'n>,
}

impl<'n> ReadNaming<'n> {
    /// Reads the definition of a usage that lies in a bundle.
    pub(super) fn new(conventions: &'n Conventions, usage: &'n UsageKey, bundle: Uuid, own: Uuid) -> Self {
        Self { conventions, parent: IncludingBlock { usage, bundle, is_own: bundle == own } }
    }
}

impl ChildNaming for ReadNaming<'_> {
    fn usage_of(&self, include: &Include) -> Result<UsageKey, KeyError> {
        self.conventions.usage_of_include(&self.parent, include)
    }

    fn include_of(&self, child: &UsageKey) -> Option<Include> {
        (child.context_key() == self.parent.usage.context_key()).then(|| Include::of(child))
    }
}
