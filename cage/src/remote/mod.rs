//! A codejail service as the service `sandbox`: code runs on another machine, asked over HTTP (capa reference, section
//! 10.6).

mod form;
mod numbers;
mod reply;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use ureq::Agent;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Runtime};
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxLimits, SandboxService};

use crate::library;

/// What runs before an author's code there, in one line so that the author's lines keep their numbers but for one.
const PROLOG: &str = include_str!("../../python/remote/prolog.py");

/// How many bytes of an answer are read.
const ANSWER: u64 = 16 << 20;

/// Where a codejail service is and how long it may take. The defaults are the platform's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteOptions {
    /// Its address without a path, such as `http://127.0.0.1:8550`.
    pub host: String,
    /// How long a connection may take.
    pub connect_time: Duration,
    /// How long the answer may take after that.
    pub read_time: Duration,
    /// How often a connection that fails is tried again. What was sent is never sent twice.
    pub retries: u32,
    /// Headers of every request, such as one that a gateway wants.
    pub headers: Vec<(String, String)>,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            host: "http://127.0.0.1:8550".into(),
            connect_time: Duration::from_millis(500),
            read_time: Duration::from_millis(3500),
            retries: 1,
            headers: Vec::new(),
        }
    }
}

/// Says why an address is none of a codejail service.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// It is no address of a machine.
    #[error("{host}: not an address such as http://127.0.0.1:8550")]
    Address {
        /// What was given.
        host: String,
    },
    /// It wants a protocol that is not spoken here.
    #[error(
        "{host}: a codejail service is asked by plain http, on a network of its own or through a proxy on this machine"
    )]
    Encrypted {
        /// What was given.
        host: String,
    },
}

/// Runs the code of a site's courses by a codejail service. No course may run code without a cage there either.
#[derive(Clone)]
pub struct RemoteSandbox {
    agent: Agent,
    address: String,
    options: RemoteOptions,
    runtime: Arc<dyn Runtime>,
    branch: Branch,
}

impl RemoteSandbox {
    /// Takes the service's address and the store whose courses' libraries scripts may import.
    ///
    /// # Errors
    /// [`RemoteError`] for addresses that cannot be asked. Whether a service is there shows with the first run.
    pub fn new(
        options: RemoteOptions,
        runtime: Arc<dyn Runtime>,
        branch: Branch,
    ) -> Result<Self, RemoteError> {
        let host = options.host.trim_end_matches('/');
        if host.starts_with("https://") {
            return Err(RemoteError::Encrypted { host: host.to_owned() });
        }
        let name =
            host.strip_prefix("http://").filter(|name| !name.is_empty() && !name.contains(['/', '?', '#']));
        if name.is_none() || host.parse::<ureq::http::Uri>().is_err() {
            return Err(RemoteError::Address { host: host.to_owned() });
        }
        let agent = Agent::config_builder()
            .timeout_connect(Some(options.connect_time))
            .timeout_send_request(Some(options.read_time))
            .timeout_send_body(Some(options.read_time))
            .timeout_recv_response(Some(options.read_time))
            .timeout_recv_body(Some(options.read_time))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .build()
            .new_agent();
        Ok(Self { agent, address: format!("{host}/api/v0/code-exec"), options, runtime, branch })
    }

    /// Sends a form and returns status and body of the answer.
    fn send(&self, form: &form::Form) -> Result<(u16, Vec<u8>), SandboxError> {
        let mut tries = 0;
        loop {
            let mut request = self.agent.post(&self.address).content_type(&form.content_type);
            for (name, value) in &self.options.headers {
                request = request.header(name, value);
            }
            match request.send(form.body.as_slice()) {
                Ok(mut answer) => {
                    let body = answer.body_mut().with_config().limit(ANSWER).read_to_vec();
                    return Ok((answer.status().as_u16(), body.map_err(|_| unavailable())?));
                }
                Err(error) if tries < self.options.retries && is_unconnected(&error) => tries += 1,
                Err(_) => return Err(unavailable()),
            }
        }
    }
}

/// Tells whether nothing was sent yet when a request failed.
fn is_unconnected(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Timeout(ureq::Timeout::Connect) | ureq::Error::ConnectionFailed => true,
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

fn unavailable() -> SandboxError {
    engine("Codejail API Service is unavailable. Please try again in a few minutes.")
}

fn engine(message: &str) -> SandboxError {
    SandboxError::Engine { message: message.to_owned() }
}

/// Puts what scripts find before the code, in one line.
fn with_prolog(code: &str, seed: Option<i64>) -> String {
    let seed = seed.map_or_else(|| "None".to_owned(), |seed| seed.to_string());
    // A text of JSON is one of Python too.
    let prolog = serde_json::Value::from(PROLOG.replace("SEED", &seed));
    format!("exec(compile({prolog}, \"<prolog>\", \"exec\"))\n{code}")
}

impl SandboxService for RemoteSandbox {
    fn can_run_unsafely(&self, _: &ContextKey) -> bool {
        false
    }

    fn python_lib_zip(&self, context: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError> {
        library::read(&*self.runtime, self.branch, context)
    }

    /// Returns the code jail's defaults; the service has its own settings, by the course's key.
    fn limits(&self, _: &ContextKey) -> SandboxLimits {
        SandboxLimits::default()
    }

    fn run(&self, job: &SandboxJob, context: &ContextKey) -> Result<Globals, SandboxError> {
        if job.unsafely {
            return Err(SandboxError::Forbidden);
        }
        let payload = serde_json::json!({
            "code": with_prolog(&job.code, job.random_seed),
            "globals_dict": job.globals,
            "python_path": job.python_path,
            "limit_overrides_context": context.to_string(),
            "slug": job.slug,
            "unsafely": false,
        });
        let form = form::Form::new(&numbers::write(&payload), &job.extra_files);
        let (status, body) = self.send(&form)?;
        reply::read(status, &body)
    }
}
