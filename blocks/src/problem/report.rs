//! What a course team reads of learners' answers (capa reference, section 7.11).

use serde_json::Value as Json;

use super::json_text;
use super::loncapa::LoncapaProblem;
use super::responses::Answers;
use super::tree::{Node, plain_text};

/// One answer of one learner, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// The id of the input.
    pub answer_id: String,
    /// What was asked; none where it stands in markup without a text of its own.
    pub question: Option<String>,
    /// What the learner answered: the texts of choices rather than their names.
    pub answer: String,
    /// What is right, where the problem still has the input.
    pub correct_answer: Option<String>,
}

const MISSING: &str = "Answer Text Missing";

/// Puts a learner's answers into words.
pub(super) fn rows(problem: &LoncapaProblem, answers: &Answers) -> Vec<ReportRow> {
    // What a page keeps beside formulas is for machines.
    let shown = answers.iter().filter(|(id, _)| !id.ends_with("_dynamath"));
    shown
        .map(|(id, answer)| ReportRow {
            answer_id: id.clone(),
            question: question(problem, id),
            answer: answer_text(problem, id, answer),
            correct_answer: correct_answer(problem, id),
        })
        .collect()
}

fn question(problem: &LoncapaProblem, id: &str) -> Option<String> {
    let label = problem.input(id).map(|(_, input)| input.label.label.as_str()).unwrap_or_default();
    if !label.is_empty() {
        return Some(plain_text(label));
    }
    match before_question(&problem.root, id) {
        Some(node) => Some(node.text.clone()).filter(|text| !text.is_empty()),
        None => Some(format!("Question {}", number(id))),
    }
}

/// Returns the number of a question: that of its input in the id, less one.
fn number(id: &str) -> i64 {
    id.rsplit('_').nth(1).and_then(|number| number.parse::<i64>().ok()).map_or(0, |number| number - 1)
}

/// Finds the paragraph or label before the question that an input stands in; descriptions are passed over.
fn before_question<'n>(root: &'n Node, id: &str) -> Option<&'n Node> {
    let has_input = |node: &&Node| node.elements().any(|child| child.get("id") == Some(id));
    let mut nodes = root.descendants();
    nodes.insert(0, root);
    let question = nodes.iter().copied().find(has_input)?;
    let parent =
        nodes.iter().copied().find(|node| node.children.iter().any(|c| std::ptr::eq(c, question)))?;
    let at = parent.children.iter().position(|child| std::ptr::eq(child, question))?;
    let before = parent.children[..at].iter().rev().find(|node| node.name != "description")?;
    matches!(before.name.as_str(), "p" | "label").then_some(before)
}

fn answer_text(problem: &LoncapaProblem, id: &str, answer: &Json) -> String {
    let text = match answer {
        Json::Array(items) => {
            items.iter().map(|item| answer_text(problem, id, item)).collect::<Vec<_>>().join(", ")
        }
        Json::String(name) if name.starts_with("choice_") => choice_text(problem, id, name),
        Json::String(text) => text.clone(),
        other => json_text::dumps(other),
    };
    if text.is_empty() { MISSING.into() } else { text }
}

fn choice_text(problem: &LoncapaProblem, id: &str, name: &str) -> String {
    let nodes = problem.root.descendants();
    let below = nodes.iter().filter(|node| node.get("id") == Some(id)).flat_map(|node| node.descendants());
    let named: Vec<&Node> = below.filter(|node| node.get("name") == Some(name)).collect();
    match named.as_slice() {
        [] => MISSING.into(),
        [choice] => choice.text.clone(),
        _ => "Multiple answers found".into(),
    }
}

fn correct_answer(problem: &LoncapaProblem, id: &str) -> Option<String> {
    let input = problem.root.descendants().into_iter().find(|node| node.get("id") == Some(id))?;
    if input.get("answer").is_some() {
        // The platform means the answer and takes the id.
        return Some(id.chars().take(1).collect());
    }
    if input.name == "optioninput" {
        return Some(input.get("correct").unwrap_or_default().to_owned());
    }
    let right = input.elements().filter(|child| child.get("correct") == Some("true"));
    let texts =
        right.flat_map(|choice| std::iter::once(&choice.text).chain(choice.children.iter().map(|c| &c.tail)));
    Some(texts.filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Problem, ProblemOptions};

    fn report(xml: &str, answers: &Json) -> Vec<ReportRow> {
        let usage = "block-v1:Org+C1+R1+type@problem+block@q".parse().expect("a usage key");
        let problem = Problem::load(xml, ProblemOptions::new(usage)).expect("the problem loads");
        problem.report(answers.as_object().expect("answers by id"))
    }

    #[test]
    fn answers_are_told_as_recorded() {
        let recorded: Json =
            serde_json::from_str(include_str!("../../../tests/vectors/capa/index_report.json"))
                .expect("the vectors are JSON");
        let mut run = 0;
        for case in recorded["report"].as_array().expect("a list") {
            let rows = report(case["xml"].as_str().expect("a text"), &case["student_answers"]);
            for (row, expected) in rows.iter().zip(case["rows"].as_array().expect("rows")) {
                let expected = &expected[1];
                assert_eq!(expected["Answer ID"], *row.answer_id, "{case}");
                assert_eq!(expected["Question"].as_str(), row.question.as_deref(), "{case}");
                assert_eq!(expected["Answer"], *row.answer, "{case}");
                let correct = expected.get("Correct Answer").and_then(Json::as_str);
                assert_eq!(correct, row.correct_answer.as_deref(), "{case}");
                run += 1;
            }
            assert_eq!(rows.len(), case["rows"].as_array().map_or(0, Vec::len), "{case}");
        }
        assert!(run >= 12, "only {run} rows");
    }

    #[test]
    fn answers_of_other_forms_are_told_too() {
        let xml = r#"<problem><choicetextresponse><radiotextgroup><choice correct="true">A</choice></radiotextgroup></choicetextresponse></problem>"#;
        let rows = report(xml, &serde_json::json!({ "q_2_1": { "q_2_1_choiceinput_0bc": "x" } }));
        assert_eq!(rows[0].answer, r#"{"q_2_1_choiceinput_0bc": "x"}"#);
    }
}
