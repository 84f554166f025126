//! Imports, publishes, compares, exports and serves courseware.
//!
//! - [`StoreUrl`] names a store and opens it; [`SqliteStore`] keeps what learners do. [`MixedRuntime`] is several stores
//!   behind one another, [`ReadOnlyRuntime`] one that only imports may change.
//! - [`DirectorySource`] and [`ArchiveSource`] read a course package, [`DirectorySink`] and [`ArchiveSink`] write one.
//! - [`import`] makes a package one edit of a store, [`export`] makes a context a package.
//! - [`format()`] gives the files of a package their canonical layout.
//! - [`test_course`] runs the tests that authors wrote into problems, whose scripts run in [`AuthorCode`].
//! - [`check()`] says what is wrong with a package without putting it into a store.
//! - [`publish`] brings a context's draft to learners, there and in another store; [`compare`] proves that two stores hold
//!   the same; [`diff()`] tells what changed from one course to another; [`Tree`] shows what hangs below what.
//! - [`mod@serve`] shows a store's courses on a local web page.
//! - [`command`] is the command `courseware`, for programs that run it with blocks of their own.
//! - Long work reports through [`Progress`] and can be stopped; nothing here prints.

// The subcommands use this library by its name, as any other program does.
extern crate self as courseware;

mod author_code;
mod block_files;
mod branch_content;
mod check;
mod clock;
pub mod command;
mod compare;
mod course_tests;
mod dead_store;
mod description;
mod diff;
mod dump_loading;
mod edit_steps;
mod error;
mod export;
mod format;
mod forward;
mod import;
mod learner_state;
mod mixed;
mod opening;
mod origin;
mod package;
mod page;
mod problem_files;
mod problems;
mod progress;
mod publish;
mod read_only;
pub mod serve;
mod sides;
mod steady;
mod store_url;
mod submission;
mod tree;

pub use author_code::{AuthorCode, ScriptEngine};
pub use block_files::BlockFileLeftOut;
pub use branch_content::{AssetContent, BranchContent};
pub use check::{
    CheckCounts, CheckFilter, CheckReport, check, check_context, check_directory, check_refusal,
    diagnostic_codes, sarif,
};
pub use clock::SystemClock;
pub use compare::{CompareOptions, Comparison, Difference, compare};
pub use course_tests::{
    CourseTestOptions, CourseTestReport, ProblemTests, TestFailure, TestKind, TestRun, test_course,
};
pub use description::{BlockDescription, FieldDescription, Origin};
pub use diff::{
    AddressError, AsidesDiff, AssetMetadataDiff, BlockDiff, BlockKind, ChildDiff, ChildOp, Colour,
    CourseAddress, CourseContent, CourseDiff, DiffCounts, FieldDiff, FieldState, FileDiff, FileKind,
    FileState, Move, Place, RecordKind, SideDescription, StateContent, StateName, StateOnlyIn, TextOptions,
    TypeCounts, diff, write_stat, write_text,
};
pub use edit_steps::{ChangeCounts, EditSteps};
pub use error::CoursewareError;
pub use export::{ExportForm, ExportOptions, ExportOutcome, ExportReport, export};
pub use format::{FormatMode, FormatReport, format};
pub use import::{ImportOptions, ImportOutcome, ImportReport, OnErrors, PreparedImport, import};
pub use learner_state::SqliteStore;
pub use mixed::{MixedRuntime, SiteError};
pub use opening::{OpenMode, StoreError};
pub use package::{
    ArchiveLimits, ArchiveSink, ArchiveSource, DirectorySink, DirectorySource, Overwrite, PackageError,
    open_package,
};
pub use page::standalone_page;
pub use problems::{ProblemCheck, check_problem, check_problems};
pub use progress::{Progress, Stage, Step};
pub use publish::{DamagedBlock, PublishOptions, PublishReport, publish, publish_draft};
pub use read_only::ReadOnlyRuntime;
pub use sides::{FieldPlace, Side};
pub use store_url::{StoreUrl, StoreUrlError};
pub use submission::{Submission, submit, submit_json};
pub use tree::{Tree, TreeNode};
