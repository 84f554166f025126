//! The keys of a structure's blocks, made once each.

use std::ops::Range;
use std::sync::OnceLock;

use xblock_core::keys::{ContextKey, KeyError, UsageKey};
use xblock_core::runtime::RuntimeError;

use super::read::corrupt;
use super::structure::Structure;
use super::tree::Child;

/// How many keys are made at once: blocks near each other in a document are mostly asked for one after the other.
const AT_ONCE: usize = 64;

/// Keys of the blocks of a structure in one context. They are made when one of those near it is first asked for.
#[derive(Debug)]
pub(crate) struct UsageTable {
    context: ContextKey,
    blocks: Keys,
    /// Of children that the structure does not have.
    missing: Keys,
}

/// Keys by their number, and nothing for what makes no key.
#[derive(Debug)]
struct Keys {
    len: usize,
    parts: Box<[OnceLock<Neighbours>]>,
}

/// Keys that are made with each other.
type Neighbours = Box<[Option<UsageKey>]>;

impl Keys {
    fn new(len: usize) -> Self {
        let parts = std::iter::repeat_with(OnceLock::new).take(len.div_ceil(AT_ONCE)).collect();
        Self { len, parts }
    }

    fn get(&self, number: u32, make: impl Fn(u32) -> Option<UsageKey>) -> Option<&UsageKey> {
        let number = number as usize;
        let (part, at) = (number / AT_ONCE, number % AT_ONCE);
        let keys = self.parts[part].get_or_init(|| range(part, self.len).map(make).collect());
        keys[at].as_ref()
    }
}

/// Returns the numbers of the keys that are made with each other.
#[expect(clippy::cast_possible_truncation, reason = "all numbers of blocks have 32 bits")]
fn range(part: usize, len: usize) -> Range<u32> {
    (part * AT_ONCE) as u32..len.min((part + 1) * AT_ONCE) as u32
}

impl UsageTable {
    /// About how many bytes it takes for each block: its place, and a key of a type and an id of 32 digits.
    pub(super) const WEIGHT: usize = size_of::<Option<UsageKey>>() + 112;

    /// Makes an empty one.
    pub(super) fn new(context: &ContextKey, blocks: usize, missing: usize) -> Self {
        Self { context: context.clone(), blocks: Keys::new(blocks), missing: Keys::new(missing) }
    }

    pub(crate) fn context(&self) -> &ContextKey {
        &self.context
    }

    /// Returns the key of a block of the structure the table was made for.
    pub(crate) fn key(&self, structure: &Structure, child: Child) -> Result<&UsageKey, RuntimeError> {
        self.known(structure, child).ok_or_else(|| {
            let (block_type, block_id) = structure.child_key(child);
            let place = format!("structure {}, block {block_type}+{block_id}", structure.id());
            match self.make(structure, child) {
                Err(error) => corrupt(place, error),
                Ok(_) => corrupt(place, "its key cannot be made"),
            }
        })
    }

    /// Returns the key of a block of the structure the table was made for; nothing where its type and id make none.
    pub(crate) fn known(&self, structure: &Structure, child: Child) -> Option<&UsageKey> {
        let make = |child| self.make(structure, child).ok();
        match child {
            Child::Block(at) => self.blocks.get(at, |at| make(Child::Block(at))),
            Child::Missing(number) => self.missing.get(number, |number| make(Child::Missing(number))),
        }
    }

    fn make(&self, structure: &Structure, child: Child) -> Result<UsageKey, KeyError> {
        let (block_type, block_id) = structure.child_key(child);
        self.context.make_usage_key(block_type, block_id)
    }
}
