//! Blocks whose fields or children cannot be read: they are damaged, and nothing else is.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use bson::{Bson, Document, doc};
use runtime_modulestore::operations::{Bulk, BulkOptions, Revision};
use runtime_modulestore::{FsckOptions, ModulestoreRuntime, Severity};
use serde_json::json;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{BlockData, BlockPatch, Branch, EditOp, Extent, Runtime, RuntimeError};
use xblock_testkit::fixture::{block, commit, context, edit, html, published_course, root, snapshot, usage};

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
        for found in report.findings.iter() {
            let way = found.repair.as_deref().expect("a way that is not only a dump");
            assert!(way.starts_with("by hand: ") && way.contains("import"), "{id}: {way}");
        }
        let runtime = open(folder.path());
        assert_eq!(Branch::ALL.map(|branch| documents(&runtime, branch)), before, "{id}");
    }
}

fn document(runtime: &ModulestoreRuntime, branch: Branch, id: &str) -> Document {
    let is_it = |block: &Document| block.get_str("block_id").is_ok_and(|one| one == id);
    documents(runtime, branch)
        .into_iter()
        .find(is_it)
        .unwrap_or_else(|| panic!("{id} is in the {branch} branch"))
}

fn children(runtime: &ModulestoreRuntime, branch: Branch, id: &str) -> Vec<String> {
    let document = document(runtime, branch, id);
    let list =
        document.get_document("fields").expect("fields").get_array("children").expect("a list").clone();
    list.iter().map(|pair| pair.as_array().expect("a pair")[1].as_str().expect("a text").to_owned()).collect()
}

/// A store in which the first unit has a child whose id makes no key, between others.
fn with_an_odd_child() -> (ModulestoreRuntime, tempfile::TempDir) {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let unit = block(json!({ "display_name": "One" }), &["h0", "h1", "h2"].map(|id| usage("html", id)));
    let texts = edit().put(usage("html", "h0"), html("0")).put(usage("html", "h2"), html("2"));
    commit(&runtime, texts.put(usage("vertical", "u1"), unit).publish_all());
    drop(runtime);
    change(folder.path(), "structures", |structure| {
        each_block(structure, |id, block| match id {
            "h1" => drop(block.insert("block_id", "h 1")),
            "u1" => {
                let children = block.get_document_mut("fields").expect("fields").get_array_mut("children");
                let pair = |id: &str| Bson::Array(vec!["html".into(), id.into()]);
                for child in children.expect("a list").iter_mut().filter(|child| **child == pair("h1")) {
                    *child = pair("h 1");
                }
            }
            _ => {}
        });
    });
    (open(folder.path()), folder)
}

fn all(branch: Branch, runtime: &ModulestoreRuntime) -> Vec<String> {
    children(runtime, branch, "u1")
}

/// A child whose type and id make no key is in no list a caller sees, so that no call takes it out of one.
#[test]
fn children_without_keys_stay_where_they_are() {
    let named = Some(json!("Named"));
    let settings = vec![("display_name".into(), named)];
    let patch = BlockPatch { settings, ..BlockPatch::default() };
    let unit = usage("vertical", "u1");
    // By the platform's calls.
    let (runtime, _folder) = with_an_odd_child();
    let bulk = |patch: &BlockPatch| {
        runtime
            .bulk(&context(), &BulkOptions::default(), |bulk| bulk.update_item(&unit, patch))
            .expect("an edit");
    };
    bulk(&patch);
    assert_eq!(all(Branch::Draft, &runtime), ["h0", "h 1", "h2"]);
    for (given, kept) in [
        (&["h2", "h0"][..], &["h2", "h0", "h 1"][..]),
        (&["h2"], &["h2", "h 1"]),
        (&[], &["h 1"]),
        (&["h0", "h2"], &["h 1", "h0", "h2"]),
    ] {
        let children = Some(given.iter().map(|id| usage("html", id)).collect());
        bulk(&BlockPatch { children, ..BlockPatch::default() });
        assert_eq!(all(Branch::Draft, &runtime), kept);
    }
    runtime.bulk(&context(), &BulkOptions::default(), |bulk| bulk.publish(&unit)).expect("it is published");
    assert_eq!(all(Branch::Published, &runtime), ["h 1", "h0", "h2"]);
    // By the trait's edits, as an import makes them.
    let (runtime, _folder) = with_an_odd_child();
    commit(&runtime, edit().with(EditOp::PatchBlock { usage: unit.clone(), patch }));
    assert_eq!(all(Branch::Draft, &runtime), ["h0", "h 1", "h2"]);
    let data = block(json!({ "display_name": "Two" }), &[usage("html", "h2"), usage("html", "h0")]);
    commit(&runtime, edit().put(unit.clone(), data).publish_all());
    for branch in Branch::ALL {
        assert_eq!(all(branch, &runtime), ["h2", "h0", "h 1"], "{branch}");
    }
    // A list that nobody gave stays, be it null.
    let (runtime, folder) = new_store();
    published_course(&runtime);
    drop(runtime);
    damage_in(folder.path(), "u1", |block| drop(block.insert("fields", doc! { "children": Bson::Null })));
    let runtime = open(folder.path());
    let settings = vec![("display_name".into(), Some(json!("Named")))];
    commit(
        &runtime,
        edit().with(EditOp::PatchBlock {
            usage: unit,
            patch: BlockPatch { settings, ..BlockPatch::default() },
        }),
    );
    let fields = document(&runtime, Branch::Draft, "u1").get_document("fields").expect("fields").clone();
    assert_eq!(fields, doc! { "display_name": "Named", "children": Bson::Null });
}

/// What one block is damaged by spoils no other: they are read, edited and published, by the trait's edits and by the
/// platform's calls.
#[test]
fn unreadable_blocks_spoil_no_others() {
    for (id, damage) in
        [("c", odd_child as fn(&mut Document)), ("h1", fields_list), ("h1", no_pairs), ("s", odd_child)]
    {
        let (runtime, folder) = damaged(id, damage);
        let bad = runtime.usages(&context(), Branch::Draft).expect("the blocks");
        let bad = bad.into_iter().find(|usage| usage.block_id() == id).expect("it is listed");
        for branch in Branch::ALL {
            assert!(matches!(runtime.block(&bad, branch), Err(RuntimeError::Corrupt { .. })), "{id}");
            for usage in runtime.usages(&context(), branch).expect("the blocks") {
                runtime.parents(&usage, branch).expect("the parents");
                assert_eq!(runtime.block(&usage, branch).is_ok(), usage != bad, "{usage}");
            }
        }
        let (problem, unit) = (usage("problem", "p1"), usage("vertical", "u2"));
        let is_changed = |runtime: &ModulestoreRuntime| runtime.has_changes(&problem).expect("the block");
        assert!(is_changed(&runtime));
        let bulk = |act: &mut dyn FnMut(&mut Bulk<'_>) -> Result<(), RuntimeError>| {
            runtime
                .bulk(&context(), &BulkOptions::default(), act)
                .unwrap_or_else(|error| panic!("{id}: {error}"))
        };
        bulk(&mut |bulk| bulk.publish(&problem));
        assert!(!is_changed(&runtime));
        let settings = vec![("display_name".into(), Some(json!("Named")))];
        let patch = BlockPatch { settings, ..BlockPatch::default() };
        bulk(&mut |bulk| bulk.update_item(&unit, &patch).map(drop));
        bulk(&mut |bulk| bulk.create_child(&unit, &usage("html", "new"), &html("new"), None));
        bulk(&mut |bulk| bulk.publish(&unit));
        bulk(&mut |bulk| bulk.delete_item(&usage("html", "new"), Revision::default()));
        bulk(&mut |bulk| bulk.revert_to_published(&unit));
        let extent = || Extent::Subtree(usage("vertical", "u2"));
        commit(&runtime, edit().put(problem.clone(), html("again")).with(EditOp::Publish(extent())));
        commit(&runtime, edit().put(problem.clone(), html("and again")));
        commit(&runtime, edit().with(EditOp::Discard(extent())));
        commit(&runtime, edit().with(EditOp::DeleteBlock { usage: problem.clone() }));
        assert_eq!(children(&runtime, Branch::Published, "u2"), ["p1", "new"], "{id}");
        assert_eq!(children(&runtime, Branch::Draft, "u2"), ["new"], "{id}");
        let codes: BTreeSet<_> = codes(&open(folder.path())).into_iter().map(|(_, code)| code).collect();
        assert!(codes.is_subset(&["block", "orphan"].into()), "{id}: {codes:?}");
        // A block that its own damaged list names is taken out as far as that can be read.
        if id == "s" {
            commit(&runtime, edit().with(EditOp::DeleteBlock { usage: unit }));
        }
    }
}

/// The block itself can be taken out, replaced, and taken back to what is published.
#[test]
fn unreadable_blocks_are_deleted_replaced_or_reverted() {
    for damage in [odd_child as fn(&mut Document), fields_list, no_pairs] {
        let unit = usage("vertical", "u1");
        let text = block(json!({ "display_name": "Mended" }), &[usage("html", "h1")]);
        let broken = || {
            let (runtime, folder) = new_store();
            published_course(&runtime);
            commit(
                &runtime,
                edit().put(unit.clone(), block(json!({ "display_name": "Draft" }), &[usage("html", "h1")])),
            );
            let head = runtime.context(&context()).expect("the context").draft.version;
            drop(runtime);
            change(folder.path(), "structures", |structure| {
                if structure.get_object_id("_id").expect("an id").to_hex() == *head.0 {
                    each_block(structure, |id, block| {
                        if id == "u1" {
                            damage(block)
                        }
                    });
                }
            });
            (open(folder.path()), folder)
        };
        let is_mended = |(runtime, _folder): (ModulestoreRuntime, tempfile::TempDir)| {
            let found: Vec<_> =
                codes(&runtime).into_iter().filter(|(severity, _)| *severity > Severity::Note).collect();
            // The damaged version is an older one now.
            assert_eq!(found, []);
            runtime
        };
        let store = broken();
        assert!(runtime_block(&store.0, &unit).is_err());
        commit(&store.0, edit().with(EditOp::DeleteBlock { usage: unit.clone() }));
        assert!(matches!(runtime_block(&is_mended(store), &unit), Err(RuntimeError::NoSuchUsage { .. })));

        let store = broken();
        commit(&store.0, edit().put(unit.clone(), text.clone()));
        assert_eq!(*runtime_block(&is_mended(store), &unit).expect("the unit"), text);

        for extent in [Extent::All, Extent::Subtree(unit.clone())] {
            let store = broken();
            commit(&store.0, edit().with(EditOp::Discard(extent)));
            let runtime = is_mended(store);
            assert_eq!(runtime_block(&runtime, &unit).expect("the unit").settings["display_name"], "One");
            assert!(!runtime.has_changes(&root()).expect("the root"));
        }
        let bulk = |act: &mut dyn FnMut(&mut Bulk<'_>) -> Result<(), RuntimeError>| {
            let store = broken();
            store.0.bulk(&context(), &BulkOptions::default(), act).expect("it is done");
            runtime_block(&is_mended(store), &unit)
        };
        let deleted = bulk(&mut |bulk| bulk.delete_item(&unit, Revision::default()));
        assert!(matches!(deleted, Err(RuntimeError::NoSuchUsage { .. })));
        let reverted = bulk(&mut |bulk| bulk.revert_to_published(&unit)).expect("the unit");
        assert_eq!(reverted.settings["display_name"], "One");
    }
    // Where the list alone is damaged, another one takes its place.
    let (runtime, _folder) = damaged("u1", odd_child);
    let patch = BlockPatch { children: Some(vec![usage("html", "h1")]), ..BlockPatch::default() };
    runtime
        .bulk(&context(), &BulkOptions::default(), |bulk| bulk.update_item(&usage("vertical", "u1"), &patch))
        .expect("it is replaced");
    assert_eq!(
        runtime_block(&runtime, &usage("vertical", "u1")).expect("the unit").children,
        [usage("html", "h1")]
    );
}

fn runtime_block(runtime: &ModulestoreRuntime, usage: &UsageKey) -> Result<Arc<BlockData>, RuntimeError> {
    runtime.block(usage, Branch::Draft).map(|record| record.data)
}

/// A head that cannot be read does not take the other branch along.
#[test]
fn a_head_that_cannot_be_read_leaves_the_other_branch() {
    let no_name = |structure: &mut Document| {
        let blocks = structure.get_array_mut("blocks").expect("blocks");
        blocks[0].as_document_mut().expect("a document").insert("block_id", 5);
    };
    let no_date = |structure: &mut Document| drop(structure.insert("edited_on", 5));
    for damage in [&no_name as &dyn Fn(&mut Document), &no_date] {
        for (bad, sound) in [(Branch::Draft, Branch::Published), (Branch::Published, Branch::Draft)] {
            let (runtime, folder) = new_store();
            published_course(&runtime);
            commit(&runtime, edit().put(usage("problem", "p1"), html("drafted")));
            let before = runtime.context(&context()).expect("the context");
            let was = snapshot(&runtime, &context(), sound);
            drop(runtime);
            change(folder.path(), "structures", |structure| {
                let id = structure.get_object_id("_id").expect("an id").to_hex();
                if before.head(bad).is_some_and(|head| *head.version.0 == *id) {
                    damage(structure);
                }
            });
            let runtime = open(folder.path());
            let found = runtime.context(&context()).expect("the context");
            assert_eq!(found.root, before.root);
            assert_eq!(found.head(sound), before.head(sound));
            let head = found.head(bad).expect("a head");
            assert_eq!(head.version, before.head(bad).expect("a head").version);
            assert_eq!(snapshot(&runtime, &context(), sound), was);
            assert!(matches!(runtime.usages(&context(), bad), Err(RuntimeError::Corrupt { .. })));
        }
    }
}
