//! Problems with one mistake each, and without.

use xblock_core::olx::{Document, FileName, ParseOptions};

use super::*;

fn remarks(xml: &str) -> Vec<(&'static str, u32, u32)> {
    let source = Source::new(FileName::from("problem/p.xml"), xml.into());
    let document = Document::parse_text(source, &ParseOptions::default()).expect("it is XML");
    let remarks = check_problem(&document.source, &document.root);
    assert!(remarks.iter().all(|remark| PROBLEM_CODES.iter().any(|code| code.name == remark.code)));
    remarks
        .iter()
        .map(|remark| {
            let at = remark.position.expect("a remark on a problem has a place");
            (remark.code, at.line, at.column)
        })
        .collect()
}

fn labelled(response: &str) -> Vec<(&'static str, u32, u32)> {
    remarks(&format!("<problem>\n<label>How much?</label>\n{response}\n</problem>"))
}

#[test]
fn numbers_are_formulas_without_variables() {
    for good in ["3.14", "2*pi", "1e3", "[1,2)", "(0, sqrt(2)]", "3+4j", "5%"] {
        let xml = format!(r#"<numericalresponse answer="{good}"><textline/></numericalresponse>"#);
        assert_eq!(labelled(&xml), [], "{good}");
    }
    for bad in ["3 apples", "2*x", "(1+2", "$x", "3,5"] {
        let xml = format!(r#"<numericalresponse answer="{bad}"><textline/></numericalresponse>"#);
        assert_eq!(labelled(&xml), [("invalid-formula", 3, 20)], "{bad}");
    }
    let computed = r#"<script>x=1</script><numericalresponse answer="$x"><label>x</label><textline/></numericalresponse>"#;
    assert_eq!(remarks(&format!("<problem>{computed}</problem>")), []);
}

#[test]
fn tolerances_are_numbers_or_percentages() {
    let numerical = |tolerance: &str| {
        labelled(&format!(
            r#"<numericalresponse answer="1"><responseparam type="tolerance" default="{tolerance}"/><textline/></numericalresponse>"#
        ))
    };
    assert_eq!(numerical("5%"), []);
    assert_eq!(numerical("1e-3"), []);
    assert_eq!(numerical("two"), [("invalid-tolerance", 3, 63)]);
}

#[test]
fn formulas_know_the_variables_of_their_samples() {
    let formula = |answer: &str, samples: &str| {
        labelled(&format!(
            r#"<formularesponse answer="{answer}" samples="{samples}" type="cs"><textline/></formularesponse>"#
        ))
    };
    assert_eq!(formula("m*c^2", "m,c@1,2:3,4#5"), []);
    assert_eq!(formula("1/(x-0.5)", "x@1:2#5"), []);
    assert_eq!(formula("m*C^2", "m,c@1,2:3,4#5"), [("invalid-formula", 3, 18)]);
    assert_eq!(formula("m*", "m@1:2#5"), [("invalid-formula", 3, 18)]);
    assert_eq!(formula("m", "m@1#5"), [("invalid-samples", 3, 29)]);
}

#[test]
fn regular_expressions_compile() {
    let string = |answer: &str, additional: &str| {
        labelled(&format!(
            r#"<stringresponse type="ci regexp" answer="{answer}">{additional}<textline/></stringresponse>"#
        ))
    };
    assert_eq!(string("(a|b)+\\d{2}", ""), []);
    assert_eq!(string("(a", ""), [("invalid-regexp", 3, 34)]);
    assert_eq!(string("a", "<additional_answer>*b</additional_answer>").len(), 1);
    assert_eq!(labelled(r#"<stringresponse answer="(a"><textline/></stringresponse>"#), []);
}

#[test]
fn a_question_has_a_correct_answer() {
    let choices = |correct: &str| {
        labelled(&format!(
            r#"<multiplechoiceresponse><choicegroup><choice correct="{correct}">a</choice><choice correct="false">b</choice></choicegroup></multiplechoiceresponse>"#
        ))
    };
    assert_eq!(choices("True"), []);
    assert_eq!(choices("false"), [("no-correct-answer", 3, 1)]);
    let options =
        |attributes: &str| labelled(&format!("<optionresponse><optioninput {attributes}/></optionresponse>"));
    assert_eq!(options(r#"options="('a','b')" correct="a""#), []);
    assert_eq!(options(r#"options="('a','b')" correct="c""#), [("no-correct-answer", 3, 50)]);
    assert_eq!(options(r#"options="('a','b')""#), [("no-correct-answer", 3, 17)]);
}

#[test]
fn questions_are_whole() {
    assert_eq!(labelled("<stringresponse answer=\"a\"/>"), [("response-without-input", 3, 1)]);
    assert_eq!(labelled("<customresponse><textline/></customresponse>"), [("no-check-function", 3, 1)]);
    assert_eq!(
        labelled("<formularesponse answer='x'><textline/></formularesponse>"),
        [("broken-problem", 3, 1)]
    );
    assert_eq!(
        labelled("<imageresponse><imageinput src='a' width='1'/></imageresponse>"),
        [("broken-problem", 3, 16)]
    );
    assert_eq!(labelled("<include file='a.xml'/>"), []);
    assert_eq!(labelled("<script/>"), [("broken-problem", 3, 1)]);
    assert_eq!(
        labelled(
            "<script type='text/javascript'/><stringresponse answer='a'><label>a</label><textline/></stringresponse>"
        ),
        []
    );
    assert_eq!(labelled("<p><textline/></p>"), [("broken-problem", 3, 1)]);
    assert_eq!(remarks("<problem><p>Read this.</p></problem>"), [("problem-without-question", 1, 1)]);
    assert_eq!(
        remarks("<problem><stringresponse answer='a'><textline/></stringresponse></problem>"),
        [("missing-label", 1, 37)]
    );
}
