//! Checks of plain XBlock XML, read and written by base XBlock code.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use xblock_core::block::Registry;
use xblock_core::clock::FixedClock;
use xblock_core::fields::{Conversion, Scope};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::{
    Document, Element, InlineForm, ParseOptions, PlainBlock, PlainError, Source, read_plain, write_inline,
};
use xblock_core::runtime::{AsideData, Base, BlockData, Branch, Edit, MemoryRuntime, Runtime};

use super::{map, only, pure_classes, text};

/// Says whether a vector is of an export that fails in Python by accident: the root's asides. Here they are written.
fn is_export_difference(expect: &Map<String, Value>) -> bool {
    let has_asides = expect.get("root").is_some_and(|root| root.get("asides").is_some());
    has_asides && expect.get("error").and_then(Value::as_str) == Some("AttributeError")
}

/// An error as the vectors describe it.
struct Failure {
    class: &'static str,
    text: String,
}

impl From<PlainError> for Failure {
    fn from(error: PlainError) -> Self {
        Self { class: error.python_class(), text: error.to_string() }
    }
}

/// Checks a vector of the base runtime.
pub(super) fn check(case: &Map<String, Value>) -> Result<(), String> {
    only(case, &["id", "title", "convention", "produced_by", "input", "expect"])?;
    let input = map(case, "input")?;
    let expect = map(case, "expect")?;
    only(input, &["runtime", "xml"])?;
    only(expect, &["root", "error", "error_class", "export"])?;
    let registry = pure_classes::pure_registry()?;
    let is_difference = is_export_difference(expect);
    let conversion = Conversion::on(chrono::Utc::now().date_naive());
    let mut loader = Loader { registry: &registry, conversion, edit: None };
    let source = Source::new("<string>".into(), text(input, "xml")?.into());
    let loaded = match Document::parse_text(source, &ParseOptions::default()) {
        Ok(document) => loader.load(&document.root),
        Err(error) => Err(Failure { class: "SyntaxError", text: error.to_string() }),
    };
    let (root, found) = match (loaded, expect.get("error").and_then(Value::as_str)) {
        (Err(found), Some(expected)) if found.class == expected => return Ok(()),
        (Err(found), expected) => {
            return Err(format!("expected {expected:?}, got {}: {}", found.class, found.text));
        }
        (Ok(_), Some(expected)) if !is_difference => {
            return Err(format!("expected the error {expected}, got none"));
        }
        (Ok(loaded), _) => loaded,
    };
    if expect.get("root") != Some(&found) {
        return Err(format!("expected {:?}, got {found}", expect.get("root")));
    }
    if let Some(expected) = expect.get("export").and_then(Value::as_str) {
        let now = chrono::DateTime::from_timestamp(0, 0).ok_or("the epoch is a time")?;
        let runtime = MemoryRuntime::new(Arc::new(FixedClock(now)));
        let puts = loader.edit.take().unwrap_or_default();
        let mut edit = Edit::new(root.context_key(), Base::New { root: root.clone() });
        for (usage, data) in puts {
            edit = edit.put(usage, data);
        }
        runtime.commit(edit).map_err(|error| error.to_string())?;
        let found = write_inline(&runtime, &root, Branch::Draft, &registry, InlineForm::Plain)
            .map_err(|error| error.to_string())?;
        if found.olx != expected {
            return Err(format!("expected {expected:?}, got {:?}", found.olx));
        }
    }
    Ok(())
}

struct Loader<'r> {
    registry: &'r Registry,
    conversion: Conversion,
    edit: Option<Vec<(UsageKey, BlockData)>>,
}

impl Loader<'_> {
    /// Reads an element and what is below it; returns the block and how the vectors describe it.
    fn load(&mut self, element: &Element) -> Result<(UsageKey, Value), Failure> {
        let block_type = self.registry.block_type(&element.name);
        if !block_type.is_known || element.namespace().is_some() {
            return Err(Failure { class: "Exception", text: format!("no class for {}", element.name) });
        }
        let id = format!("b{}", self.edit.as_ref().map_or(0, Vec::len));
        self.edit.get_or_insert_default().push((usage("placeholder", &id), BlockData::default()));
        let usage = usage(&block_type.name, &id);
        let at = self.edit.as_ref().map_or(0, Vec::len) - 1;
        let block = read_plain(element, &block_type, &self.conversion)?;
        let (mut data, fields) = split(&block);
        let mut description = json!({ "type": &*block_type.name, "fields": fields });
        let mut children = Vec::new();
        for child in &block.children {
            let (child, description) = self.load(child)?;
            data.children.push(child);
            children.push(description);
        }
        if let Some(listed) = block.fields.get("children") {
            // The attribute replaces what the elements gave.
            let missing = |key| json!({ "missing": key, "error": "Exception", "error_class": "xblock.exceptions.NoSuchUsage" });
            children = listed.value.as_array().into_iter().flatten().map(missing).collect();
            data.children.clear();
        }
        if block_type.class.has_children {
            description["children"] = children.into();
        }
        let mut asides = Map::new();
        for aside in &block.asides {
            let aside_type = self.registry.block_type(&aside.name);
            let read = read_plain(aside, &aside_type, &self.conversion)?;
            let (own, fields) = split(&read);
            let all = own.content.into_iter().chain(own.settings);
            // A block has one aside of a type; a second element adds to it.
            match data.asides.iter_mut().find(|kept| kept.aside_type == aside_type.name) {
                Some(kept) => kept.fields.extend(all),
                None => {
                    data.asides.push(AsideData { aside_type: aside_type.name.clone(), fields: all.collect() })
                }
            }
            let described = asides.entry(aside.name.to_string()).or_insert_with(|| json!({}));
            if let Some(described) = described.as_object_mut() {
                described.extend(fields);
            }
        }
        if !asides.is_empty() {
            description["asides"] = asides.into();
        }
        if let Some(slot) = self.edit.as_mut().and_then(|edit| edit.get_mut(at)) {
            *slot = (usage.clone(), data);
        }
        Ok((usage, description))
    }
}

/// Sorts fields by scope as a store keeps them, and lists them as the vectors do.
fn split(block: &PlainBlock<'_>) -> (BlockData, Map<String, Value>) {
    let mut data = BlockData::default();
    let mut fields = Map::new();
    for (name, field) in &block.fields {
        let map = match field.scope {
            Scope::Children | Scope::Parent => continue,
            Scope::Content => &mut data.content,
            _ => &mut data.settings,
        };
        map.insert((*name).into(), field.value.clone());
        fields.insert((*name).to_owned(), field.value.clone());
    }
    (data, fields)
}

fn usage(block_type: &str, id: &str) -> UsageKey {
    let context: ContextKey = "course-v1:Org+Crs+Run".parse().expect("a well-formed key");
    context.make_usage_key(block_type, id).expect("a well-formed type and id")
}
