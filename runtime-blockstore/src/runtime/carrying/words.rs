//! What an edit writes for a block, in which words, and what that includes.

use std::collections::HashMap;
use std::sync::Arc;

use xblock_core::keys::UsageKey;
use xblock_core::olx::Include;
use xblock_core::runtime::{BlockData, Branch, BranchState, RuntimeError};

use super::Carrying;
use crate::digest::Digest;
use crate::document::FileRecord;
use crate::rows::RowId;
use crate::runtime::definitions::Source;
use crate::runtime::included::IncludeRow;
use crate::runtime::includes::include_rows;
use crate::runtime::locating::Located;
use crate::runtime::rendering::Rendering;

impl Carrying<'_> {
    /// Finds what the edit may write for a block: the block itself, the one whose definition it uses under another name, or
    /// nothing where its definition is elsewhere and stays as it is.
    pub(super) fn target(
        &mut self,
        usage: &UsageKey,
        data: &Arc<BlockData>,
        before: &dyn BranchState,
    ) -> Result<Option<UsageKey>, RuntimeError> {
        let path = self.path(usage)?;
        if self.tree.file(&path).is_some() || !self.may_be_elsewhere() {
            return Ok(Some(usage.clone()));
        }
        let Some(state) = self.tables.state(self.view.row.bundle_id, Branch::Draft)? else {
            return Ok(Some(usage.clone()));
        };
        match self.runtime.locate(self.view, &state, usage) {
            // A block may be written where an include leads to nothing.
            Err(RuntimeError::BrokenInclude { .. }) | Ok(None | Some(Located::Own(_))) => {
                Ok(Some(usage.clone()))
            }
            Ok(Some(Located::Alias(own, _))) => Ok(Some(own)),
            Ok(Some(Located::MadeUp)) => {
                self.root = Some(data.clone());
                Ok(None)
            }
            Ok(Some(located @ Located::Pinned { .. })) => {
                // Saying what it says already changes nothing.
                if before.block(usage)?.as_ref() == Some(data) {
                    return Ok(None);
                }
                let definition = self.runtime.definition_key(self.view, Branch::Draft, usage, &located)?;
                Err(RuntimeError::NotEditable { usage: usage.clone(), definition })
            }
            Err(error) => Err(error),
        }
    }

    /// Says whether a block of the context may have no definition file in its bundle.
    pub(super) fn may_be_elsewhere(&self) -> bool {
        self.may_include || !self.view.conventions.is_declared
    }

    /// Gathers what is to be known to write a block: how its children are included, and in which words it was written.
    pub(super) fn rendering<'b>(
        &self,
        usage: &'b UsageKey,
        data: &'b Arc<BlockData>,
    ) -> Result<Rendering<'b>, RuntimeError> {
        let mut rendering = Rendering { usage, data, known: HashMap::new(), earlier: None };
        if data.children.is_empty() {
            return Ok(rendering);
        }
        let path = self.path(usage)?;
        if let Some(record) = self.tree.file(&path) {
            rendering.earlier = self.runtime.read_file(Source::draft(&self.view.row), &path, record).ok();
        }
        if !self.may_include {
            return Ok(rendering);
        }
        let parent = (usage.block_type(), usage.block_id());
        let own_states = [Some(self.draft_state), self.published_state];
        for child in &data.children {
            let found = match self.wanted.get(child) {
                Some(wanted) => Some(wanted.clone()),
                None => self.known_include(parent, child, own_states)?,
            };
            if let Some(include) = found {
                rendering.known.insert(child.clone(), include);
            }
        }
        Ok(rendering)
    }

    /// Finds how a child was included that is not plainly the context's own: by this parent, else by any.
    pub(super) fn known_include(
        &self,
        parent: (&str, &str),
        child: &UsageKey,
        states: [Option<RowId>; 2],
    ) -> Result<Option<Include>, RuntimeError> {
        let key = (child.block_type(), child.block_id());
        let is_child = |row: &IncludeRow| (&*row.child.0, &*row.child.1) == key;
        for state in states.into_iter().flatten() {
            if let Some(row) = self.tables.includes_of(state, parent)?.into_iter().find(is_child) {
                return Ok(Some(row.include()));
            }
        }
        let is_own = self.tree.file(&self.path(child)?).is_some() || self.written.contains_key(child);
        if is_own {
            return Ok(None);
        }
        for state in states.into_iter().flatten() {
            if let Some(row) = self.tables.include_of(state, key)? {
                return Ok(Some(row.include()));
            }
        }
        Ok(None)
    }

    /// Lists the children that a definition does not name plainly.
    pub(super) fn includes_in(
        &self,
        usage: &UsageKey,
        data: &BlockData,
        path: &str,
        record: &FileRecord,
        text: Option<&[u8]>,
    ) -> Result<Vec<IncludeRow>, RuntimeError> {
        if !self.may_include || data.children.is_empty() {
            return Ok(Vec::new());
        }
        let (view, own) = (self.view, self.view.row.bundle);
        let reader = view.reader(Source::draft(&view.row));
        let parsed = match text {
            Some(text) => self.runtime.parse(&reader, path, usage, text)?,
            None => self.runtime.read_at(&reader, usage, path, record.hash, record.size)?,
        };
        Ok(include_rows(&view.conventions, own, usage, &parsed.includes))
    }

    /// Finds a file of the block that says the same already, perhaps in other words; then those stay. It is the draft's, the
    /// published one, or that of the version that is restored.
    pub(super) fn unchanged(
        &self,
        usage: &UsageKey,
        path: &str,
        text: &[u8],
        data: &BlockData,
    ) -> Option<FileRecord> {
        if data.children.iter().any(|child| self.wanted.contains_key(child)) {
            return None;
        }
        let source = Source::draft(&self.view.row);
        let drafted = self.tree.file(path);
        let says_so = |source: Source, record: &FileRecord| {
            let old = self.runtime.read_block(&self.view.reader(source), usage, record.hash, record.size);
            old.is_ok_and(|old| *old == *data)
        };
        if let Some(record) = drafted {
            let is_same = if record.hash == Digest::of(text) {
                // A file that was lost or damaged is written again.
                self.runtime.read_file(source, path, record).is_ok()
            } else {
                says_so(source, record)
            };
            if is_same {
                return Some(record.clone());
            }
        }
        if !self.may_include {
            return None;
        }
        let published = self.tree.published().map(|(_, snapshot)| snapshot);
        let committed = Source::published(&self.view.row);
        self.restored.iter().chain(published).find_map(|snapshot| {
            let record = snapshot.files.get(path).filter(|record| Some(*record) != drafted)?;
            says_so(committed, record).then(|| record.clone())
        })
    }

    /// Makes the includes of a state those of another whose files are the same.
    pub(super) fn copy_includes(&mut self, from: RowId, to: RowId) -> Result<(), RuntimeError> {
        if !self.may_include {
            return Ok(());
        }
        self.tables.clear_includes(to)?;
        self.tables.insert_includes(to, &self.tables.includes(from)?)?;
        self.changed.insert(to);
        Ok(())
    }

    /// Finds out anew what includes give, and whether the edit said the same of a root that is made up.
    pub(super) fn index_changed_includes(&self) -> Result<(), RuntimeError> {
        for state in &self.changed {
            let published = self.tree.published().filter(|_| Some(*state) == self.published_state);
            let links = match published {
                Some((_, snapshot)) => snapshot.links.clone(),
                None => self.tree.composed_links(),
            };
            self.runtime.index_includes(self.view, *state, &links)?;
        }
        for usage in self.wanted.keys() {
            let row = self.tables.included(self.draft_state, usage.block_type(), usage.block_id())?;
            if let Some(problem) = row.and_then(|row| row.problem) {
                return Err(RuntimeError::BrokenInclude { usage: usage.clone(), problem: Box::new(problem) });
            }
        }
        let Some(wanted) = &self.root else { return Ok(()) };
        let mut made_up = self.view.made_up_root(self.draft_state)?;
        let mut wanted = (**wanted).clone();
        made_up.children.sort_unstable();
        wanted.children.sort_unstable();
        if made_up == wanted {
            return Ok(());
        }
        Err(RuntimeError::Unstorable {
            place: self.view.root()?.to_string(),
            reason: "it is made up of the blocks that nothing includes, and has no definition of its own"
                .into(),
        })
    }
}
