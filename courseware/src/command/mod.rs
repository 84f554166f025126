//! The command `courseware`: one module for each subcommand, and what they share.
//!
//! A program with blocks of its own runs the whole command with them: [`run_with`].

mod arguments;
mod backup;
mod changes;
mod check;
mod compare;
mod console;
mod diff;
mod draft;
mod exit;
mod export;
mod fmt;
mod fsck;
mod gc;
mod grade;
mod history;
mod import;
mod links;
mod list;
mod markdown;
mod problems;
mod publish;
mod render;
mod schema;
mod serve;
mod show;
mod stats;
mod store;
mod submit;
mod surroundings;
mod test;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use courseware::ScriptEngine;
use xblock_core::block::{Registry, RegistryError};

use console::Console;
use exit::{CommandError, Exit};
use surroundings::Surroundings;

/// Brings Open edX courseware from one store to another, and shows, runs and compares it.
#[derive(Debug, Parser)]
#[command(name = "courseware", version, about, after_help = AFTER_HELP, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON document instead of text, errors included.
    #[arg(long, global = true)]
    json: bool,
    /// Report progress on standard error even where it is no terminal.
    #[arg(long, global = true)]
    progress: bool,
    /// Where scripts of problems run: `cage`, the address of a codejail service such as http://127.0.0.1:8550, or `none`.
    #[arg(long, global = true, value_name = "WHERE", env = "COURSEWARE_SCRIPTS", default_value = "cage")]
    scripts: ScriptEngine,
}

const AFTER_HELP: &str = "\
STORES
  memory:            lives as long as the command
  blockstore:DIR     a Blockstore (SQLite and files) in a directory; with ?assets=s3://BUCKET/PREFIX its files lie
                     in an object store (also gs://, az://, or a folder)
  blockstore+mysql://USER@HOST/DATABASE?assets=PLACE
                     a Blockstore whose database is on a MySQL or MariaDB server (docs/blockstore.md)
  modulestore:FILE   a Modulestore (Split documents in SQLite) in a file
  modulestore+mongodb://HOST/DATABASE
                     a Modulestore on a MongoDB server (docs/modulestore-servers.md)
  mixed:FILE         several stores as one, named in a file (docs/courseware.md)

EXIT CODES
  0    done; for compare and diff: no differences
  1    the answer is no: check found errors, test found failures, compare or diff found differences, import
       refused the course, export could not write all there is, submit was not graded,
       fsck or backup found damage that is not repaired
  2    the command line cannot be used
  3    not found: a store, course, block, file or cursor that was named; a block for staff, without --staff
  4    a store or file could not be read or written
  5    conflict: somebody changed the course meanwhile, or the target is taken
  130  interrupted; nothing was written";

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    Import(import::Arguments),
    Publish(publish::Arguments),
    List(list::Arguments),
    Tree(tree::Arguments),
    Show(show::Arguments),
    Render(render::Arguments),
    Submit(submit::Arguments),
    Serve(serve::Arguments),
    Problems(problems::Arguments),
    Test(test::Arguments),
    Grade(grade::Arguments),
    Markdown(markdown::Arguments),
    Export(export::Arguments),
    Fmt(fmt::Arguments),
    Compare(compare::Arguments),
    Diff(diff::Arguments),
    Schema(schema::Arguments),
    History(history::Arguments),
    Changes(changes::Arguments),
    Fsck(fsck::Arguments),
    Gc(gc::Arguments),
    Stats(stats::Arguments),
    Links(links::Arguments),
    Draft(draft::Arguments),
    Adopt(links::AdoptArguments),
    #[command(subcommand)]
    Store(store::Command),
    Backup(backup::BackupArguments),
    Restore(backup::RestoreArguments),
}

/// Runs the command with the block types of this build, and returns its exit code.
#[must_use]
pub fn run() -> ExitCode {
    run_with(blocks::registry())
}

/// Runs the command with other block types, as a program does that has blocks of its own:
///
/// ```no_run
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     courseware::command::run_with(blocks::registry_builder().build())
/// }
/// ```
#[must_use]
pub fn run_with(registry: Result<Registry, RegistryError>) -> ExitCode {
    let arguments = Arguments::parse();
    let mut console = Console::new(arguments.json, arguments.progress);
    let outcome = registry.map_err(CommandError::Registry).and_then(|registry| {
        dispatch(&arguments.command, &Surroundings::new(registry, arguments.scripts.clone()), &mut console)
    });
    match outcome.and_then(|code| console.flush().map(|()| code)) {
        Ok(code) => code.into(),
        // Whoever read the output has seen enough.
        Err(CommandError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            // What was written before the error still belongs on the output; a second failure says nothing new.
            let _ = console.flush();
            console.error(&error);
            error.exit_code().into()
        }
    }
}

fn dispatch(
    command: &Command,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    match command {
        Command::Check(arguments) => check::run(arguments, surroundings, console),
        Command::Import(arguments) => import::run(arguments, surroundings, console),
        Command::Publish(arguments) => publish::run(arguments, surroundings, console),
        Command::List(arguments) => list::run(arguments, surroundings, console),
        Command::Tree(arguments) => tree::run(arguments, surroundings, console),
        Command::Show(arguments) => show::run(arguments, surroundings, console),
        Command::Render(arguments) => render::run(arguments, surroundings, console),
        Command::Submit(arguments) => submit::run(arguments, surroundings, console),
        Command::Serve(arguments) => serve::run(arguments, surroundings, console),
        Command::Problems(arguments) => problems::run(arguments, surroundings, console),
        Command::Test(arguments) => test::run(arguments, surroundings, console),
        Command::Grade(arguments) => grade::run(arguments, surroundings, console),
        Command::Markdown(arguments) => markdown::run(arguments, console),
        Command::Export(arguments) => export::run(arguments, surroundings, console),
        Command::Fmt(arguments) => fmt::run(arguments, surroundings, console),
        Command::Compare(arguments) => compare::run(arguments, surroundings, console),
        Command::Diff(arguments) => diff::run(arguments, surroundings, console),
        Command::Schema(arguments) => schema::run(arguments, surroundings, console),
        Command::History(arguments) => history::run(arguments, surroundings, console),
        Command::Changes(arguments) => changes::run(arguments, surroundings, console),
        Command::Fsck(arguments) => fsck::run(arguments, surroundings, console),
        Command::Gc(arguments) => gc::run(arguments, surroundings, console),
        Command::Stats(arguments) => stats::run(arguments, surroundings, console),
        Command::Links(arguments) => links::run(arguments, surroundings, console),
        Command::Draft(arguments) => draft::run(arguments, surroundings, console),
        Command::Adopt(arguments) => links::adopt(arguments, surroundings, console),
        Command::Store(command) => store::run(command, surroundings, console),
        Command::Backup(arguments) => backup::run(arguments, surroundings, console),
        Command::Restore(arguments) => backup::run_restore(arguments, surroundings, console),
    }
}
