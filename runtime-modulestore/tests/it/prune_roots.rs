//! What pruning starts from: nothing goes while it is not known what leads where.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::{Bson, Document};
use chrono::TimeDelta;
use runtime_modulestore::store::{MongoStore, MongoUrl, StoreMode};
use runtime_modulestore::{ModulestoreRuntime, PruneOptions};
use xblock_core::clock::FixedClock;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Base, BlockData, Branch, Edit, Runtime, RuntimeError};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, snapshot, usage};

use crate::classes::registry;
use crate::fixture::new_store;
use crate::pruning::now;
use crate::server::{java_server, open, server};

fn course_with_history(runtime: &ModulestoreRuntime) {
    published_course(runtime);
    for text in ["one", "two", "three", "four"] {
        commit(runtime, edit().put(usage("html", "h1"), html(text)).publish_all());
    }
}

/// What is wrong with a version, and how many versions it has after it.
const DAMAGES: [(&str, usize); 6] =
    [("missing", 0), ("root", 0), ("block", 0), ("block", 1), ("malformed", 0), ("malformed", 1)];

/// Spoils a version of a dump, or leaves it out.
fn spoil(dump: &Path, damage: &str, id: ObjectId) {
    let file = dump.join("modulestore.structures.bson");
    let bytes = fs::read(&file).expect("the documents");
    let (mut rest, mut out) = (bytes.as_slice(), Vec::new());
    while !rest.is_empty() {
        let whole = rest;
        let mut document = Document::from_reader(&mut rest).expect("BSON");
        let mut raw = whole[..whole.len() - rest.len()].to_vec();
        if document.get_object_id("_id").is_ok_and(|found| found == id) {
            match damage {
                "missing" => continue,
                "root" => drop(document.insert("root", 5)),
                "block" => document.get_array_mut("blocks").expect("blocks")[1] = Bson::Int32(5),
                _ => {
                    let name = b"block_id\0";
                    let at = raw.windows(name.len()).position(|window| window == name).expect("a block");
                    // The highest byte of a text's length.
                    raw[at + name.len() + 3] ^= 0x40;
                }
            }
            if !damage.starts_with("malformed") {
                raw = bson::serialize_to_vec(&document).expect("BSON");
            }
        }
        out.extend(raw);
    }
    fs::write(&file, out).expect("it is written");
}

/// Says how many versions and contents there are.
fn counts(runtime: &ModulestoreRuntime) -> (usize, usize) {
    let folder = tempfile::tempdir().expect("a folder");
    runtime.export_dump(folder.path().join("dump")).expect("the dump is written");
    let length = |name: &str| {
        let bytes = fs::read(folder.path().join(format!("dump/modulestore.{name}.bson"))).expect("a file");
        bytes.len()
    };
    (length("structures"), length("definitions"))
}

fn nothing_goes_with_a_damaged_version(fresh: &dyn Fn() -> ModulestoreRuntime) {
    let folder = tempfile::tempdir().expect("a folder");
    let (runtime, _source) = new_store();
    course_with_history(&runtime);
    let history = runtime.history(&context(), Branch::Draft).expect("the history");
    let version = |at: usize| ObjectId::parse_str(&*history[at].version.0).expect("an id");
    for (damage, at) in &DAMAGES {
        let dump = folder.path().join(format!("{damage} {at}"));
        runtime.export_dump(&dump).expect("the dump is written");
        let id = version(*at);
        spoil(&dump, damage, id);
        let damaged = fresh();
        damaged.import_dump(&dump).expect("the dump loads");
        let before = counts(&damaged);
        for delete in [false, true] {
            let outcome = damaged.prune(&PruneOptions { delete, ..now() });
            let named =
                matches!(&outcome, Err(RuntimeError::Corrupt { place, .. }) if place.contains(&id.to_hex()));
            assert!(named, "{damage} {at}: {outcome:?}");
        }
        assert_eq!(counts(&damaged), before, "{damage} {at}");
    }
    // What would not stay anyway is in nobody's way.
    let dump = folder.path().join("older");
    runtime.export_dump(&dump).expect("the dump is written");
    spoil(&dump, "root", version(2));
    let damaged = fresh();
    damaged.import_dump(&dump).expect("the dump loads");
    assert!(!damaged.prune(&now()).expect("it is pruned").pruned.is_empty());
    assert_eq!(damaged.history(&context(), Branch::Draft).expect("the history").len(), 2);
}

#[test]
fn nothing_goes_with_a_damaged_version_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    nothing_goes_with_a_damaged_version(&|| {
        let own = folder.path().join(ObjectId::new().to_hex());
        fs::create_dir(&own).expect("a folder");
        crate::fixture::open(&own)
    });
}

#[test]
fn nothing_goes_with_a_damaged_version_on_a_server() {
    for server in [server(), java_server()].into_iter().flatten() {
        nothing_goes_with_a_damaged_version(&|| crate::server::new_store(server));
    }
}

fn later(url: &MongoUrl) -> ModulestoreRuntime {
    let store = MongoStore::open(url, None, StoreMode::ReadWrite).expect("the store opens");
    let clock = FixedClock(crate::fixture::clock().now() + TimeDelta::days(2));
    ModulestoreRuntime::over(store, registry(), Arc::new(clock))
}

/// Courses that only the collection names stay with a table, and so do the heads it names of courses in the table.
fn the_collections_heads_stay(index: &str) {
    let Some(server) = server() else { return };
    let database = server.new_database();
    let (plain, with_table) = (server.url(&database, ""), server.url(&database, index));
    // The table is there, and has another course, of which the collection says something else.
    let other: ContextKey = "course-v1:Harbour+OTHER+2031".parse().expect("a key");
    let top = other.make_usage_key("course", "course").expect("a key");
    let base = Base::New { root: top.clone() };
    let in_table =
        commit(&open(&with_table), Edit::new(other.clone(), base).put(top.clone(), BlockData::default()));
    let more = |number: i32| {
        let mut data = BlockData::default();
        data.settings.insert("display_name".into(), format!("number {number}").into());
        Edit::new(other.clone(), Base::Any).put(top.clone(), data)
    };
    let [_, filed] = [0, 1].map(|number| commit(&open(&plain), more(number)));
    course_with_history(&open(&plain));
    let before = Branch::ALL.map(|branch| snapshot(&open(&plain), &context(), branch));
    let runtime = later(&with_table);
    assert_eq!(runtime.contexts().expect("contexts"), std::slice::from_ref(&other));
    let report = runtime.prune(&PruneOptions { keep_versions: 0, ..now() }).expect("it is pruned");
    for version in [&in_table.draft, &filed.draft] {
        assert!(report.roots.iter().any(|root| root.structure == *version.0), "{report:?}");
    }
    assert!(!report.pruned.is_empty());
    assert_eq!(Branch::ALL.map(|branch| snapshot(&open(&plain), &context(), branch)), before);
    for url in [&plain, &with_table] {
        assert!(open(url).usages(&other, Branch::Draft).is_ok());
    }
}

#[test]
fn the_collections_heads_stay_with_a_table_in_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    the_collections_heads_stay(&format!("index=sqlite:{}", folder.path().join("edxapp.db").display()));
}
