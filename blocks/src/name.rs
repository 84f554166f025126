//! The name a block is shown under.

use xblock_core::fields::{BlockFields, Value};
use xblock_core::keys::UsageKey;

/// Returns a block's `display_name`, or its id with blanks for underscores where it has none that can be read.
pub(crate) fn shown(fields: &BlockFields, usage: &UsageKey) -> String {
    match fields.get("display_name") {
        Ok(Value::Str(name)) if !name.trim().is_empty() => name.to_string(),
        _ => usage.block_id().replace('_', " "),
    }
}
