//! Where the command writes: results on standard output, errors and progress on standard error.

use std::error::Error;
use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use courseware::{Progress, Stage, Step};
use serde::Serialize;
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use xblock_core::runtime::RuntimeError;

use super::exit::{CommandError, Exit};

/// How often a terminal sees progress.
const REDRAW: Duration = Duration::from_millis(100);
/// How long nothing has to happen before that is told.
const QUIET: Duration = Duration::from_secs(5);

/// The command's two outputs.
pub(crate) struct Console {
    /// Whether the result is one JSON document.
    pub(crate) json: bool,
    progress: bool,
    out: BufWriter<Stdout>,
    /// Whether the one document was written.
    documented: bool,
}

impl Console {
    pub(crate) fn new(json: bool, progress: bool) -> Self {
        Self { json, progress, out: BufWriter::new(io::stdout()), documented: false }
    }

    /// Writes one line of the result.
    pub(crate) fn line(&mut self, line: impl fmt::Display) -> Result<(), CommandError> {
        writeln!(self.out, "{line}").map_err(CommandError::Output)
    }

    /// Writes the result as JSON.
    pub(crate) fn document(&mut self, document: &impl Serialize) -> Result<(), CommandError> {
        self.documented = true;
        serde_json::to_writer_pretty(&mut self.out, document)
            .map_err(|error| CommandError::Output(error.into()))?;
        self.line("")
    }

    /// Writes out what is buffered.
    pub(crate) fn flush(&mut self) -> Result<(), CommandError> {
        self.out.flush().map_err(CommandError::Output)
    }

    /// Writes a remark for the person at the terminal.
    pub(crate) fn remark(&self, remark: impl fmt::Display) {
        // Nobody is left to hear that standard error is closed.
        let _ = writeln!(io::stderr(), "{remark}");
    }

    /// Ends a list in which something could not be read: names all of it, and fails where there is any.
    pub(crate) fn damage(
        &self,
        damaged: impl IntoIterator<Item = RuntimeError>,
    ) -> Result<Exit, CommandError> {
        let mut damaged = damaged.into_iter().peekable();
        while let Some(error) = damaged.next() {
            if damaged.peek().is_none() {
                return Err(error.into());
            }
            self.remark(format_args!("error: {error}"));
        }
        Ok(Exit::Done)
    }

    /// Writes an error with its causes; where JSON is wanted also as the document, unless there was one before.
    pub(crate) fn error(&mut self, error: &CommandError) {
        let causes = causes(error);
        if self.json && !self.documented {
            let code = error.exit_code().name();
            let document = json!({ "code": code, "message": error.to_string(), "causes": causes });
            // An output that fails now has nobody left to tell.
            let _ = self.document(&json!({ "error": document })).and_then(|()| self.flush());
        }
        let mut text = format!("error: {error}");
        for cause in causes {
            text.push_str("\n  because: ");
            text.push_str(&cause);
        }
        self.remark(text);
    }

    /// Runs long work: draws its progress where somebody wants to see it, and stops it at an interrupt.
    pub(crate) fn watch<T>(&self, work: impl FnOnce(Progress<'_>) -> T) -> Result<T, CommandError> {
        let stop = stop_flag()?;
        let terminal = io::stderr().is_terminal();
        let now = Instant::now();
        let meter = Meter { terminal, drawn: Mutex::new(Drawn { stage: None, at: now, step: now }) };
        let draw = |step| meter.draw(step);
        let mut progress = Progress { stop: Some(&stop), ..Progress::default() };
        if !terminal && !self.progress {
            return Ok(work(progress));
        }
        progress.report = Some(&draw);
        let over = Over::default();
        Ok(thread::scope(|scope| {
            scope.spawn(|| over.every(QUIET, || meter.draw_waiting()));
            let _over = Ending(&over);
            work(progress)
        }))
    }
}

/// Says that work is over.
#[derive(Default)]
struct Over {
    is_over: Mutex<bool>,
    told: Condvar,
}

impl Over {
    /// Does something again and again until work is over.
    fn every(&self, pause: Duration, mut tell: impl FnMut()) {
        let mut is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        while !*is_over {
            let waited = self.told.wait_timeout(is_over, pause).unwrap_or_else(PoisonError::into_inner);
            is_over = waited.0;
            if waited.1.timed_out() && !*is_over {
                tell();
            }
        }
    }
}

/// Ends the telling, however work ends.
struct Ending<'o>(&'o Over);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        *self.0.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.told.notify_all();
    }
}

/// Lists the causes of an error in words, each once.
fn causes(error: &CommandError) -> Vec<String> {
    let mut causes = Vec::new();
    let mut shown = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // Some errors name their cause in their own text.
        if !shown.contains(&words) {
            causes.push(words.clone());
            shown = words;
        }
        cause = error.source();
    }
    causes
}

/// Draws progress: one changing line on a terminal, a line at the ends of each stage elsewhere; and how long nothing has
/// happened, as where another's lock or unfinished work is waited for.
struct Meter {
    terminal: bool,
    drawn: Mutex<Drawn>,
}

struct Drawn {
    stage: Option<Stage>,
    /// When something was drawn.
    at: Instant,
    /// When something happened.
    step: Instant,
}

impl Meter {
    fn draw(&self, step: Step) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.step = Instant::now();
        let is_end = drawn.stage != Some(step.stage) || step.total == Some(step.done);
        if !is_end && (!self.terminal || drawn.at.elapsed() < REDRAW) {
            return;
        }
        *drawn = Drawn { stage: Some(step.stage), at: drawn.step, step: drawn.step };
        let text = match step.total {
            Some(total) => format!("{}: {} of {total}", step.stage, step.done),
            None => step.stage.to_string(),
        };
        self.write(&text);
    }

    fn draw_waiting(&self) {
        let drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = drawn.waiting(Instant::now()) {
            self.write(&text);
        }
    }

    fn write(&self, text: &str) {
        let mut stderr = io::stderr();
        // Progress nobody can see is no reason to stop.
        let _ = if self.terminal {
            write!(stderr, "\r\x1b[2K{text}").and_then(|()| stderr.flush())
        } else {
            writeln!(stderr, "{text}")
        };
    }
}

impl Drawn {
    /// Says how long nothing has happened, where that is long.
    fn waiting(&self, now: Instant) -> Option<String> {
        let waited = now.saturating_duration_since(self.step);
        let stage = self.stage.filter(|_| waited >= QUIET)?;
        Some(format!("{stage}: no news for {} s", waited.as_secs()))
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.terminal && self.drawn.get_mut().is_ok_and(|drawn| drawn.stage.is_some()) {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}

/// Sets a flag at the first interrupt, so that work ends in good order, and ends the process at the second.
fn stop_flag() -> Result<Arc<AtomicBool>, CommandError> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, Exit::Interrupted as i32, stop.clone())
            .map_err(CommandError::Signals)?;
        flag::register(signal, stop.clone()).map_err(CommandError::Signals)?;
    }
    Ok(stop)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn waiting_is_told_when_it_is_long() {
        let step = Instant::now();
        let drawn = |stage| Drawn { stage, at: step, step };
        let after = |seconds| step + Duration::from_secs(seconds);
        assert_eq!(drawn(Some(Stage::Write)).waiting(after(4)), None);
        assert_eq!(
            drawn(Some(Stage::Write)).waiting(after(61)).as_deref(),
            Some("writing: no news for 61 s")
        );
        assert_eq!(drawn(None).waiting(after(61)), None);
    }

    #[test]
    fn telling_ends_with_the_work() {
        let (over, told) = (Over::default(), AtomicUsize::new(0));
        thread::scope(|scope| {
            scope.spawn(|| {
                over.every(Duration::from_millis(1), || {
                    told.fetch_add(1, Ordering::SeqCst);
                })
            });
            let _over = Ending(&over);
            while told.load(Ordering::SeqCst) < 3 {
                thread::yield_now();
            }
        });
        assert!(told.load(Ordering::SeqCst) >= 3);
    }
}
