//! Services that a Python host offers to native blocks (`xblock_runtime.services`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Duration, FixedOffset};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use xblock_core::block::Event;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::services::{
    AnyService, CacheService, CompletionService, I18nService, NullI18n, PublishService, ReplaceUrlsService,
    SandboxService, Service, ServiceError, ServiceRequest, ServiceSet, SettingsService, UserService,
    XBlockUser, XQueueService, XQueueSubmission,
};

use crate::sandbox::HostSandbox;

/// A Python `Calls` object, or the `HostServices` that hands them out.
struct Calls(Py<PyAny>);

impl Calls {
    fn call<T>(&self, method: &str, args: &[&str]) -> PyResult<T>
    where
        T: for<'py> FromPyObject<'py, 'py, Error = PyErr>,
    {
        Python::attach(|py| {
            let args = PyTuple::new(py, args)?;
            self.0.bind(py).call_method1(method, args)?.extract()
        })
    }

    /// Calls a method whose failure the block cannot hear of; Python is told.
    fn call_or<T>(&self, method: &str, args: &[&str], fallback: impl FnOnce() -> T) -> T
    where
        T: for<'py> FromPyObject<'py, 'py, Error = PyErr>,
    {
        self.call(method, args).unwrap_or_else(|error| {
            Python::attach(|py| error.write_unraisable(py, Some(self.0.bind(py))));
            fallback()
        })
    }

    fn failed(service: &'static str) -> impl FnOnce(PyErr) -> ServiceError {
        move |error| ServiceError::Failed { service, message: error.to_string() }
    }
}

/// A user as Python describes one.
#[derive(Deserialize, Default)]
struct Described {
    emails: Vec<String>,
    full_name: Option<String>,
    display_name: Option<String>,
    is_current_user: bool,
    opt_attrs: BTreeMap<String, Json>,
}

fn user(text: &str) -> XBlockUser {
    let Described { emails, full_name, display_name, is_current_user, opt_attrs } =
        serde_json::from_str(text).unwrap_or_default();
    XBlockUser { is_current_user, emails, full_name, display_name, opt_attrs }
}

impl UserService for Calls {
    fn current_user(&self) -> XBlockUser {
        user(&self.call_or("current_user", &[], String::new))
    }

    fn anonymous_user_id(&self, username: &str, context: &ContextKey) -> Option<String> {
        self.call_or("anonymous_user_id", &[username, &context.to_string()], || None)
    }

    fn user_by_anonymous_id(&self, id: &str) -> Option<XBlockUser> {
        let found: Option<String> = self.call_or("user_by_anonymous_id", &[id], || None);
        found.map(|text| user(&text))
    }
}

/// Translations, with the language they are in.
struct Translations {
    calls: Calls,
    language: String,
}

impl I18nService for Translations {
    fn language(&self) -> &str {
        &self.language
    }

    fn gettext<'t>(&'t self, text: &'t str) -> Cow<'t, str> {
        Cow::Owned(self.calls.call_or("gettext", &[text], || text.to_owned()))
    }

    fn ngettext<'t>(&'t self, singular: &'t str, plural: &'t str, number: u64) -> Cow<'t, str> {
        let english = || NullI18n.ngettext(singular, plural, number).into_owned();
        Cow::Owned(self.calls.call_or("ngettext", &[singular, plural, &number.to_string()], english))
    }

    fn pgettext<'t>(&'t self, context: &str, text: &'t str) -> Cow<'t, str> {
        Cow::Owned(self.calls.call_or("pgettext", &[context, text], || text.to_owned()))
    }

    fn npgettext<'t>(
        &'t self,
        context: &str,
        singular: &'t str,
        plural: &'t str,
        number: u64,
    ) -> Cow<'t, str> {
        let english = || NullI18n.ngettext(singular, plural, number).into_owned();
        let args = [context, singular, plural, &number.to_string()];
        Cow::Owned(self.calls.call_or("npgettext", &args, english))
    }

    fn strftime(&self, time: &DateTime<FixedOffset>, format: &str) -> String {
        self.calls.call_or("strftime", &[&time.to_rfc3339(), format], || NullI18n.strftime(time, format))
    }
}

impl SettingsService for Calls {
    fn settings_bucket(&self, settings_key: &str) -> Option<Json> {
        let found: Option<String> = self.call_or("settings_bucket", &[settings_key], || None);
        serde_json::from_str(&found?).ok()
    }
}

impl CompletionService for Calls {
    fn is_enabled(&self) -> bool {
        self.call_or("is_enabled", &[], || false)
    }

    fn completions(&self, usages: &[UsageKey]) -> Result<BTreeMap<UsageKey, f64>, ServiceError> {
        const NAME: &str = <dyn CompletionService as Service>::NAME;
        let keys = json!(usages.iter().map(ToString::to_string).collect::<Vec<_>>()).to_string();
        let found: String = self.call("completions", &[&keys]).map_err(Self::failed(NAME))?;
        let found: BTreeMap<String, f64> = serde_json::from_str(&found).unwrap_or_default();
        Ok(usages.iter().filter_map(|usage| Some((usage.clone(), *found.get(&usage.to_string())?))).collect())
    }

    fn submit_completion(&self, usage: &UsageKey, completion: f64) -> Result<(), ServiceError> {
        const NAME: &str = <dyn CompletionService as Service>::NAME;
        let args = [usage.to_string(), completion.to_string()];
        let answer: Result<Option<bool>, _> = self.call("submit_completion", &[&args[0], &args[1]]);
        answer.map(drop).map_err(Self::failed(NAME))
    }
}

impl ReplaceUrlsService for Calls {
    fn replace_urls(&self, text: &str, static_replace_only: bool) -> Result<String, ServiceError> {
        const NAME: &str = <dyn ReplaceUrlsService as Service>::NAME;
        let only = if static_replace_only { "true" } else { "false" };
        self.call("replace_urls", &[text, only]).map_err(Self::failed(NAME))
    }
}

impl CacheService for Calls {
    fn get(&self, key: &str) -> Option<Json> {
        let found: Option<String> = self.call_or("get", &[key], || None);
        serde_json::from_str(&found?).ok()
    }

    fn set(&self, key: &str, value: Json, time_to_live: Option<Duration>) {
        #[expect(clippy::cast_precision_loss, reason = "a time to live is no large number of milliseconds")]
        let seconds =
            time_to_live.map_or_else(String::new, |time| (time.num_milliseconds() as f64 / 1e3).to_string());
        self.call_or("set", &[key, &value.to_string(), &seconds], || None::<bool>);
    }

    fn delete(&self, key: &str) {
        self.call_or("delete", &[key], || None::<bool>);
    }
}

impl XQueueService for Calls {
    fn callback_url(&self, _: &UsageKey, dispatch: &str) -> String {
        self.call_or("callback_url", &[dispatch], String::new)
    }

    fn default_queue_name(&self) -> String {
        self.call_or("default_queue_name", &[], String::new)
    }

    fn wait_between_requests(&self) -> std::time::Duration {
        let seconds: f64 = self.call_or("wait_between_requests", &[], || 0.0);
        std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }

    fn send(&self, submission: XQueueSubmission) -> Result<String, ServiceError> {
        const NAME: &str = <dyn XQueueService as Service>::NAME;
        let XQueueSubmission { queue_name, key, callback_url, body, files } = submission;
        let header = json!({ "lms_callback_url": callback_url, "lms_key": key, "queue_name": queue_name });
        let sent: PyResult<(bool, String)> = Python::attach(|py| {
            let args = (header.to_string(), body.to_string(), files);
            self.0.bind(py).call_method1("send_to_queue", args)?.extract()
        });
        match sent.map_err(Self::failed(NAME))? {
            (true, said) => Ok(said),
            (false, message) => Err(ServiceError::Failed { service: NAME, message }),
        }
    }
}

impl PublishService for Calls {
    fn publish(&self, usage: &UsageKey, user_id: Option<&str>, event: &Event) {
        let args = [usage.to_string(), json!(user_id).to_string(), event.data().to_string()];
        self.call_or("publish", &[&args[0], &args[1], event.event_type(), &args[2]], || None::<bool>);
    }
}

/// Makes a service of a Python `Calls` object; none for a name no block asks for.
pub(crate) fn adapt(name: &str, calls: Py<PyAny>) -> Option<AnyService> {
    if name == <dyn SandboxService as Service>::NAME {
        return HostSandbox::new(calls)
            .ok()
            .map(|sandbox| AnyService::new::<dyn SandboxService>(Arc::new(sandbox)));
    }
    let calls = Calls(calls);
    Some(match name {
        "user" => AnyService::new::<dyn UserService>(Arc::new(calls)),
        "i18n" => AnyService::new::<dyn I18nService>(Arc::new(translations(calls))),
        "settings" => AnyService::new::<dyn SettingsService>(Arc::new(calls)),
        "completion" => AnyService::new::<dyn CompletionService>(Arc::new(calls)),
        "replace_urls" => AnyService::new::<dyn ReplaceUrlsService>(Arc::new(calls)),
        "cache" => AnyService::new::<dyn CacheService>(Arc::new(calls)),
        "xqueue" => AnyService::new::<dyn XQueueService>(Arc::new(calls)),
        "publish" => AnyService::new::<dyn PublishService>(Arc::new(calls)),
        _ => return None,
    })
}

fn translations(calls: Calls) -> Translations {
    let language = calls.call_or("language", &[], || "en".to_owned());
    Translations { calls, language }
}

/// Offers what a Python `HostServices` object has; returns it with its names.
pub(crate) fn offered(host: Py<PyAny>) -> PyResult<(ServiceSet, Vec<String>)> {
    let host = Arc::new(Calls(host));
    let names: Vec<String> = host.call("names", &[])?;
    let mut set = ServiceSet::default();
    for name in &names {
        set = match name.as_str() {
            "user" => offer::<dyn UserService>(set, &host),
            "i18n" => offer::<dyn I18nService>(set, &host),
            "settings" => offer::<dyn SettingsService>(set, &host),
            "completion" => offer::<dyn CompletionService>(set, &host),
            "replace_urls" => offer::<dyn ReplaceUrlsService>(set, &host),
            "cache" => offer::<dyn CacheService>(set, &host),
            "sandbox" => offer::<dyn SandboxService>(set, &host),
            "xqueue" => offer::<dyn XQueueService>(set, &host),
            "publish" => offer::<dyn PublishService>(set, &host),
            _ => set,
        };
    }
    Ok((set, names))
}

fn offer<S: Service + ?Sized>(set: ServiceSet, host: &Arc<Calls>) -> ServiceSet {
    let host = host.clone();
    set.with_factory::<S>(move |request: &ServiceRequest<'_>| {
        let args = [request.usage.to_string(), json!(request.user.map(|user| &*user.id)).to_string()];
        let found: Option<Found> = host.call_or("find", &[S::NAME, &args[0], &args[1]], || None);
        adapt(S::NAME, found?.0)?.get::<S>()
    })
}

/// Any Python object.
pub(crate) struct Found(pub(crate) Py<PyAny>);

impl<'py> FromPyObject<'_, 'py> for Found {
    type Error = PyErr;

    fn extract(object: pyo3::Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(object.to_owned().unbind()))
    }
}
