//! `courseware backup` and `courseware restore`.

use std::path::PathBuf;

use clap::Args;
use courseware::{OpenMode, StoreUrl};
use runtime_blockstore::{BackupOptions, RestoreOptions, check_backup};
use serde_json::json;
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
    /// The store: blockstore:DIR.
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
    /// The backup's name; the newest unless given.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
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
        surroundings.open_bundles(url, OpenMode::Write).unwrap_or(reader)
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

fn check(arguments: &BackupArguments, console: &mut Console) -> Result<Exit, CommandError> {
    let (files, damaged) = check_backup(&arguments.directory)?;
    let exit = if damaged.is_empty() { Exit::Done } else { Exit::No };
    if console.json {
        console.document(&json!({ "files": files, "damaged": damaged }))?;
        return Ok(exit);
    }
    for damaged in &damaged {
        console.line(format_args!("damaged: {damaged}"))?;
    }
    console.line(format_args!("{files} files proved, {} damaged", damaged.len()))?;
    Ok(exit)
}

pub(crate) fn run_restore(
    arguments: &RestoreArguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let options = RestoreOptions { name: arguments.name.clone(), bundle: arguments.bundle };
    let report = arguments.store.url.restore_bundles(&arguments.directory, &options, &surroundings.clock)?;
    if console.json {
        console.document(&report)?;
    } else {
        let (files, bytes) = (report.files, report.bytes);
        console.line(format_args!("restored {}: {files} files, {bytes} bytes", report.name))?;
    }
    Ok(Exit::Done)
}
