//! The numbers of questions and the ids of their inputs and solutions (capa reference, section 1.7).

use super::responses::is_response;
use super::tree::{Mark, Node};

/// The tags of inputs.
pub(super) const INPUT_TAGS: [&str; 20] = [
    "optioninput",
    "choicegroup",
    "radiogroup",
    "checkboxgroup",
    "jsinput",
    "textline",
    "filesubmission",
    "codeinput",
    "textbox",
    "matlabinput",
    "schematic",
    "imageinput",
    "crystallography",
    "vsepr_input",
    "chemicalequationinput",
    "formulaequationinput",
    "drag_and_drop_input",
    "designprotein2dinput",
    "editageneinput",
    "annotationinput",
];

/// The tags of inputs that mix choices with text.
const CHOICE_TEXT_TAGS: [&str; 2] = ["radiotextgroup", "checkboxtextgroup"];

/// Tells whether a tag is that of an input.
pub(super) fn is_input(tag: &str) -> bool {
    INPUT_TAGS.contains(&tag) || CHOICE_TEXT_TAGS.contains(&tag)
}

/// One input of a question as the numbering sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NumberedInput {
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) line: u32,
    pub(super) points: Option<String>,
}

/// Numbers the questions in document order and gives every input below them its id; returns the inputs of each.
pub(super) fn number(root: &mut Node, problem_id: &str) -> Vec<Vec<NumberedInput>> {
    let mut inputs = Vec::new();
    root.for_each_mut(&mut |node| {
        if !is_response(&node.name) {
            return;
        }
        let response = inputs.len();
        node.mark = Mark::Response(response);
        node.set("id", format!("{problem_id}_{}", response + 1));
        let mut found = Vec::new();
        for child in node.children.iter_mut().filter(|child| child.is_element()) {
            child.for_each_mut(&mut |node| {
                if !is_input(&node.name) {
                    return;
                }
                let index = found.len();
                node.mark = Mark::Input(response, index);
                let id = format!("{problem_id}_{}_{}", response + 2, index + 1);
                node.set("response_id", (response + 2).to_string());
                node.set("answer_id", (index + 1).to_string());
                node.set("id", &*id);
                found.push(NumberedInput {
                    id,
                    tag: node.name.clone(),
                    line: node.line,
                    points: node.get("points").map(str::to_owned),
                });
            });
        }
        inputs.push(found);
    });
    inputs
}

/// Numbers the solutions of the whole problem, counted from 1.
pub(super) fn number_solutions(root: &mut Node, problem_id: &str) {
    let mut count = 0;
    root.for_each_mut(&mut |node| {
        if node.name == "solution" {
            count += 1;
            node.mark = Mark::Solution(count);
            node.set("id", format!("{problem_id}_solution_{count}"));
        }
    });
}
