//! Formulas as learners type them, evaluated for Python.

use std::sync::{Arc, Mutex, PoisonError};

use blocks::formula::{self, Case, FormulaError, Function, Functions, Number, Variables};
use num_complex::Complex64;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyDict, PyFloat, PyInt};

use crate::error::BindingError;
use crate::values::{int_from_python, int_to_python};

/// What a caller's function raised.
type Raised = Arc<Mutex<Option<PyErr>>>;

/// Evaluates a formula with a caller's variables and functions.
#[pyfunction]
pub(crate) fn evaluate_formula(
    py: Python<'_>,
    variables: &Bound<'_, PyDict>,
    functions: &Bound<'_, PyDict>,
    expression: &str,
    case_sensitive: bool,
) -> PyResult<Py<PyAny>> {
    let mut named = Variables::new();
    let mut unfit = Vec::new();
    for (name, value) in variables {
        let name: String = name.extract()?;
        match to_number(&value) {
            Ok(value) => _ = named.insert(name, value),
            // It would take the place of a constant.
            Err(error) if ["e", "i", "j", "pi"].contains(&&*name.to_lowercase()) => return Err(error),
            // As in Python, what is no number matters only where it is used.
            Err(error) => unfit.push((name, error)),
        }
    }
    let raised = Raised::default();
    let mut callable = Functions::new();
    for (name, function) in functions {
        callable.insert(name.extract()?, wrap(function.unbind(), raised.clone()));
    }
    let case = if case_sensitive { Case::Sensitive } else { Case::Insensitive };
    match py.detach(|| formula::evaluate(&named, &callable, expression, case)) {
        Ok(value) => to_python(py, &value),
        Err(error) => {
            // What a caller's function raised is raised again, as Python would.
            let own = raised.lock().unwrap_or_else(PoisonError::into_inner).take();
            let is_used = |name: &str| {
                // A name has `^{...}` in it; any other `^` is a power.
                let spelled = |text: &str| text.replace("^{", "\0{");
                let (expression, name) = (spelled(expression), spelled(name));
                let is_sign = |sign: char| !(sign.is_ascii_alphanumeric() || "_'{}\0".contains(sign));
                let is_name =
                    |word: &str| if case_sensitive { word == name } else { word.eq_ignore_ascii_case(&name) };
                matches!(error, FormulaError::Undefined { .. }) && expression.split(is_sign).any(is_name)
            };
            let unfit = unfit.into_iter().find(|(name, _)| is_used(name)).map(|(_, error)| error);
            Err(own.or(unfit).unwrap_or_else(|| BindingError::Formula(error).into()))
        }
    }
}

/// Returns a formula in LaTeX.
#[pyfunction]
pub(crate) fn formula_latex(py: Python<'_>, expression: &str) -> PyResult<String> {
    Ok(py.detach(|| formula::latex(expression)).map_err(BindingError::Formula)?)
}

fn wrap(function: Py<PyAny>, raised: Raised) -> Function {
    Box::new(move |operand| {
        Python::attach(|py| {
            let called = to_python(py, operand)
                .and_then(|operand| function.call1(py, (operand,)))
                .and_then(|value| to_number(value.bind(py)));
            called.map_err(|error| {
                let message = error.to_string();
                *raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                FormulaError::Function { message }
            })
        })
    })
}

/// Takes a number of Python's or numpy's, whose rules differ where they overflow or divide by zero.
fn to_number(value: &Bound<'_, PyAny>) -> PyResult<Number> {
    let class = value.get_type();
    let is_numpy = class.module().is_ok_and(|module| module == "numpy");
    if let Ok(value) = value.cast::<PyBool>() {
        return Ok(Number::Int(value.is_true().into()));
    }
    if let Ok(value) = value.cast::<PyInt>() {
        return match value.extract::<i64>() {
            Ok(value) => Ok(Number::Int(value)),
            Err(_) => int_from_python(value).map(Number::BigInt),
        };
    }
    if let Ok(value) = value.cast::<PyFloat>() {
        let value = value.extract()?;
        return Ok(if is_numpy { Number::NumpyFloat(value) } else { Number::Float(value) });
    }
    if let Ok(value) = value.cast::<PyComplex>() {
        let value = Complex64::new(value.real(), value.imag());
        return Ok(if is_numpy { Number::NumpyComplex(value) } else { Number::Complex(value) });
    }
    // Only numpy's complex numbers of double precision are Python's.
    let is_complex = is_numpy
        && value
            .getattr("dtype")
            .and_then(|dtype| dtype.getattr("kind"))
            .is_ok_and(|kind| kind.eq("c").unwrap_or(false));
    if is_complex {
        let value = value.call_method0("__complex__")?;
        let value = value.cast::<PyComplex>()?;
        return Ok(Number::NumpyComplex(Complex64::new(value.real(), value.imag())));
    }
    if is_numpy && let Ok(value) = value.call_method0("__index__").and_then(|value| value.extract()) {
        return Ok(Number::NumpyInt(value));
    }
    if let Ok(value) = value.call_method0("__float__").and_then(|value| value.extract()) {
        return Ok(if is_numpy { Number::NumpyFloat(value) } else { Number::Float(value) });
    }
    Err(PyTypeError::new_err(format!("{} is no number", class.name()?)))
}

fn to_python(py: Python<'_>, value: &Number) -> PyResult<Py<PyAny>> {
    Ok(match value {
        Number::Int(value) | Number::NumpyInt(value) => value.into_pyobject(py)?.into_any().unbind(),
        Number::BigInt(value) => int_to_python(py, value)?.unbind(),
        Number::Float(value) | Number::NumpyFloat(value) => PyFloat::new(py, *value).into_any().unbind(),
        Number::Complex(value) | Number::NumpyComplex(value) => {
            PyComplex::from_doubles(py, value.re, value.im).into_any().unbind()
        }
    })
}
