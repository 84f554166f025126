//! Checks of definition files.

use serde_json::{Map, Value, json};
use xblock_core::fields::Conversion;
use xblock_core::keys::ContextKey;
use xblock_core::olx::{DefinitionError, read_definition_parts};

use super::{classes, map, only, text};

/// The type whose base classes hide its parser in Python, so that every definition of it fails there.
const UNREADABLE_THERE: &str = "discussion";

/// Checks a vector of a definition file.
pub(super) fn check(case: &Map<String, Value>) -> Result<(), String> {
    only(case, &["id", "title", "convention", "produced_by", "input", "expect"])?;
    let input = map(case, "input")?;
    let expect = map(case, "expect")?;
    only(input, &["runtime", "usage_key", "xml"])?;
    only(expect, &["block", "includes", "error", "error_class"])?;
    let registry = classes::import_registry()?;
    let xml = text(input, "xml")?;
    let tag: String =
        xml.trim_start_matches('<').chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    // The vectors write `<tag>` for the type.
    let context: ContextKey = "lib:Org:lib".parse().map_err(|error| format!("{error}"))?;
    let usage = context.make_usage_key(&tag, "b1").map_err(|error| error.to_string())?;
    let found = read_definition_parts(xml.as_bytes(), &usage, &registry, &Conversion::default());
    let is_difference = tag == UNREADABLE_THERE;
    let definition = match (found, expect.get("error").and_then(Value::as_str)) {
        (Ok(_), Some("AttributeError")) if is_difference => return Ok(()),
        (Ok(_), Some(expected)) => return Err(format!("expected the error {expected}, got none")),
        (Err(error), Some(expected)) if python_class(&error) == expected => return Ok(()),
        (Err(error), expected) => return Err(format!("expected {expected:?}, got the error {error}")),
        (Ok(definition), None) => definition,
    };
    let mut fields = Map::new();
    for (name, value) in definition.data.content.iter().chain(&definition.data.settings) {
        fields.insert(name.to_string(), value.clone());
    }
    let mut block = json!({ "type": tag, "fields": fields });
    if expect.get("block").and_then(|block| block.get("children")).is_some() {
        // Includes are no children before a runtime resolves them.
        block["children"] =
            json!(definition.data.children.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    let mut found = json!({ "block": block });
    if expect.contains_key("includes") {
        found["includes"] = definition
            .includes
            .iter()
            .map(|include| {
                json!({
                    "link_id": include.link,
                    "block_type": include.block_type,
                    "definition_id": include.definition_id,
                    "usage_hint": include.usage,
                })
            })
            .collect();
    }
    let expected = Value::Object(expect.clone());
    if found == expected { Ok(()) } else { Err(format!("expected {expected}, got {found}")) }
}

fn python_class(error: &DefinitionError) -> &'static str {
    match error {
        DefinitionError::Parse(_) => "SyntaxError",
        DefinitionError::Plain(error) => error.python_class(),
        _ => "Exception",
    }
}
