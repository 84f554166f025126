//! Bundles of up to 100,000 files, courses of as many blocks, and stores of as many bundles, each beside a small one.
//!
//! A round of all lines takes minutes, in which a system may drop from its memory what nobody has touched: of a big store
//! nearly everything, of a small one what the line before has read. What is read is therefore read once just before it is
//! timed, by a store opened for that, so that both sides find it in memory and neither in a cache of its own.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use courseware::SystemClock;
use runtime_blockstore::{Access, Blockstore, BlockstoreRuntime, BundleQuery};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;
use xblock_core::block::Registry;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Base, BlockData, Branch, Edit, EditOp, Extent, Runtime};

use super::super::{Contest, Goal, Outcome, Round, seconds_each};
use super::{Filled, Once, Store, commit_one, contest, filled, path};

/// Reads of one file or block in a round, each of another one.
const READS: usize = 9;

/// Blocks below one parent.
const CHILDREN: usize = 100;

/// Returns the contests of big bundles and of many: each against the same in a small one.
///
/// # Errors
/// When there is no registry of blocks.
pub fn contests() -> Outcome<Vec<Contest>> {
    let flat = Some(Goal::TimesMore(2.0));
    let files = [10, 1000, 100_000].map(|count| (count, filled(count)));
    let registry = blocks::registry()?;
    let courses = [10, 1000, 100_000].map(|count| (count, course(count, &registry)));
    let [small, some, many] = &files;
    let [small_course, some_course, big_course] = &courses;
    let beside = |round: Round| Some(("in a bundle of 10 files", round));
    let mut contests = Vec::new();
    for (name, large) in [("read one file of 1,000", some), ("read one file of 100,000", many)] {
        contests.push(contest(name, read_file(large), beside(read_file(small)), flat));
    }
    let names = [
        [
            "first block read by a process, of 1,000",
            "read one block of 1,000",
            "edit one block of 1,000",
            "publish one block of 1,000",
        ],
        [
            "first block read by a process, of 100,000",
            "read one block of 100,000",
            "edit one block of 100,000",
            "publish one block of 100,000",
        ],
    ];
    let beside = |round: Round| Some(("in a course of 10 blocks", round));
    for ([first, next, edit, publish], large) in names.into_iter().zip([some_course, big_course]) {
        contests.push(contest(first, read_first(large), beside(read_first(small_course)), flat));
        contests.push(contest(next, read_block(large), beside(read_block(small_course)), flat));
        contests.push(contest(edit, edit_block(large, false), beside(edit_block(small_course, false)), None));
        contests.push(contest(
            publish,
            edit_block(large, true),
            beside(edit_block(small_course, true)),
            None,
        ));
    }
    let beside = |round: Round| Some(("in a bundle of 10 files", round));
    for (name, (_, large)) in
        [("change one file of 1,000 and commit", some), ("change one file of 100,000 and commit", many)]
    {
        contests.push(contest(name, commit_one(large), beside(commit_one(&small.1)), None));
    }
    let [few, many] = [100, 100_000].map(many_bundles);
    let beside = |round: Round| Some(("of 100 bundles", round));
    contests.extend([
        contest("list a page of 100,000 bundles", list_page(&many), beside(list_page(&few)), flat),
        contest(
            "open a store of 100,000 bundles, find one",
            open_store(&many),
            beside(open_store(&few)),
            flat,
        ),
        contest(
            "open a runtime on 100,000 bundles",
            open_runtime(&many, &registry),
            beside(open_runtime(&few, &registry)),
            flat,
        ),
    ]);
    Ok(contests)
}

fn read_file((files, filled): &(usize, Filled)) -> Round {
    let (files, filled) = (*files, filled.clone());
    let mut at = 0;
    Box::new(move || {
        let (store, bundle, _) = filled.get()?;
        let paths: Vec<_> = (at + 1..=at + READS).map(|at| path(at * 7919 % files)).collect();
        at += READS;
        let read = |store: &Blockstore| {
            for path in &paths {
                std::hint::black_box(store.get_bundle_file_data(*bundle, path, None)?);
            }
            Ok(())
        };
        read(&again(store)?)?;
        // The snapshot is read and proved once by each process.
        store.store.get_bundle_file_data(*bundle, &path(0), None)?;
        seconds_each(READS, || read(&store.store))
    })
}

/// Opens a store once more, as another process would.
fn again(store: &Store) -> Outcome<Blockstore> {
    Ok(Blockstore::open(store.folder.path(), Access::ReadWrite, Arc::new(SystemClock))?)
}

/// A course in a store, with an open runtime.
struct Course {
    folder: TempDir,
    runtime: BlockstoreRuntime,
    key: ContextKey,
    registry: Registry,
}

type Made = (usize, Rc<Once<Course>>);

fn runtime(folder: &Path, registry: &Registry) -> Outcome<BlockstoreRuntime> {
    Ok(BlockstoreRuntime::open(folder, registry.clone(), Arc::new(SystemClock))?)
}

fn html(key: &ContextKey, at: usize) -> Outcome<UsageKey> {
    Ok(key.make_usage_key("html", &format!("b{at}"))?)
}

fn html_of(text: &str) -> BlockData {
    let content = [(Arc::from("data"), json!(text))].into_iter().collect();
    let settings = [(Arc::from("display_name"), json!("Text"))].into_iter().collect();
    BlockData { content, settings, ..BlockData::default() }
}

/// A published course of so many texts below containers.
fn course(texts: usize, registry: &Registry) -> Rc<Once<Course>> {
    let registry = registry.clone();
    Once::new(move || {
        let folder = tempfile::tempdir_in("target")?;
        let key: ContextKey = "course-v1:Bench+Large+2026".parse()?;
        let root = key.make_usage_key("course", "course")?;
        let mut edit = Edit::new(key.clone(), Base::New { root: root.clone() });
        let mut level = Vec::new();
        for at in 0..texts {
            let usage = html(&key, at)?;
            edit = edit.put(usage.clone(), html_of(&super::content(at)));
            level.push(usage);
        }
        for container in ["vertical", "sequential", "chapter"] {
            let mut above = Vec::new();
            for (at, children) in level.chunks(CHILDREN).enumerate() {
                let usage = key.make_usage_key(container, &format!("c{at}"))?;
                edit = edit
                    .put(usage.clone(), BlockData { children: children.to_vec(), ..BlockData::default() });
                above.push(usage);
            }
            level = above;
        }
        edit = edit.put(root, BlockData { children: level, ..BlockData::default() }).publish_all();
        runtime(folder.path(), &registry)?.commit(edit)?;
        Ok(Course { runtime: runtime(folder.path(), &registry)?, folder, key, registry: registry.clone() })
    })
}

/// What a process does that has just opened the store.
fn read_first((texts, course): &Made) -> Round {
    let (texts, course) = (*texts, course.clone());
    Box::new(move || {
        let course = course.get()?;
        let usage = html(&course.key, texts / 2)?;
        let open = || runtime(course.folder.path(), &course.registry);
        open()?.block(&usage, Branch::Published)?;
        let runtime = open()?;
        seconds_each(1, || Ok(runtime.block(&usage, Branch::Published)?))
    })
}

/// Blocks that the process has not read before, after one that it has.
fn read_block((texts, course): &Made) -> Round {
    let (texts, course) = (*texts, course.clone());
    Box::new(move || {
        let course = course.get()?;
        let usages =
            (1..=READS).map(|at| html(&course.key, at * 7919 % texts)).collect::<Outcome<Vec<_>>>()?;
        let read = |runtime: &BlockstoreRuntime| {
            for usage in &usages {
                std::hint::black_box(runtime.block(usage, Branch::Published)?);
            }
            Ok(())
        };
        read(&runtime(course.folder.path(), &course.registry)?)?;
        let runtime = runtime(course.folder.path(), &course.registry)?;
        runtime.block(&html(&course.key, 0)?, Branch::Published)?;
        seconds_each(READS, || read(&runtime))
    })
}

/// One text is edited, and published where that is asked for.
fn edit_block((texts, course): &Made, is_published: bool) -> Round {
    let (texts, course) = (*texts, course.clone());
    Box::new(move || {
        let course = course.get()?;
        let usage = html(&course.key, texts / 2)?;
        let data = html_of(&format!("<p>{}</p>", Uuid::new_v4()));
        let mut edit = Edit::new(course.key.clone(), Base::Any).put(usage.clone(), data);
        if is_published {
            edit = edit.with(EditOp::Publish(Extent::Subtree(usage)));
        }
        seconds_each(1, || Ok(course.runtime.commit(edit)?))
    })
}

type Bundles = Rc<Once<(Store, Vec<Uuid>)>>;

fn many_bundles(count: usize) -> Bundles {
    Once::new(move || {
        let store = Store::new()?;
        let mut made = Vec::with_capacity(count);
        for at in 0..count {
            made.push(store.store.create_bundle(store.collection, &format!("b{at}"), "b", "")?.uuid);
        }
        Ok((store, made))
    })
}

fn list_page(bundles: &Bundles) -> Round {
    let bundles = bundles.clone();
    Box::new(move || {
        let (store, bundles) = bundles.get()?;
        let after = bundles.get(bundles.len() / 2 - 1).copied();
        let query = BundleQuery { after, limit: Some(50), ..BundleQuery::default() };
        again(store)?.find_bundles(&query)?;
        seconds_each(1, || Ok(store.store.find_bundles(&query)?.len()))
    })
}

fn open_store(bundles: &Bundles) -> Round {
    let bundles = bundles.clone();
    Box::new(move || {
        let (store, bundles) = bundles.get()?;
        let bundle = bundles.last().copied().unwrap_or_default();
        let open = || Ok(again(store)?.get_bundle(bundle)?);
        open()?;
        seconds_each(1, open)
    })
}

fn open_runtime(bundles: &Bundles, registry: &Registry) -> Round {
    let (bundles, registry) = (bundles.clone(), registry.clone());
    Box::new(move || {
        let (store, _) = bundles.get()?;
        let open = || Ok(runtime(store.folder.path(), &registry)?.contexts()?);
        // The first to look notes that none of the bundles is a course.
        open()?;
        seconds_each(1, open)
    })
}
