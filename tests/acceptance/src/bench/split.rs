//! Courses of three sizes in Split's documents, beside a Python loop over pymongo's BSON.
//!
//! `documents` makes the courses: the same dumps are loaded into our store and read by the other side.

mod documents;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use courseware::SystemClock;
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::operations::BulkOptions;
use xblock_core::block::Registry;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{BlockPatch, Branch};

use super::{Contest, Goal, Outcome, Pick, Round, Side, Unit, best, seconds_each};

pub use documents::{SIZES, folder, make};

/// Beyond what MongoDB takes in one document: a course of 100,000 blocks is twice that.
const LIMIT: usize = 128 * 1024 * 1024;

/// The names of the contests of one size, with those of the other side's rounds.
type Names = [(&'static str, &'static str); 10];

macro_rules! names {
    ($blocks:literal, $round:literal) => {
        [
            (concat!("open a course of ", $blocks), concat!("split_open_", $round)),
            (concat!("read one block of ", $blocks, ", first request"), concat!("split_read_", $round)),
            (concat!("read one block of ", $blocks, ", next request"), concat!("split_read_", $round)),
            (concat!("walk the outline of ", $blocks, ", first request"), concat!("split_request_", $round)),
            (concat!("walk the outline of ", $blocks, ", opened"), concat!("split_walk_", $round)),
            (concat!("walk the outline of ", $blocks, ", next request"), concat!("split_request_", $round)),
            (concat!("read every block of ", $blocks, ", first request"), concat!("split_every_", $round)),
            (concat!("read every block of ", $blocks, ", next request"), concat!("split_every_", $round)),
            (concat!("edit one block of ", $blocks), concat!("split_edit_", $round)),
            (concat!("publish a unit of ", $blocks), concat!("split_publish_", $round)),
        ]
    };
}

/// The names by size, in the order of [`SIZES`].
const NAMES: [Names; 3] =
    [names!("1,000", "001000"), names!("10,000", "010000"), names!("100,000", "100000")];

/// Returns the contests, made on courses in a folder that [`make`] filled.
///
/// # Errors
/// When a course cannot be made or opened.
pub fn contests(folder: &Path) -> Outcome<Vec<Contest>> {
    make(folder)?;
    let registry = blocks::registry()?;
    let mut contests = Vec::new();
    for (names, size) in NAMES.into_iter().zip(SIZES) {
        let course = Arc::new(Course::open(documents::place(folder, size), registry.clone())?);
        let rounds: [Round; 10] = [
            Course::opened(&course),
            Course::read_first(&course),
            Course::read_next(&course),
            Course::walk_first(&course),
            Course::walk_opened(&course),
            Course::walk_next(&course),
            Course::every_first(&course),
            Course::every_next(&course),
            Course::edit(&course),
            Course::publish(&course),
        ];
        for (at, ((name, theirs), mut ours)) in names.into_iter().zip(rounds).enumerate() {
            // What takes microseconds here would otherwise begin each time with caches that the other process left.
            if at < 8 && size < 100_000 {
                ours = Box::new(move || best(&mut ours));
            }
            contests.push(Contest {
                name,
                unit: Unit::Seconds,
                pick: if at < 8 { Pick::Least } else { Pick::Median },
                ours: Side::Rust(ours),
                theirs: Some(("pymongo's BSON, dictionaries", Side::Python(theirs))),
                goal: (1..6).contains(&at).then_some(Goal::TimesLess(30.0)),
            });
        }
    }
    Ok(contests)
}

struct Course {
    store: PathBuf,
    registry: Registry,
    runtime: ModulestoreRuntime,
    context: ContextKey,
    leaf: UsageKey,
    unit: UsageKey,
}

impl Course {
    fn open(place: PathBuf, registry: Registry) -> Outcome<Self> {
        let store = place.join("store.db");
        let context: ContextKey = documents::COURSE.parse()?;
        let leaf = context.make_usage_key("html", &documents::block_id(documents::LEAF))?;
        let unit = context.make_usage_key("vertical", &documents::block_id(documents::UNIT))?;
        Ok(Self { runtime: fresh(&store, &registry)?, store, registry, context, leaf, unit })
    }

    /// A process that has not seen the course: its structure is read and outlined.
    fn opened(this: &Arc<Self>) -> Round {
        let this = this.clone();
        Box::new(move || {
            let runtime = fresh(&this.store, &this.registry)?;
            seconds_each(1, || Ok(runtime.view(&this.context, Branch::Draft)?.len()))
        })
    }

    fn read_first(this: &Arc<Self>) -> Round {
        let this = this.clone();
        Box::new(move || {
            let runtime = fresh(&this.store, &this.registry)?;
            seconds_each(1, || Ok(runtime.view(&this.context, Branch::Draft)?.block(&this.leaf)?))
        })
    }

    /// A process keeps structures, which never change; the index is looked up anew.
    fn read_next(this: &Arc<Self>) -> Round {
        let this = this.clone();
        Box::new(move || {
            seconds_each(20, || {
                for _ in 0..20 {
                    std::hint::black_box(this.runtime.view(&this.context, Branch::Draft)?.block(&this.leaf)?);
                }
                Ok(())
            })
        })
    }

    fn walk_first(this: &Arc<Self>) -> Round {
        let this = this.clone();
        Box::new(move || {
            let runtime = fresh(&this.store, &this.registry)?;
            seconds_each(1, || walk(&runtime.view(&this.context, Branch::Draft)?))
        })
    }

    /// With keys that another walk made, also where the round before edited the course.
    fn walk_opened(this: &Arc<Self>) -> Round {
        let this = this.clone();
        Box::new(move || {
            let view = this.runtime.view(&this.context, Branch::Draft)?;
            walk(&view)?;
            seconds_each(1, || walk(&view))
        })
    }

    fn walk_next(this: &Arc<Self>) -> Round {
        let this = this.clone();
        Box::new(move || seconds_each(1, || walk(&this.runtime.view(&this.context, Branch::Draft)?)))
    }

    /// A course's blocks with their content: what an export, a search index or a comparison begins with.
    fn every_first(this: &Arc<Self>) -> Round {
        let this = this.clone();
        Box::new(move || {
            let runtime = fresh(&this.store, &this.registry)?;
            seconds_each(1, || every(&runtime.view(&this.context, Branch::Draft)?))
        })
    }

    fn every_next(this: &Arc<Self>) -> Round {
        let this = this.clone();
        Box::new(move || seconds_each(1, || every(&this.runtime.view(&this.context, Branch::Draft)?)))
    }

    fn edit(this: &Arc<Self>) -> Round {
        let (this, mut turn) = (this.clone(), 0_u64);
        Box::new(move || {
            turn += 1;
            let name = Some(format!("Changed {turn}").into());
            let patch = BlockPatch { settings: vec![("display_name".into(), name)], ..BlockPatch::default() };
            seconds_each(1, || {
                let options = BulkOptions::default();
                Ok(this.runtime.bulk(&this.context, &options, |bulk| bulk.update_item(&this.leaf, &patch))?)
            })
        })
    }

    fn publish(this: &Arc<Self>) -> Round {
        let this = this.clone();
        Box::new(move || {
            seconds_each(1, || {
                let options = BulkOptions::default();
                Ok(this.runtime.bulk(&this.context, &options, |bulk| bulk.publish(&this.unit))?)
            })
        })
    }
}

/// Everything from the root on: keys, names, keys of children. No content.
fn walk(view: &runtime_modulestore::BranchView<'_>) -> Outcome<usize> {
    let mut seen = 0;
    for block in view.outline() {
        let block = block?;
        std::hint::black_box((block.usage()?, block.setting("display_name")?));
        for child in block.children() {
            std::hint::black_box(child?);
        }
        seen += 1;
    }
    Ok(seen)
}

/// Every block with its content and its children's keys, one after the other.
fn every(view: &runtime_modulestore::BranchView<'_>) -> Outcome<usize> {
    let mut seen = 0;
    for block in view.every_block(None) {
        std::hint::black_box(block?);
        seen += 1;
    }
    Ok(seen)
}

fn fresh(store: &Path, registry: &Registry) -> Outcome<ModulestoreRuntime> {
    let runtime = ModulestoreRuntime::open(store, registry.clone(), Arc::new(SystemClock))?;
    Ok(runtime.with_document_limit(LIMIT))
}
