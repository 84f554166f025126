//! The values of one loaded block: as first read, as changed since, and which are watched for changes.
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::value::Value;

/// What is known of the value a field had before it was changed.
#[derive(Debug)]
pub(super) enum Baseline {
    /// Set without being read: saved whatever it was.
    ExplicitlySet,
    /// The value as it was first read.
    AsRead,
    /// The value when it was last saved, or read after that.
    Was(Value),
}

#[derive(Debug, Default)]
struct Slot {
    /// The value as it was first read, never touched again.
    read: OnceLock<Value>,
    /// Whether that is still the value, and getting it once more has no effect and needs no lock.
    settled: AtomicBool,
}

/// Values that are no longer what was first read, and fields watched for changes.
#[derive(Debug, Default)]
struct Changes {
    values: Vec<(usize, Value)>,
    /// In the order watching began. Reading a mutable field is enough to watch it.
    tracked: Vec<(usize, Baseline)>,
}

/// The values of one loaded block, by index of the field.
#[derive(Debug)]
pub(super) struct Values {
    slots: Box<[Slot]>,
    changes: Mutex<Changes>,
}

impl Values {
    pub(super) fn new(count: usize) -> Self {
        Self { slots: std::iter::repeat_with(Slot::default).take(count).collect(), changes: Mutex::default() }
    }

    /// Returns a value that was read before and that nothing more is to be done for.
    pub(super) fn settled(&self, index: usize) -> Option<&Value> {
        let slot = &self.slots[index];
        if slot.settled.load(Ordering::Acquire) { slot.read.get() } else { None }
    }

    /// Takes the lock that guards everything but settled values.
    pub(super) fn hold(&self) -> Held<'_> {
        // A caller's closure that panics in `update` leaves a value that is whole, whatever it says.
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        Held { slots: &self.slots, changes }
    }
}

/// The values while they are locked.
pub(super) struct Held<'v> {
    slots: &'v [Slot],
    changes: MutexGuard<'v, Changes>,
}

impl Held<'_> {
    fn changed(&self, index: usize) -> Option<usize> {
        self.changes.values.iter().position(|(changed, _)| *changed == index)
    }

    /// Returns the value, if it was read or set.
    pub(super) fn current(&self, index: usize) -> Option<&Value> {
        match self.changed(index) {
            Some(at) => Some(&self.changes.values[at].1),
            None => self.slots[index].read.get(),
        }
    }

    /// Returns the value to be changed in place; nothing where there is none yet.
    pub(super) fn current_mut(&mut self, index: usize) -> &mut Value {
        let at = match self.changed(index) {
            Some(at) => at,
            None => {
                let value = self.slots[index].read.get().cloned().unwrap_or_default();
                self.begin(index, value)
            }
        };
        &mut self.changes.values[at].1
    }

    /// Takes a value that was just read.
    pub(super) fn fill(&mut self, index: usize, value: Value) {
        if let Err(value) = self.slots[index].read.set(value) {
            self.put(index, value);
        }
    }

    /// Replaces the value.
    pub(super) fn put(&mut self, index: usize, value: Value) {
        match self.changed(index) {
            Some(at) => self.changes.values[at].1 = value,
            None => {
                self.begin(index, value);
            }
        }
    }

    fn begin(&mut self, index: usize, value: Value) -> usize {
        self.slots[index].settled.store(false, Ordering::Release);
        self.changes.values.push((index, value));
        self.changes.values.len() - 1
    }

    /// Says that getting the value once more has no effect; so it is unless it was changed.
    pub(super) fn settle(&self, index: usize) {
        if self.changed(index).is_none() {
            self.slots[index].settled.store(true, Ordering::Release);
        }
    }

    /// Watches a field that was set, if it is not watched already.
    pub(super) fn track_set(&mut self, index: usize) {
        if self.baseline(index).is_none() {
            self.changes.tracked.push((index, Baseline::ExplicitlySet));
        }
    }

    /// Watches a field that was read, if it is not watched already.
    pub(super) fn track_read(&mut self, index: usize) {
        if self.baseline(index).is_none() {
            let baseline = self.present(index);
            self.changes.tracked.push((index, baseline));
        }
    }

    /// Watches a field no longer.
    pub(super) fn forget(&mut self, index: usize) {
        self.changes.tracked.retain(|(tracked, _)| *tracked != index);
    }

    /// The baseline by which changes from now on are seen.
    fn present(&self, index: usize) -> Baseline {
        match self.changed(index) {
            Some(at) => Baseline::Was(self.changes.values[at].1.clone()),
            None => Baseline::AsRead,
        }
    }

    fn baseline(&self, index: usize) -> Option<&Baseline> {
        self.changes.tracked.iter().find(|(tracked, _)| *tracked == index).map(|(_, baseline)| baseline)
    }

    pub(super) fn is_dirty(&self, index: usize) -> bool {
        match self.baseline(index) {
            None => false,
            Some(Baseline::ExplicitlySet) => true,
            Some(Baseline::AsRead) => self
                .changed(index)
                .is_some_and(|at| self.slots[index].read.get() != Some(&self.changes.values[at].1)),
            Some(Baseline::Was(value)) => self.current(index) != Some(value),
        }
    }

    /// Returns the fields watched for changes, in the order watching began.
    pub(super) fn tracked(&self) -> impl Iterator<Item = usize> {
        self.changes.tracked.iter().map(|&(index, _)| index)
    }

    /// Returns the watched fields that have changed.
    pub(super) fn dirty(&self) -> Vec<usize> {
        self.tracked().filter(|&index| self.is_dirty(index)).collect()
    }

    /// Makes the current values of these fields the ones later changes are measured by.
    pub(super) fn reset(&mut self, saved: &[usize]) {
        for at in 0..self.changes.tracked.len() {
            let index = self.changes.tracked[at].0;
            if saved.contains(&index) && self.current(index).is_some() {
                self.changes.tracked[at].1 = self.present(index);
            }
        }
    }
}
