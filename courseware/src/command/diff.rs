//! `courseware diff`.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use courseware::steady::steady;
use courseware::{
    ArchiveLimits, Colour, CourseAddress, CourseContent, CoursewareError, OpenMode, Progress, StateName,
    StoreUrl, TextOptions, diff, open_package, write_stat, write_text,
};
use xblock_core::block::Registry;
use xblock_core::keys::ContextKey;
use xblock_core::olx::PackageSource;
use xblock_core::runtime::{Branch, Runtime};

use super::arguments::BranchName;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Tells what changed from one course to another, block by block and field by field.
///
/// A side is a course package (a directory or an archive), or URL#CONTEXT for a course in a store, with @draft, @published
/// or @VERSION behind it for one state. A store with one course needs no CONTEXT.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What it was: PATH or URL[#CONTEXT][@STATE].
    left: CourseAddress,
    /// What it is: PATH or URL[#CONTEXT][@STATE].
    right: CourseAddress,
    /// Compare this branch only; by default both, where no state is named.
    #[arg(long)]
    branch: Option<BranchName>,
    /// Say only how many blocks and files changed.
    #[arg(long)]
    stat: bool,
    /// How many equal lines to show around a change in a long text.
    #[arg(short = 'U', long, value_name = "LINES", default_value_t = TextOptions::default().context)]
    context: usize,
    /// Whether to use colours; by default where the output is a terminal and NO_COLOR is not set.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    /// On terminals.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let branch = arguments.branch.map(Branch::from);
    let sides = [open(surroundings, &arguments.left)?, open(surroundings, &arguments.right)?];
    let (left, right, found) = console.watch(|progress| {
        let [left, right] = read(&sides, branch, &surroundings.registry, &progress)?;
        let found = diff(&left, &right, &surroundings.registry, &progress)?;
        Ok::<_, CoursewareError>((left, right, found))
    })??;
    for side in [&left, &right] {
        if side.errors > 0 {
            console.remark(format_args!("{}: {} errors in this package", side.name, side.errors));
        }
    }
    if console.json {
        console.document(&found)?;
        return Ok(if found.is_same() { Exit::Done } else { Exit::No });
    }
    let colour = match arguments.color {
        When::Always => Colour::Always,
        When::Auto if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() => Colour::Always,
        _ => Colour::Never,
    };
    let mut text = String::new();
    let options = TextOptions { context: arguments.context, colour };
    let written = match arguments.stat {
        true => write_stat(&found, &mut text),
        false => write_text(&found, &options, &mut text),
    };
    written.map_err(|error| CommandError::Output(io::Error::other(error)))?;
    console.line(text.trim_end())?;
    Ok(if found.is_same() { Exit::Done } else { Exit::No })
}

/// A side that is open.
struct Opened<'a> {
    name: String,
    place: Place<'a>,
}

/// Where a side is read from.
enum Place<'a> {
    Package(Arc<dyn PackageSource>),
    Store { store: Arc<dyn Runtime>, context: ContextKey, state: Option<StateName>, url: &'a StoreUrl },
}

fn open<'a>(surroundings: &Surroundings, address: &'a CourseAddress) -> Result<Opened<'a>, CommandError> {
    let name = address.to_string();
    let place = match address {
        CourseAddress::Package(path) => Place::Package(open_package(path, &ArchiveLimits::default())?),
        CourseAddress::Store { url, context, state } => {
            let store = surroundings.open(url, OpenMode::Read)?;
            let context = match context {
                Some(context) => context.clone(),
                None => only_context(&*store, &name)?,
            };
            Place::Store { store, context, state: state.clone(), url }
        }
    };
    Ok(Opened { name, place })
}

/// Reads both sides; two states of one course are those of one moment.
fn read(
    sides: &[Opened<'_>; 2],
    branch: Option<Branch>,
    registry: &Registry,
    progress: &Progress<'_>,
) -> Result<[CourseContent; 2], CoursewareError> {
    let [left, right] = sides;
    let both = || Ok([left.read(branch, registry, progress)?, right.read(branch, registry, progress)?]);
    match (&left.place, &right.place) {
        (Place::Store { store, context, url, .. }, Place::Store { context: other, url: other_url, .. })
            if context == other && url == other_url =>
        {
            steady(&[(&**store, context)], both)
        }
        _ => both(),
    }
}

impl Opened<'_> {
    fn read(
        &self,
        branch: Option<Branch>,
        registry: &Registry,
        progress: &Progress<'_>,
    ) -> Result<CourseContent, CoursewareError> {
        match &self.place {
            Place::Package(source) => {
                CourseContent::read_package(&self.name, source, registry, branch, progress)
            }
            Place::Store { store, context, state, .. } => {
                let state = state.clone().or_else(|| branch.map(StateName::Branch));
                CourseContent::read_store(&self.name, &**store, context, state.as_ref(), progress)
            }
        }
    }
}

/// Returns the course of a store that has only one.
fn only_context(store: &dyn Runtime, name: &str) -> Result<ContextKey, CommandError> {
    let mut contexts = store.contexts()?;
    match (contexts.pop(), contexts.len()) {
        (Some(context), 0) => Ok(context),
        (_, more) => Err(CommandError::WhichCourse { name: name.to_owned(), more }),
    }
}
