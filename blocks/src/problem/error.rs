//! Why a problem cannot be shown or graded.

use thiserror::Error;

use crate::words::{Words, fill};

/// Says why a problem cannot be put together, in words for its author.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The data is no well-formed XML, or XML the platform refuses.
    #[error("{message}")]
    Xml {
        /// What is wrong, and where.
        message: String,
        /// The line of the problem file.
        line: u32,
    },
    /// An element breaks the rules of its kind.
    #[error("{message}\nSee XML source line {line}")]
    Element {
        /// What is wrong.
        message: String,
        /// The line of the problem file.
        line: u32,
    },
    /// The problem breaks a rule.
    #[error("{0}")]
    Rule(String),
    /// The values of `$names` make too much text.
    #[error(
        "the values of $names in this problem make more than {} MB of text\nSee XML source line {line}",
        .limit >> 20
    )]
    Substitution {
        /// How many bytes they may make together.
        limit: usize,
        /// The line of the problem file where they go beyond it.
        line: u32,
    },
    /// The problem's script failed.
    #[error("Error while executing script code: {message}{}{}", of_file(.file.as_ref()), at_line(*.line))]
    Script {
        /// What the sandbox says, escaped as HTML: Python's words with their traceback.
        message: String,
        /// The last line of Python's words: class and message of the error.
        last_line: Option<String>,
        /// The line of the problem file, where it is known.
        line: Option<u32>,
        /// The file and its line, where the script stands in a file of its own.
        file: Option<(String, u32)>,
    },
}

fn of_file(file: Option<&(String, u32)>) -> String {
    file.map_or_else(String::new, |(name, line)| format!("\nSee line {line} of {name}"))
}

fn at_line(line: Option<u32>) -> String {
    line.map_or_else(String::new, |line| format!("\nSee XML source line {line}"))
}

impl LoadError {
    /// Reports an element.
    pub(super) fn at(line: u32, message: impl Into<String>) -> Self {
        Self::Element { message: message.into(), line }
    }

    /// Says it to the author in plain text: of what the sandbox says only class and message of the error.
    #[must_use]
    pub fn author_message(&self) -> String {
        match self {
            Self::Script { message, last_line, line, file } => {
                let said = htmlize::unescape(message);
                let said = last_line.as_deref().unwrap_or(&said);
                let place = match file {
                    Some((name, line)) => format!(" (line {line} of {name})"),
                    None => line.map_or_else(String::new, |line| format!(" (line {line})")),
                };
                format!("its script fails: {said}{place}")
            }
            Self::Element { message, line } => format!("{} (line {line})", htmlize::unescape(message)),
            Self::Substitution { limit, line } => {
                format!("the values of $names make more than {} MB of text (line {line})", limit >> 20)
            }
            Self::Xml { message, .. } | Self::Rule(message) => htmlize::unescape(message).into_owned(),
        }
    }

    /// Returns the line of the problem file, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Element { line, .. } | Self::Xml { line, .. } | Self::Substitution { line, .. } => {
                Some(*line)
            }
            Self::Script { line, .. } => *line,
            Self::Rule(_) => None,
        }
    }
}

/// Says why answers cannot be graded. Nothing is counted then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GradeError {
    /// What the learner wrote, or what the author wanted, cannot be used; learners are told
    /// [`learner_message`](Self::learner_message).
    #[error("{0}")]
    Message(String),
    /// The author's code failed; learners are told [`learner_message`](Self::learner_message).
    #[error("{message}")]
    Code {
        /// What the sandbox says, Python's words with their traceback among it.
        message: String,
        /// The line of the problem file, where it is known.
        line: Option<u32>,
    },
    /// Something a question needs is not there. Learners are told that, and not what.
    #[error("this problem cannot be graded here: {needs}")]
    Unsupported {
        /// What it needs, as a sentence without a full stop.
        needs: String,
    },
    /// A mistake of the author's that stops grading, in words for the author.
    #[error("{0}")]
    Author(String),
}

impl GradeError {
    /// Returns what learners are told: of what the sandbox says only the message of the error itself, where it can be
    /// found (capa reference, section 3.8).
    #[must_use]
    pub fn learner_message(&self) -> String {
        self.said(&Words::default())
    }

    /// Says it to the author in plain text: of what the sandbox says only class and message of the error, and the line.
    #[must_use]
    pub fn author_message(&self) -> String {
        match self {
            Self::Code { message, line } => {
                let place = line.map_or_else(String::new, |line| format!(" (line {line})"));
                match message.rsplit("\\n").nth(1) {
                    Some(last) => format!("the code that grades fails: {}{place}", of_bytes(last)),
                    None => format!("the code that grades fails: {}{place}", htmlize::unescape(message)),
                }
            }
            other => htmlize::unescape(other.to_string()).into_owned(),
        }
    }

    /// Says what learners are told; graders have said theirs in the learner's language.
    pub(super) fn said(&self, words: &Words) -> String {
        let text = self.to_string();
        match self {
            // The sandbox shows bytes as Python writes them, so that lines end in a backslash and the letter n.
            Self::Message(_) | Self::Code { .. } => text
                .rsplit("\\n")
                .nth(1)
                .and_then(|line| line.split_once(": "))
                .map_or_else(|| text.clone(), |(_, message)| message.to_owned()),
            Self::Unsupported { .. } => words
                .gettext(
                    "Your answer cannot be graded right now. It was kept and does not count as an attempt. \
                     Please try again later; if this lasts, tell your course team.",
                )
                .into_owned(),
            Self::Author(_) => text,
        }
    }

    /// Says what course staff are told: everything, with the line of the problem file where it is known.
    pub(super) fn said_to_staff(&self, words: &Words) -> String {
        let line = match self {
            Self::Code { line, .. } => *line,
            _ => None,
        };
        let details = format!("{self}{}", at_line(line));
        match self {
            Self::Unsupported { .. } => {
                let cause = fill(&words.gettext("For course staff: {cause}."), &[("cause", &details)]);
                format!("{} {cause}", self.said(words))
            }
            // The platform's words, which its staff know.
            _ => fill(&words.gettext("Staff debug info: {details}"), &[("details", &details)]),
        }
    }
}

/// Reads a text that stands as Python writes bytes.
fn of_bytes(written: &str) -> String {
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'x') => {
                let digits = [rest.next(), rest.next()].into_iter().flatten().map(char::from);
                bytes.extend(u8::from_str_radix(&digits.collect::<String>(), 16));
            }
            Some(b't') => bytes.push(b'\t'),
            other => bytes.extend(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authors_read_errors_of_code_as_text() {
        let message = r#"Couldn't execute jailed code: stdout: b'', stderr: b'Traceback:\n  File "<string>", line 9\nValueError: it\'s \\ \xc3\xa9 <b>\n' with status code: 1"#;
        let error = GradeError::Code { message: message.into(), line: Some(7) };
        assert_eq!(error.author_message(), r"the code that grades fails: ValueError: it's \ é <b> (line 7)");
        let error = GradeError::Message("Invalid math syntax: &#x27;1+&#x27;".into());
        assert_eq!(error.author_message(), "Invalid math syntax: '1+'");
        let script = |last_line: Option<&str>, file| LoadError::Script {
            message: "it&#x27;s over".into(),
            last_line: last_line.map(str::to_owned),
            line: Some(3),
            file,
        };
        assert_eq!(script(None, None).author_message(), "its script fails: it's over (line 3)");
        let named = script(Some("NameError: x"), Some(("a.py".into(), 2)));
        assert_eq!(named.author_message(), "its script fails: NameError: x (line 2 of a.py)");
    }
}
