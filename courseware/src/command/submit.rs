//! `courseware submit`.

use clap::Args;
use courseware::submit;
use xblock_core::keys::UsageKey;

use super::arguments::LearnerArguments;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::{Surroundings, user};

/// Answers a problem as a learner and prints what the problem says and the grade. A wrong answer is no error.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The problem.
    usage: UsageKey,
    /// Who answers.
    #[arg(long, value_name = "USER")]
    user: String,
    /// The answers, by the names of the inputs: input_p1_2_1=choice_2; a name may be given several times.
    #[arg(value_name = "NAME=VALUE", required = true)]
    answers: Vec<String>,
    #[command(flatten)]
    learner: LearnerArguments,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, CommandError> {
    let mut answers = Vec::new();
    for text in &arguments.answers {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => answers.push((name.to_owned(), value.to_owned())),
            _ => return Err(CommandError::BadAnswer { text: text.clone() }),
        }
    }
    let usage = arguments.usage.plain();
    let host = Surroundings::new()?.host(&arguments.learner, &usage.context_key())?;
    let outcome = submit(&host, &usage, &user(&arguments.user, &arguments.learner), &answers)?;
    let exit = if outcome.is_graded() { Exit::Done } else { Exit::No };
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
