//! One branch as it was when it was opened: many reads, one look at the index.

use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use xblock_core::block::{BlockType, Registry};
use xblock_core::fields::Json;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{BlockRecord, Branch, RuntimeError, VersionId};

use crate::documents::{Child, Structure, UsageTable, corrupt, field_of};
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
    /// Looked for when first needed.
    usages: OnceLock<Arc<UsageTable>>,
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
        Ok(BranchView { runtime: self, context: context.clone(), branch, structure, usages: OnceLock::new() })
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
        let structure = &*self.structure;
        let root = structure.position(&structure.root().block_type, &structure.root().block_id);
        Outline {
            walked: Walked { registry: &self.runtime.registry, structure, usages: self.usages() },
            left: root.map(|at| (0, at)).into_iter().collect(),
            path: Vec::new(),
            on_path: vec![false; structure.len()],
            declared: Vec::new(),
        }
    }
}

impl<'r> BranchView<'r> {
    pub(crate) fn runtime(&self) -> &'r ModulestoreRuntime {
        self.runtime
    }

    pub(crate) fn structure(&self) -> &Structure {
        &self.structure
    }

    pub(crate) fn usages(&self) -> &Arc<UsageTable> {
        self.usages.get_or_init(|| self.structure.usages(&self.context))
    }
}

/// What the blocks of an outline share.
#[derive(Clone, Copy)]
struct Walked<'v> {
    registry: &'v Registry,
    structure: &'v Structure,
    usages: &'v UsageTable,
}

/// A walk through the tree of a branch.
pub struct Outline<'v> {
    walked: Walked<'v>,
    left: Vec<(usize, u32)>,
    path: Vec<u32>,
    on_path: Vec<bool>,
    /// The types met so far, as they are declared.
    declared: Vec<Option<Rc<BlockType>>>,
}

/// A block of an outline. Nothing of it is decoded until it is asked for.
pub struct OutlineBlock<'v> {
    walked: Walked<'v>,
    declared: Rc<BlockType>,
    at: u32,
    children: &'v [Child],
    depth: usize,
}

impl<'v> Iterator for Outline<'v> {
    type Item = Result<OutlineBlock<'v>, RuntimeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (depth, at) = self.left.pop()?;
            for left in self.path.drain(depth.min(self.path.len())..) {
                self.on_path[left as usize] = false;
            }
            // A block below itself is passed over: the tree would have no end.
            if self.on_path[at as usize] {
                continue;
            }
            let structure = self.walked.structure;
            let Some(children) = structure.children_at(at) else {
                // The block knows what is wrong with them.
                match structure.at(at).map(|view| view.children()) {
                    Some(Err(error)) => return Some(Err(error)),
                    _ => continue,
                }
            };
            self.left.extend(children.iter().rev().filter_map(|child| match child {
                Child::Block(at) => Some((depth + 1, *at)),
                Child::Missing(_) => None,
            }));
            self.path.push(at);
            self.on_path[at as usize] = true;
            let (walked, declared) = (self.walked, self.declared(at));
            return Some(Ok(OutlineBlock { walked, declared, at, children, depth }));
        }
    }
}

impl Outline<'_> {
    fn declared(&mut self, at: u32) -> Rc<BlockType> {
        let number = self.walked.structure.type_at(at);
        if let Some(Some(declared)) = self.declared.get(number) {
            return declared.clone();
        }
        let (block_type, _) = self.walked.structure.key_at(at);
        let declared = Rc::new(self.walked.registry.block_type(block_type));
        if self.declared.len() <= number {
            self.declared.resize(number + 1, None);
        }
        self.declared[number] = Some(declared.clone());
        declared
    }
}

impl<'v> OutlineBlock<'v> {
    /// Returns how many blocks stand above it.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Returns its type.
    #[must_use]
    pub fn block_type(&self) -> &'v str {
        self.walked.structure.key_at(self.at).0
    }

    /// Returns its key.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where its type and id make no key.
    pub fn usage(&self) -> Result<&'v UsageKey, RuntimeError> {
        self.key(Child::Block(self.at))
    }

    /// Returns the keys of its children, also of those that do not exist. One is [`RuntimeError::Corrupt`] where type and
    /// id make no key.
    pub fn children(&self) -> impl ExactSizeIterator<Item = Result<&'v UsageKey, RuntimeError>> {
        let Walked { structure, usages, .. } = self.walked;
        self.children.iter().map(move |child| usages.key(structure, *child))
    }

    /// Returns a setting that was set on it.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where it cannot be read.
    pub fn setting(&self, name: &str) -> Result<Option<Json>, RuntimeError> {
        let Walked { structure, usages, .. } = self.walked;
        // The rest of the block need not even come into the processor's caches.
        let value = match structure.fields_at(self.at) {
            Some(fields) => {
                field_of(fields, name).map_err(|error| corrupt(structure.place_of(self.at), error))?
            }
            None => match structure.at(self.at) {
                Some(view) => view.field(name)?,
                None => None,
            },
        };
        let Some(value) = value else { return Ok(None) };
        let codec = FieldCodec::new(&self.declared, Some(usages.context()));
        codec.one(name, value, structure.place_of(self.at)).map(Some)
    }

    fn key(&self, child: Child) -> Result<&'v UsageKey, RuntimeError> {
        self.walked.usages.key(self.walked.structure, child)
    }
}
