//! Static files that are shown under other names than their own: packages have them where an import makes the same files of
//! them again, so that links go on working.

use std::collections::BTreeMap;
use std::sync::Arc;

use courseware::{ImportOptions, import};
use xblock_core::olx::{ExportOptions, MemoryPackage, MemorySink, PackageSource, write_course};
use xblock_core::runtime::{AssetData, Branch, EditOp, Runtime};
use xblock_testkit::fixture::{asset, commit, context, edit, put_asset, small_course};

use crate::stores::for_all_pairs;

/// Names of files, the names they are shown under, where they were imported from, and where packages have them.
const FILES: [(&str, &str, Option<&str>, &str); 6] = [
    ("a.txt", "Tides.txt", None, "static/a.txt"),
    ("b.txt", "Tides.txt", None, "static/b.txt"),
    ("c_d.txt", "c d.txt", None, "static/c_d.txt"),
    ("deep_dir_e.txt", "Tides.txt", Some("deep/dir/e.txt"), "static/deep/dir/e.txt"),
    ("another_f.txt", "f.txt", Some("elsewhere/f.txt"), "static/another_f.txt"),
    ("g.txt", "._hidden~", None, "static/g.txt"),
];

fn put(store: &dyn Runtime) {
    let edit = FILES.iter().fold(edit(), |edit, (name, shown, from, _)| {
        let EditOp::PutAsset { content, .. } = put_asset(name, name.as_bytes()) else {
            unreachable!("it is a file")
        };
        let data = AssetData {
            content_type: Some("text/plain".into()),
            display_name: (*shown).into(),
            import_path: from.map(str::to_owned),
            ..AssetData::default()
        };
        edit.with(EditOp::PutAsset { key: asset(name), data, content })
    });
    commit(store, edit.publish_all());
}

fn exported(store: &dyn Runtime) -> BTreeMap<String, Vec<u8>> {
    let mut sink = MemorySink::default();
    let registry = blocks::registry().unwrap();
    let report = write_course(store, &context(), ExportOptions::default(), &registry, &mut sink).unwrap();
    assert_eq!((report.assets, report.diagnostics.len()), (FILES.len(), 0), "{:?}", report.diagnostics);
    sink.files.into_iter().filter(|(path, _)| path.starts_with("static/")).collect()
}

#[test]
fn files_that_are_shown_under_other_names_come_back() {
    for_all_pairs(|from, to| {
        commit(&**from, small_course());
        put(&**from);
        let files = exported(&**from);
        for (name, _, _, path) in FILES {
            assert_eq!(files[path], name.as_bytes());
        }
        assert_eq!(files.len(), FILES.len());

        let mut sink = MemorySink::default();
        let registry = blocks::registry().unwrap();
        write_course(&**from, &context(), ExportOptions::default(), &registry, &mut sink).unwrap();
        let package: Arc<dyn PackageSource> = Arc::new(MemoryPackage { files: sink.files });
        let target = context();
        let options = ImportOptions { target: Some(&target), ..ImportOptions::default() };
        import(&package, to, &registry, &options).unwrap();
        for (name, shown, ..) in FILES {
            let [old, new] = [from, to].map(|store| store.asset(&asset(name), Branch::Published).unwrap());
            assert_eq!((&*new.data.display_name, &new.digest), (shown, &old.digest));
        }
        assert_eq!(exported(&**to), files);
    });
}
