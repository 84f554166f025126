//! Calls on edx-platform's modulestore, one by one: ours leave the documents that its own left.
//!
//! Each step begins at the platform's documents before it, so that one that differs does not spoil the next. What differs
//! by nature is made equal first: ids of new documents, and the time of the call.

mod compare;

use std::collections::{BTreeMap, BTreeSet};
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

use super::stored::members;
use super::stores::Stores;
use super::{Outcome, entries, json, same, text};
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
    let file = place.join("steps.json");
    if !file.is_file() {
        let what = "that the same calls make the same documents";
        report.unproven.push(format!("{what} ({} is not there)", file.display()));
        return Ok(());
    }
    let steps = json(&file)?;
    let steps = steps.as_array().ok_or("the steps are no list")?;
    let is_old = |step: &Value| context_of(&step["args"]).is_ok_and(|context| context.is_deprecated());
    if steps.iter().all(is_old) {
        let what = "that the same calls make the same documents of Old Mongo, which is only read";
        report.unproven.push(format!("{what} ({})", file.display()));
        return Ok(());
    }
    let redundant = recorded.redundant_definitions();
    let mut heads: BTreeMap<ContextKey, Heads> = BTreeMap::new();
    let mut counted: Option<Counts> = None;
    for (at, step) in steps.iter().enumerate() {
        let call = step["call"].as_str().unwrap_or_default();
        let name = format!("{id}, step {} {call}", step["n"]);
        report.case(&format!("{name}, as recorded"), said(step, at + 1));
        let (Ok(after), Ok(counts)) = (read_heads(&step["after"]["versions"]), Counts::recorded(step)) else {
            continue;
        };
        let made = counted.replace(counts).map(|before| counts.since(before));
        let context = context_of(&step["args"])?;
        let before = match heads.get(&context) {
            Some(before) => before.clone(),
            None => recorded.heads_before(&after, &step["args"]["user_id"]),
        };
        heads.insert(context.clone(), before.clone());
        let mut is_replayed = false;
        for way in [Way::Operation, Way::Edit] {
            let Some(act) = action(step, &stores.registry, way) else { continue };
            is_replayed = true;
            let manner = if way == Way::Edit { ", as an edit" } else { "" };
            let outcome =
                recorded.store(&heads, stores, call == "clone_course").and_then(|(runtime, _folder)| {
                    let (ours, is_clone) = (Counts::of(&runtime)?, call == "clone_course");
                    act(&runtime).map_err(|error| format!("{call}: {error}"))?;
                    if let Some(made) = made {
                        made.check(Counts::of(&runtime)?.since(ours), redundant)?;
                    }
                    let context = if is_clone { key(&step["args"]["dest"])? } else { context.clone() };
                    if is_clone {
                        let root = runtime.context(&context).map_err(text)?.root;
                        same("result", &step["result"], &root.to_string().into())?;
                    }
                    compare(&runtime, &context, &recorded, &before, &after)
                });
            report.case(&format!("{name}{manner}"), outcome);
        }
        if !is_replayed && call == "save_asset_metadata" {
            // The recorded read has what was written, and is compared.
            let what = "what save_asset_metadata makes of what it is given, which no step says";
            report.unproven.push(format!("{what} (step {} in {})", step["n"], file.display()));
        } else if !is_replayed {
            report.case(&name, Err("call: there is no way to make this call".into()));
        }
        heads.insert(context, after.clone());
        if call == "clone_course" {
            heads.insert(key(&step["args"]["dest"])?, after);
        }
    }
    if let Some(counted) = counted {
        let outcome = Counts::in_dump(&recorded).and_then(|all| counted.check(all, 0));
        report.case(&format!("{id}, after all steps"), outcome);
    }
    Ok(())
}

/// How many documents there are, or have become more.
#[derive(Clone, Copy)]
struct Counts {
    structures: i64,
    definitions: i64,
}

impl Counts {
    fn recorded(step: &Value) -> Outcome<Self> {
        let count = |name: &str| {
            step["after"][name].as_i64().ok_or_else(|| format!("after, {name}: it is no number"))
        };
        Ok(Self { structures: count("structures")?, definitions: count("definitions")? })
    }

    fn in_dump(recorded: &Recorded) -> Outcome<Self> {
        let count = |length: usize| i64::try_from(length).map_err(text);
        Ok(Self {
            structures: count(recorded.structures.len())?,
            definitions: count(recorded.definitions.len())?,
        })
    }

    fn of(runtime: &ModulestoreRuntime) -> Outcome<Self> {
        let docs = runtime.store().read().map_err(text)?;
        let mut found = Self { structures: 0, definitions: 0 };
        let header = &mut |_, _| {
            found.structures += 1;
            Ok(())
        };
        docs.each_header(header).map_err(text)?;
        let definition = &mut |_, _| {
            found.definitions += 1;
            Ok(())
        };
        docs.each_definition(definition).map_err(text)?;
        Ok(found)
    }

    fn since(self, before: Self) -> Self {
        Self {
            structures: self.structures - before.structures,
            definitions: self.definitions - before.definitions,
        }
    }

    /// Compares with what we make; the platform now and then makes definitions again that are there already.
    fn check(self, ours: Self, redundant: i64) -> Outcome {
        same("after, structures", &self.structures.into(), &ours.structures.into())?;
        if (0..=redundant).contains(&(self.definitions - ours.definitions)) {
            return Ok(());
        }
        same("after, definitions", &self.definitions.into(), &ours.definitions.into())
    }
}

/// Checks that a step has all that is compared and nothing else, and that its result is that of its arguments.
fn said(step: &Value, number: usize) -> Outcome {
    same("n", &step["n"], &number.into())?;
    members("the step", step, &["n", "call", "args", "after"], &["result"])?;
    members("after", &step["after"], &["versions", "structures", "definitions"], &[])?;
    read_heads(&step["after"]["versions"])?;
    Counts::recorded(step)?;
    let args = &step["args"];
    match step["call"].as_str().ok_or("call: there is none")? {
        "create_child" => {
            let usage: UsageKey = key(&step["result"])?;
            same("result, block_type", &args["block_type"], &usage.block_type().into())?;
            let id = &args["block_id"];
            if id.is_null() { Ok(()) } else { same("result, block_id", id, &usage.block_id().into()) }
        }
        "update_item" | "publish" | "unpublish" | "LibraryToolsService.update_children" => {
            same("result", &step["result"], &args["usage_key"])
        }
        "delete_item" | "revert_to_published" | "save_asset_metadata" => {
            same("result", &step["result"], &Value::Null)
        }
        // Compared with the course that is made.
        "clone_course" => Ok(()),
        other => Err(format!("call: nobody knows {other:?}")),
    }
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
    for (branch, id) in versions.as_object().ok_or("after, versions: it is no object")? {
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

    /// Counts the definitions that say what another one says.
    fn redundant_definitions(&self) -> i64 {
        let mut said = BTreeSet::new();
        let is_again = |document: &&Document| {
            let words = |name: &str| document.get(name).map(ToString::to_string);
            !said.insert([words("block_type"), words("fields")])
        };
        i64::try_from(self.definitions.values().filter(is_again).count()).unwrap_or(i64::MAX)
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
