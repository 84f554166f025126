//! The attributes of inputs with their defaults, and what is wrong with inputs that cannot be shown (capa reference,
//! section 2.4).

use std::borrow::Cow;

use super::drag_and_drop;
use crate::problem::error::LoadError;
use crate::problem::python;
use crate::problem::responses::split_options;
use crate::problem::tree::Node;
use crate::words::{Words, marked};

/// What an attribute is when it is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// The input cannot be shown without it.
    Required,
    /// Nothing, which some inputs print as Python's word for it.
    Nothing,
    /// This text.
    Text(&'static str),
}

use Absent::{Nothing, Required, Text};

const RECEIVED: &str = marked("Answer received.");
const REMOTE: &str = marked("Problem Remote Content");

/// Returns the attributes of a kind of input, in the order in which they are asked for.
fn attributes(tag: &str) -> &'static [(&'static str, Absent)] {
    match tag {
        "optioninput" => &[("options", Required), ("inline", Text(""))],
        "choicegroup" | "radiogroup" | "checkboxgroup" | "radiotextgroup" | "checkboxtextgroup" => {
            &[("show_correctness", Text("always")), ("submitted_message", Text(RECEIVED))]
        }
        "textbox" | "codeinput" | "matlabinput" => &[
            ("rows", Text("30")),
            ("cols", Text("80")),
            ("hidden", Text("")),
            ("mode", Text("python")),
            ("linenumbers", Text("true")),
            ("tabsize", Text("4")),
        ],
        "formulaequationinput" => &[("size", Text("20")), ("inline", Text("")), ("trailing_text", Text(""))],
        "chemicalequationinput" => &[("size", Text("20"))],
        "imageinput" => &[("src", Required), ("height", Required), ("width", Required)],
        "schematic" => &[
            ("height", Nothing),
            ("width", Nothing),
            ("parts", Nothing),
            ("analyses", Nothing),
            ("initial_value", Nothing),
            ("submit_analyses", Nothing),
        ],
        "crystallography" => &[("height", Required), ("width", Required)],
        "vsepr_input" => {
            &[("height", Required), ("width", Required), ("molecules", Required), ("geometries", Required)]
        }
        "designprotein2dinput" => &[("width", Required), ("height", Required), ("target_shape", Required)],
        "editageneinput" => &[("genex_dna_sequence", Required), ("genex_problem_number", Required)],
        "jsinput" => &[
            ("html_file", Nothing),
            ("gradefn", Text("gradefn")),
            ("get_statefn", Text("")),
            ("initial_state", Text("")),
            ("set_statefn", Text("")),
            ("width", Text("400")),
            ("height", Text("300")),
            ("title", Text(REMOTE)),
            ("sop", Text("")),
        ],
        _ => &[],
    }
}

/// Returns an attribute of an input, or what stands for it.
pub(super) fn attribute<'n>(node: &'n Node, name: &str) -> &'n str {
    node.get(name).unwrap_or_else(|| match attributes(&node.name).iter().find(|(known, _)| *known == name) {
        Some((_, Text(text))) => text,
        Some((_, Nothing)) => "None",
        _ => "",
    })
}

/// Returns an attribute of an input as its author wrote it, or what stands for it in the learner's language.
pub(super) fn or_default<'n>(node: &'n Node, name: &str, words: &'n Words) -> Cow<'n, str> {
    match node.get(name) {
        Some(text) => text.into(),
        None => words.gettext(attribute(node, name)),
    }
}

/// Lists the attributes of an input with their values, for its template.
pub(super) fn all(node: &Node) -> Vec<(&'static str, &str)> {
    attributes(&node.name).iter().map(|(name, _)| (*name, attribute(node, name))).collect()
}

/// Checks what rendering an input relies on.
///
/// # Errors
/// [`LoadError::Element`] with the element and what is wrong with it.
pub(in crate::problem) fn check(node: &Node) -> Result<(), LoadError> {
    let fail = |what: String| Err(LoadError::at(node.line, format!("Error in <{}>: {what}", node.name)));
    let missing =
        attributes(&node.name).iter().find(|(name, absent)| *absent == Required && node.get(name).is_none());
    if let Some((name, _)) = missing {
        return fail(format!("Missing required attribute {name}."));
    }
    let checked = match node.name.as_str() {
        "optioninput" => split_options(attribute(node, "options")).map(|_| ()).map_err(str::to_owned),
        "choicegroup" | "radiogroup" | "checkboxgroup" => {
            return choices(node, &["choice", "compoundhint"], "<choice> or <compoundhint> tag");
        }
        "radiotextgroup" | "checkboxtextgroup" => return choices(node, &["choice"], "<choice> tag"),
        "textbox" | "codeinput" | "matlabinput" => {
            let text = attribute(node, "tabsize");
            python::int(text)
                .map(|_| ())
                .ok_or_else(|| format!("invalid literal for int() with base 10: '{text}'"))
        }
        "annotationinput" => annotation_options(node),
        "drag_and_drop_input" => drag_and_drop::setup(node).map(|_| ()),
        _ => Ok(()),
    };
    checked.or_else(fail)
}

fn choices(group: &Node, allowed: &[&str], expected: &str) -> Result<(), LoadError> {
    match group.elements().find(|child| !allowed.contains(&child.name.as_str())) {
        None => Ok(()),
        Some(stranger) => Err(LoadError::at(
            stranger.line,
            format!("[capa.inputtypes.extract_choices] Expected a {expected}; got {} instead", stranger.name),
        )),
    }
}

fn annotation_options(node: &Node) -> Result<(), String> {
    const VERDICTS: [&str; 3] = ["correct", "partially-correct", "incorrect"];
    for option in node.all("options").flat_map(|options| options.all("option")) {
        let choice = option.get("choice").ok_or("Missing required choice attribute.")?;
        if !VERDICTS.contains(&choice) {
            return Err(format!(
                "Invalid choice attribute: {choice}. Must be one of: {}",
                VERDICTS.join(", ")
            ));
        }
    }
    Ok(())
}
