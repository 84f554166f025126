//! Both sides in turn, and the table that comes of it.

use std::fmt::Write;

use super::measure::{choose, shown};
use super::{Contest, Goal, Measure, Outcome, Peers, Reference, Side};

/// Does all contests, the two sides of each taking turns, and returns the lines of the table.
///
/// Each round goes through all contests before the next begins, so that a slow minute of the machine falls on all of
/// them. Where there is no Python, or no wheel in it, a contest whose other side is there is done by one side alone, and one
/// whose own side is there is left out.
///
/// # Errors
/// The first error of a side.
pub fn run(contests: Vec<Contest>, mut peers: Option<Peers>, rounds: usize) -> Outcome<Vec<Measure>> {
    let mut contests: Vec<_> = contests
        .into_iter()
        .filter(|contest| can(&contest.ours, peers.as_ref()))
        .map(|contest| {
            let theirs = contest.theirs.filter(|(_, side)| can(side, peers.as_ref()));
            (Contest { theirs, ..contest }, Vec::new(), Vec::new())
        })
        .collect();
    for _ in 0..rounds {
        for (contest, ours, theirs) in &mut contests {
            ours.push(once(&mut contest.ours, peers.as_mut())?);
            if let Some((_, side)) = &mut contest.theirs {
                theirs.push(once(side, peers.as_mut())?);
            }
        }
    }
    let line = |(contest, ours, theirs): (Contest, Vec<f64>, Vec<f64>)| Measure {
        name: contest.name,
        value: choose(contest.pick, ours),
        unit: contest.unit,
        reference: contest.theirs.map(|(name, _)| Reference { name, value: choose(contest.pick, theirs) }),
        goal: contest.goal,
    };
    Ok(contests.into_iter().map(line).collect())
}

fn can(side: &Side, peers: Option<&Peers>) -> bool {
    match side {
        Side::Rust(_) => true,
        Side::Python(round) => peers.is_some_and(|peers| peers.has(round)),
    }
}

fn once(side: &mut Side, peers: Option<&mut Peers>) -> Outcome<f64> {
    match side {
        Side::Rust(round) => round(),
        Side::Python(round) => peers.ok_or("there is no Python")?.measure(round),
    }
}

/// Writes the table for people.
#[must_use]
pub fn table(measures: &[Measure]) -> String {
    let mut text = format!(
        "{:<44} {:>10} {:>10}  {:<34} {:>8}  {}\n",
        "what", "ours", "theirs", "(who)", "ratio", "goal"
    );
    for one in measures {
        let theirs = one.reference.as_ref();
        let goal = match (one.goal, one.is_met()) {
            (Some(Goal::TimesLess(least)), Some(met)) => format!("at least {least}x: {}", word(met)),
            (Some(Goal::TimesMore(most)), Some(met)) => format!("at most {most}x as much: {}", word(met)),
            (Some(Goal::AtMost(most)), Some(met)) => {
                format!("at most {}: {}", shown(one.unit, most), word(met))
            }
            _ => String::new(),
        };
        let line = format!(
            "{:<44} {:>10} {:>10}  {:<34} {:>8}  {goal}",
            one.name,
            shown(one.unit, one.value),
            theirs.map_or_else(String::new, |theirs| shown(one.unit, theirs.value)),
            theirs.map_or("", |theirs| theirs.name),
            one.ratio().map_or_else(String::new, |ratio| match ratio {
                10.0.. => format!("{ratio:.0}x"),
                _ => format!("{ratio:.2}x"),
            }),
        );
        // A string takes everything.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

const fn word(met: bool) -> &'static str {
    if met { "met" } else { "NOT MET" }
}
