//! Every problem of the courses beside the project loads, renders, and takes the answers it calls correct.
#![expect(clippy::print_stderr, reason = "a skipped course and the counts must be heard")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use acceptance::vectors::{sandbox, sandbox_modules, sandbox_python};
use blocks::problem::{Problem, ProblemOptions, ProblemServices};
use courseware::{ArchiveLimits, CourseTestOptions, CourseTestReport, Progress, open_package, test_course};
use xblock_core::services::SandboxService;

use crate::courses::{sample, shared};

/// Variants tried of each problem.
const SEEDS: u32 = 3;

/// Why a problem's answers are not graded as correct. All are the course's doing: its code says the same in plain Python
/// (`own_answers/plain.py`), and takes the answers of `own_answers/given.json`, in plain Python and here.
#[derive(Debug, Clone, Copy)]
enum Why {
    /// It does not say what is correct, so that nothing can be tried; it loads and renders.
    SaysNone,
    /// The answer it shows is not the one its own code asks for.
    ShowsAnother,
    /// Its script is for an older Python; the error has this text.
    OldPython(&'static str),
}

type Exceptions = &'static [(&'static str, Why)];

/// `fractions.gcd` went with Python 3.9; the platform's own sandbox runs later ones and brings no replacement.
const NO_GCD: Why = Why::OldPython("cannot import name 'gcd' from 'fractions'");

const FINNISH: Exceptions = &[
    ("0dd8b3a366594cd89bf2eead38c8d921", Why::SaysNone),
    ("6c7ef733637547f0a8de8b351c2e58cd", NO_GCD),
    // It asks for a fraction, a/b, and shows 0.74.
    ("751e09a889414a43a8a7bfb66c5dd8d7", Why::ShowsAnother),
    ("7d617e985a2a43edac851ae1c17683e0", NO_GCD),
    ("845032f351c348eebc588f9b9251f054", NO_GCD),
    ("a6c361e8825b440f9caf1d8f6df61c21", Why::SaysNone),
];

const DEMO: Exceptions = &[
    ("0d127d7942ec4be7a464eabafb286d02", Why::SaysNone),
    ("53083a812536472ba8ea8182ee354363", Why::SaysNone),
    ("58f6371c54254596ac91699557af449c", Why::SaysNone),
    ("7c95e593b148415e97ac02811c7daf1b", Why::SaysNone),
    ("dc37b89aade5444fbb1ecdaa0d22d180", Why::SaysNone),
];

const STUDIO: Exceptions = &[
    ("1977e51ee7e04d3a99cb0eb4e526834e", Why::SaysNone),
    ("2ba029be57bf473e9ddf7a4abc2de4f3", Why::OldPython("Missing parentheses in call to 'print'")),
    ("3139500d17204454b9605e24e1ed5a41", Why::SaysNone),
    ("4fd5121580eb4294a20bbd39a0969716", Why::SaysNone),
    ("5260409f0a2744599c9d2316c35a573f", Why::SaysNone),
];

/// The last five show answers that the library marks wrong in plain Python, too: another problem's, short for others,
/// or with a bracket too few.
const GRADING: Exceptions = &[
    ("formula10", Why::SaysNone),
    ("formula14", Why::SaysNone),
    ("matrix5", Why::SaysNone),
    ("string3", Why::SaysNone),
    ("integral3", Why::ShowsAnother),
    ("integral4", Why::ShowsAnother),
    ("list5", Why::ShowsAnother),
    ("singlelist5", Why::ShowsAnother),
    ("sum5", Why::ShowsAnother),
];

/// The cage with what scripts of courses import; none, and a word about it, where there is none.
fn scripts() -> Option<Arc<dyn SandboxService>> {
    let modules =
        sandbox_modules().map_err(|reason| eprintln!("SKIPPED: no code of authors runs here: {reason}"));
    let modules = modules.ok()?;
    if !["numpy", "scipy", "sympy"].iter().all(|name| modules.iter().any(|one| one == name)) {
        eprintln!("SKIPPED: this Python has no NumPy, no SciPy or no SymPy");
        return None;
    }
    sandbox().ok()
}

fn tested(course: &Path, sandbox: Arc<dyn SandboxService>, library: Option<Arc<[u8]>>) -> CourseTestReport {
    let package = open_package(course, &ArchiveLimits::default()).expect("a package");
    let registry = blocks::registry().expect("the registry");
    let options = CourseTestOptions {
        seeds: SEEDS,
        own_answers: true,
        sandbox: Some(sandbox),
        library,
        ..CourseTestOptions::default()
    };
    test_course(&*package, &registry, &options, Progress::default()).expect("a report")
}

/// Says which problems are not as expected: those that fail or say nothing without an exception, and exceptions that
/// are none any more.
fn surprises(report: &CourseTestReport, exceptions: Exceptions) -> Vec<String> {
    let mut left: BTreeMap<&str, Why> = exceptions.iter().copied().collect();
    let mut surprises = Vec::new();
    for problem in &report.problems {
        let id = problem.usage.block_id();
        let reasons: Vec<_> = problem.failures.iter().flat_map(|failure| &failure.reasons).collect();
        let is_expected = match left.remove(id) {
            None => reasons.is_empty() && !problem.is_unknown,
            Some(Why::SaysNone) => reasons.is_empty() && problem.is_unknown,
            Some(Why::ShowsAnother) => {
                !reasons.is_empty() && reasons.iter().all(|reason| reason.starts_with("its own answers: "))
            }
            Some(Why::OldPython(error)) => {
                !reasons.is_empty()
                    && reasons.iter().all(|reason| reason.starts_with("its script") && reason.contains(error))
            }
        };
        if !is_expected {
            let unknown = if problem.is_unknown { " (says not what is correct)" } else { "" };
            surprises.push(format!("{id}{unknown}: {reasons:?}"));
        }
    }
    surprises.extend(left.keys().map(|id| format!("{id} is no problem of this course")));
    surprises
}

/// Answers that are correct for problems that show none, or others: read from their code, in the order of their inputs.
fn given() -> BTreeMap<String, Vec<String>> {
    serde_json::from_str(include_str!("../own_answers/given.json")).expect("answers")
}

/// Says which exceptions are not what they are said to be: problems whose code takes other answers than those given, here
/// or in plain Python, and those that plain Python judges otherwise.
fn unproven(
    course: &Path,
    sandbox: &Arc<dyn SandboxService>,
    library: Option<&Path>,
    exceptions: Exceptions,
) -> Vec<String> {
    let own = course.join("static/python_lib.zip");
    let library = library.map(Path::to_owned).or_else(|| own.exists().then_some(own));
    let bytes: Option<Arc<[u8]>> =
        library.as_deref().map(|path| std::fs::read(path).expect("a library").into());
    let given = given();
    let plain = plain_python(course, library.as_deref(), exceptions, &given);
    let mut unproven = Vec::new();
    for (id, why) in exceptions {
        let said = &plain[*id];
        let is_proven = match why {
            Why::SaysNone => said["shown"].is_null() && said["given"] == true,
            Why::ShowsAnother => said["shown"] == false && said["given"] == true,
            Why::OldPython(error) => said["error"].as_str().is_some_and(|said| said.contains(error)),
        };
        if !is_proven {
            unproven.push(format!("{id} in plain Python: {said}"));
        }
        if let Some(answers) = given.get(*id)
            && let Err(reason) = takes(course, id, answers, sandbox, bytes.clone())
        {
            unproven.push(format!("{id}: {reason}"));
        }
    }
    unproven
}

/// Gives a problem answers, by the order of its inputs.
fn takes(
    course: &Path,
    id: &str,
    answers: &[String],
    sandbox: &Arc<dyn SandboxService>,
    library: Option<Arc<[u8]>>,
) -> Result<(), String> {
    let xml = std::fs::read_to_string(course.join("problem").join(id).with_extension("xml"));
    let usage = format!("block-v1:O+C+R+type@problem+block@{id}").parse().expect("a usage key");
    let services =
        ProblemServices { sandbox: Some(sandbox.clone()), python_lib: library, ..ProblemServices::default() };
    let options = ProblemOptions { services, ..ProblemOptions::new(usage) };
    let mut problem = Problem::load(&xml.expect("a problem"), options).map_err(|error| error.to_string())?;
    let inputs = problem.inputs();
    assert_eq!(inputs.len(), answers.len(), "{id}");
    let answers = inputs.into_iter().zip(answers).map(|(input, answer)| (input.id, answer.as_str().into()));
    let outcome = problem.grade(&answers.collect()).map_err(|error| error.author_message())?;
    match outcome.correct_map.values().find(|entry| entry["correctness"] != "correct") {
        Some(entry) => Err(format!("an answer is not correct: {entry}")),
        None => Ok(()),
    }
}

/// Has the courses' own code grade in a Python without any of ours.
fn plain_python(
    course: &Path,
    library: Option<&Path>,
    exceptions: Exceptions,
    given: &BTreeMap<String, Vec<String>>,
) -> serde_json::Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let problems: Vec<_> = exceptions.iter().map(|(id, _)| *id).collect();
    let asked =
        serde_json::json!({"course": course, "library": library, "problems": problems, "given": given});
    let mut python = Command::new(sandbox_python());
    python.arg(root.join("own_answers/plain.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = python.spawn().expect("Python");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(asked.to_string().as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "{}", course.display());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The courses, how many problems each has, and their exceptions; the grading course is only complete with its library.
const COURSES: [(&str, usize, Exceptions); 5] = [
    ("math-percent-edx-fi/course", 47, FINNISH),
    ("openedx-demo-course/course", 29, DEMO),
    ("openedx-demo-course/library", 6, &[]),
    ("opencraft-onboarding", 1, &[]),
    ("studio-advanced/course", 77, STUDIO),
];

#[test]
fn problems_of_real_courses_take_their_own_answers() {
    let Some(scripts) = scripts() else { return };
    for (name, problems, exceptions) in COURSES {
        let Some(course) = shared(name) else { continue };
        let report = tested(&course, scripts.clone(), None);
        assert_eq!(surprises(&report, exceptions), Vec::<String>::new(), "{name}");
        assert_eq!(unproven(&course, &scripts, None, exceptions), Vec::<String>::new(), "{name}");
        assert_eq!(report.problems.len(), problems, "{name}");
        eprintln!(
            "{name}: {problems} problems, {} of them known to be the course's to mend",
            exceptions.len()
        );
    }
    let report = tested(&sample("tides"), scripts, None);
    assert_eq!(surprises(&report, &[]), Vec::<String>::new());
}

#[test]
fn problems_of_the_grading_library_take_their_own_answers() {
    let Some(scripts) = scripts() else { return };
    let Some(course) = shared("mitx-grading-library/course") else { return };
    let Some(library) = std::env::var_os("COURSE_LIBRARY") else {
        eprintln!("SKIPPED: COURSE_LIBRARY does not name the grading library's python_lib.zip");
        return;
    };
    let path = Path::new(&library);
    let bytes = std::fs::read(path).expect("the library");
    let report = tested(&course, scripts.clone(), Some(bytes.into()));
    assert_eq!(surprises(&report, GRADING), Vec::<String>::new());
    assert_eq!(unproven(&course, &scripts, Some(path), GRADING), Vec::<String>::new());
    assert_eq!(report.problems.len(), 53);
}

/// Writes a course of a few problems and other files.
fn course(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let pointers = files.iter().filter_map(|(name, _)| name.strip_prefix("problem/")?.strip_suffix(".xml"));
    let pointers: String = pointers.map(|name| format!("<problem url_name=\"{name}\"/>")).collect();
    let tree = format!(
        "<course><chapter url_name=\"c\"><sequential url_name=\"s\"><vertical url_name=\"v\">{pointers}\
         </vertical></sequential></chapter></course>"
    );
    let root = ("course.xml", "<course org=\"O\" course=\"C\" url_name=\"R\"/>");
    for (name, text) in [root, ("course/R.xml", &tree)].iter().chain(files) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

#[test]
fn code_in_files_of_its_own_is_run() {
    let Some(scripts) = scripts() else { return };
    let folder = course(&[
        (
            "problem/q.xml",
            "<problem><script src=\"shared.py\"/>
              <customresponse cfn=\"check\"><textline correct_answer=\"$right\"/></customresponse>
              <customresponse><textline correct_answer=\"$right\"/><answer src=\"grade.py\"/></customresponse></problem>",
        ),
        ("static/shared.py", "right = 6 * 7\ndef check(expect, ans):\n    return ans == str(right)\n"),
        ("static/grade.py", "correct = ['correct' if submission[0] == str(right) else 'incorrect']\n"),
    ]);
    let report = tested(folder.path(), scripts, None);
    assert_eq!(surprises(&report, &[]), Vec::<String>::new());
    let right = report.problems.iter().map(|problem| problem.runs).collect::<Vec<_>>();
    assert_eq!(right, [u64::from(SEEDS)]);
}

#[test]
fn a_library_that_is_no_archive_is_named() {
    let Some(scripts) = scripts() else { return };
    let problem = "<problem><script type=\"loncapa/python\">\nfrom graders import *\n</script>
        <numericalresponse answer=\"1\"><formulaequationinput/></numericalresponse></problem>";
    let folder = course(&[
        ("problem/imports.xml", problem),
        ("problem/plain.xml", &problem.replace("from graders import *", "import math")),
        ("static/python_lib.zip", "../../python_lib.zip"),
    ]);
    let report = tested(folder.path(), scripts, None);
    let [imports, plain] = &report.problems[..] else { panic!("{report:?}") };
    assert_eq!(plain.failures, []);
    let reason = &imports.failures[0].reasons[0];
    let expected =
        "its script fails: ModuleNotFoundError: No module named 'graders' (python_lib.zip cannot be read";
    assert!(reason.starts_with(expected), "{reason}");
}
