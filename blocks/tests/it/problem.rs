//! `problem`: what its page asks of it, against the recorded answers of the Python block.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, json};
use xblock_core::block::{BlockError, Event, GraderReply, HandlerRequest, RescoreError, User};
use xblock_core::fields::{BlockFieldsError, DictFieldData, Json};
use xblock_core::olx::{Document, Element, FileName, Node, ParseOptions, Source};

use crate::context::{TestQueue, World, data, json as body, post};

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

/// Normalises markup as the vectors' README says; the inline script and the formula preview are left out.
fn normalised(markup: &str) -> String {
    let markup = match markup.strip_prefix("<root>") {
        Some(_) => markup.to_owned(),
        None => format!("<root>{markup}</root>"),
    };
    let source = Source::new(FileName::from("markup"), markup.as_str().into());
    let document =
        Document::parse_text(source, &ParseOptions::default()).unwrap_or_else(|e| panic!("{e:?}: {markup}"));
    let mut out = String::new();
    write(&document.root, &mut out);
    out
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn write(element: &Element, out: &mut String) {
    let class = element.get("class").unwrap_or_default();
    // The progress text is written by the platform's script, the preview of formulas is not part of these pages.
    let is_left_out = element.name == "script"
        || class == "script_placeholder"
        || (class == "equation" && element.get("id").is_some_and(|id| id.ends_with("_preview")));
    if is_left_out {
        return;
    }
    // Inputs without a label are named by the question or the problem here; the platform leaves them without a name.
    let is_own_name = |name: &str, value: &str| {
        name == "aria-labelledby"
            && (value.ends_with("-problem-title") || value.starts_with("multiinput-group-label-"))
            && ["input", "select", "fieldset", "textarea"].contains(&&*element.name)
            || (name == "aria-label" && value.is_empty())
    };
    let attributes: BTreeMap<&str, String> = element
        .attributes
        .iter()
        .filter(|a| !is_own_name(&a.name, &a.value))
        .map(|a| (a.name.as_str(), collapsed(&a.value)))
        .collect();
    out.push_str(&format!("\n<{} {attributes:?}>", element.name));
    if class != "problem-progress" {
        let mut text = String::new();
        for child in element.children.iter().chain([&Node::text("")]) {
            match child {
                Node::Text(chars) | Node::CData(chars) => text.push_str(&chars.value),
                Node::Element(child) => {
                    out.push_str(&collapsed(&std::mem::take(&mut text)));
                    write(child, out);
                }
                _ => {}
            }
        }
        let text = collapsed(&text);
        // Where nothing was saved the platform writes Python's word for nothing into a hidden message.
        out.push_str(if text == "None" { "" } else { &text });
    }
    out.push_str(&format!("</{}>", element.name));
}

fn parting(found: &str, expected: &str) -> Option<String> {
    let mut lines = found.lines().chain([""]).zip(expected.lines().chain([""]));
    lines
        .find(|(found, expected)| found != expected)
        .map(|(found, expected)| format!("{found}\n  expected {expected}"))
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

/// What this runtime answers otherwise on purpose, as docs/differences.md says, and what needs a sandbox, which only the
/// vectors of the whole house have.
const OTHERWISE: &[(&str, &str)] = &[
    ("code-author-mode-no-queue", "an answer that nobody will grade is no attempt"),
    ("control-char-input", "what learners typed stays"),
];

fn is_native(scenario: &Json) -> bool {
    let xml = scenario["xml"].as_str().unwrap_or_default();
    let is_previewed = scenario["id"] == "input-ajax-chem-preview";
    let runs_code = xml.contains("<script") || (xml.contains("customresponse") && !is_previewed);
    !runs_code && !OTHERWISE.iter().any(|(id, _)| scenario["id"] == *id)
}

/// Tells whether a value is one that the vectors mask.
fn is_mask(text: &str) -> bool {
    ["<md5>", "<YYYYmmddHHMMSS>", "<now>", "<float seconds>"].contains(&text)
}

#[test]
fn calls_are_answered_as_recorded() {
    let scenarios: Vec<Json> =
        serde_json::from_str(include_str!("../../../tests/vectors/capa/block_sequences.json"))
            .expect("the vectors are JSON");
    let mut failures = Vec::new();
    let mut run = 0;
    for scenario in scenarios.iter().filter(|scenario| is_native(scenario)) {
        run += 1;
        scenario_failures(scenario, &mut failures);
    }
    assert!(run >= 49, "only {run} scenarios");
    assert!(failures.is_empty(), "{} in {run} scenarios:\n{}", failures.len(), failures.join("\n\n"));
}

fn scenario_failures(scenario: &Json, failures: &mut Vec<String>) {
    let mut values = scenario["fields"].as_object().cloned().unwrap_or_default();
    values.insert("data".into(), scenario["xml"].clone());
    if let Some(seed) = scenario.get("seed") {
        values.insert("seed".into(), seed.clone());
    }
    let stored: Arc<DictFieldData> = Arc::new(data(&Json::Object(values)));
    let is_staff = scenario["staff"] == true;
    let reply = match scenario["xqueue_reply"][1].as_str() {
        Some(failure) => Err(failure.to_owned()),
        None => Ok("3".to_owned()),
    };
    let queue = TestQueue { reply, sent: Mutex::default() };
    let user = Some(User { id: "42".into(), is_staff });
    let mut world = World { user, queue: Some(Arc::new(queue)), ..World::of("problem") };
    for (at, step) in scenario["steps"].as_array().into_iter().flatten().enumerate() {
        let op = step["op"].as_str().unwrap_or_default();
        let what = format!("{} step {at} {op}", scenario["id"]);
        let mut fail = |problem: String| failures.push(format!("{what}: {problem}"));
        world.events.borrow_mut().clear();
        world.now += chrono::Duration::milliseconds(100);
        let block = world.block_on(stored.clone());
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
            block.handle("xmodule_handler", &post(op, &form(&step["data"])), &world)
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
        let found = body(&response.body);
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
                if let Some(parting) = parting(&normalised(found), &normalised(expected)) {
                    fail(format!("{name}: {parting}"));
                }
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
    let fields = world.block_on(stored.clone());
    for (name, expected) in step["state"].as_object().into_iter().flatten() {
        let found = fields.fields().json(name).expect("what was saved can be read");
        let is_time = name == "last_submission_time";
        let is_as_recorded = same(&found, expected) || (is_time && found.is_null() == expected.is_null());
        if !is_as_recorded {
            fail(format!("state {name}: {found}\n  expected {expected}"));
        }
    }
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
    let world = World::of("problem");
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
        found["success"].as_str().is_some_and(|text| text.contains("cannot be graded here yet")),
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
