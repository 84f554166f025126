//! Findings as SARIF 2.1.0 (OASIS), which code-scanning services and editors read.

use std::collections::HashMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use xblock_core::olx::{Diagnostic, DiagnosticCode, Severity};

use super::codes::diagnostic_codes;
use super::report::CheckReport;

/// Where the form is defined.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What a path in a URI need not encode, besides letters and digits (RFC 3986, section 3.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'@')
    .remove(b'+');

/// Makes a SARIF log of a report. Files are named relative to where the log is read from: `folder` is the way from there
/// to the package, empty where it is the same.
#[must_use]
pub fn sarif(report: &CheckReport, folder: &str) -> Json {
    let codes = diagnostic_codes();
    let mut seen = HashMap::new();
    let results: Vec<Json> = report
        .diagnostics
        .iter()
        .map(|diagnostic| result(diagnostic, &codes, folder, report, &mut seen))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "courseware",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &DiagnosticCode) -> Json {
    json!({
        "id": code.name,
        "shortDescription": { "text": code.name.replace('-', " ") },
        "fullDescription": { "text": code.cause },
        "help": { "text": format!("{} To mend it: {}.", code.cause, code.fix) },
        "defaultConfiguration": { "level": level(code.severity) },
    })
}

const fn level(severity: Severity) -> &'static str {
    // The words are the same.
    severity.name()
}

fn result(
    diagnostic: &Diagnostic,
    codes: &[&DiagnosticCode],
    folder: &str,
    report: &CheckReport,
    seen: &mut HashMap<String, usize>,
) -> Json {
    let is_library = report.context.as_ref().is_some_and(|context| !context.is_course());
    let root = if is_library { "library.xml" } else { "course.xml" };
    let file = diagnostic.file.as_ref().map_or(root, |file| file.as_str());
    let mut place = json!({ "artifactLocation": { "uri": uri(folder, file) } });
    if let Some(position) = diagnostic.position {
        let mut region = json!({ "startLine": position.line, "startColumn": position.column });
        // An excerpt that was shortened is not what stands there.
        if let Some(excerpt) = diagnostic.excerpt.as_ref().filter(|excerpt| excerpt.column == position.column)
        {
            region["snippet"] = json!({ "text": excerpt.text });
        }
        place["region"] = region;
    }
    let mut result = json!({
        "ruleId": diagnostic.code,
        "level": level(diagnostic.severity),
        "message": { "text": message(diagnostic) },
        "locations": [{ "physicalLocation": place }],
        "partialFingerprints": { "coursewareFinding/v1": fingerprint(diagnostic, file, seen) },
    });
    // A block of somebody else's may have codes of its own.
    if let Some(index) = codes.iter().position(|code| code.name == diagnostic.code) {
        result["ruleIndex"] = index.into();
    }
    result
}

fn message(diagnostic: &Diagnostic) -> String {
    let mut text = diagnostic.message.clone();
    if let Some(outcome) = diagnostic.outcome {
        text.push_str("; ");
        text.push_str(outcome.text());
    }
    if let Some(fix) = &diagnostic.fix {
        text.push_str(" (help: ");
        text.push_str(fix);
        text.push(')');
    }
    text
}

fn uri(folder: &str, file: &str) -> String {
    let folder = folder.trim_end_matches('/');
    let path = if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
    utf8_percent_encode(&path, ENCODED).to_string()
}

/// Names a finding so that it keeps its name when lines are added before it.
fn fingerprint(diagnostic: &Diagnostic, file: &str, seen: &mut HashMap<String, usize>) -> String {
    let line = diagnostic.excerpt.as_ref().map_or("", |excerpt| excerpt.text.trim());
    let text = [diagnostic.code, file, &diagnostic.message, line].join("\0");
    let count = seen.entry(text.clone()).or_default();
    *count += 1;
    let digest = Sha256::digest(format!("{text}\0{count}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
