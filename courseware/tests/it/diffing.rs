//! What a difference tells, and what it does not.

use std::sync::Arc;

use courseware::{
    BlockDiff, BlockKind, ChildOp, CourseContent, CourseDiff, FieldState, FileKind, Progress, Side,
    StateName, TextOptions, diff, write_text,
};
use serde_json::{Value, json};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{AsideData, Base, BlockData, Branch, Edit, EditOp, Runtime};
use xblock_testkit::fixture::{
    asset, block, commit, context, edit, html, map, other_context, published_course, put_asset, root, usage,
};

use crate::command::{TIDES, courseware, import_tides, stores, tides};
use crate::stores::memory;

fn read(store: &dyn Runtime, context: &ContextKey, state: Option<StateName>) -> CourseContent {
    CourseContent::read_store("a store", store, context, state.as_ref(), &Progress::default()).unwrap()
}

fn between(left: &CourseContent, right: &CourseContent) -> CourseDiff {
    diff(left, right, &blocks::registry().unwrap(), &Progress::default()).unwrap()
}

const DRAFT: Option<StateName> = Some(StateName::Branch(Branch::Draft));
const PUBLISHED: Option<StateName> = Some(StateName::Branch(Branch::Published));

/// Changes a published course and compares what is published with the draft.
fn after(prepare: impl FnOnce(Edit) -> Edit, change: impl FnOnce(Edit) -> Edit) -> CourseDiff {
    let store = memory();
    published_course(&*store);
    commit(&*store, prepare(edit().with(put_asset("a.txt", b"ebb"))).publish_all());
    commit(&*store, change(edit()));
    let found = between(&read(&*store, &context(), PUBLISHED), &read(&*store, &context(), DRAFT));
    assert_eq!(found.compared, ["published..draft"]);
    let back = between(&read(&*store, &context(), DRAFT), &read(&*store, &context(), PUBLISHED));
    assert_eq!(
        (found.counts.blocks.added, found.counts.blocks.renamed, found.counts.blocks.moved),
        (back.counts.blocks.removed, back.counts.blocks.renamed, back.counts.blocks.moved),
        "the way back tells the same"
    );
    found
}

fn changed(change: impl FnOnce(Edit) -> Edit) -> CourseDiff {
    after(|edit| edit, change)
}

fn text(diff: &CourseDiff) -> String {
    let mut text = String::new();
    write_text(diff, &TextOptions::default(), &mut text).unwrap();
    text
}

#[track_caller]
fn only(diff: &CourseDiff) -> &BlockDiff {
    assert_eq!(diff.blocks.len(), 1, "{}", text(diff));
    &diff.blocks[0]
}

fn long_text(words: &str) -> BlockData {
    html(&format!(
        "<p>Twice a day the sea comes in and goes out again.</p>\n<p>{words}</p>\n<p>The harbour waits.</p>"
    ))
}

#[test]
fn nothing_changed() {
    let found = changed(|edit| edit.put(usage("html", "h1"), html("<p>Ebb</p>")));
    assert!(found.is_same(), "{}", text(&found));
}

#[test]
fn unset_null_and_default_are_told_apart() {
    let set = |value: Value| {
        move |edit: Edit| {
            let mut data = html("<p>Ebb</p>");
            if value != "unset" {
                data.settings.insert("editor".into(), value);
            }
            edit.put(usage("html", "h1"), data)
        }
    };
    let states = |from: Value, to: Value| {
        let found = after(set(from), set(to));
        let field = only(&found).fields[0].clone();
        (
            serde_json::to_value(&field.left).unwrap(),
            serde_json::to_value(&field.right).unwrap(),
            field.same_effect,
        )
    };
    let unset = json!({ "state": "unset", "origin": "default", "value": "visual" });
    let value = |value: Value| json!({ "state": "set", "value": value });
    assert_eq!(states(json!("unset"), json!("visual")), (unset.clone(), value(json!("visual")), true));
    assert_eq!(states(json!(null), json!("unset")), (value(json!(null)), unset, false));
    assert_eq!(states(json!("visual"), json!(null)), (value(json!("visual")), value(json!(null)), false));
}

#[test]
fn what_an_unset_field_inherits_is_told() {
    let found = changed(|edit| {
        let with_grace = json!({ "display_name": "Sea", "graceperiod": "2 days" });
        edit.put(usage("chapter", "c"), block(with_grace, &[usage("sequential", "s")]))
    });
    assert!(
        text(&found).contains("graceperiod: not set (\"1 days\" from course course) -> \"2 days\""),
        "{}",
        text(&found)
    );
    let FieldState::Unset { fallback } = &only(&found).fields[0].left else { panic!("unset") };
    assert_eq!(fallback.as_ref().unwrap().value, "1 days");
}

#[test]
fn a_block_moves_to_another_parent() {
    let found = changed(|edit| {
        let parent = usage("vertical", "u2");
        edit.with(EditOp::MoveBlock { usage: usage("html", "h1"), parent, position: 0 })
    });
    let moved = only(&found).moved.clone().unwrap();
    assert_eq!((&moved.from[0].parent, moved.from[0].position), (&usage("vertical", "u1"), 0));
    assert_eq!((&moved.to[0].parent, moved.to[0].position), (&usage("vertical", "u2"), 0));
    assert_eq!(found.counts.blocks.moved, 1);
    assert_eq!(found.counts.blocks.changed, 0, "its parents are the same blocks");
}

#[test]
fn of_reordered_children_as_few_as_possible_moved() {
    let ids = ["u1", "u2", "u3", "u4", "u5"];
    let with = |order: &[&str]| {
        let children: Vec<_> = order.iter().map(|id| usage("vertical", id)).collect();
        let order: Vec<String> = order.iter().map(|id| (*id).to_owned()).collect();
        move |edit: Edit| {
            let edit =
                edit.put(usage("sequential", "s"), block(json!({ "display_name": "Moon" }), &children));
            order.iter().filter(|id| !["u1", "u2"].contains(&id.as_str())).fold(edit, |edit, id| {
                edit.put(usage("vertical", id), block(json!({ "display_name": id }), &[]))
            })
        }
    };
    let found = after(with(&ids), with(&["u5", "u1", "u2", "u3", "u4"]));
    assert_eq!(only(&found).right, Some(usage("vertical", "u5")));
    assert!(text(&found).contains("moved: from place 5 to 1 in sequential \"Moon\""), "{}", text(&found));
}

#[test]
fn a_block_that_leaves_one_of_its_parents_did_not_move() {
    let second = |children: &[UsageKey]| {
        let unit = block(json!({ "display_name": "Two" }), children);
        move |edit: Edit| edit.put(usage("vertical", "u2"), unit)
    };
    let shared = [usage("html", "h1")];
    let found = after(second(&shared), second(&[]));
    let told = text(&found);
    assert!(told.contains("    no longer in vertical \"Two\" (place 1)\n"), "{told}");
    assert!(!told.contains("moved:") && !told.contains("nowhere"), "{told}");
    let told = text(&after(second(&[]), second(&shared)));
    assert!(told.contains("    now in vertical \"Two\" (place 1)\n"), "{told}");
}

#[test]
fn a_renamed_block_is_no_new_one() {
    let units = |id: &str| block(json!({ "display_name": "One" }), &[usage("html", id)]);
    let old = |edit: Edit| {
        edit.put(usage("vertical", "u1"), units("old"))
            .put(usage("html", "old"), long_text("Moon and Sun pull."))
    };
    let renamed = |data: BlockData| {
        move |edit: Edit| {
            edit.with(EditOp::DeleteBlock { usage: usage("html", "old") })
                .put(usage("vertical", "u1"), units("new"))
                .put(usage("html", "new"), data)
        }
    };
    let found = after(old, renamed(long_text("Moon and Sun pull.")));
    let block = only(&found);
    assert_eq!((block.similarity, &block.left), (Some(1.0), &Some(usage("html", "old"))));
    assert!(block.fields.is_empty() && block.moved.is_none());

    let found = after(old, renamed(long_text("Moon and Sun push.")));
    let block = only(&found);
    assert!(
        block.similarity.is_some_and(|likeness| (0.6..1.0).contains(&likeness)),
        "{:?}",
        block.similarity
    );
    assert_eq!(&*block.fields[0].name, "data");
    let text = text(&found);
    assert!(text.contains("      -<p>Moon and Sun pull.</p>\n      +<p>Moon and Sun push.</p>"), "{text}");

    let found = after(old, renamed(html("<p>Quite another subject: knots, ropes and how to splice.</p>")));
    assert_eq!(
        (found.counts.blocks.added, found.counts.blocks.removed, found.counts.blocks.renamed),
        (1, 1, 0)
    );
}

#[test]
fn blocks_alike_in_their_markup_alone_are_different_ones() {
    let problem = |question: &str| BlockData {
        content: map(json!({ "data": format!(
            "<problem><multiplechoiceresponse><label>{question}</label><choicegroup type=\"MultipleChoice\">\
             <choice correct=\"true\">yes</choice><choice correct=\"false\">no</choice></choicegroup>\
             </multiplechoiceresponse></problem>") })),
        ..BlockData::default()
    };
    let many = |edit: Edit| {
        (0..6).fold(edit, |edit, n| {
            edit.put(usage("problem", &format!("q{n}")), problem(&format!("Is {n} odd")))
        })
    };
    let found = after(
        |edit| many(edit).put(usage("problem", "whales"), problem("Do whales sleep")),
        |edit| {
            edit.with(EditOp::DeleteBlock { usage: usage("problem", "whales") })
                .put(usage("problem", "gulls"), problem("Can gulls swim"))
        },
    );
    assert_eq!((found.counts.blocks.added, found.counts.blocks.removed), (1, 1), "{}", text(&found));
}

#[test]
fn a_renamed_unit_is_known_by_its_children() {
    let found = changed(|edit| {
        edit.put(usage("vertical", "unit"), block(json!({ "display_name": "One" }), &[usage("html", "h1")]))
            .put(
                usage("sequential", "s"),
                block(
                    json!({ "display_name": "Moon" }),
                    &[usage("vertical", "unit"), usage("vertical", "u2")],
                ),
            )
            .with(EditOp::DeleteBlock { usage: usage("vertical", "u1") })
    });
    let block = only(&found);
    assert_eq!(
        (&block.left, &block.right),
        (&Some(usage("vertical", "u1")), &Some(usage("vertical", "unit")))
    );
}

#[test]
fn empty_blocks_are_only_taken_for_each_other_below_one_parent() {
    let empty = || block(json!({}), &[]);
    let one = |parent: &str, child: &str| {
        let (parent, child) = (usage("vertical", parent), usage("discussion", child));
        move |edit: Edit| {
            edit.put(parent, block(json!({ "display_name": "One" }), std::slice::from_ref(&child)))
                .put(child, empty())
        }
    };
    let found = after(one("u1", "d1"), |edit| {
        one("u1", "d2")(edit.with(EditOp::DeleteBlock { usage: usage("discussion", "d1") }))
    });
    assert_eq!(only(&found).similarity, Some(1.0));
    let found = after(one("u1", "d1"), |edit| {
        edit.with(EditOp::DeleteBlock { usage: usage("discussion", "d1") })
            .put(usage("discussion", "d2"), empty())
    });
    assert_eq!((found.counts.blocks.added, found.counts.blocks.removed), (1, 1));
}

#[test]
fn a_subtree_comes_and_goes_as_one() {
    let found = changed(|edit| {
        edit.put(usage("chapter", "c2"), block(json!({ "display_name": "New" }), &[usage("html", "n")]))
            .put(usage("html", "n"), html("<p>new</p>"))
            .put(
                root(),
                block(
                    json!({ "display_name": "Tides", "graceperiod": "1 days" }),
                    &[usage("chapter", "c"), usage("chapter", "c2")],
                ),
            )
    });
    assert_eq!(found.blocks.len(), 2);
    assert!(
        text(&found).contains("+ chapter c2  \"New\", place 2\n+   html n  \"Text\"\n"),
        "{}",
        text(&found)
    );
}

#[test]
fn asides_and_dangling_children_are_told() {
    let aside = AsideData { aside_type: "star".into(), fields: map(json!({ "on": true })) };
    let found = changed(|edit| {
        edit.put(usage("html", "h1"), BlockData { asides: vec![aside], ..html("<p>Ebb</p>") })
    });
    assert!(only(&found).asides.is_some());
    let found = changed(|edit| {
        let children = [usage("html", "h1"), usage("html", "nowhere")];
        edit.put(usage("vertical", "u1"), block(json!({ "display_name": "One" }), &children))
    });
    let child = &only(&found).children[0];
    assert_eq!((child.op, &child.usage, child.to), (ChildOp::Added, &usage("html", "nowhere"), Some(1)));
}

#[test]
fn files_come_go_move_and_change() {
    let prepare = |edit: Edit| edit.with(put_asset("b.txt", b"b")).with(put_asset("c.txt", b"c"));
    let found = after(prepare, |edit| {
        edit.with(put_asset("a.txt", b"flood"))
            .with(EditOp::DeleteAsset { key: asset("b.txt") })
            .with(put_asset("moved.txt", b"b"))
            .with(EditOp::DeleteAsset { key: asset("c.txt") })
            .with(put_asset("new.txt", b"new"))
    });
    let kinds: Vec<_> = found.files.iter().map(|file| file.kind).collect();
    assert_eq!(kinds, [FileKind::Changed, FileKind::Removed, FileKind::Moved, FileKind::Added]);
    assert_eq!(found.files[2].left, Some(asset("b.txt")));
    assert!(text(&found).contains("> static/moved.txt  was static/b.txt"), "{}", text(&found));
}

#[test]
fn what_is_in_both_branches_is_told_once() {
    let (left, right) = (memory(), memory());
    published_course(&*left);
    published_course(&*right);
    commit(&*right, edit().put(usage("html", "h1"), html("<p>both</p>")).publish_all());
    commit(&*right, edit().put(usage("html", "draft"), html("draft")));
    let found = between(&read(&*left, &context(), None), &read(&*right, &context(), None));
    let states: Vec<_> = found.blocks.iter().map(|block| block.states.clone()).collect();
    assert_eq!(states, [vec!["published".to_owned(), "draft".to_owned()], vec!["draft".to_owned()]]);
    assert!(text(&found).contains("[draft only]"));
}

#[test]
fn a_branch_that_only_one_side_has_is_told() {
    let (left, right) = (memory(), memory());
    published_course(&*left);
    xblock_testkit::fixture::draft_course(&*right);
    let found = between(&read(&*left, &context(), None), &read(&*right, &context(), None));
    assert!(found.blocks.is_empty() && !found.is_same());
    assert_eq!(
        (found.states_only_in[0].state.as_str(), found.states_only_in[0].side),
        ("published", Side::Left)
    );
}

/// A rerun has other keys everywhere; where they speak of the course itself, that is no change.
#[test]
fn a_rerun_is_the_same_course() {
    let other = |key: &UsageKey| key.map_into_course(&other_context()).unwrap();
    let link = |usage: &UsageKey| {
        format!(
            "<a href=\"/jump/{usage}\">{}</a>",
            asset("a.png").map_into_course(&usage.context_key()).unwrap()
        )
    };
    let build = |map: &dyn Fn(&UsageKey) -> UsageKey| {
        let h1 = map(&usage("html", "h1"));
        let mut data = html(&link(&map(&usage("html", "h2"))));
        data.settings.insert("ref".into(), json!([map(&usage("html", "h2")).to_string()]));
        let root = map(&root());
        Edit::new(root.context_key(), Base::New { root: root.clone() })
            .put(root, block(json!({}), std::slice::from_ref(&h1)))
            .put(h1, data)
    };
    let store = memory();
    commit(&*store, build(&Clone::clone));
    commit(&*store, build(&other));
    let found = between(&read(&*store, &context(), None), &read(&*store, &other_context(), None));
    assert!(found.is_same(), "{}", text(&found));
    commit(&*store, Edit::new(other_context(), Base::Any).put(other(&usage("html", "h1")), html("<p>x</p>")));
    let found = between(&read(&*store, &context(), None), &read(&*store, &other_context(), None));
    assert_eq!(only(&found).kind, BlockKind::Changed);
}

/// Thousands of blocks renamed, moved and edited at once stay a matter of moments.
#[test]
fn large_courses_are_compared() {
    const BLOCKS: usize = 3_000;
    let build = |context: &ContextKey, prefix: &str, word: &str| {
        let id = |n: usize| context.make_usage_key("html", &format!("{prefix}{n}")).unwrap();
        let root = context.make_usage_key("course", "course").unwrap();
        let children: Vec<_> = (0..BLOCKS).map(id).collect();
        let edit = Edit::new(context.clone(), Base::New { root: root.clone() })
            .put(root, block(json!({}), &children));
        (0..BLOCKS).fold(edit, |edit, n| {
            edit.put(
                id(n),
                html(&format!("<p>Lesson {n} of the sea, with the number {} and {word}.</p>", n * 7919)),
            )
        })
    };
    let store = memory();
    commit(&*store, build(&context(), "a", "ebb"));
    commit(&*store, build(&other_context(), "b", "flood"));
    let found = between(&read(&*store, &context(), None), &read(&*store, &other_context(), None));
    assert_eq!(found.counts.blocks.renamed, BLOCKS);
    assert!(found.blocks.iter().all(|block| block.left.as_ref().map(|usage| &usage.block_id()[1..])
        == block.right.as_ref().map(|usage| &usage.block_id()[1..])));
}

#[test]
fn the_command_compares_packages_and_stores() {
    let folder = tempfile::tempdir().unwrap();
    let course = tides();
    let course = course.to_str().unwrap();
    for store in stores(folder.path()) {
        import_tides(&store);
        let whole = format!("{store}#{TIDES}");
        let same = courseware(["diff", course, &whole, "--json"]).exits(0).json();
        assert_eq!(same["compared"], json!(["published", "draft"]));
        courseware(["diff", course, &store]).exits(0);
        let drafts =
            courseware(["diff", &format!("{store}#@published"), &format!("{whole}@draft"), "--json"])
                .exits(1)
                .json();
        assert!(drafts["counts"]["blocks"]["added"].as_u64() > Some(0), "{drafts}");
        assert_eq!(drafts["compared"], json!(["published..draft"]));
        let same = courseware(["diff", course, &whole, "--branch", "draft", "--json"]).exits(0).json();
        assert_eq!(same["compared"], json!(["draft"]));
    }
}

#[test]
fn the_command_compares_versions() {
    let folder = tempfile::tempdir().unwrap();
    for store in stores(folder.path()) {
        import_tides(&store);
        let url: courseware::StoreUrl = store.parse().unwrap();
        let clock: Arc<dyn xblock_core::clock::Clock> = Arc::new(courseware::SystemClock);
        let runtime = url.open(courseware::OpenMode::Write, &blocks::registry().unwrap(), &clock).unwrap();
        let context: ContextKey = TIDES.parse().unwrap();
        let welcome = context.make_usage_key("html", "welcome_aboard").unwrap();
        let edit = Edit::new(context.clone(), Base::Any)
            .put(welcome, html("<p>Come aboard</p>"))
            .with(EditOp::PutAsset {
                key: context.make_asset_key("two-bulges.svg").unwrap(),
                data: xblock_testkit::fixture::attributes("two-bulges.svg"),
                content: Arc::new(b"<svg/>".to_vec()),
            })
            .publish_all();
        commit(&*runtime, edit);
        drop(runtime);
        let history = courseware(["history", TIDES, "--store", &store, "--json"]).exits(0).json();
        let version = |at: usize| format!("{store}#{TIDES}@{}", history[at]["version"].as_str().unwrap());
        courseware(["diff", &version(0), &version(0)]).exits(0);
        courseware(["diff", &version(0), &format!("{store}#{TIDES}")]).exits(0);
        let found = courseware(["diff", &version(1), &version(0), "--json"]).exits(1).json();
        let ids: Vec<_> = found["blocks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|block| block["right"].as_str().unwrap())
            .collect();
        assert!(ids.iter().any(|id| id.ends_with("@welcome_aboard")), "{ids:?}");
        assert_eq!(found["files"][0]["kind"], "changed", "{found}");
        let ran = courseware(["diff", &version(0), &format!("{store}#{TIDES}@nothing")]).exits(3);
        assert!(ran.err.contains("nothing"), "{}", ran.err);
    }
    courseware(["diff", "blockstore:x#nonsense", "y"]).exits(2);
    courseware(["diff", "no-such-folder", "y"]).exits(3);
}

#[test]
fn the_command_counts_and_colours() {
    let folder = tempfile::tempdir().unwrap();
    let [store, _] = stores(folder.path());
    import_tides(&store);
    let (published, draft) = (format!("{store}#@published"), format!("{store}#@draft"));
    let stat = courseware(["diff", &published, &draft, "--stat"]).exits(1).out;
    assert!(stat.contains(" vertical ") && stat.contains("blocks: "), "{stat}");
    let plain = courseware(["diff", &published, &draft]).exits(1).out;
    assert!(!plain.contains('\x1b'));
    let coloured = courseware(["diff", &published, &draft, "--color", "always"]).exits(1).out;
    assert!(coloured.contains("\x1b[32m"));
}
