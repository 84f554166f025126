//! Errors of the command and the exit codes they and other outcomes have.

use std::path::PathBuf;
use std::process::ExitCode;

use blocks::problem::markdown::{MarkdownError, NotMarkdown};
use blocks::problem::{GradeError, LoadError};
use courseware::{CoursewareError, PackageError, StoreError};
use runtime_blockstore::{BlockstoreError, ContextError};
use xblock_core::block::{BlockError, RegistryError};
use xblock_core::fields::FieldError;
use xblock_core::keys::KeyError;
use xblock_core::olx::OlxError;
use xblock_core::runtime::RuntimeError;

/// How the command ends; `docs/courseware.md` lists the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    No = 1,
    Usage = 2,
    NotFound = 3,
    Failed = 4,
    Conflict = 5,
    Interrupted = 130,
}

impl Exit {
    /// Returns the word for it in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::No => "refused",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Failed => "failed",
            Self::Conflict => "conflict",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the command could not do what it was told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Courseware(CoursewareError),
    #[error(transparent)]
    Refused(CoursewareError),
    #[error("cannot write the output")]
    Output(#[source] std::io::Error),
    #[error("cannot watch for interrupts")]
    Signals(#[source] std::io::Error),
    #[error("{text:?} is no answer; an answer is NAME=VALUE, such as input_p1_2_1=choice_2")]
    BadAnswer { text: String },
    #[error("the answers cannot be read: {reason}")]
    BadAnswers { reason: String },
    #[error("the problem has no input {id}; it has {known}")]
    NoSuchInput { id: String, known: String },
    #[error("{id:?} cannot be a problem's id")]
    BadProblemId {
        id: String,
        #[source]
        source: KeyError,
    },
    #[error("{} is no JSON", path.display())]
    NoJson {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("{}: the problem cannot be put together: {}", path.display(), error.author_message())]
    ProblemLoad { path: PathBuf, error: LoadError },
    #[error("the answers were not graded: {}", .0.author_message())]
    Grade(GradeError),
    #[error("{name} is no problem of the course, or has no tests")]
    NoTests { name: String },
    #[error("the text cannot be converted")]
    Markdown(#[source] MarkdownError),
    #[error("the problem cannot be converted")]
    NotMarkdown(#[source] NotMarkdown),
    #[error("{name} does not say which course; the store has {}", if *more == 0 { "none" } else { "several" })]
    WhichCourse { name: String, more: usize },
    #[error("{text:?} is no key of a course or library")]
    BadKey {
        text: String,
        #[source]
        source: KeyError,
    },
    #[error("{name} must have {least} bytes at least: whoever guesses it reads every static file")]
    ShortSecret { name: &'static str, least: usize },
    #[error("cannot start the server's threads")]
    Threads(#[source] std::io::Error),
    #[error("the block types cannot be set up")]
    Registry(#[source] RegistryError),
    #[error("no block type {block_type} is known")]
    NoSuchType { block_type: String },
    #[error("a block type declares its fields wrongly")]
    Schema {
        #[source]
        source: FieldError,
    },
}

impl CommandError {
    /// Makes a "no" of a package that was read and cannot be imported; other errors stay what they are.
    pub(crate) fn refused(error: CoursewareError) -> Self {
        let is_refusal = match &error {
            CoursewareError::Package(error) => !matches!(
                error,
                PackageError::NotFound { .. }
                    | PackageError::Damaged { .. }
                    | PackageError::TargetTaken { .. }
                    | PackageError::Io { .. }
            ),
            CoursewareError::Olx(error) => !matches!(error, OlxError::Source { .. }),
            _ => false,
        };
        if is_refusal { Self::Refused(error) } else { Self::Courseware(error) }
    }

    /// Sorts every situation into one of the documented codes.
    pub(crate) fn exit_code(&self) -> Exit {
        match self {
            Self::Courseware(error) => code_of(error),
            Self::Refused(_) => Exit::No,
            Self::Output(_)
            | Self::Signals(_)
            | Self::Threads(_)
            | Self::Registry(_)
            | Self::Schema { .. } => Exit::Failed,
            Self::NoSuchType { .. } | Self::NoTests { .. } => Exit::NotFound,
            Self::ShortSecret { .. }
            | Self::BadAnswer { .. }
            | Self::BadAnswers { .. }
            | Self::NoSuchInput { .. }
            | Self::BadProblemId { .. }
            | Self::BadKey { .. } => Exit::Usage,
            Self::NoJson { .. }
            | Self::ProblemLoad { .. }
            | Self::Grade(_)
            | Self::Markdown(_)
            | Self::NotMarkdown(_) => Exit::No,
            Self::WhichCourse { more: 0, .. } => Exit::NotFound,
            Self::WhichCourse { .. } => Exit::Usage,
        }
    }
}

fn code_of(error: &CoursewareError) -> Exit {
    if error.is_not_found() {
        return Exit::NotFound;
    }
    match error {
        CoursewareError::StoreUrl(_)
        | CoursewareError::OtherKind { .. }
        | CoursewareError::Store(StoreError::NotBlockstore { .. } | StoreError::NotModulestore { .. }) => {
            Exit::Usage
        }
        CoursewareError::Interrupted => Exit::Interrupted,
        CoursewareError::Incomplete(_) | CoursewareError::Bundles(BlockstoreError::LinkCycle { .. }) => {
            Exit::No
        }
        CoursewareError::OtherRoot { .. }
        | CoursewareError::Unsteady { .. }
        | CoursewareError::Deleted { .. }
        | CoursewareError::Bundles(
            BlockstoreError::AlreadyThere { .. }
            | BlockstoreError::ContextTaken { .. }
            | BlockstoreError::StorageTaken { .. },
        )
        | CoursewareError::Store(StoreError::StorageTaken { .. })
        | CoursewareError::Context(ContextError::IsAnother { .. } | ContextError::AdoptedAs { .. })
        | CoursewareError::Package(PackageError::TargetTaken { .. })
        | CoursewareError::Bundles(BlockstoreError::StaleDraft { .. })
        | CoursewareError::Runtime(
            RuntimeError::Conflict { .. }
            | RuntimeError::StaleDraft { .. }
            | RuntimeError::ContextExists { .. },
        ) => Exit::Conflict,
        CoursewareError::Block(
            BlockError::NoSuchView { .. } | BlockError::NoSuchHandler { .. } | BlockError::StaffOnly { .. },
        ) => Exit::NotFound,
        _ => Exit::Failed,
    }
}

impl<E: Into<CoursewareError>> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self::Courseware(error.into())
    }
}
