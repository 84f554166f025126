//! The policy files: settings of the course, and whatever no attribute can hold.

use serde_json::Map;

use crate::fields::{Json, Scope};
use crate::olx::json_line::json_indented;
use crate::olx::write::{BlockSource, WriteError};
use crate::runtime::BlockData;

use super::host::Exporter;

impl Exporter<'_> {
    /// Writes `policies/RUN/policy.json` and, where one is set, `grading_policy.json`.
    pub(super) fn policy_files(&mut self, run: &str, course: &BlockSource<'_>) -> Result<(), WriteError> {
        let mut policy = std::mem::take(&mut self.policies);
        let own = policy.entry(format!("course/{run}")).or_default();
        for (name, value) in own_metadata(course) {
            own.entry(name).or_insert(value);
        }
        // The file a course was read from is the one it is written to now, or a second export would differ.
        if let Some(Json::Array(names)) =
            own.get_mut("xml_attributes").and_then(|all| all.get_mut("filename"))
        {
            names.fill(Json::from(format!("course/{run}.xml")));
        }
        let policy: Map<String, Json> =
            policy.into_iter().map(|(block, settings)| (block, Json::Object(settings))).collect();
        self.put(&format!("policies/{run}/policy.json"), json_indented(&Json::Object(policy)).as_bytes())?;
        if let Some(grading) = course.own("grading_policy") {
            let path = format!("policies/{run}/grading_policy.json");
            self.put(&path, json_indented(grading).as_bytes())?;
        }
        Ok(())
    }
}

/// Lists the settings that are set, in the form in which they are stored.
pub(super) fn own_metadata(block: &BlockSource<'_>) -> Map<String, Json> {
    let BlockData { settings, .. } = block.data;
    settings
        .iter()
        .filter_map(|(name, value)| {
            let spec = block.block_type.field(name).filter(|spec| spec.scope == Scope::Settings)?;
            let stored = spec.from_json(value).and_then(|native| spec.to_json(&native));
            Some((name.to_string(), stored.unwrap_or_else(|_| value.clone())))
        })
        .collect()
}
