//! The calls of edx-platform's modulestore. What its own calls left is compared by `vectors split`.

use bson::oid::ObjectId;
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::operations::{Bulk, BulkOptions, DerivedIds, Revision};
use serde_json::json;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{
    Base, BlockPatch, Branch, Commit, Cursor, Edit, Runtime, RuntimeError, VersionId,
};
use xblock_testkit::fixture::{
    block, commit, context, edit, html, map, other_context, published_course, put_asset, root, snapshot,
    usage,
};

use crate::dumps::{collections, write};
use crate::fixture::new_store;
use crate::shapes::{block_of, definition, head, index, structure, versions};

fn options() -> BulkOptions {
    BulkOptions { author: Some(7), ..BulkOptions::default() }
}

/// Makes one call of its own.
fn call<T>(
    runtime: &ModulestoreRuntime,
    act: impl FnMut(&mut Bulk<'_>) -> Result<T, RuntimeError>,
) -> (T, Commit) {
    runtime.bulk(&context(), &options(), act).expect("the call succeeds")
}

fn name(text: &str) -> BlockPatch {
    BlockPatch { settings: vec![("display_name".into(), Some(text.into()))], ..BlockPatch::default() }
}

fn published(runtime: &ModulestoreRuntime, usage: &UsageKey) -> bool {
    runtime.block(usage, Branch::Published).is_ok()
}

fn structures(runtime: &ModulestoreRuntime) -> usize {
    let collection = runtime_modulestore::store::Collection::Structures;
    let mut count = 0;
    let docs = runtime.store().read().expect("a view");
    docs.each_document(&collection, &mut |_| {
        count += 1;
        Ok(())
    })
    .expect("the documents");
    count
}

/// The worked example of the modulestore reference, section 8, line by line, by the calls it names.
#[test]
fn calls_go_through_the_worked_example() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let (unit, text) = (usage("vertical", "u1"), usage("html", "x1"));
    let draft = |at: &Commit| Some(at.draft.0.to_string());
    let learners = |at: &Commit| at.published.as_ref().map(|version| version.0.to_string());
    let update = |text_name: &str| call(&runtime, |bulk| bulk.update_item(&text, &name(text_name))).1;
    let publish = || call(&runtime, |bulk| bulk.publish(&unit)).1;
    let ours = || versions(&runtime, Branch::Draft, "x1");
    let theirs = || versions(&runtime, Branch::Published, "x1");
    let changed = || runtime.has_changes(&unit).expect("both branches are read");

    let d1 = call(&runtime, |bulk| bulk.create_child(&unit, &text, &html("a"), None)).1;
    assert_eq!((ours(), changed()), ([None, draft(&d1), None], true));
    let d2 = update("second");
    assert_eq!((ours(), changed()), ([draft(&d1), draft(&d2), None], true));
    let p1 = publish();
    assert_eq!(ours(), [draft(&d1), draft(&d2), None]);
    assert_eq!((theirs(), changed()), ([draft(&d1), learners(&p1), draft(&d2)], false));
    let d3 = update("third");
    assert_eq!((ours(), changed()), ([draft(&d2), draft(&d3), None], true));
    call(&runtime, |bulk| bulk.revert_to_published(&unit));
    assert_eq!((ours(), changed()), ([draft(&d1), learners(&p1), draft(&d2)], false));
    let d5 = update("fifth");
    assert_eq!((ours(), changed()), ([learners(&p1), draft(&d5), None], true));
    let p2 = publish();
    assert_eq!((theirs(), changed()), ([learners(&p1), learners(&p2), draft(&d5)], false));
    let p3 = publish();
    assert_eq!((theirs(), changed()), ([learners(&p2), learners(&p3), draft(&d5)], false));
}

/// Chapters and sequentials are published when they are saved, units when they are asked for.
#[test]
fn what_is_published_depends_on_the_category() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let (chapter, sequential, unit) =
        (usage("chapter", "c2"), usage("sequential", "s2"), usage("vertical", "u3"));
    call(&runtime, |bulk| bulk.create_child(&root(), &chapter, &block(json!({}), &[]), Some(0)));
    call(&runtime, |bulk| bulk.create_child(&chapter, &sequential, &block(json!({}), &[]), None));
    call(&runtime, |bulk| bulk.create_child(&sequential, &unit, &block(json!({}), &[]), None));
    assert!(published(&runtime, &chapter) && published(&runtime, &sequential) && !published(&runtime, &unit));
    let learners = runtime.block(&root(), Branch::Published).expect("the root");
    assert_eq!(learners.data.children, [chapter.clone(), usage("chapter", "c")]);
    call(&runtime, |bulk| bulk.update_item(&sequential, &name("New")));
    let learners = runtime.block(&sequential, Branch::Published).expect("the sequential");
    assert_eq!((learners.data.display_name(), learners.data.children.len()), (Some("New"), 0));
    call(&runtime, |bulk| bulk.publish(&unit));
    assert!(published(&runtime, &unit));
    // Below what has no draft of its own, learners lose it at once; elsewhere with the next publish.
    call(&runtime, |bulk| bulk.delete_item(&usage("html", "h1"), Revision::ByCategory));
    assert!(published(&runtime, &usage("html", "h1")));
    call(&runtime, |bulk| bulk.delete_item(&unit, Revision::ByCategory));
    assert!(!published(&runtime, &unit));
    call(&runtime, |bulk| bulk.delete_item(&chapter, Revision::ByCategory));
    assert!(!published(&runtime, &chapter) && !published(&runtime, &sequential));
    let refused = runtime.bulk(&context(), &options(), |bulk| bulk.unpublish(&usage("chapter", "c")));
    assert!(matches!(refused, Err(RuntimeError::Unstorable { .. })), "{refused:?}");
}

/// Taking a unit from learners leaves the draft; its sequential then counts as changed, as on the platform.
#[test]
fn unpublishing_leaves_the_draft() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let unit = usage("vertical", "u1");
    let before = snapshot(&runtime, &context(), Branch::Draft);
    call(&runtime, |bulk| bulk.unpublish(&unit));
    assert!(!published(&runtime, &unit) && !published(&runtime, &usage("html", "h1")));
    assert_eq!(snapshot(&runtime, &context(), Branch::Draft), before);
    assert!(runtime.has_changes(&usage("sequential", "s")).expect("both are read"));
    let again = runtime.bulk(&context(), &options(), |bulk| bulk.unpublish(&unit));
    assert!(matches!(again, Err(RuntimeError::NoSuchUsage { branch: Branch::Published, .. })), "{again:?}");
}

/// What has no draft of its own is in both branches or in none, whichever of them a deletion names.
#[test]
fn deleting_from_the_published_branch_depends_on_the_category() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let unit = usage("vertical", "u1");
    let is_in = |usage: &UsageKey| Branch::ALL.map(|branch| runtime.block(usage, branch).is_ok());
    call(&runtime, |bulk| bulk.delete_item(&unit, Revision::PublishedOnly));
    assert_eq!(is_in(&unit), Branch::ALL.map(|branch| branch == Branch::Draft));
    let chapter = usage("chapter", "c");
    assert_eq!(is_in(&chapter), [true; 2]);
    call(&runtime, |bulk| bulk.delete_item(&chapter, Revision::PublishedOnly));
    for usage in [chapter, usage("sequential", "s"), unit, usage("html", "h1"), usage("vertical", "u2")] {
        assert_eq!(is_in(&usage), [false; 2], "{usage}");
    }
    let children =
        Branch::ALL.map(|branch| runtime.block(&root(), branch).expect("the root").data.children.len());
    assert_eq!(children, [0; 2]);
}

/// Any number of calls are one new version of each branch, and of a bulk operation that fails nothing is left.
#[test]
fn a_bulk_operation_is_one_version_or_none() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let (before, count, feed) = (index(&runtime), structures(&runtime), feed(&runtime));
    let failed = runtime.bulk(&context(), &options(), |bulk| {
        bulk.create_child(&usage("vertical", "u1"), &usage("html", "x"), &html("x"), None)?;
        bulk.delete_item(&usage("html", "nobody"), Revision::ByCategory)
    });
    assert!(matches!(failed, Err(RuntimeError::NoSuchUsage { .. })), "{failed:?}");
    assert_eq!((index(&runtime), structures(&runtime), self::feed(&runtime)), (before, count, feed));

    let (_, made) = call(&runtime, |bulk| {
        for number in 0..5 {
            let text = usage("html", &bulk.free_id("html"));
            assert_eq!(text.block_id(), format!("html{}", number + 1));
            bulk.create_child(&usage("vertical", "u1"), &text, &html("x"), None)?;
            bulk.update_item(&text, &name("Named"))?;
        }
        bulk.publish(&usage("vertical", "u1"))
    });
    assert_eq!(structures(&runtime), count + 2);
    assert_eq!(runtime.context(&context()).expect("the context").draft.version, made.draft);
    // Versioned once in it, however often it was changed.
    assert_eq!(versions(&runtime, Branch::Draft, "html1"), [None, Some(made.draft.0.to_string()), None]);
    let unit = block_of(&structure(&runtime, &made.draft), "u1");
    assert_eq!(
        unit.get_document("fields").expect("fields").get_array("children").expect("children").len(),
        6
    );
}

fn feed(runtime: &ModulestoreRuntime) -> usize {
    runtime.changes(Cursor(0), usize::MAX).expect("the feed").len()
}

/// Nothing that changes nothing makes a version of the draft; what has no draft of its own is published all the same.
#[test]
fn saving_what_is_there_makes_no_version() {
    let (runtime, _folder) = new_store();
    let made = published_course(&runtime);
    call(&runtime, |bulk| bulk.update_item(&usage("html", "h1"), &name("Text")));
    let before = runtime.context(&context()).expect("the context");
    let (changed, after) = call(&runtime, |bulk| bulk.update_item(&usage("html", "h1"), &name("Text")));
    assert!(!changed);
    assert_eq!(after, Commit { draft: before.draft.version, published: made.published.clone() });

    let before = versions(&runtime, Branch::Draft, "c");
    let (changed, saved) = call(&runtime, |bulk| bulk.update_item(&usage("chapter", "c"), &name("Sea")));
    assert!(!changed);
    assert_eq!(saved.draft, after.draft);
    let learners = |at: &Commit| at.published.as_ref().map(|version| version.0.to_string());
    let source = before[2].clone().or_else(|| before[1].clone());
    assert_eq!(versions(&runtime, Branch::Draft, "c"), before);
    assert_eq!(versions(&runtime, Branch::Published, "c"), [learners(&made), learners(&saved), source]);
}

/// After a unit was taken from learners its sequential counts as changed until it is saved, be it as it is.
#[test]
fn saving_a_sequential_ends_what_unpublishing_began() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let (unit, sequential) = (usage("vertical", "u1"), usage("sequential", "s"));
    let source = |branch| versions(&runtime, branch, "s")[2].clone();
    call(&runtime, |bulk| bulk.unpublish(&unit));
    assert_eq!(source(Branch::Published), None);
    call(&runtime, |bulk| bulk.update_item(&sequential, &BlockPatch::default()));
    let [_, at, from] = versions(&runtime, Branch::Draft, "s");
    assert_eq!(source(Branch::Published), from.or(at));
    let learners = runtime.block(&sequential, Branch::Published).expect("the sequential");
    assert!(!learners.data.children.contains(&unit) && !published(&runtime, &unit));
}

/// A bulk operation that begins at an old version is a conflict.
#[test]
fn a_stale_base_is_a_conflict() {
    let (runtime, _folder) = new_store();
    let made = published_course(&runtime);
    call(&runtime, |bulk| bulk.update_item(&usage("html", "h1"), &name("One")));
    let stale = BulkOptions { base: Some(made.draft.clone()), ..options() };
    let refused =
        runtime.bulk(&context(), &stale, |bulk| bulk.update_item(&usage("html", "h1"), &name("Two")));
    assert!(
        matches!(&refused, Err(RuntimeError::Conflict { base, .. }) if *base == made.draft),
        "{refused:?}"
    );
}

/// Fields nobody here knows stay in the blocks and structures that operations write.
#[test]
fn unknown_fields_survive_operations() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let dump = folder.path().join("dump");
    runtime.export_dump(&dump).expect("the dump is written");
    let file = dump.join("modulestore.structures.bson");
    let mut bytes = std::fs::read(&file).expect("the structures");
    let mut rest = bytes.as_slice();
    let mut changed = Vec::new();
    while !rest.is_empty() {
        let mut document = bson::Document::from_reader(&mut rest).expect("BSON");
        document.insert("of_the_future", "structure");
        for block in document.get_array_mut("blocks").expect("blocks") {
            let block = block.as_document_mut().expect("a document");
            block.insert("of_the_future", "block");
            block.get_document_mut("edit_info").expect("edit info").insert("of_the_future", "info");
        }
        document.to_writer(&mut changed).expect("it is written");
    }
    bytes = changed;
    std::fs::write(&file, bytes).expect("it is written");
    let mut definitions = collections(&dump)["modulestore.definitions"].clone();
    for definition in &mut definitions {
        definition.insert("of_the_future", "definition");
        definition.get_document_mut("edit_info").expect("edit info").insert("of_the_future", "info");
    }
    write(&dump, "modulestore.definitions", &definitions);
    let (runtime, _folder) = new_store();
    runtime.import_dump(&dump).expect("the dump loads");
    call(&runtime, |bulk| {
        let content = vec![("data".into(), Some("another".into()))];
        bulk.update_item(&usage("html", "h1"), &BlockPatch { content, ..name("Changed") })?;
        bulk.create_child(&usage("vertical", "u1"), &usage("html", "x"), &html("x"), None)?;
        bulk.delete_item(&usage("problem", "p1"), Revision::ByCategory)?;
        bulk.publish(&usage("vertical", "u1"))
    });
    for branch in Branch::ALL {
        let structure = head(&runtime, branch);
        assert_eq!(structure.get_str("of_the_future").ok(), Some("structure"));
        for id in ["course", "u1", "u2", "h1"] {
            let block = block_of(&structure, id);
            assert_eq!(block.get_str("of_the_future").ok(), Some("block"), "{branch} {id}");
            let info = block.get_document("edit_info").expect("edit info");
            assert_eq!(info.get_str("of_the_future").ok(), Some("info"), "{branch} {id}");
        }
    }
    let text = block_of(&head(&runtime, Branch::Draft), "h1");
    let text = definition(&runtime, text.get_object_id("definition").expect("an id"));
    assert_eq!(text.get_document("fields").expect("fields").get_str("data").ok(), Some("another"));
    assert_eq!(text.get_str("of_the_future").ok(), Some("definition"));
    let info = text.get_document("edit_info").expect("edit info");
    assert_eq!(info.get_str("of_the_future").ok(), Some("info"));
    assert_ne!(info.get("previous_version"), Some(&bson::Bson::Null));
}

/// The ids of copies are those of the platform, before and after its move to Python 3 (modulestore reference, section 9).
#[test]
fn copies_have_the_platforms_ids() {
    let library: ContextKey = "library-v1:TestX+ProbLib".parse().expect("a library");
    assert_eq!(DerivedIds::Python2.id(&library, "Problem1", "lc1"), "aa26cfc64073c7f48597");
    assert_eq!(DerivedIds::Python3.id(&library, "Problem1", "lc1"), "8e86de4d399cc3bb256e");
}

/// A refresh keeps what the course set itself, takes what the library changed, and drops what it deleted.
#[test]
fn copies_of_library_blocks_are_refreshed() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let library: ContextKey = "library-v1:Harbour+Lib".parse().expect("a library");
    let inside = |block_type: &str, id: &str| library.make_usage_key(block_type, id).expect("a key");
    let (top, first, second) = (inside("library", "library"), inside("problem", "a"), inside("problem", "b"));
    let mut problem = html("<problem/>");
    problem.settings = map(json!({ "display_name": "From the library", "markdown": "x", "weight": 2.0 }));
    let make = Edit::new(library.clone(), Base::New { root: top.clone() });
    let unsaved = snapshot(&runtime, &context(), Branch::Draft);
    let made = commit(
        &runtime,
        make.put(top, block(json!({}), &[first.clone(), second.clone()]))
            .put(first.clone(), problem.clone())
            .put(second.clone(), problem),
    );
    let content = usage("library_content", "lc");
    let ids = DerivedIds::default();
    // A slip of the key costs no chapter.
    for slip in [usage("chapter", "c"), usage("html", "h1"), root()] {
        let refused = runtime
            .bulk(&context(), &options(), |bulk| bulk.refresh_library_content(&slip, &library, None, ids));
        assert!(matches!(refused, Err(RuntimeError::Unstorable { .. })), "{refused:?}");
    }
    assert_eq!(snapshot(&runtime, &context(), Branch::Draft), unsaved);
    call(&runtime, |bulk| {
        bulk.create_child(&usage("vertical", "u1"), &content, &block(json!({}), &[]), None)?;
        bulk.refresh_library_content(&content, &library, None, ids)
    });
    let copy = usage("problem", &DerivedIds::Python3.id(&library, "a", "lc"));
    let other = usage("problem", &DerivedIds::Python3.id(&library, "b", "lc"));
    let read = |usage: &UsageKey| runtime.block(usage, Branch::Draft).expect("the copy").data;
    assert_eq!(read(&content).children, [copy.clone(), other.clone()]);
    assert_eq!(read(&content).settings["source_library_version"], *made.draft.0);
    assert_eq!(read(&copy).settings, map(json!({})));
    assert_eq!(read(&copy).defaults, map(json!({ "display_name": "From the library", "weight": 2.0 })));
    let info = block_of(&head(&runtime, Branch::Draft), copy.block_id());
    let info = info.get_document("edit_info").expect("edit info");
    assert_eq!(info.get_str("original_usage").ok(), Some(first.to_string().as_str()));
    assert_eq!(
        info.get_object_id("original_usage_version").map(ObjectId::to_hex).ok(),
        Some(made.draft.0.to_string())
    );

    call(&runtime, |bulk| bulk.update_item(&copy, &name("Of this course")));
    let act = |bulk: &mut Bulk<'_>| {
        bulk.delete_item(&second, Revision::ByCategory)?;
        bulk.update_item(&first, &name("Changed in the library"))
    };
    runtime.bulk(&library, &options(), act).expect("the library changes");
    call(&runtime, |bulk| bulk.refresh_library_content(&content, &library, None, ids));
    assert_eq!(read(&copy).display_name(), Some("Of this course"));
    assert_eq!(read(&copy).defaults["display_name"], "Changed in the library");
    assert_eq!(read(&content).children, std::slice::from_ref(&copy));
    assert!(runtime.block(&other, Branch::Draft).is_err());
    // An old version brings back what it held; one that the library never was at is none.
    call(&runtime, |bulk| bulk.refresh_library_content(&content, &library, Some(&made.draft), ids));
    assert_eq!(read(&content).children, [copy, other]);
    let unknown = VersionId(ObjectId::new().to_hex().into());
    let refused = runtime.bulk(&context(), &options(), |bulk| {
        bulk.refresh_library_content(&content, &library, Some(&unknown), ids)
    });
    assert!(matches!(refused, Err(RuntimeError::NoSuchVersion { .. })), "{refused:?}");
}

/// A rerun shares its structures with the course it was made from, until either is edited.
#[test]
fn a_rerun_costs_no_blocks() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    commit(&runtime, edit().with(put_asset("a.txt", b"first")).publish_all());
    let made = commit(&runtime, edit().with(put_asset("b.txt", b"draft")));
    let (count, place) = (structures(&runtime), feed(&runtime));
    let rerun = runtime.rerun(&context(), &other_context(), Some(7)).expect("the rerun is made");
    assert_eq!(rerun, made);
    assert_eq!((structures(&runtime), feed(&runtime)), (count, place + 2));
    for branch in Branch::ALL {
        let (old, new) = (&context(), &other_context());
        assert_eq!(snapshot(&runtime, new, branch).len(), snapshot(&runtime, old, branch).len());
        let file = other_context().make_asset_key("a.txt").expect("a key");
        assert_eq!(runtime.read_asset(&file, branch).expect("the file"), b"first");
    }
    let text = other_context().make_usage_key("html", "h1").expect("a key");
    let before = snapshot(&runtime, &context(), Branch::Draft);
    runtime
        .bulk(&other_context(), &options(), |bulk| bulk.update_item(&text, &name("Rerun")))
        .expect("an edit");
    assert_eq!(snapshot(&runtime, &context(), Branch::Draft), before);
    let again = runtime.rerun(&context(), &other_context(), None);
    assert!(matches!(again, Err(RuntimeError::ContextExists { .. })), "{again:?}");
    let twin: ContextKey = other_context().to_string().to_lowercase().parse().expect("a key");
    let refused = runtime.rerun(&context(), &twin, None);
    assert!(
        matches!(&refused, Err(RuntimeError::ContextExists { key }) if *key == other_context()),
        "{refused:?}"
    );
    let nothing = runtime.rerun(&"course-v1:No+Such+Course".parse().expect("a key"), &context(), None);
    assert!(matches!(nothing, Err(RuntimeError::NoSuchContext { .. })), "{nothing:?}");
}

/// Orphans are what nothing leads to; pages stand beside the tree.
#[test]
fn orphans_are_listed() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    assert_eq!(runtime.orphans(&context(), Branch::Draft).expect("the orphans"), []);
    call(&runtime, |bulk| {
        bulk.create_item(&usage("html", "alone"), &html("x"))?;
        bulk.create_item(&usage("about", "overview"), &html("x"))
    });
    assert_eq!(runtime.orphans(&context(), Branch::Draft).expect("the orphans"), [usage("html", "alone")]);
    assert!(published(&runtime, &usage("about", "overview")));
}
