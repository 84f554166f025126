//! `courseware test`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use courseware::{
    ArchiveLimits, CourseTestOptions, CourseTestReport, TestKind, TestRun, open_package, test_course,
};
use serde_json::json;

use super::console::Console;
use super::exit::{CommandError, Exit};
use super::grade::read;
use super::surroundings::Surroundings;

/// Runs the tests that authors wrote into the problems of a course. Scripts run in a cage.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The course: a directory, or an archive named .tar.gz or .tgz.
    course: PathBuf,
    /// Tests that name no seeds run for the seeds from 1 to this.
    #[arg(long, default_value_t = 10, value_name = "N")]
    seeds: u32,
    /// Only the problem with this name or usage key.
    #[arg(long, value_name = "ID")]
    problem: Option<String>,
    /// Require of every problem that it loads, renders and grades its own answers as correct, for each seed.
    #[arg(long)]
    own_answers: bool,
    /// The modules that scripts may import, in place of the course's static/python_lib.zip.
    #[arg(long, value_name = "PYTHON_LIB.ZIP")]
    library: Option<PathBuf>,
    /// How many problems to test at once; by default as many as there are processors.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// How to write what was found.
    #[arg(long, value_name = "FORM", default_value = "text", conflicts_with = "json")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table of failures, for people.
    Text,
    /// One JSON document.
    Json,
    /// JUnit's XML, for services that run tests.
    Junit,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let package = open_package(&arguments.course, &ArchiveLimits::default())?;
    let options = CourseTestOptions {
        seeds: arguments.seeds,
        problem: arguments.problem.clone(),
        own_answers: arguments.own_answers,
        threads: arguments.threads,
        library: arguments.library.as_deref().map(read).transpose()?.map(Arc::from),
        sandbox: Some(surroundings.sandbox()),
    };
    let report =
        console.watch(|progress| test_course(&*package, &surroundings.registry, &options, progress))??;
    if let Some(name) = &arguments.problem
        && report.problems.is_empty()
    {
        return Err(CommandError::NoTests { name: name.clone() });
    }
    match arguments.format {
        Format::Text if !console.json => text(&report, console)?,
        Format::Junit => console.line(junit(&report))?,
        Format::Text | Format::Json => console.document(&json!({
            "context": report.context,
            "runs": report.runs(),
            "failed": report.failed(),
            "not_run": report.not_run(),
            "problems": report.problems,
        }))?,
    }
    Ok(if report.failed() == 0 { Exit::Done } else { Exit::No })
}

/// Writes a table with a row for each test that fails, and how many of its seeds do.
fn text(report: &CourseTestReport, console: &mut Console) -> Result<(), CommandError> {
    let mut rows: Vec<[String; 4]> = Vec::new();
    for problem in &report.problems {
        for group in problem
            .failures
            .chunk_by(|a, b| (a.run.kind, &a.run.test, a.run.line) == (b.run.kind, &b.run.test, b.run.line))
        {
            let Some(first) = group.first() else { continue };
            let seeds: Vec<String> =
                group.iter().filter_map(|failure| failure.run.seed).map(|seed| seed.to_string()).collect();
            let shown = match seeds.as_slice() {
                [few @ .., _, _, _, _] if few.len() > 4 => {
                    format!("{} .. ({})", seeds[..4].join(" "), seeds.len())
                }
                all => all.join(" "),
            };
            rows.push([
                problem.usage.block_id().to_owned(),
                name(&first.run),
                shown,
                first.reasons.join("; "),
            ]);
        }
    }
    if !rows.is_empty() {
        rows.insert(0, ["problem", "test", "seeds", "why"].map(str::to_owned));
        let width =
            |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let (problem, test, seeds) = (width(0), width(1), width(2));
        for row in &rows {
            let [a, b, c, why] = row;
            console.line(format_args!("{a:problem$}  {b:test$}  {c:seeds$}  {why}"))?;
        }
        console.line("")?;
    }
    for problem in &report.problems {
        for run in &problem.not_run {
            let line = run.line.map_or_else(String::new, |line| {
                let file = problem.file.as_ref().map_or_else(String::new, |file| format!(" of {file}"));
                format!(" (line {line}{file})")
            });
            let (usage, test) = (problem.usage.block_id(), run.test.as_deref().unwrap_or_default());
            console.line(format_args!("{usage}: the test {test}{line} ran for no seed"))?;
        }
    }
    let unknown = report.problems.iter().filter(|problem| problem.is_unknown).count();
    if unknown > 0 {
        console.line(format_args!(
            "{unknown} problems do not say what is correct; their own answers were not tried"
        ))?;
    }
    let idle = match report.not_run() {
        0 => String::new(),
        1 => ", 1 test ran for no seed".to_owned(),
        several => format!(", {several} tests ran for no seed"),
    };
    console.line(format_args!(
        "{} problems tested, {} runs, {} failed{idle}",
        report.problems.len(),
        report.runs(),
        report.failed()
    ))
}

fn name(run: &TestRun) -> String {
    match (run.kind, &run.test, run.line) {
        (TestKind::Test, Some(test), _) => test.clone(),
        (TestKind::OwnAnswers, ..) => "own answers".to_owned(),
        (TestKind::Written, Some(test), Some(line)) => format!("{test} (line {line})"),
        (TestKind::Written, None, Some(line)) => format!("tests (line {line})"),
        _ => "put together".to_owned(),
    }
}

/// Writes a test suite for each problem and a case for each run, named by the test, its line and the seed.
fn junit(report: &CourseTestReport) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (passed, failed) =
        (report.problems.iter().map(|problem| problem.passed.len()).sum::<usize>(), report.failed());
    out.push_str(&format!(
        "<testsuites name=\"{}\" tests=\"{}\" failures=\"{failed}\">\n",
        escape(&report.context.to_string()),
        passed + failed
    ));
    for problem in &report.problems {
        let usage = escape(&problem.usage.to_string());
        let (failures, unknown) = (problem.failures.len(), usize::from(problem.is_unknown));
        // Those written wrongly are among the failures.
        let idle: Vec<&TestRun> = problem.not_run.iter().filter(|run| run.kind == TestKind::Test).collect();
        let skipped = unknown + idle.len();
        out.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\">\n",
            escape(problem.display_name.as_deref().unwrap_or(problem.usage.block_id())),
            problem.passed.len() + failures + skipped
        ));
        let mut case = |run: &TestRun, content: Option<&str>| {
            let name = escape(&case_name(run));
            out.push_str(&match content {
                Some(content) => {
                    format!("    <testcase classname=\"{usage}\" name=\"{name}\">{content}</testcase>\n")
                }
                None => format!("    <testcase classname=\"{usage}\" name=\"{name}\"/>\n"),
            });
        };
        for failure in &problem.failures {
            let message = escape(&failure.reasons.join("; "));
            case(&failure.run, Some(&format!("<failure message=\"{message}\"/>")));
        }
        for run in &problem.passed {
            case(run, None);
        }
        for run in idle {
            case(run, Some("<skipped message=\"the test ran for no seed\"/>"));
        }
        if problem.is_unknown {
            let why = "<skipped message=\"the problem does not say what is correct\"/>";
            out.push_str(&format!(
                "    <testcase classname=\"{usage}\" name=\"own answers\">{why}</testcase>\n"
            ));
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>");
    out
}

/// Names a run as no other of the problem is named.
fn case_name(run: &TestRun) -> String {
    let line = if run.kind == TestKind::Test { run.line.map(|line| format!("line {line}")) } else { None };
    let seed = run.seed.map(|seed| format!("seed {seed}"));
    let places: Vec<String> = line.into_iter().chain(seed).collect();
    if places.is_empty() { name(run) } else { format!("{} ({})", name(run), places.join(", ")) }
}

/// Escapes a text for an attribute; characters XML does not allow become a space.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
