//! Any few files, read as a package.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::DateTime;
use xblock_core::block::Registry;
use xblock_core::clock::FixedClock;
use xblock_core::fields::Json;
use xblock_core::keys::UsageKey;
use xblock_core::olx::{
    ExportOptions, MemoryPackage, MemorySink, Package, ReadOptions, read_course, write_course,
};
use xblock_core::runtime::{Base, BlockData, Edit, EditOp, MemoryRuntime, Runtime as _};

/// What begins a file in an input: a line of this and its path.
const FILE: &str = "=== ";

/// Reads an input of several files as a package, writes it, and reads that: nothing panics, the blocks are the same, and a
/// second writing gives the bytes of the first. Where the writer says that something could not be written, it only must
/// not panic.
pub fn olx_round_trip(data: &[u8], registry: &Registry) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let files = package(text);
    let Ok(first) = read_course(&files, &ReadOptions::default(), registry) else { return };
    let (written, is_complete) = write(&first, &files, registry);
    let options = ReadOptions::default().target(first.context.clone());
    let second = match read_course(&written, &options, registry) {
        Ok(second) => second,
        Err(error) if is_complete => panic!("what is written is a package: {error}\n{}", show(&written)),
        Err(_) => return,
    };
    if !is_complete {
        return;
    }
    for (what, first, second) in
        [("published", &first.published, &second.published), ("draft", &first.draft, &second.draft)]
    {
        let (first, second) = (blocks(first), blocks(second));
        for usage in first.keys().chain(second.keys()) {
            assert_eq!(first.get(usage), second.get(usage), "{what} {usage}\n{}", show(&written));
        }
    }
    let (again, _) = write(&second, &written, registry);
    for path in written.files.keys().chain(again.files.keys()) {
        assert_eq!(
            written.files.get(path).map(|bytes| String::from_utf8_lossy(bytes)),
            again.files.get(path).map(|bytes| String::from_utf8_lossy(bytes)),
            "{path}\n{}",
            show(&written)
        );
    }
}

fn package(text: &str) -> MemoryPackage {
    let mut files = BTreeMap::new();
    for part in text.split(FILE).skip(1) {
        let (path, content) = part.split_once('\n').unwrap_or((part, ""));
        let is_plain = path.split('/').all(|step| !matches!(step, "" | "." | ".."));
        if is_plain {
            files.insert(path.to_owned(), content.as_bytes().to_vec());
        }
    }
    MemoryPackage { files }
}

fn write(package: &Package, files: &MemoryPackage, registry: &Registry) -> (MemoryPackage, bool) {
    let runtime = MemoryRuntime::new(Arc::new(FixedClock(DateTime::from_timestamp(0, 0).expect("a time"))));
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
    runtime.commit(edit).expect("a store takes what was read");
    let mut sink = MemorySink::default();
    let report = write_course(&runtime, &package.context, ExportOptions::default(), registry, &mut sink)
        .expect("a store can be written out");
    (MemoryPackage { files: sink.files }, report.diagnostics.is_empty())
}

/// Returns blocks without the name of the file each was read from, and broken ones without the place of what is wrong.
fn blocks(read: &BTreeMap<UsageKey, Arc<BlockData>>) -> BTreeMap<UsageKey, BlockData> {
    let without_file = |usage: &UsageKey, data: &Arc<BlockData>| {
        let mut data = BlockData::clone(data);
        if usage.block_type() == "error" {
            data.content.shift_remove("error_msg");
        }
        if let Some(Json::Object(attributes)) = data.settings.get_mut("xml_attributes") {
            attributes.shift_remove("filename");
            if attributes.is_empty() {
                data.settings.shift_remove("xml_attributes");
            }
        }
        data
    };
    read.iter().map(|(usage, data)| (usage.clone(), without_file(usage, data))).collect()
}

fn show(package: &MemoryPackage) -> String {
    let files = package.files.iter();
    files.map(|(path, bytes)| format!("{FILE}{path}\n{}", String::from_utf8_lossy(bytes))).collect()
}
