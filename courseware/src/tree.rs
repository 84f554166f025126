//! The tree of a context as data: what hangs below what, and what hangs nowhere.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Branch, Runtime, RuntimeExt, Unlisted};

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

impl TreeNode {
    /// Shows a node and all below it to somebody.
    fn visit(&self, look: &mut dyn FnMut(&Self)) {
        look(self);
        self.children.iter().for_each(|child| child.visit(look));
    }
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
    /// [`CoursewareError::Unsteady`], and the store's own. A block that cannot be read is a node that says so.
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
        // A block that hangs below another orphan is listed there.
        let mut tops = Vec::new();
        let mut hidden: BTreeSet<_> = outside.iter().cloned().collect();
        for usage in &outside {
            if runtime.parents(usage, branch)?.is_empty() {
                let top = node(runtime, usage, branch);
                top.visit(&mut |node| _ = hidden.remove(&node.usage));
                tops.push(top);
            }
        }
        // What is left hangs below itself, or below what does.
        for usage in outside {
            if !hidden.contains(&usage) {
                continue;
            }
            let mut top = node(runtime, &usage, branch);
            let mut below = BTreeSet::new();
            top.visit(&mut |node| _ = below.insert(node.usage.clone()));
            let is_below_itself =
                runtime.parents(&usage, branch)?.iter().any(|parent| below.contains(parent));
            if is_below_itself {
                top.visit(&mut |node| _ = hidden.remove(&node.usage));
                let told = || "it is below itself, and no way from the root leads to it".to_owned();
                top.error.get_or_insert_with(told);
                tops.push(top);
            }
        }
        let mut unnamed = runtime.unlisted(context, branch)?;
        unnamed.retain(|unlisted| matches!(unlisted, Unlisted::Block { .. }));
        Ok(Self {
            context: context.clone(),
            branch,
            root: node(runtime, &root, branch),
            outside: tops,
            unnamed,
            counts,
        })
    }
}

/// Builds a node out of the steps of a walk.
fn node(runtime: &dyn Runtime, top: &UsageKey, branch: Branch) -> TreeNode {
    // The nodes above the one being read, each complete but for its later children.
    let mut open: Vec<TreeNode> = Vec::new();
    for item in runtime.walk(top, branch) {
        close_to(&mut open, item.depth.max(1));
        let usage = item.usage().clone();
        let (display_name, error) = match &item.block {
            Ok(block) => (block.data.display_name().map(str::to_owned), None),
            Err(problem) => (None, Some(problem.error.to_string())),
        };
        let block_type = usage.block_type().to_owned();
        open.push(TreeNode { usage, block_type, display_name, error, children: Vec::new() });
    }
    close_to(&mut open, 1);
    open.pop().unwrap_or_else(|| TreeNode {
        usage: top.clone(),
        block_type: top.block_type().to_owned(),
        display_name: None,
        error: None,
        children: Vec::new(),
    })
}

/// Hangs finished nodes below their parents until only `depth` are open.
fn close_to(open: &mut Vec<TreeNode>, depth: usize) {
    while open.len() > depth {
        if let (Some(child), Some(parent)) = (open.pop(), open.last_mut()) {
            parent.children.push(child);
        }
    }
}
