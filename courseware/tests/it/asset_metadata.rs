//! What an `assetstore` says about files, whether there are any: every way a course goes takes it along.

use std::sync::Arc;

use chrono::DateTime;
use courseware::{
    CompareOptions, Difference, ImportOptions, ImportOutcome, ImportReport, PublishOptions, Side, compare,
    import, publish,
};
use serde_json::json;
use xblock_core::olx::{ExportOptions, MemoryPackage, MemorySink, PackageSource, write_course};
use xblock_core::runtime::{AssetMetadata, Branch, EditOp, Runtime};
use xblock_testkit::fixture::{asset, commit, context, edit, map, put_asset, small_course};

use crate::stores::for_all_pairs;

fn record() -> AssetMetadata {
    AssetMetadata {
        pathname: Some("pix/archive".into()),
        internal_name: Some("EKMND332DDBK".into()),
        locked: Some(true),
        fields: map(json!({ "cite": "nobody" })),
        edited_by: Some(11),
        edited_on: DateTime::from_timestamp_millis(1_795_343_939_258),
        created_on: DateTime::from_timestamp_millis(1_427_846_400_000),
        extra: map(json!({ "basename": "pier" })),
        ..AssetMetadata::default()
    }
}

fn put(name: &str, metadata: AssetMetadata) -> EditOp {
    EditOp::PutAssetMetadata { key: asset(name), metadata: Arc::new(metadata) }
}

/// A course with one file, a record about it, and one about a file nobody has.
fn with_records(store: &dyn Runtime) {
    let edit = small_course().with(put_asset("pier.jpg", b"pier")).with(put("pier.jpg", record()));
    commit(store, edit.with(put("nowhere.jpg", AssetMetadata::default())).publish_all());
}

fn differences(from: &dyn Runtime, to: &dyn Runtime) -> Vec<Difference> {
    compare(from, to, &context(), &CompareOptions::default()).unwrap().differences
}

fn exported(store: &dyn Runtime) -> MemoryPackage {
    let mut sink = MemorySink::default();
    let registry = blocks::registry().unwrap();
    write_course(store, &context(), ExportOptions::default(), &registry, &mut sink).unwrap();
    MemoryPackage { files: sink.files }
}

fn imported(package: MemoryPackage, to: &Arc<dyn Runtime>) -> ImportReport {
    let source: Arc<dyn PackageSource> = Arc::new(package);
    let context = context();
    let options = ImportOptions { target: Some(&context), ..ImportOptions::default() };
    import(&source, to, &blocks::registry().unwrap(), &options).unwrap()
}

#[test]
fn a_publish_takes_records_along() {
    for_all_pairs(|from, to| {
        with_records(&**from);
        let report = publish(from, to, &context(), &PublishOptions::default()).unwrap();
        assert_eq!(report.changes.asset_metadata, 2);
        let said = to.asset_metadata(&context(), Branch::Published).unwrap();
        assert_eq!(said, [(asset("nowhere.jpg"), AssetMetadata::default()), (asset("pier.jpg"), record())]);
        assert_eq!(differences(&**from, &**to), []);
        assert!(publish(from, to, &context(), &PublishOptions::default()).unwrap().is_unchanged());

        let gone = EditOp::DeleteAssetMetadata { key: asset("nowhere.jpg") };
        let changed = AssetMetadata { locked: None, ..record() };
        commit(&**from, edit().with(gone).with(put("pier.jpg", changed)).publish_all());
        let found = differences(&**from, &**to);
        let is_named = |found: &Difference| {
            matches!(found, Difference::AssetMetadataOnlyIn { key, side: Side::Right, .. } if *key == asset("nowhere.jpg"))
                || matches!(found, Difference::AssetMetadata { key, name, left: None, right: Some(_), .. }
                    if *key == asset("pier.jpg") && &**name == "locked")
        };
        assert!(found.len() == 4 && found.iter().all(is_named), "{found:?}");
        publish(from, to, &context(), &PublishOptions::default()).unwrap();
        assert_eq!(differences(&**from, &**to), []);
    });
}

#[test]
fn a_package_takes_records_along() {
    for_all_pairs(|from, to| {
        with_records(&**from);
        let package = exported(&**from);
        let text = String::from_utf8(package.files["assets/assets.xml"].clone()).unwrap();
        assert!(
            text.starts_with("<assets><asset><type>asset</type><filename>nowhere.jpg</filename>"),
            "{text}"
        );
        assert!(text.contains("<edited_on>2026-11-22T10:38:59.258000+00:00</edited_on>"), "{text}");
        imported(package.clone(), to);
        for branch in Branch::ALL {
            let said = |store: &dyn Runtime| store.asset_metadata(&context(), branch).unwrap();
            assert_eq!(said(&**from), said(&**to));
        }
        assert_eq!(exported(&**to).files["assets/assets.xml"], package.files["assets/assets.xml"]);
        assert_eq!(imported(package.clone(), to).outcome, ImportOutcome::Unchanged);

        // A package that says nothing of it leaves what is said.
        let mut silent = package.clone();
        silent.files.remove("assets/assets.xml");
        assert_eq!(imported(silent, to).outcome, ImportOutcome::Unchanged);
        assert_eq!(to.asset_metadata(&context(), Branch::Draft).unwrap().len(), 2);

        let mut fewer = package;
        fewer.files.insert("assets/assets.xml".into(), b"<assets/>".to_vec());
        let report = imported(fewer, to);
        assert_eq!((report.outcome, report.changes.asset_metadata), (ImportOutcome::Written, 2));
        assert_eq!(to.asset_metadata(&context(), Branch::Published).unwrap(), []);
    });
}

#[test]
fn a_record_that_cannot_be_read_is_named() {
    for_all_pairs(|from, to| {
        with_records(&**from);
        let mut package = exported(&**from);
        let records = b"<assets>\n<asset><type>asset</type><filename>a.png</filename><edited_by>me</edited_by></asset>\n\
            <asset><filename>b.png</filename></asset></assets>";
        package.files.insert("assets/assets.xml".into(), records.to_vec());
        let report = imported(package, to);
        let named: Vec<_> =
            report.diagnostics.iter().filter(|said| said.code == "invalid-asset-record").collect();
        assert_eq!(named.len(), 2, "{:?}", report.diagnostics);
        assert!(
            named[0].message.contains("a.png") && named[0].message.contains("edited_by"),
            "{}",
            named[0].message
        );
        let said = to.asset_metadata(&context(), Branch::Draft).unwrap();
        assert_eq!(said, [(asset("a.png"), AssetMetadata::default())]);
    });
}
