//! What inputs ask of a problem, and what external graders tell it (capa reference, sections 3.11 and 7.7).

use serde_json::{Value as Json, json};

use super::api::Problem;
use super::inputs;
use super::queue::{self, Sender};
use super::tree::Node;
use crate::chemistry;
use crate::formula;
use crate::words::Words;

/// Answers an input's own call; nothing where the input has none, or the request is none.
pub(super) fn input_ajax(problem: &mut Problem, data: &Data<'_>) -> Option<Json> {
    let id = data.get("input_id")?;
    let tag = problem.engine.input(id)?.1.tag.clone();
    let dispatch = data.get("dispatch").unwrap_or_default();
    match (tag.as_str(), dispatch) {
        ("formulaequationinput", "preview_formcalc") => preview_formula(data, &problem.services().words()),
        ("chemicalequationinput", "preview_chemcalc") => {
            Some(preview_equation(data, &problem.services().words()))
        }
        ("matlabinput", "plot") => plot(problem, id, data.get("submission")?),
        ("formulaequationinput" | "chemicalequationinput" | "matlabinput", _) => Some(json!({})),
        _ => None,
    }
}

/// What came with a call, by name; the last value of a name counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Data<'d>(pub(super) &'d [(String, String)]);

impl<'d> Data<'d> {
    pub(super) fn get(&self, name: &str) -> Option<&'d str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Shows how a formula is understood, as LaTeX.
fn preview_formula(data: &Data<'_>, words: &Words) -> Option<Json> {
    let Some(formula) = data.get("formula") else {
        return Some(json!({ "preview": "", "error": words.gettext("No formula specified.") }));
    };
    let request_start = super::python::int(data.get("request_start").unwrap_or("0"))?;
    Some(match formula::latex(formula) {
        Ok(preview) => json!({ "preview": preview, "error": "", "request_start": request_start }),
        Err(_) => json!({
            "preview": "",
            "error": words.gettext("Sorry, couldn't parse formula"),
            "request_start": request_start,
            "formula": formula,
        }),
    })
}

/// Shows how a chemical equation is understood; what is not, is marked in it.
fn preview_equation(data: &Data<'_>, words: &Words) -> Json {
    match data.get("formula") {
        None => json!({ "preview": "", "error": words.gettext("No formula specified.") }),
        Some(equation) => json!({ "preview": chemistry::render_to_html(equation), "error": "" }),
    }
}

/// Sends a program to be run; the input keeps what it waits for.
fn plot(problem: &mut Problem, id: &str, program: &str) -> Option<Json> {
    let services = problem.services().clone();
    let Some(grader_queue) = &services.queue else {
        return Some(
            json!({ "success": false, "message": services.words().gettext("Cannot connect to the queue") }),
        );
    };
    let nodes = problem.engine.root.descendants();
    let payload = nodes.into_iter().find(|node: &&Node| node.get("id") == Some(id)).map(inputs::plot_payload);
    let sender = Sender::of(&problem.engine.context, services.now);
    let sent = grader_queue.plot(sender, id, &payload.unwrap_or_default(), program);
    Some(match sent {
        Err(message) => json!({ "success": false, "message": message }),
        Ok(queued) => {
            #[expect(clippy::cast_precision_loss, reason = "the times of this age are exact")]
            let now = services.now.timestamp_micros() as f64 / 1e6;
            let kept = problem.state.input_state.entry(id.to_owned()).or_insert_with(|| json!({}));
            kept["queuekey"] = json!(queued.key);
            kept["queuestate"] = json!("queued");
            kept["queuetime"] = json!(now);
            json!({ "success": true, "message": queued.message })
        }
    })
}

/// Says what came of sending a program that its input waits for.
pub(super) fn plot_sent(problem: &mut Problem, id: &str, sent: &Json) -> Option<Json> {
    let kept = problem.state.input_state.get_mut(id)?;
    let Some(message) = sent["error"].as_str() else {
        return Some(json!({ "success": true, "message": sent["message"] }));
    };
    if kept["queuekey"] == sent["key"] {
        kept["queuekey"] = Json::Null;
        kept["queuestate"] = Json::Null;
    }
    Some(json!({ "success": false, "message": message }))
}

/// Takes an external grader's verdict on an answer.
pub(super) fn score_update(problem: &mut Problem, data: &Data<'_>) -> Option<Json> {
    let (key, reply) = (data.get("queuekey")?, data.get("xqueue_body")?);
    let words = problem.services().words();
    let responses = problem.engine.responses.iter().filter(|response| response.tag == "coderesponse");
    for input in responses.flat_map(|response| &response.inputs) {
        let mut entry = problem.state.correct_map.get(&input.id).cloned().unwrap_or_default();
        let before = entry.clone();
        queue::take_reply(&mut entry, key, reply, &words);
        if entry != before {
            problem.state.correct_map.set(&input.id, entry);
        }
    }
    problem.state.score = Some(problem.score_of_map());
    Some(json!({}))
}

/// Takes what an external grader made of a program without grading it.
pub(super) fn ungraded_response(problem: &mut Problem, data: &Data<'_>) -> Option<Json> {
    let (key, reply) = (data.get("queuekey")?, data.get("xqueue_body")?);
    let inputs = problem.engine.responses.iter().flat_map(|response| &response.inputs);
    for input in inputs.filter(|input| input.tag == "matlabinput") {
        let Some(kept) = problem.state.input_state.get_mut(&input.id) else {
            continue;
        };
        if kept["queuestate"] == "queued" && kept["queuekey"] == key {
            let reply: Json = serde_json::from_str(reply).ok()?;
            kept["queue_msg"] = reply.get("msg")?.clone();
            kept["queuestate"] = Json::Null;
            kept["queuekey"] = Json::Null;
        }
    }
    Some(json!({}))
}
