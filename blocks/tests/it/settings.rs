//! Settings that hold what they should not: blocks work with the default instead.

use std::sync::Arc;

use serde_json::json;
use xblock_core::fields::{DictFieldData, Json, Scope};

use crate::context::{World, data, json as body, post};

const PROBLEM: &str =
    r#"<problem><numericalresponse answer="1"><formulaequationinput/></numericalresponse></problem>"#;

/// Values that no field but a few can read.
fn oddities() -> [Json; 8] {
    [
        json!(true),
        json!(false),
        json!(-3),
        json!(1.5),
        json!("odd"),
        json!(["odd"]),
        json!({ "odd": 1 }),
        json!(""),
    ]
}

#[test]
fn blocks_render_whatever_their_settings_hold() {
    let mut failures = Vec::new();
    let mut run = 0;
    let registry = blocks::registry().expect("no type is declared twice");
    for block_type in
        ["problem", "video", "html", "about", "sequential", "vertical", "chapter", "course", "lti"]
    {
        let world = World::of(block_type);
        let fields = registry.block_type(block_type).fields().clone();
        for spec in fields.iter().filter(|spec| spec.scope == Scope::Settings) {
            for value in oddities() {
                run += 1;
                let mut values = json!({ spec.name: value });
                if block_type == "problem" {
                    values["data"] = json!(PROBLEM);
                }
                if let Err(error) = world.block(&values).view("student_view", &world) {
                    failures.push(format!("{block_type} {values}: {error}"));
                }
            }
        }
    }
    assert!(run > 500, "only {run} settings");
    assert!(failures.is_empty(), "{} of {run}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn problems_grade_whatever_their_settings_hold() {
    let world = World::of("problem");
    let registry = blocks::registry().expect("no type is declared twice");
    let fields = registry.block_type("problem").fields().clone();
    // These can say that nothing more is taken.
    let may_close = ["max_attempts", "due"];
    for spec in fields.iter().filter(|spec| spec.scope == Scope::Settings) {
        for value in oddities().into_iter().filter(|_| !may_close.contains(&spec.name)) {
            let block = world.block(&json!({ "data": PROBLEM, spec.name: value }));
            let response = block.handle("problem_check", &post("", "input_q_2_1=1"), &world);
            let found = body(&response.unwrap_or_else(|e| panic!("{} {value}: {e}", spec.name)).body);
            assert_eq!(found["success"], "correct", "{} {value}", spec.name);
        }
    }
}

#[test]
fn truth_values_from_course_xml_say_when_variants_are_drawn() {
    let world = World::of("problem");
    // After an answer, only a problem that is drawn anew each time has to be reset first.
    let needs_reset = |rerandomize: Json| {
        let stored: Arc<DictFieldData> =
            Arc::new(data(&json!({ "data": PROBLEM, "rerandomize": rerandomize, "done": true })));
        let html = world.block_on(stored).view("student_view", &world).expect("it renders").content;
        html.contains("data-should-enable-submit-button=\"False\"")
    };
    assert!(needs_reset(json!(true)) && needs_reset(json!("true")) && needs_reset(json!("always")));
    assert!(!needs_reset(json!(false)) && !needs_reset(json!("per_student")) && !needs_reset(json!(7)));
}
