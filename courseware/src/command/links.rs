//! `courseware links` and `courseware adopt`.

use clap::Args;
use courseware::OpenMode;
use runtime_blockstore::ContextError;
use serde_json::{Value, json};
use uuid::Uuid;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Base, Branch, Edit};

use super::arguments::{BranchName, StoreArgument};
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Lists what a course or library in a Blockstore is linked to, and which links have newer versions; sets links of the draft
/// to the latest where told so.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The course or library.
    context: ContextKey,
    #[command(flatten)]
    store: StoreArgument,
    /// The branch to list.
    #[arg(long, default_value = "draft", conflicts_with = "update")]
    branch: BranchName,
    /// Set links of the draft to the latest versions, in one commit: those named, or all that have newer versions.
    #[arg(long, value_name = "LINK", num_args = 0..)]
    update: Option<Vec<String>>,
    /// Publish the draft in the same commit.
    #[arg(long, requires = "update")]
    publish: bool,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    match &arguments.update {
        Some(names) => update(arguments, names, surroundings, console),
        None => list(arguments, surroundings, console),
    }
}

fn list(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let runtime = surroundings.open_blockstore(&arguments.store.url, OpenMode::Read)?;
    let links = runtime.links(&arguments.context.plain(), arguments.branch.into())?;
    if console.json {
        let document: Vec<Value> = links
            .iter()
            .map(|link| {
                json!({
                    "name": link.name,
                    "bundle": link.direct.bundle_uuid.to_string(),
                    "context": link.context.as_ref().map(ToString::to_string),
                    "version": link.direct.version,
                    "latest": link.latest,
                    "is_behind": link.is_behind,
                    "indirect": link.indirect.iter().map(|dependency| json!({
                        "bundle": dependency.bundle_uuid.to_string(),
                        "version": dependency.version,
                    })).collect::<Vec<_>>(),
                })
            })
            .collect();
        console.document(&document)?;
        return Ok(Exit::Done);
    }
    for link in links {
        let target = match &link.context {
            Some(context) => format!("{context} (bundle {})", link.direct.bundle_uuid),
            None => format!("bundle {}", link.direct.bundle_uuid),
        };
        let newer = match link.latest {
            None => "; the bundle is gone".to_owned(),
            Some(latest) if link.is_behind => format!("; latest is {latest}"),
            Some(_) => String::new(),
        };
        console.line(format_args!("{}  {target}, version {}{newer}", link.name, link.direct.version))?;
    }
    Ok(Exit::Done)
}

fn update(
    arguments: &Arguments,
    names: &[String],
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let runtime = surroundings.open_blockstore(&arguments.store.url, OpenMode::Write)?;
    let context = arguments.context.plain();
    let mut edit = Edit::new(context, Base::Any);
    edit.message = "Links set to their latest versions".to_owned();
    if arguments.publish {
        edit = edit.publish_all();
    }
    let updates = runtime.update_links(&edit, &names.iter().cloned().collect())?;
    if console.json {
        let updated: Vec<Value> = updates
            .updated
            .iter()
            .map(|(name, (from, to))| json!({ "name": name, "from": from, "to": to }))
            .collect();
        let commit = updates.commit.as_ref();
        console.document(&json!({
            "updated": updated,
            "draft": commit.map(|commit| &commit.draft),
            "published": commit.and_then(|commit| commit.published.as_ref()),
        }))?;
        return Ok(Exit::Done);
    }
    for (name, (from, to)) in &updates.updated {
        console.line(format_args!("{name}: version {from} -> {to}"))?;
    }
    match &updates.commit {
        None => console.line("nothing to do: no link has a newer version")?,
        Some(commit) if arguments.publish => {
            let published = commit.published.as_ref().unwrap_or(&commit.draft);
            console.line(format_args!("published as version {published}"))?;
        }
        Some(commit) => console.line(format_args!("the {} is at {}", Branch::Draft, commit.draft))?,
    }
    Ok(Exit::Done)
}

/// Says which library a bundle of a Blockstore is, where the bundle itself does not say it; nothing in the bundle changes.
#[derive(Debug, Args)]
pub(crate) struct AdoptArguments {
    /// The library.
    context: ContextKey,
    /// Its bundle.
    bundle: Uuid,
    #[command(flatten)]
    store: StoreArgument,
    /// Give a bundle that was adopted as another library this name; usages of the other one lead nowhere from then on.
    #[arg(long)]
    rename: bool,
}

pub(crate) fn adopt(
    arguments: &AdoptArguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let runtime = surroundings.open_blockstore(&arguments.store.url, OpenMode::Write)?;
    let context = arguments.context.plain();
    let adopted = if arguments.rename {
        runtime.rename_adopted(&context, arguments.bundle)
    } else {
        runtime.adopt(&context, arguments.bundle)
    };
    if let Err(ContextError::AdoptedAs { context: other, .. }) = &adopted {
        console.remark(format_args!(
            "help: --rename makes it {context} all the same; usages of {other} lead nowhere then"
        ));
    }
    adopted?;
    if console.json {
        console
            .document(&json!({ "context": context.to_string(), "bundle": arguments.bundle.to_string() }))?;
    } else {
        console.line(format_args!("{context} is bundle {}", arguments.bundle))?;
    }
    Ok(Exit::Done)
}
