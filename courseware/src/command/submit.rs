//! `courseware submit`.

use clap::Args;
use courseware::{submit, submit_json};
use serde_json::Value;
use xblock_core::keys::UsageKey;

use super::arguments::LearnerArguments;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::{Surroundings, user};

/// Answers a problem as a learner and prints what the problem says and the grade. A wrong answer is no error.
///
/// Blocks that are no problems have handlers of their own: --handler names one, which gets the values as JSON.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The problem, or another block with --handler.
    usage: UsageKey,
    /// Who answers.
    #[arg(long, value_name = "USER")]
    user: String,
    /// The answers, by the names of the inputs: input_p1_2_1=choice_2; a name may be given several times.
    #[arg(value_name = "NAME=VALUE", required = true)]
    answers: Vec<String>,
    /// The handler that takes the answer as a JSON object; values that read as JSON are what they say, others are texts.
    #[arg(long, value_name = "NAME")]
    handler: Option<String>,
    #[command(flatten)]
    learner: LearnerArguments,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let mut answers = Vec::new();
    for text in &arguments.answers {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => answers.push((name.to_owned(), value.to_owned())),
            _ => return Err(CommandError::BadAnswer { text: text.clone() }),
        }
    }
    let (host, usage) = surroundings.host_of_block(&arguments.learner, &arguments.usage)?;
    let user = user(&arguments.user, &arguments.learner);
    let outcome = match &arguments.handler {
        Some(handler) => submit_json(&host, &usage, &user, handler, &object(answers))?,
        None => submit(&host, &usage, &user, &answers)?,
    };
    // Not every handler grades: one that is named is done where it does not refuse.
    let is_done = if arguments.handler.is_some() { outcome.status < 400 } else { outcome.is_graded() };
    let exit = if is_done { Exit::Done } else { Exit::No };
    if console.json {
        console.document(&outcome)?;
        return Ok(exit);
    }
    match &outcome.success {
        Some(success) => console.line(success)?,
        None => console.line(format_args!("answered with status {}", outcome.status))?,
    }
    if let Some(grade) = &outcome.grade {
        console.line(format_args!("grade {} of {}", grade.value, grade.max_value))?;
    }
    Ok(exit)
}

/// Makes a JSON object of the pairs: `stars=4` is a number, `note=Well` a text.
fn object(pairs: Vec<(String, String)>) -> Value {
    let value = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
    Value::Object(pairs.into_iter().map(|(name, text)| (name, value(text))).collect())
}
