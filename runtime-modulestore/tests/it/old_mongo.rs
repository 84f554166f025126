//! Courses of Old Mongo: forms of documents that the recorded databases do not have, and damage.

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};
use runtime_modulestore::{FsckOptions, ModulestoreRuntime, Severity};
use serde_json::json;
use tempfile::TempDir;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::{self, ExportOptions, MemorySink, Outcome, write_course};
use xblock_core::runtime::{Base, Branch, Edit, Runtime, RuntimeError, RuntimeExt};

use crate::classes::registry;
use crate::dumps::write;
use crate::fixture::new_store;

fn course() -> ContextKey {
    "Harbour/TIDES/2031".parse().expect("a key")
}

fn key(category: &str, name: &str) -> UsageKey {
    course().make_usage_key(category, name).expect("a key")
}

fn id(category: &str, name: &str, revision: Bson) -> Document {
    doc! { "tag": "i4x", "org": "Harbour", "course": "TIDES", "category": category, "name": name, "revision": revision }
}

fn block(category: &str, name: &str, children: &[&str]) -> Document {
    let children: Vec<_> = children.iter().map(|child| format!("i4x://Harbour/TIDES/{child}")).collect();
    doc! { "_id": id(category, name, Bson::Null), "definition": { "data": {}, "children": children }, "metadata": {} }
}

fn store(documents: &[Document]) -> (ModulestoreRuntime, TempDir) {
    let (runtime, folder) = new_store();
    write(folder.path(), "modulestore", documents);
    let counts = runtime.import_dump(folder.path()).expect("the dump loads");
    assert_eq!(counts.contexts, [course()]);
    (runtime, folder)
}

/// Data that is a text, dates of numbers, no `edit_info` at all: what the first years wrote.
#[test]
fn documents_of_the_first_years_are_read() {
    let mut root = block("course", "2031", &["chapter/c"]);
    root.insert("metadata", doc! { "graceperiod": "1 day", "start": "2031-01-02T03:04" });
    let mut text = block("html", "h", &[]);
    text.insert("definition", doc! { "data": "<p>low</p>" });
    text.insert(
        "metadata",
        doc! { "display_name": "Low", "published_date": [2012, 8, 1, 10, 20, 30, 2, 214, 0], "published_by": 4_i64 },
    );
    let (runtime, _folder) = store(&[root, block("chapter", "c", &["html/h"]), text]);
    let found = runtime.block(&key("html", "h"), Branch::Published).expect("the text");
    assert_eq!(found.data.content["data"], "<p>low</p>");
    assert_eq!(found.data.settings.len(), 1);
    let published = runtime.published(&key("html", "h")).expect("a read").expect("published");
    assert_eq!(published.edited_by, Some(4));
    assert_eq!(published.edited_on.expect("a time").to_rfc3339(), "2012-08-01T10:20:30+00:00");
    let inherited = runtime.inherited(&key("html", "h"), Branch::Draft).expect("settings");
    assert_eq!(inherited["graceperiod"], json!("1 day"));
    assert!(!runtime.has_changes(&key("course", "2031")).expect("a comparison"));
    assert!(!runtime.is_feed_behind().expect("it has no versions"));
}

/// Drafts lie over what is published, and count as changes of all above them.
#[test]
fn drafts_lie_over_what_is_published() {
    let mut draft = block("html", "h", &[]);
    draft.insert("_id", id("html", "h", "draft".into()));
    draft.insert("definition", doc! { "data": { "data": "high" } });
    draft.insert("edit_info", doc! { "edited_on": DateTime::from_millis(7), "edited_by": 3 });
    let (runtime, _folder) = store(&[
        block("course", "2031", &["chapter/c"]),
        block("chapter", "c", &["html/h", "html/gone"]),
        block("html", "h", &[]),
        draft,
    ]);
    let data = |branch| {
        runtime.block(&key("html", "h"), branch).expect("the text").data.content.get("data").cloned()
    };
    assert_eq!((data(Branch::Draft), data(Branch::Published)), (Some(json!("high")), None));
    assert!(runtime.has_changes(&key("course", "2031")).expect("a comparison"));
    let children =
        runtime.block(&key("chapter", "c"), Branch::Draft).expect("the chapter").data.children.clone();
    assert_eq!(children, [key("html", "h"), key("html", "gone")]);
    assert_eq!(runtime.parents(&key("html", "h"), Branch::Draft).expect("parents"), [key("chapter", "c")]);
    let record = runtime.context(&course()).expect("the course");
    let versions = runtime.history(&course(), Branch::Draft).expect("the history");
    assert_eq!(versions[0].version, record.draft.version);
    assert_eq!(runtime.version(&course(), &record.draft.version).expect("it").blocks.len(), 3);
}

/// Nothing is written: not over the course, not in its place.
#[test]
fn old_courses_are_only_read() {
    let (runtime, _folder) = store(&[block("course", "2031", &[])]);
    let edit = Edit::new(course(), Base::Any).put(key("html", "h"), Default::default());
    assert!(matches!(runtime.commit(edit), Err(RuntimeError::UnsupportedKey { .. })));
    let root = key("course", "2031");
    let new = Edit::new(course(), Base::New { root: root.clone() }).put(root, Default::default());
    assert!(matches!(runtime.commit(new), Err(RuntimeError::ContextExists { .. })));
    let make = |key: &str| {
        let key: ContextKey = key.parse().expect("a key");
        let root = key.make_usage_key("course", "course").expect("a key");
        runtime.commit(Edit::new(key, Base::New { root: root.clone() }).put(root, Default::default()))
    };
    let refused = make("course-v1:harbour+Tides+2031");
    assert!(matches!(&refused, Err(RuntimeError::ContextExists { key }) if *key == course()), "{refused:?}");
    assert!(make("course-v1:Harbour+TIDES+2031").is_ok(), "it moves to Split under its own parts");
}

fn findings(runtime: &ModulestoreRuntime) -> Vec<(Severity, &'static str, String)> {
    let report = runtime.fsck(FsckOptions::default()).expect("the check");
    let found = report.findings.iter();
    found.map(|one| (one.severity, one.code, format!("{}: {}", one.place, one.reason))).collect()
}

/// A check reads every document in both revisions, and looks at the tree; nothing is repaired.
#[test]
fn a_check_reads_old_documents() {
    let mut draft = block("vertical", "new", &["html/h"]);
    draft.insert("_id", id("vertical", "new", "draft".into()));
    let sound = [
        block("course", "2031", &["chapter/c"]),
        block("chapter", "c", &["vertical/new", "html/h"]),
        block("html", "h", &[]),
        draft,
    ];
    let (runtime, _folder) = store(&sound);
    assert_eq!(findings(&runtime), [], "a unit that was never published is not damage");
    let report = runtime.fsck(FsckOptions::default()).expect("the check");
    assert_eq!((report.contexts, report.blocks), (1, 4));

    let mut wrong_draft = block("html", "h", &[]);
    wrong_draft.insert("_id", id("html", "h", "draft".into()));
    wrong_draft.insert("metadata", "text");
    let mut unknown = block("html", "later", &[]);
    unknown.insert("_id", id("html", "later", "soon".into()));
    let mut other = block("html", "lost", &[]);
    other.get_document_mut("_id").expect("an id").insert("course", "GONE");
    let mut circle = block("vertical", "new", &["chapter/c"]);
    circle.insert("_id", id("vertical", "new", "draft".into()));
    let [root, chapter, text, _] = sound;
    let mut chapter = chapter;
    let children = ["vertical/new", "html/h", "html/h", "html/gone"];
    let children: Vec<_> = children.iter().map(|child| format!("i4x://Harbour/TIDES/{child}")).collect();
    chapter.insert("definition", doc! { "data": {}, "children": children });
    let (runtime, _folder) = store(&[root, chapter, text, wrong_draft, unknown, other, circle]);
    let found = findings(&runtime);
    let told: Vec<_> = found.iter().map(|(severity, code, _)| (*severity, *code)).collect();
    assert_eq!(
        told,
        [
            (Severity::Damage, "old_document"),
            (Severity::Damage, "no_root"),
            (Severity::Damage, "block"),
            (Severity::Warning, "child_twice"),
            (Severity::Damage, "cycle"),
            (Severity::Warning, "missing_child"),
        ],
        "{found:?}"
    );
    let places = ["html/later@soon", "Harbour/GONE", "html/h@draft", "chapter+c", "+", "html+gone"];
    for ((.., text), place) in found.iter().zip(places) {
        assert!(text.contains(place), "{text} names {place}");
    }
    let repair = runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the check");
    assert!(repair.findings.iter().all(|one| one.repair.is_none() && !one.is_repaired), "{repair:?}");
    assert_eq!(findings(&runtime), found);
}

/// Keys that differ in case only come with dumps; a check says so.
#[test]
fn a_check_names_keys_that_differ_in_case_only() {
    let (runtime, folder) = new_store();
    let mut twin = block("course", "2031", &[]);
    twin.get_document_mut("_id").expect("an id").insert("org", "HARBOUR");
    write(folder.path(), "modulestore", &[block("course", "2031", &[]), twin]);
    runtime.import_dump(folder.path()).expect("the dump loads");
    let found = findings(&runtime);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0, found[0].1), (Severity::Warning, "key_case"));
    assert!(
        found[0].2.contains("HARBOUR/TIDES/2031") && found[0].2.contains("Harbour/TIDES/2031"),
        "{found:?}"
    );
}

/// A damaged block says so with its place; the others are read. Blocks that contain each other end no process.
#[test]
fn damage_stays_where_it_is() {
    let mut damaged = block("html", "bad", &[]);
    damaged.insert("definition", doc! { "data": {}, "children": [5] });
    let mut wrong = block("html", "wrong", &[]);
    wrong.insert("metadata", "text");
    let (runtime, _folder) = store(&[
        block("course", "2031", &["chapter/c"]),
        block("chapter", "c", &["vertical/v", "html/bad", "html/wrong"]),
        block("vertical", "v", &["chapter/c"]),
        damaged,
        wrong,
    ]);
    for (name, words) in [("bad", "a child is no text"), ("wrong", "metadata")] {
        let error = runtime.block(&key("html", name), Branch::Draft).expect_err("damage").to_string();
        assert!(
            error.contains(&format!("i4x://Harbour/TIDES/html/{name}")) && error.contains(words),
            "{error}"
        );
    }
    assert!(runtime.has_changes(&key("chapter", "c")).expect("a comparison"));
    assert!(!runtime.ancestors(&key("vertical", "v"), Branch::Draft).expect("a way up").is_empty());
    assert_eq!(runtime.walk(&key("course", "2031"), Branch::Draft).count(), 5);
}

/// A document whose name makes no key, and a child of that kind, are named, and all other blocks are read.
#[test]
fn names_that_are_no_keys_take_nothing_along() {
    let mut draft = block("html", "c d", &[]);
    draft.insert("_id", id("html", "c d", "draft".into()));
    let mut unknown = block("html", "later", &[]);
    unknown.insert("_id", id("html", "later", "soon".into()));
    let (runtime, _folder) = store(&[
        block("course", "2031", &["vertical/v"]),
        block("vertical", "v", &["html/a b", "html/h", "html/no body"]),
        block("html", "h", &[]),
        block("html", "a b", &[]),
        draft,
        unknown,
    ]);
    assert!(runtime.context(&course()).is_ok());
    for (branch, count) in [(Branch::Draft, 5), (Branch::Published, 4)] {
        assert_eq!(runtime.usages(&course(), branch).expect("the blocks").len(), 3);
        let unit = runtime.block(&key("vertical", "v"), branch).expect("the unit");
        assert_eq!(unit.data.children, [key("html", "h")]);
        let named = runtime.unlisted(&course(), branch).expect("what is left out");
        assert_eq!(named.len(), count, "{named:?}");
    }
    let found = findings(&runtime);
    for code in ["block_key", "missing_child", "old_document"] {
        assert!(found.iter().any(|(_, found, _)| *found == code), "{code} in {found:?}");
    }
}

/// What the `assetstore` says about files is read of both branches; damage there is named and stops no block.
#[test]
fn records_about_files_are_read() {
    let (runtime, folder) = new_store();
    write(folder.path(), "modulestore", &[block("course", "2031", &[])]);
    let record = doc! {
        "filename": "picture.jpg", "asset_type": "asset", "locked": true, "contenttype": Bson::Null,
        "fields": { "cite": "nobody" }, "basename": "picture",
        "edit_info": { "edited_by": 11, "edited_on": DateTime::from_millis(7) },
    };
    let of = |course: &str, record: &Document| doc! { "_id": ObjectId::new(), "course_id": course, "assets": { "asset": [record] } };
    let other = doc! { "filename": "other.jpg" };
    write(
        folder.path(),
        "assetstore",
        &[of("Harbour/TIDES/2030", &other), of("Harbour/TIDES/2031", &record)],
    );
    runtime.import_dump(folder.path()).expect("the dump loads");
    for branch in Branch::ALL {
        let found = runtime.asset_metadata(&course(), branch).expect("the records");
        let [(key, said)] = &found.records[..] else { panic!("one record: {found:?}") };
        assert_eq!(key.to_string(), "/c4x/Harbour/TIDES/asset/picture.jpg");
        assert_eq!((said.locked, said.content_type.as_deref(), said.edited_by), (Some(true), None, Some(11)));
        assert_eq!((&said.fields["cite"], &said.extra["basename"]), (&json!("nobody"), &json!("picture")));
        assert_eq!(said.edited_on.expect("a time").timestamp_millis(), 7);
    }
    assert!(runtime.fsck(FsckOptions::default()).expect("a check").findings.is_sound());

    let (runtime, folder) = new_store();
    write(folder.path(), "modulestore", &[block("course", "2031", &[])]);
    write(
        folder.path(),
        "assetstore",
        &[of("Harbour/TIDES/2031", &doc! { "locked": true }), of("Harbour/TIDES/2031", &record)],
    );
    runtime.import_dump(folder.path()).expect("the dump loads");
    let found = runtime.asset_metadata(&course(), Branch::Draft).expect("the records");
    let [damaged] = &found.damaged[..] else { panic!("a record of no file: {found:?}") };
    assert!(damaged.place.contains("assetstore") && damaged.reason.contains("filename"), "{damaged:?}");
    assert_eq!((found.records.len(), &damaged.key), (1, &None));
    let report = runtime.fsck(FsckOptions::default()).expect("a check");
    assert!(report.findings.iter().any(|found| found.code == "asset_metadata"), "{:?}", report.findings);
    assert!(runtime.block(&key("course", "2031"), Branch::Draft).is_ok());
}

/// Every place of a document where a field can stand, the documents within included.
fn places(document: &Document, above: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (name, value) in document {
        let place = [above, std::slice::from_ref(name)].concat();
        if let Bson::Document(inner) = value {
            found.extend(places(inner, &place));
        }
        found.push(place);
    }
    found
}

/// Puts a value into a place, or takes out what is there.
fn spoil(document: &mut Document, place: &[String], value: Option<&Bson>) {
    match (place, value) {
        ([name], Some(value)) => drop(document.insert(name, value.clone())),
        ([name], None) => drop(document.remove(name)),
        ([name, rest @ ..], _) => spoil(document.get_document_mut(name).expect("a document"), rest, value),
        ([], _) => {}
    }
}

/// Whatever is wrong in one place: where an export fails or leaves something out, a check has something to say.
#[test]
fn a_check_finds_what_an_export_finds() {
    let mut draft = block("html", "h", &[]);
    draft.insert("_id", id("html", "h", "draft".into()));
    draft.insert("edit_info", doc! { "edited_on": DateTime::from_millis(7), "edited_by": 3 });
    let mut text = block("html", "h", &[]);
    text.insert("metadata", doc! { "display_name": "Low", "published_date": [2012, 8, 1, 10, 20, 30] });
    let sound = [
        block("course", "2031", &["chapter/c"]),
        block("chapter", "c", &["vertical/v"]),
        block("vertical", "v", &["html/h"]),
        text,
        draft,
        block("about", "overview", &[]),
    ];
    let values = [None, Some(Bson::Null), Some(5.into()), Some("text".into()), Some(Bson::Array(vec![]))];
    let mut missed = Vec::new();
    let mut tried = 0;
    for at in 0..sound.len() {
        for place in places(&sound[at], &[]) {
            for value in &values {
                let mut documents = sound.to_vec();
                spoil(&mut documents[at], &place, value.as_ref());
                let (runtime, folder) = new_store();
                write(folder.path(), "modulestore", &documents);
                if runtime.import_dump(folder.path()).is_err() {
                    continue;
                }
                tried += 1;
                let told = lacks(&runtime);
                if !told.is_empty() && findings(&runtime).is_empty() {
                    missed.push(format!("{at}, {place:?}, {value:?}: {told:?}"));
                }
            }
        }
    }
    assert_eq!(missed, [""; 0]);
    assert!(tried > 100, "{tried}");
}

/// Says what exports of all courses lack.
fn lacks(runtime: &ModulestoreRuntime) -> Vec<String> {
    let mut told: Vec<_> =
        runtime.damaged_contexts().expect("a list").iter().map(ToString::to_string).collect();
    for context in runtime.contexts().expect("contexts") {
        let mut sink = MemorySink::default();
        match write_course(runtime, &context, ExportOptions::default(), &registry(), &mut sink) {
            Ok(report) => {
                let lacking = report.diagnostics.iter().filter(|remark| {
                    remark.severity == olx::Severity::Error || remark.outcome == Some(Outcome::LeftOut)
                });
                told.extend(lacking.map(|remark| remark.message.clone()));
            }
            Err(error) => told.push(error.to_string()),
        }
    }
    told
}
