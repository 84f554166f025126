//! `courseware tree`.

use clap::Args;
use courseware::{OpenMode, Tree, TreeNode};
use xblock_core::keys::ContextKey;

use super::arguments::{BranchName, StoreArgument};
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Shows what hangs below what in a course.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The course or library.
    context: ContextKey,
    #[command(flatten)]
    store: StoreArgument,
    /// The branch.
    #[arg(long, default_value = "draft")]
    branch: BranchName,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let runtime = surroundings.open(&arguments.store.url, OpenMode::Read)?;
    let tree = Tree::read(&*runtime, &arguments.context.plain(), arguments.branch.into())?;
    if console.json {
        console.document(&tree)?;
        return Ok(Exit::Done);
    }
    console.line(format_args!("{} ({})", tree.context, tree.branch))?;
    lines(console, &tree.root, 0)?;
    if !tree.outside.is_empty() {
        console.line("outside the tree:")?;
        for node in &tree.outside {
            lines(console, node, 1)?;
        }
    }
    for unnamed in &tree.unnamed {
        console.line(format_args!("({unnamed})"))?;
    }
    let total: usize = tree.counts.values().sum();
    let counts: Vec<_> =
        tree.counts.iter().map(|(block_type, count)| format!("{count} {block_type}")).collect();
    console.line(format_args!("{total} blocks: {}", counts.join(", ")))?;
    Ok(Exit::Done)
}

fn lines(console: &mut Console, node: &TreeNode, depth: usize) -> Result<(), CommandError> {
    let name = node.display_name.as_deref().map(|name| format!(" {name:?}")).unwrap_or_default();
    let error = node.error.as_deref().map(|error| format!(" ({error})")).unwrap_or_default();
    let indent = depth * 2;
    console.line(format_args!("{:indent$}{} {}{name}{error}", "", node.block_type, node.usage.block_id()))?;
    node.children.iter().try_for_each(|child| lines(console, child, depth + 1))
}
