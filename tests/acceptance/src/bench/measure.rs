//! What is compared with what, and how the two sides of a comparison take turns.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What the parts of the benchmark return.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Work of this program: does one round and says what it took, in the contest's unit.
pub type Round = Box<dyn FnMut() -> Outcome<f64>>;

/// One side of a comparison.
pub enum Side {
    /// Work of this program.
    Rust(Round),
    /// Work of the Python process, by its name in `peers.py`.
    Python(&'static str),
}

/// What the figures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Time, in seconds.
    Seconds,
    /// Memory, in bytes.
    Bytes,
}

/// Which round counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The best one: for work of the processor alone, which others can only slow down.
    Least,
    /// The middle one: for work that a disk takes part in.
    Median,
}

/// How the two figures should stand to each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// The reference takes at least so many times as much as we do.
    TimesLess(f64),
    /// We take at most so many times as much as the reference.
    TimesMore(f64),
    /// We take at most so much, whatever the reference takes.
    AtMost(f64),
}

/// Two ways to do one thing, not yet measured.
pub struct Contest {
    /// What is done, in a few words.
    pub name: &'static str,
    /// What the figures count.
    pub unit: Unit,
    /// Which round counts.
    pub pick: Pick,
    /// This project's way.
    pub ours: Side,
    /// The name of the other way, and the way itself.
    pub theirs: Option<(&'static str, Side)>,
    /// What was promised.
    pub goal: Option<Goal>,
}

/// The figure something is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// What it is the figure of.
    pub name: &'static str,
    /// The figure.
    pub value: f64,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// What was done.
    pub name: &'static str,
    /// What it took.
    pub value: f64,
    /// What the figures count.
    pub unit: Unit,
    /// What it is compared with.
    pub reference: Option<Reference>,
    /// What was promised.
    pub goal: Option<Goal>,
}

impl Measure {
    /// Returns how many times as much the reference takes, or with a [`Goal::TimesMore`] how many times as much we take.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let reference = self.reference.as_ref()?.value;
        Some(match self.goal {
            Some(Goal::TimesMore(_)) => self.value / reference,
            _ => reference / self.value,
        })
    }

    /// Tells whether what was promised is so.
    #[must_use]
    pub fn is_met(&self) -> Option<bool> {
        let ratio = self.ratio()?;
        self.goal.map(|goal| match goal {
            Goal::TimesLess(least) => ratio >= least,
            Goal::TimesMore(most) => ratio <= most,
            Goal::AtMost(most) => self.value <= most,
        })
    }

    /// Returns the line as JSON, figures in seconds or bytes.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let goal = self.goal.map(|goal| match goal {
            Goal::TimesLess(least) => json!({"reference_takes_at_least": least}),
            Goal::TimesMore(most) => json!({"takes_at_most": most}),
            Goal::AtMost(most) => json!({"value_at_most": most}),
        });
        json!({
            "name": self.name,
            "unit": match self.unit { Unit::Seconds => "s", Unit::Bytes => "B" },
            "value": self.value,
            "reference": self.reference.as_ref().map(|one| json!({"name": one.name, "value": one.value})),
            "ratio": self.ratio(),
            "goal": goal,
            "met": self.is_met(),
        })
    }
}

/// Times a piece of work that does so many things at once, per thing.
///
/// # Errors
/// The work's own.
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
pub fn seconds_each<T>(count: usize, work: impl FnOnce() -> Outcome<T>) -> Outcome<f64> {
    let start = Instant::now();
    let done = std::hint::black_box(work()?);
    let taken = start.elapsed().as_secs_f64();
    drop(done);
    Ok(taken / count as f64)
}

/// How long a round of short work goes on.
const ROUND: Duration = Duration::from_millis(20);

/// Does a short round again and again for some time, five times at least, and returns the best.
///
/// So the caches are its own, as they are for a side whose round takes longer than that anyway.
///
/// # Errors
/// The round's own.
pub fn best(mut round: impl FnMut() -> Outcome<f64>) -> Outcome<f64> {
    let start = Instant::now();
    let (mut best, mut done) = (round()?, 1);
    while start.elapsed() < ROUND || done < 5 {
        best = best.min(round()?);
        done += 1;
    }
    Ok(best)
}

/// Chooses the figure that counts from all rounds.
#[must_use]
pub fn choose(pick: Pick, mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    let at = match pick {
        Pick::Least => 0,
        Pick::Median => rounds.len() / 2,
    };
    rounds.get(at).copied().unwrap_or(f64::NAN)
}

/// Writes a figure with a unit people can read.
#[must_use]
pub fn shown(unit: Unit, value: f64) -> String {
    let steps: [(f64, &str); 4] = match unit {
        Unit::Seconds => [(1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")],
        Unit::Bytes => {
            [(f64::from(1 << 30), "GiB"), (f64::from(1 << 20), "MiB"), (1024.0, "KiB"), (1.0, "B")]
        }
    };
    let (step, name) = steps.into_iter().find(|(step, _)| value >= *step).unwrap_or(steps[3]);
    let value = value / step;
    let places = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.places$} {name}")
}
