//! The change feed of a store that other programs write, too.

use std::collections::BTreeSet;

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::documents::{IndexKey, Structure};
use runtime_modulestore::store::{MongoStore, Outcome, StoreMode};
use xblock_core::runtime::{Branch, Change, Cursor, Runtime};
use xblock_testkit::fixture::{commit, context, edit, html, other_context, published_course, usage};

use crate::classes::registry;
use crate::fixture::{self, clock};
use crate::server::{self, Server, java_server, server};

/// Who the other program works for.
const STRANGER: i64 = 42;

fn feed(runtime: &ModulestoreRuntime) -> Vec<Change> {
    runtime.changes(Cursor(0), usize::MAX).expect("the feed")
}

fn is_behind(runtime: &ModulestoreRuntime) -> bool {
    runtime.is_feed_behind().expect("heads and feed are read")
}

fn raw(document: &Document) -> bson::raw::RawDocumentBuf {
    document.try_into().expect("a document")
}

fn index(runtime: &ModulestoreRuntime) -> Document {
    let key = IndexKey::of(&context()).expect("a key");
    let found = runtime.store().read().expect("a view").index(&key).expect("a read").expect("the index");
    found.as_ref().try_into().expect("a document")
}

/// Moves a branch to a new structure as edx-platform does: without a word to our feed.
fn move_branch(runtime: &ModulestoreRuntime, branch: Branch) -> String {
    let mut index = index(runtime);
    let read_at = index.get_datetime("last_update").ok().copied();
    let versions = index.get_document_mut("versions").expect("versions");
    let name = match branch {
        Branch::Draft => "draft-branch",
        Branch::Published => "published-branch",
    };
    let head = versions.get_object_id(name).expect("a head");
    let id = ObjectId::new();
    versions.insert(name, id);
    let later = read_at.expect("a time").timestamp_millis() + 1000;
    index.insert("last_update", bson::DateTime::from_millis(later));
    let docs = runtime.store().write().expect("a transaction");
    let bytes = docs.structure(head).expect("a read").expect("the structure");
    let mut structure = Document::from_reader(&*bytes).expect("a document");
    structure.extend(doc! { "_id": id, "previous_version": head, "edited_by": STRANGER });
    let structure = Structure::read(id, raw(&structure).into_bytes()).expect("a structure");
    docs.insert_structure(&structure, "").expect("it is added");
    let id_of_index = index.get_object_id("_id").expect("an id");
    assert!(docs.replace_index(id_of_index, read_at, &raw(&index)).expect("it is compared"));
    assert_eq!(docs.commit().expect("it is committed"), Outcome::Kept);
    id.to_hex()
}

/// Adds a course that begins at the heads of the usual one, or at versions that are nowhere.
fn add_course(runtime: &ModulestoreRuntime, course: &str, is_sound: bool) {
    let mut index = index(runtime);
    let id = ObjectId::new();
    index.extend(doc! { "_id": id, "course": course });
    if !is_sound {
        let versions = index.get_document_mut("versions").expect("versions");
        versions.iter_mut().for_each(|(_, version)| *version = Bson::ObjectId(ObjectId::new()));
    }
    let key = IndexKey { org: "Harbour".into(), course: course.into(), run: "2031".into() };
    let docs = runtime.store().write().expect("a transaction");
    docs.insert_index(&key, id, &raw(&index)).expect("it is added");
    assert_eq!(docs.commit().expect("it is committed"), Outcome::Kept);
}

fn versions(changes: &[Change]) -> Vec<(Branch, String)> {
    changes.iter().map(|change| (change.branch, change.version.0.to_string())).collect()
}

/// What another program publishes is told of once, whoever reads first; a reader who may not write is told that it is
/// missing.
fn strangers_are_told_of(writer: &ModulestoreRuntime, reader: &ModulestoreRuntime) {
    published_course(writer);
    let own = feed(writer);
    assert!(!is_behind(writer) && !is_behind(reader));

    let published = move_branch(writer, Branch::Published);
    assert!(is_behind(writer) && is_behind(reader));
    assert_eq!(feed(reader), own);
    // Who reads only a part of what is there enters nothing.
    assert_eq!(writer.changes(Cursor(0), own.len()).expect("the feed"), own);
    assert!(is_behind(reader));
    let told = feed(writer);
    assert_eq!(versions(&told[own.len()..]), [(Branch::Published, published)]);
    let entry = told.last().expect("an entry");
    assert_eq!((&entry.context, entry.edit_info.edited_by), (&context(), Some(STRANGER)));
    assert_eq!(entry.cursor.0, told.len() as u64);
    assert!(!is_behind(writer) && !is_behind(reader));
    assert_eq!((feed(writer), feed(reader)), (told.clone(), told.clone()));

    // An edit of ours on one branch leaves the other one to be told of.
    let published = move_branch(writer, Branch::Published);
    let edited = commit(writer, edit().put(usage("html", "h1"), html("our draft"))).draft;
    assert!(is_behind(reader));
    let more = writer.changes(Cursor(told.len() as u64), usize::MAX).expect("the feed");
    assert_eq!(versions(&more), [(Branch::Draft, edited.0.to_string()), (Branch::Published, published)]);

    // Only the newest version of a branch is told of; the history has the others.
    let end = Cursor(feed(writer).len() as u64);
    let first = move_branch(writer, Branch::Published);
    let second = move_branch(writer, Branch::Published);
    let draft = move_branch(writer, Branch::Draft);
    let more = versions(&writer.changes(end, usize::MAX).expect("the feed"));
    assert_eq!(more, [(Branch::Published, second), (Branch::Draft, draft)]);
    let history = writer.history(&context(), Branch::Published).expect("the history");
    assert_eq!(*history[1].version.0, *first);
    move_branch(writer, Branch::Published);
    commit(writer, edit().put(usage("html", "h1"), html("ours")).publish_all());
    assert!(!is_behind(reader));
}

/// Courses of other programs are told of, with versions they share with others too; heads that nobody can read are not.
fn courses_of_strangers_are_told_of(writer: &ModulestoreRuntime, reader: &ModulestoreRuntime) {
    published_course(writer);
    let end = Cursor(feed(writer).len() as u64);
    add_course(writer, "LOST", false);
    assert!(!is_behind(reader));
    add_course(writer, "WINDS", true);
    assert!(is_behind(reader));
    let told = writer.changes(end, usize::MAX).expect("the feed");
    assert!(told.iter().all(|change| change.context == other_context()), "{told:?}");
    let branches: Vec<_> = told.iter().map(|change| change.branch).collect();
    assert_eq!(branches, [Branch::Published, Branch::Draft]);
    assert!(!is_behind(reader));
}

/// Several who read at once enter a head once.
fn readers_at_once_enter_once(runtimes: &[ModulestoreRuntime]) {
    published_course(&runtimes[0]);
    for _ in 0..4 {
        let before = feed(&runtimes[0]).len();
        move_branch(&runtimes[0], Branch::Published);
        move_branch(&runtimes[0], Branch::Draft);
        std::thread::scope(|scope| {
            for runtime in runtimes {
                scope.spawn(|| feed(runtime));
            }
        });
        let told = feed(&runtimes[0]);
        assert_eq!(told.len(), before + 2);
        let all: BTreeSet<_> = versions(&told).into_iter().map(|(branch, id)| (branch.name(), id)).collect();
        assert_eq!(all.len(), told.len());
        assert_eq!(told.last().expect("an entry").cursor.0, told.len() as u64);
    }
}

fn in_a_file(check: fn(&ModulestoreRuntime, &ModulestoreRuntime)) {
    let (writer, folder) = fixture::new_store();
    let reader = ModulestoreRuntime::open_read_only(folder.path().join("store.db"), registry(), clock());
    check(&writer, &reader.expect("the store opens"));
}

fn on_a_server(server: Option<&Server>, check: fn(&ModulestoreRuntime, &ModulestoreRuntime)) {
    let Some(server) = server else { return };
    let url = server.url(&server.new_database(), "");
    let reader = MongoStore::open(&url, None, StoreMode::ReadOnly).expect("the store opens");
    check(&server::open(&url), &ModulestoreRuntime::over(reader, registry(), clock()));
}

#[test]
fn a_file_tells_of_strangers() {
    in_a_file(strangers_are_told_of);
    in_a_file(courses_of_strangers_are_told_of);
}

#[test]
fn ferretdb_tells_of_strangers() {
    on_a_server(server(), strangers_are_told_of);
    on_a_server(server(), courses_of_strangers_are_told_of);
}

#[test]
fn mongo_java_server_tells_of_strangers() {
    on_a_server(java_server(), strangers_are_told_of);
    on_a_server(java_server(), courses_of_strangers_are_told_of);
}

#[test]
fn readers_of_a_file_enter_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtimes: Vec<_> = (0..4).map(|_| fixture::open(folder.path())).collect();
    readers_at_once_enter_once(&runtimes);
}

#[test]
fn readers_of_a_server_enter_once() {
    for server in [server(), java_server()].into_iter().flatten() {
        let url = server.url(&server.new_database(), "");
        let runtimes: Vec<_> = (0..4).map(|_| server::open(&url)).collect();
        readers_at_once_enter_once(&runtimes);
    }
}
