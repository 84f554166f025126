//! What a store of documents promises beside what a runtime uses: lists, content set aside, indexes deleted.

use std::collections::BTreeSet;

use bson::oid::ObjectId;
use chrono::{DateTime, TimeDelta, Utc};
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::documents::IndexKey;
use runtime_modulestore::store::{Collection, ContentKind, DocumentReads, Outcome};
use xblock_core::runtime::{Branch, Runtime, RuntimeError};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, usage};

use crate::fixture::new_store;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_930_000_000_456).expect("a moment")
}

fn headers(docs: &dyn DocumentReads) -> BTreeSet<ObjectId> {
    let mut found = BTreeSet::new();
    docs.each_header(&mut |header, bytes| {
        let document = docs.structure(header.id)?.expect("what is listed is there");
        assert_eq!(document.len() as u64, bytes);
        assert_eq!(docs.header(header.id)?, Some(header.clone()));
        assert!(found.insert(header.id), "{} is listed twice", header.id);
        Ok(())
    })
    .expect("the headers");
    found
}

fn definitions(docs: &dyn DocumentReads) -> BTreeSet<ObjectId> {
    let mut found = BTreeSet::new();
    docs.each_definition(&mut |id, bytes| {
        assert_eq!(docs.definition(id)?.map(|document| document.len() as u64), Some(bytes));
        assert!(found.insert(id), "{id} is listed twice");
        Ok(())
    })
    .expect("the definitions");
    found
}

fn count(docs: &dyn DocumentReads, collection: &Collection) -> usize {
    let mut count = 0;
    docs.each_document(collection, &mut |_| {
        count += 1;
        Ok(())
    })
    .expect("the collection");
    count
}

fn change(
    runtime: &ModulestoreRuntime,
    change: impl FnOnce(&dyn runtime_modulestore::store::DocumentWrites) -> usize,
) -> usize {
    let docs = runtime.store().write().expect("a transaction");
    let count = change(&*docs);
    assert_eq!(docs.commit().expect("it is committed"), Outcome::Kept);
    count
}

/// What is set aside is gone until it is put back, with what was said about it; what is forgotten is gone for good.
pub(crate) fn content_is_set_aside_and_put_back(runtime: &ModulestoreRuntime) {
    published_course(runtime);
    let mut second = edit().put(usage("html", "h1"), html("second")).publish_all();
    second.message = "Second thoughts".into();
    commit(runtime, second);
    let docs = runtime.store().read().expect("a view");
    let (structures, definitions_before) = (headers(&*docs), definitions(&*docs));
    assert_eq!(structures.len(), count(&*docs, &Collection::Structures));
    assert_eq!(definitions_before.len(), count(&*docs, &Collection::Definitions));
    assert_eq!(docs.set_aside_content().expect("none"), []);
    drop(docs);
    let history = runtime.history(&context(), Branch::Published).expect("the history");
    let old = ObjectId::parse_str(&*history[1].version.0).expect("an id");
    let head = ObjectId::parse_str(&*history[0].version.0).expect("an id");
    let definition = *definitions_before.first().expect("a definition");

    let dropped = runtime.store().write().expect("a transaction");
    dropped.set_aside(ContentKind::Structure, &[old], now()).expect("it is set aside");
    drop(dropped);
    assert_eq!(headers(&*runtime.store().read().expect("a view")), structures, "nothing was committed");

    let unknown = ObjectId::from_bytes([7; 12]);
    let taken = change(runtime, |docs| {
        docs.set_aside(ContentKind::Structure, &[old, head, unknown], now()).expect("they are set aside")
            + docs.set_aside(ContentKind::Definition, &[definition], now()).expect("it is set aside")
    });
    assert_eq!(taken, 3);
    let docs = runtime.store().read().expect("a view");
    assert_eq!(&structures - &headers(&*docs), BTreeSet::from([old, head]));
    assert_eq!(docs.structure(old).expect("a read"), None);
    assert_eq!(docs.definition(definition).expect("a read"), None);
    let aside = docs.set_aside_content().expect("three");
    assert!(aside.iter().all(|one| one.since == now() && one.bytes > 20));
    let kinds: Vec<_> = aside.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [ContentKind::Structure, ContentKind::Structure, ContentKind::Definition]);
    drop(docs);

    assert_eq!(change(runtime, |docs| docs.forget_set_aside(now()).expect("none is older")), 0);
    let back = change(runtime, |docs| {
        docs.put_back(ContentKind::Structure, &[head, unknown]).expect("it is put back")
            + docs.put_back(ContentKind::Definition, &[definition]).expect("it is put back")
    });
    assert_eq!(back, 2);
    let docs = runtime.store().read().expect("a view");
    assert_eq!(&structures - &headers(&*docs), BTreeSet::from([old]));
    assert_eq!(definitions(&*docs), definitions_before);
    assert_eq!(docs.set_aside_content().expect("one").len(), 1);
    drop(docs);
    let history = runtime.history(&context(), Branch::Published).expect("the history");
    assert_eq!(history.iter().map(|version| &*version.message).collect::<Vec<_>>(), ["Second thoughts"]);

    let later = now() + TimeDelta::seconds(1);
    assert_eq!(change(runtime, |docs| docs.forget_set_aside(later).expect("it is forgotten")), 1);
    assert_eq!(runtime.store().read().expect("a view").set_aside_content().expect("none"), []);
    assert_eq!(change(runtime, |docs| docs.put_back(ContentKind::Structure, &[old]).expect("none")), 0);
}

/// An index is deleted only as it was read, and what it named stays.
pub(crate) fn an_index_is_deleted_as_it_was_read(runtime: &ModulestoreRuntime) {
    published_course(runtime);
    let key = IndexKey::of(&context()).expect("a key");
    let find = || runtime.store().read().expect("a view").index(&key).expect("a read");
    let index = find().expect("the index");
    let id = index.get_object_id("_id").expect("an id");
    let read_at = index.get_datetime("last_update").ok();
    let structures = headers(&*runtime.store().read().expect("a view"));
    commit(runtime, edit().put(usage("html", "h1"), html("newer")));
    let stale = runtime.store().write().expect("a transaction");
    assert!(!stale.delete_index(id, read_at).expect("it is compared"));
    drop(stale);
    let read_at = find().expect("it is still there").get_datetime("last_update").ok();
    let deleted = runtime.store().write().expect("a transaction");
    assert!(deleted.delete_index(id, read_at).expect("it is compared"));
    assert_eq!(deleted.commit().expect("it is committed"), Outcome::Kept);
    assert_eq!(find(), None);
    assert!(matches!(runtime.context(&context()), Err(RuntimeError::NoSuchContext { .. })));
    assert!(headers(&*runtime.store().read().expect("a view")).is_superset(&structures));
}

#[test]
fn the_embedded_store_sets_aside_and_puts_back() {
    content_is_set_aside_and_put_back(&new_store().0);
}

#[test]
fn the_embedded_store_deletes_indexes() {
    an_index_is_deleted_as_it_was_read(&new_store().0);
}
