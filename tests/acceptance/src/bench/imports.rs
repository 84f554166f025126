//! Imports of a course into each store, beside plain files on the same disk.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use courseware::{ArchiveLimits, ImportOptions, OpenMode, StoreUrl, SystemClock};
use xblock_core::block::Registry;
use xblock_core::clock::Clock;
use xblock_core::runtime::Runtime;

use super::{Contest, Outcome, Pick, Round, Side, Unit, olx, seconds_each};

/// Returns the contests: each store against writing the package's files with one `fsync` each.
///
/// # Errors
/// When the course cannot be read.
pub fn contests(course: &Path) -> Outcome<Vec<Contest>> {
    let files: Arc<[Vec<u8>]> = olx::load(course)?.into_iter().map(|(_, bytes)| bytes).collect();
    let registry = blocks::registry()?;
    let stores = [
        ("import into memory", "memory:"),
        ("import into blockstore", "blockstore:@"),
        ("import into modulestore", "modulestore:@"),
    ];
    Ok(stores
        .into_iter()
        .map(|(name, url)| Contest {
            name,
            unit: Unit::Seconds,
            pick: Pick::Median,
            ours: Side::Rust(import(course.to_owned(), url, registry.clone())),
            theirs: Some(("plain files, one fsync each", Side::Rust(write_plain(files.clone())))),
            goal: None,
        })
        .collect())
}

/// Makes a fresh temporary folder beside the build, so that the work meets a real disk.
fn folder() -> Outcome<tempfile::TempDir> {
    Ok(tempfile::tempdir_in("target")?)
}

fn write_plain(files: Arc<[Vec<u8>]>) -> Round {
    Box::new(move || {
        let folder = folder()?;
        seconds_each(1, || {
            for (n, content) in files.iter().enumerate() {
                let mut file = File::create(folder.path().join(n.to_string()))?;
                file.write_all(content)?;
                file.sync_all()?;
            }
            Ok(())
        })
    })
}

fn import(course: PathBuf, url: &'static str, registry: Registry) -> Round {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Box::new(move || {
        let folder = folder()?;
        let url: StoreUrl = url.replace('@', &folder.path().join("store").display().to_string()).parse()?;
        seconds_each(1, || {
            let store: Arc<dyn Runtime> = url.open(OpenMode::Create, &registry, &clock)?;
            let source = courseware::open_package(&course, &ArchiveLimits::default())?;
            courseware::import(&source, &store, &registry, &ImportOptions::default())?;
            Ok(())
        })
    })
}
