//! Documents with something in the place of what belongs there: what readers make of it, and that a check names it.

use bson::{Bson, Document, doc};
use runtime_modulestore::operations::BulkOptions;
use runtime_modulestore::{ModulestoreRuntime, Severity};
use rusqlite::Connection;
use serde_json::json;
use xblock_core::runtime::{BlockPatch, Branch, Runtime, RuntimeError};
use xblock_testkit::fixture::{
    asset, commit, context, edit, html, published_course, put_asset, snapshot, usage,
};

use crate::fixture::{new_store, open};
use crate::maintenance::{change, codes};
use crate::structures::with_draft;

/// A file whose only chunk is numbered before the first has no bytes, whoever asks.
#[test]
fn chunks_before_the_first_are_none() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    commit(&runtime, edit().with(put_asset("a.txt", b"some bytes")).publish_all());
    assert_eq!(codes(&runtime), []);
    drop(runtime);
    let db = Connection::open(folder.path().join("store.db")).expect("the file opens");
    assert_eq!(db.execute("UPDATE chunks SET n = -1", []).expect("a chunk"), 1);
    drop(db);
    let runtime = open(folder.path());
    let key = asset("a.txt");
    let read = runtime.read_asset(&key, Branch::Published);
    assert!(matches!(read, Err(RuntimeError::Corrupt { .. })), "{read:?}");
    let begun = runtime.open_asset(&key, Branch::Published).and_then(|mut file| file.read_at(0, 4));
    assert!(matches!(begun, Err(RuntimeError::Corrupt { .. })), "{begun:?}");
    assert_eq!(codes(&runtime), [(Severity::Damage, "file_bytes")]);
}

/// What should say something about files and is no document is named; one that is not set is none.
#[test]
fn metadata_that_is_no_document_is_named() {
    let odd = [Bson::from(5), Bson::from(Vec::<Bson>::new()), Bson::from(vec!["a.png"]), "none".into()];
    for value in odd {
        let store = new_store();
        published_course(&store.0);
        let (runtime, _folder) = with_draft(store, |draft| drop(draft.insert("assets", value.clone())));
        let found = runtime.asset_metadata(&context(), Branch::Draft).expect("what is known");
        assert_eq!(found.records, []);
        let [damaged] = &found.damaged[..] else { panic!("{found:?}") };
        assert!(damaged.reason.contains("`assets` is no document"), "{damaged:?}");
        assert_eq!(codes(&runtime), [(Severity::Damage, "asset_metadata")]);
        // Blocks are edited all the same, and it stays.
        commit(&runtime, edit().put(usage("html", "h1"), html("edited")));
        assert_eq!(crate::shapes::head(&runtime, Branch::Draft).get("assets"), Some(&value));
    }
    for none in [Bson::Null, doc! {}.into()] {
        let store = new_store();
        published_course(&store.0);
        let (runtime, _folder) = with_draft(store, |draft| drop(draft.insert("assets", none)));
        assert_eq!(codes(&runtime), []);
    }
}

fn name(runtime: &ModulestoreRuntime, branch: Branch) -> String {
    let record = runtime.block(&usage("chapter", "c"), branch).expect("the chapter");
    record.data.own("display_name").and_then(|name| name.as_str()).expect("a name").to_owned()
}

/// A course that names a `library`, too, has its draft where edits of it go.
#[test]
fn edits_of_a_course_that_names_a_library_are_shown() {
    let (runtime, folder) = new_store();
    let older = published_course(&runtime).draft;
    commit(&runtime, edit().put(usage("html", "h1"), html("drafted")));
    let before = Branch::ALL.map(|branch| snapshot(&runtime, &context(), branch));
    drop(runtime);
    let library = bson::oid::ObjectId::parse_str(&*older.0).expect("an id");
    change(folder.path(), "active_versions", |index: &mut Document| {
        index.get_document_mut("versions").expect("versions").insert("library", library);
    });
    let runtime = open(folder.path());
    assert_eq!(codes(&runtime), [(Severity::Warning, "two_drafts")]);
    assert_eq!(Branch::ALL.map(|branch| snapshot(&runtime, &context(), branch)), before);
    let settings = vec![("display_name".into(), Some(json!("Named")))];
    let patch = BlockPatch { settings, ..BlockPatch::default() };
    let chapter = usage("chapter", "c");
    runtime
        .bulk(&context(), &BulkOptions::default(), |bulk| bulk.update_item(&chapter, &patch))
        .expect("an edit");
    // It is a course: its chapters are published when they are saved.
    assert_eq!(Branch::ALL.map(|branch| name(&runtime, branch)), ["Named", "Named"]);
    commit(&runtime, edit().put(usage("html", "h1"), html("again")));
    let text = runtime.block(&usage("html", "h1"), Branch::Draft).expect("the text");
    assert_eq!(*text.data, html("again"));
    let dump = folder.path().join("dump");
    runtime.export_dump(&dump).expect("a dump");
    let index = &crate::dumps::collections(&dump)["modulestore.active_versions"][0];
    let kept = index.get_document("versions").expect("versions").get_object_id("library").expect("an id");
    assert_eq!(kept, library);
}
