//! What a learner's page asks of the block, one request after another over the same stored fields.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use xblock_core::block::{BlockError, GraderReply, HandlerRequest, RescoreError};
use xblock_core::fields::{BlockFieldsError, DictFieldData};
use xblock_core::olx::{Document, FileName, ParseOptions, Source};

use super::super::Report;
use super::page_html::{normalised, normalised_page, parting};
use super::world::{World, fields};

/// Makes a request with form data.
fn post(op: &str, pairs: &Json) -> HandlerRequest {
    HandlerRequest {
        method: "POST".into(),
        suffix: op.into(),
        content_type: "application/x-www-form-urlencoded".into(),
        body: form(pairs).into_bytes(),
        ..HandlerRequest::default()
    }
}

fn form(pairs: &Json) -> String {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs = pairs.as_array().into_iter().flatten();
    let pairs = pairs.map(|pair| {
        format!(
            "{}={}",
            encode(pair[0].as_str().unwrap_or_default()),
            encode(pair[1].as_str().unwrap_or_default())
        )
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (found, Json::String(mask)) if is_mask(mask) => !found.is_null(),
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// What this runtime answers otherwise on purpose, as docs/differences.md says.
const OTHERWISE: &[(&str, &str)] = &[("control-char-input", "what learners typed stays")];

/// Tells whether a value is one that the vectors mask.
fn is_mask(text: &str) -> bool {
    ["<md5>", "<YYYYmmddHHMMSS>", "<now>", "<float seconds>"].contains(&text)
}

/// Checks a scenario, as one case.
pub(super) fn check(scenario: &Json, report: &mut Report) {
    let id = scenario["id"].as_str().unwrap_or("a scenario without an id");
    if OTHERWISE.iter().any(|(known, _)| *known == id) {
        return;
    }
    let mut failures = Vec::new();
    scenario_failures(scenario, &mut failures);
    report.case(id, if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) });
}

fn scenario_failures(scenario: &Json, failures: &mut Vec<String>) {
    let mut values = scenario["fields"].as_object().cloned().unwrap_or_default();
    values.insert("data".into(), scenario["xml"].clone());
    if let Some(seed) = scenario.get("seed") {
        values.insert("seed".into(), seed.clone());
    }
    let stored = fields(&Json::Object(values));
    let mut world = World::new(scenario["staff"] == true, scenario["xqueue_reply"][1].as_str());
    world.is_author_mode = scenario["author"] == true;
    for (at, step) in scenario["steps"].as_array().into_iter().flatten().enumerate() {
        let op = step["op"].as_str().unwrap_or_default();
        let what = format!("{} step {at} {op}", scenario["id"]);
        let mut fail = |problem: String| failures.push(format!("{what}: {problem}"));
        world.events.borrow_mut().clear();
        world.now += chrono::Duration::milliseconds(100);
        let block = world.block_on(&stored);
        if op == "set_fields" {
            for (name, value) in step["data"].as_object().into_iter().flatten() {
                block.fields().set_json(name, value).expect("a value of the field");
            }
            block.fields().save().expect("memory takes everything");
            continue;
        }
        if op == "rescore" {
            let problem = block.scorable().expect("problems have scores");
            let rescored = problem.rescore(step["data"] == true, &world);
            match (&rescored, step.get("raises")) {
                (Ok(_), None) => drop(block.fields().save().expect("memory takes everything")),
                (Err(BlockError::Rescore(_)), Some(_)) => {}
                _ => fail(format!("{rescored:?}")),
            }
            if let (Err(BlockError::Rescore(RescoreError::NotGraded { message, .. })), Some(raised)) =
                (&rescored, step.get("raises"))
                && raised["message"] != **message
            {
                fail(format!("{message}\n  expected {raised}"));
            }
            compare_events(&world, step, &mut fail);
            compare_state(&world, &stored, step, &mut fail);
            continue;
        }
        if op == "student_view" {
            let fragment = block.view(op, &world).expect("it renders");
            compare_root(&fragment.content, &step["response"], &mut fail);
            continue;
        }
        let response = if matches!(op, "score_update" | "ungraded_response") {
            let reply = grader_reply(
                op,
                step,
                &block.fields().json("correct_map"),
                &block.fields().json("input_state"),
            );
            block.scorable().expect("problems have scores").take_grader_reply(&reply, &world)
        } else {
            block.handle("xmodule_handler", &post(op, &step["data"]), &world)
        };
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                if step.get("raises").is_none() {
                    fail(error.to_string());
                }
                continue;
            }
        };
        block.fields().save().expect("memory takes everything");
        if let Some(text) = step["response"].get("not_json") {
            if *text != String::from_utf8_lossy(&response.body).as_ref() {
                fail("another text".into());
            }
            continue;
        }
        let found: Json = serde_json::from_slice(&response.body).unwrap_or_default();
        if let Some(raised) = step.get("raises") {
            // What breaks on the platform is refused like any other bad request.
            let is_refusal = found["success"].as_str().is_some_and(|text| text.starts_with("We're sorry"));
            let is_expected = found == json!({ "success": raised["message"] })
                || (is_refusal && raised["class"] != "ProcessingError");
            if !is_expected {
                fail(format!("{found}\n  expected {raised}"));
            }
            continue;
        }
        for (name, expected) in step["response"].as_object().into_iter().flatten() {
            if matches!(name.as_str(), "html" | "contents" | "correct_status_html") && *expected != "" {
                let (found, expected) =
                    (found[name].as_str().unwrap_or_default(), expected.as_str().unwrap_or_default());
                // Nobody is told of a submission that was none (docs/differences.md).
                let is_unanswered = step["state"]["correct_map"] == json!({});
                let expected = normalised_page(expected, is_unanswered);
                if let Some(parting) = parting(&normalised(found), &expected) {
                    fail(format!("{name}: {parting}"));
                }
            } else if is_for_staff(&found[name]) && is_for_staff(expected) {
                // What follows is a traceback of Python's (docs/differences.md).
            } else if !same(&found[name], expected) {
                fail(format!("{name}: {}\n  expected {expected}", found[name]));
            }
        }
        if found.as_object().map(Map::len) != step["response"].as_object().map(Map::len) {
            fail(format!("other members than {}", step["response"]));
        }
        compare_events(&world, step, &mut fail);
        // Calls that only read keep nothing here.
        let is_plot =
            step["data"].as_array().is_some_and(|pairs| pairs.contains(&json!(["dispatch", "plot"])));
        let only_reads =
            matches!(op, "problem_get" | "problem_show" | "hint_button" | "input_ajax") && !is_plot;
        if !only_reads && found["success"] != false {
            compare_state(&world, &stored, step, &mut fail);
        }
    }
}

/// Tells whether a message is what only course staff are told.
fn is_for_staff(message: &Json) -> bool {
    message.as_str().is_some_and(|text| text.starts_with("Staff debug info: "))
}

/// Makes a grader's reply, with the key that the learner's state holds where the scenario asks for it.
fn grader_reply(
    op: &str,
    step: &Json,
    map: &Result<Json, BlockFieldsError>,
    kept: &Result<Json, BlockFieldsError>,
) -> GraderReply {
    let value = |name: &str| {
        let pairs = step["data"].as_array().into_iter().flatten();
        let mut found = pairs.filter(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap_or_default());
        found.next().unwrap_or_default().to_owned()
    };
    let (map, kept) = (map.as_ref().expect("a map"), kept.as_ref().expect("a map"));
    let stored = [&map["q_2_1"]["queuestate"]["key"], &kept["q_2_1"]["queuekey"]];
    let stored = stored.iter().find_map(|key| key.as_str()).unwrap_or_default();
    let key = if value("queuekey") == "<queuekey>" { stored.to_owned() } else { value("queuekey") };
    GraderReply { dispatch: op.into(), key, body: value("xqueue_body") }
}

/// Compares what the page's script reads from the outermost element. The problem itself stands in the page here.
fn compare_root(content: &str, expected: &Json, fail: &mut impl FnMut(String)) {
    if expected["tag"] != "div" {
        return;
    }
    let source = Source::new(FileName::from("view"), content.into());
    let root = Document::parse_text(source, &ParseOptions::default()).expect("it is XML, too").root;
    for (name, value) in expected["attributes"].as_object().into_iter().flatten() {
        if name != "data-content" && root.get(name) != value.as_str() {
            fail(format!("{name}: {:?}\n  expected {value}", root.get(name)));
        }
    }
}

fn compare_events(world: &World, step: &Json, fail: &mut impl FnMut(String)) {
    let events: Vec<Json> =
        world.events.borrow().iter().map(|event| json!([event.event_type(), event.data()])).collect();
    if !same(&json!(events), &step["events"]) {
        fail(format!("events {}\n  expected {}", json!(events), step["events"]));
    }
}

fn compare_state(world: &World, stored: &Arc<DictFieldData>, step: &Json, fail: &mut impl FnMut(String)) {
    let block = world.block_on(stored);
    for (name, expected) in step["state"].as_object().into_iter().flatten() {
        // A score out of its range is stored, and refused by its field from then on.
        let found = block.fields().json(name);
        let found = found.unwrap_or_else(|_| stored.snapshot().get(name).cloned().unwrap_or_default());
        let is_time = name == "last_submission_time";
        let is_as_recorded = same(&found, expected) || (is_time && found.is_null() == expected.is_null());
        if !is_as_recorded {
            fail(format!("state {name}: {found}\n  expected {expected}"));
        }
    }
}
