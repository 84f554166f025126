//! The links of a context: which versions they are pinned to, and edits that change them.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::Include;
use xblock_core::runtime::{Branch, Commit, Edit, EditOp, RuntimeError};

use super::BlockstoreRuntime;
use crate::document::{Dependency, Link};
use crate::error::BlockstoreError;
use crate::rows;
use crate::store::refuse_cycle;

/// What can go wrong with the links and the bundle of a context.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// What any call of the runtime can meet.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The bundles: [`BlockstoreError::LinkTargetNotFound`], [`BlockstoreError::LinkCycle`],
    /// [`BlockstoreError::BundleNotFound`], and failures of the medium.
    #[error(transparent)]
    Store(#[from] BlockstoreError),
    /// The draft has no link of this name.
    #[error("{context} has no link {name}")]
    NoSuchLink {
        /// The context.
        context: ContextKey,
        /// The name.
        name: String,
    },
    /// The bundle says itself that it is another context.
    #[error("bundle {bundle} is {context}, as its context.json says")]
    IsAnother {
        /// The bundle.
        bundle: Uuid,
        /// What it says it is.
        context: String,
    },
    /// The bundle was told that it is another context, whose usages would lead nowhere.
    #[error("bundle {bundle} is {context}, as it was adopted")]
    AdoptedAs {
        /// The bundle.
        bundle: Uuid,
        /// What it was told it is.
        context: String,
    },
}

/// A link of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextLink {
    /// Its name, by which includes call it.
    pub name: String,
    /// The version it is pinned to.
    pub direct: Dependency,
    /// All that this version depends on.
    pub indirect: Vec<Dependency>,
    /// The context that the bundle is, where that is known.
    pub context: Option<ContextKey>,
    /// The number of the bundle's latest version, none where the bundle is gone.
    pub latest: Option<u64>,
    /// Whether the latest version is another than the one it is pinned to.
    pub is_behind: bool,
}

/// Where a link is to lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkTarget {
    /// The bundle.
    pub bundle: Uuid,
    /// The version; none is the latest.
    pub version: Option<u64>,
}

/// What an edit changes beside blocks and static files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkChanges {
    /// Links to set, or to delete, by name.
    pub links: BTreeMap<String, Option<LinkTarget>>,
    /// How blocks that the edit puts as children are included, where they are not plainly blocks of the context.
    pub includes: BTreeMap<UsageKey, Include>,
}

/// Links that were set to newer versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkUpdates {
    /// The commit; none where nothing was behind, and nothing was to be published.
    pub commit: Option<Commit>,
    /// The version each had, and the one it has now.
    pub updated: BTreeMap<String, (u64, u64)>,
}

/// Changes of links whose targets were looked up.
#[derive(Default)]
pub(super) struct LinkEdit {
    pub(super) links: Vec<(String, Option<Link>)>,
    pub(super) includes: BTreeMap<UsageKey, Include>,
}

impl BlockstoreRuntime {
    /// Lists the links of a branch by name, with the latest version each could lead to.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::NoSuchBranch`], and damage.
    pub fn links(&self, context: &ContextKey, branch: Branch) -> Result<Vec<ContextLink>, ContextError> {
        let links = self.look(context, &[branch], |view| self.links_of(view, branch))?;
        let mut found = Vec::with_capacity(links.len());
        for (name, Link { direct, indirect }) in links {
            let (latest, text) = self.store.db.read(|db| {
                let Some(id) = rows::bundle_id(db, direct.bundle_uuid)? else { return Ok((None, None)) };
                let text = self.tables(db).context_of_bundle(id)?;
                Ok::<_, BlockstoreError>((rows::latest_version(db, id)?, text))
            })?;
            found.push(ContextLink {
                name,
                context: text.and_then(|(text, _)| self.contexts.read_key(&text)),
                is_behind: latest.as_ref().is_some_and(|row| row.snapshot != direct.snapshot_digest),
                latest: latest.map(|row| row.number),
                direct,
                indirect,
            });
        }
        Ok(found)
    }

    /// Carries an edit out together with changes of links, in one commit of the draft.
    ///
    /// A link is pinned to the version it is set to, with all that this version depends on, until it is set again.
    ///
    /// # Errors
    /// Those of [`Runtime::commit`](xblock_core::runtime::Runtime::commit); [`BlockstoreError::LinkTargetNotFound`],
    /// [`BlockstoreError::LinkCycle`] for a link that leads back to the bundle; [`RuntimeError::BrokenInclude`] for a child
    /// that was to be included and is not there. Nothing has changed then.
    pub fn commit_with_links(&self, edit: &Edit, changes: &LinkChanges) -> Result<Commit, ContextError> {
        let bundle = self.look(&edit.context, &[], |view| Ok(view.row.bundle))?;
        let mut links = Vec::new();
        for (name, target) in &changes.links {
            let link = match target {
                Some(target) => Some(self.link_to(bundle, name, *target)?),
                None => None,
            };
            links.push((name.clone(), link));
        }
        let changes = LinkEdit { links, includes: changes.includes.clone() };
        Ok(self.carry_out(edit, &changes)?)
    }

    /// Sets links of the draft to the latest versions of the bundles they lead to, in one commit: those named, or all that
    /// are behind. An edit that publishes does so, too, where the draft has changes from before.
    ///
    /// # Errors
    /// [`ContextError::NoSuchLink`], and those of [`BlockstoreRuntime::commit_with_links`].
    pub fn update_links(&self, edit: &Edit, names: &BTreeSet<String>) -> Result<LinkUpdates, ContextError> {
        let links = self.links(&edit.context, Branch::Draft)?;
        for name in names {
            if links.iter().all(|link| link.name != *name) {
                let (context, name) = (edit.context.clone(), name.clone());
                return Err(ContextError::NoSuchLink { context, name });
            }
        }
        let (mut changes, mut updated) = (LinkChanges::default(), BTreeMap::new());
        for link in links {
            let Some(latest) = link.latest.filter(|_| link.is_behind) else { continue };
            if names.is_empty() || names.contains(&link.name) {
                let target = LinkTarget { bundle: link.direct.bundle_uuid, version: Some(latest) };
                updated.insert(link.name.clone(), (link.direct.version, latest));
                changes.links.insert(link.name, Some(target));
            }
        }
        // What was updated before may wait to be published.
        let publishes = edit.ops.iter().any(|op| matches!(op, EditOp::Publish(_)));
        let has_work = !changes.links.is_empty()
            || publishes
                && self.draft_standing(&edit.context)?.is_some_and(|standing| standing.has_changes());
        let commit = has_work.then(|| self.commit_with_links(edit, &changes)).transpose()?;
        Ok(LinkUpdates { commit, updated })
    }

    /// Makes a link to a version, with its number even where the latest was asked for.
    fn link_to(&self, from: Uuid, name: &str, target: LinkTarget) -> Result<Link, BlockstoreError> {
        let version = match target.version {
            Some(version) => version,
            None => self.store.get_bundle(target.bundle)?.latest_version,
        };
        if version == 0 {
            let (name, bundle) = (name.to_owned(), target.bundle);
            return Err(BlockstoreError::LinkTargetNotFound { name, bundle, version });
        }
        let link = self.store.link_to(name, target.bundle, version)?;
        refuse_cycle(from, name, &link)?;
        Ok(link)
    }
}
