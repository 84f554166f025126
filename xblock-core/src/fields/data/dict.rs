//! Field data of one block in a mapping by field name.
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Map;

use super::FieldData;
use crate::fields::ids::ScopeIds;
use crate::fields::kvs::KvsError;
use crate::fields::spec::FieldSpec;
use crate::fields::value::Json;

/// Keeps the values of one block by field name alone, copied in and out.
#[derive(Debug, Default)]
pub struct DictFieldData {
    values: Mutex<Map<String, Json>>,
}

impl DictFieldData {
    /// Starts with these values.
    #[must_use]
    pub fn new(values: Map<String, Json>) -> Self {
        Self { values: Mutex::new(values) }
    }

    /// Returns all values.
    #[must_use]
    pub fn snapshot(&self) -> Map<String, Json> {
        self.values().clone()
    }

    fn values(&self) -> MutexGuard<'_, Map<String, Json>> {
        // No code between lock and unlock panics with the map half changed.
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FieldData for DictFieldData {
    fn get(&self, field: &FieldSpec, _ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        Ok(self.values().get(field.name).cloned())
    }

    fn set_many(&self, values: &[(FieldSpec, Json)], _ids: &ScopeIds) -> Result<(), KvsError> {
        self.values().extend(values.iter().map(|(field, value)| (field.name.to_owned(), value.clone())));
        Ok(())
    }

    fn delete(&self, field: &FieldSpec, _ids: &ScopeIds) -> Result<(), KvsError> {
        self.values().shift_remove(field.name);
        Ok(())
    }

    fn default(&self, _field: &FieldSpec, _ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        Ok(None)
    }
}
