//! `externalresponse`: answers that a grader elsewhere looks at while the learner waits (capa reference, section 3.12).

use serde_json::{Value as Json, json};
use xblock_core::olx::{Document, FileName, ParseOptions, Source};
use xblock_core::services::ExternalGraderService;

use super::{Graded, Grader, Input, Setup, missing};
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::json_text;
use crate::problem::services::ProblemServices;
use crate::problem::tree::Node;
use crate::words::marked;

/// Answers graded elsewhere.
#[derive(Debug, Clone)]
pub(in crate::problem) struct External {
    url: String,
    tests: Option<String>,
    /// What grades, in whatever language the grader understands.
    code: String,
    /// The question as XML.
    xml: String,
    /// The right answers, in the order of the inputs; the grader was asked for them when the problem was put together.
    answers: Vec<Json>,
}

const NEEDS: &str = marked("a question of type externalresponse needs its grader on another server");

/// Where answers go that name no grader; there is none any more.
const DEFAULT_URL: &str = "http://qisx.mit.edu:8889/pyloncapa";

impl External {
    /// Reads the question and asks its grader for the right answers. Without a grader's service they are unknown.
    pub(super) fn build(node: &Node, setup: Setup<'_>) -> Result<Self, LoadError> {
        let code = match node.all("answer").next() {
            Some(answer) => answer.text.as_str(),
            None => setup.script_source,
        };
        if code.is_empty() && node.all("answer").next().is_none() {
            let message =
                "LoncapaProblem Response externalresponse: Missing answer script code for externalresponse";
            return Err(LoadError::at(node.line, message));
        }
        let mut external = Self {
            url: node.get("url").filter(|url| !url.is_empty()).unwrap_or(DEFAULT_URL).to_owned(),
            tests: node.get("tests").map(str::to_owned),
            code: code.to_owned(),
            xml: pretty_printed(node),
            answers: Vec::new(),
        };
        if let Some(grader) = setup.services.external_grader.as_deref() {
            external.answers =
                external.ask_for_answers(grader).map_err(|what| LoadError::at(node.line, what))?;
            if external.answers.len() != setup.inputs.len() {
                return Err(LoadError::at(node.line, "Short response from external server"));
            }
        }
        Ok(external)
    }

    fn ask_for_answers(&self, grader: &dyn ExternalGraderService) -> Result<Vec<Json>, String> {
        let reply = self.ask(grader, "get_answers", None)?;
        let expected = reply.all("expected").next().map(|node| node.text.as_str()).unwrap_or_default();
        serde_json::from_str(expected)
            .map_err(|error| format!("the external grader's answers are no JSON list: {error}"))
    }

    /// Asks the grader and reads its reply.
    fn ask(
        &self,
        grader: &dyn ExternalGraderService,
        command: &str,
        response: Option<String>,
    ) -> Result<Node, String> {
        let mut form = vec![("xml", self.xml.clone()), ("edX_cmd", command.to_owned())];
        form.extend(self.tests.iter().map(|tests| ("edX_tests", tests.clone())));
        form.push(("processor", self.code.clone()));
        form.extend(response.map(|response| ("edX_student_response", response)));
        let reply = grader
            .post(&self.url, &form)
            .map_err(|error| format!("Error {error} - cannot connect to external server url={}", self.url))?;
        if reply.trim().is_empty() {
            return Err(format!("Error: no response from external server url={}", self.url));
        }
        let source = Source::new(FileName::from("reply"), reply.as_str().into());
        let document = Document::parse_text(source, &ParseOptions::default())
            .map_err(|error| format!("Error {} - cannot parse response from external server", error.kind))?;
        Ok(Node::from_document(&document))
    }
}

impl Grader for External {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let grader = grading.services.external_grader.as_deref();
        let grader = grader.ok_or_else(|| GradeError::Unsupported {
            needs: grading.services.words().gettext(NEEDS).into_owned(),
        })?;
        let mut sorted: Vec<&Input> = inputs.iter().collect();
        sorted.sort_by(|a, b| a.id.cmp(&b.id));
        let submission: Vec<&Json> = sorted
            .iter()
            .map(|input| grading.answers.get(&input.id).ok_or_else(|| missing(&input.id)))
            .collect::<Result<_, _>>()?;
        let submission = json!(submission);
        let response = json_text::dumps(&submission);
        grading.context.set("submission", submission);
        let reply = self.ask(grader, "get_score", Some(response)).map_err(GradeError::Author)?;
        let text = |name: &str| {
            let child = reply.all(name).next();
            child.map(|child| child.text.clone()).ok_or_else(|| {
                GradeError::Author(format!("the external grader's reply has no element {name}"))
            })
        };
        // Whatever it says beside this is taken for right.
        let is_right = text("awarddetail")? != "WRONG_FORMAT";
        let message = text("message")?.replace("&nbsp;", "&#160;");
        let [input] = sorted.as_slice() else {
            return Err(GradeError::Author("list index out of range".into()));
        };
        let entry = Entry { msg: Some(message), ..Entry::right(is_right) };
        grading.context.set("correct", json!([entry.correctness]));
        Ok(Graded::one(input, entry))
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        Ok(inputs
            .iter()
            .zip(&self.answers)
            .map(|(input, answer)| (input.id.clone(), answer.clone()))
            .collect())
    }

    fn needs(&self, services: &ProblemServices) -> Option<String> {
        services.external_grader.is_none().then(|| services.words().gettext(NEEDS).into_owned())
    }
}

/// Writes an element as lxml's pretty printer does: children on lines of their own, unless there is text among them.
fn pretty_printed(node: &Node) -> String {
    let mut out = String::new();
    write(node, Some(0), &mut out);
    write_text(&node.tail, false, &mut out);
    out.push('\n');
    out
}

fn write(node: &Node, depth: Option<usize>, out: &mut String) {
    out.push('<');
    out.push_str(&node.name);
    for (name, value) in &node.attributes {
        out.push_str(&format!(" {name}=\""));
        write_text(value, true, out);
        out.push('"');
    }
    let children: Vec<&Node> = node.elements().collect();
    if children.is_empty() && node.text.is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    write_text(&node.text, false, out);
    let has_text = !node.text.is_empty() || children.iter().any(|child| !child.tail.is_empty());
    let depth = depth.filter(|_| !has_text);
    let new_line = |depth: usize, out: &mut String| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    for child in &children {
        if let Some(depth) = depth {
            new_line(depth + 1, out);
        }
        write(child, depth.map(|depth| depth + 1), out);
        write_text(&child.tail, false, out);
    }
    if let Some(depth) = depth {
        new_line(depth, out);
    }
    out.push_str(&format!("</{}>", node.name));
}

fn write_text(text: &str, is_attribute: bool, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if is_attribute => out.push_str("&quot;"),
            '\n' | '\t' if is_attribute => out.push_str(&format!("&#{};", u32::from(character))),
            '\r' => out.push_str("&#13;"),
            plain if plain.is_ascii() => out.push(plain),
            other => out.push_str(&format!("&#{};", u32::from(other))),
        }
    }
}
