//! Inputs made to take for ever: they come to an end, and to a word about it. Unbounded, each would outlast any test run.

use std::sync::Arc;

use blocks::problem::{LoadError, Problem, ProblemOptions, ProblemServices, author_tests};
use serde_json::{Map, Value as Json, json};
use xblock_core::keys::ContextKey;
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxService};

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

/// A sandbox in which every script leaves these names.
struct Leaving(Globals);

impl SandboxService for Leaving {
    fn run(&self, _: &SandboxJob, _: &ContextKey) -> Result<Globals, SandboxError> {
        Ok(self.0.clone())
    }
}

fn with_names(names: &Globals, xml: &str) -> Result<Problem, LoadError> {
    let services =
        ProblemServices { sandbox: Some(Arc::new(Leaving(names.clone()))), ..ProblemServices::default() };
    Problem::load(xml, ProblemOptions { services, ..options() })
}

#[test]
fn values_that_hold_names_do_not_fill_the_memory() {
    let mut names: Globals =
        (11..37).rev().map(|n| (format!("v{n}"), json!(format!("$v{0}$v{0}", n - 1)))).collect();
    names.insert("long".into(), json!("x".repeat(1 << 20)));
    let many = "$long".repeat(1_000);
    let question = "<stringresponse answer='a'><textline/></stringresponse>";
    for (beyond, line) in [
        ("<p>\n$v36</p>".to_owned(), 3),
        (format!("<p>{many}</p>"), 3),
        (format!("<p/>\n<p/>{many}"), 4),
        (format!("<p title='{many}'/>"), 3),
        ("<p>$long</p>\n".repeat(20), 19),
        ("<stringresponse answer='$v36'><textline/></stringresponse>".to_owned(), 3),
        (format!("<numericalresponse answer='{many}'><textline/></numericalresponse>"), 3),
        (format!("<solution>\n<p>{many}</p></solution>"), 4),
        (format!("<demandhint>\n<hint>{many}</hint></demandhint>"), 4),
    ] {
        let xml = format!("<problem><script>x = 1\n</script>\n{beyond}{question}</problem>");
        let error = with_names(&names, &xml).expect_err("it is too much");
        let limit = 16 << 20;
        assert_eq!(error, LoadError::Substitution { limit, line }, "{}", &beyond[..20]);
        assert!(error.to_string().contains("more than 16 MB") && error.author_message().contains("16 MB"));
    }
    let within = format!("<problem><script>x = 1</script><p>$long</p>{question}</problem>");
    let problem = with_names(&names, &within).expect("one megabyte is a value");
    assert!(problem.html().len() > 1 << 20);
}

#[test]
fn pages_do_not_grow_with_what_was_answered() {
    let page = "<p>$submission</p>".repeat(100);
    let xml = format!("<problem><customresponse cfn='f'><textline/></customresponse>{page}</problem>");
    let names: Globals = [("cfn_return".to_owned(), json!(true))].into_iter().collect();
    let mut problem = with_names(&names, &xml).expect("a problem");
    let answers = [("q_2_1".to_owned(), json!("1".repeat(1 << 20)))].into_iter().collect();
    problem.grade(&answers).expect("it is graded");
    let html = problem.html();
    assert!(html.len() < 10 << 20 && html.contains("problem-unsupported"), "{} bytes", html.len());
    let given = "<given value='$long'/>".repeat(20);
    let test = format!(
        "<problem><script>x = 1</script><stringresponse answer='a'><textline/></stringresponse>\
         <responseparam type='tests'><test grade='incorrect'>{given}</test></responseparam></problem>"
    );
    let names: Globals = [("long".to_owned(), json!("x".repeat(1 << 20)))].into_iter().collect();
    let mut problem = with_names(&names, &test).expect("a problem");
    let tests = author_tests(&test).tests;
    assert_eq!(tests[0].run(&mut problem), ["the values of $names in the answers make too much text"]);
}

#[test]
fn a_formula_is_compared_at_many_places_one_after_the_other() {
    let names: Vec<String> = (0..5_000).map(|n| format!("x{n}")).collect();
    let (names, ends) = (names.join(","), vec!["1"; 5_000].join(","));
    let xml = format!(
        r#"<problem><formularesponse samples="{names}@{ends}:{ends}#10000" answer="x0+x4999" type="cs"><textline/></formularesponse></problem>"#
    );
    assert_eq!(graded(&xml, json!("2*x7")).as_deref(), Ok("correct"));
    assert_eq!(graded(&xml, json!("3*x7")).as_deref(), Ok("incorrect"));
    let unknown = graded(&xml, json!("y")).expect_err("there is no y");
    assert!(unknown.contains("y not permitted"), "{unknown}");
}

#[test]
fn a_question_has_as_many_inputs_as_its_author_wants() {
    let names = Map::new();
    for (question, input) in [
        ("customresponse cfn='f'", "<textline correct_answer='a'/>"),
        ("customresponse cfn='f'", "<chemicalequationinput/>"),
        ("schematicresponse", "<schematic/>"),
    ] {
        let inputs = input.repeat(40_000);
        let tag = question.split(' ').next().unwrap_or_default();
        let answer = if tag == "schematicresponse" { "<answer>correct = []</answer>" } else { "" };
        let xml = format!("<problem><{question}>{inputs}{answer}</{tag}></problem>");
        let problem = with_names(&names, &xml).expect("a problem");
        assert_eq!(problem.max_score(), 40_000);
        let shown = problem.correct_answers().len();
        assert_eq!(shown, if input.contains("correct_answer") { 40_000 } else { 0 });
    }
}

#[test]
fn verdicts_of_circuits_are_stored_as_they_are() {
    let xml = "<problem><schematicresponse><schematic/><answer>x</answer></schematicresponse></problem>";
    for (mark, earned) in [(json!(true), 0.0), (json!("correct"), 1.0), (json!(null), 0.0)] {
        let names: Globals = [("correct".to_owned(), json!([mark]))].into_iter().collect();
        let mut problem = with_names(&names, xml).expect("a problem");
        let answers = [("q_2_1".to_owned(), json!("[]"))].into_iter().collect();
        let outcome = problem.grade(&answers).expect("it is graded");
        assert_eq!(outcome.correct_map["q_2_1"]["correctness"], mark);
        assert_eq!(problem.score().earned(), earned);
        assert_eq!(problem.state()["correct_map"]["q_2_1"]["correctness"], mark);
    }
}
