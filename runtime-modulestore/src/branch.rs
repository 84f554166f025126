//! One branch while an edit is planned and carried out.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use xblock_core::keys::{AssetKey, UsageKey};
use xblock_core::runtime::{BlockData, Branch, BranchState, RuntimeError};

use crate::assets;
use crate::documents::{BlockKey, BlockView, Structure};
use crate::reader::{Known, Reader, block_key};

/// A branch at one of its structures, or before its first one. Blocks are decoded once.
pub(crate) struct BranchAt<'r> {
    reader: Reader<'r>,
    branch: Branch,
    structure: Option<Arc<Structure>>,
    decoded: RefCell<HashMap<UsageKey, Option<Known>>>,
}

impl<'r> BranchAt<'r> {
    pub(crate) fn new(reader: Reader<'r>, branch: Branch, structure: Option<Arc<Structure>>) -> Self {
        Self { reader, branch, structure, decoded: RefCell::default() }
    }

    pub(crate) fn structure(&self) -> Option<&Arc<Structure>> {
        self.structure.as_ref()
    }

    /// Goes on to the structure an edit made; `changed` are the blocks that differ.
    pub(crate) fn move_to(
        &mut self,
        structure: Arc<Structure>,
        changed: impl IntoIterator<Item = (UsageKey, Option<Known>)>,
    ) {
        self.structure = Some(structure);
        self.decoded.get_mut().extend(changed);
    }

    pub(crate) fn view(&self, key: &BlockKey) -> Option<BlockView<'_>> {
        self.structure.as_ref()?.block(&key.block_type, &key.block_id)
    }

    /// Decodes a block that is to be replaced; one that is damaged counts for none.
    pub(crate) fn readable(&self, usage: &UsageKey) -> Result<Option<Known>, RuntimeError> {
        match self.known(usage) {
            Err(error) if error.is_damage() => Ok(None),
            known => known,
        }
    }

    /// Decodes a block, once.
    pub(crate) fn known(&self, usage: &UsageKey) -> Result<Option<Known>, RuntimeError> {
        if let Some(found) = self.decoded.borrow().get(usage) {
            return Ok(found.clone());
        }
        let view = block_key(usage).and_then(|key| self.view(&key));
        let found = view.map(|view| self.reader.known(usage.block_type(), &view)).transpose()?;
        self.decoded.borrow_mut().insert(usage.clone(), found.clone());
        Ok(found)
    }
}

impl BranchState for BranchAt<'_> {
    fn block(&self, usage: &UsageKey) -> Result<Option<Arc<BlockData>>, RuntimeError> {
        Ok(self.known(usage)?.map(|known| known.data))
    }

    fn parents(&self, usage: &UsageKey) -> Result<Vec<UsageKey>, RuntimeError> {
        match &self.structure {
            Some(structure) => Ok(self.reader.parents(structure, usage)),
            None => Ok(Vec::new()),
        }
    }

    fn usages(&self) -> Result<Vec<UsageKey>, RuntimeError> {
        match &self.structure {
            Some(structure) => Ok(self.reader.usages(structure)),
            None => Ok(Vec::new()),
        }
    }

    fn has_asset(&self, key: &AssetKey) -> Result<bool, RuntimeError> {
        if self.structure.is_none() {
            return Ok(false);
        }
        let found = match self.branch {
            Branch::Draft => assets::find_draft(self.reader.docs, key)?,
            Branch::Published => assets::find_published(self.reader.docs, key)?,
        };
        Ok(found.is_some())
    }
}
