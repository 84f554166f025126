//! What is said about a package while it is read or written.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use super::diagnostic_code::diagnostic_code;
use super::position::{FileName, Position};

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Something was repaired, ignored or kept as it is.
    Warning,
    /// A part could not be used.
    Error,
}

impl Severity {
    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What became of the block or file a remark is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is kept, as far as it could be read.
    Kept,
    /// It is kept as an `error` block, which holds its XML.
    ErrorBlock,
    /// It was left out.
    LeftOut,
}

impl Outcome {
    /// Returns the outcome in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Kept => "the block is kept",
            Self::ErrorBlock => "the block is kept as an error block that holds its XML",
            Self::LeftOut => "it is left out",
        }
    }
}

/// The line of a file something is said about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// The line, shortened where it is very long.
    pub text: String,
    /// The column in `text` that is meant, from 1.
    pub column: u32,
}

/// One remark about a package, with its place and, where there is one, a way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// A name that stays the same from version to version.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The file, absent where the package as a whole is meant.
    pub file: Option<FileName>,
    /// The place in the file, absent where the file as a whole is meant.
    #[serde(flatten)]
    pub position: Option<Position>,
    /// The line of the file.
    pub excerpt: Option<Excerpt>,
    /// What is to be said.
    pub message: String,
    /// Why that is so, where more is to be said than the message does.
    pub cause: Option<Cow<'static, str>>,
    /// What became of the block, where one is meant.
    pub outcome: Option<Outcome>,
    /// What an author can do about it.
    pub fix: Option<String>,
}

impl Diagnostic {
    /// Makes a remark without a place; cause and way out are those the table of codes has.
    #[must_use]
    pub fn new(code: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        let known = diagnostic_code(code);
        Self {
            code,
            severity,
            file: None,
            position: None,
            excerpt: None,
            message: message.into(),
            cause: known.map(|code| code.cause.into()),
            outcome: None,
            fix: known.map(|code| code.fix.into()),
        }
    }

    /// Adds the file.
    #[must_use]
    pub fn in_file(mut self, file: FileName) -> Self {
        self.file = Some(file);
        self
    }

    /// Adds the place in the file.
    #[must_use]
    pub const fn at(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    /// Adds what became of the block.
    #[must_use]
    pub const fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome);
        self
    }

    /// Replaces the cause.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Cow<'static, str>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds what an author can do.
    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            if let Some(position) = self.position {
                write!(f, "{position}:")?;
            }
            f.write_str(" ")?;
        }
        write!(f, "{}[{}]: {}", self.severity, self.code, self.message)?;
        if let Some(excerpt) = &self.excerpt {
            let column = excerpt.column.max(1) as usize;
            write!(f, "\n  | {}\n  | {:>column$}", excerpt.text, '^')?;
        }
        if let Some(cause) = &self.cause {
            write!(f, "\n  = because: {cause}")?;
        }
        if let Some(outcome) = self.outcome {
            write!(f, "\n  = {}", outcome.text())?;
        }
        if let Some(fix) = &self.fix {
            write!(f, "\n  = help: {fix}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_is_written_with_place_excerpt_and_help() {
        let mut remark = Diagnostic::new("missing-file", Severity::Error, "html/a.xml does not exist")
            .in_file("vertical/v.xml".into())
            .at(Position { line: 2, column: 3 })
            .with_cause("a pointer needs its file")
            .with_fix("add the file");
        remark.excerpt = Some(Excerpt { text: "  <html url_name=\"a\"/>".into(), column: 3 });
        assert_eq!(
            remark.to_string(),
            "vertical/v.xml:2:3: error[missing-file]: html/a.xml does not exist\n  |   <html url_name=\"a\"/>\n  |   ^\n  = because: a pointer needs its file\n  = help: add the file"
        );
        let json = serde_json::to_value(&remark).expect("a diagnostic is JSON");
        assert_eq!(json["line"], 2);
        assert_eq!(json["severity"], "error");
    }
}
