//! Field data that may be read and not written.
use std::sync::Arc;

use super::FieldData;
use crate::fields::ids::ScopeIds;
use crate::fields::kvs::KvsError;
use crate::fields::spec::FieldSpec;
use crate::fields::value::Json;

/// Passes reads on and refuses writes with [`KvsError::InvalidScope`].
#[derive(Clone)]
pub struct ReadOnlyFieldData {
    source: Arc<dyn FieldData>,
}

impl ReadOnlyFieldData {
    /// Reads from this field data.
    #[must_use]
    pub fn new(source: Arc<dyn FieldData>) -> Self {
        Self { source }
    }
}

fn refusal(field: &FieldSpec) -> KvsError {
    KvsError::InvalidScope { field: field.name.to_owned(), scope: field.scope }
}

impl FieldData for ReadOnlyFieldData {
    fn get(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        self.source.get(field, ids)
    }

    fn set_many(&self, values: &[(FieldSpec, Json)], _ids: &ScopeIds) -> Result<(), KvsError> {
        values.first().map_or(Ok(()), |(field, _)| Err(refusal(field)))
    }

    fn delete(&self, field: &FieldSpec, _ids: &ScopeIds) -> Result<(), KvsError> {
        Err(refusal(field))
    }

    fn default(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        self.source.default(field, ids)
    }
}
