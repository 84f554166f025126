//! The static files of a package and what is said about them.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Map;

use crate::fields::Json;
use crate::keys::{AssetKey, clean_asset_name};
use crate::runtime::AssetData;

use super::super::diagnostic::{Diagnostic, Outcome, Severity};
use super::super::document::Document;
use super::super::error::OlxError;
use super::course::{plain_asset, read_json_object};
use super::importer::Importer;
use super::media::{guess_type, is_known_type};

/// A static file of a package.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageAsset {
    /// The key it is stored under.
    pub key: AssetKey,
    /// Its attributes.
    pub data: AssetData,
    /// Its path in the package.
    pub path: String,
}

/// Lists the static files with the attributes that `policies/assets.json` gives them.
pub(super) fn read_assets(importer: &mut Importer<'_>) -> Result<Vec<PackageAsset>, OlxError> {
    let policy = read_asset_policy(importer)?;
    let metadata = read_metadata(importer)?;
    let mut assets: Vec<Option<PackageAsset>> = Vec::new();
    // The place of each key in the list; a later file leaves the earlier one's place empty.
    let mut places: HashMap<AssetKey, usize> = HashMap::new();
    for folder in ["static", "static_import"] {
        let mut paths = Vec::new();
        list_files(importer, folder, &mut paths)?;
        for path in paths {
            let relative = &path[folder.len() + 1..];
            let key = match importer.context.make_asset_key(&clean_asset_name(relative)) {
                Ok(key) => key,
                Err(error) => {
                    let remark = Diagnostic::new("invalid-name", Severity::Error, error.to_string());
                    importer.diagnostics.push(remark.in_file(path.as_str().into()).outcome(Outcome::LeftOut));
                    continue;
                }
            };
            let first = places.insert(key.clone(), assets.len());
            if let Some(first) = first.and_then(|place| assets[place].take()) {
                let message = format!("{} has the same key {key}; the later file stays", first.path);
                let remark = Diagnostic::new("duplicate-asset", Severity::Warning, message);
                importer.diagnostics.push(remark.in_file(path.as_str().into()));
            }
            let mut data = asset_data(relative, &key, policy.get(key.path()).map(|said| &said.0));
            if let Some(fields) = metadata.get(key.path()) {
                data.extra.insert("asset_metadata".into(), fields.clone());
            }
            assets.push(Some(PackageAsset { key, data, path }));
        }
    }
    Ok(assets.into_iter().flatten().collect())
}

/// Lists the files below a folder, except those that only some file managers and editors know.
fn list_files(importer: &Importer<'_>, folder: &str, paths: &mut Vec<String>) -> Result<(), OlxError> {
    for name in importer.list(folder)? {
        if let Some(name) = name.strip_suffix('/') {
            list_files(importer, &format!("{folder}/{name}"), paths)?;
        } else if !(name.starts_with("._")
            || name.starts_with(".DS_Store") && name.len() == 9
            || name.ends_with('~'))
        {
            paths.push(format!("{folder}/{name}"));
        }
    }
    Ok(())
}

/// What `policies/assets.json` says about one file; nothing where that is no object.
#[derive(Default)]
struct Said(Map<String, Json>);

impl Said {
    /// The names under which stores keep the file and its path: they follow from its key and its place.
    const UNUSED: [&str; 3] = ["content_son", "filename", "import_path"];
}

impl From<Json> for Said {
    fn from(value: Json) -> Self {
        let Json::Object(mut map) = value else { return Self::default() };
        map.retain(|name, _| !Self::UNUSED.contains(&name.as_str()));
        Self(map)
    }
}

impl<'de> Deserialize<'de> for Said {
    /// Reads an object without what is not used, which is most of such a file.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Said;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("what is said about a file")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Said, A::Error> {
                let mut said = Said::default();
                while let Some(name) = entries.next_key::<String>()? {
                    if Said::UNUSED.contains(&name.as_str()) {
                        entries.next_value::<IgnoredAny>()?;
                    } else {
                        said.0.insert(name, entries.next_value()?);
                    }
                }
                Ok(said)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Reads `policies/assets.json`. What is odd about it is found out, and remarked on, the slow way.
fn read_asset_policy(importer: &mut Importer<'_>) -> Result<HashMap<String, Said>, OlxError> {
    let path = "policies/assets.json";
    if let Some(bytes) = importer.read(path)?
        && let Ok(policy) = serde_json::from_slice(&bytes)
    {
        return Ok(policy);
    }
    let policy = read_json_object(importer, path)?.unwrap_or_default();
    Ok(policy.into_iter().map(|(name, said)| (name, said.into())).collect())
}

fn asset_data(path: &str, key: &AssetKey, said: Option<&Map<String, Json>>) -> AssetData {
    let file = path.rsplit('/').next().unwrap_or(path);
    let nothing = Map::new();
    let said = said.unwrap_or(&nothing);
    let text = |name: &str| said.get(name).and_then(Json::as_str);
    let mut data = plain_asset(&text("displayname").unwrap_or(file).replace(['/', '\\'], "_"));
    let declared = text("contentType").filter(|declared| !declared.is_empty());
    data.content_type = declared
        .filter(|declared| is_known_type(declared))
        .or_else(|| guess_type(file))
        // A type nobody knows is better than none.
        .or(declared)
        .map(str::to_owned);
    data.locked = said.get("locked").and_then(Json::as_bool).unwrap_or(false);
    data.import_path = (path != key.path()).then(|| path.to_owned());
    data.thumbnail = match said.get("thumbnail_location") {
        Some(Json::Array(parts)) => parts.get(4).and_then(Json::as_str).map(str::to_owned),
        Some(Json::String(location)) => location.rsplit(['/', '@']).next().map(str::to_owned),
        _ => None,
    };
    const KNOWN: [&str; 4] = ["contentType", "displayname", "locked", "thumbnail_location"];
    for (name, value) in said.iter().filter(|(name, _)| !KNOWN.contains(&name.as_str())) {
        data.extra.insert(name.as_str().into(), value.clone());
    }
    data
}

/// Reads `assets/assets.xml`: the platform's own records of static files, as texts by the names of files.
fn read_metadata(importer: &mut Importer<'_>) -> Result<Map<String, Json>, OlxError> {
    let path = "assets/assets.xml";
    let Some(bytes) = importer.read(path)? else { return Ok(Map::new()) };
    let document = match Document::parse(path.into(), &bytes, &importer.parse) {
        Ok(document) => document,
        Err(error) => {
            importer.diagnostics.push(error.diagnostic());
            return Ok(Map::new());
        }
    };
    let mut all = Map::new();
    for asset in document.root.elements() {
        let fields: Map<String, Json> = asset
            .elements()
            .map(|field| (field.name.to_string(), Json::from(field.text().unwrap_or_default().as_ref())))
            .collect();
        if let Some(name) = fields.get("filename").and_then(Json::as_str) {
            all.insert(name.to_owned(), Json::Object(fields.clone()));
        }
    }
    Ok(all)
}
