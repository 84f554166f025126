//! A codejail service as the service `sandbox`: code runs on another machine, asked over HTTP (capa reference, section
//! 10.6).

mod form;
mod numbers;
mod reply;

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Runtime};
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxService};

use crate::library;

/// What runs before an author's code there, in one line so that the author's lines keep their numbers but for one.
const PROLOG: &str = include_str!("../../python/remote/prolog.py");

/// What the cage has for the same; it stands in the prolog as a text.
const LAZY: &str = include_str!("../../python/cage_runner/lazy.py");

/// How many bytes of an answer are read.
const ANSWER: u64 = 16 << 20;

/// Where a codejail service is and how long it may take. The defaults are the platform's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteOptions {
    /// Its address without a path, such as `http://127.0.0.1:8550` or `https://codejail.example.org`.
    pub host: String,
    /// Certificates (PEM) of the authorities that may vouch for a service asked by https, such as an operator's own;
    /// without any those that this system trusts.
    pub authorities: Option<Vec<u8>>,
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
            authorities: None,
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
    /// The authorities' certificates cannot be read.
    #[error("the certificates of authorities cannot be used: {reason}")]
    Authorities {
        /// What is wrong with them.
        reason: String,
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
        let name = host.strip_prefix("http://").or_else(|| host.strip_prefix("https://"));
        let name = name.filter(|name| !name.is_empty() && !name.contains(['/', '?', '#', '@']));
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
            // A connection that the service closed meanwhile shows only when code was sent, which is not sent twice.
            .max_idle_connections(0)
            .proxy(None);
        let agent = if host.starts_with("https://") {
            agent.tls_config(tls(options.authorities.as_deref())?)
        } else {
            agent
        };
        let agent = agent.build().new_agent();
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

/// Says whom to trust. No service is asked by https whose certificate nobody vouches for.
fn tls(authorities: Option<&[u8]>) -> Result<TlsConfig, RemoteError> {
    let unfit = |reason: String| RemoteError::Authorities { reason };
    let mut roots = Vec::new();
    match authorities {
        Some(pem) => {
            for item in ureq::tls::parse_pem(pem) {
                if let PemItem::Certificate(one) = item.map_err(|error| unfit(error.to_string()))? {
                    roots.push(one);
                }
            }
        }
        // Those of them that cannot be read are missing, which matters only if they are wanted.
        None => {
            let trusted = rustls_native_certs::load_native_certs().certs;
            roots.extend(trusted.iter().map(|one| Certificate::from_der(one).to_owned()));
        }
    }
    if roots.is_empty() {
        return Err(unfit("there is no certificate among them".into()));
    }
    let ciphers = Arc::new(rustls::crypto::ring::default_provider());
    let roots = RootCerts::new_with_certs(&roots);
    Ok(TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(ciphers).build())
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
    let lazy = serde_json::Value::from(LAZY).to_string();
    let prolog =
        serde_json::Value::from(PROLOG.replace("SEED", &seed).replace("LAZY_SOURCE,", &format!("{lazy},")));
    format!("exec(compile({prolog}, \"<prolog>\", \"exec\"))\n{code}")
}

/// Its limits are the service's own settings, by the course's key.
impl SandboxService for RemoteSandbox {
    fn python_lib_zip(&self, context: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError> {
        library::read(&*self.runtime, self.branch, context)
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
