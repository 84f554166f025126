//! The documents of a store, in the form in which recorded reads show them: what no block and no file tells.

use std::collections::BTreeMap;

use bson::{Bson, Document};
use chrono::{DateTime, SecondsFormat, Utc};
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::documents::Bucket;
use runtime_modulestore::store::{Collection, OLD_MONGO};
use serde_json::{Map, Value, json};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Branch, EditInfo, Runtime, RuntimeError};

use super::{Outcome, same, text};
use crate::vectors::Report;

/// What the store of a dump has.
pub(super) struct Stored {
    indexes: Vec<Document>,
    structures: BTreeMap<String, Document>,
    old_blocks: Vec<Document>,
    files: Vec<Document>,
}

impl Stored {
    pub(super) fn read(runtime: &ModulestoreRuntime) -> Outcome<Self> {
        let docs = runtime.store().read().map_err(text)?;
        let all = |collection: &Collection| -> Outcome<Vec<Document>> {
            let mut found = Vec::new();
            docs.each_document(collection, &mut |raw| {
                let document = Document::try_from(raw);
                found.push(document.map_err(|error| RuntimeError::storage("reading a document", error))?);
                Ok(())
            })
            .map_err(text)?;
            Ok(found)
        };
        let with_id =
            |document: Document| (json(&document["_id"]).as_str().unwrap_or_default().to_owned(), document);
        Ok(Self {
            indexes: all(&Collection::Indexes)?,
            structures: all(&Collection::Structures)?.into_iter().map(with_id).collect(),
            old_blocks: all(&Collection::Other(OLD_MONGO.to_owned()))?,
            files: all(&Collection::Files(Bucket::Published))?,
        })
    }

    /// Finds the entry of a context in Split.
    pub(super) fn index(&self, context: &ContextKey) -> Option<&Document> {
        let (course, run) = match context {
            ContextKey::Course(key) => (key.course(), key.run()),
            ContextKey::Library(key) => (key.library(), "library"),
            _ => return None,
        };
        self.indexes.iter().find(|index| {
            !context.is_deprecated()
                && says(index, "org", context.org())
                && says(index, "course", course)
                && says(index, "run", run)
        })
    }

    /// Finds the structure a branch is at.
    pub(super) fn head(&self, context: &ContextKey, branch: &str) -> Option<&Document> {
        let versions = self.index(context)?.get_document("versions").ok()?;
        self.structures.get(&versions.get_object_id(branch).ok()?.to_hex())
    }

    /// Compares what is recorded of a context's entry, each member a case.
    pub(super) fn check_index(&self, context: &ContextKey, expected: &Value, id: &str, report: &mut Report) {
        let found = self.index(context);
        let store = if found.is_some() { "split" } else { "old_mongo" };
        report.case(&format!("{id}, store"), same("store", &expected["store"], &json!(store)));
        let mut found = found.cloned().unwrap_or_default();
        for name in ["org", "course", "run"] {
            found.remove(name);
        }
        let wanted = expected["index"].as_object().cloned().unwrap_or_default();
        for name in wanted.keys().filter(|name| !found.contains_key(*name)) {
            report.case(&format!("{id}, index"), Err(format!("{name}: the index has none")));
        }
        for (name, found) in &found {
            let wanted = wanted.get(name).unwrap_or(&Value::Null);
            report.case(&format!("{id}, index, {name}"), same(name, wanted, &json(found)));
        }
    }

    /// Compares what a structure says about itself.
    pub(super) fn check_structure(&self, context: &ContextKey, recorded: &Value) -> Outcome {
        let branch = recorded["branch_name"].as_str().ok_or("branch_name: there is none")?;
        let found = self.head(context, branch).ok_or_else(|| format!("branch_name: there is no {branch}"))?;
        let names = ["_id", "previous_version", "original_version", "edited_by", "edited_on"];
        members("structure", &recorded["structure"], &names, &[])?;
        for name in names {
            same(&format!("structure, {name}"), &recorded["structure"][name], &member(found, name))?;
        }
        Ok(())
    }

    /// Compares the versions that a block of Split was made by.
    pub(super) fn check_versions(
        &self,
        usage: &UsageKey,
        structure: Option<&Document>,
        wanted: &Value,
    ) -> Outcome {
        let blocks = structure.and_then(|structure| structure.get_array("blocks").ok());
        let block = blocks.into_iter().flatten().filter_map(Bson::as_document).find(|block| {
            says(block, "block_type", usage.block_type()) && says(block, "block_id", usage.block_id())
        });
        let info = block.ok_or("it is in no structure")?.get_document("edit_info").map_err(text)?;
        for name in ["update_version", "previous_version", "source_version"] {
            same(name, &wanted[name], &member(info, name))?;
        }
        Ok(())
    }

    /// Compares who changed a block, or one below it, last: Split looks at them all, Old Mongo's blocks say it.
    pub(super) fn check_subtree(
        &self,
        runtime: &ModulestoreRuntime,
        usage: &UsageKey,
        branch: Branch,
        wanted: &Value,
    ) -> Outcome {
        let context = usage.context_key();
        let (by, on) = if context.is_deprecated() {
            let says = |document: &Document, name: &str, value: &str| {
                document.get_document("_id").is_ok_and(|id| says(id, name, value))
            };
            let course = context.as_course().map(|key| key.course()).unwrap_or_default();
            let mut revisions: Vec<_> = self
                .old_blocks
                .iter()
                .filter(|document| {
                    says(document, "org", context.org())
                        && says(document, "course", course)
                        && says(document, "category", usage.block_type())
                        && says(document, "name", usage.block_id())
                        && (branch == Branch::Draft || !says(document, "revision", "draft"))
                })
                .collect();
            revisions.sort_by_key(|document| says(document, "revision", "draft"));
            let info = revisions.last().and_then(|document| document.get_document("edit_info").ok());
            let info = info.ok_or("there is no edit_info")?;
            (member(info, "subtree_edited_by"), member(info, "subtree_edited_on"))
        } else {
            let EditInfo { edited_on, edited_by } = last_edit(runtime, usage, branch)?;
            (json!(edited_by), time(edited_on))
        };
        same("subtree_edited_by", &wanted["subtree_edited_by"], &by)?;
        same("subtree_edited_on", &wanted["subtree_edited_on"], &on)
    }

    /// Compares what only a file's document says.
    pub(super) fn check_file(&self, key: &str, wanted: &Value) -> Outcome {
        let file = self.files.iter().find(|file| file_key(file).as_deref() == Some(key));
        let file = file.ok_or_else(|| format!("{key} has no document"))?;
        for name in ["filename", "uploadDate", "thumbnail_location", "md5"] {
            same(name, &wanted[name], &member(file, name))?;
        }
        Ok(())
    }
}

/// Returns the last edit of a block and all below it.
fn last_edit(runtime: &ModulestoreRuntime, usage: &UsageKey, branch: Branch) -> Outcome<EditInfo> {
    let block = runtime.block(usage, branch).map_err(text)?;
    let mut last = block.edit_info.clone();
    for child in &block.data.children {
        let below = last_edit(runtime, child, branch)?;
        if below.edited_on > last.edited_on {
            last = below;
        }
    }
    Ok(last)
}

/// Returns the key a file is recorded under.
fn file_key(file: &Document) -> Option<String> {
    match file.get("_id")? {
        Bson::String(key) => Some(key.clone()),
        Bson::Document(son) => {
            let part = |name| son.get_str(name).unwrap_or_default();
            Some(format!("/c4x/{}/{}/{}/{}", part("org"), part("course"), part("category"), part("name")))
        }
        _ => None,
    }
}

fn says(document: &Document, name: &str, value: &str) -> bool {
    document.get_str(name).is_ok_and(|said| said == value)
}

fn member(document: &Document, name: &str) -> Value {
    document.get(name).map_or(Value::Null, json)
}

/// Writes a time as it is recorded.
pub(super) fn time(time: Option<DateTime<Utc>>) -> Value {
    time.map_or(Value::Null, |time| time.to_rfc3339_opts(SecondsFormat::Millis, true).into())
}

/// Writes a value of a document as it is recorded.
fn json(value: &Bson) -> Value {
    match value {
        Bson::ObjectId(id) => id.to_hex().into(),
        Bson::DateTime(moment) => time(DateTime::from_timestamp_millis(moment.timestamp_millis())),
        Bson::Document(document) => {
            document.iter().map(|(name, value)| (name.clone(), json(value))).collect::<Map<_, _>>().into()
        }
        Bson::Array(values) => values.iter().map(json).collect(),
        Bson::String(text) => text.as_str().into(),
        Bson::Boolean(value) => (*value).into(),
        Bson::Int32(number) => (*number).into(),
        Bson::Int64(number) => (*number).into(),
        Bson::Double(number) => (*number).into(),
        Bson::Null => Value::Null,
        other => other.to_string().into(),
    }
}

/// Says which member of a recorded object is compared with nothing, and which is not there.
pub(super) fn members(what: &str, value: &Value, required: &[&str], optional: &[&str]) -> Outcome {
    let object = value.as_object().ok_or_else(|| format!("{what}: it is no object"))?;
    if let Some(name) = required.iter().find(|name| !object.contains_key(**name)) {
        return Err(format!("{what}: {name} is not there"));
    }
    match object.keys().find(|name| !required.contains(&name.as_str()) && !optional.contains(&name.as_str()))
    {
        Some(name) => Err(format!("{what}: {name} is compared with nothing")),
        None => Ok(()),
    }
}
