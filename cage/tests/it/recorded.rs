//! The scripts of recorded problems: the same names and values, and the same errors, as recorded from Python.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cage::{Cage, Outcome, Run, RunLimits};
use serde_json::{Map, Value as Json, json};
use xblock_core::olx::{Document, Element, FileName, Node, ParseOptions, Source};

use crate::running::{cage, skip};

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

fn recorded(path: &Path) -> Json {
    serde_json::from_slice(&std::fs::read(path).expect("recorded answers")).expect("JSON")
}

/// Tests run on busy machines, and what is tried here is not how much a run may use.
fn limits() -> RunLimits {
    RunLimits { cpu: Duration::from_secs(30), real_time: Duration::from_secs(120), ..RunLimits::default() }
}

fn has(cage: &Cage, modules: &[&str]) -> bool {
    let loaded = cage.loaded_modules();
    let missing: Vec<_> = modules.iter().filter(|name| !loaded.iter().any(|one| one == *name)).collect();
    if !missing.is_empty() {
        skip(&format!("this Python has no {missing:?}"));
    }
    missing.is_empty()
}

fn collect_scripts(element: &Element, out: &mut String) {
    let kind = element.get("type").unwrap_or_default();
    if &*element.name == "script" && !kind.contains("javascript") && !kind.contains("perl") {
        out.push_str(&element.text().unwrap_or_default());
    }
    for child in &element.children {
        if let Node::Element(child) = child {
            collect_scripts(child, out);
        }
    }
}

/// The source of a problem's scripts as the problem runs it; none where its XML is broken.
fn script(xml: &str) -> Option<String> {
    let source = Source::new(FileName::from("problem.xml"), xml.into());
    let document = Document::parse_text(source, &ParseOptions::default()).ok()?;
    let mut out = String::new();
    collect_scripts(&document.root, &mut out);
    Some(out.replace("&apos;", "'").replace("&quot;", "\""))
}

/// Compares values; numbers to the twelfth digit, for the last ones hang on the system's own functions.
fn is_same(found: &Json, recorded: &Json) -> bool {
    match (found, recorded) {
        (Json::Array(found), Json::Array(recorded)) => {
            found.len() == recorded.len()
                && found.iter().zip(recorded).all(|(one, other)| is_same(one, other))
        }
        (Json::Object(found), Json::Object(recorded)) => is_same_map(found, recorded),
        (Json::Number(one), Json::Number(other)) => {
            let both = one.as_f64().zip(other.as_f64());
            one == other
                || (one.is_f64() == other.is_f64()
                    && both.is_some_and(|(one, other)| {
                        (one - other).abs() <= 1e-12 * one.abs().max(other.abs())
                    }))
        }
        _ => found == recorded,
    }
}

fn is_same_map(found: &Map<String, Json>, recorded: &Map<String, Json>) -> bool {
    found.len() == recorded.len()
        && recorded.iter().all(|(name, value)| found.get(name).is_some_and(|one| is_same(one, value)))
}

/// Writes integers beyond 64 bits as they were recorded.
fn plain(value: Json) -> Json {
    match value {
        Json::Object(members) => match members.get("__int__") {
            Some(Json::String(digits)) => serde_json::from_str(digits).expect("an integer"),
            _ => Json::Object(members.into_iter().map(|(name, value)| (name, plain(value))).collect()),
        },
        Json::Array(items) => Json::Array(items.into_iter().map(plain).collect()),
        other => other,
    }
}

fn outcome(cage: &Cage, code: &str, seed: i64) -> Outcome {
    let globals = json!({"seed": seed, "anonymous_student_id": "anon-student"});
    let globals = globals.as_object().expect("an object").clone();
    let run = Run { code, globals, seed: Some(seed), ..Run::default() };
    cage.run(&run, &limits()).expect("the cage works")
}

/// A message without the line in it: the code jail has more lines of its own before the author's.
fn without_line(message: &str) -> &str {
    message.split(" (detected at line").next().unwrap_or_default()
}

/// Says how a problem's script differs from what was recorded; none where it does not, or where it was not run.
fn difference(cage: &Cage, case: &Json) -> Option<Option<String>> {
    let code = script(case["xml"].as_str()?)?;
    if code.is_empty() {
        return None;
    }
    let error = &case["load_error"];
    let last_line = error["sandbox_last_line"].as_str().map(|line| line.replace("\\'", "'"));
    let says_nothing = error["message"].as_str().is_some_and(|text| text.ends_with("(char 0)"));
    if !error.is_null() && last_line.is_none() && !says_nothing {
        return None;
    }
    let outcome = outcome(cage, &code, case["seed"].as_i64()?);
    Some(match (outcome, last_line) {
        (Outcome::Done { mut globals }, None) if !says_nothing => {
            globals.remove("seed");
            globals.remove("anonymous_student_id");
            let globals: Map<_, _> = globals.into_iter().map(|(name, value)| (name, plain(value))).collect();
            let empty = Map::new();
            let recorded = case["context"].as_object().unwrap_or(&empty);
            (!is_same_map(&globals, recorded)).then(|| format!("{globals:?} for {recorded:?}"))
        }
        (Outcome::Raised(raised), Some(line)) => (without_line(&raised.last_line) != without_line(&line))
            .then(|| format!("{} for {line}", raised.last_line)),
        (Outcome::Ended { code: 0 }, None) if says_nothing => None,
        (outcome, line) => Some(format!("{outcome:?} for {line:?}")),
    })
}

#[test]
fn scripts_give_the_recorded_names() {
    let Some(cage) = cage() else { return };
    if !has(cage, &["numpy", "scipy", "sympy"]) {
        return;
    }
    let (mut run, mut different) = (0, Vec::new());
    let mut files: Vec<_> = std::fs::read_dir(vectors().join("capa")).expect("a folder").flatten().collect();
    files.sort_by_key(std::fs::DirEntry::path);
    for path in files
        .iter()
        .map(std::fs::DirEntry::path)
        .filter(|path| path.extension().is_some_and(|one| one == "json"))
    {
        let Json::Array(cases) = recorded(&path) else { continue };
        for case in cases.iter().filter(|case| case["steps"].is_null()) {
            let Some(difference) = difference(cage, case) else { continue };
            run += 1;
            different.extend(difference.map(|text| format!("{}: {text}", case["id"])));
        }
    }
    assert!(run >= 120, "{run} were run");
    assert!(different.is_empty(), "{} of {run} differ:\n{}", different.len(), different.join("\n"));
}

/// Runs code over recorded answers, which says how many it compared and which differ.
fn compare(code: &str, globals: Json, modules: &[&str]) -> Option<(u64, Vec<Json>)> {
    let cage = cage()?;
    if !has(cage, modules) {
        return None;
    }
    let globals = globals.as_object().expect("an object").clone();
    let run = Run { code, globals, ..Run::default() };
    match cage.run(&run, &limits()).expect("the cage works") {
        Outcome::Done { globals } => Some((
            globals["compared"].as_u64().expect("a number"),
            globals["different"].as_array().expect("a list").clone(),
        )),
        other => panic!("it went through: {other:?}"),
    }
}

#[test]
fn chemistry_is_compared_and_shown_as_recorded() {
    let sections = recorded(&vectors().join("chem.json"))["sections"].clone();
    let code = include_str!("check_chem.py");
    let Some((compared, different)) = compare(code, json!({"sections": sections}), &[]) else { return };
    assert_eq!((compared, different), (156, vec![]));
}

#[test]
fn formulas_are_shown_as_recorded() {
    let cases = recorded(&vectors().join("calc.json"))["sections"]["preview"].clone();
    let Some((compared, different)) =
        compare(include_str!("check_preview.py"), json!({"cases": cases}), &["numpy"])
    else {
        return;
    };
    assert_eq!((compared, different), (85, vec![]));
}

#[test]
fn graders_answer_as_the_python_ones_do() {
    let Some((compared, different)) = compare(include_str!("check_graders.py"), json!({}), &["numpy"]) else {
        return;
    };
    assert!(compared > 50, "{compared} were compared");
    assert_eq!(different, Vec::<Json>::new());
}

#[test]
fn random_streams_are_the_recorded_ones() {
    let streams = recorded(&vectors().join("capa/random2.json"))["streams"].clone();
    let code = include_str!("check_random.py");
    let Some((compared, different)) = compare(code, json!({"streams": streams}), &[]) else { return };
    assert!(compared > 300, "{compared} were compared");
    assert_eq!(different, Vec::<Json>::new());
}

#[test]
fn symbolic_answers_are_graded_as_recorded() {
    let cases = recorded(&vectors().join("capa/symbolicresponse.json"));
    let mut answers = Vec::new();
    for case in cases.as_array().expect("a list") {
        let source = Source::new(FileName::from("problem.xml"), case["xml"].as_str().expect("XML").into());
        let document = Document::parse_text(source, &ParseOptions::default()).expect("a problem");
        let response = document.root.elements().next().expect("a response");
        for submission in case["submissions"].as_array().into_iter().flatten() {
            let form: std::collections::BTreeMap<&str, &Json> = submission["form"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|pair| (pair[0].as_str().expect("a name"), &pair[1]))
                .collect();
            let mark = &submission["correct_map"]["q_2_1"];
            // An empty answer is wrong without being looked at.
            if form["input_q_2_1"] != "" {
                answers.push(json!({
                    "expect": response.get("expect").or_else(|| response.get("answer")),
                    "options": response.get("options"),
                    "given": form["input_q_2_1"],
                    "dynamath": [form.get("input_q_2_1_dynamath")],
                    "ok": mark["correctness"] == "correct",
                    "msg": mark["msg"].as_str().unwrap_or_default(),
                }));
            }
        }
    }
    // The example of the platform's guide for authors, and a name of Python's own; from xblocks-contrib 0.13.1.
    let none = "[symmath_check] failed to get MathML for input; dynamath=[None]";
    let shown = "<p>You entered: [mathjax]a_{b}^{c} + b^{d}_{x}[/mathjax]<br/></p>";
    for (expect, given, ok, msg) in
        [("a_b^c + b_x__d", "a_b^c+b_x__d", true, shown), ("x", "__import__", false, none)]
    {
        answers.push(json!({
            "expect": expect, "options": null, "given": given, "dynamath": [null], "ok": ok, "msg": msg,
        }));
    }
    let Some((compared, different)) =
        compare(include_str!("check_symbolic.py"), json!({"answers": answers}), &["sympy"])
    else {
        return;
    };
    assert_eq!((compared, different), (48, vec![]));
}

/// The calls that grade a problem's own answers, in Python.
fn calls(xml: &str) -> Vec<String> {
    fn collect(element: &Element, out: &mut Vec<String>) {
        if let (true, Some(function)) = (&*element.name == "customresponse", element.get("cfn")) {
            let mut answers = Vec::new();
            collect_answers(element, &mut answers);
            let expect = element.get("expect").or_else(|| element.get("answer"));
            if answers.iter().all(Option::is_none) {
                answers = vec![expect.map(str::to_owned)];
            }
            let attempt = element.get("cfn_extra_args").map_or("", |_| ", attempt=1");
            // Answers with names in them are filled in by the problem.
            if let Some(answers) = answers.into_iter().collect::<Option<Vec<_>>>()
                && !answers.iter().any(|answer| answer.contains('$'))
            {
                let given = if let [one] = &answers[..] { json!(one) } else { json!(answers) };
                let expect = expect.map_or("None".to_owned(), |text| json!(text).to_string());
                out.push(format!("{function}({expect}, {given}{attempt})"));
            }
        }
        element.elements().for_each(|child| collect(child, out));
    }
    fn collect_answers(element: &Element, out: &mut Vec<Option<String>>) {
        for child in element.elements() {
            if ["textline", "formulaequationinput"].contains(&&*child.name) {
                out.push(child.get("correct_answer").map(str::to_owned));
            }
            collect_answers(child, out);
        }
    }
    let source = Source::new(FileName::from("problem.xml"), xml.into());
    let mut out = Vec::new();
    if let Ok(document) = Document::parse_text(source, &ParseOptions::default()) {
        collect(&document.root, &mut out);
    }
    out
}

/// Says whether a mark that a check function gave is full.
fn is_right(mark: &Json) -> bool {
    match mark["input_list"].as_array() {
        Some(inputs) => inputs.iter().all(is_right),
        None => mark["ok"] == true || *mark == true,
    }
}

/// Problems of the library's course that show an answer the library marks wrong in plain Python too.
fn is_wrong_itself(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    ["integral3", "integral4", "list5", "singlelist5", "sum5"].contains(&name)
}

/// A course's library as authors upload it, and the course that uses it; both are only where they were put.
#[test]
fn the_library_of_a_course_is_imported() {
    let Some(cage) = cage() else { return };
    let Some(library) = std::env::var_os("COURSE_LIBRARY") else {
        skip("no course's library is at hand: COURSE_LIBRARY is not set");
        return;
    };
    let course =
        std::env::var_os("COURSE_LIBRARY_PROBLEMS").expect("the folder of the problems that import it");
    let library = std::fs::read(library).expect("the library");
    let (mut run, mut graded, mut failed) = (0, 0, Vec::new());
    for entry in std::fs::read_dir(course).expect("a folder").flatten() {
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        let Some(code) = script(&text).filter(|code| !code.trim().is_empty()) else { continue };
        let files = vec![("python_lib.zip".to_owned(), library.as_slice())];
        let job = Run {
            code: &code,
            seed: Some(1),
            python_path: vec!["python_lib.zip".into()],
            files,
            ..Run::default()
        };
        run += 1;
        match cage.run(&job, &limits()).expect("the cage works") {
            Outcome::Done { .. } => {}
            other => failed.push(format!("{}: {other:?}", entry.path().display())),
        }
        for call in calls(&text) {
            let code = format!("{code}\ncage_mark = {call}\n");
            graded += 1;
            match cage.run(&Run { code: &code, ..job.clone() }, &limits()).expect("the cage works") {
                Outcome::Done { globals } if is_right(&globals["cage_mark"]) => {}
                _ if is_wrong_itself(&entry.path()) => {}
                other => failed.push(format!("{}: {call}: {other:?}", entry.path().display())),
            }
        }
    }
    assert!(run > 0 && graded > 0, "{run} scripts were run and {graded} answers graded");
    assert!(failed.is_empty(), "{} of {run} failed:\n{}", failed.len(), failed.join("\n"));
}
