//! Checks, pruning and sizes of stores on a server, and what is found of writers that died there.

use std::sync::Arc;
use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Binary, Document, doc};
use chrono::{TimeDelta, Utc};
use runtime_modulestore::store::{MongoStore, MongoUrl, StoreMode};
use runtime_modulestore::{ModulestoreRuntime, PruneOptions};
use xblock_core::clock::FixedClock;
use xblock_core::runtime::{Branch, FsckOptions, Runtime, Severity};
use xblock_testkit::fixture::{
    asset, commit, context, edit, html, published_course, put_asset, snapshot, usage,
};

use crate::classes::registry;
use crate::server::{Server, java_server, open, server};

/// Runs commands on a database as any other program does.
pub(crate) struct Database {
    executor: tokio::runtime::Runtime,
    database: mongodb::Database,
}

impl Database {
    pub(crate) fn open(url: &MongoUrl) -> Self {
        let executor =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an executor");
        let address = url.to_string();
        let database = executor.block_on(async {
            let client = mongodb::Client::with_uri_str(&address).await.expect("a client");
            client.database(url.database())
        });
        Self { executor, database }
    }

    pub(crate) fn insert(&self, collection: &str, document: Document) {
        let collection = self.database.collection::<Document>(collection);
        self.executor.block_on(async { collection.insert_one(document).await }).expect("it is added");
    }

    fn count(&self, collection: &str, filter: Document) -> u64 {
        let collection = self.database.collection::<Document>(collection);
        self.executor.block_on(async { collection.count_documents(filter).await }).expect("a number")
    }

    /// Names the collections that are there.
    pub(crate) fn collections(&self) -> Vec<String> {
        self.executor.block_on(async { self.database.list_collection_names().await }).expect("names")
    }

    /// Changes every document of a collection, or deletes them all.
    pub(crate) fn replace_all(&self, collection: &str, change: Option<fn(&mut Document)>) {
        let collection = self.database.collection::<Document>(collection);
        self.executor.block_on(async {
            let mut cursor = collection.find(doc! {}).await.expect("documents");
            let mut documents = Vec::new();
            while cursor.advance().await.expect("a document") {
                documents.push(cursor.deserialize_current().expect("a document"));
            }
            collection.delete_many(doc! {}).await.expect("they are deleted");
            if let Some(change) = change {
                documents.iter_mut().for_each(change);
                collection.insert_many(documents).await.expect("they are added");
            }
        });
    }

    fn set_last_update(&self, time: bson::DateTime) {
        let collection = self.database.collection::<Document>("modulestore.active_versions");
        let update = doc! { "$set": { "last_update": time } };
        self.executor.block_on(async { collection.update_many(doc! {}, update).await }).expect("it is set");
    }
}

fn each_server(check: fn(&Server)) {
    for server in [server(), java_server()].into_iter().flatten() {
        check(server);
    }
}

/// The codes of what a check finds, with or without repairs.
fn codes(runtime: &ModulestoreRuntime, repair: bool) -> Vec<&'static str> {
    let report = runtime.fsck(FsckOptions { is_quick: false, repair }).expect("the check");
    assert!(report.findings.iter().all(|finding| finding.is_repaired == repair), "{report:?}");
    assert!(report.findings.iter().all(|finding| finding.severity < Severity::Damage), "{report:?}");
    report.findings.iter().map(|finding| finding.code).collect()
}

fn long_ago() -> bson::DateTime {
    bson::DateTime::from_millis((Utc::now() - TimeDelta::days(2)).timestamp_millis())
}

/// Chunks and commits that a writer left days ago are found and done away with; what is young, or somebody's, stays.
#[test]
fn what_dead_writers_left_is_swept() {
    each_server(|server| {
        let url = server.url(&server.new_database(), "");
        let runtime = open(&url);
        published_course(&runtime);
        commit(&runtime, edit().with(put_asset("kept.txt", b"kept")).publish_all());
        assert_eq!(codes(&runtime, false), [""; 0]);
        let database = Database::open(&url);
        let data = || Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: vec![7; 1000] };
        let chunk = |time: bson::DateTime| {
            let id = ObjectId::new();
            doc! { "_id": id, "files_id": id, "n": 0, "data": data(), "xblock_runtime": time }
        };
        let waited_for = chunk(long_ago());
        let awaited = waited_for.get_object_id("_id").expect("an id");
        for document in [chunk(long_ago()), chunk(long_ago()), waited_for, chunk(bson::DateTime::now())] {
            database.insert("draft_fs.chunks", document);
        }
        let attempt = |id: ObjectId| {
            doc! {
                "_id": id, "owner": "Harbour/TIDES", "index": ObjectId::new(), "org": "Harbour",
                "course": "TIDES", "run": "2031", "base": { "last_update": long_ago(), "versions": {} },
                "made": [ObjectId::new()], "feed": [], "has_files": true,
                "lease": { "by": id, "until": long_ago() },
            }
        };
        let seconds = u32::try_from(long_ago().timestamp_millis() / 1000).expect("seconds");
        let old = ObjectId::from_parts(seconds, [1, 2, 3, 4, 5], [6, 7, 8]);
        let young = ObjectId::new();
        database.insert("xblock_runtime.pending", attempt(old));
        database.insert("xblock_runtime.pending", attempt(young));
        database.insert(
            "xblock_runtime.file_steps",
            doc! {
                "_id": ObjectId::new(), "commit": young, "n": 0_i64, "bucket": "draft_fs", "file": "x",
                "chunks": [awaited],
            },
        );
        assert_eq!(codes(&runtime, false), ["commit_not_made", "chunks_of_no_file"]);
        assert_eq!(codes(&runtime, true), ["commit_not_made", "chunks_of_no_file"]);
        assert_eq!(codes(&runtime, false), [""; 0]);
        let staged = doc! { "xblock_runtime": { "$exists": true } };
        assert_eq!(database.count("draft_fs.chunks", staged), 2, "what is waited for, and what is young");
        assert_eq!(database.count("xblock_runtime.pending", doc! { "_id": old }), 0);
        assert_eq!(database.count("xblock_runtime.pending", doc! { "_id": young }), 1);
        assert_eq!(runtime.read_asset(&asset("kept.txt"), Branch::Published).expect("the file"), b"kept");
        // The young attempt is void: its index is not the course's. The next writer of the course finds that out.
        commit(&runtime, edit().put(usage("html", "h1"), html("later")));
        assert_eq!(database.count("xblock_runtime.pending", doc! {}), 0);
        assert_eq!(database.count("draft_fs.chunks", doc! { "_id": awaited }), 0);
    });
}

/// A repair that cannot be done is damage that is left, with the reason; the others are done.
#[test]
fn a_repair_that_fails_is_told() {
    let Some(server) = server() else { return };
    let name = server.new_database();
    let url = server.url(&name, "timeoutMS=4000");
    let runtime = open(&url);
    published_course(&runtime);
    let database = Database::open(&server.url(&name, ""));
    let index =
        runtime.store().read().expect("a view").indexes().expect("indexes").remove(0).expect("an index");
    let head =
        index.get_document("versions").expect("versions").get_object_id("draft-branch").expect("an id");
    let held = ObjectId::new();
    let tomorrow = bson::DateTime::from_millis((Utc::now() + TimeDelta::days(1)).timestamp_millis());
    let pending = |id: ObjectId, until: bson::DateTime| {
        doc! {
            "_id": id, "owner": "Harbour/TIDES", "index": index.get_object_id("_id").expect("an id"),
            "org": "Harbour", "course": "TIDES", "run": "2031",
            "base": { "last_update": long_ago(), "versions": {} }, "made": [head], "feed": [], "has_files": true,
            "lease": { "by": id, "until": until },
        }
    };
    let free = ObjectId::new();
    database.insert("xblock_runtime.pending", pending(held, tomorrow));
    database.insert("xblock_runtime.pending", pending(free, long_ago()));
    assert_eq!(codes(&runtime, false), ["commit_not_done", "commit_not_done"]);
    let report = runtime.fsck(FsckOptions { is_quick: false, repair: true }).expect("the check");
    let told: Vec<_> = report.findings.iter().map(|one| (one.severity, one.is_repaired)).collect();
    assert_eq!(told, [(Severity::Damage, false), (Severity::Note, true)], "{report:?}");
    let reason = &report.findings[0].reason;
    assert!(reason.contains(&held.to_hex()) && reason.contains("begun at 20"), "{reason}");
    assert_eq!(database.count("xblock_runtime.pending", doc! {}), 1);
}

/// Where the table of course indexes and the collection say different things, a check says so and brings them together.
#[test]
fn a_check_compares_the_table_with_the_collection() {
    let Some(server) = server() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("edxapp.db");
    let database = server.new_database();
    let url = server.url(&database, &format!("index=sqlite:{}", file.display()));
    let runtime = open(&url);
    published_course(&runtime);
    assert_eq!(codes(&runtime, false), [""; 0]);
    // A process that dies after the table is written, and before the collection is, leaves this.
    let plain = server.url(&database, "");
    Database::open(&plain).set_last_update(long_ago());
    assert_eq!(codes(&runtime, false), ["index_behind"]);
    let reading = MongoStore::open(&url, None, StoreMode::ReadOnly).expect("the store opens");
    let reading = ModulestoreRuntime::over(reading, registry(), crate::fixture::clock());
    assert_eq!(codes(&reading, false), ["index_behind"]);
    assert!(reading.fsck(FsckOptions { is_quick: true, repair: true }).is_err());
    assert_eq!(codes(&runtime, true), ["index_behind"]);
    assert_eq!(codes(&runtime, false), [""; 0]);
    // The next writer brings them together, too.
    Database::open(&plain).set_last_update(long_ago());
    commit(&runtime, edit().put(usage("html", "h1"), html("later")));
    assert_eq!(codes(&runtime, false), [""; 0]);
    // What only the collection has nobody takes away.
    rusqlite::Connection::open(&file)
        .and_then(|table| {
            table.execute("DELETE FROM split_modulestore_django_splitmodulestorecourseindex", [])
        })
        .expect("it is deleted");
    let report = runtime.fsck(FsckOptions { is_quick: true, repair: true }).expect("the check");
    let found: Vec<_> = report.findings.iter().map(|finding| (finding.code, finding.is_repaired)).collect();
    assert_eq!(found, [("index_not_in_table", false)]);
    assert!(open(&plain).context(&context()).is_ok());
}

/// Old versions are taken out of a server's collections and come back.
#[test]
fn a_server_is_pruned_and_measured() {
    each_server(|server| {
        let url = server.url(&server.new_database(), "");
        let first = open(&url);
        published_course(&first);
        for text in ["one", "two", "three"] {
            let file = put_asset("a.txt", text.as_bytes());
            commit(&first, edit().put(usage("html", "h1"), html(text)).with(file).publish_all());
        }
        let database = Database::open(&url);
        let replaced =
            || ["files", "chunks"].map(|kind| database.count(&format!("replaced_fs.{kind}"), doc! {}));
        let aside =
            || ["files", "chunks"].map(|kind| database.count(&format!("xblock_runtime.old_{kind}"), doc! {}));
        // The first publish replaced nothing, which is noted, too.
        assert_eq!(replaced(), [3, 2]);
        let oldest_file = |runtime: &ModulestoreRuntime| {
            let history = runtime.history(&context(), Branch::Published).expect("the history");
            let content = runtime.version(&context(), &history[2].version).expect("the version");
            content.assets.expect("the files").iter().map(|asset| asset.digest.clone()).collect::<Vec<_>>()
        };
        let first_file = oldest_file(&first);
        let before = Branch::ALL.map(|branch| snapshot(&first, &context(), branch));
        let later = crate::fixture::clock().now() + TimeDelta::days(2);
        let store = MongoStore::open(&url, None, StoreMode::ReadWrite).expect("the store opens");
        let runtime = ModulestoreRuntime::over(store, registry(), Arc::new(FixedClock(later)));
        let options = PruneOptions {
            delete: true,
            keep_versions: 1,
            keep_younger: Duration::ZERO,
            grace: Duration::ZERO,
            undo: Duration::from_secs(60),
        };
        let history = |branch| runtime.history(&context(), branch).expect("the history").len();
        assert_eq!(history(Branch::Draft), 4);
        let dry = runtime.prune(&PruneOptions { delete: false, ..options }).expect("the dry run");
        let report = runtime.prune(&options).expect("it is pruned");
        assert_eq!((report.deleted, &report.pruned), (true, &dry.pruned));
        assert!(report.pruned.len() > 4, "{report:?}");
        assert_eq!((history(Branch::Draft), history(Branch::Published)), (2, 2));
        assert_eq!(Branch::ALL.map(|branch| snapshot(&runtime, &context(), branch)), before);
        assert_eq!((replaced(), aside()), ([1, 1], [2, 1]));
        assert_eq!(runtime.prune(&options).expect("again").pruned, []);
        assert_eq!(runtime.undo_prune().expect("it is undone"), report.pruned.len());
        assert_eq!((replaced(), aside()), ([3, 2], [0, 0]));
        assert_eq!(oldest_file(&runtime), first_file);
        assert_eq!(history(Branch::Draft), 4);
        assert_eq!(codes(&runtime, false), [""; 0]);
        assert_eq!(runtime.prune(&options).expect("it is pruned").pruned, dry.pruned);
        let store = MongoStore::open(&url, None, StoreMode::ReadWrite).expect("the store opens");
        let clock = Arc::new(FixedClock(later + TimeDelta::days(1)));
        let end = ModulestoreRuntime::over(store, registry(), clock).prune(&options).expect("it is pruned");
        assert_eq!((end.forgotten, aside()), (dry.pruned.len(), [0, 0]));
        assert_eq!(replaced(), [1, 1]);
        let sizes = runtime.sizes(&context(), Branch::Draft).expect("the sizes");
        assert!(sizes.bytes > 1000 && !sizes.fields.is_empty(), "{sizes:?}");
    });
}
