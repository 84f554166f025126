//! Children that are read ahead of their turn, several at a time.
//!
//! Each is read as if it came first in the package. What its tree asked about the names and pointers before it was then
//! answered with "not yet"; where that turns out to be wrong it is read again in its turn. So what comes of it all,
//! remarks and their order included, is the same as without.

use std::array;
use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::keys::UsageKey;

use super::super::document::Source;
use super::super::element::Element;
use super::super::error::OlxError;
use super::importer::Importer;
use super::options::{Fidelity, Threads};
use super::reading::PointerChildren;

/// The threads, started when they are first needed; none where there is one core or they cannot be had. The thread that
/// asks works too, so there is one less than there are cores.
static POOL: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let others =
        available_parallelism().map_or(0, NonZero::get).checked_sub(1).filter(|others| *others > 0)?;
    let builder = ThreadPoolBuilder::new().num_threads(others).stack_size(STACK);
    builder.thread_name(|number| format!("olx-{number}")).build().ok()
});

/// How much stack each thread has: whoever waits for a child may read another below it meanwhile.
const STACK: usize = 16 << 20;

/// How deep blocks may stand whose children are read ahead: courses, sections and subsections.
const DEEPEST: usize = 3;

/// How deep blocks may stand whose children are always read ahead. Below them, what one thread does by itself is done
/// sooner, and is only divided while others have nothing to do.
const ALWAYS: usize = 2;

/// How long a thread without work sleeps before it looks for other work of the pool.
const PATIENCE: Duration = Duration::from_millis(1);

/// How often a thread without work looks whether something changed before it sleeps: some tens of microseconds, as it takes
/// to be woken.
const LOOKS: usize = 1000;

/// A child that was read ahead of its turn.
pub(super) struct Ahead<'p> {
    importer: Importer<'p>,
    result: Result<UsageKey, OlxError>,
}

/// Where the outcome of a job comes.
struct Slot<'p>(Mutex<Progress<'p>>);

enum Progress<'p> {
    Open,
    Done(Box<Ahead<'p>>),
    /// There will be none: nobody will read it, its thread panicked, or the outcome was taken.
    Over,
}

/// One child to be read.
struct Job<'p> {
    importer: Importer<'p>,
    parent: Arc<Element>,
    place: usize,
    source: Source,
    pointers: PointerChildren,
    promise: Promise<'p>,
}

/// The duty to put an outcome into a slot, or else to say that there will be none.
struct Promise<'p>(Arc<Slot<'p>>);

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        let mut progress = lock(&self.0.0);
        if matches!(*progress, Progress::Open) {
            *progress = Progress::Over;
        }
    }
}

/// The children of a block that are read ahead, in their order.
pub(super) struct Children<'p> {
    slots: std::vec::IntoIter<Arc<Slot<'p>>>,
    depth: usize,
}

/// The children that nobody has begun to read, by how deep their parents stand.
pub(super) struct Queue<'p> {
    jobs: Mutex<Jobs<'p>>,
    /// Told whenever a job comes or is done, and when none will come.
    changed: Condvar,
    /// How often something changed.
    changes: AtomicUsize,
    /// How many threads wait for a change, and how many of these sleep.
    waiting: AtomicUsize,
    sleeping: AtomicUsize,
}

struct Jobs<'p> {
    by_depth: [VecDeque<Job<'p>>; DEEPEST + 1],
    is_closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'p> Jobs<'p> {
    /// Takes the job that stands deepest, and no higher than this.
    fn take(&mut self, highest: usize) -> Option<Job<'p>> {
        self.by_depth[highest..].iter_mut().rev().find_map(VecDeque::pop_front)
    }
}

impl<'p> Queue<'p> {
    fn new() -> Self {
        let jobs = Jobs { by_depth: array::from_fn(|_| VecDeque::new()), is_closed: false };
        let [changes, waiting, sleeping] = array::from_fn(|_| AtomicUsize::new(0));
        Self { jobs: Mutex::new(jobs), changed: Condvar::new(), changes, waiting, sleeping }
    }

    /// Waits until something changes, or for a while.
    fn wait<'g>(&'g self, jobs: MutexGuard<'g, Jobs<'p>>) -> MutexGuard<'g, Jobs<'p>> {
        let known = self.changes.load(Ordering::Acquire);
        let is_same = || self.changes.load(Ordering::Acquire) == known;
        drop(jobs);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let stayed = (0..LOOKS).all(|_| {
            std::hint::spin_loop();
            is_same()
        });
        let mut jobs = lock(&self.jobs);
        if stayed && is_same() {
            self.sleeping.fetch_add(1, Ordering::Relaxed);
            let waited = self.changed.wait_timeout(jobs, PATIENCE);
            self.sleeping.fetch_sub(1, Ordering::Relaxed);
            jobs = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        jobs
    }

    /// Says that something changed to those that wait; `jobs` is held while it does.
    fn tell(&self, change: impl FnOnce(&mut Jobs<'p>)) {
        let mut jobs = lock(&self.jobs);
        change(&mut jobs);
        self.changes.fetch_add(1, Ordering::Release);
        let is_heard = self.sleeping.load(Ordering::Relaxed) > 0;
        drop(jobs);
        if is_heard {
            self.changed.notify_all();
        }
    }

    /// Says whether a thread waits for work.
    fn is_hungry(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Reads what is there to be read until nothing will come.
    fn work(&self) {
        loop {
            let mut jobs = lock(&self.jobs);
            match jobs.take(0) {
                Some(job) => {
                    drop(jobs);
                    self.run(job);
                }
                None if jobs.is_closed => return,
                None => {
                    jobs = self.wait(jobs);
                    let is_idle = !jobs.is_closed && jobs.by_depth.iter().all(VecDeque::is_empty);
                    drop(jobs);
                    if is_idle {
                        // Another package may be waiting for this thread.
                        rayon::yield_now();
                    }
                }
            }
        }
    }

    fn run(&self, job: Job<'p>) {
        let Job { mut importer, parent, place, source, pointers, promise } = job;
        let result = importer.element_child(&parent, place, &source, pointers);
        *lock(&promise.0.0) = Progress::Done(Box::new(Ahead { importer, result }));
        self.tell(|_| ());
    }

    fn add(&self, depth: usize, jobs: impl Iterator<Item = Job<'p>>) {
        self.tell(|all| all.by_depth[depth].extend(jobs));
    }

    /// Waits for an outcome; reads other children meanwhile, but none that stands higher, so that no more than a few
    /// wait for each other on one stack.
    fn outcome(&self, slot: &Slot<'p>, depth: usize) -> Option<Ahead<'p>> {
        let mut jobs = lock(&self.jobs);
        loop {
            let mut progress = lock(&slot.0);
            if !matches!(*progress, Progress::Open) {
                return match std::mem::replace(&mut *progress, Progress::Over) {
                    Progress::Done(ahead) => Some(*ahead),
                    Progress::Open | Progress::Over => None,
                };
            }
            drop(progress);
            jobs = match jobs.take(depth) {
                Some(job) => {
                    drop(jobs);
                    self.run(job);
                    lock(&self.jobs)
                }
                None => self.wait(jobs),
            };
        }
    }
}

/// Sends the threads away that help with a queue.
struct Closing<'q, 'p>(&'q Queue<'p>);

impl Drop for Closing<'_, '_> {
    fn drop(&mut self) {
        self.0.tell(|jobs| {
            jobs.is_closed = true;
            // What is left will not be asked for.
            jobs.by_depth.iter_mut().for_each(VecDeque::clear);
        });
    }
}

/// Does something with a queue that all threads of a pool help with.
pub(super) fn with_help<'p, R>(pool: &ThreadPool, read: impl FnOnce(Arc<Queue<'p>>) -> R) -> R {
    let queue = Arc::new(Queue::new());
    let result = pool.in_place_scope(|scope| {
        let _closing = Closing(&queue);
        for _ in 0..pool.current_num_threads() {
            scope.spawn(|_| queue.work());
        }
        read(queue.clone())
    });
    // Jobs that came after the closing hold the queue, and the queue holds them.
    lock(&queue.jobs).by_depth.iter_mut().for_each(VecDeque::clear);
    result
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

    /// Returns threads that can help to read so many children of a block, where that makes no difference and none help
    /// yet.
    pub(super) fn helpers(&self, count: usize) -> Option<&'static ThreadPool> {
        let is_possible = self.options.fidelity == Fidelity::LoseNothing && self.depth() <= ALWAYS;
        if is_possible && count > 1 && self.queue.is_none() { self.pool() } else { None }
    }

    /// Begins to read the children at these places of an element ahead, where that pays and makes no difference.
    pub(super) fn read_ahead(
        &self,
        parent: &Element,
        places: &[usize],
        source: &Source,
        pointers: PointerChildren,
    ) -> Option<Children<'p>> {
        let depth = self.depth();
        let queue = self.queue.as_ref().filter(|_| depth <= DEEPEST && places.len() > 1)?;
        if depth > ALWAYS && !queue.is_hungry() {
            return None;
        }
        // The jobs may outlive neither the package nor its readers, but they do outlive a borrowed element.
        let parent = Arc::new(parent.clone());
        let slots: Vec<_> = places.iter().map(|_| Arc::new(Slot(Mutex::new(Progress::Open)))).collect();
        let jobs = places.iter().zip(&slots).map(|(place, slot)| Job {
            importer: self.fork(),
            parent: parent.clone(),
            place: *place,
            source: source.clone(),
            pointers,
            promise: Promise(slot.clone()),
        });
        queue.add(depth, jobs);
        Some(Children { slots: slots.into_iter(), depth })
    }

    /// Takes over the next of the children that are read ahead; nothing where it has to be read in its turn.
    pub(super) fn take_over(&mut self, children: &mut Children<'p>) -> Option<Result<UsageKey, OlxError>> {
        let slot = children.slots.next()?;
        let queue = self.queue.clone()?;
        let Ahead { importer, result } = queue.outcome(&slot, children.depth)?;
        self.join(importer).then_some(result)
    }
}
