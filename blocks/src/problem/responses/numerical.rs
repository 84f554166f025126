//! `numericalresponse`: a number within a tolerance or in a range (capa reference, section 3.3).

use num_complex::Complex64;
use serde_json::{Value as Json, json};

use super::{Graded, Grader, Input, only_answer, only_input, or_between, partial_credit};
use crate::escape;
use crate::formula::{FormulaError, Number, value_of};
use crate::problem::context::Context;
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::hints::{Feedback, Hint};
use crate::problem::python;
use crate::problem::tolerance::{self, Tolerance};
use crate::problem::tree::Node;
use crate::words::{Words, fill, marked};

/// A number.
#[derive(Debug, Clone)]
pub(in crate::problem) struct Numerical {
    expected: Expected,
    tolerance: String,
    additional: Vec<Additional>,
    partial: Option<Vec<String>>,
    /// How much wider the tolerance is for answers that are close, as it is written.
    partial_range: Option<String>,
    partial_answers: Option<Vec<String>>,
    hint: Option<Hint>,
    /// What stands between answers of which each is right.
    or: String,
}

/// What is right.
#[derive(Debug, Clone)]
enum Expected {
    /// A number, as it is written.
    Point(String),
    /// A range, with whether its ends belong to it.
    Range { bounds: [(String, bool); 2], shown: String },
}

/// Another number that is right, exactly.
#[derive(Debug, Clone)]
struct Additional {
    answer: String,
    hint: Option<Hint>,
}

/// What partial credit goes by.
struct Credit {
    /// How much wider the tolerance is for answers that are close.
    range: f64,
    answers: Option<Vec<Number>>,
    has_list: bool,
    has_close: bool,
}

const BAD_STAFF_ANSWER: &str = marked("There was a problem with the staff answer to this problem.");

impl Numerical {
    pub(super) fn build(node: &Node, context: &Context, words: &Words) -> Result<Self, LoadError> {
        let answer = node.get("answer").unwrap_or_default();
        let partial_range = node.all("responseparam").find_map(|param| param.get("partial_range"));
        let partial_answers = node.all("responseparam").find_map(|param| param.get("partial_answers"));
        let additional = node.all("additional_answer").filter_map(|additional| {
            let answer = additional.get("answer")?.to_owned();
            Some(Additional { answer, hint: additional.all("correcthint").next().and_then(Hint::read) })
        });
        Ok(Self {
            expected: Expected::read(answer, node.line, context)?,
            tolerance: tolerance::of(node, context),
            additional: additional.collect(),
            partial: partial_credit(node),
            partial_range: partial_range.map(str::to_owned),
            partial_answers: partial_answers.map(|text| text.split(',').map(str::to_owned).collect()),
            hint: node.all("correcthint").next().and_then(Hint::read),
            or: or_between(words),
        })
    }

    fn grade_range(
        &self,
        student: &Number,
        bounds: &[(String, bool); 2],
        credit: &Credit,
        words: &Words,
    ) -> Result<Entry, GradeError> {
        if student.is_complex() {
            let message = words.gettext("You may not use complex numbers in range tolerance problems");
            return Err(GradeError::Message(message.into()));
        }
        let mut ends = [0.0; 2];
        for (end, (text, is_inclusive)) in ends.iter_mut().zip(bounds) {
            let boundary = staff_value(text, words)?.complex().map_err(|error| author_error(&error))?;
            if boundary.im != 0.0 {
                return Err(GradeError::Message(
                    words
                        .gettext(
                            "There was a problem with the staff answer to this problem: complex boundary.",
                        )
                        .into_owned(),
                ));
            }
            if boundary.re.is_nan() {
                return Err(GradeError::Message(
                    words
                        .gettext("There was a problem with the staff answer to this problem: empty boundary.")
                        .into_owned(),
                ));
            }
            let student = student.complex().map_err(|error| author_error(&error))?;
            if tolerance::is_at_boundary(student, Complex64::new(boundary.re, 0.0)) {
                return Ok(Entry::right(*is_inclusive));
            }
            *end = boundary.re;
        }
        let ([low, high], student) = (ends, student.float().map_err(|error| author_error(&error))?);
        if low < student && student < high {
            return Ok(Entry::right(true));
        }
        let margin = credit.range * (high - low);
        if credit.has_close && low - margin < student && student < high + margin {
            return Ok(Entry::with_points("partially-correct", json!(0.5)));
        }
        Ok(Entry::right(false))
    }

    fn grade_point(
        &self,
        student: &Number,
        staff: &str,
        credit: &Credit,
        words: &Words,
    ) -> Result<Entry, GradeError> {
        let staff = staff_value(staff, words)?;
        let expanded = self.expanded_tolerance(credit.range)?;
        let within = |staff: &Number, tolerance: Tolerance| {
            tolerance.allows(student, staff).map_err(|error| author_error(&error))
        };
        let tolerance = Tolerance::read(&self.tolerance).map_err(|error| author_error(&error))?;
        let partly = |points: f64| Ok(Entry::with_points("partially-correct", json!(points)));
        if within(&staff, tolerance)? {
            return Ok(Entry::right(true));
        }
        if credit.has_list {
            let partial_answers = credit.answers.as_ref().ok_or_else(|| {
                GradeError::Author("partial_credit is list, but there are no partial_answers".into())
            })?;
            for partial in partial_answers {
                if within(partial, tolerance)? || (credit.has_close && within(&staff, expanded.read()?)?) {
                    return partly(0.5);
                }
                if credit.has_close && within(partial, expanded.read()?)? {
                    return partly(0.25);
                }
            }
        } else if credit.has_close && within(&staff, expanded.read()?)? {
            return partly(0.5);
        }
        Ok(Entry::right(false))
    }

    /// Reads what partial credit goes by; it is read for every answer, so that a mistake in it stops grading.
    fn credit(&self, schemes: &[String], words: &Words) -> Result<Credit, GradeError> {
        let range = self.partial_range.as_deref().map_or(Ok(2.0), |text| {
            let message = || GradeError::Author(format!("could not convert string to float: '{text}'"));
            python::float(text).ok_or_else(message)
        })?;
        let answers = self.partial_answers.as_ref();
        let answers =
            answers.map(|answers| answers.iter().map(|answer| staff_value(answer, words)).collect());
        let has = |name: &str| schemes.iter().any(|scheme| scheme == name);
        Ok(Credit { range, answers: answers.transpose()?, has_list: has("list"), has_close: has("close") })
    }

    /// Returns the wider tolerance; it is computed for every answer, so one that is a formula stops grading.
    fn expanded_tolerance(&self, partial_range: f64) -> Result<Expanded, GradeError> {
        let (number, is_percent) = match self.tolerance.strip_suffix('%') {
            Some(number) => (number, true),
            None => (self.tolerance.as_str(), false),
        };
        let number = python::float(number)
            .ok_or_else(|| GradeError::Author(format!("could not convert string to float: '{number}'")))?;
        let number = partial_range * number;
        Ok(if is_percent {
            Expanded::Percent(format!("{}%", python::float_repr(number)))
        } else {
            Expanded::Absolute(number)
        })
    }
}

/// A tolerance made wider.
enum Expanded {
    Absolute(f64),
    /// A percentage, which is read like any other once it is needed.
    Percent(String),
}

impl Expanded {
    fn read(&self) -> Result<Tolerance, GradeError> {
        match self {
            Self::Absolute(number) => Ok(Tolerance::Absolute(*number)),
            Self::Percent(text) => Tolerance::read(text).map_err(|error| author_error(&error)),
        }
    }
}

impl Grader for Numerical {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let input = only_input(inputs)?;
        let Some(answer) = grading.answers.get(&input.id) else {
            return Ok(Graded::one(input, Entry::right(false)));
        };
        let words = grading.services.words();
        let schemes = self.partial.as_deref().unwrap_or_default();
        if schemes.iter().any(|scheme| scheme != "list" && scheme != "close") {
            return Err(GradeError::Message(
                words.gettext("partial_credit attribute should be one of: list,close").into_owned(),
            ));
        }
        let (text, value) = student_value(answer, &words)?;
        let credit = self.credit(schemes, &words)?;
        let mut entry = match &self.expected {
            Expected::Range { bounds, .. } => self.grade_range(&value, bounds, &credit, &words)?,
            Expected::Point(staff) => self.grade_point(&value, staff, &credit, &words)?,
        };
        let mut hint = self.hint.as_ref();
        if entry.correctness.as_deref() == Some("incorrect") {
            let complex = value.complex().map_err(|error| author_error(&error))?;
            for additional in &self.additional {
                if staff_value(&additional.answer, &words)?.complex().is_ok_and(|staff| staff == complex) {
                    entry = Entry::right(true);
                    hint = additional.hint.as_ref();
                    break;
                }
            }
        }
        let is_correct = entry.correctness.as_deref() == Some("correct");
        let feedback = hint.filter(|_| is_correct).map(|hint| Feedback::single(hint, true, &text));
        Ok(Graded { feedback, ..Graded::one(input, entry) })
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        let main = match &self.expected {
            Expected::Point(text) => text,
            Expected::Range { shown, .. } => shown,
        };
        let answers =
            std::iter::once(main).chain(self.additional.iter().map(|additional| &additional.answer));
        let answer = answers.map(|answer| escape::html(answer)).collect::<Vec<_>>().join(&self.or);
        Ok(only_answer(inputs, json!(answer)))
    }
}

impl Expected {
    fn read(answer: &str, line: u32, context: &Context) -> Result<Self, LoadError> {
        let is_range = answer.starts_with(['[', '(']) && answer.ends_with([']', ')']) && answer.len() > 1;
        if !is_range {
            return Ok(Self::Point(context.substitute(answer)));
        }
        let (open, close) = (&answer[..1], &answer[answer.len() - 1..]);
        let mut parts = answer[1..answer.len() - 1].split(',').map(|part| context.substitute(part));
        let (Some(low), Some(high)) = (parts.next(), parts.next()) else {
            return Err(LoadError::at(line, BAD_STAFF_ANSWER));
        };
        let shown = format!("{open}{low}, {high}{close}");
        Ok(Self::Range { bounds: [(low, open == "["), (high, close == "]")], shown })
    }
}

/// Evaluates what the learner wrote; returns its text, too.
fn student_value(answer: &Json, words: &Words) -> Result<(String, Number), GradeError> {
    let text = match answer {
        Json::String(text) => text.clone(),
        other => return Err(GradeError::Message(not_a_number(&python::printed(other), words))),
    };
    let value = value_of(&text).map_err(|error| {
        GradeError::Message(match error {
            FormulaError::Undefined { message }
            | FormulaError::Parentheses { message }
            | FormulaError::TooMuch { message } => message.said(words),
            FormulaError::Factorial => {
                let message =
                    words.gettext("Factorial function evaluated outside its domain:'{student_answer}'");
                fill(&message, &[("student_answer", &escape::python_html(&text))])
            }
            FormulaError::Syntax => {
                let message = words.gettext("Invalid math syntax: '{student_answer}'");
                fill(&message, &[("student_answer", &escape::python_html(&text))])
            }
            _ => not_a_number(&text, words),
        })
    })?;
    Ok((text, value))
}

fn not_a_number(text: &str, words: &Words) -> String {
    let message = words.gettext("Could not interpret '{student_answer}' as a number.");
    fill(&message, &[("student_answer", &escape::python_html(text))])
}

/// Reads what the author wrote: a complex number, else a formula.
fn staff_value(text: &str, words: &Words) -> Result<Number, GradeError> {
    if let Some(value) = python::complex(text) {
        return Ok(Number::Complex(value));
    }
    value_of(text).map_err(|_| GradeError::Message(words.gettext(BAD_STAFF_ANSWER).into_owned()))
}

fn author_error(error: &FormulaError) -> GradeError {
    GradeError::Author(error.to_string())
}
