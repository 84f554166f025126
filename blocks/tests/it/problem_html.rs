//! `problem`: every kind of input in every state, as a browser reads it and a screen reader tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use blocks::problem::{GraderQueue, Problem, ProblemOptions, ProblemServices};
use html5ever::tendril::TendrilSink as _;
use html5ever::{ParseOpts, QualName, local_name, ns, parse_fragment};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use serde_json::{Value as Json, json};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::services::{Globals, MemoryXQueue, SandboxError, SandboxJob, SandboxService};

/// Problems whose authors give two choices one name, or write pages of their own.
const AUTHORS_OWN: [&str; 2] = ["mc-numeric-name-clash", "struct-html-passthrough"];

/// A sandbox in which every script leaves the names as they were: what is shown is what counts here.
struct Idle;

impl SandboxService for Idle {
    fn run(&self, job: &SandboxJob, _: &ContextKey) -> Result<Globals, SandboxError> {
        Ok(job.globals.clone())
    }
}

struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    /// The elements around it, nearest last.
    around: Vec<String>,
}

impl Element {
    fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

fn collect(node: &Handle, around: &mut Vec<String>, found: &mut Vec<Element>) {
    let name = match &node.data {
        NodeData::Element { name, attrs, .. } => {
            let attributes = attrs.borrow();
            let attributes = attributes.iter().map(|one| (one.name.local.to_string(), one.value.to_string()));
            let name = name.local.to_string();
            found.push(Element {
                name: name.clone(),
                attributes: attributes.collect(),
                around: around.clone(),
            });
            Some(name)
        }
        _ => None,
    };
    around.extend(name.clone());
    node.children.borrow().iter().for_each(|child| collect(child, around, found));
    if name.is_some() {
        around.pop();
    }
}

/// Lists what is wrong with a page for those who hear it.
fn faults(html: &str) -> BTreeSet<String> {
    // The heading and the page around a problem are the block's.
    let html = format!("<h3 id=\"q-problem-title\">Q</h3>{html}");
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let dom = parse_fragment(RcDom::default(), ParseOpts::default(), context, Vec::new(), false).one(html);
    let mut elements = Vec::new();
    collect(&dom.document, &mut Vec::new(), &mut elements);

    let mut faults = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for element in elements.iter().filter(|element| element.attributes.contains_key("id")) {
        if element.get("id").trim().is_empty() || !ids.insert(element.get("id")) {
            faults.insert(format!("<{}> has the id {:?} of another", element.name, element.get("id")));
        }
    }
    let labelled: BTreeSet<&str> =
        elements.iter().filter(|element| element.name == "label").map(|label| label.get("for")).collect();
    for element in &elements {
        for name in ["aria-labelledby", "aria-describedby", "for"] {
            for id in element.get(name).split_whitespace().filter(|id| !ids.contains(id)) {
                faults.insert(format!(
                    "<{} class={:?} {name}> leads to no {id}",
                    element.name,
                    element.get("class")
                ));
            }
        }
        let is_hidden = matches!(element.get("type"), "hidden" | "button")
            || element.get("style").replace(' ', "").contains("display:none");
        let is_field =
            matches!(element.name.as_str(), "input" | "select" | "textarea" | "fieldset") && !is_hidden;
        let has_name = !element.get("aria-label").trim().is_empty()
            || !element.get("aria-labelledby").trim().is_empty()
            || labelled.contains(element.get("id"))
            || element.around.iter().any(|around| around == "label");
        let is_named = has_name || element.name == "fieldset" && has_legend(element, &elements);
        if is_field && !is_named {
            faults.insert(format!("<{} class={:?}> has no name", element.name, element.get("class")));
        }
        let is_picture = matches!(element.name.as_str(), "img" | "canvas");
        if is_picture
            && !["alt", "aria-hidden", "aria-label"].iter().any(|name| element.attributes.contains_key(*name))
        {
            faults.insert(format!("<{}> stands for nothing", element.name));
        }
        if element.name == "iframe" && element.get("title").is_empty() {
            faults.insert("<iframe> has no title".into());
        }
    }
    faults
}

/// Tells whether a group has a legend: the one that its own description can refer to.
fn has_legend(group: &Element, elements: &[Element]) -> bool {
    let at = elements.iter().position(|element| std::ptr::eq(element, group));
    at.and_then(|at| elements.get(at + 1)).is_some_and(|next| next.name == "legend")
}

/// Loads a problem with a learner's state.
fn problem(xml: &str, seed: &Json, state: Option<&Json>) -> Option<Problem> {
    let usage: UsageKey = "block-v1:Org+C1+R1+type@problem+block@q".parse().expect("a usage key");
    let queue = GraderQueue {
        service: Arc::new(MemoryXQueue::default()),
        usage: usage.clone(),
        matlab_api_key: None,
    };
    let services =
        ProblemServices { sandbox: Some(Arc::new(Idle)), queue: Some(queue), ..ProblemServices::default() };
    let options = ProblemOptions { seed: seed.as_i64(), state, services, ..ProblemOptions::new(usage) };
    Problem::load(xml, options).ok()
}

/// What grading may have said, each with a message and a hint.
const VERDICTS: [Option<&str>; 6] = [
    Some("correct"),
    Some("partially-correct"),
    Some("incorrect"),
    Some("incomplete"),
    Some("unknown"),
    None,
];

fn check(
    name: &str,
    xml: &str,
    seed: &Json,
    answers: &[Json],
    found: &mut BTreeMap<String, String>,
) -> usize {
    let Some(fresh) = problem(xml, seed, None) else {
        return 0;
    };
    let mut note = |html: &str, state: &str| {
        for fault in faults(html) {
            found.entry(fault).or_insert_with(|| format!("{name} {state}"));
        }
    };
    note(&fresh.html(), "unanswered");
    let mut seen = 1;
    for answers in answers.iter().take(3).chain([&json!({})]) {
        for (verdict, has_saved_answers) in
            VERDICTS.iter().map(|verdict| (verdict, false)).chain([(&None, true)])
        {
            let queuestate =
                (*verdict == Some("incomplete")).then(|| json!({ "key": "k", "time": "20260101000000" }));
            let entry = json!({ "correctness": verdict, "npoints": null, "msg": "<p>said</p>", "hint": "h",
                "hintmode": "always", "queuestate": queuestate, "answervariable": null });
            let map: serde_json::Map<_, _> =
                fresh.inputs().into_iter().map(|input| (input.id, entry.clone())).collect();
            let state = json!({ "seed": seed, "attempts": 1, "done": true, "student_answers": answers,
                "correct_map": map, "has_saved_answers": has_saved_answers });
            if let Some(shown) = problem(xml, seed, Some(&state)) {
                note(&shown.html(), &state.to_string());
                seen += 1;
            }
        }
    }
    seen
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the recorded problems and the course are files")]
fn every_input_in_every_state_can_be_told() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    let (mut seen, mut tags) = (0, BTreeSet::new());
    for file in fs::read_dir(root.join("../tests/vectors/capa")).expect("the vectors are here") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("a text");
        let Ok(Json::Array(cases)) = serde_json::from_str::<Json>(&text) else {
            continue;
        };
        for case in cases.iter().filter(|case| case["xml"].is_string()) {
            let (id, xml) =
                (case["id"].as_str().unwrap_or_default(), case["xml"].as_str().unwrap_or_default());
            if AUTHORS_OWN.contains(&id) || case.get("load_error").is_some() {
                continue;
            }
            let answers = case["submissions"].as_array().into_iter().flatten();
            let answers: Vec<Json> =
                answers.filter_map(|submission| submission.get("answers").cloned()).collect();
            let seed = case.get("seed").cloned().unwrap_or_else(|| json!(1));
            seen += check(id, xml, &seed, &answers, &mut found);
            tags.extend(
                problem(xml, &seed, None).into_iter().flat_map(|problem| problem.inputs()).map(|i| i.tag),
            );
        }
    }
    for file in fs::read_dir(root.join("../examples/courses/tides/problem")).expect("the course is here") {
        let path = file.expect("a file").path();
        let xml = fs::read_to_string(&path).expect("a text");
        seen += check(&path.display().to_string(), &xml, &json!(1), &[], &mut found);
    }
    assert_eq!(found, BTreeMap::new());
    assert!(seen > 10_000, "{seen}");
    for tag in [
        "annotationinput",
        "checkboxgroup",
        "checkboxtextgroup",
        "chemicalequationinput",
        "choicegroup",
        "crystallography",
        "designprotein2dinput",
        "drag_and_drop_input",
        "editageneinput",
        "filesubmission",
        "formulaequationinput",
        "imageinput",
        "jsinput",
        "matlabinput",
        "optioninput",
        "radiotextgroup",
        "schematic",
        "textbox",
        "textline",
        "vsepr_input",
    ] {
        assert!(tags.contains(tag), "{tag} is nowhere");
    }
}

#[test]
fn what_cannot_be_told_is_found() {
    for (html, fault) in [
        ("<p id=\"a\"></p><b id=\"a\"></b>", "has the id"),
        ("<span class=\"message\" aria-describedby=\"no\"></span>", "leads to no no"),
        ("<input type=\"text\" id=\"i\"/>", "has no name"),
        ("<fieldset><p></p></fieldset>", "has no name"),
        ("<canvas></canvas>", "stands for nothing"),
        ("<iframe src=\"x\"></iframe>", "has no title"),
    ] {
        let found = faults(html);
        assert!(found.len() == 1 && found.iter().all(|one| one.contains(fault)), "{html}: {found:?}");
    }
    assert!(faults("<label for=\"i\">I</label><input type=\"text\" id=\"i\"/>").is_empty());
}
