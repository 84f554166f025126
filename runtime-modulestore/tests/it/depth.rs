//! Documents that are nothing but levels: damage of the one block they are in, never the end of the process.

use bson::raw::{CStr, RawArrayBuf, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use runtime_modulestore::{FsckOptions, ModulestoreRuntime, Severity};
use rusqlite::{Connection, params};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use xblock_core::runtime::{Branch, EditOp, MemoryRuntime, Runtime, RuntimeError};
use xblock_testkit::fixture::{block, commit, context, edit, html, published_course, usage};

use crate::fixture::{new_store, open};

/// Makes an empty document within so many others.
fn nested(levels: usize) -> RawDocumentBuf {
    let mut inner = vec![5, 0, 0, 0, 0];
    for _ in 1..levels {
        let length = i32::try_from(inner.len() + 8).expect("short").to_le_bytes();
        inner = [&length[..], &[3, b'a', 0], &inner, &[0]].concat();
    }
    RawDocumentBuf::from_bytes(inner).expect("a document")
}

/// Copies a document with another value in a member's place, or with one more member.
fn with<'a>(document: &'a RawDocument, name: &CStr, value: impl Into<RawBsonRef<'a>>) -> RawDocumentBuf {
    let mut copy = RawDocumentBuf::new();
    for element in document {
        let (other, value) = element.expect("BSON");
        if other.as_str() != name.as_str() {
            copy.append(other, value);
        }
    }
    copy.append(name, value.into());
    copy
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    DefinitionField,
    DefinitionMember,
    BlockField,
    BlockMember,
}

/// A course in whose block `h1` something is nested so deep.
fn store(place: Place, levels: usize) -> (ModulestoreRuntime, TempDir) {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    drop(runtime);
    let (deep, name) = (nested(levels), cstr!("unheard_of"));
    let spoil = |document: &RawDocument, is_in_fields: bool| {
        if !is_in_fields {
            return with(document, name, &*deep);
        }
        let fields = with(document.get_document("fields").expect("fields"), name, &*deep);
        with(document, cstr!("fields"), &*fields)
    };
    let db = Connection::open(folder.path().join("store.db")).expect("the file");
    let rows = |table: &str| -> Vec<(i64, RawDocumentBuf)> {
        let mut select = db.prepare(&format!(r#"SELECT rowid, document FROM "{table}""#)).expect("a query");
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?))).expect("rows");
        rows.map(|row| {
            row.map(|(id, bytes)| (id, RawDocumentBuf::from_bytes(bytes).expect("BSON"))).expect("a row")
        })
        .collect()
    };
    let set = |table: &str, row: i64, document: &RawDocument| {
        let sql = format!(r#"UPDATE "{table}" SET document = ? WHERE rowid = ?"#);
        db.execute(&sql, params![document.as_bytes(), row]).expect("written");
    };
    let mut definitions = Vec::new();
    for (row, structure) in rows("modulestore.structures") {
        let mut blocks = RawArrayBuf::new();
        for item in structure.get_array("blocks").expect("blocks") {
            let item = item.expect("BSON").as_document().expect("a block");
            if item.get_str("block_id").expect("an id") != "h1" {
                blocks.push(item);
                continue;
            }
            definitions.push(item.get_object_id("definition").expect("an id"));
            match place {
                Place::BlockField => blocks.push(&*spoil(item, true)),
                Place::BlockMember => blocks.push(&*spoil(item, false)),
                _ => blocks.push(item),
            }
        }
        set("modulestore.structures", row, &with(&structure, cstr!("blocks"), &blocks));
    }
    for (row, definition) in rows("modulestore.definitions") {
        let is_it = definitions.contains(&definition.get_object_id("_id").expect("an id"));
        match place {
            Place::DefinitionField if is_it => set("modulestore.definitions", row, &spoil(&definition, true)),
            Place::DefinitionMember if is_it => {
                set("modulestore.definitions", row, &spoil(&definition, false))
            }
            _ => {}
        }
    }
    drop(db);
    (open(folder.path()), folder)
}

/// Reads, edits, publishing, the check and dumps all come back, with an error where they meet the block.
#[test]
fn what_is_nested_too_deep_is_damage_of_one_block() {
    for place in [Place::DefinitionField, Place::DefinitionMember, Place::BlockField, Place::BlockMember] {
        for levels in [150, 1_000, 30_000] {
            let at = format!("{place:?}, {levels}");
            let (runtime, folder) = store(place, levels);
            let read = runtime.block(&usage("html", "h1"), Branch::Draft);
            match place {
                // What nobody asks for is passed over.
                Place::DefinitionMember | Place::BlockMember => assert!(read.is_ok(), "{at}: {read:?}"),
                _ => assert!(matches!(read, Err(RuntimeError::Corrupt { .. })), "{at}: {read:?}"),
            }
            for branch in Branch::ALL {
                runtime.block(&usage("problem", "p1"), branch).expect("another block");
                let records = runtime.view(&context(), branch).expect("a view");
                assert_eq!(
                    records.every_block(None).filter(Result::is_err).count(),
                    usize::from(read.is_err()),
                    "{at}"
                );
            }
            let report = runtime.fsck(FsckOptions::default()).expect("the check");
            let found: Vec<_> =
                report.findings.iter().filter(|finding| finding.severity == Severity::Damage).collect();
            assert!(found.iter().any(|finding| finding.reason.contains("nested")), "{at}: {found:?}");

            let out = folder.path().join("out");
            runtime.export_dump(&out).expect("a dump");
            for edit in [
                edit().put(usage("html", "h1"), html("more")),
                edit().put(usage("problem", "p1"), html("more")).publish_all(),
                edit().with(EditOp::DeleteBlock { usage: usage("html", "h1") }),
            ] {
                let outcome = runtime.commit(edit);
                assert!(matches!(outcome, Ok(_) | Err(RuntimeError::Corrupt { .. })), "{at}: {outcome:?}");
            }
        }
    }
}

/// As many levels as MongoDB promises are read and written on.
#[test]
fn what_mongodb_takes_is_no_damage() {
    for place in [Place::DefinitionField, Place::DefinitionMember, Place::BlockField, Place::BlockMember] {
        let (runtime, _folder) = store(place, 100);
        let before = runtime.block(&usage("html", "h1"), Branch::Draft).expect("the block");
        commit(&runtime, edit().put(usage("html", "h1"), (*before.data).clone()).publish_all());
        let after = runtime.block(&usage("html", "h1"), Branch::Published).expect("the block");
        assert_eq!(after.data, before.data);
        let report = runtime.fsck(FsckOptions::default()).expect("the check");
        assert!(report.findings.iter().all(|finding| finding.severity != Severity::Damage));
    }
}

/// Values that could not be read back are refused before anything is written, and as deep as is allowed they come back.
#[test]
fn values_nested_too_deep_are_not_written() {
    fn deep(levels: usize) -> Json {
        (1..levels).fold(json!([]), |inner, _| json!([inner]))
    }
    let (modulestore, _folder) = new_store();
    let memory = MemoryRuntime::new(crate::fixture::clock());
    for runtime in [&modulestore as &dyn Runtime, &memory] {
        published_course(runtime);
        let data = |levels| block(json!({ "odd": deep(levels) }), &[]);
        for levels in [121, 1_000] {
            match runtime.commit(edit().put(usage("html", "h1"), data(levels))) {
                Err(RuntimeError::Unstorable { place, reason }) => {
                    assert!(place.contains("odd") && place.contains("h1"), "{place}");
                    assert!(reason.contains("120 levels"), "{reason}");
                }
                other => panic!("too deep, not {other:?}"),
            }
        }
        commit(runtime, edit().put(usage("html", "h1"), data(120)).publish_all());
        let read = runtime.block(&usage("html", "h1"), Branch::Published).expect("the block");
        assert_eq!(read.data.settings["odd"], deep(120));
    }
}

/// An index, and the id of a file, are no other documents.
#[test]
fn other_documents_are_looked_at_as_well() {
    let index = with(&RawDocumentBuf::new(), cstr!("search_targets"), &*nested(30_000));
    let read = runtime_modulestore::documents::CourseIndex::read(&index);
    assert!(matches!(read, Err(RuntimeError::Corrupt { .. })), "{read:?}");
    let file = with(&RawDocumentBuf::new(), cstr!("_id"), &*nested(30_000));
    let read = runtime_modulestore::documents::FileId::of(&file, "_id");
    assert!(matches!(read, Err(RuntimeError::Corrupt { .. })), "{read:?}");
}
