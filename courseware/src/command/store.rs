//! `courseware store`: a whole Modulestore brought from MongoDB, and taken back.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use courseware::{OpenMode, PackageError, StoreUrl};
use serde_json::{Map, Value, json};

use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Brings a Modulestore's documents from MongoDB, or takes them there.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    ImportDump(ImportArguments),
    ExportDump(ExportArguments),
}

/// Loads what `mongodump` wrote, all or nothing; the documents are kept as they are.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The dump, or the folder of one database in it; files may end in .bson or .bson.gz.
    directory: PathBuf,
    /// The store: modulestore:FILE; it is made where there is none.
    #[arg(value_name = "URL")]
    store: StoreUrl,
}

/// Writes all documents as files that `mongorestore` reads.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The store: modulestore:FILE.
    #[arg(value_name = "URL")]
    store: StoreUrl,
    /// The new folder; it must not be there.
    directory: PathBuf,
}

pub(crate) fn run(
    command: &Command,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    match command {
        Command::ImportDump(arguments) => import(arguments, surroundings, console),
        Command::ExportDump(arguments) => export(arguments, surroundings, console),
    }
}

fn import(
    arguments: &ImportArguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let (registry, clock) = (&surroundings.registry, &surroundings.clock);
    let store = arguments.store.open_modulestore(OpenMode::Create, registry, clock)?;
    let counts = store.import_dump(&arguments.directory)?;
    let contexts: Vec<_> = counts.contexts.iter().map(ToString::to_string).collect();
    if console.json {
        let passed_over: Vec<_> = counts.passed_over.iter().map(|path| path.display().to_string()).collect();
        console.document(&json!({
            "contexts": contexts,
            "structures": counts.structures,
            "definitions": counts.definitions,
            "files": counts.files,
            "others": counts.others,
            "passed_over": passed_over,
        }))?;
        return Ok(Exit::Done);
    }
    for context in contexts {
        console.line(format_args!("{context}"))?;
    }
    for path in &counts.passed_over {
        console.remark(format_args!("not a collection, passed over: {}", path.display()));
    }
    console.line(format_args!(
        "loaded {} structures, {} definitions, {} files, {} documents of other collections",
        counts.structures, counts.definitions, counts.files, counts.others
    ))?;
    Ok(Exit::Done)
}

fn export(
    arguments: &ExportArguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let (registry, clock) = (&surroundings.registry, &surroundings.clock);
    let store = arguments.store.open_modulestore(OpenMode::Read, registry, clock)?;
    if arguments.directory.symlink_metadata().is_ok() {
        return Err(PackageError::TargetTaken { path: arguments.directory.clone() }.into());
    }
    let exported = store.export_dump(&arguments.directory)?;
    if console.json {
        let collections: Map<_, _> =
            exported.collections.into_iter().map(|(name, count)| (name, Value::from(count))).collect();
        console.document(&json!({ "collections": collections }))?;
        return Ok(Exit::Done);
    }
    for (name, count) in &exported.collections {
        console.line(format_args!("{name}: {count} documents"))?;
    }
    Ok(Exit::Done)
}
