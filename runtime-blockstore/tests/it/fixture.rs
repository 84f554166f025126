//! Stores in temporary folders.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use runtime_blockstore::{Access, Assets, Blockstore, BlockstoreError, BlockstoreRuntime, MysqlPlace};
use tempfile::TempDir;
use uuid::Uuid;
use xblock_core::clock::{Clock, FixedClock};
use xblock_core::runtime::RuntimeError;
use xblock_testkit::Fresh;

pub(crate) use crate::classes::registry;

/// A moment with microseconds.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(FixedClock(DateTime::from_timestamp_micros(1_930_000_000_123_456).expect("a moment")))
}

/// The clock of the system.
pub(crate) struct Now;

impl Clock for Now {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A clock that never says the same twice.
#[derive(Default)]
pub(crate) struct TickingClock(AtomicI64);

impl Clock for TickingClock {
    fn now(&self) -> DateTime<Utc> {
        let ticks = self.0.fetch_add(1, Ordering::Relaxed);
        DateTime::from_timestamp_micros(1_930_000_000_123_456 + ticks * 1_000_001).expect("a moment")
    }
}

/// A bundles store that lives as long as the folder.
pub(crate) fn ticking_store() -> (Blockstore, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clock = Arc::new(TickingClock::default());
    let store = Blockstore::open(folder.path(), Access::ReadWrite, clock).expect("the store opens");
    (store, folder)
}

/// Makes a bundle whose version 1 has the files, and returns it with its draft.
pub(crate) fn new_bundle(store: &Blockstore, slug: &str, files: &[(&str, &str)]) -> (Uuid, Uuid) {
    let collection = store.create_collection("Tides").expect("a collection").uuid;
    let bundle = store.create_bundle(collection, slug, slug, "").expect("a bundle").uuid;
    let draft = store.get_or_create_bundle_draft(bundle, "studio_draft").expect("a draft").uuid;
    for (path, content) in files {
        store.write_draft_file(draft, path, Some(content.as_bytes())).expect("a staged file");
    }
    store.commit_draft(draft).expect("version 1");
    (bundle, draft)
}

/// The file that names the server of a folder whose database is not in it.
const DATABASE: &str = "database";

/// Says that a folder's database is on a server; whoever opens the folder, in any process, finds it there.
pub(crate) fn put_on_server(folder: &Path, place: &str) {
    std::fs::write(folder.join(DATABASE), place).expect("a file");
}

/// Returns the server a folder's database is on.
pub(crate) fn server_of(folder: &Path) -> Option<MysqlPlace> {
    let text = std::fs::read_to_string(folder.join(DATABASE)).ok()?;
    Some(text.parse().expect("the address of a database"))
}

/// The file that names where documents and data files of a folder lie that are not in it.
const ASSETS: &str = "assets";

/// Says that documents and data files of a folder lie somewhere else; options of the place stand in lines of their own.
pub(crate) fn put_elsewhere(folder: &Path, place: &str, options: &[(&str, &str)]) {
    let options = options.iter().map(|(name, value)| format!("\n{name} {value}"));
    let text = std::iter::once(place.to_owned()).chain(options).collect::<String>();
    std::fs::write(folder.join(ASSETS), text).expect("a file");
}

/// Returns where documents and data files of a folder lie.
pub(crate) fn assets_of(folder: &Path) -> Assets {
    match std::fs::read_to_string(folder.join(ASSETS)) {
        Err(_) => Assets::Folder(folder.join("storage")),
        Ok(text) => {
            let mut lines = text.lines();
            let place: Assets = lines.next().expect("a place").parse().expect("a place");
            lines.fold(place, |place, line| {
                let (name, value) = line.split_once(' ').expect("an option");
                place.with_option(name, value)
            })
        }
    }
}

/// Opens the bundles of a folder, whose database is in it or on a server, and whose files are in it or elsewhere.
pub(crate) fn store_in(
    folder: &Path,
    access: Access,
    clock: Arc<dyn Clock>,
) -> Result<Blockstore, BlockstoreError> {
    match server_of(folder) {
        Some(place) => Blockstore::open_mysql(&place, &assets_of(folder), access, clock),
        None => Blockstore::open_with_assets(folder, &assets_of(folder), access, clock),
    }
}

/// Opens a store in a folder.
pub(crate) fn open(folder: &Path) -> BlockstoreRuntime {
    let store = store_in(folder, Access::ReadWrite, clock()).expect("the store opens");
    BlockstoreRuntime::over(store, registry()).expect("the runtime opens")
}

/// Opens a store in a folder for reading.
pub(crate) fn open_to_read(folder: &Path) -> Result<BlockstoreRuntime, RuntimeError> {
    BlockstoreRuntime::over(store_in(folder, Access::ReadOnly, clock())?, registry())
}

/// A store that lives as long as the folder.
pub(crate) fn new_store() -> (BlockstoreRuntime, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    (open(folder.path()), folder)
}

/// A store for the suite.
pub(crate) fn fresh() -> Fresh {
    let (runtime, folder) = new_store();
    Fresh::with_guard(runtime, folder)
}

/// Copies a folder with everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::write(&target, std::fs::read(entry.path()).expect("the file")).expect("a copy");
        }
    }
}
