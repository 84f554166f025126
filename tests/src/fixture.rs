//! Small courses the suite works on, and shorthands to build them.

use std::sync::Arc;

use serde_json::json;
use xblock_core::fields::Json;
use xblock_core::keys::{AssetKey, ContextKey, UsageKey};
use xblock_core::runtime::{
    AssetData, AssetMetadata, AssetMetadataRecords, AssetRecord, Base, BlockData, Branch, Commit, Edit,
    EditOp, Runtime, RuntimeExt, VersionContent,
};

/// The context most behaviours use.
pub fn context() -> ContextKey {
    "course-v1:Harbour+TIDES+2031".parse().expect("a course key")
}

/// Another context.
pub fn other_context() -> ContextKey {
    "course-v1:Harbour+WINDS+2031".parse().expect("a course key")
}

/// A block of the usual context.
pub fn usage(block_type: &str, id: &str) -> UsageKey {
    context().make_usage_key(block_type, id).expect("a usage key")
}

/// A static file of the usual context.
pub fn asset(name: &str) -> AssetKey {
    context().make_asset_key(name).expect("an asset key")
}

/// The root of the usual context.
pub fn root() -> UsageKey {
    usage("course", "course")
}

/// A block with settings and children.
pub fn block(settings: Json, children: &[UsageKey]) -> BlockData {
    BlockData { settings: map(settings), children: children.to_vec(), ..BlockData::default() }
}

/// An html block with a text.
pub fn html(data: &str) -> BlockData {
    BlockData {
        content: map(json!({ "data": data })),
        settings: map(json!({ "display_name": "Text" })),
        ..BlockData::default()
    }
}

/// Turns a JSON object into a field map.
pub fn map(value: Json) -> xblock_core::runtime::FieldMap {
    let Json::Object(object) = value else { panic!("a JSON object") };
    object.into_iter().map(|(name, value)| (Arc::from(name), value)).collect()
}

/// Attributes of a plain static file.
pub fn attributes(name: &str) -> AssetData {
    AssetData { content_type: Some("text/plain".into()), display_name: name.into(), ..AssetData::default() }
}

/// A step that puts a static file.
pub fn put_asset(name: &str, bytes: &[u8]) -> EditOp {
    EditOp::PutAsset { key: asset(name), data: attributes(name), content: Arc::new(bytes.to_vec()) }
}

/// An edit that makes a small course: one chapter, one sequential, two units; a text and a problem.
pub fn small_course() -> Edit {
    Edit::new(context(), Base::New { root: root() })
        .put(
            root(),
            block(json!({ "display_name": "Tides", "graceperiod": "1 days" }), &[usage("chapter", "c")]),
        )
        .put(usage("chapter", "c"), block(json!({ "display_name": "Sea" }), &[usage("sequential", "s")]))
        .put(
            usage("sequential", "s"),
            block(json!({ "display_name": "Moon" }), &[usage("vertical", "u1"), usage("vertical", "u2")]),
        )
        .put(usage("vertical", "u1"), block(json!({ "display_name": "One" }), &[usage("html", "h1")]))
        .put(usage("vertical", "u2"), block(json!({ "display_name": "Two" }), &[usage("problem", "p1")]))
        .put(usage("html", "h1"), html("<p>Ebb</p>"))
        .put(
            usage("problem", "p1"),
            BlockData {
                content: map(json!({ "data": "<problem><p>How deep?</p></problem>" })),
                settings: map(json!({ "display_name": "Depth", "max_attempts": 2, "weight": 1.5 })),
                ..BlockData::default()
            },
        )
}

/// Commits an edit that must succeed.
pub fn commit(runtime: &dyn Runtime, edit: Edit) -> Commit {
    runtime.commit(edit).unwrap_or_else(|error| panic!("the commit succeeds: {error}"))
}

/// Makes the small course, as a draft.
pub fn draft_course(runtime: &dyn Runtime) -> Commit {
    commit(runtime, small_course())
}

/// Makes the small course and publishes it.
pub fn published_course(runtime: &dyn Runtime) -> Commit {
    commit(runtime, small_course().publish_all())
}

/// An edit of the usual context, whatever its draft is.
pub fn edit() -> Edit {
    Edit::new(context(), Base::Any)
}

/// Everything authors wrote in a branch: the blocks in key order, then the static files, then what is
/// said about files.
pub fn snapshot(runtime: &dyn Runtime, context: &ContextKey, branch: Branch) -> Vec<String> {
    let mut lines = Vec::new();
    for usage in runtime.usages(context, branch).expect("the branch can be listed") {
        let record = runtime.block(&usage, branch).expect("a listed block can be read");
        lines.push(block_line(&usage, &record.data));
    }
    let assets = runtime.assets(context, branch).expect("the files can be listed");
    lines.extend(assets.iter().map(asset_line));
    let said = runtime.asset_metadata(context, branch).expect("the records can be listed");
    lines.extend(metadata_lines(&said));
    lines
}

/// Everything a version holds, as [`snapshot`] tells it.
pub fn content_lines(content: &VersionContent) -> Vec<String> {
    let blocks = content
        .blocks
        .iter()
        .map(|(usage, data)| block_line(usage, data.as_ref().expect("a listed block can be read")));
    let assets = content.assets.as_ref().expect("the files are known");
    blocks.chain(assets.iter().map(asset_line)).chain(metadata_lines(&content.asset_metadata)).collect()
}

fn metadata_lines(said: &AssetMetadataRecords) -> Vec<String> {
    assert_eq!(said.damaged, [], "every record can be read");
    let line = |(key, metadata): &(AssetKey, AssetMetadata)| {
        format!("{key} {}", canonical(&serde_json::to_value(metadata).expect("a record is JSON")))
    };
    said.records.iter().map(line).collect()
}

fn block_line(usage: &UsageKey, data: &BlockData) -> String {
    format!("{usage} {}", canonical(&serde_json::to_value(data).expect("data is JSON")))
}

fn asset_line(asset: &AssetRecord) -> String {
    let data = canonical(&serde_json::to_value(&asset.data).expect("attributes are JSON"));
    format!("{} {} {} {data}", asset.key, asset.length, asset.digest)
}

/// Writes JSON with its keys in order.
fn canonical(value: &Json) -> String {
    match value {
        Json::Object(object) => {
            let mut names: Vec<_> = object.keys().collect();
            names.sort();
            let inner: Vec<_> = names.iter().map(|n| format!("{n:?}:{}", canonical(&object[*n]))).collect();
            format!("{{{}}}", inner.join(","))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// The usual context's root-first walk, as block ids.
pub fn walk_ids(runtime: &dyn Runtime, branch: Branch) -> Vec<String> {
    runtime.walk(&root(), branch).map(|item| item.usage().block_id().to_owned()).collect()
}
