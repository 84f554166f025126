//! The labels and descriptions of inputs, taken from around them (capa reference, section 1.8).

use super::tree::{Mark, Node};

/// The inputs whose label is moved into their own markup.
const ACCESSIBLE: [&str; 7] = [
    "checkboxgroup",
    "radiogroup",
    "choicegroup",
    "optioninput",
    "textline",
    "formulaequationinput",
    "textbox",
];

/// Tells whether inputs of a tag have a label that is moved into their markup.
pub(super) fn takes_label(tag: &str) -> bool {
    ACCESSIBLE.contains(&tag)
}

/// What an input is called and what is said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Label {
    /// HTML.
    pub(super) label: String,
    /// Ids and HTML.
    pub(super) descriptions: Vec<(String, String)>,
    /// HTML of the label of all inputs of the question.
    pub(super) group_label: String,
}

/// What is said of several inputs together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) label_id: Option<String>,
    pub(super) description_ids: Vec<String>,
}

/// The labels of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Labels {
    /// One for each input.
    pub(super) inputs: Vec<Label>,
    /// Present where the question has several inputs.
    pub(super) group: Option<Group>,
}

/// Moves labels and descriptions out of the tree, for every question in document order.
pub(super) fn take(root: &mut Node, problem_id: &str, inputs: &[usize]) -> Vec<Labels> {
    let mut labels = vec![Labels::default(); inputs.len()];
    below(root, problem_id, inputs, &mut labels);
    labels
}

fn below(parent: &mut Node, problem_id: &str, inputs: &[usize], labels: &mut [Labels]) {
    let mut at = 0;
    while at < parent.children.len() {
        if let Mark::Response(response) = parent.children[at].mark {
            let found = match inputs[response] {
                0 => Labels::default(),
                1 => {
                    let before = parent.children.len();
                    let label = single(parent, at, response, problem_id);
                    at -= before - parent.children.len();
                    Labels { inputs: vec![label], group: None }
                }
                _ => several(&mut parent.children[at], response, problem_id),
            };
            labels[response] = found;
        }
        below(&mut parent.children[at], problem_id, inputs, labels);
        at += 1;
    }
}

/// Finds the only input of a question.
fn input_of(response: &Node, index: usize) -> Option<&Node> {
    response.descendants().into_iter().find(|node| node.mark == Mark::Input(index, 0))
}

fn single(parent: &mut Node, at: usize, index: usize, problem_id: &str) -> Label {
    let response = &parent.children[at];
    let input = input_of(response, index);
    let is_accessible = input.is_some_and(|input| ACCESSIBLE.contains(&input.name.as_str()));
    let attribute = input.and_then(|input| input.get("label")).map(str::to_owned);
    let own = response.children.iter().position(|child| child.name == "label");
    let previous = at.checked_sub(1).map(|before| &parent.children[before]);

    let (label, from_inside, from_before) = if let Some(own) = own {
        (response.children[own].inner_xml(), Some(own), false)
    } else if let Some(attribute) = attribute {
        match previous.filter(|node| node.name == "p" && node.text == attribute) {
            Some(paragraph) => (paragraph.inner_xml(), None, true),
            None => (String::new(), None, false),
        }
    } else {
        match previous.filter(|node| node.name == "label") {
            Some(label) => (label.inner_xml(), None, true),
            None => (String::new(), None, false),
        }
    };
    let response = &mut parent.children[at];
    if let Some(own) = from_inside
        && is_accessible
    {
        response.children.remove(own);
    }
    let descriptions = take_descriptions(response)
        .into_iter()
        .enumerate()
        .map(|(number, html)| (format!("description_{problem_id}_{}_{}", index + 1, number + 1), html))
        .collect();
    if from_before && is_accessible {
        parent.children.remove(at - 1);
    }
    Label { label: label.trim().to_owned(), descriptions, group_label: String::new() }
}

fn take_descriptions(response: &mut Node) -> Vec<String> {
    let mut descriptions = Vec::new();
    response.children.retain(|child| {
        let is_description = child.name == "description";
        if is_description {
            descriptions.push(child.inner_xml());
        }
        !is_description
    });
    descriptions
}

fn several(response: &mut Node, index: usize, problem_id: &str) -> Labels {
    let id = format!("{problem_id}_{}", index + 1);
    response.set("multiple_inputtypes", "true");
    let mut group = Group::default();
    let mut group_label = String::new();
    let mut has_label = false;
    for child in &mut response.children {
        match child.name.as_str() {
            "label" if !has_label => {
                has_label = true;
                group_label = child.inner_xml();
                let label_id = format!("multiinput-group-label-{id}");
                become_paragraph(child, &label_id, "multi-inputs-group-label");
                group.label_id = Some(label_id);
            }
            "description" => {
                let description_id =
                    format!("multiinput-group-description-{id}-{}", group.description_ids.len());
                become_paragraph(
                    child,
                    &description_id,
                    "multi-inputs-group-description question-description",
                );
                group.description_ids.push(description_id);
            }
            _ => {}
        }
    }
    let inputs = response
        .descendants()
        .into_iter()
        .filter(|node| matches!(node.mark, Mark::Input(of, _) if of == index))
        .map(|input| Label {
            label: input.get("label").unwrap_or_default().to_owned(),
            descriptions: Vec::new(),
            group_label: group_label.clone(),
        })
        .collect();
    Labels { inputs, group: Some(group) }
}

fn become_paragraph(node: &mut Node, id: &str, class: &str) {
    node.name = "p".into();
    node.set("id", id);
    node.set("class", class);
}
