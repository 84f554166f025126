//! How many statements and files a test makes or reads: a count does not depend on how busy the machine is.
//!
//! Outside the tests of this crate nothing is counted.

#[cfg(test)]
thread_local! {
    static COUNTS: std::cell::Cell<Counts> = const { std::cell::Cell::new(Counts { statements: 0, files: 0 }) };
}

/// What was counted in a thread.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) statements: u64,
    pub(crate) files: u64,
}

/// Counts a statement.
pub(crate) fn statement() {
    #[cfg(test)]
    COUNTS.with(|counts| counts.set(Counts { statements: counts.get().statements + 1, ..counts.get() }));
}

/// Counts a file that is opened to be read.
pub(crate) fn file() {
    #[cfg(test)]
    COUNTS.with(|counts| counts.set(Counts { files: counts.get().files + 1, ..counts.get() }));
}

/// Counts what a job takes.
#[cfg(test)]
pub(crate) fn of<T>(job: impl FnOnce() -> T) -> (T, Counts) {
    let before = COUNTS.with(std::cell::Cell::get);
    let done = job();
    let after = COUNTS.with(std::cell::Cell::get);
    let counts =
        Counts { statements: after.statements - before.statements, files: after.files - before.files };
    (done, counts)
}
