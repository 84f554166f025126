//! Dumps in which a document is longer than it may be, or does not end where and as it should.

use std::fs;

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, doc};
use runtime_modulestore::OnDamage;
use xblock_core::runtime::RuntimeError;
use xblock_testkit::fixture::published_course;

use crate::dump_damage::{bytes, chunk, comes_back, everywhere, read};
use crate::fixture::new_store;

/// What is too long, or does not end as documents do, is kept like other damage.
#[test]
fn documents_that_are_too_long_or_end_wrongly_are_kept() {
    let id =
        doc! { "tag": "i4x", "org": "o", "course": "c", "category": "html", "name": "h", "revision": null };
    let documents = [
        ("modulestore.structures", doc! { "_id": ObjectId::new(), "blocks": [] }),
        ("modulestore.definitions", doc! { "_id": ObjectId::new(), "block_type": "html" }),
        ("modulestore.active_versions", doc! { "_id": ObjectId::new(), "org": "o" }),
        ("fs.files", doc! { "_id": "name", "length": 0 }),
        ("fs.chunks", chunk(1, "gone", 0, b"hi")),
        ("modulestore", doc! { "_id": id, "definition": {}, "metadata": {} }),
        ("assetstore", doc! { "_id": 1, "course_id": "edX/x/y" }),
        ("users", doc! { "_id": 1 }),
    ];
    let added = documents.map(|(name, document)| {
        let mut bytes = bytes(&document);
        *bytes.last_mut().expect("a byte") = 2;
        (name, vec![bytes])
    });
    everywhere(|runtime| {
        comes_back(runtime, &added, added.len(), &["does not end with a zero byte, but with 0x02"]);
    });
    // It looks like one of ours, and comes back as it is all the same.
    let bytes_of = Binary { subtype: BinarySubtype::Generic, bytes: b"a".to_vec() };
    let like_ours = bytes(&doc! { "_id": ObjectId::new(), "xblock_runtime.bytes": bytes_of });
    everywhere(|runtime| {
        comes_back(runtime, &[("modulestore.structures", vec![like_ours.clone()])], 1, &["looks like"]);
    });
    let long = doc! { "_id": ObjectId::new(), "blocks": [], "text": "x".repeat(17 << 20) };
    everywhere(|runtime| {
        let added = [("modulestore.structures", vec![bytes(&long)]), ("users", vec![bytes(&long)])];
        comes_back(runtime, &added, 2, &["a document may take 16777216"]);
    });
}

/// Wherever one bit is wrong, the other documents are loaded, and all come back.
#[test]
fn one_wrong_bit_refuses_no_dump() {
    let (source, folder) = new_store();
    published_course(&source);
    let at = folder.path().join("dump");
    source.export_dump(&at).expect("a dump");
    for (name, documents) in read(&at) {
        let file = at.join(format!("{name}.bson"));
        let mut start = 0;
        for document in &documents {
            // The length, a type, and the end.
            for byte in (0..5).chain([document.len() - 1]) {
                let mut whole = documents.concat();
                whole[start + byte] ^= 1;
                fs::write(&file, &whole).expect("a file");
                let (runtime, store) = new_store();
                let loaded = runtime.import_dump(&at);
                let loaded = loaded.unwrap_or_else(|error| panic!("{name}, byte {byte}: {error}"));
                let is_of_length = byte < 4;
                assert!(!is_of_length || !loaded.damaged.is_empty(), "{name}, byte {byte}");
                assert!(
                    loaded.damaged.is_empty()
                        || new_store().0.import_dump_with(&at, OnDamage::Refuse).is_err()
                );
                runtime.export_dump(store.path().join("out")).expect("a dump");
                let out = fs::read(store.path().join(format!("out/{name}.bson"))).expect("a file");
                let wrong = &whole[start..start + document.len()];
                let others = documents.iter().filter(|other| *other != document).map(Vec::as_slice);
                for expected in others.chain([wrong]) {
                    assert!(out.windows(expected.len()).any(|part| part == expected), "{name}, byte {byte}");
                }
                assert_eq!(out.len(), whole.len(), "{name}, byte {byte}");
            }
            start += document.len();
        }
        fs::write(&file, documents.concat()).expect("a file");
    }
}

/// Where nobody can tell where a document ends, its place is named.
#[test]
fn what_makes_the_rest_unreadable_is_named_with_its_place() {
    let (source, folder) = new_store();
    published_course(&source);
    let at = folder.path().join("dump");
    source.export_dump(&at).expect("a dump");
    let file = at.join("modulestore.definitions.bson");
    let mut whole = fs::read(&file).expect("a file");
    let first = usize::try_from(i32::from_le_bytes(*whole.first_chunk().expect("a length"))).expect("one");
    whole[first..first + 12].fill(0xff);
    fs::write(&file, whole).expect("a file");
    let (runtime, _folder) = new_store();
    match runtime.import_dump(&at) {
        Err(RuntimeError::Corrupt { place, reason }) => {
            assert!(place.ends_with("modulestore.definitions.bson, document 1"), "{place}");
            assert!(reason.contains(&format!("from byte {first} on")), "{reason}");
        }
        other => panic!("damage, not {other:?}"),
    }
}
