//! How long work reports where it is, and how it is told to stop.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::CoursewareError;

/// What long work is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Reads OLX.
    ReadPackage,
    /// Reads a context out of a store.
    ReadStore,
    /// Carries an edit out.
    Write,
    /// Compares blocks.
    CompareBlocks,
    /// Compares static files.
    CompareAssets,
    /// Writes OLX.
    WritePackage,
    /// Runs the tests of problems.
    Test,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadPackage => "reading the course",
            Self::ReadStore => "reading the store",
            Self::Write => "writing",
            Self::CompareBlocks => "comparing blocks",
            Self::CompareAssets => "comparing static files",
            Self::WritePackage => "writing the course",
            Self::Test => "testing problems",
        })
    }
}

/// Where long work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What it is busy with.
    pub stage: Stage,
    /// How many things are done.
    pub done: u64,
    /// How many there are, where that is known.
    pub total: Option<u64>,
}

/// The way from long work to its caller and back. The library never draws; the default is silent and never stops.
#[derive(Clone, Copy, Default)]
pub struct Progress<'a> {
    /// Is told of every step.
    pub report: Option<&'a (dyn Fn(Step) + Sync)>,
    /// Once true, the work stops at the next step and leaves everything as it was.
    pub stop: Option<&'a AtomicBool>,
}

impl Progress<'_> {
    /// Reports a step and stops if the caller wants it.
    ///
    /// # Errors
    /// [`CoursewareError::Interrupted`] where the stop flag is set.
    pub fn step(&self, stage: Stage, done: u64, total: Option<u64>) -> Result<(), CoursewareError> {
        if self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(CoursewareError::Interrupted);
        }
        if let Some(report) = self.report {
            report(Step { stage, done, total });
        }
        Ok(())
    }
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("report", &self.report.is_some()).field("stop", &self.stop).finish()
    }
}
