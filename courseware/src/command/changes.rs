//! `courseware changes`.

use clap::Args;
use courseware::OpenMode;
use xblock_core::runtime::Cursor;

use super::arguments::StoreArgument;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Reads the change feed of a store: which branch of which course got a new version.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: StoreArgument,
    /// Begin after this place in the feed.
    #[arg(long, value_name = "CURSOR", default_value_t = 0)]
    after: u64,
    /// Read at most this many entries.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    limit: usize,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let runtime = surroundings.open(&arguments.store.url, OpenMode::Read)?;
    let changes = runtime.changes(Cursor(arguments.after), arguments.limit)?;
    if console.json {
        console.document(&changes)?;
        return Ok(Exit::Done);
    }
    for change in changes {
        let when =
            change.edit_info.edited_on.map(|time| format!("  {}", time.to_rfc3339())).unwrap_or_default();
        console.line(format_args!(
            "{}  {}  {} {}{when}",
            change.cursor.0, change.context, change.branch, change.version
        ))?;
    }
    Ok(Exit::Done)
}
