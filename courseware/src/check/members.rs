//! What of a directory or archive cannot be read, or cannot be part of a package.

use xblock_core::olx::{Diagnostic, DiagnosticCode, OlxError, Severity, diagnostic_code};

use super::codes::{ILLEGAL_FILE, ILLEGAL_LINK};
use crate::package::PackageError;

/// Adds what was left out of a package to what was found in the rest of it.
pub(super) fn add(found: &mut Vec<Diagnostic>, refused: &[(String, PackageError)]) {
    for (path, _) in refused {
        // What is said of the path already is only that it is not there.
        let missing = format!("{path} does not exist");
        let is_root = matches!(path.as_str(), "course.xml" | "library.xml");
        found.retain(|other| !(other.message.starts_with(&missing) || is_root && other.code == "not-olx"));
    }
    found.extend(refused.iter().filter_map(|(path, error)| remark(Some(path), error)));
}

/// Returns what there is to say of a package that was refused, or of one entry; none where nobody could look into it.
pub(super) fn remark(path: Option<&str>, error: &PackageError) -> Option<Diagnostic> {
    let code = code(error)?;
    if matches!(error, PackageError::NoCourse { .. }) {
        return Some(OlxError::NotOlx.diagnostic().with_cause(code.cause));
    }
    let text = error.to_string();
    let message = match archive(error).and_then(|archive| text.strip_prefix(&format!("{archive}: "))) {
        Some(message) => message.to_owned(),
        None => match (path, std::error::Error::source(error)) {
            (Some(path), Some(source)) => format!("{path} cannot be read: {source}"),
            _ => text,
        },
    };
    let remark = Diagnostic::new(code.name, Severity::Error, message);
    let remark = remark.with_cause(code.cause).with_fix(code.fix);
    Some(match path {
        Some(path) => remark.in_file(path.into()),
        None => remark,
    })
}

fn code(error: &PackageError) -> Option<&'static DiagnosticCode> {
    match error {
        PackageError::IllegalLink { .. } | PackageError::NestedLink { .. } => Some(&ILLEGAL_LINK),
        PackageError::IllegalPath { .. }
        | PackageError::FileAndDirectory { .. }
        | PackageError::TooDeep { .. }
        | PackageError::SpecialFile { .. }
        | PackageError::NameNotUtf8 { .. } => Some(&ILLEGAL_FILE),
        PackageError::TooManyMembers { .. }
        | PackageError::MemberTooLarge { .. }
        | PackageError::TooLarge { .. } => diagnostic_code("too-large"),
        PackageError::NoCourse { .. } => diagnostic_code("not-olx"),
        PackageError::Io { .. } => diagnostic_code("unreadable"),
        // There is nothing to say of what is inside.
        PackageError::NotFound { .. }
        | PackageError::UnknownArchive { .. }
        | PackageError::Damaged { .. }
        | PackageError::TargetTaken { .. } => None,
    }
}

/// Returns the archive or directory that a message begins with.
fn archive(error: &PackageError) -> Option<String> {
    match error {
        PackageError::IllegalPath { archive, .. }
        | PackageError::IllegalLink { archive, .. }
        | PackageError::NestedLink { archive, .. }
        | PackageError::FileAndDirectory { archive, .. }
        | PackageError::TooDeep { archive, .. }
        | PackageError::SpecialFile { archive, .. }
        | PackageError::NameNotUtf8 { archive, .. }
        | PackageError::MemberTooLarge { archive, .. } => Some(archive.display().to_string()),
        _ => None,
    }
}
