//! Where a block's values come from and go to: field data, and ways to combine it.
mod dict;
mod inheriting;
mod kvs;
mod read_only;
mod split;

use super::ids::ScopeIds;
use super::kvs::KvsError;
use super::spec::FieldSpec;
use super::value::Json;

pub use dict::DictFieldData;
pub(crate) use inheriting::inherited;
pub use inheriting::{Ancestors, InheritingFieldData};
pub use kvs::KvsFieldData;
pub use read_only::ReadOnlyFieldData;
pub use split::SplitFieldData;

/// Keeps the field values of blocks.
pub trait FieldData: Send + Sync {
    /// Returns the stored value, or nothing when none is set; a set null is a value.
    ///
    /// # Errors
    /// A [`KvsError`] when the scope is not kept here or a store failed.
    fn get(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError>;

    /// Writes all values at once, so far as the stores can.
    ///
    /// # Errors
    /// [`KvsError::PartialWrite`] when some were written and others not; any other error means that none were.
    fn set_many(&self, values: &[(FieldSpec, Json)], ids: &ScopeIds) -> Result<(), KvsError>;

    /// Removes the value; none being set is fine.
    ///
    /// # Errors
    /// A [`KvsError`] when the scope is not kept here or a store failed.
    fn delete(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<(), KvsError>;

    /// Returns the value for a field that is not set, such as an inherited one; nothing leaves it to the field.
    ///
    /// # Errors
    /// A [`KvsError`] when the scope is not kept here or a store failed.
    fn default(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError>;

    /// Tells whether a value is set; a set null is.
    ///
    /// # Errors
    /// A [`KvsError`] when the scope is not kept here or a store failed.
    fn has(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<bool, KvsError> {
        self.get(field, ids).map(|value| value.is_some())
    }
}
