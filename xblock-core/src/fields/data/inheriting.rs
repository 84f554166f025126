//! Field data whose unset inheritable settings come from the nearest ancestor that has them.
use std::sync::Arc;

use super::FieldData;
use crate::fields::declared::is_inheritable;
use crate::fields::ids::ScopeIds;
use crate::fields::kvs::KvsError;
use crate::fields::spec::FieldSpec;
use crate::fields::value::Json;

/// Finds the ancestors of a block.
///
/// A closure from ids to the ids of all ancestors, nearest first, is one.
pub trait Ancestors: Send + Sync {
    /// Returns the ids of the ancestors, nearest first.
    ///
    /// # Errors
    /// A [`KvsError`] when the tree cannot be read.
    fn ancestors(&self, ids: &ScopeIds) -> Result<Vec<ScopeIds>, KvsError>;
}

impl<F> Ancestors for F
where
    F: Fn(&ScopeIds) -> Result<Vec<ScopeIds>, KvsError> + Send + Sync,
{
    fn ancestors(&self, ids: &ScopeIds) -> Result<Vec<ScopeIds>, KvsError> {
        self(ids)
    }
}

/// Passes everything on, except that an unset inheritable field takes the value of its nearest ancestor.
///
/// An ancestor counts when the value is set on it, be it null. The value is read through the field of the block that
/// inherits it. A child of `library_content` takes the store's own default for the name first, because such children
/// are copies whose original settings the store keeps as defaults.
#[derive(Clone)]
pub struct InheritingFieldData {
    source: Arc<dyn FieldData>,
    ancestors: Arc<dyn Ancestors>,
}

impl InheritingFieldData {
    /// Inherits through these ancestors the values of this field data.
    #[must_use]
    pub fn new(source: Arc<dyn FieldData>, ancestors: Arc<dyn Ancestors>) -> Self {
        Self { source, ancestors }
    }
}

impl FieldData for InheritingFieldData {
    fn get(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        self.source.get(field, ids)
    }

    fn set_many(&self, values: &[(FieldSpec, Json)], ids: &ScopeIds) -> Result<(), KvsError> {
        self.source.set_many(values, ids)
    }

    fn delete(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<(), KvsError> {
        self.source.delete(field, ids)
    }

    fn default(&self, field: &FieldSpec, ids: &ScopeIds) -> Result<Option<Json>, KvsError> {
        if !is_inheritable(field.name) {
            return self.source.default(field, ids);
        }
        let ancestors = self.ancestors.ancestors(ids)?;
        inherited(
            ancestors.first().map(|parent| &*parent.block_type),
            || self.source.default(field, ids),
            ancestors.iter().map(|ancestor| self.source.get(field, ancestor)),
        )
    }
}

/// Says what an unset inheritable field inherits: given the type of the parent, the store's own default, and what is set on
/// the ancestors, nearest first.
pub(crate) fn inherited<T>(
    parent_type: Option<&str>,
    own_default: impl Fn() -> Result<Option<T>, KvsError>,
    above: impl Iterator<Item = Result<Option<T>, KvsError>>,
) -> Result<Option<T>, KvsError> {
    if parent_type == Some("library_content")
        && let Some(own) = own_default()?
    {
        return Ok(Some(own));
    }
    for set in above {
        if let Some(value) = set? {
            return Ok(Some(value));
        }
    }
    own_default()
}
