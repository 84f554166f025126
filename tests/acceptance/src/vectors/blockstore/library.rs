//! How the rules of content libraries read each version and draft.

use std::collections::BTreeSet;
use std::path::Path;

use runtime_blockstore::{Access, Blockstore, DefinitionPlace, DefinitionState, Library};
use serde_json::{Map, Value, json};
use xblock_core::keys::ContextKey;

use super::{Outcome, Report, list, number, open, same, string, text, uuid};

/// Checks every view, each a case.
///
/// Versions and drafts that no view is of are named: nothing else tells how they are to be read.
pub(super) fn views(file: &Value, expected: &Value, folder: &Path, report: &mut Report) -> Outcome {
    let store = open(folder, Access::ReadOnly)?;
    let mut viewed = BTreeSet::new();
    for wanted in list(&file["views"])? {
        if wanted.get("draft_name").is_none() || wanted.get("bundle_version").is_none() {
            return Err(format!(
                "a view of {} says not of which draft or version it is",
                wanted["library_key"]
            ));
        }
        let state = match (&wanted["draft_name"], &wanted["bundle_version"]) {
            (Value::String(name), Value::Null) => DefinitionState::Draft(name.clone()),
            (Value::Null, number) => DefinitionState::Version(self::number(number)?),
            _ => return Err(format!("a view of {} is one of a draft and a version", wanted["library_key"])),
        };
        viewed.insert((uuid(&wanted["bundle_uuid"])?, format!("{state:?}")));
        report.case(&format!("view of {}, {state:?}", wanted["library_key"]), view(&store, wanted, &state));
    }
    for bundle in list(&expected["bundles"])? {
        let mut states = Vec::new();
        for version in list(&bundle["versions"])? {
            states.push(DefinitionState::Version(number(&version["version_num"])?));
        }
        for draft in list(&bundle["drafts"])? {
            states.push(DefinitionState::Draft(string(&draft["name"])?.to_owned()));
        }
        for state in states.iter().map(|state| format!("{state:?}")) {
            if !viewed.contains(&(uuid(&bundle["uuid"])?, state.clone())) {
                report.unproven.push(format!(
                    "how content libraries read bundle {}, {state} (expected-library-view.json has no view of it)",
                    bundle["key"]
                ));
            }
        }
    }
    Ok(())
}

fn view(store: &Blockstore, wanted: &Value, state: &DefinitionState) -> Outcome {
    let key: ContextKey = string(&wanted["library_key"])?.parse().map_err(text)?;
    let library = Library::new(key, uuid(&wanted["bundle_uuid"])?);
    // A draft that is not there would be read as the latest version.
    if let DefinitionState::Draft(name) = state {
        let bundle = store.get_bundle(uuid(&wanted["bundle_uuid"])?).map_err(text)?;
        if !bundle.drafts.contains_key(name) {
            return Err(format!("bundle {} has no draft {name}", bundle.uuid));
        }
    }
    let found = library.view(store, state, &|block_type| block_type == "unit").map_err(text)?;
    same("OLX files", &wanted["olx_files"], &json!(found.olx_files))?;
    let keys: Vec<_> = found.top_level_usages.iter().map(ToString::to_string).collect();
    same("top-level usages", &wanted["top_level_usages"], &json!(keys))?;
    let included: Map<String, Value> =
        found.included_usages.iter().map(|(usage, place)| (usage.to_string(), place_json(place))).collect();
    same("included usages", &wanted["included_usages"], &Value::Object(included))?;
    let skipped: Vec<_> = found
        .skipped
        .iter()
        .map(|skipped| json!([skipped.usage.as_ref().map(ToString::to_string), skipped.reason]))
        .collect();
    same("skipped includes", &wanted["skipped_includes"], &Value::Array(skipped))?;
    let files: Map<String, Value> =
        found.static_files.iter().map(|(usage, names)| (usage.to_string(), json!(names))).collect();
    same("static files", &wanted["static_files"], &Value::Object(files))
}

fn place_json(place: &DefinitionPlace) -> Value {
    let bundle = place.bundle.to_string();
    match &place.state {
        DefinitionState::Version(number) => {
            json!({ "bundle_uuid": bundle, "bundle_version": number, "olx_path": place.olx_path })
        }
        DefinitionState::Draft(name) => {
            json!({ "bundle_uuid": bundle, "draft_name": name, "olx_path": place.olx_path })
        }
    }
}
