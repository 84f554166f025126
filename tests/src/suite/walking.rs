//! What the conveniences over a runtime give on every backend.

use serde_json::json;
use xblock_core::runtime::{Branch, Runtime, RuntimeExt};

use crate::fixture::{block, commit, context, draft_course, edit, html, root, usage, walk_ids};

/// A walk goes depth first in the order of the children and passes over nothing that cannot be read.
pub fn a_walk_is_depth_first(runtime: &dyn Runtime) {
    draft_course(runtime);
    assert_eq!(walk_ids(runtime, Branch::Draft), ["course", "c", "s", "u1", "h1", "u2", "p1"]);
    let ghost = usage("html", "ghost");
    commit(
        runtime,
        edit()
            .put(usage("vertical", "u1"), block(json!({}), &[ghost.clone(), usage("html", "h1")]))
            .put(usage("about", "overview"), html("x")),
    );
    let items: Vec<_> = runtime.walk(&root(), Branch::Draft).collect();
    assert_eq!(items.iter().map(|item| item.depth).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 4, 3, 4]);
    assert_eq!(items[4].block.as_ref().expect_err("the ghost").usage, ghost);
    assert_eq!(
        runtime.outside_tree(&context(), Branch::Draft).expect("the rest"),
        vec![usage("about", "overview")]
    );
}

/// An inheritable setting comes from the nearest block above that sets it; others are not inherited.
pub fn settings_are_inherited_from_the_nearest(runtime: &dyn Runtime) {
    draft_course(runtime);
    let due = "2031-03-01T12:00:00Z";
    commit(
        runtime,
        edit()
            .put(
                root(),
                block(json!({ "graded": false, "due": "2031-01-01T00:00:00Z" }), &[usage("chapter", "c")]),
            )
            .put(
                usage("sequential", "s"),
                block(
                    json!({ "graded": true, "due": due, "format": "Quiz" }),
                    &[usage("vertical", "u1"), usage("vertical", "u2")],
                ),
            ),
    );
    let inherited = runtime.inherited(&usage("html", "h1"), Branch::Draft).expect("the settings");
    assert_eq!(inherited.get("graded"), Some(&json!(true)));
    assert_eq!(inherited.get("due"), Some(&json!(due)));
    assert!(!inherited.contains_key("format"));
    let above = runtime.ancestors(&usage("html", "h1"), Branch::Draft).expect("the ancestors");
    let ids: Vec<_> = above.iter().map(|block| block.usage.block_id()).collect();
    assert_eq!(ids, ["u1", "s", "c", "course"]);
    assert_eq!(runtime.ancestors(&root(), Branch::Draft).expect("the ancestors").len(), 0);
}
