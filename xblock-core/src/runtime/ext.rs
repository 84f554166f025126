//! Conveniences over any runtime: walks, ancestors, inherited settings.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::fields::is_inheritable;
use crate::keys::{AssetKey, ContextKey, UsageKey};

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

    /// Returns a key with the run of its course, for which the store is asked (modulestore reference, section 13): the text
    /// of an old block key, `i4x://ORG/COURSE/CATEGORY/NAME`, says none. All other keys are returned as they are.
    ///
    /// Whoever takes keys as texts asks for this once; [`Runtime`] takes keys with their run.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`] where the store has no such course, [`RuntimeError::SeveralRuns`] where it has several,
    /// and the store's own.
    fn usage_with_run(&self, usage: &UsageKey) -> Result<UsageKey, RuntimeError>;

    /// Returns a static file's key with the run of its course, as [`usage_with_run`](Self::usage_with_run):
    /// `c4x://ORG/COURSE/asset/NAME` says none.
    ///
    /// # Errors
    /// As [`usage_with_run`](Self::usage_with_run).
    fn asset_with_run(&self, asset: &AssetKey) -> Result<AssetKey, RuntimeError>;
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
    fn usage_with_run(&self, usage: &UsageKey) -> Result<UsageKey, RuntimeError> {
        usage_with_run(self, usage)
    }
    fn asset_with_run(&self, asset: &AssetKey) -> Result<AssetKey, RuntimeError> {
        asset_with_run(self, asset)
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
    fn usage_with_run(&self, usage: &UsageKey) -> Result<UsageKey, RuntimeError> {
        usage_with_run(self, usage)
    }
    fn asset_with_run(&self, asset: &AssetKey) -> Result<AssetKey, RuntimeError> {
        asset_with_run(self, asset)
    }
}

fn usage_with_run(runtime: &dyn Runtime, usage: &UsageKey) -> Result<UsageKey, RuntimeError> {
    let key = usage.context_key();
    match course_of(runtime, &key)? {
        None => Ok(usage.clone()),
        Some(course) => usage.map_into_course(&course).map_err(|_| RuntimeError::NoSuchContext { key }),
    }
}

fn asset_with_run(runtime: &dyn Runtime, asset: &AssetKey) -> Result<AssetKey, RuntimeError> {
    let key = asset.context_key();
    match course_of(runtime, &key)? {
        None => Ok(asset.clone()),
        Some(course) => asset.map_into_course(&course).map_err(|_| RuntimeError::NoSuchContext { key }),
    }
}

/// Finds the course of a key of the old form that names no run; none for all other keys.
fn course_of(runtime: &dyn Runtime, key: &ContextKey) -> Result<Option<ContextKey>, RuntimeError> {
    let Some(named) = key.as_course().filter(|course| course.is_deprecated() && course.run().is_empty())
    else {
        return Ok(None);
    };
    let mut courses = runtime.contexts()?;
    courses.retain(|context| {
        context.as_course().is_some_and(|course| {
            course.is_deprecated() && course.org() == named.org() && course.course() == named.course()
        })
    });
    match courses.len() {
        0 => Err(RuntimeError::NoSuchContext { key: key.clone() }),
        1 => Ok(courses.pop()),
        _ => Err(RuntimeError::SeveralRuns { key: key.clone(), courses }),
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
