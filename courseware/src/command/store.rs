//! `courseware store`: a whole Modulestore brought from MongoDB, taken back, and rid of old versions.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use courseware::{OpenMode, PackageError, StoreUrl};
use runtime_modulestore::{OnDamage, PruneOptions, PrunedKind};
use serde_json::{Map, Value, json};

use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Brings a Modulestore's documents from MongoDB, takes them there, or takes old versions out.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    ImportDump(ImportArguments),
    ExportDump(ExportArguments),
    Prune(PruneArguments),
}

/// Loads what `mongodump` wrote; the documents are kept as they are, damaged ones too, which are named (exit code 1).
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The dump, or the folder of one database in it; files may end in .bson or .bson.gz.
    directory: PathBuf,
    /// The store: modulestore:FILE or modulestore+mongodb://HOST/DATABASE; it is made where there is none.
    #[arg(value_name = "URL")]
    store: StoreUrl,
    /// Load nothing where a document is damaged.
    #[arg(long)]
    strict: bool,
}

/// Writes all documents as files that `mongorestore` reads.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The store: modulestore:FILE or modulestore+mongodb://HOST/DATABASE.
    #[arg(value_name = "URL")]
    store: StoreUrl,
    /// The new folder; it must not be there.
    directory: PathBuf,
}

/// Lists old versions that no branch leads to any more, with the reason for each; takes them out where told so.
#[derive(Debug, Args)]
pub(crate) struct PruneArguments {
    /// The store: modulestore:FILE or modulestore+mongodb://HOST/DATABASE.
    #[arg(value_name = "URL")]
    store: StoreUrl,
    /// Take them out; without this nothing is changed.
    #[arg(long)]
    delete: bool,
    /// How many versions of each branch stay before its newest, which stays in any case.
    #[arg(long, value_name = "VERSIONS", default_value_t = 10)]
    keep: usize,
    /// Versions that are younger stay, however many there are.
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    keep_days: u64,
    /// Leave alone what was written less than so many hours ago.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    grace: u64,
    /// How long what is taken out can be put back; after that the next pruning deletes it for good.
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    undo_days: u64,
    /// Put everything back that was taken out and is not deleted yet; nothing else is done.
    #[arg(long, conflicts_with = "delete")]
    undo: bool,
}

pub(crate) fn run(
    command: &Command,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    match command {
        Command::ImportDump(arguments) => import(arguments, surroundings, console),
        Command::ExportDump(arguments) => export(arguments, surroundings, console),
        Command::Prune(arguments) => prune(arguments, surroundings, console),
    }
}

fn import(
    arguments: &ImportArguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let on_damage = if arguments.strict { OnDamage::Refuse } else { OnDamage::Keep };
    let counts = surroundings.load_dump(&arguments.store, &arguments.directory, on_damage)?;
    let exit = if counts.damaged.is_empty() { Exit::Done } else { Exit::No };
    let contexts: Vec<_> = counts.contexts.iter().map(ToString::to_string).collect();
    if console.json {
        let passed_over: Vec<_> = counts.passed_over.iter().map(|path| path.display().to_string()).collect();
        let damaged = counts.damaged.iter();
        let damaged: Vec<_> =
            damaged.map(|one| json!({ "place": one.place, "reason": one.reason })).collect();
        console.document(&json!({
            "contexts": contexts,
            "structures": counts.structures,
            "definitions": counts.definitions,
            "files": counts.files,
            "others": counts.others,
            "damaged": damaged,
            "bookkeeping": counts.bookkeeping,
            "passed_over": passed_over,
        }))?;
        return Ok(exit);
    }
    for context in contexts {
        console.line(format_args!("{context}"))?;
    }
    for damaged in &counts.damaged {
        console.remark(format_args!("damaged, kept as it is: {}: {}", damaged.place, damaged.reason));
    }
    for name in &counts.bookkeeping {
        console.remark(format_args!("what this program kept in another database, kept and not used: {name}"));
    }
    for path in &counts.passed_over {
        let what = if path.is_dir() { "another database or folder" } else { "not a collection" };
        console.remark(format_args!("{what}, passed over: {}", path.display()));
    }
    console.line(format_args!(
        "loaded {} structures, {} definitions, {} files, {} documents of other collections",
        counts.structures, counts.definitions, counts.files, counts.others
    ))?;
    Ok(exit)
}

fn export(
    arguments: &ExportArguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let store = surroundings.open_modulestore(&arguments.store, OpenMode::Read)?;
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

fn prune(
    arguments: &PruneArguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let mode = if arguments.delete || arguments.undo { OpenMode::Write } else { OpenMode::Read };
    let store = surroundings.open_modulestore(&arguments.store, mode)?;
    if arguments.undo {
        let put_back = store.undo_prune()?;
        if console.json {
            console.document(&json!({ "put_back": put_back }))?;
        } else {
            console.line(format_args!("put {put_back} documents back"))?;
        }
        return Ok(Exit::Done);
    }
    let hours = |hours: u64| Duration::from_secs(hours.saturating_mul(3600));
    let report = store.prune(&PruneOptions {
        delete: arguments.delete,
        keep_versions: arguments.keep,
        keep_younger: hours(arguments.keep_days.saturating_mul(24)),
        grace: hours(arguments.grace),
        undo: hours(arguments.undo_days.saturating_mul(24)),
    })?;
    if console.json {
        console.document(&report)?;
        return Ok(Exit::Done);
    }
    for root in &report.roots {
        console
            .line(format_args!("root {}  {}: {} versions stay", root.structure, root.named_by, root.kept))?;
    }
    for pruned in &report.pruned {
        let kind = match pruned.kind {
            PrunedKind::Structure => "structure",
            PrunedKind::Definition => "definition",
            PrunedKind::File => "replaced file",
        };
        console.line(format_args!("{kind} {}  {} bytes: {}", pruned.id, pruned.bytes, pruned.proof))?;
    }
    console.line(format_args!(
        "{} structures, {} definitions and {} replaced files stay; {} documents of {} bytes {}; {} too young; {} deleted for good",
        report.kept_structures,
        report.kept_definitions,
        report.kept_files,
        report.pruned.len(),
        report.pruned_bytes,
        if report.deleted { "taken out (--undo puts them back)" } else { "would be taken out (--delete)" },
        report.too_young,
        report.forgotten,
    ))?;
    Ok(Exit::Done)
}
