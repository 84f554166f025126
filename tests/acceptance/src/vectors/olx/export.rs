//! Checks of what blocks read from one element are written as again.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use xblock_core::block::Registry;
use xblock_core::clock::FixedClock;
use xblock_core::olx::{
    BlockTree, ExportOptions, Fidelity, InlineForm, MemorySink, WriteOptions, write_block, write_inline,
};
use xblock_core::runtime::{Base, BlockData, Branch, Edit, MemoryRuntime, Runtime};

use super::{classes, import, map, only, text};

/// Checks the member `export` of an import vector.
pub(super) fn check(expected: &Map<String, Value>, blocks: &Value, tree: &BlockTree) -> Result<(), String> {
    only(expected, &["node", "files"])?;
    let registry = classes::import_registry()?;
    let runtime = runtime(tree, blocks)?;
    let mut sink = MemorySink::default();
    let options = ExportOptions::default().fidelity(Fidelity::Platform);
    let (node, _) = write_block(&runtime, &tree.root, Branch::Draft, options, &registry, &mut sink)
        .map_err(|error| error.to_string())?;
    let node = node.map_or(Value::Null, |node| node.to_text(WriteOptions::default()).into());
    let files: BTreeMap<_, _> =
        sink.files.iter().map(|(path, bytes)| (path.as_str(), String::from_utf8_lossy(bytes))).collect();
    let found = json!({ "node": node, "files": files });
    let expected = Value::Object(expected.clone());
    if found == expected { Ok(()) } else { Err(format!("export: expected {expected}, got {found}")) }
}

/// Checks a vector of the inline serialiser.
pub(super) fn check_inline(case: &Map<String, Value>) -> Result<(), String> {
    only(case, &["id", "title", "convention", "produced_by", "input", "expect"])?;
    let input = map(case, "input")?;
    let expect = map(case, "expect")?;
    only(input, &["runtime", "course_key", "xml"])?;
    only(expect, &["olx", "definition_olx", "note"])?;
    let registry = classes::import_registry()?;
    let tree = import::read(input)?;
    let runtime = runtime(&tree, &Value::Null)?;
    inline(&runtime, &tree, &registry, InlineForm::Nested, text(expect, "olx")?)?;
    inline(&runtime, &tree, &registry, InlineForm::Definition, text(expect, "definition_olx")?)
}

fn inline(
    runtime: &MemoryRuntime,
    tree: &BlockTree,
    registry: &Registry,
    form: InlineForm,
    expected: &str,
) -> Result<(), String> {
    let found =
        write_inline(runtime, &tree.root, Branch::Draft, registry, form).map_err(|e| e.to_string())?;
    if found.olx == expected {
        Ok(())
    } else {
        Err(format!("{form:?}: expected {expected:?}, got {:?}", found.olx))
    }
}

/// Puts blocks into a store in memory; error messages become what the vector has in their place.
fn runtime(tree: &BlockTree, expected: &Value) -> Result<MemoryRuntime, String> {
    let now = chrono::DateTime::from_timestamp(0, 0).ok_or("the epoch is a time")?;
    let runtime = MemoryRuntime::new(Arc::new(FixedClock(now)));
    let mut edit = Edit::new(tree.root.context_key(), Base::New { root: tree.root.clone() });
    for (usage, data) in &tree.blocks {
        let mut data = BlockData::clone(data);
        if expected[usage.to_string()]["fields"]["error_msg"] == "<text>" {
            data.content.insert("error_msg".into(), "<text>".into());
        }
        edit = edit.put(usage.clone(), data);
    }
    runtime.commit(edit).map_err(|error| error.to_string())?;
    Ok(runtime)
}
