//! JSON Schema, as far as field declarations use it.

use xblock_core::fields::Json;

/// Returns what is wrong with a value, none where it keeps to the schema. Words the declarations do not use are ignored.
pub(super) fn violation(schema: &Json, value: &Json) -> Option<String> {
    if let Some(types) = schema.get("type")
        && !names(types).iter().any(|name| is_of(value, name))
    {
        return Some(format!("{value} is none of {types}"));
    }
    if let Some(allowed) = schema.get("enum").and_then(Json::as_array)
        && !value.is_null()
        && !allowed.contains(value)
    {
        return Some(format!("{value} is not among {}", schema["enum"]));
    }
    if let Some(choices) = schema.get("oneOf").and_then(Json::as_array)
        && !value.is_null()
        && !choices.iter().any(|choice| choice.get("const") == Some(value))
    {
        let offered: Vec<_> = choices.iter().filter_map(|choice| choice.get("const")).collect();
        return Some(format!("{value} is not among {}", serde_json::json!(offered)));
    }
    let bound = |name: &str| schema.get(name).and_then(Json::as_f64);
    if let Some(number) = value.as_f64() {
        if let Some(least) = bound("minimum")
            && number < least
        {
            return Some(format!("{value} is less than {least}"));
        }
        if let Some(most) = bound("maximum")
            && number > most
        {
            return Some(format!("{value} is more than {most}"));
        }
    }
    if let Some(items) = schema.get("items")
        && let Some(values) = value.as_array()
        && let Some(wrong) = values.iter().find_map(|value| violation(items, value))
    {
        return Some(wrong);
    }
    let object = value.as_object()?;
    if let Some(required) = schema.get("required").and_then(Json::as_array) {
        let missing = required.iter().filter_map(Json::as_str).find(|name| !object.contains_key(*name));
        if let Some(name) = missing {
            return Some(format!("{value} has no {name}"));
        }
    }
    object.iter().find_map(|(name, value)| {
        let property = schema.get("properties").and_then(|known| known.get(name));
        match property.or_else(|| schema.get("additionalProperties")) {
            Some(Json::Bool(false)) => Some(format!("{name} is not allowed")),
            Some(schema) => violation(schema, value),
            None => None,
        }
    })
}

fn names(types: &Json) -> Vec<&str> {
    match types {
        Json::String(name) => vec![name],
        Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_of(value: &Json, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_held_against_types_bounds_and_choices() {
        let schema = json!({"type": ["integer", "null"], "minimum": 0, "maximum": 5});
        assert_eq!(violation(&schema, &json!(3)), None);
        assert_eq!(violation(&schema, &json!(null)), None);
        for wrong in [json!(-1), json!(6), json!("3"), json!(1.5)] {
            assert!(violation(&schema, &wrong).is_some(), "{wrong}");
        }
        let choice = json!({"type": ["string", "null"], "oneOf": [{"title": "A", "const": "a"}]});
        assert_eq!(violation(&choice, &json!("a")), None);
        assert!(violation(&choice, &json!("b")).is_some());
        let score = json!({"type": "object", "required": ["n"], "additionalProperties": false,
            "properties": {"n": {"type": "number"}}});
        assert_eq!(violation(&score, &json!({"n": 1})), None);
        for wrong in [json!({}), json!({"n": "1"}), json!({"n": 1, "m": 2})] {
            assert!(violation(&score, &wrong).is_some(), "{wrong}");
        }
        assert!(violation(&json!({"items": {"type": "string"}}), &json!(["a", 1])).is_some());
    }
}
