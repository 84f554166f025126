//! `courseware backup` and `courseware restore`.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use courseware::{OpenMode, StoreUrl};
use runtime_blockstore::{BackupOptions, BlockstoreError, RestoreOptions, check_backup};
use uuid::Uuid;

use super::arguments::StoreArgument;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Copies a Blockstore, or one bundle with its history, into a directory of backups; or proves what is there.
#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    /// The directory; what earlier backups in it have is not copied again.
    directory: PathBuf,
    /// The store: blockstore:DIR or blockstore+mysql://USER@HOST/DATABASE, each with ?assets=PLACE or, a DIR, without.
    #[arg(long = "store", value_name = "URL", required_unless_present = "check")]
    store: Option<StoreUrl>,
    /// Back up this bundle only.
    #[arg(long, value_name = "UUID", conflicts_with = "check")]
    bundle: Option<Uuid>,
    /// Take what earlier backups copied for whole where its size is right, without reading it.
    #[arg(long, conflicts_with = "check")]
    quick: bool,
    /// Prove every file of every backup in the directory instead of making one.
    #[arg(long, conflicts_with = "store")]
    check: bool,
}

/// Makes a Blockstore, or one bundle in it, again from a backup.
#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// The directory of backups.
    directory: PathBuf,
    #[command(flatten)]
    store: StoreArgument,
    /// Put this bundle into the store, which may have others; without it, a whole new store is made.
    #[arg(long, value_name = "UUID")]
    bundle: Option<Uuid>,
    /// The backup's name; the newest that lacks nothing unless given.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Take over files of bundles that lie where the store's files go, such as a killed restore leaves; they must be no other
    /// store's.
    #[arg(long)]
    take_over: bool,
}

pub(crate) fn run(
    arguments: &BackupArguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let Some(url) = &arguments.store else { return check(arguments, console) };
    let reader = surroundings.open_bundles(url, OpenMode::Read)?;
    // Writers of ours are made to wait; a store of the app alone, or one that cannot be written, stays as it is.
    let store = if reader.has_own_tables()? {
        match surroundings.open_bundles(url, OpenMode::Write) {
            Ok(writer) => writer,
            Err(error) => {
                let why = why_read_only(&error).map(ToString::to_string).ok_or(error)?;
                console.remark(format_args!(
                    "the store cannot be written, so writers are not made to wait: {why}"
                ));
                reader
            }
        }
    } else {
        reader
    };
    let options = BackupOptions { bundle: arguments.bundle, is_quick: arguments.quick };
    let report = store.backup(&arguments.directory, options)?;
    let exit = if report.damaged.is_empty() { Exit::Done } else { Exit::No };
    if console.json {
        console.document(&report)?;
        return Ok(exit);
    }
    for replaced in &report.replaced {
        console.line(format_args!("was damaged, copied anew: {replaced}"))?;
    }
    for damaged in &report.damaged {
        console.line(format_args!("not backed up: {damaged}"))?;
    }
    console.line(format_args!(
        "backup {}: {} files, {} of them new, {} bytes copied",
        report.name, report.files, report.copied_files, report.copied_bytes
    ))?;
    Ok(exit)
}

/// Finds why a store can only be read; nothing where that is not what is wrong.
fn why_read_only(error: &CommandError) -> Option<&BlockstoreError> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(found) = cause {
        if let Some(why) = found.downcast_ref::<BlockstoreError>().filter(|why| why.is_read_only()) {
            return Some(why);
        }
        cause = found.source();
    }
    None
}

fn check(arguments: &BackupArguments, console: &mut Console) -> Result<Exit, CommandError> {
    let checked = check_backup(&arguments.directory)?;
    let exit = if checked.is_whole() { Exit::Done } else { Exit::No };
    if console.json {
        console.document(&checked)?;
        return Ok(exit);
    }
    for damaged in &checked.damaged {
        console.line(format_args!("damaged: {damaged}"))?;
    }
    for backup in &checked.incomplete {
        for damaged in &backup.damaged {
            console.line(format_args!("backup {} lacks: {damaged}", backup.name))?;
        }
    }
    let (damaged, incomplete) = (checked.damaged.len(), checked.incomplete.len());
    console.line(format_args!(
        "{} files proved, {damaged} damaged; {incomplete} backups are incomplete",
        checked.files
    ))?;
    Ok(exit)
}

/// Says whether a database on a server has a store's tables and nothing in them: they are made before the first row is, and are
/// not taken away again, for another program may have begun to use them.
fn has_empty_tables(url: &StoreUrl, surroundings: &Surroundings) -> bool {
    matches!(url, StoreUrl::BlockstoreOnServer { .. })
        && surroundings
            .open_bundles(url, OpenMode::Read)
            .is_ok_and(|store| store.get_collections().is_ok_and(|found| found.is_empty()))
}

pub(crate) fn run_restore(
    arguments: &RestoreArguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let options = RestoreOptions {
        name: arguments.name.clone(),
        bundle: arguments.bundle,
        take_over: arguments.take_over,
    };
    let url = &arguments.store.url;
    let report = match url.restore_bundles(&arguments.directory, &options, &surroundings.clock) {
        Ok(report) => report,
        Err(error) => {
            if has_empty_tables(url, surroundings) {
                console.remark(format_args!(
                    "nothing was restored; the database on the server has the tables of a store without bundles, which the next \
                     restore uses"
                ));
            }
            return Err(error.into());
        }
    };
    let is_whole = report.damaged.is_empty() && report.passed_over.is_empty() && report.left_out.is_empty();
    let exit = if is_whole { Exit::Done } else { Exit::No };
    if console.json {
        console.document(&report)?;
        return Ok(exit);
    }
    for newer in &report.passed_over {
        let lacks = newer.damaged.len();
        console.remark(format_args!(
            "passed over: backup {} is newer and incomplete, it lacks {lacks} (--name {} restores it)",
            newer.name, newer.name
        ));
    }
    for damaged in &report.damaged {
        console.line(format_args!("not in the backup: {damaged}"))?;
    }
    for left_out in &report.left_out {
        console.line(format_args!("not restored: {left_out}"))?;
    }
    let (files, bytes) = (report.files, report.bytes);
    console.line(format_args!("restored {}: {files} files, {bytes} bytes", report.name))?;
    if let Some(bundle) = arguments.bundle {
        let is = report.context.as_deref().unwrap_or("no course or library");
        console.line(format_args!(
            "bundle {bundle} is {is}; its versions stand at the end of the store's change feeds, and bundles it links to did not come"
        ))?;
    }
    Ok(exit)
}
