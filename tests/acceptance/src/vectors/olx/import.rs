//! Checks of one element read as edx-platform's course loader reads it.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Map, Value, json};
use xblock_core::keys::{AsideUsageKey, AsideVersion, ContextKey, UsageKey};
use xblock_core::olx::{
    BlockTree, BrokenBlocks, Diagnostic, MemoryPackage, Outcome, ReadOptions, Source, read_blocks,
};
use xblock_core::runtime::BlockData;

use super::{classes, export, map, only, text};

/// Checks a vector of the course import runtime.
pub(super) fn check(case: &Map<String, Value>) -> Result<(), String> {
    only(case, &["id", "title", "convention", "produced_by", "input", "expect"])?;
    let input = map(case, "input")?;
    let expect = map(case, "expect")?;
    only(input, &["runtime", "course_key", "xml", "files", "policy", "load_error_blocks"])?;
    only(expect, &["root", "blocks", "errors", "export", "asides"])?;
    let tree = read(input)?;
    let mut differences = Vec::new();
    let root = expect.get("root").cloned().unwrap_or_default();
    if root != json!(tree.root.to_string()) {
        differences.push(format!("root: expected {root}, got {}", tree.root));
    }
    compare_blocks(map(expect, "blocks")?, &tree, &mut differences);
    compare_errors(expect.get("errors"), &tree.diagnostics, &mut differences)?;
    let asides = asides(&tree);
    let expected = expect.get("asides").cloned().unwrap_or_else(|| json!({}));
    if expected != asides {
        differences.push(format!("asides: expected {expected}, got {asides}"));
    }
    if let Some(expected) = expect.get("export") {
        let expected = expected.as_object().ok_or("member export is no object")?;
        if let Err(difference) = export::check(expected, &expect["blocks"], &tree) {
            differences.push(difference);
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n  ")) }
}

/// Reads the element of a vector.
pub(super) fn read(input: &Map<String, Value>) -> Result<BlockTree, String> {
    let registry = classes::import_registry()?;
    let context = ContextKey::from_str(text(input, "course_key")?).map_err(|error| error.to_string())?;
    let mut options = ReadOptions::platform();
    if input.get("load_error_blocks") == Some(&json!(false)) {
        options = options.broken_blocks(BrokenBlocks::LeaveOut);
    }
    let mut files = Vec::new();
    for (path, content) in input.get("files").and_then(Value::as_object).into_iter().flatten() {
        files.push((path.clone(), content.as_str().ok_or("a file is no text")?));
    }
    let package: MemoryPackage = files.into_iter().collect();
    let policy = input.get("policy").and_then(Value::as_object).cloned().unwrap_or_default();
    let source = Source::new("<string>".into(), text(input, "xml")?.into());
    read_blocks(source, &package, &registry, &options, context, policy).map_err(|error| error.to_string())
}

fn compare_blocks(expected: &Map<String, Value>, tree: &BlockTree, differences: &mut Vec<String>) {
    let found: BTreeMap<String, (&UsageKey, &BlockData)> =
        tree.blocks.iter().map(|(usage, data)| (usage.to_string(), (usage, &**data))).collect();
    for usage in found.keys().filter(|usage| !expected.contains_key(*usage)) {
        differences.push(format!("block {usage} is not expected"));
    }
    for (usage, expected) in expected {
        let Some((key, data)) = found.get(usage) else {
            differences.push(format!("block {usage} is missing"));
            continue;
        };
        let mut found = block_json(key, data, expected.get("children").is_some());
        if expected["fields"]["error_msg"] == "<text>" && found["fields"]["error_msg"].is_string() {
            found["fields"]["error_msg"] = json!("<text>");
        }
        let expected = &plain_values(expected);
        if found != *expected {
            differences.push(format!("block {usage}: expected {expected}, got {found}"));
        }
    }
}

/// Puts what was set in the place of what a field refused to convert; such values are kept as they came.
fn plain_values(block: &Value) -> Value {
    let mut block = block.clone();
    let fields = block.get_mut("fields").and_then(Value::as_object_mut);
    for value in fields.into_iter().flat_map(Map::values_mut) {
        if value.get("$to_json_error").is_some() {
            *value = value["$raw"].take();
        }
    }
    block
}

/// Describes a block as the vectors do; children are listed for containers only.
fn block_json(usage: &UsageKey, data: &BlockData, has_children: bool) -> Value {
    let mut fields = Map::new();
    for (name, value) in data.content.iter().chain(&data.settings) {
        fields.insert(name.to_string(), value.clone());
    }
    let mut block = json!({ "type": usage.block_type(), "fields": fields });
    if has_children || !data.children.is_empty() {
        block["children"] = data.children.iter().map(UsageKey::to_string).collect();
    }
    block
}

fn compare_errors(
    expected: Option<&Value>,
    diagnostics: &[Diagnostic],
    differences: &mut Vec<String>,
) -> Result<(), String> {
    let expected = expected.and_then(Value::as_array).ok_or("member errors is no list")?;
    // The tracker hears of names before it hears that the block could not be made, as the reader does.
    let found: Vec<_> = diagnostics.iter().filter_map(tracked).collect();
    let matches = expected.len() == found.len()
        && expected.iter().zip(&found).all(|(expected, found)| {
            expected
                .as_str()
                .is_some_and(|expected| found.iter().any(|found| expected.starts_with(found.as_str())))
        });
    if !matches {
        differences.push(format!("errors: expected {expected:?}, got {found:?}"));
    }
    Ok(())
}

/// Returns how the error tracker's text for a remark may begin.
fn tracked(diagnostic: &Diagnostic) -> Option<Vec<String>> {
    match (diagnostic.outcome, diagnostic.code) {
        (_, "no-name") => Some(vec!["PROBLEM: no name of any kind specified for".into()]),
        (_, "duplicate-name") => Some(vec!["PROBLEM: Non-unique url_name in xml.".into()]),
        (Some(Outcome::LeftOut), _) => Some(vec!["ERROR".into()]),
        (Some(Outcome::ErrorBlock), code) => {
            let classes: &[&str] = match code {
                "missing-file" | "invalid-xml" | "too-large" => &["Exception"],
                "unknown-type" => &["PluginMissingError"],
                "invalid-name" => &["InvalidKeyError"],
                "not-a-block" => &["XMLSyntaxError"],
                "invalid-value" => &[
                    "ValueError",
                    "TypeError",
                    "ParserError",
                    "OverflowError",
                    "AttributeError",
                    "ScannerError",
                ],
                "invalid-content" => &["ValueError", "UnboundLocalError", "TypeError"],
                _ => &[],
            };
            Some(classes.iter().map(|class| format!("Error loading from xml. {class}")).collect())
        }
        _ => None,
    }
}

fn asides(tree: &BlockTree) -> Value {
    let mut all = Map::new();
    for (usage, data) in &tree.blocks {
        for aside in &data.asides {
            let key = match AsideUsageKey::new(AsideVersion::V2, usage.clone(), &aside.aside_type) {
                Ok(key) => key.to_string(),
                Err(error) => error.to_string(),
            };
            all.insert(key, json!(aside.fields));
        }
    }
    Value::Object(all)
}
