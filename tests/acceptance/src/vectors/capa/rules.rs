//! The decision tables of the problem block that can be asked of problems from outside.

use blocks::problem::{Problem, ProblemOptions, index_problem};
use serde_json::{Map, Value as Json, json};
use xblock_core::block::HandlerRequest;

use super::super::Report;
use super::world::{World, fields, usage};

/// The table of a decision inside the block that no caller sees by itself; a test of `blocks` holds every row of it
/// (`policy.rs`, `scores_are_chosen_as_recorded`).
const INSIDE: &str = "grading_method";

type Check = fn(&[Json]) -> Result<(), String>;

/// Checks each row of the tables.
pub(super) fn check(tables: &Map<String, Json>, report: &mut Report) {
    for (name, table) in tables {
        let check: Check = match name.as_str() {
            "about" => continue,
            "max_score_and_types" => worth,
            "stored_correct_map_loading" => verdicts,
            "stored_score_loading" => score,
            "answer_available" => answer,
            "answer_available_after_attempts" => answer_after_attempts,
            "correctness_available" => correctness,
            "closed" => closed,
            "buttons" => buttons,
            "progress" => progress,
            "pretty_print_seconds" => durations,
            "rerandomize_from_json" => variants,
            INSIDE => continue,
            _ => {
                report.case(name, Err("no check for this table".into()));
                continue;
            }
        };
        for (at, row) in table["rows"].as_array().into_iter().flatten().enumerate() {
            report.case(&format!("{name}[{at}]"), check(row.as_array().map_or(&[], Vec::as_slice)));
        }
    }
}

fn same(found: &Json, expected: &Json) -> Result<(), String> {
    if super::problems::agree(found, expected) { Ok(()) } else { Err(format!("{found} for {expected}")) }
}

/// What learners are asked in these tables.
const QUESTION: &str = r#"<problem><stringresponse answer="a"><textline/></stringresponse></problem>"#;

/// Calls a handler of the question over stored fields.
fn call(values: Json, is_staff: bool, dispatch: &str) -> Result<Json, String> {
    let mut stored = json!({ "data": QUESTION, "seed": 1 });
    for (name, value) in values.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        stored[name] = value.clone();
    }
    let mut world = World::new(is_staff, None);
    // A little after a full second, which is what is stored.
    world.now += chrono::Duration::milliseconds(500);
    let request = HandlerRequest {
        method: "POST".into(),
        suffix: dispatch.into(),
        content_type: "application/x-www-form-urlencoded".into(),
        body: b"input_q_2_1=b".to_vec(),
        ..HandlerRequest::default()
    };
    let block = world.block_on(&fields(&stored));
    let answered = block.handle("xmodule_handler", &request, &world).map_err(|error| error.to_string())?;
    serde_json::from_slice(&answered.body).map_err(|error| error.to_string())
}

/// Tells whether learners are shown the answer.
fn shows_answer(values: Json, is_staff: bool) -> Result<Json, String> {
    Ok(json!(call(values, is_staff, "problem_show")?.get("answers").is_some()))
}

fn due(word: &Json) -> Json {
    match word.as_str() {
        Some("past") => json!("2001-01-01T00:00:00Z"),
        Some("future") => json!("2999-01-01T00:00:00Z"),
        _ => Json::Null,
    }
}

fn points(is_full: &Json) -> Json {
    json!({ "raw_earned": u8::from(*is_full == true), "raw_possible": 1 })
}

fn answer(row: &[Json]) -> Result<(), String> {
    let [showanswer, staff, attempts, most, full, by, expected] = row else {
        return Err("other columns".into());
    };
    let values = json!({ "showanswer": showanswer, "attempts": attempts, "max_attempts": most, "score": points(full),
        "due": due(by) });
    same(&shows_answer(values, *staff == true)?, expected)
}

fn answer_after_attempts(row: &[Json]) -> Result<(), String> {
    let [required, most, attempts, expected] = row else { return Err("other columns".into()) };
    let values = json!({ "showanswer": "after_attempts", "attempts_before_showanswer_button": required,
        "max_attempts": most, "attempts": attempts });
    same(&shows_answer(values, false)?, expected)
}

fn correctness(row: &[Json]) -> Result<(), String> {
    let [show, staff, by, available, answer] = row else { return Err("other columns".into()) };
    let values = json!({ "show_correctness": show, "due": due(by), "showanswer": "always" });
    let is_known = !call(values.clone(), *staff == true, "problem_get")?["current_score"].is_null();
    same(&json!(is_known), available)?;
    same(&shows_answer(values, *staff == true)?, answer)
}

fn closed(row: &[Json]) -> Result<(), String> {
    let [attempts, most, by, grace, past_due, used, closed] = row else { return Err("other columns".into()) };
    // Of each there is an occasion that shows the answer then and only then.
    for (occasion, expected) in [("past_due", past_due), ("after_all_attempts", used), ("closed", closed)] {
        let grace = grace.as_i64().map(|seconds| format!("{seconds} seconds"));
        let values = json!({ "showanswer": occasion, "attempts": attempts, "max_attempts": most, "due": due(by),
            "graceperiod": grace });
        same(&shows_answer(values, false)?, expected).map_err(|error| format!("{occasion}: {error}"))?;
    }
    Ok(())
}

fn buttons(row: &[Json]) -> Result<(), String> {
    let [when, attempts, most, done, full, reset, save, by, submit_enabled, reset_shown, save_shown] = row
    else {
        return Err("other columns".into());
    };
    let values = json!({ "rerandomize": when, "attempts": attempts, "max_attempts": most, "done": done,
        "score": points(full), "show_reset_button": reset, "force_save_button": save, "due": due(by) });
    let answered = call(values, false, "problem_get")?;
    let html = answered["html"].as_str().unwrap_or_default();
    let has = |text: &str| html.contains(text);
    let found = json!([
        has("data-should-enable-submit-button=\"True\""),
        has("class=\"reset "),
        has("class=\"save problem-action-btn"),
    ]);
    // The page has no button for what was never tried.
    let is_tried = attempts.as_i64().is_some_and(|attempts| attempts > 0);
    same(&found, &json!([submit_enabled, *reset_shown == true && is_tried, save_shown]))
}

fn progress(row: &[Json]) -> Result<(), String> {
    let [weight, earned, possible, _, text, shown, is_full] = row else { return Err("other columns".into()) };
    let values = json!({ "weight": weight, "attempts": 1, "done": true, "showanswer": "answered",
        "score": { "raw_earned": earned, "raw_possible": possible },
        "correct_map": { "q_2_1": { "correctness": "correct" } } });
    let answered = call(values.clone(), false, "problem_get")?;
    same(&json!([answered["current_score"], answered["total_possible"]]), shown)?;
    let html = answered["html"].as_str().unwrap_or_default();
    if let Some(text) = text.as_str().filter(|text| !html.contains(&format!("Correct ({text} point"))) {
        return Err(format!("no {text} in {html}"));
    }
    same(&shows_answer(values, false)?, is_full)
}

fn durations(row: &[Json]) -> Result<(), String> {
    let [seconds, text] = row else { return Err("other columns".into()) };
    let seconds = seconds.as_i64().unwrap_or_default();
    // A wait of which so much is left, and a little.
    let wait = seconds + 100;
    let last = World::new(false, None).now - chrono::Duration::seconds(99);
    let last = last.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let values = json!({ "submission_wait_seconds": wait, "last_submission_time": last });
    let answered = call(values, false, "problem_check")?;
    let said = answered["success"].as_str().unwrap_or_default();
    let expected = format!(". {} remaining.", text.as_str().unwrap_or_default());
    if said.ends_with(&expected) { Ok(()) } else { Err(format!("{said:?} for {expected:?}")) }
}

fn variants(row: &[Json]) -> Result<(), String> {
    let [stored, value] = row else { return Err("other columns".into()) };
    let values = fields(&json!({ "data": "<problem/>", "rerandomize": stored }));
    let block = World::new(false, None).block_on(&values);
    same(&block.fields().json("rerandomize").map_err(|error| error.to_string())?, value)
}

fn worth(row: &[Json]) -> Result<(), String> {
    let [xml, points, types, _] = row else { return Err("other columns".into()) };
    let text = xml.as_str().unwrap_or_default();
    let world = World::new(false, None);
    let block = world.block_on(&fields(&json!({ "data": text })));
    same(&json!(block.max_score(&world).map_err(|error| error.to_string())?), points)?;
    let mut found = index_problem(text).map_err(|error| error.to_string())?.problem_types;
    found.sort_unstable();
    same(&json!(found), types)
}

fn score(row: &[Json]) -> Result<(), String> {
    let [stored, expected] = row else { return Err("other columns".into()) };
    let block = World::new(false, None).block_on(&fields(&json!({ "data": "<problem/>", "score": stored })));
    match (block.fields().json("score"), expected.get("raises")) {
        (Ok(found), None) => same(&found, if expected.is_null() { &Json::Null } else { stored }),
        (Err(_), Some(_)) => Ok(()),
        (found, _) => Err(format!("{found:?} for {expected}")),
    }
}

fn verdicts(row: &[Json]) -> Result<(), String> {
    let [stored, loaded, score] = row else { return Err("other columns".into()) };
    let xml = r#"<problem><stringresponse answer="a"><textline/></stringresponse></problem>"#;
    let state = json!({ "correct_map": stored });
    let options = ProblemOptions { state: Some(&state), ..ProblemOptions::new(usage()) };
    let problem = Problem::load(xml, options).map_err(|error| error.to_string())?;
    same(&known(&problem.state()["correct_map"], stored, loaded)?, loaded)?;
    let found = problem.score();
    same(&json!([found.earned(), found.possible()]), score)
}

/// Takes out of a map the members that the platform forgets, and checks that none of them was forgotten here
/// (docs/differences.md, row on unknown members of stored verdicts).
fn known(found: &Json, stored: &Json, loaded: &Json) -> Result<Json, String> {
    let mut known = found.clone();
    for (id, entry) in stored.as_object().into_iter().flatten() {
        for (name, value) in entry.as_object().into_iter().flatten() {
            if loaded[id].get(name).is_none() {
                let kept = known[id].as_object_mut().and_then(|members| members.shift_remove(name));
                same(&json!(kept), value)?;
            }
        }
    }
    Ok(known)
}
