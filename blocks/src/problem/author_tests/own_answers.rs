//! Whether a problem takes its own answers.

use serde_json::{Value as Json, json};

use crate::problem::responses::Response;
use crate::problem::{Answers, Problem, ProblemInput};

/// How a problem writes that several texts are correct; the first of them is as good as any.
const OR: &str = " <b>or</b> ";

/// What came of giving a problem its own answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnAnswers {
    /// They are correct.
    Correct,
    /// They are not, or are not graded.
    Wrong {
        /// What happened, as a sentence without a full stop.
        reason: String,
    },
    /// It does not say what is correct, or in a form nobody can answer.
    Unknown {
        /// The inputs it does not say it of.
        inputs: Vec<String>,
    },
}

/// Gives a problem its own answers. It is one nobody has answered yet.
#[must_use]
pub fn own_answers(problem: &mut Problem) -> OwnAnswers {
    // What is rendered to learners is part of what can fail.
    let _ = problem.html();
    let own = problem.correct_answers();
    let responses = problem.engine.responses.iter();
    let in_form: Answers = responses.flat_map(Response::answers_to_give).collect();
    let inputs = problem.inputs();
    let mut answers = Answers::new();
    let mut unknown = Vec::new();
    for input in &inputs {
        let given = in_form.get(&input.id).cloned();
        match given.or_else(|| answer(input, own.get(&input.id)?)) {
            Some(answer) => _ = answers.insert(input.id.clone(), answer),
            None => unknown.push(input.id.clone()),
        }
    }
    if !unknown.is_empty() || inputs.is_empty() {
        return OwnAnswers::Unknown { inputs: unknown };
    }
    match problem.grade(&answers) {
        Err(error) => OwnAnswers::Wrong { reason: error.author_message() },
        Ok(outcome) => {
            let wrong: Vec<_> = inputs
                .iter()
                .filter(|input| {
                    outcome.correct_map.get(&input.id).is_none_or(|entry| entry["correctness"] != "correct")
                })
                .map(|input| format!("{} = {}", input.id, answers.get(&input.id).unwrap_or(&Json::Null)))
                .collect();
            if wrong.is_empty() {
                OwnAnswers::Correct
            } else {
                OwnAnswers::Wrong { reason: format!("not graded as correct: {}", wrong.join(", ")) }
            }
        }
    }
}

/// Makes an answer of what a problem says is correct; none of what tells learners in words.
fn answer(input: &ProblemInput, shown: &Json) -> Option<Json> {
    let is_list = input.tag == "checkboxgroup";
    match shown {
        Json::Array(choices) if is_list => Some(json!(choices)),
        Json::Array(choices) => choices.first().cloned(),
        Json::String(choice) if is_list => Some(json!([choice])),
        Json::String(text) => {
            let first = text.split(OR).next().unwrap_or(text);
            let first = htmlize::unescape(first);
            let is_number = matches!(input.response_tag.as_str(), "numericalresponse" | "formularesponse");
            let inside = if is_number { middle_of_range(&first) } else { None };
            Some(json!(inside.unwrap_or_else(|| first.into_owned())))
        }
        Json::Null => None,
        other => Some(other.clone()),
    }
}

/// Finds the number in the middle of a range such as `[5, 7)`.
fn middle_of_range(range: &str) -> Option<String> {
    let inner = range.trim().strip_prefix(['[', '('])?.strip_suffix([']', ')'])?;
    let (low, high) = inner.split_once(',')?;
    let number = |text: &str| crate::formula::value_of(text).ok()?.float().ok();
    Some(((number(low)? + number(high)?) / 2.0).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_inside() {
        assert_eq!(middle_of_range("[5, 7)"), Some("6".into()));
        assert_eq!(middle_of_range("7"), None);
    }
}
