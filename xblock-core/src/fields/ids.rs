//! The ids a block is known by in storage, and the key of one stored value.
use std::borrow::Cow;
use std::sync::Arc;

use super::scope::{BlockScope, Scope, UserScope};

/// The family of ordinary blocks.
pub const BLOCK_FAMILY: &str = "xblock.v1";
/// The family of asides, whose state is kept apart from their block's.
pub const ASIDE_FAMILY: &str = "xblock_asides.v1";

/// Holds the four ids under which a block's values are stored. Keys are given in their printed form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeIds {
    /// The learner, if the block was loaded for one.
    pub user_id: Option<Arc<str>>,
    /// The block type, such as `problem`.
    pub block_type: Arc<str>,
    /// The definition key.
    pub def_id: Arc<str>,
    /// The usage key.
    pub usage_id: Arc<str>,
}

impl ScopeIds {
    /// Collects the ids of a block that was loaded for nobody in particular.
    pub fn new(
        block_type: impl Into<Arc<str>>,
        def_id: impl Into<Arc<str>>,
        usage_id: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            user_id: None,
            block_type: block_type.into(),
            def_id: def_id.into(),
            usage_id: usage_id.into(),
        }
    }

    /// Returns the same ids for one learner.
    #[must_use]
    pub fn with_user(mut self, user_id: impl Into<Arc<str>>) -> Self {
        self.user_id = Some(user_id.into());
        self
    }
}

/// Identifies one stored value: where it is, not what it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateKey {
    /// The scope of the field.
    pub scope: Scope,
    /// The learner, only when each has a value of their own.
    pub user_id: Option<Arc<str>>,
    /// The usage, definition or type the value belongs to; nothing when all blocks share it.
    pub block_scope_id: Option<Arc<str>>,
    /// The name of the field.
    pub field_name: Arc<str>,
    /// The family of the block: [`BLOCK_FAMILY`] or [`ASIDE_FAMILY`].
    pub block_family: Cow<'static, str>,
}

impl StateKey {
    /// Builds the key under which a block with these ids stores a field.
    ///
    /// The user id enters the key only for scopes of one user; a block loaded for nobody has none to enter.
    pub fn new(scope: Scope, ids: &ScopeIds, field_name: impl Into<Arc<str>>) -> Self {
        let user_id = match scope.user() {
            UserScope::One => ids.user_id.clone(),
            UserScope::None | UserScope::All => None,
        };
        let block_scope_id = match scope.block() {
            BlockScope::Usage => Some(ids.usage_id.clone()),
            BlockScope::Definition => Some(ids.def_id.clone()),
            BlockScope::Type => Some(ids.block_type.clone()),
            BlockScope::All => None,
        };
        Self {
            scope,
            user_id,
            block_scope_id,
            field_name: field_name.into(),
            block_family: Cow::Borrowed(BLOCK_FAMILY),
        }
    }

    /// Returns the same key in another family of blocks.
    #[must_use]
    pub fn with_family(mut self, family: impl Into<Cow<'static, str>>) -> Self {
        self.block_family = family.into();
        self
    }
}
