//! Blocks that hold others.

use serde_json::json;

use crate::context::{World, json, post};

fn unit(block_type: &str) -> World {
    World::of(block_type)
        .with_child("html", "one", "First <text>", "<p>1</p>")
        .with_child("problem", "two", "Second", "<p>2</p>")
}

#[test]
fn a_vertical_shows_its_children_in_order() {
    let world = unit("vertical");
    let fragment =
        world.block(&json!({ "display_name": "A & B" })).view("student_view", &world).expect("it renders");
    let (first, second) = (fragment.content.find("<p>1</p>"), fragment.content.find("<p>2</p>"));
    assert!(first.is_some() && first < second, "{}", fragment.content);
    assert!(fragment.content.contains("A &amp; B"));
    assert!(fragment.resources.iter().any(|resource| resource.data == "child {}"));
}

#[test]
fn a_public_view_asks_for_public_views() {
    for block_type in ["vertical", "wrapper", "sequential"] {
        let world = unit(block_type);
        let fragment = world.block(&json!({})).view("public_view", &world).expect("it renders");
        assert_eq!(fragment.content.matches("data-view=\"public_view\"").count(), 2, "{block_type}");
    }
}

#[test]
fn a_sequential_leads_to_each_unit_and_marks_the_current_one() {
    let world = unit("sequential");
    let fragment = world.block(&json!({ "position": 2 })).view("student_view", &world).expect("it renders");
    assert!(
        fragment
            .content
            .contains(r##"<a href="#unit-one" class="sequence-link icon-other">First &lt;text&gt;</a>"##)
    );
    assert!(
        fragment
            .content
            .contains(r##"<a href="#unit-two" class="sequence-link icon-other" aria-current="step">"##)
    );
    assert_eq!(fragment.content.matches("aria-current").count(), 1);
}

#[test]
fn a_position_is_a_positive_integer_or_the_first_unit() {
    let world = unit("sequential");
    for (sent, kept) in [("3", 3), ("0", 1), ("-2", 1), ("\"4\"", 1), ("2.5", 1), ("true", 1), ("null", 1)] {
        let block = world.block(&json!({ "position": 7 }));
        let mut request = post("", &format!("{{\"position\": {sent}}}"));
        request.content_type = "application/json".into();
        let response = block.handle("goto_position", &request, &world).expect("it is answered");
        assert_eq!(json(&response.body), json!({ "success": true }));
        assert_eq!(block.fields().int("position").expect("it is one"), Some(kept), "{sent}");
    }
}

#[test]
fn a_course_lists_its_chapters_and_a_chapter_its_subsections() {
    let course = World::of("course").with_child("chapter", "c1", "One", "<p>outline of one</p>");
    let fragment =
        course.block(&json!({ "display_name": "Tides" })).view("student_view", &course).expect("it renders");
    assert!(fragment.content.contains("<h1 class=\"outline-title\">Tides</h1>"));
    assert!(fragment.content.contains("<p>outline of one</p>"));
    let chapter = World::of("chapter").with_child("sequential", "s1", "High & low", "");
    let fragment = chapter.block(&json!({})).view("student_view", &chapter).expect("it renders");
    assert!(fragment.content.contains(r#"href="/jump/s1">High &amp; low</a>"#), "{}", fragment.content);
}

#[test]
fn an_empty_container_says_so() {
    for block_type in
        ["course", "chapter", "sequential", "vertical", "library", "itembank", "library_content"]
    {
        let world = World::of(block_type);
        let fragment = world.block(&json!({})).view("student_view", &world).expect("it renders");
        assert!(fragment.content.contains("yet."), "{block_type}: {}", fragment.content);
    }
}
