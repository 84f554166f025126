//! Blocks whose fields or children cannot be read: they are damaged, and nothing else is.

use std::path::Path;

use bson::{Bson, Document, doc};
use runtime_modulestore::{FsckOptions, ModulestoreRuntime, Severity};
use xblock_core::runtime::{Branch, Runtime};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, usage};

use crate::dumps::collections;
use crate::fixture::{new_store, open};
use crate::maintenance::{change, codes, each_block, repaired};

/// The blocks of a branch as they lie in its document.
fn documents(runtime: &ModulestoreRuntime, branch: Branch) -> Vec<Document> {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("dump");
    runtime.export_dump(&at).expect("a dump");
    let history = runtime.history(&context(), branch).expect("the history");
    let structures = &collections(&at)["modulestore.structures"];
    let is_head =
        |one: &&Document| one.get_object_id("_id").expect("an id").to_hex() == *history[0].version.0;
    let blocks = structures.iter().find(is_head).expect("the head").get_array("blocks").expect("blocks");
    blocks.iter().map(|block| block.as_document().expect("a document").clone()).collect()
}

/// A store with a published course, of which the documents of one block were changed in every version.
fn damaged(id: &str, damage: impl Fn(&mut Document)) -> (ModulestoreRuntime, tempfile::TempDir) {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    commit(&runtime, edit().put(usage("problem", "p1"), html("drafted")));
    drop(runtime);
    damage_in(folder.path(), id, damage);
    (open(folder.path()), folder)
}

fn damage_in(folder: &Path, id: &str, damage: impl Fn(&mut Document)) {
    change(folder, "structures", |structure| {
        each_block(structure, |found, block| {
            if found == id {
                damage(block)
            }
        });
    });
}

/// A list in which one entry is no pair.
fn odd_child(block: &mut Document) {
    let children =
        block.get_document_mut("fields").expect("fields").get_array_mut("children").expect("children");
    children.push(Bson::Array(vec!["html".into(), "x".into(), "extra".into()]));
}

fn fields_list(block: &mut Document) {
    block.insert("fields", Bson::Array(Vec::new()));
}

fn no_pairs(block: &mut Document) {
    block.insert("fields", doc! { "children": ["html"] });
}

/// A block that cannot be read is there: no repair takes it out of the list it is in.
#[test]
fn unreadable_blocks_stay_in_their_lists() {
    for (id, damage) in [("c", odd_child as fn(&mut Document)), ("h1", fields_list), ("h1", no_pairs)] {
        let (runtime, folder) = damaged(id, damage);
        let before = Branch::ALL.map(|branch| documents(&runtime, branch));
        let is_damage =
            |(severity, code): &(Severity, &str)| *severity == Severity::Damage && *code == "block";
        assert!(codes(&runtime).iter().all(is_damage), "{id}: {:?}", codes(&runtime));
        let report =
            runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the repair");
        assert_eq!(repaired(&report.findings), [("block", false); 2], "{id}");
        let runtime = open(folder.path());
        assert_eq!(Branch::ALL.map(|branch| documents(&runtime, branch)), before, "{id}");
    }
}
