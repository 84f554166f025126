//! Dumps of databases: in, out, and everything that can be wrong with them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use runtime_modulestore::{DumpCounts, FsckOptions, ModulestoreRuntime, OnDamage};
use tempfile::TempDir;
use xblock_core::runtime::{Branch, Runtime, RuntimeError};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, usage};

use crate::fixture::new_store;
use crate::server::{java_server, server};

/// Returns the documents of every collection in a folder, in an order of their own.
pub(crate) fn collections(folder: &Path) -> BTreeMap<String, Vec<Document>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(".bson") {
            let bytes = fs::read(&path).expect("a file");
            let mut rest = bytes.as_slice();
            let mut documents = Vec::new();
            while !rest.is_empty() {
                documents.push(Document::from_reader(&mut rest).expect("BSON"));
            }
            sort(&mut documents);
            // An empty collection and none are the same.
            if !documents.is_empty() {
                found.insert(name.to_owned(), documents);
            }
        }
    }
    found
}

/// Puts documents into an order of their own.
fn sort(documents: &mut [Document]) {
    documents.sort_by_cached_key(|document| format!("{:?}", document.get("_id")));
}

/// Writes a collection's file.
pub(crate) fn write(folder: &Path, name: &str, documents: &[Document]) {
    let mut bytes = Vec::new();
    for document in documents {
        document.to_writer(&mut bytes).expect("BSON");
    }
    fs::write(folder.join(format!("{name}.bson")), bytes).expect("a file");
}

/// A dump of a small course, in its folder.
fn dump() -> (TempDir, BTreeMap<String, Vec<Document>>) {
    let (runtime, out) = new_store();
    published_course(&runtime);
    runtime.export_dump(out.path().join("dump")).expect("the dump is written");
    let documents = collections(&out.path().join("dump"));
    (out, documents)
}

fn load(documents: &BTreeMap<String, Vec<Document>>) -> Result<(), RuntimeError> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, documents) in documents {
        write(folder.path(), name, documents);
    }
    let (runtime, _store) = new_store();
    let outcome = runtime.import_dump_with(folder.path(), OnDamage::Refuse).map(drop);
    if outcome.is_err() {
        // All or nothing.
        assert_eq!(runtime.contexts().expect("contexts"), []);
        let empty = runtime.export_dump(folder.path().join("after")).expect("an empty dump");
        assert_eq!(empty.collections, []);
    }
    outcome
}

fn reason(outcome: Result<(), RuntimeError>) -> String {
    match outcome {
        Err(error @ (RuntimeError::Corrupt { .. } | RuntimeError::Unstorable { .. })) => error.to_string(),
        other => panic!("no damage was found: {other:?}"),
    }
}

/// What this program wrote is loaded by another store, and edited there.
#[test]
fn our_own_dump_can_be_edited_on() {
    let (out, documents) = dump();
    let (other, _store) = new_store();
    let counts = other.import_dump(out.path().join("dump")).expect("the dump loads");
    assert_eq!(counts.passed_over, Vec::<std::path::PathBuf>::new());
    assert_eq!(counts.contexts, [context()]);
    other.export_dump(out.path().join("again")).expect("a dump");
    assert_eq!(collections(&out.path().join("again")), documents);
    commit(&other, edit().put(usage("html", "h1"), html("more")).publish_all());
    let text = other.block(&usage("html", "h1"), Branch::Published).expect("the text");
    assert_eq!(text.data.content["data"], "more");
}

/// Fields nobody knows, collections nobody knows, chunks without files and other buckets come back; edits keep them.
#[test]
fn what_nobody_knows_comes_back() {
    let (_out, mut documents) = dump();
    for (name, place) in [
        ("modulestore.active_versions", "index"),
        ("modulestore.structures", "structure"),
        ("modulestore.definitions", "definition"),
    ] {
        for document in documents.get_mut(name).expect("there") {
            document.insert("unheard_of", doc! { "in": place, "list": [1, 2.5, null] });
        }
    }
    let data = |bytes: &[u8]| Binary { subtype: BinarySubtype::BinaryOld, bytes: bytes.to_vec() };
    let file =
        doc! { "_id": "asset-v1:Harbour+TIDES+2031+type@asset+block@a.txt", "length": 4_i64, "odd": true };
    documents.insert("fs.files".into(), vec![file]);
    documents.insert(
        "fs.chunks".into(),
        vec![
            doc! { "_id": "a", "files_id": "asset-v1:Harbour+TIDES+2031+type@asset+block@a.txt", "n": 0_i64, "data": data(b"hi"), "odd": 1 },
            doc! { "_id": "b", "files_id": "gone", "n": 3, "data": data(b"lost") },
            doc! { "_id": "c", "files_id": "asset-v1:Harbour+TIDES+2031+type@asset+block@a.txt", "n": 1.0, "data": data(b"ho") },
        ],
    );
    documents.insert("trashcan.files".into(), vec![doc! { "_id": 1 }, doc! { "_id": 2, "x": "y" }]);
    documents.insert("users".into(), vec![doc! { "_id": { "b": 1, "a": 2 } }]);
    let folder = tempfile::tempdir().expect("a folder");
    for (name, documents) in &documents {
        write(folder.path(), name, documents);
    }
    let (runtime, store) = new_store();
    let counts = runtime.import_dump(folder.path()).expect("the dump loads");
    assert_eq!((counts.files, counts.others), (1, 4));
    runtime.export_dump(store.path().join("out")).expect("a dump");
    assert_eq!(collections(&store.path().join("out")), documents);
    // Loaded again, only the course itself is in the way.
    let again = runtime.import_dump(folder.path());
    assert!(matches!(again, Err(RuntimeError::ContextExists { .. })), "{again:?}");

    commit(&runtime, edit().put(usage("html", "h1"), html("more")).publish_all());
    runtime.export_dump(store.path().join("edited")).expect("a dump");
    let edited = collections(&store.path().join("edited"));
    assert!(edited["modulestore.active_versions"][0].contains_key("unheard_of"));
    assert_eq!(edited["users"], documents["users"]);
    assert_eq!(edited["fs.chunks"], documents["fs.chunks"]);
}

/// A dump is written where nothing is, and a failed one leaves nothing.
#[test]
fn nothing_is_overwritten() {
    let (runtime, out) = new_store();
    published_course(&runtime);
    let target = out.path().join("taken");
    fs::create_dir(&target).expect("a folder");
    let refused = runtime.export_dump(&target);
    assert!(matches!(refused, Err(RuntimeError::Unstorable { .. })), "{refused:?}");
    assert_eq!(fs::read_dir(&target).expect("a folder").count(), 0);
    let names: Vec<_> = fs::read_dir(out.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("unfinished"))
        .collect();
    assert_eq!(names, Vec::<String>::new());
}

/// A dump packed by `mongodump --gzip` is loaded, too.
#[test]
fn packed_dumps_are_loaded() {
    use std::io::Write;
    let (out, _) = dump();
    let folder = out.path().join("dump");
    for entry in fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let packed = fs::File::create(format!("{}.gz", path.display())).expect("a file");
        let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
        packed.write_all(&fs::read(&path).expect("a file")).expect("written");
        packed.finish().expect("written");
        fs::remove_file(path).expect("removed");
    }
    let (runtime, _store) = new_store();
    assert_eq!(runtime.import_dump(&folder).expect("the dump loads").contexts, [context()]);
}

/// Cut anywhere, a file is damaged in the document that is named, and nothing is loaded.
#[test]
fn a_cut_dump_is_damaged() {
    let (out, documents) = dump();
    let folder = out.path().join("dump");
    for name in documents.keys() {
        let path = folder.join(format!("{name}.bson"));
        let whole = fs::read(&path).expect("a file");
        for cut in [1, 3, 4, 5, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).expect("a file");
            let (runtime, _store) = new_store();
            let text = reason(runtime.import_dump(&folder).map(drop));
            assert!(text.contains(&format!("{name}.bson, document ")), "{text}");
            assert_eq!(runtime.contexts().expect("contexts"), []);
        }
        fs::write(&path, whole).expect("a file");
    }
}

const INDEXES: &str = "modulestore.active_versions";
const STRUCTURES: &str = "modulestore.structures";
const DEFINITIONS: &str = "modulestore.definitions";

/// Each kind of damage has its words; told to, a dump that has any is refused as a whole.
#[test]
fn damage_in_a_dump_is_named() {
    let (_out, whole) = dump();
    let (index, structures, definitions) = (INDEXES, STRUCTURES, DEFINITIONS);
    type Spoil = fn(&mut Document);
    let cases: [(&str, Spoil, &str); 8] = [
        (structures, |d| drop(d.insert("blocks", "none")), "blocks"),
        (structures, |d| drop(d.insert("root", 7)), "root"),
        (definitions, |d| drop(d.insert("fields", Bson::from(3))), "fields"),
        (definitions, |d| drop(d.insert("_id", "text")), "ObjectId"),
        (index, |d| drop(d.insert("versions", doc! { "draft-branch": ObjectId::new() })), "missing"),
        (index, |d| drop(d.insert("org", 5)), "org"),
        (index, |d| drop(d.insert("org", "X Y")), "X Y"),
        (index, |d| drop(d.insert("deep", deep(1000))), "nested deeper"),
    ];
    for (name, change, words) in cases {
        let mut documents = whole.clone();
        change(&mut documents.get_mut(name).expect("there")[0]);
        documents.values_mut().for_each(|documents| sort(documents));
        let text = reason(load(&documents));
        assert!(text.contains(words), "{text}");

        let (runtime, out, counts) = kept(&documents);
        assert!(!counts.damaged.is_empty(), "{words}");
        for damaged in &counts.damaged {
            assert!(damaged.place.contains(".bson, document "), "{damaged:?}");
        }
        assert!(counts.damaged.iter().any(|damaged| damaged.reason.contains(words)), "{:?}", counts.damaged);
        let report = runtime.fsck(FsckOptions::default()).expect("a check");
        assert!(!report.findings.is_sound(), "{words}");
        runtime.export_dump(out.path().join("again")).expect("a dump");
        assert_eq!(collections(&out.path().join("again")), documents, "{words}");
    }
    let mut nameless = whole.clone();
    nameless.get_mut(structures).expect("there")[0].remove("_id");
    assert!(reason(load(&nameless)).contains("no `_id`"));
    // No database can have written it, and no length that is read decides how much memory is taken.
    let folder = tempfile::tempdir().expect("a folder");
    for (length, words) in
        [(17 << 20, "a document may take"), (i32::MAX, "may take"), (-1, "no length"), (4, "no length")]
    {
        fs::write(folder.path().join("modulestore.structures.bson"), i32::to_le_bytes(length))
            .expect("a file");
        let (runtime, _store) = new_store();
        let text = reason(runtime.import_dump(folder.path()).map(drop));
        assert!(text.contains(words), "{text}");
    }
    let nothing = tempfile::tempdir().expect("a folder");
    let (runtime, _store) = new_store();
    assert!(reason(runtime.import_dump(nothing.path()).map(drop)).contains("no dump"));
}

/// A value of so many levels.
fn deep(levels: usize) -> Bson {
    (0..levels).fold(Bson::Null, |inner, _| Bson::Array(vec![inner]))
}

/// Loads documents into a new store, damaged ones as well.
fn kept(documents: &BTreeMap<String, Vec<Document>>) -> (ModulestoreRuntime, TempDir, DumpCounts) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, documents) in documents {
        write(folder.path(), name, documents);
    }
    let (runtime, out) = new_store();
    let counts = runtime.import_dump(folder.path()).expect("the dump loads");
    (runtime, out, counts)
}

/// Damage keeps no other course from being loaded, read and edited, in a file and on servers.
#[test]
fn a_damaged_document_is_kept_beside_a_good_course() {
    damage_is_kept(&new_store().0);
    for server in [server(), java_server()].into_iter().flatten() {
        damage_is_kept(&crate::server::new_store(server));
    }
}

fn damage_is_kept(runtime: &ModulestoreRuntime) {
    let (_out, mut documents) = dump();
    let of = |org: &str, versions: Document| {
        doc! { "_id": ObjectId::new(), "org": org, "course": "C", "run": "R", "versions": versions }
    };
    let (gone, broken) = (ObjectId::new(), ObjectId::new());
    let twin = documents[INDEXES][0].clone();
    let mut indexes = documents[INDEXES].clone();
    indexes.push(of("Gone", doc! { "draft-branch": gone }));
    indexes.push(of("Broken", doc! { "draft-branch": broken }));
    indexes.push(of("X Y", doc! { "draft-branch": gone }));
    indexes.push(doc! { "_id": "text", "org": 5 });
    let mut second = twin.clone();
    second.insert("_id", ObjectId::new());
    indexes.push(second);
    documents.insert(INDEXES.to_owned(), indexes);
    documents.get_mut(STRUCTURES).expect("there").push(doc! { "_id": broken, "root": 7 });
    documents.get_mut(DEFINITIONS).expect("there").push(doc! { "_id": ObjectId::new(), "fields": 3 });
    let old = doc! { "tag": "i4x", "org": "X Y", "course": "C", "category": "course", "name": "R", "revision": null };
    documents.insert("modulestore".into(), vec![doc! { "_id": old }]);

    documents.values_mut().for_each(|documents| sort(documents));
    assert!(matches!(load(&documents), Err(RuntimeError::Corrupt { .. })));
    let out = tempfile::tempdir().expect("a folder");
    fs::create_dir(out.path().join("dump")).expect("a folder");
    for (name, documents) in &documents {
        write(&out.path().join("dump"), name, documents);
    }
    let counts = runtime.import_dump(out.path().join("dump")).expect("the dump loads");
    assert_eq!(counts.damaged.len(), 8, "{:#?}", counts.damaged);
    assert!(runtime.contexts().expect("contexts").contains(&context()));
    assert!(counts.contexts.contains(&context()));
    runtime.block(&usage("html", "h1"), Branch::Published).expect("the good course");
    let lost = "course-v1:Gone+C+R".parse().expect("a key");
    let error = runtime.usages(&lost, Branch::Draft).expect_err("its structure is missing");
    assert!(error.is_damage() && error.to_string().contains(&gone.to_hex()), "{error}");
    assert!(
        runtime
            .changes(xblock_core::runtime::Cursor(0), 100)
            .expect("the feed")
            .iter()
            .all(|c| c.context == context())
    );
    assert!(!runtime.is_feed_behind().expect("heads and feed are read"));
    let unnamed = runtime.damaged_contexts().expect("a list");
    assert_eq!(unnamed.len(), 3, "{unnamed:?}");

    let report = runtime.fsck(FsckOptions::default()).expect("a check");
    let told: Vec<_> = report
        .findings
        .iter()
        .map(|found| format!("{} {}: {}", found.code, found.place, found.reason))
        .collect();
    for words in
        [&*gone.to_hex(), &broken.to_hex(), "X Y", "definition", "ObjectId, got", "another one in its place"]
    {
        assert!(told.iter().any(|line| line.contains(words)), "{words}: {told:#?}");
    }
    runtime.export_dump(out.path().join("again")).expect("a dump");
    assert_eq!(collections(&out.path().join("again")), documents);
    // Loaded again, only the good course is in the way.
    let again = runtime.import_dump(out.path().join("again"));
    assert!(matches!(&again, Err(RuntimeError::ContextExists { .. })), "{again:?}");
    commit(runtime, edit().put(usage("html", "h1"), html("more")).publish_all());
}

/// A branch that is at no id is named, and no other branch is taken for it.
#[test]
fn a_head_that_is_no_id_is_damage_of_its_course() {
    let (_out, mut documents) = dump();
    let index = &mut documents.get_mut(INDEXES).expect("there")[0];
    index.get_document_mut("versions").expect("versions").insert("draft-branch", "text");
    let (runtime, out, counts) = kept(&documents);
    assert!(counts.damaged[0].reason.contains("`draft-branch` is no ObjectId"), "{:?}", counts.damaged);
    for branch in Branch::ALL {
        let error = runtime.block(&usage("html", "h1"), branch).expect_err("damage");
        assert!(error.is_damage() && error.to_string().contains("draft-branch"), "{error}");
    }
    assert!(!runtime.fsck(FsckOptions::default()).expect("a check").findings.is_sound());
    runtime.export_dump(out.path().join("again")).expect("a dump");
    assert_eq!(collections(&out.path().join("again")), documents);
}

/// A document with an id the store has already must be the same document.
#[test]
fn ids_that_are_taken_are_refused() {
    let (_out, documents) = dump();
    let folder = tempfile::tempdir().expect("a folder");
    let mut changed = documents["modulestore.definitions"].clone();
    changed[0].insert("block_type", "other");
    let (runtime, _store) = new_store();
    write(folder.path(), "modulestore.definitions", &documents["modulestore.definitions"]);
    runtime.import_dump(folder.path()).expect("the definitions load");
    assert_eq!(runtime.import_dump(folder.path()).expect("they load again").definitions, 0);
    write(folder.path(), "modulestore.definitions", &changed);
    assert!(reason(runtime.import_dump(folder.path()).map(drop)).contains("another document"));
}

/// What killed exports left beside the target goes with the next one; what a running one holds stays.
#[test]
fn leftovers_of_killed_exports_are_removed() {
    let (runtime, folder) = crate::fixture::new_store();
    xblock_testkit::fixture::published_course(&runtime);
    let at = |name: &str| folder.path().join(name);
    for name in [".out.1.unfinished", ".out.2.unfinished", ".other.3.unfinished", ".out.x.unfinished"] {
        std::fs::create_dir(at(name)).expect("a folder");
        std::fs::write(at(name).join("modulestore.structures.bson"), "half").expect("a file");
    }
    let running = std::fs::File::open(at(".out.2.unfinished")).expect("the folder");
    running.try_lock().expect("nobody else has it");
    runtime.export_dump(at("out")).expect("the dump is written");
    assert!(!at(".out.1.unfinished").exists());
    for name in [".out.2.unfinished", ".other.3.unfinished", ".out.x.unfinished"] {
        assert!(at(name).join("modulestore.structures.bson").exists(), "{name}");
    }
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).expect("the folder").flatten().map(|e| e.file_name()).collect();
    assert_eq!(
        left.iter().filter(|name| name.to_string_lossy().ends_with(".unfinished")).count(),
        3,
        "{left:?}"
    );
}
