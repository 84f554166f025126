//! Every block of every branch reads as edx-platform read it.

use chrono::{DateTime, SecondsFormat, Utc};
use runtime_modulestore::ModulestoreRuntime;
use serde_json::{Map, Value, json};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Branch, FieldMap, Runtime, RuntimeExt};

use super::{Outcome, same, text};
use crate::vectors::Report;

/// Checks the branches and the static files, each block a case.
pub(super) fn check(
    runtime: &ModulestoreRuntime,
    context: &ContextKey,
    expected: &Value,
    id: &str,
    report: &mut Report,
) {
    for (name, branch) in
        [("draft", Branch::Draft), ("library", Branch::Draft), ("published", Branch::Published)]
    {
        let Some(read) = expected["branches"].get(name) else { continue };
        report.case(&format!("{id}, {name}"), listed(runtime, context, read, branch));
        for (usage, wanted) in read["blocks"].as_object().into_iter().flatten() {
            let outcome = block(runtime, usage, wanted, branch, name == "library");
            report.case(&format!("{id}, {name}, {usage}"), outcome);
        }
    }
    report.case(&format!("{id}, files"), files(runtime, context, &expected["assets"]));
    report.case(&format!("{id}, records"), records(runtime, context, &expected["asset_metadata"]));
}

/// Compares what is said about files.
fn records(runtime: &ModulestoreRuntime, context: &ContextKey, expected: &Value) -> Outcome {
    let found = runtime.asset_metadata(context, Branch::Draft).map_err(text)?;
    same("unreadable records", &json!([]), &json!(found.damaged))?;
    let found: Vec<_> = found
        .records
        .iter()
        .map(|(key, said)| {
            json!({
                "asset_key": key.to_string(),
                "metadata": {
                    "asset_type": key.asset_type(), "filename": key.path(),
                    "pathname": said.pathname, "internal_name": said.internal_name, "locked": said.locked,
                    "contenttype": said.content_type, "thumbnail": said.thumbnail, "fields": object(&said.fields),
                    "edit_info": {
                        "curr_version": said.curr_version, "prev_version": said.prev_version,
                        "created_by": said.created_by, "created_by_email": said.created_by_email,
                        "created_on": time(said.created_on),
                        "edited_by": said.edited_by, "edited_by_email": said.edited_by_email,
                        "edited_on": time(said.edited_on),
                    },
                },
            })
        })
        .collect();
    let wanted = if expected.is_null() { json!([]) } else { expected.clone() };
    same("records", &wanted, &Value::from(found))
}

fn listed(runtime: &ModulestoreRuntime, context: &ContextKey, read: &Value, branch: Branch) -> Outcome {
    let record = runtime.context(context).map_err(text)?;
    same("root", &read["root"], &json!(record.root.to_string()))?;
    let head = record.head(branch).ok_or("there is no such branch")?;
    if let Some(structure) = read["structure"]["_id"].as_str() {
        same("structure", &json!(structure), &json!(&*head.version.0))?;
    }
    let mut wanted: Vec<_> = read["blocks"].as_object().into_iter().flatten().map(|(key, _)| key).collect();
    wanted.sort();
    let found = runtime.usages(context, branch).map_err(text)?;
    let mut found: Vec<_> = found.iter().map(ToString::to_string).collect();
    found.sort();
    same("blocks", &json!(wanted), &json!(found))?;
    if context.is_deprecated() {
        return Ok(());
    }
    let orphans = runtime.orphans(context, branch).map_err(text)?;
    let mut orphans: Vec<_> = orphans.iter().map(ToString::to_string).collect();
    orphans.sort();
    let mut wanted: Vec<_> =
        read["orphans"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    wanted.sort_unstable();
    same("orphans", &json!(wanted), &json!(orphans))
}

fn object(map: &FieldMap) -> Value {
    map.iter().map(|(name, value)| (name.to_string(), value.clone())).collect::<Map<_, _>>().into()
}

/// An absent object is an empty one.
fn or_empty(value: &Value) -> Value {
    if value.is_null() { json!({}) } else { value.clone() }
}

fn time(time: Option<DateTime<Utc>>) -> Value {
    time.map_or(Value::Null, |time| time.to_rfc3339_opts(SecondsFormat::Millis, true).into())
}

fn block(
    runtime: &ModulestoreRuntime,
    usage: &str,
    wanted: &Value,
    branch: Branch,
    is_library: bool,
) -> Outcome {
    let usage = usage_key(runtime, usage, wanted, branch)?;
    let found = runtime.block(&usage, branch).map_err(text)?;
    let children: Vec<_> = found.data.children.iter().map(ToString::to_string).collect();
    same("children", &wanted["children"], &json!(children))?;
    let fields = &wanted["fields"];
    same("content", &or_empty(&fields["content"]), &object(&found.data.content))?;
    let mut settings = or_empty(&fields["settings"]);
    // The video class of 2015 set this itself whenever a block was loaded; no document holds it.
    if usage.block_type() == "video"
        && !found.data.settings.contains_key("download_video")
        && let Some(settings) = settings.as_object_mut()
    {
        settings.remove("download_video");
    }
    same("settings", &settings, &object(&found.data.settings))?;
    same("defaults", &or_empty(&wanted["defaults"]), &object(&found.data.defaults))?;
    same("edited_by", &wanted["edited_by"], &json!(found.edit_info.edited_by))?;
    same("edited_on", &wanted["edited_on"], &time(found.edit_info.edited_on))?;
    if let Some(definition) = wanted["definition_id"].as_str() {
        let id = found.definition.as_split().and_then(|key| key.definition_id()).map(|id| id.to_string());
        same("definition", &json!(definition), &json!(id))?;
    }
    if let Some(parent) = wanted["parent"].as_str() {
        let parents = runtime.parents(&usage, branch).map_err(text)?;
        if !parents.iter().any(|found| found.to_string() == parent) {
            return Err(format!("parent: expected {parent} among {parents:?}"));
        }
    }
    inherited(runtime, &usage, &found.data.settings, &found.data.defaults, wanted, branch)?;
    if !is_library && branch == Branch::Draft {
        same("has_changes", &wanted["has_changes"], &json!(runtime.has_changes(&usage).map_err(text)?))?;
    }
    if !is_library && !wanted["published_on"].is_null() {
        let published = runtime.published(&usage).map_err(text)?.ok_or("it is not published")?;
        same("published_on", &wanted["published_on"], &time(published.edited_on))?;
        same("published_by", &wanted["published_by"], &json!(published.edited_by))?;
    }
    Ok(())
}

/// Finds the key in the course: the text of an old one names no run.
fn usage_key(runtime: &ModulestoreRuntime, key: &str, wanted: &Value, branch: Branch) -> Outcome<UsageKey> {
    let parsed: UsageKey = key.parse().map_err(text)?;
    if !parsed.context_key().is_deprecated() {
        return Ok(parsed);
    }
    let course = parsed.context_key();
    for context in runtime.contexts().map_err(text)? {
        let is_same = context.is_deprecated()
            && context.org() == course.org()
            && context.as_course().map(|key| key.course()) == course.as_course().map(|key| key.course());
        if is_same {
            let usage = context
                .make_usage_key(parsed.block_type(), wanted["block_id"].as_str().unwrap_or_default())
                .map_err(text)?;
            if runtime.block(&usage, branch).is_ok() {
                return Ok(usage);
            }
        }
    }
    Err("it is in no course".to_owned())
}

/// What the platform recorded has names that are not set here: from an ancestor, or from `defaults`.
fn inherited(
    runtime: &ModulestoreRuntime,
    usage: &UsageKey,
    settings: &FieldMap,
    defaults: &FieldMap,
    wanted: &Value,
    branch: Branch,
) -> Outcome {
    let found = runtime.inherited(usage, branch).map_err(text)?;
    let mut all = Map::new();
    for (name, value) in &found {
        all.insert(name.to_string(), value.clone());
    }
    for (name, value) in defaults {
        if wanted["inherited"].get(&**name).is_some() && !all.contains_key(&**name) {
            all.insert(name.to_string(), value.clone());
        }
    }
    all.retain(|name, _| !settings.contains_key(name.as_str()));
    same("inherited", &or_empty(&wanted["inherited"]), &all.into())
}

fn files(runtime: &ModulestoreRuntime, context: &ContextKey, wanted: &Value) -> Outcome {
    let Some(wanted) = wanted.as_array() else { return Ok(()) };
    let found = runtime.assets(context, Branch::Published).or_else(|error| match error {
        xblock_core::runtime::RuntimeError::NoSuchBranch { .. } => Ok(Vec::new()),
        other => Err(text(other)),
    })?;
    let found: Vec<_> = found.into_iter().filter(|file| file.key.asset_type() == "asset").collect();
    same("number of files", &json!(wanted.len()), &json!(found.len()))?;
    for wanted in wanted {
        let key = wanted["asset_key"].as_str().ok_or("no asset_key")?;
        let file = found
            .iter()
            .find(|file| file.key.to_string() == key)
            .ok_or_else(|| format!("{key} is missing"))?;
        same("displayname", &wanted["displayname"], &json!(file.data.display_name))?;
        same("contentType", &wanted["contentType"], &json!(file.data.content_type))?;
        same("locked", &wanted["locked"], &json!(file.data.locked))?;
        same("import_path", &wanted["import_path"], &json!(file.data.import_path))?;
        same("thumbnail", &wanted["thumbnail_location"][4], &json!(file.data.thumbnail))?;
        same("length", &wanted["length"], &json!(file.length))?;
        let bytes = runtime.read_asset(&file.key, Branch::Published).map_err(text)?;
        same("bytes", &wanted["length"], &json!(bytes.len()))?;
    }
    Ok(())
}
