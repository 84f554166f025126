//! `formularesponse`: a formula that has the same values as the author's at random places (capa reference, section 3.10).

use serde_json::{Value as Json, json};

use super::{Graded, Grader, Input, only_answer, only_input};
use crate::escape;
use crate::formula::{Case, Formula, FormulaError, Functions, Names, Number};
use crate::problem::context::Context;
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::hints::ConditionalHint;
use crate::problem::python;
use crate::problem::random::Random;
use crate::problem::tolerance::{self, Tolerance};
use crate::problem::tree::Node;
use crate::words::{Words, fill};

/// The most samples that are compared; the rest of more adds nothing.
const MAX_SAMPLES: usize = 10_000;

/// The most values of variables that are drawn for all samples together, one sample at least.
const MAX_VALUES: usize = 1_000_000;

/// A formula.
#[derive(Debug, Clone)]
pub(in crate::problem) struct FormulaMatch {
    answer: String,
    /// `x,y@1,1:5,5#10`.
    samples: String,
    case: Case,
    tolerance: String,
    hints: Vec<Condition>,
    /// When hints of conditions are shown.
    hint_mode: String,
}

/// A formula that learners may have written instead, and what is said to them.
#[derive(Debug, Clone)]
struct Condition {
    answer: String,
    samples: String,
    texts: Vec<String>,
}

impl FormulaMatch {
    pub(super) fn build(node: &Node, context: &Context) -> Self {
        let attribute = |name: &str| context.substitute(node.get(name).unwrap_or_default());
        let kinds: Vec<&str> = node.get("type").unwrap_or_default().split(',').collect();
        let is_sensitive = kinds.contains(&"cs") && !kinds.contains(&"ci");
        let group = node.all("hintgroup").next();
        Self {
            answer: attribute("answer"),
            samples: attribute("samples"),
            case: if is_sensitive { Case::Sensitive } else { Case::Insensitive },
            tolerance: tolerance::of(node, context),
            hints: group.map(|group| conditions(group, context)).unwrap_or_default(),
            hint_mode: group.and_then(|group| group.get("mode")).unwrap_or("always").to_owned(),
        }
    }

    /// Tells whether a formula has the values of another at all samples.
    fn is_same(&self, staff: &str, student: &str, samples: &str, seed: i64) -> Result<bool, Trouble> {
        let samples = Samples::read(samples).map_err(Trouble::Author)?;
        let functions = Functions::new();
        let names = Names::new(samples.variables.iter().map(|(name, _)| *name), &functions, self.case);
        let student = values(student, &names, &samples, seed)?;
        let staff = values(staff, &names, &samples, seed)?;
        if samples.count == 0 {
            return Ok(true);
        }
        let author = |error: FormulaError| Trouble::Author(error.to_string());
        let tolerance = Tolerance::read(&self.tolerance).map_err(author)?;
        for (student, staff) in student.iter().zip(&staff) {
            if !tolerance.allows(student, staff).map_err(author)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn conditions(group: &Node, context: &Context) -> Vec<Condition> {
    let conditions = group.all("formulahint").map(|condition| {
        let parts = group.all("hintpart").filter(|part| part.get("on") == condition.get("name"));
        Condition {
            answer: context.substitute(condition.get("answer").unwrap_or_default()),
            samples: condition.get("samples").unwrap_or_default().to_owned(),
            texts: parts.filter_map(|part| Some(part.all("text").next()?.text.clone())).collect(),
        }
    });
    conditions.collect()
}

/// Why formulas cannot be compared.
enum Trouble {
    /// One of them, whose text comes with it, has no value.
    Formula { text: String, error: FormulaError },
    /// The samples or the tolerance make no sense.
    Author(String),
}

impl Trouble {
    fn said(self, words: &Words) -> GradeError {
        match self {
            Self::Author(reason) => GradeError::Author(reason),
            Self::Formula { text, error } => GradeError::Message(message(&text, &error, words)),
        }
    }
}

/// Returns what is said of a formula without a value, the author's no less than the learner's.
fn message(text: &str, error: &FormulaError, words: &Words) -> String {
    let shown = escape::python_html(text);
    match error {
        FormulaError::Undefined { message }
        | FormulaError::Parentheses { message }
        | FormulaError::TooMuch { message } => message.said(words),
        FormulaError::Factorial => {
            let message = words.gettext(
                "Factorial function not permitted in answer for this problem. Provided answer was: {bad_input}",
            );
            fill(&message, &[("bad_input", &shown)])
        }
        FormulaError::Domain(_) => {
            let message = words.gettext("Invalid input: Could not parse '{bad_input}' as a formula.");
            fill(&message, &[("bad_input", &shown)])
        }
        _ => {
            let message = words.gettext("Invalid input: Could not parse '{bad_input}' as a formula");
            fill(&message, &[("bad_input", &shown)])
        }
    }
}

/// Computes a formula at all places; without any it is not even read. Its names are known to be permitted before the
/// first place is drawn.
fn values(text: &str, names: &Names<'_>, samples: &Samples<'_>, seed: i64) -> Result<Vec<Number>, Trouble> {
    if samples.count == 0 {
        return Ok(Vec::new());
    }
    let trouble = |error| Trouble::Formula { text: text.to_owned(), error };
    let formula = Formula::parse(text).map_err(trouble)?;
    let bound = formula.bind(names).map_err(trouble)?;
    let mut values = Vec::with_capacity(samples.count);
    samples
        .each(seed, |place| {
            values.push(bound.value(place)?);
            Ok(())
        })
        .map_err(trouble)?;
    Ok(values)
}

/// Where formulas are compared.
struct Samples<'t> {
    /// Names, as they are written, with the ends of the range of each.
    variables: Vec<(&'t str, (f64, f64))>,
    count: usize,
}

impl<'t> Samples<'t> {
    /// Reads `x,y@1,1:5,5#10`. Names and ranges are paired in their order; what has no partner is left out.
    fn read(text: &'t str) -> Result<Self, String> {
        let missing = || "list index out of range".to_owned();
        let mut parts = text.split('@');
        let names = parts.next().ok_or_else(missing)?;
        let mut rest = parts.next().ok_or_else(missing)?.split('#');
        let ranges = rest.next().ok_or_else(missing)?;
        let count = rest.next().ok_or_else(missing)?;
        let count =
            python::int(count).ok_or_else(|| format!("invalid literal for int() with base 10: '{count}'"))?;
        let bounds = ranges.split(':').map(|bounds| {
            let number = |text: &str| {
                python::float(text).ok_or_else(|| format!("could not convert string to float: '{text}'"))
            };
            bounds.split(',').map(number).collect::<Result<Vec<f64>, String>>()
        });
        let bounds = bounds.collect::<Result<Vec<_>, String>>()?;
        let [lows, highs] = &bounds[..] else {
            return Err(format!("the samples {text} have no two ends for each range"));
        };
        let ranges = lows.iter().copied().zip(highs.iter().copied());
        let variables: Vec<_> = names.split(',').zip(ranges).collect();
        let most = (MAX_VALUES / variables.len().max(1)).clamp(1, MAX_SAMPLES);
        Ok(Self { variables, count: usize::try_from(count).unwrap_or_default().min(most) })
    }

    /// Draws a value for each variable, as often as there are samples; the values of one sample are all that is kept.
    fn each(
        &self,
        seed: i64,
        mut visit: impl FnMut(&[Number]) -> Result<(), FormulaError>,
    ) -> Result<(), FormulaError> {
        let mut random = Random::new(seed);
        let mut place = vec![Number::Float(0.0); self.variables.len()];
        for _ in 0..self.count {
            for (value, (_, (low, high))) in place.iter_mut().zip(&self.variables) {
                *value = Number::Float(low + (high - low) * random.random());
            }
            visit(&place)?;
        }
        Ok(())
    }
}

impl Grader for FormulaMatch {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let input = only_input(inputs)?;
        let given = grading.answers.get(&input.id);
        let given = given.ok_or_else(|| GradeError::Author(format!("there is no answer to {}", input.id)))?;
        let given = python::printed(given);
        let seed = grading.context.get("seed").and_then(Json::as_i64).unwrap_or(1);
        let is_right = self
            .is_same(&self.answer, &given, &self.samples, seed)
            .map_err(|trouble| trouble.said(&grading.services.words()))?;
        let mut graded = Graded::one(input, Entry::right(is_right));
        for condition in &self.hints {
            if let Ok(true) = self.is_same(&condition.answer, &given, &condition.samples, seed) {
                let hint =
                    |text: &String| ConditionalHint { text: text.clone(), mode: self.hint_mode.clone() };
                graded.conditional.extend(condition.texts.iter().map(hint));
            }
        }
        Ok(graded)
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        Ok(only_answer(inputs, json!(self.answer)))
    }
}
