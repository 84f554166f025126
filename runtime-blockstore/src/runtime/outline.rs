//! The outline of a context: which blocks stand below which, and what they are called; out of the index alone.

use std::collections::{BTreeSet, HashMap};

use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Branch, MOST_PLACES, RuntimeError};

use super::BlockstoreRuntime;
use super::content_check::circles;
use super::view::View;

/// One block of an outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlineBlock {
    /// The block.
    pub usage: UsageKey,
    /// Its display name, where it has one.
    pub display_name: Option<String>,
    /// How far below the root it stands; the root is 0, and so is one that only hangs below itself.
    pub depth: usize,
    /// How many children it has, whether they are listed or not.
    pub children: usize,
}

impl BlockstoreRuntime {
    /// Lists the blocks below the root of a context, depth first and children in order, each as often as it stands somewhere;
    /// those deeper than `depth` are left out. Children that are not there are left out, too. Behind them stand, at depth 0, blocks
    /// that only hang below themselves, with what is below them.
    ///
    /// It takes the same few queries for every context, and reads no definition.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::NoSuchBranch`], [`RuntimeError::TooManyPlaces`].
    pub fn outline(
        &self,
        context: &ContextKey,
        branch: Branch,
        depth: usize,
    ) -> Result<Vec<OutlineBlock>, RuntimeError> {
        self.look(context, &[branch], |view| self.outline_of(view, branch, depth))
    }

    fn outline_of(
        &self,
        view: &View<'_>,
        branch: Branch,
        depth: usize,
    ) -> Result<Vec<OutlineBlock>, RuntimeError> {
        let state = view.state(branch)?;
        let mut titles: HashMap<UsageKey, Option<String>> = HashMap::new();
        for ((block_type, id), row) in view.tables.usage_rows(state.id)? {
            titles.insert(view.usage(&block_type, &id)?, row.title);
        }
        for ((block_type, id), row) in view.tables.all_included(state.id)? {
            let usage = view.usage(&block_type, &id)?;
            if titles.contains_key(&usage) || row.problem.is_some() {
                continue;
            }
            let title = match (&row.pinned, view.conventions.block_at(&row.path)) {
                (None, Some((own_type, own_id))) => match titles.get(&view.usage(&own_type, &own_id)?) {
                    Some(title) => title.clone(),
                    None => continue,
                },
                _ => row.title,
            };
            titles.insert(usage, title);
        }
        let mut children: HashMap<UsageKey, Vec<UsageKey>> = HashMap::new();
        for [parent_type, parent_id, child_type, child_id] in view.tables.all_children(state.id)? {
            let child = view.usage(&child_type, &child_id)?;
            if titles.contains_key(&child) {
                children.entry(view.usage(&parent_type, &parent_id)?).or_default().push(child);
            }
        }
        let root = view.root()?;
        if view.has_made_up_root(state.id)? {
            let data = view.made_up_root(state.id)?;
            titles.insert(root.clone(), data.display_name().map(str::to_owned));
            children.insert(root.clone(), data.children);
        }
        let mut outline = Vec::new();
        let mut above: Vec<UsageKey> = Vec::new();
        // Behind the root's own, what only hangs below itself.
        let mut next: Vec<_> = circles(view, state.id)?.into_iter().rev().map(|top| (0, top)).collect();
        next.push((0, root));
        while let Some((at, usage)) = next.pop() {
            above.truncate(at);
            let Some(title) = titles.get(&usage) else { continue };
            if above.contains(&usage) {
                continue;
            }
            let below = children.get(&usage).map_or(&[][..], Vec::as_slice);
            if outline.len() == MOST_PLACES {
                return Err(RuntimeError::TooManyPlaces { context: view.key.clone(), limit: MOST_PLACES });
            }
            outline.push(OutlineBlock {
                usage: usage.clone(),
                display_name: title.clone(),
                depth: at,
                children: below.iter().collect::<BTreeSet<_>>().len(),
            });
            if at < depth {
                next.extend(below.iter().rev().map(|child| (at + 1, child.clone())));
            }
            above.push(usage);
        }
        Ok(outline)
    }
}
