//! `create_item`, `create_child` and `update_item`.

use std::sync::Arc;

use xblock_core::keys::UsageKey;
use xblock_core::runtime::{BlockData, BlockPatch, Branch, RuntimeError};

use super::bulk::Bulk;
use super::is_direct_only;
use super::publish::Depth;
use crate::documents::{BlockEditInfo, BlockKey};
use crate::reader::CHILDREN;

impl Bulk<'_> {
    /// Returns the id the platform gives to a block without one: its type with the smallest number that is free.
    #[must_use]
    pub fn free_id(&self, block_type: &str) -> String {
        let free = |id: &String| !self.draft.contains(&BlockKey::new(block_type, id));
        (1_u64..).map(|number| format!("{block_type}{number}")).find(free).unwrap_or_default()
    }

    /// Makes a block that no other block has as a child.
    ///
    /// Of the types that have no draft of their own it is published, without its children.
    ///
    /// # Errors
    /// [`RuntimeError::Unstorable`] where there is such a block, or a field is called `children`, and the store's own.
    pub fn create_item(&mut self, usage: &UsageKey, data: &BlockData) -> Result<(), RuntimeError> {
        let key = self.key(usage)?;
        if self.draft.contains(&key) {
            return Err(RuntimeError::Unstorable {
                place: usage.to_string(),
                reason: "there is such a block already".into(),
            });
        }
        refuse_children(usage, data.content.keys().chain(data.settings.keys()))?;
        let stamp = self.draft.stamp;
        let definition = self.writer().define(usage, &data.content, &[], &stamp)?;
        let info = BlockEditInfo::created(&stamp);
        let document = self.writer().write_block(usage, &key, data, definition, info, None, false)?;
        self.draft.put(key.clone(), document);
        self.publish_if_direct(&key, &key.block_type)
    }

    /// Makes a block below another: at a place among its children, or as the last.
    ///
    /// # Errors
    /// As [`Bulk::create_item`]; [`RuntimeError::NoSuchUsage`] where there is no such parent.
    pub fn create_child(
        &mut self,
        parent: &UsageKey,
        usage: &UsageKey,
        data: &BlockData,
        position: Option<usize>,
    ) -> Result<(), RuntimeError> {
        let parent_key = self.existing(parent)?;
        self.create_item(usage, data)?;
        let key = self.key(usage)?;
        if !super::DETACHED.contains(&&*key.block_type) {
            let mut children = self.draft.children(&parent_key)?;
            let at = position.unwrap_or(children.len()).min(children.len());
            children.insert(at, key.clone());
            let info = self.draft.block(&parent_key).map(|view| view.edit_info()).transpose()?;
            let info = info.unwrap_or_default().versioned(&self.draft.stamp);
            self.draft.set_children(&parent_key, &children, Some(&info))?;
        }
        // Both again, now that one is the other's child; whether they are depends on the child alone.
        self.publish_if_direct(&key, &key.block_type)?;
        self.publish_if_direct(&parent_key, &key.block_type)
    }

    /// Changes what is set of a block; the draft stays as it is where nothing differs. Says whether anything did.
    ///
    /// Of the types that have no draft of their own the block is published in either case, without what is below it.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchUsage`], [`RuntimeError::WrongContext`], [`RuntimeError::Unstorable`] where a field is called
    /// `children`, and the store's own.
    pub fn update_item(&mut self, usage: &UsageKey, patch: &BlockPatch) -> Result<bool, RuntimeError> {
        let key = self.existing(usage)?;
        refuse_children(usage, patch.content.iter().chain(&patch.settings).map(|(name, _)| name))?;
        let missing = || RuntimeError::NoSuchUsage { key: usage.clone(), branch: Branch::Draft };
        let view = self.draft.block(&key).ok_or_else(missing)?;
        // Another list takes the place of one that cannot be read.
        let is_mended = patch.children.is_some() && view.children().is_err_and(|error| error.is_damage());
        let known = if is_mended {
            self.reader.known_but_for_children(&key.block_type, &view)?
        } else {
            self.reader.known(&key.block_type, &view)?
        };
        let mut data = (*known.data).clone();
        patch.apply(&mut data);
        for child in patch.children.iter().flatten() {
            let child_key = self.key(child)?;
            if self.draft.subtree(&child_key).contains(&key) {
                return Err(RuntimeError::ChildCycle { usage: child.clone() });
            }
        }
        if data == *known.data && !is_mended {
            self.publish_if_direct(&key, &key.block_type)?;
            return Ok(false);
        }
        let stamp = self.draft.stamp;
        let definition = self.writer().define(usage, &data.content, &[Some(&known)], &stamp)?;
        let info = view.edit_info()?.updated(&stamp);
        let document = self.writer().write_block(usage, &key, &data, definition, info, Some(&view), false)?;
        self.draft.put(key.clone(), document);
        self.publish_if_direct(&key, &key.block_type)?;
        Ok(true)
    }

    /// Publishes a block alone where a type has no draft of its own; libraries publish nothing.
    pub(super) fn publish_if_direct(&mut self, key: &BlockKey, block_type: &str) -> Result<(), RuntimeError> {
        if self.is_library() || !is_direct_only(block_type) {
            return Ok(());
        }
        self.copy_to_published(key, Depth::Alone)
    }
}

/// Refuses the list of children among the fields, where edx-platform has it: here it would be set without being one.
pub(super) fn refuse_children<'n>(
    usage: &UsageKey,
    mut names: impl Iterator<Item = &'n Arc<str>>,
) -> Result<(), RuntimeError> {
    if !names.any(|name| **name == *CHILDREN) {
        return Ok(());
    }
    Err(RuntimeError::Unstorable {
        place: format!("field `{CHILDREN}` of {usage}"),
        reason:
            "children are no field: give the list as `children` of update_item, or make them by create_child"
                .into(),
    })
}
