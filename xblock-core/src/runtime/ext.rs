//! Conveniences over any runtime: walks, ancestors, inherited settings.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::fields::is_inheritable;
use crate::keys::{ContextKey, UsageKey};

use super::Runtime;
use super::error::RuntimeError;
use super::record::{BlockRecord, Branch, FieldMap};

/// In how many places below a root blocks may stand for what shows each of them: trees and outlines, and what includes give.
///
/// A few blocks that each hold the next one twice stand in more places than any memory has room for.
pub const MOST_PLACES: usize = 100_000;

/// A block that a walk could not read; the walk goes on around it.
#[derive(Debug)]
pub struct Problem {
    /// The block.
    pub usage: UsageKey,
    /// Why it could not be read.
    pub error: RuntimeError,
}

/// One step of a walk.
#[derive(Debug)]
pub struct WalkItem {
    /// How far below the top the block stands; the top is 0.
    pub depth: usize,
    /// The block, or why it could not be read.
    pub block: Result<BlockRecord, Problem>,
}

impl WalkItem {
    /// Returns the block's usage, readable or not.
    #[must_use]
    pub fn usage(&self) -> &UsageKey {
        match &self.block {
            Ok(block) => &block.usage,
            Err(problem) => &problem.usage,
        }
    }
}

/// Visits a block and everything below it, depth first, children in order; a block is entered once a path.
pub struct Walk<'r> {
    runtime: &'r (dyn Runtime + 'r),
    branch: Branch,
    stack: Vec<(usize, UsageKey)>,
    /// The blocks above the next one, so that damaged data with a circle ends.
    path: Vec<UsageKey>,
}

impl Iterator for Walk<'_> {
    type Item = WalkItem;

    fn next(&mut self) -> Option<WalkItem> {
        loop {
            let (depth, usage) = self.stack.pop()?;
            self.path.truncate(depth);
            if self.path.contains(&usage) {
                continue;
            }
            return Some(match self.runtime.block(&usage, self.branch) {
                Ok(block) => {
                    self.stack.extend(block.data.children.iter().rev().map(|c| (depth + 1, c.clone())));
                    self.path.push(usage);
                    WalkItem { depth, block: Ok(block) }
                }
                Err(error) => {
                    self.path.push(usage.clone());
                    WalkItem { depth, block: Err(Problem { usage, error }) }
                }
            });
        }
    }
}

/// What can be asked of any runtime beyond its contract.
pub trait RuntimeExt: Runtime {
    /// Walks a block and everything below it.
    fn walk(&self, top: &UsageKey, branch: Branch) -> Walk<'_>;

    /// Lists a block and everything below it, each once, in key order; those that cannot be read are named, too.
    fn reached(&self, top: &UsageKey, branch: Branch) -> BTreeSet<UsageKey>;

    /// Lists the blocks of a context that no walk from the root reaches: detached and orphaned ones, in key order.
    ///
    /// # Errors
    /// As [`Runtime::usages`].
    fn outside_tree(&self, context: &ContextKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError>;

    /// Returns the way up from a block to the root, nearest first, without the block itself.
    ///
    /// Where a block has several parents the smallest one with a path to the root counts (modulestore reference,
    /// section 10); an orphan's way ends where it ends.
    ///
    /// # Errors
    /// As [`Runtime::block`].
    fn ancestors(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<BlockRecord>, RuntimeError>;

    /// Returns the inheritable settings a block gets from the blocks above it, nearest first.
    ///
    /// # Errors
    /// As [`Runtime::block`].
    fn inherited(&self, usage: &UsageKey, branch: Branch) -> Result<FieldMap, RuntimeError> {
        let mut inherited = FieldMap::default();
        for ancestor in self.ancestors(usage, branch)? {
            for (name, value) in &ancestor.data.settings {
                if is_inheritable(name) && !inherited.contains_key(name) {
                    inherited.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(inherited)
    }
}

impl<R: Runtime> RuntimeExt for R {
    fn walk(&self, top: &UsageKey, branch: Branch) -> Walk<'_> {
        walk(self, top, branch)
    }
    fn reached(&self, top: &UsageKey, branch: Branch) -> BTreeSet<UsageKey> {
        reached(self, top, branch)
    }
    fn outside_tree(&self, context: &ContextKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        outside_tree(self, context, branch)
    }
    fn ancestors(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<BlockRecord>, RuntimeError> {
        ancestors(self, usage, branch)
    }
}

impl RuntimeExt for dyn Runtime + '_ {
    fn walk(&self, top: &UsageKey, branch: Branch) -> Walk<'_> {
        walk(self, top, branch)
    }
    fn reached(&self, top: &UsageKey, branch: Branch) -> BTreeSet<UsageKey> {
        reached(self, top, branch)
    }
    fn outside_tree(&self, context: &ContextKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        outside_tree(self, context, branch)
    }
    fn ancestors(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<BlockRecord>, RuntimeError> {
        ancestors(self, usage, branch)
    }
}

fn walk<'r>(runtime: &'r (dyn Runtime + 'r), top: &UsageKey, branch: Branch) -> Walk<'r> {
    Walk { runtime, branch, stack: vec![(0, top.clone())], path: Vec::new() }
}

fn outside_tree(
    runtime: &dyn Runtime,
    context: &ContextKey,
    branch: Branch,
) -> Result<Vec<UsageKey>, RuntimeError> {
    let root = runtime.context(context)?.root;
    let mut outside: BTreeSet<_> = runtime.usages(context, branch)?.into_iter().collect();
    for usage in reached(runtime, &root, branch) {
        outside.remove(&usage);
    }
    Ok(outside.into_iter().collect())
}

/// Collects what a walk visits; each block is read once, in however many places it stands.
fn reached(runtime: &dyn Runtime, top: &UsageKey, branch: Branch) -> BTreeSet<UsageKey> {
    let mut reached = BTreeSet::new();
    let mut next = vec![top.clone()];
    while let Some(usage) = next.pop() {
        if reached.contains(&usage) {
            continue;
        }
        if let Ok(block) = runtime.block(&usage, branch) {
            next.extend(block.data.children.iter().cloned());
        }
        reached.insert(usage);
    }
    reached
}

fn ancestors(
    runtime: &dyn Runtime,
    usage: &UsageKey,
    branch: Branch,
) -> Result<Vec<BlockRecord>, RuntimeError> {
    let root = runtime.context(&usage.context_key())?.root;
    let mut way: Vec<UsageKey> = path_up(runtime, usage, branch, &root)?;
    way.remove(0);
    way.iter().map(|above| runtime.block(above, branch)).collect()
}

/// Searches upward, smallest parents first; falls back to the longest simple way where none reaches the root.
fn path_up(
    runtime: &dyn Runtime,
    usage: &UsageKey,
    branch: Branch,
    root: &UsageKey,
) -> Result<Vec<UsageKey>, RuntimeError> {
    let mut seen = BTreeSet::from([usage.clone()]);
    let mut ways = VecDeque::from([Arc::new(Way { usage: usage.clone(), below: None })]);
    let mut last = ways[0].clone();
    while let Some(way) = ways.pop_front() {
        last = way.clone();
        if way.usage == *root {
            break;
        }
        for parent in runtime.parents(&way.usage, branch)? {
            if seen.insert(parent.clone()) {
                ways.push_back(Arc::new(Way { usage: parent, below: Some(way.clone()) }));
            }
        }
    }
    let mut path = Vec::new();
    let mut at = Some(last);
    while let Some(way) = at {
        path.push(way.usage.clone());
        at = way.below.clone();
    }
    path.reverse();
    Ok(path)
}

struct Way {
    usage: UsageKey,
    below: Option<Arc<Way>>,
}
