//! `problem`: what stored values mean, and what problems are worth, against the recorded tables of the Python block.

use blocks::problem::{Problem, ProblemOptions, index_problem};
use serde_json::{Value as Json, json};

use crate::context::World;

fn rows(table: &str) -> Vec<Vec<Json>> {
    let rules: Json = serde_json::from_str(include_str!("../../../tests/vectors/capa/block_rules.json"))
        .expect("the vectors are JSON");
    serde_json::from_value(rules[table]["rows"].clone()).expect("a table has rows")
}

#[test]
fn problems_are_worth_what_is_recorded() {
    let world = World::of("problem");
    for row in rows("max_score_and_types") {
        let xml = row[0].as_str().expect("a text");
        let points = world.block(&json!({ "data": xml })).max_score(&world).expect("it is counted");
        assert_eq!(points, row[1].as_f64(), "{xml}");
        let mut types = index_problem(xml).expect("it is XML").problem_types;
        types.sort_unstable();
        assert_eq!(json!(types), row[2], "{xml}");
    }
}

#[test]
fn stored_scores_are_read_or_refused_as_recorded() {
    let world = World::of("problem");
    for row in rows("stored_score_loading") {
        let block = world.block(&json!({ "data": "<problem/>", "score": row[0] }));
        match (block.fields().json("score"), row[1].get("raises")) {
            (Ok(score), None) => {
                let expected = if row[1].is_null() { Json::Null } else { row[0].clone() };
                assert_eq!(score, expected);
            }
            (Err(_), Some(_)) => {}
            (found, _) => panic!("{found:?} for {row:?}"),
        }
    }
}

#[test]
fn stored_verdicts_are_read_as_recorded() {
    let xml = r#"<problem><stringresponse answer="a"><textline/></stringresponse></problem>"#;
    for row in rows("stored_correct_map_loading") {
        let usage = "block-v1:Org+C1+R1+type@problem+block@q".parse().expect("a usage key");
        let state = json!({ "correct_map": row[0] });
        let options = ProblemOptions { state: Some(&state), ..ProblemOptions::new(usage) };
        let problem = Problem::load(xml, options).expect("it loads");
        assert_eq!(problem.state()["correct_map"], row[1]);
        let score = problem.score();
        assert_eq!(
            json!([score.earned(), score.possible()]),
            json!([row[2][0].as_f64(), row[2][1].as_f64()])
        );
    }
}
