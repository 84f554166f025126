//! Calls on edx-platform's modulestore, one by one: ours leave the documents that its own left.
//!
//! Each step begins at the platform's documents before it, so that one that differs does not spoil the next. What differs
//! by nature is made equal first: ids of new documents, and the time of the call.

mod compare;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::{Bson, Document};
use chrono::DateTime;
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::operations::{Bulk, BulkOptions, DerivedIds, Revision};
use serde_json::Value;
use xblock_core::block::Registry;
use xblock_core::clock::FixedClock;
use xblock_core::fields::{FieldType, Json, Scope};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{
    Base, BlockData, BlockPatch, Branch, Edit, EditOp, Extent, Runtime, RuntimeError,
};

use super::stores::Stores;
use super::{Outcome, entries, json, text};
use crate::vectors::Report;
use compare::compare;

/// When our calls are made: a moment no recorded document has.
const NOW: i64 = 1_930_000_000_123;

/// The heads of a context's branches.
type Heads = BTreeMap<String, ObjectId>;

/// What edx-platform left.
struct Recorded {
    indexes: Vec<Document>,
    structures: BTreeMap<ObjectId, Document>,
    definitions: BTreeMap<ObjectId, Document>,
}

/// How a step is carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By the operation of the same name.
    Operation,
    /// By an edit, as on any store.
    Edit,
}

/// Replays the steps of a folder, each a case; Old Mongo is not written.
pub(super) fn check(place: &Path, stores: &Stores, id: &str, report: &mut Report) {
    if let Err(reason) = replay(place, stores, id, report) {
        report.case(&format!("{id}, steps"), Err(reason));
    }
}

fn replay(place: &Path, stores: &Stores, id: &str, report: &mut Report) -> Outcome {
    let recorded = Recorded::read(place)?;
    if recorded.indexes.is_empty() || !place.join("steps.json").is_file() {
        return Ok(());
    }
    let steps = json(&place.join("steps.json"))?;
    let mut heads: BTreeMap<ContextKey, Heads> = BTreeMap::new();
    for step in steps.as_array().ok_or("the steps are no list")? {
        let call = step["call"].as_str().unwrap_or_default();
        let after = read_heads(&step["after"]["versions"])?;
        if after.is_empty() {
            continue;
        }
        let context = context_of(&step["args"])?;
        let before = match heads.get(&context) {
            Some(before) => before.clone(),
            None => recorded.heads_before(&after, &step["args"]["user_id"]),
        };
        heads.insert(context.clone(), before.clone());
        for way in [Way::Operation, Way::Edit] {
            let Some(act) = action(step, &stores.registry, way) else { continue };
            let manner = if way == Way::Edit { ", as an edit" } else { "" };
            let outcome =
                recorded.store(&heads, stores, call == "clone_course").and_then(|(runtime, _folder)| {
                    act(&runtime).map_err(|error| format!("{call}: {error}"))?;
                    let context =
                        if call == "clone_course" { key(&step["args"]["dest"])? } else { context.clone() };
                    compare(&runtime, &context, &recorded, &before, &after)
                });
            report.case(&format!("{id}, step {} {call}{manner}", step["n"]), outcome);
        }
        heads.insert(context, after.clone());
        if call == "clone_course" {
            heads.insert(key(&step["args"]["dest"])?, after);
        }
    }
    Ok(())
}

fn key<T: std::str::FromStr<Err: std::fmt::Display>>(value: &Value) -> Outcome<T> {
    value.as_str().ok_or("no key")?.parse().map_err(text)
}

fn context_of(args: &Value) -> Outcome<ContextKey> {
    for name in ["usage_key", "parent"] {
        if args[name].is_string() {
            return Ok(key::<UsageKey>(&args[name])?.context_key());
        }
    }
    match args["asset_key"].as_str() {
        Some(asset) => Ok(asset.parse::<xblock_core::keys::AssetKey>().map_err(text)?.context_key()),
        None => key(&args["source"]),
    }
}

fn read_heads(versions: &Value) -> Outcome<Heads> {
    let mut heads = Heads::new();
    for (branch, id) in versions.as_object().into_iter().flatten() {
        heads.insert(branch.clone(), ObjectId::parse_str(id.as_str().unwrap_or_default()).map_err(text)?);
    }
    Ok(heads)
}

impl Recorded {
    fn read(place: &Path) -> Outcome<Self> {
        let database = entries(&place.join("dump")).into_iter().find(|entry| entry.is_dir());
        let database = database.unwrap_or_else(|| place.join("dump"));
        let documents = |name: &str| -> Outcome<Vec<Document>> {
            let Ok(bytes) = std::fs::read(database.join(name)) else { return Ok(Vec::new()) };
            let mut rest = bytes.as_slice();
            let mut found = Vec::new();
            while !rest.is_empty() {
                found.push(Document::from_reader(&mut rest).map_err(text)?);
            }
            Ok(found)
        };
        let by_id = |documents: Vec<Document>| {
            documents.into_iter().filter_map(|document| Some((document.get_object_id("_id").ok()?, document)))
        };
        Ok(Self {
            indexes: documents("modulestore.active_versions.bson")?,
            structures: by_id(documents("modulestore.structures.bson")?).collect(),
            definitions: by_id(documents("modulestore.definitions.bson")?).collect(),
        })
    }

    /// Finds where a context was before its first step: the branches its user moved were at the version before.
    fn heads_before(&self, after: &Heads, user: &Value) -> Heads {
        let mut before = after.clone();
        for id in before.values_mut() {
            let Some(structure) = self.structures.get(id) else { continue };
            let by = structure.get_i32("edited_by").map(i64::from).ok();
            if by == user.as_i64()
                && let Ok(previous) = structure.get_object_id("previous_version")
            {
                *id = previous;
            }
        }
        before
    }

    /// Makes a store with all documents, its contexts at the given heads.
    fn store(
        &self,
        heads: &BTreeMap<ContextKey, Heads>,
        stores: &Stores,
        without_reruns: bool,
    ) -> Outcome<(ModulestoreRuntime, tempfile::TempDir)> {
        let now = DateTime::from_timestamp_millis(NOW).ok_or("no moment")?;
        let (runtime, folder) = stores.fresh(FixedClock(now))?;
        let dump = folder.path().join("dump/edxapp");
        std::fs::create_dir_all(&dump).map_err(text)?;
        let write = |name: &str, documents: &mut dyn Iterator<Item = Document>| -> Outcome {
            let mut bytes = Vec::new();
            for document in documents {
                document.to_writer(&mut bytes).map_err(text)?;
            }
            std::fs::write(dump.join(name), bytes).map_err(text)
        };
        let index = |document: &Document| {
            let mut document = document.clone();
            let part = |name: &str| document.get_str(name).unwrap_or_default().to_owned();
            let (org, course, run) = (part("org"), part("course"), part("run"));
            let here = heads.iter().find(|(context, _)| match context {
                ContextKey::Course(key) => key.org() == org && key.course() == course && key.run() == run,
                ContextKey::Library(key) => key.org() == org && key.library() == course && run == "library",
                _ => false,
            });
            match here {
                Some((_, heads)) => {
                    let heads: Document =
                        heads.iter().map(|(name, id)| (name.clone(), Bson::from(*id))).collect();
                    document.insert("versions", heads);
                }
                None if without_reruns => return None,
                None => {}
            }
            Some(document)
        };
        write("modulestore.active_versions.bson", &mut self.indexes.iter().filter_map(index))?;
        write("modulestore.structures.bson", &mut self.structures.values().cloned())?;
        write("modulestore.definitions.bson", &mut self.definitions.values().cloned())?;
        runtime.import_dump(&dump).map_err(text)?;
        Ok((runtime, folder))
    }
}

type Action<'s> = Box<dyn Fn(&ModulestoreRuntime) -> Result<(), RuntimeError> + 's>;

/// Says how a step is carried out, where there is such a way.
fn action<'s>(step: &'s Value, registry: &'s Registry, way: Way) -> Option<Action<'s>> {
    let args = &step["args"];
    let author = args["user_id"].as_i64();
    let usage: Option<UsageKey> = args["usage_key"].as_str().and_then(|usage| usage.parse().ok());
    let call = step["call"].as_str()?;
    match (call, way) {
        ("clone_course", Way::Operation) => {
            let (source, target): (ContextKey, ContextKey) =
                (key(&args["source"]).ok()?, key(&args["dest"]).ok()?);
            Some(Box::new(move |runtime| runtime.rerun(&source, &target, author).map(|_| ())))
        }
        ("create_child", _) => {
            let (parent, usage): (UsageKey, UsageKey) =
                (key(&args["parent"]).ok()?, key(&step["result"]).ok()?);
            let patch = patch(&args["fields"], &Value::Null, &usage, registry);
            let mut data = BlockData::default();
            patch.apply(&mut data);
            match way {
                Way::Operation => operation(parent.context_key(), author, move |bulk| {
                    bulk.create_child(&parent, &usage, &data, None)
                }),
                Way::Edit if is_direct_only(&usage) => None,
                Way::Edit => edit(parent.context_key(), author, move |runtime| {
                    let mut children = runtime.block(&parent, Branch::Draft)?.data.children.clone();
                    children.push(usage.clone());
                    let patch = BlockPatch { children: Some(children), ..BlockPatch::default() };
                    Ok(vec![
                        EditOp::PutBlock { usage: usage.clone(), data: Arc::new(data.clone()) },
                        EditOp::PatchBlock { usage: parent.clone(), patch },
                    ])
                }),
            }
        }
        ("update_item", _) => {
            let usage = usage?;
            let patch = patch(&args["set"], &args["delete"], &usage, registry);
            let reversed = args["set"]["children"] == "reversed";
            let complete = move |children: Vec<UsageKey>| {
                let mut patch = patch.clone();
                if reversed {
                    patch.children = Some(children.into_iter().rev().collect());
                }
                patch
            };
            let context = usage.context_key();
            let children_of = |runtime: &ModulestoreRuntime, usage: &UsageKey| -> Result<_, RuntimeError> {
                Ok(runtime.block(usage, Branch::Draft)?.data.children.clone())
            };
            match way {
                Way::Operation => Some(Box::new(move |runtime| {
                    let patch = complete(children_of(runtime, &usage)?);
                    let options = BulkOptions { author, ..BulkOptions::default() };
                    let outcome = runtime.bulk(&context, &options, |bulk| bulk.update_item(&usage, &patch));
                    outcome.map(|_| ())
                })),
                Way::Edit if is_direct_only(&usage) => None,
                Way::Edit => edit(context, author, move |runtime| {
                    let patch = complete(children_of(runtime, &usage)?);
                    Ok(vec![EditOp::PatchBlock { usage: usage.clone(), patch }])
                }),
            }
        }
        ("publish", Way::Operation) => in_bulk(usage?, author, |bulk, usage| bulk.publish(usage)),
        ("publish", Way::Edit) => in_edit(usage?, author, |usage| EditOp::Publish(Extent::Subtree(usage))),
        ("unpublish", Way::Operation) => in_bulk(usage?, author, |bulk, usage| bulk.unpublish(usage)),
        ("revert_to_published", Way::Operation) => {
            in_bulk(usage?, author, |bulk, usage| bulk.revert_to_published(usage))
        }
        ("revert_to_published", Way::Edit) => {
            in_edit(usage?, author, |usage| EditOp::Discard(Extent::Subtree(usage)))
        }
        ("delete_item", Way::Operation) => {
            in_bulk(usage?, author, |bulk, usage| bulk.delete_item(usage, Revision::ByCategory))
        }
        ("delete_item", Way::Edit) => {
            let usage = usage.filter(|usage| !is_direct_only(usage))?;
            in_edit(usage, author, |usage| EditOp::DeleteBlock { usage })
        }
        ("LibraryToolsService.update_children", Way::Operation) => {
            let usage = usage?;
            Some(Box::new(move |runtime| {
                let block = runtime.block(&usage, Branch::Draft)?;
                let library = block.data.settings.get("source_library_id").and_then(Json::as_str);
                let library: ContextKey = library.unwrap_or_default().parse().map_err(|_| {
                    RuntimeError::Corrupt { place: usage.to_string(), reason: "it names no library".into() }
                })?;
                // What is refreshed keeps the rule by which its copies were named.
                let is_first = block.data.children.is_empty();
                let ids = if is_first { DerivedIds::Python2 } else { DerivedIds::AsBefore };
                let options = BulkOptions { author, ..BulkOptions::default() };
                let refresh = |bulk: &mut Bulk<'_>| bulk.refresh_library_content(&usage, &library, None, ids);
                runtime.bulk(&usage.context_key(), &options, refresh).map(|_| ())
            }))
        }
        _ => None,
    }
}

fn is_direct_only(usage: &UsageKey) -> bool {
    ["course", "chapter", "sequential", "about", "static_tab", "course_info"].contains(&usage.block_type())
}

fn operation<'s>(
    context: ContextKey,
    author: Option<i64>,
    act: impl Fn(&mut Bulk<'_>) -> Result<(), RuntimeError> + 's,
) -> Option<Action<'s>> {
    Some(Box::new(move |runtime| {
        let options = BulkOptions { author, ..BulkOptions::default() };
        runtime.bulk(&context, &options, |bulk| act(bulk)).map(|_| ())
    }))
}

fn in_bulk<'s>(
    usage: UsageKey,
    author: Option<i64>,
    act: impl Fn(&mut Bulk<'_>, &UsageKey) -> Result<(), RuntimeError> + 's,
) -> Option<Action<'s>> {
    operation(usage.context_key(), author, move |bulk| act(bulk, &usage))
}

fn edit<'s>(
    context: ContextKey,
    author: Option<i64>,
    ops: impl Fn(&ModulestoreRuntime) -> Result<Vec<EditOp>, RuntimeError> + 's,
) -> Option<Action<'s>> {
    Some(Box::new(move |runtime| {
        let mut edit = Edit::new(context.clone(), Base::Any);
        edit.author = author;
        edit.ops = ops(runtime)?;
        runtime.commit(edit).map(|_| ())
    }))
}

fn in_edit<'s>(
    usage: UsageKey,
    author: Option<i64>,
    op: impl Fn(UsageKey) -> EditOp + 's,
) -> Option<Action<'s>> {
    edit(usage.context_key(), author, move |_| Ok(vec![op(usage.clone())]))
}

/// Sorts fields by scope.
fn patch(set: &Value, deleted: &Value, usage: &UsageKey, registry: &Registry) -> BlockPatch {
    let block_type = registry.block_type(usage.block_type());
    let mut patch = BlockPatch::default();
    let values =
        set.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), Some(value.clone())));
    let unset = deleted.as_array().into_iter().flatten().filter_map(Value::as_str).map(|name| (name, None));
    for (name, mut value) in values.chain(unset).filter(|(name, _)| *name != "children") {
        let field = block_type.field(name);
        if field.is_some_and(|field| field.kind == FieldType::Date) {
            // Times are recorded with their milliseconds.
            let whole = value.as_ref().and_then(Value::as_str).map(|text| text.replace(".000Z", "Z"));
            value = whole.map(Value::from).or(value);
        }
        let list = match field.map(|field| field.scope) {
            Some(Scope::Content) => &mut patch.content,
            _ => &mut patch.settings,
        };
        list.push((name.into(), value));
    }
    patch
}
