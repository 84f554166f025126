//! Prints how long runs take in the warm cage: `warm [PYTHON]`.
//!
//! Paced runs follow one another as learners' clicks do; those in a row begin as the one before ends; eight threads show
//! how many runs a second there are.
use std::time::{Duration, Instant};

use cage::{Cage, CageError, CageOptions, Run, RunLimits};

const CODES: &[&str] = &[
    "pass",
    "import random\na = [random.randint(1, 9) for _ in range(9)]",
    "a = calc.evaluator({}, {}, '1+1')",
    "import numpy; a = float(numpy.mean([1, 2]))",
    "import scipy.special; a = float(scipy.special.gamma(5))",
    "import sympy; a = str(sympy.Symbol('x') + 1)",
];

fn once(cage: &Cage, code: &str) -> Result<Duration, CageError> {
    let start = Instant::now();
    cage.run(&Run { code, seed: Some(1), ..Run::default() }, &RunLimits::default())?;
    Ok(start.elapsed())
}

/// Runs a code a hundred times and returns the median and the slowest.
fn times(cage: &Cage, code: &str, pause: Duration) -> Result<(Duration, Duration), CageError> {
    let mut times = Vec::new();
    for _ in 0..100 {
        std::thread::sleep(pause);
        times.push(once(cage, code)?);
    }
    times.sort();
    Ok((times[50], times[99]))
}

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = CageOptions::default();
    if let Some(python) = std::env::args().nth(1) {
        options.python = python.into();
    }
    let start = Instant::now();
    let cage = Cage::start(options)?;
    cage.start_large()?;
    println!("started in {:?}, Python {}", start.elapsed(), cage.python_version().unwrap_or("unknown"));
    for code in CODES {
        let (paced, slowest_paced) = times(&cage, code, Duration::from_millis(20))?;
        let (row, slowest_row) = times(&cage, code, Duration::ZERO)?;
        let code = code.replace('\n', "; ");
        println!("{code:60} paced {paced:?} (slowest {slowest_paced:?}), in a row {row:?} ({slowest_row:?})");
    }
    let start = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| times(&cage, CODES[1], Duration::ZERO))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no panic").map(|_| ()))
    })?;
    println!("eight threads: {:.0} runs a second", 800.0 / start.elapsed().as_secs_f64());
    Ok(())
}
