//! Problems: how they load, what they show, and what becomes of submissions.

use std::sync::Arc;

use blocks::problem::{
    Answers, GradeError, GraderQueue, LoadError, Outcome, Problem, ProblemOptions, ProblemServices,
};
use serde_json::{Map, Value as Json, json};
use xblock_core::keys::UsageKey;

use super::super::Report;
use super::graders::{Queue, Replies};
use super::html::{difference, message, normalised};
use super::sandbox;

/// Cases that come out otherwise here on purpose, with the line of `docs/differences.md` that says so.
const DIFFERENCES: &[(&str, &str)] = &[
    ("choice-hints-label-on-textless", "empty choice hint of checkboxes"),
    ("choice-html-labels", "prefixes of author markup"),
    ("num-hintgroup-ignored", "problem with a hint group or an empty option nobody can use"),
    ("opt-hintgroup", "problem with a hint group or an empty option nobody can use"),
    ("opt-option-tags-empty", "problem with a hint group or an empty option nobody can use"),
    ("struct-label-with-script-like", "label with escaped markup that is no XML"),
    ("struct-math-empty", "math that is MathML, empty or has signs of XML"),
    ("struct-math-mathml", "math that is MathML, empty or has signs of XML"),
    ("struct-math-special", "math that is MathML, empty or has signs of XML"),
    ("struct-namespace-prefix", "prefixes of author markup"),
    ("symbolic-bad-expect", "what Python itself says of code and expressions"),
];

/// The usage keys of problems that have only an id.
const USAGES: &str = "block-v1:Org+C1+R1+type@problem+block@";

/// Checks a problem, as one case, and each submission, as one more.
pub(super) fn check(case: &Json, report: &mut Report) {
    let id = case["id"].as_str().unwrap_or("a case without an id");
    if DIFFERENCES.iter().any(|(known, _)| *known == id) {
        return;
    }
    let case = Case { recorded: case, queue: Arc::default() };
    let problem = match case.loaded() {
        Ok(Some(problem)) => problem,
        outcome => return report.case(id, outcome.map(drop)),
    };
    report.case(id, case.shown(&problem));
    for (at, submission) in case.recorded["submissions"].as_array().into_iter().flatten().enumerate() {
        let case = Case { queue: Arc::default(), ..case };
        report.case(&format!("{id}[{at}] {}", submission["form"]), case.submitted(submission));
    }
}

/// A recorded problem.
struct Case<'c> {
    recorded: &'c Json,
    queue: Arc<Queue>,
}

impl Case<'_> {
    fn xml(&self) -> &str {
        self.recorded["xml"].as_str().unwrap_or_default()
    }

    fn load(&self) -> Result<Problem, LoadError> {
        self.with_options(Problem::load)
    }

    fn with_options<T>(&self, work: impl Fn(&str, ProblemOptions<'_>) -> T) -> T {
        let id = self.recorded["problem_id"].as_str().unwrap_or("q");
        let named = || format!("{USAGES}{id}").parse();
        let usage: UsageKey = id.parse().or_else(|_| named()).expect("vectors name problems by keys or ids");
        let read = |path: &str| {
            match path {
            "inc.xml" => Some(
                br#"<div class="included"><p>Included $v</p><numericalresponse answer="8"><textline/></numericalresponse></div>"#
                    .to_vec(),
            ),
            "bad.xml" => Some(b"<p>unclosed".to_vec()),
            _ => None,
        }
        };
        let options = ProblemOptions {
            seed: self.recorded["seed"].as_i64(),
            anonymous_id: "anon-student",
            services: ProblemServices {
                sandbox: sandbox::sandbox().ok(),
                queue: Some(GraderQueue {
                    service: self.queue.clone(),
                    usage: usage.clone(),
                    matlab_api_key: self.recorded["fields"]["matlab_api_key"].as_str().map(str::to_owned),
                }),
                external_grader: Some(Arc::new(Replies(
                    self.recorded["server_replies"].as_object().cloned().unwrap_or_default(),
                ))),
                now: sandbox::now(),
                ..ProblemServices::default()
            },
            files: Some(&read),
            ..ProblemOptions::new(usage)
        };
        work(self.xml(), options)
    }

    /// Compares loading and the points; returns the problem where it loads as it should.
    fn loaded(&self) -> Result<Option<Problem>, String> {
        let points = self.with_options(|xml, options| Problem::max_score_of(xml, &options));
        match (&points, self.recorded["max_score"].as_i64()) {
            (Ok(points), Some(expected)) if *points == expected => {}
            // The platform counts no points where a problem cannot be put together.
            (Err(_), Some(0) | None) => {}
            (points, expected) => return Err(format!("max_score {points:?} for {expected:?}")),
        }
        match (self.load(), self.recorded.get("load_error")) {
            (Ok(problem), None) => Ok(Some(problem)),
            (Ok(_), Some(error)) => Err(format!("loads, expected {error}")),
            (Err(error), None) => Err(format!("does not load: {error}")),
            (Err(error), Some(expected)) => self.load_error(&error, expected).map(|()| None),
        }
    }

    /// Compares what a script's failure says, and the platform's own words for authors.
    fn load_error(&self, error: &LoadError, expected: &Json) -> Result<(), String> {
        let Some(expected) = expected["sandbox_last_line"].as_str() else {
            let found = error.to_string();
            let stated = stated_cause(expected["message"].as_str().unwrap_or_default());
            return match stated.filter(|stated| !found.contains(stated)) {
                Some(stated) => Err(format!("{found:?} for {stated:?}")),
                None if found.trim().is_empty() => Err("no word of what is wrong".into()),
                None => Ok(()),
            };
        };
        let LoadError::Script { last_line: Some(last_line), .. } = error else {
            return Err(format!("{error} for {expected}"));
        };
        let expected = expected.replace("\\'", "'");
        // The code jail has more lines of its own before the author's.
        let without_line = |text: &str| text.split(" (detected at line").next().map(str::to_owned);
        if without_line(last_line) == without_line(&expected) {
            Ok(())
        } else {
            Err(format!("{last_line} for {expected}"))
        }
    }

    /// Compares what the problem has and shows before it is answered.
    fn shown(&self, problem: &Problem) -> Result<(), String> {
        if !problem.needs().is_empty() {
            return Err(format!("needs {}", problem.needs().join("; ")));
        }
        if self.recorded["total"] != problem.max_score() {
            return Err(format!("total {} for {}", problem.max_score(), self.recorded["total"]));
        }
        self.context(problem)?;
        let answers = Json::Object(problem.question_answers());
        if !agree(&answers, &self.recorded["question_answers"]) {
            return Err(format!("answers {answers} for {}", self.recorded["question_answers"]));
        }
        let initial = problem.state()["student_answers"].clone();
        let expected = self.recorded.get("initial_student_answers").cloned().unwrap_or_else(|| json!({}));
        if initial != expected {
            return Err(format!("initial answers {initial} for {expected}"));
        }
        compare_html("html_before", &problem.html(), &self.recorded["html_before"])
    }

    fn context(&self, problem: &Problem) -> Result<(), String> {
        let mut names = problem.context();
        for own in ["seed", "anonymous_student_id", "script_code", "python_path", "extra_files"] {
            if self.recorded["context"].get(own).is_none() {
                names.shift_remove(own);
            }
        }
        let names: Map<_, _> = names.into_iter().map(|(name, value)| (name, plain(value))).collect();
        let expected = self.recorded.get("context").cloned().unwrap_or_else(|| json!({}));
        let found = Json::Object(names);
        if agree(&found, &expected) { Ok(()) } else { Err(format!("context {found} for {expected}")) }
    }

    fn submitted(&self, submission: &Json) -> Result<(), String> {
        let mut problem = self.load().map_err(|error| format!("does not load any more: {error}"))?;
        let before = problem.html();
        let answers = match (read_form(submission), submission.get("answers_error")) {
            (Ok(answers), None) => answers,
            (Ok(_), Some(error)) => return Err(format!("the form is read, expected {error}")),
            (Err(found), Some(error)) if error["message"] == found.as_str() => return Ok(()),
            (Err(found), _) => return Err(format!("the form is not read: {found}")),
        };
        if let Some(expected) = submission.get("answers").filter(|expected| **expected != json!(answers)) {
            return Err(format!("answers {} for {expected}", json!(answers)));
        }
        let outcome = match (problem.grade(&answers), submission.get("raises")) {
            (Err(GradeError::Unsupported { needs }), _) => return Err(format!("not graded: {needs}")),
            (Err(error), Some(raised)) => return is_raised(&error, raised),
            (Ok(_), Some(error)) => return Err(format!("graded, expected {error}")),
            (Err(error), None) => return refused(&error, submission),
            (Ok(outcome), None) => outcome,
        };
        if let Some(message) = submission.get("student_message") {
            return Err(format!("graded, expected the message {message}"));
        }
        graded(&outcome, submission)?;
        if let Some(expected) = submission.get("xqueue_sent") {
            self.sent(expected)?;
        }
        if let Some(expected) = submission.get("permutation")
            && json!(problem.permutation()) != *expected
        {
            return Err(format!("permutation {} for {expected}", json!(problem.permutation())));
        }
        if let Some(expected) = submission.get("submission_metadata") {
            let is_never = self.recorded["fields"]["rerandomize"].as_str().is_none_or(|when| when == "never");
            let variant = if is_never { json!("") } else { json!(problem.seed()) };
            let found = problem.submission_metadata(&answers, &variant);
            if !agree(&found, expected) {
                return Err(format!("submission_metadata {found} for {expected}"));
            }
        }
        match &submission["html_after"] {
            Json::Null => Ok(()),
            Json::String(same) if same == "=html_before" => {
                compare_html("html_after", &problem.html(), &json!(before))
            }
            expected => compare_html("html_after", &problem.html(), expected),
        }
    }
}

impl Case<'_> {
    /// Compares what went to the queue.
    fn sent(&self, expected: &Json) -> Result<(), String> {
        let expected = expected.as_array().into_iter().flatten();
        let expected: Vec<Json> =
            expected.map(|sent| json!({ "header": sent["header"], "body": sent["body"] })).collect();
        let found = self.queue.sent();
        if found == expected {
            Ok(())
        } else {
            Err(format!("xqueue_sent {} for {}", json!(found), json!(expected)))
        }
    }
}

/// What says that a text is Python's or its libraries' own, leaking; authors read ours instead (docs/differences.md).
const LEAKS: [&str; 8] = [
    "'NoneType' object",
    "list index out of range",
    "cannot access local variable",
    "expected string or bytes-like object",
    "(<string>, line",
    "EntitiesForbidden",
    "resource '",
    "Expecting value",
];

/// Returns what the platform says of a problem that cannot be put together, without the element it repeats in Python's
/// form; nothing where the words are no words for authors.
fn stated_cause(message: &str) -> Option<String> {
    let cause = message.split_once("@q: ").map_or(message, |(_, cause)| cause);
    let cause = match cause.strip_prefix("Error in xml '").and_then(|rest| rest.rsplit_once("': ")) {
        Some((_, cause)) => cause,
        None => cause,
    };
    let is_own = cause != "None" && !LEAKS.iter().any(|leak| cause.contains(leak));
    let text = [("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")];
    let cause =
        text.iter().fold(cause.trim().to_owned(), |cause, (entity, sign)| cause.replace(entity, sign));
    is_own.then_some(cause)
}

/// Compares what stops grading, where the platform says it in words; exceptions that leak are said in ours.
fn is_raised(error: &GradeError, raised: &Json) -> Result<(), String> {
    let (found, stated) = (error.to_string(), raised["message"].as_str().unwrap_or_default());
    let is_leak = !matches!(raised["class"].as_str(), Some("ValueError" | "Exception" | "OverflowError"));
    if found == stated || (is_leak && !found.trim().is_empty()) {
        Ok(())
    } else {
        Err(format!("{found:?} for {stated:?}"))
    }
}

fn read_form(submission: &Json) -> Result<Answers, String> {
    let fields = submission["form"].as_array().into_iter().flatten().map(|field| {
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (text(&field[0]), text(&field[1]))
    });
    Problem::read_form(&fields.collect::<Vec<_>>())
}

/// Compares what learners are told of a submission that was not graded.
fn refused(error: &GradeError, submission: &Json) -> Result<(), String> {
    let message = error.learner_message();
    let is_expected = match &submission["student_message"] {
        Json::String(expected) => {
            // The words of a regular expression engine are its own.
            let engine = "stringresponse] error: ";
            // Newer Pythons add what might have been meant.
            let without_guess = expected.split(". Did you mean: ").next().unwrap_or_default();
            *expected == message
                // Python's object for a traceback is not for learners.
                || expected.strip_suffix(" (<traceback>)") == Some(&*message)
                || without_guess == message
                || (expected.contains(engine) && message.contains(engine))
        }
        Json::Object(expected) => {
            let ending = expected.get("sandbox_traceback_ending").and_then(Json::as_str);
            ending.is_some_and(|ending| message.contains(ending))
        }
        _ => false,
    };
    if is_expected { Ok(()) } else { Err(format!("{message:?} for {}", submission["student_message"])) }
}

fn graded(outcome: &Outcome, submission: &Json) -> Result<(), String> {
    let found = whole_map(&Json::Object(outcome.correct_map.clone()));
    let expected = whole_map(&submission["correct_map"]);
    if !agree(&found, &expected) {
        return Err(format!("correct_map {found} for {expected}"));
    }
    let expected = submission["overall_message"].as_str().unwrap_or_default();
    if message(&outcome.overall_message) != message(expected) {
        return Err(format!("overall_message {:?} for {expected:?}", outcome.overall_message));
    }
    let score = json!({ "earned": outcome.score.earned(), "possible": outcome.score.possible() });
    if let Some(expected) = submission.get("score").filter(|expected| !agree(&score, expected)) {
        return Err(format!("score {score} for {expected}"));
    }
    if let Some(expected) = submission.get("success").filter(|expected| outcome.success() != **expected) {
        return Err(format!("success {} for {expected}", outcome.success()));
    }
    let events = outcome.hint_events.iter();
    let events: Vec<Json> = events.map(|data| json!(["edx.problem.hint.feedback_displayed", data])).collect();
    let expected = submission.get("hint_events").cloned().unwrap_or_else(|| json!([]));
    if json!(events) == expected {
        Ok(())
    } else {
        Err(format!("hint_events {} for {expected}", json!(events)))
    }
}

fn compare_html(what: &str, found: &str, expected: &Json) -> Result<(), String> {
    if let Some(raw) = expected["raw"].as_str() {
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        let is_same = squeezed(found) == squeezed(raw);
        return if is_same { Ok(()) } else { Err(format!("{what}: {found} for {raw}")) };
    }
    let Some(expected) = expected.as_str() else {
        return Ok(());
    };
    let expected = normalised(expected).unwrap_or_else(|| expected.to_owned());
    match normalised(found) {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(difference(what, &found, &expected)),
        None => Err(format!("{what} is no XML: {found}")),
    }
}

/// Fills in the members an entry leaves out, brings messages into their normal form and hides keys and times.
fn whole_map(map: &Json) -> Json {
    let entries = map.as_object().into_iter().flatten().map(|(id, entry)| {
        let mut whole = json!({
            "correctness": null, "npoints": null, "msg": "", "hint": "", "hintmode": null, "queuestate": null,
            "answervariable": null,
        });
        for (name, value) in entry.as_object().into_iter().flatten() {
            whole[name] = value.clone();
        }
        if let Some(text) = whole["msg"].as_str() {
            whole["msg"] = json!(message(text));
        }
        if whole["queuestate"].is_object() {
            whole["queuestate"] = json!("queued");
        }
        (id.clone(), whole)
    });
    Json::Object(entries.collect())
}

/// Writes integers beyond 64 bits as they were recorded.
fn plain(value: Json) -> Json {
    match value {
        Json::Object(members) => match members.get("__int__") {
            Some(Json::String(digits)) => serde_json::from_str(digits).unwrap_or_default(),
            _ => Json::Object(members.into_iter().map(|(name, value)| (name, plain(value))).collect()),
        },
        Json::Array(items) => Json::Array(items.into_iter().map(plain).collect()),
        other => other,
    }
}

/// Tells whether two JSON values agree, floats nearly.
pub(super) fn agree(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a == b || (a - b).abs() <= 1e-12 * a.abs().max(b.abs()),
            _ => a == b,
        },
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| agree(a, b)))
        }
        _ => a == b,
    }
}
