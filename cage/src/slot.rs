//! Where a caged process stands that everybody shares: started in a thread of its own, waited for with a limit.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::CageError;

/// A place for one thing that takes time to start.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    /// How long a failure counts before another start is tried.
    retry: Duration,
}

#[derive(Debug)]
enum State<T> {
    Empty,
    Starting,
    Running(Arc<T>),
    Failed { at: Instant, error: CageError },
}

impl<T: Send + Sync + 'static> Slot<T> {
    pub(crate) fn new(retry: Duration) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State::Empty), changed: Condvar::new(), retry })
    }

    /// Returns what stands here, or what is started now where nothing does, or only what is gone. Whoever asks
    /// meanwhile waits for the same start, and learns of the same failure.
    ///
    /// # Errors
    /// What starting came to; [`CageError::Starting`] where it takes longer than the asker waits. It goes on then.
    pub(crate) fn get(
        self: &Arc<Self>,
        gone: Option<&Arc<T>>,
        wait: Duration,
        start: impl FnOnce() -> Result<T, CageError> + Send + 'static,
    ) -> Result<Arc<T>, CageError> {
        let mut state = self.lock();
        let is_due = match &*state {
            State::Empty => true,
            State::Starting => false,
            State::Running(running) => gone.is_some_and(|gone| Arc::ptr_eq(gone, running)),
            State::Failed { at, .. } => at.elapsed() >= self.retry,
        };
        if is_due {
            let begun = Begun { slot: self.clone(), outcome: None };
            *state = State::Starting;
            std::thread::Builder::new().name("cage-start".into()).spawn(move || begun.end(start())).map_err(
                |error| {
                    *state = State::Empty;
                    CageError::io("starting a thread")(error)
                },
            )?;
        }
        let (state, _) = self
            .changed
            .wait_timeout_while(state, wait, |state| matches!(state, State::Starting))
            .unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Running(running) => Ok(running.clone()),
            State::Failed { error, .. } => Err(error.again()),
            State::Starting | State::Empty => Err(CageError::Starting { waited: wait }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A start that goes on; whatever becomes of it, nobody waits for it in vain.
struct Begun<T> {
    slot: Arc<Slot<T>>,
    outcome: Option<Result<T, CageError>>,
}

impl<T> Begun<T> {
    fn end(mut self, outcome: Result<T, CageError>) {
        self.outcome = Some(outcome);
    }
}

impl<T> Drop for Begun<T> {
    fn drop(&mut self) {
        let failed = || Err(CageError::Start { reason: "the starting thread failed".into() });
        let next = match self.outcome.take().unwrap_or_else(failed) {
            Ok(running) => State::Running(Arc::new(running)),
            Err(error) => State::Failed { at: Instant::now(), error },
        };
        *self.slot.state.lock().unwrap_or_else(PoisonError::into_inner) = next;
        self.slot.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn fail() -> Result<u8, CageError> {
        Err(CageError::Start { reason: "no".into() })
    }

    #[test]
    fn all_who_wait_share_one_start() {
        let (slot, starts) = (Slot::new(LONG), Arc::new(AtomicU32::new(0)));
        for outcome in [Some(7), None] {
            let slot = if outcome.is_some() { slot.clone() } else { Slot::new(LONG) };
            starts.store(0, Ordering::SeqCst);
            std::thread::scope(|scope| {
                for _ in 0..64 {
                    let (slot, starts) = (&slot, starts.clone());
                    scope.spawn(move || {
                        let got = slot.get(None, LONG, move || {
                            starts.fetch_add(1, Ordering::SeqCst);
                            std::thread::sleep(Duration::from_millis(50));
                            outcome.map_or_else(fail, Ok)
                        });
                        assert_eq!(got.ok().map(|got| *got), outcome);
                    });
                }
            });
            assert_eq!(starts.load(Ordering::SeqCst), 1);
        }
    }

    #[test]
    fn nobody_waits_longer_than_they_want_and_the_start_goes_on() {
        let slot = Slot::new(LONG);
        let (go, wait) = mpsc::channel::<()>();
        let begin = move || {
            let _ = wait.recv();
            Ok(7)
        };
        let brief = Duration::from_millis(1);
        assert!(
            matches!(slot.get(None, brief, begin), Err(CageError::Starting { waited }) if waited == brief)
        );
        assert!(matches!(slot.get(None, brief, fail), Err(CageError::Starting { .. })));
        go.send(()).expect("somebody waits");
        assert_eq!(*slot.get(None, LONG, fail).expect("it is there"), 7);
    }

    #[test]
    fn a_failure_counts_for_a_while() {
        let slot = Slot::new(LONG);
        assert!(slot.get(None, LONG, fail).is_err());
        assert!(slot.get(None, LONG, || Ok(7)).is_err());
        let slot = Slot::new(Duration::ZERO);
        assert!(slot.get(None, LONG, fail).is_err());
        assert_eq!(*slot.get(None, LONG, || Ok(7)).expect("it was due"), 7);
        let crash = || -> Result<u8, CageError> { panic!("on purpose") };
        let slot = Slot::new(Duration::ZERO);
        assert!(matches!(slot.get(None, LONG, crash), Err(CageError::Start { .. })));
    }

    #[test]
    fn what_is_gone_is_started_again_once() {
        let slot = Slot::new(LONG);
        let first = slot.get(None, LONG, || Ok(1)).expect("it starts");
        let second = slot.get(Some(&first), LONG, || Ok(2)).expect("it starts");
        // Another who had the first finds the second.
        let third = slot.get(Some(&first), LONG, || Ok(3)).expect("it runs");
        assert_eq!((*second, *third), (2, 2));
    }
}
