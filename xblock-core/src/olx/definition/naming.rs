//! Which usages the includes of a definition give, and which includes its children get.

use crate::keys::{ContextKey, KeyError, UsageKey};

use super::include::Include;

/// Names the children of one definition.
///
/// A store whose definitions include those of other places derives the usages of such children by rules of its own.
pub trait ChildNaming {
    /// Returns the usage that an include gives.
    ///
    /// # Errors
    /// A [`KeyError`] where the context cannot have such a block.
    fn usage_of(&self, include: &Include) -> Result<UsageKey, KeyError>;

    /// Returns the include that gives a usage, none where nothing can be said of it.
    fn include_of(&self, child: &UsageKey) -> Option<Include>;
}

/// Names children whose definitions lie beside that of their parent, in the bundle of its own context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnChildren(pub ContextKey);

impl ChildNaming for OwnChildren {
    fn usage_of(&self, include: &Include) -> Result<UsageKey, KeyError> {
        include.child_of(&self.0)
    }

    fn include_of(&self, child: &UsageKey) -> Option<Include> {
        (child.context_key() == self.0).then(|| Include::of(child))
    }
}
