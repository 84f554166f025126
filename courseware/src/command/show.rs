//! `courseware show`.

use clap::Args;
use courseware::{BlockDescription, OpenMode, Origin};
use xblock_core::keys::UsageKey;
use xblock_core::runtime::RuntimeExt as _;

use super::arguments::{BranchName, StoreArgument};
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Shows one block: its fields with where each value comes from, its children, its definition, who edited it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The block.
    usage: UsageKey,
    #[command(flatten)]
    store: StoreArgument,
    /// The branch.
    #[arg(long, default_value = "draft")]
    branch: BranchName,
    /// Show fields that nobody set as well (always in JSON).
    #[arg(long)]
    defaults: bool,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let runtime = surroundings.open(&arguments.store.url, OpenMode::Read)?;
    let branch = arguments.branch.into();
    let usage = runtime.usage_with_run(&arguments.usage.plain())?;
    let block = BlockDescription::read(&*runtime, &surroundings.registry, &usage, branch)?;
    if console.json {
        console.document(&block)?;
        return Ok(Exit::Done);
    }
    console.line(&block.usage)?;
    let unknown = if block.known_type { "" } else { " (no class for this type)" };
    console.line(format_args!("type        {}{unknown}", block.block_type))?;
    console.line(format_args!("branch      {}", block.branch))?;
    console.line(format_args!("definition  {}", block.definition))?;
    if let Some(time) = block.edit_info.edited_on {
        let who = block.edit_info.edited_by.map(|user| format!(" by user {user}")).unwrap_or_default();
        console.line(format_args!("edited      {}{who}", time.to_rfc3339()))?;
    }
    for (title, usages) in [("parents", &block.parents), ("children", &block.children)] {
        if !usages.is_empty() {
            console.line(format_args!("{title}:"))?;
            for usage in usages {
                console.line(format_args!("  {usage}"))?;
            }
        }
    }
    console.line("fields:")?;
    for field in block.fields.iter().filter(|field| arguments.defaults || field.origin != Origin::Default) {
        let origin = match &field.origin {
            Origin::Own if !field.declared => "own, not declared".to_owned(),
            Origin::Own => "own".to_owned(),
            Origin::Library => "library".to_owned(),
            Origin::Inherited { from } => format!("from {} {}", from.block_type(), from.block_id()),
            Origin::Default => "default".to_owned(),
        };
        console.line(format_args!("  {} ({}, {origin}) = {}", field.name, field.scope, field.value))?;
    }
    for aside in &block.asides {
        console.line(format_args!("aside {}:", aside.aside_type))?;
        for (name, value) in &aside.fields {
            console.line(format_args!("  {name} = {value}"))?;
        }
    }
    Ok(Exit::Done)
}
