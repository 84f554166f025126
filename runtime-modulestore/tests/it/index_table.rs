//! The table of course indexes, in SQLite and on a MySQL server.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use mysql::prelude::Queryable as _;
use runtime_modulestore::documents::IndexKey;
use runtime_modulestore::store::{DocumentStore, MongoLogin, MongoStore, MongoUrl, Outcome, StoreMode};
use tempfile::TempDir;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Base, BlockData, Branch, Edit, FsckOptions, Runtime, RuntimeError, Severity};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, usage};

use crate::mongo::opening;
use crate::server::{Server, mysql_server, open, server};

pub(crate) const TABLE: &str = "split_modulestore_django_splitmodulestorecourseindex";

/// A place for the table, and somebody else who looks into it.
pub(crate) enum Table {
    Sqlite(TempDir),
    Mysql { server: &'static Server, database: String },
}

impl Table {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn mysql() -> Option<Self> {
        let server = mysql_server()?;
        let database = server.new_database();
        let mut root = mysql::Conn::new(&*server.address).expect("the server takes its administrator");
        root.query_drop(format!("CREATE DATABASE {database} CHARACTER SET utf8mb4")).expect("a database");
        Some(Self::Mysql { server, database })
    }

    /// The option of a store's address.
    pub(crate) fn option(&self) -> String {
        match self {
            Self::Sqlite(_) => format!("index=sqlite:{}", self.path().display()),
            Self::Mysql { server, database } => format!("index={}{database}", server.address),
        }
    }

    /// The SQLite file.
    fn path(&self) -> PathBuf {
        let Self::Sqlite(folder) = self else { panic!("it is in no file") };
        folder.path().join("edxapp.db")
    }

    pub(crate) fn file(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).expect("the file")
    }

    /// Host and port of the server.
    pub(crate) fn server(&self) -> String {
        let Self::Mysql { server, .. } = self else { panic!("it is on no server") };
        server.address.trim_end_matches('/').rsplit('@').next().expect("a server").to_owned()
    }

    /// The option of a store's address, where the server is reached by another port of this machine.
    pub(crate) fn option_at(&self, port: u16) -> String {
        self.option().replace(&self.server(), &format!("127.0.0.1:{port}"))
    }

    fn connection(&self) -> mysql::Conn {
        let Self::Mysql { server, database } = self else { panic!("it is on no server") };
        mysql::Conn::new(&*format!("{}{database}", server.address)).expect("a connection")
    }

    /// Asks for texts, of each row those of its columns.
    fn ask(&self, sql: &str) -> Vec<Vec<String>> {
        match self {
            Self::Sqlite(_) => {
                let db = self.file();
                let mut statement = db.prepare(sql).expect("a statement");
                let columns = statement.column_count();
                let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
                rows.expect("rows").collect::<rusqlite::Result<_>>().expect("texts")
            }
            Self::Mysql { .. } => {
                let rows: Vec<mysql::Row> = self.connection().query(sql).expect("rows");
                rows.into_iter()
                    .map(|row| row.unwrap().into_iter().map(mysql::from_value::<String>).collect())
                    .collect()
            }
        }
    }

    fn of_row(&self, column: &str) -> String {
        let mut rows = self.ask(&format!("SELECT {column} FROM {TABLE}"));
        assert_eq!(rows.len(), 1);
        rows.remove(0).remove(0)
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if let Self::Mysql { database, .. } = &*self {
            let _ = self.connection().query_drop(format!("DROP DATABASE {database}"));
        }
    }
}

/// The table is what counts; the collection follows it, and is mended where it does not.
fn the_table_is_kept_in_step(table: &Table) {
    let Some(server) = server() else { return };
    let database = server.new_database();
    let plain = server.url(&database, "");
    let url = server.url(&database, &table.option());
    let runtime = open(&url);
    published_course(&runtime);
    let row = |column: &str| table.of_row(column);
    let made = commit(&runtime, edit().put(usage("html", "h1"), html("second")).publish_all());
    assert_eq!(row("course_id"), context().to_string());
    assert_eq!(row("draft_version"), &*made.draft.0);
    assert_eq!(row("published_version"), &*made.published.clone().expect("a version").0);
    assert_eq!((row("library_version"), row("base_store")), (String::new(), "mongodb".to_owned()));
    let without = open(&plain);
    assert_eq!(without.context(&context()).expect("the context").draft.version, made.draft);
    let store = MongoStore::open(&url, None, StoreMode::ReadWrite).expect("the store opens");
    assert_eq!(store.index_differences().expect("none"), []);

    // A process that dies between the two leaves the collection behind; here somebody else changed it alone.
    commit(&without, edit().put(usage("html", "h1"), html("not in the table")));
    assert_eq!(runtime.context(&context()).expect("the context").draft.version, made.draft);
    let differing = store.index_differences().expect("one");
    assert_eq!(differing.iter().map(|one| &one.context).collect::<Vec<_>>(), [&context()]);
    assert_eq!(store.mend_indexes().expect("it is mended"), differing);
    assert_eq!(store.index_differences().expect("none"), []);
    assert_eq!(without.context(&context()).expect("the context").draft.version, made.draft);
    // What was read before another edit is not what the row says any more.
    let key = IndexKey::of(&context()).expect("a key");
    let docs = store.write().expect("a transaction");
    let index = docs.index(&key).expect("a read").expect("the index");
    let third = commit(&runtime, edit().put(usage("html", "h1"), html("third")));
    let id = index.get_object_id("_id").expect("an id");
    assert!(docs.replace_index(id, index.get_datetime("last_update").ok(), &index).expect("as it was read"));
    assert_eq!(docs.commit().expect("it is compared"), Outcome::Overtaken);
    assert_eq!(row("draft_version"), &*third.draft.0);
}

#[test]
fn a_table_in_sqlite_is_kept_in_step() {
    the_table_is_kept_in_step(&Table::sqlite());
}

#[test]
fn a_table_on_a_mysql_server_is_kept_in_step() {
    let Some(table) = Table::mysql() else { return };
    the_table_is_kept_in_step(&table);
    // Times are times to the server, of the very moment.
    let ages = table.ask(&format!("SELECT cast(last_update >= edited_on AS char) FROM {TABLE}"));
    assert_eq!(ages, [["1"]]);
}

/// A new table has what the collection has: the platform, and whoever opens it here, sees nothing else from then on.
fn a_new_table_is_filled(table: &Table) {
    let Some(server) = server() else { return };
    let database = server.new_database();
    let plain = server.url(&database, "");
    let url = server.url(&database, &table.option());
    let made = published_course(&open(&plain));
    let old: ContextKey = "Harbour/OLD/2031".parse().expect("a key");
    let top = old.make_usage_key("course", "2031").expect("a key");
    commit(
        &open(&plain),
        Edit::new(old.clone(), Base::New { root: top.clone() }).put(top, BlockData::default()),
    );
    let runtime = open(&url);
    // The table has no place for keys of the old form.
    assert_eq!(runtime.contexts().expect("contexts"), [context()]);
    assert_eq!(runtime.context(&context()).expect("the context").draft.version, made.draft);
    let again = commit(&runtime, edit().put(usage("html", "h1"), html("in both")));
    assert_eq!(open(&plain).context(&context()).expect("the context").draft.version, again.draft);
    assert_eq!(table.of_row("draft_version"), &*again.draft.0);
    let store = MongoStore::open(&url, None, StoreMode::ReadWrite).expect("the store opens");
    let differing = store.index_differences().expect("one");
    assert_eq!(differing.iter().map(|one| &one.context).collect::<Vec<_>>(), [&old]);
}

#[test]
fn a_new_table_in_sqlite_is_filled() {
    a_new_table_is_filled(&Table::sqlite());
}

#[test]
fn a_new_table_on_a_mysql_server_is_filled() {
    let Some(table) = Table::mysql() else { return };
    a_new_table_is_filled(&table);
    assert_eq!(table.ask("SHOW TABLES"), [[TABLE]]);
}

/// Rows and documents of one course stay together by their id; where they have come apart a repair joins them.
#[test]
fn rows_and_documents_are_one_by_their_id() {
    let Some(server) = server() else { return };
    let (database, table) = (server.new_database(), Table::sqlite());
    let plain = server.url(&database, "");
    let url = server.url(&database, &table.option());
    let change = |sql: &str| {
        let Table::Sqlite(folder) = &table else { return };
        let db = rusqlite::Connection::open(folder.path().join("edxapp.db")).expect("the file");
        assert_eq!(db.execute(sql, []).expect("a statement"), 1);
    };
    let runtime = open(&url);
    published_course(&runtime);
    let id = table.of_row("objectid");
    change(&format!("DELETE FROM {TABLE}"));
    // Made anew it has the id that the collection knows.
    let made = published_course(&runtime);
    assert_eq!((table.of_row("objectid"), table.of_row("draft_version")), (id, made.draft.0.to_string()));
    assert_eq!(open(&plain).context(&context()).expect("the context").draft.version, made.draft);
    let store = MongoStore::open(&url, None, StoreMode::ReadWrite).expect("the store opens");
    assert_eq!(store.index_differences().expect("none"), []);

    change(&format!("UPDATE {TABLE} SET objectid = '0123456789abcdef01234567'"));
    let edited = commit(&runtime, edit().put(usage("html", "h1"), html("in the table")));
    let repair = |repair| {
        let report = runtime.fsck(FsckOptions { is_quick: true, repair }).expect("the check");
        report.findings.iter().map(|finding| (finding.code, finding.is_repaired)).collect::<Vec<_>>()
    };
    assert_eq!(repair(false), [("index_behind", false)]);
    assert_eq!(repair(true), [("index_behind", true)]);
    assert_eq!(repair(false), []);
    assert_eq!(open(&plain).context(&context()).expect("the context").draft.version, edited.draft);
}

/// What another has mended is not mended once more.
#[test]
fn what_is_not_there_any_more_is_not_mended() {
    let Some(server) = server() else { return };
    let (database, table) = (server.new_database(), Table::sqlite());
    let url = server.url(&database, &table.option());
    published_course(&open(&url));
    commit(&open(&server.url(&database, "")), edit().put(usage("html", "h1"), html("not in the table")));
    let store = MongoStore::open(&url, None, StoreMode::ReadWrite).expect("the store opens");
    let docs = store.write().expect("a transaction");
    let [leftover] = &docs.leftovers().expect("one")[..] else { panic!("there is one") };
    assert!(docs.mend(leftover).expect("it is mended"));
    assert!(!docs.mend(leftover).expect("nothing is left"));
}

/// Where nobody else writes, and a change is refused all the same, it is not tried for ever, with new contents each time.
#[test]
fn what_cannot_be_changed_is_not_tried_for_ever() {
    let Some(server) = server() else { return };
    let table = Table::sqlite();
    let runtime = open(&server.url(&server.new_database(), &table.option()));
    published_course(&runtime);
    // Nobody finds the row by the id it stands for any more.
    let Table::Sqlite(folder) = &table else { return };
    let db = rusqlite::Connection::open(folder.path().join("edxapp.db")).expect("the file");
    db.execute(&format!("UPDATE {TABLE} SET objectid = upper(objectid)"), []).expect("it is changed");
    let definitions = || {
        let folder = tempfile::tempdir().expect("a folder");
        runtime.export_dump(folder.path().join("dump")).expect("the dump is written");
        let collections = crate::dumps::collections(&folder.path().join("dump"));
        collections["modulestore.definitions"].len()
    };
    let before = definitions();
    let refused = runtime.commit(edit().put(usage("html", "h1"), html("never")));
    assert!(matches!(&refused, Err(RuntimeError::Conflict { .. })), "{refused:?}");
    assert!((before..=before + 2).contains(&definitions()), "{} after {before}", definitions());
}

/// Servers may compare without accents: what has no room beside another is refused before anything is written.
#[test]
fn what_a_mysql_server_takes_for_another_is_refused() {
    let (Some(server), Some(table)) = (server(), Table::mysql()) else { return };
    let url = server.url(&server.new_database(), &table.option());
    let runtime = open(&url);
    published_course(&runtime);
    let sizes = || {
        let folder = tempfile::tempdir().expect("a folder");
        runtime.export_dump(folder.path().join("dump")).expect("the dump is written");
        let mut files: Vec<_> =
            std::fs::read_dir(folder.path().join("dump")).expect("a folder").flatten().collect();
        files.sort_by_key(std::fs::DirEntry::file_name);
        files.iter().map(|file| file.metadata().expect("a file").len()).collect::<Vec<_>>()
    };
    let before = sizes();
    let twin: ContextKey = context().to_string().replace("Harbour", "Hárbour").parse().expect("a key");
    let top = twin.make_usage_key("course", "course").expect("a key");
    let make = Edit::new(twin.clone(), Base::New { root: top.clone() }).put(top, BlockData::default());
    let refused = [runtime.commit(make).map(drop), runtime.rerun(&context(), &twin, None).map(drop)];
    for refused in refused {
        let is_named = matches!(&refused, Err(RuntimeError::ContextExists { key }) if *key == context());
        assert!(is_named, "{refused:?}");
    }
    assert_eq!(sizes(), before);
    // A dump that brings both is not loaded by halves.
    let (source, _folder) = crate::fixture::new_store();
    published_course(&source);
    source.rerun(&context(), &twin, None).expect("a file has room for both");
    let folder = tempfile::tempdir().expect("a folder");
    source.export_dump(folder.path().join("dump")).expect("the dump is written");
    let Some(other) = Table::mysql() else { return };
    let runtime = open(&server.url(&server.new_database(), &other.option()));
    let refused = runtime.import_dump(folder.path().join("dump"));
    assert!(matches!(&refused, Err(RuntimeError::ContextExists { .. })), "{refused:?}");
    assert_eq!(runtime.contexts().expect("contexts"), []);
}

/// Django makes the tables itself, in older and newer words; both are used as they are, and the history is told.
#[test]
fn the_platforms_own_tables_on_a_mysql_server_are_used() {
    let (Some(server), Some(table)) = (server(), Table::mysql()) else { return };
    let columns = "objectid varchar(24) NOT NULL, course_id varchar(255) NOT NULL, org varchar(255) NOT NULL,
        draft_version varchar(24) NOT NULL, published_version varchar(24) NOT NULL,
        library_version varchar(24) NOT NULL, wiki_slug varchar(255) NOT NULL, base_store varchar(20) NOT NULL,
        edited_on datetime(6) NOT NULL, last_update datetime(6) NOT NULL, edited_by_id int NULL";
    let mut root = table.connection();
    let tables = [
        format!("CREATE TABLE {TABLE} (id int AUTO_INCREMENT PRIMARY KEY, {columns}, UNIQUE (objectid), UNIQUE (course_id))"),
        format!(
            "CREATE TABLE split_modulestore_django_historicalsplitmodulestorecourseindex (id int NOT NULL, {columns},
             history_id int AUTO_INCREMENT PRIMARY KEY, history_date datetime(6) NOT NULL,
             history_change_reason varchar(100) NULL, history_type varchar(1) NOT NULL, history_user_id int NULL)"
        ),
    ];
    for sql in tables {
        root.query_drop(sql).expect("a table");
    }
    let runtime = open(&server.url(&server.new_database(), &table.option()));
    published_course(&runtime);
    commit(&runtime, edit().put(usage("html", "h1"), html("second")));
    commit(&runtime, edit().publish_all());
    let told = table.ask(
        "SELECT history_type, coalesce(history_change_reason, ''), cast(id AS char), draft_version \
         FROM split_modulestore_django_historicalsplitmodulestorecourseindex ORDER BY history_id",
    );
    let kinds: Vec<_> = told.iter().map(|row| (&*row[0], &*row[1])).collect();
    assert_eq!(kinds[0], ("+", ""));
    assert_eq!(kinds[kinds.len() - 2..], [("~", "Updated draft branch"), ("~", "Updated published branch")]);
    assert!(told.iter().all(|row| row[2] == told[0][2]));
    assert_eq!(told.last().expect("a row")[3], table.of_row("draft_version"));
}

/// Servers compare without case; keys are what they are all the same.
#[test]
fn a_mysql_server_confuses_no_keys() {
    let (Some(server), Some(table)) = (server(), Table::mysql()) else { return };
    let runtime = open(&server.url(&server.new_database(), &table.option()));
    published_course(&runtime);
    let other: ContextKey = context().to_string().replace("Harbour", "harbour").parse().expect("a key");
    assert_ne!(other, context());
    assert!(matches!(runtime.context(&other), Err(RuntimeError::NoSuchContext { .. })));
    assert!(runtime.context(&context()).is_ok());
    assert_eq!(runtime.contexts().expect("contexts"), [context()]);
}

/// Writers who each have connections of their own lose nothing, also where these are cut all the time.
#[test]
fn writers_at_a_mysql_server_lose_nothing() {
    const EDITS: usize = 25;
    let (Some(server), Some(table)) = (server(), Table::mysql()) else { return };
    let url = server.url(&server.new_database(), &table.option());
    let runtime = open(&url);
    published_course(&runtime);
    let before = runtime.history(&context(), Branch::Draft).expect("the history").len();
    // Each has its connections before the first is cut.
    let runtimes = ["h1", "h2"].map(|block| (block, open(&url)));
    let (is_done, tries) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (kept, cuts) = std::thread::scope(|scope| {
        let cutter = scope.spawn(|| {
            let mut root = table.connection();
            let own: u64 = root.query_first("SELECT connection_id()").expect("an answer").expect("a number");
            let sql = format!(
                "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> {own}"
            );
            let mut cuts = 0;
            while !is_done.load(Ordering::Relaxed) {
                for id in root.query::<u64, _>(&sql).expect("numbers") {
                    cuts += usize::from(root.query_drop(format!("KILL {id}")).is_ok());
                }
                // However slow the machine is, there is work between two cuts.
                let before = tries.load(Ordering::Relaxed);
                while tries.load(Ordering::Relaxed) == before && !is_done.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            cuts
        });
        let writers = runtimes.map(|(block, runtime)| {
            let tries = &tries;
            scope.spawn(move || {
                let texts = (0..EDITS).map(|number| format!("{block} {number}"));
                let commit = |text: String| {
                    let outcome = runtime.commit(edit().put(usage("html", block), html(&text)));
                    tries.fetch_add(1, Ordering::Relaxed);
                    outcome
                };
                texts.map(commit).collect::<Vec<_>>()
            })
        });
        let outcomes = writers.map(std::thread::ScopedJoinHandle::join);
        is_done.store(true, Ordering::Relaxed);
        let outcomes = outcomes.into_iter().flat_map(|outcomes| outcomes.expect("no writer panics"));
        let kept: Vec<_> = outcomes
            .filter_map(|outcome| match outcome {
                Ok(commit) => Some(commit.draft),
                Err(RuntimeError::Conflict { .. } | RuntimeError::Storage { .. }) => None,
                Err(error) => panic!("{error:?}"),
            })
            .collect();
        (kept, cutter.join().expect("nobody panics"))
    });
    assert!(cuts > 0 && kept.len() > EDITS, "{cuts} cuts, {} commits", kept.len());
    let history = runtime.history(&context(), Branch::Draft).expect("the history");
    let lost: Vec<_> =
        kept.iter().filter(|version| !history.iter().any(|one| one.version == **version)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert!((kept.len()..=2 * EDITS).contains(&(history.len() - before)), "{} new versions", history.len());
    assert_eq!(table.of_row("draft_version"), &*history[0].version.0);
}

/// Whoever may only read reads; nothing is made.
#[test]
fn a_table_on_a_mysql_server_is_read_by_readers() {
    let (Some(server), Some(table)) = (server(), Table::mysql()) else { return };
    let url = server.url(&server.new_database(), &table.option());
    let read = || {
        let store = MongoStore::open(&url, None, StoreMode::ReadOnly).expect("the store opens");
        let runtime = runtime_modulestore::ModulestoreRuntime::over(
            store,
            crate::classes::registry(),
            crate::fixture::clock(),
        );
        (runtime.contexts(), runtime.commit(edit()))
    };
    let Err(RuntimeError::Storage { source, .. }) = read().0 else { panic!("there is no table") };
    assert!(source.to_string().contains("no such table"), "{source}");
    assert!(table.ask("SHOW TABLES").is_empty());
    published_course(&open(&url));
    let (contexts, written) = read();
    assert_eq!(contexts.expect("contexts"), [context()]);
    assert!(matches!(written, Err(RuntimeError::ReadOnly)));
}

/// A server that refuses, has no such database or is not there: words, in the time that was set, without secrets.
#[test]
fn a_mysql_server_that_does_not_serve_is_told() {
    let (Some(server), Some(table)) = (server(), Table::mysql()) else { return };
    let Table::Mysql { server: mysql, database } = &table else { return };
    let at =
        |index: &str| format!("{}{}?index={index}&timeoutMS=5000", server.address, server.new_database());
    let port = mysql.address.trim_end_matches('/').rsplit(':').next().expect("a port");
    let wrong = format!("mysql://nobody:s3cret@127.0.0.1:{port}/{database}");
    let (text, _) = opening(&at(&wrong), None);
    assert!(
        text.contains("refused the credentials") && text.contains(port) && !text.contains("s3cret"),
        "{text}"
    );
    let (text, _) = opening(&at(&format!("{}nowhere", mysql.address)), None);
    assert!(text.contains("no such database"), "{text}");
    let (text, took) = opening(&at("mysql://root@127.0.0.1:9/edxapp"), None);
    assert!(text.contains("table of course indexes on 127.0.0.1:9"), "{text}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    // Credentials may be given beside the address.
    let login = MongoLogin { user: "root".to_owned(), password: String::new() };
    let url = MongoUrl::parse(&at(&wrong)).expect("an address").with_index_login(&login);
    MongoStore::open(&url, None, StoreMode::ReadWrite).expect("the store opens");
}

/// Whoever answers in nobody's words, breaks off, or says nothing is told of in ours, with the address and no password.
#[test]
fn servers_of_the_table_that_do_not_serve_are_told() {
    let Some(server) = server() else { return };
    let greeting = b"\x4a\x00\x00\x00\x0a5.5.5-10.6.0-MariaDB\x00";
    let cases: [(Option<&'static [u8]>, &str); 4] = [
        (None, "did not answer in time"),
        (Some(b""), "broke the connection off"),
        (Some(greeting), "the connection to the server is broken"),
        (Some(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), "cannot be understood"),
    ];
    for (answer, words) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        thread::spawn(move || {
            let mut kept = Vec::new();
            for line in listener.incoming() {
                let Ok(mut line) = line else { return };
                match answer {
                    Some(answer) => drop(line.write_all(answer)),
                    None => kept.push(line),
                }
            }
        });
        let index = format!("index=mysql://me:s3cret@{address}/edxapp&timeoutMS=1000");
        let (text, took) = opening(&format!("{}{}?{index}", server.address, server.new_database()), None);
        assert!(text.contains(&address.to_string()) && text.contains(words), "{words}: {text}");
        for theirs in ["s3cret", "CodecError", "IoError", "DriverError", "IO error"] {
            assert!(!text.contains(theirs), "{text}");
        }
        assert!(took < Duration::from_secs(60), "{took:?}");
    }
}

/// Where the table names a structure that is not there, or none, and the collection one that is, a repair does not take the
/// last way to it.
#[test]
fn a_table_that_lost_a_head_is_not_followed() {
    let Some(server) = server() else { return };
    for lost in ["draft_version = 'aaaaaaaaaaaaaaaaaaaaaaaa'", "published_version = ''"] {
        let table = Table::sqlite();
        let database = server.new_database();
        let (url, plain) = (server.url(&database, &table.option()), server.url(&database, ""));
        let runtime = open(&url);
        published_course(&runtime);
        let before = open(&plain).context(&context()).expect("the context");
        let Table::Sqlite(folder) = &table else { unreachable!("a file") };
        let db = rusqlite::Connection::open(folder.path().join("edxapp.db")).expect("the file");
        db.execute(&format!("UPDATE {TABLE} SET {lost}"), []).expect("it is changed");
        let report = runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("a check");
        let found =
            report.findings.iter().find(|finding| finding.code == "index_behind").expect("it is found");
        assert_eq!(
            (found.severity, &found.repair, found.is_repaired),
            (Severity::Damage, &None, false),
            "{found:?}"
        );
        let head = if lost.starts_with("draft") {
            &before.draft
        } else {
            before.published.as_ref().expect("a head")
        };
        assert!(found.reason.contains(&*head.version.0), "{found:?}");
        let store = MongoStore::open(&url, None, StoreMode::ReadWrite).expect("the store opens");
        assert_eq!(store.mend_indexes().expect("nothing is mended"), []);
        assert_eq!(open(&plain).context(&context()).expect("the context"), before);
    }
}

/// A wiki's name that the collection has otherwise is a difference, too.
#[test]
fn the_collection_follows_in_the_name_of_the_wiki() {
    let Some(server) = server() else { return };
    let table = Table::sqlite();
    let database = server.new_database();
    let runtime = open(&server.url(&database, &table.option()));
    published_course(&runtime);
    let Table::Sqlite(folder) = &table else { unreachable!("a file") };
    let db = rusqlite::Connection::open(folder.path().join("edxapp.db")).expect("the file");
    db.execute(&format!("UPDATE {TABLE} SET wiki_slug = 'tides.2031'"), []).expect("it is changed");
    let report = runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("a check");
    let found: Vec<_> = report.findings.iter().map(|found| (found.code, found.is_repaired)).collect();
    assert_eq!(found, [("index_behind", true)]);
    let plain = open(&server.url(&database, ""));
    let index =
        plain.store().read().expect("a view").indexes().expect("indexes").remove(0).expect("an index");
    let targets = index.get_document("search_targets").expect("targets");
    assert_eq!(targets.get_str("wiki_slug").expect("a name"), "tides.2031");
    assert_eq!(runtime.fsck(FsckOptions::default()).expect("a check").findings, []);
}
