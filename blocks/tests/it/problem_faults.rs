//! `problem`: what does not work, what learners are told of it, and what those who can mend it; state as others left it.

use std::sync::Arc;

use serde_json::json;
use xblock_core::block::User;
use xblock_core::fields::Json;

use crate::context::{World, data, json as body, post};

/// Needs a queue, which the worlds of these tests do not have.
const PROGRAM: &str = "<problem><coderesponse><textbox/><codeparam/></coderesponse></problem>";
const SCRIPT: &str = r#"<problem><script type="loncapa/python">x = 2</script>
<numericalresponse answer="$x"><textline/></numericalresponse></problem>"#;
const BROKEN: &str = "<problem><numericalresponse><textline/></numericalresponse></problem>";
const TEXT: &str = r#"<problem><stringresponse answer="a"><textline/></stringresponse></problem>"#;

fn staff() -> World {
    World { user: Some(User { id: "42".into(), is_staff: true }), ..World::of("problem") }
}

fn author() -> World {
    World { is_author_mode: true, ..World::of("problem") }
}

fn view(world: &World, xml: &str, view: &str) -> String {
    world.block(&json!({ "data": xml })).view(view, world).expect("it renders").content
}

fn submitted(world: &World, xml: &str) -> Json {
    let block = world.block(&json!({ "data": xml }));
    body(&block.handle("problem_check", &post("", "input_q_2_1=2"), world).expect("it is answered").body)
}

#[test]
fn causes_are_for_those_who_can_mend_them() {
    for (xml, cause) in [(PROGRAM, "needs a queue for its grader"), (SCRIPT, "needs the Python sandbox")] {
        let learner = view(&World::of("problem"), xml, "student_view");
        assert!(learner.contains("problem-unsupported"), "{learner}");
        for jargon in [cause, "sandbox", "queue", "Python"] {
            assert!(!learner.contains(jargon), "{jargon}: {learner}");
        }
        assert!(view(&staff(), xml, "student_view").contains(cause));

        let told = submitted(&World::of("problem"), xml)["success"].to_string();
        assert!(told.contains("cannot be graded right now") && !told.contains(cause), "{told}");
        let told = submitted(&staff(), xml)["success"].to_string();
        assert!(told.contains("cannot be graded right now") && told.contains(cause), "{told}");
    }
    assert!(view(&World::of("problem"), SCRIPT, "author_view").contains("needs the Python sandbox"));
}

#[test]
fn old_answers_are_shown_where_no_more_are_taken() {
    let external = "<problem><externalresponse><textbox/><answer>x</answer></externalresponse></problem>";
    let files = "<problem><coderesponse><filesubmission/><codeparam/></coderesponse></problem>";
    let matlab = "<problem><coderesponse><matlabinput/><codeparam/></coderesponse></problem>";
    for (xml, kept) in [
        (PROGRAM, ">print(1)</textarea>"),
        (external, ">print(1)</textarea>"),
        (matlab, ">print(1)</textarea>"),
        (files, "type=\"file\""),
    ] {
        for (correctness, status) in [
            (Some("correct"), "correct"),
            (Some("incorrect"), "incorrect"),
            (Some("partially-correct"), "partially correct"),
            (Some("incomplete"), "processing"),
            (None, "unanswered"),
        ] {
            let map = match correctness {
                Some(verdict) => json!({ "q_2_1": { "correctness": verdict, "msg": "<b>Said.</b>" } }),
                None => json!({}),
            };
            let fields = json!({
                "data": xml,
                "student_answers": { "q_2_1": "print(1)" },
                "correct_map": map,
                "attempts": 1,
                "done": true,
            });
            let world = World::of("problem");
            let shown = world.block(&fields).view("student_view", &world).expect("it renders").content;
            let (_, input) = shown.split_once("disabled=\"disabled\"").expect("it takes no answer");
            assert!(shown.contains("problem-unsupported\"") && input.contains(kept), "{shown}");
            assert!(input.contains(status), "{correctness:?}: {shown}");
            let is_said = matches!(correctness, Some("correct" | "incorrect" | "partially-correct"));
            assert_eq!(input.contains("<b>Said.</b>"), is_said, "{shown}");
        }
        let told = submitted(&World::of("problem"), xml)["success"].to_string();
        assert!(told.contains("cannot be graded right now"), "{told}");
    }
}

#[test]
fn authors_see_what_is_wrong_with_a_problem() {
    let cause = "missing required attribute answer";
    assert!(!view(&World::of("problem"), BROKEN, "student_view").contains(cause));
    assert!(view(&World::of("problem"), BROKEN, "author_view").contains(cause));
    assert!(view(&author(), BROKEN, "student_view").contains(cause));
    assert!(view(&staff(), BROKEN, "student_view").contains(cause));
}

#[test]
fn programs_of_authors_who_try_their_work_are_not_graded() {
    for shown in
        [view(&World::of("problem"), PROGRAM, "author_view"), view(&author(), PROGRAM, "student_view")]
    {
        assert!(shown.contains("<textarea") && !shown.contains("problem-unsupported"), "{shown}");
    }
    let answered = submitted(&author(), PROGRAM);
    assert_eq!((&answered["success"], &answered["attempts_used"]), (&json!("incorrect"), &json!(1)));
    let contents = answered["contents"].as_str().unwrap_or_default();
    assert!(contents.contains("Error: No grader has been set up for this problem."), "{contents}");
}

#[test]
fn mistakes_that_stop_grading_are_told_to_authors_and_staff() {
    let xml = r#"<problem><imageresponse><imageinput src="a.png" width="9" height="9" rectangle="x"/></imageresponse></problem>"#;
    let learner = submitted(&World::of("problem"), xml)["success"].to_string();
    assert!(learner.contains("We're sorry"), "{learner}");
    let author = submitted(&author(), xml)["success"].to_string();
    assert!(author.contains("Error checking problem: "), "{author}");

    let xml = r#"<problem><numericalresponse answer="3"><textline/></numericalresponse></problem>"#;
    let form = post("", "input_q_2_1=x%2B");
    let told = |world: &World| {
        let block = world.block(&json!({ "data": xml }));
        body(&block.handle("problem_check", &form, world).expect("it is answered").body)["success"].clone()
    };
    assert_eq!(told(&World::of("problem")), "Invalid math syntax: 'x+'");
    assert_eq!(told(&staff()), "Staff debug info: Invalid math syntax: 'x+'");
}

const POOL: &str = r#"<problem><multiplechoiceresponse><choicegroup answer-pool="2">
<choice correct="true" name="a">A<choicehint>Said to a.</choicehint></choice>
<choice correct="false" name="b">B<choicehint>Said to b.</choicehint></choice>
<choice correct="true" name="c">C<choicehint>Said to c.</choicehint></choice>
<choice correct="false" name="d">D<choicehint>Said to d.</choicehint></choice>
</choicegroup></multiplechoiceresponse></problem>"#;

#[test]
fn nothing_is_said_to_choices_that_a_pool_did_not_draw() {
    let mut said = [0, 0];
    for seed in 0..8 {
        let world = World::of("problem");
        let shown = {
            let block = world.block(&json!({ "data": POOL, "seed": seed }));
            block.view("student_view", &world).expect("it renders").content
        };
        for name in ["a", "b", "c", "d"] {
            let block = world.block(&json!({ "data": POOL, "seed": seed }));
            let form = post("", &format!("input_q_2_1=choice_{name}"));
            let answered = body(&block.handle("problem_check", &form, &world).expect("it is answered").body);
            let is_right = matches!(name, "a" | "c");
            assert_eq!(answered["success"], if is_right { "correct" } else { "incorrect" });
            let is_shown = shown.contains(&format!("value=\"choice_{name}\""));
            let is_said = answered["contents"].as_str().is_some_and(|html| html.contains("Said to"));
            assert_eq!(is_said, is_shown, "{seed} {name}");
            let events = world.events.take();
            let is_told =
                events.iter().any(|event| event.event_type() == "edx.problem.hint.feedback_displayed");
            assert_eq!(is_told, is_shown, "{seed} {name}");
            said[usize::from(is_shown)] += 1;
        }
    }
    assert_eq!(said, [16, 16]);
}

#[test]
fn state_that_others_left_is_written_back() {
    let world = World::of("problem");
    let entry = json!({ "correctness": "incorrect", "npoints": { "__float__": "NaN" }, "msg": "", "hint": "",
        "hintmode": null, "queuestate": null, "answervariable": null, "of_a_newer_release": { "a": [1] } });
    let stored = Arc::new(data(&json!({ "data": TEXT, "seed": 1, "correct_map": { "q_2_1": entry },
        "student_answers": { "q_2_1": "b", "q_9_1": { "__float__": "Infinity" } } })));
    let block = world.block_on(stored.clone());
    block.view("student_view", &world).expect("it renders");
    block.handle("problem_save", &post("", "input_q_2_1=c"), &world).expect("it is answered");
    block.fields().save().expect("memory takes everything");
    let map = world.block_on(stored).fields().json("correct_map").expect("it is there");
    assert_eq!(map, json!({ "q_2_1": entry }));
}

#[test]
fn grades_out_of_their_range_are_kept_and_the_problem_goes_on() {
    let world = World::of("problem");
    let score = json!({ "raw_earned": 2.0, "raw_possible": 1 });
    let stored =
        Arc::new(data(&json!({ "data": TEXT, "seed": 1, "attempts": 1, "done": true, "score": score,
        "score_history": [score, { "raw_earned": -0.5, "raw_possible": 1 }] })));
    let block = world.block_on(stored.clone());
    assert!(block.fields().json("score").is_err(), "the field refuses it, as on the platform");
    assert!(block.view("student_view", &world).expect("it renders").content.contains("1/1 point"));
    let answered = block.handle("problem_check", &post("", "input_q_2_1=a"), &world).expect("it is answered");
    assert_eq!(body(&answered.body)["success"], "correct");
    block.fields().save().expect("memory takes everything");
    let raw = stored.snapshot();
    assert_eq!(raw["score"], json!({ "raw_earned": 1, "raw_possible": 1 }));
    assert_eq!(raw["score_history"][0], score);
    assert_eq!(raw["score_history"][2], json!({ "raw_earned": 1, "raw_possible": 1 }));
}
