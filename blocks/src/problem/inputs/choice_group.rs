//! `choicegroup`, `radiogroup` and `checkboxgroup`: choices (capa reference, section 2.4).

use minijinja::{Value, context};
use serde_json::Value as Json;

use super::attributes::{attribute, or_default};
use super::{InputState, Rendered, is_empty};
use crate::problem::tree::{Node, markup};
use crate::words::Words;

pub(super) fn render(node: &Node, state: &InputState, words: &Words) -> Rendered {
    let (kind, suffix) = match node.name.as_str() {
        "choicegroup" => ("radio", ""),
        "radiogroup" => ("radio", "[]"),
        _ => ("checkbox", "[]"),
    };
    let shows_correctness = attribute(node, "show_correctness") != "never";
    let choices: Vec<Value> = node
        .all("choice")
        .map(|choice| {
            let name = choice.get("name").unwrap_or_default();
            context! {
                name,
                html => choice.inner_xml(),
                checked => is_chosen(&state.value, name, kind),
                marked => shows_correctness && is_contained(&state.value, name),
            }
        })
        .collect();
    let is_answered = state.status != "unsubmitted" || !is_empty(&state.value);
    let context = context! {
        kind,
        suffix,
        choices,
        shows_correctness,
        submitted_message => markup(&or_default(node, "submitted_message", words)),
        is_answered,
    };
    ("problem/choicegroup.html", context)
}

fn is_chosen(value: &Json, name: &str, kind: &str) -> bool {
    match value {
        Json::String(text) => kind == "radio" && text == name || kind == "checkbox" && text.contains(name),
        Json::Array(items) => kind == "checkbox" && items.iter().any(|item| item == name),
        _ => false,
    }
}

/// Tells whether a choice is marked: a text marks every choice whose name stands in it.
fn is_contained(value: &Json, name: &str) -> bool {
    match value {
        Json::String(text) => text.contains(name),
        Json::Array(items) => items.iter().any(|item| item == name),
        _ => false,
    }
}
