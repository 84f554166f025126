//! The policies of a course: settings that override what its XML says.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde_json::Map;

use crate::fields::Json;
use crate::keys::{UsageKey, Within};

use super::super::diagnostic::{Diagnostic, Severity};
use super::super::error::OlxError;
use super::course::read_json_object;
use super::importer::Importer;

/// The settings that policies have, by the types and names of blocks.
#[derive(Debug, Default)]
pub(super) struct Policy(HashMap<Within, Map<String, Json>, RandomState>);

impl Policy {
    /// Returns the settings of a block.
    pub(super) fn of(&self, usage: &UsageKey) -> Option<&Map<String, Json>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&Within::of_texts(usage.block_type(), usage.block_id()))
    }
}

impl From<Map<String, Json>> for Policy {
    fn from(policy: Map<String, Json>) -> Self {
        let settings =
            policy.into_iter().filter_map(|(key, settings)| match (key.split_once('/'), settings) {
                (Some((block_type, name)), Json::Object(settings)) => {
                    Some((Within::of_texts(block_type, name), settings))
                }
                _ => None,
            });
        Self(settings.collect())
    }
}

/// Finds `policies/RUN/policy.json`, or where that folder does not exist the older `policies/RUN.json`.
pub(super) fn policy_path(importer: &Importer<'_>, run: &str) -> Result<String, OlxError> {
    Ok(match importer.list(&format!("policies/{run}"))?.is_empty() {
        true => format!("policies/{run}.json"),
        false => format!("policies/{run}/policy.json"),
    })
}

/// Reads the policy file of a run.
pub(super) fn read_policy(importer: &mut Importer<'_>, run: &str) -> Result<Map<String, Json>, OlxError> {
    let path = policy_path(importer, run)?;
    let policy = read_json_object(importer, &path)?.unwrap_or_default();
    for (name, _) in policy.iter().filter(|(_, settings)| !settings.is_object()) {
        let message = format!("the settings of {name} are no JSON object; they are ignored");
        let remark = Diagnostic::new("invalid-policy", Severity::Error, message);
        importer.diagnostics.push(remark.in_file(path.as_str().into()));
    }
    Ok(policy)
}

/// Finds `policies/RUN/grading_policy.json` or `grading_policy.json`.
pub(super) fn grading_path(importer: &Importer<'_>, run: &str) -> Result<String, OlxError> {
    let path = format!("policies/{run}/grading_policy.json");
    Ok(if importer.exists(&path)? { path } else { "grading_policy.json".into() })
}

/// Reads the file of the grading policy over the grading policy the course has.
pub(super) fn read_grading_policy(
    importer: &mut Importer<'_>,
    run: &str,
    root: &UsageKey,
) -> Result<(), OlxError> {
    let path = grading_path(importer, run)?;
    let Some(policy) = read_json_object(importer, &path)? else { return Ok(()) };
    let default =
        importer.registry.block_type("course").field("grading_policy").and_then(|f| f.default_json().ok());
    let Some(data) = importer.blocks.get_mut(root).map(Arc::make_mut) else { return Ok(()) };
    // A policy file may have put it among the settings.
    let present =
        data.settings.shift_remove("grading_policy").or_else(|| data.content.get("grading_policy").cloned());
    let is_set = present.is_some();
    let mut merged = match present.or_else(|| default.clone()) {
        Some(Json::Object(map)) => map,
        _ => Map::new(),
    };
    merged.extend(policy);
    let merged = Json::Object(merged);
    // Every export writes the file; a policy that is the default is not set by it.
    if is_set || Some(&merged) != default.as_ref() {
        data.content.insert("grading_policy".into(), merged);
    }
    Ok(())
}
