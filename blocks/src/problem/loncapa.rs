//! A whole problem: its tree, its questions, and what can be asked of them (capa reference, section 1).

use std::borrow::Cow;

use serde_json::{Map, Value as Json, json};
use xblock_core::keys::UsageKey;
use xblock_core::olx::{Document, FileName, ParseErrorKind, ParseOptions, Source};

use super::code_files;
use super::compat;
use super::context::Context;
use super::correct_map::CorrectMap;
use super::error::{GradeError, LoadError};
use super::explanations;
use super::grading::{Files, Grading};
use super::hints::Feedback;
use super::ids;
use super::include;
use super::inputs;
use super::labels;
use super::options::ProblemOptions;
use super::random::Random;
use super::responses::{Answers, Permutation, Response, Setup};
use super::script::Script;
use super::services::ProblemServices;
use super::tree::{Mark, Node, escape_text};
use crate::words::Words;

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
    usage: UsageKey,
    pub(super) script: Script,
    services: ProblemServices,
}

/// What came of grading.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Verdicts {
    pub(super) map: CorrectMap,
    /// What is said to the learner, with the id and tag of its question.
    pub(super) feedback: Vec<(String, String, Feedback)>,
}

impl LoncapaProblem {
    /// Puts a problem together; its script runs.
    ///
    /// # Errors
    /// [`LoadError`].
    pub(super) fn load(data: &str, seed: i64, options: &ProblemOptions<'_>) -> Result<Self, LoadError> {
        let id = options.usage.html_id();
        let services = options.services.clone();
        let mut root = prepare(data, options)?;
        code_files::bring_in(&mut root, options)?;
        let mut context = Context::new(seed, options.anonymous_id);
        let mut script = Script::read(&root, &options.usage, seed)?;
        script.run_at_load(&mut context, &services)?;
        let numbered = ids::number(&mut root, &id);
        let counts: Vec<usize> = numbered.iter().map(Vec::len).collect();
        let mut labels = labels::take(&mut root, &id, &counts).into_iter();
        let mut responses = Vec::with_capacity(numbered.len());
        let mut inputs = numbered.into_iter();
        let mut failure = None;
        root.for_each_mut(&mut |node| {
            let Mark::Response(index) = node.mark else {
                return;
            };
            let inputs = inputs.next().unwrap_or_default();
            let labels = labels.next().unwrap_or_default();
            let setup =
                Setup { context: &context, services: &services, script_source: script.source(), inputs: &[] };
            let built = Response::build(node, index + 1, inputs.clone(), labels.clone(), setup);
            // What stands in the place of a value that is too long is nobody's answer.
            match context.check_limit(node).and(built) {
                Ok(response) => responses.push(response),
                // Without its script a problem's answers may be nothing that can be read; it is shown all the same.
                Err(_) if script.missing().is_some() => {
                    responses.push(Response::unread(node, index + 1, inputs, labels, &services.words()));
                }
                Err(error) => failure = failure.take().or(Some(error)),
            }
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        check_tree(&root)?;
        context.check_texts(&root)?;
        ids::number_solutions(&mut root, &id);
        let permutations = Vec::new();
        let usage = options.usage.clone();
        let mut problem = Self { root, id, responses, context, permutations, usage, script, services };
        problem.rearrange(seed)?;
        explanations::prune(&mut problem.root, &problem.responses, &problem.permutations);
        Ok(problem)
    }

    /// Returns the usage.
    pub(super) fn usage(&self) -> &UsageKey {
        &self.usage
    }

    /// Counts the points of a problem without running its script.
    ///
    /// # Errors
    /// [`LoadError`] where a question breaks the rules of its kind.
    pub(super) fn max_score_of(data: &str, options: &ProblemOptions<'_>) -> Result<i64, LoadError> {
        let mut root = prepare(data, options)?;
        let mut inputs = ids::number(&mut root, &options.usage.html_id()).into_iter();
        let responses = root.descendants().into_iter().filter(|node| matches!(node.mark, Mark::Response(_)));
        responses.map(|node| Response::points_of(node, inputs.next().unwrap_or_default())).sum()
    }

    /// Shuffles and draws answers; one generator serves all questions in their order.
    fn rearrange(&mut self, seed: i64) -> Result<(), LoadError> {
        // A script can set the seed anew.
        let seed = self.context.get("seed").and_then(Json::as_i64).unwrap_or(seed);
        let mut random = Random::new(seed);
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

    /// Returns what the problem says itself, in the learner's language.
    pub(super) fn words(&self) -> Words {
        self.services.words()
    }

    /// Says what grading a question would need that the host does not offer.
    pub(super) fn needs_of(&self, response: &Response) -> Option<String> {
        response.needs(&self.services)
    }

    /// Says what grading would need that the host does not offer, once for each reason.
    pub(super) fn needs(&self) -> Vec<String> {
        let mut needs: Vec<String> = self.script.missing().map(str::to_owned).into_iter().collect();
        for need in self.responses.iter().filter_map(|response| self.needs_of(response)) {
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
        needs
    }

    /// Returns the answers that stand in the inputs before the learner wrote any.
    pub(super) fn initial_answers(&self) -> Answers {
        self.responses.iter().flat_map(Response::initial_answers).collect()
    }

    /// Grades answers, question by question. What graders put into the context stays there: the page that follows can
    /// refer to it.
    ///
    /// # Errors
    /// [`GradeError`]; then nothing was graded.
    pub(super) fn grade(
        &mut self,
        answers: &Answers,
        attempt: i64,
        old_map: &CorrectMap,
        files: &Files,
    ) -> Result<Verdicts, GradeError> {
        if let Some(needs) = self.needs().into_iter().next() {
            return Err(GradeError::Unsupported { needs });
        }
        self.context.set("attempt", attempt);
        let Self { responses, context, script, services, permutations, .. } = self;
        let mut grading = Grading { answers, context, script, services, old_map, files, permutations };
        let mut verdicts = Verdicts::default();
        for response in responses {
            let graded = response.grade(&mut grading)?;
            for (id, entry) in graded.entries {
                verdicts.map.set(&id, entry);
            }
            // Each question's word replaces that of the one before, even by nothing.
            verdicts.map.overall_message = graded.overall_message;
            if let Some(feedback) = graded.feedback {
                verdicts.feedback.push((response.id.clone(), response.tag.clone(), feedback));
            }
        }
        Ok(verdicts)
    }

    /// Returns the right answers and the solutions, by id; a solution with its own tag and the text after it. One that
    /// stands among the feedback once the problem is done is among them all the same.
    pub(super) fn question_answers(&self) -> Map<String, Json> {
        let mut answers: Map<String, Json> =
            self.responses.iter().flat_map(Response::correct_answers).cloned().collect();
        let mut substitute = self.context.substitution();
        for node in self.root.descendants().into_iter().filter(|node| matches!(node.mark, Mark::Solution(_)))
        {
            let mut html = String::new();
            node.write(&mut html);
            escape_text(&node.tail, &mut html);
            let id = node.get("id").unwrap_or_default().to_owned();
            answers.insert(id, json!(substitute(&html).unwrap_or(html)));
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
        // Of several choices of one name the last one counts.
        let mut choices = group.descendants().into_iter().rev();
        let choice = choices.find(|node| node.name == "choice" && node.get("name") == Some(name))?;
        Some(choice.inner_xml())
    }
}

/// Reads a problem and brings it into its present form; nothing runs.
fn prepare(data: &str, options: &ProblemOptions<'_>) -> Result<Node, LoadError> {
    let mut root = parse(&compat::rewrite_source(data))?;
    compat::rewrite_tree(&mut root)?;
    include::expand(&mut root, options)?;
    Ok(root)
}

/// Reads a problem, or a part of one, as XML.
///
/// # Errors
/// [`LoadError::Xml`].
pub(super) fn parse(data: &str) -> Result<Node, LoadError> {
    let source = Source::new(FileName::from("problem.xml"), data.into());
    let document =
        Document::parse_text(source, &ParseOptions::default()).map_err(|error| LoadError::Xml {
            message: describe(&error.kind, error.position.line, error.position.column),
            line: error.position.line,
        })?;
    let before_root = document.source.text.get(..document.root.span().range().start).unwrap_or_default();
    if before_root.contains("<!ENTITY") {
        return Err(LoadError::Xml { message: "a problem cannot declare entities".into(), line: 1 });
    }
    Ok(Node::from_document(&document))
}

fn describe(kind: &ParseErrorKind, line: u32, column: u32) -> String {
    format!("{kind}, line {line}, column {column}")
}

/// Checks what rendering relies on: inputs stand in questions, and groups of choices hold choices.
fn check_tree(root: &Node) -> Result<(), LoadError> {
    for node in root.descendants() {
        if ids::is_input(&node.name) && node.mark == Mark::None {
            return Err(LoadError::at(node.line, format!("<{}> stands outside any question", node.name)));
        }
        if ids::is_input(&node.name) {
            inputs::check(node)?;
        }
    }
    Ok(())
}
