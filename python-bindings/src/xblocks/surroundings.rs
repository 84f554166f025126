//! Calls of the Python object that stands for a block's surroundings (`xblock_runtime.xblocks.surroundings`).

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// A Python `Surroundings` object; every call takes the interpreter for itself.
pub(crate) struct Surroundings(pub(crate) Py<PyAny>);

impl Surroundings {
    /// Calls a method and converts what it returns.
    pub(crate) fn call<T>(&self, method: &str, args: &[&str]) -> PyResult<T>
    where
        T: for<'py> FromPyObject<'py, 'py, Error = PyErr>,
    {
        Python::attach(|py| {
            let args = PyTuple::new(py, args)?;
            self.0.bind(py).call_method1(method, args)?.extract()
        })
    }
}
