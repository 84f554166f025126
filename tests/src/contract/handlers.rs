//! Promises about handlers.

use xblock_core::block::{BlockError, HandlerRequest};
use xblock_core::host::Handled;

use super::calm::calmly;
use super::views::shown;
use super::{Contract, Finding, requests};
use crate::workbench::Workbench;

/// Hands a request on; what is no answer below 500 is what is wrong.
fn answer(bench: &Workbench, handler: &str, request: &HandlerRequest) -> Result<Handled, String> {
    match calmly(|| bench.handle(handler, request))? {
        Ok(handled) if handled.response.status < 500 => Ok(handled),
        Ok(handled) => Err(format!("it answers with status {}", handled.response.status)),
        Err(error) => Err(format!("it fails: {error}")),
    }
}

const REFUSE: &str =
    "refuse it with BlockError::BadRequest and status 400; HandlerRequest::json does so for types of serde";

/// The first sample with something in it, afresh.
fn bench(contract: &Contract) -> Workbench {
    let (_, bench) = contract.told_samples().swap_remove(0);
    bench
}

pub(super) fn answered(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    let declared = contract.block_type().class.handlers;
    for handler in declared {
        if !contract.requests.iter().any(|(name, _)| name == handler) {
            let mend = "show the contract what it takes: .request(\"..\", json!({..}))";
            findings.push(Finding::new(format!("handler `{handler}`"), "no sample request is given", mend));
        }
    }
    for (handler, request) in &contract.requests {
        let place = format!("handler `{handler}`");
        if !declared.contains(handler) {
            findings.push(Finding::new(&place, "it is not declared", "declare it: handlers(..)"));
            continue;
        }
        match answer(&bench(contract), handler, request) {
            Ok(handled) if handled.response.status >= 400 => {
                let body: String = String::from_utf8_lossy(&handled.response.body).chars().take(80).collect();
                let wrong = format!("it refuses the sample request with {}: {body}", handled.response.status);
                findings.push(Finding::new(
                    &place,
                    wrong,
                    "answer it, or give the contract a request it takes",
                ));
            }
            Ok(handled) => {
                let response = handled.response;
                if response.content_type.starts_with("application/json") && !requests::is_json(&response.body)
                {
                    let mend = "make it with HandlerResponse::json";
                    findings.push(Finding::new(&place, "its answer says it is JSON and is none", mend));
                }
            }
            Err(wrong) => findings.push(Finding::new(&place, wrong, "answer it")),
        }
    }
    let mut strangers: Vec<String> =
        ["", "no_handler_of_this_name", "student_view", "__class__", "../x"].map(String::from).into();
    strangers.extend(declared.iter().map(|name| name.to_uppercase()));
    for name in strangers.iter().filter(|name| !declared.contains(&name.as_str())) {
        match calmly(|| bench(contract).handle(name, &HandlerRequest::post_json(&serde_json::json!({})))) {
            Ok(Err(BlockError::NoSuchHandler { .. })) => {}
            Ok(outcome) => {
                let wrong = format!(
                    "it is not declared and is answered: {:?}",
                    outcome.map(|handled| handled.response.status)
                );
                let mend = "declare it, or return BlockError::NoSuchHandler";
                findings.push(Finding::new(format!("handler `{name}`"), wrong, mend));
            }
            Err(wrong) => findings.push(Finding::new(
                format!("handler `{name}`"),
                wrong,
                "return BlockError::NoSuchHandler",
            )),
        }
    }
    findings
}

pub(super) fn garbage(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (handler, sample) in &contract.requests {
        let takes_json = requests::object(sample).is_some();
        for (name, body) in requests::garbage() {
            // A form of anything is a form; what is in it is the handler's to judge.
            let place = format!("handler `{handler}` with {name}");
            let request = HandlerRequest { body: body.clone(), ..sample.clone() };
            let bench = bench(contract);
            let before = bench.state();
            match answer(&bench, handler, &request) {
                Err(wrong) => findings.push(Finding::new(&place, wrong, REFUSE)),
                Ok(handled) if takes_json => {
                    if !requests::is_json(&body) && handled.response.status < 400 {
                        findings.push(Finding::new(&place, "it takes what is no JSON", REFUSE));
                    } else if bench.state() != before || !handled.events.is_empty() {
                        findings.push(Finding::new(&place, "it saves or publishes something", REFUSE));
                    }
                }
                Ok(_) => {}
            }
        }
        for (name, request) in requests::near_misses(sample) {
            let place = format!("handler `{handler}` with {name}");
            let bench = bench(contract);
            if let Err(wrong) = answer(&bench, handler, &request) {
                findings.push(Finding::new(&place, wrong, REFUSE));
                continue;
            }
            for view in &contract.views {
                if let Err(wrong) = shown(&bench, view) {
                    let mend = "check what comes from outside before it is set";
                    findings.push(Finding::new(
                        &place,
                        format!("afterwards {view} does not render: {wrong}"),
                        mend,
                    ));
                }
            }
            // What was taken is there when the next request comes.
            if let Err(wrong) = answer(&bench, handler, sample) {
                let mend = "check what comes from outside before it is set";
                findings.push(Finding::new(
                    &place,
                    format!("a good request fails afterwards: {wrong}"),
                    mend,
                ));
            }
        }
    }
    findings
}

pub(super) fn refused(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (handler, sample) in &contract.requests {
        let bad = requests::garbage()
            .into_iter()
            .map(|(name, body)| (name, HandlerRequest { body, ..sample.clone() }));
        for (name, request) in bad.chain(requests::near_misses(sample)) {
            let bench = bench(contract);
            let before = bench.state();
            let Ok(Ok(handled)) = calmly(|| bench.handle(handler, &request)) else { continue };
            let is_refused = handled.response.status >= 400;
            if is_refused && (bench.state() != before || !handled.events.is_empty()) {
                let place = format!("handler `{handler}` with {name}");
                let wrong = format!(
                    "it answers {} and saves or publishes something all the same",
                    handled.response.status
                );
                let mend = "return BlockError::BadRequest, which saves nothing, instead of making the answer by hand";
                findings.push(Finding::new(place, wrong, mend));
            }
        }
    }
    findings
}

pub(super) fn reading(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (handler, sample) in &contract.requests {
        for method in ["GET", "HEAD", "DELETE", "BREW"] {
            let request = HandlerRequest { method: method.into(), ..sample.clone() };
            let bench = bench(contract);
            let before = bench.state();
            let place = format!("handler `{handler}` with method {method}");
            match answer(&bench, handler, &request) {
                Ok(handled) if bench.state() != before || !handled.events.is_empty() => {
                    let mend =
                        "read the request with HandlerRequest::json, or ask for POST before anything is set";
                    findings.push(Finding::new(
                        place,
                        "it saves or publishes something: links and robots will, too",
                        mend,
                    ));
                }
                Ok(_) => {}
                Err(wrong) => findings.push(Finding::new(place, wrong, "refuse it with status 405")),
            }
        }
    }
    findings
}
