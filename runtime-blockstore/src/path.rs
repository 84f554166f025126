//! Which paths a bundle may hold (reference/blockstore, section 7).

use std::collections::BTreeMap;

use crate::error::BlockstoreError;

/// Most code points a whole path may have; the app's own limit.
const LONGEST_PATH: usize = 500;

/// Most bytes a part of a path may have; what file systems take.
const LONGEST_PART: usize = 255;

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathProblem {
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// It starts or ends with a slash, or two slashes touch.
    #[error("it has an empty part")]
    EmptyPart,
    /// A part is `.` or `..`.
    #[error("a part of it is . or ..")]
    DotPart,
    /// It has a backslash, which storages take for a slash.
    #[error("it has a backslash")]
    Backslash,
    /// It has a NUL character.
    #[error("it has a NUL character")]
    Nul,
    /// It has a control character, which no name in an object store may have.
    #[error("it has a control character, which an object store does not take")]
    ControlCharacter,
    /// It has more than 500 characters.
    #[error("it has more than {LONGEST_PATH} characters")]
    TooLong,
    /// A part has more than 255 bytes.
    #[error("a part of it has more than {LONGEST_PART} bytes")]
    PartTooLong,
    /// Another file's path is a folder of this one, or the other way round.
    #[error("a file and a folder would have the same name")]
    FileAndFolder,
}

/// Finds what makes a path unfit for a bundle: what the app refuses, and what it accepts and then breaks on.
pub(crate) fn problem(path: &str) -> Option<PathProblem> {
    if path.is_empty() {
        return Some(PathProblem::Empty);
    }
    if path.contains('\\') {
        return Some(PathProblem::Backslash);
    }
    if path.contains('\0') {
        return Some(PathProblem::Nul);
    }
    if path.len() > LONGEST_PATH && path.chars().count() > LONGEST_PATH {
        return Some(PathProblem::TooLong);
    }
    path.split('/').find_map(|part| match part {
        "" => Some(PathProblem::EmptyPart),
        "." | ".." => Some(PathProblem::DotPart),
        _ if part.len() > LONGEST_PART => Some(PathProblem::PartTooLong),
        _ => None,
    })
}

/// Refuses a path that is to be written.
pub(crate) fn check(path: &str) -> Result<(), BlockstoreError> {
    match problem(path) {
        None => Ok(()),
        Some(problem) => Err(BlockstoreError::InvalidFileName { path: path.to_owned(), problem }),
    }
}

/// Refuses a state in which a file stands where another file's folder is.
pub(crate) fn check_folders<V>(files: &BTreeMap<String, V>, path: &str) -> Result<(), BlockstoreError> {
    let file_above = folders_above(path).any(|folder| files.contains_key(folder));
    let folder = format!("{path}/");
    let file_below =
        files.range(folder.clone()..).next().is_some_and(|(below, _)| below.starts_with(&folder));
    if file_above || file_below {
        return Err(file_and_folder(path));
    }
    Ok(())
}

/// Lists the folders a path goes through.
pub(crate) fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// Says that a path stands where another file's folder is, or the other way round.
pub(crate) fn file_and_folder(path: &str) -> BlockstoreError {
    BlockstoreError::InvalidFileName { path: path.to_owned(), problem: PathProblem::FileAndFolder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_the_app_refuses_or_breaks_on_are_refused() {
        for (path, expected) in [
            ("", PathProblem::Empty),
            (".", PathProblem::DotPart),
            ("./a.txt", PathProblem::DotPart),
            ("a/./b", PathProblem::DotPart),
            ("a/../b", PathProblem::DotPart),
            ("/a", PathProblem::EmptyPart),
            ("a//b", PathProblem::EmptyPart),
            ("a/", PathProblem::EmptyPart),
            ("a\\b.txt", PathProblem::Backslash),
            ("C:\\x", PathProblem::Backslash),
            ("a\0", PathProblem::Nul),
        ] {
            assert_eq!(problem(path), Some(expected), "{path:?}");
        }
        assert_eq!(problem(&"x/".repeat(260)[..519]), Some(PathProblem::TooLong));
        assert_eq!(problem(&"é".repeat(128)), Some(PathProblem::PartTooLong));
    }

    #[test]
    fn odd_but_sound_paths_are_taken() {
        for path in ["a", "a b/ü?#~.txt", ".hidden/..x", "line\nbreak", "html/a/static/marée basse.txt"] {
            assert_eq!(problem(path), None, "{path:?}");
        }
    }

    #[test]
    fn a_file_is_no_folder() {
        let files = BTreeMap::from([("a/b".to_owned(), ()), ("a/b.c".to_owned(), ())]);
        assert!(check_folders(&files, "a").is_err());
        assert!(check_folders(&files, "a/b/c").is_err());
        assert!(check_folders(&files, "a/b").is_ok());
        assert!(check_folders(&files, "a/bc").is_ok());
    }
}
