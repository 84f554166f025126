//! Stores for Python. Structured results cross as JSON text; the Python package makes dataclasses of them.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use courseware::{
    ArchiveLimits, CompareOptions, CoursewareError, ExportOptions, ImportOptions, ImportOutcome, OnErrors,
    OpenMode, Overwrite, PublishOptions, StoreUrl, SystemClock,
};
use pyo3::prelude::*;
use serde_json::{Value as Json, json};
use xblock_core::block::{GraderReply, HandlerRequest, User};
use xblock_core::clock::Clock;
use xblock_core::fields::{KeyValueStore, Value};
use xblock_core::host::{Host, PathUrls};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::Threads;
use xblock_core::runtime::{Branch, Runtime, RuntimeExt as _};
use xblock_core::services::{SandboxService, Service, ServiceSet};

use crate::error::BindingError;
use crate::read_only::ReadOnlyState;
use crate::sandbox::ProcessCage;
use crate::services::offered;
use crate::xblocks::registry;

/// What is open of a store.
#[derive(Clone)]
struct Opened {
    runtime: Arc<dyn Runtime>,
    learner_state: Arc<dyn KeyValueStore>,
    clock: Arc<dyn Clock>,
    services: ServiceSet,
    /// Where scripts of the draft and of the published branch run, unless the host has a place of its own.
    cages: Option<[Arc<dyn SandboxService>; 2]>,
    read_only: bool,
}

impl Opened {
    /// Refuses what would write; an empty store in memory would take it otherwise.
    fn writable(self) -> Result<Self, BindingError> {
        if self.read_only { Err(BindingError::ReadOnly { key: None }) } else { Ok(self) }
    }
}

/// An open store. With `read_only` neither content nor learner state can be written.
#[pyclass(frozen, module = "xblock_runtime._native")]
pub(crate) struct Store {
    url: StoreUrl,
    opened: RwLock<Option<Opened>>,
}

/// A handler's answer.
#[pyclass(frozen, get_all, module = "xblock_runtime._native")]
pub(crate) struct Handled {
    /// HTTP status.
    status: u16,
    /// Media type of the body.
    content_type: String,
    /// Further headers.
    headers: Vec<(String, String)>,
    /// The body.
    body: Vec<u8>,
    /// JSON text of a list of pairs: event type and data.
    events: String,
}

impl From<xblock_core::host::Handled> for Handled {
    fn from(handled: xblock_core::host::Handled) -> Self {
        let events = handled.events.iter().map(|event| json!([event.event_type(), event.data()])).collect();
        let response = handled.response;
        Self {
            status: response.status,
            content_type: response.content_type,
            headers: response.headers,
            body: response.body,
            events: Json::Array(events).to_string(),
        }
    }
}

/// Method, suffix, query, content type and body of a request.
type Request = (String, String, Vec<(String, String)>, String, Vec<u8>);

pub(crate) fn context_key(text: &str) -> Result<ContextKey, BindingError> {
    text.parse().map_err(|source| BindingError::Key { text: text.to_owned(), source })
}

pub(crate) fn usage_key(text: &str) -> Result<UsageKey, BindingError> {
    text.parse().map_err(|source| BindingError::Key { text: text.to_owned(), source })
}

pub(crate) fn branch(name: &str) -> Result<Branch, BindingError> {
    Branch::ALL.into_iter().find(|branch| branch.name() == name).ok_or_else(|| BindingError::Block {
        key: None,
        reason: format!("there is no branch {name:?}: say \"draft\" or \"published\""),
    })
}

/// Turns a value of ours into JSON text; none of them has keys JSON cannot hold.
pub(crate) fn text(value: &impl serde::Serialize) -> Result<String, BindingError> {
    serde_json::to_string(value).map_err(|error| BindingError::Block { key: None, reason: error.to_string() })
}

impl Store {
    /// Names the branches of a context that come near the size MongoDB takes.
    fn size_warnings(&self, context: &ContextKey) -> Result<Vec<String>, BindingError> {
        if !matches!(self.url, StoreUrl::Modulestore(_) | StoreUrl::ModulestoreServer(_)) {
            return Ok(Vec::new());
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = self
            .url
            .open_modulestore(OpenMode::Read, registry()?, &clock)
            .map_err(|error| BindingError::from(CoursewareError::Store(error)))?;
        // What was written is written, whether it can be measured or not.
        Ok(store.size_warnings(context).unwrap_or_default().iter().map(ToString::to_string).collect())
    }

    fn opened(&self) -> Result<Opened, BindingError> {
        let opened = self.opened.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        opened.clone().ok_or_else(|| BindingError::Closed { url: self.url.to_string() })
    }

    /// Puts a host around the store of a block, and returns the block's key with the run of its course.
    fn host(&self, usage: &str, wanted: Option<&str>) -> Result<(Host, UsageKey), BindingError> {
        let opened = self.opened()?;
        let usage = opened.runtime.usage_with_run(&usage_key(usage)?)?;
        let branch = match wanted {
            Some(name) => branch(name)?,
            None if opened.runtime.context(&usage.context_key())?.published.is_some() => Branch::Published,
            None => Branch::Draft,
        };
        let host = Host {
            runtime: opened.runtime,
            branch,
            registry: registry()?.clone(),
            learner_state: opened.learner_state,
            urls: Arc::new(PathUrls::default()),
            clock: opened.clock,
            is_author_mode: false,
            services: match opened.cages {
                None => opened.services,
                Some([draft, published]) => {
                    let cage = if branch == Branch::Draft { draft } else { published };
                    opened.services.with::<dyn SandboxService>(cage)
                }
            },
        };
        Ok((host, usage))
    }
}

fn user(id: Option<&str>, is_staff: bool) -> Option<User> {
    match id {
        Some(id) => Some(User { id: id.into(), is_staff }),
        None if is_staff => Some(User { id: "staff".into(), is_staff }),
        None => None,
    }
}

#[pymethods]
impl Store {
    #[new]
    #[pyo3(signature = (url, state, read_only, services))]
    fn new(
        py: Python<'_>,
        url: &str,
        state: Option<PathBuf>,
        read_only: bool,
        services: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let (services, names) = services.map(offered).transpose()?.unwrap_or_default();
        let has_sandbox = names.iter().any(|name| name == <dyn SandboxService as Service>::NAME);
        py.detach(|| {
            let url: StoreUrl =
                url.parse().map_err(|error| BindingError::from(CoursewareError::StoreUrl(error)))?;
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let mode = if read_only { OpenMode::Read } else { OpenMode::Create };
            let runtime = url
                .open(mode, registry()?, &clock)
                .map_err(|error| BindingError::from(CoursewareError::Store(error)))?;
            let mut learner_state = url.learner_state(state.as_deref());
            if read_only {
                learner_state = Arc::new(ReadOnlyState(learner_state));
            }
            let cages = (!has_sandbox).then(|| {
                [Branch::Draft, Branch::Published].map(|branch| -> Arc<dyn SandboxService> {
                    Arc::new(ProcessCage::of(runtime.clone(), branch))
                })
            });
            let opened = Opened { runtime, learner_state, clock, services, cages, read_only };
            Ok(Self { url, opened: RwLock::new(Some(opened)) })
        })
    }

    #[getter]
    fn url(&self) -> String {
        self.url.to_string()
    }

    fn close(&self) {
        *self.opened.write().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }

    fn contexts(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        py.detach(|| {
            let contexts = self.opened()?.runtime.contexts().map_err(BindingError::from)?;
            Ok(contexts.iter().map(ToString::to_string).collect())
        })
    }

    /// Says what the store has and cannot read, apart from contexts that are listed.
    fn damaged(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        py.detach(|| {
            let damaged = self.opened()?.runtime.damaged_contexts().map_err(BindingError::from)?;
            Ok(damaged.iter().map(ToString::to_string).collect())
        })
    }

    fn import_course(
        &self,
        py: Python<'_>,
        path: PathBuf,
        into: Option<&str>,
        strict: bool,
    ) -> PyResult<String> {
        py.detach(|| {
            let opened = self.opened()?;
            // Who only reads imports courses all the same, as the LMS does; what it has open stays open to read.
            let runtime = if opened.read_only && !matches!(self.url, StoreUrl::Memory) {
                self.url
                    .open(OpenMode::Write, registry()?, &opened.clock)
                    .map_err(|error| BindingError::from(CoursewareError::Store(error)))?
            } else {
                opened.runtime
            };
            let target = into.map(context_key).transpose()?;
            let source = courseware::open_package(&path, &ArchiveLimits::default())
                .map_err(|error| BindingError::from(CoursewareError::Package(error)))?;
            let on_errors = if strict { OnErrors::Refuse } else { OnErrors::Write };
            // A server may fork after this, and a pool of threads does not come along.
            let threads = Threads::One;
            let options =
                ImportOptions { target: target.as_ref(), on_errors, threads, ..ImportOptions::default() };
            let report =
                courseware::import(&source, &runtime, registry()?, &options).map_err(BindingError::from)?;
            if report.outcome == ImportOutcome::Refused {
                return Err(BindingError::Refused { diagnostics: report.diagnostics }.into());
            }
            let context = runtime.context(&report.context).map_err(BindingError::from)?;
            Ok(text(&json!({
                "warnings": self.size_warnings(&report.context)?,
                "context": report.context,
                "root": context.root,
                "outcome": report.outcome,
                "blocks": report.blocks_by_type,
                "drafts": report.drafts,
                "assets": report.assets,
                "diagnostics": report.diagnostics,
            }))?)
        })
    }

    fn usage_keys(&self, py: Python<'_>, context: &str, branch_name: &str) -> PyResult<Vec<String>> {
        py.detach(|| {
            let (context, branch) = (context_key(context)?, branch(branch_name)?);
            let usages = self.opened()?.runtime.usages(&context, branch).map_err(BindingError::from)?;
            Ok(usages.iter().map(ToString::to_string).collect())
        })
    }

    fn block(&self, py: Python<'_>, usage: &str, branch_name: &str) -> PyResult<String> {
        py.detach(|| {
            let (usage, branch) = (usage_key(usage)?, branch(branch_name)?);
            let runtime = self.opened()?.runtime;
            let usage = runtime.usage_with_run(&usage).map_err(BindingError::from)?;
            let record = runtime.block(&usage, branch).map_err(BindingError::from)?;
            Ok(text(&json!({
                "usage_key": record.usage,
                "block_type": record.usage.block_type(),
                "display_name": record.data.display_name().unwrap_or_default(),
                "content": record.data.content,
                "settings": record.data.settings,
                "children": record.data.children,
                "asides": record
                    .data
                    .asides
                    .iter()
                    .map(|aside| json!({ "aside_type": aside.aside_type, "fields": aside.fields }))
                    .collect::<Vec<_>>(),
                "definition_key": record.definition,
            }))?)
        })
    }

    fn field_values(
        &self,
        py: Python<'_>,
        usage: &str,
        branch_name: &str,
        user_id: Option<&str>,
    ) -> PyResult<String> {
        py.detach(|| {
            let (host, usage) = self.host(usage, Some(branch_name))?;
            let loaded = host.load(&usage, user(user_id, false).as_ref()).map_err(BindingError::from)?;
            let fields = loaded.block.fields();
            let mut values = serde_json::Map::new();
            for spec in fields.specs() {
                if user_id.is_none() && spec.scope.is_user_scoped() {
                    continue;
                }
                // A stored value that is none of its field is shown as it is stored.
                let value = fields
                    .json(spec.name)
                    .or_else(|error| loaded.record.data.own(spec.name).cloned().ok_or(error));
                let value =
                    value.map_err(|error| BindingError::from(xblock_core::block::BlockError::from(error)))?;
                values.insert(spec.name.to_owned(), value);
            }
            Ok(text(&values)?)
        })
    }

    fn render(
        &self,
        py: Python<'_>,
        usage: &str,
        view: &str,
        user_id: Option<&str>,
        staff: bool,
        branch_name: Option<&str>,
    ) -> PyResult<String> {
        py.detach(|| {
            let (host, usage) = self.host(usage, branch_name)?;
            let fragment = host
                .render(&usage, view, user(user_id, staff).as_ref())
                .map_err(|error| BindingError::from(error).at(usage.to_string()))?;
            Ok(text(&fragment)?)
        })
    }

    #[expect(clippy::too_many_arguments, reason = "it is called from one place, in Python")]
    fn handle(
        &self,
        py: Python<'_>,
        usage: &str,
        handler: &str,
        request: Request,
        user_id: &str,
        staff: bool,
        branch_name: Option<&str>,
    ) -> PyResult<Handled> {
        py.detach(|| {
            let (host, usage) = self.host(usage, branch_name)?;
            let (method, suffix, query, content_type, body) = request;
            let request = HandlerRequest { method, suffix, query, content_type, body };
            let handled = host
                .handle(&usage, handler, &request, user(Some(user_id), staff).as_ref())
                .map_err(|error| BindingError::from(error).at(usage.to_string()))?;
            Ok(handled.into())
        })
    }

    #[expect(clippy::too_many_arguments, reason = "it is called from one place, in Python")]
    fn take_grader_reply(
        &self,
        py: Python<'_>,
        usage: &str,
        dispatch: String,
        key: String,
        body: String,
        user_id: &str,
        branch_name: Option<&str>,
    ) -> PyResult<Handled> {
        py.detach(|| {
            let (host, usage) = self.host(usage, branch_name)?;
            let user = User { id: user_id.into(), is_staff: false };
            let handled = host
                .take_grader_reply(&usage, &user, &GraderReply { dispatch, key, body })
                .map_err(|error| BindingError::from(error).at(usage.to_string()))?;
            Ok(handled.into())
        })
    }

    fn submit(
        &self,
        py: Python<'_>,
        usage: &str,
        answers: Vec<(String, String)>,
        user_id: &str,
        branch_name: Option<&str>,
    ) -> PyResult<String> {
        py.detach(|| {
            let (host, usage) = self.host(usage, branch_name)?;
            let user = User { id: user_id.into(), is_staff: false };
            let done = courseware::submit(&host, &usage, &user, &answers)
                .map_err(|error| BindingError::from(error).at(usage.to_string()))?;
            Ok(text(&done)?)
        })
    }

    fn grade(
        &self,
        py: Python<'_>,
        usage: &str,
        user_id: &str,
        branch_name: Option<&str>,
    ) -> PyResult<Option<(f64, f64)>> {
        py.detach(|| {
            let (host, usage) = self.host(usage, branch_name)?;
            let user = User { id: user_id.into(), is_staff: false };
            let loaded = host.load(&usage, Some(&user)).map_err(BindingError::from)?;
            let fields = loaded.block.fields();
            if fields.spec("score").is_none() {
                return Ok(None);
            }
            let score = fields.get("score").map_err(|error| {
                BindingError::from(xblock_core::block::BlockError::from(error)).at(usage.to_string())
            })?;
            let Value::Score(score) = score else { return Ok(None) };
            Ok(score.raw_earned.as_float().zip(score.raw_possible.as_float()))
        })
    }

    fn publish(&self, py: Python<'_>, context: &str, to: Option<&Bound<'_, Self>>) -> PyResult<String> {
        let target = to.map(Bound::get);
        let to = target.map(|to| to.opened()?.writable()).transpose()?;
        py.detach(|| {
            let context = context_key(context)?;
            let from = self.opened()?;
            let Some(to) = to else {
                let from = from.writable()?;
                let committed =
                    courseware::publish_draft(&from.runtime, &context, &PublishOptions::default())
                        .map_err(BindingError::from)?;
                let warnings = self.size_warnings(&context)?;
                let unchanged = committed.is_none();
                let done =
                    json!({ "unchanged": unchanged, "source_commit": committed, "warnings": warnings });
                return Ok(text(&done)?);
            };
            let report =
                courseware::publish(&from.runtime, &to.runtime, &context, &PublishOptions::default())
                    .map_err(BindingError::from)?;
            let mut value = serde_json::to_value(&report).unwrap_or_default();
            value["unchanged"] = report.is_unchanged().into();
            value["warnings"] = target.unwrap_or(self).size_warnings(&context)?.into();
            Ok(text(&value)?)
        })
    }

    fn compare(&self, py: Python<'_>, context: &str, other: &Bound<'_, Self>) -> PyResult<String> {
        let other = other.get().opened()?;
        py.detach(|| {
            let context = context_key(context)?;
            let mine = self.opened()?;
            let compared =
                courseware::compare(&*mine.runtime, &*other.runtime, &context, &CompareOptions::default())
                    .map_err(BindingError::from)?;
            let differences: Vec<Json> = compared
                .differences
                .iter()
                .map(|difference| {
                    let mut value = serde_json::to_value(difference).unwrap_or_default();
                    value["description"] = difference.to_string().into();
                    value
                })
                .collect();
            Ok(text(&differences)?)
        })
    }

    fn export(
        &self,
        py: Python<'_>,
        context: &str,
        target: PathBuf,
        force: bool,
        incomplete: bool,
    ) -> PyResult<()> {
        py.detach(|| {
            let context = context_key(context)?;
            let opened = self.opened()?;
            let overwrite = match (force, incomplete) {
                (false, _) => Overwrite::Refuse,
                (true, false) => Overwrite::Replace,
                (true, true) => Overwrite::ReplaceByIncomplete,
            };
            let options = ExportOptions { overwrite, ..ExportOptions::default() };
            courseware::export(&*opened.runtime, &context, registry()?, &target, &options)
                .map_err(BindingError::from)?;
            Ok(())
        })
    }
}
