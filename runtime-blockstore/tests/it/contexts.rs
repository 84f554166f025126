//! Learning contexts: real libraries served as the platform reads them, and kinds that others bring.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use runtime_blockstore::{
    Access, Blockstore, BlockstoreError, BlockstoreRuntime, ContextError, IncludingBlock, LearningContext,
    LearningContexts, LibraryContext,
};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;
use xblock_core::keys::{
    ContextKey, KeyError, KeyFamily, KeyNamespace, KeyRegistry, LibraryKeyV2, PluginKey, Scalar, SmolStr,
    UsageKey,
};
use xblock_core::runtime::{
    AssetStream, Base, BlockData, Branch, Edit, EditOp, Extent, Runtime, RuntimeError, RuntimeExt,
};
use xblock_testkit::fixture::html;

use crate::fixture::{clock, copy_folder, new_bundle, open, registry, store_in};
use crate::golden::golden;

fn expected(folder: &Path) -> Vec<Value> {
    let text = fs::read(folder.join("expected-library-view.json")).unwrap();
    let mut file: Value = serde_json::from_slice(&text).unwrap();
    file["views"].as_array_mut().unwrap().drain(..).collect()
}

fn key_of(view: &Value) -> ContextKey {
    view["library_key"].as_str().unwrap().parse().unwrap()
}

/// A writable copy of the golden store, with its three libraries.
fn libraries() -> Option<(BlockstoreRuntime, TempDir, Vec<Value>)> {
    let golden = golden()?;
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&golden, folder.path());
    let runtime = open(folder.path());
    let views = expected(&golden);
    for view in &views {
        runtime.adopt(&key_of(view), view["bundle_uuid"].as_str().unwrap().parse().unwrap()).unwrap();
    }
    Some((runtime, folder, views))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// Holds what a branch serves against what the platform's rules say of its state.
fn serves(runtime: &BlockstoreRuntime, view: &Value, branch: Branch) {
    let key = key_of(view);
    let store = runtime.blockstore();
    let bundle: Uuid = view["bundle_uuid"].as_str().unwrap().parse().unwrap();
    let state = view["bundle_version"].as_u64().map_or("studio_draft".to_owned(), |n| n.to_string());
    let own: BTreeSet<String> = texts(&view["olx_files"])
        .into_iter()
        .map(|path| {
            let parts: Vec<_> = path.split('/').collect();
            key.make_usage_key(parts[0], parts[1]).unwrap().to_string()
        })
        .collect();
    let root = runtime.context(&key).unwrap().root;
    let usages: BTreeSet<String> =
        runtime.usages(&key, branch).unwrap().iter().map(ToString::to_string).collect();
    let mut wanted = own.clone();
    wanted.insert(root.to_string());
    for (usage, place) in view["included_usages"].as_object().unwrap() {
        let block = runtime.block(&usage.parse().unwrap(), branch);
        let olx_path = place["olx_path"].as_str().unwrap();
        let of: Uuid = place["bundle_uuid"].as_str().unwrap().parse().unwrap();
        let version = place["bundle_version"].as_u64();
        let file = match version {
            Some(number) => store.get_bundle_version_file_data(of, number, olx_path),
            None => store.get_bundle_file_data(of, olx_path, Some("studio_draft")),
        };
        let Ok(file) = file else {
            assert!(block.unwrap_err().is_not_found(), "{usage} names what is not there");
            continue;
        };
        wanted.insert(usage.clone());
        let block = block.unwrap();
        let number = version.map_or("studio_draft".to_owned(), |number| number.to_string());
        let block_type = block.usage.block_type().to_owned();
        assert_eq!(block.definition.to_string(), format!("bundle-olx:{of}:{number}:{block_type}:{olx_path}"));
        let name = block.data.display_name().unwrap();
        assert!(String::from_utf8(file).unwrap().contains(&format!("display_name=\"{name}\"")), "{usage}");
        assert!(!runtime.parents(&block.usage, branch).unwrap().is_empty(), "{usage} has a parent");
    }
    assert_eq!(usages, wanted, "{key}, {branch}");
    for skipped in view["skipped_includes"].as_array().unwrap() {
        let usage: UsageKey = skipped[0].as_str().unwrap().parse().unwrap();
        match runtime.block(&usage, branch) {
            Err(RuntimeError::BrokenInclude { problem, .. }) => {
                assert_eq!(problem.to_string(), skipped[1].as_str().unwrap());
            }
            other => panic!("{usage}: {other:?}"),
        }
    }
    let top = runtime.block(&root, branch).unwrap();
    let children: Vec<_> = top.data.children.iter().map(ToString::to_string).collect();
    assert_eq!(children, texts(&view["top_level_usages"]));
    assert_eq!(top.data.display_name(), Some(&*store.get_bundle(bundle).unwrap().title));
    for (usage, names) in view["static_files"].as_object().unwrap() {
        let at: UsageKey = usage.parse().unwrap();
        let found = runtime.block_assets(&at, branch).unwrap();
        assert_eq!(found.iter().map(|file| &*file.name).collect::<Vec<_>>(), texts(names), "{usage}");
        for file in found {
            let bytes = runtime.read_block_asset(&at, &file.name, branch).unwrap();
            assert_eq!(bytes.len() as u64, file.length);
            let mut opened = runtime.open_block_asset(&at, &file.name, branch).unwrap();
            assert_eq!(Some(opened.record()), file.in_context(&key).as_ref());
            assert_eq!(opened.read_at(1, 5).unwrap(), bytes[1..6]);
            let mut streamed = Vec::new();
            AssetStream::new(opened).read_to_end(&mut streamed).unwrap();
            assert_eq!(streamed, bytes);
        }
        let definition = runtime.block(&at, branch).unwrap().definition;
        assert!(definition.to_string().starts_with(&format!("bundle-olx:{bundle}:{state}:")), "{definition}");
    }
}

#[test]
fn real_libraries_are_served_as_the_platform_reads_them() {
    let Some((runtime, _folder, views)) = libraries() else { return };
    let mut served = 0;
    for view in &views {
        let record = runtime.context(&key_of(view)).unwrap();
        let published = record.published.unwrap().version;
        match (view["bundle_version"].as_u64(), view["draft_name"].as_str()) {
            (Some(number), _) if published.0.starts_with(&format!("{number}-")) => {
                serves(&runtime, view, Branch::Published);
            }
            (None, Some("studio_draft")) => serves(&runtime, view, Branch::Draft),
            _ => continue,
        }
        served += 1;
    }
    assert_eq!(served, 6);
}

#[test]
fn older_versions_have_what_their_links_led_to() {
    let Some((runtime, _folder, views)) = libraries() else { return };
    for view in &views {
        let Some(number) = view["bundle_version"].as_u64() else { continue };
        let key = key_of(view);
        let history = runtime.history(&key, Branch::Published).unwrap();
        let version = history.iter().find(|v| v.version.0.starts_with(&format!("{number}-"))).unwrap();
        let content = runtime.version(&key, &version.version).unwrap();
        let root = content.blocks[&content.root].as_ref().unwrap();
        let children: Vec<_> = root.children.iter().map(ToString::to_string).collect();
        assert_eq!(children, texts(&view["top_level_usages"]), "{key} {number}");
        for usage in view["included_usages"].as_object().unwrap().keys() {
            let is_there = content.blocks.contains_key(&usage.parse::<UsageKey>().unwrap());
            assert_eq!(is_there, (number, &**usage) != (3, "lb:Harbour:course:html:syllabus"), "{usage}");
        }
        assert!(content.blocks.values().all(Result::is_ok));
    }
}

#[test]
fn a_tree_goes_through_the_links() {
    let Some((runtime, _folder, _)) = libraries() else { return };
    let key: ContextKey = "lib:Harbour:course".parse().unwrap();
    let root = runtime.context(&key).unwrap().root;
    let lines: Vec<_> = runtime
        .walk(&root, Branch::Published)
        .map(|item| format!("{} {}:{}", item.depth, item.usage().block_type(), item.usage().block_id()))
        .collect();
    assert_eq!(
        lines,
        [
            "0 library:library",
            "1 html:faq",
            "1 unit:week1",
            "2 html:syllabus",
            "2 problem:w1-height",
            "1 unit:week2",
            "2 unit:intro",
            "3 html:intro-quay",
            "3 video:intro-clip",
            "3 problem:intro-p-choice",
            "2 problem:w2-choice",
            "2 problem:w2-choice-old",
        ]
    );
    let clip = key.make_usage_key("video", "intro-clip").unwrap();
    let names: Vec<_> =
        runtime.block_assets(&clip, Branch::Published).unwrap().into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["tides-en.srt", "transcripts/fr.srt"], "those of the bundle two links away");
    let text = runtime.read_block_asset(&clip, "transcripts/fr.srt", Branch::Published).unwrap();
    assert_eq!(text.len(), 163);
    assert!(matches!(
        runtime.read_block_asset(&clip, "../definition.xml", Branch::Published),
        Err(RuntimeError::NoSuchBlockAsset { .. })
    ));
    assert!(matches!(
        runtime.open_block_asset(&clip, "../definition.xml", Branch::Published).map(|_| ()),
        Err(RuntimeError::NoSuchBlockAsset { .. })
    ));
    let above: Vec<_> = runtime.ancestors(&clip, Branch::Published).unwrap();
    assert_eq!(
        above.iter().map(|block| block.usage.block_id()).collect::<Vec<_>>(),
        ["intro", "week2", "library"]
    );
}

#[test]
fn a_store_open_for_reading_serves_libraries_too() {
    let Some(golden) = golden() else { return };
    let views = expected(&golden);
    let mut library = LibraryContext::default();
    for view in &views {
        let key = key_of(view).as_library_v2().unwrap().clone();
        library = library.with_library(key, view["bundle_uuid"].as_str().unwrap().parse().unwrap());
    }
    let contexts = LearningContexts::standard().with(Arc::new(library));
    let store = Blockstore::open(&golden, Access::ReadOnly, clock()).unwrap();
    let runtime = BlockstoreRuntime::with_contexts(store, registry(), contexts).unwrap();
    assert_eq!(runtime.contexts().unwrap().len(), 3);
    let view = views.iter().find(|v| v["library_key"] == "lib:Harbour:course" && v["bundle_version"] == 3);
    serves(&runtime, view.unwrap(), Branch::Published);
}

#[test]
fn the_platforms_own_tables_say_which_bundle_a_library_has() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), Access::ReadWrite, clock()).unwrap();
    let (bundle, _) = new_bundle(&store, "tides", &[("html/a/definition.xml", "<html>a</html>")]);
    drop(store);
    let db = rusqlite::Connection::open(folder.path().join("db.sqlite3")).unwrap();
    db.execute_batch(&format!(
        "CREATE TABLE organizations_organization (id integer PRIMARY KEY, short_name varchar(255) NOT NULL);
         CREATE TABLE content_libraries_contentlibrary (id integer PRIMARY KEY, slug varchar(100) NOT NULL,
             bundle_uuid char(32), org_id bigint NOT NULL);
         INSERT INTO organizations_organization VALUES (7, 'Harbour');
         INSERT INTO content_libraries_contentlibrary VALUES (1, 'tides', '{}', 7), (2, 'gone', '{}', 7);",
        bundle.simple(),
        Uuid::new_v4().simple(),
    ))
    .unwrap();
    let runtime = open(folder.path());
    let key: ContextKey = "lib:Harbour:tides".parse().unwrap();
    assert_eq!(runtime.contexts().unwrap(), std::slice::from_ref(&key));
    let usage = key.make_usage_key("html", "a").unwrap();
    assert_eq!(runtime.block(&usage, Branch::Published).unwrap().data.content["data"], "a");
    for other in ["lib:Harbour:Tides", "lib:Harbour:gone", "lib:Quay:tides"] {
        let other: ContextKey = other.parse().unwrap();
        assert!(matches!(runtime.context(&other), Err(RuntimeError::NoSuchContext { .. })), "{other}");
    }
    // What is known from there cannot be made a second time.
    let root = key.make_usage_key("library", "library").unwrap();
    let edit = Edit::new(key, Base::New { root: root.clone() }).put(root, BlockData::default());
    assert!(matches!(runtime.commit(edit), Err(RuntimeError::ContextExists { .. })));
}

#[test]
fn a_bundle_is_one_context() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path());
    let (bundle, _) = new_bundle(
        runtime.blockstore(),
        "a",
        &[
            ("unit/u/definition.xml", "<unit><xblock-include definition=\"html/a\"/></unit>"),
            ("html/a/definition.xml", "<html>a</html>"),
        ],
    );
    let (other, _) = new_bundle(runtime.blockstore(), "b", &[("notes", "none")]);
    let [first, second] =
        ["lib:Harbour:first", "lib:Harbour:second"].map(|key| key.parse::<ContextKey>().unwrap());
    assert!(matches!(runtime.context(&first), Err(RuntimeError::NoSuchContext { .. })));
    runtime.adopt(&first, bundle).unwrap();
    let unit = |key: &ContextKey| key.make_usage_key("unit", "u").unwrap();
    let child =
        |key: &ContextKey| runtime.block(&unit(key), Branch::Published).unwrap().data.children[0].clone();
    assert_eq!(child(&first).to_string(), "lb:Harbour:first:html:a");
    let taken = runtime.adopt(&first, other).unwrap_err();
    assert!(matches!(taken, ContextError::Runtime(RuntimeError::ContextExists { .. })), "{taken}");
    runtime.adopt(&first, bundle).unwrap();
    let renamed = runtime.adopt(&second, bundle).unwrap_err();
    assert!(matches!(renamed, ContextError::AdoptedAs { .. }), "{renamed}");
    assert_eq!(runtime.contexts().unwrap(), std::slice::from_ref(&first));
    let course: ContextKey = "course-v1:Harbour+first+run".parse().unwrap();
    let misfit = runtime.rename_adopted(&course, bundle).unwrap_err();
    assert!(matches!(misfit, ContextError::Runtime(RuntimeError::UnsupportedKey { .. })), "{misfit}");
    runtime.rename_adopted(&second, bundle).unwrap();
    assert_eq!(child(&second).to_string(), "lb:Harbour:second:html:a");
    assert_eq!(runtime.contexts().unwrap(), std::slice::from_ref(&second));
    let again = open(folder.path());
    assert_eq!(again.contexts().unwrap(), std::slice::from_ref(&second), "it is kept");
    // Read only, with an index that says nothing of its branches, it is known all the same.
    let db = rusqlite::Connection::open(folder.path().join("db.sqlite3")).unwrap();
    db.execute_batch("UPDATE xblock_state SET token = 'x'").unwrap();
    let reader = crate::fixture::open_to_read(folder.path()).unwrap();
    assert_eq!(reader.contexts().unwrap(), std::slice::from_ref(&second));
    assert!(reader.block(&unit(&second), Branch::Published).is_ok());
    runtime.disown(bundle).unwrap();
    assert!(matches!(runtime.context(&second), Err(RuntimeError::NoSuchContext { .. })));
    let gone = runtime.adopt(&first, Uuid::new_v4()).unwrap_err();
    assert!(matches!(gone, ContextError::Store(BlockstoreError::BundleNotFound { .. })), "{gone}");
    let plugin: ContextKey = "lib:Harbour:x".parse().unwrap();
    let none = BlockstoreRuntime::with_contexts(
        store_in(folder.path(), Access::ReadWrite, clock()).unwrap(),
        registry(),
        LearningContexts::none(),
    );
    let refused = none.unwrap().adopt(&plugin, bundle).unwrap_err();
    assert!(matches!(refused, ContextError::Runtime(RuntimeError::UnsupportedKey { .. })), "{refused}");
}

// A kind of another program: pathways, whose steps lie in files of their own.

#[derive(Debug)]
struct PathwayKeys(KeyFamily);

impl KeyNamespace for PathwayKeys {
    fn namespace(&self) -> &str {
        if self.0 == KeyFamily::Context { "pathway" } else { "pb" }
    }

    fn family(&self) -> KeyFamily {
        self.0
    }

    fn parse(&self, rest: &str) -> Result<Vec<(SmolStr, Scalar)>, KeyError> {
        let names = ["org", "block_type", "block_id"];
        let parts: Vec<_> = rest.split(':').collect();
        let wanted = if self.0 == KeyFamily::Context { 1 } else { 3 };
        if parts.len() != wanted || parts.iter().any(|part| part.is_empty()) {
            return Err("lib:no".parse::<LibraryKeyV2>().unwrap_err());
        }
        Ok(names.into_iter().zip(parts).map(|(name, part)| (name.into(), part.into())).collect())
    }

    fn write(&self, fields: &[(SmolStr, Scalar)]) -> String {
        fields.iter().map(|(_, value)| value.as_text().unwrap()).collect::<Vec<_>>().join(":")
    }

    fn context_key(&self, fields: &[(SmolStr, Scalar)]) -> Result<ContextKey, KeyError> {
        PluginKey::new(Arc::new(PathwayKeys(KeyFamily::Context)), fields[..1].to_vec())
            .map(ContextKey::Plugin)
    }

    fn make_usage_key(&self, context: &PluginKey, block_type: &str, id: &str) -> Result<UsageKey, KeyError> {
        let mut fields = context.fields().to_vec();
        fields.extend([("block_type".into(), block_type.into()), ("block_id".into(), id.into())]);
        PluginKey::new(Arc::new(PathwayKeys(KeyFamily::Usage)), fields).map(UsageKey::Plugin)
    }
}

/// Steps lie in `steps/{type}.{id}/definition.xml`, authors work in the draft `sketch`, and what lies in other bundles is
/// called `{parent}.{id}`.
#[derive(Debug)]
struct Pathways(BTreeMap<String, Uuid>);

impl LearningContext for Pathways {
    fn takes(&self, key: &ContextKey) -> bool {
        key.namespace() == "pathway"
    }

    fn bundle(&self, key: &ContextKey, _: &Blockstore) -> Result<Option<Uuid>, BlockstoreError> {
        Ok(self.0.get(key.org()).copied())
    }

    fn draft(&self) -> &str {
        "sketch"
    }

    fn root(&self) -> (&str, &str) {
        ("pathway", "start")
    }

    fn definition_path(&self, block_type: &str, block_id: &str) -> String {
        format!("steps/{block_type}.{block_id}/definition.xml")
    }

    fn block_at<'p>(&self, path: &'p str) -> Option<(std::borrow::Cow<'p, str>, std::borrow::Cow<'p, str>)> {
        let name = path.strip_prefix("steps/")?.strip_suffix("/definition.xml")?;
        name.split_once('.').map(|(block_type, id)| (block_type.into(), id.into()))
    }

    fn usage_of_include(
        &self,
        parent: &IncludingBlock<'_>,
        block_type: &str,
        block_id: &str,
    ) -> Result<UsageKey, KeyError> {
        let (block_type, id) = match block_type {
            // An include of its own names a folder of `steps`.
            "steps" => block_id.split_once('.').unwrap_or((block_type, block_id)),
            _ => (block_type, block_id),
        };
        let id = if parent.is_own { id.to_owned() } else { format!("{}.{id}", parent.usage.block_id()) };
        parent.usage.context_key().make_usage_key(block_type, &id)
    }
}

#[test]
fn a_kind_of_another_program_is_served_by_its_own_rules() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path(), Access::ReadWrite, clock()).unwrap();
    let (media, _) = new_bundle(
        &store,
        "media",
        &[
            ("unit/u/definition.xml", "<unit><xblock-include definition=\"html/a\"/></unit>"),
            ("html/a/definition.xml", "<html>a</html>"),
        ],
    );
    let (bundle, studio) =
        new_bundle(&store, "pathway", &[("steps/html.one/definition.xml", "<html>one</html>")]);
    store.delete_draft(studio).unwrap();
    let draft = store.get_or_create_bundle_draft(bundle, "sketch").unwrap().uuid;
    store.set_draft_link(draft, "m", Some((media, 1))).unwrap();
    let step = r#"<unit display_name="Two"><xblock-include source="m" definition="unit/u"/></unit>"#;
    store.write_draft_file(draft, "steps/unit.two/definition.xml", Some(step.as_bytes())).unwrap();
    let keys = [KeyFamily::Context, KeyFamily::Usage]
        .into_iter()
        .fold(KeyRegistry::new(), |keys, family| keys.with(Arc::new(PathwayKeys(family))));
    let contexts = LearningContexts::standard()
        .with(Arc::new(Pathways(BTreeMap::from([("Coast".to_owned(), bundle)]))))
        .with_keys(keys.clone());
    let runtime = BlockstoreRuntime::with_contexts(store, registry(), contexts).unwrap();
    let key = keys.context_key("pathway:Coast").unwrap();
    let usage = |t: &str, id: &str| key.make_usage_key(t, id).unwrap();
    let ids = |branch| -> Vec<_> {
        let usages = runtime.usages(&key, branch).unwrap();
        usages.iter().map(|usage| usage.to_string().replace("pb:Coast:", "")).collect()
    };
    assert_eq!(ids(Branch::Draft), ["html:one", "html:u.a", "pathway:start", "unit:two", "unit:u"]);
    assert_eq!(ids(Branch::Published), ["html:one", "pathway:start"]);
    assert_eq!(runtime.block(&usage("html", "u.a"), Branch::Draft).unwrap().data.content["data"], "a");
    // An edit goes to its own draft, to a file where it wants it, and is published from there.
    let edit = Edit::new(key.clone(), Base::Any).put(usage("html", "three"), html("three"));
    runtime.commit(edit.with(EditOp::Publish(Extent::All))).unwrap();
    let store = runtime.blockstore();
    let path = "steps/html.three/definition.xml";
    assert!(store.get_bundle_file_data(bundle, path, None).is_ok());
    assert_eq!(store.get_bundle(bundle).unwrap().drafts.keys().collect::<Vec<_>>(), ["sketch"]);
    assert_eq!(ids(Branch::Published), ids(Branch::Draft));
    assert!(runtime.contexts().unwrap().contains(&key));
}

#[test]
fn adopted_libraries_are_there_after_every_commit_of_the_app() {
    let Some((runtime, folder, views)) = libraries() else { return };
    let keys: BTreeSet<ContextKey> = views.iter().map(key_of).collect();
    let (tides, _) =
        new_bundle(runtime.blockstore(), "extra", &[("html/a/definition.xml", "<html>a</html>")]);
    let extra: ContextKey = "lib:Harbour:extra".parse().unwrap();
    runtime.adopt(&extra, tides).unwrap();
    drop(runtime);
    let bundles: BTreeMap<ContextKey, Uuid> = views
        .iter()
        .map(|view| (key_of(view), view["bundle_uuid"].as_str().unwrap().parse().unwrap()))
        .chain([(extra, tides)])
        .collect();
    let before = crate::fixture::open_to_read(folder.path()).unwrap();
    // What the app does to each, with a draft of its own.
    for round in 0..2 {
        let app = Blockstore::open(folder.path(), Access::ReadWrite, clock()).unwrap();
        for (key, bundle) in &bundles {
            let draft = app.get_or_create_bundle_draft(*bundle, "app").unwrap().uuid;
            let text = format!("<html>{key} {round}</html>");
            app.write_draft_file(draft, "html/app/definition.xml", Some(text.as_bytes())).unwrap();
            app.commit_draft(draft).unwrap();
        }
        drop(app);
        let after = crate::fixture::open_to_read(folder.path()).unwrap();
        let writer = open(folder.path());
        for reader in [&before, &after, &writer] {
            let listed: BTreeSet<ContextKey> = reader.contexts().unwrap().into_iter().collect();
            assert!(keys.is_subset(&listed), "{listed:?}");
            for key in bundles.keys() {
                reader.context(key).unwrap();
                let usage = key.make_usage_key("html", "app").unwrap();
                let block = reader.block(&usage, Branch::Published).unwrap();
                assert_eq!(block.data.content["data"], format!("{key} {round}"));
                assert!(!reader.usages(key, Branch::Published).unwrap().is_empty());
            }
        }
    }
}
