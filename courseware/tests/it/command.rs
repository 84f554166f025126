//! Runs the real command.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The sample course and its key.
pub(crate) const TIDES: &str = "course-v1:Harbour+TIDES1+2026_T1";

pub(crate) fn tides() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/courses/tides")
}

/// A block of the sample course.
pub(crate) fn block(block_type: &str, id: &str) -> String {
    format!("block-v1:Harbour+TIDES1+2026_T1+type@{block_type}+block@{id}")
}

/// What a run of the command gave.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Returns the result as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_courseware"))
}

pub(crate) fn courseware<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ran {
    command().args(arguments).output().unwrap().into()
}

/// The URLs of one store of each lasting kind, below a directory.
pub(crate) fn stores(directory: &Path) -> [String; 2] {
    let at = |name: &str| directory.join(name).display().to_string();
    [format!("blockstore:{}", at("bundles")), format!("modulestore:{}", at("split.db"))]
}

/// Imports the sample course.
#[track_caller]
pub(crate) fn import_tides(store: &str) -> Value {
    let course = tides();
    courseware(["import", course.to_str().unwrap(), "--store", store, "--json"]).exits(0).json()
}
