//! Stores that are damaged in part, lie where nothing can be written, or are no stores.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use runtime_blockstore::BlockstoreRuntime;
use rusqlite::Connection;
use tempfile::TempDir;
use xblock_core::runtime::{Base, BlockData, Branch, Edit, Runtime, RuntimeError};
use xblock_testkit::fixture::{
    commit, context, edit, html, other_context, published_course, root, snapshot, usage,
};

use crate::fixture::{clock, new_store, open, registry};

const FOLDER: &str = "BLOCKSTORE_READ_ONLY_FOLDER";

/// A way to damage a file, and its name.
type Damage = (&'static str, fn(&Path));

/// A store with two contexts, closed; the first is published and has changes in the draft.
fn two_contexts() -> TempDir {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    commit(&runtime, edit().put(usage("html", "h1"), html("changed")));
    let other = other_context();
    let top = other.make_usage_key("course", "course").unwrap();
    commit(
        &runtime,
        Edit::new(other, Base::New { root: top.clone() }).put(top, BlockData::default()).publish_all(),
    );
    folder
}

fn files_named(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_named(&path, wanted));
        } else if wanted(&path) {
            found.push(path);
        }
    }
    found
}

/// The document of the first context's draft, or its snapshots.
fn documents_of_the_course(folder: &Path, is_draft: bool) -> Vec<PathBuf> {
    let db = Connection::open(folder.join("db.sqlite3")).unwrap();
    let column = if is_draft { "d.uuid" } else { "b.uuid" };
    let query = format!(
        "SELECT {column} FROM bundles_bundle b JOIN bundles_draft d ON d.bundle_id = b.id ORDER BY b.id LIMIT 1"
    );
    let uuid: String = db.query_row(&query, [], |row| row.get(0)).unwrap();
    let place = folder.join("storage").join(uuid::Uuid::parse_str(&uuid).unwrap().to_string());
    files_named(&place, &|path| {
        if is_draft { path.ends_with("summary.json") } else { path.parent().unwrap().ends_with("snapshots") }
    })
}

fn read_only(folder: &Path) -> BlockstoreRuntime {
    BlockstoreRuntime::open_read_only(folder, registry(), clock()).expect("the store opens")
}

fn readers(folder: &Path) -> [BlockstoreRuntime; 2] {
    [open(folder), read_only(folder)]
}

#[test]
fn a_damaged_snapshot_is_noticed_by_the_first_read() {
    let damages: [Damage; 4] = [
        ("deleted", |file| fs::remove_file(file).unwrap()),
        ("truncated", |file| fs::write(file, &fs::read(file).unwrap()[..40]).unwrap()),
        ("emptied", |file| fs::write(file, "").unwrap()),
        ("edited", |file| {
            let text = fs::read_to_string(file).unwrap();
            fs::write(file, text.replacen("html/h1", "html/h9", 1)).unwrap();
        }),
    ];
    for (damage, do_it) in damages {
        let folder = two_contexts();
        let documents = documents_of_the_course(folder.path(), false);
        documents.iter().for_each(|file| do_it(file));
        let digest = documents[0].file_name().unwrap().to_str().unwrap().to_owned();
        for runtime in readers(folder.path()) {
            for branch in Branch::ALL {
                match runtime.usages(&context(), branch) {
                    Err(RuntimeError::Corrupt { place, .. }) => assert!(place.contains(&digest), "{place}"),
                    other => panic!("{damage}, {branch:?}: {other:?}"),
                }
            }
            let whole = runtime.context(&context());
            assert!(matches!(whole, Err(RuntimeError::Corrupt { .. })), "{damage}: {whole:?}");
            // The other context does not suffer.
            assert_eq!(runtime.contexts().unwrap(), [context(), other_context()]);
            runtime.context(&other_context()).unwrap();
            snapshot(&runtime, &other_context(), Branch::Published);
        }
    }
}

#[test]
fn a_damaged_draft_leaves_the_published_branch_and_other_contexts() {
    for with_index in [true, false] {
        for text in [None, Some("{")] {
            let folder = two_contexts();
            let published = snapshot(&open(folder.path()), &context(), Branch::Published);
            let summary = &documents_of_the_course(folder.path(), true)[0];
            match text {
                None => fs::remove_file(summary).unwrap(),
                Some(text) => fs::write(summary, text).unwrap(),
            }
            if !with_index {
                let db = Connection::open(folder.path().join("db.sqlite3")).unwrap();
                db.execute_batch(
                    "DELETE FROM xblock_state; DELETE FROM xblock_usage; DELETE FROM xblock_bundle;",
                )
                .unwrap();
            }
            for runtime in readers(folder.path()) {
                assert_eq!(runtime.contexts().unwrap(), [context(), other_context()]);
                let record = runtime.context(&context()).unwrap();
                assert_eq!(record.root, root());
                assert!(record.published.is_some());
                assert_eq!(snapshot(&runtime, &context(), Branch::Published), published);
                let draft = runtime.block(&usage("html", "h1"), Branch::Draft);
                match draft {
                    Err(RuntimeError::Corrupt { place, .. }) => {
                        assert!(place.contains("summary.json"), "{place}");
                    }
                    other => panic!("a damaged draft is an error, not {other:?}"),
                }
                runtime.changes(Default::default(), 100).unwrap();
                snapshot(&runtime, &other_context(), Branch::Draft);
            }
            let runtime = open(folder.path());
            let written = runtime.commit(edit().put(usage("html", "h2"), html("x")));
            assert!(matches!(written, Err(RuntimeError::Corrupt { .. })), "{written:?}");
            let at = other_context().make_usage_key("html", "h").unwrap();
            commit(&runtime, Edit::new(other_context(), Base::Any).put(at, html("x")));
        }
    }
}

#[test]
fn the_database_of_another_program_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("db.sqlite3");
    let db = Connection::open(&file).unwrap();
    db.execute_batch("CREATE TABLE boats (name TEXT); INSERT INTO boats VALUES ('Ida');").unwrap();
    drop(db);
    let before = fs::read(&file).unwrap();
    match BlockstoreRuntime::open(folder.path(), registry(), clock()) {
        Err(RuntimeError::Corrupt { place, .. }) => assert!(place.ends_with("db.sqlite3"), "{place}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("the database is taken for a store"),
    }
    assert_eq!(fs::read(&file).unwrap(), before);
    assert!(!folder.path().join("storage").exists());
}

fn protect(folder: &Path, is_protected: bool) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            protect(&path, is_protected);
        } else {
            fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        }
    }
    fs::set_permissions(folder, Permissions::from_mode(if is_protected { 0o555 } else { 0o755 })).unwrap();
}

#[test]
#[ignore = "runs as a user who may not write, for the test below"]
fn reads_what_it_may_not_write() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    assert!(fs::write(folder.join("new"), "").is_err(), "this user may not write");
    let runtime = read_only(&folder);
    assert_eq!(runtime.contexts().unwrap(), [context(), other_context()]);
    for branch in Branch::ALL {
        assert!(snapshot(&runtime, &context(), branch).len() > 5);
    }
    assert!(matches!(runtime.commit(edit()), Err(RuntimeError::ReadOnly)));
}

#[test]
fn a_closed_store_is_read_where_nothing_can_be_written() {
    for with_index in [true, false] {
        let folder = two_contexts();
        if !with_index {
            let db = Connection::open(folder.path().join("db.sqlite3")).unwrap();
            db.execute_batch("DELETE FROM xblock_state; DELETE FROM xblock_bundle;").unwrap();
        }
        assert!(!folder.path().join("db.sqlite3-wal").exists(), "the store was closed");
        protect(folder.path(), true);
        let program = std::env::current_exe().unwrap();
        let arguments = ["damage::reads_what_it_may_not_write", "--exact", "--ignored", "--nocapture"];
        let run = |mut command: Command| command.args(arguments).env(FOLDER, folder.path()).output();
        let is_root = fs::write(folder.path().join("new"), "").is_ok();
        let output = if is_root {
            // Root may write anywhere, so another user looks; without the tool or a way to the program nobody does.
            fs::remove_file(folder.path().join("new")).unwrap();
            let copy = tempfile::tempdir().unwrap();
            fs::set_permissions(copy.path(), Permissions::from_mode(0o755)).unwrap();
            let copied = copy.path().join("program");
            fs::copy(&program, &copied).unwrap();
            fs::set_permissions(&copied, Permissions::from_mode(0o755)).unwrap();
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copied).current_dir("/");
            let Ok(output) = run(command) else { return };
            output
        } else {
            run(Command::new(&program)).unwrap()
        };
        protect(folder.path(), false);
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }
}
