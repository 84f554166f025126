//! Comparison finds each kind of difference and nothing else.

use courseware::{CompareOptions, Comparison, Difference, FieldPlace, Side, compare};
use serde_json::json;
use xblock_core::runtime::{AsideData, BlockData, Branch, Edit, EditOp, Runtime};
use xblock_testkit::fixture::{
    asset, attributes, block, commit, context, edit, html, map, published_course, put_asset, root, usage,
};

use crate::stores::memory;

/// Changes one of two equal published courses and compares the drafts.
fn after(change: impl FnOnce(Edit) -> Edit) -> Vec<Difference> {
    let (left, right) = (memory(), memory());
    for store in [&left, &right] {
        published_course(&**store);
        commit(&**store, edit().with(put_asset("a.txt", b"ebb")).publish_all());
    }
    commit(&*right, change(edit()));
    let found = run(&*left, &*right);
    assert!(
        found.differences.iter().all(|difference| !format!("{difference}").contains("published")),
        "the published branches are the same: {:#?}",
        found.differences
    );
    found.differences
}

fn run(left: &dyn Runtime, right: &dyn Runtime) -> Comparison {
    compare(left, right, &context(), &CompareOptions::default()).expect("both have the course")
}

#[test]
fn equal_courses_have_no_differences_and_are_counted() {
    let (left, right) = (memory(), memory());
    published_course(&*left);
    published_course(&*right);
    let found = run(&*left, &*right);
    assert!(found.is_same());
    assert_eq!(found.blocks, 14);
}

#[test]
fn a_field_differs() {
    let found = after(|edit| edit.put(usage("html", "h1"), html("<p>Flood</p>")));
    assert_eq!(
        found,
        [Difference::Field {
            branch: Branch::Draft,
            usage: usage("html", "h1"),
            scope: FieldPlace::Content,
            name: "data".into(),
            left: Some(json!("<p>Ebb</p>")),
            right: Some(json!("<p>Flood</p>")),
        }]
    );
}

#[test]
fn null_and_unset_differ() {
    let mut data = html("<p>Ebb</p>");
    data.settings.insert("editor".into(), json!(null));
    let found = after(|edit| edit.put(usage("html", "h1"), data));
    assert!(
        matches!(&found[..], [Difference::Field { left: None, right: Some(value), scope: FieldPlace::Settings, .. }] if value.is_null()),
        "{found:?}"
    );
}

#[test]
fn the_order_of_children_differs() {
    let moved =
        EditOp::MoveBlock { usage: usage("vertical", "u1"), parent: usage("sequential", "s"), position: 1 };
    let found = after(|edit| edit.with(moved));
    let (one, two) = (usage("vertical", "u1"), usage("vertical", "u2"));
    assert_eq!(
        found,
        [Difference::Children {
            branch: Branch::Draft,
            usage: usage("sequential", "s"),
            left: vec![one.clone(), two.clone()],
            right: vec![two, one],
        }]
    );
}

#[test]
fn a_block_is_missing() {
    let found = after(|edit| edit.with(EditOp::DeleteBlock { usage: usage("html", "h1") }));
    assert!(found.contains(&Difference::BlockOnlyIn {
        branch: Branch::Draft,
        usage: usage("html", "h1"),
        side: Side::Left
    }));
    assert_eq!(found.len(), 2, "the block and its place in the parent: {found:?}");
}

#[test]
fn asides_and_library_defaults_differ() {
    let data = BlockData {
        defaults: map(json!({ "weight": 2 })),
        asides: vec![AsideData { aside_type: "star".into(), fields: map(json!({ "on": true })) }],
        ..html("<p>Ebb</p>")
    };
    let found = after(|edit| edit.put(usage("html", "h1"), data));
    assert!(
        matches!(
            &found[..],
            [Difference::Field { scope: FieldPlace::Defaults, .. }, Difference::Asides { right, .. }] if right[0]["type"] == "star"
        ),
        "{found:?}"
    );
}

#[test]
fn the_bytes_of_a_file_differ() {
    let found = after(|edit| edit.with(put_asset("a.txt", b"flood")));
    assert!(
        matches!(&found[..], [Difference::AssetBytes { key, .. }] if *key == asset("a.txt")),
        "{found:?}"
    );
}

#[test]
fn an_attribute_of_a_file_differs() {
    let mut data = attributes("a.txt");
    data.locked = true;
    let content = std::sync::Arc::new(b"ebb".to_vec());
    let found = after(|edit| edit.with(EditOp::PutAsset { key: asset("a.txt"), data, content }));
    assert!(
        matches!(&found[..], [Difference::AssetAttribute { name, .. }] if &**name == "locked"),
        "{found:?}"
    );
}

#[test]
fn a_file_is_missing() {
    let found = after(|edit| edit.with(EditOp::DeleteAsset { key: asset("a.txt") }));
    assert!(matches!(&found[..], [Difference::AssetOnlyIn { side: Side::Left, .. }]), "{found:?}");
}

#[test]
fn a_branch_is_missing() {
    let (left, right) = (memory(), memory());
    published_course(&*left);
    commit(
        &*right,
        Edit::new(context(), xblock_core::runtime::Base::New { root: root() })
            .put(root(), block(json!({}), &[])),
    );
    let found = run(&*left, &*right);
    assert_eq!(
        found.differences[0],
        Difference::BranchOnlyIn { branch: Branch::Published, side: Side::Left }
    );
    let drafts = CompareOptions { branches: vec![Branch::Draft], ..CompareOptions::default() };
    let found = compare(&*left, &*right, &context(), &drafts).unwrap();
    assert!(found.differences.iter().all(|d| !matches!(d, Difference::BranchOnlyIn { .. })));
}
