//! Scripts of authors in an engine that Python brings along, in the form of edx-platform's `safe_exec`.

use pyo3::exceptions::{PyKeyboardInterrupt, PySyntaxError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use xblock_core::keys::ContextKey;
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxService};

use crate::values::{names_from_python, names_to_python};

/// The class of the platform's engines for code that failed.
const CODE_FAILED: &str = "SafeExecException";

/// The file that Python names for code that was given as a text.
const AUTHORS_FILE: &str = "<string>";

/// A function `safe_exec(code, globals_dict, random_seed=, python_path=, extra_files=, limit_overrides_context=, slug=,
/// unsafely=)` that runs code and leaves its names in `globals_dict`, or an object with such a method.
pub(crate) struct SafeExec {
    engine: Py<PyAny>,
}

impl SafeExec {
    pub(crate) const fn new(engine: Py<PyAny>) -> Self {
        Self { engine }
    }

    fn call(&self, py: Python<'_>, job: &SandboxJob, context: &ContextKey) -> PyResult<Globals> {
        let engine = self.engine.bind(py);
        let function = engine.getattr_opt("safe_exec")?.unwrap_or_else(|| engine.clone());
        let globals = names_to_python(py, &job.globals)?;
        let files: Vec<_> =
            job.extra_files.iter().map(|(name, bytes)| (name, PyBytes::new(py, bytes))).collect();
        let named = PyDict::new(py);
        named.set_item("random_seed", job.random_seed)?;
        named.set_item("python_path", &job.python_path)?;
        named.set_item("extra_files", PyList::new(py, files)?)?;
        named.set_item("limit_overrides_context", context.to_string())?;
        named.set_item("slug", &job.slug)?;
        named.set_item("unsafely", job.unsafely)?;
        function.call((job.code.as_str(), &globals), Some(&named))?;
        Ok(names_from_python(&globals))
    }
}

/// Tells code that failed from an engine that did.
fn failure(py: Python<'_>, error: &PyErr) -> SandboxError {
    let class = error.get_type(py).name().map_or_else(|_| "Exception".to_owned(), |name| name.to_string());
    let text = error.value(py).str().map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
    let is_named = |class: &Bound<'_, PyAny>| {
        class.getattr("__name__").is_ok_and(|name| name.eq(CODE_FAILED).unwrap_or(false))
    };
    if error.get_type(py).mro().iter().any(|class| is_named(&class)) {
        // The platform's engine without a wall says no more than class and message of the author's error.
        let is_short = !text.contains("\\n") && !text.starts_with("Couldn't execute jailed code");
        return match SandboxError::from_jail(text, None) {
            SandboxError::Code { message, last_line: None, line } if is_short => {
                SandboxError::Code { last_line: Some(message.clone()), message, line }
            }
            error => error,
        };
    }
    let said = if text.is_empty() { class } else { format!("{class}: {text}") };
    // An engine that runs code without a wall lets its errors through as they are.
    match authors_line(py, error) {
        Some(line) => SandboxError::Code { message: said.clone(), last_line: Some(said), line },
        None => {
            if error.is_instance_of::<PyKeyboardInterrupt>(py) {
                // Whoever pressed the keys meant the program, not the engine: it is raised again as soon as Python runs.
                let _ = py.import("_thread").and_then(|thread| thread.call_method0("interrupt_main"));
            }
            SandboxError::Engine { message: said }
        }
    }
}

/// Finds out whether an error comes from the author's code, and from which of its lines.
fn authors_line(py: Python<'_>, error: &PyErr) -> Option<Option<u32>> {
    let number =
        |holder: &Bound<'_, PyAny>, name: &str| holder.getattr(name).and_then(|line| line.extract()).ok();
    if error.is_instance_of::<PySyntaxError>(py) {
        let value = error.value(py);
        let is_authors = value.getattr("filename").is_ok_and(|name| name.eq(AUTHORS_FILE).unwrap_or(false));
        return is_authors.then(|| number(value, "lineno"));
    }
    let mut found = None;
    let mut step = error.traceback(py).map(Bound::into_any);
    while let Some(frame) = step {
        let code = frame.getattr("tb_frame").and_then(|frame| frame.getattr("f_code"));
        let file = code.and_then(|code| code.getattr("co_filename"));
        if file.is_ok_and(|file| file.eq(AUTHORS_FILE).unwrap_or(false)) {
            found = Some(number(&frame, "tb_lineno"));
        }
        step = frame.getattr("tb_next").ok().filter(|next| !next.is_none());
    }
    found
}

impl SandboxService for SafeExec {
    fn run(&self, job: &SandboxJob, context: &ContextKey) -> Result<Globals, SandboxError> {
        Python::attach(|py| self.call(py, job, context).map_err(|error| failure(py, &error)))
    }
}
