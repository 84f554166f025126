//! `html` and its relatives.

use serde_json::json;

use crate::context::World;

fn shown(world: &World, data: &str) -> String {
    let block = world.block(&json!({ "data": data }));
    block.view("student_view", world).expect("the text is shown").content
}

#[test]
fn a_text_is_shown_as_its_author_wrote_it() {
    let text = "<p onclick='x()'>a & b <br> <script>1 < 2</script>";
    assert_eq!(shown(&World::of("html"), text), text);
}

#[test]
fn addresses_and_keywords_are_made_real() {
    let world = World::of("html");
    assert_eq!(
        shown(
            &world,
            r#"<img src="/static/a%20b.png?x=1"><a href='/jump_to_id/unit_1#top'>%%USER_ID%% %%COURSE_ID%%</a>"#
        ),
        r#"<img src="/asset/a b.png?x=1"><a href='/jump/unit_1#top'>42 course-v1:Org+C1+R1</a>"#
    );
}

#[test]
fn nobody_has_no_id() {
    let world = World { user: None, ..World::of("html") };
    assert_eq!(shown(&world, "%%USER_ID%%"), "%%USER_ID%%");
}

#[test]
fn relatives_show_their_own_defaults() {
    for (block_type, expected) in [
        ("html", ""),
        ("about", ""),
        ("static_tab", "<p>Add the content you want students to see on this page.</p>\n"),
        ("course_info", "<ol></ol>"),
    ] {
        let world = World::of(block_type);
        let fragment = world.block(&json!({})).view("public_view", &world).expect("the text is shown");
        assert_eq!(fragment.content, expected, "{block_type}");
    }
}

#[test]
fn a_stored_value_that_is_no_text_is_an_error_not_a_panic() {
    let world = World::of("html");
    assert!(world.block(&json!({ "data": [1] })).view("student_view", &world).is_err());
}
