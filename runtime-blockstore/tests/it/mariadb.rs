//! Stores whose database is MariaDB.
//!
//! One server runs for all tests of this program: that of `tests/services/mariadb.py`, or, where `BLOCKSTORE_MYSQL` has an
//! address like `mysql://root@127.0.0.1:3306/` of somebody who may make databases and users, that one. Where there is
//! none, that is said, and the tests pass without it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use mysql::prelude::Queryable as _;
use runtime_blockstore::{
    Access, Assets, BackupOptions, Blockstore, BlockstoreError, FsckOptions, MysqlPlace, RestoreOptions,
    Severity, restore, restore_to_server,
};
use tempfile::TempDir;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Cursor, Runtime};
use xblock_testkit::{Fresh, Service};

use crate::fixture::{Now, copy_folder, new_bundle, open, open_to_read, put_on_server, store_in};
use crate::golden::{golden, has_everything};

/// A server that runs as long as somebody holds it.
pub(crate) struct Server {
    /// `mysql://USER@HOST:PORT/`
    pub(crate) url: String,
    _service: Option<Service>,
}

impl Server {
    /// Starts a server; where there is none to be had, that was said.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts a server with options of its own.
    pub(crate) fn start_with(options: &[&str]) -> Option<Self> {
        let service = Service::start("mariadb.py", options)?;
        Some(Self { url: service.url.clone(), _service: Some(service) })
    }

    /// Runs statements as somebody who may do everything.
    pub(crate) fn run(&self, statements: &[&str]) {
        let mut root = mysql::Conn::new(&*self.url).expect("the server takes its administrator");
        for statement in statements {
            root.query_drop(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }

    /// Makes an empty database.
    pub(crate) fn database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        self.run(&[&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")]);
        name
    }

    /// Names a database as stores are told of it.
    pub(crate) fn place(&self, database: &str) -> MysqlPlace {
        let rest = self.url.strip_prefix("mysql:").expect("a server's address");
        format!("{rest}{database}").parse().expect("the address of a database")
    }
}

static SERVER: LazyLock<Option<Server>> = LazyLock::new(|| match std::env::var("BLOCKSTORE_MYSQL") {
    Ok(url) => Some(Server { url, _service: None }),
    Err(_) => Server::start(),
});

/// Returns the server, where there is one.
pub(crate) fn server() -> Option<&'static Server> {
    SERVER.as_ref()
}

/// Connects to a database of the server as its administrator.
pub(crate) fn connect(database: &str) -> mysql::Conn {
    let server = server().expect("whoever has a database has a server");
    mysql::Conn::new(&*format!("{}{database}", server.url)).expect("a connection")
}

/// A folder whose database is on the server, which forgets it in the end.
pub(crate) struct Place {
    pub(crate) mysql: MysqlPlace,
    pub(crate) folder: TempDir,
    pub(crate) server: &'static Server,
}

impl Place {
    pub(crate) fn new() -> Option<Self> {
        let server = server()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mysql = server.place(&server.database());
        put_on_server(folder.path(), &mysql.to_string());
        Some(Self { mysql, folder, server })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.run(&[&format!("DROP DATABASE IF EXISTS {}", self.mysql.database)]);
    }
}

/// A store for the suite.
pub(crate) fn fresh() -> Option<Fresh> {
    let place = Place::new()?;
    Some(Fresh::with_guard(open(place.path()), place))
}

/// Tells columns, keys and references of the app's tables, a line each.
fn tables_of(database: &str) -> Vec<String> {
    let queries = [
        "SELECT concat_ws(' ', table_name, column_name, column_type, is_nullable, coalesce(collation_name, ''), extra) \
         FROM information_schema.columns WHERE table_schema = database() AND table_name LIKE 'bundles%' \
         ORDER BY table_name, ordinal_position",
        "SELECT concat_ws(' ', table_name, index_name, non_unique, group_concat(column_name ORDER BY seq_in_index)) \
         FROM information_schema.statistics WHERE table_schema = database() AND table_name LIKE 'bundles%' \
         GROUP BY table_name, index_name, non_unique ORDER BY table_name, index_name",
        "SELECT concat_ws(' ', table_name, constraint_name, referenced_table_name, update_rule, delete_rule) \
         FROM information_schema.referential_constraints WHERE constraint_schema = database() \
         ORDER BY table_name, constraint_name",
        "SELECT concat_ws(' ', table_name, check_clause) FROM information_schema.check_constraints \
         WHERE constraint_schema = database() AND table_name LIKE 'bundles%' ORDER BY table_name",
    ];
    let mut db = connect(database);
    queries
        .iter()
        .flat_map(|query| db.query::<String, _>(query).expect("the server knows its tables"))
        .collect()
}

#[test]
fn our_tables_are_those_the_app_makes() {
    let Some(place) = Place::new() else { return };
    let version: Option<String> = connect(&place.mysql.database).query_first("SELECT version()").unwrap();
    if !version.as_deref().unwrap_or_default().contains("MariaDB") {
        println!("SKIPPED: the tables are recorded of MariaDB, and this is MySQL {version:?}");
        return;
    }
    open(place.path());
    let ours = tables_of(&place.mysql.database);
    let by_app = Place::new().expect("it was there before");
    if crate::python_app::python(by_app.path(), "migrate").is_some() {
        let theirs = tables_of(&by_app.mysql.database);
        if std::env::var_os("BLOCKSTORE_RECORD").is_some() {
            std::fs::write("tests/mariadb_tables.txt", theirs.join("\n") + "\n").expect("the record");
        }
        assert_eq!(theirs, ours);
    }
    let recorded = include_str!("../mariadb_tables.txt");
    assert_eq!(ours, recorded.lines().collect::<Vec<_>>());
}

fn damages(store: &Blockstore) -> Vec<String> {
    let findings = store.fsck(FsckOptions::default()).expect("fsck runs").findings;
    findings.iter().filter(|f| f.severity != Severity::Note).map(|f| f.reason.clone()).collect()
}

#[test]
fn backups_bring_a_store_to_a_server_and_back() {
    let (Some(golden), Some(place)) = (golden(), Place::new()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, backups) = (folder.path().join("file"), folder.path().join("backups"));
    copy_folder(&golden, &file);
    let store = store_in(&file, Access::ReadWrite, Arc::new(Now)).unwrap();
    store.backup(&backups, BackupOptions::default()).unwrap();
    let feed = store.get_changes(0, 1000).unwrap();
    let assets = Assets::Folder(place.path().join("storage"));
    let to_server =
        |options: &RestoreOptions| restore_to_server(&backups, &place.mysql, &assets, options, Arc::new(Now));
    to_server(&RestoreOptions::default()).unwrap();
    let on_server = store_in(place.path(), Access::ReadWrite, Arc::new(Now)).unwrap();
    has_everything(&on_server, &golden);
    assert_eq!(damages(&on_server), damages(&store));
    assert_eq!(on_server.get_changes(0, 1000).unwrap(), feed);
    // There is something now.
    let again = to_server(&RestoreOptions::default());
    assert!(matches!(again, Err(BlockstoreError::AlreadyThere { .. })), "{again:?}");

    // What was made on the server comes back into a file, the feed with it.
    let (bundle, _) = new_bundle(&on_server, "made-there", &[("a", "a")]);
    on_server.backup(&backups, BackupOptions::default()).unwrap();
    let back = folder.path().join("back");
    restore(&backups, &back, &RestoreOptions::default(), Arc::new(Now)).unwrap();
    let back = Blockstore::open(&back, Access::ReadWrite, Arc::new(Now)).unwrap();
    assert_eq!(back.get_bundle(bundle).unwrap(), on_server.get_bundle(bundle).unwrap());
    assert_eq!(back.get_changes(0, 1000).unwrap(), on_server.get_changes(0, 1000).unwrap());
    assert_eq!(damages(&back), damages(&on_server));
    // And one bundle goes where there are others.
    on_server.delete_bundle(bundle).unwrap();
    to_server(&RestoreOptions { bundle: Some(bundle), ..RestoreOptions::default() }).unwrap();
    assert_eq!(on_server.get_bundle_file_data(bundle, "a", None).unwrap(), b"a");
    let again = to_server(&RestoreOptions { bundle: Some(bundle), ..RestoreOptions::default() });
    assert!(matches!(again, Err(BlockstoreError::AlreadyThere { .. })), "{again:?}");
}

#[test]
fn a_later_schema_and_another_program_are_refused() {
    let Some(place) = Place::new() else { return };
    let open = |access| store_in(place.path(), access, Arc::new(Now)).map(drop);
    let mut db = connect(&place.mysql.database);
    db.query_drop("CREATE TABLE auth_user (id BIGINT)").unwrap();
    let refused = open(Access::ReadWrite);
    assert!(matches!(refused, Err(BlockstoreError::Corrupt { .. })), "{refused:?}");
    assert_eq!(db.query::<String, _>("SHOW TABLES").unwrap(), ["auth_user"]);
    // Beside the app's tables it may stand.
    db.query_drop("DROP TABLE auth_user").unwrap();
    open(Access::ReadWrite).unwrap();
    db.query_drop("CREATE TABLE auth_user (id BIGINT)").unwrap();
    open(Access::ReadWrite).unwrap();
    db.query_drop("UPDATE xblock_form SET form = 99").unwrap();
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let refused = open(access);
        assert!(matches!(refused, Err(BlockstoreError::NewerForm { .. })), "{refused:?}");
    }
    db.query_drop("UPDATE xblock_form SET form = 1").unwrap();
    db.query_drop(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('bundles', '0099_later', now())",
    )
    .unwrap();
    let refused = open(Access::ReadWrite);
    assert!(matches!(refused, Err(BlockstoreError::NewerForm { .. })), "{refused:?}");
}

#[test]
fn what_the_app_wrote_is_read_without_a_place_for_an_index() {
    let (Some(golden), Some(place)) = (golden(), Place::new()) else { return };
    let store = store_in(place.path(), Access::ReadWrite, Arc::new(Now)).unwrap();
    store.take_over(&golden.join("db.sqlite3")).unwrap();
    copy_folder(&golden.join("storage"), &place.path().join("storage"));
    has_everything(&store, &golden);
    let course = open(place.path());
    xblock_testkit::fixture::published_course(&course);
    let usages = |runtime: &dyn Runtime| {
        runtime.usages(&xblock_testkit::fixture::context(), Branch::Published).unwrap()
    };
    let before = usages(&course);
    // As if only the app had been here.
    let mut db = connect(&place.mysql.database);
    for table in db.query::<String, _>("SHOW TABLES LIKE 'xblock%'").unwrap() {
        db.query_drop(format!("DROP TABLE {table}")).unwrap();
    }
    let runtime = open_to_read(place.path()).unwrap();
    assert_eq!(usages(&runtime), before);
    assert!(db.query::<String, _>("SHOW TABLES LIKE 'xblock%'").unwrap().is_empty());
    // The connection that had the index in its memory is lost; another one makes it again.
    let others: Vec<u64> = db
        .query(
            "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
        )
        .unwrap();
    for id in others {
        db.query_drop(format!("KILL {id}")).unwrap();
    }
    assert_eq!(usages(&runtime), before);
}

#[test]
fn rows_that_the_server_does_not_take_are_named_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (file, backups) = (folder.path().join("file"), folder.path().join("backups"));
    let store = Blockstore::open(&file, Access::ReadWrite, Arc::new(Now)).unwrap();
    new_bundle(&store, "before", &[("a", "a")]);
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "a")]);
    store.write_draft_file(draft, "a", Some(b"hours of work")).unwrap();
    let whole = store.backup(&backups, BackupOptions::default()).unwrap().name;
    let Some(place) = Place::new() else { return };
    let assets = Assets::Folder(place.path().join("storage"));
    let to_server = |name: Option<&str>, bundle| {
        let options = RestoreOptions { name: name.map(str::to_owned), bundle, ..RestoreOptions::default() };
        restore_to_server(&backups, &place.mysql, &assets, &options, Arc::new(Now))
    };
    let nothing_is_there = || {
        let mut db = connect(&place.mysql.database);
        for table in ["collection", "bundle", "bundleversion", "draft"] {
            let rows: Option<u64> = db.query_first(format!("SELECT count(*) FROM bundles_{table}")).unwrap();
            assert_eq!(rows, Some(0), "{table}");
        }
        let storage = place.path().join("storage");
        let left = std::fs::read_dir(storage).into_iter().flatten().count();
        assert_eq!(left, 0);
    };
    // Names that are two here and one there.
    for name in ["Studio_Draft", "studio_dráft", "studio_draft "] {
        let other = store.get_or_create_bundle_draft(bundle, name).unwrap().uuid;
        store.write_draft_file(other, "a", Some(b"other")).unwrap();
        store.backup(&backups, BackupOptions::default()).unwrap();
        for only in [None, Some(bundle)] {
            let error = to_server(None, only).unwrap_err();
            let told = error.to_string();
            assert!(
                matches!(&error, BlockstoreError::RowRefused { table: "bundles_draft", .. }),
                "{only:?}: {error:?}"
            );
            for word in [&bundle.to_string(), "\"studio_draft\"", &format!("{name:?}")] {
                assert!(told.contains(word), "{told}");
            }
            nothing_is_there();
        }
        let on_server = store_in(place.path(), Access::ReadWrite, Arc::new(Now)).unwrap();
        let taken = on_server.take_over(&file.join("db.sqlite3"));
        assert!(matches!(taken, Err(BlockstoreError::RowRefused { .. })), "{taken:?}");
        nothing_is_there();
        store.delete_draft(other).unwrap();
    }
    // The app takes longer titles on SQLite than it has room for on a server.
    let title = "tide ".repeat(50);
    let db = rusqlite::Connection::open(file.join("db.sqlite3")).unwrap();
    db.execute("UPDATE bundles_bundle SET title = ?1 WHERE slug = 'tides'", [&title]).unwrap();
    store.backup(&backups, BackupOptions::default()).unwrap();
    for only in [None, Some(bundle)] {
        let error = to_server(None, only).unwrap_err();
        let told = error.to_string();
        assert!(matches!(error, BlockstoreError::RowRefused { table: "bundles_bundle", .. }), "{error:?}");
        assert!(told.contains(&bundle.to_string()) && told.contains("title"), "{told}");
        nothing_is_there();
    }
    // What was refused is in nobody's way.
    to_server(Some(&whole), None).unwrap();
    let restored = store_in(place.path(), Access::ReadOnly, Arc::new(Now)).unwrap();
    assert_eq!(restored.get_bundle_file_data(bundle, "a", Some("studio_draft")).unwrap(), b"hours of work");
}

/// Adopted bundles, histories, authors, what came with the package: all that no document says; and numbers of deleted rows.
#[test]
fn a_restore_brings_what_only_our_tables_know() {
    let library: ContextKey = "lib:Harbour:shared".parse().unwrap();
    for (from_server, to_server) in [(false, true), (true, true), (true, false), (false, false)] {
        let folder = tempfile::tempdir().unwrap();
        let backups = folder.path().join("backups");
        let (Some(from), Some(to)) = (Place::new(), Place::new()) else { return };
        let place = |place: &Place, on_server: bool| {
            if on_server { place.path().to_owned() } else { place.path().join("file") }
        };
        let (source, target) = (place(&from, from_server), place(&to, to_server));
        let runtime = open(&source);
        xblock_testkit::fixture::published_course(&runtime);
        let store = runtime.blockstore();
        let (bundle, draft) = new_bundle(store, "shared", &[("html/own/definition.xml", "<html>own</html>")]);
        runtime.adopt(&library, bundle).unwrap();
        let (deleted, other) = new_bundle(store, "deleted", &[("a", "1")]);
        store.write_draft_file(other, "a", Some(b"2")).unwrap();
        store.commit_draft(other).unwrap();
        store.delete_bundle(deleted).unwrap();
        let told = |runtime: &dyn Runtime| {
            let course = xblock_testkit::fixture::context();
            let mut lines = xblock_testkit::fixture::snapshot(runtime, &course, Branch::Draft);
            lines.extend(xblock_testkit::fixture::snapshot(runtime, &library, Branch::Published));
            lines.push(format!("{:?}", runtime.history(&course, Branch::Published).unwrap()));
            lines.push(format!("{:?}", runtime.changes(Cursor::default(), 100).unwrap()));
            lines
        };
        let before = told(&runtime);
        store.backup(&backups, BackupOptions::default()).unwrap();
        let options = RestoreOptions::default();
        if to_server {
            let assets = Assets::Folder(target.join("storage"));
            restore_to_server(&backups, &to.mysql, &assets, &options, Arc::new(Now)).unwrap();
        } else {
            restore(&backups, &target, &options, Arc::new(Now)).unwrap();
        }
        let restored = open(&target);
        assert_eq!(told(&restored), before, "{from_server} -> {to_server}");
        // As the app does: a version whose number of a row the database gives.
        let store = restored.blockstore();
        for text in ["1", "2", "3"] {
            store.write_draft_file(draft, "static/a.txt", Some(text.as_bytes())).unwrap();
            store.commit_draft(draft).unwrap();
        }
        assert_eq!(store.get_bundle(bundle).unwrap().latest_version, 4);
        xblock_testkit::fixture::commit(
            &restored,
            xblock_testkit::fixture::edit()
                .put(
                    xblock_testkit::fixture::usage("html", "h1"),
                    xblock_testkit::fixture::html("after the restore"),
                )
                .publish_all(),
        );
        assert_eq!(store.fsck(FsckOptions::default()).unwrap().findings, []);
    }
}
