//! Values of keys' attributes and arguments, in both directions.
//!
//! The ids of MongoDB documents are texts of 24 hexadecimal digits here: the wheel does without the `bson` package, whose
//! `ObjectId` is accepted.

use pyo3::IntoPyObjectExt as _;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyString, PyTuple};
use xblock_core::keys::python::KeyValue;
use xblock_core::keys::{Integer, ObjectId, Scalar, SmolStr};

use super::classes::wrap;
use super::opaque_key::OpaqueKey;

/// Reads an argument.
pub(super) fn from_python(value: &Bound<'_, PyAny>) -> PyResult<KeyValue> {
    if value.is_none() {
        return Ok(KeyValue::NULL);
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(KeyValue::from(&*text.to_cow()?));
    }
    if let Ok(key) = value.cast::<OpaqueKey>() {
        return Ok(KeyValue::Key(key.get().key().clone()));
    }
    if let Ok(truth) = value.cast::<PyBool>() {
        return Ok(KeyValue::Bool(truth.is_true()));
    }
    let unusable = || {
        let class = value.get_type();
        PyTypeError::new_err(format!("a key cannot hold a value of {class}"))
    };
    let text = value.str()?;
    let text = text.to_cow()?;
    let scalar = if value.is_instance_of::<PyInt>() {
        Integer::parse(&text).map(Scalar::Int)
    } else {
        match &*value.get_type().name()?.to_cow()? {
            "UUID" => text.parse().ok().map(Scalar::Uuid),
            "ObjectId" => ObjectId::from_hex(&text).map(Scalar::ObjectId),
            _ => None,
        }
    };
    scalar.map(KeyValue::Scalar).ok_or_else(unusable)
}

/// Reads an argument that cannot be a key or a truth value.
pub(super) fn scalar_from_python(value: &Bound<'_, PyAny>) -> PyResult<Scalar> {
    match from_python(value)? {
        KeyValue::Scalar(scalar) => Ok(scalar),
        _ => Err(PyTypeError::new_err("this argument is a text or nothing")),
    }
}

/// Reads positional arguments.
pub(super) fn all_from_python(args: &Bound<'_, PyTuple>) -> PyResult<Vec<KeyValue>> {
    args.iter_borrowed().map(|value| from_python(&value)).collect()
}

/// Reads named arguments.
pub(super) fn named_from_python(kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Vec<(SmolStr, KeyValue)>> {
    let named = kwargs.into_iter().flat_map(|kwargs| kwargs.iter());
    named.map(|(name, value)| Ok((SmolStr::from(name.extract::<&str>()?), from_python(&value)?))).collect()
}

/// Gives an attribute's value to Python.
pub(super) fn to_python(py: Python<'_>, value: KeyValue) -> PyResult<Py<PyAny>> {
    match value {
        KeyValue::Bool(value) => value.into_py_any(py),
        KeyValue::Key(key) => wrap(py, key),
        KeyValue::Scalar(scalar) => match scalar {
            Scalar::Null => Ok(py.None()),
            Scalar::Text(text) => text.as_str().into_py_any(py),
            Scalar::Int(integer) => Ok(py.get_type::<PyInt>().call1((integer.as_str(),))?.unbind()),
            Scalar::Uuid(uuid) => {
                Ok(py.import("uuid")?.getattr("UUID")?.call1((uuid.to_string(),))?.unbind())
            }
            other => other.to_string().into_py_any(py),
        },
    }
}
