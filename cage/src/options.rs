//! How a cage is built.

use std::path::PathBuf;
use std::time::Duration;

/// What scripts import most, and of our own modules those that hold no random numbers.
const PRELOAD: [&str; 9] = [
    "numpy",
    "numpy.random",
    "calc",
    "calc.preview",
    "chem.chemcalc",
    "chem.chemtools",
    "chem.miller",
    "eia",
    "verifiers.draganddrop",
];

/// What fewer scripts import, and makes a process several times as large.
const PRELOAD_LARGE: [&str; 7] =
    ["scipy", "scipy.integrate", "scipy.linalg", "scipy.optimize", "scipy.special", "sympy", "symbolic"];

/// Which Python a cage runs and how many runs go on at once.
#[derive(Debug, Clone)]
pub struct CageOptions {
    /// The interpreter: a program's path, or a name to be found in `PATH`.
    pub python: PathBuf,
    /// Modules loaded before any run, so that runs need not; those that are not installed are passed over.
    pub preload: Vec<String>,
    /// Large modules, loaded besides for runs whose code names one of them or that bring files of their own.
    pub preload_large: Vec<String>,
    /// How many runs may go on at once; others wait.
    pub parallel: usize,
    /// How many processes wait ready for the next runs.
    pub spares: usize,
    /// How long the caged process may take to start.
    pub start_time: Duration,
    /// How long a run waits for a process that is being started and for a free place, both together.
    pub wait_time: Duration,
    /// How long a failed start counts: a machine may be short of processes for a moment, and starting takes time.
    pub retry_time: Duration,
}

impl Default for CageOptions {
    fn default() -> Self {
        Self {
            python: "python3".into(),
            preload: PRELOAD.map(str::to_owned).to_vec(),
            preload_large: PRELOAD_LARGE.map(str::to_owned).to_vec(),
            parallel: std::thread::available_parallelism().map_or(2, |cores| cores.get() * 2),
            spares: 3,
            start_time: Duration::from_secs(60),
            wait_time: Duration::from_secs(60),
            retry_time: Duration::from_secs(30),
        }
    }
}
