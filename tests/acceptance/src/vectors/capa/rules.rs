//! The decision tables of the problem block that can be asked of problems from outside.

use blocks::problem::{Problem, ProblemOptions, index_problem};
use serde_json::{Map, Value as Json, json};

use super::super::Report;
use super::world::{World, fields, usage};

/// Tables of decisions inside the block, which no caller sees by themselves; the tests of `blocks` hold every row of them.
const INSIDE: [&str; 9] = [
    "answer_available",
    "answer_available_after_attempts",
    "correctness_available",
    "closed",
    "buttons",
    "progress",
    "grading_method",
    "pretty_print_seconds",
    "rerandomize_from_json",
];

type Check = fn(&[Json]) -> Result<(), String>;

/// Checks each row of the tables.
pub(super) fn check(tables: &Map<String, Json>, report: &mut Report) {
    for (name, table) in tables {
        let check: Check = match name.as_str() {
            "about" => continue,
            "max_score_and_types" => worth,
            "stored_correct_map_loading" => verdicts,
            "stored_score_loading" => score,
            inside if INSIDE.contains(&inside) => continue,
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
