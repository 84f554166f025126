//! Measures the main job's import against plain files on the same disk, in one run; prints ratios.
//!
//! `bench [COURSE] [--rounds N]`. Both sides are measured in turn and compared by their medians, because machines are
//! noisy and only the ratio means anything.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use courseware::{ArchiveLimits, ImportOptions, OpenMode, StoreUrl, SystemClock};
use xblock_core::block::Registry;
use xblock_core::clock::Clock;
use xblock_core::runtime::Runtime;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A piece of work that is ready to be timed, given the folder to do it in.
type Work = Box<dyn FnOnce(&Path) -> Outcome<()>>;

fn main() -> ExitCode {
    match run() {
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

fn run() -> Outcome<()> {
    let mut rounds = 7;
    let mut course = PathBuf::from("../shared/courses/openedx-demo-course/course");
    if !course.exists() {
        course = "examples/courses/tides".into();
    }
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--rounds" {
            rounds = arguments.next().ok_or("--rounds needs a number")?.parse()?;
        } else {
            course = argument.into();
        }
    }
    let files = read_all(&course)?;
    let bytes: usize = files.iter().map(|(_, content)| content.len()).sum();
    say(&format!("{}: {} files, {bytes} bytes, {rounds} rounds", course.display(), files.len()));

    let registry = blocks::registry()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut plain = Vec::new();
    let mut stores: [(&str, &str, Vec<Duration>); 3] = [
        ("memory", "memory:", Vec::new()),
        ("blockstore", "blockstore:@", Vec::new()),
        ("modulestore", "modulestore:@", Vec::new()),
    ];
    for _ in 0..rounds {
        plain.push(timed(|| write_plain(&files))?);
        for (_, url, times) in &mut stores {
            times.push(timed(|| import(&course, url, &registry, &clock))?);
        }
    }
    let reference = median(&mut plain);
    say(&format!("{:<34}{:>10.1} ms", "plain files, one fsync each", millis(reference)));
    for (name, _, times) in &mut stores {
        let time = median(times);
        let ratio = time.as_secs_f64() / reference.as_secs_f64();
        say(&format!(
            "{:<34}{:>10.1} ms {ratio:>6.2} x plain files",
            format!("import into {name}"),
            millis(time)
        ));
    }
    Ok(())
}

/// Runs a piece of work in a fresh temporary folder beside the build, so that it meets a real disk.
fn timed(work: impl FnOnce() -> Outcome<Work>) -> Outcome<Duration> {
    let work = work()?;
    let folder = tempfile::tempdir_in("target")?;
    let start = Instant::now();
    work(folder.path())?;
    Ok(start.elapsed())
}

fn write_plain(files: &[(PathBuf, Vec<u8>)]) -> Outcome<Work> {
    let files = files.to_vec();
    Ok(Box::new(move |folder| {
        for (n, (_, content)) in files.iter().enumerate() {
            let mut file = File::create(folder.join(n.to_string()))?;
            file.write_all(content)?;
            file.sync_all()?;
        }
        Ok(())
    }))
}

fn import(course: &Path, url: &str, registry: &Registry, clock: &Arc<dyn Clock>) -> Outcome<Work> {
    let (course, url) = (course.to_owned(), url.to_owned());
    let (registry, clock) = (registry.clone(), clock.clone());
    Ok(Box::new(move |folder| {
        let url: StoreUrl = url.replace('@', &folder.join("store").display().to_string()).parse()?;
        let store: Arc<dyn Runtime> = url.open(OpenMode::Create, &registry, &clock)?;
        let source = courseware::open_package(&course, &ArchiveLimits::default())?;
        courseware::import(&source, &store, &registry, &ImportOptions::default())?;
        Ok(())
    }))
}

fn read_all(folder: &Path) -> Outcome<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let content = std::fs::read(&path)?;
                files.push((path, content));
            }
        }
    }
    Ok(files)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
