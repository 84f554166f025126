//! What reading costs, in statements and files, whatever the size of a bundle; and in steps of SQLite, whatever the number of
//! bundles.

use std::sync::Arc;

use chrono::DateTime;
use uuid::Uuid;
use xblock_core::clock::FixedClock;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Base, BlockData, Branch, Edit, EditOp, Extent, Runtime as _, RuntimeError};

use super::BlockstoreRuntime;
use crate::counts::{self, Counts};
use crate::database::Access;
use crate::store::{Blockstore, BundleQuery};

#[path = "../../tests/it/classes.rs"]
pub(super) mod classes;

fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock(DateTime::from_timestamp(1_930_000_000, 0).expect("a moment")))
}

fn lib() -> ContextKey {
    "lib:Harbour:tides".parse().expect("a key")
}

fn at(block_type: &str, id: &str) -> UsageKey {
    lib().make_usage_key(block_type, id).expect("a usage")
}

fn runtime(folder: &std::path::Path) -> BlockstoreRuntime {
    let store = Blockstore::open(folder, Access::ReadWrite, clock()).expect("it opens");
    BlockstoreRuntime::over(store, classes::registry()).expect("it opens")
}

/// A library with so many blocks of its own, and as many from a bundle behind two links.
fn library(folder: &std::path::Path, blocks: usize) {
    let runtime = runtime(folder);
    let store = runtime.blockstore();
    let collection = store.create_collection("Tides").expect("a collection").uuid;
    let mut linked = None;
    let mut made = Vec::new();
    for slug in ["far", "near", "tides"] {
        let bundle = store.create_bundle(collection, slug, slug, "").expect("a bundle").uuid;
        let draft = store.get_or_create_bundle_draft(bundle, "studio_draft").expect("a draft").uuid;
        let mut unit = String::from("<unit display_name=\"All\">");
        let mut files = Vec::new();
        for n in 0..blocks {
            files.push((format!("html/{slug}{n}/definition.xml"), format!("<html>{slug} {n}</html>")));
            unit += &format!("<xblock-include definition=\"html/{slug}{n}\"/>");
        }
        if let Some(target) = linked {
            store.set_draft_link(draft, "next", Some((target, 1))).expect("a link");
            unit += "<xblock-include source=\"next\" definition=\"unit/all\" usage=\"next\"/>";
        }
        files.push(("unit/all/definition.xml".to_owned(), unit + "</unit>"));
        let staged = files.iter().map(|(path, text)| (&**path, Some(text.as_bytes()))).collect();
        store.write_draft_files(draft, &staged).expect("staged files");
        store.commit_draft(draft).expect("a version");
        linked = Some(bundle);
        made.push(bundle);
    }
    runtime.adopt(&lib(), made[2]).expect("it is a library now");
    // The index is made when a branch is first looked at.
    assert_eq!(runtime.usages(&lib(), Branch::Published).expect("usages").len(), 3 * blocks + 4);
}

/// Something that is read.
type Read<'r> = &'r dyn Fn(&BlockstoreRuntime);

/// Counts what each of some reads takes in a process that has read nothing yet.
fn costs(blocks: usize) -> Vec<(&'static str, Counts)> {
    let folder = tempfile::tempdir().expect("a folder");
    library(folder.path(), blocks);
    let far = at("html", "next-next-far1");
    let reads: [(&str, Read<'_>); 5] = [
        ("a block of its own", &|runtime| {
            let block = runtime.block(&at("html", "tides1"), Branch::Published).expect("a block");
            assert_eq!(block.data.content["data"], "tides 1");
        }),
        ("a block behind two links", &|runtime| {
            let block = runtime.block(&far, Branch::Published).expect("a block");
            assert_eq!(block.data.content["data"], "far 1");
        }),
        ("parents", &|runtime| {
            let parents = runtime.parents(&far, Branch::Published).expect("parents");
            assert_eq!(parents, [at("unit", "next-next")]);
        }),
        ("the outline", &|runtime| {
            let outline = runtime.outline(&lib(), Branch::Published, 9).expect("an outline");
            assert_eq!(outline.len(), 3 * blocks + 4);
        }),
        ("one level of the outline", &|runtime| {
            assert_eq!(runtime.outline(&lib(), Branch::Published, 1).expect("an outline").len(), 2);
        }),
    ];
    reads
        .into_iter()
        .map(|(name, read)| {
            let runtime = runtime(folder.path());
            // An outline takes as many steps as it has blocks.
            (name, Counts { steps: 0, ..counts::of(|| read(&runtime)).1 })
        })
        .collect()
}

#[test]
fn reading_one_block_and_the_outline_costs_the_same_in_every_bundle() {
    let small = costs(3);
    assert_eq!(costs(300), small);
    for (name, counts) in small {
        assert!(counts.statements > 0 && counts.statements <= 12, "{name}: {counts:?}");
        // The definition; the list of a version's files, where what is listed is to be proved; never the others.
        assert!(counts.files <= 1, "{name}: {counts:?}");
    }
}

/// A store with a course and so many other bundles, half of them older, each with a version; returns the first of these.
fn crowd(folder: &std::path::Path, bundles: usize) -> Uuid {
    let runtime = runtime(folder);
    let store = runtime.blockstore();
    let collection = store.create_collection("Tides").expect("a collection").uuid;
    let mut first = None;
    for n in 0..bundles {
        if n == bundles / 2 {
            let root = course().make_usage_key("course", "course").expect("a usage");
            let new = Edit::new(course(), Base::New { root: root.clone() }).put(root, BlockData::default());
            runtime.commit(new.publish_all()).expect("a course");
        }
        let bundle = store.create_bundle(collection, &format!("b{n}"), "b", "").expect("a bundle").uuid;
        let draft = store.get_or_create_bundle_draft(bundle, "studio_draft").expect("a draft").uuid;
        store.write_draft_file(draft, "a.txt", Some(b"a")).expect("a staged file");
        store.commit_draft(draft).expect("a version");
        first.get_or_insert(bundle);
    }
    // The first to look notes which of them are courses, and up to which version the feed has all.
    assert_eq!(runtime.contexts().expect("contexts"), [course()]);
    assert_eq!(store.get_changes(0, usize::MAX).expect("changes").len(), bundles + 1);
    first.expect("a bundle")
}

fn course() -> ContextKey {
    "course-v1:Harbour+Tides+2026".parse().expect("a key")
}

/// Counts what each of some requests takes in a process that has just opened the store.
fn costs_among(bundles: usize) -> Vec<(&'static str, Counts)> {
    let folder = tempfile::tempdir().expect("a folder");
    let first = crowd(folder.path(), bundles);
    let root = course().make_usage_key("course", "course").expect("a usage");
    let requests: [(&str, Read<'_>); 8] = [
        ("the contexts", &|runtime| assert_eq!(runtime.contexts().expect("contexts"), [course()])),
        ("a context that is not there", &|runtime| {
            let missing = runtime.usages(&lib(), Branch::Published);
            assert!(matches!(missing, Err(RuntimeError::NoSuchContext { .. })));
        }),
        ("a block", &|runtime| drop(runtime.block(&root, Branch::Published).expect("a block"))),
        ("an edit that is published", &|runtime| {
            let edit = Edit::new(course(), Base::Any).put(root.clone(), BlockData::default());
            let edit = edit.with(EditOp::Publish(Extent::Subtree(root.clone())));
            runtime.commit(edit).expect("a commit");
        }),
        ("a file", &|runtime| {
            let file = runtime.blockstore().get_bundle_file_data(first, "a.txt", None);
            assert_eq!(file.expect("a file"), b"a");
        }),
        ("a page of bundles", &|runtime| {
            let page = BundleQuery { after: Some(first), limit: Some(3), ..BundleQuery::default() };
            assert_eq!(runtime.blockstore().find_bundles(&page).expect("bundles").len(), 3);
        }),
        ("dependents", &|runtime| {
            assert!(runtime.blockstore().get_dependents(first).expect("dependents").is_empty());
        }),
        ("a page of the feed", &|runtime| {
            assert_eq!(runtime.blockstore().get_changes(2, 3).expect("changes").len(), 3);
        }),
    ];
    let mut costs: Vec<_> = requests
        .into_iter()
        .map(|(name, request)| {
            let runtime = runtime(folder.path());
            (name, counts::of(|| request(&runtime)).1)
        })
        .collect();
    costs.push(("opening", counts::of(|| drop(runtime(folder.path()))).1));
    costs
}

#[test]
fn requests_cost_the_same_among_any_number_of_bundles() {
    let few = costs_among(10);
    assert!(few.iter().all(|(_, counts)| counts.steps > 0), "{few:?}");
    assert_eq!(costs_among(200), few);
}
