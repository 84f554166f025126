//! Which users and which blocks share a field's value.
use std::fmt;

use thiserror::Error;

/// Says how a field relates to users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UserScope {
    /// The value is the same for everybody.
    None,
    /// Each user has a value of their own.
    One,
    /// The value aggregates what all users did.
    All,
}

/// Says how a field relates to blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BlockScope {
    /// One use of a block in one learning context.
    Usage,
    /// The content of a block, wherever it is used.
    Definition,
    /// All blocks of one type.
    Type,
    /// All blocks.
    All,
}

/// Says which users and which blocks share a field's value.
///
/// Six pairs of user and block scope have a name; `Parent` and `Children` mark the two structural fields. A pair
/// written as [`Scope::Other`] is never equal to a named scope, even when it describes the same pair: the Python
/// classes behave the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Content of the definition, shared by all its usages.
    Content,
    /// Settings of one usage.
    Settings,
    /// One learner's state in one usage.
    UserState,
    /// One learner's preferences for all blocks of a type.
    Preferences,
    /// One learner's information, shared by all blocks.
    UserInfo,
    /// What all learners did in one usage, aggregated.
    UserStateSummary,
    /// The marker of the `parent` field.
    Parent,
    /// The marker of the `children` field.
    Children,
    /// A pair without a name of its own.
    Other(UserScope, BlockScope),
}

/// Reports a text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{name}` is not the name of a scope")]
pub struct UnknownScope {
    /// The text that was given.
    pub name: String,
}

impl UserScope {
    /// All user scopes, in the order XBlock lists them.
    pub const ALL: [Self; 3] = [Self::None, Self::One, Self::All];

    /// Returns the name XBlock prints, such as `UserScope.ONE`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "UserScope.NONE",
            Self::One => "UserScope.ONE",
            Self::All => "UserScope.ALL",
        }
    }
}

impl BlockScope {
    /// All block scopes, in the order XBlock lists them.
    pub const ALL: [Self; 4] = [Self::Usage, Self::Definition, Self::Type, Self::All];

    /// Returns the name XBlock prints, such as `BlockScope.USAGE`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "BlockScope.USAGE",
            Self::Definition => "BlockScope.DEFINITION",
            Self::Type => "BlockScope.TYPE",
            Self::All => "BlockScope.ALL",
        }
    }
}

impl Scope {
    /// The six scopes with a name, in the order XBlock lists them.
    pub const NAMED: [Self; 6] = [
        Self::Content,
        Self::Settings,
        Self::UserState,
        Self::Preferences,
        Self::UserInfo,
        Self::UserStateSummary,
    ];

    /// Returns every scope XBlock lists: the six named ones, then all twelve pairs.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let pairs = UserScope::ALL
            .iter()
            .flat_map(|&user| BlockScope::ALL.iter().map(move |&b| Self::Other(user, b)));
        Self::NAMED.into_iter().chain(pairs).collect()
    }

    /// Returns the user half of the pair; the two structural markers belong to no user.
    #[must_use]
    pub const fn user(self) -> UserScope {
        match self {
            Self::Content | Self::Settings | Self::Parent | Self::Children => UserScope::None,
            Self::UserState | Self::Preferences | Self::UserInfo => UserScope::One,
            Self::UserStateSummary => UserScope::All,
            Self::Other(user, _) => user,
        }
    }

    /// Returns the block half of the pair; the two structural markers are kept per usage.
    #[must_use]
    pub const fn block(self) -> BlockScope {
        match self {
            Self::Content => BlockScope::Definition,
            Self::Settings | Self::UserState | Self::UserStateSummary | Self::Parent | Self::Children => {
                BlockScope::Usage
            }
            Self::Preferences => BlockScope::Type,
            Self::UserInfo => BlockScope::All,
            Self::Other(_, block) => block,
        }
    }

    /// Returns the name: `content`, or `UserScope.ONE_BlockScope.TYPE` for a pair without one.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Settings => "settings",
            Self::UserState => "user_state",
            Self::Preferences => "preferences",
            Self::UserInfo => "user_info",
            Self::UserStateSummary => "user_state_summary",
            Self::Parent => "parent",
            Self::Children => "children",
            Self::Other(UserScope::None, BlockScope::Usage) => "UserScope.NONE_BlockScope.USAGE",
            Self::Other(UserScope::None, BlockScope::Definition) => "UserScope.NONE_BlockScope.DEFINITION",
            Self::Other(UserScope::None, BlockScope::Type) => "UserScope.NONE_BlockScope.TYPE",
            Self::Other(UserScope::None, BlockScope::All) => "UserScope.NONE_BlockScope.ALL",
            Self::Other(UserScope::One, BlockScope::Usage) => "UserScope.ONE_BlockScope.USAGE",
            Self::Other(UserScope::One, BlockScope::Definition) => "UserScope.ONE_BlockScope.DEFINITION",
            Self::Other(UserScope::One, BlockScope::Type) => "UserScope.ONE_BlockScope.TYPE",
            Self::Other(UserScope::One, BlockScope::All) => "UserScope.ONE_BlockScope.ALL",
            Self::Other(UserScope::All, BlockScope::Usage) => "UserScope.ALL_BlockScope.USAGE",
            Self::Other(UserScope::All, BlockScope::Definition) => "UserScope.ALL_BlockScope.DEFINITION",
            Self::Other(UserScope::All, BlockScope::Type) => "UserScope.ALL_BlockScope.TYPE",
            Self::Other(UserScope::All, BlockScope::All) => "UserScope.ALL_BlockScope.ALL",
        }
    }

    /// Tells whether the value belongs to learners (one or all) and not to authors.
    #[must_use]
    pub const fn is_user_scoped(self) -> bool {
        !matches!(self.user(), UserScope::None)
    }

    /// Tells whether the scope is one of the two structural markers, which are not pairs at all.
    #[must_use]
    pub const fn is_structural(self) -> bool {
        matches!(self, Self::Parent | Self::Children)
    }

    /// Finds the scope with this [`name`](Self::name).
    ///
    /// # Errors
    /// [`UnknownScope`] when no scope has it.
    pub fn from_name(name: &str) -> Result<Self, UnknownScope> {
        Self::all()
            .into_iter()
            .chain([Self::Parent, Self::Children])
            .find(|scope| scope.name() == name)
            .ok_or_else(|| UnknownScope { name: name.to_owned() })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for UserScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for BlockScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
