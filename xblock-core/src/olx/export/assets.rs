//! Static files and what is known of them.

use serde_json::{Map, json};

use crate::fields::Json;
use crate::keys::clean_asset_name;
use crate::olx::json_line::json_indented;
use crate::olx::write::WriteError;
use crate::runtime::AssetRecord;

use super::host::Exporter;
use super::sink::ExportStep;

impl Exporter<'_> {
    /// Writes the static files under `static/` and their attributes to `policies/assets.json`.
    pub(super) fn assets(&mut self) -> Result<(), WriteError> {
        let mut attributes = Map::new();
        for asset in self.runtime.assets(self.context, self.branch)? {
            let path = static_path(&asset);
            let bytes = self.runtime.read_asset(&asset.key, self.branch)?;
            self.put(&format!("static/{path}"), &bytes)?;
            self.report.assets += 1;
            if let Some(progress) = self.options.progress {
                progress(ExportStep::Asset(&path));
            }
            attributes.insert(asset.key.path().to_owned(), asset_json(&asset));
        }
        self.put("policies/assets.json", json_indented(&Json::Object(attributes)).as_bytes())
    }
}

/// Returns the path below `static/` from which an import makes the same key again.
fn static_path(asset: &AssetRecord) -> String {
    let is_safe =
        |path: &str| !path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    match &asset.data.import_path {
        Some(path) if is_safe(path) && clean_asset_name(path) == asset.key.path() => path.clone(),
        _ => asset.key.path().to_owned(),
    }
}

fn asset_json(asset: &AssetRecord) -> Json {
    let data = &asset.data;
    let mut all: Map<String, Json> =
        data.extra.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    all.insert("contentType".into(), json!(data.content_type));
    all.insert("displayname".into(), json!(data.display_name));
    all.insert("locked".into(), json!(data.locked));
    all.insert("import_path".into(), json!(data.import_path));
    all.entry("filename").or_insert_with(|| json!(asset.key.to_string()));
    all.entry("thumbnail_location").or_insert_with(|| json!(data.thumbnail));
    Json::Object(all)
}
