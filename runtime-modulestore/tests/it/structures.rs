//! Blocks are found in a structure's bytes, whatever else stands there and however the bytes come in.

use std::num::NonZero;

use bson::oid::ObjectId;
use bson::raw::RawDocumentBuf;
use bson::{Bson, Document, doc};
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::documents::Structure;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{BlockRecord, Branch, Runtime, RuntimeError};
use xblock_testkit::fixture::{block, commit, context, edit, html, published_course, usage};

use crate::fixture::{new_store, open};
use crate::shapes::head;

fn read(document: &Document) -> Result<Structure, RuntimeError> {
    let bytes = RawDocumentBuf::try_from(document).expect("BSON").into_bytes();
    Structure::read(document.get_object_id("_id").expect("an id"), bytes)
}

fn structure(blocks: Vec<Document>) -> Document {
    doc! {
        "_id": ObjectId::from_bytes([1; 12]),
        "blocks": blocks,
        "root": ["course", "course"],
        "edited_on": bson::DateTime::from_millis(5),
    }
}

/// Opens the store again after the draft's structure was changed behind its back.
pub(crate) fn with_draft(
    (runtime, folder): (ModulestoreRuntime, TempDir),
    change: impl FnOnce(&mut Document),
) -> (ModulestoreRuntime, TempDir) {
    let mut draft = head(&runtime, Branch::Draft);
    drop(runtime);
    change(&mut draft);
    let id = draft.get_object_id("_id").expect("an id").bytes();
    let bytes = RawDocumentBuf::try_from(&draft).expect("BSON").into_bytes();
    let db = Connection::open(folder.path().join("store.db")).expect("the file opens");
    let sql = r#"UPDATE "modulestore.structures" SET document = ? WHERE _id = ?"#;
    assert_eq!(db.execute(sql, rusqlite::params![bytes, id]).expect("the row"), 1);
    (open(folder.path()), folder)
}

fn course() -> (ModulestoreRuntime, TempDir) {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    (runtime, folder)
}

fn block_mut<'d>(draft: &'d mut Document, block_id: &str) -> &'d mut Document {
    let blocks = draft.get_array_mut("blocks").expect("blocks");
    let found = blocks
        .iter_mut()
        .map(|block| block.as_document_mut().expect("a document"))
        .find(|block| block.get_str("block_id").is_ok_and(|id| id == block_id));
    found.unwrap_or_else(|| panic!("no block {block_id}"))
}

fn everything(runtime: &ModulestoreRuntime, threads: usize) -> Vec<Result<BlockRecord, String>> {
    let view = runtime.view(&context(), Branch::Draft).expect("a view");
    let all = view.every_block(NonZero::new(threads));
    all.map(|block| block.map_err(|error| error.to_string())).collect()
}

fn outline(runtime: &ModulestoreRuntime) -> Vec<Result<(UsageKey, Vec<UsageKey>), String>> {
    let view = runtime.view(&context(), Branch::Draft).expect("a view");
    let outline = view.outline().map(|block| {
        let block = block?;
        let children = block.children().map(|child| child.cloned()).collect::<Result<_, _>>()?;
        Ok((block.usage()?.clone(), children))
    });
    outline.map(|block: Result<_, RuntimeError>| block.map_err(|error| error.to_string())).collect()
}

/// edx-platform writes a block's fields before its name; other fields may stand anywhere.
#[test]
fn the_order_of_fields_is_no_matter() {
    let fields =
        doc! { "display_name": "The course", "children": [["html", "b"], ["html", "a"], ["html", "gone"]] };
    let read = read(&structure(vec![
        doc! { "fields": fields, "more": [1, { "block_id": "no" }], "block_id": "course", "block_type": "course" },
        doc! { "block_id": "b", "definition": Bson::Null, "block_type": "html" },
        doc! { "block_type": "html", "fields": Bson::Null, "block_id": "a" },
    ]))
    .expect("a structure");
    assert_eq!(read.keys().collect::<Vec<_>>(), [("course", "course"), ("html", "a"), ("html", "b")]);
    let root = read.block("course", "course").expect("the root");
    assert_eq!(root.children().expect("pairs"), [("html", "b"), ("html", "a"), ("html", "gone")]);
    for child in ["a", "b", "gone"] {
        assert_eq!(read.parents("html", child), [("course", "course")]);
    }
    assert_eq!(read.parents("html", "no"), []);
    assert!(read.block("html", "gone").is_none() && read.block("course", "a").is_none());
}

/// Of two blocks by one name edx-platform reads the last, and so do we; both stay in the document.
#[test]
fn of_two_blocks_by_one_name_the_last_is_read() {
    let block =
        |name: &str| doc! { "block_type": "html", "block_id": "a", "fields": { "display_name": name } };
    let read = read(&structure(vec![block("one"), block("two"), block("three")])).expect("a structure");
    let found = read.block("html", "a").expect("the block").fields().expect("readable").expect("fields");
    assert_eq!(found.get_str("display_name").expect("a text"), "three");
    assert_eq!(read.len(), 3);
}

/// What is no list of named blocks is refused with its place.
#[test]
fn what_has_no_name_is_refused() {
    let ours = |id: Bson| doc! { "block_type": "html", "block_id": id };
    let bad: [(Document, &str); 5] = [
        (structure(vec![ours("a".into()), ours(7.into())]), "block 1 is damaged: `block_id` is no string"),
        (structure(vec![doc! { "block_type": "html" }]), "block 0 is damaged: it has no `block_id`"),
        (structure(vec![doc! { "block_id": "html" }]), "block 0 is damaged: it has no `block_type`"),
        (doc! { "_id": ObjectId::from_bytes([1; 12]), "root": ["a", "b"] }, "it has no `blocks`"),
        (
            doc! { "_id": ObjectId::from_bytes([1; 12]), "root": ["a", "b"], "blocks": {} },
            "`blocks` is no list",
        ),
    ];
    for (document, expected) in bad {
        let error = read(&document).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let mut bytes =
        RawDocumentBuf::try_from(&structure(vec![ours("abcdef".into())])).expect("BSON").into_bytes();
    let at = bytes.windows(6).position(|six| six == b"abcdef").expect("the id");
    bytes[at] = 0xff;
    let error = Structure::read(ObjectId::from_bytes([1; 12]), bytes).expect_err("no text").to_string();
    assert!(error.contains("block 0 is damaged: `block_id`: invalid utf-8"), "{error}");
}

/// Texts are proved where they are read: a name that is none spoils its block, and only when it is asked for.
#[test]
fn a_text_that_is_none_spoils_its_block_only() {
    let (runtime, _folder) = {
        let (runtime, folder) = course();
        let mut draft = RawDocumentBuf::try_from(&head(&runtime, Branch::Draft)).expect("BSON").into_bytes();
        drop(runtime);
        let name = b"display_name\0";
        let at = draft.windows(name.len()).position(|part| part == name).expect("a name") + name.len() + 4;
        draft[at] = 0xff;
        let db = Connection::open(folder.path().join("store.db")).expect("the file opens");
        let id = draft.windows(4).position(|part| part == b"_id\0").expect("an id") + 4;
        let sql = r#"UPDATE "modulestore.structures" SET document = ? WHERE _id = ?"#;
        let id = draft[id..id + 12].to_vec();
        assert_eq!(db.execute(sql, rusqlite::params![draft, id]).expect("the row"), 1);
        (open(folder.path()), folder)
    };
    let all = everything(&runtime, 1);
    assert_eq!(all.iter().filter(|block| block.is_err()).count(), 1);
    let view = runtime.view(&context(), Branch::Draft).expect("a view");
    let bad = view.outline().filter(|block| block.as_ref().is_ok_and(|b| b.setting("display_name").is_err()));
    assert_eq!(bad.count(), 1);
    assert!(outline(&runtime).iter().all(Result::is_ok), "nobody asked for names");
    let report = runtime.fsck(runtime_modulestore::FsckOptions::default()).expect("a report");
    assert!(!report.findings.is_empty());
}

/// Children that are no list of pairs spoil their block; the others are read, and who is above is not guessed.
#[test]
fn children_of_another_kind_spoil_their_block_only() {
    for bad in [Bson::from("u1"), Bson::from(vec![Bson::from(vec!["vertical"])]), Bson::from(doc! {})] {
        let (runtime, _folder) = with_draft(course(), |draft| {
            block_mut(draft, "s").get_document_mut("fields").expect("fields").insert("children", bad);
        });
        let walked = outline(&runtime);
        assert_eq!(walked.iter().filter(|block| block.is_err()).count(), 1, "{walked:?}");
        assert!(walked.len() > 1);
        assert!(runtime.block(&usage("sequential", "s"), Branch::Draft).is_err());
        runtime.block(&usage("vertical", "u1"), Branch::Draft).expect("it is whole");
        // As far as lists can be read, it has none.
        assert_eq!(runtime.parents(&usage("vertical", "u1"), Branch::Draft).expect("what is known"), []);
        assert_eq!(everything(&runtime, 1).iter().filter(|block| block.is_err()).count(), 1);
    }
}

/// A walk names children that do not exist, in their place, and does not enter them.
#[test]
fn missing_children_are_named() {
    let (runtime, _folder) = with_draft(course(), |draft| {
        let fields = block_mut(draft, "s").get_document_mut("fields").expect("fields");
        let children = fields.get_array_mut("children").expect("children");
        children.insert(0, Bson::from(vec!["vertical", "gone"]));
    });
    let walked: Vec<_> = outline(&runtime).into_iter().map(|block| block.expect("readable")).collect();
    let (_, children) = walked.iter().find(|(key, _)| *key == usage("sequential", "s")).expect("it is there");
    assert_eq!(children[0], usage("vertical", "gone"));
    assert!(walked.iter().all(|(key, _)| *key != usage("vertical", "gone")));
    for (key, children) in walked {
        assert_eq!(runtime.block(&key, Branch::Draft).expect("the block").data.children, children);
    }
}

/// All at once is what each one is, on one thread and on several, of a structure that is read in many pieces.
#[test]
fn every_block_is_what_it_is_alone() {
    let (runtime, folder) = course();
    let mut change = edit();
    let mut children =
        runtime.block(&usage("vertical", "u1"), Branch::Draft).expect("u1").data.children.clone();
    for number in 0..1_500 {
        let key = usage("html", &format!("made{number:04}"));
        change = change.put(key.clone(), block(json!({"display_name": "Ebb ".repeat(number % 100)}), &[]));
        children.push(key);
    }
    change = change.put(usage("html", "texts"), html("flow"));
    commit(&runtime, change);
    drop(runtime);
    let runtime = open(folder.path());
    let view = runtime.view(&context(), Branch::Draft).expect("a view");
    let usages = runtime.usages(&context(), Branch::Draft).expect("the usages");
    assert_eq!(view.len(), usages.len());
    let one: Vec<_> = everything(&runtime, 1).into_iter().map(|block| block.expect("readable")).collect();
    let several: Vec<_> = everything(&runtime, 3).into_iter().map(|block| block.expect("readable")).collect();
    assert_eq!(one, several);
    let mut seen: Vec<_> = one.iter().map(|block| block.usage.clone()).collect();
    seen.sort();
    assert_eq!(seen, usages);
    for block in one {
        assert_eq!(runtime.block(&block.usage, Branch::Draft).expect("the block"), block);
        assert_eq!(view.block(&block.usage).expect("the block"), block);
    }
}

/// Structures are kept up to a bound, and a program can ask how that serves.
#[test]
fn the_cache_is_bounded_and_counts() {
    let (runtime, folder) = course();
    drop(runtime);
    let runtime = open(folder.path());
    let look = |runtime: &ModulestoreRuntime| runtime.view(&context(), Branch::Draft).expect("a view").len();
    let before = runtime.cache_use();
    assert_eq!((before.structures, before.bytes, before.hits, before.misses), (0, 0, 0, 0));
    assert!(look(&runtime) > 0);
    let first = runtime.cache_use();
    assert_eq!((first.structures, first.hits, first.misses), (1, 0, 1));
    let document = RawDocumentBuf::try_from(&head(&runtime, Branch::Draft)).expect("BSON");
    assert!(first.bytes as usize > document.as_bytes().len() && first.bytes <= first.bound);
    let hits = runtime.cache_use().hits;
    look(&runtime);
    assert_eq!(runtime.cache_use().hits, hits + 1);

    let runtime = open(folder.path()).with_cache_bytes(1_000);
    assert_eq!(look(&runtime), look(&runtime));
    let small = runtime.cache_use();
    assert_eq!((small.structures, small.bytes, small.hits, small.misses, small.bound), (0, 0, 0, 2, 1_000));
}
