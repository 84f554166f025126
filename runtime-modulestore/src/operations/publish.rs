//! `publish`, `unpublish` and `revert_to_published`.

use std::collections::BTreeSet;

use bson::raw::RawDocumentBuf;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{Branch, RuntimeError};

use super::branch::set_children;
use super::bulk::Bulk;
use super::delete::delete_from;
use super::is_direct_only;
use crate::documents::{BlockKey, corrupt, to_document};
use crate::writing::publish_copy;

/// How much of a block a publish takes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// The block alone; of its children only those that are published.
    Alone,
    /// Everything below it.
    Subtree,
}

impl Bulk<'_> {
    /// Publishes a block and all below it.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchUsage`]; [`RuntimeError::ParentNotPublished`] where it has parents and none is published;
    /// [`RuntimeError::NoSuchBranch`] for libraries, and for other blocks than the root before anything was published.
    pub fn publish(&mut self, usage: &UsageKey) -> Result<(), RuntimeError> {
        let key = self.existing(usage)?;
        if self.is_library() {
            return Err(self.no_published_branch());
        }
        self.copy_to_published(&key, Depth::Subtree)
    }

    /// Lets learners have the whole draft as it is: both branches are at one structure. What this operation did to the
    /// published branch alone is dropped.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchBranch`] for libraries.
    pub fn force_publish_course(&mut self) -> Result<(), RuntimeError> {
        if self.is_library() {
            return Err(self.no_published_branch());
        }
        self.is_forced = true;
        Ok(())
    }

    /// Takes a block and what only it holds from the learners; the draft stays.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchUsage`] where it is not published; [`RuntimeError::Unstorable`] for types that have no draft
    /// of their own.
    pub fn unpublish(&mut self, usage: &UsageKey) -> Result<(), RuntimeError> {
        let key = self.key(usage)?;
        if is_direct_only(&key.block_type) {
            return Err(RuntimeError::Unstorable {
                place: format!("{usage}, not published any more,"),
                reason: "blocks of its type have no draft of their own: what is saved of them is published; delete it, or hide it from learners with visible_to_staff_only".into(),
            });
        }
        self.needs_published()?;
        self.published_or_missing(&key, usage)?;
        delete_from(&mut self.published, &key)
    }

    /// Makes a block and all below it what is published, with what is said of its last changes.
    ///
    /// Nothing happens to types that have no draft of their own.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchUsage`] where it is not published.
    pub fn revert_to_published(&mut self, usage: &UsageKey) -> Result<(), RuntimeError> {
        let key = self.key(usage)?;
        if is_direct_only(&key.block_type) {
            return Ok(());
        }
        self.needs_published()?;
        self.published_or_missing(&key, usage)?;
        // What it holds alone goes; its parents keep their lists.
        let below: Vec<_> = self.draft.subtree(&key);
        let published = self.published.subtree(&key);
        let kept: BTreeSet<_> = published.iter().cloned().collect();
        for key in published {
            if let Some(view) = self.published.block(&key) {
                // Damage is not brought from one branch to the other.
                view.children()?;
                let document = view.raw().to_owned();
                self.draft.put(key, document);
            }
        }
        let gone = below.into_iter().filter(|key| !kept.contains(key));
        let orphans: Vec<_> = gone.filter(|key| self.draft.parents(key).is_empty()).collect();
        self.draft.delete_with_orphans(orphans);
        Ok(())
    }

    fn published_or_missing(&self, key: &BlockKey, usage: &UsageKey) -> Result<(), RuntimeError> {
        if self.published.contains(key) {
            return Ok(());
        }
        Err(RuntimeError::NoSuchUsage { key: usage.clone(), branch: Branch::Published })
    }

    fn no_published_branch(&self) -> RuntimeError {
        RuntimeError::NoSuchBranch { key: self.reader.context.clone(), branch: Branch::Published }
    }

    /// Copies a block into the published branch, with its place among the published children of its parents.
    pub(super) fn copy_to_published(&mut self, top: &BlockKey, depth: Depth) -> Result<(), RuntimeError> {
        self.needs_published()?;
        let mut dropped = BTreeSet::new();
        if *top != self.root {
            if !self.published.exists() {
                return Err(self.no_published_branch());
            }
            let parents = self.draft.parents(top);
            let mut below_published = parents.is_empty();
            for parent in &parents {
                if !self.published.contains(parent) {
                    continue;
                }
                below_published = true;
                // Learners' list stays as it is where it cannot be read.
                let Some(old) = self.published.readable_children(parent)? else { continue };
                let new = match self.draft.readable_children(parent)? {
                    Some(mut new) => {
                        new.retain(|child| child == top || old.contains(child));
                        new
                    }
                    // The order authors gave it is not known.
                    None if old.contains(top) => old.clone(),
                    None => old.iter().chain([top]).cloned().collect(),
                };
                dropped.extend(old.iter().filter(|child| !new.contains(child)).cloned());
                if new != old {
                    // Nothing is said of it: a parent's place in history is its own publish.
                    self.published.set_children(parent, &new, None)?;
                }
            }
            if !below_published && let Some(parent) = parents.first() {
                let (usage, parent) = (self.usage(top)?, self.usage(parent)?);
                return Err(RuntimeError::ParentNotPublished { usage, parent });
            }
        }
        let blocks = match depth {
            Depth::Alone => vec![top.clone()],
            Depth::Subtree => self.draft.subtree(top),
        };
        for key in blocks {
            self.copy_block(&key, depth, &mut dropped)?;
        }
        let gone = dropped.into_iter().filter(|key| *key != self.root);
        let orphans: Vec<_> = gone.filter(|key| self.published.parents(key).is_empty()).collect();
        self.published.delete_with_orphans(orphans);
        Ok(())
    }

    fn copy_block(
        &mut self,
        key: &BlockKey,
        depth: Depth,
        dropped: &mut BTreeSet<BlockKey>,
    ) -> Result<(), RuntimeError> {
        let Some(view) = self.draft.block(key) else { return Ok(()) };
        let old_view = self.published.block(key);
        let old = self.published.known_children(key);
        let mut children = self.draft.children(key)?;
        dropped.extend(old.iter().filter(|child| !children.contains(child)).cloned());
        if depth == Depth::Alone {
            children.retain(|child| old.contains(child));
        }
        let copy = publish_copy(&view, old_view.as_ref(), &self.published.stamp)?;
        let place = view.place().to_string();
        let mut document = to_document(&copy).map_err(|error| corrupt(place.as_str(), error))?;
        set_children(&mut document, &children);
        let document = RawDocumentBuf::try_from(&document).map_err(|error| corrupt(place, error))?;
        self.published.put(key.clone(), document);
        Ok(())
    }
}
