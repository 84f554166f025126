//! Problems: put together and shown, graded, formulas computed, scripts run.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use blocks::formula::{Case, Functions, Number, Variables, evaluate};
use blocks::problem::{Answers, Problem, ProblemOptions};
use cage::{Cage, CageOptions, Outcome as Ran, Run, RunLimits};
use serde_json::Value as Json;

use super::{Contest, Goal, Outcome, Pick, Round, Side, Unit, seconds_each};

/// How often a round grades or computes.
const TIMES: usize = 100;

/// How many scripts a round runs.
const RUNS: usize = 20;

/// The problems and the answers to them; `peers.py` reads the same file.
#[derive(serde::Deserialize)]
struct Questions {
    problems: Vec<Question>,
    formula: Formula,
    scripts: Scripts,
}

#[derive(serde::Deserialize)]
struct Question {
    name: String,
    xml: String,
    answers: Answers,
}

#[derive(serde::Deserialize)]
struct Formula {
    text: String,
    variables: std::collections::BTreeMap<String, f64>,
}

#[derive(serde::Deserialize)]
struct Scripts {
    nothing: String,
    numpy: String,
}

/// Returns the contests; those that run scripts only where there is a Python, and a system that can cage it.
///
/// # Errors
/// When a problem cannot be loaded, or its answers are not right.
pub fn contests(questions: &Path, python: Option<&Path>) -> Outcome<Vec<Contest>> {
    let questions: Questions = serde_json::from_slice(&std::fs::read(questions)?)?;
    let questions = Arc::new(questions);
    for question in &questions.problems {
        let mut problem = load(question)?;
        if problem.grade(&question.answers)?.success() != "correct" {
            return Err(format!("{}: its answers are not right", question.name).into());
        }
    }
    let contest = |name, ours: Round, peer, who, goal| Contest {
        name,
        unit: Unit::Seconds,
        pick: Pick::Least,
        ours: Side::Rust(ours),
        theirs: Some((who, Side::Python(peer))),
        goal: Some(Goal::TimesLess(goal)),
    };
    let shown = questions.clone();
    let mut contests = vec![contest(
        "problem: load and show",
        Box::new(move || show(&shown.problems)),
        "problem_show",
        "xblocks-contrib",
        50.0,
    )];
    for (name, kind, peer, goal) in [
        ("problem: grade a choice", "choice", "problem_grade_choice", 10.0),
        ("problem: grade a number", "number", "problem_grade_number", 500.0),
        ("problem: grade a formula", "formula", "problem_grade_formula", 1000.0),
    ] {
        let questions = questions.clone();
        let ours: Round = Box::new(move || {
            let question = questions.problems.iter().find(|question| question.name == kind);
            grade(question.ok_or("there is no such problem")?)
        });
        contests.push(contest(name, ours, peer, "xblocks-contrib", goal));
    }
    let formula = questions.clone();
    contests.push(contest(
        "formula: compute",
        Box::new(move || compute(&formula.formula)),
        "formula_compute",
        "openedx-calc",
        1000.0,
    ));
    if let Some(python) = python {
        contests.extend(scripts(&questions, python)?);
    }
    Ok(contests)
}

/// A script in the warm cage, and one in a Python of its own, as the code jail starts it.
fn scripts(questions: &Arc<Questions>, python: &Path) -> Outcome<Vec<Contest>> {
    let options = CageOptions { python: python.into(), ..CageOptions::default() };
    let cage = match Cage::start(options) {
        Ok(cage) => Arc::new(cage),
        Err(cage::CageError::Missing { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let contest = |name, pick: fn(&Scripts) -> &str, peer| {
        let (questions, cage) = (questions.clone(), cage.clone());
        Contest {
            name,
            unit: Unit::Seconds,
            pick: Pick::Median,
            ours: Side::Rust(Box::new(move || run(&cage, pick(&questions.scripts)))),
            theirs: Some(("a Python for each", Side::Python(peer))),
            goal: Some(Goal::AtMost(0.005)),
        }
    };
    Ok(vec![
        contest("script: run one that does nothing", |scripts| &scripts.nothing, "script_nothing"),
        contest("script: run one with NumPy", |scripts| &scripts.numpy, "script_numpy"),
    ])
}

fn load(question: &Question) -> Outcome<Problem> {
    let usage = "block-v1:Org+C1+R1+type@problem+block@q".parse()?;
    Ok(Problem::load(&question.xml, ProblemOptions { seed: Some(1), ..ProblemOptions::new(usage) })?)
}

fn show(questions: &[Question]) -> Outcome<f64> {
    seconds_each(TIMES * questions.len(), || {
        for _ in 0..TIMES {
            for question in questions {
                black_box(load(question)?.html());
            }
        }
        Ok(())
    })
}

/// Grades as often on problems that nobody has answered yet.
fn grade(question: &Question) -> Outcome<f64> {
    let problem = load(question)?;
    let mut problems = vec![problem; TIMES];
    seconds_each(TIMES, || {
        for problem in &mut problems {
            black_box(problem.grade(black_box(&question.answers))?);
        }
        Ok(problems)
    })
}

fn compute(formula: &Formula) -> Outcome<f64> {
    let values = formula.variables.iter().map(|(name, value)| (name.clone(), Number::from(*value)));
    let (variables, functions): (Variables, Functions) = (values.collect(), Functions::new());
    seconds_each(TIMES, || {
        for _ in 0..TIMES {
            black_box(evaluate(&variables, &functions, black_box(&formula.text), Case::Sensitive)?);
        }
        Ok(())
    })
}

/// Runs a script several times, with the pauses that learners make, and returns the middle time.
fn run(cage: &Cage, code: &str) -> Outcome<f64> {
    let run = Run { code, seed: Some(1), ..Run::default() };
    let mut times = Vec::new();
    for _ in 0..RUNS {
        std::thread::sleep(Duration::from_millis(20));
        times.push(seconds_each(1, || match cage.run(&run, &RunLimits::default())? {
            Ran::Done { globals } => Ok(Json::Object(globals)),
            other => Err(format!("the script came to {other:?}").into()),
        })?);
    }
    Ok(super::measure::choose(Pick::Median, times))
}
