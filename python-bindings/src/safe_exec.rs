//! Scripts of authors in an engine that Python brings along, in the form of edx-platform's `safe_exec`.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use xblock_core::keys::ContextKey;
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxLimits, SandboxService};

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
        let json = py.import("json")?;
        let text = serde_json::Value::Object(job.globals.clone()).to_string();
        let globals = json.call_method1("loads", (text,))?;
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
        let text: String = json.call_method1("dumps", (&globals,))?.extract()?;
        serde_json::from_str(&text)
            .map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))
    }
}

impl SandboxService for SafeExec {
    fn can_run_unsafely(&self, _: &ContextKey) -> bool {
        false
    }

    fn python_lib_zip(&self, _: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError> {
        Ok(None)
    }

    fn limits(&self, _: &ContextKey) -> SandboxLimits {
        SandboxLimits::default()
    }

    fn run(&self, job: &SandboxJob, context: &ContextKey) -> Result<Globals, SandboxError> {
        Python::attach(|py| {
            self.call(py, job, context).map_err(|error| {
                let message = error.value(py).to_string();
                SandboxError::Code { last_line: Some(message.clone()), message, line: None }
            })
        })
    }
}
