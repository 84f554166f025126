//! What can be said of a problem without running it: questions nobody can answer, formulas that are none.

mod answers;
mod author_tests;
mod codes;
mod structure;

pub use codes::PROBLEM_CODES;

use xblock_core::keys::UsageKey;
use xblock_core::olx::{Diagnostic, DiagnosticCode, Element, Position, Severity, Source};

use self::codes::{BROKEN_PROBLEM, MISSING_LABEL, PROBLEM_WITHOUT_QUESTION, RESPONSE_WITHOUT_INPUT};
use super::error::LoadError;
use super::ids;
use super::labels;
use super::loncapa::LoncapaProblem;
use super::options::ProblemOptions;
use super::responses::is_response;

/// The name of scripts, which are in Python unless their type says otherwise.
const SCRIPT: &str = "script";

/// How often the same is said of one problem.
const LIMIT: usize = 100;

/// Checks a problem as it stands in a file: what is broken, cannot be answered or would stop grading.
///
/// Scripts are not run; whatever depends on one of their variables is passed over.
#[must_use]
pub fn check_problem(source: &Source, element: &Element) -> Vec<Diagnostic> {
    let mut check = Check { source, has_script: has_script(element), remarks: Vec::new() };
    let responses = responses(element);
    for response in &responses {
        if inputs(response).is_empty() && needs_input(response) {
            let message = format!("<{}> has no input", response.name);
            check.report(&RESPONSE_WITHOUT_INPUT, response.position(), message);
        } else {
            structure::check(response, &mut check);
            answers::check(response, &mut check);
        }
    }
    if responses.is_empty() && !check.has_script && !has_unknown_question(element) && !has_include(element) {
        check.report(&PROBLEM_WITHOUT_QUESTION, element.position(), "the problem has no question");
    }
    structure::scripts(element, &mut check);
    author_tests::check(element, &responses, &mut check);
    // Files that are included lie where only the platform finds them.
    if !has_include(element) && !has_code_file(element) {
        check.load(element, &responses);
    }
    check.remarks
}

/// One problem being checked.
struct Check<'a> {
    source: &'a Source,
    /// Whether a script may define what `$name` stands for.
    has_script: bool,
    remarks: Vec<Diagnostic>,
}

impl Check<'_> {
    fn report(&mut self, code: &DiagnosticCode, position: Position, message: impl Into<String>) {
        self.report_as(code, code.severity, position, message);
    }

    fn report_as(
        &mut self,
        code: &DiagnosticCode,
        severity: Severity,
        position: Position,
        message: impl Into<String>,
    ) {
        if self.remarks.iter().filter(|remark| remark.code == code.name).count() >= LIMIT {
            return;
        }
        let remark = self.source.diagnostic(code.name, severity, position, message);
        self.remarks.push(remark.with_cause(code.cause).with_fix(code.fix));
    }

    /// Says whether a value depends on a script.
    fn is_computed(&self, text: &str) -> bool {
        self.has_script && text.contains('$')
    }

    /// Puts the problem together as for a learner.
    fn load(&mut self, element: &Element, responses: &[&Element]) {
        let Some(text) = self.source.text.get(element.span().range()).filter(|text| !text.is_empty()) else {
            return;
        };
        // No sandbox is offered, so no script runs.
        match LoncapaProblem::load(text, 1, &ProblemOptions::new(usage())) {
            Ok(problem) => self.labels(&problem, responses),
            // Said already, with its place.
            Err(_) if self.remarks.iter().any(|remark| is_said(remark.code)) => {}
            Err(LoadError::Element { message, line }) => {
                let line = element.position().line + line.saturating_sub(1);
                let position = first_on_line(element, line).unwrap_or(Position { line, column: 1 });
                self.report(&BROKEN_PROBLEM, position, message);
            }
            Err(error) => self.report(&BROKEN_PROBLEM, element.position(), error.to_string()),
        }
    }

    /// Looks for inputs nobody named.
    fn labels(&mut self, problem: &LoncapaProblem, responses: &[&Element]) {
        for (response, element) in problem.responses.iter().zip(responses) {
            let is_named = response.group.as_ref().is_some_and(|group| group.label_id.is_some());
            for (input, place) in response.inputs.iter().zip(inputs(element)) {
                let is_labelled = is_named || !input.label.label.trim().is_empty();
                if labels::takes_label(&input.tag) && !is_labelled {
                    let unused = match place.get("label") {
                        Some(_) => "; a label attribute counts only where the paragraph before says the same",
                        None => "",
                    };
                    let message = format!("<{}> has no label{unused}", input.tag);
                    self.report(&MISSING_LABEL, place.position(), message);
                }
            }
        }
    }
}

/// Names the problem, which stands in no course while it is checked.
fn usage() -> UsageKey {
    "block-v1:course+of+nobody+type@problem+block@problem".parse().expect("it is written as usage keys are")
}

/// Says whether a finding with this code is why the problem cannot be put together.
fn is_said(code: &str) -> bool {
    code == RESPONSE_WITHOUT_INPUT.name || code == BROKEN_PROBLEM.name
}

/// Lists the questions in document order, as they are numbered.
fn responses(element: &Element) -> Vec<&Element> {
    let mut found = Vec::new();
    collect(element, &mut |element| {
        if is_response(&element.name) {
            found.push(element);
        }
    });
    found
}

/// Lists the inputs of a question in document order.
fn inputs(response: &Element) -> Vec<&Element> {
    let mut found = Vec::new();
    collect(response, &mut |element| {
        if ids::is_input(&element.name) {
            found.push(element);
        }
    });
    found
}

/// Says whether a question of this kind is nothing without an input; others may be answered by what a script puts in.
fn needs_input(response: &Element) -> bool {
    !matches!(&*response.name, "externalresponse" | "symbolicresponse" | "customresponse" | "optionresponse")
}

/// Says whether there is a question of a kind that is not known here.
fn has_unknown_question(element: &Element) -> bool {
    let mut found = false;
    collect(element, &mut |element| {
        found |= element.name.ends_with("response") || ids::is_input(&element.name);
    });
    found
}

fn has_include(element: &Element) -> bool {
    let mut found = false;
    collect(element, &mut |element| found |= &*element.name == "include" && element.get("file").is_some());
    found
}

/// Says whether code stands in a file of its own.
fn has_code_file(element: &Element) -> bool {
    let mut found = false;
    collect(element, &mut |element| {
        found |= matches!(&*element.name, SCRIPT | "answer") && element.get("src").is_some();
    });
    found
}

fn has_script(element: &Element) -> bool {
    let mut found = false;
    collect(element, &mut |element| {
        let kind = element.get("type").unwrap_or_default();
        found |= &*element.name == SCRIPT && !kind.contains("javascript") && !kind.contains("perl");
    });
    found
}

/// Finds the first element that begins on a line.
fn first_on_line(element: &Element, line: u32) -> Option<Position> {
    let mut found = None;
    collect(element, &mut |element| {
        if element.position().line == line && found.is_none() {
            found = Some(element.position());
        }
    });
    found
}

/// Visits an element and all below it in document order.
fn collect<'e>(element: &'e Element, visit: &mut impl FnMut(&'e Element)) {
    visit(element);
    for child in element.elements() {
        collect(child, visit);
    }
}

#[cfg(test)]
mod tests;
