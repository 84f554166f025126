//! What can go wrong between a caller and a runtime.

use serde::{Deserialize, Serialize};

use crate::keys::{AssetKey, ContextKey, DefinitionKey, UsageKey};

use super::record::{Branch, Cursor, VersionId};

/// Why an include gives no block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IncludeProblem {
    /// The bundle of the including definition has no link of this name.
    #[error("Link not found: {name}")]
    NoLink {
        /// The name.
        name: String,
    },
    /// The version that the link is pinned to is not there, or damaged.
    #[error("version {version} of bundle {bundle} cannot be read: {reason}")]
    NoVersion {
        /// The bundle's UUID.
        bundle: String,
        /// The version.
        version: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The version has no such definition.
    #[error("version {version} of bundle {bundle} has no {path}")]
    NoDefinition {
        /// The bundle's UUID.
        bundle: String,
        /// The version.
        version: u64,
        /// The path of the definition.
        path: String,
    },
    /// The definition stands above itself.
    #[error("{path} of bundle {bundle} includes itself")]
    Cycle {
        /// The bundle's UUID.
        bundle: String,
        /// The path of the definition.
        path: String,
    },
    /// Includes are nested too deep or are too many to follow.
    #[error("includes are too deep or too many to follow")]
    TooMany,
}

/// A situation a runtime reports; the same for every backend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The store has no such learning context.
    #[error("no learning context {key}")]
    NoSuchContext {
        /// What was asked for.
        key: ContextKey,
    },
    /// A key of the old form names no run, and the store has several runs of its course.
    #[error("{key} names no run, and there are several: {}", all_of(courses))]
    SeveralRuns {
        /// What was asked for.
        key: ContextKey,
        /// The runs there are.
        courses: Vec<ContextKey>,
    },
    /// The context exists, but the branch has no version yet.
    #[error("{key} has no {branch} version")]
    NoSuchBranch {
        /// The context.
        key: ContextKey,
        /// The branch that is missing.
        branch: Branch,
    },
    /// The branch has no such block.
    #[error("no block {key} in the {branch} branch")]
    NoSuchUsage {
        /// What was asked for.
        key: UsageKey,
        /// Where it was looked for.
        branch: Branch,
    },
    /// The store has no such definition.
    #[error("no definition {key}")]
    NoSuchDefinition {
        /// What was asked for.
        key: DefinitionKey,
    },
    /// The branch has no such static file.
    #[error("no asset {key} in the {branch} branch")]
    NoSuchAsset {
        /// What was asked for.
        key: AssetKey,
        /// Where it was looked for.
        branch: Branch,
    },
    /// The context never had this version.
    #[error("{context} has no version {version}")]
    NoSuchVersion {
        /// The context.
        context: ContextKey,
        /// What was asked for.
        version: VersionId,
    },
    /// The change feed does not reach back (or forward) to this place.
    #[error("the change feed has no place {}", cursor.0)]
    NoSuchCursor {
        /// What was asked for.
        cursor: Cursor,
    },
    /// A new context was to be made where one is.
    #[error("the learning context {key} exists already")]
    ContextExists {
        /// The context.
        key: ContextKey,
    },
    /// Somebody else changed the draft since the edit's base was read; nothing was written.
    #[error("{context} changed meanwhile: the edit starts from {base}, the draft is at {head}")]
    Conflict {
        /// The context.
        context: ContextKey,
        /// The version the edit was made on.
        base: VersionId,
        /// The version the draft has now.
        head: VersionId,
    },
    /// The draft was begun on another version than the latest, which somebody else made, so publishing it would undo that.
    #[error(
        "the draft of {context} is stale: another version was published since it was begun, and {}; \
         lay it on that version or discard it first (courseware draft)",
        changed_by_both(conflicts)
    )]
    StaleDraft {
        /// The context.
        context: ContextKey,
        /// Files and links that both changed, each to something else.
        conflicts: Vec<String>,
    },
    /// An edit names a block or asset of another context.
    #[error("{key} does not belong to {context}")]
    WrongContext {
        /// The key as it was given.
        key: String,
        /// The context being edited.
        context: ContextKey,
    },
    /// An edit would make a block its own ancestor.
    #[error("{usage} would become its own ancestor")]
    ChildCycle {
        /// The block at which the circle closes.
        usage: UsageKey,
    },
    /// The root of a context can be replaced, not deleted or moved.
    #[error("{usage} is the root of its context")]
    RootIsFixed {
        /// The root.
        usage: UsageKey,
    },
    /// A subtree can be published only below a published parent.
    #[error("{usage} cannot be published: its parent {parent} is not published")]
    ParentNotPublished {
        /// The block to be published.
        usage: UsageKey,
        /// Its parent.
        parent: UsageKey,
    },
    /// A subtree needs a link at another version than the published one, which would change what other blocks include.
    #[error(
        "{usage} cannot be published alone: what it includes by the link {link} is not what is published, and {other} includes \
         by that link, too; publish both together, or everything"
    )]
    SharedLink {
        /// The block to be published.
        usage: UsageKey,
        /// The link's name.
        link: String,
        /// A block outside of the subtree.
        other: UsageKey,
    },
    /// A key this kind of store cannot keep.
    #[error("{store} cannot keep {key}: {reason}")]
    UnsupportedKey {
        /// The key as it was given.
        key: String,
        /// The store's name.
        store: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A block whose definition belongs to another bundle was to be changed where it is only included.
    #[error("{usage} cannot be changed here: its definition {definition} belongs to another bundle")]
    NotEditable {
        /// The block.
        usage: UsageKey,
        /// Its definition.
        definition: DefinitionKey,
    },
    /// A block is included, and what the include names is not there.
    #[error("{usage} cannot be included: {problem}")]
    BrokenInclude {
        /// The block there would be.
        usage: UsageKey,
        /// What is wrong with the include.
        problem: Box<IncludeProblem>,
    },
    /// Blocks of a context hold the same blocks again and again, so that there are more places than can be shown.
    #[error(
        "the blocks of {context} stand in more than {limit} places, which is more than is gone through: take some of them \
         out, first where blocks hold the same others again and again"
    )]
    TooManyPlaces {
        /// The context.
        context: ContextKey,
        /// How many there may be.
        limit: usize,
    },
    /// A block has no such static file of its own.
    #[error("{usage} has no static file {name} of its own in the {branch} branch")]
    NoSuchBlockAsset {
        /// The block.
        usage: UsageKey,
        /// The name asked for.
        name: String,
        /// Where it was looked for.
        branch: Branch,
    },
    /// The store was opened for reading only.
    #[error("this store is open for reading only")]
    ReadOnly,
    /// A value the store's format cannot hold; nothing was written.
    #[error("{place} cannot be stored: {reason}")]
    Unstorable {
        /// The block, field or asset.
        place: String,
        /// Why.
        reason: String,
    },
    /// What the store holds breaks its own format.
    #[error("{place} is damaged: {reason}")]
    Corrupt {
        /// The file, row or document.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The medium below the store failed.
    #[error("{action} failed: {source}")]
    Storage {
        /// What was being done.
        action: String,
        /// What the medium said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Most names a message lists.
const LISTED: usize = 10;

fn changed_by_both(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing was changed by both".into();
    }
    let more = names.len().saturating_sub(LISTED);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("both have changed {}{rest}", names[..names.len() - more].join(", "))
}

fn all_of(courses: &[ContextKey]) -> String {
    let more = courses.len().saturating_sub(LISTED);
    let listed: Vec<_> = courses[..courses.len() - more].iter().map(ToString::to_string).collect();
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{rest}", listed.join(", "))
}

impl RuntimeError {
    /// Wraps a failure of the medium with what was being done.
    pub fn storage(
        action: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Storage { action: action.into(), source: source.into() }
    }

    /// Says whether what was asked for is there and cannot be read, while other things in the store can.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::BrokenInclude { .. })
    }

    /// Says whether the asked-for thing simply is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::NoSuchContext { .. }
                | Self::SeveralRuns { .. }
                | Self::NoSuchBranch { .. }
                | Self::NoSuchUsage { .. }
                | Self::NoSuchDefinition { .. }
                | Self::NoSuchAsset { .. }
                | Self::NoSuchBlockAsset { .. }
                | Self::NoSuchVersion { .. }
        )
    }
}
