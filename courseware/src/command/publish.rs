//! `courseware publish`.

use clap::Args;
use courseware::{
    BlockFileLeftOut, DamagedBlock, OpenMode, PublishOptions, PublishReport, StoreUrl, publish,
};
use xblock_core::keys::ContextKey;

use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Publishes a course's draft in one store and brings the published course into another.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The course or library.
    context: ContextKey,
    /// The store whose draft is published.
    #[arg(long, value_name = "URL")]
    from: StoreUrl,
    /// The store that gets the published course; it is made where it does not exist.
    #[arg(long, value_name = "URL")]
    to: StoreUrl,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let from = surroundings.open(&arguments.from, OpenMode::Write)?;
    let context = arguments.context.plain();
    // A target is made only for a course that exists.
    from.context(&context)?;
    let to = surroundings.open(&arguments.to, OpenMode::Create)?;
    let report = console.watch(|progress| {
        publish(&from, &to, &context, &PublishOptions { progress, ..PublishOptions::default() })
    })??;
    for url in [&arguments.from, &arguments.to] {
        surroundings.warn_of_size(url, &context, console)?;
    }
    if console.json {
        console.document(&report)?;
    } else {
        text(arguments, &report, console)?;
    }
    for BlockFileLeftOut { usage, name } in &report.block_files_left_out {
        console.remark(format_args!(
            "error: {usage}: its file {name:?} did not come along, since another file of the course is called so; \
             rename it in the bundle"
        ));
    }
    for DamagedBlock { usage, reason } in &report.damaged_blocks {
        console.remark(format_args!("error: {usage} cannot be read and did not come along: {reason}"));
    }
    for damaged in &report.damaged_asset_metadata {
        console.remark(format_args!("error: {damaged}; it did not come along"));
    }
    for damaged in &report.unlisted {
        console.remark(format_args!("error: {damaged}; it did not come along"));
    }
    let is_whole = report.block_files_left_out.is_empty()
        && report.damaged_blocks.is_empty()
        && report.damaged_asset_metadata.is_empty()
        && report.unlisted.is_empty();
    Ok(if is_whole { Exit::Done } else { Exit::No })
}

fn text(arguments: &Arguments, report: &PublishReport, console: &mut Console) -> Result<(), CommandError> {
    let PublishReport { context, source_version, .. } = report;
    let (from, to) = (&arguments.from, &arguments.to);
    if report.is_unchanged() {
        return console
            .line(format_args!("{context}: nothing to do, {to} has {source_version} of {from} already"));
    }
    match &report.source_commit {
        Some(version) => console.line(format_args!("Published {context} in {from} as version {version}"))?,
        None if !report.kept_drafts.is_empty() => console.line(format_args!(
            "{context} is only read in {from} and stays there as it is: unpublished changes of {} blocks come along as drafts",
            report.kept_drafts.len()
        ))?,
        None => {
            console.line(format_args!("{context} has no changes in {from} since version {source_version}"))?
        }
    }
    match &report.target_commit {
        Some(version) => console.line(format_args!("Brought it into {to} as version {version}"))?,
        None => console.line(format_args!("{to} has the same already"))?,
    }
    console.line(format_args!("  {} blocks, {} static files", report.blocks, report.assets))?;
    console.line(format_args!("  {}", report.changes))?;
    if let Some(reason) = &report.origin_lost {
        console.line(format_args!("  {to} does not keep the imported files for later exports: {reason}"))?;
    }
    for usage in &report.replaced_drafts {
        console.line(format_args!("  replaced unpublished changes of {usage}"))?;
    }
    Ok(())
}
