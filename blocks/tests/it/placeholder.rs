//! Types without a native view.

use serde_json::json;
use xblock_core::block::{BlockError, User};

use crate::context::World;

#[test]
fn types_without_a_view_and_unknown_types_say_what_they_are() {
    for block_type in [
        "poll_question",
        "word_cloud",
        "annotatable",
        "discussion",
        "lti",
        "pdf",
        "customtag",
        "split_test",
        "recommender",
    ] {
        let world = World::of(block_type);
        let block = world.block(&json!({ "display_name": "<Name>" }));
        let html = block.view("student_view", &world).expect("a placeholder never fails").content;
        assert!(
            html.contains("&lt;Name&gt;") && html.contains(&format!("<code>{block_type}</code>")),
            "{html}"
        );
        assert!(matches!(block.view("studio_view", &world), Err(BlockError::NoSuchView { .. })));
    }
}

#[test]
fn an_error_block_tells_staff_more_than_learners() {
    let values = json!({ "error_msg": "no <file>", "contents": "<html/>" });
    let learner = World::of("error");
    let html = learner.block(&values).view("student_view", &learner).expect("it renders").content;
    assert!(!html.contains("file"), "{html}");
    let staff = World { user: Some(User { id: "1".into(), is_staff: true }), ..World::of("error") };
    let html = staff.block(&values).view("student_view", &staff).expect("it renders").content;
    assert!(html.contains("no &lt;file&gt;") && html.contains("&lt;html/&gt;"), "{html}");
}

#[test]
fn hidden_content_is_nothing_to_learners() {
    let world = World::of("hidden");
    assert_eq!(world.block(&json!({})).view("student_view", &world).expect("it renders").content, "");
}
