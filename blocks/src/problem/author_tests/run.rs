//! Running a test: its answers are graded, and what it expects is held against the verdicts.

use serde_json::{Map, Value as Json, json};

use super::read::{AuthorTest, Given, GivenValue};
use crate::problem::{Answers, GradeError, Outcome, Problem, ProblemInput};

impl AuthorTest {
    /// Grades the test's answers and returns what is not as it expects, in sentences. The problem is one nobody has
    /// answered yet, with the seed that is to be tried.
    #[must_use]
    pub fn run(&self, problem: &mut Problem) -> Vec<String> {
        let inputs = problem.inputs();
        let mut failures = Vec::new();
        let mut given = Vec::new();
        for answer in &self.given {
            match find(&inputs, answer.input.as_deref()) {
                Ok(input) => given.push((input, answer)),
                Err(failure) => failures.push(failure),
            }
        }
        if !failures.is_empty() {
            return failures;
        }
        let answers = match answers(problem, &given) {
            Ok(answers) => answers,
            Err(failure) => return vec![failure],
        };
        match (problem.grade(&answers), &self.error) {
            (Ok(outcome), None) => self.compare(problem, &given, &outcome),
            (Ok(_), Some(error)) => {
                vec![format!("the answers were graded; they should be refused with {error:?}")]
            }
            (Err(found), Some(error)) if is_said(&found, error) => Vec::new(),
            (Err(found), Some(error)) => {
                vec![format!(
                    "the answers were refused with {:?} instead of {error:?}",
                    found.author_message()
                )]
            }
            (Err(found), None) => vec![format!("the answers were refused: {}", found.author_message())],
        }
    }

    fn compare(
        &self,
        problem: &Problem,
        given: &[(&ProblemInput, &Given)],
        outcome: &Outcome,
    ) -> Vec<String> {
        let mut failures = Vec::new();
        let earned = outcome.score.earned();
        if let Some(expected) = &self.grade {
            #[expect(clippy::cast_precision_loss, reason = "points are few")]
            let possible = problem.max_score() as f64;
            let found = grade(earned, possible);
            if found != expected {
                failures.push(format!("the whole is {found} ({earned} of {possible}), expected {expected}"));
            }
        }
        if let Some(expected) = self.score
            && !is_close(earned, expected)
        {
            failures.push(format!("{earned} points, expected {expected}"));
        }
        for (input, answer) in given {
            let id = &input.id;
            let entry = outcome.correct_map.get(id).cloned().unwrap_or(Json::Null);
            let found = entry["correctness"].as_str().unwrap_or("not graded");
            if let Some(expected) = &answer.correctness
                && found != expected
            {
                failures.push(format!("{id} is {found}, expected {expected}"));
            }
            if let Some(expected) = answer.points {
                let is_right = matches!(found, "correct" | "partially-correct");
                let points = entry["npoints"].as_f64().unwrap_or(if is_right { 1.0 } else { 0.0 });
                if !is_close(points, expected) {
                    failures.push(format!("{id} has {points} points, expected {expected}"));
                }
            }
            if let Some(expected) = &answer.message {
                let said = ["msg", "hint"].map(|name| entry[name].as_str().unwrap_or_default());
                let is_said =
                    said.iter().any(|html| html.contains(expected) || text(html).contains(expected));
                if !is_said {
                    failures.push(format!("{id} says {:?}, expected {expected:?}", text(said[0])));
                }
            }
        }
        failures
    }
}

/// Tells whether learners are told something, as HTML or as they read it.
fn is_said(error: &GradeError, expected: &str) -> bool {
    let said = error.learner_message();
    said.contains(expected) || htmlize::unescape(&said).contains(expected)
}

/// Finds an input by its id or the end of it; a problem's only input needs no name.
fn find<'i>(inputs: &'i [ProblemInput], name: Option<&str>) -> Result<&'i ProblemInput, String> {
    let known = || inputs.iter().map(|input| input.id.as_str()).collect::<Vec<_>>().join(", ");
    let found = match (name, inputs) {
        (None, [only]) => Some(only),
        (None, _) => return Err(format!("the test does not say which input it answers: {}", known())),
        (Some(name), _) => inputs.iter().find(|input| is_named(&input.id, name)),
    };
    found.ok_or_else(|| format!("there is no input {}; there are {}", name.unwrap_or_default(), known()))
}

/// Tells whether a name means an input: `problem_2_1`, or `2_1` for short.
pub(in crate::problem) fn is_named(id: &str, name: &str) -> bool {
    id == name || id.strip_suffix(name).is_some_and(|before| before.ends_with('_'))
}

/// Puts the answers together as a form would send them: several for one input are a list, as those of checkboxes always
/// are.
fn answers(problem: &Problem, given: &[(&ProblemInput, &Given)]) -> Result<Answers, String> {
    let mut substitute = problem.engine.context.substitution();
    let mut answers: Map<String, Json> = Map::new();
    for (input, answer) in given {
        let value = match &answer.value {
            Some(GivenValue::Text(text)) => match substitute(text) {
                Some(text) => json!(text),
                None => return Err("the values of $names in the answers make too much text".into()),
            },
            Some(GivenValue::Json(json)) => json.clone(),
            None => continue,
        };
        let is_list = input.tag == "checkboxgroup" && !value.is_array();
        match answers.get_mut(&input.id) {
            Some(Json::Array(values)) => values.push(value),
            Some(first) => *first = json!([first.clone(), value]),
            None => {
                answers.insert(input.id.clone(), if is_list { json!([value]) } else { value });
            }
        }
    }
    Ok(answers)
}

fn grade(earned: f64, possible: f64) -> &'static str {
    if earned >= possible && possible > 0.0 {
        "correct"
    } else if earned > 0.0 {
        "partially-correct"
    } else {
        "incorrect"
    }
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

/// Returns the text of HTML, its blanks collapsed.
fn text(html: &str) -> String {
    let mut out = String::new();
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                out.push(' ');
            }
            c if !in_tag => out.push(c),
            _ => {}
        }
    }
    let out = htmlize::unescape(out);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}
