//! The keys of a structure's blocks, made once each.

use std::sync::OnceLock;

use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::RuntimeError;

use super::read::corrupt;
use super::structure::Structure;
use super::tree::Child;

/// Keys of the blocks of a structure in one context. Each is made when it is first asked for.
#[derive(Debug)]
pub(crate) struct UsageTable {
    context: ContextKey,
    blocks: Box<[OnceLock<UsageKey>]>,
    /// Of children that the structure does not have.
    missing: Box<[OnceLock<UsageKey>]>,
}

impl UsageTable {
    /// About how many bytes it takes for each block: its place, and a key of a type and an id of 32 digits.
    pub(super) const WEIGHT: usize = size_of::<OnceLock<UsageKey>>() + 112;

    /// Makes an empty one.
    pub(super) fn new(context: &ContextKey, blocks: usize, missing: usize) -> Self {
        let empty = |count| std::iter::repeat_with(OnceLock::new).take(count).collect();
        Self { context: context.clone(), blocks: empty(blocks), missing: empty(missing) }
    }

    pub(crate) fn context(&self) -> &ContextKey {
        &self.context
    }

    /// Returns the key of a block of the structure the table was made for.
    pub(crate) fn key(&self, structure: &Structure, child: Child) -> Result<&UsageKey, RuntimeError> {
        let place = match child {
            Child::Block(at) => &self.blocks[at as usize],
            Child::Missing(number) => &self.missing[number as usize],
        };
        if let Some(key) = place.get() {
            return Ok(key);
        }
        let (block_type, block_id) = structure.child_key(child);
        let key = self.context.make_usage_key(block_type, block_id).map_err(|error| {
            corrupt(format!("structure {}, block {block_type}+{block_id}", structure.id()), error)
        })?;
        Ok(place.get_or_init(|| key))
    }
}
