//! The modules that scripts import: the same answers as recorded from Python's.

use std::path::PathBuf;

use cage::{Outcome, Run, RunLimits};
use serde_json::{Map, Value as Json};

use crate::running::cage;

/// Compares every recorded formula with what `calc.evaluator` gives, and lists the differences.
const CHECK_CALC: &str = include_str!("check_calc.py");

fn recorded(name: &str) -> Json {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(name);
    serde_json::from_slice(&std::fs::read(path).expect("recorded answers")).expect("JSON")
}

#[test]
fn formulas_have_the_values_that_were_recorded() {
    let Some(cage) = cage() else { return };
    if !cage.loaded_modules().iter().any(|name| name == "numpy") {
        crate::running::skip("this Python has no NumPy, which `calc` needs");
        return;
    }
    let sections = recorded("calc.json")["sections"].clone();
    let globals = Map::from_iter([("sections".to_owned(), sections)]);
    let run = Run { code: CHECK_CALC, globals, ..Run::default() };
    let Outcome::Done { globals } = cage.run(&run, &RunLimits::default()).expect("the cage works") else {
        panic!("it went through")
    };
    assert!(globals["compared"].as_u64() > Some(600), "{} were compared", globals["compared"]);
    let different = globals["different"].as_array().expect("a list");
    // NumPy's own answer to this one differs with its version.
    assert!(different.iter().all(|expression| expression == "arctan(i)"), "{different:?}");
}
