//! One branch as it was when it was opened: many reads, one look at the index.

use std::rc::Rc;
use std::sync::Arc;

use xblock_core::block::BlockType;
use xblock_core::fields::Json;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{BlockRecord, Branch, RuntimeError, VersionId};

use crate::documents::{BlockView, Structure};
use crate::fields::FieldCodec;
use crate::reader::block_key;
use crate::runtime::ModulestoreRuntime;

/// A branch of a course or library at one of its versions, which does not change while it is held.
///
/// Blocks are decoded when they are asked for, and of an outline only what is asked of each; definitions are read with the
/// blocks whose content is wanted.
pub struct BranchView<'r> {
    runtime: &'r ModulestoreRuntime,
    context: ContextKey,
    branch: Branch,
    structure: Arc<Structure>,
}

impl ModulestoreRuntime {
    /// Opens a branch as it is now.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::NoSuchBranch`]; [`RuntimeError::UnsupportedKey`] for courses of Old
    /// Mongo, which have no structures.
    pub fn view(&self, context: &ContextKey, branch: Branch) -> Result<BranchView<'_>, RuntimeError> {
        self.refuse_old_course(context)?;
        let structure = self.in_branch(context, branch, |_, structure| Ok(structure.clone()))?;
        Ok(BranchView { runtime: self, context: context.clone(), branch, structure })
    }
}

impl BranchView<'_> {
    /// Returns the version it is.
    #[must_use]
    pub fn version(&self) -> VersionId {
        self.structure.header().version()
    }

    /// Returns the number of blocks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.structure.len()
    }

    /// Says whether there is no block at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.structure.is_empty()
    }

    /// Reads one block with its content.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchUsage`], and the store's own.
    pub fn block(&self, usage: &UsageKey) -> Result<BlockRecord, RuntimeError> {
        let missing = || RuntimeError::NoSuchUsage { key: usage.clone(), branch: self.branch };
        if usage.context_key() != self.context {
            return Err(missing());
        }
        let key = block_key(usage).ok_or_else(missing)?;
        let view = self.structure.block(&key.block_type, &key.block_id).ok_or_else(missing)?;
        let docs = self.runtime.store.read()?;
        self.runtime.reader(&*docs, &self.context).record(usage, &view)
    }

    /// Walks the tree from the root, parents before their children. Children that do not exist are passed over.
    #[must_use]
    pub fn outline(&self) -> Outline<'_> {
        let root = self.structure.root();
        let root = self.structure.position(&root.block_type, &root.block_id);
        Outline {
            view: self,
            left: root.map(|at| (0, at)).into_iter().collect(),
            path: Vec::new(),
            on_path: vec![false; self.structure.len()],
            declared: Vec::new(),
        }
    }
}

/// A walk through the tree of a branch.
pub struct Outline<'v> {
    view: &'v BranchView<'v>,
    left: Vec<(usize, usize)>,
    path: Vec<usize>,
    on_path: Vec<bool>,
    /// The types met so far, as they are declared.
    declared: Vec<(&'v str, Rc<BlockType>)>,
}

/// A block of an outline. Nothing of it is decoded until it is asked for.
pub struct OutlineBlock<'v> {
    context: &'v ContextKey,
    declared: Rc<BlockType>,
    children: Vec<(&'v str, &'v str)>,
    block_type: &'v str,
    block_id: &'v str,
    depth: usize,
    view: BlockView<'v>,
}

impl<'v> Iterator for Outline<'v> {
    type Item = Result<OutlineBlock<'v>, RuntimeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (depth, at) = self.left.pop()?;
            for left in self.path.drain(depth.min(self.path.len())..) {
                self.on_path[left] = false;
            }
            // A block below itself is passed over: the tree would have no end.
            if self.on_path[at] {
                continue;
            }
            let structure = &self.view.structure;
            let Some((block_type, block_id, view)) = structure.at(at) else { continue };
            let children = match view.children() {
                Ok(children) => children,
                Err(error) => return Some(Err(error)),
            };
            let below =
                children.iter().rev().filter_map(|(block_type, id)| structure.position(block_type, id));
            self.left.extend(below.map(|child| (depth + 1, child)));
            self.path.push(at);
            self.on_path[at] = true;
            let declared = self.declared(block_type);
            let context = &self.view.context;
            return Some(Ok(OutlineBlock { context, declared, children, block_type, block_id, depth, view }));
        }
    }
}

impl<'v> Outline<'v> {
    fn declared(&mut self, block_type: &'v str) -> Rc<BlockType> {
        if let Some((_, declared)) = self.declared.iter().find(|(known, _)| *known == block_type) {
            return declared.clone();
        }
        let declared = Rc::new(self.view.runtime.registry.block_type(block_type));
        self.declared.push((block_type, declared.clone()));
        declared
    }
}

impl OutlineBlock<'_> {
    /// Returns how many blocks stand above it.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Returns its type.
    #[must_use]
    pub fn block_type(&self) -> &str {
        self.block_type
    }

    /// Returns its key.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where its type and id make no key.
    pub fn usage(&self) -> Result<UsageKey, RuntimeError> {
        self.key(self.block_type, self.block_id)
    }

    /// Returns the keys of its children, also of those that do not exist.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where they make no keys.
    pub fn children(&self) -> Result<Vec<UsageKey>, RuntimeError> {
        self.children.iter().map(|(block_type, id)| self.key(block_type, id)).collect()
    }

    /// Returns a setting that was set on it.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where it cannot be read.
    pub fn setting(&self, name: &str) -> Result<Option<Json>, RuntimeError> {
        let Some(fields) = self.view.fields()? else { return Ok(None) };
        let value = fields.get(name).map_err(|error| crate::documents::corrupt(self.view.place(), error))?;
        let codec = FieldCodec::new(&self.declared, Some(self.context));
        value.map(|value| codec.one(name, value, self.view.place())).transpose()
    }

    fn key(&self, block_type: &str, block_id: &str) -> Result<UsageKey, RuntimeError> {
        self.context
            .make_usage_key(block_type, block_id)
            .map_err(|error| crate::documents::corrupt(self.view.place(), error))
    }
}
