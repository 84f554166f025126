//! A course whose index is damaged, but says which course it is of: no other is made in its place, which would be a second of
//! one key as soon as it is mended.

use bson::Document;
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::operations::BulkOptions;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Base, BlockData, Edit, Runtime, RuntimeError};
use xblock_testkit::fixture::{context, edit, html, other_context, published_course, usage};

use crate::dumps::collections;
use crate::fixture::new_store;
use crate::maintenance::change;
use crate::server::{Server, java_server, open, server};
use crate::server_care::Database;

fn new_course(key: &ContextKey) -> Edit {
    let root = key.make_usage_key("course", "course").expect("a key");
    Edit::new(key.clone(), Base::New { root: root.clone() }).put(root, BlockData::default())
}

/// Takes the versions away from the index of the first course.
fn damage(index: &mut Document) {
    let first = context();
    if index.get_str("course").is_ok_and(|course| course == first.as_course().expect("a course").course()) {
        index.remove("versions");
    }
}

fn two_courses(runtime: &ModulestoreRuntime) {
    published_course(runtime);
    runtime.commit(new_course(&other_context())).expect("another course");
}

fn indexes(runtime: &ModulestoreRuntime) -> Vec<Document> {
    let folder = tempfile::tempdir().expect("a folder");
    runtime.export_dump(folder.path().join("dump")).expect("the dump is written");
    collections(&folder.path().join("dump"))["modulestore.active_versions"].clone()
}

/// Tries every way to make the course whose index is damaged, also in other cases of letters.
fn nobody_takes_its_place(runtime: &ModulestoreRuntime, place: &str) {
    let before = indexes(runtime);
    let twin: ContextKey = context().to_string().to_lowercase().parse().expect("a key");
    assert_ne!(twin, context());
    for key in [context(), twin] {
        let (data, options) = (BlockData::default(), BulkOptions::default());
        let refusals = [
            runtime.create_course(&key, &data, &data, &options),
            runtime.commit(new_course(&key)),
            runtime.rerun(&other_context(), &key, None),
        ];
        for refused in refusals {
            match refused {
                Err(RuntimeError::Corrupt { place: told, .. }) if told.contains(place) => {}
                other => panic!("{key}: {other:?}"),
            }
        }
    }
    assert_eq!(indexes(runtime), before);
    let other = runtime.context(&other_context()).expect("the other course");
    assert_eq!(other.key, other_context());
}

fn id(runtime: &ModulestoreRuntime) -> String {
    let is_damaged = |index: &&Document| !index.contains_key("versions");
    let indexes = indexes(runtime);
    indexes.iter().find(is_damaged).expect("a damaged one").get_object_id("_id").expect("an id").to_hex()
}

#[test]
fn a_damaged_index_in_a_file_keeps_its_place() {
    let (runtime, folder) = new_store();
    two_courses(&runtime);
    drop(runtime);
    change(folder.path(), "active_versions", damage);
    let runtime = crate::fixture::open(folder.path());
    let id = format!("course index {}", id(&runtime));
    nobody_takes_its_place(&runtime, &id);
    // Readers are told what it is, too.
    let told = runtime.context(&context());
    assert!(matches!(&told, Err(RuntimeError::Corrupt { place, .. }) if place.contains(&id)), "{told:?}");
    let text = usage("html", "h1");
    let refusals = [
        runtime.commit(edit().put(text.clone(), html("never"))),
        runtime
            .bulk(&context(), &BulkOptions::default(), |bulk| bulk.publish(&text))
            .map(|(_, commit)| commit),
        runtime.rerun(&context(), &"course-v1:A+New+Course".parse().expect("a key"), None),
    ];
    for told in refusals {
        assert!(matches!(&told, Err(RuntimeError::Corrupt { place, .. }) if place.contains(&id)), "{told:?}");
    }
    let missing: ContextKey = "course-v1:No+Such+Course".parse().expect("a key");
    assert!(matches!(runtime.context(&missing), Err(RuntimeError::NoSuchContext { .. })));
}

fn each_server(check: impl Fn(&'static Server)) {
    [server(), java_server()].into_iter().flatten().for_each(check);
}

/// One that came with a dump is kept beside the collection; one that another program left stands in it.
#[test]
fn a_damaged_index_on_a_server_keeps_its_place() {
    each_server(|server| {
        let (source, folder) = new_store();
        two_courses(&source);
        drop(source);
        change(folder.path(), "active_versions", damage);
        let dump = folder.path().join("dump");
        crate::fixture::open(folder.path()).export_dump(&dump).expect("the dump is written");
        let runtime = crate::server::new_store(server);
        runtime.import_dump(&dump).expect("the dump loads");
        nobody_takes_its_place(&runtime, &format!("course index {}", id(&runtime)));

        let url = server.url(&server.new_database(), "");
        two_courses(&open(&url));
        Database::open(&url).replace_all("modulestore.active_versions", Some(damage));
        let runtime = open(&url);
        nobody_takes_its_place(&runtime, &format!("course index {}", id(&runtime)));
    });
}

/// The table has no row for what the collection could not be read of when it was made; and a row may be damaged itself.
#[test]
fn a_damaged_index_beside_or_in_the_table_keeps_its_place() {
    let Some(server) = server() else { return };
    let (database, folder) = (server.new_database(), tempfile::tempdir().expect("a folder"));
    let plain = server.url(&database, "");
    let table = |name: &str| folder.path().join(name).display().to_string();
    two_courses(&open(&plain));
    let full = open(&server.url(&database, &format!("index=sqlite:{}", table("full.db"))));
    let row = "SET draft_version = 'none' WHERE course_id = ?";
    rusqlite::Connection::open(table("full.db"))
        .and_then(|db| {
            let sql = format!("UPDATE split_modulestore_django_splitmodulestorecourseindex {row}");
            db.execute(&sql, [context().to_string()])
        })
        .expect("a row");
    nobody_takes_its_place(&full, &format!("the row of {}", context()));

    Database::open(&plain).replace_all("modulestore.active_versions", Some(damage));
    let without_row = open(&server.url(&database, &format!("index=sqlite:{}", table("less.db"))));
    nobody_takes_its_place(&without_row, &format!("course index {}", id(&without_row)));
}
