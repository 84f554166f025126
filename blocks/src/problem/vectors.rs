//! The recorded answers of the Python implementation, for the kinds of questions that are graded natively.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use xblock_core::olx::{Document, Element, FileName, Node, ParseOptions, Source};

use super::{Problem, ProblemOptions};

/// Normalises markup as the vectors' README says: sorted attributes, white space collapsed, comments dropped. The
/// preview of formulas is left out, which is not part of this runtime's pages.
fn normalised(markup: &str) -> String {
    let source = Source::new(FileName::from("markup"), markup.into());
    match Document::parse_text(source, &ParseOptions::default()) {
        Ok(document) => {
            let mut out = String::new();
            write(&document.root, &mut out);
            out
        }
        Err(error) => format!("not XML: {error:?}: {markup}"),
    }
}

fn collapsed(text: &str) -> String {
    text.split([' ', '\t', '\r', '\n', '\u{c}', '\u{b}'])
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn write(element: &Element, out: &mut String) {
    let class = element.get("class").unwrap_or_default();
    // One script of this runtime serves all inputs of a page, and previews have no spinner. A place for a script holds
    // the input where the platform read unclosed markup of its own.
    if class == "script_placeholder" {
        element.children.iter().for_each(|child| {
            if let Node::Element(child) = child {
                write(child, out);
            }
        });
        return;
    }
    let is_preview = &*element.name == "script" && element.get("type") == Some("text/javascript")
        || (class == "equation" && element.get("id").is_some_and(|id| id.ends_with("_preview")));
    if is_preview {
        return;
    }
    // Inputs without a label are named by the question or the problem here; the platform leaves them without a name.
    let is_own_name = |name: &str, value: &str| {
        name == "aria-labelledby"
            && (value.ends_with("-problem-title") || value.starts_with("multiinput-group-label-"))
            && ["input", "select", "fieldset", "textarea"].contains(&&*element.name)
            || is_own_attribute(element, class, name, value)
    };
    let attributes: BTreeMap<&str, String> = element
        .attributes
        .iter()
        .filter(|attribute| !is_own_name(&attribute.name, &attribute.value))
        .map(|attribute| {
            let is_list = ["class", "style", "aria-describedby"].contains(&&*attribute.name);
            let value = if is_list { collapsed(&attribute.value) } else { attribute.value.to_string() };
            (attribute.name.as_str(), value)
        })
        .collect();
    out.push_str(&format!("\n<{} {attributes:?}>", element.name));
    let keeps_blanks = ["pre", "textarea", "script", "style"].contains(&&*element.name);
    let mut text = String::new();
    for child in element.children.iter().chain([&Node::text("")]) {
        match child {
            Node::Text(chars) | Node::CData(chars) => text.push_str(&chars.value),
            Node::Element(child) => {
                flush(&mut text, keeps_blanks, out);
                write(child, out);
            }
            _ => {}
        }
    }
    flush(&mut text, keeps_blanks, out);
    out.push_str(&format!("</{}>", element.name));
}

/// Tells what this runtime writes otherwise than the platform: names of fields for screen readers, what a learner typed
/// into choices, and the mark on pictures, which needs no file.
fn is_own_attribute(element: &Element, class: &str, name: &str, value: &str) -> bool {
    let id = element.get("id").unwrap_or_default();
    match name {
        "aria-label" => value.is_empty() || element.name == "select",
        "aria-labelledby" => value.starts_with("forinput"),
        "value" => class == "choicetextvalue" || (class == "ctinput" && element.get("type") == Some("text")),
        "src" => id.starts_with("cross_"),
        _ => false,
    }
}

fn flush(text: &mut String, keeps_blanks: bool, out: &mut String) {
    let text = std::mem::take(text);
    out.push_str(&if keeps_blanks { text } else { collapsed(&text) });
}

/// Tells whether two JSON values agree, floats nearly.
fn agree(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a == b || (a - b).abs() <= 1e-12 * a.abs().max(b.abs()),
            _ => a == b,
        },
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| agree(a, b)))
        }
        _ => a == b,
    }
}

/// Fills in the members an entry leaves out.
fn whole_map(recorded: &Json) -> Json {
    let entries = recorded.as_object().into_iter().flatten().map(|(id, entry)| {
        let mut whole = json!({
            "correctness": null, "npoints": null, "msg": "", "hint": "", "hintmode": null, "queuestate": null,
            "answervariable": null,
        });
        for (name, value) in entry.as_object().into_iter().flatten() {
            whole[name] = value.clone();
        }
        if let Some(message) = whole["msg"].as_str() {
            whole["msg"] = json!(message_form(message));
        }
        (id.clone(), whole)
    });
    Json::Object(entries.collect())
}

fn message_form(message: &str) -> String {
    if message.is_empty() { String::new() } else { normalised(&format!("<m>{message}</m>")) }
}

/// What this runtime answers otherwise on purpose: case and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("choice-hints-label-on-textless", "an empty hint adds nothing instead of its own unclosed tag"),
    ("choice-html-labels", "MathML keeps its name instead of getting a prefix"),
    ("num-hintgroup-ignored", "a hint group nobody can use is ignored instead of stopping every submission"),
    ("opt-hintgroup", "the same"),
    ("opt-option-tags-empty", "an empty option is graded instead of stopping every submission"),
    ("struct-label-with-script-like", "escaped markup that is no XML stays text"),
    ("struct-math-empty", "empty math is shown as nothing instead of stopping the problem"),
    ("struct-math-mathml", "MathML is shown instead of stopping the problem"),
    ("struct-math-special", "math with signs of XML is shown instead of stopping the problem"),
    ("struct-namespace-prefix", "prefixes stay as their author wrote them"),
];

struct Report {
    run: usize,
    failures: Vec<String>,
}

const USAGE: &str = "block-v1:Org+C1+R1+type@problem+block@q";

fn check(case: &Json, report: &mut Report) {
    let id = case["id"].as_str().expect("a case has an id");
    let xml = case["xml"].as_str().expect("a case has XML");
    let needs_more = xml.contains("<script") || xml.contains("<include") || case["problem_id"] != "q";
    if needs_more || DIFFERENCES.iter().any(|(known, _)| *known == id) {
        return;
    }
    report.run += 1;
    let mut fail = |what: String| report.failures.push(format!("{id}: {what}"));
    let load = || {
        let usage = USAGE.parse().expect("a usage key");
        let options = ProblemOptions {
            seed: case["seed"].as_i64(),
            anonymous_id: "anon-student",
            ..ProblemOptions::new(usage)
        };
        Problem::load(xml, options)
    };
    let loaded = load();
    let problem = match (loaded, case.get("load_error")) {
        (Ok(problem), None) => problem,
        (Err(_), Some(_)) => return,
        (Ok(_), Some(error)) => return fail(format!("loads, expected {error}")),
        (Err(error), None) => return fail(format!("does not load: {error}")),
    };
    if !problem.needs().is_empty() {
        return;
    }
    if case["total"] != problem.max_score() {
        fail(format!("total {}, expected {}", problem.max_score(), case["total"]));
    }
    let answers = json!(problem.question_answers());
    if answers != case["question_answers"] {
        fail(format!("answers {answers}\n  expected {}", case["question_answers"]));
    }
    let before = normalised(&problem.html());
    if let Some(expected) = case["html_before"].as_str() {
        let expected = normalised(expected);
        if before != expected {
            fail(difference("html_before", &before, &expected));
        }
    }
    for submission in case["submissions"].as_array().into_iter().flatten() {
        let Some(answers) = submission["answers"].as_object() else {
            continue;
        };
        let form = &submission["form"];
        let mut problem = load().expect("it loaded before");
        match problem.grade(answers) {
            Err(error) => {
                // Python's object for a traceback is not for learners.
                let expected = submission["student_message"].as_str();
                let expected = expected.map(|text| text.strip_suffix(" (<traceback>)").unwrap_or(text));
                let is_expected =
                    expected == Some(&*error.learner_message()) || submission.get("raises").is_some();
                // The words of a regular expression engine are its own.
                let is_pattern = error.to_string().contains("stringresponse] error: ");
                let is_expected = is_expected
                    || is_pattern
                        && submission["student_message"]
                            .as_str()
                            .is_some_and(|m| m.contains("stringresponse] error: "));
                if !is_expected {
                    fail(format!("{form}: {error}, expected {submission}"));
                }
            }
            Ok(outcome) => {
                if submission.get("student_message").is_some() || submission.get("raises").is_some() {
                    fail(format!("{form}: graded, expected {submission}"));
                    continue;
                }
                let found = whole_map(&json!(outcome.correct_map));
                let expected = whole_map(&submission["correct_map"]);
                if !agree(&found, &expected) {
                    fail(format!("{form}: {found}\nexpected {expected}"));
                }
                let feedback = outcome.hint_events.iter();
                let feedback: Vec<Json> =
                    feedback.map(|data| json!(["edx.problem.hint.feedback_displayed", data])).collect();
                let expected = submission.get("hint_events").cloned().unwrap_or_else(|| json!([]));
                if json!(feedback) != expected {
                    fail(format!("{form}: events {}\nexpected {expected}", json!(feedback)));
                }
                if let Some(expected) = submission["html_after"].as_str() {
                    let after = normalised(&problem.html());
                    let expected =
                        if expected == "=html_before" { before.clone() } else { normalised(expected) };
                    if after != expected && !expected.starts_with("not XML") {
                        fail(difference(&format!("{form}: html_after"), &after, &expected));
                    }
                }
            }
        }
    }
}

/// Shows where two normalised texts part.
fn difference(what: &str, found: &str, expected: &str) -> String {
    let lines = found.lines().chain([""]).zip(expected.lines().chain([""]));
    let parting = lines.into_iter().find(|(found, expected)| found != expected).unwrap_or((found, expected));
    format!("{what}: {}\n  expected: {}", parting.0, parting.1)
}

fn run(text: &str, at_least: usize) {
    let cases: Json = serde_json::from_str(text).expect("the vectors are JSON");
    let mut report = Report { run: 0, failures: Vec::new() };
    for case in cases.as_array().expect("the vectors are a list") {
        check(case, &mut report);
    }
    assert!(report.run >= at_least, "only {} cases", report.run);
    let count = report.failures.len();
    let shown: Vec<String> = report.failures.into_iter().take(12).collect();
    assert!(count == 0, "{count} failures in {} cases:\n{}", report.run, shown.join("\n\n"));
}

macro_rules! vectors {
    ($($name:ident $file:literal $at_least:literal)*) => {
        $(#[test]
        fn $name() {
            run(include_str!(concat!("../../../tests/vectors/capa/", $file)), $at_least);
        })*
    };
}

vectors! {
    multiple_choice "multiplechoiceresponse.json" 60
    choice "choiceresponse.json" 49
    option "optionresponse.json" 32
    formula "formularesponse.json" 40
    numerical "numericalresponse.json" 88
    string "stringresponse.json" 50
    structure "structure.json" 57
    annotation "annotationresponse.json" 7
    choice_text "choicetextresponse.json" 10
    image "imageresponse.json" 18
    true_false "truefalseresponse.json" 6
}
