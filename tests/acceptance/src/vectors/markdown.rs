//! Checks of the simple editor's language: the XML its texts stand for, or why they are refused.

use blocks::problem::markdown;
use serde_json::Value;

use super::Report;

/// Checks a file of texts.
pub(super) fn run(file: &Value, report: &mut Report) {
    let Some(cases) = file["cases"].as_array() else {
        report.case("file", Err("no cases".into()));
        return;
    };
    for case in cases {
        report.case(case["id"].as_str().unwrap_or("a case without id"), check(case));
    }
}

fn check(case: &Value) -> Result<(), String> {
    let text = case["markdown"].as_str().ok_or("no markdown")?;
    match (markdown::to_xml(text), case["xml"].as_str(), case["error"].as_str()) {
        (Ok(found), Some(expected), None) if found == expected => Ok(()),
        (Err(found), None, Some(expected)) if found.to_string() == expected => Ok(()),
        (found, _, _) => Err(format!("{found:?}\nexpected {case}")),
    }
}
