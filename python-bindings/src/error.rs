//! The one place where errors become Python exceptions (`xblock_runtime.exceptions`).

use std::path::Path;

use blocks::formula::FormulaError;
use blocks::problem::markdown::{MarkdownError, NotMarkdown};
use blocks::problem::{GradeError, LoadError};
use courseware::{CoursewareError, PackageError, StoreError};
use pyo3::exceptions::{
    PyAssertionError, PyAttributeError, PyKeyError, PyNotImplementedError, PyOverflowError, PyTypeError,
    PyValueError, PyZeroDivisionError,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use xblock_core::block::BlockError;
use xblock_core::keys::KeyError;
use xblock_core::olx::{Diagnostic, OlxError, Severity, WriteError};
use xblock_core::runtime::RuntimeError;

use crate::read_only::is_refusal;

/// Whatever the wheel can meet.
#[derive(Debug)]
pub(crate) enum BindingError {
    /// A text that is no key.
    Key { text: String, source: KeyError },
    /// What a key cannot be, or cannot do.
    KeyRule(KeyError),
    /// OLX that cannot be read.
    Olx(OlxError),
    /// A package with errors that was to be imported strictly; what was found in it.
    Refused { diagnostics: Vec<Diagnostic> },
    /// A block that cannot do what it was asked, with its usage where that is known.
    Block { key: Option<String>, reason: String },
    /// A store that was opened only to be read, with the usage where a block was to save something.
    ReadOnly { key: Option<String> },
    /// A problem that cannot be put together.
    ProblemLoad(LoadError),
    /// Answers that cannot be graded.
    Grade(GradeError),
    /// What was given as answers or state, and is none.
    Answers { reason: String },
    /// The value of a field that cannot be taken.
    Value { key: String, field: String, reason: String },
    /// A text of the simple editor that cannot be converted.
    Markdown(MarkdownError),
    /// A problem that the simple editor has no text for.
    NotMarkdown(NotMarkdown),
    /// A formula without a value.
    Formula(FormulaError),
    /// A store that was closed.
    Closed { url: String },
    /// Everything the courseware library reports.
    Courseware(Box<CoursewareError>),
}

impl BindingError {
    /// Adds the usage a block's own error does not know.
    pub(crate) fn at(self, usage: String) -> Self {
        match self {
            Self::Block { key: None, reason } => Self::Block { key: Some(usage), reason },
            Self::ReadOnly { key: None } => Self::ReadOnly { key: Some(usage) },
            other => other,
        }
    }
}

impl From<CoursewareError> for BindingError {
    fn from(error: CoursewareError) -> Self {
        match error {
            CoursewareError::Block(error) => error.into(),
            CoursewareError::Olx(error) => error.into(),
            other => Self::Courseware(Box::new(other)),
        }
    }
}

impl From<RuntimeError> for BindingError {
    fn from(error: RuntimeError) -> Self {
        Self::Courseware(Box::new(error.into()))
    }
}

impl From<BlockError> for BindingError {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Runtime(error) => error.into(),
            BlockError::Field(ref error) if is_refusal(error) => Self::ReadOnly { key: None },
            BlockError::StaffOnly { ref usage } | BlockError::BadContent { ref usage, .. } => {
                Self::Block { key: Some(usage.to_string()), reason: error.to_string() }
            }
            other => Self::Block { key: None, reason: other.to_string() },
        }
    }
}

impl From<OlxError> for BindingError {
    fn from(error: OlxError) -> Self {
        Self::Olx(error)
    }
}

/// An exception before it is one: the class by name and the attributes.
#[derive(Default)]
struct Situation {
    class: &'static str,
    message: String,
    key: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    code: Option<String>,
    learner_message: Option<String>,
}

impl Situation {
    fn new(class: &'static str, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            let text = source.to_string();
            if !message.ends_with(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = source.source();
        }
        Self { class, message, ..Self::default() }
    }

    fn key(mut self, key: &dyn std::fmt::Display) -> Self {
        self.key = Some(key.to_string());
        self
    }

    fn file(mut self, path: Option<&Path>) -> Self {
        self.file = path.map(|path| path.display().to_string());
        self
    }

    fn at(mut self, diagnostic: &Diagnostic) -> Self {
        self.code = Some(diagnostic.code.to_owned());
        self.file = diagnostic.file.as_ref().map(ToString::to_string);
        self.line = diagnostic.position.map(|position| position.line);
        self.column = diagnostic.position.map(|position| position.column);
        self
    }
}

fn describe(error: &BindingError) -> Situation {
    match error {
        BindingError::Key { text, source } => Situation::new("InvalidKey", source).key(text),
        BindingError::KeyRule(error) => {
            let situation = Situation::new("InvalidKey", error);
            match error {
                KeyError::InvalidKey { text, .. } => situation.key(text),
                _ => situation,
            }
        }
        BindingError::Olx(error) => Situation::new("OlxError", error).at(&error.diagnostic()),
        BindingError::Refused { diagnostics } => describe_refusal(diagnostics),
        BindingError::Block { key, reason } => Situation {
            class: "BlockError",
            message: reason.clone(),
            key: key.clone(),
            ..Situation::default()
        },
        BindingError::ReadOnly { key } => {
            Situation { key: key.clone(), ..Situation::new("ReadOnly", &RuntimeError::ReadOnly) }
        }
        BindingError::Closed { url } => {
            Situation { class: "StoreError", message: format!("{url} was closed"), ..Situation::default() }
        }
        BindingError::ProblemLoad(error) => {
            Situation { line: error.line(), ..Situation::new("ProblemError", error) }
        }
        BindingError::Grade(error) => Situation {
            class: "GradingError",
            message: error.to_string(),
            learner_message: Some(error.learner_message()),
            ..Situation::default()
        },
        BindingError::Answers { reason } => {
            Situation { class: "ProblemError", message: reason.clone(), ..Situation::default() }
        }
        BindingError::Value { key, field, reason } => Situation {
            class: "InvalidEdit",
            message: format!("field {field:?} of {key} cannot be stored: {reason}"),
            key: Some(key.clone()),
            ..Situation::default()
        },
        BindingError::Markdown(error) => {
            let line = match error {
                MarkdownError::InvalidXml { line, .. } => Some(*line),
                _ => None,
            };
            Situation { line, ..Situation::new("ProblemError", error) }
        }
        BindingError::NotMarkdown(error) => {
            let line = match error {
                NotMarkdown::Xml { line, .. } | NotMarkdown::NoWords { line, .. } => Some(*line),
                _ => None,
            };
            Situation { line, ..Situation::new("ProblemError", error) }
        }
        BindingError::Formula(error) => Situation::new(formula_class(error), error),
        BindingError::Courseware(error) => describe_courseware(error),
    }
}

/// Names the exception for a formula as Python's `calc` does; its own for what Python has none of.
const fn formula_class(error: &FormulaError) -> &'static str {
    match error {
        FormulaError::Undefined { .. } => "UndefinedVariable",
        FormulaError::Parentheses { .. } => "UnmatchedParenthesis",
        FormulaError::Syntax => "ParseException",
        _ => "FormulaError",
    }
}

/// The first error says where; the number of the others says how much there is to do.
fn describe_refusal(diagnostics: &[Diagnostic]) -> Situation {
    let mut errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let Some(first) = errors.next() else {
        return Situation { class: "OlxError", message: "refused".into(), ..Situation::default() };
    };
    let message = match errors.count() {
        0 => first.message.clone(),
        more => format!("{} (and {more} more errors)", first.message),
    };
    Situation { class: "OlxError", message, ..Situation::default() }.at(first)
}

fn describe_courseware(error: &CoursewareError) -> Situation {
    match error {
        CoursewareError::Runtime(inner) => describe_runtime(inner),
        CoursewareError::Package(inner) => {
            let class =
                if matches!(inner, PackageError::NotFound { .. }) { "NotFound" } else { "PackageError" };
            Situation::new(class, inner).file(package_path(inner))
        }
        CoursewareError::Store(inner) => {
            let class = if error.is_not_found() { "NotFound" } else { "StoreError" };
            Situation::new(class, inner).file(store_path(inner))
        }
        CoursewareError::Write(WriteError::Runtime(inner)) => describe_runtime(inner),
        CoursewareError::Write(inner @ WriteError::File { path, .. }) => {
            Situation::new("PackageError", inner).file(Some(Path::new(path)))
        }
        CoursewareError::Incomplete(report) => {
            Situation::new("PackageError", error).file(Some(&report.target))
        }
        CoursewareError::OtherRoot { context, .. } => Situation::new("InvalidEdit", error).key(context),
        CoursewareError::Unsteady { context, .. } => Situation::new("Conflict", error).key(context),
        CoursewareError::OtherKind { target, .. } => Situation::new("InvalidEdit", error).key(target),
        CoursewareError::Asset { key, .. } => Situation::new("StoreError", error).key(key),
        _ if error.is_not_found() => Situation::new("NotFound", error),
        _ => Situation::new("StoreError", error),
    }
}

/// Finds the folder, archive or file a package's error is about; what is wrong inside an archive is in the message.
fn package_path(error: &PackageError) -> Option<&Path> {
    match error {
        PackageError::NotFound { path }
        | PackageError::NoCourse { path }
        | PackageError::UnknownArchive { path }
        | PackageError::Damaged { path, .. }
        | PackageError::TargetTaken { path }
        | PackageError::Io { path, .. } => Some(path),
        PackageError::IllegalPath { archive, .. }
        | PackageError::IllegalLink { archive, .. }
        | PackageError::NestedLink { archive, .. }
        | PackageError::FileAndDirectory { archive, .. }
        | PackageError::TooDeep { archive, .. }
        | PackageError::SpecialFile { archive, .. }
        | PackageError::NameNotUtf8 { archive, .. }
        | PackageError::TooManyMembers { archive, .. }
        | PackageError::MemberTooLarge { archive, .. }
        | PackageError::TooLarge { archive, .. } => Some(archive),
        _ => None,
    }
}

/// Finds the file or folder of a store that does not open: the one that is damaged, or else the store's own.
fn store_path(error: &StoreError) -> Option<&Path> {
    match error {
        StoreError::NoSuchStore { url } => url.path(),
        StoreError::Directory { path, .. } => Some(path),
        StoreError::Open { url, source } => match source {
            // A place can be a row or a document, too.
            RuntimeError::Corrupt { place, .. }
                if url.path().is_some_and(|path| Path::new(place).starts_with(path)) =>
            {
                Some(Path::new(place))
            }
            _ => url.path(),
        },
        _ => None,
    }
}

fn describe_runtime(error: &RuntimeError) -> Situation {
    match error {
        RuntimeError::NoSuchContext { key }
        | RuntimeError::SeveralRuns { key, .. }
        | RuntimeError::NoSuchBranch { key, .. } => Situation::new("NotFound", error).key(key),
        RuntimeError::NoSuchUsage { key, .. } => Situation::new("NotFound", error).key(key),
        RuntimeError::NoSuchDefinition { key } => Situation::new("NotFound", error).key(key),
        RuntimeError::NoSuchAsset { key, .. } => Situation::new("NotFound", error).key(key),
        RuntimeError::NoSuchBlockAsset { usage, .. } => Situation::new("NotFound", error).key(usage),
        RuntimeError::NotEditable { usage, .. } => Situation::new("InvalidEdit", error).key(usage),
        RuntimeError::BrokenInclude { usage, .. } => Situation::new("StoreError", error).key(usage),
        RuntimeError::TooManyPlaces { context, .. } => Situation::new("StoreError", error).key(context),
        RuntimeError::NoSuchVersion { context, .. } => Situation::new("NotFound", error).key(context),
        RuntimeError::NoSuchCursor { .. } => Situation::new("NotFound", error),
        RuntimeError::ContextExists { key } => Situation::new("Conflict", error).key(key),
        RuntimeError::Conflict { context, .. } | RuntimeError::StaleDraft { context, .. } => {
            Situation::new("Conflict", error).key(context)
        }
        RuntimeError::WrongContext { key, .. } | RuntimeError::UnsupportedKey { key, .. } => {
            Situation::new("InvalidEdit", error).key(key)
        }
        RuntimeError::ChildCycle { usage }
        | RuntimeError::RootIsFixed { usage }
        | RuntimeError::ParentNotPublished { usage, .. }
        | RuntimeError::SharedLink { usage, .. } => Situation::new("InvalidEdit", error).key(usage),
        RuntimeError::ReadOnly => Situation::new("ReadOnly", error),
        RuntimeError::Unstorable { place, .. } => Situation::new("InvalidEdit", error).key(place),
        RuntimeError::Corrupt { place, .. } => {
            Situation { file: Some(place.clone()), ..Situation::new("StoreError", error) }
        }
        _ => Situation::new("StoreError", error),
    }
}

impl From<BindingError> for PyErr {
    fn from(error: BindingError) -> Self {
        if let BindingError::KeyRule(error) = &error
            && let Some(builtin) = builtin(error)
        {
            return builtin;
        }
        if let BindingError::Formula(error) = &error
            && let Some(builtin) = arithmetic(error)
        {
            return builtin;
        }
        let situation = describe(&error);
        Python::attach(|py| make(py, &situation).unwrap_or_else(|failure| failure))
    }
}

/// Makes Python's own exception where the packages that keys come from raise one.
fn builtin(error: &KeyError) -> Option<PyErr> {
    let message = error.to_string();
    Some(match error.python_class() {
        "ValueError" => PyValueError::new_err(message),
        "AssertionError" => PyAssertionError::new_err(message),
        "KeyError" => PyKeyError::new_err(message),
        "AttributeError" => PyAttributeError::new_err(message),
        "NotImplementedError" => PyNotImplementedError::new_err(message),
        "TypeError" => PyTypeError::new_err(message),
        _ => return None,
    })
}

/// Makes Python's own exception where a number has no value in Python either.
fn arithmetic(error: &FormulaError) -> Option<PyErr> {
    let message = error.to_string();
    Some(match error {
        FormulaError::ZeroDivision(_) => PyZeroDivisionError::new_err(message),
        FormulaError::Overflow(_) => PyOverflowError::new_err(message),
        FormulaError::Kind(_) => PyTypeError::new_err(message),
        FormulaError::Domain(_) | FormulaError::Factorial => PyValueError::new_err(message),
        _ => return None,
    })
}

fn make(py: Python<'_>, situation: &Situation) -> PyResult<PyErr> {
    let class = py.import("xblock_runtime.exceptions")?.getattr(situation.class)?;
    let attributes = PyDict::new(py);
    attributes.set_item("key", &situation.key)?;
    attributes.set_item("file", &situation.file)?;
    attributes.set_item("line", situation.line)?;
    attributes.set_item("column", situation.column)?;
    attributes.set_item("code", &situation.code)?;
    let exception = class.call((situation.message.as_str(),), Some(&attributes))?;
    if let Some(message) = &situation.learner_message {
        exception.setattr("learner_message", message)?;
    }
    Ok(PyErr::from_value(exception))
}
