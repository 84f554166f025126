//! Evaluating a formula, and grading a number and a formula.

use std::hint::black_box;
use std::time::Instant;

use blocks::formula::{Case, Functions, Number, Variables, evaluate};
use blocks::problem::{Problem, ProblemOptions};
use xblock_core::keys::UsageKey;

use super::{Outcome, seconds_each};

const COUNT: usize = 1000;

const NUMERICAL: &str = r#"<problem><numericalresponse answer="3.14159">
    <responseparam type="tolerance" default="1%"/><formulaequationinput/>
</numericalresponse></problem>"#;

const FORMULA: &str = r#"<problem><formularesponse type="cs" samples="m,c@1,2:9,8#10" answer="m*c^2">
    <responseparam type="tolerance" default="0.00001"/><formulaequationinput/>
</formularesponse></problem>"#;

/// Reads and evaluates a formula; returns seconds for each.
///
/// # Errors
/// When it has no value.
pub fn evaluation() -> Outcome<f64> {
    let variables =
        Variables::from([("x".to_owned(), Number::Float(2.5)), ("y".to_owned(), Number::Float(1.5))]);
    let functions = Functions::new();
    seconds_each(COUNT, || {
        for _ in 0..COUNT {
            black_box(evaluate(&variables, &functions, black_box("x^2+3*sin(y)/4"), Case::Insensitive)?);
        }
        Ok(())
    })
}

/// Grades an answer to a numerical question; returns seconds for each.
///
/// # Errors
/// When it cannot be graded.
pub fn numerical_grade() -> Outcome<f64> {
    grade(NUMERICAL, "22/7")
}

/// Grades an answer to a formula question with ten samples; returns seconds for each.
///
/// # Errors
/// When it cannot be graded.
pub fn formula_grade() -> Outcome<f64> {
    grade(FORMULA, "c*m*c")
}

/// Grades an answer by problems that are put together before the clock starts.
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn grade(xml: &str, answer: &str) -> Outcome<f64> {
    let usage: UsageKey = "block-v1:OpenedX+DemoX+DemoCourse+type@problem+block@q".parse()?;
    let answers = [("q_2_1".to_owned(), answer.into())].into_iter().collect();
    let problems = (0..COUNT).map(|_| Problem::load(xml, ProblemOptions::new(usage.clone())));
    let mut problems = problems.collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    for problem in &mut problems {
        black_box(problem.grade(&answers)?);
    }
    Ok(start.elapsed().as_secs_f64() / COUNT as f64)
}
