//! Documents of dumps that no place in a store is for: all are kept, named, named again by a check, and given back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bson::oid::ObjectId;
use bson::raw::RawDocument;
use bson::spec::BinarySubtype;
use bson::{Binary, Document, doc};
use runtime_modulestore::{DumpCounts, FsckOptions, ModulestoreRuntime, OnDamage, PruneOptions};
use xblock_core::runtime::{Branch, Cursor, Runtime, RuntimeError};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, usage};

use crate::fixture::new_store;
use crate::server::{java_server, server};
use crate::server_care::Database;

/// The documents of a dump, as bytes.
pub(crate) type Dump = BTreeMap<String, Vec<Vec<u8>>>;

pub(crate) fn bytes(document: &Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    document.to_writer(&mut bytes).expect("BSON");
    bytes
}

/// Reads the documents of every collection, in an order of their own.
pub(crate) fn read(folder: &Path) -> Dump {
    let mut dump = Dump::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(".bson") else { continue };
        let whole = fs::read(&path).expect("a file");
        let (mut rest, mut documents) = (whole.as_slice(), Vec::new());
        while let Some(length) = rest.first_chunk() {
            let (document, after) =
                rest.split_at(usize::try_from(i32::from_le_bytes(*length)).expect("a length"));
            documents.push(document.to_vec());
            rest = after;
        }
        documents.sort();
        dump.insert(name.to_owned(), documents);
    }
    dump
}

pub(crate) fn chunk(id: i32, file: &str, number: i32, data: &[u8]) -> Document {
    let data = Binary { subtype: BinarySubtype::Generic, bytes: data.to_vec() };
    doc! { "_id": id, "files_id": file, "n": number, "data": data }
}

/// Loads a small course with these documents beside it, checks that each of the words is named by the loading and by the
/// check, and that all documents come back.
pub(crate) fn comes_back(
    runtime: &ModulestoreRuntime,
    added: &[(&str, Vec<Vec<u8>>)],
    damage: usize,
    words: &[&str],
) -> (DumpCounts, Dump) {
    let (source, folder) = new_store();
    published_course(&source);
    let at = folder.path().join("dump");
    source.export_dump(&at).expect("a dump");
    let mut dump = read(&at);
    for (name, documents) in added {
        dump.entry((*name).to_owned()).or_default().extend(documents.iter().cloned());
    }
    for (name, documents) in &mut dump {
        fs::write(at.join(format!("{name}.bson")), documents.concat()).expect("a file");
        documents.sort();
    }
    let strict = new_store();
    let refused = strict.0.import_dump_with(&at, OnDamage::Refuse);
    assert_eq!(refused.is_err(), damage > 0, "{refused:?}");

    let counts = runtime.import_dump(&at).expect("the dump loads");
    assert_eq!(counts.damaged.len(), damage, "{:#?}", counts.damaged);
    for damaged in &counts.damaged {
        assert!(damaged.place.contains(".bson, document "), "{damaged:?}");
    }
    let report = runtime.fsck(FsckOptions::default()).expect("a check");
    let told: Vec<_> =
        report.findings.iter().map(|found| format!("{}: {}", found.place, found.reason)).collect();
    assert_eq!(report.findings.is_sound(), damage == 0, "{told:#?}");
    for words in words {
        let named = counts.damaged.iter().any(|damaged| damaged.reason.contains(words));
        assert!(named, "{words}: {:#?}", counts.damaged);
        assert!(told.iter().any(|line| line.contains(words)), "{words}: {told:#?}");
    }
    assert_eq!(told.len(), damage, "{told:#?}");
    runtime.export_dump(folder.path().join("out")).expect("a dump");
    let out = read(&folder.path().join("out"));
    for (name, documents) in &dump {
        assert_eq!(out.get(name), Some(documents), "{name}");
    }
    assert_eq!(out.len(), dump.len());
    commit(runtime, edit().put(usage("html", "h1"), html("more")).publish_all());
    runtime.block(&usage("html", "h1"), Branch::Published).expect("the good course");
    (counts, out)
}

/// In a file and on servers.
pub(crate) fn everywhere(test: impl Fn(&ModulestoreRuntime)) {
    test(&new_store().0);
    for server in [server(), java_server()].into_iter().flatten() {
        test(&crate::server::new_store(server));
    }
}

#[test]
fn several_chunks_of_one_number_are_kept() {
    let name = "asset-v1:Harbour+TIDES+2031+type@asset+block@a.txt";
    let file = doc! { "_id": name, "length": 2, "content_son": { "org": "Harbour", "course": "TIDES", "run": "2031", "category": "asset", "name": "a.txt" } };
    let chunks = [
        chunk(1, name, 0, b"hi"),
        chunk(2, name, 0, b"ho"),
        chunk(3, "gone", 0, b"lost"),
        chunk(4, "gone", 0, b"last"),
    ];
    everywhere(|runtime| {
        let added = [("fs.files", vec![bytes(&file)]), ("fs.chunks", chunks.iter().map(bytes).collect())];
        comes_back(runtime, &added, 2, &["another chunk"]);
        let key = xblock_testkit::fixture::asset("a.txt");
        assert_eq!(runtime.read_asset(&key, Branch::Published).expect("the file"), b"hi");
    });
}

/// A chunk that is there under another `_id` already is named, and not lost.
#[test]
fn chunks_that_clash_with_those_of_the_store_are_named_and_kept() {
    everywhere(|runtime| {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, second) = (chunk(1, "gone", 0, b"one"), chunk(2, "gone", 0, b"two"));
        let load = |one: &Document, on_damage| {
            fs::write(folder.path().join("fs.chunks.bson"), bytes(one)).expect("a file");
            runtime.import_dump_with(folder.path(), on_damage).map(|counts| counts.damaged)
        };
        assert_eq!(load(&first, OnDamage::Refuse).expect("it loads"), []);
        let refused = load(&second, OnDamage::Refuse);
        assert!(matches!(refused, Err(RuntimeError::Corrupt { .. })), "{refused:?}");
        let out = tempfile::tempdir().expect("a folder");
        runtime.export_dump(out.path().join("one")).expect("a dump");
        assert_eq!(read(&out.path().join("one"))["fs.chunks"], [bytes(&first)]);
        let damaged = load(&second, OnDamage::Keep).expect("it loads");
        assert_eq!(damaged.len(), 1, "{damaged:?}");
        assert!(damaged[0].reason.contains("another chunk"), "{damaged:?}");
        // Another time it is there and the same.
        load(&second, OnDamage::Keep).expect("it loads");
        assert_eq!(load(&first, OnDamage::Refuse).expect("it loads"), []);
        runtime.export_dump(out.path().join("out")).expect("a dump");
        let mut both = vec![bytes(&first), bytes(&second)];
        both.sort();
        assert_eq!(read(&out.path().join("out"))["fs.chunks"], both);
        let report = runtime.fsck(FsckOptions::default()).expect("a check");
        assert!(report.findings.iter().any(|found| found.code == "chunk"), "{report:?}");
    });
}

/// A server may have a chunk of a file that comes with a dump.
#[test]
fn chunks_of_files_that_clash_with_those_of_the_server_are_named_and_kept() {
    let name = "asset-v1:Harbour+TIDES+2031+type@asset+block@a.txt";
    let file = doc! { "_id": name, "length": 2 };
    for server in [server(), java_server()].into_iter().flatten() {
        let runtime = crate::server::new_store(server);
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("fs.chunks.bson"), bytes(&chunk(1, name, 0, b"ha"))).expect("a file");
        runtime.import_dump(folder.path()).expect("it loads");
        fs::write(folder.path().join("fs.chunks.bson"), bytes(&chunk(2, name, 0, b"hi"))).expect("a file");
        fs::write(folder.path().join("fs.files.bson"), bytes(&file)).expect("a file");
        let refused = runtime.import_dump_with(folder.path(), OnDamage::Refuse);
        assert!(matches!(refused, Err(RuntimeError::Corrupt { .. })), "{refused:?}");
        let damaged = runtime.import_dump(folder.path()).expect("it loads").damaged;
        assert_eq!(damaged.len(), 1, "{damaged:?}");
        assert!(damaged[0].place.contains("fs.chunks 2"), "{damaged:?}");
        let out = tempfile::tempdir().expect("a folder");
        runtime.export_dump(out.path().join("out")).expect("a dump");
        assert_eq!(read(&out.path().join("out"))["fs.chunks"].len(), 2);
    }
}

/// Of several documents of one `_id` the first counts, as for `mongorestore`; the others are named and kept.
#[test]
fn several_documents_of_one_id_are_kept() {
    let id = ObjectId::new();
    let name = "asset-v1:Harbour+TIDES+2031+type@asset+block@a.txt";
    let parts =
        doc! { "org": "Harbour", "course": "TIDES", "run": "2031", "category": "asset", "name": "a.txt" };
    let old_id =
        doc! { "tag": "i4x", "org": "o", "course": "c", "category": "course", "name": "r", "revision": null };
    let documents = [
        (
            "modulestore.structures",
            doc! { "_id": id, "root": ["course", "c"], "blocks": [{ "block_type": "course", "block_id": "c" }] },
        ),
        ("modulestore.definitions", doc! { "_id": id, "block_type": "html", "fields": {} }),
        ("fs.files", doc! { "_id": name, "length": 0, "content_son": parts }),
        ("modulestore", doc! { "_id": old_id, "definition": {}, "metadata": {} }),
        ("assetstore", doc! { "_id": 1, "course_id": "edX/x/y" }),
        ("users", doc! { "_id": 1 }),
    ];
    let added: Vec<_> = documents
        .iter()
        .map(|(collection, document)| {
            let numbered = |number: i32| {
                let mut document = document.clone();
                document.insert("number", number);
                bytes(&document)
            };
            (*collection, vec![numbered(1), numbered(2), numbered(3)])
        })
        .collect();
    everywhere(|runtime| {
        comes_back(runtime, &added, 2 * documents.len(), &["another document of the dump has its `_id`"]);
        let folder = tempfile::tempdir().expect("a folder");
        runtime.export_dump(folder.path().join("out")).expect("a dump");
        // The course is there; all others are the same.
        fs::remove_file(folder.path().join("out/modulestore.active_versions.bson")).expect("it is there");
        let again = runtime.import_dump(folder.path().join("out")).expect("it loads again");
        assert_eq!((again.structures, again.definitions, again.files, again.others), (0, 0, 0, 0));
        assert_eq!(again.damaged.len(), 2 * documents.len());
        runtime.export_dump(folder.path().join("again")).expect("a dump");
        let [before, after] = ["out", "again"].map(|name| read(&folder.path().join(name)));
        for (collection, _) in &documents {
            assert_eq!(before[*collection], after[*collection]);
        }
    });
}

/// Chunks of one `_id` are two different ones all the same.
#[test]
fn chunks_of_one_id_are_kept() {
    let name = "asset-v1:Harbour+TIDES+2031+type@asset+block@a.txt";
    let parts =
        doc! { "org": "Harbour", "course": "TIDES", "run": "2031", "category": "asset", "name": "a.txt" };
    let file = doc! { "_id": name, "length": 2, "content_son": parts };
    let chunks = [chunk(1, name, 0, b"hi"), chunk(1, name, 1, b"ho")];
    everywhere(|runtime| {
        let added = [("fs.files", vec![bytes(&file)]), ("fs.chunks", chunks.iter().map(bytes).collect())];
        comes_back(runtime, &added, 1, &["`_id`"]);
    });
}

/// What this program keeps in collections of its own on one server says nothing about another store.
#[test]
fn bookkeeping_of_another_store_is_kept_and_not_used() {
    let entry = doc! { "_id": 1000_i64, "context": "course-v1:a+b+c", "branch": "draft", "version": ObjectId::new(), "commit": ObjectId::new(), "entry": 0 };
    let message = doc! { "_id": ObjectId::new(), "message": "theirs" };
    let names = ["xblock_runtime.feed", "xblock_runtime.messages"];
    let added = [(names[0], vec![bytes(&entry)]), (names[1], vec![bytes(&message)])];
    everywhere(|runtime| {
        let (counts, _) = comes_back(runtime, &added, 0, &[]);
        assert_eq!(counts.others, 2);
        assert!(counts.bookkeeping.iter().eq(names), "{:?}", counts.bookkeeping);
        let changes = runtime.changes(Cursor(0), usize::MAX).expect("the feed");
        assert!(changes.iter().all(|change| change.context == context()), "{changes:?}");
    });
}

/// Whoever opens a database and writes nothing leaves nothing in it.
#[test]
fn a_refused_dump_leaves_nothing_on_a_server() {
    for server in [server(), java_server()].into_iter().flatten() {
        let url = server.url(&server.new_database(), "");
        let runtime = crate::server::open(&url);
        let folder = tempfile::tempdir().expect("a folder");
        assert!(runtime.import_dump(folder.path()).is_err(), "there is no dump");
        let definition = doc! { "_id": ObjectId::new(), "block_type": 3 };
        // More than is gathered before something is sent.
        let good = (0..2_500).map(|_| doc! { "_id": ObjectId::new(), "block_type": "html", "fields": {} });
        let all = good.chain([definition]).flat_map(|one| bytes(&one)).collect::<Vec<_>>();
        let file = folder.path().join("modulestore.definitions.bson");
        fs::write(&file, &all).expect("a file");
        assert!(runtime.import_dump_with(folder.path(), OnDamage::Refuse).is_err(), "it is damaged");
        fs::write(&file, &all[..all.len() - 1]).expect("a file");
        assert!(runtime.import_dump(folder.path()).is_err(), "it is cut off");
        assert_eq!(Database::open(&url).collections(), Vec::<String>::new());
        fs::write(&file, &all).expect("a file");
        runtime.import_dump(folder.path()).expect("it loads");
        assert!(Database::open(&url).collections().contains(&"fs.chunks".to_owned()));
    }
}

#[test]
fn documents_that_are_no_bson_are_kept() {
    let spoilt = |document: &Document, name: &[u8]| {
        let mut bytes = bytes(document);
        let at = bytes.windows(name.len()).position(|part| part == name).expect("there");
        // A type nobody knows.
        bytes[at - 1] = 0x7e;
        bytes
    };
    let structure = doc! { "_id": ObjectId::new(), "root": ["course", "c"], "blocks": [{ "block_type": "course", "block_id": "c" }] };
    everywhere(|runtime| {
        let added = [("modulestore.structures", vec![spoilt(&structure, b"block_id\0")])];
        comes_back(runtime, &added, 1, &[]);
    });
    let other = doc! { "_id": 1, "inner": { "odd": 1 } };
    let id = doc! { "_id": { "odd": 1 } };
    let definition = doc! { "_id": ObjectId::new(), "block_type": "html", "fields": { "odd": 1 } };
    let added = [
        ("users", vec![spoilt(&other, b"odd\0"), spoilt(&id, b"odd\0")]),
        ("modulestore.definitions", vec![spoilt(&definition, b"odd\0")]),
    ];
    everywhere(|runtime| drop(comes_back(runtime, &added, 3, &[])));
}

/// Spoils the document with an id: the last field of a name gets a type nobody knows.
fn spoil(dump: &Path, collection: &str, id: &str, name: &[u8]) {
    let mut documents = read(dump)[collection].clone();
    let is_meant = |raw: &RawDocument| raw.get_object_id("_id").is_ok_and(|found| found.to_hex() == id);
    let meant =
        documents.iter_mut().find(|one| RawDocument::from_bytes(one).is_ok_and(is_meant)).expect("it");
    let at = meant.windows(name.len()).rposition(|part| part == name).expect("there");
    meant[at - 1] = 0x7e;
    fs::write(dump.join(format!("{collection}.bson")), documents.concat()).expect("a file");
}

/// What leads to a document that is no BSON says what is wrong with it, not that it is missing; a check names it there.
#[test]
fn what_leads_to_damaged_documents_says_what_is_wrong() {
    let (source, folder) = new_store();
    published_course(&source);
    commit(&source, edit().put(usage("html", "h1"), html("changed")));
    let head = source.context(&context()).expect("the context").draft.version;
    let definition = source.block(&usage("html", "h1"), Branch::Draft).expect("the text").definition;
    let id = definition.as_split().and_then(|key| key.definition_id()).expect("an id").to_string();
    let [structures, definitions] = ["modulestore.structures", "modulestore.definitions"];
    let cases: [(_, &str, &[u8], _); 3] = [
        (structures, &head.0, b"block_id\0", "structure"),
        (definitions, &id, b"fields\0", "definition"),
        (definitions, &id, b"block_type\0", "definition"),
    ];
    for (number, (collection, id, name, code)) in cases.into_iter().enumerate() {
        let at = folder.path().join(number.to_string());
        source.export_dump(&at).expect("a dump");
        spoil(&at, collection, id, name);
        everywhere(|runtime| {
            runtime.import_dump(&at).expect("the dump loads");
            let read = [
                runtime.block(&usage("html", "h1"), Branch::Draft).map(drop),
                runtime.definition(&definition).map(drop),
            ];
            for (number, read) in read.into_iter().enumerate() {
                match read {
                    Ok(()) if number == 1 && code == "structure" => {}
                    Err(RuntimeError::Corrupt { place, reason }) => {
                        assert!(place.contains(id) || reason.contains(id), "{place}: {reason}");
                        assert!(!reason.contains("missing"), "{place}: {reason}");
                    }
                    other => panic!("damage, not {other:?}"),
                }
            }
            let report = runtime.fsck(FsckOptions::default()).expect("a check");
            let found: Vec<_> = report.findings.iter().map(|found| (found.code, &*found.reason)).collect();
            assert!(found.iter().any(|(found, _)| *found == code), "{found:?}");
            assert!(found.iter().all(|(_, reason)| !reason.contains("missing")), "{found:?}");
            let places: Vec<_> = report.findings.iter().map(|found| &found.place).collect();
            assert!(report.findings.iter().any(|found| found.place.starts_with("course-v1:")), "{places:?}");
        });
    }
}

/// A structure that is the head of both branches is counted once; one that cannot be read is named for each branch only.
#[test]
fn shared_structures_are_counted_once() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let at = folder.path().join("dump");
    runtime.export_dump(&at).expect("a dump");
    let mut indexes = read(&at)["modulestore.active_versions"].clone();
    let mut index = Document::from_reader(indexes[0].as_slice()).expect("an index");
    let versions = index.get_document_mut("versions").expect("versions");
    let draft = versions.get_object_id("draft-branch").expect("an id");
    versions.insert("published-branch", draft);
    indexes[0] = bytes(&index);
    fs::write(at.join("modulestore.active_versions.bson"), indexes.concat()).expect("a file");
    let count = read(&at)["modulestore.structures"].len();
    let shared = new_store();
    shared.0.import_dump(&at).expect("the dump loads");
    assert_eq!(shared.0.fsck(FsckOptions::default()).expect("a check").structures, count);
    let database = rusqlite::Connection::open(shared.1.path().join("store.db")).expect("the file");
    let set = r#"UPDATE "modulestore.structures" SET document = x'0500000000' WHERE _id = ?"#;
    assert_eq!(database.execute(set, [draft.bytes()]).expect("an update"), 1);
    let report = shared.0.fsck(FsckOptions::default()).expect("a check");
    assert_eq!(report.structures, count);
    let places: Vec<_> =
        report.findings.iter().filter(|found| found.code == "structure").map(|found| &found.place).collect();
    assert_eq!(places.len(), 2, "{places:?}");
}

/// Whoever reads a whole collection asks for so few documents at once that the biggest go into one message.
#[test]
fn the_biggest_structures_are_read_from_servers_that_do_not_shorten_answers() {
    let Some(server) = java_server() else { return };
    let runtime = crate::server::new_store(server);
    published_course(&runtime);
    let folder = tempfile::tempdir().expect("a folder");
    let big = |_| {
        let root = doc! { "block_type": "course", "block_id": "c" };
        let text = "x".repeat(15 << 20);
        bytes(&doc! { "_id": ObjectId::new(), "root": ["course", "c"], "blocks": [root], "text": text })
    };
    fs::write(
        folder.path().join("modulestore.structures.bson"),
        (0..4).map(big).collect::<Vec<_>>().concat(),
    )
    .expect("a file");
    assert_eq!(runtime.import_dump(folder.path()).expect("it loads").structures, 4);
    let report = runtime.fsck(FsckOptions::default()).expect("a check");
    assert!(report.findings.is_sound(), "{report:?}");
    let options = PruneOptions { keep_versions: 0, keep_younger: Default::default(), ..Default::default() };
    runtime.prune(&options).expect("a list");
    runtime.changes(Cursor(0), usize::MAX).expect("the feed");
    runtime.export_dump(folder.path().join("out")).expect("a dump");
}

/// What of a dump is not loaded is named, also another database.
#[test]
fn other_databases_of_a_dump_are_named() {
    let (source, folder) = new_store();
    published_course(&source);
    let at = folder.path().join("dump");
    source.export_dump(at.join("edxapp")).expect("a dump");
    fs::create_dir(at.join("forum")).expect("a folder");
    fs::write(at.join("forum/contents.bson"), bytes(&doc! { "_id": 1 })).expect("a file");
    fs::write(at.join("oplog.bson"), bytes(&doc! { "op": "n" })).expect("a file");
    let counts = new_store().0.import_dump(&at).expect("it loads");
    assert_eq!(counts.contexts, [context()]);
    assert_eq!(counts.passed_over, [at.join("forum"), at.join("oplog.bson")]);
}

/// In databases of earlier days such a document is no bytes, but stands there itself.
#[test]
fn what_was_kept_in_earlier_days_comes_back() {
    let Some(server) = server() else { return };
    let url = server.url(&server.new_database(), "");
    let runtime = crate::server::open(&url);
    let damaged = doc! { "_id": "text", "blocks": [] };
    let key = doc! { "collection": "modulestore.structures", "id": "text" };
    Database::open(&url).insert("xblock_runtime.damaged", doc! { "_id": key, "document": &damaged });
    let folder = tempfile::tempdir().expect("a folder");
    runtime.export_dump(folder.path().join("out")).expect("a dump");
    let out = read(&folder.path().join("out"));
    assert_eq!(out["modulestore.structures"], [bytes(&damaged)]);
    // Loaded again, it is the same document.
    fs::write(folder.path().join("modulestore.structures.bson"), bytes(&damaged)).expect("a file");
    assert_eq!(runtime.import_dump(folder.path()).expect("it loads").damaged.len(), 1);
    runtime.export_dump(folder.path().join("again")).expect("a dump");
    assert_eq!(read(&folder.path().join("again")), out);
}

/// Before 3.0 MongoDB kept its indexes as documents without ids.
#[test]
fn collections_of_the_server_are_no_damage() {
    let index =
        |name: &str| bytes(&doc! { "v": 1, "key": { name: 1 }, "ns": "edxapp.modulestore", "name": name });
    let indexes = vec![index("a"), index("b"), index("a")];
    let added = [("system.indexes", indexes), ("system.users", vec![bytes(&doc! { "_id": "me" })])];
    everywhere(|runtime| {
        let (counts, _) = comes_back(runtime, &added, 0, &[]);
        assert_eq!(counts.others, 4);
    });
}

#[test]
fn documents_without_ids_are_kept() {
    let nameless = |text: &str| bytes(&doc! { "text": text });
    let collections = [
        "modulestore.active_versions",
        "modulestore.structures",
        "modulestore.definitions",
        "fs.files",
        "modulestore",
        "assetstore",
        "users",
    ];
    let added = collections.map(|name| (name, vec![nameless("a"), nameless("a"), nameless("b")]));
    everywhere(|runtime| drop(comes_back(runtime, &added, 3 * collections.len(), &["no `_id`"])));
}

#[test]
fn what_loading_names_a_check_names_again() {
    let old = |name: &str, reversed: bool| {
        let mut id = doc! { "tag": "i4x", "org": "o", "course": "c", "category": name, "name": name, "revision": null };
        if reversed {
            let tag = id.remove("tag");
            id.insert("tag", tag);
        }
        bytes(&doc! { "_id": id, "definition": {}, "metadata": {} })
    };
    let added = [
        (
            "fs.chunks",
            vec![
                bytes(&doc! { "_id": ObjectId::new() }),
                bytes(&doc! { "_id": ObjectId::new() }),
                bytes(&doc! { "_id": 7, "files_id": "x", "n": "0", "data": "s" }),
                bytes(&doc! { "_id": 8, "files_id": "x", "n": 0, "data": "s" }),
            ],
        ),
        (
            "assetstore",
            vec![
                bytes(&doc! { "_id": 1, "course_id": "edX/x/y", "assets": [] }),
                bytes(&doc! { "_id": 2, "course_id": 5 }),
                bytes(&doc! { "_id": 3, "course_id": "edX/x/y" }),
            ],
        ),
        ("modulestore", vec![old("course", false), old("about", false), old("about", true)]),
    ];
    let words = [
        "the chunk of no file",
        "`n` is String",
        "no data",
        "expected",
        "`course_id` is Int32",
        "another order",
    ];
    everywhere(|runtime| drop(comes_back(runtime, &added, 7, &words)));
}
