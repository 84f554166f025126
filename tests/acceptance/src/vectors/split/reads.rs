//! Every block of every branch reads as edx-platform read it.

use std::collections::{BTreeSet, HashSet};

use bson::Document;
use md5::{Digest as _, Md5};
use runtime_modulestore::ModulestoreRuntime;
use serde_json::{Map, Value, json};
use xblock_core::block::Registry;
use xblock_core::fields::is_inheritable;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Branch, FieldMap, Runtime, RuntimeError, RuntimeExt};

use super::stored::{Stored, members, time};
use super::{Outcome, same, text};
use crate::vectors::Report;

/// Checks the branches and the static files, each block a case.
pub(super) fn check(
    runtime: &ModulestoreRuntime,
    registry: &Registry,
    context: &ContextKey,
    expected: &Value,
    id: &str,
    report: &mut Report,
) -> Outcome {
    let stored = Stored::read(runtime)?;
    let is_split = stored.index(context).is_some();
    let recorded = ["course_key", "store", "branches", "assets", "asset_metadata"];
    report.case(&format!("{id}, members"), members("the read", expected, &recorded, &["index"]));
    stored.check_index(context, expected, id, report);
    report.case(&format!("{id}, branches"), branches(runtime, context, &expected["branches"]));
    let mut unknown = BTreeSet::new();
    for (name, branch) in
        [("draft", Branch::Draft), ("library", Branch::Draft), ("published", Branch::Published)]
    {
        let Some(read) = expected["branches"].get(name) else { continue };
        report.case(&format!("{id}, {name}"), listed(runtime, context, read, branch));
        if is_split {
            report.case(&format!("{id}, {name}, structure"), stored.check_structure(context, read));
        }
        let structure = stored.head(context, read["branch_name"].as_str().unwrap_or_default());
        let read_as =
            ReadAs { runtime, stored: &stored, structure, registry, branch, is_library: name == "library" };
        for (usage, wanted) in read["blocks"].as_object().into_iter().flatten() {
            report.case(&format!("{id}, {name}, {usage}"), read_as.block(usage, wanted));
            let block_type = wanted["block_type"].as_str().unwrap_or_default();
            if read_as.may_have_children(block_type).is_none() {
                unknown.insert(block_type);
            }
        }
    }
    for block_type in unknown {
        report.unproven.push(format!("whether a {block_type} may have children (\"has_children\", {id})"));
    }
    report.case(&format!("{id}, files"), files(runtime, &stored, context, &expected["assets"]));
    report.case(&format!("{id}, records"), records(runtime, context, &expected["asset_metadata"]));
    Ok(())
}

/// Compares which branches there are.
fn branches(runtime: &ModulestoreRuntime, context: &ContextKey, expected: &Value) -> Outcome {
    let record = runtime.context(context).map_err(text)?;
    let mut found = vec![if context.as_library().is_some() { "library" } else { "draft" }];
    if record.published.is_some() {
        found.push("published");
    }
    members("branches", expected, &found, &[])
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
    let is_library = context.as_library().is_some();
    let mut recorded = vec!["root", "block_count", "blocks"];
    recorded.extend((!is_library).then_some("orphans"));
    recorded.extend((!context.is_deprecated()).then_some(["branch_name", "structure"]).into_iter().flatten());
    members("the branch", read, &recorded, &[])?;
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
    same("block_count", &read["block_count"], &json!(found.len()))?;
    if is_library {
        return Ok(());
    }
    let orphans = match context.is_deprecated() {
        true => orphans_of_old_mongo(runtime, context, branch)?,
        false => runtime.orphans(context, branch).map_err(text)?,
    };
    let mut orphans: Vec<_> = orphans.iter().map(ToString::to_string).collect();
    orphans.sort();
    let mut wanted: Vec<_> =
        read["orphans"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    wanted.sort_unstable();
    same("orphans", &json!(wanted), &json!(orphans))
}

/// Lists the blocks that none has as a child and that are not meant to be without (modulestore reference, section 13).
fn orphans_of_old_mongo(
    runtime: &ModulestoreRuntime,
    context: &ContextKey,
    branch: Branch,
) -> Outcome<Vec<UsageKey>> {
    let root = runtime.context(context).map_err(text)?.root;
    let mut found = Vec::new();
    for usage in runtime.usages(context, branch).map_err(text)? {
        let is_detached = ["about", "static_tab", "course_info"].contains(&usage.block_type());
        if usage != root && !is_detached && runtime.parents(&usage, branch).map_err(text)?.is_empty() {
            found.push(usage);
        }
    }
    Ok(found)
}

fn object(map: &FieldMap) -> Value {
    map.iter().map(|(name, value)| (name.to_string(), value.clone())).collect::<Map<_, _>>().into()
}

/// An absent object is an empty one.
fn or_empty(value: &Value) -> Value {
    if value.is_null() { json!({}) } else { value.clone() }
}

/// Members that every recorded block has.
const BLOCK: [&str; 15] = [
    "usage_key",
    "block_type",
    "block_id",
    "class",
    "parent",
    "has_children",
    "children",
    "fields",
    "inherited",
    "edited_by",
    "edited_on",
    "subtree_edited_by",
    "subtree_edited_on",
    "published_by",
    "published_on",
];

/// How the blocks of a branch are read.
struct ReadAs<'r> {
    runtime: &'r ModulestoreRuntime,
    stored: &'r Stored,
    /// The structure of a branch of Split.
    structure: Option<&'r Document>,
    registry: &'r Registry,
    branch: Branch,
    is_library: bool,
}

impl ReadAs<'_> {
    fn block(&self, key: &str, wanted: &Value) -> Outcome {
        let Self { runtime, branch, .. } = *self;
        let mut recorded = BLOCK.to_vec();
        if !self.is_library {
            recorded.extend(["has_changes", "has_published_version"]);
        }
        if self.structure.is_some() {
            recorded.extend(["definition_id", "update_version", "previous_version", "source_version"]);
        }
        members("the block", wanted, &recorded, &["defaults"])?;
        let usage = usage_key(runtime, key, wanted, branch)?;
        same("usage_key", &wanted["usage_key"], &json!(usage.to_string()))?;
        same("block_type", &wanted["block_type"], &json!(usage.block_type()))?;
        same("block_id", &wanted["block_id"], &json!(usage.block_id()))?;
        let found = runtime.block(&usage, branch).map_err(text)?;
        let children: Vec<_> = found.data.children.iter().map(ToString::to_string).collect();
        same("children", &wanted["children"], &json!(children))?;
        let may_have = self.may_have_children(usage.block_type());
        same("has_children", &wanted["has_children"], &json!(may_have.unwrap_or(!children.is_empty())))?;
        let fields = &wanted["fields"];
        members("fields", fields, &[], &["content", "settings", "children"])?;
        if !fields["children"].is_null() {
            same("fields, children", &fields["children"], &json!({ "children": children }))?;
        }
        same("content", &or_empty(&fields["content"]), &object(&found.data.content))?;
        let mut settings = or_empty(&fields["settings"]);
        // The video class of 2015 set this itself whenever a block was loaded; no document holds it.
        if usage.block_type() == "video"
            && !found.data.settings.contains_key("download_video")
            && let Some(settings) = settings.as_object_mut()
        {
            let set = settings.remove("download_video").unwrap_or_default();
            same("settings, download_video", &set, &json!(false))?;
        }
        same("settings", &settings, &object(&found.data.settings))?;
        same("defaults", &or_empty(&wanted["defaults"]), &object(&found.data.defaults))?;
        same("edited_by", &wanted["edited_by"], &json!(found.edit_info.edited_by))?;
        same("edited_on", &wanted["edited_on"], &time(found.edit_info.edited_on))?;
        if self.structure.is_some() {
            let id = found.definition.as_split().and_then(|key| key.definition_id());
            same("definition_id", &wanted["definition_id"], &json!(id.map(|id| id.to_string())))?;
            self.stored.check_versions(&usage, self.structure, wanted)?;
        }
        self.stored.check_subtree(runtime, &usage, branch, wanted)?;
        let parents = runtime.parents(&usage, branch).map_err(text)?;
        let is_parent = |parent: &str| parents.iter().any(|found| found.to_string() == parent);
        if !wanted["parent"].as_str().map_or(parents.is_empty(), is_parent) {
            return Err(format!("parent: expected {} among {parents:?}", wanted["parent"]));
        }
        inherited(runtime, &usage, &found.data.settings, &found.data.defaults, wanted, branch)?;
        if !self.is_library {
            same("has_changes", &wanted["has_changes"], &json!(self.has_changes(&usage)?))?;
        }
        let published = runtime.published(&usage).map_err(text)?;
        if !self.is_library {
            same("has_published_version", &wanted["has_published_version"], &json!(published.is_some()))?;
        }
        let published = published.unwrap_or_default();
        same("published_on", &wanted["published_on"], &time(published.edited_on))?;
        same("published_by", &wanted["published_by"], &json!(published.edited_by))
    }

    /// Says whether blocks of a type may have children, where we know it.
    fn may_have_children(&self, name: &str) -> Option<bool> {
        let block_type = self.registry.block_type(name);
        match name {
            _ if block_type.is_known => Some(block_type.class.has_children),
            "conditional" | "videosequence" | "wrapper" => Some(true),
            "discussion" | "poll_question" | "word_cloud" => Some(false),
            _ => None,
        }
    }

    /// Says whether the platform sees changes, reading this branch: what a branch does not have cannot be compared and
    /// counts as changed, and Old Mongo's published branch has no drafts.
    fn has_changes(&self, usage: &UsageKey) -> Outcome<bool> {
        let Self { runtime, branch, .. } = *self;
        if usage.context_key().is_deprecated() && branch == Branch::Published {
            let below = runtime.reached(usage, branch);
            return Ok(below.iter().any(|usage| runtime.block(usage, branch).is_err()));
        }
        match runtime.has_changes(usage) {
            Err(RuntimeError::NoSuchUsage { .. }) if branch == Branch::Published => Ok(true),
            outcome => outcome.map_err(text),
        }
    }
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
        if is_inheritable(name) && !all.contains_key(&**name) {
            all.insert(name.to_string(), value.clone());
        }
    }
    all.retain(|name, _| !settings.contains_key(name.as_str()));
    same("inherited", &or_empty(&wanted["inherited"]), &all.into())
}

/// The members of a recorded file.
const FILE: [&str; 10] = [
    "asset_key",
    "contentType",
    "displayname",
    "filename",
    "import_path",
    "length",
    "locked",
    "md5",
    "thumbnail_location",
    "uploadDate",
];

fn files(runtime: &ModulestoreRuntime, stored: &Stored, context: &ContextKey, wanted: &Value) -> Outcome {
    let wanted = wanted.as_array().ok_or("the files are no list")?;
    let found = runtime.assets(context, Branch::Published).or_else(|error| match error {
        xblock_core::runtime::RuntimeError::NoSuchBranch { .. } => Ok(Vec::new()),
        other => Err(text(other)),
    })?;
    let found: Vec<_> = found.into_iter().filter(|file| file.key.asset_type() == "asset").collect();
    same("number of files", &json!(wanted.len()), &json!(found.len()))?;
    let keys: Vec<_> = wanted.iter().filter_map(|file| file["asset_key"].as_str()).collect();
    let mut in_order = keys.clone();
    in_order.sort_unstable();
    same("order", &json!(in_order), &json!(keys))?;
    let mut seen = HashSet::new();
    for wanted in wanted {
        members("the file", wanted, &FILE, &[])?;
        let key = wanted["asset_key"].as_str().ok_or("no asset_key")?;
        if !seen.insert(key) {
            return Err(format!("{key} is recorded twice"));
        }
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
        same("md5", &wanted["md5"], &json!(hex::encode(Md5::digest(&bytes))))?;
        stored.check_file(key, wanted)?;
    }
    Ok(())
}
