//! `create_course`, `force_publish_course` and `save_asset_metadata`: the documents edx-platform leaves.

use bson::{Bson, doc};
use chrono::DateTime;
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::operations::{AssetMetadata, BulkOptions};
use serde_json::json;
use xblock_core::keys::{AssetKey, ContextKey};
use xblock_core::runtime::{Base, BlockData, Branch, Cursor, Edit, Runtime, RuntimeError, VersionId};
use xblock_testkit::fixture::{
    asset, block, commit, context, edit, html, map, other_context, published_course, put_asset, snapshot,
    usage,
};

use crate::crash::is_sound;
use crate::fixture::new_store;
use crate::server::{new_store as new_server_store, server};
use crate::shapes::{block_of, definition, head, index};

fn options() -> BulkOptions {
    BulkOptions { author: Some(7), ..BulkOptions::default() }
}

fn id(document: &bson::Document, name: &str) -> Option<String> {
    document.get(name).and_then(Bson::as_object_id).map(|id| id.to_hex())
}

/// As in the platform's own documents of new courses: two structures of two blocks, the root published twice, the page once.
fn a_course_is_made(runtime: &ModulestoreRuntime) {
    let page = BlockData { content: map(json!({ "data": "<p>About</p>" })), ..BlockData::default() };
    let root = block(json!({ "display_name": "Tides", "tabs": [{ "type": "wiki", "name": "Wiki" }] }), &[]);
    let made = runtime.create_course(&context(), &root, &page, &options()).expect("it is made");
    let published = made.published.clone().expect("it is published");
    let entry = index(runtime);
    assert_eq!(entry.get_document("search_targets").expect("targets"), &doc! { "wiki_slug": "TIDES" });
    assert_eq!(entry.get_i32("edited_by").expect("who"), 7);
    let versions = entry.get_document("versions").expect("versions");
    assert_eq!(id(versions, "draft-branch").as_deref(), Some(&*made.draft.0));
    assert_eq!(id(versions, "published-branch").as_deref(), Some(&*published.0));
    for (branch, version) in [(Branch::Draft, &made.draft), (Branch::Published, &published)] {
        let structure = head(runtime, branch);
        assert_eq!(structure.get("previous_version"), Some(&Bson::Null));
        assert_eq!(id(&structure, "original_version").as_deref(), Some(&*version.0));
        assert_eq!(structure.get_array("blocks").expect("blocks").len(), 2);
        let (top, page) = (block_of(&structure, "course"), block_of(&structure, "overview"));
        let info = |block: &bson::Document, name| id(block.get_document("edit_info").expect("info"), name);
        assert_eq!(info(&top, "update_version").as_deref(), Some(&*version.0));
        assert_eq!(info(&page, "update_version").as_deref(), Some(&*version.0));
        let twice = (branch == Branch::Published).then(|| version.0.to_string());
        assert_eq!(info(&top, "previous_version"), twice, "the root is published twice");
        assert_eq!(info(&page, "previous_version"), None);
        let source = (branch == Branch::Published).then(|| made.draft.0.to_string());
        assert_eq!((info(&top, "source_version"), info(&page, "source_version")), (source.clone(), source));
        let fields = page.get_document("fields").expect("fields");
        assert_eq!(fields.get_str("display_name").expect("a name"), "overview");
        assert_eq!(fields.contains_key("children"), branch == Branch::Published);
        // What is set of a new course in the end is a second content of the root.
        let content = definition(runtime, top.get_object_id("definition").expect("an id"));
        assert_eq!(content.get_document("fields").expect("fields"), &doc! { "wiki_slug": "TIDES" });
        let previous = content.get_document("edit_info").expect("info").get_object_id("previous_version");
        let first = definition(runtime, previous.expect("the first content"));
        assert_eq!(first.get_document("fields").expect("fields"), &doc! {});
    }
    let feed = runtime.changes(Cursor(0), usize::MAX).expect("the feed");
    assert_eq!(feed.len(), 2);
    is_sound(runtime);
    // It is one no more than once, however its key is written.
    let again: ContextKey = context().to_string().to_lowercase().parse().expect("a key");
    assert_ne!(again, context());
    for key in [context(), again] {
        let refused = runtime.create_course(&key, &root, &BlockData::default(), &options());
        let is_named =
            matches!(&refused, Err(RuntimeError::ContextExists { key }) if *key == self::context());
        assert!(is_named, "{refused:?}");
        let root = key.make_usage_key("course", "course").expect("a key");
        let edit = Edit::new(key, Base::New { root: root.clone() }).put(root, BlockData::default());
        let refused = runtime.commit(edit);
        let is_named =
            matches!(&refused, Err(RuntimeError::ContextExists { key }) if *key == self::context());
        assert!(is_named, "{refused:?}");
    }
    commit(runtime, edit().put(usage("html", "loose"), html("x")).publish_all());
}

#[test]
fn a_course_is_made_as_the_platform_makes_it() {
    a_course_is_made(&new_store().0);
}

#[test]
fn a_course_is_made_on_a_server() {
    if let Some(server) = server() {
        a_course_is_made(&new_server_store(server));
    }
}

#[test]
fn a_wiki_slug_that_is_given_stays() {
    let (runtime, _folder) = new_store();
    let root = BlockData { content: map(json!({ "wiki_slug": "Harbour.Tides" })), ..BlockData::default() };
    runtime.create_course(&context(), &root, &BlockData::default(), &options()).expect("it is made");
    let targets = index(&runtime);
    let targets = targets.get_document("search_targets").expect("targets");
    assert_eq!(targets, &doc! { "wiki_slug": "Harbour.Tides" });
}

#[test]
fn a_library_has_one_branch() {
    let (runtime, _folder) = new_store();
    let library: ContextKey = "library-v1:Harbour+Knots".parse().expect("a key");
    let root = block(json!({ "display_name": "Knots" }), &[]);
    let made = runtime.create_library(&library, &root, &options()).expect("it is made");
    assert_eq!(made.published, None);
    let record = runtime.context(&library).expect("the library");
    assert_eq!(record.root.to_string(), "lib-block-v1:Harbour+Knots+type@library+block@library");
    assert!(runtime.create_library(&context(), &root, &options()).is_err());
    assert!(runtime.create_course(&library, &root, &root, &options()).is_err());
}

/// Both branches are at one structure, files and all; what follows goes on from there.
#[test]
fn the_whole_draft_is_published_by_force() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let change = edit().put(usage("html", "h1"), html("forced")).with(put_asset("a.txt", b"forced"));
    let draft = commit(&runtime, change).draft;
    let ((), forced) =
        runtime.bulk(&context(), &options(), |bulk| bulk.force_publish_course()).expect("it is published");
    assert_eq!((&forced.draft, forced.published.as_ref()), (&draft, Some(&draft)));
    assert_eq!(
        snapshot(&runtime, &context(), Branch::Published),
        snapshot(&runtime, &context(), Branch::Draft)
    );
    assert_eq!(runtime.read_asset(&asset("a.txt"), Branch::Published).expect("the file"), b"forced");
    assert!(!runtime.has_changes(&usage("html", "h1")).expect("the block"));
    let last = runtime.changes(Cursor(0), usize::MAX).expect("the feed").pop().expect("an entry");
    assert_eq!((last.branch, &last.version), (Branch::Published, &draft));
    // Again there is nothing to do, and nothing is told.
    let end = last.cursor;
    runtime.bulk(&context(), &options(), |bulk| bulk.force_publish_course()).expect("nothing is to do");
    assert!(runtime.changes(end, usize::MAX).expect("the feed").is_empty());
    let next = commit(&runtime, edit().put(usage("html", "h1"), html("later")).publish_all());
    assert_ne!(next.published, Some(next.draft));
    is_sound(&runtime);
}

fn picture(name: &str) -> AssetKey {
    AssetKey::new(context(), "asset", name).expect("a key")
}

/// Each record is in both branches, in the order of names; the structures are new, the blocks are not.
#[test]
fn asset_metadata_is_kept_in_both_branches() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let before = Branch::ALL.map(|branch| head(&runtime, branch));
    let made_on = DateTime::from_timestamp_millis(1_427_846_400_000).expect("a moment");
    let metadata = AssetMetadata {
        pathname: Some("pix/archive".into()),
        internal_name: Some("EKMND332DDBK".into()),
        locked: Some(true),
        content_type: Some("image/jpeg".into()),
        thumbnail: Some("thumb.jpg".into()),
        fields: map(json!({ "cite": "nobody" })),
        curr_version: Some("v2.0".into()),
        prev_version: Some("v1.0".into()),
        created_by: Some(11),
        created_by_email: Some("author@example.com".into()),
        created_on: Some(made_on),
        edited_by_email: Some("author@example.com".into()),
        ..AssetMetadata::default()
    };
    let save = |name: &str, metadata: &AssetMetadata| {
        runtime
            .bulk(&context(), &options(), |bulk| bulk.save_asset_metadata(&picture(name), metadata))
            .expect("it is saved")
            .1
    };
    save("picture.jpg", &metadata);
    save("alpha.jpg", &AssetMetadata::default());
    let again = AssetMetadata { locked: Some(false), created_by: None, created_on: None, ..metadata.clone() };
    let last = save("picture.jpg", &again);
    let now = crate::fixture::clock().now();
    for (branch, before) in Branch::ALL.into_iter().zip(before) {
        let structure = head(&runtime, branch);
        assert_eq!(
            structure.get_array("blocks").expect("blocks"),
            before.get_array("blocks").expect("blocks")
        );
        let list = structure.get_document("assets").expect("assets").get_array("asset").expect("a list");
        let names: Vec<_> =
            list.iter().filter_map(|record| record.as_document()?.get_str("filename").ok()).collect();
        assert_eq!(names, ["alpha.jpg", "picture.jpg"]);
        let record = list[1].as_document().expect("a document");
        let expected = doc! {
            "filename": "picture.jpg", "asset_type": "asset", "pathname": "pix/archive",
            "internal_name": "EKMND332DDBK", "locked": false, "contenttype": "image/jpeg",
            "thumbnail": "thumb.jpg", "fields": { "cite": "nobody" },
            "edit_info": {
                "curr_version": "v2.0", "prev_version": "v1.0", "created_by": 11,
                "created_by_email": "author@example.com",
                "created_on": bson::DateTime::from_millis(made_on.timestamp_millis()), "edited_by": 7,
                "edited_by_email": "author@example.com",
                "edited_on": bson::DateTime::from_millis(now.timestamp_millis()),
            },
        };
        assert_eq!(record, &expected);
        let read = runtime.asset_metadata(&context(), branch).expect("the records").records;
        let kept = AssetMetadata {
            created_by: Some(11),
            created_on: Some(made_on),
            edited_by: Some(7),
            edited_on: Some(now),
            ..again.clone()
        };
        assert_eq!(read[1], (picture("picture.jpg"), kept), "{branch}");
        let first = &read[0].1;
        assert_eq!((first.created_by, first.created_on), (Some(7), Some(now)), "by who saved it first");
    }
    assert_ne!(Some(last.draft), last.published);
    // A later edit carries them on.
    commit(&runtime, edit().put(usage("html", "h1"), html("later")).publish_all());
    for branch in Branch::ALL {
        assert_eq!(runtime.asset_metadata(&context(), branch).expect("the records").records.len(), 2);
    }
    let delete = |name: &str| {
        let key = picture(name);
        runtime.bulk(&context(), &options(), |bulk| bulk.delete_asset_metadata(&key)).expect("a call")
    };
    assert!(delete("alpha.jpg").0);
    let (was_there, at) = delete("alpha.jpg");
    assert!(!was_there);
    let head: VersionId = runtime.context(&context()).expect("the context").draft.version;
    assert_eq!(at.draft, head, "nothing changed");
    assert_eq!(runtime.asset_metadata(&context(), Branch::Draft).expect("the records").records.len(), 1);
    let key = AssetKey::new(other_context(), "asset", "x.png").expect("a key");
    let elsewhere = runtime
        .bulk(&context(), &options(), |bulk| bulk.save_asset_metadata(&key, &AssetMetadata::default()));
    assert!(matches!(elsewhere, Err(RuntimeError::WrongContext { .. })));
}
