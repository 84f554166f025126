//! Blocks nothing leads to.

use std::collections::HashSet;

use crate::documents::Structure;
use xblock_core::runtime::RuntimeError;

/// Lists the orphans of a structure: not the root, nobody's child, and not of a type that stands beside the tree.
pub(crate) fn orphans(structure: &Structure) -> Result<Vec<(&str, &str)>, RuntimeError> {
    let mut children = HashSet::new();
    for (_, _, view) in structure.blocks() {
        children.extend(view.children()?);
    }
    let root = structure.root();
    Ok(structure
        .keys()
        .filter(|key| {
            !children.contains(key)
                && !super::DETACHED.contains(&key.0)
                && *key != (&*root.block_type, &*root.block_id)
        })
        .collect())
}
