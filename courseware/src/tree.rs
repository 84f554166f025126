//! The tree of a context as data: what hangs below what, and what hangs nowhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Branch, MOST_PLACES, Runtime, RuntimeError, RuntimeExt, Unlisted};

use crate::error::CoursewareError;
use crate::steady::steady;

/// A block and what hangs below it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TreeNode {
    /// The block.
    pub usage: UsageKey,
    /// Its type.
    pub block_type: String,
    /// Its name, where it has one of its own.
    pub display_name: Option<String>,
    /// Why it could not be read, where it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its children in order.
    pub children: Vec<TreeNode>,
}

/// A context's tree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tree {
    /// The context.
    pub context: ContextKey,
    /// The branch.
    pub branch: Branch,
    /// The root and everything below it.
    pub root: TreeNode,
    /// Blocks no way from the root leads to, with what hangs below each: pages of the course, orphans, and blocks that hang
    /// below themselves, which say so.
    pub outside: Vec<TreeNode>,
    /// Blocks that are not in it, since their names are no keys: where they are, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unnamed: Vec<Unlisted>,
    /// How many blocks there are of each type.
    pub counts: BTreeMap<String, usize>,
}

impl Tree {
    /// Reads the tree of a branch; where others change the context meanwhile, it is read again.
    ///
    /// # Errors
    /// [`CoursewareError::Unsteady`], [`RuntimeError::TooManyPlaces`], and the store's own. A block that cannot be read is a node
    /// that says so.
    pub fn read(
        runtime: &dyn Runtime,
        context: &ContextKey,
        branch: Branch,
    ) -> Result<Self, CoursewareError> {
        steady(&[(runtime, context)], || Self::read_once(runtime, context, branch))
    }

    fn read_once(
        runtime: &dyn Runtime,
        context: &ContextKey,
        branch: Branch,
    ) -> Result<Self, CoursewareError> {
        let root = runtime.context(context)?.root;
        let mut counts = BTreeMap::new();
        for usage in runtime.usages(context, branch)? {
            *counts.entry(usage.block_type().to_owned()).or_default() += 1;
        }
        let outside = runtime.outside_tree(context, branch)?;
        let mut nodes = Nodes { runtime, context, branch, read: HashMap::new(), places: 0 };
        let whole = nodes.of(&root)?;
        // A block that hangs below another orphan is listed there.
        let mut tops = Vec::new();
        for usage in &outside {
            if runtime.parents(usage, branch)?.is_empty() {
                tops.push(nodes.of(usage)?);
            }
        }
        for usage in circles_in(runtime, branch, &outside)? {
            let mut top = nodes.of(&usage)?;
            let told = || "it is below itself, and no way from the root leads to it".to_owned();
            top.error.get_or_insert_with(told);
            tops.push(top);
        }
        let mut unnamed = runtime.unlisted(context, branch)?;
        unnamed.retain(|unlisted| matches!(unlisted, Unlisted::Block { .. }));
        Ok(Self { context: context.clone(), branch, root: whole, outside: tops, unnamed, counts })
    }
}

/// Lists blocks that only hang below themselves, of each circle one.
///
/// # Errors
/// The store's own.
pub(crate) fn circles(
    runtime: &dyn Runtime,
    context: &ContextKey,
    branch: Branch,
) -> Result<Vec<UsageKey>, RuntimeError> {
    circles_in(runtime, branch, &runtime.outside_tree(context, branch)?)
}

fn circles_in(
    runtime: &dyn Runtime,
    branch: Branch,
    outside: &[UsageKey],
) -> Result<Vec<UsageKey>, RuntimeError> {
    let mut hidden: BTreeSet<_> = outside.iter().cloned().collect();
    for usage in outside {
        if runtime.parents(usage, branch)?.is_empty() {
            hidden = &hidden - &runtime.reached(usage, branch);
        }
    }
    let mut circles = Vec::new();
    // What is left hangs below itself, or below what does.
    for usage in outside {
        if !hidden.contains(usage) {
            continue;
        }
        let below = runtime.reached(usage, branch);
        if runtime.parents(usage, branch)?.iter().any(|parent| below.contains(parent)) {
            hidden = &hidden - &below;
            circles.push(usage.clone());
        }
    }
    Ok(circles)
}

/// Builds trees; each block is read once, in however many places it stands.
struct Nodes<'r> {
    runtime: &'r dyn Runtime,
    context: &'r ContextKey,
    branch: Branch,
    read: HashMap<UsageKey, Read>,
    /// How many nodes there are.
    places: usize,
}

/// What a block says in each of its places.
struct Read {
    display_name: Option<String>,
    error: Option<String>,
    children: Vec<UsageKey>,
}

impl Nodes<'_> {
    /// Builds the node of a block, with all below it.
    fn of(&mut self, top: &UsageKey) -> Result<TreeNode, RuntimeError> {
        // The nodes above the one being read, each complete but for its later children.
        let mut open: Vec<TreeNode> = Vec::new();
        let mut next = vec![(0, top.clone())];
        while let Some((depth, usage)) = next.pop() {
            close_to(&mut open, depth.max(1));
            // A block that hangs below itself is shown once on the way down.
            if depth > 0 && open.iter().any(|above| above.usage == usage) {
                continue;
            }
            if self.places == MOST_PLACES {
                return Err(RuntimeError::TooManyPlaces {
                    context: self.context.clone(),
                    limit: MOST_PLACES,
                });
            }
            self.places += 1;
            let (runtime, branch) = (self.runtime, self.branch);
            let read =
                self.read.entry(usage.clone()).or_insert_with(|| match runtime.block(&usage, branch) {
                    Ok(block) => Read {
                        display_name: block.data.display_name().map(str::to_owned),
                        error: None,
                        children: block.data.children.clone(),
                    },
                    Err(error) => {
                        Read { display_name: None, error: Some(error.to_string()), children: Vec::new() }
                    }
                });
            next.extend(read.children.iter().rev().map(|child| (depth + 1, child.clone())));
            let block_type = usage.block_type().to_owned();
            let (display_name, error) = (read.display_name.clone(), read.error.clone());
            open.push(TreeNode { usage, block_type, display_name, error, children: Vec::new() });
        }
        close_to(&mut open, 1);
        Ok(open.pop().unwrap_or_else(|| TreeNode {
            usage: top.clone(),
            block_type: top.block_type().to_owned(),
            display_name: None,
            error: None,
            children: Vec::new(),
        }))
    }
}

/// Hangs finished nodes below their parents until only `depth` are open.
fn close_to(open: &mut Vec<TreeNode>, depth: usize) {
    while open.len() > depth {
        if let (Some(child), Some(parent)) = (open.pop(), open.last_mut()) {
            parent.children.push(child);
        }
    }
}
