//! Promises about scores.

use xblock_core::block::{BlockError, Event, HandlerRequest, RescoreError};

use super::calm::calmly;
use super::{Contract, Finding, requests};
use crate::workbench::Workbench;

pub(super) fn range(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_scored = contract.block_type().class.has_score;
    for (name, bench) in contract.samples() {
        let place = format!("sample {name:?}");
        match calmly(|| bench.max_score()) {
            Ok(Ok(Some(score))) => {
                if !is_scored {
                    let mend = "declare has_score, or give no max_score";
                    findings.push(Finding::new(&place, "it has a highest score and is not scored", mend));
                }
                if !score.is_finite() || score < 0.0 {
                    let mend = "give a number that is not negative";
                    findings.push(Finding::new(&place, format!("its highest score is {score}"), mend));
                }
            }
            Ok(Ok(None)) => {
                if is_scored {
                    let mend = "say how many points there are: max_score = method";
                    findings.push(Finding::new(&place, "it is scored and has no highest score", mend));
                }
            }
            Ok(Err(error)) => {
                findings.push(Finding::new(
                    &place,
                    format!("max_score fails: {error}"),
                    "count what there is",
                ));
            }
            Err(wrong) => findings.push(Finding::new(&place, wrong, "return an error instead")),
        }
        for (handler, sample) in &contract.requests {
            let good = std::iter::once(("the sample request".to_owned(), sample.clone()));
            for (what, request) in good.chain(requests::near_misses(sample)) {
                let place = format!("handler `{handler}` with {what}, sample {name:?}");
                for (wrong, mend) in grades(&bench.clone().apart(), handler, &request, is_scored) {
                    findings.push(Finding::new(&place, wrong, mend));
                }
            }
            let nobody = bench.clone().apart().nobody();
            if let Ok(Ok(handled)) = calmly(|| nobody.handle(handler, sample)) {
                let is_lost = |event: &Event| matches!(event, Event::Grade(grade) if grade.user_id.is_none());
                if handled.events.iter().any(is_lost) {
                    let mend = "where context.user() is none, answer BlockError::BadRequest with status 403";
                    let place = format!("handler `{handler}` for nobody, sample {name:?}");
                    findings.push(Finding::new(place, "it gives a grade, and nobody is logged in", mend));
                }
            }
        }
    }
    findings
}

pub(super) fn rescoring(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !calmly(|| contract.bench().load().scorable().is_some()).unwrap_or_default() {
        return findings;
    }
    for (name, bench) in contract.told_samples() {
        let mut answered = vec![(format!("sample {name:?}"), bench.clone().apart())];
        for (handler, request) in &contract.requests {
            let bench = bench.clone().apart();
            if calmly(|| bench.handle(handler, request)).is_ok_and(|outcome| outcome.is_ok()) {
                answered.push((format!("sample {name:?} after `{handler}`"), bench));
            }
        }
        for (place, bench) in answered {
            for (wrong, mend) in repeats(&bench) {
                findings.push(Finding::new(&place, wrong, mend));
            }
        }
    }
    let nobody_answered = contract.bench();
    if let Ok(Ok(_)) = calmly(|| nobody_answered.rescore()) {
        let mend = "let has_submitted_answer say so";
        findings.push(Finding::new("new block", "a learner who did not answer is rescored", mend));
    }
    findings
}

fn repeats(bench: &Workbench) -> Vec<(String, &'static str)> {
    let mut wrong: Vec<(String, &'static str)> = Vec::new();
    let (first, second) = (calmly(|| bench.rescore()), calmly(|| bench.rescore()));
    match (first, second) {
        (Ok(Ok(first)), Ok(Ok(second))) => {
            if first.score != second.score {
                let (one, two) = (first.score.earned(), second.score.earned());
                let said = format!("rescoring twice gives {one} and {two}");
                wrong.push((said, "compute the score from the answers, and change nothing but the score"));
            }
            if !first.events.iter().any(|event| matches!(event, Event::Grade(_))) {
                wrong.push(("rescoring publishes no grade".into(), "call publish_grade"));
            }
            if first.score.earned() > first.score.possible() {
                wrong.push(("rescoring gives more than is possible".into(), "keep the score in its range"));
            }
        }
        (Ok(Err(BlockError::Rescore(RescoreError::Unanswered { .. }))), _) => {}
        (Ok(Err(error)), _) | (_, Ok(Err(error))) => {
            wrong.push((format!("rescoring fails: {error}"), "compute the score from what the block keeps"));
        }
        (Err(panic), _) | (_, Err(panic)) => wrong.push((panic, "return an error instead")),
    }
    wrong
}

fn grades(
    bench: &Workbench,
    handler: &str,
    request: &HandlerRequest,
    is_scored: bool,
) -> Vec<(String, &'static str)> {
    let Ok(Ok(handled)) = calmly(|| bench.handle(handler, request)) else { return Vec::new() };
    let most = calmly(|| bench.max_score()).ok().and_then(Result::ok).flatten();
    let mut wrong: Vec<(String, &'static str)> = Vec::new();
    for event in &handled.events {
        match event {
            Event::Grade(grade) => {
                let (value, max) = (grade.value, grade.max_value);
                if !is_scored {
                    wrong.push(("it gives a grade and is not scored".into(), "declare has_score"));
                }
                if !(value.is_finite() && max.is_finite() && 0.0 <= value && value <= max) {
                    wrong.push((
                        format!("its grade is {value} of {max}"),
                        "keep the value between 0 and the highest score",
                    ));
                }
                if let Some(most) = most
                    && most != max
                {
                    let said = format!("its grade is of {max}, and max_score says {most}");
                    wrong.push((said, "take both from one place"));
                }
            }
            Event::Completion(completion) if !(0.0..=1.0).contains(&completion.completion) => {
                let said = format!("its completion is {}", completion.completion);
                wrong.push((said, "keep it between 0 and 1"));
            }
            _ => {}
        }
    }
    wrong
}
