//! Courses of Old Mongo move to the stores that can change them.

use std::sync::Arc;

use bson::{Bson, Document, doc};
use courseware::{CompareOptions, OpenMode, PublishOptions, StoreUrl, SystemClock, compare, publish};
use runtime_modulestore::ModulestoreRuntime;
use xblock_core::clock::Clock;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Base, Branch, Edit, Runtime, RuntimeError};

fn block(category: &str, name: &str, revision: Bson, children: &[&str], text: &str) -> Document {
    let children: Vec<_> = children.iter().map(|child| format!("i4x://Harbour/TIDES/{child}")).collect();
    doc! {
        "_id": {
            "tag": "i4x", "org": "Harbour", "course": "TIDES", "category": category, "name": name,
            "revision": revision,
        },
        "definition": { "data": { "data": text }, "children": children },
        "metadata": { "display_name": name },
    }
}

#[test]
fn a_course_of_old_mongo_moves_with_its_drafts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let documents = [
        block("course", "2031", Bson::Null, &["chapter/c"], ""),
        block("chapter", "c", Bson::Null, &["sequential/s"], ""),
        block("sequential", "s", Bson::Null, &["vertical/u"], ""),
        block("vertical", "u", Bson::Null, &["html/h"], ""),
        block("html", "h", Bson::Null, &[], "<p>low</p>"),
        block("html", "h", "draft".into(), &[], "<p>high</p>"),
        block("vertical", "u", "draft".into(), &["html/h", "html/new"], ""),
        block("html", "new", "draft".into(), &[], "<p>slack</p>"),
    ];
    let bytes: Vec<u8> =
        documents.iter().flat_map(|document| bson::serialize_to_vec(document).expect("BSON")).collect();
    std::fs::write(folder.path().join("modulestore.bson"), bytes).expect("a dump");

    let registry = blocks::registry().expect("the registry");
    let old = ModulestoreRuntime::open(folder.path().join("old.db"), registry.clone(), Arc::new(SystemClock))
        .expect("a store");
    old.import_dump(folder.path()).expect("the dump loads");
    let old: Arc<dyn Runtime> = Arc::new(old);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let context: ContextKey = "Harbour/TIDES/2031".parse().expect("a key");
    for kind in ["blockstore", "modulestore"] {
        let url: StoreUrl = format!("{kind}:{}", folder.path().join(kind).display()).parse().expect("a URL");
        let new = url.open(OpenMode::Create, &registry, &clock).expect("the store opens");
        let report = publish(&old, &new, &context, &PublishOptions::default()).expect("it moves");
        assert_eq!(report.source_commit, None);
        let drafts: Vec<_> = report.kept_drafts.iter().map(|usage| usage.block_id()).collect();
        assert_eq!(drafts, ["h", "new", "u"]);
        let same = compare(&*old, &*new, &context, &CompareOptions::default()).expect("a comparison");
        assert!(same.is_same(), "{kind}: {:#?}", same.differences);
        let text = |branch| {
            let usage = context.make_usage_key("html", "h").expect("a key");
            new.block(&usage, branch).expect("the text").data.content["data"].clone()
        };
        assert_eq!(
            (text(Branch::Published), text(Branch::Draft)),
            ("<p>low</p>".into(), "<p>high</p>".into())
        );
        let again = publish(&old, &new, &context, &PublishOptions::default()).expect("nothing to do");
        assert!(again.is_unchanged());

        let head = new.context(&context).expect("the course").draft.version;
        let edit = Edit::new(context.clone(), Base::Version(head)).publish_all();
        new.commit(edit).expect("it can be changed there");
    }
    let edit = Edit::new(context.clone(), Base::Any).publish_all();
    let refused = old.commit(edit).expect_err("it is only read");
    assert!(matches!(refused, RuntimeError::UnsupportedKey { .. }), "{refused}");
    assert!(refused.to_string().contains("courseware publish"), "{refused}");
}
