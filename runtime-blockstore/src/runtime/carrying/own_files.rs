//! Files of blocks' own, where a subtree is published or discarded alone, or an old version comes back.

use std::collections::{BTreeMap, BTreeSet};

use xblock_core::keys::UsageKey;
use xblock_core::runtime::{BlockChanges, BranchState, EditOp, Extent, RuntimeError};

use super::{Carrying, folder_of};
use crate::document::{FileRecord, Snapshot};
use crate::rows::RowId;
use crate::runtime::conventions::Conventions;
use crate::runtime::definitions::Source;
use crate::runtime::layout::{CONTEXT_FILE, Entry, classify};

/// Type and id of a block.
pub(super) type Id = (String, String);

impl Carrying<'_> {
    /// Gives the blocks of a subtree of the draft the files of their own that the draft has, in a list of what is published.
    pub(super) fn publish_own_files(
        &self,
        top: &UsageKey,
        files: &mut BTreeMap<String, FileRecord>,
    ) -> Result<(), RuntimeError> {
        for (block_type, id) in self.subtree(self.draft_state, top)? {
            let definition = self.view.conventions.path(&block_type, &id);
            if self.tree.file(&definition).is_none() {
                continue;
            }
            // The draft lies on what is published, so that only what it stages differs.
            for (path, record) in self.tree.staged_below(&folder_of(&definition)) {
                match record {
                    _ if *path == definition => {}
                    Some(record) => drop(files.insert(path.clone(), record.clone())),
                    None => drop(files.remove(path)),
                }
            }
        }
        Ok(())
    }

    /// Takes the published files of their own back into the draft for the blocks of those subtrees that some steps discard.
    pub(in crate::runtime) fn discard_own_files(&mut self, steps: &[EditOp]) -> Result<(), RuntimeError> {
        for step in steps {
            let EditOp::Discard(Extent::Subtree(top)) = step else { continue };
            let (Some(state), Some((_, published))) = (self.published_state, self.tree.published().cloned())
            else {
                continue;
            };
            for (block_type, id) in self.subtree(state, top)? {
                let definition = self.view.conventions.path(&block_type, &id);
                if self.tree.file(&definition).is_none() || !published.files.contains_key(&definition) {
                    continue;
                }
                let folder = folder_of(&definition);
                for path in self.tree.below(&folder) {
                    if !published.files.contains_key(&path) {
                        self.tree.delete(&path);
                    }
                }
                let below = published.files.range(folder.clone()..);
                for (path, record) in below.take_while(|(path, _)| path.starts_with(&folder)) {
                    if *path != definition {
                        self.tree.put_record(path, record.clone())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes those files of the draft that no step names what a version has: blocks' own, and what else lies in the bundle.
    /// Files of a block that only one side has come and go with their block.
    pub(in crate::runtime) fn restore_own_files(&mut self, version: &Snapshot) -> Result<(), RuntimeError> {
        let conventions = &self.view.conventions;
        let present = self.tree.composed();
        for path in present.keys().filter(|path| !version.files.contains_key(*path)) {
            let is_of_another = definition_beside(path).is_some_and(|definition| {
                present.contains_key(&definition) && !version.files.contains_key(&definition)
            });
            if is_unnamed(conventions, path) && !is_of_another {
                self.tree.delete(path);
            }
        }
        for (path, record) in
            version.files.iter().filter(|(path, record)| present.get(*path) != Some(*record))
        {
            let is_gone = definition_beside(path).is_some_and(|definition| {
                version.files.contains_key(&definition) && !present.contains_key(&definition)
            });
            if is_unnamed(conventions, path) && !is_gone {
                self.tree.put_record(path, record.clone())?;
            }
        }
        Ok(())
    }

    /// Takes a version's definitions of blocks the plan says nothing of: what the draft has of them may say the same, and lead to it
    /// by a link that the version does not have.
    pub(in crate::runtime) fn restore_definitions(
        &mut self,
        version: &Snapshot,
        blocks: &BlockChanges,
        before: &dyn BranchState,
    ) -> Result<(), RuntimeError> {
        let source = Source { bundle: version.bundle_uuid, draft: None };
        for (path, record) in &version.files {
            if self.tree.file(path) == Some(record) {
                continue;
            }
            let owner = self.runtime.block_at(&self.view.conventions, source, path, record);
            let usage =
                owner.and_then(|(block_type, id)| self.view.key.make_usage_key(&block_type, &id).ok());
            let Some(usage) = usage else { continue };
            if blocks.put.contains_key(&usage) || blocks.deleted.contains(&usage) {
                continue;
            }
            let reader = self.view.reader(source);
            let theirs = match self.runtime.read_block(&reader, &usage, record.hash, record.size) {
                // The plan names what differs; what cannot be read stays as it is in the draft.
                Err(error) if error.is_damage() => continue,
                theirs => theirs?,
            };
            if before.block(&usage)?.is_some_and(|present| present == theirs) {
                self.tree.put_record(path, record.clone())?;
                let includes = self.includes_in(&usage, &theirs, path, record, None)?;
                self.index(self.draft_state, &usage, &theirs, record, &includes)?;
            }
        }
        Ok(())
    }

    /// Lists the definitions of the bundle's own that a subtree of a branch is made of.
    pub(super) fn subtree(&self, state: RowId, top: &UsageKey) -> Result<BTreeSet<Id>, RuntimeError> {
        let mut within = BTreeSet::new();
        let mut next = vec![id_of(top)];
        while let Some(id) = next.pop() {
            if !within.insert(id.clone()) {
                continue;
            }
            next.extend(self.tables.children(state, &id.0, &id.1)?);
            // A definition under a second name has the includes of the one it is.
            let own = self.tables.include_of(state, (&id.0, &id.1))?;
            if let Some(row) = own.filter(|row| row.link.is_none()) {
                next.extend(row.definition.split_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())));
            }
        }
        Ok(within)
    }
}

/// Says whether a file is none that steps of an edit name: no definition, static file or document of the context.
fn is_unnamed(conventions: &Conventions, path: &str) -> bool {
    path != CONTEXT_FILE && classify(path) == Entry::Other && conventions.block_at(path).is_none()
}

/// Returns where the definition of the block lies in whose folder a file is; none for files at the top.
fn definition_beside(path: &str) -> Option<String> {
    let (block_type, rest) = path.split_once('/')?;
    let (id, _) = rest.split_once('/')?;
    Some(format!("{block_type}/{id}/definition.xml"))
}

pub(super) fn id_of(usage: &UsageKey) -> Id {
    (usage.block_type().to_owned(), usage.block_id().to_owned())
}
