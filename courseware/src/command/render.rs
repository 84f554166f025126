//! `courseware render`.

use clap::Args;
use courseware::standalone_page;
use xblock_core::keys::UsageKey;

use super::arguments::LearnerArguments;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::{Surroundings, user};

/// Renders a view of a block, and of everything below it, as HTML. Nothing is saved.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The block.
    usage: UsageKey,
    /// The view.
    #[arg(long, default_value = "student_view")]
    view: String,
    /// Whose answers and progress to show; by default nobody's.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Print a whole page with styles and scripts, not only the fragment's HTML.
    #[arg(long)]
    page: bool,
    #[command(flatten)]
    learner: LearnerArguments,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let (host, usage) = surroundings.host_of_block(&arguments.learner, &arguments.usage)?;
    // Staff who give no name see what staff see, and nobody's answers.
    let id = arguments.user.as_deref().or(arguments.learner.staff.then_some(""));
    let user = id.map(|id| user(id, &arguments.learner));
    let fragment = host.render(&usage, &arguments.view, user.as_ref())?;
    if console.json {
        console.document(&fragment)?;
    } else if arguments.page {
        let record = host.runtime.block(&usage, host.branch)?;
        console.line(standalone_page(record.data.display_name().unwrap_or(usage.block_id()), &fragment))?;
    } else {
        console.line(&fragment.content)?;
    }
    Ok(Exit::Done)
}
