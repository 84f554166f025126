//! Where the definition of a block is written, or was: under its own name, another, or in another bundle.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use xblock_core::keys::UsageKey;
use xblock_core::runtime::{BlockData, BranchState, EditOp, RuntimeError};

use super::Carrying;
use crate::document::FileRecord;
use crate::rows::RowId;
use crate::runtime::definitions::Source;

impl Carrying<'_> {
    /// Finds what is written for the blocks of a plan, each once.
    ///
    /// A plan may put a block and the same one under another name, one of which only lost a child: what the edit itself said
    /// last is meant, else the block under its own name.
    pub(super) fn choose_puts<'b>(
        &mut self,
        put: &'b BTreeMap<UsageKey, Arc<BlockData>>,
        before: &dyn BranchState,
    ) -> Result<Vec<(UsageKey, &'b Arc<BlockData>)>, RuntimeError> {
        let mut said = HashMap::new();
        for (at, op) in self.edit.ops.iter().enumerate() {
            match op {
                EditOp::PutBlock { usage, .. }
                | EditOp::PatchBlock { usage, .. }
                | EditOp::MoveBlock { parent: usage, .. } => drop(said.insert(usage, at)),
                _ => {}
            }
        }
        let mut puts: BTreeMap<UsageKey, (_, &Arc<BlockData>)> = BTreeMap::new();
        for (usage, data) in put {
            self.put_files_back(usage)?;
            let Some(own) = self.target(usage, data, before)? else { continue };
            let rank = (said.get(usage), own == *usage);
            if puts.get(&own).is_none_or(|(known, _)| *known < rank) {
                puts.insert(own, (rank, data));
            }
        }
        for (own, ((_, is_own), data)) in &puts {
            if !is_own {
                self.as_aliases.push((own.clone(), (*data).clone()));
            }
        }
        Ok(puts.into_iter().map(|(own, (_, data))| (own, data)).collect())
    }

    /// Gives a state rows for the definitions it got, like those of another state, and takes those of lost ones away. A plan
    /// does not tell a block of the bundle's own from an included one of the same key that says the same.
    pub(super) fn follow_files(
        &self,
        state: RowId,
        earlier: &BTreeMap<String, FileRecord>,
        now: &BTreeMap<String, FileRecord>,
        like: RowId,
    ) -> Result<(), RuntimeError> {
        if !self.may_include {
            return Ok(());
        }
        let (tables, conventions) = (&self.tables, &self.view.conventions);
        let source = Source::draft(&self.view.row);
        let only = |one: &'_ BTreeMap<String, FileRecord>, other: &BTreeMap<String, FileRecord>| {
            let paths = one.iter().filter(|(path, _)| !other.contains_key(*path));
            let ids = paths.filter_map(|(path, record)| {
                let (block_type, id) = self.runtime.block_at(conventions, source, path, record)?;
                Some((block_type.into_owned(), id.into_owned()))
            });
            ids.collect::<Vec<_>>()
        };
        for (block_type, id) in only(earlier, now) {
            tables.delete_usage(state, &block_type, &id)?;
        }
        for (block_type, id) in only(now, earlier) {
            if tables.usage(state, &block_type, &id)?.is_none()
                && let Some(row) = tables.usage(like, &block_type, &id)?
            {
                tables.put_usage(state, &block_type, &id, &row)?;
                let children = tables.children(like, &block_type, &id)?;
                let children = children.iter().map(|(block_type, id)| (&**block_type, &**id));
                tables.put_children(state, &block_type, &id, children)?;
            }
        }
        Ok(())
    }
}
