//! Children that are read ahead of their turn, several at a time.
//!
//! Each is read as if it came first in the package. What its tree asked about the names and pointers before it was then
//! answered with "not yet"; where that turns out to be wrong it is read again in its turn. So what comes of it all,
//! remarks and their order included, is the same as without.

use std::num::NonZero;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread::available_parallelism;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::keys::UsageKey;

use super::super::document::Source;
use super::super::element::Element;
use super::super::error::OlxError;
use super::importer::Importer;
use super::options::{Fidelity, Threads};
use super::reading::PointerChildren;

/// How much stack each thread has: one that waits for its children's turn may begin with another section meanwhile, and
/// so on.
const STACK: usize = 16 << 20;

/// The threads, started when they are first needed; none where there is one core or they cannot be had. The thread that
/// asks works too, so there is one less than there are cores.
static POOL: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let others =
        available_parallelism().map_or(0, NonZero::get).checked_sub(1).filter(|others| *others > 0)?;
    let builder = ThreadPoolBuilder::new().num_threads(others).stack_size(STACK);
    builder.thread_name(|number| format!("olx-{number}")).build().ok()
});

/// How deep blocks may stand whose children are read ahead: courses and sections. Below them the work is too small to
/// be divided.
const DEEPEST: usize = 2;

/// A child that was read ahead of its turn.
pub(super) struct Ahead<'p> {
    importer: Importer<'p>,
    result: Result<UsageKey, OlxError>,
}

impl<'p> Importer<'p> {
    /// Returns the threads to read with, where there are several.
    fn pool(&self) -> Option<&'static ThreadPool> {
        let is_asked = self.options.threads == Threads::Many && self.tracer.is_none();
        if is_asked { POOL.as_ref() } else { None }
    }

    /// Does two pieces of work, at the same time where there are several threads. The second must not look for what was
    /// read before; its remarks come last.
    pub(super) fn both<A: Send, B: Send>(
        &mut self,
        first: impl FnOnce(&mut Self) -> Result<A, OlxError> + Send,
        second: impl FnOnce(&mut Self) -> Result<B, OlxError> + Send,
    ) -> Result<(A, B), OlxError> {
        let Some(pool) = self.pool() else { return Ok((first(self)?, second(self)?)) };
        let mut fork = self.fork();
        let mut other = None;
        let first = pool.in_place_scope(|scope| {
            scope.spawn(|_| other = Some(second(&mut fork)));
            first(self)
        });
        let (first, second) = (first?, other.expect("the scope waits for it")?);
        self.diagnostics.append(&mut fork.diagnostics);
        Ok((first, second))
    }

    /// Reads the children at these places of an element ahead, where that pays and makes no difference.
    ///
    /// What comes back is in the same order, or empty where each child is to be read in its turn.
    pub(super) fn read_ahead(
        &self,
        parent: &Element,
        places: &[usize],
        source: &Source,
        pointers: PointerChildren,
    ) -> Vec<Ahead<'p>> {
        let is_possible =
            self.options.fidelity == Fidelity::LoseNothing && self.depth() <= DEEPEST && places.len() > 1;
        let Some(pool) = self.pool().filter(|_| is_possible) else { return Vec::new() };
        let jobs: Vec<_> = places.iter().map(|place| (*place, self.fork())).collect();
        let read = |(place, mut importer): (usize, Self)| {
            let result = importer.element_child(parent, place, source, pointers);
            importer.order();
            Ahead { importer, result }
        };
        do_all(pool, jobs, read)
    }

    /// Takes over what was read ahead, or nothing where it has to be read again.
    pub(super) fn take_over(&mut self, ahead: Ahead<'p>) -> Option<Result<UsageKey, OlxError>> {
        self.join(ahead.importer).then_some(ahead.result)
    }
}

/// Does a piece of work with each of these, at the same time; what comes of it is in their order.
fn do_all<J: Send, R: Send>(pool: &ThreadPool, jobs: Vec<J>, work: impl Fn(J) -> R + Send + Sync) -> Vec<R> {
    if pool.current_thread_index().is_some() {
        return jobs.into_par_iter().with_max_len(1).map(work).collect();
    }
    // A thread that is none of the pool's does what the others have not begun, instead of waiting for them: where other
    // processes want all cores, that can be everything.
    let others = pool.current_num_threads().min(jobs.len() - 1);
    let done = Mutex::new(Vec::with_capacity(jobs.len()));
    let left = Mutex::new(jobs.into_iter().enumerate());
    let take = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work_off = || {
        while let Some((place, job)) = take() {
            let result = work(job);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((place, result));
        }
    };
    pool.in_place_scope(|scope| {
        (0..others).for_each(|_| scope.spawn(|_| work_off()));
        work_off();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}
