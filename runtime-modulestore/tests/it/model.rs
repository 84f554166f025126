//! Any sequence of edits has the same outcome as in memory.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::json;
use xblock_core::runtime::{
    BlockData, BlockPatch, Branch, Edit, EditOp, Extent, MemoryRuntime, Runtime, RuntimeError, VersionId,
};
use xblock_testkit::fixture::{
    asset, attributes, commit, context, edit, html, published_course, root, small_course, snapshot, usage,
};

use crate::fixture::{clock, new_store};

/// A step by numbers, so that both runtimes can be given the same one.
#[derive(Debug, Clone)]
enum Step {
    Put(usize, u8, Vec<usize>),
    Children(usize, Vec<usize>),
    Delete(usize),
    Move(usize, usize, usize),
    PutAsset(usize, u8),
    DeleteAsset(usize),
    Publish(Option<usize>),
    Discard(Option<usize>),
    /// An older published version, counted back from the head.
    Restore(usize),
}

const BLOCKS: [(&str, &str); 9] = [
    ("course", "course"),
    ("chapter", "c"),
    ("sequential", "s"),
    ("vertical", "u1"),
    ("vertical", "u2"),
    ("html", "h1"),
    ("problem", "p1"),
    ("html", "new"),
    ("vertical", "other"),
];

fn at(number: usize) -> xblock_core::keys::UsageKey {
    usage(BLOCKS[number].0, BLOCKS[number].1)
}

fn step() -> impl Strategy<Value = Step> {
    let block = || 0..BLOCKS.len();
    // Leaves, so that most lists are no circles.
    let children = || prop::collection::vec(3..BLOCKS.len(), 0..4);
    prop_oneof![
        4 => (block(), 0..3_u8, children()).prop_map(|(at, text, children)| Step::Put(at, text, children)),
        3 => (block(), children()).prop_map(|(at, children)| Step::Children(at, children)),
        2 => block().prop_map(Step::Delete),
        2 => (block(), block(), 0..4_usize).prop_map(|(at, parent, position)| Step::Move(at, parent, position)),
        3 => (0..3_usize, any::<u8>()).prop_map(|(name, byte)| Step::PutAsset(name, byte)),
        1 => (0..3_usize).prop_map(Step::DeleteAsset),
        3 => prop::option::of(block()).prop_map(Step::Publish),
        2 => prop::option::of(block()).prop_map(Step::Discard),
        1 => (0..4_usize).prop_map(Step::Restore),
    ]
}

fn op(runtime: &dyn Runtime, step: &Step) -> EditOp {
    let extent = |top: &Option<usize>| top.map_or(Extent::All, |top| Extent::Subtree(at(top)));
    let name = |number: &usize| asset(&format!("{number}.bin"));
    match step {
        Step::Put(number, text, children) => {
            let mut data =
                BlockData { children: children.iter().map(|child| at(*child)).collect(), ..html("") };
            data.content.insert("data".into(), json!(text));
            data.settings.insert("start".into(), json!("2031-01-01T00:00:00Z"));
            EditOp::PutBlock { usage: at(*number), data: Arc::new(data) }
        }
        Step::Children(number, children) => {
            let children = children.iter().map(|child| at(*child)).collect();
            EditOp::PatchBlock {
                usage: at(*number),
                patch: BlockPatch { children: Some(children), ..BlockPatch::default() },
            }
        }
        Step::Delete(number) => EditOp::DeleteBlock { usage: at(*number) },
        Step::Move(number, parent, position) => {
            EditOp::MoveBlock { usage: at(*number), parent: at(*parent), position: *position }
        }
        Step::PutAsset(number, byte) => EditOp::PutAsset {
            key: name(number),
            data: attributes(&byte.to_string()),
            content: Arc::new(vec![*byte; usize::from(*byte)]),
        },
        Step::DeleteAsset(number) => EditOp::DeleteAsset { key: name(number) },
        Step::Publish(top) => EditOp::Publish(extent(top)),
        Step::Discard(top) => EditOp::Discard(extent(top)),
        Step::Restore(back) => {
            let history = runtime.history(&context(), Branch::Published).unwrap_or_default();
            let version = history.get(*back).map(|version| version.version.clone());
            EditOp::Restore(version.unwrap_or(VersionId("none".into())))
        }
    }
}

/// Names the situation without what differs between stores.
fn outcome(result: Result<impl Sized, RuntimeError>) -> String {
    match result {
        Ok(_) => "done".into(),
        Err(error) => format!("{error:?}").split(['{', '(']).next().unwrap_or_default().to_owned(),
    }
}

fn state(runtime: &dyn Runtime) -> Vec<Vec<String>> {
    let mut state: Vec<_> = Branch::ALL
        .iter()
        .filter(|branch| runtime.usages(&context(), **branch).is_ok())
        .map(|branch| {
            let mut lines = snapshot(runtime, &context(), *branch);
            for usage in runtime.usages(&context(), *branch).expect("usages") {
                lines.push(format!("{usage} < {:?}", runtime.parents(&usage, *branch).expect("parents")));
            }
            lines
        })
        .collect();
    let published = runtime.history(&context(), Branch::Published).map_or(0, |history| history.len());
    state.push(vec![published.to_string()]);
    state
}

/// Edits of one and of several steps, valid or not, leave the same blocks, files, parents and published versions.
#[test]
fn any_edits_end_as_in_memory() {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() });
    let edits = (any::<bool>(), prop::collection::vec(prop::collection::vec(step(), 1..4), 1..12));
    runner
        .run(&edits, |(published, edits)| {
            let (ours, _folder) = new_store();
            let memory = MemoryRuntime::new(clock());
            for runtime in [&ours as &dyn Runtime, &memory] {
                let course = if published { small_course().publish_all() } else { small_course() };
                commit(runtime, course);
            }
            for steps in edits {
                let make = |runtime: &dyn Runtime| {
                    steps.iter().fold(edit(), |edit: Edit, step| edit.with(op(runtime, step)))
                };
                let (mine, theirs) = (ours.commit(make(&ours)), memory.commit(make(&memory)));
                let (mine, theirs) = (outcome(mine), outcome(theirs));
                if mine != theirs {
                    return Err(TestCaseError::fail(format!("{steps:?}: {mine}, in memory {theirs}")));
                }
                prop_assert_eq!(state(&ours), state(&memory), "{:?}", steps);
            }
            Ok(())
        })
        .expect("the runtimes agree");
}

/// Files of each of several versions come back, whatever the draft held meanwhile.
#[test]
fn files_of_every_version_come_back() {
    let (runtime, _folder) = new_store();
    let mut versions = vec![(published_course(&runtime).published, None)];
    for byte in 1..=3_u8 {
        let put = op(&runtime, &Step::PutAsset(0, byte));
        versions.push((commit(&runtime, edit().with(put).publish_all()).published, Some(byte)));
        let gone = op(&runtime, &Step::DeleteAsset(0));
        versions.push((commit(&runtime, edit().with(gone).publish_all()).published, None));
    }
    for (version, byte) in versions {
        commit(&runtime, edit().with(op(&runtime, &Step::PutAsset(1, 9))));
        commit(&runtime, edit().with(EditOp::Restore(version.expect("a version"))));
        let files = runtime.assets(&context(), Branch::Draft).expect("the files");
        assert_eq!(
            files.len(),
            usize::from(byte.is_some()),
            "the draft's own file is gone, and no other came"
        );
        if let Some(byte) = byte {
            assert_eq!(
                runtime.read_asset(&asset("0.bin"), Branch::Draft).expect("bytes"),
                vec![byte; byte.into()]
            );
        }
        assert_eq!(runtime.assets(&context(), Branch::Published).expect("the files").len(), 0);
    }
    assert_eq!(runtime.block(&root(), Branch::Draft).expect("the root").data.children.len(), 1);
}
