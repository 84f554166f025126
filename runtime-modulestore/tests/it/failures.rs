//! What goes wrong, and that nothing is lost by it.

use std::process::Command;
use std::sync::Arc;

use bson::doc;
use runtime_modulestore::ModulestoreRuntime;
use rusqlite::Connection;
use serde_json::json;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{AssetSource, Base, BlockData, Branch, Edit, EditOp, Runtime, RuntimeError};
use xblock_testkit::fixture::{
    asset, attributes, block, commit, context, draft_course, edit, html, map, published_course, put_asset,
    snapshot, usage,
};

use crate::classes::registry;
use crate::fixture::{clock, new_store, open};

/// A structure or definition beyond a document's size is refused by name, before anything is written.
#[test]
fn too_large_documents_are_refused() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let before = snapshot(&runtime, &context(), Branch::Draft);
    let large = "x".repeat(17 * 1024 * 1024);
    let structure = edit().put(usage("vertical", "u1"), block(json!({ "display_name": large }), &[]));
    match runtime.commit(structure) {
        Err(RuntimeError::Unstorable { place, reason }) => {
            assert_eq!(place, "the structure of course-v1:Harbour+TIDES+2031");
            assert!(reason.contains("16777216"), "{reason}");
        }
        other => panic!("too large, not {other:?}"),
    }
    let definition = edit().put(usage("html", "h2"), html("small")).put(usage("html", "h1"), html(&large));
    match runtime.commit(definition) {
        Err(RuntimeError::Unstorable { place, .. }) => {
            assert_eq!(place, "the definition of block-v1:Harbour+TIDES+2031+type@html+block@h1");
        }
        other => panic!("too large, not {other:?}"),
    }
    assert_eq!(snapshot(&runtime, &context(), Branch::Draft), before);
}

/// Names that BSON cannot spell are refused with the field's name.
#[test]
fn a_zero_byte_in_a_name_is_refused() {
    let (runtime, _folder) = new_store();
    draft_course(&runtime);
    let odd = BlockData { settings: map(json!({ "a\u{0}b": 1 })), ..BlockData::default() };
    match runtime.commit(edit().put(usage("html", "h1"), odd)) {
        Err(RuntimeError::Unstorable { place, .. }) => assert!(place.contains("a\\0b"), "{place}"),
        other => panic!("unstorable, not {other:?}"),
    }
}

/// Keys Split has no place for are refused by name.
#[test]
fn other_kinds_of_contexts_are_refused() {
    let (runtime, _folder) = new_store();
    let library: ContextKey = "lib:Harbour:knots".parse().expect("a key");
    let root = library.make_usage_key("library", "library").expect("a key");
    let made = Edit::new(library.clone(), Base::New { root: root.clone() }).put(root, BlockData::default());
    match runtime.commit(made) {
        Err(RuntimeError::UnsupportedKey { key, store, .. }) => {
            assert_eq!((key.as_str(), store), ("lib:Harbour:knots", "modulestore"));
        }
        other => panic!("unsupported, not {other:?}"),
    }
    assert!(matches!(runtime.context(&library), Err(RuntimeError::NoSuchContext { .. })));
}

/// A store that is opened for reading reads, and refuses to write.
#[test]
fn a_read_only_store_only_reads() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let path = folder.path().join("store.db");
    let reading = runtime_modulestore::ModulestoreRuntime::open_read_only(&path, registry(), clock())
        .expect("the store opens");
    assert_eq!(
        snapshot(&reading, &context(), Branch::Published),
        snapshot(&runtime, &context(), Branch::Published)
    );
    assert!(matches!(reading.commit(edit().publish_all()), Err(RuntimeError::ReadOnly)));
    let missing = folder.path().join("missing.db");
    let opened = runtime_modulestore::ModulestoreRuntime::open_read_only(&missing, registry(), clock());
    assert!(matches!(opened, Err(RuntimeError::Storage { .. })));
    assert!(!missing.exists());
}

/// A file of another kind is left alone.
#[test]
fn a_foreign_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "no database, but long enough to have a header of a hundred bytes ".repeat(4))
        .expect("a file");
    let opened = runtime_modulestore::ModulestoreRuntime::open(&text, registry(), clock());
    assert!(matches!(opened, Err(RuntimeError::Corrupt { place, .. }) if place.contains("notes.txt")));
    let other = folder.path().join("other.db");
    Connection::open(&other).expect("a database").execute_batch("CREATE TABLE t (x)").expect("a table");
    let opened = runtime_modulestore::ModulestoreRuntime::open(&other, registry(), clock());
    assert!(matches!(opened, Err(RuntimeError::Corrupt { place, .. }) if place.contains("other.db")));
}

/// Damage is reported with its place, and the blocks around it stay readable.
#[test]
fn damage_is_reported_with_its_place() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let h1 = runtime.block(&usage("html", "h1"), Branch::Draft).expect("the text").definition;
    let id = h1.as_split().and_then(|key| key.definition_id()).expect("an id");
    let database = Connection::open(folder.path().join("store.db")).expect("the file");
    let set = r#"UPDATE "modulestore.definitions" SET document = ? WHERE _id = ?"#;
    let mut cut = Vec::new();
    doc! { "_id": 1, "block_type": "html", "fields": { "data": "x" } }.to_writer(&mut cut).expect("BSON");
    let at = cut.windows(5).position(|window| window == b"data\0").expect("the field");
    cut[at + 5] = 0xff;
    for damage in [b"\x05\x00".to_vec(), b"no BSON at all".to_vec(), cut] {
        database.execute(set, rusqlite::params![damage, id.bytes()]).expect("an update");
        match open(folder.path()).block(&usage("html", "h1"), Branch::Draft) {
            Err(RuntimeError::Corrupt { place, .. }) => assert!(place.contains(&id.to_string()), "{place}"),
            other => panic!("damage, not {other:?}"),
        }
    }
    database
        .execute(r#"DELETE FROM "modulestore.definitions" WHERE _id = ?"#, [id.bytes()])
        .expect("a delete");
    match open(folder.path()).block(&usage("html", "h1"), Branch::Draft) {
        Err(RuntimeError::Corrupt { place, reason }) => {
            assert!(place.contains("block html+h1") && reason.contains(&id.to_string()), "{place}: {reason}");
        }
        other => panic!("damage, not {other:?}"),
    }
    assert!(open(folder.path()).block(&usage("problem", "p1"), Branch::Draft).is_ok());
    let set = r#"UPDATE "modulestore.structures" SET document = x'0500000000'"#;
    database.execute(set, []).expect("an update");
    let read = open(folder.path()).block(&usage("problem", "p1"), Branch::Draft);
    assert!(matches!(read, Err(RuntimeError::Corrupt { .. })), "{read:?}");
}

/// Unknown fields of every document survive an edit.
#[test]
fn unknown_fields_are_kept() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let database = Connection::open(folder.path().join("store.db")).expect("the file");
    let change = |table: &str, change: &dyn Fn(&mut bson::Document)| {
        let mut rows =
            database.prepare(&format!("SELECT _id, document FROM \"modulestore.{table}\"")).expect("SQL");
        let rows: Vec<(Vec<u8>, Vec<u8>)> = rows
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .expect("rows");
        for (id, bytes) in rows {
            let mut document = bson::Document::from_reader(bytes.as_slice()).expect("BSON");
            change(&mut document);
            let set = format!("UPDATE \"modulestore.{table}\" SET document = ? WHERE _id = ?");
            database
                .execute(&set, rusqlite::params![document.to_vec().expect("BSON"), id])
                .expect("an update");
        }
    };
    let mark = |document: &mut bson::Document| {
        document.insert("later", doc! { "release": 1 });
    };
    change("active_versions", &mark);
    change("definitions", &mark);
    change("structures", &|document| {
        mark(document);
        for block in document.get_array_mut("blocks").expect("blocks") {
            let block = block.as_document_mut().expect("a document");
            mark(block);
            mark(block.get_document_mut("edit_info").expect("edit info"));
        }
    });
    let again = open(folder.path());
    commit(&again, edit().put(usage("html", "h1"), html("second")).publish_all());
    let marked = |table: &str, id: &str| {
        let sql = format!("SELECT document FROM \"modulestore.{table}\" WHERE hex(_id) = upper(?)");
        let bytes: Vec<u8> = database.query_row(&sql, [id], |row| row.get(0)).expect("the document");
        let document = bson::Document::from_reader(bytes.as_slice()).expect("BSON");
        assert!(document.contains_key("later"), "{table}: {document}");
        document
    };
    let record = again.context(&context()).expect("the context");
    for branch in Branch::ALL {
        let structure = marked("structures", &record.head(branch).expect("a head").version.0);
        for block in structure.get_array("blocks").expect("blocks") {
            let block = block.as_document().expect("a document");
            assert!(
                block.contains_key("later")
                    && block.get_document("edit_info").expect("it").contains_key("later")
            );
        }
    }
    let h1 = again.block(&usage("html", "h1"), Branch::Draft).expect("the text").definition;
    marked("definitions", &h1.as_split().and_then(|key| key.definition_id()).expect("an id").to_string());
    let index: Vec<u8> = database
        .query_row("SELECT document FROM \"modulestore.active_versions\"", [], |row| row.get(0))
        .expect("the index");
    assert!(bson::Document::from_reader(index.as_slice()).expect("BSON").contains_key("later"));
}

/// Bytes that cannot be read leave the store as it was.
#[test]
fn an_unreadable_file_leaves_nothing() {
    struct Broken;
    impl AssetSource for Broken {
        fn open(&self) -> std::io::Result<Box<dyn std::io::Read + Send + '_>> {
            use std::io::Read;
            let failing = std::io::repeat(7).take(400_000).chain(FailingReader);
            Ok(Box::new(failing))
        }
    }
    struct FailingReader;
    impl std::io::Read for FailingReader {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let before = runtime.context(&context()).expect("the context");
    let put = EditOp::PutAsset { key: asset("a.bin"), data: attributes("a.bin"), content: Arc::new(Broken) };
    let failing = edit().put(usage("html", "h1"), html("lost")).with(put);
    assert!(matches!(runtime.commit(failing), Err(RuntimeError::Storage { .. })));
    assert_eq!(runtime.context(&context()).expect("the context"), before);
    assert!(matches!(runtime.asset(&asset("a.bin"), Branch::Draft), Err(RuntimeError::NoSuchAsset { .. })));
}

/// Two processes' worth of stores on one file see each other's commits, and conflict where they must.
#[test]
fn two_stores_on_one_file_meet() {
    let (one, folder) = new_store();
    let two = open(folder.path());
    let base = published_course(&one).draft;
    assert_eq!(two.context(&context()).expect("the context").draft.version, base);
    let write = |runtime: &dyn Runtime, text: &str| {
        runtime.commit(Edit::new(context(), Base::Version(base.clone())).put(usage("html", "h1"), html(text)))
    };
    let first = write(&two, "two").expect("the first wins").draft;
    match write(&one, "one") {
        Err(RuntimeError::Conflict { head, .. }) => assert_eq!(head, first),
        other => panic!("a conflict, not {other:?}"),
    }
    assert_eq!(one.block(&usage("html", "h1"), Branch::Draft).expect("the text").data.content["data"], "two");
}

/// A path that is a directory is told to be one.
#[test]
fn a_directory_is_no_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let opened = [
        ModulestoreRuntime::open(folder.path(), registry(), clock()),
        ModulestoreRuntime::open_read_only(folder.path(), registry(), clock()),
    ];
    for opened in opened {
        match opened.err() {
            Some(RuntimeError::Corrupt { reason, .. }) => assert!(reason.contains("directory"), "{reason}"),
            other => panic!("it is a directory, not {other:?}"),
        }
    }
}

/// Whichever page of the file is garbled, nothing seems to be absent that is only damaged.
#[test]
fn a_garbled_page_makes_no_context_disappear() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    drop(runtime);
    let file = folder.path().join("store.db");
    let whole = std::fs::read(&file).expect("the file");
    // As the file's header says.
    let length = usize::from(u16::from_be_bytes([whole[16], whole[17]]));
    let mut damaged = 0;
    for fill in [0, 0x0d, 0x55] {
        for page in 1..whole.len() / length {
            let mut bytes = whole.clone();
            bytes[page * length..(page + 1) * length].fill(fill);
            if fill == 0x0d {
                // A page that is sound and empty.
                bytes[page * length..(page + 1) * length].fill(0);
                bytes[page * length] = whole[page * length];
            }
            std::fs::write(&file, &bytes).expect("the file is garbled");
            for open in [ModulestoreRuntime::open, ModulestoreRuntime::open_read_only] {
                let found = open(&file, registry(), clock())
                    .and_then(|runtime| Ok((runtime.contexts()?, runtime.context(&context()))));
                match found {
                    Ok((contexts, read)) => {
                        assert_eq!(contexts, [context()], "page {page} of {fill}");
                        assert!(
                            matches!(read, Ok(_) | Err(RuntimeError::Corrupt { .. })),
                            "page {page} of {fill}: {read:?}"
                        );
                        damaged += usize::from(read.is_err());
                    }
                    Err(RuntimeError::Corrupt { .. }) => damaged += 1,
                    Err(other) => panic!("page {page} of {fill}: {other:?}"),
                }
            }
        }
    }
    assert!(damaged > 6, "{damaged}");
}

const READ_ONLY: &str = "MODULESTORE_READ_ONLY_FOLDER";

#[test]
#[ignore = "runs as a user who may not write, for the test below"]
fn reads_what_it_may_not_write() {
    let Some(folder) = std::env::var_os(READ_ONLY).map(std::path::PathBuf::from) else { return };
    assert!(std::fs::write(folder.join("new"), "").is_err(), "this user may not write");
    let runtime = ModulestoreRuntime::open_read_only(folder.join("store.db"), registry(), clock())
        .expect("the store opens");
    for branch in Branch::ALL {
        assert!(snapshot(&runtime, &context(), branch).len() > 5);
    }
    assert!(matches!(runtime.commit(edit()), Err(RuntimeError::ReadOnly)));
}

/// A store that was closed is read by a user who may not write beside it.
#[cfg(unix)]
#[test]
fn a_closed_store_is_read_where_nothing_can_be_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the mode is set");
    };
    let (runtime, folder) = new_store();
    published_course(&runtime);
    drop(runtime);
    let store = folder.path().join("store.db");
    assert!(!folder.path().join("store.db-wal").exists(), "the store was closed");
    mode(&store, 0o444);
    mode(folder.path(), 0o555);
    let is_root = std::fs::write(folder.path().join("new"), "").is_ok();
    // Root may write anywhere, so another user looks, with a copy of the program that he can get at.
    let copy = tempfile::tempdir().expect("a folder");
    mode(copy.path(), 0o755);
    let program = copy.path().join("program");
    std::fs::copy(std::env::current_exe().expect("this program"), &program).expect("a copy");
    let mut command = if is_root {
        std::fs::remove_file(folder.path().join("new")).expect("it is removed");
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    let output = command
        .args(["failures::reads_what_it_may_not_write", "--exact", "--ignored", "--nocapture"])
        .current_dir("/")
        .env(READ_ONLY, folder.path())
        .output();
    mode(folder.path(), 0o755);
    // Without setpriv nobody can look.
    let Ok(output) = output else { return };
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// Documents with garbled bytes are errors where they are met; nothing panics or hangs, and what is whole is read.
#[test]
fn garbled_documents_end_no_process() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    commit(&runtime, edit().put(usage("html", "h1"), html("two")));
    drop(runtime);
    let file = folder.path().join("store.db");
    let tables = ["structures", "definitions", "active_versions"];
    let documents = |table: &str| -> Vec<(Vec<u8>, Vec<u8>)> {
        let db = Connection::open(&file).expect("the file opens");
        let mut query = db
            .prepare(&format!(r#"SELECT _id, document FROM "modulestore.{table}" ORDER BY _id"#))
            .expect("the table");
        query
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("the rows")
            .map(|row| row.expect("a row"))
            .collect()
    };
    let whole = tables.map(documents);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |bound: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % bound
    };
    let mut met = 0;
    for round in 0..120 {
        let table = next(10).saturating_sub(7);
        let (id, document) = &whole[table][next(whole[table].len())];
        let mut bytes = document.clone();
        if round % 8 == 0 {
            bytes.truncate(next(bytes.len()));
        }
        for _ in 0..=next(3) {
            if !bytes.is_empty() {
                let at = next(bytes.len());
                bytes[at] = if next(2) == 0 { next(256) as u8 } else { bytes[at].wrapping_add(1) };
            }
        }
        let write = |bytes: &[u8]| {
            let sql = format!(r#"UPDATE "modulestore.{}" SET document = ? WHERE _id = ?"#, tables[table]);
            let db = Connection::open(&file).expect("the file opens");
            db.execute(&sql, rusqlite::params![bytes, id]).expect("the row");
        };
        write(&bytes);
        let runtime = open(folder.path());
        let _ = runtime.contexts();
        for branch in Branch::ALL {
            for usage in runtime.usages(&context(), branch).unwrap_or_default() {
                let _ = (runtime.block(&usage, branch), runtime.parents(&usage, branch));
            }
            if let Ok(view) = runtime.view(&context(), branch) {
                for block in view.outline().flatten() {
                    let _ = (block.usage(), block.children().count(), block.setting("display_name"));
                }
            }
            let _ = (runtime.history(&context(), branch), runtime.sizes(&context(), branch));
            let _ = runtime.orphans(&context(), branch);
        }
        let _ = runtime.prune(&runtime_modulestore::PruneOptions::default());
        let report = runtime.fsck(runtime_modulestore::FsckOptions::default());
        met += usize::from(report.map_or(true, |report| !report.findings.is_empty()));
        let context = runtime.context(&context());
        if let Ok(context) = context {
            // A refused commit changes nothing; one that goes through is taken back for the next round.
            let _ = runtime.commit(edit().with(EditOp::PatchBlock {
                usage: usage("vertical", "u1"),
                patch: xblock_core::runtime::BlockPatch {
                    settings: vec![("display_name".into(), Some(round.into()))],
                    ..Default::default()
                },
            }));
            drop(context);
        }
        drop(runtime);
        let db = Connection::open(&file).expect("the file opens");
        for (table, documents) in tables.iter().zip(&whole) {
            for (id, document) in documents {
                let sql = format!(r#"UPDATE "modulestore.{table}" SET document = ? WHERE _id = ?"#);
                db.execute(&sql, rusqlite::params![document, id]).expect("the row");
            }
        }
    }
    assert!(met > 10, "only {met} were noticed");
    // A commit may have gone through on a garbled draft, whose version is no head any more.
    assert!(open(folder.path()).fsck(Default::default()).expect("the check").findings.is_sound());
}

/// An index that cannot be read, whatever is wrong with it, hides no other course.
#[test]
fn a_damaged_index_hides_no_other() {
    let spoils: [fn(&mut bson::Document); 5] = [
        |index| drop(index.insert("versions", bson::Bson::Null)),
        |index| drop(index.insert("run", 7)),
        |index| drop(index.insert("org", "X Y")),
        |index| drop(index.remove("_id")),
        |index| drop(index.remove("course")),
    ];
    for (n, spoil) in spoils.into_iter().enumerate() {
        let (runtime, folder) = new_store();
        published_course(&runtime);
        let other: ContextKey = "course-v1:Harbour+OTHER+2031".parse().expect("a key");
        let root = other.make_usage_key("course", "course").expect("a key");
        let new = Edit::new(other.clone(), Base::New { root: root.clone() });
        commit(&runtime, new.put(root.clone(), block(json!({}), &[])));
        drop(runtime);
        let db = Connection::open(folder.path().join("store.db")).expect("the file");
        let table = r#""modulestore.active_versions""#;
        let sql = format!("SELECT document FROM {table} WHERE course = 'OTHER'");
        let bytes: Vec<u8> = db.query_row(&sql, [], |row| row.get(0)).expect("the index");
        let mut index = bson::Document::from_reader(bytes.as_slice()).expect("BSON");
        spoil(&mut index);
        let sql = format!("UPDATE {table} SET document = ? WHERE course = 'OTHER'");
        db.execute(&sql, [index.to_vec().expect("BSON")]).expect("written");
        drop(db);

        let runtime = open(folder.path());
        assert_eq!(runtime.contexts().expect("the contexts"), [context()], "{n}");
        let damaged = runtime.damaged_contexts().expect("the damage");
        assert!(matches!(&damaged[..], [RuntimeError::Corrupt { .. }]), "{n}: {damaged:?}");
        let report = runtime.fsck(runtime_modulestore::FsckOptions::default()).expect("the check");
        assert_eq!(report.findings.iter().filter(|finding| finding.code == "index").count(), 1, "{n}");
        commit(&runtime, edit().put(usage("html", "h1"), html("more")).publish_all());
        // What it leads to might be taken out.
        let pruned = runtime.prune(&runtime_modulestore::PruneOptions::default());
        assert!(matches!(pruned, Err(RuntimeError::Corrupt { .. })), "{n}: {pruned:?}");
    }
}

/// A file whose document is no text where it has to be gets another in its place, and comes back as it was.
#[test]
fn a_file_with_a_damaged_document_can_be_replaced() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let first = commit(&runtime, edit().with(put_asset("a.txt", b"first")).publish_all());
    let database = Connection::open(folder.path().join("store.db")).expect("the file");
    let mut document: Vec<u8> = database
        .query_row("SELECT document FROM files WHERE bucket = 'fs'", [], |row| row.get(0))
        .expect("the file's document");
    let at = document.windows(10).position(|part| part == b"text/plain").expect("its type");
    document[at] = 0xff;
    database.execute("UPDATE files SET document = ? WHERE bucket = 'fs'", [&document]).expect("an update");
    let runtime = open(folder.path());
    assert!(matches!(runtime.asset(&asset("a.txt"), Branch::Published), Err(RuntimeError::Corrupt { .. })));
    commit(&runtime, edit().with(put_asset("a.txt", b"second")).publish_all());
    assert_eq!(runtime.read_asset(&asset("a.txt"), Branch::Published).expect("the file"), b"second");
    let version = first.published.expect("a version");
    assert_eq!(runtime.version(&context(), &version).expect("the version").assets, Some(Vec::new()));
    commit(&runtime, edit().with(EditOp::Restore(version)).publish_all());
    let kept: Vec<u8> = database
        .query_row("SELECT document FROM files WHERE bucket = 'fs'", [], |row| row.get(0))
        .expect("the file's document");
    assert_eq!(kept, document);
    assert_eq!(runtime.read_asset(&asset("a.txt"), Branch::Published).expect("the bytes"), b"first");
}
