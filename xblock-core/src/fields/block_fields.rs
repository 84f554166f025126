//! The fields of one loaded block: what was read, what was changed, what is to be saved.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Map;
use thiserror::Error;

use super::conversion::Conversion;
use super::data::FieldData;
use super::error::FieldError;
use super::ids::ScopeIds;
use super::kvs::KvsError;
use super::scope::Scope;
use super::spec::FieldSpec;
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

/// What is known of the value a field had before it was changed.
#[derive(Debug, Clone, PartialEq)]
enum Baseline {
    /// Set without being read: saved whatever it was.
    ExplicitlySet,
    /// The value when it was first read or last saved.
    Was(Value),
}

#[derive(Debug, Default)]
struct State {
    /// Values read or set, by index of the field.
    cache: Vec<Option<Value>>,
    /// Fields watched for changes in the order watching began. Reading a mutable field is enough to watch it.
    tracked: Vec<(usize, Baseline)>,
}

impl State {
    fn track(&mut self, index: usize, baseline: Baseline) {
        if self.baseline(index).is_none() {
            self.tracked.push((index, baseline));
        }
    }

    fn baseline(&self, index: usize) -> Option<&Baseline> {
        self.tracked.iter().find(|(tracked, _)| *tracked == index).map(|(_, baseline)| baseline)
    }

    fn is_dirty(&self, index: usize) -> bool {
        match self.baseline(index) {
            None => false,
            Some(Baseline::ExplicitlySet) => true,
            Some(Baseline::Was(value)) => self.cache[index].as_ref() != Some(value),
        }
    }

    fn dirty(&self) -> Vec<usize> {
        self.tracked.iter().map(|&(index, _)| index).filter(|&index| self.is_dirty(index)).collect()
    }

    /// Makes the current values of these fields the ones later changes are measured by.
    fn reset(&mut self, saved: &[usize]) {
        for (index, baseline) in &mut self.tracked {
            if saved.contains(index)
                && let Some(value) = &self.cache[*index]
            {
                *baseline = Baseline::Was(value.clone());
            }
        }
    }
}

/// Holds the fields of one loaded block.
///
/// Values are read once and cached, defaults included; values that are set stay here until [`save`](Self::save) writes
/// all changed ones in one go. Mutable values are compared with what they were when read, so a value changed and
/// changed back is not written. All methods take `&self`; one lock guards the block's state.
pub struct BlockFields {
    specs: Vec<FieldSpec>,
    by_name: HashMap<&'static str, usize>,
    data: Arc<dyn FieldData>,
    ids: ScopeIds,
    conversion: Conversion,
    state: Mutex<State>,
}

impl BlockFields {
    /// Loads nothing yet: fields are read when asked for. A later declaration of a name replaces an earlier one, in the
    /// earlier one's place.
    pub fn new<L: Into<FieldList>>(
        lists: impl IntoIterator<Item = L>,
        data: Arc<dyn FieldData>,
        ids: ScopeIds,
    ) -> Self {
        let mut specs: Vec<FieldSpec> = Vec::new();
        let mut by_name = HashMap::new();
        for list in lists {
            for &spec in list.into().as_slice() {
                match by_name.get(spec.name) {
                    Some(&index) => specs[index] = spec,
                    None => {
                        by_name.insert(spec.name, specs.len());
                        specs.push(spec);
                    }
                }
            }
        }
        let state = State { cache: vec![None; specs.len()], tracked: Vec::new() };
        Self { specs, by_name, data, ids, conversion: Conversion::default(), state: Mutex::new(state) }
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
        &self.specs
    }

    /// Returns the declaration of a field.
    #[must_use]
    pub fn spec(&self, name: &str) -> Option<&FieldSpec> {
        self.by_name.get(name).map(|&index| &self.specs[index])
    }

    /// Returns the native value: cached, else stored, else the default of the field data, else of the field.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when the stored value is none of the field; it is not cached then.
    pub fn get(&self, name: &str) -> Result<Value, BlockFieldsError> {
        let index = self.index(name)?;
        let mut state = self.state();
        self.read(&mut state, index)?;
        let value = state.cache[index].clone().unwrap_or_default();
        drop(state);
        self.specs[index].kind.sanitize(value).map_err(|source| conversion(name, source))
    }

    /// Changes the value in place, as Python code does with a list or mapping it read.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn update<T>(&self, name: &str, change: impl FnOnce(&mut Value) -> T) -> Result<T, BlockFieldsError> {
        let index = self.index(name)?;
        let mut state = self.state();
        self.read(&mut state, index)?;
        let is_mutable = self.specs[index].kind.is_mutable();
        let before = if is_mutable { None } else { state.cache[index].clone() };
        let result = change(state.cache[index].get_or_insert_default());
        // A type whose values cannot change in place is not watched by reading; changing it is setting it.
        if before.is_some() && before != state.cache[index] {
            state.track(index, Baseline::ExplicitlySet);
        }
        Ok(result)
    }

    /// Sets the value without writing it. A value equal to the cached one changes nothing.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when the field enforces its type and the value is none of it.
    pub fn set(&self, name: &str, value: impl Into<Value>) -> Result<(), BlockFieldsError> {
        let index = self.index(name)?;
        let value = self.specs[index]
            .check(value.into(), &self.conversion)
            .map_err(|source| conversion(name, source))?;
        let mut state = self.state();
        if state.cache[index].as_ref() != Some(&value) {
            state.track(index, Baseline::ExplicitlySet);
            state.cache[index] = Some(value);
        }
        Ok(())
    }

    /// Removes the value from the store at once, and caches the default.
    ///
    /// # Errors
    /// [`BlockFieldsError::Store`] when the store failed.
    pub fn delete(&self, name: &str) -> Result<(), BlockFieldsError> {
        let index = self.index(name)?;
        let mut state = self.state();
        self.data.delete(&self.specs[index], &self.ids)?;
        state.tracked.retain(|(tracked, _)| *tracked != index);
        let default = self.default_of(index)?;
        state.cache[index] = Some(default);
        Ok(())
    }

    /// Tells whether the field has a value of its own: changed here, or stored (a stored null counts).
    ///
    /// # Errors
    /// [`BlockFieldsError::Store`] when the store failed.
    pub fn is_set_on(&self, name: &str) -> Result<bool, BlockFieldsError> {
        let index = self.index(name)?;
        self.is_set(&self.state(), index)
    }

    /// Returns the names of the fields [`save`](Self::save) would write, in the order they were first watched.
    #[must_use]
    pub fn dirty(&self) -> Vec<&'static str> {
        self.names(&self.state().dirty())
    }

    /// Returns the names of the fields watched for changes, in the order watching began.
    #[must_use]
    pub fn tracked(&self) -> Vec<&'static str> {
        self.state().tracked.iter().map(|&(index, _)| self.specs[index].name).collect()
    }

    /// Returns what [`save`](Self::save) would write, without writing.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when a value cannot be stored.
    pub fn changes(&self) -> Result<Vec<(FieldSpec, Json)>, BlockFieldsError> {
        let state = self.state();
        self.to_write(&state, &state.dirty())
    }

    /// Writes all changed fields in one go. Tells whether any field was watched at all: XBlock then tells the runtime
    /// that the block was saved, even when there was nothing to write.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when a value cannot be stored (nothing is written then), and
    /// [`BlockFieldsError::Save`] when the store wrote only some.
    pub fn save(&self) -> Result<bool, BlockFieldsError> {
        let mut state = self.state();
        if state.tracked.is_empty() {
            return Ok(false);
        }
        let dirty = state.dirty();
        if !dirty.is_empty() {
            self.write(&mut state, &dirty)?;
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
        self.write(&mut self.state(), &indexes)
    }

    /// Takes the current values for saved, after a caller has written [`changes`](Self::changes) itself.
    pub fn mark_saved(&self) {
        let mut state = self.state();
        let dirty = state.dirty();
        state.reset(&dirty);
    }

    /// Returns the values of the fields of a scope that are set, nulls included, in the order of the fields.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when a stored value is none of its field.
    pub fn explicitly_set_by_scope(&self, scope: Scope) -> Result<Map<String, Json>, BlockFieldsError> {
        let mut values = Map::new();
        for spec in self.specs.iter().filter(|spec| spec.scope == scope) {
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
        let spec = &self.specs[self.index(name)?];
        spec.default_value(&self.ids).map_err(|source| conversion(name, source))
    }

    /// Returns the value in its stored form.
    ///
    /// # Errors
    /// As [`get`](Self::get), and when the value cannot be stored.
    pub fn json(&self, name: &str) -> Result<Json, BlockFieldsError> {
        let value = self.get(name)?;
        self.specs[self.index(name)?].to_json(&value).map_err(|source| conversion(name, source))
    }

    /// Sets the value from its stored form.
    ///
    /// # Errors
    /// [`BlockFieldsError::Conversion`] when the value is none of the field.
    pub fn set_json(&self, name: &str, json: &Json) -> Result<(), BlockFieldsError> {
        let kind = self.specs[self.index(name)?].kind;
        let value =
            kind.load(Value::from(json), &self.conversion).map_err(|source| conversion(name, source))?;
        self.set(name, value)
    }

    /// Returns the text of a field; empty when it holds none.
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`BlockFieldsError::Conversion`] when the value is no text.
    pub fn str(&self, name: &str) -> Result<Arc<str>, BlockFieldsError> {
        match self.get(name)? {
            Value::Str(text) => Ok(text),
            Value::None => Ok("".into()),
            other => Err(unexpected(name, "a text", &other)),
        }
    }

    /// Returns whether the value counts as true.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn bool(&self, name: &str) -> Result<bool, BlockFieldsError> {
        self.get(name).map(|value| value.is_truthy())
    }

    /// Returns the integer of a field, if it holds one.
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`BlockFieldsError::Conversion`] when the value is no integer of 64 bits.
    pub fn int(&self, name: &str) -> Result<Option<i64>, BlockFieldsError> {
        match self.get(name)? {
            Value::None => Ok(None),
            value => value.as_int().map(Some).ok_or_else(|| unexpected(name, "an integer", &value)),
        }
    }

    /// Returns the number of a field, if it holds one.
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`BlockFieldsError::Conversion`] when the value is no number.
    pub fn float(&self, name: &str) -> Result<Option<f64>, BlockFieldsError> {
        match self.get(name)? {
            Value::None => Ok(None),
            value => value.as_float().map(Some).ok_or_else(|| unexpected(name, "a number", &value)),
        }
    }

    fn index(&self, name: &str) -> Result<usize, BlockFieldsError> {
        self.by_name
            .get(name)
            .copied()
            .ok_or_else(|| BlockFieldsError::NoSuchField { field: name.to_owned() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A caller's closure that panics in `update` leaves a value that is whole, whatever it says.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self, indexes: &[usize]) -> Vec<&'static str> {
        indexes.iter().map(|&index| self.specs[index].name).collect()
    }

    /// Fills the cache, and begins to watch a field whose values can change in place.
    fn read(&self, state: &mut State, index: usize) -> Result<(), BlockFieldsError> {
        let spec = &self.specs[index];
        if state.cache[index].is_none() {
            let value = match self.data.get(spec, &self.ids)? {
                Some(json) => self.load(spec, &json)?,
                None => self.default_of(index)?,
            };
            state.cache[index] = Some(value);
        }
        if spec.kind.is_mutable()
            && let Some(value) = state.cache[index].clone()
        {
            state.track(index, Baseline::Was(value));
        }
        Ok(())
    }

    fn load(&self, spec: &FieldSpec, json: &Json) -> Result<Value, BlockFieldsError> {
        spec.kind.load(Value::from(json), &self.conversion).map_err(|source| conversion(spec.name, source))
    }

    /// Returns the default of the field data, which the two structural fields never have, or of the field.
    fn default_of(&self, index: usize) -> Result<Value, BlockFieldsError> {
        let spec = &self.specs[index];
        if !matches!(spec.name, "parent" | "children")
            && let Some(json) = self.data.default(spec, &self.ids)?
        {
            return self.load(spec, &json);
        }
        spec.default_value(&self.ids).map_err(|source| conversion(spec.name, source))
    }

    fn is_set(&self, state: &State, index: usize) -> Result<bool, BlockFieldsError> {
        Ok(state.is_dirty(index) || self.data.has(&self.specs[index], &self.ids)?)
    }

    fn to_write(&self, state: &State, indexes: &[usize]) -> Result<Vec<(FieldSpec, Json)>, BlockFieldsError> {
        indexes
            .iter()
            .map(|&index| {
                let spec = self.specs[index];
                let value = state.cache[index]
                    .as_ref()
                    .ok_or_else(|| BlockFieldsError::NothingToSave { field: spec.name.to_owned() })?;
                let json = spec.to_json(value).map_err(|source| conversion(spec.name, source))?;
                Ok((spec, json))
            })
            .collect()
    }

    fn write(&self, state: &mut State, indexes: &[usize]) -> Result<(), BlockFieldsError> {
        let values = self.to_write(state, indexes)?;
        match self.data.set_many(&values, &self.ids) {
            Ok(()) => {
                state.reset(indexes);
                Ok(())
            }
            Err(KvsError::PartialWrite { saved, source }) => {
                let (clean, dirty): (Vec<usize>, Vec<usize>) = indexes
                    .iter()
                    .partition(|&&index| saved.iter().any(|name| name == self.specs[index].name));
                state.reset(&clean);
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
