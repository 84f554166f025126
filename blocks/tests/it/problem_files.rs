//! Code of problems that stands in files of its own.

use std::sync::{Arc, Mutex};

use blocks::problem::{LoadError, Problem, ProblemOptions, ProblemServices};
use serde_json::json;
use xblock_core::keys::ContextKey;
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxService};

/// Keeps the code it is given; says of code that holds `fail` that its last line does.
#[derive(Default)]
struct Engine(Mutex<Vec<String>>);

impl SandboxService for Engine {
    fn run(&self, job: &SandboxJob, _: &ContextKey) -> Result<Globals, SandboxError> {
        self.0.lock().expect("no panic").push(job.code.clone());
        if let Some(before) = job.code.find("fail") {
            let line = u32::try_from(job.code[..before].matches('\n').count()).expect("few lines") + 1;
            let message = "ModuleNotFoundError: fail".to_owned();
            return Err(SandboxError::Code { last_line: Some(message.clone()), message, line: Some(line) });
        }
        let mut globals = job.globals.clone();
        globals.insert("correct".into(), json!(["correct"]));
        Ok(globals)
    }
}

const FILES: [(&str, &[u8]); 6] = [
    ("static/first.py", b"a = 1\r\nb = 2\r\n"),
    ("src/grade.py", b"correct = ['correct']\n"),
    ("plain.py", b"\xef\xbb\xbfc = 3\n"),
    ("static/broken.py", b"a = 1\nfail\n"),
    ("static/latin.py", b"# \xe9\n"),
    ("static/empty.py", b"\n"),
];

fn load(xml: &str) -> (Result<Problem, LoadError>, Arc<Engine>) {
    let engine = Arc::new(Engine::default());
    let read = |path: &str| FILES.iter().find(|(name, _)| *name == path).map(|(_, bytes)| bytes.to_vec());
    let usage = "block-v1:Org+C1+R1+type@problem+block@q".parse().expect("a key");
    let services = ProblemServices { sandbox: Some(engine.clone()), ..ProblemServices::default() };
    let options = ProblemOptions { services, files: Some(&read), ..ProblemOptions::new(usage) };
    (Problem::load(xml, options), engine)
}

fn ran(engine: &Engine) -> Vec<String> {
    engine.0.lock().expect("no panic").clone()
}

#[test]
fn scripts_and_answers_are_taken_from_their_files() {
    for (src, code) in
        [("first.py", "a = 1\nb = 2\n"), ("/static/first.py", "a = 1\nb = 2\n"), ("plain.py", "c = 3\n")]
    {
        let (problem, engine) = load(&format!("<problem><p><script src=\"{src}\"> </script></p></problem>"));
        assert!(problem.is_ok(), "{problem:?}");
        assert_eq!(ran(&engine), [code]);
    }
    for kind in ["customresponse", "schematicresponse"] {
        let input = if kind == "customresponse" { "textline" } else { "schematic" };
        let (problem, engine) = load(&format!(
            "<problem><div><{kind}><{input}/><div><answer src=\"grade.py\">wrong = 1</answer></div></{kind}></div></problem>"
        ));
        let answers = [("q_2_1".to_owned(), json!("[1]"))].into_iter().collect();
        let outcome = problem.expect("a problem").grade(&answers).expect("a grade");
        assert_eq!(outcome.correct_map["q_2_1"]["correctness"], "correct");
        assert_eq!(ran(&engine), ["correct = ['correct']\n"]);
    }
}

#[test]
fn a_script_with_a_text_of_its_own_and_other_languages_stay_as_they_are() {
    let (_, engine) = load("<problem><script src=\"first.py\">x = 1</script></problem>");
    assert_eq!(ran(&engine), ["x = 1"]);
    let (problem, engine) =
        load("<problem><script type=\"text/javascript\" src=\"no.js\"/><p>x</p></problem>");
    let html = problem.expect("a problem").html();
    assert!(html.contains("src=\"no.js\""), "{html}");
    assert_eq!(ran(&engine), [""; 0]);
    // What is no code is not looked for: in choices an answer is markup.
    assert!(load("<problem><p><answer src=\"no.py\">x</answer></p></problem>").0.is_ok());
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_line() {
    for (file, what) in [
        ("none.py", "the course has no static file of this name"),
        ("latin.py", "the file is not in UTF-8"),
        ("empty.py", "the file is empty"),
    ] {
        let (problem, _) = load(&format!("<problem>\n<script src=\"{file}\"/></problem>"));
        let expected = format!("<script src=\"{file}\">: {what}");
        assert_eq!(problem.err(), Some(LoadError::Element { message: expected, line: 2 }));
        let (problem, _) = load(&format!(
            "<problem>\n\n<customresponse><textline/><answer src=\"{file}\"/></customresponse></problem>"
        ));
        let expected = format!("<answer src=\"{file}\">: {what}");
        assert_eq!(problem.err(), Some(LoadError::Element { message: expected, line: 3 }));
    }
}

#[test]
fn an_error_in_a_file_names_the_file_and_its_line() {
    let (problem, _) = load(
        "<problem><script>x = 1\ny = 2\n</script>\n<script\n system_path='code' src=\"broken.py\"/></problem>",
    );
    let error = problem.expect_err("it fails");
    let LoadError::Script { line, file, last_line, .. } = &error else { panic!("{error:?}") };
    assert_eq!((line, file), (&Some(4), &Some(("broken.py".to_owned(), 2))));
    let hint = "ModuleNotFoundError: fail (system_path is not searched: modules are imported from static/python_lib.zip)";
    assert_eq!(last_line.as_deref(), Some(hint));
    assert!(error.to_string().ends_with("\nSee line 2 of broken.py\nSee XML source line 4"), "{error}");
}
