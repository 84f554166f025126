//! The index after edits around includes that lead somewhere, nowhere and round in a circle: what it would be made anew.

use std::sync::Arc;

use runtime_blockstore::{Access, BlockstoreRuntime, LinkChanges, LinkTarget};
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{Base, BlockData, Branch, Edit, EditOp, Extent, Finding, Runtime};
use xblock_testkit::fixture::html;

use crate::fixture::{Now, new_bundle, registry, store_in};
use crate::includes::{Site, at, lib};

const TOP: &str = r#"<unit>
    <xblock-include source="nowhere" definition="html/page" usage="no-link"/>
    <xblock-include source="m" definition="html/gone" usage="no-definition"/>
    <xblock-include source="m" definition="unit/loop" usage="loop"/>
    <xblock-include definition="html/nothing" usage="alias"/>
    <xblock-include definition="html/missing"/>
    <xblock-include definition="unit/low" usage="high"/>
    <xblock-include source="m" definition="html/page" usage="fine"/>
</unit>"#;

fn site() -> Site {
    Site::new(
        |runtime| {
            let round = r#"<unit><xblock-include definition="unit/loop" usage="in"/></unit>"#;
            let files =
                [("html/page/definition.xml", "<html>page</html>"), ("unit/loop/definition.xml", round)];
            vec![("m", new_bundle(runtime.blockstore(), "m", &files).0, 1)]
        },
        &[
            ("unit/top/definition.xml", TOP),
            (
                "unit/low/definition.xml",
                r#"<unit><xblock-include source="gone" definition="html/page" usage="deep"/></unit>"#,
            ),
            ("html/h/definition.xml", "<html>h</html>"),
        ],
    )
}

fn faults(site: &Site) -> Vec<Finding> {
    let store = store_in(site.folder.path(), Access::ReadOnly, Arc::new(Now)).unwrap();
    let found = BlockstoreRuntime::check_index(store, registry()).unwrap();
    found.into_iter().map(Finding::from).collect()
}

/// Numbers that look random and are the same for each seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

fn some_op(site: &Site, dice: &mut Dice) -> EditOp {
    let blocks: [(&str, &str); 11] = [
        ("unit", "top"),
        ("unit", "low"),
        ("html", "h"),
        ("html", "no-link"),
        ("html", "no-definition"),
        ("unit", "loop"),
        ("html", "nothing"),
        ("html", "missing"),
        ("html", "deep"),
        ("html", "fine"),
        ("unit", "high"),
    ];
    let mut pick = || {
        let (block_type, id) = blocks[dice.roll(blocks.len())];
        at(block_type, id)
    };
    let (one, other, third): (UsageKey, UsageKey, UsageKey) = (pick(), pick(), pick());
    let versions = site.runtime.history(&lib(), Branch::Published).unwrap();
    match dice.roll(9) {
        0 | 1 => EditOp::DeleteBlock { usage: one },
        2 | 3 if one.block_type() == "html" => {
            EditOp::PutBlock { usage: one, data: Arc::new(html(&dice.roll(3).to_string())) }
        }
        2..=4 => {
            let mut data = site
                .runtime
                .block(&at("unit", "top"), Branch::Draft)
                .map(|b| (*b.data).clone())
                .unwrap_or_default();
            match dice.roll(3) {
                0 => data.children.retain(|child| *child != other),
                1 => data = BlockData { children: vec![other, third], ..BlockData::default() },
                _ => data.children.push(other),
            }
            data.children.dedup();
            EditOp::PutBlock {
                usage: if dice.roll(2) == 0 { at("unit", "top") } else { at("unit", "low") },
                data: Arc::new(data),
            }
        }
        5 => EditOp::Publish(if dice.roll(2) == 0 { Extent::All } else { Extent::Subtree(one) }),
        6 => EditOp::Discard(if dice.roll(2) == 0 { Extent::All } else { Extent::Subtree(one) }),
        7 => EditOp::Restore(versions[dice.roll(versions.len())].version.clone()),
        _ => EditOp::Publish(Extent::All),
    }
}

fn named(op: &EditOp) -> String {
    match op {
        EditOp::PutBlock { usage, data } => {
            let ids: Vec<_> = data.children.iter().map(UsageKey::block_id).collect();
            format!("put {} {ids:?}", usage.block_id())
        }
        EditOp::DeleteBlock { usage } => format!("delete {}", usage.block_id()),
        EditOp::Publish(extent) => format!("publish {extent:?}"),
        EditOp::Discard(extent) => format!("discard {extent:?}"),
        EditOp::Restore(version) => format!("restore {version}"),
        _ => "something else".to_owned(),
    }
}

#[test]
fn the_index_after_any_edits_is_what_the_bundle_says() {
    for seed in (0..12).chain([17, 19, 72]) {
        let site = site();
        let links = site.runtime.blockstore().get_bundle_links(site.bundle, Some("studio_draft")).unwrap();
        let media = links["m"].direct.bundle_uuid;
        let mut dice = Dice(seed);
        let mut told = Vec::new();
        for _ in 0..25 {
            let mut edit = Edit::new(lib(), Base::Any);
            for _ in 0..=dice.roll(3) {
                edit.ops.push(some_op(&site, &mut dice));
            }
            let ops = edit.ops.iter().map(named).collect::<Vec<_>>().join(", ");
            // Links come, go and lead elsewhere.
            let mut changes = LinkChanges::default();
            if dice.roll(3) == 0 {
                let name = ["m", "nowhere", "gone"][dice.roll(3)];
                let target = [None, Some(LinkTarget { bundle: media, version: Some(1) })][dice.roll(2)];
                told.push(format!("link {name} to {target:?}"));
                changes.links.insert(name.to_owned(), target);
            }
            let outcome = site.runtime.commit_with_links(&edit, &changes);
            told.push(format!("{}: {ops}", outcome.is_ok()));
            assert_eq!(faults(&site), [], "seed {seed}: {told:#?}");
        }
        site.index_is_right();
    }
}

/// A block that stands under a second name, too, and loses a child in the edit that says what it is from now on.
#[test]
fn what_an_edit_says_of_a_block_counts_under_each_of_its_names() {
    for (name, other) in [("low", "a-name"), ("low", "z-name"), ("a-name", "low"), ("z-name", "low")] {
        let alias = if name == "low" { other } else { name };
        let top = format!(r#"<unit><xblock-include definition="unit/low" usage="{alias}"/></unit>"#);
        let low =
            r#"<unit><xblock-include definition="html/h"/><xblock-include definition="html/i"/></unit>"#;
        let files = [
            ("unit/top/definition.xml", &*top),
            ("unit/low/definition.xml", low),
            ("html/h/definition.xml", "<html>h</html>"),
            ("html/i/definition.xml", "<html>i</html>"),
        ];
        let site = Site::new(|_| vec![], &files);
        let data = BlockData { children: vec![at("html", "own"), at("html", "h")], ..BlockData::default() };
        let edit = Edit::new(lib(), Base::Any)
            .put(at("unit", name), data)
            .with(EditOp::DeleteBlock { usage: at("html", "h") })
            .publish_all();
        site.runtime.commit(edit).unwrap();
        for branch in Branch::ALL {
            for name in ["low", alias] {
                let children = &site.runtime.block(&at("unit", name), branch).unwrap().data.children;
                assert_eq!(*children, [at("html", "own")], "{name} in the {branch} branch");
            }
        }
        assert_eq!(faults(&site), []);
        site.index_is_right();
    }
}
