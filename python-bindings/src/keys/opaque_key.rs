//! What all keys do: text, equality, order, hash, copies.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use pyo3::IntoPyObjectExt as _;
use pyo3::basic::CompareOp;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use xblock_core::keys::python::python_cmp;
use xblock_core::keys::{AnyKey, KeyError, KeyKind, KeyRegistry};

use super::classes::wrap;
use super::convert::{named_from_python, to_python};
use crate::error::BindingError;

/// The identity of a thing, written as text. Immutable; equal, ordered and hashed by what it names.
#[pyclass(frozen, subclass, module = "xblock_runtime.keys")]
pub(crate) struct OpaqueKey {
    key: AnyKey,
}

impl OpaqueKey {
    pub(super) const fn new(key: AnyKey) -> Self {
        Self { key }
    }

    pub(super) const fn key(&self) -> &AnyKey {
        &self.key
    }
}

/// Reads a text as a key of a kind.
pub(super) fn read(py: Python<'_>, kind: KeyKind, text: Option<&str>) -> PyResult<Py<PyAny>> {
    let text = text
        .ok_or_else(|| KeyError::InvalidKey { class: kind.name(), text: "None".to_owned() })
        .map_err(BindingError::KeyRule)?;
    wrap(py, KeyRegistry::BUILTIN.parse(kind, text).map_err(BindingError::KeyRule)?)
}

/// Returns the key of an object that is one.
pub(super) fn key_of<'k>(object: &'k Bound<'_, PyAny>) -> PyResult<&'k AnyKey> {
    Ok(object.cast::<OpaqueKey>()?.get().key())
}

/// Returns an attribute of a key.
pub(super) fn attribute(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Py<PyAny>> {
    to_python(object.py(), key_of(object)?.attribute(name).map_err(BindingError::KeyRule)?)
}

/// Gives Python a key that was made of another.
pub(super) fn made(py: Python<'_>, key: Result<AnyKey, KeyError>) -> PyResult<Py<PyAny>> {
    wrap(py, key.map_err(BindingError::KeyRule)?)
}

#[pymethods]
impl OpaqueKey {
    /// Whether the key is of an old form, written without namespace.
    #[getter]
    fn deprecated(&self) -> bool {
        self.key.is_deprecated()
    }

    /// The key with other values for some of its fields, all checked again; itself when nothing changes.
    #[pyo3(signature = (**kwargs))]
    fn replace(&self, py: Python<'_>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Py<PyAny>> {
        made(py, self.key.replace(named_from_python(kwargs)?))
    }

    fn __str__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        Ok(PyString::new(py, &self.key.to_text().map_err(BindingError::KeyRule)?))
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let fields = slf.get().key.fields();
        let shown = fields
            .into_iter()
            .map(|(_, value)| Ok(to_python(slf.py(), value)?.bind(slf.py()).repr()?.to_string()))
            .collect::<PyResult<Vec<_>>>()?;
        Ok(format!("{}({})", slf.get_type().name()?, shown.join(", ")))
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.key.to_text().map_err(BindingError::KeyRule)?.chars().count())
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.key.hash(&mut hasher);
        hasher.finish()
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, operation: CompareOp) -> PyResult<Py<PyAny>> {
        let py = other.py();
        let Ok(other) = other.cast::<OpaqueKey>() else { return Ok(py.NotImplemented()) };
        let other = &other.get().key;
        match operation {
            CompareOp::Eq => (self.key == *other).into_py_any(py),
            CompareOp::Ne => (self.key != *other).into_py_any(py),
            order => match python_cmp(&self.key, other) {
                Ok(ordering) => match order {
                    CompareOp::Lt => ordering == Ordering::Less,
                    CompareOp::Le => ordering != Ordering::Greater,
                    CompareOp::Gt => ordering == Ordering::Greater,
                    _ => ordering != Ordering::Less,
                }
                .into_py_any(py),
                // Python then raises its own TypeError.
                Err(KeyError::NotComparable { .. }) => Ok(py.NotImplemented()),
                Err(error) => Err(BindingError::KeyRule(error).into()),
            },
        }
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// Pickled as the text where reading that gives the key back, else by its fields.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let (py, key, class) = (slf.py(), &slf.get().key, slf.get_type());
        if let (Ok(text), Some(kind)) = (key.to_text(), key.class().map(KeyKind::Class))
            && KeyRegistry::BUILTIN.parse(kind, &text).as_ref() == Ok(key)
        {
            return Ok((class.getattr("from_string")?, (text,).into_pyobject(py)?));
        }
        let kwargs = PyDict::new(py);
        for (name, value) in key.fields() {
            kwargs.set_item(name.as_str(), to_python(py, value)?)?;
        }
        if key.is_deprecated() {
            kwargs.set_item("deprecated", true)?;
        }
        let make = py.import("copyreg")?.getattr("__newobj_ex__")?;
        Ok((make, (class, PyTuple::empty(py), kwargs).into_pyobject(py)?))
    }
}
