//! `courseware draft`.

use clap::Args;
use courseware::OpenMode;
use runtime_blockstore::{DraftStanding, OnStale};
use serde_json::json;
use xblock_core::keys::ContextKey;

use super::arguments::StoreArgument;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Shows what the draft of a course or library in a Blockstore changes, and whether it is stale because another draft was
/// published since it was begun; lays a stale one on the latest version where told so.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The course or library.
    context: ContextKey,
    #[command(flatten)]
    store: StoreArgument,
    #[command(flatten)]
    what: What,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct What {
    /// Lay the draft on the latest version and keep what it changes; nothing is done where both changed the same.
    #[arg(long)]
    merge: bool,
    /// The same; where both changed the same, the draft's stays.
    #[arg(long)]
    ours: bool,
    /// The same; where both changed the same, the published one stays.
    #[arg(long)]
    theirs: bool,
    /// Drop all that the draft changes.
    #[arg(long)]
    discard: bool,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let Arguments { context, store, what } = arguments;
    let on_stale = match what {
        What { merge: true, .. } => Some(OnStale::Merge),
        What { ours: true, .. } => Some(OnStale::KeepOurs),
        What { theirs: true, .. } => Some(OnStale::KeepTheirs),
        What { .. } => None,
    };
    let changes = on_stale.is_some() || what.discard;
    let mode = if changes { OpenMode::Write } else { OpenMode::Read };
    let runtime = surroundings.open_blockstore(&store.url, mode)?;
    let context = context.plain();
    let before = match on_stale {
        Some(on_stale) => runtime.rebase_draft(&context, on_stale)?,
        None if what.discard => runtime.reset_draft(&context)?,
        None => runtime.draft_standing(&context)?,
    };
    let after = if changes { runtime.draft_standing(&context)? } else { before.clone() };
    if console.json {
        console.document(
            &json!({ "before": before.as_ref().map(document), "after": after.as_ref().map(document) }),
        )?;
        return Ok(Exit::Done);
    }
    let (Some(before), Some(after)) = (before, after) else {
        console.line(format_args!("{context} has no draft"))?;
        return Ok(Exit::Done);
    };
    let state = if after.is_stale() {
        "is stale: another version was published since it was begun"
    } else {
        "lies on the latest version"
    };
    console.line(format_args!("the draft of {context} {state}"))?;
    for name in after.files.iter().chain(&after.links) {
        let is_both = after.conflicting_files.contains(name) || after.conflicting_links.contains(name);
        console.line(format_args!("  changes {name}{}", if is_both { ", as others did" } else { "" }))?;
    }
    let names = before.files.iter().chain(&before.links);
    for name in names.filter(|name| !after.files.contains(name) && !after.links.contains(name)) {
        console.line(format_args!("  dropped {name}"))?;
    }
    Ok(Exit::Done)
}

fn document(standing: &DraftStanding) -> serde_json::Value {
    json!({
        "draft": standing.uuid.to_string(),
        "stale": standing.is_stale(),
        "files": standing.files,
        "links": standing.links,
        "conflicting_files": standing.conflicting_files,
        "conflicting_links": standing.conflicting_links,
    })
}
