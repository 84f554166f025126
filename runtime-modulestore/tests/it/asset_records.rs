//! Records about files of which some cannot be read: the others can, and all stay.

use std::sync::Arc;

use bson::{Bson, Document, doc};
use runtime_modulestore::ModulestoreRuntime;
use serde_json::json;
use xblock_core::runtime::{AssetMetadata, Branch, EditOp, FsckOptions, Runtime};
use xblock_testkit::fixture::{asset, commit, context, edit, html, map, published_course, usage};

use crate::fixture::new_store;
use crate::shapes::head;
use crate::structures::with_draft;

/// Records that nobody can read, and one whose values are none of their attributes.
fn damaged() -> Document {
    let odd = doc! {
        "filename": "b.png", "asset_type": "asset", "locked": 1, "fields": ["cite"], "thumbnail": Bson::Null,
        "edit_info": { "created_on": "yesterday", "edited_by": 3, "release": "x" },
    };
    doc! {
        "asset": [
            { "filename": "a.png", "asset_type": "asset", "locked": true },
            odd,
            { "filename": 7 },
            "no record",
            { "filename": "c.png", "locked": true, "basename": Bson::JavaScriptCode("c".into()) },
        ],
        "thumbnail": 5,
    }
}

fn records(runtime: &ModulestoreRuntime, branch: Branch) -> Vec<String> {
    let found = runtime.asset_metadata(&context(), branch).expect("the records");
    let records = found.records.iter().map(|(key, _)| format!("read {}", key.path()));
    let named = |key: &Option<_>| {
        key.as_ref().map_or("?".to_owned(), |key: &xblock_core::keys::AssetKey| key.path().to_owned())
    };
    records.chain(found.damaged.iter().map(|damaged| format!("damaged {}", named(&damaged.key)))).collect()
}

#[test]
fn one_record_that_cannot_be_read_takes_no_other_along() {
    let store = new_store();
    published_course(&store.0);
    let (runtime, _folder) = with_draft(store, |draft| drop(draft.insert("assets", damaged())));
    let all = ["read a.png", "read b.png", "damaged ?", "damaged ?", "damaged c.png", "damaged ?"];
    assert_eq!(records(&runtime, Branch::Draft), all);
    let found = runtime.asset_metadata(&context(), Branch::Draft).expect("the records");
    for (damaged, [place, reason]) in found.damaged.iter().zip([
        ["asset, 2", "filename"],
        ["asset, 3", "no document"],
        ["asset, 4", "basename"],
        ["structure", "`thumbnail` is no list"],
    ]) {
        assert!(damaged.place.contains(place) && damaged.reason.contains(reason), "{damaged:?}");
    }
    let odd = &found.records[1].1;
    let kept = json!({
        "locked": 1, "fields": ["cite"], "edit_info": { "created_on": "yesterday", "release": "x" },
    });
    assert_eq!((odd.locked, odd.edited_by, &odd.extra), (None, Some(3), &map(kept)));
    let report = runtime.fsck(FsckOptions::default()).expect("a check");
    let named = report.findings.iter().filter(|finding| finding.code == "asset_metadata");
    assert_eq!(named.count(), 4, "{:?}", report.findings);

    let version = runtime.context(&context()).expect("the course").draft.version;
    let content = runtime.version(&context(), &version).expect("the version");
    assert_eq!(content.asset_metadata, found);

    // What is written back is what was there, but for what is said anew.
    let put = |name: &str, metadata: &AssetMetadata| EditOp::PutAssetMetadata {
        key: asset(name),
        metadata: Arc::new(metadata.clone()),
    };
    let anew = AssetMetadata { locked: Some(false), ..odd.clone() };
    let edit = edit().put(usage("html", "h1"), html("later")).with(put("b.png", &anew));
    commit(&runtime, edit.with(put("c.png", &AssetMetadata::default())).publish_all());
    for branch in Branch::ALL {
        assert_eq!(
            records(&runtime, branch),
            ["read a.png", "read b.png", "read c.png", "damaged ?", "damaged ?", "damaged ?"]
        );
        let structure = head(&runtime, branch);
        let assets = structure.get_document("assets").expect("assets");
        assert_eq!(assets.get("thumbnail"), Some(&Bson::Int32(5)));
        let list = assets.get_array("asset").expect("a list");
        assert!(list.contains(&Bson::from("no record")) && list.contains(&doc! { "filename": 7 }.into()));
        let is_odd = |record: &&Document| record.get_str("filename").is_ok_and(|name| name == "b.png");
        let odd = list.iter().filter_map(Bson::as_document).find(is_odd).expect("the record");
        assert_eq!(
            (odd.get("locked"), odd.get("fields")),
            (Some(&Bson::Boolean(false)), Some(&Bson::from(vec!["cite"])))
        );
        let info = odd.get_document("edit_info").expect("who and when");
        assert_eq!(
            (info.get_str("created_on").ok(), info.get_str("release").ok()),
            (Some("yesterday"), Some("x"))
        );
        assert_eq!((info.get_i32("edited_by").ok(), info.get("edited_on")), (Some(3), Some(&Bson::Null)));
    }
}
