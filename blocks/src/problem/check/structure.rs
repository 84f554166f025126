//! What a question must be made of (capa reference, section 3.1), for the kinds whose rules grading does not need.

use xblock_core::olx::Element;

use super::codes::BROKEN_PROBLEM;
use super::{Check, collect, inputs};

/// What a kind of question allows and needs.
struct Rule {
    tag: &'static str,
    inputs: &'static [&'static str],
    is_single: bool,
    attributes: &'static [&'static str],
    /// An element it cannot do without.
    child: Option<&'static str>,
}

const CUSTOM_INPUTS: &[&str] = &[
    "textline",
    "textbox",
    "crystallography",
    "chemicalequationinput",
    "vsepr_input",
    "drag_and_drop_input",
    "designprotein2dinput",
    "editageneinput",
    "annotationinput",
    "jsinput",
    "formulaequationinput",
];

const RULES: [Rule; 9] = [
    rule("truefalseresponse", &["choicegroup"], true),
    Rule {
        attributes: &["answer", "samples"],
        ..rule("formularesponse", &["textline", "formulaequationinput"], true)
    },
    rule("customresponse", CUSTOM_INPUTS, false),
    rule("symbolicresponse", CUSTOM_INPUTS, true),
    Rule {
        child: Some("codeparam"),
        ..rule("coderesponse", &["textbox", "filesubmission", "matlabinput"], true)
    },
    rule("externalresponse", &["textline", "textbox"], false),
    Rule { child: Some("answer"), ..rule("schematicresponse", &["schematic"], false) },
    rule("imageresponse", &["imageinput"], false),
    rule("annotationresponse", &["annotationinput"], true),
];

const fn rule(tag: &'static str, inputs: &'static [&'static str], is_single: bool) -> Rule {
    Rule { tag, inputs, is_single, attributes: &[], child: None }
}

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
    let Some(rule) = RULES.iter().find(|rule| rule.tag == &*response.name) else { return };
    for input in inputs.iter().filter(|input| !rule.inputs.contains(&&*input.name)) {
        let message = format!("<{}> cannot be answered with <{}>", rule.tag, input.name);
        check.report(&BROKEN_PROBLEM, input.position(), message);
    }
    if rule.is_single && inputs.len() > 1 {
        let message = format!("<{}> has {} inputs and can have one", rule.tag, inputs.len());
        check.report(&BROKEN_PROBLEM, response.position(), message);
    }
    for attribute in rule.attributes.iter().filter(|name| response.get(name).is_none_or(str::is_empty)) {
        let message = format!("<{}> has no {attribute}", rule.tag);
        check.report(&BROKEN_PROBLEM, response.position(), message);
    }
    if let Some(child) = rule.child {
        let mut has_child = false;
        collect(response, &mut |element| has_child |= &*element.name == child);
        if !has_child {
            check.report(&BROKEN_PROBLEM, response.position(), format!("<{}> has no <{child}>", rule.tag));
        }
    }
}

/// Checks that scripts have a text; one without any breaks the problem.
pub(super) fn scripts(problem: &Element, check: &mut Check<'_>) {
    let mut empty = Vec::new();
    collect(problem, &mut |element| {
        let kind = element.get("type").unwrap_or_default();
        let is_python = !kind.contains("javascript") && !kind.contains("perl");
        if &*element.name == "script" && is_python && element.text().is_none_or(|text| text.is_empty()) {
            empty.push(element.position());
        }
    });
    for position in empty {
        check.report(&BROKEN_PROBLEM, position, "the script has no text, and a type that makes it Python");
    }
}
