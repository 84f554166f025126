//! Code of authors: the problem's script, and the code of questions, which run in the sandbox (capa reference, sections
//! 1.5 and 10).

mod hint_function;
mod source;

pub(super) use hint_function::HintFunction;
pub(super) use source::is_python;

use xblock_core::keys::UsageKey;
use xblock_core::services::{CachedSandbox, Globals, SandboxError, SandboxJob, SandboxService as _};

use self::source::Source;
use super::context::Context;
use super::error::{GradeError, LoadError};
use super::services::ProblemServices;
use super::tree::Node;
use crate::escape;
use crate::words::fill;

/// The file of a course that its scripts import modules from.
const LIBRARY: &str = "python_lib.zip";

/// What is said of an import that fails where a script names folders.
const NO_FOLDERS: &str = " (system_path is not searched: modules are imported from static/python_lib.zip)";

/// The script of a problem, with what its code runs with.
#[derive(Debug, Clone)]
pub(super) struct Script {
    source: Source,
    usage: UsageKey,
    seed: i64,
    /// Why code does not run here, as a sentence without a full stop.
    missing: Option<String>,
}

/// Whether the result of code is kept for the next time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caching {
    Kept,
    Never,
}

/// Why code gave no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ScriptError {
    /// It failed.
    Failed {
        /// What the sandbox says.
        message: String,
        /// The last line of Python's words.
        last_line: Option<String>,
        /// The line of the code that was run.
        line: Option<u32>,
    },
    /// It was not run; a sentence without a full stop says why.
    NotRun(String),
}

impl Script {
    /// Collects the scripts of a problem.
    ///
    /// # Errors
    /// [`LoadError`] for a script without text.
    pub(super) fn read(root: &Node, usage: &UsageKey, seed: i64) -> Result<Self, LoadError> {
        Ok(Self { source: Source::collect(root)?, usage: usage.clone(), seed, missing: None })
    }

    /// Returns the text of all scripts together.
    pub(super) fn source(&self) -> &str {
        &self.source.text
    }

    /// Says why code does not run here, nothing where it does.
    pub(super) fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    /// Runs the script, where there is one, and adds to the context what it left.
    ///
    /// # Errors
    /// [`LoadError::Script`].
    pub(super) fn run_at_load(
        &mut self,
        context: &mut Context,
        services: &ProblemServices,
    ) -> Result<(), LoadError> {
        if !self.source.text.is_empty() {
            let globals = context.to_globals();
            match self.execute(&self.source.text, globals, Some(self.seed), Caching::Kept, services) {
                Ok(globals) => context.update(globals),
                Err(ScriptError::NotRun(reason)) => self.missing = Some(reason),
                Err(ScriptError::Failed { mut message, mut last_line, line }) => {
                    if self.source.names_folders && message.contains("ModuleNotFoundError") {
                        message.push_str(NO_FOLDERS);
                        last_line = last_line.map(|line| line + NO_FOLDERS);
                    }
                    let place = line.and_then(|line| self.source.place(line));
                    return Err(LoadError::Script {
                        message: escape::html(&message).replace("&#34;", "&quot;").replace("&#39;", "&#x27;"),
                        last_line,
                        line: place.as_ref().map(|place| place.line),
                        file: place.and_then(|place| place.file),
                    });
                }
            }
        }
        context.set("script_code", self.source.text.as_str());
        context.set("python_path", self.python_path(services));
        context.set("extra_files", serde_json::Value::Null);
        Ok(())
    }

    /// Runs code with the given names and returns all names it leaves. Its random numbers follow from the context's
    /// `seed`, which a script can change.
    ///
    /// # Errors
    /// [`ScriptError`].
    pub(super) fn run(
        &self,
        code: &str,
        globals: Globals,
        context: &Context,
        caching: Caching,
        services: &ProblemServices,
    ) -> Result<Globals, ScriptError> {
        let seed = context.get("seed").map_or(Some(self.seed), serde_json::Value::as_i64);
        self.execute(code, globals, seed, caching, services)
    }

    /// Calls a function of the script: runs the script once more with a call behind it.
    ///
    /// # Errors
    /// [`ScriptError`].
    pub(super) fn call(
        &self,
        call: &str,
        globals: Globals,
        context: &Context,
        services: &ProblemServices,
    ) -> Result<Globals, ScriptError> {
        let code = format!("{}\n{call}\n", self.source.text);
        self.run(&code, globals, context, Caching::Never, services)
    }

    /// Makes the error that stops grading of code that [`call`](Self::call) ran.
    pub(super) fn grade_error(&self, error: ScriptError) -> GradeError {
        match error {
            ScriptError::NotRun(needs) => GradeError::Unsupported { needs },
            ScriptError::Failed { message, line, .. } => {
                GradeError::Code { message, line: self.file_line(line) }
            }
        }
    }

    /// Returns the line of the problem file for a line of the script.
    fn file_line(&self, line: Option<u32>) -> Option<u32> {
        self.source.place(line?).map(|place| place.line)
    }

    fn python_path(&self, services: &ProblemServices) -> Vec<String> {
        // Without a script nobody looks for modules.
        let runs = !self.source.text.is_empty() && self.missing.is_none();
        let has_library = runs && self.library(services).is_ok_and(|found| found.is_some());
        if has_library { vec![LIBRARY.to_owned()] } else { Vec::new() }
    }

    /// Finds the modules that scripts of the course may import.
    fn library(&self, services: &ProblemServices) -> Result<Option<Vec<u8>>, SandboxError> {
        if let Some(bytes) = &services.python_lib {
            return Ok(Some(bytes.to_vec()));
        }
        match &services.sandbox {
            Some(sandbox) => sandbox.python_lib_zip(&self.usage.context_key()),
            None => Ok(None),
        }
    }

    fn execute(
        &self,
        code: &str,
        globals: Globals,
        seed: Option<i64>,
        caching: Caching,
        services: &ProblemServices,
    ) -> Result<Globals, ScriptError> {
        let Some(sandbox) = &services.sandbox else {
            return Err(ScriptError::NotRun(
                services.words().gettext("the author's script needs the Python sandbox").into_owned(),
            ));
        };
        let library = self.library(services).map_err(|error| not_run(&error, services))?;
        let job = SandboxJob {
            code: code.to_owned(),
            globals,
            random_seed: seed,
            python_path: library.iter().map(|_| LIBRARY.to_owned()).collect(),
            extra_files: library.map(|bytes| (LIBRARY.to_owned(), bytes)).into_iter().collect(),
            slug: Some(self.usage.to_string()),
            unsafely: false,
            may_be_kept: caching == Caching::Kept,
        };
        let course = self.usage.context_key();
        let outcome = match &services.cache {
            Some(cache) => CachedSandbox::new(sandbox.clone(), cache.clone()).run(&job, &course),
            None => sandbox.run(&job, &course),
        };
        outcome.map_err(|error| match error {
            SandboxError::Code { message, last_line, line } => {
                ScriptError::Failed { message, last_line, line }
            }
            SandboxError::LimitExceeded { .. } => {
                ScriptError::Failed { message: error.to_string(), last_line: None, line: None }
            }
            error => not_run(&error, services),
        })
    }
}

fn not_run(error: &SandboxError, services: &ProblemServices) -> ScriptError {
    let words = services.words();
    let text = words.gettext("the Python sandbox does not work: {error}");
    ScriptError::NotRun(fill(&text, &[("error", error)]))
}
