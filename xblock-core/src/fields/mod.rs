//! Scopes, field types, their conversions, and where field values live.
//!
//! A block declares its fields as [`FieldSpec`] constants. [`FieldType`] converts their values between the stored form
//! ([`Json`]), the native form ([`Value`]) and the text of OLX attributes, as the Python classes do. [`BlockFields`] is
//! the engine of one loaded block over [`FieldData`], which in turn stands on a [`KeyValueStore`].
mod block_fields;
mod conversion;
mod data;
mod dateparse;
mod declared;
mod depth;
mod error;
mod held;
mod ids;
mod kvs;
pub(crate) mod python;
mod schema;
mod scope;
mod spec;
mod table;
mod types;
mod unique_id;
mod value;
mod xml_check;
mod yaml;

pub use block_fields::{BlockFields, BlockFieldsError, FieldList};
pub use conversion::Conversion;
pub(crate) use data::inherited;
pub use data::{
    Ancestors, DictFieldData, FieldData, InheritingFieldData, KvsFieldData, ReadOnlyFieldData, SplitFieldData,
};
pub use declared::{
    CHILDREN_FIELDS, INHERITABLE, LMS_FIELDS, UPSTREAM_FIELDS, XBLOCK_FIELDS, XML_FIELDS, XMODULE_FIELDS,
    is_inheritable,
};
pub use depth::{MAX_DEPTH, is_too_deep};
pub use error::FieldError;
pub use ids::{ASIDE_FAMILY, BLOCK_FAMILY, ScopeIds, StateKey};
pub use kvs::{KeyValueStore, KvsError, MemoryStore};
pub(crate) use python::number::float_repr;
pub use scope::{BlockScope, Scope, UnknownScope, UserScope};
pub use spec::{FieldDefault, FieldSpec, Values};
pub use table::FieldTable;
pub use types::FieldType;
pub use unique_id::{scope_key, unique_id};
pub use value::{DateTime, Dict, Json, Score, TimeDelta, Value, ValueSet};
pub use yaml::{YamlError, YamlStage};
