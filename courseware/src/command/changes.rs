//! `courseware changes`.

use clap::Args;
use courseware::{OpenMode, StoreUrl};
use serde_json::json;
use xblock_core::runtime::{Cursor, Runtime};

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
    let url = &arguments.store.url;
    let reader = surroundings.open(url, OpenMode::Read)?;
    // What other programs have made enters the feed where that can be written; a store of theirs alone stays as it is.
    let runtime = if has_own_tables(url, &*reader, surroundings)? {
        surroundings.open(url, OpenMode::Write).unwrap_or(reader)
    } else {
        reader
    };
    let changes = runtime.changes(Cursor(arguments.after), arguments.limit)?;
    let is_behind = runtime.is_feed_behind()?;
    if console.json {
        console.document(&json!({ "changes": changes, "is_behind": is_behind }))?;
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
    if is_behind {
        console.remark(format_args!(
            "the feed is behind: another program has made versions, which enter it when whoever may write reads it"
        ));
    }
    Ok(Exit::Done)
}

fn has_own_tables(
    url: &StoreUrl,
    reader: &dyn Runtime,
    surroundings: &Surroundings,
) -> Result<bool, CommandError> {
    Ok(match url {
        StoreUrl::Blockstore { .. } | StoreUrl::BlockstoreOnServer { .. } => {
            surroundings.open_bundles(url, OpenMode::Read)?.has_own_tables()?
        }
        StoreUrl::ModulestoreServer(_) => {
            reader.changes(Cursor(0), 1).is_ok_and(|first| !first.is_empty()) && reader.is_feed_behind()?
        }
        _ => false,
    })
}
