//! `courseware history`.

use clap::Args;
use courseware::OpenMode;
use xblock_core::keys::ContextKey;

use super::arguments::{BranchName, StoreArgument};
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Lists the versions of a course, newest first.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The course or library.
    context: ContextKey,
    #[command(flatten)]
    store: StoreArgument,
    /// The branch.
    #[arg(long, default_value = "published")]
    branch: BranchName,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let runtime = surroundings.open(&arguments.store.url, OpenMode::Read)?;
    let versions = runtime.history(&arguments.context.plain(), arguments.branch.into())?;
    if console.json {
        console.document(&versions)?;
        return Ok(Exit::Done);
    }
    for version in versions {
        let mut line = version.version.to_string();
        if let Some(time) = version.edit_info.edited_on {
            line.push_str(&format!("  {}", time.to_rfc3339()));
        }
        if let Some(user) = version.edit_info.edited_by {
            line.push_str(&format!("  user {user}"));
        }
        if !version.message.is_empty() {
            line.push_str(&format!("  {}", version.message));
        }
        console.line(line)?;
    }
    Ok(Exit::Done)
}
