//! `courseware compare`.

use clap::Args;
use courseware::{CompareOptions, OpenMode, StoreUrl, compare};
use xblock_core::keys::ContextKey;
use xblock_core::runtime::Branch;

use super::arguments::BranchName;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Compares a course in two stores: every block, field, child, aside and static file.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The course or library.
    context: ContextKey,
    /// The store on the left.
    left: StoreUrl,
    /// The store on the right.
    right: StoreUrl,
    /// Compare this branch only; by default both.
    #[arg(long)]
    branch: Option<BranchName>,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let left = surroundings.open(&arguments.left, OpenMode::Read)?;
    let right = surroundings.open(&arguments.right, OpenMode::Read)?;
    let context = arguments.context.plain();
    let branches = arguments.branch.map_or_else(|| Branch::ALL.to_vec(), |branch| vec![branch.into()]);
    let found = console
        .watch(|progress| compare(&*left, &*right, &context, &CompareOptions { branches, progress }))??;
    if console.json {
        console.document(&found)?;
    } else {
        for difference in &found.differences {
            console.line(difference)?;
        }
        console.line(format_args!(
            "{} differences in {} blocks with {} fields and {} static files (left {}, right {})",
            found.differences.len(),
            found.blocks,
            found.fields,
            found.assets,
            arguments.left,
            arguments.right,
        ))?;
    }
    Ok(if found.is_same() { Exit::Done } else { Exit::No })
}
