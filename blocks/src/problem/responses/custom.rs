//! `customresponse`: what the author's code says (capa reference, section 3.8).

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::{Graded, Grader, Input, Setup};
use crate::escape;
use crate::problem::context::Context;
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::message;
use crate::problem::python;
use crate::problem::script::{Caching, ScriptError};
use crate::problem::services::ProblemServices;
use crate::problem::tree::Node;
use crate::words::{Words, fill};

/// Answers that the author's code grades.
#[derive(Debug, Clone)]
pub(super) struct Custom {
    tag: String,
    /// The question's id.
    id: String,
    expect: Option<String>,
    options: Option<String>,
    code: Code,
    /// Whether learners are told that they answered nothing.
    tells_empty: bool,
    /// What is shown as the answer to each input, where its author says.
    shown: Vec<Option<String>>,
}

/// Where the code of a question is.
#[derive(Debug, Clone)]
enum Code {
    /// In the question itself.
    Inline(String),
    /// In a function of the script, which gets some names of the problem besides the answers.
    Function { name: String, extra: Vec<String> },
    /// Nowhere.
    None,
}

/// What a check function says of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Correct,
    Partial,
    Incorrect,
}

impl Custom {
    pub(super) fn build(node: &mut Node, setup: Setup<'_>) -> Result<Arc<dyn Grader>, LoadError> {
        let nodes = node.descendants();
        let answer = nodes.iter().find(|child| child.name == "answer");
        let code = match (answer, node.get("cfn").filter(|name| !name.is_empty())) {
            (Some(answer), _) => Code::Inline(answer.text.clone()),
            (None, Some(name)) => Code::Function {
                name: name.to_owned(),
                extra: node
                    .get("cfn_extra_args")
                    .unwrap_or_default()
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect(),
            },
            (None, None) => Code::None,
        };
        Ok(Arc::new(Self {
            tag: node.name.clone(),
            id: node.get("id").unwrap_or_default().to_owned(),
            expect: expected(node, setup.context),
            options: node.get("options").map(str::to_owned),
            code,
            tells_empty: node.get("empty_answer_err").is_some_and(|text| !text.is_empty()),
            shown: shown_answers(node, setup),
        }))
    }

    /// Puts what code of the question can refer to into the context.
    fn fill_context(&self, ids: &[&str], submission: &[Json], grading: &mut Grading<'_>) {
        let dynamath: Vec<Json> = ids
            .iter()
            .map(|id| grading.answers.get(&format!("{id}_dynamath")).cloned().unwrap_or_default())
            .collect();
        let debug = grading.services.is_author_mode;
        let context = &mut *grading.context;
        context.set("response_id", self.id.as_str());
        context.set("expect", json!(self.expect));
        context.set("submission", json!(submission));
        context.set("idset", json!(ids));
        context.set("dynamath", json!(dynamath));
        context.set("answers", json!(grading.answers));
        context.set("correct", json!(vec!["unknown"; ids.len()]));
        context.set("messages", json!(vec![""; ids.len()]));
        context.set("overall_message", "");
        context.set("options", json!(self.options));
        context.set("testdat", "hello world");
        context.set("debug", debug);
    }

    /// Calls the check function and puts what it says into the context.
    fn call(
        &self,
        name: &str,
        extra: &[String],
        submission: &[Json],
        grading: &mut Grading<'_>,
    ) -> Result<(), GradeError> {
        let answer = match submission {
            [only] => only.clone(),
            several => json!(several),
        };
        let mut globals = Map::new();
        globals.insert("expect".into(), json!(self.expect));
        globals.insert("ans".into(), answer);
        let mut arguments = String::new();
        for name in extra {
            globals.insert(name.clone(), grading.context.get(name).cloned().unwrap_or_default());
            arguments.push_str(&format!(", {name}={name}"));
        }
        let call = format!("cfn_return = {name}(expect, ans{arguments})");
        let names = grading
            .script
            .call(&call, globals, grading.context, grading.services)
            .map_err(|error| grading.script.grade_error(error))?;
        // What JSON cannot hold does not come back.
        let Some(said) = names.get("cfn_return") else {
            return Err(GradeError::Message("'cfn_return'".into()));
        };
        take(said, submission.len(), grading.context)
    }
}

impl Grader for Custom {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let ids: Vec<&str> = inputs.iter().map(|input| input.id.as_str()).collect();
        let submission = submission(&ids, grading)?;
        if let ([input], [answer]) = (inputs, &submission[..])
            && python::is_false(answer)
        {
            let mut entry = Entry::right(false);
            if self.tells_empty {
                entry.add_message(&no_answer(&grading.services.words()));
            }
            return Ok(Graded::one(input, entry));
        }
        self.fill_context(&ids, &submission, grading);
        match &self.code {
            Code::Function { name, extra } => self.call(name, extra, &submission, grading)?,
            Code::Inline(code) => run_inline(code, grading)?,
            Code::None => {}
        }
        read_context(inputs, grading.context)
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        if let ([input], Some(expect)) = (inputs, self.expect.as_ref().filter(|text| !text.is_empty())) {
            return Ok(vec![(input.id.clone(), json!(expect))]);
        }
        Ok(answers_of(inputs, &self.shown))
    }

    fn needs(&self, services: &ProblemServices) -> Option<String> {
        needs_sandbox(&self.tag, services)
    }
}

/// Says that nothing was answered.
pub(super) fn no_answer(words: &Words) -> String {
    format!("<span class=\"inline-error\">{}</span>", escape::html(&words.gettext("No answer entered!")))
}

/// Says that a question needs the sandbox, where there is none.
pub(super) fn needs_sandbox(tag: &str, services: &ProblemServices) -> Option<String> {
    services.sandbox.is_none().then(|| {
        let words = services.words();
        let what = words.gettext("a question of type {tag} needs its author's code in the Python sandbox");
        fill(&what, &[("tag", &tag)])
    })
}

/// Returns the answer that is expected, by the attribute `expect` or else `answer`.
pub(super) fn expected(node: &Node, context: &Context) -> Option<String> {
    let expect = node.get("expect").filter(|text| !text.is_empty()).or_else(|| node.get("answer"));
    expect.map(|text| context.substitute(text))
}

/// Returns what the attribute `correct_answer` of each input says.
pub(super) fn shown_answers(node: &Node, setup: Setup<'_>) -> Vec<Option<String>> {
    let nodes: HashMap<&str, &Node> =
        node.descendants().into_iter().filter_map(|node| Some((node.get("id")?, node))).collect();
    let shown = setup.inputs.iter().map(|input| {
        let node = nodes.get(&*input.id)?;
        let answer = node.get("correct_answer").filter(|text| !text.is_empty())?;
        Some(setup.context.substitute(answer))
    });
    shown.collect()
}

/// Pairs inputs with what is shown as their answers.
pub(super) fn answers_of(inputs: &[Input], shown: &[Option<String>]) -> Vec<(String, Json)> {
    let answers = inputs.iter().zip(shown);
    answers.filter_map(|(input, answer)| Some((input.id.clone(), json!(answer.as_ref()?)))).collect()
}

/// Collects the answers to the inputs.
pub(super) fn submission(ids: &[&str], grading: &Grading<'_>) -> Result<Vec<Json>, GradeError> {
    let answers = ids.iter().map(|id| {
        grading.answers.get(*id).cloned().ok_or_else(|| {
            GradeError::Author(format!(
                "[courseware.capa.responsetypes.customresponse] error getting student answer from {}\nidset = {}, \
                 error = '{id}'",
                python::repr(&json!(grading.answers)),
                python::repr(&json!(ids)),
            ))
        })
    });
    answers.collect()
}

/// Runs code of the question with all names of the problem, and takes over what it leaves.
pub(super) fn run_code(code: &str, grading: &mut Grading<'_>) -> Result<(), ScriptError> {
    let globals = grading.context.to_globals();
    let names = grading.script.run(code, globals, grading.context, Caching::Kept, grading.services)?;
    grading.context.update(names);
    Ok(())
}

fn run_inline(code: &str, grading: &mut Grading<'_>) -> Result<(), GradeError> {
    run_code(code, grading).map_err(|error| match error {
        ScriptError::NotRun(needs) => GradeError::Unsupported { needs },
        ScriptError::Failed { message, .. } => GradeError::Code { message, line: None },
    })
}

/// Puts what a check function returned into the context: a mark, or a mapping with one mark for all answers or one for
/// each.
fn take(said: &Json, count: usize, context: &mut Context) -> Result<(), GradeError> {
    let Json::Object(members) = said else {
        context.set("correct", json!(vec![Mark::of(said).name(); count]));
        return Ok(());
    };
    let cleaned = |message: Option<&Json>| match message {
        None | Some(Json::Null) => String::new(),
        Some(message) => message::clean(&python::printed(message)),
    };
    if let Some(ok) = members.get("ok") {
        let mark = Mark::of(ok);
        let text = cleaned(members.get("msg"));
        if count > 1 {
            context.set("overall_message", text);
        } else {
            context.set("messages", json!([text]));
        }
        let decimal = match members.get("grade_decimal") {
            Some(decimal) => to_float(decimal)?,
            None => mark.decimal(),
        };
        context.set("correct", json!(vec![mark.name(); count]));
        context.set("grade_decimals", json!(vec![decimal; count]));
        return Ok(());
    }
    let Some(list) = members.get("input_list") else {
        return Err(GradeError::Message(
            "CustomResponse: check function returned an invalid dictionary!".into(),
        ));
    };
    let (mut correct, mut messages, mut decimals) = (Vec::new(), Vec::new(), Vec::new());
    for entry in list.as_array().into_iter().flatten() {
        let ok = entry.get("ok").ok_or_else(|| GradeError::Author("'ok'".into()))?;
        correct.push(Mark::of(ok).name());
        messages.push(entry.get("msg").map(|message| cleaned(Some(message))));
        decimals.push(match entry.get("grade_decimal") {
            Some(decimal) => decimal.clone(),
            None => json!(Mark::decimal_of_text(ok)),
        });
    }
    context.set("correct", json!(correct));
    context.set("messages", json!(messages));
    context.set("overall_message", members.get("overall_message").cloned().unwrap_or_else(|| json!("")));
    context.set("grade_decimals", json!(decimals));
    Ok(())
}

impl Mark {
    fn of(value: &Json) -> Self {
        let text = python::printed(value).trim().to_lowercase();
        if python::is_false(value) || text == "false" {
            Self::Incorrect
        } else if text.contains("partial") {
            Self::Partial
        } else {
            Self::Correct
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Correct => "correct",
            Self::Partial => "partially-correct",
            Self::Incorrect => "incorrect",
        }
    }

    fn decimal(self) -> f64 {
        match self {
            Self::Correct => 1.0,
            Self::Partial => 0.5,
            Self::Incorrect => 0.0,
        }
    }

    /// Returns the share of the points for one of several marks, of which only the text `true` earns all.
    fn decimal_of_text(ok: &Json) -> f64 {
        let text = python::printed(ok).trim().to_lowercase();
        if text == "true" {
            1.0
        } else if text.contains("partial") {
            0.5
        } else {
            0.0
        }
    }
}

/// Reads the verdicts from the context, where code left them.
fn read_context(inputs: &[Input], context: &Context) -> Result<Graded, GradeError> {
    let overall_message = match context.get("overall_message") {
        None | Some(Json::Null) => String::new(),
        Some(message) => message::clean(&python::printed(message)),
    };
    let mut graded = Graded { overall_message, ..Graded::default() };
    let decimals = context.get("grade_decimals").filter(|decimals| !python::is_false(decimals));
    for (at, input) in inputs.iter().enumerate() {
        let correctness = item(context.get("correct"), at)?;
        let message = item(context.get("messages"), at)?;
        let points = input.points;
        let npoints = match (decimals, correctness.as_str()) {
            (Some(decimals), _) => times(points, &item(Some(decimals), at)?)?,
            (None, Some("correct")) => json!(points),
            (None, Some("partially-correct")) => times(points, &json!(0.5))?,
            (None, _) => json!(0),
        };
        graded.entries.push((
            input.id.clone(),
            Entry {
                correctness: text_of(&correctness),
                npoints: Some(npoints),
                msg: text_of(&message),
                ..Entry::default()
            },
        ));
    }
    Ok(graded)
}

fn text_of(value: &Json) -> Option<String> {
    (!value.is_null()).then(|| python::printed(value))
}

/// Takes an item of a list, or a character of a text.
fn item(list: Option<&Json>, at: usize) -> Result<Json, GradeError> {
    let found = match list {
        Some(Json::Array(items)) => items.get(at).cloned(),
        Some(Json::String(text)) => text.chars().nth(at).map(|character| json!(character.to_string())),
        _ => None,
    };
    found.ok_or_else(|| GradeError::Author("list index out of range".into()))
}

/// Multiplies points as Python does: whole numbers stay whole.
#[expect(clippy::cast_precision_loss, reason = "points are small")]
fn times(points: i64, decimal: &Json) -> Result<Json, GradeError> {
    match decimal {
        Json::Number(number) => Ok(match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => json!(points.saturating_mul(whole)),
            (None, Some(part)) => json!(points as f64 * part),
            (None, None) => json!(0),
        }),
        Json::Bool(is_whole) => Ok(json!(if *is_whole { points } else { 0 })),
        other => Err(GradeError::Author(format!("grade_decimal is no number: {}", python::repr(other)))),
    }
}

/// Reads a number as `float()` does.
fn to_float(value: &Json) -> Result<f64, GradeError> {
    let read = match value {
        Json::Number(number) => number.as_f64(),
        Json::Bool(is_one) => Some(if *is_one { 1.0 } else { 0.0 }),
        Json::String(text) => python::float(text),
        _ => None,
    };
    read.ok_or_else(|| {
        GradeError::Author(format!("could not convert string to float: {}", python::repr(value)))
    })
}
