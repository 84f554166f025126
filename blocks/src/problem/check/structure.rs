//! What a question must be made of (capa reference, section 3.1), for the kinds whose rules grading does not need.

use xblock_core::olx::Element;

use super::codes::BROKEN_PROBLEM;
use super::{Check, collect, inputs};
use crate::problem::responses::find_kind;

/// Kinds of questions that are checked here, each with an element it cannot do without.
const KINDS: [(&str, Option<&str>); 9] = [
    ("truefalseresponse", None),
    ("formularesponse", None),
    ("customresponse", None),
    ("symbolicresponse", None),
    ("coderesponse", Some("codeparam")),
    ("externalresponse", None),
    ("schematicresponse", Some("answer")),
    ("imageresponse", None),
    ("annotationresponse", None),
];

/// Attributes that inputs cannot do without.
const INPUT_ATTRIBUTES: [(&str, &[&str]); 1] = [("imageinput", &["src", "height", "width"])];

/// Checks one question.
pub(super) fn check(response: &Element, check: &mut Check<'_>) {
    let inputs = inputs(response);
    for input in &inputs {
        let needed = INPUT_ATTRIBUTES
            .iter()
            .find(|(tag, _)| *tag == &*input.name)
            .map_or(&[][..], |(_, needed)| needed);
        for attribute in needed.iter().filter(|name| input.attribute(name).is_none()) {
            let message = format!("<{}> has no {attribute}", input.name);
            check.report(&BROKEN_PROBLEM, input.position(), message);
        }
    }
    let Some((tag, child)) = KINDS.iter().find(|(tag, _)| *tag == &*response.name) else { return };
    let kind = find_kind(tag);
    for input in inputs.iter().filter(|input| !kind.inputs.contains(&&*input.name)) {
        let message = format!("<{tag}> cannot be answered with <{}>", input.name);
        check.report(&BROKEN_PROBLEM, input.position(), message);
    }
    if kind.is_single && inputs.len() > 1 {
        let message = format!("<{tag}> has {} inputs and can have one", inputs.len());
        check.report(&BROKEN_PROBLEM, response.position(), message);
    }
    for attribute in kind.attributes.iter().filter(|name| response.get(name).is_none_or(str::is_empty)) {
        let message = format!("<{tag}> has no {attribute}");
        check.report(&BROKEN_PROBLEM, response.position(), message);
    }
    if let Some(child) = child {
        let mut has_child = false;
        collect(response, &mut |element| has_child |= &*element.name == *child);
        if !has_child {
            check.report(&BROKEN_PROBLEM, response.position(), format!("<{tag}> has no <{child}>"));
        }
    }
}

/// Checks that scripts have a text; one without any breaks the problem.
pub(super) fn scripts(problem: &Element, check: &mut Check<'_>) {
    let mut empty = Vec::new();
    collect(problem, &mut |element| {
        let kind = element.get("type").unwrap_or_default();
        let is_python = !kind.contains("javascript") && !kind.contains("perl");
        let is_elsewhere = element.get("src").is_some_and(|file| !file.is_empty());
        let has_text = is_elsewhere || element.text().is_some_and(|text| !text.is_empty());
        if &*element.name == "script" && is_python && !has_text {
            empty.push(element.position());
        }
    });
    for position in empty {
        check.report(&BROKEN_PROBLEM, position, "the script has no text, and a type that makes it Python");
    }
}
