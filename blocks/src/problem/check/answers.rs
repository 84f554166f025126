//! The right answers of a question: is there one, and can it be read?

use xblock_core::olx::{Element, Position};

use super::codes::{
    INVALID_FORMULA, INVALID_REGEXP, INVALID_SAMPLES, INVALID_TOLERANCE, NO_CHECK_FUNCTION, NO_CORRECT_ANSWER,
};
use super::{Check, collect};
use crate::formula::{Case, Formula, FormulaError, Functions, Names, value_of};
use crate::problem::python;
use crate::problem::regexp;
use crate::problem::responses::split_options;

/// Checks one question.
pub(super) fn check(response: &Element, check: &mut Check<'_>) {
    match &*response.name {
        "numericalresponse" => numerical(response, check),
        "formularesponse" => formula(response, check),
        "stringresponse" => string(response, check),
        "multiplechoiceresponse" | "truefalseresponse" => multiple_choice(response, check),
        "optionresponse" => options(response, check),
        "customresponse" => custom(response, check),
        _ => {}
    }
}

fn numerical(response: &Element, check: &mut Check<'_>) {
    let is_range = |text: &str| text.starts_with(['[', '(']) && text.ends_with([']', ')']) && text.len() > 1;
    let answer = response.get("answer").unwrap_or_default();
    if is_range(answer) {
        for part in answer[1..answer.len() - 1].split(',').take(2) {
            number(response, "answer", part, check);
        }
    } else {
        number(response, "answer", answer, check);
        tolerance(response, false, check);
    }
    for additional in response.elements().filter(|child| &*child.name == "additional_answer") {
        if let Some(answer) = additional.get("answer") {
            number(additional, "answer", answer, check);
        }
    }
}

/// Checks a number, which may be written as a formula without variables.
fn number(element: &Element, attribute: &str, text: &str, check: &mut Check<'_>) {
    if text.is_empty() || check.is_computed(text) || text.contains("$seed") || python::complex(text).is_some()
    {
        return;
    }
    if let Err(error) = value_of(text) {
        report_formula(element, attribute, text, &error, check);
    }
}

fn report_formula(
    element: &Element,
    attribute: &str,
    text: &str,
    error: &FormulaError,
    check: &mut Check<'_>,
) {
    // Written for learners, the words begin with whose input it is.
    let reason = error.to_string();
    let reason = reason.strip_prefix("Invalid Input: ").unwrap_or(&reason);
    let at = place(element, attribute);
    check.report(&INVALID_FORMULA, at, format!("{text:?} cannot be computed: {reason}"));
}

fn tolerance(response: &Element, takes_formula: bool, check: &mut Check<'_>) {
    let mut param = None;
    collect(response, &mut |element| {
        if &*element.name == "responseparam" && element.get("type") == Some("tolerance") && param.is_none() {
            param = Some(element);
        }
    });
    let Some((param, text)) = param.and_then(|param| Some((param, param.get("default")?))) else { return };
    if check.is_computed(text) || text.contains("$seed") {
        return;
    }
    let text = text.trim();
    let value = text.strip_suffix('%').unwrap_or(text);
    let is_number = python::float(value).is_some();
    let is_formula = takes_formula && value_of(value).is_ok();
    if !is_number && !is_formula {
        check.report(&INVALID_TOLERANCE, place(param, "default"), format!("{text:?} is no tolerance"));
    }
}

fn formula(response: &Element, check: &mut Check<'_>) {
    tolerance(response, true, check);
    let (answer, samples) = (response.get("answer"), response.get("samples"));
    let (Some(answer), Some(samples)) = (answer, samples) else { return };
    if check.is_computed(answer) || check.is_computed(samples) || answer.contains("$seed") {
        return;
    }
    let Some((names, count)) = read_samples(samples) else {
        let message = format!("{samples:?} does not say where to compare the formulas");
        check.report(&INVALID_SAMPLES, place(response, "samples"), message);
        return;
    };
    let is_sensitive = response.get("type").is_some_and(|kinds| {
        kinds.split(',').any(|kind| kind == "cs") && !kinds.split(',').any(|kind| kind == "ci")
    });
    let case = if is_sensitive { Case::Sensitive } else { Case::Insensitive };
    let functions = Functions::new();
    let names = Names::new(names, &functions, case);
    let is_known = |formula: Formula| formula.bind(&names).map(|_| ());
    // Without samples anything is accepted, unread.
    if count != 0
        && let Err(error) = Formula::parse(answer).and_then(is_known)
    {
        report_formula(response, "answer", answer, &error, check);
    }
}

/// Reads `x,y@1,2:3,4#10`: the variables and the number of samples.
fn read_samples(samples: &str) -> Option<(Vec<&str>, i64)> {
    let (names, rest) = samples.split_once('@')?;
    let (ranges, count) = rest.split_once('#')?;
    let (lows, highs) = ranges.split_once(':')?;
    let names: Vec<&str> = names.split(',').collect();
    for bounds in [lows, highs] {
        let bounds: Vec<&str> = bounds.split(',').collect();
        if bounds.iter().any(|bound| python::float(bound).is_none()) || bounds.len() < names.len() {
            return None;
        }
    }
    let count = python::int(count.split('#').next()?)?;
    Some((names, count))
}

fn string(response: &Element, check: &mut Check<'_>) {
    let kinds = response.get("type").unwrap_or_default().to_lowercase();
    let has = |name: &str| kinds.split(' ').any(|kind| kind == name);
    let answer = response.get("answer").unwrap_or_default();
    if !has("regexp") || answer.to_lowercase().contains("_or_") {
        return;
    }
    let additional = response.elements().filter(|child| &*child.name == "additional_answer");
    let all = std::iter::once((response, Some(answer)))
        .chain(additional.map(|child| (child, child.get("answer").filter(|text| !text.is_empty()))));
    let all: Vec<(&Element, String)> = all
        .map(|(element, text)| {
            (element, text.map_or_else(|| element.text().unwrap_or_default().into_owned(), str::to_owned))
        })
        .collect();
    if all.iter().any(|(_, text)| check.is_computed(text)) {
        return;
    }
    let mut is_reported = false;
    for (element, text) in &all {
        if let Err(error) = regexp::check(text.trim()) {
            is_reported = true;
            let message = format!("{text:?} is no regular expression: {}", error.0);
            check.report(&INVALID_REGEXP, place(element, "answer"), message);
        }
    }
    // The answers are alternatives of one expression; what is a group in one of them may end in another.
    let joined: Vec<&str> = all.iter().map(|(_, text)| text.trim()).collect();
    let whole = regexp::check(&format!("^{}$", joined.join("|")));
    match whole {
        Ok(()) if is_reported => {
            check.remarks.retain(|remark| {
                remark.code != INVALID_REGEXP.name
                    || !all.iter().any(|(element, _)| remark.position == Some(place(element, "answer")))
            });
        }
        Err(error) if !is_reported => {
            let message = format!("the answers together are no regular expression: {}", error.0);
            check.report(&INVALID_REGEXP, place(response, "answer"), message);
        }
        _ => {}
    }
}

fn multiple_choice(response: &Element, check: &mut Check<'_>) {
    let mut choices = 0;
    let mut has_correct = false;
    collect(response, &mut |element| {
        if &*element.name == "choice" {
            choices += 1;
            let correct = element.get("correct").unwrap_or_default();
            has_correct |=
                matches!(correct.to_uppercase().as_str(), "TRUE" | "PARTIAL") || check.is_computed(correct);
        }
    });
    if choices > 0 && !has_correct {
        check.report(&NO_CORRECT_ANSWER, response.position(), "no choice is correct");
    }
}

fn options(response: &Element, check: &mut Check<'_>) {
    let mut dropdowns = Vec::new();
    collect(response, &mut |element| {
        if &*element.name == "optioninput" {
            dropdowns.push(element);
        }
    });
    for dropdown in dropdowns {
        let elements: Vec<&Element> = dropdown.elements().filter(|child| &*child.name == "option").collect();
        if elements.is_empty() {
            correct_option(dropdown, check);
        } else if !elements.iter().any(|option| {
            let correct = option.get("correct").unwrap_or_default();
            correct.to_uppercase() == "TRUE" || check.is_computed(correct)
        }) {
            check.report(&NO_CORRECT_ANSWER, dropdown.position(), "no option is correct");
        }
    }
}

/// Checks a dropdown in the old form: `options="('a','b')" correct="a"`.
fn correct_option(dropdown: &Element, check: &mut Check<'_>) {
    let Some(options) = dropdown.get("options") else { return };
    let Some(correct) = dropdown.get("correct").filter(|correct| !correct.is_empty()) else {
        check.report(&NO_CORRECT_ANSWER, dropdown.position(), "no option is correct");
        return;
    };
    if check.is_computed(correct) || check.is_computed(options) || correct.contains("$seed") {
        return;
    }
    // Options that cannot be parted break the problem, which is said of it as a whole.
    if let Ok(options) = split_options(options)
        && !options.iter().any(|option| option == correct)
    {
        let message = format!("{correct:?} is none of the options {}", options.join(", "));
        check.report(&NO_CORRECT_ANSWER, place(dropdown, "correct"), message);
    }
}

fn custom(response: &Element, check: &mut Check<'_>) {
    let mut has_code = false;
    collect(response, &mut |element| has_code |= &*element.name == "answer");
    if response.get("cfn").is_none_or(|name| name.trim().is_empty()) && !has_code {
        check.report(
            &NO_CHECK_FUNCTION,
            response.position(),
            "<customresponse> names no function and has no code",
        );
    }
}

/// Returns where an attribute stands, else where its element does.
fn place(element: &Element, attribute: &str) -> Position {
    element.attribute(attribute).map_or(element.position(), |attribute| attribute.position())
}
