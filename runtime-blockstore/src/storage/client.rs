//! The client of an object store: made from the environment, with time-outs and bounded retries.
//!
//! One request takes 30 seconds at most, a connection 5; `AWS_TIMEOUT` and `AWS_CONNECT_TIMEOUT` (and those of the other
//! services) say otherwise.

use std::env;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path as Key;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};

use super::assets::{ObjectPlace, ObjectService};
use super::waiting;
use crate::error::BlockstoreError;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// How long one operation may take with all its retries, in seconds, unless `BLOCKSTORE_ASSETS_TIMEOUT` says otherwise.
const PATIENCE: u64 = 60;

/// The option that says how long one operation may take.
const TIMEOUT: &str = "blockstore_assets_timeout";

/// How often a request is sent again before its operation is begun anew.
const RETRIES: usize = 4;

/// A bucket, or container, and the prefix of what is ours in it.
pub(crate) struct Client {
    place: ObjectPlace,
    /// What stands before a name in messages: `s3://bucket/prefix`.
    root: PathBuf,
    patience: Duration,
    /// The client of this process, with its id: connections do not survive a fork.
    store: Mutex<(u32, Arc<dyn ObjectStore>)>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the store, which knows the credentials.
        f.debug_tuple("Client").field(&self.root).finish()
    }
}

impl Client {
    pub(super) fn new(place: &ObjectPlace, root: PathBuf) -> Result<Self> {
        let said =
            place.options.get(TIMEOUT).map(str::to_owned).or_else(|| env::var(TIMEOUT.to_uppercase()).ok());
        let seconds = match said {
            None => PATIENCE,
            Some(text) => text.parse().ok().filter(|seconds| *seconds > 0).ok_or_else(|| {
                let reason = format!("BLOCKSTORE_ASSETS_TIMEOUT is {text:?}, not a number of seconds");
                failed("cannot set up", &root, io::Error::new(io::ErrorKind::InvalidInput, reason))
            })?,
        };
        let patience = Duration::from_secs(seconds);
        refuse_empty(place).map_err(|reason| {
            failed("cannot set up", &root, io::Error::new(io::ErrorKind::InvalidInput, reason))
        })?;
        let store = build(place, patience).map_err(|error| explain("cannot set up", &root, error))?;
        Ok(Self { place: place.clone(), patience, store: Mutex::new((std::process::id(), store)), root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the name of an object, given its path below the root; a name the service cannot have is refused.
    pub(super) fn key(&self, path: &Path) -> Result<Key> {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        let parts = below.iter().map(|part| part.to_string_lossy());
        let mut name = self.place.prefix.clone();
        for part in parts {
            if !name.is_empty() {
                name.push('/');
            }
            name.push_str(&part);
        }
        Key::parse(name)
            .map_err(|error| failed("cannot name", path, io::Error::new(io::ErrorKind::InvalidInput, error)))
    }

    /// Returns the path of an object, given its name.
    pub(super) fn path(&self, key: &Key) -> PathBuf {
        let name = key.as_ref();
        let below = name.strip_prefix(&self.place.prefix).unwrap_or(name);
        self.root.join(below.trim_start_matches('/'))
    }

    pub(super) fn store(&self) -> Result<Arc<dyn ObjectStore>> {
        let process = std::process::id();
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if store.0 != process {
            let made = build(&self.place, self.patience);
            let made = made.map_err(|error| explain("cannot set up", &self.root, error))?;
            // Its connections belong to threads that are not in this process.
            std::mem::forget(std::mem::replace(&mut *store, (process, made)));
        }
        Ok(store.1.clone())
    }

    /// Does one operation on an object, again where it fails in a way that may pass, for as long as there is patience.
    pub(super) fn call<T, F>(
        &self,
        action: &'static str,
        path: &Path,
        job: impl Fn(Arc<dyn ObjectStore>, Key) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = object_store::Result<T>> + Send + 'static,
    {
        let (store, key) = (self.store()?, self.key(path)?);
        let start = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            let left = self.patience.saturating_sub(start.elapsed());
            let work = job(store.clone(), key.clone());
            let answer = waiting::wait(async move { tokio::time::timeout(left, work).await })
                .map_err(|error| failed(action, path, error))?;
            match answer {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error @ object_store::Error::Generic { .. }))
                    if may_pass(&error) && start.elapsed() + pause < self.patience =>
                {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                Ok(Err(error)) => return Err(explain(action, path, error)),
                Err(_) => {
                    let reason = format!("no answer within {} seconds", self.patience.as_secs());
                    return Err(failed(action, path, io::Error::new(io::ErrorKind::TimedOut, reason)));
                }
            }
        }
    }
}

/// Says whether the same request may succeed later: everything but what the service has refused for good.
fn may_pass(error: &object_store::Error) -> bool {
    let text = error.to_string();
    // The client retries what the service calls temporary; other answers of the 400s stay what they are.
    !text.contains("non-2xx status code: 4") && !text.contains("builder error")
}

/// Names a failure of an object store.
pub(super) fn failed(action: &'static str, path: &Path, source: io::Error) -> BlockstoreError {
    BlockstoreError::io(action, path)(source)
}

/// Turns an error of the client into one of the store.
pub(super) fn explain(action: &'static str, path: &Path, error: object_store::Error) -> BlockstoreError {
    use object_store::Error as E;
    // Services say both with the status of an object that is not there, too.
    let said = error.to_string();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if says(&NO_BUCKET) {
        let told = "the bucket does not exist; it must be made first";
        return failed(action, path, io::Error::new(io::ErrorKind::NotADirectory, told));
    }
    if says(&REFUSED) || matches!(error, E::PermissionDenied { .. } | E::Unauthenticated { .. }) {
        let told = format!("the service refuses the credentials, or what they ask for: {error}");
        return failed(action, path, io::Error::new(io::ErrorKind::PermissionDenied, told));
    }
    let kind = match &error {
        E::NotFound { .. } => return BlockstoreError::Missing { place: path.display().to_string() },
        E::AlreadyExists { .. } => io::ErrorKind::AlreadyExists,
        E::NotSupported { .. } | E::NotImplemented { .. } => io::ErrorKind::Unsupported,
        E::InvalidPath { .. } => io::ErrorKind::InvalidInput,
        _ => io::ErrorKind::Other,
    };
    failed(action, path, io::Error::new(kind, error))
}

/// By what services say that they have no such bucket, or container.
const NO_BUCKET: [&str; 3] = ["NoSuchBucket", "bucket does not exist", "ContainerNotFound"];

/// By what services of the S3 protocol say that they do not know who asks.
const REFUSED: [&str; 3] = ["InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound"];

/// The credentials that are of no use where they are empty.
const SECRETS: [(ObjectService, &str); 4] = [
    (ObjectService::S3, "aws_access_key_id"),
    (ObjectService::S3, "aws_secret_access_key"),
    (ObjectService::Azure, "azure_storage_account_name"),
    (ObjectService::Azure, "azure_storage_account_key"),
];

/// What says where a service is, and makes no address where it is empty.
const PLACES: [(ObjectService, &str); 4] = [
    (ObjectService::S3, "aws_region"),
    (ObjectService::S3, "aws_default_region"),
    (ObjectService::S3, "aws_endpoint"),
    (ObjectService::S3, "aws_endpoint_url"),
];

/// Refuses empty credentials, with which a service says that it has nothing, and empty names of places.
fn refuse_empty(place: &ObjectPlace) -> std::result::Result<(), String> {
    let missing = "the credentials are missing";
    let unset = "say which one, or unset it";
    let told = SECRETS.iter().map(|of| (of, missing)).chain(PLACES.iter().map(|of| (of, unset)));
    for ((_, name), told) in told.filter(|((service, _), _)| *service == place.service) {
        let given = place.options.get(name).map(str::to_owned).or_else(|| env::var(name.to_uppercase()).ok());
        if given.is_some_and(|given| given.trim().is_empty()) {
            return Err(format!("{} is set and empty: {told}", name.to_uppercase()));
        }
    }
    Ok(())
}

fn build(place: &ObjectPlace, patience: Duration) -> object_store::Result<Arc<dyn ObjectStore>> {
    // Whoever has set another one before us keeps it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(3),
            base: 2.0,
        },
        max_retries: RETRIES,
        retry_timeout: patience,
    };
    let bucket = &place.bucket;
    let options = place.options.iter().filter(|(name, _)| *name != TIMEOUT);
    Ok(match place.service {
        ObjectService::S3 => {
            let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry);
            for (name, value) in options {
                builder = builder.with_config(name.parse()?, value);
            }
            Arc::new(builder.build()?)
        }
        ObjectService::Google => {
            let mut builder =
                GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket).with_retry(retry);
            for (name, value) in options {
                builder = builder.with_config(name.parse()?, value);
            }
            Arc::new(builder.build()?)
        }
        ObjectService::Azure => {
            let mut builder = MicrosoftAzureBuilder::from_env().with_container_name(bucket).with_retry(retry);
            for (name, value) in options {
                builder = builder.with_config(name.parse()?, value);
            }
            Arc::new(builder.build()?)
        }
    })
}
