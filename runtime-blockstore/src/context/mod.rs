//! Learning contexts: which keys there are, which bundle each leads to, where definitions lie in it, and which usages
//! includes give ([decision 20](../../../docs/decisions/0020-learning-contexts-are-kinds-one-can-add.rst)).
//!
//! The runtime asks a [`LearningContext`] what differs between kinds; everything else is the same for all of them. Who may
//! see or change what is none of their business.

mod course;
mod library;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;
use xblock_core::keys::{ContextKey, KeyError, KeyRegistry, UsageKey};
use xblock_core::olx::{block_id_of, block_type_of, definition_path};

use crate::error::BlockstoreError;
use crate::store::Blockstore;

pub use course::CourseContext;
pub use library::LibraryContext;

/// The draft that authors of courses and libraries work on.
pub(crate) const STUDIO_DRAFT: &str = "studio_draft";

/// A block that includes another.
#[derive(Debug, Clone, Copy)]
pub struct IncludingBlock<'u> {
    /// Its usage.
    pub usage: &'u UsageKey,
    /// The bundle its definition lies in.
    pub bundle: Uuid,
    /// Whether that is the bundle of the context itself.
    pub is_own: bool,
}

/// A kind of learning context over bundles.
///
/// A bundle with a file `context.json` says itself which context it is, where its definitions lie and what its root is; of
/// such a bundle a kind is only asked for its draft and for usages of includes.
pub trait LearningContext: Send + Sync + fmt::Debug {
    /// Says whether contexts with such a key are of this kind.
    fn takes(&self, key: &ContextKey) -> bool;

    /// Returns the bundle a key leads to, where that is known from elsewhere than the bundles themselves and what was
    /// told to [`BlockstoreRuntime::adopt`](crate::BlockstoreRuntime::adopt).
    ///
    /// # Errors
    /// Those of whatever is asked.
    fn bundle(&self, key: &ContextKey, store: &Blockstore) -> Result<Option<Uuid>, BlockstoreError> {
        let _ = (key, store);
        Ok(None)
    }

    /// Lists the contexts that [`LearningContext::bundle`] knows.
    ///
    /// # Errors
    /// As [`LearningContext::bundle`].
    fn bundles(&self, store: &Blockstore) -> Result<Vec<(ContextKey, Uuid)>, BlockstoreError> {
        let _ = store;
        Ok(Vec::new())
    }

    /// Says whether bundles are told that they are such a context ([`BlockstoreRuntime::adopt`](crate::BlockstoreRuntime::adopt));
    /// of a kind whose bundles all say so themselves, none is.
    fn is_told(&self) -> bool {
        true
    }

    /// Returns the name of the draft that authors work on; its state is the draft branch, and without such a draft the
    /// latest version is.
    fn draft(&self) -> &str {
        STUDIO_DRAFT
    }

    /// Returns type and id of the root. Where no definition has them, the root is made up: its children are the blocks that
    /// nothing includes.
    fn root(&self) -> (&str, &str);

    /// Returns where the definition of a block of its own lies.
    fn definition_path(&self, block_type: &str, block_id: &str) -> String {
        definition_path(block_type, block_id)
    }

    /// Returns type and id of the block whose definition lies at a path; none where the path is none of a definition.
    fn block_at<'p>(&self, path: &'p str) -> Option<(Cow<'p, str>, Cow<'p, str>)> {
        encoded_block_at(path)
    }

    /// Returns the usage of a block that another includes; `block_id` is what the include calls it, or the id of the
    /// definition.
    ///
    /// # Errors
    /// A [`KeyError`] where the context cannot have such a block.
    fn usage_of_include(
        &self,
        parent: &IncludingBlock<'_>,
        block_type: &str,
        block_id: &str,
    ) -> Result<UsageKey, KeyError> {
        let context = parent.usage.context_key();
        if parent.is_own {
            return context.make_usage_key(block_type, block_id);
        }
        context.make_usage_key(block_type, &format!("{}-{block_id}", parent.usage.block_id()))
    }
}

/// Tells type and id by the folder names of `docs/course-bundle.md`.
pub(crate) fn encoded_block_at(path: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let (block_type, id) = folders(path)?;
    let (block_type, id) = (block_type_of(block_type)?, block_id_of(id)?);
    (definition_path(&block_type, &id) == path).then_some((block_type, id))
}

/// Takes `{type}/{id}/definition.xml` apart.
pub(crate) fn folders(path: &str) -> Option<(&str, &str)> {
    let (block_type, id) = path.strip_suffix("/definition.xml")?.split_once('/')?;
    (!block_type.is_empty() && !id.is_empty() && !id.contains('/')).then_some((block_type, id))
}

/// The kinds of learning contexts a runtime serves, and the namespaces their keys are read by.
#[derive(Debug, Clone)]
pub struct LearningContexts {
    kinds: Vec<Arc<dyn LearningContext>>,
    keys: KeyRegistry,
}

impl LearningContexts {
    /// Begins with none.
    #[must_use]
    pub const fn none() -> Self {
        Self { kinds: Vec::new(), keys: KeyRegistry::new() }
    }

    /// Courses and libraries, as edx-platform keeps them in bundles.
    #[must_use]
    pub fn standard() -> Self {
        Self::none().with(Arc::new(CourseContext)).with(Arc::new(LibraryContext::default()))
    }

    /// Adds a kind. Kinds are asked in turn, the one that was added last first.
    #[must_use]
    pub fn with(mut self, kind: Arc<dyn LearningContext>) -> Self {
        self.kinds.insert(0, kind);
        self
    }

    /// Reads keys by other namespaces than those built in.
    #[must_use]
    pub fn with_keys(mut self, keys: KeyRegistry) -> Self {
        self.keys = keys;
        self
    }

    /// Finds the kind of a context.
    #[must_use]
    pub fn kind_of(&self, key: &ContextKey) -> Option<&Arc<dyn LearningContext>> {
        self.kinds.iter().find(|kind| kind.takes(key))
    }

    /// Reads the key of a context of one of the kinds.
    pub(crate) fn read_key(&self, text: &str) -> Option<ContextKey> {
        self.keys.context_key(text).ok().filter(|key| self.kind_of(key).is_some())
    }

    /// Lists the names of the drafts that the kinds have.
    pub(crate) fn drafts(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for kind in &self.kinds {
            if !names.contains(&kind.draft()) {
                names.push(kind.draft());
            }
        }
        names
    }

    /// Lists the contexts that the kinds know of themselves.
    pub(crate) fn known(&self, store: &Blockstore) -> Result<Vec<(ContextKey, Uuid)>, BlockstoreError> {
        let mut known = Vec::new();
        for kind in &self.kinds {
            known.extend(kind.bundles(store)?);
        }
        Ok(known)
    }
}

impl Default for LearningContexts {
    fn default() -> Self {
        Self::standard()
    }
}
