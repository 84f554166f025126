//! The draft of a context that is stale: looked at, laid on the latest version, dropped.

use uuid::Uuid;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, RuntimeError};

use super::BlockstoreRuntime;
use super::links::ContextError;
use crate::store::{DraftStanding, OnStale};

impl BlockstoreRuntime {
    /// Says how the draft of a context stands to its latest version; nothing where there is no draft.
    ///
    /// # Errors
    /// [`RuntimeError::NoSuchContext`], and damage.
    pub fn draft_standing(&self, key: &ContextKey) -> Result<Option<DraftStanding>, ContextError> {
        let Some(draft) = self.draft_of(key)? else { return Ok(None) };
        Ok(Some(self.store.draft_standing(draft)?))
    }

    /// Lays a stale draft of a context on the latest version ([`Blockstore::rebase_draft`](crate::Blockstore::rebase_draft)).
    ///
    /// # Errors
    /// As [`BlockstoreRuntime::draft_standing`], and [`BlockstoreError::StaleDraft`](crate::BlockstoreError::StaleDraft) where
    /// both changed the same and nothing was said of that.
    pub fn rebase_draft(
        &self,
        key: &ContextKey,
        on_stale: OnStale,
    ) -> Result<Option<DraftStanding>, ContextError> {
        let Some(draft) = self.draft_of(key)? else { return Ok(None) };
        Ok(Some(self.store.rebase_draft(draft, on_stale)?))
    }

    /// Drops all that the draft of a context changes and lays it on the latest version.
    ///
    /// # Errors
    /// As [`BlockstoreRuntime::draft_standing`].
    pub fn reset_draft(&self, key: &ContextKey) -> Result<Option<DraftStanding>, ContextError> {
        let Some(draft) = self.draft_of(key)? else { return Ok(None) };
        Ok(Some(self.store.reset_draft(draft)?))
    }

    fn draft_of(&self, key: &ContextKey) -> Result<Option<Uuid>, RuntimeError> {
        let branches: [Branch; 0] = [];
        self.look(key, &branches, |view| Ok(view.row.draft))
    }
}
