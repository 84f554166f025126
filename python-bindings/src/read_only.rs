//! Learner state of a store that was opened only to be read.

use std::sync::Arc;

use xblock_core::fields::{Json, KeyValueStore, KvsError, StateKey};
use xblock_core::runtime::RuntimeError;

/// Reads values and refuses to write any. A request that changes nothing is answered as ever.
pub(crate) struct ReadOnlyState(pub(crate) Arc<dyn KeyValueStore>);

fn refused() -> KvsError {
    KvsError::Backend { source: Box::new(RuntimeError::ReadOnly) }
}

/// Says whether an error is, or was caused by, the refusal to write.
pub(crate) fn is_refusal(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(|error| matches!(error.downcast_ref(), Some(RuntimeError::ReadOnly)))
}

impl KeyValueStore for ReadOnlyState {
    fn get(&self, key: &StateKey) -> Result<Option<Json>, KvsError> {
        self.0.get(key)
    }

    fn set_many(&self, values: &[(StateKey, Json)]) -> Result<(), KvsError> {
        if values.is_empty() { Ok(()) } else { Err(refused()) }
    }

    fn set_many_if_unchanged(
        &self,
        _: &[(StateKey, Option<Json>)],
        values: &[(StateKey, Json)],
    ) -> Result<(), KvsError> {
        self.set_many(values)
    }

    fn delete(&self, _: &StateKey) -> Result<(), KvsError> {
        Err(refused())
    }

    fn default(&self, key: &StateKey) -> Result<Option<Json>, KvsError> {
        self.0.default(key)
    }
}
