//! The promise about markup in values.

use serde_json::json;
use xblock_core::fields::{FieldType, Json, Scope};
use xblock_core::fragment::{Fragment, ResourceKind};

use super::calm::calmly;
use super::html::Html;
use super::views::{place, shown_by};
use super::{Contract, Finding, requests};
use crate::workbench::Workbench;

/// An element and an attribute that no page has, and ways out of attributes, scripts and styles.
const PROBE: &str = "\"'></textarea></script></style><x-probe data-x-probe=1>";
/// What the probe would look like in the middle of a script.
const PROBE_TAG: &str = "<x-probe";
/// An address that runs as a script.
const ADDRESS: &str = "javascript:xProbe()";

const MEND: &str = "let the template escape it, or say that it is HTML by design: .html(\"..\")";

pub(super) fn escaped(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    let samples = contract.samples();
    for spec in contract.own_fields() {
        if contract.html.contains(&spec.name) || spec.kind == FieldType::XmlString {
            continue;
        }
        for (probe, text) in [("markup", PROBE), ("a script's address", ADDRESS)] {
            for value in shapes(spec.kind, text) {
                for (name, bench) in &samples {
                    let learner = !matches!(spec.scope, Scope::Content | Scope::Settings);
                    let set = || bench.clone().apart().field(spec.name, value.clone());
                    // Learner state that refuses the value cannot show it either.
                    let Ok(bench) = (if learner { calmly(set) } else { Ok(set()) }) else { continue };
                    look(
                        contract,
                        &bench,
                        name,
                        &format!("field `{}` with {probe}", spec.name),
                        &mut findings,
                    );
                }
            }
        }
    }
    for (handler, request) in &contract.requests {
        for (name, bench) in contract.told_samples() {
            let Some(mut members) = requests::object(request) else { continue };
            let texts: Vec<String> =
                members.iter().filter(|(_, value)| value.is_string()).map(|(name, _)| name.clone()).collect();
            for member in &texts {
                members.insert(member.clone(), json!(PROBE));
            }
            if texts.is_empty() {
                continue;
            }
            let request = xblock_core::block::HandlerRequest {
                body: Json::Object(members).to_string().into_bytes(),
                ..request.clone()
            };
            if calmly(|| bench.handle(handler, &request)).is_ok() {
                look(contract, &bench, name, &format!("handler `{handler}` with markup"), &mut findings);
            }
        }
    }
    findings
}

/// Values of a type with the text somewhere in them.
fn shapes(kind: FieldType, text: &str) -> Vec<Json> {
    match kind {
        FieldType::String => vec![json!(text)],
        FieldType::List | FieldType::Set => vec![json!([text]), json!([{ "name": text, "text": text }])],
        FieldType::Dict => vec![json!({ text: text }), json!({ "a": text })],
        FieldType::Any | FieldType::JsonField | FieldType::Field => vec![json!(text), json!([text])],
        _ => Vec::new(),
    }
}

fn look(contract: &Contract, bench: &Workbench, sample: &str, what: &str, findings: &mut Vec<Finding>) {
    let host = bench.host();
    for view in &contract.views {
        let Ok(Some(fragment)) = shown_by(&host, bench, view) else { continue };
        for wrong in got_loose(&fragment) {
            findings.push(Finding::new(format!("{what}, {}", place(view, sample)), wrong, MEND));
        }
    }
}

/// Says where a probe became more than text.
fn got_loose(fragment: &Fragment) -> Vec<String> {
    let mut places = Vec::new();
    for element in Html::parse(&fragment.content).elements {
        let has_probe = element.attributes.iter().any(|(name, _)| name.starts_with("data-x-probe"));
        if element.name == "x-probe" || has_probe {
            places.push("markup in the value becomes markup of the page".to_owned());
        }
        for (name, value) in &element.attributes {
            let runs = value.trim_start().to_ascii_lowercase().starts_with("javascript:xprobe");
            if runs && matches!(name.as_str(), "href" | "src" | "action" | "formaction") {
                let tag = &element.name;
                places.push(format!(
                    "the value becomes an address that runs as a script, in {name} of <{tag}>"
                ));
            }
            if name.starts_with("on") && value.contains("x-probe") {
                places.push(format!("the value becomes part of a script, in {}", element.tag()));
            }
        }
    }
    let mut texts = fragment.resources.iter().filter(|resource| resource.kind == ResourceKind::Text);
    if texts.any(|resource| resource.data.contains(PROBE_TAG)) {
        places.push("the value stands raw in a script or style".to_owned());
    }
    places.dedup();
    places
}
