//! How many runs go on at once, and who is next.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::CageError;

/// How many runs may go on at once; others wait in line.
#[derive(Debug)]
pub(crate) struct Places {
    line: Mutex<Line>,
    moved: Condvar,
}

#[derive(Debug)]
struct Line {
    free: usize,
    next: u64,
    waiting: VecDeque<u64>,
}

impl Places {
    pub(crate) fn new(count: usize) -> Self {
        let line = Line { free: count.max(1), next: 0, waiting: VecDeque::new() };
        Self { line: Mutex::new(line), moved: Condvar::new() }
    }

    /// Takes a place, after all who came before.
    ///
    /// # Errors
    /// [`CageError::Busy`] where there is none for as long as the asker waits.
    pub(crate) fn take(&self, wait: Duration) -> Result<Place<'_>, CageError> {
        let mut line = self.lock();
        let number = line.next;
        line.next += 1;
        line.waiting.push_back(number);
        let is_not_next = |line: &mut Line| line.free == 0 || line.waiting.front() != Some(&number);
        let (mut line, timeout) =
            self.moved.wait_timeout_while(line, wait, is_not_next).unwrap_or_else(PoisonError::into_inner);
        line.waiting.retain(|other| *other != number);
        // Whoever is first in line now may go on.
        self.moved.notify_all();
        if timeout.timed_out() {
            return Err(CageError::Busy { waited: wait, others: line.waiting.len() });
        }
        line.free -= 1;
        Ok(Place(self))
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is taken.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a Places);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().free += 1;
        self.0.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn who_comes_first_goes_first() {
        let (places, order) = (Places::new(1), Mutex::new(Vec::new()));
        let taken = places.take(LONG).expect("it is free");
        std::thread::scope(|scope| {
            for number in 0..64 {
                scope.spawn({
                    let (places, order) = (&places, &order);
                    move || {
                        let place = places.take(LONG).expect("it becomes free");
                        order.lock().expect("no panic").push(number);
                        drop(place);
                    }
                });
                while places.lock().waiting.len() <= number {
                    std::thread::yield_now();
                }
            }
            drop(taken);
        });
        assert_eq!(*order.lock().expect("no panic"), (0..64).collect::<Vec<_>>());
    }

    #[test]
    fn who_waited_long_enough_leaves_the_line() {
        let places = Places::new(2);
        let taken = (places.take(LONG).expect("free"), places.take(LONG).expect("free"));
        let brief = Duration::from_millis(1);
        let error = places.take(brief).expect_err("there is no place");
        assert!(matches!(error, CageError::Busy { waited, others: 0 } if waited == brief), "{error}");
        assert!(places.lock().waiting.is_empty());
        drop(taken);
        assert!(places.take(Duration::ZERO).is_ok());
        assert_eq!(places.lock().free, 2);
    }
}
