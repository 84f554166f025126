//! What an edit does, and what it refuses to do.

use serde_json::json;
use xblock_core::runtime::{Base, BlockData, BlockPatch, Branch, Edit, EditOp, Runtime, RuntimeError};

use crate::fixture::{
    block, commit, context, draft_course, edit, html, other_context, published_course, root, small_course,
    snapshot, usage, walk_ids,
};

/// A context cannot be made without the block that is to be its root.
pub fn a_new_context_needs_its_root(runtime: &dyn Runtime) {
    let rootless = Edit::new(context(), Base::New { root: root() }).put(usage("html", "h"), html("x"));
    assert!(matches!(runtime.commit(rootless), Err(RuntimeError::NoSuchUsage { key, .. }) if key == root()));
    assert!(matches!(runtime.context(&context()), Err(RuntimeError::NoSuchContext { .. })));
    assert!(matches!(runtime.commit(edit()), Err(RuntimeError::NoSuchContext { .. })));
}

/// Making a context that exists is refused and changes nothing.
pub fn a_context_is_made_once(runtime: &dyn Runtime) {
    draft_course(runtime);
    let before = snapshot(runtime, &context(), Branch::Draft);
    assert!(
        matches!(runtime.commit(small_course()), Err(RuntimeError::ContextExists { key }) if key == context())
    );
    assert_eq!(snapshot(runtime, &context(), Branch::Draft), before);
    assert_eq!(runtime.context(&context()).expect("the context").root, root());
}

/// A patch sets and unsets the fields it names and leaves the others.
pub fn a_patch_changes_only_what_it_names(runtime: &dyn Runtime) {
    draft_course(runtime);
    let at = usage("problem", "p1");
    let patch = BlockPatch {
        content: vec![("markdown".into(), Some(json!(">>Q<<")))],
        settings: vec![("weight".into(), None), ("max_attempts".into(), Some(json!(null)))],
        children: None,
    };
    commit(runtime, edit().with(EditOp::PatchBlock { usage: at.clone(), patch: patch.clone() }));
    let data = runtime.block(&at, Branch::Draft).expect("the problem").data;
    assert_eq!(data.content["markdown"], json!(">>Q<<"));
    assert_eq!(data.content["data"], json!("<problem><p>How deep?</p></problem>"));
    assert!(!data.settings.contains_key("weight"));
    assert_eq!(data.settings["max_attempts"], json!(null));
    assert_eq!(data.settings["display_name"], json!("Depth"));
    let missing = EditOp::PatchBlock { usage: usage("html", "nowhere"), patch };
    assert!(matches!(runtime.commit(edit().with(missing)), Err(RuntimeError::NoSuchUsage { .. })));
}

/// Deleting a block takes it out of its parents and deletes all that hung on it alone.
pub fn deleting_takes_the_subtree(runtime: &dyn Runtime) {
    draft_course(runtime);
    commit(runtime, edit().with(EditOp::DeleteBlock { usage: usage("vertical", "u1") }));
    assert_eq!(walk_ids(runtime, Branch::Draft), ["course", "c", "s", "u2", "p1"]);
    let left = runtime.usages(&context(), Branch::Draft).expect("usages");
    assert!(!left.contains(&usage("html", "h1")) && !left.contains(&usage("vertical", "u1")));
    let gone = EditOp::DeleteBlock { usage: usage("vertical", "u1") };
    assert!(matches!(runtime.commit(edit().with(gone)), Err(RuntimeError::NoSuchUsage { .. })));
}

/// A block with two parents goes only with the second.
pub fn a_shared_child_stays_with_its_other_parent(runtime: &dyn Runtime) {
    draft_course(runtime);
    let shared = usage("html", "h1");
    commit(
        runtime,
        edit().put(usage("vertical", "u2"), block(json!({}), &[usage("problem", "p1"), shared.clone()])),
    );
    assert_eq!(
        runtime.parents(&shared, Branch::Draft).expect("parents"),
        vec![usage("vertical", "u1"), usage("vertical", "u2")]
    );
    commit(runtime, edit().with(EditOp::DeleteBlock { usage: usage("vertical", "u1") }));
    assert_eq!(runtime.parents(&shared, Branch::Draft).expect("parents"), vec![usage("vertical", "u2")]);
    commit(runtime, edit().with(EditOp::DeleteBlock { usage: usage("vertical", "u2") }));
    assert!(matches!(runtime.block(&shared, Branch::Draft), Err(RuntimeError::NoSuchUsage { .. })));
}

/// A moved block keeps its content and everything below it; a place past the end is the last.
pub fn moving_keeps_the_subtree(runtime: &dyn Runtime) {
    draft_course(runtime);
    let (unit, text) = (usage("vertical", "u2"), usage("html", "h1"));
    commit(
        runtime,
        edit()
            .with(EditOp::MoveBlock { usage: text.clone(), parent: unit.clone(), position: 0 })
            .with(EditOp::MoveBlock { usage: unit.clone(), parent: usage("sequential", "s"), position: 0 }),
    );
    assert_eq!(walk_ids(runtime, Branch::Draft), ["course", "c", "s", "u2", "h1", "p1", "u1"]);
    commit(runtime, edit().with(EditOp::MoveBlock { usage: text.clone(), parent: unit, position: 99 }));
    assert_eq!(walk_ids(runtime, Branch::Draft), ["course", "c", "s", "u2", "p1", "h1", "u1"]);
    assert_eq!(
        runtime.block(&text, Branch::Draft).expect("the text").data.content["data"],
        json!("<p>Ebb</p>")
    );
}

/// The root can be changed, not deleted or moved.
pub fn the_root_is_fixed(runtime: &dyn Runtime) {
    draft_course(runtime);
    let delete = EditOp::DeleteBlock { usage: root() };
    assert!(matches!(runtime.commit(edit().with(delete)), Err(RuntimeError::RootIsFixed { .. })));
    let shift = EditOp::MoveBlock { usage: root(), parent: usage("vertical", "u1"), position: 0 };
    assert!(matches!(runtime.commit(edit().with(shift)), Err(RuntimeError::RootIsFixed { .. })));
    commit(runtime, edit().put(root(), block(json!({ "display_name": "New" }), &[usage("chapter", "c")])));
    assert_eq!(runtime.block(&root(), Branch::Draft).expect("the root").data.display_name(), Some("New"));
}

/// No block can be put below itself.
pub fn circles_are_refused(runtime: &dyn Runtime) {
    draft_course(runtime);
    let before = snapshot(runtime, &context(), Branch::Draft);
    let circle = edit().put(usage("vertical", "u1"), block(json!({}), &[usage("chapter", "c")]));
    assert!(matches!(runtime.commit(circle), Err(RuntimeError::ChildCycle { .. })));
    let itself = edit().put(usage("vertical", "u1"), block(json!({}), &[usage("vertical", "u1")]));
    assert!(matches!(runtime.commit(itself), Err(RuntimeError::ChildCycle { .. })));
    let shift =
        EditOp::MoveBlock { usage: usage("chapter", "c"), parent: usage("vertical", "u1"), position: 0 };
    assert!(matches!(runtime.commit(edit().with(shift)), Err(RuntimeError::ChildCycle { .. })));
    assert_eq!(snapshot(runtime, &context(), Branch::Draft), before);
}

/// Blocks and children of another context have no place in an edit.
pub fn other_contexts_are_refused(runtime: &dyn Runtime) {
    draft_course(runtime);
    let stranger = other_context().make_usage_key("html", "h").expect("a usage key");
    let put = edit().put(stranger.clone(), html("x"));
    assert!(matches!(runtime.commit(put), Err(RuntimeError::WrongContext { .. })));
    let child = edit().put(usage("vertical", "u1"), block(json!({}), &[stranger]));
    assert!(matches!(runtime.commit(child), Err(RuntimeError::WrongContext { .. })));
    let file = other_context().make_asset_key("a.txt").expect("an asset key");
    let asset =
        EditOp::PutAsset { key: file, data: Default::default(), content: std::sync::Arc::new(vec![]) };
    assert!(matches!(runtime.commit(edit().with(asset)), Err(RuntimeError::WrongContext { .. })));
}

/// When one step fails, the steps before it are not there either.
pub fn a_failed_edit_leaves_nothing(runtime: &dyn Runtime) {
    published_course(runtime);
    let before: Vec<_> = Branch::ALL.iter().map(|b| snapshot(runtime, &context(), *b)).collect();
    let version = runtime.context(&context()).expect("the context").draft.version;
    let failing = edit()
        .put(usage("html", "h1"), html("changed"))
        .with(crate::fixture::put_asset("a.txt", b"a"))
        .publish_all()
        .with(EditOp::DeleteBlock { usage: usage("html", "nowhere") });
    assert!(matches!(runtime.commit(failing), Err(RuntimeError::NoSuchUsage { .. })));
    let after: Vec<_> = Branch::ALL.iter().map(|b| snapshot(runtime, &context(), *b)).collect();
    assert_eq!(before, after);
    assert_eq!(runtime.context(&context()).expect("the context").draft.version, version);
}

/// Children come in the order in which they were put, and one may be named twice.
pub fn children_keep_their_order(runtime: &dyn Runtime) {
    draft_course(runtime);
    let order: Vec<_> = ["z", "a", "m", "10", "9"].iter().map(|id| usage("html", id)).collect();
    let mut change = edit().put(usage("vertical", "u1"), block(json!({}), &order));
    for child in &order {
        change = change.put(child.clone(), BlockData::default());
    }
    commit(runtime, change);
    assert_eq!(
        runtime.block(&usage("vertical", "u1"), Branch::Draft).expect("the unit").data.children,
        order
    );
}
