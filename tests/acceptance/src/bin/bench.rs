//! Measures this project beside the Python packages that do the same, and its imports beside plain files, in one run.

use std::path::PathBuf;
use std::process::ExitCode;

use acceptance::bench::{Group, Inputs, Measure, Outcome, Peers, course, finish, run, table};
use clap::{Parser, ValueEnum};
use mimalloc::MiMalloc;
use serde_json::{Value, json};

/// As the command `courseware` has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The sides of each comparison take turns, because machines are noisy and only the ratio means anything.
#[derive(Debug, Parser)]
struct Settings {
    /// The course to read and import; without it the Open edX demo course, or the sample.
    course: Option<PathBuf>,
    /// The Python that has the other side's packages; without it there are only the comparisons that need none.
    #[arg(long)]
    python: Option<PathBuf>,
    /// The Python that has the Blockstore app; without it bundles are compared with plain files only.
    #[arg(long)]
    app: Option<PathBuf>,
    /// How often every comparison is made.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// The groups to measure; without it all but `large-bundles`, which takes minutes.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Group>,
    /// Prints JSON, in seconds and bytes.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    finish(bench(Settings::parse()))
}

fn bench(settings: Settings) -> Outcome<String> {
    let course = course(settings.course);
    let rounds = settings.rounds;
    let mut inputs = Inputs::new(&course, settings.python.as_deref());
    inputs.app = settings.app.as_deref();
    let peers = inputs.python.map(|python| Peers::start(python, &inputs)).transpose()?;
    let about = peers.as_ref().map_or(Value::Null, |peers| peers.about().clone());

    let usual: Vec<_> =
        Group::value_variants().iter().copied().filter(|group| *group != Group::LargeBundles).collect();
    let groups = if settings.only.is_empty() { &usual } else { &settings.only };
    let mut contests = Vec::new();
    for group in groups {
        contests.extend(group.contests(&inputs)?);
    }
    let measures = run(contests, peers, rounds)?;
    if settings.json {
        let lines: Vec<_> = measures.iter().map(Measure::to_json).collect();
        let course = course.display().to_string();
        return Ok(json!({"course": course, "rounds": rounds, "peers": about, "measures": lines}).to_string());
    }
    let mut text = format!("course: {}, {rounds} rounds\n", course.display());
    if let Some(packages) = about["packages"].as_object() {
        let packages: Vec<_> = packages
            .iter()
            .map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or("?")))
            .collect();
        text +=
            &format!("peers: Python {}, {}\n", about["python"].as_str().unwrap_or("?"), packages.join(", "));
    }
    Ok(text + table(&measures).trim_end())
}
