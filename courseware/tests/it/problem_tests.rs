//! `courseware test` and `courseware grade`: the tests authors write into problems, and answers from the command line.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use crate::command::courseware;

const SUM: &str = r#"<problem display_name="Sum">
  <script type="loncapa/python">
import random
a = random.randint(1, 9)
b = random.randint(1, 9)
total = a + b
  </script>
  <numericalresponse answer="$total"><label>$a and $b?</label><formulaequationinput/></numericalresponse>
  <choiceresponse><label>Which?</label><checkboxgroup>
    <choice correct="true">x <choicehint selected="true">Well chosen</choicehint></choice>
    <choice correct="false">y</choice>
  </checkboxgroup></choiceresponse>
  <responseparam type="tests">
    TESTS
  </responseparam>
</problem>"#;

fn course(directory: &Path, tests: &str) -> String {
    let files = [
        ("course.xml", "<course org=\"O\" course=\"C\" url_name=\"R\"/>".to_owned()),
        ("course/R.xml", "<course><chapter url_name=\"c\"/></course>".to_owned()),
        ("chapter/c.xml", "<chapter><sequential url_name=\"s\"/></chapter>".to_owned()),
        ("sequential/s.xml", "<sequential><vertical url_name=\"v\"/></sequential>".to_owned()),
        ("vertical/v.xml", "<vertical><problem url_name=\"sum\"/></vertical>".to_owned()),
        ("problem/sum.xml", SUM.replace("TESTS", tests)),
    ];
    let root = directory.join("course");
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root.to_str().unwrap().to_owned()
}

const RIGHT: &str = r#"<test name="right" grade="correct" score="2">
  <given input="2_1" value="$total" correctness="correct"/>
  <given input="sum_3_1" value="choice_0" points="1" message="Well chosen"/>
</test>
<test name="half" seeds="1-3, 50" grade="partially-correct">
  <given input="2_1" value="$total + 1" correctness="incorrect"/>
  <given input="3_1" json='["choice_0"]'/>
</test>
<test name="refused" error="Invalid math syntax"><given input="2_1" value="x y"/></test>"#;

#[test]
fn tests_of_authors_pass_where_grades_are_as_expected() {
    let directory = tempfile::tempdir().unwrap();
    let course = course(directory.path(), RIGHT);
    let report = courseware(["test", &course, "--seeds", "4", "--json"]).exits(0).json();
    assert_eq!((&report["runs"], &report["failed"]), (&12.into(), &0.into()), "{report}");
    let both = courseware(["test", &course, "--seeds", "4", "--own-answers"]).exits(0);
    assert!(both.out.contains("1 problems tested, 16 runs, 0 failed"), "{}", both.out);
    courseware(["check", &course]).exits(0);
}

#[test]
fn failures_are_told_in_a_table_and_for_services() {
    let directory = tempfile::tempdir().unwrap();
    let wrong = r#"<test name="wrong &amp; more" grade="correct"><given input="2_1" value="0" message="Never said"/></test>
                   <test grade="correct"><given value="0"/></test>"#;
    let course = course(directory.path(), wrong);
    let ran = courseware(["test", &course, "--seeds", "3"]).exits(1);
    assert!(ran.out.contains("wrong & more"), "{}", ran.out);
    assert!(ran.out.contains("1 2 3"), "{}", ran.out);
    assert!(ran.out.contains("the whole is incorrect (0 of 2), expected correct"), "{}", ran.out);
    assert!(ran.out.contains("does not say which input it answers: sum_2_1, sum_3_1"), "{}", ran.out);
    let junit = courseware(["test", &course, "--seeds", "1", "--format", "junit"]).exits(1).out;
    assert!(junit.contains("tests=\"2\" failures=\"2\""), "{junit}");
    assert!(junit.contains("name=\"wrong &amp; more (line ") && junit.contains(", seed 1)\">"), "{junit}");
    let checked = courseware(["check", &course, "--only", "invalid-test"]).exits(1);
    assert!(checked.out.contains("does not say which input it answers: 2_1, 3_1"), "{}", checked.out);
    courseware(["test", &course, "--problem", "other"]).exits(3);
}

#[test]
fn faults_are_told_with_the_test_and_the_line_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let wrong = r#"<test name="first" grade="good">
      <given input="2_1" value="$total"/>
    </test><test name="idle" seeds="none" grade="correct"/>
    <test name="sound" grade="incorrect"><given input="2_1" value="0"/><given input="3_1" value="choice_1"/></test>
    <tests/>"#;
    let course = course(directory.path(), wrong);
    let file = directory.path().join("course/problem/sum.xml");
    let text = fs::read_to_string(&file).unwrap();
    // What reading a package takes away or adds are blanks: here the lines before differ from those it makes.
    fs::write(
        &file,
        text.replace("<numericalresponse answer", "\n\n<!-- a\nnote -->\n<numericalresponse answer"),
    )
    .unwrap();
    let line_of = |what: &str| {
        let text = fs::read_to_string(&file).unwrap();
        text.lines().position(|line| line.contains(what)).unwrap() + 1
    };
    let (first, idle, tests) = (line_of("name=\"first\""), line_of("name=\"idle\""), line_of("<tests/>"));
    let ran = courseware(["test", &course, "--seeds", "2"]).exits(1).out;
    for said in [
        format!("first (line {first})"),
        format!("idle (line {idle})"),
        format!("tests (line {tests})"),
        format!("sum: the test first (line {first} of problem/sum.xml) ran for no seed"),
        format!("sum: the test idle (line {idle} of problem/sum.xml) ran for no seed"),
        "1 problems tested, 2 runs, 3 failed, 2 tests ran for no seed".to_owned(),
    ] {
        assert!(ran.contains(&said), "{said}: {ran}");
    }
    // What `check` says of lines is the same.
    let checked = courseware(["check", &course, "--only", "invalid-test"]).exits(1).out;
    for line in [first, idle, tests] {
        assert!(checked.contains(&format!("problem/sum.xml:{line}:")), "{line}: {checked}");
    }
    let report = courseware(["test", &course, "--seeds", "0", "--json"]).exits(1).json();
    assert_eq!((&report["runs"], &report["not_run"]), (&0.into(), &3.into()), "{report}");
    assert_eq!(report["problems"][0]["file"], "problem/sum.xml");
    let junit = courseware(["test", &course, "--seeds", "0", "--format", "junit"]).exits(1).out;
    assert!(junit.contains("tests=\"4\" failures=\"3\" skipped=\"1\""), "{junit}");
    // A problem among other blocks.
    let text = fs::read_to_string(&file).unwrap().replace("<problem ", "<problem url_name=\"sum\" ");
    fs::remove_file(&file).unwrap();
    fs::write(directory.path().join("course/vertical/v.xml"), format!("<vertical>\n\n{text}</vertical>"))
        .unwrap();
    let ran = courseware(["test", &course, "--seeds", "2"]).exits(1).out;
    let said = format!("first (line {} of vertical/v.xml) ran for no seed", first + 2);
    assert!(ran.contains(&said), "{said}: {ran}");
}

#[test]
fn every_run_has_a_name_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let course = course(directory.path(), RIGHT);
    let junit =
        courseware(["test", &course, "--seeds", "2", "--own-answers", "--format", "junit"]).exits(0).out;
    let names: Vec<&str> = junit
        .match_indices(" name=\"")
        .filter_map(|(at, found)| junit[at + found.len()..].split('"').next())
        .collect();
    let cases: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(cases.len(), names.len(), "{junit}");
    // Three tests for two seeds each but one for two others besides, its own answers, the problem and the course.
    assert_eq!(names.len(), 2 + 4 + 2 + 2 + 2, "{junit}");
    assert!(
        names.iter().any(|name| name.starts_with("right (line ") && name.ends_with(", seed 2)")),
        "{junit}"
    );
    assert!(names.contains(&"own answers (seed 1)") && names.contains(&"course-v1:O+C+R"), "{junit}");
    assert!(!junit.contains("passed"), "{junit}");
}

/// Grades a problem in a file with its script replaced, and returns what is said.
fn said(directory: &Path, script: &str, answers: &[&str]) -> String {
    let problem = format!(
        "<problem>\n<script>{script}</script>\n<customresponse cfn=\"check\"><textline/></customresponse>\n\
         <numericalresponse answer=\"1\"><textline/></numericalresponse></problem>"
    );
    let path = directory.join("p.xml");
    fs::write(&path, problem).unwrap();
    let answers = answers.iter().flat_map(|answer| ["--answer", answer]);
    courseware(["grade", path.to_str().unwrap()].into_iter().chain(answers)).exits(1).err
}

#[test]
fn authors_read_what_is_wrong_in_plain_words() {
    let directory = tempfile::tempdir().unwrap();
    let check = "\ndef check(expect, ans):\n    if ans == 'loop':\n        while True: pass\n    raise ValueError(\"it's not &lt;b>\")\n";
    for (script, answers, expected) in [
        (
            "\na = 1\nb = undefined\n",
            &[][..],
            "its script fails: NameError: name 'undefined' is not defined (line 4)\n",
        ),
        ("\na = = 1\n", &[], "its script fails: SyntaxError: invalid syntax (line 3)\n"),
        ("\nwhile True: pass\n", &[], "its script fails: the code used more processor time than it may\n"),
        (check, &["2_1=x"], "not graded: the code that grades fails: ValueError: it's not <b> (line 6)\n"),
        (
            check,
            &["2_1=loop"],
            "not graded: the code that grades fails: the code used more processor time than it may\n",
        ),
        ("def check(e, a): return True", &["p_3_1=1+"], "not graded: Invalid math syntax: '1+'\n"),
    ] {
        let said = said(directory.path(), script, answers);
        // On a busy machine the clock is faster than the processor.
        let said = said.replace("more time than", "more processor time than");
        assert!(said.trim_end().ends_with(expected.trim_end()), "{said}");
    }
    let broken = directory.path().join("broken.xml");
    fs::write(&broken, "<problem>\n<p></problem>").unwrap();
    let said = courseware(["grade", broken.to_str().unwrap()]).exits(1).err;
    assert!(said.contains("broken.xml: the problem cannot be put together: <p> opened at 2:1"), "{said}");
}

#[test]
fn tests_that_are_none_fail_without_being_run() {
    let directory = tempfile::tempdir().unwrap();
    let course = course(directory.path(), r#"<test seeds="1-" grade="fine"><given valu="0"/></test>"#);
    let report = courseware(["test", &course, "--json"]).exits(1).json();
    assert_eq!(report["runs"], 0, "{report}");
    assert_eq!(report["failed"], 3, "{report}");
}

/// The platform neither shows `responseparam` nor keeps its text for search; what is exported is what was imported.
#[test]
fn learners_never_see_tests_and_exports_keep_them() {
    let directory = tempfile::tempdir().unwrap();
    let course = course(directory.path(), RIGHT);
    let store = format!("blockstore:{}", directory.path().join("store").display());
    courseware(["import", &course, "--store", &store]).exits(0);
    let usage = "block-v1:O+C+R+type@problem+block@sum";
    let page = courseware(["render", usage, "--store", &store]).exits(0).out;
    for secret in ["Well chosen\"", "given", "responseparam", "<test", "$total", "half"] {
        assert!(!page.contains(secret), "{secret} in {page}");
    }
    let exported = directory.path().join("exported");
    courseware(["export", "course-v1:O+C+R", "--store", &store, "--output", exported.to_str().unwrap()])
        .exits(0);
    assert_eq!(
        fs::read_to_string(exported.join("problem/sum.xml")).unwrap(),
        fs::read_to_string(Path::new(&course).join("problem/sum.xml")).unwrap()
    );
}

#[test]
fn answers_in_a_file_are_graded() {
    let directory = tempfile::tempdir().unwrap();
    let course = course(directory.path(), "");
    let problem = format!("{course}/problem/sum.xml");
    let full = courseware(["grade", &problem, "--seed", "3", "--full"]).exits(0).json();
    let total = full["context"]["total"].to_string();
    let [number, choice] = [format!("sum_2_1={total}"), "sum_3_1=choice_0".to_owned()];
    let graded =
        courseware(["grade", &problem, "--seed", "3", "--answer", &number, "--answer", &choice]).exits(0);
    let map = graded.json();
    assert_eq!(map["sum_2_1"]["correctness"], "correct", "{map}");
    assert_eq!(map["sum_3_1"]["correctness"], "correct", "{map}");
    // A state goes before the seed, and ids may begin otherwise.
    let state = directory.path().join("state.json");
    fs::write(&state, full["state"].to_string()).unwrap();
    let state = state.to_str().unwrap();
    let answer = format!("input_q_2_1={total}");
    let arguments = [
        "grade",
        &problem,
        "--problem-id",
        "q",
        "--seed",
        "9",
        "--state",
        state,
        "--full",
        "--answer",
        &answer,
    ];
    let again = courseware(arguments).exits(0).json();
    assert_eq!(again["correct_map"]["q_2_1"]["correctness"], "correct", "{again}");
    assert_eq!(again["state"]["attempts"], 2, "{again}");
    courseware(["grade", &problem, "--answer", "sum_9_1=1"]).exits(2);
    courseware(["grade", &problem, "--answer", "none"]).exits(2);
    courseware(["grade", "no-such-file.xml"]).exits(3);
    courseware(["grade", &problem, "--answer", "sum_2_1=x y"]).exits(1);
}

#[test]
fn texts_of_the_simple_editor_are_converted() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("p.md");
    fs::write(&text, ">>Two and two?<<\n= 4\n").unwrap();
    let text = text.to_str().unwrap();
    let xml = courseware(["markdown", "to-xml", text]).exits(0).out;
    assert!(xml.contains("<numericalresponse answer=\"4\">\n  <label>Two and two?</label>"), "{xml}");
    fs::write(text, "( )\n(x) b\n").unwrap();
    assert!(courseware(["markdown", "to-xml", text]).exits(1).err.contains("left blank"));
}

/// The guide's example is a course whose tests pass.
#[test]
fn the_guide_says_what_is_so() {
    let guide =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/problem-tests.md")).unwrap();
    let (example, _) = guide.split_once("```xml\n").unwrap().1.split_once("```").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let course = course(directory.path(), "");
    fs::write(Path::new(&course).join("problem/sum.xml"), example).unwrap();
    courseware(["check", &course]).exits(0);
    let ran = courseware(["test", &course, "--own-answers"]).exits(0);
    assert!(ran.out.contains("1 problems tested, 51 runs, 0 failed"), "{}", ran.out);
}

/// Answers one request as a codejail service does that found the total to be 7.
fn codejail() -> (String, std::thread::JoinHandle<String>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line).unwrap() > 0 && line != "\r\n" {
            if let Some(said) = line.to_lowercase().strip_prefix("content-length:") {
                length = said.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let answer = r#"{"globals_dict": {"total": 7}}"#;
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
            answer.len()
        )
        .unwrap();
        String::from_utf8_lossy(&body).into_owned()
    });
    (host, asked)
}

#[test]
fn scripts_run_where_the_operator_says() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("sum.xml");
    fs::write(&file, SUM.replace("TESTS", "")).unwrap();
    let grade = |scripts: &str| {
        courseware(["grade", file.to_str().unwrap(), "--answer", "2_1=7", "--scripts", scripts])
    };
    let (host, asked) = codejail();
    let map = grade(&host).exits(0).json();
    let correctness: Vec<_> = map.as_object().unwrap().values().map(|entry| &entry["correctness"]).collect();
    assert_eq!(correctness, ["correct", "incorrect"], "{map}");
    assert!(asked.join().unwrap().contains("total = a + b"));

    let refused = grade("none");
    assert!(refused.code != Some(0) && refused.err.contains("--scripts none"), "{}", refused.err);
    let wrong = grade("ftp://elsewhere").exits(2);
    assert!(wrong.err.contains("not an address such as http://127.0.0.1:8550"), "{}", wrong.err);
}
