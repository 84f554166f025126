//! Mappings and sets of values, by Python equality.
use indexmap::{IndexMap, IndexSet};

use super::Value;

/// Holds a mapping in insertion order; two are equal whatever their order.
pub type Dict = IndexMap<Value, Value>;

/// Holds a set in insertion order; two are equal whatever their order.
pub type ValueSet = IndexSet<Value>;
