//! The declaration of a native class, for Python to make an XBlock class from.

use std::sync::OnceLock;

use pyo3::prelude::*;
use serde_json::{Value as Json, json};
use xblock_core::block::{BlockType, Registry};
use xblock_core::fields::{FieldDefault, FieldError, FieldSpec, XML_FIELDS};

use crate::error::BindingError;

/// The native block types; made once, since declarations never change while the program runs.
pub(crate) fn registry() -> Result<&'static Registry, BindingError> {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    if let Some(registry) = REGISTRY.get() {
        return Ok(registry);
    }
    let built =
        blocks::registry().map_err(|error| BindingError::Block { key: None, reason: error.to_string() })?;
    Ok(REGISTRY.get_or_init(|| built))
}

/// Finds a native type.
pub(crate) fn native_type(name: &str) -> Result<BlockType, BindingError> {
    let found = registry()?.block_type(name);
    if found.is_known {
        return Ok(found);
    }
    Err(BindingError::Block { key: None, reason: format!("there is no native block type {name}") })
}

/// Returns the declaration of a native type as JSON text: its attributes and its own fields; of those of mixins only the names.
#[pyfunction]
pub(crate) fn block_class(block_type: &str) -> PyResult<String> {
    let found = native_type(block_type)?;
    let class = found.class;
    let fields = class.fields.iter().chain(XML_FIELDS).map(field).collect::<Result<Vec<_>, _>>();
    let fields = fields.map_err(|error| BindingError::Block { key: None, reason: error.to_string() })?;
    Ok(json!({
        "block_type": class.block_type,
        "has_children": class.has_children,
        "has_score": class.has_score,
        "completion_mode": class.completion_mode.name(),
        "has_custom_completion": class.has_custom_completion,
        "icon_class": class.icon_class,
        "handlers": class.handlers,
        "fields": fields,
        "known_fields": found.fields().iter().map(|spec| spec.name).collect::<Vec<_>>(),
    })
    .to_string())
}

fn field(spec: &FieldSpec) -> Result<Json, FieldError> {
    let mut declared = json!({
        "name": spec.name,
        "type": spec.kind.class_name(),
        "scope": {
            "name": spec.scope.name(),
            "user": spec.scope.user().name(),
            "block": spec.scope.block().name(),
        },
        "help": spec.help,
        "display_name": spec.display_name,
        "values": spec.values_json()?,
        "enforce_type": spec.enforce_type,
        "xml_node": spec.xml_node,
        "force_export": spec.force_export,
        "hidden": spec.hidden,
        "deprecated": spec.deprecated,
    });
    match spec.default {
        FieldDefault::OfType => {}
        FieldDefault::Json(_) => declared["default"] = spec.default_json()?,
        FieldDefault::UniqueId => declared["unique_id"] = true.into(),
    }
    let options = spec.options.iter().map(|(name, text)| {
        let value = serde_json::from_str(text);
        let invalid = |error: serde_json::Error| FieldError::InvalidDefault {
            field: spec.name,
            problem: error.to_string(),
        };
        Ok(((*name).to_owned(), value.map_err(invalid)?))
    });
    declared["options"] = Json::Object(options.collect::<Result<_, FieldError>>()?);
    Ok(declared)
}
