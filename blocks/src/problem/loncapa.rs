//! A whole problem: its tree, its questions, and what can be asked of them (capa reference, section 1).

use std::borrow::Cow;

use serde_json::{Map, Value as Json, json};
use xblock_core::olx::{Document, FileName, ParseErrorKind, ParseOptions, Source};

use super::compat;
use super::context::Context;
use super::correct_map::CorrectMap;
use super::error::{GradeError, LoadError};
use super::explanations;
use super::hints::Feedback;
use super::ids;
use super::labels::{self, Labels};
use super::random::Random;
use super::responses::{Answers, Kind, Permutation, Response, split_options};
use super::tree::{Mark, Node, escape_text};

/// A problem ready to be shown and graded.
#[derive(Debug, Clone)]
pub(super) struct LoncapaProblem {
    pub(super) root: Node,
    /// What its ids begin with.
    pub(super) id: String,
    pub(super) responses: Vec<Response>,
    pub(super) context: Context,
    /// How answers were rearranged, by input id.
    pub(super) permutations: Vec<(String, Permutation)>,
    seed: i64,
    has_script: bool,
}

/// What came of grading.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Verdicts {
    pub(super) map: CorrectMap,
    /// What is said to the learner, with the id and tag of its question.
    pub(super) feedback: Vec<(String, String, Feedback)>,
}

impl LoncapaProblem {
    /// Puts a problem together.
    ///
    /// # Errors
    /// [`LoadError`].
    pub(super) fn load(data: &str, id: &str, seed: i64, anonymous_id: &str) -> Result<Self, LoadError> {
        let mut root = parse(data)?;
        compat::rewrite_tree(&mut root)?;
        if let Some(include) = root.descendants().into_iter().find(|node| is_include(node)) {
            let message =
                format!("the file {} cannot be included here", include.get("file").unwrap_or_default());
            return Err(LoadError::at(include.line, message));
        }
        let has_script = root.descendants().into_iter().any(is_python_script);
        let context = Context::new(seed, anonymous_id);
        let numbered = ids::number(&mut root, id);
        let counts: Vec<usize> = numbered.iter().map(Vec::len).collect();
        let mut labels = labels::take(&mut root, id, &counts).into_iter();
        let mut responses = Vec::with_capacity(numbered.len());
        let mut inputs = numbered.into_iter();
        let mut failure = None;
        root.for_each_mut(&mut |node| {
            let Mark::Response(index) = node.mark else {
                return;
            };
            let inputs = inputs.next().unwrap_or_default();
            let labels = labels.next().unwrap_or_default();
            match Response::build(node, index + 1, inputs.clone(), labels.clone(), &context) {
                Ok(response) => responses.push(response),
                // Without its script a problem's answers may be nothing that can be read; it is shown all the same.
                Err(_) if has_script => responses.push(unread(node, index + 1, inputs, labels)),
                Err(error) => failure = failure.take().or(Some(error)),
            }
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        check_tree(&root)?;
        ids::number_solutions(&mut root, id);
        let mut problem =
            Self { root, id: id.to_owned(), responses, context, permutations: Vec::new(), seed, has_script };
        problem.rearrange()?;
        explanations::prune(&mut problem.root, &problem.responses, &problem.permutations);
        Ok(problem)
    }

    /// Shuffles and draws answers; one generator serves all questions in their order.
    fn rearrange(&mut self) -> Result<(), LoadError> {
        let mut random = Random::new(self.seed);
        let mut result = Ok(());
        let (responses, permutations) = (&self.responses, &mut self.permutations);
        self.root.for_each_mut(&mut |node| {
            let Mark::Response(index) = node.mark else {
                return;
            };
            let Some(response) = responses.get(index).filter(|_| result.is_ok()) else {
                return;
            };
            match response.rearrange(node, &mut random) {
                Ok(Some(permutation)) => {
                    let id = response.inputs.first().map(|input| input.id.clone()).unwrap_or_default();
                    permutations.push((id, permutation));
                }
                Ok(None) => {}
                Err(error) => result = Err(error),
            }
        });
        result
    }

    /// Returns the tree as it is shown: once a problem is done, some solutions stand among the feedback.
    pub(super) fn shown_root(&self, done: bool) -> Cow<'_, Node> {
        if !done {
            return Cow::Borrowed(&self.root);
        }
        let mut root = self.root.clone();
        explanations::move_to_feedback(&mut root);
        Cow::Owned(root)
    }

    /// Returns the points all questions together are worth.
    pub(super) fn max_score(&self) -> i64 {
        self.responses.iter().map(Response::max_points).sum()
    }

    /// Says what grading would need that this runtime does not have, once for each reason.
    pub(super) fn needs(&self) -> Vec<String> {
        let mut needs: Vec<String> = Vec::new();
        if self.has_script {
            needs.push("the author's script needs the Python sandbox".into());
        }
        for need in self.responses.iter().filter_map(Response::needs) {
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
        needs
    }

    /// Grades answers, question by question.
    ///
    /// # Errors
    /// [`GradeError`]; then nothing was graded.
    pub(super) fn grade(&self, answers: &Answers, attempt: i64) -> Result<Verdicts, GradeError> {
        if let Some(needs) = self.needs().into_iter().next() {
            return Err(GradeError::Unsupported { needs });
        }
        let mut context = self.context.clone();
        context.set("attempt", attempt.to_string());
        let mut verdicts = Verdicts::default();
        for response in &self.responses {
            let graded = response.grade(answers, &context)?;
            for (id, entry) in graded.entries {
                verdicts.map.set(&id, entry);
            }
            if let Some(feedback) = graded.feedback {
                verdicts.feedback.push((response.id.clone(), response.tag.clone(), feedback));
            }
        }
        Ok(verdicts)
    }

    /// Returns the right answers and the solutions, by id; a solution with its own tag and the text after it.
    pub(super) fn question_answers(&self, done: bool) -> Map<String, Json> {
        let mut answers: Map<String, Json> =
            self.responses.iter().flat_map(Response::correct_answers).collect();
        let root = self.shown_root(done);
        for node in root.descendants().into_iter().filter(|node| matches!(node.mark, Mark::Solution(_))) {
            let mut html = String::new();
            node.write(&mut html);
            escape_text(&node.tail, &mut html);
            let id = node.get("id").unwrap_or_default().to_owned();
            answers.insert(id, json!(self.context.substitute(&html)));
        }
        answers
    }

    /// Returns the hints a learner can ask for, as HTML.
    pub(super) fn demand_hints(&self) -> Vec<String> {
        self.root.all("demandhint").flat_map(|hints| hints.all("hint")).map(Node::inner_xml).collect()
    }

    /// Finds an input by its id.
    pub(super) fn input(&self, id: &str) -> Option<(&Response, &super::responses::Input)> {
        self.responses.iter().find_map(|response| {
            response.inputs.iter().find(|input| input.id == id).map(|input| (response, input))
        })
    }

    /// Returns the markup of a choice.
    pub(super) fn choice_html(&self, input_id: &str, name: &str) -> Option<String> {
        let nodes = self.root.descendants();
        let group = nodes.into_iter().find(|node| node.get("id") == Some(input_id))?;
        let choice =
            group.descendants().into_iter().find(|n| n.name == "choice" && n.get("name") == Some(name))?;
        Some(choice.inner_xml().trim().to_owned())
    }
}

/// A question whose element cannot be read without the problem's script.
fn unread(node: &Node, number: usize, inputs: Vec<ids::NumberedInput>, labels: Labels) -> Response {
    let labels_of = labels.inputs.into_iter().chain(std::iter::repeat(labels::Label::default()));
    let inputs = inputs.into_iter().zip(labels_of).map(|(input, label)| super::responses::Input {
        id: input.id,
        tag: input.tag,
        label,
        points: 1,
    });
    Response {
        tag: node.name.clone(),
        id: node.get("id").unwrap_or_default().to_owned(),
        number,
        inputs: inputs.collect(),
        group: labels.group,
        kind: Kind::Unsupported,
    }
}

fn parse(data: &str) -> Result<Node, LoadError> {
    let source = Source::new(FileName::from("problem.xml"), compat::rewrite_source(data).into());
    let document = Document::parse_text(source, &ParseOptions::default())
        .map_err(|error| LoadError::Xml(describe(&error.kind, error.position.line, error.position.column)))?;
    let before_root = document.source.text.get(..document.root.span().range().start).unwrap_or_default();
    if before_root.contains("<!ENTITY") {
        return Err(LoadError::Xml("a problem cannot declare entities".into()));
    }
    Ok(Node::from_element(&document.root))
}

fn describe(kind: &ParseErrorKind, line: u32, column: u32) -> String {
    format!("{kind}, line {line}, column {column}")
}

fn is_include(node: &Node) -> bool {
    node.name == "include" && node.get("file").is_some()
}

fn is_python_script(node: &Node) -> bool {
    let kind = node.get("type").unwrap_or_default();
    node.name == "script"
        && !kind.contains("javascript")
        && !kind.contains("perl")
        && !node.text.trim().is_empty()
}

/// Checks what rendering relies on: inputs stand in questions, and groups of choices hold choices.
fn check_tree(root: &Node) -> Result<(), LoadError> {
    for node in root.descendants() {
        if ids::is_input(&node.name) && node.mark == Mark::None {
            return Err(LoadError::at(node.line, format!("<{}> stands outside any question", node.name)));
        }
        if node.name == "optioninput" {
            check_options(node)?;
        }
        if matches!(node.name.as_str(), "choicegroup" | "radiogroup" | "checkboxgroup") {
            let stranger =
                node.elements().find(|child| child.name != "choice" && child.name != "compoundhint");
            if let Some(stranger) = stranger {
                let message = format!(
                    "[capa.inputtypes.extract_choices] Expected a <choice> or <compoundhint> tag; got {} instead",
                    stranger.name
                );
                return Err(LoadError::at(stranger.line, message));
            }
        }
    }
    Ok(())
}

fn check_options(input: &Node) -> Result<(), LoadError> {
    let options = input.get("options").ok_or("Missing required attribute options.");
    options
        .and_then(split_options)
        .map(|_| ())
        .map_err(|problem| LoadError::at(input.line, format!("Error in <optioninput>: {problem}")))
}
