//! The operations as calls on the runtime.

use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Branch, Commit, Runtime, RuntimeError};

use super::bulk::{Bulk, BulkOptions};
use super::{orphans, rerun};
use crate::attempts::Attempts;
use crate::documents::MANAGEMENT_COMMAND;
use crate::runtime::{ModulestoreRuntime, in_milliseconds};
use crate::store::Outcome;

impl ModulestoreRuntime {
    /// Carries any number of operations on one context out as one new version of each branch they change, or none of them.
    ///
    /// They are called again where another writer came first and no base was given, for as long as the store has patience.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::Conflict`] where the draft is no longer at the given base,
    /// [`RuntimeError::ReadOnly`], and whatever the operations meet.
    pub fn bulk<T>(
        &self,
        context: &ContextKey,
        options: &BulkOptions,
        mut act: impl FnMut(&mut Bulk<'_>) -> Result<T, RuntimeError>,
    ) -> Result<(T, Commit), RuntimeError> {
        self.refuse_old_course(context)?;
        let mut attempts = Attempts::begin(self.store.patience());
        loop {
            let docs = self.store.write()?;
            let now = in_milliseconds(self.clock.now());
            let reader = self.reader(&*docs, context);
            let tried = reader.tried()?;
            let mut bulk = Bulk::begin(&*docs, reader, options, now)?;
            let answer = act(&mut bulk)?;
            let (commit, structures) = bulk.finish()?;
            if docs.commit()? == Outcome::Overtaken {
                if attempts.again(tried) {
                    continue;
                }
                break;
            }
            for structure in structures {
                self.structures.insert(structure.id(), structure);
            }
            return Ok((answer, commit));
        }
        let head = self.context(context)?.draft.version;
        Err(attempts.conflict(context.clone(), options.base.clone(), head))
    }

    /// Makes a context that begins as another is, in both branches, with copies of its static files.
    ///
    /// Its blocks cost one document, however many there are: structures are shared until one side is edited.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], [`RuntimeError::ContextExists`] with the key that is there, also where it differs in
    /// case only, [`RuntimeError::UnsupportedKey`],
    /// [`RuntimeError::ReadOnly`], and the store's own.
    pub fn rerun(
        &self,
        source: &ContextKey,
        target: &ContextKey,
        author: Option<i64>,
    ) -> Result<Commit, RuntimeError> {
        self.refuse_old_course(source)?;
        if self.old_course(target)?.is_some() {
            return Err(RuntimeError::ContextExists { key: target.clone() });
        }
        let docs = self.store.write()?;
        let now = in_milliseconds(self.clock.now());
        let (from, to) = (self.reader(&*docs, source), self.reader(&*docs, target));
        let commit = rerun::rerun(&*docs, from, to, author.or(Some(MANAGEMENT_COMMAND)), now)?;
        match docs.commit()? {
            Outcome::Kept => Ok(commit),
            Outcome::Overtaken => Err(RuntimeError::ContextExists { key: target.clone() }),
        }
    }

    /// Lists the blocks of a branch that nothing leads to, in key order; pages and other blocks that stand beside the tree
    /// are none.
    ///
    /// # Errors
    /// As [`usages`](xblock_core::runtime::Runtime::usages).
    pub fn orphans(&self, context: &ContextKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        self.refuse_old_course(context)?;
        self.in_branch(context, branch, |reader, structure| {
            let place = format!("structure {}", structure.id());
            let found = orphans(structure)?;
            let mut usages = found
                .into_iter()
                .map(|(block_type, block_id)| reader.usage(block_type, block_id, &place))
                .collect::<Result<Vec<_>, _>>()?;
            usages.sort();
            Ok(usages)
        })
    }

    pub(crate) fn refuse_old_course(&self, context: &ContextKey) -> Result<(), RuntimeError> {
        if self.old_course(context)?.is_none() {
            return Ok(());
        }
        Err(RuntimeError::UnsupportedKey {
            key: context.to_string(),
            store: "Old Mongo",
            reason: "its courses are only read; `courseware publish` moves them to another store, where they can be changed",
        })
    }
}
