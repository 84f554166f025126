//! `delete_item`.

use xblock_core::keys::UsageKey;
use xblock_core::runtime::{Branch, RuntimeError};

use super::branch::OpenBranch;
use super::bulk::Bulk;
use super::is_direct_only;
use crate::documents::BlockKey;

/// From which branches a block is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Revision {
    /// From the draft; from both for types that have no draft of their own.
    #[default]
    ByCategory,
    /// From the published branch alone; from both for types that have no draft of their own.
    PublishedOnly,
    /// From both.
    All,
}

impl Bulk<'_> {
    /// Takes a block out of all its parents and deletes it, with every descendant that loses its last parent.
    ///
    /// Below a block that has no draft of its own, learners lose it at once.
    ///
    /// # Errors
    /// [`RuntimeError::RootIsFixed`], [`RuntimeError::NoSuchUsage`], and the store's own.
    pub fn delete_item(&mut self, usage: &UsageKey, revision: Revision) -> Result<(), RuntimeError> {
        let key = self.key(usage)?;
        if key == self.root {
            return Err(RuntimeError::RootIsFixed { usage: usage.clone() });
        }
        let is_direct = is_direct_only(&key.block_type);
        let (draft, published) = match revision {
            _ if self.is_library() => (true, false),
            // They have no draft of their own, so that no branch keeps one alone.
            _ if is_direct => (true, true),
            Revision::ByCategory => (true, false),
            Revision::PublishedOnly => (false, true),
            Revision::All => (true, true),
        };
        if published {
            self.needs_published()?;
        }
        let branches = [(draft, &self.draft, Branch::Draft), (published, &self.published, Branch::Published)];
        let wanted: Vec<_> = branches.into_iter().filter(|(wanted, ..)| *wanted).collect();
        if let [(_, _, branch), ..] = wanted[..]
            && wanted.iter().all(|(_, open, _)| !open.contains(&key))
        {
            return Err(RuntimeError::NoSuchUsage { key: usage.clone(), branch });
        }
        let parent = self.draft.parent_in_tree(&key, &self.root);
        if published {
            delete_from(&mut self.published, &key)?;
        }
        if draft {
            delete_from(&mut self.draft, &key)?;
        }
        match parent {
            Some(parent) if draft && !published => self.publish_if_direct(&parent, &parent.block_type),
            _ => Ok(()),
        }
    }
}

/// Deletes a block from one branch; it may not be there.
pub(super) fn delete_from(branch: &mut OpenBranch, key: &BlockKey) -> Result<(), RuntimeError> {
    if !branch.contains(key) {
        return Ok(());
    }
    for parent in branch.parents(key) {
        // A list that cannot be read stays as it is.
        let Some(mut children) = branch.readable_children(&parent)? else { continue };
        children.retain(|child| child != key);
        let info = branch.block(&parent).map(|view| view.edit_info()).transpose()?;
        let info = info.unwrap_or_default().lost_a_child(&branch.stamp);
        branch.set_children(&parent, &children, Some(&info))?;
    }
    branch.delete_with_orphans([key.clone()]);
    Ok(())
}
