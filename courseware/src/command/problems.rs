//! `courseware problems`.

use clap::Args;
use courseware::check_problems;
use serde_json::json;
use xblock_core::keys::ContextKey;

use super::arguments::LearnerArguments;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Lists a context's problems with their own answers, and whether those are graded as correct. For authors.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The course or library.
    context: ContextKey,
    #[command(flatten)]
    learner: LearnerArguments,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let context = arguments.context.plain();
    let host = surroundings.host(&arguments.learner, &context)?;
    let problems = check_problems(&host, &context)?;
    if console.json {
        console.document(&json!({ "context": context, "branch": host.branch, "problems": problems }))?;
        return Ok(Exit::Done);
    }
    for problem in &problems {
        console.line(format_args!("{} {:?}", problem.usage, problem.display_name))?;
        match &problem.reason {
            Some(reason) => console.line(format_args!("  not graded here: {reason}"))?,
            None => {
                for (name, value) in &problem.answers {
                    console.line(format_args!("  {name}={value}"))?;
                }
            }
        }
    }
    let gradable = problems.iter().filter(|problem| problem.gradable).count();
    console.line(format_args!("{gradable} of {} problems take their own answers", problems.len()))?;
    Ok(Exit::Done)
}
