//! YAML 1.1 as `yaml.safe_load` reads it.
mod error;

pub use error::{YamlError, YamlStage};

use super::value::Value;

/// Reads one YAML document.
///
/// # Errors
/// [`YamlError`] when the text is not one YAML document of plain values.
pub(crate) fn load(text: &str) -> Result<Value, YamlError> {
    if text.trim().is_empty() {
        return Ok(Value::None);
    }
    serde_json::from_str::<serde_json::Value>(text).map(Value::from).map_err(|error| YamlError {
        stage: YamlStage::Parser,
        line: error.line(),
        column: error.column(),
        problem: error.to_string(),
    })
}
