//! The table of course indexes in a file whose writer died in the middle of a commit: whoever reads next undoes what it left.

use std::fs;
use std::path::{Path, PathBuf};

use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::store::{MongoStore, StoreMode};
use rusqlite::{Connection, OpenFlags, ffi};
use xblock_core::runtime::{Runtime, RuntimeError};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, usage};

use crate::classes::registry;
use crate::fixture::clock;
use crate::server::{Server, open, server};

const TABLE: &str = "split_modulestore_django_splitmodulestorecourseindex";

fn journal(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-journal");
    name.into()
}

/// Copies a file as it is while a transaction is being written into it, with the journal that undoes this.
fn copy_in_mid_commit(file: &Path, copy: &Path) {
    let db = Connection::open(file).expect("the file");
    // With so little memory what is changed goes into the file before the commit.
    db.execute_batch("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE")
        .expect("a transaction");
    db.execute(&format!("UPDATE {TABLE} SET draft_version = 'aaaaaaaaaaaaaaaaaaaaaaaa'"), [])
        .expect("a change");
    db.execute_batch("CREATE TABLE filler (x); INSERT INTO filler VALUES (randomblob(1000000))")
        .expect("bytes");
    fs::copy(file, copy).expect("a copy");
    fs::copy(journal(file), journal(copy)).expect("a copy of the journal");
    db.execute_batch("ROLLBACK").expect("the end");
    let bytes = fs::read(copy).expect("bytes");
    assert!(bytes.windows(24).any(|part| part == [b'a'; 24]), "half a commit is in the file");
}

/// Reads as nobody may write: such a connection cannot undo the commit.
fn undo_is_due(file: &Path) -> bool {
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the file opens");
    let read = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    let code = read.err().and_then(|error| Some(error.sqlite_error()?.extended_code));
    assert!(matches!(code, None | Some(ffi::SQLITE_READONLY_ROLLBACK)), "{code:?}");
    code.is_some()
}

fn for_reading(server: &Server, database: &str, file: &Path) -> ModulestoreRuntime {
    let url = server.url(database, &format!("index=sqlite:{}", file.display()));
    let store = MongoStore::open(&url, None, StoreMode::ReadOnly).expect("the store opens");
    ModulestoreRuntime::over(store, registry(), clock())
}

#[test]
fn readers_undo_what_a_killed_writer_left() {
    let Some(server) = server() else { return };
    let (database, folder) = (server.new_database(), tempfile::tempdir().expect("a folder"));
    let [file, copy] = ["edxapp.db", "copy.db"].map(|name| folder.path().join(name));
    let runtime = open(&server.url(&database, &format!("index=sqlite:{}", file.display())));
    published_course(&runtime);
    let made = commit(&runtime, edit().put(usage("html", "h1"), html("kept")));
    let head = |reader: &ModulestoreRuntime| reader.context(&context()).expect("the course").draft.version;

    copy_in_mid_commit(&file, &copy);
    assert!(undo_is_due(&copy));
    let reader = for_reading(server, &database, &copy);
    assert_eq!(head(&reader), made.draft);
    assert!(!undo_is_due(&copy));
    // One that was open before the writer died.
    copy_in_mid_commit(&file, &copy);
    assert!(undo_is_due(&copy));
    assert_eq!(head(&reader), made.draft);
    // Nor can it write anything else.
    let refused = reader.commit(edit().put(usage("html", "h1"), html("never")));
    assert!(matches!(refused, Err(RuntimeError::ReadOnly)), "{refused:?}");
    // A table that is not there is made by writers only.
    let missing = folder.path().join("missing.db");
    let url = server.url(&database, &format!("index=sqlite:{}", missing.display()));
    assert!(MongoStore::open(&url, None, StoreMode::ReadOnly).is_err());
    assert!(!missing.exists());
}
