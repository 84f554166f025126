//! Reading and saving fields of a problem below a unit, subsection, section and course.

use std::hint::black_box;
use std::sync::Arc;

use chrono::DateTime;
use serde_json::{Value as Json, json};
use xblock_core::block::User;
use xblock_core::clock::{Clock, FixedClock};
use xblock_core::fields::Value;
use xblock_core::host::{Host, LoadedBlock};
use xblock_core::keys::{CourseKey, UsageKey};
use xblock_core::runtime::{Base, BlockData, BlockRecord, Branch, Edit, MemoryRuntime, Runtime, RuntimeExt};

use super::{Contest, Goal, Outcome, Pick, Round, Side, Unit, best, seconds_each};

/// How many blocks one round loads.
const LOADS: usize = 100;

/// The settings of the subsection, which the problem inherits; `peers.py` has the same.
fn inherited() -> Vec<(&'static str, Json)> {
    vec![
        ("graded", json!(true)),
        ("max_attempts", json!(3)),
        ("showanswer", json!("attempted")),
        ("days_early_for_beta", json!(2.5)),
        ("giturl", json!("https://git.example.com/course")),
        ("visible_to_staff_only", json!(false)),
    ]
}

/// The problem and what is needed to load it.
struct Scene {
    host: Host,
    user: User,
    problem: UsageKey,
    above: Arc<[Arc<BlockRecord>]>,
    names: Vec<&'static str>,
}

/// Returns the contests.
///
/// A block is loaded below blocks that are loaded already, on both sides. A cold read is the first one of a field on such
/// a block, a warm one the second.
///
/// # Errors
/// When the course cannot be made, or the problem does not inherit.
pub fn contests() -> Outcome<Vec<Contest>> {
    let scene = Arc::new(Scene::new()?);
    let contest = |name, ours: fn(&Scene) -> Outcome<f64>, theirs, goal| {
        let scene = scene.clone();
        let ours: Round = Box::new(move || best(|| ours(&scene)));
        Contest {
            name,
            unit: Unit::Seconds,
            pick: Pick::Least,
            ours: Side::Rust(ours),
            theirs: Some(("XBlock, xblocks-contrib", Side::Python(theirs))),
            goal,
        }
    };
    Ok(vec![
        contest("inherited field: read, warm", warm, "field_warm", Some(Goal::TimesLess(50.0))),
        contest("inherited field: read, cold", cold, "field_cold", Some(Goal::TimesLess(100.0))),
        contest("learner's field: set and save", save, "field_save", None),
        contest("block: load, below loaded blocks", load, "block_load", None),
    ])
}

impl Scene {
    fn new() -> Outcome<Self> {
        let course = CourseKey::new("OpenedX", "DemoX", "DemoCourse")?;
        let types = ["course", "chapter", "sequential", "vertical", "problem"];
        let usages = types
            .iter()
            .map(|block_type| course.make_usage_key(block_type, &format!("the_{block_type}")))
            .collect::<Result<Vec<_>, _>>()?;
        let mut edit = Edit::new(course.into(), Base::New { root: usages[0].clone() });
        for (at, usage) in usages.iter().enumerate() {
            let mut data = BlockData {
                children: usages.get(at + 1).cloned().into_iter().collect(),
                ..BlockData::default()
            };
            if usage.block_type() == "sequential" {
                data.settings = inherited().into_iter().map(|(name, value)| (name.into(), value)).collect();
            }
            edit = edit.put(usage.clone(), data);
        }
        let clock: Arc<dyn Clock> = Arc::new(FixedClock(DateTime::UNIX_EPOCH));
        let runtime = MemoryRuntime::new(clock.clone());
        runtime.commit(edit)?;
        let problem = usages.last().ok_or("there is no problem")?.clone();
        let above = runtime.ancestors(&problem, Branch::Draft)?.into_iter().map(Arc::new).collect();
        let host = Host::new(Arc::new(runtime), Branch::Draft, blocks::registry()?, clock);
        let user = User { id: "student-7".into(), is_staff: false };
        let names = inherited().into_iter().map(|(name, _)| name).collect();
        let scene = Self { host, user, problem, above, names };
        let block = scene.load_one()?;
        for (name, value) in inherited() {
            if block.block.fields().get(name)? != Value::from(value) {
                return Err(format!("{name} is not inherited").into());
            }
        }
        Ok(scene)
    }

    fn load_one(&self) -> Outcome<LoadedBlock> {
        Ok(self.host.load_below(self.above.clone(), &self.problem, Some(&self.user))?)
    }

    fn load(&self) -> Outcome<Vec<LoadedBlock>> {
        (0..LOADS).map(|_| self.load_one()).collect()
    }

    fn read(&self, blocks: &[LoadedBlock]) -> Outcome<()> {
        for block in blocks {
            let fields = block.block.fields();
            for name in &self.names {
                black_box(fields.get(black_box(name))?);
            }
        }
        Ok(())
    }
}

fn cold(scene: &Scene) -> Outcome<f64> {
    let blocks = scene.load()?;
    seconds_each(LOADS * scene.names.len(), || scene.read(&blocks))
}

fn warm(scene: &Scene) -> Outcome<f64> {
    let blocks = scene.load()?;
    scene.read(&blocks)?;
    seconds_each(LOADS * scene.names.len(), || scene.read(&blocks))
}

fn save(scene: &Scene) -> Outcome<f64> {
    let blocks = scene.load()?;
    for (at, block) in (0_i64..).zip(&blocks) {
        block.block.fields().set("attempts", at)?;
    }
    seconds_each(LOADS, || {
        for (at, block) in (1_i64..).zip(&blocks) {
            block.block.fields().set("attempts", at)?;
            block.block.fields().save()?;
        }
        Ok(())
    })
}

fn load(scene: &Scene) -> Outcome<f64> {
    seconds_each(LOADS, || scene.load())
}
