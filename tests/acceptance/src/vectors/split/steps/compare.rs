//! Our documents beside the platform's.

use std::collections::{BTreeMap, BTreeSet};

use bson::oid::ObjectId;
use bson::{Bson, Document};
use runtime_modulestore::ModulestoreRuntime;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Runtime};

use super::super::{Outcome, text};
use super::{Heads, NOW, Recorded};

/// Compares the structures of all branches after a step, and the definitions they name.
pub(super) fn compare(
    runtime: &ModulestoreRuntime,
    context: &ContextKey,
    recorded: &Recorded,
    before: &Heads,
    after: &Heads,
) -> Outcome {
    let record = runtime.context(context).map_err(text)?;
    let docs = runtime.store().read().map_err(text)?;
    let mut pairs = Vec::new();
    for (name, wanted) in after {
        let branch = if name == "published-branch" { Branch::Published } else { Branch::Draft };
        let head = record.head(branch).ok_or_else(|| format!("there is no {name}"))?;
        let found = ObjectId::parse_str(&*head.version.0).map_err(text)?;
        match (Some(wanted) == before.get(name), Some(&found) == before.get(name)) {
            (true, true) => {}
            (false, false) => pairs.push((name, found, *wanted)),
            (true, false) => return Err(format!("{name} moved")),
            (false, true) => return Err(format!("{name} did not move")),
        }
    }
    let mut ids: BTreeMap<ObjectId, ObjectId> =
        pairs.iter().map(|(_, ours, theirs)| (*ours, *theirs)).collect();
    let mut old_times = BTreeSet::new();
    for structure in before.values().filter_map(|id| recorded.structures.get(id)) {
        old_times.extend(times(structure));
    }
    for (name, found, wanted) in pairs {
        let bytes = docs.structure(found).map_err(text)?.ok_or("the structure is missing")?;
        let ours = Document::from_reader(bytes.as_slice()).map_err(text)?;
        let theirs = recorded.structures.get(&wanted).ok_or("the recorded structure is missing")?;
        let (ours_blocks, their_blocks) = (blocks(&ours)?, blocks(theirs)?);
        for (key, block) in &ours_blocks {
            let Some(theirs) = their_blocks.get(key) else {
                return Err(format!("{name}: {key} should be gone"));
            };
            let definition = |block: &Document| block.get_object_id("definition").map_err(text);
            let (our_id, their_id) = (definition(block)?, definition(theirs)?);
            if our_id != their_id {
                let bytes = docs.definition(our_id).map_err(text)?.ok_or("a definition is missing")?;
                let ours = Document::from_reader(bytes.as_slice()).map_err(text)?;
                let theirs = recorded.definitions.get(&their_id).ok_or("a recorded definition is missing")?;
                same_definition(&ours, theirs, recorded.definitions.contains_key(&our_id))
                    .map_err(|reason| format!("{name}, definition of {key}: {reason}"))?;
                ids.insert(our_id, their_id);
            }
        }
        let keys: Vec<_> = their_blocks.keys().filter(|key| !ours_blocks.contains_key(*key)).collect();
        if !keys.is_empty() {
            return Err(format!("{name}: {keys:?} are missing"));
        }
        for (key, block) in ours_blocks {
            let ours = normal(&block, &|id| ids.get(&id).copied().unwrap_or(id), &|time| time == NOW);
            let theirs = normal(&their_blocks[&key], &|id| id, &|time| !old_times.contains(&time));
            if ours != theirs {
                return Err(format!("{name}, {key}: expected {theirs}, got {ours}"));
            }
        }
        let header = |structure: &Document| {
            structure
                .iter()
                .filter(|(name, _)| *name != "blocks")
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect()
        };
        let (ours, theirs): (Document, Document) = (header(&ours), header(theirs));
        let ours = normal(&ours, &|id| ids.get(&id).copied().unwrap_or(id), &|time| time == NOW);
        let theirs = normal(&theirs, &|id| id, &|time| !old_times.contains(&time));
        if ours != theirs {
            return Err(format!("{name}: expected {theirs}, got {ours}"));
        }
    }
    Ok(())
}

/// A definition that is kept must say the same; the platform makes a new one now and then that does.
fn same_definition(ours: &Document, theirs: &Document, is_kept: bool) -> Outcome {
    if ours.get("fields") != theirs.get("fields") || ours.get("block_type") != theirs.get("block_type") {
        return Err(format!("expected {theirs}, got {ours}"));
    }
    let told = |document: &Document| document.get_document("edit_info").cloned().unwrap_or_default();
    let (ours_info, their_info) = (told(ours), told(theirs));
    let is_first =
        |id: Option<&ObjectId>, info: &Document| info.get_object_id("original_version").ok() == id.copied();
    let ids = (ours.get_object_id("_id").ok(), theirs.get_object_id("_id").ok());
    let same_line = is_first(ids.0.as_ref(), &ours_info) && is_first(ids.1.as_ref(), &their_info)
        || ours_info.get("original_version") == their_info.get("original_version");
    let same = same_line
        && ours_info.get("previous_version") == their_info.get("previous_version")
        && ours_info.get("edited_by") == their_info.get("edited_by")
        && ours.get("schema_version") == theirs.get("schema_version");
    if same || is_kept { Ok(()) } else { Err(format!("expected {their_info}, got {ours_info}")) }
}

fn blocks(structure: &Document) -> Outcome<BTreeMap<String, Document>> {
    let mut found = BTreeMap::new();
    for block in structure.get_array("blocks").map_err(text)? {
        let block = block.as_document().ok_or("a block is no document")?;
        let part = |name: &str| block.get_str(name).map_err(text);
        let key = format!("{}+{}", part("block_type")?, part("block_id")?);
        if found.insert(key.clone(), block.clone()).is_some() {
            return Err(format!("{key} is there twice"));
        }
    }
    Ok(found)
}

fn times(structure: &Document) -> BTreeSet<i64> {
    let own = structure.get_datetime("edited_on").ok().map(|time| time.timestamp_millis());
    let blocks = structure.get_array("blocks").into_iter().flatten().filter_map(Bson::as_document);
    let infos = blocks.filter_map(|block| block.get_document("edit_info").ok());
    infos
        .filter_map(|info| info.get_datetime("edited_on").ok())
        .map(|time| time.timestamp_millis())
        .chain(own)
        .collect()
}

/// Makes new ids and the time of the call equal; an empty list of children or asides says what none says.
fn normal(document: &Document, id: &dyn Fn(ObjectId) -> ObjectId, is_now: &dyn Fn(i64) -> bool) -> Document {
    let mut document = document.clone();
    if document.get_array("asides").is_ok_and(Vec::is_empty) {
        document.remove("asides");
    }
    if let Ok(fields) = document.get_document_mut("fields")
        && fields.get_array("children").is_ok_and(Vec::is_empty)
    {
        fields.remove("children");
    }
    let told = |document: &mut Document| {
        for (_, value) in document.iter_mut() {
            match value {
                Bson::ObjectId(found) => *found = id(*found),
                Bson::DateTime(time) if is_now(time.timestamp_millis()) => *value = "NOW".into(),
                _ => {}
            }
        }
    };
    if let Ok(info) = document.get_document_mut("edit_info") {
        told(info);
    }
    told(&mut document);
    document
}
