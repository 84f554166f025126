//! Field data that asks a Python block for its values.

use std::sync::Arc;

use xblock_core::fields::{FieldData, FieldSpec, Json, KvsError, ScopeIds};

use super::surroundings::Surroundings;

/// Reads every field from the Python block, which knows defaults, inheritance and the learner's state.
///
/// Nothing is written here: what the native block changed goes back to Python as a list.
pub(crate) struct PythonFieldData(pub(crate) Arc<Surroundings>);

impl FieldData for PythonFieldData {
    fn get(&self, field: &FieldSpec, _: &ScopeIds) -> Result<Option<Json>, KvsError> {
        let text: Option<String> = self
            .0
            .call("field", &[field.name])
            .map_err(|error| KvsError::Backend { source: Box::new(error) })?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| KvsError::Backend { source: Box::new(error) })
    }

    fn set_many(&self, values: &[(FieldSpec, Json)], _: &ScopeIds) -> Result<(), KvsError> {
        match values.first() {
            Some((field, _)) => {
                Err(KvsError::InvalidScope { field: field.name.to_owned(), scope: field.scope })
            }
            None => Ok(()),
        }
    }

    fn delete(&self, field: &FieldSpec, _: &ScopeIds) -> Result<(), KvsError> {
        Err(KvsError::InvalidScope { field: field.name.to_owned(), scope: field.scope })
    }

    fn default(&self, _: &FieldSpec, _: &ScopeIds) -> Result<Option<Json>, KvsError> {
        Ok(None)
    }
}
