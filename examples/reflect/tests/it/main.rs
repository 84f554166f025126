//! What this block promises, and what only it does.

mod course;
mod guide;

use reflect_xblock::ReflectBlock;
use serde_json::json;
use xblock_testkit::{Contract, Workbench};

xblock_testkit::block_contract!(contract, crate::reflect);

fn reflect() -> Contract {
    Contract::of(ReflectBlock::CLASS)
        .sample("a question below a text", |bench| {
            bench.field("question", "What surprised you?").field("max_stars", 3).child(
                "html",
                "text",
                json!({ "data": "<p>The tide follows the moon.</p>" }),
            )
        })
        .sample("an answer", |bench| {
            bench.field("stars", 4).field("note", "A lot.").field("votes", 2).field("total", 7)
        })
        .request("answer", json!({ "stars": 3, "note": "The moon." }))
        .request("show_others", json!({ "shown": false }))
}

#[test]
fn an_answer_is_kept_graded_and_counted_once() {
    let bench = Workbench::of(ReflectBlock::CLASS);
    let answer = bench.post("answer", json!({ "stars": 5, "note": " Waves. " }));
    assert_eq!(answer.json, json!({ "average": "5.0" }));
    assert_eq!(answer.grade().map(|grade| (grade.value, grade.max_value)), Some((1.0, 1.0)));
    assert_eq!(bench.value("note"), json!("Waves."));

    let again = bench.post("answer", json!({ "stars": 2 }));
    assert_eq!(again.json, json!({ "average": "2.0" }));
    assert_eq!(again.grade().map(|grade| grade.value), Some(0.5));

    let other = bench.clone().learner("ann");
    assert_eq!(other.post("answer", json!({ "stars": 5 })).json, json!({ "average": "3.5" }));
    assert!(bench.html("student_view").contains("<b>3.5</b>"));
}

#[test]
fn there_are_no_more_stars_than_the_author_gave() {
    let bench = Workbench::of(ReflectBlock::CLASS).field("max_stars", 3);
    assert_eq!(bench.post("answer", json!({ "stars": 4 })).status, 400);
    assert_eq!(bench.post("answer", json!({ "stars": 0 })).status, 400);
    let refused = bench.post("answer", json!({ "stars": "x" }));
    assert!(refused.json["error"].as_str().is_some_and(|said| said.contains("stars")), "{}", refused.json);
    assert_eq!(bench.value("votes"), json!(0));
    assert_eq!(bench.html("student_view").matches("type=\"radio\"").count(), 3);
}

#[test]
fn a_learner_who_does_not_want_to_know_is_not_told() {
    let bench = Workbench::of(ReflectBlock::CLASS).field("votes", 4).field("total", 10);
    assert!(bench.html("student_view").contains("<b>2.5</b>"));
    assert_eq!(bench.post("show_others", json!({ "shown": false })).json, json!({ "average": null }));
    assert!(!bench.html("student_view").contains("2.5"));
    assert!(bench.clone().learner("ann").html("student_view").contains("2.5"));
}

#[test]
fn a_score_is_computed_again_from_the_answer() {
    let bench = Workbench::of(ReflectBlock::CLASS).field("stars", 4).field("earned", 0.0);
    assert_eq!(bench.rescore().expect("it was answered").score.earned(), 0.5);
}

#[test]
fn the_block_is_shorter_than_150_lines() {
    assert!(include_str!("../../src/lib.rs").lines().count() < 150);
}
