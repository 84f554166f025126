//! Checks of OLX: what the Python implementation reads from XML and files, and what it writes again.
//!
//! Every member of a case is checked, and a member that is not known is a failure.

mod classes;
mod definition;
mod export;
mod import;
mod pure;
mod pure_classes;

use serde_json::{Map, Value};

use super::Report;

/// Checks a file with one OLX vector.
pub(super) fn run(file: &Value, report: &mut Report) {
    let Some(case) = file.as_object() else {
        report.case("file", Err("not an object".into()));
        return;
    };
    let id = case.get("id").and_then(Value::as_str).unwrap_or("file");
    let outcome = match case.get("input").and_then(|input| input.get("runtime")).and_then(Value::as_str) {
        Some("definition") => definition::check(case),
        Some("import") => import::check(case),
        Some("import then serialise") => export::check_inline(case),
        Some("pure") => pure::check(case),
        other => Err(format!("unknown runtime {other:?}")),
    };
    report.case(id, outcome);
}

/// Says which members of an object are not among the known ones.
fn only(object: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("unknown member {name}")),
        None => Ok(()),
    }
}

fn text<'v>(object: &'v Map<String, Value>, name: &str) -> Result<&'v str, String> {
    object.get(name).and_then(Value::as_str).ok_or_else(|| format!("member {name} is no text"))
}

fn map<'v>(object: &'v Map<String, Value>, name: &str) -> Result<&'v Map<String, Value>, String> {
    object.get(name).and_then(Value::as_object).ok_or_else(|| format!("member {name} is no object"))
}
