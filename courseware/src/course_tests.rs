//! Running the tests that authors wrote into the problems of a course.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use blocks::problem::{
    AuthorTest, AuthorTests, LoadError, OwnAnswers, Problem, ProblemOptions, ProblemServices, author_tests,
    own_answers,
};
use chrono::Utc;
use serde::Serialize;
use xblock_core::block::Registry;
use xblock_core::fields::Json;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::{PackageSource, ReadOptions, read_course};
use xblock_core::services::SandboxService;

use crate::error::CoursewareError;
use crate::problem_files::ProblemFiles;
use crate::progress::{Progress, Stage};

/// The modules that scripts of a course may import.
const LIBRARY: &str = "static/python_lib.zip";

/// What is tested, and how.
#[derive(Clone)]
pub struct CourseTestOptions {
    /// The tests that name no seeds run for the seeds from 1 to this.
    pub seeds: u32,
    /// Only the problem with this name, or usage key.
    pub problem: Option<String>,
    /// Whether each problem must take its own answers, too.
    pub own_answers: bool,
    /// How many problems are tested at once; as many as there are processors where this does not say.
    pub threads: Option<NonZeroUsize>,
    /// The modules that scripts may import, in place of the course's `static/python_lib.zip`.
    pub library: Option<Arc<[u8]>>,
    /// Where scripts run.
    pub sandbox: Option<Arc<dyn SandboxService>>,
}

impl Default for CourseTestOptions {
    /// Ten seeds, every problem, only the tests of authors, without scripts.
    fn default() -> Self {
        Self { seeds: 10, problem: None, own_answers: false, threads: None, library: None, sandbox: None }
    }
}

/// What came of testing a course.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CourseTestReport {
    /// The course.
    pub context: ContextKey,
    /// The problems that were tested.
    pub problems: Vec<ProblemTests>,
}

/// What came of testing one problem.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ProblemTests {
    /// The problem.
    pub usage: UsageKey,
    /// Its name.
    pub display_name: Option<String>,
    /// The file it stands in; where there is none, lines are those of the problem as it was read.
    pub file: Option<String>,
    /// How many tests its author wrote, those written wrongly left out.
    pub tests: usize,
    /// How many times a test ran.
    pub runs: u64,
    /// Whether it does not say what is correct, so that its own answers could not be tried.
    pub is_unknown: bool,
    /// What passed, in order of tests and seeds.
    #[serde(skip)]
    pub passed: Vec<TestRun>,
    /// What failed, in order of tests and seeds.
    pub failures: Vec<TestFailure>,
    /// The tests that ran for no seed: those written wrongly, and those of a problem that could not be put together.
    pub not_run: Vec<TestRun>,
}

/// What is tried of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TestKind {
    /// Its author's tests can be read.
    Written,
    /// It can be put together.
    Load,
    /// A test of its author's.
    Test,
    /// It takes its own answers.
    OwnAnswers,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct TestRun {
    /// The line of the problem's file on which the test stands, or of what is wrong before any test.
    pub line: Option<u32>,
    /// What was tried.
    pub kind: TestKind,
    /// The name of a test of the author's.
    pub test: Option<String>,
    /// The seed.
    pub seed: Option<i64>,
}

/// One failed run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct TestFailure {
    /// The run.
    #[serde(flatten)]
    pub run: TestRun,
    /// What is not as expected, in sentences.
    pub reasons: Vec<String>,
}

impl CourseTestReport {
    /// Counts the runs.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.problems.iter().map(|problem| problem.runs).sum()
    }

    /// Counts the tests that ran for no seed.
    #[must_use]
    pub fn not_run(&self) -> usize {
        self.problems.iter().map(|problem| problem.not_run.len()).sum()
    }

    /// Counts the failures.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.problems.iter().map(|problem| problem.failures.len()).sum()
    }
}

/// A problem with what is to be run.
struct Subject {
    usage: UsageKey,
    xml: String,
    tests: Vec<AuthorTest>,
    seeds: Vec<i64>,
}

/// Runs the tests of a course's problems. Nobody's state is read or written.
///
/// # Errors
/// [`CoursewareError::Olx`] where the course cannot be read, [`CoursewareError::Interrupted`]. What fails is in the report.
pub fn test_course(
    source: &dyn PackageSource,
    registry: &Registry,
    options: &CourseTestOptions,
    progress: Progress<'_>,
) -> Result<CourseTestReport, CoursewareError> {
    progress.step(Stage::ReadPackage, 0, None)?;
    let mut package = read_course(source, &ReadOptions::default(), registry)?;
    package.published.append(&mut package.draft);
    let own_library = || source.read(LIBRARY).ok().flatten().map(Arc::from);
    let library: Option<Arc<[u8]>> = options.library.clone().or_else(own_library);
    let mut found: BTreeMap<UsageKey, ProblemTests> = BTreeMap::new();
    let mut subjects = Vec::new();
    let mut files = ProblemFiles::new(source);
    for (usage, data) in &package.published {
        let is_wanted = options
            .problem
            .as_ref()
            .is_none_or(|name| usage.block_id() == name.as_str() || usage.to_string() == *name);
        if usage.block_type() != "problem" || !is_wanted {
            continue;
        }
        let xml = data.own("data").and_then(Json::as_str).unwrap_or_default().to_owned();
        let mut written = author_tests(&xml);
        if written.tests.is_empty() && written.faults.is_empty() && !options.own_answers {
            continue;
        }
        // What is said of lines is said of the file.
        let (file, xml) = match files.find(usage, &xml) {
            Some(file) => {
                written = author_tests(&file.xml);
                (Some(file.path), file.xml)
            }
            None => (None, xml),
        };
        let AuthorTests { tests, faults, .. } = written;
        let mut tested = ProblemTests {
            usage: usage.clone(),
            display_name: data.display_name().map(str::to_owned),
            file,
            tests: tests.len(),
            runs: 0,
            is_unknown: false,
            passed: Vec::new(),
            failures: Vec::new(),
            not_run: Vec::new(),
        };
        for fault in faults {
            let line = Some(fault.position.line);
            let run = TestRun { line, kind: TestKind::Written, test: fault.test, seed: None };
            if run.test.is_some() && !tested.not_run.iter().any(|other| other.test == run.test) {
                tested.not_run.push(run.clone());
            }
            tested.failures.push(TestFailure { run, reasons: vec![fault.message] });
        }
        found.insert(usage.clone(), tested);
        let seeds = seeds(&tests, options);
        subjects.push(Subject { usage: usage.clone(), xml, tests, seeds });
    }
    let results = run_all(&subjects, source, library, options, progress)?;
    let mut idle: BTreeMap<&UsageKey, Vec<TestRun>> = BTreeMap::new();
    for subject in &subjects {
        let runs = subject.tests.iter().map(|test| TestRun {
            line: Some(test.line),
            kind: TestKind::Test,
            test: Some(test.name.clone()),
            seed: None,
        });
        idle.insert(&subject.usage, runs.collect());
    }
    for (usage, run) in results {
        let Some(tested) = found.get_mut(&usage) else { continue };
        if let Some(idle) = idle.get_mut(&usage) {
            let ran = run.passed.iter().chain(run.failures.iter().map(|failure| &failure.run));
            let ran: HashSet<_> = ran.map(|run| (&run.test, run.line)).collect();
            idle.retain(|test| !ran.contains(&(&test.test, test.line)));
        }
        tested.runs += (run.passed.len() + run.failures.len()) as u64;
        tested.is_unknown |= run.is_unknown;
        tested.passed.extend(run.passed);
        tested.failures.extend(run.failures);
    }
    for tested in found.values_mut() {
        tested.not_run.extend(idle.remove(&tested.usage).unwrap_or_default());
        tested.not_run.sort();
        tested.passed.sort();
        tested.failures.sort();
    }
    Ok(CourseTestReport { context: package.context, problems: found.into_values().collect() })
}

/// Lists the seeds a problem is put together with.
fn seeds(tests: &[AuthorTest], options: &CourseTestOptions) -> Vec<i64> {
    let own = (1..=i64::from(options.seeds))
        .filter(|_| options.own_answers || tests.iter().any(|t| t.seeds.is_none()));
    let mut seeds: Vec<i64> =
        own.chain(tests.iter().filter_map(|test| test.seeds.clone()).flatten()).collect();
    seeds.sort_unstable();
    seeds.dedup();
    seeds
}

/// What came of one seed.
#[derive(Default)]
struct Run {
    is_unknown: bool,
    passed: Vec<TestRun>,
    failures: Vec<TestFailure>,
}

impl Run {
    fn add(&mut self, run: TestRun, reasons: Vec<String>) {
        if reasons.is_empty() {
            self.passed.push(run);
        } else {
            self.failures.push(TestFailure { run, reasons });
        }
    }
}

fn run_all(
    subjects: &[Subject],
    source: &dyn PackageSource,
    library: Option<Arc<[u8]>>,
    options: &CourseTestOptions,
    progress: Progress<'_>,
) -> Result<Vec<(UsageKey, Run)>, CoursewareError> {
    let work: Vec<(&Subject, i64)> =
        subjects.iter().flat_map(|subject| subject.seeds.iter().map(move |seed| (subject, *seed))).collect();
    let total = Some(work.len() as u64);
    let threads =
        options.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
    let results = Mutex::new(Vec::with_capacity(work.len()));
    let stopped = Mutex::new(None);
    let services = ProblemServices {
        sandbox: options.sandbox.clone(),
        python_lib: library,
        now: Utc::now(),
        is_author_mode: true,
        ..ProblemServices::default()
    };
    let keep = || {
        while let Some((subject, seed)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = progress.step(Stage::Test, done.load(Ordering::Relaxed), total) {
                stopped.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                next.store(work.len(), Ordering::Relaxed);
                return;
            }
            let run = run_seed(subject, *seed, source, &services, options);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((subject.usage.clone(), run));
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.min(work.len()) {
            scope.spawn(keep);
        }
    });
    if let Some(error) = stopped.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    progress.step(Stage::Test, work.len() as u64, total)?;
    Ok(results.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Says why a problem cannot be put together.
fn reason(error: &LoadError) -> String {
    match error {
        LoadError::Script { .. } => error.author_message(),
        error => format!("the problem cannot be put together: {}", error.author_message()),
    }
}

fn run_seed(
    subject: &Subject,
    seed: i64,
    source: &dyn PackageSource,
    services: &ProblemServices,
    options: &CourseTestOptions,
) -> Run {
    let mut run = Run::default();
    let read = |path: &str| source.read(path).ok().flatten();
    let mut load = ProblemOptions::new(subject.usage.clone());
    load.seed = Some(seed);
    load.services = services.clone();
    load.files = Some(&read);
    let problem = match Problem::load(&subject.xml, load) {
        Ok(problem) => problem,
        Err(error) => {
            let tried = TestRun { line: error.line(), kind: TestKind::Load, test: None, seed: Some(seed) };
            run.add(tried, vec![reason(&error)]);
            return run;
        }
    };
    let within = |last: u32| (1..=i64::from(last)).contains(&seed);
    for test in &subject.tests {
        let is_meant =
            test.seeds.as_ref().map_or_else(|| within(options.seeds), |seeds| seeds.contains(&seed));
        if is_meant {
            let tried = TestRun {
                line: Some(test.line),
                kind: TestKind::Test,
                test: Some(test.name.clone()),
                seed: Some(seed),
            };
            run.add(tried, test.run(&mut problem.clone()));
        }
    }
    if options.own_answers && within(options.seeds) {
        let tried = TestRun { line: None, kind: TestKind::OwnAnswers, test: None, seed: Some(seed) };
        match own_answers(&mut problem.clone()) {
            OwnAnswers::Correct => run.add(tried, Vec::new()),
            OwnAnswers::Unknown { .. } => run.is_unknown = true,
            OwnAnswers::Wrong { reason } => run.add(tried, vec![format!("its own answers: {reason}")]),
        }
    }
    run
}
