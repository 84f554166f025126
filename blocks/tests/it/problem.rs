//! `problem`: what its page asks of it, against the recorded answers of the Python block.

use serde_json::json;
use xblock_core::block::{BlockError, Event, HandlerRequest, RescoreError, User};
use xblock_core::fields::Json;

use crate::context::{World, json as body, post};

const CHOICE: &str = r#"<problem><multiplechoiceresponse><label>Which?</label><choicegroup type="MultipleChoice">
<choice correct="false" name="a">A<choicehint>Not A.</choicehint></choice><choice correct="true" name="b">B</choice>
</choicegroup></multiplechoiceresponse><solution><p>It is <img src="/static/b.png"/> B.</p></solution></problem>"#;

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

#[test]
fn what_an_external_grader_looked_at_is_not_rescored() {
    let world = World::of("problem");
    let xml = "<problem><coderesponse><textbox/><codeparam/></coderesponse></problem>";
    let block = world.block(&json!({ "data": xml, "done": true }));
    let refused = block.scorable().expect("problems have scores").rescore(false, &world);
    assert!(matches!(refused, Err(BlockError::Rescore(RescoreError::Unsupported { .. }))), "{refused:?}");
    let events = world.events.borrow();
    assert_eq!(events[0].event_type(), "problem_rescore_fail");
    assert_eq!(events[0].data()["failure"], "unsupported");
}

#[test]
fn the_page_shows_the_problem_without_scripts() {
    let world = World::of("problem");
    let fragment = world
        .block(&json!({ "data": CHOICE, "display_name": "<Q>" }))
        .view("student_view", &world)
        .expect("it renders");
    let html = &fragment.content;
    assert!(
        html.contains(
            "<legend id=\"q_2_1-legend\" class=\"response-fieldset-legend field-group-hd\">Which?</legend>"
        ),
        "{html}"
    );
    assert!(html.contains("&lt;Q&gt;") && !html.contains("<Q>"));
    assert!(!html.contains("Not A") && !html.contains("It is"), "hints and solutions wait: {html}");
    assert!(html.contains("role=\"status\""));
    assert_eq!(fragment.js_init_fn.as_deref(), Some("XBlockRuntimeProblem"));
}

#[test]
fn looking_at_a_problem_writes_nothing() {
    for rerandomize in ["never", "always", "per_student"] {
        let world = World::of("problem");
        let block = world.block(&json!({ "data": CHOICE, "rerandomize": rerandomize }));
        block.view("student_view", &world).expect("it renders");
        block.handle("problem_get", &post("", ""), &world).expect("it is answered");
        assert_eq!(block.fields().dirty(), [""; 0], "{rerandomize}");
        assert!(world.events.borrow().is_empty());
    }
}

#[test]
fn answers_come_as_forms_or_as_json() {
    let world = World::of("problem");
    let block = world.block(&json!({ "data": CHOICE }));
    let response =
        block.handle("problem_check", &post("", "input_q_2_1=choice_a"), &world).expect("it is answered");
    let found = body(&response.body);
    assert_eq!((&found["success"], &found["attempts_used"]), (&json!("incorrect"), &json!(1)));
    assert!(found["contents"].as_str().is_some_and(|html| html.contains("Not A.")), "the hint is shown now");
    let mut request = post("", r#"{"input_q_2_1": "choice_b"}"#);
    request.content_type = "application/json; charset=utf-8".into();
    let found = body(&block.handle("problem_check", &request, &world).expect("it is answered").body);
    assert_eq!((&found["success"], &found["current_score"]), (&json!("correct"), &json!(1)));
    let grades: Vec<f64> = world
        .events
        .borrow()
        .iter()
        .filter_map(|event| match event {
            Event::Grade(grade) => Some(grade.value),
            _ => None,
        })
        .collect();
    assert_eq!(grades, [0.0, 1.0]);
}

#[test]
fn the_solution_comes_with_real_addresses() {
    let world = World::of("problem");
    let block = world.block(&json!({ "data": CHOICE, "showanswer": "always" }));
    let found = body(&block.handle("problem_show", &post("", ""), &world).expect("it is answered").body);
    assert_eq!(found["answers"]["q_2_1"], json!(["choice_b"]));
    let of_null = block.handle("problem_show", &HandlerRequest::post_json(&Json::Null), &world);
    assert_eq!(body(&of_null.expect("it is answered").body), found);
    let solution = found["answers"]["q_solution_1"].as_str().expect("there is a solution");
    assert!(solution.contains("src=\"/asset/b.png\""), "{solution}");
}

#[test]
fn a_question_that_needs_more_is_shown_but_not_graded() {
    let world = World { is_author_mode: true, ..World::of("problem") };
    let xml = r#"<problem><p>Draw.</p><customresponse cfn="check"><textline/></customresponse></problem>"#;
    let block = world.block(&json!({ "data": xml }));
    let html = block.view("student_view", &world).expect("it renders").content;
    assert!(
        html.contains("Draw.") && html.contains("customresponse needs its author&#39;s code")
            || html.contains("customresponse needs its author's code"),
        "{html}"
    );
    assert!(html.contains("data-should-enable-submit-button=\"False\""), "{html}");
    let found = body(
        &block.handle("problem_check", &post("", "input_q_2_1=x"), &world).expect("it is answered").body,
    );
    assert!(
        found["success"].as_str().is_some_and(|text| text.contains("cannot be graded right now")),
        "{found}"
    );
    assert_eq!(block.fields().int("attempts").expect("a number"), Some(0));
}

#[test]
fn a_broken_problem_tells_staff_where() {
    let values = json!({ "data": "<problem>\n<numericalresponse><textline/></numericalresponse></problem>" });
    let learner = World::of("problem");
    let html = learner.block(&values).view("student_view", &learner).expect("it renders").content;
    assert!(html.contains("Contact course staff") && !html.contains("answer"), "{html}");
    let staff = World { user: Some(User { id: "1".into(), is_staff: true }), ..World::of("problem") };
    let html = staff.block(&values).view("student_view", &staff).expect("it renders").content;
    assert!(html.contains("missing required attribute answer") && html.contains("line 2"), "{html}");
    let refused = learner.block(&values).handle("problem_check", &post("", "input_q_2_1=1"), &learner);
    assert!(matches!(refused, Err(BlockError::BadContent { .. })));
}

#[test]
fn what_learners_type_is_escaped() {
    let world = World::of("problem");
    let xml = "<problem><stringresponse answer=\"a\"><textline/></stringresponse></problem>";
    let block = world.block(&json!({ "data": xml }));
    let form = form(&json!([["input_q_2_1", "\"><script>alert(1)</script>"]]));
    let found = body(&block.handle("problem_check", &post("", &form), &world).expect("it is answered").body);
    assert!(!found["contents"].as_str().expect("there is HTML").contains("<script"), "{found}");
}

#[test]
fn inputs_without_a_label_are_named_by_their_problem() {
    let world = World::of("problem");
    let inputs = r#"<stringresponse answer="a"><textline/></stringresponse>
<numericalresponse answer="1"><formulaequationinput/></numericalresponse>
<optionresponse><optioninput options="('a','b')" correct="a"/></optionresponse>
<choiceresponse><checkboxgroup><choice correct="true">A</choice></checkboxgroup></choiceresponse>"#;
    let view = |xml: &str| {
        let block = world.block(&json!({ "data": format!("<problem>{xml}</problem>") }));
        block.view("student_view", &world).expect("it renders").content
    };
    let html = view(inputs);
    let (title, named) = ("-problem-title\" aria-describedby=\"status_", "aria-labelledby=\"");
    assert_eq!(html.matches(title).count(), 4, "{html}");
    // The problem's own name and its four inputs.
    assert_eq!(html.matches(named).count(), 5, "{html}");
    assert!(html.contains("<noscript>"), "{html}");
    let labelled = r#"<stringresponse answer="a"><label>Which?</label><textline/></stringresponse>"#;
    assert_eq!(view(labelled).matches(named).count(), 1, "a label is enough");
    let several = r#"<optionresponse><label>Both?</label><optioninput options="('a','b')" correct="a"/>
<optioninput options="('a','b')" correct="a"/></optionresponse>"#;
    let html = view(several);
    assert_eq!(
        html.matches("aria-labelledby=\"multiinput-group-label-").count(),
        3,
        "the group and both inputs: {html}"
    );
}
