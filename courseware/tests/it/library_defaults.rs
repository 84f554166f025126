//! What copies of library blocks have from their library: stores keep it, packages have none of it.

use std::sync::Arc;

use courseware::{ImportOptions, ImportOutcome, import};
use serde_json::json;
use xblock_core::olx::{ExportOptions, MemoryPackage, MemorySink, PackageSource, write_course};
use xblock_core::runtime::{BlockData, Branch};
use xblock_testkit::fixture::{commit, context, edit, map, published_course, usage};

use crate::stores::for_all;

fn copy(text: &str, name: &str) -> BlockData {
    BlockData {
        content: map(json!({ "data": text })),
        defaults: map(json!({ "display_name": name })),
        ..BlockData::default()
    }
}

#[test]
fn an_import_over_a_course_keeps_what_blocks_have_from_a_library() {
    for_all(|store| {
        published_course(&**store);
        commit(&**store, edit().put(usage("html", "h1"), copy("ebb", "Published")).publish_all());
        commit(&**store, edit().put(usage("html", "h1"), copy("flood", "Drafted")));
        let names = || {
            Branch::ALL.map(|branch| {
                let block = store.block(&usage("html", "h1"), branch).unwrap();
                block.data.defaults["display_name"].as_str().unwrap().to_owned()
            })
        };
        let before = names();
        assert_ne!(before[0], before[1]);
        let mut sink = MemorySink::default();
        let registry = blocks::registry().unwrap();
        let report =
            write_course(&**store, &context(), ExportOptions::default(), &registry, &mut sink).unwrap();
        let told: Vec<_> = report.diagnostics.iter().filter(|one| one.code == "defaults-left-out").collect();
        assert!(!told.is_empty() && told.iter().all(|one| one.message.contains("display_name")), "{told:?}");

        let target = context();
        let options = ImportOptions { target: Some(&target), ..ImportOptions::default() };
        let load = |files| {
            let package: Arc<dyn PackageSource> = Arc::new(MemoryPackage { files });
            import(&package, store, &registry, &options).unwrap()
        };
        load(sink.files.clone());
        assert_eq!(names(), before);
        let report = load(sink.files.clone());
        assert_eq!(report.outcome, ImportOutcome::Unchanged, "{:?}", report.changes);
        let changed: Vec<_> =
            sink.files.keys().filter(|path| path.ends_with("html/h1.html")).cloned().collect();
        assert!(!changed.is_empty(), "{:?}", sink.files.keys());
        let mut files = sink.files;
        for path in changed {
            files.insert(path, b"slack".to_vec());
        }
        assert_eq!(load(files).outcome, ImportOutcome::Written);
        assert_eq!(names(), before);
    });
}
