//! Bundles that are contexts without saying so.

use std::sync::atomic::Ordering;

use uuid::Uuid;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::RuntimeError;

use super::BlockstoreRuntime;
use super::layout::STORE;
use super::links::ContextError;
use crate::database::{Access, Connection};
use crate::error::BlockstoreError;
use crate::rows;

impl BlockstoreRuntime {
    /// Makes a bundle the learning context of a key; it stays that until it is given another key by
    /// [`BlockstoreRuntime::rename_adopted`] or [`BlockstoreRuntime::disown`] is called. Nothing in the bundle changes.
    ///
    /// In a store that is open for reading, it stays so as long as the store is open.
    ///
    /// # Errors
    /// [`RuntimeError::UnsupportedKey`] for a key that no kind of learning context takes, whose kind is none that bundles
    /// are told, or that cannot be read back, [`RuntimeError::ContextExists`] where another bundle is that context,
    /// [`ContextError::IsAnother`] where the bundle itself says that it is another, [`ContextError::AdoptedAs`] where it
    /// was told so, [`BlockstoreError::BundleNotFound`].
    pub fn adopt(&self, key: &ContextKey, bundle: Uuid) -> Result<(), ContextError> {
        self.adopt_as(key, bundle, false)
    }

    /// Makes a bundle the learning context of a key, even where it was told that it is another, whose usages lead nowhere
    /// from then on.
    ///
    /// # Errors
    /// As [`BlockstoreRuntime::adopt`], but for [`ContextError::AdoptedAs`].
    pub fn rename_adopted(&self, key: &ContextKey, bundle: Uuid) -> Result<(), ContextError> {
        self.adopt_as(key, bundle, true)
    }

    fn adopt_as(&self, key: &ContextKey, bundle: Uuid, may_rename: bool) -> Result<(), ContextError> {
        let unsupported =
            |reason| RuntimeError::UnsupportedKey { key: key.to_string(), store: STORE, reason };
        let Some(kind) = self.contexts.kind_of(key) else {
            return Err(unsupported("no kind of learning context has such keys").into());
        };
        if self.contexts.read_key(&key.to_string()).as_ref() != Some(key) {
            return Err(unsupported("the key cannot be read back from its text").into());
        }
        if !kind.is_told() {
            return Err(
                unsupported("bundles of this kind say themselves what they are, in context.json").into()
            );
        }
        self.refresh_bundles()?;
        self.change_index(|db| self.adopt_in(db, key, bundle, may_rename))?;
        self.definitions.clear();
        Ok(())
    }

    /// Forgets which context a bundle was told to be.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`], and failures of the medium.
    pub fn disown(&self, bundle: Uuid) -> Result<(), ContextError> {
        self.change_index(|db| {
            let id = rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
            Ok::<_, ContextError>(self.tables(db).disown(id)?)
        })?;
        self.definitions.clear();
        Ok(())
    }

    /// Adopts the bundle that the kind of a context knows for it; says whether there is one.
    pub(super) fn adopt_known(&self, key: &ContextKey) -> Result<bool, RuntimeError> {
        let Some(kind) = self.contexts.kind_of(key) else { return Ok(false) };
        let Some(bundle) = kind.bundle(key, &self.store)? else { return Ok(false) };
        match self.rename_adopted(key, bundle) {
            Ok(()) => Ok(true),
            Err(ContextError::Runtime(error)) => Err(error),
            // The bundle is not here, or another context; then this one is not here.
            Err(_) => Ok(false),
        }
    }

    fn adopt_in(
        &self,
        db: &Connection,
        key: &ContextKey,
        bundle: Uuid,
        may_rename: bool,
    ) -> Result<(), ContextError> {
        let tables = self.tables(db);
        let id = rows::bundle_id(db, bundle)?.ok_or(BlockstoreError::BundleNotFound { uuid: bundle })?;
        let known = tables.context_of_bundle(id)?;
        let is_same = known.as_ref().is_some_and(|(context, _)| *context == key.to_string());
        match known {
            Some((_, true)) if is_same => return Ok(()),
            Some((context, true)) => return Err(ContextError::IsAnother { bundle, context }),
            Some((context, false)) if !is_same && !may_rename => {
                return Err(ContextError::AdoptedAs { bundle, context });
            }
            _ => {}
        }
        match tables.adopt(id, &key.to_string())? {
            true => Ok(()),
            false => Err(RuntimeError::ContextExists { key: key.clone() }.into()),
        }
    }

    /// Changes the index, or the one in memory where the store's own may not be written.
    fn change_index<T>(
        &self,
        job: impl Fn(&Connection) -> Result<T, ContextError>,
    ) -> Result<T, ContextError> {
        if self.store.db.access() == Access::ReadWrite {
            return self.store.db.write(|db| job(db));
        }
        if !self.in_memory.load(Ordering::Acquire) {
            self.index_in_memory()?;
            self.refresh_bundles()?;
        }
        self.store.db.write_temporary(|db| job(db))
    }
}
