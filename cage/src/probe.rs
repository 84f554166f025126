//! Tries a new caged process before anything else runs in it.

use crate::error::CageError;
use crate::exchange::run_in;
use crate::limits::RunLimits;
use crate::run::{Outcome, Run};
use crate::zygote::Zygote;

/// Code that tries what must fail, and lists what did not.
const PROBE: &str = include_str!("../python/probe.py");

/// How a run ends that the kernel did not confine, before it ran anything.
const NOT_CONFINED: i32 = 5;

/// Runs the code and looks at its list.
///
/// # Errors
/// [`CageError::Open`] with what got through, or where the code did not run to its end.
pub(crate) fn try_out(zygote: &Zygote) -> Result<(), CageError> {
    let run = Run { code: PROBE, ..Run::default() };
    let outcome = run_in(zygote, &run, &RunLimits::default())?;
    let globals = match &outcome {
        Outcome::Done { globals } => globals,
        Outcome::Ended { code: NOT_CONFINED } => {
            return Err(CageError::missing("system call filters for runs"));
        }
        other => {
            return Err(CageError::Start { reason: format!("the code that tries it came to {other:?}") });
        }
    };
    match globals.get("open_ways").and_then(|ways| ways.as_array()) {
        Some(ways) if ways.is_empty() => Ok(()),
        Some(ways) => {
            let ways: Vec<_> = ways.iter().filter_map(|way| way.as_str()).collect();
            Err(CageError::Open { what: ways.join(", ") })
        }
        None => Err(CageError::Start { reason: "the code that tries it gave no list".into() }),
    }
}
