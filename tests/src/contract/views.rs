//! Promises about views.

use serde_json::json;
use xblock_core::block::BlockError;
use xblock_core::fields::{Json, Scope};
use xblock_core::fragment::{Fragment, ResourceKind};
use xblock_core::host::Host;

use super::calm::calmly;
use super::html::Html;
use super::{Contract, Finding};
use crate::workbench::Workbench;

/// A view that no block has.
const NO_VIEW: &str = "no_view_of_this_name";

/// The place of a view of a sample.
pub(super) fn place(view: &str, sample: &str) -> String {
    format!("{view} of sample {sample:?}")
}

/// Renders a view, none where the block does not have it.
pub(super) fn shown(bench: &Workbench, view: &str) -> Result<Option<Fragment>, String> {
    shown_by(&bench.host(), bench, view)
}

/// Renders a view by a host that was made before, which costs more than rendering does.
pub(super) fn shown_by(host: &Host, bench: &Workbench, view: &str) -> Result<Option<Fragment>, String> {
    match calmly(|| host.render(bench.usage(), view, bench.user()))? {
        Ok(fragment) => Ok(Some(fragment)),
        Err(BlockError::NoSuchView { .. }) => Ok(None),
        Err(error) => Err(format!("it fails: {error}")),
    }
}

/// Calls a function for every view of every sample that renders.
pub(super) fn each(contract: &Contract, mut see: impl FnMut(String, &Workbench, &str, Fragment)) {
    for (name, bench) in contract.samples() {
        for view in &contract.views {
            if let Ok(Some(fragment)) = shown(&bench, view) {
                see(place(view, name), &bench, view, fragment);
            }
        }
    }
}

pub(super) fn render(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, bench) in contract.samples() {
        for view in &contract.views {
            match shown(&bench, view) {
                Ok(Some(_)) => {}
                Ok(None) if *view == "student_view" => findings.push(Finding::new(
                    place(view, name),
                    "there is no student_view, so learners see nothing",
                    "declare one: views(student_view)",
                )),
                Ok(None) => {}
                Err(wrong) => {
                    let mend = "show what there is, and say in the page what the author must mend";
                    findings.push(Finding::new(place(view, name), wrong, mend));
                }
            }
        }
        match calmly(|| bench.render(NO_VIEW)) {
            Ok(Err(BlockError::NoSuchView { .. })) => {}
            Ok(outcome) => findings.push(Finding::new(
                place(NO_VIEW, name),
                format!("a view of any name is answered: {:?}", outcome.map(|fragment| fragment.content)),
                "return BlockError::NoSuchView for names that are not the block's",
            )),
            Err(wrong) => {
                findings.push(Finding::new(place(NO_VIEW, name), wrong, "return BlockError::NoSuchView"))
            }
        }
    }
    findings
}

pub(super) fn never_write(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, bench) in contract.samples() {
        for view in &contract.views {
            let before = bench.state();
            let looked = calmly(|| {
                bench.look(|block, context| {
                    // What they return is for other promises.
                    let _ = block.view(view, context);
                    let _ = block.max_score(context);
                    let _ = block.validate();
                    if let Some(scorable) = block.scorable() {
                        let _ = scorable.calculate_score(context);
                    }
                    block.fields().dirty()
                })
            });
            let Ok(Ok((dirty, events))) = looked else { continue };
            let mut wrong = |wrong: String, mend: &str| {
                findings.push(Finding::new(place(view, name), wrong, mend));
            };
            if !dirty.is_empty() {
                wrong(
                    format!("it sets {}", dirty.join(", ")),
                    "compute what is shown, and set fields in handlers only",
                );
            }
            if bench.state() != before {
                wrong("it saves learner state".into(), "leave saving to whoever called a handler");
            }
            if let Some(event) = events.first() {
                let wrongly =
                    format!("it publishes {:?}, which a host drops while rendering", event.event_type());
                wrong(wrongly, "publish from a handler that the page calls");
            }
        }
    }
    findings
}

pub(super) fn repeat(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    each(contract, |place, bench, view, first| {
        for _ in 0..3 {
            if shown(bench, view).ok().flatten().as_ref() != Some(&first) {
                let mend = "keep maps in order (BTreeMap, IndexMap), and take time and ids from the context";
                findings.push(Finding::new(&place, "it renders differently at each time", mend));
                return;
            }
        }
    });
    findings
}

pub(super) fn fragments(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    each(contract, |place, bench, view, fragment| {
        let mut wrong = |wrong: String, mend: &str| findings.push(Finding::new(&place, wrong, mend));
        // The host's own wrapper takes what a page needs to start the block; here the block's own fragment is looked at.
        let own = bench.look(|block, context| block.view(view, context)).map(|(fragment, _)| fragment);
        let own = own.and_then(|fragment| fragment).unwrap_or_default();
        for error in Html::parse(&fragment.content).errors {
            wrong(
                format!("a browser has to mend the HTML: {error}"),
                "close what is opened, in order, and quote values",
            );
        }
        for resource in &own.resources {
            let shown: String = resource.data.chars().take(40).collect();
            if !is_media_type(&resource.mimetype) {
                wrong(
                    format!("resource {shown:?} has type {:?}", resource.mimetype),
                    "use a type such as text/css",
                );
            }
            match resource.kind {
                ResourceKind::Url => {
                    let is_known =
                        ["https://", "//", "/"].iter().any(|start| resource.data.starts_with(start))
                            || resource.data.starts_with("data:");
                    if !is_known || resource.data.contains(char::is_whitespace) {
                        let mend = "use context.asset_url(..) or an address that begins with https://";
                        wrong(format!("resource {shown:?} is no address a page can load"), mend);
                    }
                }
                ResourceKind::Text => {
                    if resource.data.trim().is_empty() {
                        wrong("a resource is empty".into(), "leave it out");
                    }
                    let text = resource.data.to_ascii_lowercase();
                    if resource.mimetype != "text/html"
                        && (text.contains("</script") || text.contains("</style"))
                    {
                        let mend = "write \"<\\/script\" in scripts";
                        wrong(format!("resource {shown:?} ends its own element"), mend);
                    }
                }
            }
        }
        initialisation(&own, &mut wrong);
        let written = serde_json::to_value(&own).ok();
        let read = written.and_then(|json| serde_json::from_value::<Fragment>(json).ok());
        if read.as_ref() != Some(&own) {
            wrong(
                "it does not come back from its JSON form".into(),
                "give numbers JSON has: no infinity, no NaN",
            );
        }
    });
    findings
}

fn initialisation(fragment: &Fragment, wrong: &mut impl FnMut(String, &str)) {
    let Some(function) = &fragment.js_init_fn else {
        if fragment.json_init_args.is_some() {
            wrong("arguments wait for no function".into(), "name it with initialize_js");
        }
        return;
    };
    let is_name = function.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$'))
        && function.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'));
    if !is_name {
        wrong(format!("{function:?} is no name of a function"), "name a function of the page's global scope");
    }
    if fragment.js_init_version != Some(1) {
        wrong("the version of the JavaScript interface is not 1".into(), "use initialize_js");
    }
    let scripts = fragment.resources.iter().filter(|resource| resource.mimetype.contains("javascript"));
    let mut texts = scripts.clone().filter(|script| script.kind == ResourceKind::Text);
    let all_here = scripts.clone().all(|script| script.kind == ResourceKind::Text);
    if all_here && !texts.any(|script| script.data.contains(function.as_str())) {
        let mend = "add the script that defines it: add_javascript(include_str!(..))";
        wrong(format!("no script of the fragment defines {function}"), mend);
    }
}

fn is_media_type(text: &str) -> bool {
    let token = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c))
    };
    let main = text.split(';').next().unwrap_or_default().trim();
    main.split_once('/').is_some_and(|(kind, name)| token(kind) && token(name))
}

/// Adds a finding for every view that does not render.
fn must_render(contract: &Contract, bench: &Workbench, place: &str, mend: &str, findings: &mut Vec<Finding>) {
    let host = bench.host();
    for view in &contract.views {
        if let Err(wrong) = shown_by(&host, bench, view) {
            findings.push(Finding::new(format!("{place}, {view}"), wrong, mend));
        }
    }
}

pub(super) fn empty_fields(contract: &Contract) -> Vec<Finding> {
    let mend = "read the field as Option<..>, or show the block without it";
    let mut findings = Vec::new();
    for (name, bench) in contract.told_samples() {
        let mut all = bench.clone().apart();
        for spec in contract.own_fields() {
            if calmly(|| all.clone().field(spec.name, Json::Null)).is_err() {
                continue;
            }
            all = all.field(spec.name, Json::Null);
            let one = bench.clone().apart().field(spec.name, Json::Null);
            must_render(
                contract,
                &one,
                &format!("field `{}` null in sample {name:?}", spec.name),
                mend,
                &mut findings,
            );
        }
        must_render(contract, &all, &format!("all fields null in sample {name:?}"), mend, &mut findings);
    }
    findings
}

/// By how many bytes a page may grow because of one strange value.
const MOST_GROWTH: usize = 1 << 20;

pub(super) fn strange_values(contract: &Contract) -> Vec<Finding> {
    let strange = [
        json!([[]]),
        json!({"a": {}}),
        json!("\u{0}x"),
        json!(""),
        json!("\u{e9}"),
        json!(-1),
        json!(100_000),
        json!(1e300),
        json!(true),
        json!("NaN"),
    ];
    let size = |bench: &Workbench, view: &str| {
        let host = bench.host();
        let rendered = calmly(|| host.render(bench.usage(), view, bench.user()))?;
        Ok(rendered.map_or(0, |fragment: Fragment| fragment.content.len()))
    };
    let usual: Vec<(&str, Result<usize, String>)> =
        contract.views.iter().map(|view| (*view, size(&contract.bench(), view))).collect();
    let mut findings = Vec::new();
    for spec in
        contract.own_fields().iter().filter(|spec| matches!(spec.scope, Scope::Content | Scope::Settings))
    {
        for value in &strange {
            let bench = contract.bench().field(spec.name, value.clone());
            for (view, usual) in &usual {
                let place = || format!("field `{}` with {value}, {view}", spec.name);
                match (size(&bench, view), usual) {
                    (Err(wrong), _) => {
                        let mend = "return an error: stores may hold anything";
                        findings.push(Finding::new(place(), wrong, mend));
                    }
                    (Ok(now), Ok(usual)) if now > usual + MOST_GROWTH => {
                        let wrong = format!("the page has {now} bytes");
                        let mend = "keep the value within bounds before anything is repeated that often";
                        findings.push(Finding::new(place(), wrong, mend));
                    }
                    _ => {}
                }
            }
        }
    }
    findings
}

pub(super) fn nobody(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, bench) in contract.samples() {
        let bench = bench.nobody();
        let mend = "where context.user() is none, show what everybody may see";
        must_render(contract, &bench, &format!("nobody at sample {name:?}"), mend, &mut findings);
    }
    for (name, bench) in contract.told_samples() {
        let bench = bench.nobody();
        for (handler, request) in &contract.requests {
            let outcome = calmly(|| bench.handle(handler, request));
            let wrong = match outcome {
                Ok(Ok(handled)) if handled.response.status < 500 => continue,
                Ok(Ok(handled)) => format!("it answers with status {}", handled.response.status),
                Ok(Err(error)) => format!("it fails: {error}"),
                Err(wrong) => wrong,
            };
            let mend = "where context.user() is none, answer BlockError::BadRequest with status 403";
            findings.push(Finding::new(
                format!("handler `{handler}` for nobody, sample {name:?}"),
                wrong,
                mend,
            ));
        }
    }
    findings
}

pub(super) fn broken_children(contract: &Contract) -> Vec<Finding> {
    if !contract.block_type().class.has_children {
        return Vec::new();
    }
    let good = json!({"data": "<p>a good child</p>", "display_name": "Good"});
    let benches = [
        ("no children", contract.bench()),
        (
            "a missing child",
            contract.bench().missing_child("text", "gone").child("text", "good", good.clone()),
        ),
        (
            "a broken child",
            contract.bench().child("text", "bad", json!({"data": [1], "display_name": {}})).child(
                "text",
                "good",
                good.clone(),
            ),
        ),
        (
            "a hidden child",
            contract
                .bench()
                .child("text", "secret", json!({"visible_to_staff_only": true}))
                .child("text", "good", good),
        ),
    ];
    let mut findings = Vec::new();
    let mend = "list children with context.children() and render them with context.render_child(..)";
    for (name, bench) in benches {
        must_render(contract, &bench, name, mend, &mut findings);
        for view in &contract.views {
            let errors =
                shown(&bench, view).ok().flatten().map(|fragment| Html::parse(&fragment.content).errors);
            if let Some(error) = errors.unwrap_or_default().first() {
                findings.push(Finding::new(
                    format!("{name}, {view}"),
                    format!("the HTML is broken: {error}"),
                    mend,
                ));
            }
        }
        dropped_resources(contract, &bench, name, &mut findings);
    }
    for (name, bench) in contract.told_samples() {
        dropped_resources(contract, &bench, &format!("sample {name:?}"), &mut findings);
    }
    findings
}

/// Finds children that are shown without the styles and scripts they need.
fn dropped_resources(contract: &Contract, bench: &Workbench, place: &str, findings: &mut Vec<Finding>) {
    let host = bench.host();
    for view in &contract.views {
        let Ok(Some(page)) = shown_by(&host, bench, view) else { continue };
        for (child, _) in bench.children() {
            let alone = calmly(|| host.render(child, view, bench.user()));
            let Ok(Ok(alone)) = alone else { continue };
            let is_dropped = |resource| !page.resources.contains(resource);
            if !alone.content.trim().is_empty()
                && page.content.contains(alone.content.trim())
                && alone.resources.iter().any(is_dropped)
            {
                findings.push(Finding::new(
                    format!("{place}, {view}"),
                    format!("it shows a child and drops its resources: {}", child.block_id()),
                    "take them over: fragment.add_resources_of(&rendered)",
                ));
            }
        }
    }
}
