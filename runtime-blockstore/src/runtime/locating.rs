//! Where the definition of a usage lies: in a file of its own, under another name, in another bundle, or nowhere because the
//! block is made up.

use std::sync::Arc;

use xblock_core::keys::{BundleDefinitionKey, BundleState, DefinitionKey, UsageKey};
use xblock_core::olx::definition_type;
use xblock_core::runtime::{BlockData, Branch, EditInfo, IncludeProblem, RuntimeError};

use super::BlockstoreRuntime;
use super::definitions::Source;
use super::included::Pinned;
use super::layout::STORE;
use super::tables::{StateRow, UsageRow};
use super::view::View;
use crate::context::folders;
use crate::digest::Digest;

/// Where the definition of a usage lies.
pub(super) enum Located {
    /// In the file its id names.
    Own(UsageRow),
    /// In the file another id names, in the same state.
    Alias(UsageKey, UsageRow),
    /// In a state that a link is pinned to.
    Pinned { pinned: Pinned, path: String, hash: Digest, size: u64, edit_info: EditInfo },
    /// Nowhere: it is the root of a context that has none.
    MadeUp,
}

impl BlockstoreRuntime {
    /// Finds the definition of a usage; none where the branch has no such block.
    ///
    /// # Errors
    /// [`RuntimeError::BrokenInclude`] where a definition names it that is not there.
    pub(super) fn locate(
        &self,
        view: &View<'_>,
        state: &StateRow,
        usage: &UsageKey,
    ) -> Result<Option<Located>, RuntimeError> {
        let (block_type, id) = (usage.block_type(), usage.block_id());
        if let Some(row) = view.tables.usage(state.id, block_type, id)? {
            return Ok(Some(Located::Own(row)));
        }
        let Some(row) = view.tables.included(state.id, block_type, id)? else {
            let is_made_up = !view.conventions.is_declared && view.root()? == *usage;
            return Ok(is_made_up.then_some(Located::MadeUp));
        };
        if let Some(problem) = row.problem {
            return Err(RuntimeError::BrokenInclude { usage: usage.clone(), problem: Box::new(problem) });
        }
        if let (Some(pinned), Some((hash, size))) = (row.pinned, row.file) {
            let (path, edit_info) = (row.path, row.edit_info);
            return Ok(Some(Located::Pinned { pinned, path, hash, size, edit_info }));
        }
        let own = match view.conventions.block_at(&row.path) {
            Some((own_type, own_id)) => view
                .tables
                .usage(state.id, &own_type, &own_id)?
                .map(|found| view.usage(&own_type, &own_id).map(|usage| Located::Alias(usage, found)))
                .transpose()?,
            None => None,
        };
        match own {
            Some(own) => Ok(Some(own)),
            None => Err(RuntimeError::BrokenInclude {
                usage: usage.clone(),
                problem: Box::new(IncludeProblem::NoDefinition {
                    bundle: view.row.bundle.to_string(),
                    version: view.row.latest.map_or(0, |(number, _)| number),
                    path: row.path,
                }),
            }),
        }
    }

    /// Reads what was located.
    pub(super) fn read_located(
        &self,
        view: &View<'_>,
        state: &StateRow,
        source: Source,
        usage: &UsageKey,
        located: &Located,
    ) -> Result<Arc<BlockData>, RuntimeError> {
        match located {
            Located::Own(row) => self.read_block(&view.reader(source), usage, row.hash, row.size),
            Located::Alias(own, row) => {
                let path = view.conventions.path(own.block_type(), own.block_id());
                let reader = view.reader(source);
                self.read_at(&reader, usage, &path, row.hash, row.size).map(|parsed| parsed.data)
            }
            Located::Pinned { pinned, path, hash, size, .. } => {
                let reader = view.reader(Source { bundle: pinned.bundle, draft: None });
                self.read_at(&reader, usage, path, *hash, *size).map(|parsed| parsed.data)
            }
            Located::MadeUp => view.made_up_root(state.id).map(Arc::new),
        }
    }

    /// Returns the key of the definition of what was located in a branch.
    pub(super) fn definition_key(
        &self,
        view: &View<'_>,
        branch: Branch,
        usage: &UsageKey,
        located: &Located,
    ) -> Result<DefinitionKey, RuntimeError> {
        let own = match located {
            Located::Own(_) | Located::MadeUp => usage,
            Located::Alias(own, _) => own,
            Located::Pinned { pinned, path, .. } => {
                // A type that a definition key cannot hold stands there as it does in the path.
                let block_type = folders(path).map_or(usage.block_type(), |(block_type, _)| block_type);
                let state = BundleState::Version(pinned.version);
                return BundleDefinitionKey::new(pinned.bundle, &state, block_type, path)
                    .map(Into::into)
                    .map_err(|_| unsupported(usage));
            }
        };
        definition_key(view, own, branch)
    }
}

fn unsupported(usage: &UsageKey) -> RuntimeError {
    RuntimeError::UnsupportedKey {
        key: usage.to_string(),
        store: STORE,
        reason: "its type or id cannot stand in a definition key",
    }
}

/// Returns the key of a block's own definition in a branch.
pub(super) fn definition_key(
    view: &View<'_>,
    usage: &UsageKey,
    branch: Branch,
) -> Result<DefinitionKey, RuntimeError> {
    let state = match (branch, view.row.latest) {
        (Branch::Published, Some((number, _))) => BundleState::Version(number),
        _ => BundleState::Draft(view.conventions.kind.draft()),
    };
    let path = view.conventions.path(usage.block_type(), usage.block_id());
    let block_type = definition_type(usage.block_type());
    BundleDefinitionKey::new(view.row.bundle, &state, &block_type, &path)
        .map(Into::into)
        .map_err(|_| unsupported(usage))
}
