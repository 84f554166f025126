//! What ordinary code does in the cage.

use std::sync::OnceLock;

use cage::{Cage, CageError, CageOptions, Outcome, Run, RunLimits};
use serde_json::json;

/// The project's own virtualenv where it was made, which has NumPy; else any Python.
pub(crate) fn options() -> CageOptions {
    let made = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    let python = std::env::var_os("CAGE_PYTHON").map(Into::into).or_else(|| made.exists().then_some(made));
    CageOptions { python: python.unwrap_or_else(|| "python3".into()), ..CageOptions::default() }
}

/// Says what is not tested here.
#[expect(clippy::print_stderr, reason = "what is not tested must be seen")]
pub(crate) fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}");
}

/// The cage of all tests; none, and a word about it, where this system cannot build one.
pub(crate) fn cage() -> Option<&'static Cage> {
    static CAGE: OnceLock<Option<Cage>> = OnceLock::new();
    let cage = CAGE.get_or_init(|| match Cage::start(options()) {
        Ok(cage) => Some(cage),
        Err(CageError::Missing { feature }) => {
            skip(&format!("the cage cannot be built, this system has no {feature}"));
            None
        }
        Err(error) => panic!("the cage cannot be built: {error}"),
    });
    cage.as_ref()
}

fn run(cage: &Cage, code: &str) -> Outcome {
    cage.run(&Run { code, seed: Some(1), ..Run::default() }, &RunLimits::default()).expect("the cage works")
}

#[test]
fn code_gives_its_names_back() {
    let Some(cage) = cage() else { return };
    let code = "a = 1\nb = [1.5, 'x', None]\ndef f(): pass\nimport math\nc = math.pi\nd = 10 ** 30\ne = (1, {2: b'y'})\nn = float('nan')";
    let Outcome::Done { globals } = run(cage, code) else { panic!("it went through") };
    assert_eq!(
        json!(globals),
        json!({"a": 1, "b": [1.5, "x", null], "c": std::f64::consts::PI,
            "d": {"__int__": "1000000000000000000000000000000"}, "e": [1, {"2": "y"}]})
    );
}

#[test]
fn what_is_nested_too_deep_stays_and_the_rest_comes_back() {
    let Some(cage) = cage() else { return };
    let code = "def deep(n):\n    a = []\n    for _ in range(n): a = [a]\n    return a\na, b, c = deep(100), deep(130), deep(5000)\nd = {'x': deep(119)}\ne = 1";
    let Outcome::Done { globals } = run(cage, code) else { panic!("it went through") };
    assert_eq!(globals.keys().collect::<Vec<_>>(), ["a", "d", "e"]);
}

#[test]
fn names_go_in_and_come_out() {
    let Some(cage) = cage() else { return };
    let globals = json!({"x": 2, "big": {"__int__": "100000000000000000000"}});
    let globals = globals.as_object().expect("an object").clone();
    let run = Run { code: "y = big * x\nx = None", globals, ..Run::default() };
    let Outcome::Done { globals } = cage.run(&run, &RunLimits::default()).expect("the cage works") else {
        panic!("it went through")
    };
    assert_eq!(globals["y"], json!({"__int__": "200000000000000000000"}));
    assert_eq!(globals["x"], json!(null));
}

#[test]
fn an_error_names_its_line() {
    let Some(cage) = cage() else { return };
    let Outcome::Raised(raised) = run(cage, "a = 1\nb = a / 0\n") else { panic!("it raised") };
    assert_eq!((raised.line, raised.last_line.as_str()), (Some(2), "ZeroDivisionError: division by zero"));
    let Outcome::Raised(raised) = run(cage, "a = 1\n\nb = = 2\n") else { panic!("it raised") };
    assert_eq!((raised.line, raised.error.as_str()), (Some(3), "SyntaxError"));
}

#[test]
fn random_numbers_follow_the_seed_as_in_python_2() {
    let Some(cage) = cage() else { return };
    let code = "import random\nfrom random import choice\na = [random.randint(1, 6) for _ in range(4)]\nb = choice('abc')";
    let first = run(cage, code);
    assert_eq!(first, run(cage, code));
    // Recorded from Python: seed 0 gives 6, 5, 3, 2.
    let run = Run { code, seed: Some(0), ..Run::default() };
    let Outcome::Done { globals } = cage.run(&run, &RunLimits::default()).expect("the cage works") else {
        panic!("it went through")
    };
    assert_eq!(globals["a"], json!([6, 5, 3, 2]));
}

#[test]
fn runs_leave_nothing_behind() {
    let Some(cage) = cage() else { return };
    run(cage, "import sys, builtins, math\nbuiltins.left = 1\nmath.pi = 3\nsys.path.append('x')");
    for _ in 0..8 {
        let Outcome::Done { globals } =
            run(cage, "import builtins, math\na = hasattr(builtins, 'left')\nb = math.pi == 3")
        else {
            panic!("it went through")
        };
        assert_eq!(json!(globals), json!({"a": false, "b": false}));
    }
}

#[test]
fn the_modules_of_a_course_are_imported() {
    let Some(cage) = cage() else { return };
    let files = vec![
        ("code/helper.py".to_owned(), b"from part import two\nthree = two + 1\n".as_slice()),
        ("code/part/__init__.py".to_owned(), b"two = 2\n".as_slice()),
    ];
    let run = Run {
        code: "import helper\na = helper.three",
        python_path: vec!["code".into()],
        files,
        ..Run::default()
    };
    let Outcome::Done { globals } = cage.run(&run, &RunLimits::default()).expect("the cage works") else {
        panic!("it went through")
    };
    assert_eq!(globals["a"], json!(3));
}

#[test]
fn many_run_at_once() {
    let Some(cage) = cage() else { return };
    std::thread::scope(|scope| {
        for thread in 0..16 {
            scope.spawn(move || {
                for round in 0..10 {
                    let code = format!("a = {thread} * 1000 + {round}");
                    let Outcome::Done { globals } = run(cage, &code) else { panic!("it went through") };
                    assert_eq!(globals["a"], json!(thread * 1000 + round));
                }
            });
        }
    });
}

#[test]
fn what_cannot_be_an_interpreter_is_said() {
    let options = |python: &str| CageOptions { python: python.into(), ..CageOptions::default() };
    assert!(matches!(Cage::start(options("/no/such/python")), Err(CageError::Interpreter { .. })));
    assert!(matches!(Cage::start(options("/bin/false")), Err(CageError::Interpreter { .. })));
    assert!(matches!(Cage::start(options("/bin/echo")), Err(CageError::Interpreter { .. })));
}
