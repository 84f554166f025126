//! Any state of a context can be reached from any other, and what is equal is not touched.

use std::sync::Arc;

use courseware::{AssetContent, BranchContent, EditSteps, Progress};
use proptest::prelude::*;
use serde_json::json;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{Base, BlockData, Branch, Edit, Runtime};
use xblock_testkit::fixture::{asset, attributes, context, map, root, usage};

use crate::stores::memory;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn key(name: &str) -> UsageKey {
    usage("vertical", name)
}

/// A state without circles: the root and every block may have children that come after it in one of the possible orders.
fn states() -> impl Strategy<Value = BranchContent> {
    let order = Just(NAMES.to_vec()).prop_shuffle();
    let block = (any::<bool>(), 0..3_u8, prop::collection::vec(any::<prop::sample::Index>(), 0..4));
    let blocks = prop::collection::vec(block, NAMES.len() + 1);
    let assets = prop::collection::btree_map(0..3_u8, (0..2_u8, any::<bool>()), 0..3);
    (order, blocks, assets).prop_map(|(order, blocks, assets)| {
        let mut content = BranchContent::default();
        let all: Vec<UsageKey> = std::iter::once(root()).chain(order.into_iter().map(key)).collect();
        for (at, (exists, value, children)) in blocks.into_iter().enumerate() {
            // A name that does not exist may still stand among the children.
            if at > 0 && !exists {
                continue;
            }
            let below = &all[at + 1..];
            let mut data = BlockData { settings: map(json!({ "value": value })), ..BlockData::default() };
            if !below.is_empty() {
                for child in children {
                    let child = child.get(below);
                    if !data.children.contains(child) {
                        data.children.push(child.clone());
                    }
                }
            }
            content.blocks.insert(all[at].clone(), Arc::new(data));
        }
        for (name, (byte, locked)) in assets {
            let mut data = attributes(&format!("{name}.txt"));
            data.locked = locked;
            content
                .assets
                .insert(asset(&format!("{name}.txt")), AssetContent::new(data, Arc::new(vec![byte; 3])));
        }
        content
    })
}

fn apply(runtime: &dyn Runtime, base: Base, steps: EditSteps) {
    let mut edit = Edit::new(context(), base);
    edit.ops = steps.ops;
    runtime.commit(edit).expect("the steps can be carried out");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_state_can_be_reached_from_every_other(from in states(), to in states()) {
        let runtime = memory();
        apply(&*runtime, Base::New { root: root() }, EditSteps::between(&BranchContent::default(), &from).unwrap());
        let present = BranchContent::read(&runtime, &context(), Branch::Draft, &Progress::default()).unwrap();
        prop_assert!(present.is_same(&from).unwrap());
        apply(&*runtime, Base::Any, EditSteps::between(&present, &to).unwrap());
        let present = BranchContent::read(&runtime, &context(), Branch::Draft, &Progress::default()).unwrap();
        prop_assert_eq!(&present.blocks, &to.blocks);
        prop_assert!(present.is_same(&to).unwrap());
    }

    #[test]
    fn equal_states_need_no_steps(state in states()) {
        let steps = EditSteps::between(&state, &state.clone()).unwrap();
        prop_assert!(steps.ops.is_empty());
        prop_assert!(steps.counts.is_empty());
    }
}
