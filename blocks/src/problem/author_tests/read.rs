//! The tests of a problem as they are written.

use serde_json::Value as Json;
use xblock_core::olx::{Document, Element, FileName, ParseOptions, Position, Source};

/// How many seeds a test may name.
const MOST_SEEDS: usize = 10_000;

/// The verdicts there are.
const GRADES: [&str; 3] = ["correct", "incorrect", "partially-correct"];

/// One test of a problem.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AuthorTest {
    /// Its name, else its number.
    pub name: String,
    /// The line it begins on.
    pub line: u32,
    /// The seeds it is for, where it names some.
    pub seeds: Option<Vec<i64>>,
    /// The verdict on the whole.
    pub(super) grade: Option<String>,
    /// The points earned.
    pub(super) score: Option<f64>,
    /// What the learner is told where the answers are refused.
    pub(super) error: Option<String>,
    pub(super) given: Vec<Given>,
}

/// One answer of a test.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::problem) struct Given {
    /// The id of the input, or the end of it; none for a problem's only input.
    pub(in crate::problem) input: Option<String>,
    pub(super) value: Option<GivenValue>,
    pub(super) correctness: Option<String>,
    pub(super) points: Option<f64>,
    pub(super) message: Option<String>,
    pub(in crate::problem) position: Position,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum GivenValue {
    /// A text with names of the problem's script as `$name`.
    Text(String),
    /// Any JSON.
    Json(Json),
}

/// The tests of a problem.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct AuthorTests {
    /// Those that can be run.
    pub tests: Vec<AuthorTest>,
    /// What is wrong with how the others are written.
    pub faults: Vec<TestFault>,
}

/// Something wrong with how a test is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}", line = .position.line)]
#[non_exhaustive]
pub struct TestFault {
    /// The name of the test, else its number; none for what is no test.
    pub test: Option<String>,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub position: Position,
}

/// Reads the tests of a problem; there may be none. A problem that is no XML has none.
#[must_use]
pub fn author_tests(xml: &str) -> AuthorTests {
    let source = Source::new(FileName::from("problem.xml"), xml.into());
    match Document::parse_text(source, &ParseOptions::default()) {
        Ok(document) => read_tests(&document.root),
        Err(_) => AuthorTests::default(),
    }
}

/// Tells whether an element holds tests.
pub(in crate::problem) fn is_container(element: &Element) -> bool {
    &*element.name == "responseparam" && element.get("type") == Some("tests")
}

/// Reads the tests of a problem and what is wrong with them.
pub(in crate::problem) fn read_tests(problem: &Element) -> AuthorTests {
    let mut reader = Reader::default();
    for container in problem.elements().filter(|element| is_container(element)) {
        reader.attributes(container, &["type"]);
        reader.text(container);
        for element in container.elements() {
            match &*element.name {
                "test" => reader.test(element),
                name => reader.fault(element, format!("<{name}> is no test; tests are <test>")),
            }
        }
    }
    reader.found
}

#[derive(Default)]
struct Reader {
    found: AuthorTests,
    /// How many tests there are, those written wrongly among them.
    count: usize,
    /// The test that is read.
    test: Option<String>,
}

impl Reader {
    fn fault(&mut self, element: &Element, message: impl Into<String>) {
        let fault =
            TestFault { test: self.test.clone(), message: message.into(), position: element.position() };
        self.found.faults.push(fault);
    }

    fn attributes(&mut self, element: &Element, known: &[&str]) {
        for attribute in &element.attributes {
            if !known.contains(&&*attribute.name) {
                let message = format!(
                    "<{}> has no attribute {}; it has {}",
                    element.name,
                    &*attribute.name,
                    known.join(", ")
                );
                self.fault(element, message);
            }
        }
    }

    /// Text would be found by search, and is nothing a test says.
    fn text(&mut self, element: &Element) {
        if element.children.iter().filter_map(|child| child.as_text()).any(|text| !text.trim().is_empty()) {
            self.fault(element, format!("<{}> holds text; tests say everything in attributes", element.name));
        }
    }

    fn test(&mut self, element: &Element) {
        self.count += 1;
        let name = element.get("name").map_or_else(|| self.count.to_string(), str::to_owned);
        self.test = Some(name.clone());
        let faults = self.found.faults.len();
        self.attributes(element, &["name", "seeds", "grade", "score", "error"]);
        self.text(element);
        let mut test = AuthorTest {
            name,
            line: element.position().line,
            seeds: None,
            grade: self.grade(element, "grade"),
            score: self.number(element, "score"),
            error: element.get("error").map(str::to_owned),
            given: Vec::new(),
        };
        if let Some(text) = element.get("seeds") {
            match seeds(text) {
                Ok(seeds) => test.seeds = Some(seeds),
                Err(message) => self.fault(element, message),
            }
        }
        for given in element.elements() {
            match &*given.name {
                "given" => test.given.extend(self.given(given)),
                name => self.fault(given, format!("<{name}> is no answer; answers are <given>")),
            }
        }
        if !test.expects_something() {
            self.fault(element, "the test expects nothing: name a grade, score, error, or a correctness, points or message of an answer");
        }
        self.test = None;
        if self.found.faults.len() == faults {
            self.found.tests.push(test);
        }
    }

    fn given(&mut self, element: &Element) -> Option<Given> {
        self.attributes(element, &["input", "value", "json", "correctness", "points", "message"]);
        self.text(element);
        if let Some(child) = element.elements().next() {
            self.fault(child, "<given> is empty; its answer is the attribute value or json");
        }
        let value = match (element.get("value"), element.get("json")) {
            (Some(_), Some(_)) => {
                self.fault(element, "<given> has both value and json");
                return None;
            }
            (Some(text), None) => Some(GivenValue::Text(text.to_owned())),
            (None, Some(text)) => match serde_json::from_str(text) {
                Ok(json) => Some(GivenValue::Json(json)),
                Err(error) => {
                    self.fault(element, format!("json={text:?} is no JSON: {error}"));
                    return None;
                }
            },
            (None, None) => None,
        };
        Some(Given {
            input: element.get("input").map(str::to_owned),
            value,
            correctness: self.grade(element, "correctness"),
            points: self.number(element, "points"),
            message: element.get("message").map(str::to_owned),
            position: element.position(),
        })
    }

    fn grade(&mut self, element: &Element, name: &str) -> Option<String> {
        let grade = element.get(name)?;
        if !GRADES.contains(&grade) {
            self.fault(element, format!("{name}={grade:?} is none of {}", GRADES.join(", ")));
        }
        Some(grade.to_owned())
    }

    fn number(&mut self, element: &Element, name: &str) -> Option<f64> {
        let text = element.get(name)?;
        let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        if number.is_none() {
            self.fault(element, format!("{name}={text:?} is no number"));
        }
        number
    }
}

impl AuthorTest {
    fn expects_something(&self) -> bool {
        let of_answer =
            |given: &Given| given.correctness.is_some() || given.points.is_some() || given.message.is_some();
        self.grade.is_some()
            || self.score.is_some()
            || self.error.is_some()
            || self.given.iter().any(of_answer)
    }

    /// Lists the answers, for what can be said of them without running anything.
    pub(in crate::problem) fn given(&self) -> &[Given] {
        &self.given
    }
}

/// Reads `1-20, 30`.
fn seeds(text: &str) -> Result<Vec<i64>, String> {
    let mut seeds = Vec::new();
    for part in text.split(',').map(str::trim) {
        let wrong = || format!("seeds={text:?} is no list of numbers and ranges such as 1-20, 30");
        // A seed may be negative, so the dash of a range is not the first character.
        let range = part.get(1..).and_then(|rest| rest.find('-')).map(|at| part.split_at(at + 1));
        let (first, last): (i64, i64) = match range {
            Some((first, last)) => {
                (first.trim().parse().map_err(|_| wrong())?, last[1..].trim().parse().map_err(|_| wrong())?)
            }
            None => {
                let seed = part.parse().map_err(|_| wrong())?;
                (seed, seed)
            }
        };
        if last < first {
            return Err(wrong());
        }
        let room = MOST_SEEDS - seeds.len();
        if usize::try_from(last.abs_diff(first)).map_or(true, |count| count >= room) {
            return Err(format!("seeds={text:?} names more than {MOST_SEEDS}"));
        }
        seeds.extend(first..=last);
    }
    Ok(seeds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_numbers_and_ranges() {
        assert_eq!(seeds("1-3, 7"), Ok(vec![1, 2, 3, 7]));
        assert_eq!(seeds("-2--1"), Ok(vec![-2, -1]));
        for text in ["", "a", "3-1", "1-", "1-99999999999", "-9223372036854775808-9223372036854775807"] {
            assert!(seeds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let xml = "<problem>\n<responseparam type=\"tests\">\n<test grade=\"good\" more=\"1\">text</test>\n<given/>\n\
                   <test name=\"named\"><given value=\"1\" json=\"2\"/></test><test grade=\"correct\"/></responseparam></problem>";
        let found = author_tests(xml);
        let told: Vec<_> =
            found.faults.iter().map(|fault| (fault.position.line, fault.test.as_deref())).collect();
        let (first, second) = (Some("1"), Some("named"));
        let expected = [(3, first), (3, first), (3, first), (4, None), (5, second), (5, second)];
        assert_eq!(told, expected, "{found:?}");
        let names: Vec<_> = found.tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(names, ["3"], "what is written well is a test all the same");
    }
}
