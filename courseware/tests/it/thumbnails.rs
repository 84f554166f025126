//! Thumbnails: stores keep them, packages have none.

use std::sync::Arc;

use courseware::{CompareOptions, ImportOptions, PublishOptions, compare, import, publish};
use xblock_core::keys::AssetKey;
use xblock_core::olx::{ExportOptions, MemoryPackage, MemorySink, PackageSource, write_course};
use xblock_core::runtime::{AssetData, Branch, EditOp, Runtime};
use xblock_testkit::fixture::{commit, context, edit, put_asset, small_course};

use crate::stores::for_all_pairs;

fn picture(path: &str, asset_type: &str, thumbnail: Option<&str>) -> EditOp {
    let EditOp::PutAsset { content, .. } = put_asset(path, path.as_bytes()) else {
        unreachable!("it is a file")
    };
    let key = AssetKey::new(context(), asset_type, path).unwrap();
    let data = AssetData {
        content_type: Some("image/jpeg".into()),
        display_name: path.into(),
        thumbnail: thumbnail.map(str::to_owned),
        ..AssetData::default()
    };
    EditOp::PutAsset { key, data, content }
}

/// A picture whose thumbnail is called as it is, and one whose thumbnail has another name.
fn with_pictures(store: &dyn Runtime) {
    let pictures = [("a.jpg", "a.jpg"), ("b.png", "b-png.jpg")];
    let edit = pictures.into_iter().fold(small_course(), |edit, (path, thumbnail)| {
        edit.with(picture(path, "asset", Some(thumbnail))).with(picture(thumbnail, "thumbnail", None))
    });
    commit(store, edit.publish_all());
}

fn exported(store: &dyn Runtime) -> MemoryPackage {
    let mut sink = MemorySink::default();
    let registry = blocks::registry().unwrap();
    let report = write_course(store, &context(), ExportOptions::default(), &registry, &mut sink).unwrap();
    assert_eq!(report.assets, 2);
    assert!(report.diagnostics.is_empty(), "{:?}", report.diagnostics);
    MemoryPackage { files: sink.files }
}

fn thumbnails(store: &dyn Runtime) -> Vec<String> {
    let all = store.assets(&context(), Branch::Draft).unwrap().into_iter();
    all.filter(|file| file.key.asset_type() == "thumbnail").map(|file| file.key.path().to_owned()).collect()
}

#[test]
fn a_package_names_thumbnails_and_has_none() {
    for_all_pairs(|from, _| {
        with_pictures(&**from);
        let files = exported(&**from).files;
        let statics: Vec<_> = files.keys().filter(|path| path.ends_with("g")).collect();
        assert_eq!(statics, ["static/a.jpg", "static/b.png"]);
        let said = String::from_utf8(files["policies/assets.json"].clone()).unwrap();
        assert!(said.contains("b-png.jpg") && said.contains("a.jpg"), "{said}");
    });
}

#[test]
fn thumbnails_go_along_to_other_stores() {
    for_all_pairs(|from, to| {
        with_pictures(&**from);
        let report = publish(from, to, &context(), &PublishOptions::default()).unwrap();
        assert_eq!(report.assets, 4);
        assert_eq!(thumbnails(&**to), ["a.jpg", "b-png.jpg"]);
        let same = |from: &dyn Runtime, to: &dyn Runtime| {
            compare(from, to, &context(), &CompareOptions::default()).unwrap().is_same()
        };
        assert!(same(&**from, &**to));
        let key = AssetKey::new(context(), "thumbnail", "a.jpg").unwrap();
        commit(&**to, edit().with(EditOp::DeleteAsset { key }).publish_all());
        assert!(!same(&**from, &**to), "a lost thumbnail is a difference");
    });
}

#[test]
fn an_import_keeps_the_thumbnails_of_files_that_stay() {
    for_all_pairs(|store, _| {
        with_pictures(&**store);
        let mut package = exported(&**store);
        package.files.insert("static/b.png".into(), b"another picture".to_vec());
        let package: Arc<dyn PackageSource> = Arc::new(package);
        let target = context();
        let options = ImportOptions { target: Some(&target), ..ImportOptions::default() };
        import(&package, store, &blocks::registry().unwrap(), &options).unwrap();
        assert_eq!(thumbnails(&**store), ["a.jpg"], "the other showed what is no longer there");
    });
}
