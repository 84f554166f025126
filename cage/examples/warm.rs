//! Prints how long a run takes in the warm cage: `warm [PYTHON]`.
use std::time::Instant;

use cage::{Cage, CageOptions, Run, RunLimits};

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = CageOptions::default();
    if let Some(python) = std::env::args().nth(1) {
        options.python = python.into();
    }
    let start = Instant::now();
    let cage = Cage::start(options)?;
    println!(
        "started in {:?} with {:?}, Python {}",
        start.elapsed(),
        cage.loaded_modules(),
        cage.python_version()
    );
    for code in [
        "pass",
        "a = calc.evaluator({}, {}, '1+1')",
        "import numpy; a = float(numpy.mean([1, 2]))",
        "import sympy",
        "import scipy.special",
    ] {
        let mut times = Vec::new();
        let mut last = None;
        for _ in 0..50 {
            let start = Instant::now();
            last = Some(cage.run(&Run { code, seed: Some(1), ..Run::default() }, &RunLimits::default())?);
            times.push(start.elapsed());
        }
        times.sort();
        println!("{code:50} median {:?} max {:?} {last:?}", times[25], times[49]);
    }
    Ok(())
}
