//! YAML 1.1 as `yaml.safe_load` reads it.
//!
//! OLX attributes were written for that very reader, whose YAML 1.1 differs from the 1.2 of today's libraries in more
//! than the types of plain scalars: tabs, keys in flow collections, line breaks and block scalars are cut otherwise. So
//! the text is read by its rules from the first character on.
mod base64;
mod compose;
mod construct;
mod cursor;
mod error;
mod resolve;
mod scalars;
mod scanner;
mod timestamp;
mod token;

pub use error::{YamlError, YamlStage};

use super::value::Value;
use compose::Composer;
use construct::Constructor;

/// Reads the one YAML document of a text; a text without any is nothing.
///
/// # Errors
/// [`YamlError`] when the text is not one YAML document of plain values.
pub(crate) fn load(text: &str) -> Result<Value, YamlError> {
    match Composer::new(text)?.compose()? {
        None => Ok(Value::None),
        Some((nodes, root)) => Constructor::new(nodes).construct(root),
    }
}
