//! `stringresponse`: a text, matched as it is or by a pattern (capa reference, sections 3.7 and 4.3).

use serde_json::{Value as Json, json};

use super::{Graded, Grader, Input, only_answer, only_input, or_between};
use crate::escape;
use crate::problem::context::Context;
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::hints::{ConditionalHint, Feedback, Hint};
use crate::problem::tree::Node;
use crate::problem::{python, regexp};
use crate::words::Words;

/// A text.
#[derive(Debug, Clone)]
pub(in crate::problem) struct StringMatch {
    rule: Rule,
    answers: Vec<String>,
    hints: Hints,
    /// What stands between answers of which each is right.
    or: String,
}

/// How texts are compared.
#[derive(Debug, Clone, Copy)]
struct Rule {
    ignores_case: bool,
    is_pattern: bool,
}

/// What is said to particular answers.
#[derive(Debug, Clone)]
enum Hints {
    /// By a `hintgroup`.
    Conditional { mode: String, hints: Vec<(Vec<String>, String)> },
    /// By elements beside the answers.
    Extended { right: Vec<(String, Option<Hint>)>, equal: Vec<(String, Hint)>, patterns: Vec<(String, Hint)> },
}

impl StringMatch {
    pub(super) fn build(node: &Node, context: &Context, words: &Words) -> Result<Self, LoadError> {
        let types: Vec<String> =
            node.get("type").unwrap_or_default().to_lowercase().split(' ').map(str::to_owned).collect();
        let has = |name: &str| types.iter().any(|known| known == name);
        let answer = node.get("answer").unwrap_or_default();
        let (rule, answers) = if answer.to_lowercase().contains("_or_") {
            let answers =
                answer.split("_or_").map(|part| context.substitute(part).trim().to_owned()).collect();
            (Rule { ignores_case: has("ci"), is_pattern: false }, answers)
        } else {
            let mut answers = vec![context.substitute(answer).trim().to_owned()];
            for additional in node.all("additional_answer") {
                let text = additional.get("answer").ok_or_else(|| {
                    LoadError::at(
                        additional.line,
                        "an additional_answer has neither text nor attribute answer",
                    )
                })?;
                answers.push(context.substitute(text).trim().to_owned());
            }
            (Rule { ignores_case: has("ci"), is_pattern: has("regexp") }, answers)
        };
        Ok(Self { rule, answers, hints: Hints::read(node, context), or: or_between(words) })
    }

    /// Finds the hint for an answer, which is compared as it was typed, blanks around it included.
    fn extended(
        &self,
        right: &[(String, Option<Hint>)],
        equal: &[(String, Hint)],
        patterns: &[(String, Hint)],
        given: &str,
    ) -> Option<Feedback> {
        for (expected, hint) in right {
            if self.rule.matches(expected, given) {
                return hint.as_ref().map(|hint| Feedback::single(hint, true, given));
            }
        }
        let literal = Rule { is_pattern: false, ..self.rule };
        let pattern = Rule { is_pattern: true, ..self.rule };
        let wrong = equal.iter().find(|(expected, _)| literal.matches(expected, given));
        let wrong = wrong.or_else(|| patterns.iter().find(|(expected, _)| pattern.matches(expected, given)));
        wrong.map(|(_, hint)| Feedback::single(hint, false, given))
    }
}

impl Grader for StringMatch {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let input = only_input(inputs)?;
        let given = grading.answers.get(&input.id).and_then(Json::as_str);
        let is_correct = match given {
            None => false,
            Some(text) => self.rule.matches_any(&self.answers, python::strip(text))?,
        };
        let mut graded = Graded::one(input, Entry::right(is_correct));
        match (&self.hints, given) {
            (Hints::Conditional { .. }, None) => {
                return Err(GradeError::Author(format!("there is no answer to {}", input.id)));
            }
            (Hints::Conditional { mode, hints }, Some(text)) => {
                for (expected, hint) in hints {
                    if self.rule.matches_any(expected, python::strip(text))? {
                        graded.conditional.push(ConditionalHint { text: hint.clone(), mode: mode.clone() });
                    }
                }
            }
            (Hints::Extended { .. }, None) => {}
            (Hints::Extended { right, equal, patterns }, Some(text)) => {
                graded.feedback = self.extended(right, equal, patterns, text);
            }
        }
        Ok(graded)
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        let answers = self.answers.iter().map(|answer| escape::html(answer));
        Ok(only_answer(inputs, json!(answers.collect::<Vec<_>>().join(&self.or))))
    }
}

impl Rule {
    /// Compares with several texts. As a pattern they are alternatives, of which only the outermost are anchored.
    fn matches_any(self, expected: &[String], given: &str) -> Result<bool, GradeError> {
        if given.is_empty() {
            return Ok(false);
        }
        if self.is_pattern {
            let pattern = format!("^{}$", expected.join("|"));
            return regexp::is_found(&pattern, self.ignores_case, given).map_err(|error| {
                GradeError::Message(format!(
                    "[courseware.capa.responsetypes.stringresponse] error: {}",
                    error.0
                ))
            });
        }
        Ok(expected.iter().any(|expected| self.is_equal(expected, given)))
    }

    /// Compares with one text; a pattern that is none matches nothing.
    fn matches(self, expected: &str, given: &str) -> bool {
        if self.is_pattern {
            regexp::is_found(&format!("^{expected}$"), self.ignores_case, given).unwrap_or(false)
        } else {
            self.is_equal(expected, given)
        }
    }

    fn is_equal(self, expected: &str, given: &str) -> bool {
        if self.ignores_case { expected.to_lowercase() == given.to_lowercase() } else { expected == given }
    }
}

impl Hints {
    fn read(node: &Node, context: &Context) -> Self {
        if let Some(group) = node.all("hintgroup").next()
            && group.all("stringhint").next().is_some()
        {
            return Self::conditional(group, context);
        }
        let hint = |node: &Node| node.all("correcthint").next().and_then(Hint::read);
        let main = (node.get("answer").unwrap_or_default().trim().to_owned(), hint(node));
        let additional = node.all("additional_answer").map(|additional| {
            (additional.get("answer").unwrap_or_default().trim().to_owned(), hint(additional))
        });
        let named = |name: &'static str| {
            node.all(name)
                .filter_map(|hint| Some((hint.get("answer")?.to_owned(), Hint::read(hint)?)))
                .collect()
        };
        Self::Extended {
            right: std::iter::once(main).chain(additional).collect(),
            equal: named("stringequalhint"),
            patterns: named("regexphint"),
        }
    }

    fn conditional(group: &Node, context: &Context) -> Self {
        let mut hints = Vec::new();
        for condition in group.all("stringhint") {
            let expected = context.substitute(condition.get("answer").unwrap_or_default()).trim().to_owned();
            let parts = group.all("hintpart").filter(|part| part.get("on") == condition.get("name"));
            for text in parts.filter_map(|part| part.all("text").next()) {
                hints.push((vec![expected.clone()], text.text.clone()));
            }
        }
        Self::Conditional { mode: group.get("mode").unwrap_or("always").to_owned(), hints }
    }
}
