//! Measures this project beside the Python packages that do the same, and its imports beside plain files, in one run.
//!
//! `bench [COURSE] [--python PYTHON] [--rounds N] [--json]`. The sides of each comparison take turns, because machines
//! are noisy and only the ratio means anything. Without `--python` there are only the comparisons that need none.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use acceptance::bench::{Outcome, Peers, fields, imports, keys, olx, problems, run, table};
use mimalloc::MiMalloc;
use serde_json::{Value, json};

/// As the command `courseware` has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn say(line: &str) {
    println!("{line}");
}

fn bench() -> Outcome<()> {
    let mut rounds = 7;
    let mut as_json = false;
    let mut python = None;
    let mut course = PathBuf::from("../shared/courses/openedx-demo-course/course");
    if !course.exists() {
        course = "examples/courses/tides".into();
    }
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => rounds = arguments.next().ok_or("--rounds needs a number")?.parse()?,
            "--python" => python = Some(PathBuf::from(arguments.next().ok_or("--python needs a program")?)),
            "--json" => as_json = true,
            _ => course = argument.into(),
        }
    }
    let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench");
    let list = inputs.join("keys.txt");
    let questions = inputs.join("problems.json");
    let peers = match &python {
        Some(python) => Some(Peers::start(python, &inputs.join("peers.py"), &list, &course, &questions)?),
        None => None,
    };
    let about = peers.as_ref().map_or(Value::Null, |peers| peers.about().clone());

    let mut contests = keys::contests(&list)?;
    contests.extend(fields::contests()?);
    contests.extend(imports::contests(&course)?);
    contests.extend(olx::contests(&course)?);
    contests.extend(problems::contests(&questions, python.as_deref())?);
    let measures = run(contests, peers, rounds)?;
    if as_json {
        let lines: Vec<_> = measures.iter().map(acceptance::bench::Measure::to_json).collect();
        let course = course.display().to_string();
        say(&json!({"course": course, "rounds": rounds, "peers": about, "measures": lines}).to_string());
        return Ok(());
    }
    say(&format!("course: {}, {rounds} rounds", course.display()));
    if let Some(packages) = about["packages"].as_object() {
        let packages: Vec<_> = packages
            .iter()
            .map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or("?")))
            .collect();
        say(&format!("peers: Python {}, {}", about["python"].as_str().unwrap_or("?"), packages.join(", ")));
    }
    say(table(&measures).trim_end());
    Ok(())
}
