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

    /// Shows the value a field has here, without a copy where it can: the stored one, else the default for it, which the
    /// two structural fields never have. Tells whether there is one; at most one value is shown.
    ///
    /// # Errors
    /// As [`get`](Self::get) and [`default`](Self::default).
    fn show(&self, field: &FieldSpec, ids: &ScopeIds, show: &mut dyn FnMut(&Json)) -> Result<bool, KvsError> {
        let value = match self.get(field, ids)? {
            None if !field.is_structural() => self.default(field, ids)?,
            value => value,
        };
        value.iter().for_each(show);
        Ok(value.is_some())
    }

    /// Tells whether a value is set; a set null is.
    ///
    /// # Errors
    /// A [`KvsError`] when the scope is not kept here or a store failed.
    fn has(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<bool, KvsError> {
        self.get(field, ids).map(|value| value.is_some())
    }
}
