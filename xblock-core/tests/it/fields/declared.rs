//! The fields every block has.
use std::collections::HashSet;

use serde_json::json;
use xblock_core::fields::{
    CHILDREN_FIELDS, FieldSpec, FieldType, INHERITABLE, LMS_FIELDS, Scope, ScopeIds, UPSTREAM_FIELDS, Value,
    Values, XBLOCK_FIELDS, XML_FIELDS, XMODULE_FIELDS, is_inheritable,
};

fn all() -> impl Iterator<Item = &'static FieldSpec> {
    [XBLOCK_FIELDS, CHILDREN_FIELDS, LMS_FIELDS, INHERITABLE, XMODULE_FIELDS, XML_FIELDS, UPSTREAM_FIELDS]
        .into_iter()
        .flatten()
}

#[test]
fn every_default_is_a_value_of_its_field() {
    let ids = ScopeIds::new("html", "d", "u");
    for spec in all() {
        let value = spec.default_value(&ids).unwrap();
        let json = spec.to_json(&value).unwrap();
        assert_eq!(spec.from_json(&json).unwrap(), value, "{}", spec.name);
    }
}

#[test]
fn every_list_is_in_order_without_repetition() {
    for list in [XBLOCK_FIELDS, LMS_FIELDS, INHERITABLE] {
        let names: Vec<_> = list.iter().map(|spec| spec.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    }
}

#[test]
fn inheritable_settings_are_those_of_the_platform() {
    assert_eq!(INHERITABLE.len(), 28);
    assert!(
        INHERITABLE
            .iter()
            .all(|spec| (spec.scope == Scope::Settings) != (spec.name == "edxnotes_visibility"))
    );
    assert!(is_inheritable("start") && is_inheritable("hide_from_toc"));
    assert!(!is_inheritable("display_name") && !is_inheritable("children"));
    let start = INHERITABLE.iter().find(|spec| spec.name == "start").unwrap();
    let value = start.default_value(&ScopeIds::new("course", "d", "u")).unwrap();
    let Value::DateTime(start) = value else { panic!("{value:?}") };
    assert_eq!(start.isoformat(), "2030-01-01T00:00:00+00:00");
}

#[test]
fn a_schema_tells_type_default_values_and_scope() {
    const SPEC: FieldSpec = FieldSpec::new("weight", FieldType::Float, Scope::Settings)
        .default("1.5")
        .display_name("Weight")
        .help("Points.")
        .values(Values::Range { min: Some(0.0), max: None, step: Some(0.1) });
    let schema = SPEC.json_schema().unwrap();
    let pattern = schema["pattern"].clone();
    assert!(pattern.is_string());
    assert_eq!(
        schema,
        json!({
            "type": ["number", "string", "null"], "pattern": pattern, "title": "Weight", "description": "Points.", "default": 1.5,
            "minimum": 0, "x-xblock-step": 0.1, "x-xblock-type": "Float", "x-xblock-scope": "settings",
        })
    );
    for spec in all() {
        assert!(spec.json_schema().unwrap().is_object());
    }
}

#[test]
fn a_broken_declaration_is_an_error_not_a_panic() {
    const SPEC: FieldSpec = FieldSpec::new("x", FieldType::List, Scope::Settings).default("[");
    assert!(SPEC.default_json().is_err() && SPEC.json_schema().is_err());
}
