//! Blocks included from other bundles: read through the links, and left as they are by edits of what includes them.

use std::fs;

use runtime_blockstore::{BlockstoreRuntime, LinkChanges, LinkTarget};
use tempfile::TempDir;
use uuid::Uuid;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::Include;
use xblock_core::runtime::{
    Base, BlockData, BlockPatch, Branch, Edit, EditOp, Extent, IncludeProblem, Runtime, RuntimeError,
    RuntimeExt,
};
use xblock_testkit::fixture::html;

use crate::fixture::{new_bundle, open};

const DRAFT: &str = "studio_draft";

pub(crate) fn lib() -> ContextKey {
    "lib:Harbour:tides".parse().unwrap()
}

pub(crate) fn at(block_type: &str, id: &str) -> UsageKey {
    lib().make_usage_key(block_type, id).unwrap()
}

fn edit() -> Edit {
    Edit::new(lib(), Base::Any)
}

/// A library that is being written, with links to others.
pub(crate) struct Site {
    pub(crate) runtime: BlockstoreRuntime,
    pub(crate) bundle: Uuid,
    pub(crate) draft: Uuid,
    pub(crate) folder: TempDir,
}

impl Site {
    /// Makes the library with a version 1, and its draft with the links and files given.
    pub(crate) fn new(
        links: impl FnOnce(&BlockstoreRuntime) -> Vec<(&'static str, Uuid, u64)>,
        files: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = open(folder.path());
        let links = links(&runtime);
        let store = runtime.blockstore();
        let (bundle, draft) = new_bundle(store, "tides", &[("html/own/definition.xml", "<html>own</html>")]);
        for (name, bundle, version) in links {
            store.set_draft_link(draft, name, Some((bundle, version))).unwrap();
        }
        for (path, text) in files {
            store.write_draft_file(draft, path, Some(text.as_bytes())).unwrap();
        }
        runtime.adopt(&lib(), bundle).unwrap();
        Self { runtime, bundle, draft, folder }
    }

    fn text(&self, path: &str, draft: Option<&str>) -> String {
        let bytes = self.runtime.blockstore().get_bundle_file_data(self.bundle, path, draft).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn children(&self, usage: &UsageKey, branch: Branch) -> Vec<String> {
        let data = self.runtime.block(usage, branch).unwrap().data;
        data.children.iter().map(|c| format!("{}:{}", c.block_type(), c.block_id())).collect()
    }

    fn ids(&self, branch: Branch) -> Vec<String> {
        let usages = self.runtime.usages(&lib(), branch).unwrap();
        usages.iter().map(|c| format!("{}:{}", c.block_type(), c.block_id())).collect()
    }

    fn data(&self, usage: &UsageKey, branch: Branch) -> String {
        self.runtime.block(usage, branch).unwrap().data.content["data"].as_str().unwrap().to_owned()
    }

    /// Holds what the index says against what it says when it is made anew.
    pub(crate) fn index_is_right(&self) {
        let seen = |runtime: &BlockstoreRuntime| {
            Branch::ALL.map(|branch| {
                let usages = runtime.usages(&lib(), branch).unwrap();
                let blocks: Vec<_> = usages
                    .iter()
                    .map(|usage| {
                        let block = runtime.block(usage, branch).unwrap();
                        (block.definition, block.data, runtime.parents(usage, branch).unwrap())
                    })
                    .collect();
                let outline = runtime.outline(&lib(), branch, 100).unwrap();
                (usages, blocks, outline)
            })
        };
        let before = seen(&self.runtime);
        let db = rusqlite::Connection::open(self.folder.path().join("db.sqlite3")).unwrap();
        db.execute_batch("UPDATE xblock_state SET token = 'x'").unwrap();
        assert_eq!(seen(&self.runtime), before);
    }
}

fn problem(site: &Site, usage: &UsageKey, branch: Branch) -> IncludeProblem {
    match site.runtime.block(usage, branch) {
        Err(error @ RuntimeError::BrokenInclude { .. }) => {
            assert!(error.is_damage(), "what is around it goes on");
            let RuntimeError::BrokenInclude { problem, .. } = error else { unreachable!() };
            *problem
        }
        other => panic!("{usage}: {other:?}"),
    }
}

fn unit(name: &str, includes: &str) -> String {
    format!("<unit display_name=\"{name}\">{includes}</unit>")
}

fn pages(runtime: &BlockstoreRuntime, slug: &str, text: &str) -> Uuid {
    let definition = format!("<html display_name=\"Page\">{text}</html>");
    new_bundle(runtime.blockstore(), slug, &[("html/page/definition.xml", &definition)]).0
}

#[test]
fn both_sides_of_a_diamond_keep_their_versions() {
    let site = Site::new(
        |runtime| {
            let store = runtime.blockstore();
            let base = pages(runtime, "base", "one");
            let side = |slug, version| {
                let unit = unit("Side", r#"<xblock-include source="base" definition="html/page"/>"#);
                let (bundle, draft) = new_bundle(store, slug, &[("html/x/definition.xml", "<html/>")]);
                store.set_draft_link(draft, "base", Some((base, version))).unwrap();
                store.write_draft_file(draft, "unit/u/definition.xml", Some(unit.as_bytes())).unwrap();
                store.commit_draft(draft).unwrap();
                bundle
            };
            let left = side("left", 1);
            let draft = store.get_bundle(base).unwrap().drafts[DRAFT];
            store.write_draft_file(draft, "html/page/definition.xml", Some(b"<html>two</html>")).unwrap();
            store.commit_draft(draft).unwrap();
            // A draft of a linked bundle is nobody's business.
            store.write_draft_file(draft, "html/page/definition.xml", Some(b"<html>never</html>")).unwrap();
            let right = side("right", 2);
            vec![("left", left, 2), ("right", right, 2)]
        },
        &[(
            "unit/top/definition.xml",
            r#"<unit><xblock-include source="left" definition="unit/u" usage="l"/><xblock-include source="right" definition="unit/u" usage="r"/></unit>"#,
        )],
    );
    assert_eq!(
        site.ids(Branch::Draft),
        ["html:l-page", "html:own", "html:r-page", "library:library", "unit:l", "unit:r", "unit:top"]
    );
    assert_eq!(site.data(&at("html", "l-page"), Branch::Draft), "one");
    assert_eq!(site.data(&at("html", "r-page"), Branch::Draft), "two");
    assert_eq!(
        site.ids(Branch::Published),
        ["html:own", "library:library"],
        "links of the draft are the draft's"
    );
    assert_eq!(site.runtime.parents(&at("html", "r-page"), Branch::Draft).unwrap(), [at("unit", "r")]);
    assert_eq!(site.runtime.parents(&at("unit", "top"), Branch::Draft).unwrap(), [at("library", "library")]);
    site.runtime.commit(edit().publish_all()).unwrap();
    assert_eq!(site.data(&at("html", "l-page"), Branch::Published), "one");
    site.index_is_right();
}

#[test]
fn two_includes_of_one_definition_are_two_blocks() {
    let site = Site::new(
        |runtime| vec![("m", pages(runtime, "m", "page"), 1)],
        &[(
            "unit/top/definition.xml",
            r#"<unit><xblock-include source="m" definition="html/page" usage="a"/><xblock-include source="m" definition="html/page" usage="b"/><xblock-include definition="html/own" usage="again"/></unit>"#,
        )],
    );
    assert_eq!(site.children(&at("unit", "top"), Branch::Draft), ["html:a", "html:b", "html:again"]);
    let [a, b] = ["a", "b"].map(|id| site.runtime.block(&at("html", id), Branch::Draft).unwrap());
    assert_eq!((a.definition, a.data), (b.definition, b.data));
    // The block under its second name is the library's own, and an edit of it is one of the definition.
    let again = site.runtime.block(&at("html", "again"), Branch::Draft).unwrap();
    assert!(again.definition.to_string().ends_with(":studio_draft:html:html/own/definition.xml"));
    site.runtime.commit(edit().put(at("html", "again"), html("changed")).publish_all()).unwrap();
    for branch in Branch::ALL {
        assert_eq!(site.data(&at("html", "own"), branch), "changed");
        assert_eq!(site.data(&at("html", "again"), branch), "changed");
    }
    site.index_is_right();
    site.runtime.commit(edit().with(EditOp::DeleteBlock { usage: at("html", "again") })).unwrap();
    assert_eq!(site.children(&at("unit", "top"), Branch::Draft), ["html:a", "html:b"]);
    assert_eq!(site.data(&at("html", "own"), Branch::Draft), "changed", "the definition stays");
    site.index_is_right();
}

#[test]
fn what_is_included_is_changed_where_it_belongs() {
    let site = Site::new(
        |runtime| vec![("m", pages(runtime, "m", "page"), 1)],
        &[("unit/top/definition.xml", r#"<unit><xblock-include source="m" definition="html/page"/></unit>"#)],
    );
    let page = at("html", "page");
    let block = site.runtime.block(&page, Branch::Draft).unwrap();
    let before = site.runtime.context(&lib()).unwrap().draft;
    let refused = |edit: Edit| match site.runtime.commit(edit) {
        Err(RuntimeError::NotEditable { usage, definition }) => {
            assert_eq!((usage, definition), (page.clone(), block.definition.clone()));
        }
        other => panic!("{other:?}"),
    };
    refused(edit().put(page.clone(), html("other")));
    let patch = BlockPatch { settings: vec![("display_name".into(), None)], ..BlockPatch::default() };
    refused(edit().put(at("html", "own"), html("x")).with(EditOp::PatchBlock { usage: page.clone(), patch }));
    assert_eq!(site.runtime.context(&lib()).unwrap().draft, before, "nothing has changed");
    assert_eq!(site.data(&at("html", "own"), Branch::Draft), "own");
    // Saying what it says already changes nothing.
    site.runtime.commit(edit().put(page.clone(), (*block.data).clone())).unwrap();
    assert!(
        site.runtime
            .blockstore()
            .get_bundle_file_metadata(site.bundle, "html/page/definition.xml", Some(DRAFT))
            .is_err()
    );
    // The made-up root cannot say anything else than it would.
    let root = at("library", "library");
    let mut data = (*site.runtime.block(&root, Branch::Draft).unwrap().data).clone();
    data.settings.insert("display_name".into(), "Other".into());
    assert!(matches!(
        site.runtime.commit(edit().put(root.clone(), data)),
        Err(RuntimeError::Unstorable { .. })
    ));
    let mut data = (*site.runtime.block(&root, Branch::Draft).unwrap().data).clone();
    data.children.push(at("html", "new"));
    site.runtime.commit(edit().put(at("html", "new"), html("new")).put(root.clone(), data)).unwrap();
    assert_eq!(site.children(&root, Branch::Draft), ["html:new", "html:own", "unit:top"]);
    site.index_is_right();
}

#[test]
fn an_untouched_include_survives_every_edit_of_its_container() {
    let first =
        "<xblock-include  usage='first'\n   definition=\"html/page\" source='m' note=\"keep &#233;\"  />";
    let second = "<xblock-include source='m'   definition='html/page'></xblock-include>";
    let file = format!(
        "<?xml version='1.0'?>\n<!-- mine -->\n<unit  display_name='Old' x-colour=\"red\">\n\t<!-- one -->\n\t{first}\n\t<!-- two -->\n\t{second}\n</unit>\n"
    );
    let site = Site::new(
        |runtime| vec![("m", pages(runtime, "m", "page"), 1)],
        &[("unit/top/definition.xml", &file)],
    );
    let (top, path) = (at("unit", "top"), "unit/top/definition.xml");
    let name = |name: &str| EditOp::PatchBlock {
        usage: top.clone(),
        patch: BlockPatch {
            settings: vec![("display_name".into(), Some(name.into()))],
            ..BlockPatch::default()
        },
    };
    site.runtime.commit(edit().with(name("New"))).unwrap();
    assert_eq!(site.text(path, Some(DRAFT)), file.replace("'Old'", "'New'"));
    let order = |children: Vec<UsageKey>| EditOp::PatchBlock {
        usage: top.clone(),
        patch: BlockPatch { children: Some(children), ..BlockPatch::default() },
    };
    let (a, b, own) = (at("html", "first"), at("html", "page"), at("html", "own"));
    site.runtime.commit(edit().with(order(vec![b.clone(), own.clone(), a.clone()]))).unwrap();
    let text = site.text(path, Some(DRAFT));
    assert!(text.contains(first) && text.contains(second) && text.contains("x-colour=\"red\""), "{text}");
    assert!(text.find(second) < text.find("html/own") && text.find("html/own") < text.find(first), "{text}");
    assert!(text.contains("<!-- mine -->") && text.contains("<!-- two -->"), "{text}");
    site.index_is_right();
    site.runtime.commit(edit().with(order(vec![a.clone()])).publish_all()).unwrap();
    let text = site.text(path, None);
    assert!(text.contains(first) && !text.contains(second), "{text}");
    assert_eq!(site.ids(Branch::Published), ["html:first", "html:own", "library:library", "unit:top"]);
    // Moved below another parent it is included in the same way.
    site.runtime
        .commit(
            edit()
                .put(at("unit", "other"), BlockData { children: vec![own.clone()], ..BlockData::default() })
                .with(EditOp::MoveBlock { usage: a.clone(), parent: at("unit", "other"), position: 0 }),
        )
        .unwrap();
    let other = site.text("unit/other/definition.xml", Some(DRAFT));
    assert!(
        other.contains(r#"<xblock-include source="m" definition="html/page" usage="first"/>"#),
        "{other}"
    );
    assert_eq!(site.data(&a, Branch::Draft), "page");
    // Discarding takes the published words back, not only what they say.
    site.runtime.commit(edit().with(EditOp::Discard(Extent::Subtree(top.clone())))).unwrap();
    assert_eq!(site.text(path, Some(DRAFT)), text);
    site.runtime.commit(edit().with(EditOp::Discard(Extent::All))).unwrap();
    assert_eq!(site.children(&top, Branch::Draft), ["html:first"]);
    site.index_is_right();
}

#[test]
fn broken_includes_are_told_apart_and_leave_the_rest_alone() {
    let site = Site::new(
        |runtime| {
            let store = runtime.blockstore();
            let loop_unit = unit("Loop", r#"<xblock-include definition="unit/loop" usage="in"/>"#);
            let (bundle, _) = new_bundle(
                store,
                "m",
                &[
                    ("html/page/definition.xml", "<html>page</html>"),
                    ("unit/loop/definition.xml", &loop_unit),
                ],
            );
            let lost = pages(runtime, "lost", "lost");
            vec![("m", bundle, 1), ("lost", lost, 1)]
        },
        &[(
            "unit/top/definition.xml",
            r#"<unit>
                <xblock-include source="nowhere" definition="html/page" usage="no-link"/>
                <xblock-include source="lost" definition="html/page" usage="no-version"/>
                <xblock-include source="m" definition="html/gone" usage="no-definition"/>
                <xblock-include source="m" definition="unit/loop" usage="loop"/>
                <xblock-include definition="html/nothing" usage="nothing"/>
                <xblock-include source="m" definition="html/page" usage="fine"/>
            </unit>"#,
        )],
    );
    let store = site.runtime.blockstore();
    let lost = store.get_bundle_links(site.bundle, Some(DRAFT)).unwrap()["lost"].direct.clone();
    let snapshots = site.folder.path().join("storage").join(lost.bundle_uuid.to_string()).join("snapshots");
    fs::remove_dir_all(snapshots).unwrap();
    let runtime = open(site.folder.path());
    let site = Site { runtime, ..site };
    assert_eq!(
        site.ids(Branch::Draft),
        ["html:fine", "html:own", "library:library", "unit:loop", "unit:top"]
    );
    let html = |id: &str| at("html", id);
    assert!(
        matches!(problem(&site, &html("no-link"), Branch::Draft), IncludeProblem::NoLink { name } if name == "nowhere")
    );
    assert!(matches!(
        problem(&site, &html("no-version"), Branch::Draft),
        IncludeProblem::NoVersion { version: 1, .. }
    ));
    assert!(matches!(
        problem(&site, &html("no-definition"), Branch::Draft),
        IncludeProblem::NoDefinition { version: 1, .. }
    ));
    assert!(site.runtime.block(&html("nothing"), Branch::Draft).unwrap_err().is_not_found());
    assert!(matches!(problem(&site, &at("unit", "loop-in"), Branch::Draft), IncludeProblem::Cycle { .. }));
    assert_eq!(site.data(&html("fine"), Branch::Draft), "page");
    assert_eq!(site.children(&at("unit", "top"), Branch::Draft).len(), 6, "they are named all the same");
    let walked =
        site.runtime.walk(&at("unit", "top"), Branch::Draft).filter(|item| item.block.is_ok()).count();
    assert_eq!(walked, 3);
    // An edit and a publish go around them, and a block may take the place of one.
    site.runtime
        .commit(edit().put(html("no-link"), xblock_testkit::fixture::html("here")).publish_all())
        .unwrap();
    assert_eq!(site.data(&html("no-link"), Branch::Published), "here");
    assert!(matches!(
        problem(&site, &html("no-version"), Branch::Published),
        IncludeProblem::NoVersion { .. }
    ));
    site.index_is_right();
}

#[test]
fn a_link_may_lead_on_and_back_to_an_older_version() {
    // What other programs wrote may link back; it is followed as far as there is something new.
    let site = Site::new(
        |runtime| {
            let store = runtime.blockstore();
            let deep = pages(runtime, "deep", "deep");
            let (middle, draft) = new_bundle(store, "middle", &[("html/x/definition.xml", "<html/>")]);
            store.set_draft_link(draft, "d", Some((deep, 1))).unwrap();
            let inner = unit("Inner", r#"<xblock-include source="d" definition="html/page"/>"#);
            let outer = unit("Outer", r#"<xblock-include definition="unit/inner"/>"#);
            store.write_draft_file(draft, "unit/inner/definition.xml", Some(inner.as_bytes())).unwrap();
            store.write_draft_file(draft, "unit/outer/definition.xml", Some(outer.as_bytes())).unwrap();
            store.commit_draft(draft).unwrap();
            vec![("m", middle, 2)]
        },
        &[(
            "unit/top/definition.xml",
            r#"<unit><xblock-include source="m" definition="unit/outer"/></unit>"#,
        )],
    );
    let deep = at("html", "outer-inner-page");
    assert_eq!(site.data(&deep, Branch::Draft), "deep");
    let above = site.runtime.ancestors(&deep, Branch::Draft).unwrap();
    let above: Vec<_> = above.iter().map(|block| block.usage.block_id().to_owned()).collect();
    assert_eq!(above, ["outer-inner", "outer", "top", "library"]);
    // The bundle in the middle may go: the files stay, and so does what is pinned to them.
    let middle =
        site.runtime.blockstore().get_bundle_links(site.bundle, Some(DRAFT)).unwrap()["m"].direct.bundle_uuid;
    site.runtime.blockstore().delete_bundle(middle).unwrap();
    site.index_is_right();
    assert_eq!(site.data(&deep, Branch::Draft), "deep");
    // Without its parent it is gone.
    site.runtime.commit(edit().with(EditOp::DeleteBlock { usage: at("unit", "top") })).unwrap();
    assert_eq!(site.ids(Branch::Draft), ["html:own", "library:library"]);
    assert!(matches!(site.runtime.block(&deep, Branch::Draft), Err(RuntimeError::NoSuchUsage { .. })));
}

#[test]
fn courses_include_what_their_links_lead_to() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path());
    xblock_testkit::fixture::published_course(&runtime);
    let context = xblock_testkit::fixture::context();
    let media = pages(&runtime, "media", "page");
    let parent = xblock_testkit::fixture::usage("vertical", "u1");
    let mut data = (*runtime.block(&parent, Branch::Draft).unwrap().data).clone();
    let child = context.make_usage_key("html", "intro").unwrap();
    data.children.push(child.clone());
    let include = Include {
        link: Some("media".into()),
        block_type: "html".into(),
        definition_id: "page".into(),
        usage: Some("intro".into()),
    };
    let mut changes = LinkChanges::default();
    changes.includes.insert(child.clone(), include.clone());
    let commit = |changes: &LinkChanges| {
        let edit = Edit::new(context.clone(), Base::Any).put(parent.clone(), data.clone());
        runtime.commit_with_links(&edit, changes)
    };
    // What is to be included must be there.
    let broken = commit(&changes).unwrap_err();
    assert!(broken.to_string().contains("Link not found: media"), "{broken}");
    assert!(runtime.block(&child, Branch::Draft).is_err());
    changes.links.insert("media".into(), Some(LinkTarget { bundle: media, version: None }));
    commit(&changes).unwrap();
    let block = runtime.block(&child, Branch::Draft).unwrap();
    assert_eq!(block.definition.to_string(), format!("bundle-olx:{media}:1:html:html/page/definition.xml"));
    assert_eq!(runtime.definition(&block.definition).unwrap().content, block.data.content);
    assert!(runtime.block(&child, Branch::Published).is_err());
    // A part that is published takes the links along that the published branch lacks.
    let publish = EditOp::Publish(Extent::Subtree(parent.clone()));
    runtime.commit(Edit::new(context.clone(), Base::Any).with(publish)).unwrap();
    assert_eq!(runtime.block(&child, Branch::Published).unwrap().data, block.data);
    // What is included inherits from where it stands.
    let above = runtime.ancestors(&child, Branch::Published).unwrap();
    assert_eq!(above[0].usage, parent);
    // An older version comes back with its links.
    let old = runtime.context(&context).unwrap().published.unwrap().version;
    let mut without = (*runtime.block(&parent, Branch::Draft).unwrap().data).clone();
    without.children.retain(|c| *c != child);
    let mut drop_link = LinkChanges::default();
    drop_link.links.insert("media".into(), None);
    let edit = Edit::new(context.clone(), Base::Any).put(parent.clone(), without).publish_all();
    runtime.commit_with_links(&edit, &drop_link).unwrap();
    assert!(runtime.links(&context, Branch::Published).unwrap().is_empty());
    assert!(runtime.block(&child, Branch::Published).unwrap_err().is_not_found());
    runtime.commit(Edit::new(context.clone(), Base::Any).with(EditOp::Restore(old)).publish_all()).unwrap();
    for branch in Branch::ALL {
        assert_eq!(runtime.block(&child, branch).unwrap().data, block.data);
    }
}

#[test]
fn an_outline_reads_no_definition_and_a_block_reads_one() {
    let many: Vec<_> =
        (0..200).map(|n| (format!("html/h{n}/definition.xml"), format!("<html>{n}</html>"))).collect();
    let includes: String =
        (0..200).map(|n| format!("<xblock-include source=\"m\" definition=\"html/h{n}\"/>")).collect();
    let mut page = Uuid::nil();
    let site = Site::new(
        |runtime| {
            let files: Vec<_> = many.iter().map(|(path, text)| (&**path, &**text)).collect();
            page = new_bundle(runtime.blockstore(), "m", &files).0;
            vec![("m", page, 1)]
        },
        &[("unit/top/definition.xml", &unit("Top", &includes))],
    );
    site.runtime.commit(edit().publish_all()).unwrap();
    let Site { bundle, folder, .. } = site;
    // Everything goes but the documents, and the one file that holds the block.
    let storage = folder.path().join("storage");
    let kept = runtime_blockstore::Digest::of(b"<html>77</html>").to_string();
    for bundle in [bundle, page] {
        for file in fs::read_dir(storage.join(bundle.to_string()).join("snapshot_data")).unwrap() {
            let file = file.unwrap();
            if !file.file_name().to_string_lossy().starts_with(&kept) {
                fs::remove_file(file.path()).unwrap();
            }
        }
    }
    let linked = storage.join(page.to_string()).join("snapshots");
    fs::remove_dir_all(linked).unwrap();
    let runtime = open(folder.path());
    let block = runtime.block(&at("html", "h77"), Branch::Published).unwrap();
    assert_eq!(block.data.content["data"], "77");
    assert!(runtime.block(&at("html", "h78"), Branch::Published).unwrap_err().is_damage());
    let outline = runtime.outline(&lib(), Branch::Published, 2).unwrap();
    assert_eq!(outline.len(), 203);
    let lines: Vec<_> = outline
        .iter()
        .take(4)
        .map(|block| (block.depth, block.usage.block_id(), block.display_name.as_deref(), block.children))
        .collect();
    assert_eq!(
        lines,
        [
            (0, "library", Some("tides"), 2),
            (1, "own", None, 0),
            (1, "top", Some("Top"), 200),
            (2, "h0", None, 0)
        ]
    );
    assert_eq!(runtime.outline(&lib(), Branch::Published, 1).unwrap().len(), 3);
    assert_eq!(runtime.parents(&at("html", "h78"), Branch::Published).unwrap(), [at("unit", "top")]);
}

#[test]
fn a_broken_include_hides_no_other_of_the_same_key() {
    let unit = |sources: [&str; 2]| {
        let includes =
            sources.map(|name| format!("<xblock-include source=\"{name}\" definition=\"html/page\"/>"));
        format!("<unit>{}</unit>", includes.concat())
    };
    let (first, last) = (unit(["media", "nowhere"]), unit(["nowhere", "media"]));
    let site = Site::new(
        |runtime| {
            let page = ("html/page/definition.xml", "<html>page</html>");
            let (media, _) = new_bundle(runtime.blockstore(), "media", &[page]);
            vec![("media", media, 1)]
        },
        &[("unit/first/definition.xml", &first)],
    );
    assert_eq!(site.data(&at("html", "page"), Branch::Draft), "page");
    let store = site.runtime.blockstore();
    store.write_draft_file(site.draft, "unit/first/definition.xml", Some(last.as_bytes())).unwrap();
    assert_eq!(site.data(&at("html", "page"), Branch::Draft), "page");
    assert!(site.ids(Branch::Draft).contains(&"html:page".to_owned()));
}

/// Units that each include the next one twice, under two names; the last one includes a page.
fn doubling(depth: usize) -> Vec<(String, String)> {
    let mut files: Vec<_> = (0..depth)
        .map(|n| {
            let next = n + 1;
            let twice = format!(
                r#"<xblock-include definition="unit/u{next}" usage="a{n}"/><xblock-include definition="unit/u{next}" usage="b{n}"/>"#
            );
            (format!("unit/u{n}/definition.xml"), unit(&format!("Unit {n}"), &twice))
        })
        .collect();
    let last = unit("Last", r#"<xblock-include definition="html/h"/>"#);
    files.push((format!("unit/u{depth}/definition.xml"), last));
    files.push(("html/h/definition.xml".into(), "<html>h</html>".into()));
    files
}

fn as_texts(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(path, text)| (&**path, &**text)).collect()
}

#[test]
fn a_few_units_that_include_each_other_twice_are_refused_before_they_are_followed() {
    for (depth, is_too_many) in [(4, false), (16, true), (63, true)] {
        let files = doubling(depth);
        let site = Site::new(
            |runtime| vec![("m", new_bundle(runtime.blockstore(), "media", &as_texts(&files)).0, 1)],
            &[(
                "unit/top/definition.xml",
                r#"<unit><xblock-include source="m" definition="unit/u0" usage="t"/></unit>"#,
            )],
        );
        let usages = site.ids(Branch::Draft).len();
        let outline = site.runtime.outline(&lib(), Branch::Draft, 100).unwrap().len();
        if is_too_many {
            assert!(matches!(problem(&site, &at("unit", "t"), Branch::Draft), IncludeProblem::TooMany));
            assert_eq!((usages, outline), (3, 3), "nothing of it is made");
        } else {
            // 2^5 - 1 units and 2^4 pages below the one that includes them; a root and a page beside.
            assert_eq!((usages, outline), (50, 50));
        }
        assert_eq!(site.children(&at("unit", "top"), Branch::Draft), ["unit:t"], "it is named all the same");
        site.index_is_right();
    }
}

#[test]
fn an_outline_of_more_places_than_there_is_room_for_is_refused() {
    let files = doubling(20);
    let site = Site::new(|_| vec![], &as_texts(&files));
    assert!(site.ids(Branch::Draft).len() < 100);
    let refused = site.runtime.outline(&lib(), Branch::Draft, 100).unwrap_err();
    assert!(matches!(refused, RuntimeError::TooManyPlaces { limit: 100_000, .. }), "{refused}");
    assert!(
        site.runtime.outline(&lib(), Branch::Draft, 3).unwrap().len() < 1000,
        "the top of it can be shown"
    );
    assert!(site.runtime.outside_tree(&lib(), Branch::Draft).unwrap().is_empty());
}
