//! Packages read, written and read again: nothing is lost, and the second writing gives the bytes of the first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xblock_core::block::Registry;
use xblock_core::clock::FixedClock;
use xblock_core::fields::Json;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::{
    Diagnostic, ExportOptions, MemoryPackage, MemorySink, Package, ReadOptions, read_course, read_definition,
    write_course, write_definition,
};
use xblock_core::runtime::{AssetData, Base, BlockData, Edit, EditOp, MemoryRuntime, Runtime};

/// The folder the repository lies in has real courses beside it on some machines.
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(folder);
    path.is_dir().then_some(path)
}

fn load(folder: &Path) -> MemoryPackage {
    fn add(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).expect("a folder that can be listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                add(root, &path, files);
            } else {
                let name = path.strip_prefix(root).expect("a path below the root").to_string_lossy();
                files.insert(name.into_owned(), std::fs::read(&path).expect("a file that can be read"));
            }
        }
    }
    let mut files = BTreeMap::new();
    add(folder, folder, &mut files);
    MemoryPackage { files }
}

pub(crate) fn registry() -> Registry {
    blocks::registry().expect("no type twice")
}

pub(crate) fn read(files: &MemoryPackage, target: Option<ContextKey>) -> Package {
    let options = target.map_or_else(ReadOptions::default, |target| ReadOptions::default().target(target));
    read_course(files, &options, &registry()).expect("a package that can be read")
}

/// Puts a package into a store: what is published, then what only the draft has.
pub(crate) fn store(package: &Package, files: &MemoryPackage) -> MemoryRuntime {
    let epoch = chrono::DateTime::from_timestamp(0, 0).expect("a time");
    let runtime = MemoryRuntime::new(Arc::new(FixedClock(epoch)));
    let mut edit = Edit::new(package.context.clone(), Base::New { root: package.root.clone() });
    for (usage, data) in &package.published {
        edit = edit.put(usage.clone(), BlockData::clone(data));
    }
    for asset in &package.assets {
        let content = Arc::new(files.files[&asset.path].clone());
        edit = edit.with(EditOp::PutAsset { key: asset.key.clone(), data: asset.data.clone(), content });
    }
    edit = edit.publish_all();
    for (usage, data) in &package.draft {
        edit = edit.put(usage.clone(), BlockData::clone(data));
    }
    runtime.commit(edit).expect("a store in memory takes it");
    runtime
}

pub(crate) fn write(runtime: &MemoryRuntime, context: &ContextKey) -> MemoryPackage {
    let (package, remarks) = write_with_remarks(runtime, context);
    assert_eq!(remarks, [], "nothing is left out");
    package
}

/// Writes a package and returns what was said about it.
pub(crate) fn write_with_remarks(
    runtime: &MemoryRuntime,
    context: &ContextKey,
) -> (MemoryPackage, Vec<Diagnostic>) {
    let mut sink = MemorySink::default();
    let report = write_course(runtime, context, ExportOptions::default(), &registry(), &mut sink)
        .expect("a package that can be written");
    (MemoryPackage { files: sink.files }, report.diagnostics)
}

pub(crate) type Blocks = BTreeMap<UsageKey, BlockData>;

/// Returns blocks without the name of the file each was read from, which says how a package was laid out.
pub(crate) fn blocks(read: &BTreeMap<UsageKey, Arc<BlockData>>) -> Blocks {
    let without_file = |data: &Arc<BlockData>| {
        let mut data = BlockData::clone(data);
        if let Some(Json::Object(attributes)) = data.settings.get_mut("xml_attributes") {
            attributes.shift_remove("filename");
            if attributes.is_empty() {
                data.settings.shift_remove("xml_attributes");
            }
        }
        data
    };
    read.iter().map(|(usage, data)| (usage.clone(), without_file(data))).collect()
}

pub(crate) fn assets(package: &Package, files: &MemoryPackage) -> BTreeMap<String, (AssetData, Vec<u8>)> {
    let entry = |asset: &xblock_core::olx::PackageAsset| {
        (asset.key.to_string(), (asset.data.clone(), files.files[&asset.path].clone()))
    };
    package.assets.iter().map(entry).collect()
}

#[track_caller]
fn assert_same_blocks(what: &str, first: &Blocks, second: &Blocks) {
    let usages: BTreeSet<_> = first.keys().chain(second.keys()).collect();
    for usage in usages {
        assert_eq!(first.get(usage), second.get(usage), "{what} {usage}");
    }
}

#[track_caller]
fn check(folder: &Path) {
    let files = load(folder);
    let first = read(&files, None);
    let written = write(&store(&first, &files), &first.context);
    let second = read(&written, Some(first.context.clone()));
    assert_same_blocks("published", &blocks(&first.published), &blocks(&second.published));
    assert_same_blocks("draft", &blocks(&first.draft), &blocks(&second.draft));
    assert_eq!(assets(&first, &files), assets(&second, &written));
    let again = write(&store(&second, &written), &first.context);
    for (path, bytes) in &written.files {
        assert_eq!(again.files.get(path), Some(bytes), "{path}");
    }
    assert_eq!(again.files.len(), written.files.len());
    for (usage, data) in first.published.iter().chain(&first.draft) {
        let text = write_definition(usage, data, &registry()).expect("a definition that can be written");
        let read =
            read_definition(text.as_bytes(), usage, &registry()).expect("a definition that can be read");
        assert_eq!(read, **data, "{text}");
    }
}

#[test]
fn the_sample_course_survives() {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/courses/tides"));
}

#[test]
fn the_sample_library_survives() {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/courses/tides-library"));
}

#[test]
fn real_courses_survive() {
    for course in [
        "openedx-demo-course/course",
        "openedx-demo-course/library",
        "studio-advanced/course",
        "mitx-grading-library/course",
        "math-percent-edx-fi/course",
        "opencraft-onboarding",
    ] {
        if let Some(folder) = shared(&format!("courses/{course}")) {
            check(&folder);
        }
    }
}

#[test]
fn courses_exported_by_the_platform_survive() {
    for set in ["toy", "toy_edited", "simple_with_draft", "conditional_and_poll"] {
        for part in ["split", "migrate/before", "migrate/after"] {
            if let Some(folder) = shared(&format!("golden/split/{set}/{part}/olx")) {
                check(&folder);
            }
        }
    }
    for part in ["olx.course", "olx.library"] {
        if let Some(folder) = shared(&format!("golden/split/library/{part}")) {
            check(&folder);
        }
    }
}
