//! Values to try a field with, by its type and the values it offers.

use serde_json::json;
use xblock_core::fields::{FieldSpec, FieldType, Json, Values};

use super::Contract;
use super::declaration::offered;

/// Texts that XML, JSON, addresses and templates each find hard somewhere.
const TEXTS: &[&str] = &[
    "plain",
    "two words",
    "",
    "<b>bold</b> & \"quotes\" 'n' more",
    "first line\nsecond\tline",
    " blanks around ",
    "žluťoučký 漢字 🦀",
    "null",
    "true",
    "12",
    "1e3",
    "[1, 2]",
    "{\"a\": 1}",
    "\"quoted\"",
    "100% of %27",
    "]]>",
    "<!-- no comment -->",
    "{{ braces }} {% if %}",
];

/// Values that a field of this declaration may hold, the same ones at every call.
pub(super) fn of(contract: &Contract, spec: &FieldSpec) -> Vec<Json> {
    if let Some(values) = contract.values.get(spec.name) {
        return values.clone();
    }
    let offered = offered(spec.values, &spec.values_json().unwrap_or_default());
    if !offered.is_empty() {
        return offered.into_iter().chain([Json::Null]).collect();
    }
    let mut values = of_type(contract, spec.kind);
    for value in &mut values {
        // As the field itself would store it.
        if let Ok(stored) = spec.from_json(value).and_then(|native| spec.to_json(&native)) {
            *value = stored;
        }
    }
    if let Values::Range { min, max, .. } = spec.values {
        values.retain(|value| {
            value.as_f64().is_none_or(|n| min.is_none_or(|min| n >= min) && max.is_none_or(|max| n <= max))
        });
        let whole = spec.kind == FieldType::Integer;
        #[expect(clippy::cast_possible_truncation, reason = "bounds of integer fields are small")]
        let bound = |n: f64| if whole { json!(n as i64) } else { json!(n) };
        values.extend([min, max].into_iter().flatten().map(bound));
    }
    values.push(Json::Null);
    values
}

fn of_type(contract: &Contract, kind: FieldType) -> Vec<Json> {
    let block = contract.bench().at("other").usage().to_string();
    match kind {
        FieldType::Integer => vec![json!(1), json!(0), json!(-7), json!(9_007_199_254_740_993_i64)],
        FieldType::Float => vec![json!(0.5), json!(0.0), json!(-2.25), json!(1e20)],
        FieldType::Boolean => vec![json!(true), json!(false)],
        FieldType::String => TEXTS.iter().map(|text| json!(text)).collect(),
        FieldType::XmlString => {
            let tag = &contract.block_type().name;
            vec![json!(format!("<{tag}><p>a &amp; b</p></{tag}>"))]
        }
        FieldType::List => vec![json!(["a", "b"]), json!([]), json!([1, [null, {"x": "<&>"}]])],
        FieldType::Set => vec![json!(["a", "b"]), json!([])],
        FieldType::Dict => vec![json!({"a": 1}), json!({}), json!({"x y": [null, true], "": "<&>"})],
        FieldType::Date => vec![json!("2031-02-03T04:05:06Z")],
        FieldType::DateTime => vec![json!("2031-02-03T04:05:06.000007")],
        FieldType::Timedelta => vec![json!("1 day 2 hours")],
        FieldType::RelativeTime => vec![json!("00:01:30"), json!("00:00:00")],
        FieldType::Reference => vec![json!(block)],
        FieldType::ReferenceList => vec![json!([block]), json!([])],
        FieldType::ReferenceValueDict => vec![json!({ "a": block }), json!({})],
        FieldType::Score => vec![json!({"raw_earned": 1.0, "raw_possible": 2.0})],
        FieldType::ListScore => vec![json!([{"raw_earned": 1.0, "raw_possible": 2.0}]), json!([])],
        FieldType::Any | FieldType::JsonField | FieldType::Field => {
            vec![json!("text"), json!(3), json!([1, "a"]), json!({"a": null})]
        }
        FieldType::TextbookList | FieldType::CourseTabList | FieldType::UserPartitionList => vec![json!([])],
        FieldType::GroupAccessDict => vec![json!({})],
        FieldType::Randomization => vec![json!("never"), json!("always")],
    }
}
