//! How many statements and files a test makes or reads, and how far SQLite goes for its answers: a count does not depend on how
//! busy the machine is.
//!
//! Outside the tests of this crate nothing is counted.

#[cfg(test)]
thread_local! {
    static COUNTS: std::cell::Cell<Counts> =
        const { std::cell::Cell::new(Counts { statements: 0, steps: 0, files: 0 }) };
}

/// What was counted in a thread.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) statements: u64,
    /// The operations of SQLite's virtual machine: as many more as there are rows that a statement goes through.
    pub(crate) steps: u64,
    pub(crate) files: u64,
}

/// Counts a statement.
pub(crate) fn statement() {
    #[cfg(test)]
    COUNTS.with(|counts| counts.set(Counts { statements: counts.get().statements + 1, ..counts.get() }));
}

/// Counts the operations that a statement has taken since it was counted last.
pub(crate) fn steps(statement: &rusqlite::Statement<'_>) {
    #[cfg(test)]
    COUNTS.with(|counts| {
        let taken = statement.reset_status(rusqlite::StatementStatus::VmStep);
        let steps = counts.get().steps + u64::try_from(taken).expect("no fewer than none");
        counts.set(Counts { steps, ..counts.get() });
    });
    #[cfg(not(test))]
    let _ = statement;
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
    let counts = Counts {
        statements: after.statements - before.statements,
        steps: after.steps - before.steps,
        files: after.files - before.files,
    };
    (done, counts)
}
