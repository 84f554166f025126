//! Stores, opened by their names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runtime_blockstore::{
    Access, Blockstore, BlockstoreError, BlockstoreRuntime, RestoreOptions, RestoreReport, restore_to_server,
    restore_with_assets,
};
use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::store::{MongoLogin, MongoStore, MongoUrl, StoreMode};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use xblock_core::block::Registry;
use xblock_core::clock::Clock;
use xblock_core::runtime::{MemoryRuntime, Runtime, RuntimeError};

use crate::error::CoursewareError;
use crate::mixed::{MixedRuntime, SiteError};
use crate::store_url::StoreUrl;

/// Where the credentials for a MongoDB server may stand instead of in its address.
const LOGIN: [&str; 2] = ["MODULESTORE_MONGODB_USER", "MODULESTORE_MONGODB_PASSWORD"];
/// The same for the server with the table of course indexes.
const INDEX_LOGIN: [&str; 2] = ["MODULESTORE_MYSQL_USER", "MODULESTORE_MYSQL_PASSWORD"];

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Only to read; the store must exist.
    Read,
    /// To read and write; the store must exist.
    Write,
    /// To read and write; a store that does not exist is made.
    Create,
}

/// A store that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no store at this place.
    #[error("there is no store {url}")]
    NoSuchStore {
        /// What was asked for.
        url: StoreUrl,
    },
    /// One half of the credentials for a MongoDB server is set, the other is not.
    #[error("{given} is set, {missing} is not")]
    HalfLogin {
        /// The variable that is set.
        given: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// The store is of another kind than the one there must be.
    #[error("{url} is no Blockstore; this works on blockstore:DIR")]
    NotBlockstore {
        /// What was asked for.
        url: StoreUrl,
    },
    /// The store is of another kind than the one there must be.
    #[error(
        "{url} is no Modulestore; this works on modulestore:FILE and modulestore+mongodb://HOST/DATABASE"
    )]
    NotModulestore {
        /// What was asked for.
        url: StoreUrl,
    },
    /// The file that says which stores a site has does not, or one of them cannot be opened.
    #[error(transparent)]
    Site(Box<SiteError>),
    /// The directory a new store should be made in cannot be made.
    #[error("cannot make the directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Where the files of a new store should lie are files of bundles that it does not know.
    #[error("cannot make {url}: another store may have its files there")]
    StorageTaken {
        /// What was asked for.
        url: StoreUrl,
        /// What is there.
        #[source]
        source: Box<BlockstoreError>,
    },
    /// The store is there and does not open.
    #[error("cannot open {url}")]
    Open {
        /// What was asked for.
        url: StoreUrl,
        /// Why not.
        #[source]
        source: RuntimeError,
    },
}

impl StoreUrl {
    /// Opens the store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(
        &self,
        mode: OpenMode,
        registry: &Registry,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn Runtime>, StoreError> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryRuntime::new(clock.clone())),
            Self::Blockstore { .. } | Self::BlockstoreOnServer { .. } => {
                Arc::new(self.open_blockstore(mode, registry, clock)?)
            }
            Self::Modulestore(_) | Self::ModulestoreServer(_) => {
                Arc::new(self.open_modulestore(mode, registry, clock)?)
            }
            Self::Mixed(file) => Arc::new(
                MixedRuntime::open(file, mode, registry, clock)
                    .map_err(|error| StoreError::Site(Box::new(error)))?,
            ),
        })
    }

    /// Opens the bundles of a Blockstore, below any courses.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_bundles(&self, mode: OpenMode, clock: &Arc<dyn Clock>) -> Result<Blockstore, StoreError> {
        let access = if mode == OpenMode::Read { Access::ReadOnly } else { Access::ReadWrite };
        let open = |error: BlockstoreError| match error {
            taken @ BlockstoreError::StorageTaken { .. } => {
                StoreError::StorageTaken { url: self.clone(), source: Box::new(taken) }
            }
            error => StoreError::Open { url: self.clone(), source: error.into() },
        };
        let must_be = mode != OpenMode::Create;
        let missing = || StoreError::NoSuchStore { url: self.clone() };
        match self {
            Self::Blockstore { .. } if must_be && !self.is_made() => Err(missing()),
            Self::Blockstore { directory, assets } => {
                if mode == OpenMode::Create {
                    make_parent(directory)?;
                }
                Blockstore::open_with_assets(directory, assets, access, clock.clone()).map_err(open)
            }
            Self::BlockstoreOnServer { database, .. }
                if must_be && !database.has_store().map_err(open)? =>
            {
                Err(missing())
            }
            Self::BlockstoreOnServer { database, assets } => {
                Blockstore::open_mysql(database, assets, access, clock.clone()).map_err(open)
            }
            _ => Err(StoreError::NotBlockstore { url: self.clone() }),
        }
    }

    /// Opens a Blockstore with what only that can do.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_blockstore(
        &self,
        mode: OpenMode,
        registry: &Registry,
        clock: &Arc<dyn Clock>,
    ) -> Result<BlockstoreRuntime, StoreError> {
        let store = self.open_bundles(mode, clock)?;
        BlockstoreRuntime::over(store, registry.clone())
            .map_err(|source| StoreError::Open { url: self.clone(), source })
    }

    /// Restores a backup of bundles into this store.
    ///
    /// # Errors
    /// [`StoreError::NotBlockstore`], and what [`runtime_blockstore::restore`] says.
    pub fn restore_bundles(
        &self,
        backups: &Path,
        options: &RestoreOptions,
        clock: &Arc<dyn Clock>,
    ) -> Result<RestoreReport, CoursewareError> {
        Ok(match self {
            Self::Blockstore { directory, assets } => {
                restore_with_assets(backups, directory, assets, options, clock.clone())?
            }
            Self::BlockstoreOnServer { database, assets } => {
                restore_to_server(backups, database, assets, options, clock.clone())?
            }
            _ => {
                return Err(StoreError::NotBlockstore { url: self.clone() }.into());
            }
        })
    }

    /// Opens a Modulestore with what only that can do.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_modulestore(
        &self,
        mode: OpenMode,
        registry: &Registry,
        clock: &Arc<dyn Clock>,
    ) -> Result<ModulestoreRuntime, StoreError> {
        let file = match self {
            Self::Modulestore(file) => file,
            Self::ModulestoreServer(server) => {
                let logins = environment_logins()?;
                return open_server(server, logins, mode, registry, clock)
                    .map_err(|source| StoreError::Open { url: self.clone(), source });
            }
            _ => return Err(StoreError::NotModulestore { url: self.clone() }),
        };
        match mode {
            OpenMode::Create => make_parent(file)?,
            OpenMode::Read | OpenMode::Write if !self.is_made() => {
                return Err(StoreError::NoSuchStore { url: self.clone() });
            }
            OpenMode::Read | OpenMode::Write => {}
        }
        let opened = match mode {
            OpenMode::Read => ModulestoreRuntime::open_read_only(file, registry.clone(), clock.clone()),
            OpenMode::Write | OpenMode::Create => {
                ModulestoreRuntime::open(file, registry.clone(), clock.clone())
            }
        };
        opened.map_err(|source| StoreError::Open { url: self.clone(), source })
    }

    /// Says whether there is a store, or what may be a damaged one.
    ///
    /// A process that is killed while it makes a store leaves an empty directory or a database without tables; that is none.
    fn is_made(&self) -> bool {
        let database = match self {
            // Of a server that is asked when it is opened.
            Self::Memory | Self::BlockstoreOnServer { .. } | Self::ModulestoreServer(_) => return true,
            Self::Blockstore { directory, .. } => directory.join("db.sqlite3"),
            Self::Modulestore(file) => file.clone(),
            Self::Mixed(file) => return file.exists(),
        };
        database.exists() && !is_empty_database(&database).unwrap_or(false)
    }
}

/// Makes credentials of both parts; one alone is an oversight, and to go on without any would hide it.
fn login(
    [user_name, password_name]: [&'static str; 2],
    user: Option<String>,
    password: Option<String>,
) -> Result<Option<MongoLogin>, StoreError> {
    match (user, password) {
        (Some(user), Some(password)) => Ok(Some(MongoLogin { user, password })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(StoreError::HalfLogin { given: user_name, missing: password_name }),
        (None, Some(_)) => Err(StoreError::HalfLogin { given: password_name, missing: user_name }),
    }
}

/// Who logs in to the server with the documents, and to the one with the table of course indexes.
type Logins = [Option<MongoLogin>; 2];

fn environment_logins() -> Result<Logins, StoreError> {
    let read = |names: [&'static str; 2]| {
        let [user, password] = names.map(|name| std::env::var(name).ok());
        login(names, user, password)
    };
    Ok([read(LOGIN)?, read(INDEX_LOGIN)?])
}

/// Opens a database of a server.
fn open_server(
    url: &MongoUrl,
    [login, index_login]: Logins,
    mode: OpenMode,
    registry: &Registry,
    clock: &Arc<dyn Clock>,
) -> Result<ModulestoreRuntime, RuntimeError> {
    let mode = if mode == OpenMode::Read { StoreMode::ReadOnly } else { StoreMode::ReadWrite };
    let url = index_login.iter().fold(url.clone(), MongoUrl::with_index_login);
    let store = MongoStore::open(&url, login, mode)?;
    Ok(ModulestoreRuntime::over(store, registry.clone(), clock.clone()))
}

fn is_empty_database(file: &Path) -> rusqlite::Result<bool> {
    let look = |flags| {
        Connection::open_with_flags(file, flags)?.query_row(
            "SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)",
            [],
            |row| row.get(0),
        )
    };
    match look(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        // What a killed process left half done is rolled back first, which takes the right to write.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
            look(OpenFlags::SQLITE_OPEN_READ_WRITE)
        }
        outcome => outcome,
    }
}

pub(crate) fn make_parent(path: &Path) -> Result<(), StoreError> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => std::fs::create_dir_all(parent)
            .map_err(|source| StoreError::Directory { path: parent.to_path_buf(), source }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn half_of_the_credentials_is_refused() {
        let given = || Some("x".to_owned());
        let half = |user, password| match super::login(super::LOGIN, user, password) {
            Err(super::StoreError::HalfLogin { given, missing }) => Some((given, missing)),
            _ => None,
        };
        assert_eq!(half(given(), None), Some(("MODULESTORE_MONGODB_USER", "MODULESTORE_MONGODB_PASSWORD")));
        assert_eq!(half(None, given()), Some(("MODULESTORE_MONGODB_PASSWORD", "MODULESTORE_MONGODB_USER")));
        assert!(super::login(super::LOGIN, None, None).is_ok_and(|login| login.is_none()));
        assert!(super::login(super::LOGIN, given(), given()).is_ok_and(|login| login.is_some()));
    }
}
