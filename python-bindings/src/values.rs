//! The names that scripts of authors begin with and leave, as values of Python.
//!
//! In this house they are JSON whose integers beyond 64 bits are `{"__int__": "digits"}`; in Python they are plain values.

use num_bigint::BigInt;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Value as Json};

/// How deep values may be nested; deeper ones stay where they are, as in the cage.
const DEPTH: usize = 120;

/// How many digits an integer may have: the time to read them grows with the square of their number.
const DIGITS: usize = 20_000;

/// Makes a dict of names.
pub(crate) fn names_to_python<'py>(
    py: Python<'py>,
    names: &Map<String, Json>,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in names {
        dict.set_item(name, to_python(py, value)?)?;
    }
    Ok(dict)
}

fn to_python<'py>(py: Python<'py>, value: &Json) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Json::Null => py.None().into_bound(py),
        Json::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), ..) => value.into_pyobject(py)?.into_any(),
            (_, Some(value), _) => value.into_pyobject(py)?.into_any(),
            (.., value) => PyFloat::new(py, value.unwrap_or(f64::NAN)).into_any(),
        },
        Json::String(text) => PyString::new(py, text).into_any(),
        Json::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(to_python(py, item)?)?;
            }
            list.into_any()
        }
        Json::Object(members) => match big_integer(members) {
            Some(value) => int_to_python(py, &value)?,
            None => names_to_python(py, members)?.into_any(),
        },
    })
}

fn big_integer(members: &Map<String, Json>) -> Option<BigInt> {
    let digits = if members.len() == 1 { members.get("__int__")?.as_str()? } else { return None };
    if digits.len() > DIGITS { None } else { digits.parse().ok() }
}

/// Makes an integer of any size: Python refuses to read very long ones in decimal.
pub(crate) fn int_to_python<'py>(py: Python<'py>, value: &BigInt) -> PyResult<Bound<'py, PyAny>> {
    py.get_type::<PyInt>().call1((value.to_str_radix(16), 16))
}

/// Reads an integer of any size.
pub(crate) fn int_from_python(value: &Bound<'_, PyInt>) -> PyResult<BigInt> {
    // The method of `int` itself: a subclass may have another.
    let digits: String =
        value.py().get_type::<PyInt>().call_method1("__format__", (value, "x"))?.extract()?;
    BigInt::parse_bytes(digits.as_bytes(), 16)
        .ok_or_else(|| pyo3::exceptions::PyTypeError::new_err("not an integer"))
}

/// Takes the names whose values JSON can hold; the others, such as functions and modules, stay in Python.
pub(crate) fn names_from_python(names: &Bound<'_, PyDict>) -> Map<String, Json> {
    let kept = names.iter().filter_map(|(name, value)| {
        let name: String = name.extract().ok()?;
        if name == "__builtins__" { None } else { Some((name, from_python(&value, 0)?)) }
    });
    kept.collect()
}

fn from_python(value: &Bound<'_, PyAny>, depth: usize) -> Option<Json> {
    if depth > DEPTH {
        return None;
    }
    if value.is_none() {
        return Some(Json::Null);
    }
    if let Ok(value) = value.cast::<PyBool>() {
        return Some(value.is_true().into());
    }
    if let Ok(value) = value.cast::<PyInt>() {
        return match value.extract::<i64>() {
            Ok(value) => Some(value.into()),
            Err(_) => {
                let value = int_from_python(value).ok()?;
                if value.bits() > DIGITS as u64 * 3 {
                    return None;
                }
                let digits = value.to_string();
                Some(Json::Object(Map::from_iter([("__int__".to_owned(), digits.into())])))
            }
        };
    }
    if let Ok(value) = value.cast::<PyFloat>() {
        return serde_json::Number::from_f64(value.value()).map(Json::Number);
    }
    if let Ok(value) = value.cast::<PyString>() {
        return value.extract::<String>().ok().map(Json::String);
    }
    if let Ok(value) = value.cast::<PyBytes>() {
        return std::str::from_utf8(value.as_bytes()).ok().map(Json::from);
    }
    if let Ok(items) = value.cast::<PyList>() {
        return items
            .iter()
            .map(|item| from_python(&item, depth + 1))
            .collect::<Option<_>>()
            .map(Json::Array);
    }
    if let Ok(items) = value.cast::<PyTuple>() {
        return items
            .iter()
            .map(|item| from_python(&item, depth + 1))
            .collect::<Option<_>>()
            .map(Json::Array);
    }
    let members = value.cast::<PyDict>().ok()?;
    let members =
        members.iter().map(|(name, member)| Some((member_name(&name)?, from_python(&member, depth + 1)?)));
    members.collect::<Option<_>>().map(Json::Object)
}

/// Writes the name of a member as Python's JSON does.
fn member_name(name: &Bound<'_, PyAny>) -> Option<String> {
    match from_python(name, DEPTH)? {
        Json::String(text) => Some(text),
        Json::Array(_) => None,
        Json::Object(long) => big_integer(&long).map(|value| value.to_string()),
        Json::Number(number) if number.is_f64() => name.repr().ok()?.extract().ok(),
        plain => Some(plain.to_string()),
    }
}
