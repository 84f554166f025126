//! What an `assetstore` says about files, whether there are any: every way a course goes takes it along.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use courseware::{
    CompareOptions, CourseContent, CourseDiff, Difference, ImportOptions, ImportOutcome, ImportReport,
    Progress, PublishOptions, RecordKind, Side, StateName, SystemClock, TextOptions, compare, diff, import,
    publish, write_text,
};
use runtime_blockstore::{Access, Blockstore};
use rusqlite::Connection;
use serde_json::{Value, json};
use xblock_core::olx::{ExportOptions, MemoryPackage, MemorySink, PackageSource, write_course};
use xblock_core::runtime::{AssetMetadata, Branch, EditOp, Runtime};
use xblock_testkit::fixture::{asset, commit, context, edit, map, put_asset, small_course};

use crate::command::{courseware, stores};
use crate::stores::{for_all, for_all_pairs};

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

/// A file has the path it came from, as edx-platform writes it, in the root of `static/` too; one that was uploaded has none
/// and gets none by being exported.
#[test]
fn imported_files_say_where_they_came_from() {
    for_all_pairs(|from, to| {
        with_records(&**from);
        let mut package = exported(&**from);
        for name in ["plain.txt", "deep/a b.txt"] {
            package.files.insert(format!("static/{name}"), b"text".to_vec());
        }
        imported(package.clone(), to);
        let path = |name: &str| to.asset(&asset(name), Branch::Published).unwrap().data.import_path;
        assert_eq!(path("plain.txt").as_deref(), Some("plain.txt"));
        assert_eq!(path("deep_a_b.txt").as_deref(), Some("deep/a b.txt"));
        assert_eq!(path("pier.jpg"), None);
        package.files.remove("policies/assets.json");
        imported(package, to);
        assert_eq!(path("pier.jpg").as_deref(), Some("pier.jpg"));
    });
}

#[test]
fn a_publish_takes_records_along() {
    for_all_pairs(|from, to| {
        with_records(&**from);
        let report = publish(from, to, &context(), &PublishOptions::default()).unwrap();
        assert_eq!(report.changes.asset_metadata, 2);
        let said = to.asset_metadata(&context(), Branch::Published).unwrap().records;
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
            let said = |store: &dyn Runtime| store.asset_metadata(&context(), branch).unwrap().records;
            assert_eq!(said(&**from), said(&**to));
        }
        assert_eq!(exported(&**to).files["assets/assets.xml"], package.files["assets/assets.xml"]);
        assert_eq!(imported(package.clone(), to).outcome, ImportOutcome::Unchanged);

        // A package that says nothing of it leaves what is said.
        let mut silent = package.clone();
        silent.files.remove("assets/assets.xml");
        assert_eq!(imported(silent, to).outcome, ImportOutcome::Unchanged);
        assert_eq!(to.asset_metadata(&context(), Branch::Draft).unwrap().records.len(), 2);

        let mut fewer = package;
        fewer.files.insert("assets/assets.xml".into(), b"<assets/>".to_vec());
        let report = imported(fewer, to);
        assert_eq!((report.outcome, report.changes.asset_metadata), (ImportOutcome::Written, 2));
        assert_eq!(to.asset_metadata(&context(), Branch::Published).unwrap().records, []);
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
        let said = to.asset_metadata(&context(), Branch::Draft).unwrap().records;
        assert_eq!(said, [(asset("a.png"), AssetMetadata::default())]);
    });
}

fn content(store: &dyn Runtime, state: Option<StateName>) -> CourseContent {
    CourseContent::read_store("a store", store, &context(), state.as_ref(), &Progress::default()).unwrap()
}

fn package_content(package: MemoryPackage) -> CourseContent {
    let source: Arc<dyn PackageSource> = Arc::new(package);
    let registry = blocks::registry().unwrap();
    CourseContent::read_package("a package", &source, &registry, None, &Progress::default()).unwrap()
}

fn between(left: &CourseContent, right: &CourseContent) -> CourseDiff {
    diff(left, right, &blocks::registry().unwrap(), &Progress::default()).unwrap()
}

#[test]
fn a_diff_tells_what_became_of_records() {
    for_all(|store| {
        with_records(&**store);
        let before = content(&**store, None);
        let old_package = exported(&**store);
        let old = StateName::Version(store.context(&context()).unwrap().published.unwrap().version);
        let gone = EditOp::DeleteAssetMetadata { key: asset("nowhere.jpg") };
        let changed = AssetMetadata { locked: None, edited_by: Some(12), ..record() };
        let change = edit().with(gone).with(put("pier.jpg", changed));
        commit(&**store, change.with(put("new.jpg", AssetMetadata::default())).publish_all());

        let stored = between(&before, &content(&**store, None));
        let versions = between(&content(&**store, Some(old)), &content(&**store, None));
        let new_package = exported(&**store);
        let packages = between(&package_content(old_package.clone()), &package_content(new_package));
        let mixed = between(&package_content(old_package.clone()), &content(&**store, None));
        for found in [&stored, &versions, &packages, &mixed] {
            assert!(found.files.is_empty() && !found.is_same(), "{found:#?}");
            let records: Vec<_> = found
                .asset_metadata
                .iter()
                .map(|record| {
                    let members: Vec<_> = record.members.iter().map(|member| &*member.name).collect();
                    (record.kind, record.right.as_ref().or(record.left.as_ref()).unwrap().path(), members)
                })
                .collect();
            assert_eq!(records.len(), 3, "{records:?}");
            assert_eq!((records[0].0, records[0].1), (RecordKind::Added, "new.jpg"));
            assert_eq!((records[1].0, records[1].1), (RecordKind::Removed, "nowhere.jpg"));
            assert_eq!(records[2], (RecordKind::Changed, "pier.jpg", vec!["edited_by", "locked"]));
            let members = &found.asset_metadata[2].members;
            assert_eq!((&members[0].left, &members[0].right), (&Some(json!(11)), &Some(json!(12))));
            assert_eq!((&members[1].left, &members[1].right), (&Some(json!(true)), &None));
            let mut text = String::new();
            write_text(found, &TextOptions::default(), &mut text).unwrap();
            for line in [
                "+ record about static/new.jpg\n",
                "- record about static/nowhere.jpg\n",
                "~ record about static/pier.jpg\n    edited_by: 11 -> 12\n    locked: true -> not set\n",
                "; records about files: 1 added, 1 removed, 1 changed\n",
            ] {
                assert!(text.contains(line), "{line:?} in {text}");
            }
        }
        // A package that says nothing of it is not told from one that says anything.
        let mut silent = old_package.clone();
        silent.files.remove("assets/assets.xml");
        let found = between(&package_content(silent), &package_content(old_package));
        assert!(found.is_same() && !found.asset_metadata_compared && stored.asset_metadata_compared);
    });
}

fn open(store: &str) -> Arc<dyn Runtime> {
    let url: courseware::StoreUrl = store.parse().unwrap();
    let clock: Arc<dyn xblock_core::clock::Clock> = Arc::new(SystemClock);
    url.open(courseware::OpenMode::Create, &blocks::registry().unwrap(), &clock).unwrap()
}

/// A course with records about three files; of the last two one says what no record says, the other not of which file.
fn with_three_records(store: &str) {
    let course = small_course().with(put("a.png", record())).with(put("b.png", record()));
    commit(&*open(store), course.with(put("c.png", AssetMetadata::default())).publish_all());
}

/// Damages the last two in a Modulestore by giving texts the type of program code.
fn damage_structures(file: &Path) {
    let db = Connection::open(file).unwrap();
    let read = "SELECT rowid, document FROM \"modulestore.structures\"";
    let rows: Vec<(i64, Vec<u8>)> = db
        .prepare(read)
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (row, mut document) in rows {
        let found = |document: &[u8], part: &[u8], from: usize| {
            document[from..].windows(part.len()).position(|window| window == part).map(|at| at + from)
        };
        let Some(second) = found(&document, b"\x02filename\0\x06\0\0\0b.png\0", 0) else { continue };
        let basename = found(&document, b"\x02basename\0", second).unwrap();
        let third = found(&document, b"\x02filename\0\x06\0\0\0c.png\0", 0).unwrap();
        document[basename] = 0x0d;
        document[third] = 0x0d;
        let write = "UPDATE \"modulestore.structures\" SET document = ? WHERE rowid = ?";
        assert_eq!(db.execute(write, rusqlite::params![document, row]).unwrap(), 1);
    }
}

/// Damages them in a Blockstore, as another program would that writes something else there.
fn damage_bundle(folder: &Path) {
    let store = Blockstore::open(folder, Access::ReadWrite, Arc::new(SystemClock)).unwrap();
    let bundle = store.get_bundles(None).unwrap()[0].uuid;
    let text = store.get_bundle_file_data(bundle, "asset_metadata.json", None).unwrap();
    let mut document: serde_json::Map<String, Value> = serde_json::from_slice(&text).unwrap();
    document["static/b.png"]["created_on"] = "yesterday".into();
    let third = document.remove("static/c.png").unwrap();
    document.insert("nowhere".to_owned(), third);
    let draft = store.get_or_create_bundle_draft(bundle, "studio_draft").unwrap().uuid;
    let text = serde_json::to_vec(&document).unwrap();
    store.write_draft_file(draft, "asset_metadata.json", Some(&text)).unwrap();
    store.commit_draft(draft).unwrap();
}

#[test]
fn one_record_that_cannot_be_read_stops_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    let stores = stores(folder);
    stores.iter().for_each(|store| with_three_records(store));
    damage_bundle(&folder.join("bundles"));
    damage_structures(&folder.join("split.db"));
    let key = context().to_string();
    // A check of the bundles names them, each once.
    let checked = courseware(["fsck", "--store", &stores[0]]).exits(1).out;
    let named: Vec<&str> = checked.lines().filter(|line| line.contains("[asset_metadata]")).collect();
    assert_eq!(named.len(), 2, "{checked}");
    assert!(named.iter().any(|line| line.contains("\"static/b.png\"")), "{checked}");
    assert!(named.iter().any(|line| line.contains("\"nowhere\"")), "{checked}");
    courseware(["fsck", "--quick", "--store", &stores[0]]).exits(0);
    for (n, store) in stores.iter().enumerate() {
        let whole = format!("modulestore:{}", folder.join(format!("whole{n}.db")).display());
        with_three_records(&whole);
        let kinds = || {
            let found = courseware(["compare", &key, store, &whole, "--json"]).exits(1).json();
            let mut kinds: Vec<_> = found["differences"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|found| found["kind"].as_str().unwrap().starts_with("asset"))
                .map(|found| {
                    let key = found["key"].as_str().map(|key| key.rsplit('@').next().unwrap());
                    format!("{} {}", found["kind"].as_str().unwrap(), key.unwrap_or("?"))
                })
                .collect();
            kinds.sort();
            kinds.dedup();
            kinds
        };
        let unreadable = ["asset_metadata_unreadable ?", "asset_metadata_unreadable b.png"];
        assert_eq!(kinds(), [&["asset_metadata_only_in c.png"][..], &unreadable[..]].concat());
        let text = courseware(["compare", &key, store, &whole]).exits(1).out;
        assert!(text.contains("b.png: record unreadable on the left: "), "{text}");

        let found = courseware(["diff", store, &whole, "--json"]).exits(1).json();
        assert_eq!(found["counts"]["asset_metadata"]["added"], 1, "{found:#}");
        assert!(found["counts"]["asset_metadata"]["unreadable"].as_u64().unwrap() >= 2, "{found:#}");
        let text = courseware(["diff", store, &whole]).exits(1).out;
        assert!(text.contains("! record about static/b.png\n    unreadable on the left: "), "{text}");

        let target = folder.join(format!("out{n}"));
        let target = target.to_str().unwrap();
        let ran = courseware(["export", &key, "--store", store, "-o", target]).exits(1);
        assert_eq!(ran.err.matches("error[cannot-be-read]").count(), 2, "{}", ran.err);
        let written = fs::read_to_string(Path::new(target).join("assets/assets.xml")).unwrap();
        assert!(written.contains("a.png") && !written.contains("b.png"), "{written}");
        assert!(Path::new(target).join("course.xml").exists());

        let publish =
            || courseware(["publish", &key, "--from", store, "--to", &whole, "--json"]).exits(1).json();
        let report = publish();
        assert_eq!(report["changes"]["asset_metadata"], 1, "{report:#}");
        assert!(report["damaged_asset_metadata"].as_array().is_some_and(|all| all.len() == 2), "{report:#}");
        assert_eq!(kinds(), unreadable);
        let said = open(&whole).asset_metadata(&context(), Branch::Published).unwrap().records;
        assert_eq!(
            said,
            [(asset("a.png"), record()), (asset("b.png"), record())],
            "what was said of it stays"
        );
        assert_eq!(publish()["target_commit"], Value::Null);
        let ran = courseware(["publish", &key, "--from", store, "--to", &whole]).exits(1);
        assert!(
            ran.err.contains("what is said about") && ran.err.contains("did not come along"),
            "{}",
            ran.err
        );

        // An import says anew what could not be read.
        let package = folder.join(format!("whole{n}"));
        let package = package.to_str().unwrap();
        courseware(["export", &key, "--store", &whole, "-o", package]).exits(0);
        courseware(["import", package, "--store", store]).exits(0);
        assert_eq!(kinds(), unreadable[..1]);
    }
}
