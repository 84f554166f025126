//! The documents are those edx-platform would have written.

use std::collections::BTreeSet;

use bson::oid::ObjectId;
use bson::{Bson, Document};
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::documents::IndexKey;
use serde_json::json;
use xblock_core::runtime::{Base, BlockData, BlockPatch, Branch, Edit, EditOp, Extent, Runtime, VersionId};
use xblock_testkit::fixture::{block, commit, context, edit, html, published_course, root, usage};

use crate::fixture::new_store;

/// Returns the structure a version is.
pub(crate) fn structure(runtime: &ModulestoreRuntime, version: &VersionId) -> Document {
    let id = ObjectId::parse_str(&*version.0).expect("an id");
    let bytes =
        runtime.store().read().expect("a view").structure(id).expect("a read").expect("the structure");
    Document::from_reader(bytes.as_slice()).expect("BSON")
}

pub(crate) fn definition(runtime: &ModulestoreRuntime, id: ObjectId) -> Document {
    let bytes =
        runtime.store().read().expect("a view").definition(id).expect("a read").expect("the definition");
    Document::from_reader(bytes.as_slice()).expect("BSON")
}

pub(crate) fn index(runtime: &ModulestoreRuntime) -> Document {
    let key = IndexKey::of(&context()).expect("a key Split keeps");
    let raw = runtime.store().read().expect("a view").index(&key).expect("a read").expect("the index");
    Document::try_from(&*raw).expect("BSON")
}

pub(crate) fn head(runtime: &ModulestoreRuntime, branch: Branch) -> Document {
    let record = runtime.context(&context()).expect("the context");
    structure(runtime, &record.head(branch).expect("a head").version)
}

pub(crate) fn block_of(structure: &Document, block_id: &str) -> Document {
    let blocks = structure.get_array("blocks").expect("blocks");
    let found = blocks
        .iter()
        .map(|block| block.as_document().expect("a document"))
        .find(|block| block.get_str("block_id").is_ok_and(|id| id == block_id));
    found.unwrap_or_else(|| panic!("no block {block_id}")).clone()
}

/// The versions of a block's edit info: previous, update, source.
pub(crate) fn versions(runtime: &ModulestoreRuntime, branch: Branch, block_id: &str) -> [Option<String>; 3] {
    let info =
        block_of(&head(runtime, branch), block_id).get_document("edit_info").expect("edit info").clone();
    ["previous_version", "update_version", "source_version"]
        .map(|name| info.get(name).expect("always written").as_object_id().map(ObjectId::to_hex))
}

fn has_changes(runtime: &ModulestoreRuntime, block_id: &str) -> bool {
    let compared = |branch| {
        let [_, update, source] = versions(runtime, branch, block_id);
        source.or(update)
    };
    compared(Branch::Draft) != compared(Branch::Published)
}

fn names(document: &Document) -> BTreeSet<&str> {
    document.keys().map(String::as_str).collect()
}

/// The worked example of the modulestore reference, section 8, line by line.
#[test]
fn edit_info_goes_through_the_worked_example() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let [_, unit_published, _] = versions(&runtime, Branch::Published, "u1");
    let h = usage("html", "x1");
    let unit = || Extent::Subtree(usage("vertical", "u1"));
    let text = |text: &str| edit().put(h.clone(), html(text));
    let draft_info = || versions(&runtime, Branch::Draft, "x1");
    let published_info = || versions(&runtime, Branch::Published, "x1");
    let some = |version: &VersionId| Some(version.0.to_string());

    let children = vec![usage("html", "h1"), h.clone()];
    let patch = BlockPatch { children: Some(children), ..BlockPatch::default() };
    let d1 =
        commit(&runtime, text("1").with(EditOp::PatchBlock { usage: usage("vertical", "u1"), patch })).draft;
    assert_eq!(draft_info(), [None, some(&d1), None]);

    let d2 = commit(&runtime, text("2")).draft;
    assert_eq!(draft_info(), [some(&d1), some(&d2), None]);

    let p1 = commit(&runtime, edit().with(EditOp::Publish(unit()))).published.expect("a version");
    assert_eq!(draft_info(), [some(&d1), some(&d2), None]);
    assert_eq!(published_info(), [some(&d1), some(&p1), some(&d2)]);
    assert_eq!(versions(&runtime, Branch::Published, "u1"), [unit_published, some(&p1), some(&d1)]);
    assert!(!has_changes(&runtime, "x1") && !has_changes(&runtime, "u1"));

    let d3 = commit(&runtime, text("3")).draft;
    assert_eq!(draft_info(), [some(&d2), some(&d3), None]);
    assert_eq!(published_info(), [some(&d1), some(&p1), some(&d2)]);
    assert!(has_changes(&runtime, "x1"));

    commit(&runtime, edit().with(EditOp::Discard(unit())));
    assert_eq!(draft_info(), [some(&d1), some(&p1), some(&d2)]);
    assert!(!has_changes(&runtime, "x1"));
    // Not in the table: a reverted block that is published again keeps its source.
    let again = commit(&runtime, edit().with(EditOp::Publish(unit()))).published.expect("a version");
    assert_eq!(published_info(), [some(&p1), some(&again), some(&d2)]);
    assert!(!has_changes(&runtime, "x1"));

    let d5 = commit(&runtime, text("5")).draft;
    assert_eq!(draft_info(), [some(&p1), some(&d5), None]);
    assert!(has_changes(&runtime, "x1"));

    let p2 = commit(&runtime, edit().with(EditOp::Publish(unit()))).published.expect("a version");
    assert_eq!(published_info(), [some(&again), some(&p2), some(&d5)]);
    assert!(!has_changes(&runtime, "x1"));

    let p3 = commit(&runtime, edit().with(EditOp::Publish(unit()))).published.expect("a version");
    assert_eq!(published_info(), [some(&p2), some(&p3), some(&d5)]);
    assert!(!has_changes(&runtime, "x1"));
}

/// Publishing a unit takes it into the sequential's published children; the sequential's edit info stays.
#[test]
fn a_parent_beside_a_publish_keeps_its_edit_info() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let before = versions(&runtime, Branch::Published, "s");
    let patch = BlockPatch {
        children: Some(vec![usage("vertical", "u1"), usage("vertical", "new"), usage("vertical", "u2")]),
        ..BlockPatch::default()
    };
    let change = edit()
        .with(EditOp::PatchBlock { usage: usage("sequential", "s"), patch })
        .put(usage("vertical", "new"), block(json!({}), &[]))
        .with(EditOp::Publish(Extent::Subtree(usage("vertical", "new"))));
    commit(&runtime, change);
    assert_eq!(versions(&runtime, Branch::Published, "s"), before);
    let fields = block_of(&head(&runtime, Branch::Published), "s");
    let children = fields.get_document("fields").expect("fields").get_array("children").expect("children");
    assert_eq!(children.len(), 3);
    assert_eq!(children[1], Bson::Array(vec!["vertical".into(), "new".into()]));
}

/// What was changed and changed back is no change after a publish or a discard, whichever way it is compared.
#[test]
fn a_change_taken_back_is_no_change() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let original = runtime.block(&usage("html", "h1"), Branch::Draft).expect("the text");
    for settle in [EditOp::Publish(Extent::All), EditOp::Discard(Extent::All)] {
        commit(&runtime, edit().put(usage("html", "h1"), html("else")));
        commit(&runtime, edit().put(usage("html", "h1"), (*original.data).clone()));
        assert!(has_changes(&runtime, "h1"));
        commit(&runtime, edit().with(settle));
        assert!(!has_changes(&runtime, "h1"));
        // Equal content is one document, also by way of the published copy.
        let definitions: Vec<_> = Branch::ALL
            .iter()
            .map(|branch| runtime.block(&usage("html", "h1"), *branch).expect("the text").definition)
            .collect();
        assert_eq!(definitions, [original.definition.clone(), original.definition.clone()]);
    }
}

/// A block that is put as it is keeps its edit info, and a commit that changes nothing makes no version.
#[test]
fn what_does_not_change_is_not_versioned() {
    let (runtime, _folder) = new_store();
    let before = published_course(&runtime).draft;
    let data = runtime.block(&usage("html", "h1"), Branch::Draft).expect("the text").data;
    let again = || edit().put(usage("html", "h1"), (*data).clone());
    assert_eq!(commit(&runtime, again()).draft, before);
    let info = versions(&runtime, Branch::Draft, "h1");
    commit(&runtime, again().put(usage("html", "h2"), html("new")));
    assert_eq!(versions(&runtime, Branch::Draft, "h1"), info);
}

/// Every document has the keys and types of the platform's own.
#[test]
fn documents_have_the_shapes_of_the_platform() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let mut change = edit()
        .put(root(), {
            let mut data = block(
                json!({ "display_name": "Tides", "start": "2031-01-02T03:04:05Z" }),
                &[usage("chapter", "c")],
            );
            data.content.insert("wiki_slug".into(), json!("Harbour.TIDES.2031"));
            data
        })
        .put(usage("html", "h1"), html("second"));
    change.author = Some(7);
    let made = commit(&runtime, change);

    let index = index(&runtime);
    let expected = [
        "_id",
        "course",
        "edited_by",
        "edited_on",
        "last_update",
        "org",
        "run",
        "schema_version",
        "search_targets",
        "versions",
    ];
    assert_eq!(names(&index), BTreeSet::from(expected));
    assert_eq!(index.get("org"), Some(&Bson::from("Harbour")));
    assert_eq!(index.get("course"), Some(&Bson::from("TIDES")));
    assert_eq!(index.get("run"), Some(&Bson::from("2031")));
    assert_eq!(index.get("schema_version"), Some(&Bson::from(1)));
    // Nobody is named for the course: a command made it.
    assert_eq!(index.get("edited_by"), Some(&Bson::Int32(-1)));
    assert_eq!(
        index.get_document("search_targets").expect("targets").get("wiki_slug"),
        Some(&Bson::from("Harbour.TIDES.2031"))
    );
    let versions = index.get_document("versions").expect("versions");
    assert_eq!(names(versions), BTreeSet::from(["draft-branch", "published-branch"]));
    assert_eq!(versions.get_object_id("draft-branch").expect("an id").to_hex(), *made.draft.0);
    // The clock stands still; the optimistic lock moves all the same.
    assert!(
        index.get_datetime("last_update").expect("a date") > index.get_datetime("edited_on").expect("a date")
    );

    let draft = structure(&runtime, &made.draft);
    let expected = [
        "_id",
        "blocks",
        "edited_by",
        "edited_on",
        "original_version",
        "previous_version",
        "root",
        "schema_version",
    ];
    assert_eq!(names(&draft), BTreeSet::from(expected));
    assert_eq!(draft.get("root"), Some(&Bson::Array(vec!["course".into(), "course".into()])));
    assert_eq!(draft.get("edited_by"), Some(&Bson::from(7)));
    let previous = draft.get_object_id("previous_version").expect("an id");
    assert_eq!(draft.get("original_version"), Some(&Bson::from(previous)));

    let course = block_of(&draft, "course");
    let expected = ["asides", "block_id", "block_type", "defaults", "definition", "edit_info", "fields"];
    assert_eq!(names(&course), BTreeSet::from(expected));
    let fields = course.get_document("fields").expect("fields");
    assert_eq!(fields.get_datetime("start").expect("a date").timestamp_millis(), 1_925_089_445_000);
    assert_eq!(
        fields.get_array("children").expect("children")[0],
        Bson::Array(vec!["chapter".into(), "c".into()])
    );
    let info = course.get_document("edit_info").expect("edit info");
    let expected = [
        "edited_by",
        "edited_on",
        "original_usage",
        "original_usage_version",
        "previous_version",
        "source_version",
        "update_version",
    ];
    assert_eq!(names(info), BTreeSet::from(expected));

    // A leaf has a list of children where it is published, as the platform's copies do, and none in the draft.
    let draft_leaf = block_of(&draft, "h1");
    assert!(!draft_leaf.get_document("fields").expect("fields").contains_key("children"));
    let published_leaf = block_of(&head(&runtime, Branch::Published), "h1");
    assert_eq!(
        published_leaf.get_document("fields").expect("fields").get("children"),
        Some(&Bson::Array(vec![]))
    );

    let second = definition(&runtime, draft_leaf.get_object_id("definition").expect("an id"));
    assert_eq!(
        names(&second),
        BTreeSet::from(["_id", "block_type", "edit_info", "fields", "schema_version"])
    );
    let first = published_leaf.get_object_id("definition").expect("an id");
    let info = second.get_document("edit_info").expect("edit info");
    assert_eq!(
        names(info),
        BTreeSet::from(["edited_by", "edited_on", "original_version", "previous_version"])
    );
    assert_eq!(info.get("previous_version"), Some(&Bson::from(first)));
    assert_eq!(info.get("original_version"), Some(&Bson::from(first)));
    let first = definition(&runtime, first);
    let info = first.get_document("edit_info").expect("edit info");
    assert_eq!(info.get("edited_by"), Some(&Bson::Int32(-1)));
    assert_eq!(info.get("previous_version"), Some(&Bson::Null));
    assert_eq!(info.get("original_version"), first.get("_id"));
}

/// References are pairs, whatever scope they have.
#[test]
fn references_are_pairs() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let mut data = BlockData::default();
    let source = usage("problem", "p1").to_string();
    let foreign = "block-v1:Harbour+WINDS+2031+type@html+block@h";
    data.content.insert("sources_list".into(), json!([source, foreign, "not a key"]));
    let at = usage("conditional", "c1");
    commit(&runtime, edit().put(at.clone(), data.clone()));
    assert_eq!(*runtime.block(&at, Branch::Draft).expect("the block").data, data);
    let stored = block_of(&head(&runtime, Branch::Draft), "c1").get_object_id("definition").expect("an id");
    let fields = definition(&runtime, stored).get_document("fields").expect("fields").clone();
    let pair = Bson::Array(vec!["problem".into(), "p1".into()]);
    assert_eq!(
        fields.get("sources_list"),
        Some(&Bson::Array(vec![pair, foreign.into(), "not a key".into()]))
    );
}

/// A library is kept as Split keeps one, with the published version beside its one branch.
#[test]
fn a_library_has_its_branch_and_the_published_one() {
    let (runtime, _folder) = new_store();
    let library: xblock_core::keys::ContextKey = "library-v1:Harbour+Knots".parse().expect("a key");
    let root = library.make_usage_key("library", "library").expect("a key");
    let text = library.make_usage_key("html", "h1").expect("a key");
    let made = Edit::new(library.clone(), Base::New { root: root.clone() })
        .put(root.clone(), block(json!({ "display_name": "Knots" }), std::slice::from_ref(&text)))
        .put(text.clone(), html("bowline"));
    commit(&runtime, made);
    assert_eq!(runtime.context(&library).expect("the library").published, None);
    let index = |runtime: &ModulestoreRuntime| {
        let key = IndexKey::of(&library).expect("a key");
        let raw = runtime.store().read().expect("a view").index(&key).expect("a read").expect("the index");
        Document::try_from(&*raw).expect("BSON")
    };
    assert_eq!(index(&runtime).get("run"), Some(&Bson::from("library")));
    assert_eq!(
        names(index(&runtime).get_document("versions").expect("versions")),
        BTreeSet::from(["library"])
    );

    let publish = Edit::new(library.clone(), Base::Any).publish_all();
    let published = commit(&runtime, publish).published.expect("a version");
    let changed = commit(&runtime, Edit::new(library.clone(), Base::Any).put(text.clone(), html("hitch")));
    let index = index(&runtime);
    let versions = index.get_document("versions").expect("versions");
    assert_eq!(versions.get_object_id("library").expect("an id").to_hex(), *changed.draft.0);
    assert_eq!(versions.get_object_id("published-branch").expect("an id").to_hex(), *published.0);
    let read = |branch| runtime.block(&text, branch).expect("the text").data.content["data"].clone();
    assert_eq!((read(Branch::Published), read(Branch::Draft)), (json!("bowline"), json!("hitch")));
    assert_eq!(runtime.contexts().expect("contexts"), std::slice::from_ref(&library));
}

/// A course with an old key is marked, keeps its root's id, and its files have the old ids.
#[test]
fn an_old_course_is_marked() {
    let (runtime, _folder) = new_store();
    let course: xblock_core::keys::ContextKey = "Harbour/TIDES/2031".parse().expect("a key");
    let root = course.make_usage_key("course", "2031").expect("a key");
    let file = course.make_asset_key("tide.png").expect("a key");
    let put = EditOp::PutAsset {
        key: file.clone(),
        data: xblock_core::runtime::AssetData {
            thumbnail: Some("tide-png.jpg".into()),
            ..xblock_testkit::fixture::attributes("Tide.png")
        },
        content: std::sync::Arc::new(b"png".to_vec()),
    };
    let made = Edit::new(course.clone(), Base::New { root: root.clone() })
        .put(root.clone(), block(json!({ "display_name": "Tides" }), &[]))
        .with(put)
        .publish_all();
    commit(&runtime, made);
    assert_eq!(runtime.contexts().expect("contexts"), std::slice::from_ref(&course));
    assert_eq!(runtime.context(&course).expect("the course").root, root);
    assert_eq!(runtime.read_asset(&file, Branch::Published).expect("the bytes"), b"png");
    let docs = runtime.store().read().expect("a view");
    let owner = runtime_modulestore::documents::FileOwner::of(&course);
    let files = docs.files(runtime_modulestore::documents::Bucket::Published, &owner).expect("files");
    let document = Document::try_from(&*files[0]).expect("BSON");
    let id = document.get_document("_id").expect("a document");
    let order: Vec<_> = id.keys().map(String::as_str).collect();
    assert_eq!(order, ["category", "name", "course", "tag", "org", "revision"]);
    assert_eq!(document.get("filename"), Some(&Bson::from("/c4x/Harbour/TIDES/asset/tide.png")));
    assert_eq!(document.get("chunkSize"), Some(&Bson::from(261_120)));
    assert_eq!(document.get("custom_md5"), Some(&Bson::from("bff139fa05ac583f685a523ab3d110a0")));
    let thumbnail = document.get_array("thumbnail_location").expect("a list");
    assert_eq!(thumbnail.len(), 6);
    assert_eq!(thumbnail[4], "tide-png.jpg".into());
    drop(docs);
    // Both forms of the key would be filed in one place, which Split's unique index forbids.
    let twin = context();
    let root = twin.make_usage_key("course", "course").expect("a key");
    let made = Edit::new(twin.clone(), Base::New { root: root.clone() }).put(root, BlockData::default());
    assert!(matches!(runtime.commit(made), Err(xblock_core::runtime::RuntimeError::Unstorable { .. })));
    assert!(matches!(runtime.context(&twin), Err(xblock_core::runtime::RuntimeError::NoSuchContext { .. })));
}
