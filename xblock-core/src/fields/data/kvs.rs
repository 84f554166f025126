//! Field data in a key-value store.
use std::borrow::Cow;
use std::sync::Arc;

use super::FieldData;
use crate::fields::ids::{BLOCK_FAMILY, ScopeIds, StateKey};
use crate::fields::kvs::{KeyValueStore, KvsError};
use crate::fields::spec::FieldSpec;
use crate::fields::value::Json;

/// Keeps field values in a key-value store, under the keys of their scopes.
#[derive(Clone)]
pub struct KvsFieldData {
    store: Arc<dyn KeyValueStore>,
    family: Cow<'static, str>,
}

impl KvsFieldData {
    /// Keeps the values of ordinary blocks in a store.
    #[must_use]
    pub fn new(store: Arc<dyn KeyValueStore>) -> Self {
        Self { store, family: Cow::Borrowed(BLOCK_FAMILY) }
    }

    /// Keeps the values of blocks of another family, such as asides.
    #[must_use]
    pub fn with_family(mut self, family: impl Into<Cow<'static, str>>) -> Self {
        self.family = family.into();
        self
    }

    fn key(&self, field: &FieldSpec, ids: &ScopeIds) -> StateKey {
        StateKey::new(field.scope, ids, field.name).with_family(self.family.clone())
    }
}

impl FieldData for KvsFieldData {
    fn get(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        self.store.get(&self.key(field, ids))
    }

    fn set_many(&self, values: &[(FieldSpec, Json)], ids: &ScopeIds) -> Result<(), KvsError> {
        let values: Vec<_> =
            values.iter().map(|(field, value)| (self.key(field, ids), value.clone())).collect();
        self.store.set_many(&values)
    }

    fn delete(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<(), KvsError> {
        self.store.delete(&self.key(field, ids))
    }

    fn default(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        self.store.default(&self.key(field, ids))
    }
}
