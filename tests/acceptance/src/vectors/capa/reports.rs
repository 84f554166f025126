//! What search indexes and reports on learners say of problems.

use blocks::problem::{Problem, ProblemOptions, index_problem};
use serde_json::{Value as Json, json};

use super::super::Report;

/// Checks the words that a search index keeps of problems, and learners' answers put into words.
pub(super) fn check(vectors: &Json, report: &mut Report) {
    for (at, case) in vectors["index"].as_array().into_iter().flatten().enumerate() {
        report.case(&format!("index[{at}]"), indexed(case));
    }
    for (at, case) in vectors["report"].as_array().into_iter().flatten().enumerate() {
        report.case(&format!("report[{at}]"), told(case));
    }
}

fn indexed(case: &Json) -> Result<(), String> {
    let index = index_problem(case["xml"].as_str().unwrap_or_default()).map_err(|error| error.to_string())?;
    let expected = &case["index_dictionary"];
    let found = json!([index.content, index.problem_types]);
    let expected = json!([expected["content"]["capa_content"], expected["problem_types"]]);
    if found == expected { Ok(()) } else { Err(format!("{found} for {expected}")) }
}

fn told(case: &Json) -> Result<(), String> {
    let usage = "block-v1:Org+C1+R1+type@problem+block@q".parse().map_err(|_| "no usage key".to_owned())?;
    let problem = Problem::load(case["xml"].as_str().unwrap_or_default(), ProblemOptions::new(usage))
        .map_err(|error| error.to_string())?;
    let answers = case["student_answers"].as_object().cloned().unwrap_or_default();
    let rows = problem.report(&answers).into_iter().map(|row| {
        let mut told = json!({ "Answer ID": row.answer_id, "Question": row.question, "Answer": row.answer });
        if let Some(correct) = row.correct_answer {
            told["Correct Answer"] = json!(correct);
        }
        told
    });
    let found: Vec<Json> = rows.collect();
    let expected: Vec<&Json> = case["rows"].as_array().into_iter().flatten().map(|row| &row[1]).collect();
    if json!(found) == json!(expected) {
        Ok(())
    } else {
        Err(format!("{} for {}", json!(found), json!(expected)))
    }
}
