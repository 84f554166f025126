//! Blocks an edit takes out, or makes another thing of, on its way, and leaves behind as they were: imports do that.

use std::collections::BTreeMap;
use std::path::Path;

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use runtime_modulestore::ModulestoreRuntime;
use serde_json::json;
use xblock_core::runtime::{BlockData, Branch, EditOp, Extent, Runtime};
use xblock_testkit::fixture::{block, commit, context, edit, html, map, published_course, usage};

use crate::dumps::{collections, write};
use crate::fixture;
use crate::server::{java_server, new_store, server};

const LIBRARY: &str = "lib-block-v1:Harbour+Pilots+type@html+block@tides";

/// The blocks of the draft, by id, and all definitions.
fn draft(
    runtime: &ModulestoreRuntime,
    folder: &Path,
) -> (BTreeMap<String, Document>, BTreeMap<ObjectId, Document>) {
    runtime.export_dump(folder).expect("a dump");
    let documents = collections(folder);
    let head = runtime.context(&context()).expect("the context").draft.version;
    let id = |document: &Document| document.get_object_id("_id").expect("an id");
    let structure = documents["modulestore.structures"].iter().find(|one| id(one).to_hex() == *head.0);
    let blocks = structure.expect("the draft").get_array("blocks").expect("blocks");
    let blocks = blocks.iter().map(|one| one.as_document().expect("a document").clone());
    let blocks = blocks.map(|one| (one.get_str("block_id").expect("an id").to_owned(), one)).collect();
    (blocks, documents["modulestore.definitions"].iter().map(|one| (id(one), one.clone())).collect())
}

fn problem(data: &str) -> BlockData {
    BlockData {
        content: map(json!({ "data": data })),
        settings: map(json!({ "display_name": "Depth", "weight": 1.5 })),
        ..BlockData::default()
    }
}

fn unit(children: &[&str]) -> BlockData {
    let children: Vec<_> =
        children.iter().map(|id| usage(if *id == "p1" { "problem" } else { "html" }, id)).collect();
    block(json!({ "display_name": "Two" }), &children)
}

/// A dump of a course with drafts, in which every document has fields nobody knows.
fn dump(folder: &Path) {
    let (runtime, _folder) = fixture::new_store();
    published_course(&runtime);
    let without_h1 = block(json!({ "display_name": "One" }), &[]);
    commit(
        &runtime,
        edit()
            .put(usage("html", "same"), html("flood"))
            .put(usage("html", "other"), html("ebb"))
            .put(usage("problem", "p1"), problem("<problem>Drafted</problem>"))
            .put(usage("vertical", "u2"), unit(&["p1", "same", "other"]))
            .put(usage("vertical", "u1"), without_h1)
            .with(EditOp::DeleteBlock { usage: usage("html", "h1") }),
    );
    runtime.export_dump(folder).expect("a dump");
    let mut documents = collections(folder);
    let mark = |document: &mut Document| drop(document.insert("later", doc! { "release": 1 }));
    documents.get_mut("modulestore.definitions").expect("definitions").iter_mut().for_each(mark);
    for structure in documents.get_mut("modulestore.structures").expect("structures") {
        for block in structure.get_array_mut("blocks").expect("blocks") {
            let block = block.as_document_mut().expect("a document");
            mark(block);
            let is_copy = matches!(block.get_str("block_id"), Ok("same" | "other"));
            let info = block.get_document_mut("edit_info").expect("edit info");
            mark(info);
            if is_copy {
                info.insert("original_usage", LIBRARY);
                info.insert("original_usage_version", ObjectId::from_bytes([7; 12]));
                info.insert("previous_version", ObjectId::from_bytes([8; 12]));
            }
        }
    }
    for (name, documents) in &documents {
        write(folder, name, documents);
    }
}

fn blocks_keep_what_they_were(runtime: &ModulestoreRuntime) {
    let folder = tempfile::tempdir().expect("a folder");
    dump(&folder.path().join("dump"));
    runtime.import_dump(folder.path().join("dump")).expect("the dump loads");
    let (before, _) = draft(runtime, &folder.path().join("before"));
    let delete = |id| EditOp::DeleteBlock { usage: usage("html", id) };
    commit(
        runtime,
        edit()
            .put(usage("chapter", "c"), block(json!({ "display_name": "Seas" }), &[usage("sequential", "s")]))
            .put(usage("vertical", "u2"), unit(&["p1"]))
            .with(delete("same"))
            .with(delete("other"))
            .put(usage("html", "h1"), html("<p>Ebb</p>"))
            .put(usage("vertical", "u1"), block(json!({ "display_name": "One" }), &[usage("html", "h1")]))
            .put(usage("problem", "p1"), problem("<problem>Published</problem>"))
            .with(EditOp::Publish(Extent::All))
            .put(usage("vertical", "u2"), unit(&["p1", "same", "other"]))
            .put(usage("html", "same"), html("flood"))
            .put(usage("html", "other"), html("slack"))
            .put(usage("problem", "p1"), problem("<problem>Drafted</problem>")),
    );
    let (after, definitions) = draft(runtime, &folder.path().join("after"));
    // Those that end as they were are what they were, in every field.
    for id in ["same", "p1", "u2"] {
        assert_eq!(after[id], before[id]);
    }
    for (id, block) in &after {
        let info = block.get_document("edit_info").expect("edit info");
        let definition = &definitions[&block.get_object_id("definition").expect("an id")];
        for document in [block, info, definition] {
            assert!(document.contains_key("later"), "{id}: {document}");
        }
    }
    // One that ends as something else is the next state of what it was.
    let info = |block: &Document| block.get_document("edit_info").expect("edit info").clone();
    let (old, new) = (info(&before["other"]), info(&after["other"]));
    assert_eq!(new.get("previous_version"), old.get("update_version"));
    assert_ne!(new.get("update_version"), old.get("update_version"));
    assert_eq!(new.get("original_usage"), Some(&Bson::from(LIBRARY)));
    assert_eq!(new.get("original_usage_version"), old.get("original_usage_version"));
    let definition = &definitions[&after["other"].get_object_id("definition").expect("an id")];
    assert_eq!(info(definition).get("previous_version"), before["other"].get("definition"));
    // What is a draft and what is not can still be told apart.
    for (block_type, id, is_changed) in
        [("html", "same", true), ("problem", "p1", true), ("vertical", "u2", true), ("vertical", "u1", false)]
    {
        assert_eq!(runtime.has_changes(&usage(block_type, id)).expect("the block"), is_changed, "{id}");
    }
    let text = runtime.block(&usage("problem", "p1"), Branch::Published).expect("the problem");
    assert_eq!(text.data.content["data"], "<problem>Published</problem>");
    commit(runtime, edit().publish_all());
    assert!(!runtime.has_changes(&usage("course", "course")).expect("the root"));
}

#[test]
fn blocks_that_come_back_in_an_edit_keep_what_they_were() {
    blocks_keep_what_they_were(&fixture::new_store().0);
}

#[test]
fn blocks_that_come_back_in_an_edit_keep_what_they_were_on_a_server() {
    for server in [server(), java_server()].into_iter().flatten() {
        blocks_keep_what_they_were(&new_store(server));
    }
}

/// Each branch's state of a copy says which version of the library block it was copied from, also where an edit, as an import
/// is one, goes through the draft to change what is published.
#[test]
fn published_copies_keep_their_own_version_of_the_library_block() {
    let (source, folder) = fixture::new_store();
    published_course(&source);
    commit(&source, edit().put(usage("html", "h1"), html("drafted")));
    let heads = source.context(&context()).expect("the context");
    let at = folder.path().join("dump");
    source.export_dump(&at).expect("a dump");
    let mut documents = collections(&at);
    let versions = Branch::ALL.map(|branch| heads.head(branch).expect("a head").version.0.to_string());
    let copied = |number: usize| ObjectId::from_bytes([u8::try_from(number).expect("small") + 1; 12]);
    for structure in documents.get_mut("modulestore.structures").expect("structures") {
        let id = structure.get_object_id("_id").expect("an id").to_hex();
        let Some(number) = versions.iter().position(|version| *version == id) else { continue };
        for block in structure.get_array_mut("blocks").expect("blocks") {
            let block = block.as_document_mut().expect("a document");
            if block.get_str("block_id").is_ok_and(|id| id == "h1") {
                let info = block.get_document_mut("edit_info").expect("edit info");
                info.insert("original_usage", LIBRARY);
                info.insert("original_usage_version", copied(number));
            }
        }
    }
    for (name, documents) in &documents {
        write(&at, name, documents);
    }
    for last in ["drafted", "drafted anew"] {
        let (runtime, folder) = fixture::new_store();
        runtime.import_dump(&at).expect("the dump loads");
        commit(
            &runtime,
            edit()
                .put(usage("html", "h1"), html("published anew"))
                .with(EditOp::Publish(Extent::All))
                .put(usage("html", "h1"), html(last)),
        );
        let heads = runtime.context(&context()).expect("the context");
        runtime.export_dump(folder.path().join("out")).expect("a dump");
        let documents = collections(&folder.path().join("out"));
        for (number, branch) in Branch::ALL.into_iter().enumerate() {
            let head = &heads.head(branch).expect("a head").version.0;
            let is_head = |one: &&Document| one.get_object_id("_id").expect("an id").to_hex() == **head;
            let structure = documents["modulestore.structures"].iter().find(is_head).expect("the head");
            let blocks = structure.get_array("blocks").expect("blocks").iter();
            let mut blocks = blocks.map(|block| block.as_document().expect("a document"));
            let h1 =
                blocks.find(|block| block.get_str("block_id").is_ok_and(|id| id == "h1")).expect("the copy");
            let info = h1.get_document("edit_info").expect("edit info");
            let version = info.get_object_id("original_usage_version").expect("an id");
            assert_eq!(version, copied(number), "{last}, {branch}");
        }
    }
}
