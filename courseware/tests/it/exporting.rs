//! Packages that are written out of stores: files of any size, and names that folders do not take.

use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use courseware::{OpenMode, StoreUrl, SystemClock};
use xblock_core::clock::Clock;
use xblock_core::keys::{AssetKey, ContextKey};
use xblock_core::runtime::{AssetData, AssetSource, Base, Branch, ContentDigest, Edit, EditOp, Extent};

use crate::command::{Ran, TIDES, command, courseware, import_tides, stores};

/// More than the memory that an export gets.
const SIZE: u64 = 400 << 20;
/// The memory that an export gets, in KiB.
const MEMORY: u64 = 256 << 10;

/// So many bytes, made while they are read.
struct Made(u64);

impl AssetSource for Made {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(io::repeat(b'~').take(self.0)))
    }
}

/// Puts published files into the sample course.
fn put(store: &str, files: impl IntoIterator<Item = (String, u64)>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let url: StoreUrl = store.parse().unwrap();
    let runtime = url.open(OpenMode::Create, &blocks::registry().unwrap(), &clock).unwrap();
    let context: ContextKey = TIDES.parse().unwrap();
    let base = runtime.context(&context).unwrap().draft.version;
    let mut edit = Edit::new(context.clone(), Base::Version(base));
    for (name, size) in files {
        let key: AssetKey = context.make_asset_key(&name).unwrap();
        let data = AssetData { display_name: name, ..AssetData::default() };
        edit = edit.with(EditOp::PutAsset { key, data, content: Arc::new(Made(size)) });
    }
    runtime.commit(edit.with(EditOp::Publish(Extent::All))).unwrap();
}

fn export(store: &str, target: &Path) -> Ran {
    courseware(["export", TIDES, "--store", store, "-o", target.to_str().unwrap()])
}

/// Runs the command in little memory, where the system can be told so.
#[cfg(target_os = "linux")]
fn export_in_little(store: &str, target: &Path) -> Ran {
    let script = format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"");
    let program = command().get_program().to_owned();
    let mut limited = Command::new("sh");
    limited.args(["-c", &script]).arg(program).args(["export", TIDES, "--store", store, "-o"]).arg(target);
    limited.output().unwrap().into()
}

#[cfg(target_os = "linux")]
#[test]
fn files_of_any_size_are_exported_in_little_memory() {
    let directory = tempfile::tempdir().unwrap();
    for store in stores(directory.path()) {
        import_tides(&store);
        put(&store, [("film.bin".to_owned(), SIZE)]);
        let folder = directory.path().join("folder");
        export_in_little(&store, &folder).exits(0);
        let written = std::fs::File::open(folder.join("static/film.bin")).unwrap();
        let wanted = ContentDigest::of_reader(Made(SIZE).open().unwrap()).unwrap();
        assert_eq!(ContentDigest::of_reader(written).unwrap(), wanted);
        let archive = directory.path().join("course.tar.gz");
        export_in_little(&store, &archive).exits(0);
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(&archive).unwrap()));
        let film = tar
            .entries()
            .unwrap()
            .map(Result::unwrap)
            .find(|entry| entry.path().unwrap().ends_with("static/film.bin"));
        assert_eq!(film.unwrap().size(), SIZE);
        std::fs::remove_dir_all(folder).unwrap();
        std::fs::remove_file(archive).unwrap();
    }
}

/// A folder leaves out what it has no name for, and says so; an archive has everything, and gives it back.
#[test]
fn names_that_are_too_long_for_a_folder_are_told() {
    let directory = tempfile::tempdir().unwrap();
    // Bundles have no such names.
    let [store, other, again] =
        ["a", "b", "c"].map(|name| format!("modulestore:{}", directory.path().join(name).display()));
    import_tides(&store);
    let (long, longest) = ("l".repeat(300) + ".txt", "ö".repeat(200) + ".txt");
    let fits = "f".repeat(251) + ".txt";
    put(&store, [&long, &longest, &fits].map(|name| (name.clone(), 10)));
    let folder = directory.path().join("folder");
    let ran = export(&store, &folder).exits(1);
    assert_eq!(ran.err.matches("name-too-long").count(), 2, "{}", ran.err);
    assert!(ran.err.contains(&long) && ran.err.contains(&longest), "{}", ran.err);
    assert!(folder.join("static").join(&fits).is_file());
    assert!(folder.join("static/two-bulges.svg").is_file() && folder.join("course.xml").is_file());
    courseware(["import", folder.to_str().unwrap(), "--store", &again]).exits(0);

    let archives = ["one.tar.gz", "two.tar.gz"].map(|name| directory.path().join(name));
    for archive in &archives {
        export(&store, archive).exits(0);
    }
    assert_eq!(std::fs::read(&archives[0]).unwrap(), std::fs::read(&archives[1]).unwrap());
    courseware(["import", archives[0].to_str().unwrap(), "--store", &other]).exits(0);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let url: StoreUrl = other.parse().unwrap();
    let runtime = url.open(OpenMode::Read, &blocks::registry().unwrap(), &clock).unwrap();
    let context: ContextKey = TIDES.parse().unwrap();
    for name in [&long, &longest, &fits] {
        let key = context.make_asset_key(name).unwrap();
        assert_eq!(runtime.read_asset(&key, Branch::Published).unwrap(), b"~~~~~~~~~~");
    }
    // What the archive gave is as long a name as before, also where files come back as they were.
    let ran = export(&other, &directory.path().join("from-archive")).exits(1);
    assert_eq!(ran.err.matches("name-too-long").count(), 2, "{}", ran.err);
    courseware(["diff", archives[0].to_str().unwrap(), other.as_str()]).exits(0);
}
