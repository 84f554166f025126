//! The static files of a package and what is said about them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use foldhash::fast::RandomState;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::fields::Json;
use crate::keys::{AssetKey, clean_asset_name};
use crate::runtime::{AssetData, AssetMetadata, FieldMap};

use super::super::asset_metadata::read_asset_metadata;
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

/// The static files of a package, and what an `assetstore` says about these and others.
pub(super) struct Assets {
    pub(super) files: Vec<PackageAsset>,
    pub(super) metadata: Option<Vec<(AssetKey, AssetMetadata)>>,
}

/// Lists the static files with the attributes that `policies/assets.json` gives them.
pub(super) fn read_assets(importer: &mut Importer<'_>) -> Result<Assets, OlxError> {
    let mut policy = read_asset_policy(importer)?;
    let metadata = read_metadata(importer)?;
    // The keys with the files they are of; a later file leaves the earlier one's place empty.
    let mut files: Vec<Option<(AssetKey, String, usize)>> = Vec::new();
    let mut places: HashMap<AssetKey, usize, RandomState> = HashMap::default();
    for folder in ["static", "static_import"] {
        let mut paths = Vec::new();
        list_files(importer, folder, &mut paths)?;
        files.reserve(paths.len());
        places.reserve(paths.len());
        for path in paths {
            let start = folder.len() + 1;
            let key = match importer.context.make_asset_key(&clean_asset_name(&path[start..])) {
                Ok(key) => key,
                Err(error) => {
                    let remark = Diagnostic::new("invalid-name", Severity::Error, error.to_string());
                    importer.diagnostics.push(remark.in_file(path.as_str().into()).outcome(Outcome::LeftOut));
                    continue;
                }
            };
            let first = places.insert(key.clone(), files.len());
            if let Some((_, first, _)) = first.and_then(|place| files[place].take()) {
                let message = format!("{first} has the same key {key}; the later file stays");
                let remark = Diagnostic::new("duplicate-asset", Severity::Warning, message);
                importer.diagnostics.push(remark.in_file(path.as_str().into()));
            }
            files.push(Some((key, path, start)));
        }
    }
    let mut assets = Vec::with_capacity(files.len());
    for (key, path, start) in files.into_iter().flatten() {
        let data = asset_data(&path[start..], &key, policy.remove(key.path()).unwrap_or_default());
        assets.push(PackageAsset { key, data, path });
    }
    Ok(Assets { files: assets, metadata })
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

/// What `policies/assets.json` says, by the paths of the files.
type Policy = HashMap<String, Said, RandomState>;

/// What `policies/assets.json` says about one file; nothing where that is no object.
#[derive(Default)]
struct Said {
    content_type: Option<String>,
    display_name: Option<String>,
    is_locked: bool,
    thumbnail: Option<String>,
    /// Whether the store that was exported knew no path, as of a file that was uploaded.
    has_no_path: bool,
    /// All else, without the names under which stores keep the file and its path: they follow from its key and its
    /// place.
    extra: FieldMap,
}

impl Said {
    const UNUSED: [&str; 2] = ["content_son", "filename"];
    const PATH: &str = "import_path";

    fn set(&mut self, name: &str, value: Json) {
        match (name, value) {
            ("contentType", value) => self.content_type = text(value),
            ("displayname", value) => self.display_name = text(value),
            ("locked", value) => self.is_locked = value == Json::Bool(true),
            ("thumbnail_location", value) => self.thumbnail = thumbnail(value),
            (Self::PATH, value) => self.has_no_path = value.is_null(),
            (name, _) if Self::UNUSED.contains(&name) => {}
            (name, value) => drop(self.extra.insert(name.into(), value)),
        }
    }
}

fn text(value: Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text),
        _ => None,
    }
}

/// Returns the name of a thumbnail, of a location in parts or in one text.
fn thumbnail(location: Json) -> Option<String> {
    match location {
        Json::Array(mut parts) if parts.len() > 4 => text(parts.swap_remove(4)),
        Json::String(location) => location.rsplit(['/', '@']).next().map(str::to_owned),
        _ => None,
    }
}

impl From<Json> for Said {
    fn from(value: Json) -> Self {
        let mut said = Self::default();
        if let Json::Object(members) = value {
            members.into_iter().for_each(|(name, value)| said.set(&name, value));
        }
        said
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
                while let Some(Name(name)) = entries.next_key()? {
                    if Said::UNUSED.contains(&&*name) {
                        entries.next_value::<IgnoredAny>()?;
                    } else if name == Said::PATH {
                        said.has_no_path = entries.next_value::<Option<IgnoredAny>>()?.is_none();
                    } else {
                        said.set(&name, entries.next_value()?);
                    }
                }
                Ok(said)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A name as it stands in the file, which is copied only where it has escapes.
#[derive(Deserialize, PartialEq, Eq, Hash)]
#[serde(transparent)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

/// Reads `policies/assets.json`. What is odd about it is found out, and remarked on, the slow way.
fn read_asset_policy(importer: &mut Importer<'_>) -> Result<Policy, OlxError> {
    let path = "policies/assets.json";
    if let Some(bytes) = importer.read(path)?
        && let Ok(policy) = serde_json::from_slice::<HashMap<Name<'_>, Said, RandomState>>(&bytes)
    {
        return Ok(policy.into_iter().map(|(Name(name), said)| (name.into_owned(), said)).collect());
    }
    let policy = read_json_object(importer, path)?.unwrap_or_default();
    Ok(policy.into_iter().map(|(name, said)| (name, said.into())).collect())
}

fn asset_data(path: &str, key: &AssetKey, said: Said) -> AssetData {
    let file = path.rsplit('/').next().unwrap_or(path);
    let mut display_name = said.display_name.unwrap_or_else(|| file.to_owned());
    if display_name.contains(['/', '\\']) {
        display_name = display_name.replace(['/', '\\'], "_");
    }
    let declared = said.content_type.filter(|declared| !declared.is_empty());
    let content_type = match declared {
        Some(declared) if is_known_type(&declared) => Some(declared),
        // A type nobody knows is better than none.
        declared => guess_type(file).map(str::to_owned).or(declared),
    };
    AssetData {
        content_type,
        locked: said.is_locked,
        import_path: (!said.has_no_path || path != key.path()).then(|| path.to_owned()),
        thumbnail: said.thumbnail,
        extra: said.extra,
        ..plain_asset(display_name)
    }
}

/// Reads `assets/assets.xml`: what an `assetstore` says about files, whether the package has them or not; nothing where it
/// is not there or no XML.
fn read_metadata(importer: &mut Importer<'_>) -> Result<Option<Vec<(AssetKey, AssetMetadata)>>, OlxError> {
    let path = "assets/assets.xml";
    let Some(bytes) = importer.read(path)? else { return Ok(None) };
    match Document::parse(path.into(), &bytes, &importer.parse) {
        Ok(document) => {
            Ok(Some(read_asset_metadata(&document, &importer.context, &mut importer.diagnostics)))
        }
        Err(error) => {
            importer.diagnostics.push(error.diagnostic());
            Ok(None)
        }
    }
}
