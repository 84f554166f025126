//! Static files and what is known of them.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, json};

use crate::fields::Json;
use crate::keys::{AssetKey, ContextKey, clean_asset_name};
use crate::olx::asset_metadata::metadata_element;
use crate::olx::json_line::json_indented;
use crate::olx::write::WriteError;
use crate::olx::{Diagnostic, Element, Node, Outcome, Severity, WriteOptions};
use crate::runtime::{
    AssetMetadata, AssetMetadataRecords, AssetRecord, AssetStream, Branch, DamagedAssetMetadata, Runtime,
    RuntimeError,
};

use super::host::Exporter;
use super::sink::ExportStep;

/// Where the attributes of static files stand.
pub(super) const ASSET_POLICY: &str = "policies/assets.json";
/// Where what an `assetstore` says about files stands.
pub(super) const ASSET_RECORDS: &str = "assets/assets.xml";

impl Exporter<'_> {
    /// Writes the static files under `static/` and their attributes to `policies/assets.json` and
    /// `assets/assets.xml`.
    pub(super) fn assets(&mut self) -> Result<(), WriteError> {
        let assets = self.static_files()?;
        self.put(ASSET_POLICY, &asset_policy(&assets))?;
        if self.context.is_course() {
            let metadata = self.asset_metadata()?;
            self.put(ASSET_RECORDS, &metadata)?;
        }
        Ok(())
    }

    /// Makes `assets/assets.xml`: as edx-platform does, of what authors say.
    fn asset_metadata(&mut self) -> Result<Vec<u8>, WriteError> {
        let found = match self.runtime.asset_metadata(self.context, Branch::Draft) {
            Err(error) if error.is_damage() => {
                self.leave_out(&"what is said about static files", &error);
                AssetMetadataRecords::default()
            }
            found => found?,
        };
        self.report.diagnostics.extend(found.damaged.iter().map(unreadable_record));
        Ok(asset_records(&found.records, &mut self.report.diagnostics))
    }

    /// Writes the static files alone, and returns those that could be read.
    pub(super) fn static_files(&mut self) -> Result<Vec<AssetRecord>, WriteError> {
        let mut all = Vec::new();
        for asset in exported_assets(self.runtime, self.context, self.branch)? {
            let path = static_path(&asset);
            let written = self.runtime.open_asset(&asset.key, self.branch).map_err(WriteError::from);
            let written = written.and_then(|open| {
                let mut content =
                    Watched { stream: AssetStream::new(open), stop: self.options.stop, ended: None };
                let written = self.put_from(&format!("static/{path}"), &asset.digest, &mut content);
                content.ended.map_or(written, Err)
            });
            match written {
                Err(WriteError::Runtime(error)) if error.is_damage() => {
                    self.leave_out(&asset.key, &error);
                    continue;
                }
                written => {
                    if !written? {
                        continue;
                    }
                }
            }
            self.report.assets += 1;
            if let Some(progress) = self.options.progress {
                progress(ExportStep::Asset(&path));
            }
            all.push(asset);
        }
        Ok(all)
    }
}

/// A static file on its way into a sink, which says itself why it ended too early.
struct Watched<'a> {
    stream: AssetStream,
    stop: Option<&'a AtomicBool>,
    ended: Option<WriteError>,
}

impl Read for Watched<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let is_stopped = self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        let outcome = if is_stopped {
            Err(WriteError::Stopped)
        } else {
            self.stream.read(target).map_err(|error| match error.downcast::<RuntimeError>() {
                Ok(error) => error.into(),
                Err(error) => RuntimeError::storage("reading a static file", error).into(),
            })
        };
        outcome.map_err(|error| {
            let told = io::Error::other(error.to_string());
            self.ended = Some(error);
            told
        })
    }
}

/// The type of the small pictures that stand for files in lists of them.
const THUMBNAIL: &str = "thumbnail";

/// Lists the static files that a package has. Thumbnails are none of them: whoever reads the package makes them again, and
/// many are called as their file is.
pub(super) fn exported_assets(
    runtime: &dyn Runtime,
    context: &ContextKey,
    branch: Branch,
) -> Result<Vec<AssetRecord>, RuntimeError> {
    let mut assets = runtime.assets(context, branch)?;
    assets.retain(|asset| asset.key.asset_type() != THUMBNAIL);
    Ok(assets)
}

/// Makes `policies/assets.json`.
pub(super) fn asset_policy(assets: &[AssetRecord]) -> Vec<u8> {
    let attributes = assets.iter().map(|asset| (asset.key.path().to_owned(), asset_json(asset)));
    json_indented(&Json::Object(attributes.collect())).into_bytes()
}

/// Says that a record about a file is missing in the package.
pub(super) fn unreadable_record(damaged: &DamagedAssetMetadata) -> Diagnostic {
    Diagnostic::new("cannot-be-read", Severity::Error, damaged.to_string()).outcome(Outcome::LeftOut)
}

/// Makes `assets/assets.xml` of what is said about files.
pub(super) fn asset_records(
    metadata: &[(AssetKey, AssetMetadata)],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<u8> {
    let mut records = Element::new("assets");
    for (key, metadata) in metadata {
        let (element, left_out) = metadata_element(key, metadata);
        records.children.push(Node::from(element));
        if !left_out.is_empty() {
            let message = format!("what is said about {key} has no form in XML: {}", left_out.join(", "));
            diagnostics.push(Diagnostic::new("asset-record-left-out", Severity::Warning, message));
        }
    }
    records.to_text(WriteOptions::default()).into_bytes()
}

/// Returns the path below `static/` from which an import makes the same key again. The name that is shown, which edx-platform
/// takes, makes another key as soon as it was edited, and links lead to keys; `policies/assets.json` has it.
pub(super) fn static_path(asset: &AssetRecord) -> String {
    let is_safe =
        |path: &str| !path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    match &asset.data.import_path {
        Some(path) if is_safe(path) && clean_asset_name(path) == asset.key.path() => path.clone(),
        _ => asset.key.path().to_owned(),
    }
}

/// Says of a file what edx-platform's contentstore says.
fn asset_json(asset: &AssetRecord) -> Json {
    let data = &asset.data;
    let mut all: Map<String, Json> =
        data.extra.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    all.insert("contentType".into(), json!(data.content_type));
    all.insert("displayname".into(), json!(data.display_name));
    all.insert("locked".into(), json!(data.locked));
    all.insert("import_path".into(), json!(data.import_path));
    let context = asset.key.context_key();
    all.insert("filename".into(), json!(asset.key.to_string()));
    let location = |category: &str, name: &str| {
        let course = context.as_course()?;
        let mut location = json!({
            "category": category, "course": course.course(), "name": name, "org": course.org(), "revision": null,
            "tag": "c4x",
        });
        // With old keys all runs of a course share their files.
        if !context.is_deprecated() {
            location["run"] = json!(course.run());
        }
        Some(location)
    };
    let thumbnail = data.thumbnail.as_ref().map(|name| match location("thumbnail", name) {
        Some(at) => json!([at["tag"], at["org"], at["course"], at["category"], at["name"], null]),
        None => json!(name),
    });
    all.insert("thumbnail_location".into(), json!(thumbnail));
    if let Some(location) = location(asset.key.asset_type(), asset.key.path()) {
        all.insert("content_son".into(), location);
    }
    Json::Object(all)
}
