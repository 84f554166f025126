//! Problems by themselves, without a store: put together, graded and shown from Python.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use blocks::problem::{self, Answers, Problem as Engine, ProblemOptions, ProblemServices, markdown};
use chrono::Utc;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Value, json};
use xblock_core::keys::UsageKey;
use xblock_core::services::SandboxService;

use crate::error::BindingError;
use crate::safe_exec::SafeExec;
use crate::sandbox::ProcessCage;
use crate::values::names_to_python;

/// Where the scripts of a problem run.
#[derive(FromPyObject)]
pub(crate) enum Sandbox {
    /// In the cage, or nowhere: `"cage"`, `"none"`.
    Named(String),
    /// In Python's own `safe_exec`.
    Python(Py<PyAny>),
}

/// What a problem is put together from besides its XML and id.
#[derive(FromPyObject)]
pub(crate) struct Settings {
    #[pyo3(item)]
    seed: Option<i64>,
    #[pyo3(item)]
    state: Option<String>,
    #[pyo3(item)]
    anonymous_student_id: String,
    #[pyo3(item)]
    grading_method: String,
    #[pyo3(item)]
    sandbox: Sandbox,
    #[pyo3(item)]
    python_lib: Option<Vec<u8>>,
    #[pyo3(item)]
    include: Option<Py<PyAny>>,
}

/// A problem with one learner's work on it; what is not a number or text goes in and out as JSON text.
#[pyclass(frozen, module = "xblock_runtime._native")]
pub(crate) struct Problem {
    engine: Mutex<Engine>,
    /// The thread that works on the problem.
    worker: Mutex<Option<ThreadId>>,
}

/// Says that a thread works on a problem, until it is dropped.
struct Working<'p>(&'p Mutex<Option<ThreadId>>);

impl<'p> Working<'p> {
    fn new(worker: &'p Mutex<Option<ThreadId>>) -> Self {
        *locked(worker) = Some(thread::current().id());
        Self(worker)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        *locked(self.0) = None;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Problem {
    /// Works on the problem while Python does other things: scripts may run, in Python too. Other threads wait; a sandbox
    /// of the host's that comes back to the problem it works for would wait for itself.
    fn with<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut Engine) -> T + Send) -> PyResult<T> {
        py.detach(|| {
            if *locked(&self.worker) == Some(thread::current().id()) {
                return Err(PyRuntimeError::new_err("the problem is in use by its own sandbox"));
            }
            let mut engine = locked(&self.engine);
            let _working = Working::new(&self.worker);
            Ok(work(&mut engine))
        })
    }
}

#[pymethods]
impl Problem {
    #[new]
    fn new(py: Python<'_>, xml: &str, problem_id: &str, settings: Settings) -> PyResult<Self> {
        let usage = usage(problem_id)?;
        let state: Option<Value> = settings.state.as_deref().map(parse).transpose()?;
        let library: Option<Arc<[u8]>> = settings.python_lib.map(Arc::from);
        let sandbox: Option<Arc<dyn SandboxService>> = match settings.sandbox {
            Sandbox::Named(name) if name == "none" => None,
            Sandbox::Named(_) => Some(ProcessCage::shared()),
            Sandbox::Python(engine) => Some(Arc::new(SafeExec::new(engine))),
        };
        let include = settings.include;
        let files = |path: &str| -> Option<Vec<u8>> {
            let include = include.as_ref()?;
            // A file that cannot be read is one that is not there.
            Python::attach(|py| include.call1(py, (path,)).ok()?.extract::<Option<Vec<u8>>>(py).ok()?)
        };
        let engine = py.detach(|| {
            let mut options = ProblemOptions::new(usage);
            options.seed = settings.seed;
            options.anonymous_id = &settings.anonymous_student_id;
            options.state = state.as_ref();
            options.grading_method = &settings.grading_method;
            options.files = Some(&files);
            options.services = ProblemServices {
                sandbox,
                python_lib: library,
                now: Utc::now(),
                is_author_mode: false,
                ..ProblemServices::default()
            };
            Engine::load(xml, options)
        });
        let engine = engine.map_err(BindingError::ProblemLoad)?;
        Ok(Self { engine: Mutex::new(engine), worker: Mutex::new(None) })
    }

    /// Grades answers: `{correct_map, overall_message, hint_events, earned}`.
    fn grade(&self, py: Python<'_>, answers: &str) -> PyResult<String> {
        let answers: Answers = match parse(answers)? {
            Value::Object(answers) => answers,
            _ => {
                return Err(
                    BindingError::Answers { reason: "answers are an object by input id".into() }.into()
                );
            }
        };
        let outcome = self.with(py, |problem| problem.grade(&answers))?.map_err(BindingError::Grade)?;
        Ok(json!({
            "correct_map": outcome.correct_map,
            "overall_message": outcome.overall_message,
            "hint_events": outcome.hint_events,
        })
        .to_string())
    }

    /// Keeps answers without grading them.
    fn save(&self, py: Python<'_>, answers: &str) -> PyResult<()> {
        match parse(answers)? {
            Value::Object(answers) => self.with(py, |problem| problem.save(&answers))?,
            _ => {
                return Err(
                    BindingError::Answers { reason: "answers are an object by input id".into() }.into()
                );
            }
        }
        Ok(())
    }

    /// Points earned and possible.
    fn score(&self, py: Python<'_>) -> PyResult<(f64, i64)> {
        self.with(py, |problem| (problem.score().earned(), problem.max_score()))
    }

    fn correct_answers(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |problem| Value::Object(problem.correct_answers()).to_string())
    }

    fn question_answers(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |problem| Value::Object(problem.question_answers()).to_string())
    }

    fn html(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |problem| problem.html())
    }

    fn state(&self, py: Python<'_>) -> PyResult<String> {
        self.with(py, |problem| problem.state().to_string())
    }

    fn context<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        names_to_python(py, &self.with(py, |problem| problem.context())?)
    }

    fn demand_hints(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.with(py, |problem| problem.demand_hints())
    }

    fn seed(&self, py: Python<'_>) -> PyResult<i64> {
        self.with(py, |problem| problem.seed())
    }

    /// Id, element, element of the question and label of each input.
    fn inputs(&self, py: Python<'_>) -> PyResult<Vec<(String, String, String, String)>> {
        self.with(py, |problem| {
            let inputs = problem.inputs().into_iter();
            inputs.map(|input| (input.id, input.tag, input.response_tag, input.label)).collect()
        })
    }
}

/// Takes a usage key, or the name of a problem that stands in no course.
fn usage(problem_id: &str) -> PyResult<UsageKey> {
    let named = problem_id
        .parse()
        .or_else(|_| format!("block-v1:course+of+nobody+type@problem+block@{problem_id}").parse());
    Ok(named.map_err(|source| BindingError::Key { text: problem_id.to_owned(), source })?)
}

fn parse(text: &str) -> PyResult<Value> {
    Ok(serde_json::from_str(text).map_err(|error| BindingError::Answers { reason: error.to_string() })?)
}

/// Converts a text of the simple editor to a problem.
#[pyfunction]
pub(crate) fn markdown_to_xml(py: Python<'_>, text: &str) -> PyResult<String> {
    Ok(py.detach(|| markdown::to_xml(text)).map_err(BindingError::Markdown)?)
}

/// Converts a problem to a text of the simple editor, where that means the same.
#[pyfunction]
pub(crate) fn markdown_from_xml(py: Python<'_>, xml: &str) -> PyResult<String> {
    Ok(py.detach(|| markdown::from_xml(xml)).map_err(BindingError::NotMarkdown)?)
}

/// Returns what a search index should know of a problem: its words, and the elements of its questions.
#[pyfunction]
pub(crate) fn index_problem(py: Python<'_>, data: &str) -> PyResult<(String, Vec<String>)> {
    let index = py.detach(|| problem::index_problem(data)).map_err(BindingError::ProblemLoad)?;
    Ok((index.content, index.problem_types))
}
