//! Links that a subtree needs where it is published alone.

use std::collections::{BTreeMap, BTreeSet};

use xblock_core::keys::UsageKey;
use xblock_core::runtime::{BlockChanges, RuntimeError};

use super::own_files::{Id, id_of};
use super::{Carrying, folder_of};
use crate::digest::Digest;
use crate::document::Link;
use crate::runtime::included::{IncludeRow, IncludedRow};
use crate::runtime::includes::IncludedBlock;

type Links = BTreeMap<String, Link>;

impl Carrying<'_> {
    /// Finds the links that are pinned to other versions in the draft than in the published branch, and through which the
    /// subtree includes something that is not the same in both; they are published with it.
    ///
    /// # Errors
    /// [`RuntimeError::SharedLink`] where such a link would change what blocks outside of the subtree include.
    pub(super) fn links_to_move(&self, top: &UsageKey, blocks: &BlockChanges) -> Result<Links, RuntimeError> {
        let mut moved = Links::new();
        let (Some((_, published)), Some(state)) = (self.tree.published(), self.published_state) else {
            return Ok(moved);
        };
        let drafted = self.tree.composed_links();
        let mut links = published.links.clone();
        for (name, link) in &drafted {
            links.entry(name.clone()).or_insert_with(|| link.clone());
        }
        let differing: Vec<_> =
            drafted.iter().filter(|(name, link)| links.get(*name) != Some(*link)).collect();
        if !self.may_include || differing.is_empty() {
            return Ok(moved);
        }
        let within = self.subtree(self.draft_state, top)?;
        let ours: Vec<_> = self.tables.includes(self.draft_state)?;
        let ours: Vec<_> = ours.into_iter().filter(|row| within.contains(&row.parent)).collect();
        let gone: BTreeSet<Id> = blocks.deleted.iter().map(id_of).collect();
        let theirs: Vec<_> = self.tables.includes(state)?;
        let theirs: Vec<_> = theirs
            .into_iter()
            .filter(|row| !within.contains(&row.parent) && !gone.contains(&row.parent))
            .collect();
        for (name, link) in differing {
            let through = |rows: &[IncludeRow]| -> Vec<_> {
                rows.iter().filter(|row| row.link.as_ref() == Some(name)).cloned().collect()
            };
            let mut with = links.clone();
            with.insert(name.clone(), link.clone());
            if !self.differ(&through(&ours), &links, &with)? {
                continue;
            }
            for row in through(&theirs) {
                if self.differ(std::slice::from_ref(&row), &links, &with)? {
                    let other = self.view.usage(&row.parent.0, &row.parent.1)?;
                    return Err(RuntimeError::SharedLink { usage: top.clone(), link: name.clone(), other });
                }
            }
            moved.insert(name.clone(), link.clone());
        }
        Ok(moved)
    }

    /// Says whether includes give something else with other links; the versions alone are no difference.
    fn differ(&self, rows: &[IncludeRow], links: &Links, others: &Links) -> Result<bool, RuntimeError> {
        let follow = |links: &Links| -> Result<Vec<_>, RuntimeError> {
            let found = self.runtime.follow_includes(self.view, rows, links)?;
            let block = |(usage, IncludedBlock { row, children })| {
                let beside = self.files_beside(&row)?;
                Ok((usage, row.path, row.file, row.problem.is_some(), children, beside))
            };
            found.into_iter().map(block).collect()
        };
        Ok(follow(links)? != follow(others)?)
    }

    /// Lists the files that an included block has of its own: what lies beside its definition.
    fn files_beside(&self, included: &IncludedRow) -> Result<BTreeMap<String, Digest>, RuntimeError> {
        let Some(pinned) = included.pinned.as_ref().filter(|_| included.problem.is_none()) else {
            return Ok(BTreeMap::new());
        };
        let snapshot = self.runtime.store.snapshot(pinned.bundle, pinned.snapshot)?;
        let folder = folder_of(&included.path);
        let below = snapshot.files.range(folder.clone()..).take_while(|(path, _)| path.starts_with(&folder));
        Ok(below.map(|(path, record)| (path.clone(), record.hash)).collect())
    }
}
