//! What learners see, and when.

use serde_json::json;
use xblock_core::runtime::{Branch, EditOp, Extent, Runtime, RuntimeError};

use crate::fixture::{
    block, commit, context, draft_course, edit, html, published_course, small_course, snapshot, usage,
    walk_ids,
};

fn text(runtime: &dyn Runtime, id: &str, branch: Branch) -> serde_json::Value {
    runtime.block(&usage("html", id), branch).expect("the text").data.content["data"].clone()
}

/// Learners see nothing of a draft.
pub fn nothing_is_published_by_itself(runtime: &dyn Runtime) {
    let made = draft_course(runtime);
    assert_eq!(made.published, None);
    assert_eq!(runtime.context(&context()).expect("the context").published, None);
    assert!(matches!(
        runtime.usages(&context(), Branch::Published),
        Err(RuntimeError::NoSuchBranch { branch: Branch::Published, .. })
    ));
}

/// After publishing everything both branches hold the same.
pub fn publishing_all_makes_the_branches_equal(runtime: &dyn Runtime) {
    draft_course(runtime);
    let made = commit(runtime, edit().publish_all());
    assert!(made.published.is_some());
    assert_eq!(
        snapshot(runtime, &context(), Branch::Draft),
        snapshot(runtime, &context(), Branch::Published)
    );
}

/// A later edit is invisible to learners until it is published.
pub fn a_draft_edit_stays_in_the_draft(runtime: &dyn Runtime) {
    published_course(runtime);
    let before = snapshot(runtime, &context(), Branch::Published);
    commit(
        runtime,
        edit()
            .put(usage("html", "h1"), html("draft"))
            .put(usage("html", "new"), html("new"))
            .with(EditOp::DeleteBlock { usage: usage("vertical", "u2") }),
    );
    assert_eq!(snapshot(runtime, &context(), Branch::Published), before);
    assert_eq!(text(runtime, "h1", Branch::Draft), "draft");
    assert_eq!(text(runtime, "h1", Branch::Published), "<p>Ebb</p>");
}

/// Publishing one unit takes it and what is below it, and leaves the others as they were.
pub fn publishing_a_subtree_leaves_the_rest(runtime: &dyn Runtime) {
    published_course(runtime);
    let new = usage("html", "new");
    commit(
        runtime,
        edit()
            .put(
                usage("vertical", "u1"),
                block(json!({ "display_name": "One!" }), &[usage("html", "h1"), new.clone()]),
            )
            .put(new.clone(), html("new"))
            .put(usage("problem", "p1"), html("changed elsewhere")),
    );
    commit(runtime, edit().with(EditOp::Publish(Extent::Subtree(usage("vertical", "u1")))));
    assert_eq!(walk_ids(runtime, Branch::Published), ["course", "c", "s", "u1", "h1", "new", "u2", "p1"]);
    let other = runtime.block(&usage("problem", "p1"), Branch::Published).expect("the problem");
    assert_eq!(other.data.content["data"], "<problem><p>How deep?</p></problem>");
}

/// A new unit below an unpublished sequential cannot be published alone.
pub fn a_subtree_needs_a_published_parent(runtime: &dyn Runtime) {
    published_course(runtime);
    let (sequential, unit) = (usage("sequential", "s2"), usage("vertical", "u9"));
    commit(
        runtime,
        edit()
            .put(usage("chapter", "c"), block(json!({}), &[usage("sequential", "s"), sequential.clone()]))
            .put(sequential.clone(), block(json!({}), std::slice::from_ref(&unit)))
            .put(unit.clone(), block(json!({}), &[])),
    );
    assert!(matches!(
        runtime.commit(edit().with(EditOp::Publish(Extent::Subtree(unit.clone())))),
        Err(RuntimeError::ParentNotPublished { usage: at, parent }) if at == unit && parent == sequential
    ));
    commit(runtime, edit().with(EditOp::Publish(Extent::Subtree(sequential))));
    assert_eq!(
        walk_ids(runtime, Branch::Published),
        ["course", "c", "s", "u1", "h1", "u2", "p1", "s2", "u9"]
    );
}

/// A child the draft dropped disappears for learners when its parent is published.
pub fn a_dropped_child_goes_with_the_publish(runtime: &dyn Runtime) {
    published_course(runtime);
    commit(runtime, edit().with(EditOp::DeleteBlock { usage: usage("html", "h1") }));
    assert_eq!(text(runtime, "h1", Branch::Published), "<p>Ebb</p>");
    commit(runtime, edit().with(EditOp::Publish(Extent::Subtree(usage("vertical", "u1")))));
    assert!(matches!(
        runtime.block(&usage("html", "h1"), Branch::Published),
        Err(RuntimeError::NoSuchUsage { .. })
    ));
    assert_eq!(walk_ids(runtime, Branch::Published), ["course", "c", "s", "u1", "u2", "p1"]);
}

/// Discarding everything makes the draft what learners see.
pub fn discarding_brings_the_published_back(runtime: &dyn Runtime) {
    draft_course(runtime);
    assert!(matches!(
        runtime.commit(edit().with(EditOp::Discard(Extent::All))),
        Err(RuntimeError::NoSuchBranch { .. })
    ));
    commit(runtime, edit().publish_all());
    let published = snapshot(runtime, &context(), Branch::Published);
    commit(
        runtime,
        edit()
            .put(usage("html", "h1"), html("draft"))
            .put(usage("about", "overview"), html("new"))
            .with(EditOp::DeleteBlock { usage: usage("vertical", "u2") }),
    );
    commit(runtime, edit().with(EditOp::Discard(Extent::All)));
    assert_eq!(snapshot(runtime, &context(), Branch::Draft), published);
}

/// Discarding one unit leaves the changes elsewhere; a unit the draft deleted comes back to its place.
pub fn discarding_a_subtree_leaves_the_rest(runtime: &dyn Runtime) {
    published_course(runtime);
    commit(
        runtime,
        edit()
            .put(usage("html", "h1"), html("draft"))
            .put(usage("vertical", "u1"), block(json!({}), &[usage("html", "h1"), usage("html", "extra")]))
            .put(usage("html", "extra"), html("extra"))
            .with(EditOp::DeleteBlock { usage: usage("vertical", "u2") }),
    );
    commit(runtime, edit().with(EditOp::Discard(Extent::Subtree(usage("vertical", "u2")))));
    assert_eq!(walk_ids(runtime, Branch::Draft), ["course", "c", "s", "u1", "h1", "extra", "u2", "p1"]);
    assert_eq!(text(runtime, "h1", Branch::Draft), "draft");
    commit(runtime, edit().with(EditOp::Discard(Extent::Subtree(usage("vertical", "u1")))));
    assert_eq!(
        snapshot(runtime, &context(), Branch::Draft),
        snapshot(runtime, &context(), Branch::Published)
    );
}

/// An import is one edit: published content, a publish, and the drafts on top.
pub fn one_edit_can_publish_and_go_on(runtime: &dyn Runtime) {
    commit(runtime, small_course().publish_all().put(usage("html", "h1"), html("draft")));
    assert_eq!(text(runtime, "h1", Branch::Published), "<p>Ebb</p>");
    assert_eq!(text(runtime, "h1", Branch::Draft), "draft");
    let made = commit(runtime, edit().publish_all().put(usage("html", "h1"), html("third")).publish_all());
    assert_eq!(text(runtime, "h1", Branch::Published), "third");
    assert_eq!(
        made.published,
        runtime.context(&context()).expect("the context").published.map(|h| h.version)
    );
}

/// The draft can be made what an older published version was.
pub fn an_old_version_can_be_restored(runtime: &dyn Runtime) {
    let old = published_course(runtime).published.expect("a published version");
    let before = snapshot(runtime, &context(), Branch::Published);
    commit(
        runtime,
        edit()
            .put(usage("html", "h1"), html("second"))
            .with(EditOp::DeleteBlock { usage: usage("vertical", "u2") })
            .publish_all(),
    );
    commit(runtime, edit().with(EditOp::Restore(old)));
    assert_eq!(snapshot(runtime, &context(), Branch::Draft), before);
    assert_eq!(text(runtime, "h1", Branch::Published), "second");
    let unknown = xblock_core::runtime::VersionId("no such version".into());
    assert!(matches!(
        runtime.commit(edit().with(EditOp::Restore(unknown))),
        Err(RuntimeError::NoSuchVersion { .. })
    ));
}
