//! One branch while operations change it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::raw::RawDocumentBuf;
use bson::{Bson, Document};
use xblock_core::runtime::RuntimeError;

use crate::documents::{
    BlockEditInfo, BlockKey, BlockView, NextStructure, Stamp, Structure, assets_of, corrupt, to_document,
};
use crate::reader::CHILDREN;

/// A branch at the structure it had, with what has changed since. All changes go into one new structure.
pub(super) struct OpenBranch {
    pub(super) base: Option<Arc<Structure>>,
    pub(super) stamp: Stamp,
    /// `None` is a deleted block.
    changed: BTreeMap<BlockKey, Option<RawDocumentBuf>>,
    /// The asset metadata, where it changed.
    assets: Option<Document>,
}

impl OpenBranch {
    pub(super) fn new(base: Option<Arc<Structure>>, stamp: Stamp) -> Self {
        Self { base, stamp, changed: BTreeMap::new(), assets: None }
    }

    pub(super) fn is_changed(&self) -> bool {
        !self.changed.is_empty() || self.assets.is_some()
    }

    /// Says whether the branch is there, or is being made.
    pub(super) fn exists(&self) -> bool {
        self.base.is_some() || self.is_changed()
    }

    /// Returns the structure the branch is at: the new one as soon as anything changed.
    pub(super) fn version(&self) -> Option<ObjectId> {
        if self.is_changed() { Some(self.stamp.version) } else { self.base.as_ref().map(|base| base.id()) }
    }

    pub(super) fn block(&self, key: &BlockKey) -> Option<BlockView<'_>> {
        match self.changed.get(key) {
            Some(changed) => changed.as_ref().map(|document| {
                BlockView::new(document, format!("structure {}, block {key}", self.stamp.version))
            }),
            None => self.base.as_ref()?.block(&key.block_type, &key.block_id),
        }
    }

    pub(super) fn contains(&self, key: &BlockKey) -> bool {
        self.block(key).is_some()
    }

    /// Lists the children; none where the block does not exist.
    pub(super) fn children(&self, key: &BlockKey) -> Result<Vec<BlockKey>, RuntimeError> {
        let Some(view) = self.block(key) else { return Ok(Vec::new()) };
        Ok(view.children()?.into_iter().map(|(block_type, id)| BlockKey::new(block_type, id)).collect())
    }

    /// As [`OpenBranch::children`], but of a list that cannot be read as a whole those entries that can be.
    pub(super) fn known_children(&self, key: &BlockKey) -> Vec<BlockKey> {
        let known = self.block(key).map(|view| view.known_children());
        known.into_iter().flatten().map(|(block_type, id)| BlockKey::new(block_type, id)).collect()
    }

    /// As [`OpenBranch::children`]; nothing where the list cannot be read.
    pub(super) fn readable_children(&self, key: &BlockKey) -> Result<Option<Vec<BlockKey>>, RuntimeError> {
        match self.children(key) {
            Err(error) if error.is_damage() => Ok(None),
            children => children.map(Some),
        }
    }

    /// Lists the blocks that have this one as a child, in order.
    pub(super) fn parents(&self, key: &BlockKey) -> BTreeSet<BlockKey> {
        let mut parents = BTreeSet::new();
        if let Some(base) = &self.base {
            for (block_type, block_id) in base.parents(&key.block_type, &key.block_id) {
                let parent = BlockKey::new(block_type, block_id);
                if !self.changed.contains_key(&parent) {
                    parents.insert(parent);
                }
            }
        }
        for (parent, changed) in &self.changed {
            if changed.is_some() && self.known_children(parent).contains(key) {
                parents.insert(parent.clone());
            }
        }
        parents
    }

    /// Finds the parent through which a block hangs below the root: the first in order of types and ids.
    pub(super) fn parent_in_tree(&self, key: &BlockKey, root: &BlockKey) -> Option<BlockKey> {
        for parent in self.parents(key) {
            let mut seen = BTreeSet::new();
            let mut above = VecDeque::from([parent.clone()]);
            while let Some(at) = above.pop_front() {
                if at == *root {
                    return Some(parent);
                }
                if seen.insert(at.clone()) {
                    above.extend(self.parents(&at));
                }
            }
        }
        None
    }

    /// Lists a block and all that exist below it, as far as that can be read, each once.
    pub(super) fn subtree(&self, top: &BlockKey) -> Vec<BlockKey> {
        let mut seen = BTreeSet::from([top.clone()]);
        let mut found = Vec::new();
        let mut queue = VecDeque::from([top.clone()]);
        while let Some(key) = queue.pop_front() {
            if !self.contains(&key) {
                continue;
            }
            for child in self.known_children(&key) {
                if seen.insert(child.clone()) {
                    queue.push_back(child);
                }
            }
            found.push(key);
        }
        found
    }

    pub(super) fn put(&mut self, key: BlockKey, document: RawDocumentBuf) {
        self.changed.insert(key, Some(document));
    }

    /// Gives a block another list of children, and what is said of its last change where that is new.
    pub(super) fn set_children(
        &mut self,
        key: &BlockKey,
        children: &[BlockKey],
        info: Option<&BlockEditInfo>,
    ) -> Result<(), RuntimeError> {
        let Some(view) = self.block(key) else { return Ok(()) };
        let place = view.place().to_string();
        let mut document = to_document(view.raw()).map_err(|error| corrupt(place.as_str(), error))?;
        set_children(&mut document, children);
        if let Some(info) = info {
            document.insert("edit_info", info.to_document());
        }
        let document = RawDocumentBuf::try_from(&document).map_err(|error| corrupt(place, error))?;
        self.put(key.clone(), document);
        Ok(())
    }

    /// Deletes blocks with every descendant that thereby loses its last parent.
    pub(super) fn delete_with_orphans(&mut self, keys: impl IntoIterator<Item = BlockKey>) {
        let mut queue: VecDeque<_> = keys.into_iter().collect();
        while let Some(key) = queue.pop_front() {
            if !self.contains(&key) {
                continue;
            }
            let children = self.known_children(&key);
            self.changed.insert(key, None);
            for child in children {
                if self.parents(&child).is_empty() {
                    queue.push_back(child);
                }
            }
        }
    }

    /// Returns the asset metadata: types, each with its records.
    pub(super) fn assets(&self) -> Result<Document, RuntimeError> {
        if let Some(assets) = &self.assets {
            return Ok(assets.clone());
        }
        self.base.as_deref().map(assets_of).transpose().map(Option::unwrap_or_default)
    }

    pub(super) fn set_assets(&mut self, assets: Document) {
        self.assets = Some(assets);
    }

    /// Puts the new structure together; nothing where nothing changed.
    pub(super) fn finish(
        self,
        root: &BlockKey,
        context: &str,
        limit: usize,
    ) -> Result<Option<Structure>, RuntimeError> {
        if !self.is_changed() {
            return Ok(None);
        }
        let mut next = NextStructure::begin(self.base.as_deref(), root.clone(), self.stamp);
        if let Some(assets) = &self.assets {
            let assets = RawDocumentBuf::try_from(assets).map_err(|error| RuntimeError::Unstorable {
                place: format!("the asset metadata of {context}"),
                reason: error.to_string(),
            })?;
            next.set_assets(assets);
        }
        for (key, document) in self.changed {
            match document {
                Some(document) => next.put(key, document),
                None => next.delete(key),
            }
        }
        next.finish(context, limit).map(Some)
    }
}

/// Sets the list of children in a block's document.
pub(super) fn set_children(document: &mut Document, children: &[BlockKey]) {
    let children: bson::Array = children.iter().map(BlockKey::to_bson).collect();
    match document.get_document_mut("fields") {
        Ok(fields) => {
            fields.insert(CHILDREN, children);
        }
        Err(_) => {
            document.insert("fields", bson::doc! { CHILDREN: Bson::Array(children) });
        }
    }
}
