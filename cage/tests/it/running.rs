//! What ordinary code does in the cage.

use std::sync::OnceLock;

use cage::{Cage, CageOptions, Outcome, Run, RunLimits};
use serde_json::json;

pub(crate) fn cage() -> &'static Cage {
    static CAGE: OnceLock<Cage> = OnceLock::new();
    CAGE.get_or_init(|| Cage::start(CageOptions::default()).expect("a cage can be built here"))
}

pub(crate) fn run(code: &str) -> Outcome {
    cage().run(&Run { code, seed: Some(1), ..Run::default() }, &RunLimits::default()).expect("the cage works")
}

#[test]
fn code_gives_its_names_back() {
    let Outcome::Done { globals } =
        run("a = 1\nb = [1.5, 'x', None]\ndef f(): pass\nimport math\nc = math.pi")
    else {
        panic!("it went through")
    };
    assert_eq!(json!(globals), json!({"a": 1, "b": [1.5, "x", null], "c": std::f64::consts::PI}));
}

#[test]
fn an_error_names_its_line() {
    let Outcome::Raised(raised) = run("a = 1\nb = a / 0\n") else { panic!("it raised") };
    assert_eq!((raised.line, raised.last_line.as_str()), (Some(2), "ZeroDivisionError: division by zero"));
    let Outcome::Raised(raised) = run("a = 1\n\nb = = 2\n") else { panic!("it raised") };
    assert_eq!((raised.line, raised.error.as_str()), (Some(3), "SyntaxError"));
}
