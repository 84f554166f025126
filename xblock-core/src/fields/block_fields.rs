//! The fields of one loaded block: what was read, what was changed, what is to be saved.
use std::sync::Arc;

use serde_json::Map;
use thiserror::Error;

use super::conversion::Conversion;
use super::data::FieldData;
use super::error::FieldError;
use super::held::{Held, Values};
use super::ids::ScopeIds;
use super::kvs::KvsError;
use super::scope::Scope;
use super::spec::FieldSpec;
use super::table::FieldTable;
use super::value::{Json, Value};

/// Lists declarations of fields, fixed in the program or made while it runs.
#[derive(Debug, Clone)]
pub enum FieldList {
    /// A constant list.
    Static(&'static [FieldSpec]),
    /// A shared list.
    Shared(Arc<[FieldSpec]>),
}

impl FieldList {
    /// Returns the declarations.
    #[must_use]
    pub fn as_slice(&self) -> &[FieldSpec] {
        match self {
            Self::Static(specs) => specs,
            Self::Shared(specs) => specs,
        }
    }
}

impl From<&'static [FieldSpec]> for FieldList {
    fn from(specs: &'static [FieldSpec]) -> Self {
        Self::Static(specs)
    }
}

impl From<Arc<[FieldSpec]>> for FieldList {
    fn from(specs: Arc<[FieldSpec]>) -> Self {
        Self::Shared(specs)
    }
}

/// Reports what could not be done with a block's fields.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlockFieldsError {
    /// The block has no field of this name.
    #[error("the block has no field `{field}`")]
    NoSuchField {
        /// The name.
        field: String,
    },
    /// The field was never read or set on this instance, so there is nothing to save.
    #[error("field `{field}` was neither read nor set, so it cannot be saved")]
    NothingToSave {
        /// The name.
        field: String,
    },
    /// A value is none of its field.
    #[error("field `{field}`: {source}")]
    Conversion {
        /// The name.
        field: String,
        /// Why.
        source: FieldError,
    },
    /// Only some fields were saved; those are clean now, the others still to be saved.
    #[error("saved {saved:?} but not {dirty:?}: {source}")]
    Save {
        /// The fields that were saved.
        saved: Vec<String>,
        /// The fields that were not.
        dirty: Vec<String>,
        /// Why.
        source: KvsError,
    },
    /// The field data failed.
    #[error(transparent)]
    Store(#[from] KvsError),
}

/// Holds the fields of one loaded block.
///
/// Values are read once and cached, defaults included; values that are set stay here until [`save`](Self::save) writes
/// all changed ones in one go. Mutable values are compared with what they were when read, so a value changed and
/// changed back is not written. All methods take `&self`; one lock guards the block's values, but a value that was
/// read before and never changed is read without it.
pub struct BlockFields {
    table: Arc<FieldTable>,
    data: Arc<dyn FieldData>,
    ids: ScopeIds,
    conversion: Conversion,
    values: Values,
}

impl BlockFields {
    /// Loads nothing yet: fields are read when asked for. A later declaration of a name replaces an earlier one, in the
    /// earlier one's place.
    pub fn new<L: Into<FieldList>>(
        lists: impl IntoIterator<Item = L>,
        data: Arc<dyn FieldData>,
        ids: ScopeIds,
    ) -> Self {
        let lists: Vec<FieldList> = lists.into_iter().map(Into::into).collect();
        let specs = lists.iter().flat_map(|list| list.as_slice().iter().copied());
        Self::of(Arc::new(FieldTable::new(specs)), data, ids)
    }

    /// Loads nothing yet, of a block type whose fields are already collected.
    #[must_use]
    pub fn of(table: Arc<FieldTable>, data: Arc<dyn FieldData>, ids: ScopeIds) -> Self {
        let values = Values::new(table.specs().len());
        Self { table, data, ids, conversion: Conversion::default(), values }
    }

    /// Reads and converts values with this context.
    #[must_use]
    pub const fn with_conversion(mut self, conversion: Conversion) -> Self {
        self.conversion = conversion;
        self
    }

    /// Returns the ids of the block.
    #[must_use]
    pub const fn ids(&self) -> &ScopeIds {
        &self.ids
    }

    /// Returns the field data values come from and go to.
    #[must_use]
    pub const fn data(&self) -> &Arc<dyn FieldData> {
        &self.data
    }

    /// Returns the declarations in order.
    #[must_use]
    pub fn specs(&self) -> &[FieldSpec] {
        self.table.specs()
    }

    /// Returns the declaration of a field.
    #[must_use]
    pub fn spec(&self, name: &str) -> Option<&FieldSpec> {
        self.table.get(name)
    }

    /// Returns the native value: cached, else stored, else the default of the field data, else of the field.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when the stored value is none of the field; it is not cached then.
    pub fn get(&self, name: &str) -> Result<Value, BlockFieldsError> {
        self.view(name, Value::clone)
    }

    /// Reads the value where it is, without a copy.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn view<T>(&self, name: &str, read: impl FnOnce(&Value) -> T) -> Result<T, BlockFieldsError> {
        let index = self.index(name)?;
        if let Some(value) = self.values.settled(index) {
            return Ok(read(value));
        }
        self.first_read(index).map(|value| read(&value))
    }

    /// Reads a value for the first time, or one that was changed.
    fn first_read(&self, index: usize) -> Result<Value, BlockFieldsError> {
        let mut held = self.values.hold();
        self.read(&mut held, index)?;
        let value = held.current(index).cloned().unwrap_or_default();
        let spec = self.at(index);
        if !spec.kind.is_text() || !matches!(value, Value::Str(_) | Value::Bytes(_)) {
            held.settle(index);
            return Ok(value);
        }
        let clean = spec.kind.sanitize(value.clone()).map_err(|source| conversion(spec.name, source))?;
        if let (Value::Str(clean), Value::Str(value)) = (&clean, &value)
            && Arc::ptr_eq(clean, value)
        {
            held.settle(index);
        }
        Ok(clean)
    }

    /// Changes the value in place, as Python code does with a list or mapping it read.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn update<T>(&self, name: &str, change: impl FnOnce(&mut Value) -> T) -> Result<T, BlockFieldsError> {
        let index = self.index(name)?;
        let mut held = self.values.hold();
        self.read(&mut held, index)?;
        let is_mutable = self.at(index).kind.is_mutable();
        let before = if is_mutable { None } else { held.current(index).cloned() };
        let result = change(held.current_mut(index));
        // A type whose values cannot change in place is not watched by reading; changing it is setting it.
        if before.is_some() && before.as_ref() != held.current(index) {
            held.track_set(index);
        }
        Ok(result)
    }

    /// Sets the value without writing it. A value equal to the cached one changes nothing.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when the field enforces its type and the value is none of it.
    pub fn set(&self, name: &str, value: impl Into<Value>) -> Result<(), BlockFieldsError> {
        let index = self.index(name)?;
        let value = self
            .at(index)
            .check(value.into(), &self.conversion)
            .map_err(|source| conversion(name, source))?;
        let mut held = self.values.hold();
        if held.current(index) != Some(&value) {
            held.track_set(index);
            held.put(index, value);
        }
        Ok(())
    }

    /// Removes the value from the store at once, and caches the default.
    ///
    /// # Errors
    /// [`BlockFieldsError::Store`] when the store failed.
    pub fn delete(&self, name: &str) -> Result<(), BlockFieldsError> {
        let index = self.index(name)?;
        let mut held = self.values.hold();
        self.data.delete(self.at(index), &self.ids)?;
        held.forget(index);
        let default = self.default_of(index)?;
        held.put(index, default);
        Ok(())
    }

    /// Tells whether the field has a value of its own: changed here, or stored (a stored null counts).
    ///
    /// # Errors
    /// [`BlockFieldsError::Store`] when the store failed.
    pub fn is_set_on(&self, name: &str) -> Result<bool, BlockFieldsError> {
        let index = self.index(name)?;
        self.is_set(&self.values.hold(), index)
    }

    /// Returns the names of the fields [`save`](Self::save) would write, in the order they were first watched.
    #[must_use]
    pub fn dirty(&self) -> Vec<&'static str> {
        self.names(&self.values.hold().dirty())
    }

    /// Returns the names of the fields watched for changes, in the order watching began.
    #[must_use]
    pub fn tracked(&self) -> Vec<&'static str> {
        self.values.hold().tracked().map(|index| self.at(index).name).collect()
    }

    /// Returns what [`save`](Self::save) would write, without writing.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when a value cannot be stored.
    pub fn changes(&self) -> Result<Vec<(FieldSpec, Json)>, BlockFieldsError> {
        let held = self.values.hold();
        self.to_write(&held, &held.dirty())
    }

    /// Writes all changed fields in one go. Tells whether any field was watched at all: XBlock then tells the runtime
    /// that the block was saved, even when there was nothing to write.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when a value cannot be stored (nothing is written then), and
    /// [`BlockFieldsError::Save`] when the store wrote only some.
    pub fn save(&self) -> Result<bool, BlockFieldsError> {
        let mut held = self.values.hold();
        if held.tracked().next().is_none() {
            return Ok(false);
        }
        let dirty = held.dirty();
        if !dirty.is_empty() {
            self.write(&mut held, &dirty)?;
        }
        Ok(true)
    }

    /// Writes these fields even if unchanged.
    ///
    /// # Errors
    /// [`BlockFieldsError::NothingToSave`] for a field that was neither read nor set; otherwise as
    /// [`save`](Self::save).
    pub fn force_save_fields(&self, names: &[&str]) -> Result<(), BlockFieldsError> {
        let indexes = names.iter().map(|name| self.index(name)).collect::<Result<Vec<_>, _>>()?;
        self.write(&mut self.values.hold(), &indexes)
    }

    /// Takes the current values for saved, after a caller has written [`changes`](Self::changes) itself.
    pub fn mark_saved(&self) {
        let mut held = self.values.hold();
        let dirty = held.dirty();
        held.reset(&dirty);
    }

    /// Returns the values of the fields of a scope that are set, nulls included, in the order of the fields.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when a stored value is none of its field.
    pub fn explicitly_set_by_scope(&self, scope: Scope) -> Result<Map<String, Json>, BlockFieldsError> {
        let mut values = Map::new();
        for spec in self.specs().iter().filter(|spec| spec.scope == scope) {
            if self.is_set_on(spec.name)? {
                values.insert(spec.name.to_owned(), self.json(spec.name)?);
            }
        }
        Ok(values)
    }

    /// Returns the native default, without reading or caching anything.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when the declared default is none of the field.
    pub fn default_value(&self, name: &str) -> Result<Value, BlockFieldsError> {
        let spec = self.at(self.index(name)?);
        spec.default_value(&self.ids).map_err(|source| conversion(name, source))
    }

    /// Returns the value in its stored form.
    ///
    /// # Errors
    /// As [`get`](Self::get), and when the value cannot be stored.
    pub fn json(&self, name: &str) -> Result<Json, BlockFieldsError> {
        let value = self.get(name)?;
        self.at(self.index(name)?).to_json(&value).map_err(|source| conversion(name, source))
    }

    /// Sets the value from its stored form.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when the value is none of the field.
    pub fn set_json(&self, name: &str, json: &Json) -> Result<(), BlockFieldsError> {
        let kind = self.at(self.index(name)?).kind;
        let value =
            kind.load(Value::from(json), &self.conversion).map_err(|source| conversion(name, source))?;
        self.set(name, value)
    }

    /// Returns the text of a field; empty when it holds none.
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`BlockFieldsError::Conversion`] when the value is no text.
    pub fn str(&self, name: &str) -> Result<Arc<str>, BlockFieldsError> {
        self.view(name, |value| match value {
            Value::Str(text) => Ok(text.clone()),
            Value::None => Ok("".into()),
            other => Err(unexpected(name, "a text", other)),
        })?
    }

    /// Returns whether the value counts as true.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn bool(&self, name: &str) -> Result<bool, BlockFieldsError> {
        self.view(name, Value::is_truthy)
    }

    /// Returns the integer of a field, if it holds one.
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`BlockFieldsError::Conversion`] when the value is no integer of 64 bits.
    pub fn int(&self, name: &str) -> Result<Option<i64>, BlockFieldsError> {
        self.view(name, |value| match value {
            Value::None => Ok(None),
            value => value.as_int().map(Some).ok_or_else(|| unexpected(name, "an integer", value)),
        })?
    }

    /// Returns the number of a field, if it holds one.
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`BlockFieldsError::Conversion`] when the value is no number.
    pub fn float(&self, name: &str) -> Result<Option<f64>, BlockFieldsError> {
        self.view(name, |value| match value {
            Value::None => Ok(None),
            value => value.as_float().map(Some).ok_or_else(|| unexpected(name, "a number", value)),
        })?
    }

    fn index(&self, name: &str) -> Result<usize, BlockFieldsError> {
        self.table.position(name).ok_or_else(|| BlockFieldsError::NoSuchField { field: name.to_owned() })
    }

    fn at(&self, index: usize) -> &FieldSpec {
        &self.table.specs()[index]
    }

    fn names(&self, indexes: &[usize]) -> Vec<&'static str> {
        indexes.iter().map(|&index| self.at(index).name).collect()
    }

    /// Fills the cache, and begins to watch a field whose values can change in place.
    fn read(&self, held: &mut Held<'_>, index: usize) -> Result<(), BlockFieldsError> {
        let spec = self.at(index);
        if held.current(index).is_none() {
            let mut value = None;
            self.data.show(spec, &self.ids, &mut |json| value = Some(self.load(spec, json)))?;
            held.fill(index, value.unwrap_or_else(|| self.declared(spec))?);
        }
        if spec.kind.is_mutable() {
            held.track_read(index);
        }
        Ok(())
    }

    fn load(&self, spec: &FieldSpec, json: &Json) -> Result<Value, BlockFieldsError> {
        spec.kind.load(Value::from(json), &self.conversion).map_err(|source| conversion(spec.name, source))
    }

    /// Returns the default of the field data, which the two structural fields never have, or of the field.
    fn default_of(&self, index: usize) -> Result<Value, BlockFieldsError> {
        let spec = self.at(index);
        if !spec.is_structural()
            && let Some(json) = self.data.default(spec, &self.ids)?
        {
            return self.load(spec, &json);
        }
        self.declared(spec)
    }

    fn declared(&self, spec: &FieldSpec) -> Result<Value, BlockFieldsError> {
        spec.default_value(&self.ids).map_err(|source| conversion(spec.name, source))
    }

    fn is_set(&self, held: &Held<'_>, index: usize) -> Result<bool, BlockFieldsError> {
        Ok(held.is_dirty(index) || self.data.has(self.at(index), &self.ids)?)
    }

    fn to_write(
        &self,
        held: &Held<'_>,
        indexes: &[usize],
    ) -> Result<Vec<(FieldSpec, Json)>, BlockFieldsError> {
        indexes
            .iter()
            .map(|&index| {
                let spec = *self.at(index);
                let value = held
                    .current(index)
                    .ok_or_else(|| BlockFieldsError::NothingToSave { field: spec.name.to_owned() })?;
                let json = spec.to_json(value).map_err(|source| conversion(spec.name, source))?;
                Ok((spec, json))
            })
            .collect()
    }

    fn write(&self, held: &mut Held<'_>, indexes: &[usize]) -> Result<(), BlockFieldsError> {
        let values = self.to_write(held, indexes)?;
        match self.data.set_many(&values, &self.ids) {
            Ok(()) => {
                held.reset(indexes);
                Ok(())
            }
            Err(KvsError::PartialWrite { saved, source }) => {
                let (clean, dirty): (Vec<usize>, Vec<usize>) =
                    indexes.iter().partition(|&&index| saved.iter().any(|name| name == self.at(index).name));
                held.reset(&clean);
                let owned = |indexes: &[usize]| self.names(indexes).into_iter().map(str::to_owned).collect();
                Err(BlockFieldsError::Save {
                    saved: owned(&clean),
                    dirty: owned(&dirty),
                    source: KvsError::PartialWrite { saved, source },
                })
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn conversion(field: &str, source: FieldError) -> BlockFieldsError {
    BlockFieldsError::Conversion { field: field.to_owned(), source }
}

fn unexpected(field: &str, expected: &'static str, found: &Value) -> BlockFieldsError {
    conversion(field, FieldError::WrongType { expected, found: found.type_name() })
}
