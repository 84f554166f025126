//! Checks and repairs of a whole store, and what makes structures big.

use std::path::Path;

use bson::oid::ObjectId;
use bson::{Bson, Document};
use chrono::{DateTime, Utc};
use runtime_modulestore::store::{ContentKind, DocumentStore, SqliteStore, StoreMode};
use runtime_modulestore::{Finding, FsckOptions, ModulestoreRuntime, PruneOptions, Severity};
use serde_json::json;
use xblock_core::runtime::{Branch, EditOp, Runtime, RuntimeError, Unlisted};
use xblock_testkit::fixture::{
    block, commit, context, edit, html, published_course, put_asset, root, snapshot, usage,
};

use crate::fixture::{new_store, open};
use crate::pruning::now;

pub(crate) fn codes(runtime: &ModulestoreRuntime) -> Vec<(Severity, &'static str)> {
    let report = runtime.fsck(FsckOptions::default()).expect("the check");
    report.findings.iter().map(|finding| (finding.severity, finding.code)).collect()
}

/// Six versions of the draft, three of what is published.
pub(crate) fn course_with_history(runtime: &ModulestoreRuntime) {
    published_course(runtime);
    for text in ["one", "two"] {
        commit(runtime, edit().put(usage("html", "h1"), html(text)));
        commit(runtime, edit().put(usage("problem", "p1"), html(text)).publish_all());
    }
    commit(runtime, edit().put(usage("html", "h1"), html("three")));
}

/// What is whole has no findings, with files, drafts, a library, an old key.
#[test]
fn a_sound_store_has_no_findings() {
    let (runtime, _folder) = new_store();
    course_with_history(&runtime);
    commit(&runtime, edit().with(put_asset("a.txt", b"a")).publish_all());
    commit(&runtime, edit().with(put_asset("a.txt", b"b")).with(put_asset("c.txt", b"")));
    commit(&runtime, edit().with(EditOp::DeleteAsset { key: xblock_testkit::fixture::asset("a.txt") }));
    let report = runtime.fsck(FsckOptions::default()).expect("the check");
    assert_eq!(report.findings, []);
    assert_eq!(report.contexts, 1);
    assert!(report.structures >= 8 && report.blocks >= 14 && report.definitions >= 8 && report.files >= 4);
}

/// Changes documents behind the store's back.
pub(crate) fn change(folder: &Path, kind: &str, change: impl Fn(&mut Document)) {
    let dump = folder.join(format!("dump-{}", ObjectId::new()));
    open(folder).export_dump(&dump).expect("the dump is written");
    let file = dump.join(format!("modulestore.{kind}.bson"));
    let bytes = std::fs::read(&file).expect("the documents");
    let (mut rest, mut out) = (bytes.as_slice(), Vec::new());
    while !rest.is_empty() {
        let mut document = Document::from_reader(&mut rest).expect("BSON");
        change(&mut document);
        document.to_writer(&mut out).expect("it is written");
    }
    std::fs::write(&file, out).expect("it is written");
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    open(folder).import_dump(&dump).expect("the dump loads");
}

pub(crate) fn each_block(structure: &mut Document, change: impl Fn(&str, &mut Document)) {
    for block in structure.get_array_mut("blocks").expect("blocks") {
        let block = block.as_document_mut().expect("a document");
        let id = block.get_str("block_id").expect("an id").to_owned();
        change(&id, block);
    }
}

pub(crate) fn repaired(findings: &[Finding]) -> Vec<(&'static str, bool)> {
    findings.iter().filter(|f| f.severity > Severity::Note).map(|f| (f.code, f.is_repaired)).collect()
}

/// Children that do not exist are taken out, in a new version; the rest stays.
#[test]
fn missing_children_are_repaired() {
    let (runtime, folder) = new_store();
    commit(&runtime, xblock_testkit::fixture::small_course());
    drop(runtime);
    change(folder.path(), "structures", |structure| {
        each_block(structure, |id, block| {
            if id == "u1" {
                let fields = block.get_document_mut("fields").expect("fields");
                let children = fields.get_array_mut("children").expect("children");
                children.insert(0, Bson::Array(vec!["html".into(), "nobody".into()]));
            }
        });
    });
    let runtime = open(folder.path());
    assert_eq!(codes(&runtime), [(Severity::Warning, "missing_child")]);
    let report = runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the repair");
    assert_eq!(repaired(&report.findings), [("missing_child", true)]);
    let unit = runtime.block(&usage("vertical", "u1"), Branch::Draft).expect("the unit");
    assert_eq!(unit.data.children, [usage("html", "h1")]);
    assert_eq!(codes(&open(folder.path())), []);
    assert_eq!(
        runtime.history(&context(), Branch::Draft).expect("the history")[0].message,
        "Repaired by fsck"
    );
}

/// A block above itself is found, once, and the way back is taken out.
#[test]
fn cycles_are_repaired() {
    let (runtime, folder) = new_store();
    commit(&runtime, xblock_testkit::fixture::small_course());
    drop(runtime);
    change(folder.path(), "structures", |structure| {
        each_block(structure, |id, block| {
            if id == "u1" {
                let fields = block.get_document_mut("fields").expect("fields");
                let children = fields.get_array_mut("children").expect("children");
                children.push(Bson::Array(vec!["chapter".into(), "c".into()]));
            }
        });
    });
    let runtime = open(folder.path());
    assert_eq!(codes(&runtime), [(Severity::Damage, "cycle")]);
    // Nothing that reads it hangs.
    let walked = runtime.view(&context(), Branch::Draft).expect("a view").outline().count();
    assert_eq!(walked, 7);
    assert!(runtime.parents(&usage("chapter", "c"), Branch::Draft).expect("the parents").contains(&root()));
    let report = runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the repair");
    assert_eq!(repaired(&report.findings), [("cycle", true)]);
    let unit = runtime.block(&usage("vertical", "u1"), Branch::Draft).expect("the unit");
    assert_eq!(unit.data.children, [usage("html", "h1")]);
    assert_eq!(codes(&open(folder.path())), []);
}

fn add_child(block: &mut Document, block_type: &str, block_id: &str) {
    let fields = block.get_document_mut("fields").expect("fields");
    if !fields.contains_key("children") {
        fields.insert("children", Bson::Array(Vec::new()));
    }
    let children = fields.get_array_mut("children").expect("children");
    children.push(Bson::Array(vec![block_type.into(), block_id.into()]));
}

/// Of circles through the root the ways back are taken out, whatever the blocks are called, and never the way down.
#[test]
fn circles_through_the_root_keep_the_way_down() {
    let (runtime, folder) = new_store();
    commit(&runtime, xblock_testkit::fixture::small_course());
    let usages = runtime.usages(&context(), Branch::Draft).expect("the blocks");
    let children = |runtime: &ModulestoreRuntime| -> Vec<_> {
        let read = |usage| runtime.block(usage, Branch::Draft).expect("a block").data.children.clone();
        usages.iter().map(read).collect()
    };
    let before = children(&runtime);
    drop(runtime);
    change(folder.path(), "structures", |structure| {
        each_block(structure, |id, block| match id {
            "u1" => {
                add_child(block, "course", "course");
                add_child(block, "chapter", "c");
            }
            "c" => add_child(block, "course", "course"),
            _ => {}
        });
    });
    let runtime = open(folder.path());
    assert_eq!(codes(&runtime), [(Severity::Damage, "cycle"); 3]);
    let report = runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the repair");
    assert_eq!(repaired(&report.findings), [("cycle", true); 3]);
    assert_eq!(children(&runtime), before);
    assert_eq!(codes(&open(folder.path())), []);
}

/// A block whose id makes no key, in the tree or beside it, and a child of that kind that is not there: they are named, and
/// all other blocks are read.
#[test]
fn names_that_are_no_keys_take_nothing_along() {
    let (runtime, folder) = new_store();
    commit(&runtime, xblock_testkit::fixture::small_course().publish_all());
    let sound = [Branch::Draft, Branch::Published].map(|branch| snapshot(&runtime, &context(), branch));
    drop(runtime);
    change(folder.path(), "structures", |structure| {
        each_block(structure, |id, block| {
            for name in ["a b", "", "a/b", "no body"].into_iter().filter(|_| id == "u1") {
                add_child(block, "html", name);
            }
        });
        let blocks = structure.get_array_mut("blocks").expect("blocks");
        let text = blocks.iter().find(|block| {
            block.as_document().is_some_and(|block| block.get_str("block_id").is_ok_and(|id| id == "h1"))
        });
        let text = text.expect("the text").as_document().expect("a document").clone();
        for name in ["a b", "", "a/b", "an orphan"] {
            let mut odd = text.clone();
            odd.insert("block_id", name);
            blocks.push(odd.into());
        }
    });
    let runtime = open(folder.path());
    for (branch, sound) in [Branch::Draft, Branch::Published].into_iter().zip(&sound) {
        assert_eq!(snapshot(&runtime, &context(), branch), *sound);
        let named = runtime.unlisted(&context(), branch).expect("what is left out");
        assert_eq!(named.len(), 5, "{named:?}");
        let named: Vec<_> = named.iter().map(ToString::to_string).collect();
        for name in
            ["block html+a b", "block html+:", "block html+a/b", "block html+an orphan", "child html+no body"]
        {
            assert!(named.iter().any(|one| one.contains(name)), "{name} in {named:?}");
        }
        let parents = runtime.parents(&usage("html", "h1"), branch).expect("the parents");
        assert_eq!(parents, [usage("vertical", "u1")]);
        let view = runtime.view(&context(), branch).expect("a view");
        let (read, failed): (Vec<_>, Vec<_>) = view.every_block(None).partition(Result::is_ok);
        assert_eq!((read.len(), failed.len()), (view.len() - 4, 4));
    }
    let version = runtime.context(&context()).expect("the context").draft.version;
    assert!(runtime.version(&context(), &version).expect("the version").blocks.values().all(Result::is_ok));
    commit(&runtime, edit().put(usage("html", "h1"), xblock_testkit::fixture::html("new")).publish_all());
    let found = codes(&runtime);
    assert!(found.contains(&(Severity::Damage, "block_key")), "{found:?}");
}

/// A missing definition is taken from an older version, where there is one; else only a backup helps.
#[test]
fn missing_definitions_are_found() {
    let (runtime, folder) = new_store();
    course_with_history(&runtime);
    let definition = |id: &str| {
        let usage = if id == "h1" { usage("html", id) } else { usage("problem", id) };
        let key = runtime.block(&usage, Branch::Draft).expect("the block").definition;
        ObjectId::from_bytes(key.as_split().and_then(|key| key.definition_id()).expect("an id").0)
    };
    let lost = [definition("h1"), definition("p1")];
    drop(runtime);
    let store = SqliteStore::open(folder.path().join("store.db"), StoreMode::ReadWrite).expect("the store");
    let docs = store.write().expect("a transaction");
    docs.set_aside(ContentKind::Definition, &lost, Utc::now()).expect("they go");
    docs.forget_set_aside(DateTime::<Utc>::MAX_UTC).expect("for good");
    let _ = docs.commit().expect("the commit");
    let runtime = open(folder.path());
    let report = runtime.fsck(FsckOptions { is_quick: true, ..FsckOptions::default() }).expect("the check");
    let damaged: Vec<_> = report.findings.iter().map(|f| (f.code, f.repair.is_some())).collect();
    // In the draft both have older contents, in what is published one has none of its own line to go back to.
    assert_eq!(damaged.iter().filter(|(code, _)| *code == "missing_definition").count(), 3, "{damaged:?}");
    assert!(!report.findings.is_sound());
    assert!(runtime.block(&usage("html", "h1"), Branch::Draft).is_err_and(|error| error.is_damage()));
    assert!(runtime.block(&usage("chapter", "c"), Branch::Draft).is_ok(), "the course around it goes on");
    runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the repair");
    let text = runtime.block(&usage("html", "h1"), Branch::Draft).expect("the text is back");
    assert_eq!(text.data.content["data"], "two");
}

/// A structure that is gone is damage; one that a pruning took is put back.
#[test]
fn missing_structures_are_found() {
    let (runtime, folder) = new_store();
    let made = published_course(&runtime);
    drop(runtime);
    let id = ObjectId::parse_str(&*made.draft.0).expect("an id");
    let store = SqliteStore::open(folder.path().join("store.db"), StoreMode::ReadWrite).expect("the store");
    let docs = store.write().expect("a transaction");
    docs.set_aside(ContentKind::Structure, &[id], Utc::now()).expect("it goes");
    let _ = docs.commit().expect("the commit");
    let runtime = open(folder.path());
    let error = runtime.usages(&context(), Branch::Draft).expect_err("it is gone");
    assert!(matches!(&error, RuntimeError::Corrupt { place, .. } if place.contains(&id.to_hex())), "{error}");
    assert!(runtime.usages(&context(), Branch::Published).is_ok());
    assert_eq!(codes(&runtime), [(Severity::Damage, "missing_structure")]);
    let refused = runtime.prune(&PruneOptions { delete: false, ..now() }).expect_err("what stays is missing");
    assert!(
        matches!(&refused, RuntimeError::Corrupt { place, .. } if place.contains(&id.to_hex())),
        "{refused}"
    );
    let report = runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the repair");
    assert_eq!(repaired(&report.findings), [("missing_structure", true)]);
    assert_eq!(codes(&open(folder.path())), []);
}

/// Blocks of wrong types are named, each by itself, and the others are read.
#[test]
fn wrong_types_are_found() {
    let (runtime, folder) = new_store();
    commit(&runtime, xblock_testkit::fixture::small_course());
    drop(runtime);
    change(folder.path(), "structures", |structure| {
        each_block(structure, |id, block| match id {
            "u1" => drop(block.insert("fields", "no document")),
            "u2" => drop(block.insert("definition", 7)),
            "s" => drop(block.insert("edit_info", Bson::Array(Vec::new()))),
            "h1" => drop(block.insert("asides", 3)),
            _ => {}
        });
    });
    let runtime = open(folder.path());
    let report = runtime.fsck(FsckOptions::default()).expect("the check");
    for id in ["vertical+u1", "vertical+u2", "sequential+s", "html+h1"] {
        let found = report.findings.iter().find(|f| f.place.ends_with(id) && f.severity == Severity::Damage);
        assert!(found.is_some(), "{id}: {:?}", report.findings);
    }
    assert!(runtime.block(&usage("problem", "p1"), Branch::Draft).is_ok());
    assert!(runtime.block(&usage("vertical", "u1"), Branch::Draft).is_err_and(|error| error.is_damage()));
}

/// A file whose chunks do not hold what it says is damage.
#[test]
fn files_are_proved() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    commit(&runtime, edit().with(put_asset("a.txt", b"four")).publish_all());
    let dump = folder.path().join("dump");
    runtime.export_dump(&dump).expect("the dump is written");
    let file = dump.join("fs.files.bson");
    let bytes = std::fs::read(&file).expect("the files");
    let mut document = Document::from_reader(bytes.as_slice()).expect("BSON");
    document.insert("length", 5);
    let mut changed = Vec::new();
    document.to_writer(&mut changed).expect("it is written");
    std::fs::write(&file, changed).expect("it is written");
    let (runtime, _folder) = new_store();
    runtime.import_dump(&dump).expect("the dump loads");
    assert_eq!(codes(&runtime), [(Severity::Damage, "file_bytes")]);
    let quick = runtime.fsck(FsckOptions { is_quick: true, ..FsckOptions::default() }).expect("the check");
    assert_eq!(quick.findings, []);
    // As many bytes, but others.
    let chunks = dump.join("fs.chunks.bson");
    let mut bytes = std::fs::read(&chunks).expect("the chunks");
    let at = bytes.windows(4).position(|part| part == b"four").expect("the bytes of the file");
    bytes[at] = b'p';
    std::fs::write(&chunks, bytes).expect("it is written");
    document.insert("length", 4);
    let mut changed = Vec::new();
    document.to_writer(&mut changed).expect("it is written");
    std::fs::write(&file, changed).expect("it is written");
    let (runtime, _folder) = new_store();
    runtime.import_dump(&dump).expect("the dump loads");
    let report = runtime.fsck(FsckOptions::default()).expect("the check");
    assert_eq!(report.findings.iter().map(|found| found.code).collect::<Vec<_>>(), ["file_bytes"]);
    assert!(report.findings[0].reason.contains("`custom_md5` says"), "{report:?}");
}

/// What is said of a file and cannot be read is damage of that file alone, as is one that is nobody's.
#[test]
fn files_that_cannot_be_described_are_named() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let names = ["a.txt", "b.txt", "c.txt", "d.txt", "e.txt"];
    let course = names.iter().fold(edit(), |edit, name| edit.with(put_asset(name, name.as_bytes())));
    commit(&runtime, course.publish_all());
    let dump = folder.path().join("dump");
    runtime.export_dump(&dump).expect("the dump is written");
    let file = dump.join("fs.files.bson");
    let bytes = std::fs::read(&file).expect("the files");
    let (mut rest, mut changed) = (bytes.as_slice(), Vec::new());
    while !rest.is_empty() {
        let mut document = Document::from_reader(&mut rest).expect("BSON");
        let name = document.get_str("displayname").expect("a name").to_owned();
        match name.as_str() {
            "a.txt" => drop(document.insert("import_path", 5)),
            "b.txt" => drop(document.insert("contentType", vec!["a"])),
            "d.txt" => drop(document.insert("content_son", 7)),
            _ => {}
        }
        let mut bytes = document.to_vec().expect("BSON");
        if name == "c.txt" {
            let at = bytes.windows(12).position(|part| part == b"displayname\0").expect("the name");
            bytes[at + 16] = 0xff;
        }
        changed.extend(bytes);
    }
    std::fs::write(&file, changed).expect("it is written");
    let (runtime, _folder) = new_store();
    runtime.import_dump(&dump).expect("the dump loads");
    let damage = |code| (Severity::Damage, code);
    assert_eq!(codes(&runtime), [damage("file"), damage("file"), damage("file"), damage("file_key")]);
    for branch in [Branch::Draft, Branch::Published] {
        let files = runtime.assets(&context(), branch).expect("the files");
        let files: Vec<_> = files.iter().map(|file| file.key.path()).collect();
        assert_eq!(files, ["e.txt"]);
        let unlisted = runtime.unlisted(&context(), branch).expect("what is left out");
        let named: Vec<_> = unlisted
            .iter()
            .map(|one| match one {
                Unlisted::Asset { key: Some(key), .. } => key.path(),
                other => panic!("a file, not {other:?}"),
            })
            .collect();
        assert_eq!(named, ["a.txt", "b.txt", "c.txt"]);
    }
}

/// The report names what takes most; beyond the limit a commit is refused with the same, and nothing is lost.
#[test]
fn big_structures_are_explained() {
    let (runtime, _folder) = new_store();
    let made = published_course(&runtime);
    let notes = "x".repeat(1_000_000);
    let heavy = |count: usize| {
        let children: Vec<_> = (0..count).map(|number| usage("html", &format!("n{number}"))).collect();
        let mut all = edit().put(usage("vertical", "u1"), block(json!({}), &children));
        for child in &children {
            all = all.put(child.clone(), block(json!({ "notes": notes }), &[]));
        }
        all
    };
    let error = runtime.commit(heavy(17)).map(|_| ()).expect_err("it is too big");
    let RuntimeError::Unstorable { place, reason } = &error else { panic!("{error}") };
    assert!(place.contains("course-v1:Harbour+TIDES+2031"), "{place}");
    assert!(reason.contains("16777216") && reason.contains("fields.notes of html"), "{reason}");
    assert_eq!(runtime.context(&context()).expect("the context").draft.version, made.draft);

    commit(&runtime, heavy(14));
    let report = runtime.sizes(&context(), Branch::Draft).expect("the sizes");
    assert!(report.is_near_limit(), "{} of {}", report.bytes, report.limit);
    assert_eq!((report.fields[0].field.as_str(), report.fields[0].blocks), ("fields.notes", 14));
    assert!(report.fields[0].bytes > 14_000_000 && report.biggest_blocks[0].bytes > 1_000_000);
    let warned = |runtime: &ModulestoreRuntime| {
        codes(runtime).into_iter().filter(|(severity, _)| *severity > Severity::Note).collect::<Vec<_>>()
    };
    assert_eq!(warned(&runtime), [(Severity::Warning, "big")]);
    assert!(!runtime.sizes(&context(), Branch::Published).expect("the sizes").is_near_limit());

    let limited = runtime.with_document_limit(64 * 1024 * 1024);
    commit(&limited, heavy(20));
    assert_eq!(warned(&limited), [(Severity::Warning, "too_big")]);
}
