//! Asking problems for their own answers: which of them are graded here, and do they take what they call correct?

use std::sync::Arc;

use serde::Serialize;
use xblock_core::block::{BlockError, HandlerRequest, User};
use xblock_core::fields::{Json, MemoryStore};
use xblock_core::host::Host;
use xblock_core::keys::{ContextKey, UsageKey};

use crate::error::CoursewareError;
use crate::submission::submit;

/// The handler that shows answers to those who may see them.
const HANDLER: &str = "problem_show";

/// How a problem writes that several texts are correct; the first of them is as good as any.
const OR: &str = " <b>or</b> ";

/// What a problem says of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProblemCheck {
    /// The problem.
    pub usage: UsageKey,
    /// Its name.
    pub display_name: String,
    /// Whether its own answers were graded as correct.
    pub gradable: bool,
    /// Its own answers by the names of the inputs, as a page would send them.
    pub answers: Vec<(String, String)>,
    /// Why it is not gradable.
    pub reason: Option<String>,
}

/// Checks every problem of a context's branch with its own answers. Nobody's learner state is read or written.
///
/// # Errors
/// The store's own; a problem that fails is a result.
pub fn check_problems(host: &Host, context: &ContextKey) -> Result<Vec<ProblemCheck>, CoursewareError> {
    let usages = host.runtime.usages(context, host.branch)?;
    usages
        .iter()
        .filter(|usage| usage.block_type() == "problem")
        .map(|usage| check_problem(host, usage))
        .collect()
}

/// Checks one problem with its own answers. Nobody's learner state is read or written.
///
/// # Errors
/// The store's own; a problem that fails is a result.
pub fn check_problem(host: &Host, usage: &UsageKey) -> Result<ProblemCheck, CoursewareError> {
    let host = Host { learner_state: Arc::new(MemoryStore::new()), ..host.clone() };
    let record = host.runtime.block(usage, host.branch)?;
    let mut check = ProblemCheck {
        usage: usage.clone(),
        display_name: record.data.display_name().unwrap_or_default().to_owned(),
        gradable: false,
        answers: Vec::new(),
        reason: None,
    };
    match try_own_answers(&host, usage) {
        Ok((answers, verdict)) => {
            check.gradable = verdict.as_deref() == Some("correct");
            if !check.gradable {
                check.reason =
                    Some(format!("its own answers are {}", verdict.as_deref().unwrap_or("not graded")));
            }
            check.answers = answers;
        }
        Err(CoursewareError::Block(error)) if !matches!(error, BlockError::Runtime(_)) => {
            check.reason = Some(error.to_string());
        }
        Err(error) => return Err(error),
    }
    Ok(check)
}

type Answers = Vec<(String, String)>;

fn try_own_answers(host: &Host, usage: &UsageKey) -> Result<(Answers, Option<String>), CoursewareError> {
    let author = User { id: "author".into(), is_staff: true };
    let shown =
        host.handle(usage, HANDLER, &HandlerRequest::post_json(&serde_json::json!({})), Some(&author))?;
    let shown: Json = serde_json::from_slice(&shown.response.body).unwrap_or_default();
    let mut answers = Vec::new();
    for (id, value) in shown.get("answers").and_then(Json::as_object).into_iter().flatten() {
        if id.contains("_solution_") {
            continue;
        }
        match value {
            Json::Array(choices) if choices.len() == 1 => {
                answers.push((format!("input_{id}"), text(&choices[0])))
            }
            Json::Array(choices) => {
                answers.extend(choices.iter().map(|choice| (format!("input_{id}[]"), text(choice))));
            }
            other => answers.push((format!("input_{id}"), first(&text(other)))),
        }
    }
    if answers.is_empty() {
        return Ok((answers, None));
    }
    let graded = submit(host, usage, &author, &answers)?;
    if graded.success.as_deref() == Some("correct") {
        return Ok((answers, graded.success));
    }
    // A single correct check box is a list all the same; only the problem knows which kind its choice is.
    let listed: Answers = answers
        .iter()
        .map(|(name, value)| {
            let is_choice = value.starts_with("choice_") && !name.ends_with("[]");
            (if is_choice { format!("{name}[]") } else { name.clone() }, value.clone())
        })
        .collect();
    let again = submit(host, usage, &author, &listed)?;
    if again.success.as_deref() == Some("correct") {
        return Ok((listed, again.success));
    }
    Ok((answers, graded.success))
}

fn text(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn first(answer: &str) -> String {
    answer.split(OR).next().unwrap_or(answer).to_owned()
}
