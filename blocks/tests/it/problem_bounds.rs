//! Inputs made to take for ever: they come to an end, and to a word about it. Unbounded, each would outlast any test run.

use blocks::problem::{Problem, ProblemOptions};
use serde_json::{Value as Json, json};

fn options() -> ProblemOptions<'static> {
    ProblemOptions::new("block-v1:Org+C1+R1+type@problem+block@q".parse().expect("a usage key"))
}

/// Grades one answer and returns the verdict, or why there is none.
fn graded(xml: &str, answer: Json) -> Result<String, String> {
    let mut problem = Problem::load(xml, options()).expect("a problem");
    let answers = [("q_2_1".to_owned(), answer)].into_iter().collect();
    let outcome = problem.grade(&answers);
    let html = problem.html();
    assert!(html.contains("q_2_1"), "it is shown");
    match outcome {
        Ok(outcome) => {
            Ok(outcome.correct_map["q_2_1"]["correctness"].as_str().unwrap_or_default().to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn expressions_that_go_back_for_ever_are_given_up() {
    for (expression, answer) in [
        ("(a+)+$", format!("{}b", "a".repeat(5_000))),
        ("(a|aa)*c", "a".repeat(5_000)),
        (r"(?=(a+)+b)\1", "a".repeat(5_000)),
        (r"(\w*)*\1x", "a".repeat(5_000)),
    ] {
        let xml = format!(
            r#"<problem><stringresponse answer="{expression}" type="regexp"><textline/></stringresponse></problem>"#
        );
        match graded(&xml, json!(answer)) {
            Ok(verdict) => assert_eq!(verdict, "incorrect", "{expression}"),
            Err(message) => assert!(!message.is_empty(), "{expression}"),
        }
    }
}

#[test]
fn a_million_letters_are_an_answer_like_any_other() {
    let megabyte = "1".repeat(1 << 20);
    for question in [
        r#"<stringresponse answer="tide" type="ci"><textline/></stringresponse>"#,
        r#"<stringresponse answer="t.*e" type="regexp"><textline/></stringresponse>"#,
        r#"<numericalresponse answer="3"><textline/></numericalresponse>"#,
        r#"<formularesponse samples="x@1:2#3" answer="x" type="cs"><textline/></formularesponse>"#,
        r#"<multiplechoiceresponse><choicegroup><choice correct="true">a</choice></choicegroup></multiplechoiceresponse>"#,
        r#"<optionresponse><optioninput options="('a','b')" correct="a"/></optionresponse>"#,
        r#"<imageresponse><imageinput src="a.png" width="4" height="3" rectangle="(1,1)-(2,2)"/></imageresponse>"#,
    ] {
        match graded(&format!("<problem>{question}</problem>"), json!(megabyte)) {
            Ok(verdict) => assert_eq!(verdict, "incorrect", "{question}"),
            Err(message) => {
                assert!(!message.is_empty() && message.len() < 1 << 12, "{question}: {} bytes", message.len())
            }
        }
    }
}

#[test]
fn parentheses_ten_thousand_deep_are_refused() {
    let deep = format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000));
    for question in [
        r#"<numericalresponse answer="1"><textline/></numericalresponse>"#,
        r#"<formularesponse samples="x@1:2#3" answer="x" type="cs"><textline/></formularesponse>"#,
    ] {
        match graded(&format!("<problem>{question}</problem>"), json!(deep)) {
            Ok(verdict) => assert_eq!(verdict, "incorrect", "{question}"),
            Err(message) => assert!(!message.is_empty() && message.len() < 1 << 12, "{message}"),
        }
    }
}

#[test]
fn elements_ten_thousand_deep_are_refused() {
    let deep = format!("<problem>{}{}</problem>", "<p>".repeat(10_000), "</p>".repeat(10_000));
    let error = Problem::load(&deep, options()).expect_err("it is too deep");
    assert!(!error.to_string().is_empty());
    let wide = format!("<problem>{}</problem>", "<p>x</p>".repeat(10_000));
    assert!(Problem::load(&wide, options()).expect("a problem").html().matches("<p>").count() >= 10_000);
}
