//! The store on a MongoDB server: edx-platform's own collections, as its modulestore and contentstore make them.
//!
//! No transaction of the server is needed, so that a single server serves, too. A commit writes content first, then says
//! in `xblock_runtime.pending` what is to follow, then replaces the course index if it still is what was read. With
//! that the commit is made; what is to follow (entries of the change feed, static files in their places) is done by the
//! committer, or, where that one died, by the next who comes by. [`pending`] has the rules.

mod aside;
mod damaged;
mod failure;
mod files;
mod index;
mod leftovers;
mod pending;
mod reads;
mod session;
mod sql_index;
mod url;
mod writes;

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bson::doc;
use bson::raw::RawDocumentBuf;
use mongodb::options::{
    ClientOptions, Credential, DatabaseOptions, IndexOptions, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Database, IndexModel};
use tokio::runtime::Runtime as Executor;
use xblock_core::runtime::RuntimeError;

use self::failure::{failed, is_other_index};
use self::session::Session;
use self::sql_index::SqlIndex;
use super::{
    Collection, DocumentReads, DocumentStore, DocumentWrites, IndexDifference, OLD_MONGO, StoreMode,
};
use crate::documents::Bucket;

pub use sql_index::{IndexPlace, MysqlIndexPlace};
pub use url::{MongoUrl, MongoUrlError};

/// How long is waited for a server that can be talked to, unless the address says otherwise.
const SELECTION: Duration = Duration::from_secs(10);

/// Who logs in; kept out of the address, so that it is in no list of processes.
#[derive(Clone)]
pub struct MongoLogin {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Keeps the documents on a MongoDB server.
///
/// Any number of processes may use one database, edx-platform's among them.
pub struct MongoStore {
    url: MongoUrl,
    mode: StoreMode,
    /// Absent only while the store is dropped.
    executor: Option<Executor>,
    /// Reads as the address prefers, such as from secondaries.
    preferred: Database,
    /// Reads what was written last.
    primary: Database,
    opened: std::time::Instant,
    /// The table of course indexes, where the site has one.
    sql_index: Option<SqlIndex>,
    /// Whether this process saw to the indexes.
    has_indexes: Mutex<bool>,
}

/// Names of collections only this program knows.
pub(super) mod own {
    /// Everything here begins so.
    pub(crate) const PREFIX: &str = crate::store::BOOKKEEPING;
    /// Commits that are being made, or whose committer died.
    pub(crate) const PENDING: &str = "xblock_runtime.pending";
    /// What such commits do to static files.
    pub(crate) const STEPS: &str = "xblock_runtime.file_steps";
    /// The change feed.
    pub(crate) const FEED: &str = "xblock_runtime.feed";
    /// What authors said about structures.
    pub(crate) const MESSAGES: &str = "xblock_runtime.messages";
    /// The packages of imports, in pieces.
    pub(crate) const ORIGINS: &str = "xblock_runtime.origins";
    /// What was set aside: when, and how long it is.
    pub(crate) const ASIDE: &str = "xblock_runtime.set_aside";
    /// Damaged documents of dumps.
    pub(crate) const DAMAGED: &str = "xblock_runtime.damaged";
    /// What of them does not go into one document. It is written before them, so its name comes first.
    pub(crate) const DAMAGE_BYTES: &str = "xblock_runtime.damage_bytes";
    /// Structures that were set aside.
    pub(crate) const ASIDE_STRUCTURES: &str = "xblock_runtime.old_structures";
    /// Definitions that were set aside.
    pub(crate) const ASIDE_DEFINITIONS: &str = "xblock_runtime.old_definitions";
    /// Replaced static files that were set aside: their documents, with the time.
    pub(crate) const ASIDE_FILES: &str = "xblock_runtime.old_files";
    /// The chunks of these.
    pub(crate) const ASIDE_CHUNKS: &str = "xblock_runtime.old_chunks";
    /// Our field in chunks that belong to no file yet: when they were written.
    pub(crate) const STAGED: &str = "xblock_runtime";
}

impl MongoStore {
    /// Opens a database; with [`StoreMode::ReadWrite`] its indexes are made where they are missing, before the first write, so
    /// that whoever writes nothing leaves nothing.
    ///
    /// # Errors
    /// [`RuntimeError::Storage`] where no server answers in time, where it refuses the credentials, or where the address
    /// has options nobody knows.
    pub fn open(url: &MongoUrl, login: Option<MongoLogin>, mode: StoreMode) -> Result<Self, RuntimeError> {
        let action = format!("opening {url}");
        let executor = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("modulestore")
            .enable_all()
            .build()
            .map_err(|error| RuntimeError::storage(&action, error))?;
        let parsed = async {
            let mut options = ClientOptions::parse(url.connection()).await?;
            options.app_name.get_or_insert_with(|| "xblock-runtime".to_owned());
            options.server_selection_timeout.get_or_insert(SELECTION);
            options.connect_timeout.get_or_insert(SELECTION);
            options.write_concern.get_or_insert_with(WriteConcern::majority);
            if let Some(login) = login {
                let source = options.credential.as_ref().and_then(|credential| credential.source.clone());
                let mechanism =
                    options.credential.as_ref().and_then(|credential| credential.mechanism.clone());
                options.credential = Some(
                    Credential::builder()
                        .username(login.user)
                        .password(login.password)
                        .source(source)
                        .mechanism(mechanism)
                        .build(),
                );
            }
            Client::with_options(options)
        };
        // Names of services are looked up, which may take long.
        let client = executor
            .block_on(async { tokio::time::timeout(url.patience(), parsed).await })
            .map_err(|_| no_answer(&action, url.patience()))?
            .map_err(|error| failed(&action, error))?;
        let primary = DatabaseOptions::builder()
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .build();
        let mut store = Self {
            preferred: client.database(url.database()),
            primary: client.database_with_options(url.database(), primary),
            url: url.clone(),
            mode,
            executor: Some(executor),
            opened: std::time::Instant::now(),
            sql_index: None,
            has_indexes: Mutex::new(mode == StoreMode::ReadOnly),
        };
        store.run(&action, async { store.preferred.run_command(doc! { "ping": 1 }).await })?;
        if let Some(place) = url.index() {
            let filed = || Session::begin(&store, true).filed_indexes();
            store.sql_index = Some(SqlIndex::open(place, url.patience(), mode, &filed)?);
        }
        Ok(store)
    }

    /// Returns the address.
    #[must_use]
    pub fn url(&self) -> &MongoUrl {
        &self.url
    }

    /// Lists the contexts whose document in `active_versions` does not say what the table of course indexes says: a process
    /// died between the two, or somebody changed one alone. Without a table there are none.
    ///
    /// # Errors
    /// The server's, and [`RuntimeError::Corrupt`] for an index that cannot be read.
    pub fn index_differences(&self) -> Result<Vec<IndexDifference>, RuntimeError> {
        Session::begin(self, false).index_differences()
    }

    /// Lets `active_versions` say what the table says; returns what differed. Documents the table has no row for stay:
    /// edx-platform does not see them, and who made them may still want them. So do those that lead to a structure the table
    /// has lost ([`IndexDifference::lost_heads`]).
    ///
    /// # Errors
    /// [`RuntimeError::ReadOnly`], and those of [`MongoStore::index_differences`].
    pub fn mend_indexes(&self) -> Result<Vec<IndexDifference>, RuntimeError> {
        if self.mode == StoreMode::ReadOnly {
            return Err(RuntimeError::ReadOnly);
        }
        Session::begin(self, true).mend_indexes(&|_| true)
    }

    /// Waits for an operation, no longer than the address allows.
    fn run<T>(
        &self,
        action: &str,
        operation: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Result<T, RuntimeError> {
        self.attempt(action, operation)?.map_err(|error| failed(action, error))
    }

    /// As [`MongoStore::run`], for callers to whom some failures mean something.
    fn attempt<T>(
        &self,
        action: &str,
        operation: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Result<mongodb::error::Result<T>, RuntimeError> {
        let executor = self.executor.as_ref().expect("the executor is there until the store is dropped");
        let patience = self.url.patience();
        executor
            .block_on(async { tokio::time::timeout(patience, operation).await })
            .map_err(|_| no_answer(action, patience))
    }

    /// Says whether reads may go to a server that is behind.
    fn may_lag(&self) -> bool {
        let preferred = self.preferred.selection_criteria();
        preferred.is_some_and(|preferred| {
            !matches!(preferred, SelectionCriteria::ReadPreference(ReadPreference::Primary))
        })
    }

    /// Returns the name a collection has in this database.
    fn name(&self, collection: &Collection) -> String {
        let prefix = self.url.prefix();
        match collection {
            Collection::Indexes => format!("{prefix}.active_versions"),
            Collection::Structures => format!("{prefix}.structures"),
            Collection::Definitions => format!("{prefix}.definitions"),
            Collection::Files(bucket) => format!("{}.files", self.bucket(*bucket)),
            Collection::Chunks(bucket) => format!("{}.chunks", self.bucket(*bucket)),
            Collection::Other(name) if name == OLD_MONGO => prefix.to_owned(),
            // Chunks without a file lie beside those that have one.
            Collection::Other(name) => match Collection::named(name) {
                Collection::Other(name) => name,
                known => self.name(&known),
            },
        }
    }

    fn bucket(&self, bucket: Bucket) -> String {
        match bucket {
            Bucket::Published => self.url.bucket().to_owned(),
            Bucket::Draft => format!("draft_{}", self.url.bucket()),
            Bucket::Replaced => format!("replaced_{}", self.url.bucket()),
        }
    }

    /// Sees to the indexes before something is written for the first time.
    fn ensure_indexes(&self) -> Result<(), RuntimeError> {
        let mut has_indexes = self.has_indexes.lock().unwrap_or_else(PoisonError::into_inner);
        if !*has_indexes {
            self.make_indexes(&format!("making the indexes of {}", self.url))?;
            *has_indexes = true;
        }
        Ok(())
    }

    /// Makes the indexes of edx-platform (modulestore reference, sections 2.7, 13, 15), and our own.
    fn make_indexes(&self, action: &str) -> Result<(), RuntimeError> {
        let unique = || IndexOptions::builder().unique(true).build();
        let sparse = || IndexOptions::builder().sparse(true).build();
        let plain = IndexOptions::default;
        let old = Collection::Other(OLD_MONGO.to_owned());
        self.make(action, &self.name(&Collection::Indexes), &[(&["org", "course", "run"], unique())])?;
        self.make(
            action,
            &self.name(&old),
            &[
                (&["_id.tag", "_id.org", "_id.course", "_id.category", "_id.name", "_id.revision"], plain()),
                (&["_id.category"], plain()),
                (&["definition.children"], sparse()),
                (&["_id.revision"], plain()),
            ],
        )?;
        for bucket in Bucket::ALL {
            self.make(
                action,
                &self.name(&Collection::Files(bucket)),
                &[
                    (&["filename", "uploadDate"], plain()),
                    (&["_id.tag", "_id.org", "_id.course", "_id.category"], sparse()),
                    (&["content_son.org", "content_son.course", "-uploadDate"], sparse()),
                    (&["_id.org", "_id.course", "_id.name"], sparse()),
                    (&["content_son.org", "content_son.course", "content_son.name"], sparse()),
                    (&["_id.org", "_id.course", "uploadDate"], sparse()),
                    (&["_id.org", "_id.course", "displayname"], sparse()),
                    (&["content_son.org", "content_son.course", "uploadDate"], sparse()),
                    (&["content_son.org", "content_son.course", "displayname"], sparse()),
                ],
            )?;
            let chunks = self.name(&Collection::Chunks(bucket));
            self.make(action, &chunks, &[(&["files_id", "n"], unique())])?;
        }
        self.make(action, own::PENDING, &[(&["owner"], plain())])?;
        self.make(action, own::ASIDE_CHUNKS, &[(&["files_id"], plain())])?;
        self.make(action, own::STEPS, &[(&["commit"], plain())])?;
        self.make(action, own::FEED, &[(&["commit", "entry"], unique()), (&["version"], plain())])?;
        self.make(action, own::ORIGINS, &[(&["context"], plain())])
    }

    fn make(
        &self,
        action: &str,
        collection: &str,
        indexes: &[(&[&str], IndexOptions)],
    ) -> Result<(), RuntimeError> {
        let collection = self.primary.collection::<RawDocumentBuf>(collection);
        // Where they are there, nobody needs the right to make them.
        let listed = self.attempt(action, async { collection.list_index_names().await })?;
        let present = listed.unwrap_or_default();
        let models: Vec<_> = indexes
            .iter()
            .filter_map(|(names, options)| {
                let keys: Vec<_> = names
                    .iter()
                    .map(|name| name.strip_prefix('-').map_or((*name, 1), |name| (name, -1)))
                    .collect();
                let name =
                    keys.iter().map(|(name, order)| format!("{name}_{order}")).collect::<Vec<_>>().join("_");
                if present.contains(&name) {
                    return None;
                }
                let keys = keys.into_iter().map(|(name, order)| (name.to_owned(), bson::Bson::Int32(order)));
                let mut options = options.clone();
                options.name = Some(name);
                Some(IndexModel::builder().keys(keys.collect::<bson::Document>()).options(options).build())
            })
            .collect();
        if models.is_empty() {
            return Ok(());
        }
        let made = self.attempt(action, async { collection.create_indexes(models).await })?;
        match made {
            // An administrator made it another way, which serves as well.
            Err(error) if is_other_index(&error) => Ok(()),
            made => made.map(drop).map_err(|error| failed(action, error)),
        }
    }
}

fn no_answer(action: &str, patience: Duration) -> RuntimeError {
    let waited = format!("the server did not answer within {} seconds", patience.as_secs_f32());
    RuntimeError::storage(action, waited)
}

impl Drop for MongoStore {
    fn drop(&mut self) {
        // Dropped by itself it would wait, which is not allowed where a host's own executor drops the store.
        if let Some(executor) = self.executor.take() {
            executor.shutdown_background();
        }
    }
}

impl DocumentStore for MongoStore {
    fn read(&self) -> Result<Box<dyn DocumentReads + '_>, RuntimeError> {
        Ok(Box::new(Session::begin(self, false)))
    }

    fn write(&self) -> Result<Box<dyn DocumentWrites + '_>, RuntimeError> {
        if self.mode == StoreMode::ReadOnly {
            return Err(RuntimeError::ReadOnly);
        }
        Ok(Box::new(Session::begin(self, true)))
    }

    fn patience(&self) -> Duration {
        self.url.patience()
    }
}
