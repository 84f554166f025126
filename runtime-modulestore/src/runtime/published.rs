//! How a block stands to what is published of it.

use std::collections::HashSet;

use xblock_core::keys::UsageKey;
use xblock_core::runtime::{Branch, EditInfo, Runtime as _, RuntimeError};

use super::ModulestoreRuntime;
use crate::documents::{BlockKey, Structure};
use crate::reader::block_key;

impl ModulestoreRuntime {
    /// Says whether a block, or one below it, is not as it is published (modulestore reference, sections 7 and 13).
    ///
    /// # Errors
    /// As [`Runtime::block`](xblock_core::runtime::Runtime::block).
    pub fn has_changes(&self, usage: &UsageKey) -> Result<bool, RuntimeError> {
        let context = usage.context_key();
        if let Some(course) = self.old_course(&context)? {
            return course.has_changes(usage);
        }
        let key = block_key(usage)
            .ok_or_else(|| RuntimeError::NoSuchUsage { key: usage.clone(), branch: Branch::Draft })?;
        self.in_context(&context, |reader, index| {
            let draft = reader.structure(index.draft()?)?;
            if !draft.contains(&key.block_type, &key.block_id) {
                return Err(RuntimeError::NoSuchUsage { key: usage.clone(), branch: Branch::Draft });
            }
            // A library has one branch, whose blocks are as they are.
            let published = match index.head(Branch::Published) {
                Some(id) => reader.structure(id)?,
                None => return Ok(context.as_library().is_none()),
            };
            differs(&draft, &published, key)
        })
    }

    /// Returns who published a block last, and when; nothing where it is not published.
    ///
    /// # Errors
    /// As [`Runtime::block`](xblock_core::runtime::Runtime::block), but for a block that is not published.
    pub fn published(&self, usage: &UsageKey) -> Result<Option<EditInfo>, RuntimeError> {
        if let Some(course) = self.old_course(&usage.context_key())? {
            return Ok(course.published(usage));
        }
        match self.block(usage, Branch::Published) {
            Ok(block) => Ok(Some(block.edit_info)),
            Err(RuntimeError::NoSuchUsage { .. } | RuntimeError::NoSuchBranch { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Compares a block and all below it in the draft with what is published.
fn differs(draft: &Structure, published: &Structure, top: BlockKey) -> Result<bool, RuntimeError> {
    let mut seen = HashSet::from([top.clone()]);
    let mut left = vec![top];
    while let Some(BlockKey { block_type, block_id }) = left.pop() {
        let (Some(ours), Some(theirs)) =
            (draft.block(&block_type, &block_id), published.block(&block_type, &block_id))
        else {
            return Ok(true);
        };
        if ours.compared_version()? != theirs.compared_version()? {
            return Ok(true);
        }
        for (block_type, block_id) in ours.children()? {
            let key = BlockKey::new(block_type, block_id);
            if seen.insert(key.clone()) {
                left.push(key);
            }
        }
    }
    Ok(false)
}
