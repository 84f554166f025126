//! One run: what goes in and what comes of it.

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use xblock_core::services::SandboxResource;

/// A piece of code to run.
#[derive(Debug, Clone, Default)]
pub struct Run<'a> {
    /// What the author wrote.
    pub code: &'a str,
    /// The names it begins with. Integers beyond 64 bits are written `{"__int__": "..."}`.
    pub globals: Map<String, Json>,
    /// The seed of its random numbers, none for others at each run.
    pub seed: Option<i64>,
    /// Where it looks for modules, in order: names ending in `.zip` of files, or folders that files lie in.
    pub python_path: Vec<String>,
    /// Files it may import from, by name.
    pub files: Vec<(String, &'a [u8])>,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It went through.
    Done {
        /// The names afterwards whose values JSON can hold.
        globals: Map<String, Json>,
    },
    /// It raised an error.
    Raised(Raised),
    /// It ended itself, such as by `sys.exit`.
    Ended {
        /// Its exit code.
        code: i32,
    },
    /// The system ended it.
    Killed {
        /// The signal.
        signal: i32,
    },
    /// It used too much and was ended.
    TooMuch {
        /// Of what.
        what: SandboxResource,
    },
}

/// How many characters of what Python says of an error are kept, and of its last line.
const TRACEBACK: usize = 20_000;
const LAST_LINE: usize = 4_000;

/// An error that code raised.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Raised {
    /// Its class, such as `ZeroDivisionError`.
    pub error: String,
    /// What Python says of it, its last 20,000 characters.
    pub traceback: String,
    /// The last line of that: class and message.
    #[serde(rename = "last")]
    pub last_line: String,
    /// The line of the author's code, from 1.
    pub line: Option<u32>,
}

impl Raised {
    /// Cuts texts to what the runner sends; code that answers in its place may send more.
    pub(crate) fn shortened(mut self) -> Self {
        for (text, most) in
            [(&mut self.error, 200), (&mut self.traceback, TRACEBACK), (&mut self.last_line, LAST_LINE)]
        {
            if let Some((cut, _)) = text.char_indices().nth_back(most - 1) {
                text.drain(..cut);
            }
        }
        self
    }
}
