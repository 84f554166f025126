//! `radiotextgroup` and `checkboxtextgroup`: choices with numbers typed into their sentences (capa reference,
//! section 2.4).

use minijinja::{Value, context};
use serde_json::Value as Json;

use super::attributes::{attribute, or_default};
use super::{InputState, Rendered, is_empty};
use crate::problem::python;
use crate::problem::tree::{Node, markup};
use crate::words::Words;

pub(super) fn render(node: &Node, state: &InputState, words: &Words) -> Rendered {
    let kind = if node.name == "radiotextgroup" { "radio" } else { "checkbox" };
    let is_blank = is_empty(&state.value);
    let choices: Vec<Value> = node
        .all("choice")
        .map(|choice| {
            let name = choice.get("name").unwrap_or_default();
            let is_chosen = is_chosen(&state.value, name);
            context! {
                name,
                is_chosen,
                is_marked => kind == "radio" && is_chosen,
                parts => parts(choice, &state.value),
            }
        })
        .collect();
    // What the page's script posts again; the platform writes the mapping as Python prints it, which nothing reads.
    let value = match &state.value {
        Json::String(text) if text.is_empty() => "{}".to_owned(),
        Json::Object(_) => state.value.to_string(),
        other => python::printed(other),
    };
    let is_waiting = matches!(state.status.as_str(), "unsubmitted" | "unanswered");
    let is_hidden = attribute(node, "show_correctness") == "never";
    let context = context! {
        kind,
        choices,
        value,
        shows_status => kind == "checkbox" || is_blank || is_waiting,
        is_answered => is_hidden && (!is_blank || state.status != "unsubmitted"),
        submitted_message => markup(&or_default(node, "submitted_message", words)),
    };
    ("problem/choicetextgroup.html", context)
}

/// Parts a sentence into texts and places to type in.
fn parts(choice: &Node, value: &Json) -> Vec<Value> {
    let leading = context! { text => choice.text.as_str(), tail => "" };
    let rest = choice.elements().map(|child| match child.name.as_str() {
        "numtolerance_input" | "decoy_input" => {
            let name = child.get("name").unwrap_or_default();
            let typed = value.get(name).map(python::printed).unwrap_or_default();
            context! { name, value => typed, tail => child.tail.as_str() }
        }
        _ => context! { text => child.text.as_str(), tail => child.tail.as_str() },
    });
    std::iter::once(leading).chain(rest).collect()
}

fn is_chosen(value: &Json, name: &str) -> bool {
    match value {
        Json::Object(members) => members.contains_key(name),
        Json::Array(items) => items.iter().any(|item| item == name),
        Json::String(text) => text.contains(name),
        _ => false,
    }
}
