//! The names of stores: `memory:`, `blockstore:DIR`, `blockstore:DIR?assets=PLACE`,
//! `blockstore+mysql://USER@HOST/DATABASE?assets=PLACE`, `modulestore:FILE`, `modulestore+mongodb://...`, `mixed:FILE`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use runtime_blockstore::{Assets, MysqlPlace, NoAssets, NoMysqlPlace};
use runtime_modulestore::store::{MongoUrl, MongoUrlError};
use xblock_core::fields::{KeyValueStore, MemoryStore};

use crate::learner_state::SqliteStore;

/// The schemes, as messages list them.
const SCHEMES: &str = "memory:, blockstore:DIR, blockstore:DIR?assets=s3://BUCKET/PREFIX, \
                       blockstore+mysql://USER@HOST/DATABASE?assets=PLACE, modulestore:FILE, \
                       modulestore+mongodb://HOST/DATABASE, mixed:FILE";

/// The option that says where a Blockstore's documents and data files lie.
const ASSETS: &str = "assets";
/// What in a place would end it, or be taken for something that is written so.
const IN_PLACE: &AsciiSet = &CONTROLS.add(b'%').add(b'&');
/// Names a store of courseware.
///
/// ```
/// use courseware::StoreUrl;
///
/// let url: StoreUrl = "blockstore:/var/lib/courses".parse()?;
/// assert_eq!(url.to_string(), "blockstore:/var/lib/courses");
/// # Ok::<(), courseware::StoreUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreUrl {
    /// A store that lives as long as it is open.
    Memory,
    /// A Blockstore whose database is in this directory.
    Blockstore {
        /// The directory.
        directory: PathBuf,
        /// Where documents and data files lie.
        assets: Assets,
    },
    /// A Blockstore whose database is on a MySQL or MariaDB server.
    BlockstoreOnServer {
        /// The database.
        database: Box<MysqlPlace>,
        /// Where documents and data files lie.
        assets: Assets,
    },
    /// A Modulestore in this file.
    Modulestore(PathBuf),
    /// A Modulestore in a database of a MongoDB server.
    ModulestoreServer(Box<MongoUrl>),
    /// Several stores behind one another, as this file says.
    Mixed(PathBuf),
}

/// A text that names no store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreUrlError {
    /// There is no colon in it.
    #[error("{text:?} names no store: a store is one of {SCHEMES}")]
    NoScheme {
        /// The text.
        text: String,
    },
    /// Nobody knows what stands before the colon.
    #[error("no kind of store is called {scheme:?}; a store is one of {SCHEMES}")]
    UnknownScheme {
        /// What stands before the colon.
        scheme: String,
    },
    /// A file that names several stores names another such file.
    #[error("a store of a file of stores cannot be such a file itself: name its stores instead")]
    SiteWithinSite,
    /// The path is missing.
    #[error("{scheme}: needs the path of its {what} after the colon")]
    NoPath {
        /// The scheme.
        scheme: &'static str,
        /// What the path should name.
        what: &'static str,
    },
    /// What stands after `assets=` names no place.
    #[error(transparent)]
    Assets(#[from] NoAssets),
    /// What stands after `blockstore+mysql:` is no address of a database.
    #[error(transparent)]
    Mysql(#[from] NoMysqlPlace),
    /// The address of a database does not say where documents and data files lie.
    #[error("blockstore+mysql: needs the option assets=PLACE: a folder, or s3://BUCKET/PREFIX")]
    NoAssetsPlace,
    /// An option that a directory with a Blockstore does not take; its value is not repeated, it may be a secret.
    #[error("blockstore:DIR has no option {name}, only assets=PLACE; an & in PLACE is written %26")]
    UnknownOption {
        /// The option.
        name: String,
    },
    /// A place that is said twice.
    #[error("assets=PLACE stands twice in the address; an & in PLACE is written %26")]
    TwoPlaces,
    /// What stands after `modulestore+` is no address of a MongoDB database.
    #[error("this is no address of a MongoDB database: {source}")]
    Mongo {
        /// Why not.
        source: MongoUrlError,
    },
    /// Something stands after `memory:`.
    #[error("memory: takes no path, but {path:?} follows")]
    UnexpectedPath {
        /// What follows.
        path: String,
    },
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((scheme, path)) = text.split_once(':') else {
            return Err(StoreUrlError::NoScheme { text: text.to_owned() });
        };
        let needed = |scheme, what| match path {
            "" => Err(StoreUrlError::NoPath { scheme, what }),
            path => Ok(PathBuf::from(path)),
        };
        match scheme {
            "memory" if path.is_empty() => Ok(Self::Memory),
            "memory" => Err(StoreUrlError::UnexpectedPath { path: path.to_owned() }),
            "blockstore" => {
                let (path, options) = split_options(path);
                let (assets, others) = take_assets(options)?;
                if let Some(other) = others.first() {
                    let name = other.split('=').next().unwrap_or_default().to_owned();
                    return Err(StoreUrlError::UnknownOption { name });
                }
                let assets = assets.unwrap_or(Assets::BesideDatabase);
                match path {
                    "" => Err(StoreUrlError::NoPath { scheme: "blockstore", what: "directory" }),
                    path => Ok(Self::Blockstore { directory: PathBuf::from(path), assets }),
                }
            }
            "blockstore+mysql" => {
                let (address, options) = path.split_once('?').unwrap_or((path, ""));
                let (assets, others) = take_assets(options)?;
                // The others are the database's, which refuses what it does not know.
                let mark = if others.is_empty() { "" } else { "?" };
                let database = format!("{address}{mark}{}", others.join("&")).parse()?;
                let assets = assets.ok_or(StoreUrlError::NoAssetsPlace)?;
                Ok(Self::BlockstoreOnServer { database: Box::new(database), assets })
            }
            "modulestore" => needed("modulestore", "file").map(Self::Modulestore),
            "modulestore+mongodb" | "modulestore+mongodb+srv" => {
                MongoUrl::parse(&text["modulestore+".len()..])
                    .map(|url| Self::ModulestoreServer(Box::new(url)))
                    .map_err(|source| StoreUrlError::Mongo { source })
            }
            "mixed" => needed("mixed", "file").map(Self::Mixed),
            scheme => Err(StoreUrlError::UnknownScheme { scheme: scheme.to_owned() }),
        }
    }
}

/// Splits a directory from options behind it. A `?` that no `NAME=` follows is part of the directory's name.
fn split_options(path: &str) -> (&str, &str) {
    let is_option = |text: &str| {
        text.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
    };
    path.match_indices('?')
        .map(|(at, _)| (&path[..at], &path[at + 1..]))
        .find(|(_, options)| is_option(options))
        .unwrap_or((path, ""))
}

/// Takes the place of documents and data files out of the options of an address.
fn take_assets(options: &str) -> Result<(Option<Assets>, Vec<&str>), StoreUrlError> {
    let (mut assets, mut others) = (None, Vec::new());
    for option in options.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some((ASSETS, _)) if assets.is_some() => return Err(StoreUrlError::TwoPlaces),
            Some((ASSETS, place)) => assets = Some(percent_decode_str(place).decode_utf8_lossy().parse()?),
            _ => others.push(option),
        }
    }
    Ok((assets, others))
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Blockstore { directory, assets: Assets::BesideDatabase } => {
                write!(f, "blockstore:{}", directory.display())
            }
            Self::Blockstore { directory, assets } => {
                let place = assets.to_string();
                let place = utf8_percent_encode(&place, IN_PLACE);
                write!(f, "blockstore:{}?{ASSETS}={place}", directory.display())
            }
            Self::BlockstoreOnServer { database, assets } => {
                let database = database.to_string();
                let mark = if database.contains('?') { '&' } else { '?' };
                let place = assets.to_string();
                let place = utf8_percent_encode(&place, IN_PLACE);
                write!(f, "blockstore+mysql:{database}{mark}{ASSETS}={place}")
            }
            Self::Modulestore(path) => write!(f, "modulestore:{}", path.display()),
            Self::ModulestoreServer(url) => write!(f, "modulestore+{url}"),
            Self::Mixed(path) => write!(f, "mixed:{}", path.display()),
        }
    }
}

impl StoreUrl {
    /// Says whether it names a Blockstore, wherever that lies.
    #[must_use]
    pub const fn is_blockstore(&self) -> bool {
        matches!(self, Self::Blockstore { .. } | Self::BlockstoreOnServer { .. })
    }

    /// Returns the directory or file of the store.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Memory | Self::BlockstoreOnServer { .. } | Self::ModulestoreServer(_) => None,
            Self::Blockstore { directory: path, .. } | Self::Modulestore(path) | Self::Mixed(path) => {
                Some(path)
            }
        }
    }

    /// Returns where learner state is kept unless told otherwise: in `learner-state.sqlite3` inside a Blockstore's
    /// directory, beside a Modulestore's file or a site's; nowhere for memory and for stores on servers.
    #[must_use]
    pub fn learner_state_path(&self) -> Option<PathBuf> {
        match self {
            Self::Memory | Self::BlockstoreOnServer { .. } | Self::ModulestoreServer(_) => None,
            Self::Blockstore { directory, .. } => Some(directory.join("learner-state.sqlite3")),
            Self::Modulestore(file) | Self::Mixed(file) => {
                let mut name = file.clone().into_os_string();
                name.push(".learner-state.sqlite3");
                Some(name.into())
            }
        }
    }

    /// Names the store of learner state that belongs to this store, or the one in `file`.
    #[must_use]
    pub fn learner_state(&self, file: Option<&Path>) -> Arc<dyn KeyValueStore> {
        match file.map(Path::to_path_buf).or_else(|| self.learner_state_path()) {
            Some(path) => Arc::new(SqliteStore::new(path)),
            None => Arc::new(MemoryStore::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use runtime_blockstore::Tls;

    use super::*;

    #[test]
    fn every_kind_is_read_and_written_alike() {
        for text in [
            "memory:",
            "blockstore:a/b",
            "modulestore:/x/y.db",
            "blockstore:C:odd",
            "blockstore:why?",
            "blockstore:d?assets=s3://bucket/a/prefix",
            "blockstore:d?assets=/var/assets",
            "blockstore:d?assets=/var/two %26 half%25",
            "blockstore:why? so?assets=/var/what?",
            "blockstore+mysql://h:3306/b?tls-ca=/a%26b%2Bc.pem&assets=/var/assets",
            "blockstore+mysql://lms@db.example.org:3306/blocks?assets=/var/assets",
            "blockstore+mysql://lms@127.0.0.1:3307/blocks?tls=on&read-timeout=5&assets=s3://bucket/a",
            "modulestore+mongodb://h:1,g/edxapp?replicaSet=r&timeoutMS=5000",
            "modulestore+mongodb+srv://h/edxapp",
            "mixed:site.json",
        ] {
            assert_eq!(text.parse::<StoreUrl>().map(|url| url.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_names_no_store_says_what_would() {
        let error = "mongodb:x".parse::<StoreUrl>().unwrap_err();
        assert_eq!(error, StoreUrlError::UnknownScheme { scheme: "mongodb".into() });
        assert!(error.to_string().contains("blockstore:DIR"), "{error}");
        assert!(matches!("somewhere".parse::<StoreUrl>(), Err(StoreUrlError::NoScheme { .. })));
        assert!(matches!("blockstore:".parse::<StoreUrl>(), Err(StoreUrlError::NoPath { .. })));
        assert!(matches!("blockstore:?assets=x".parse::<StoreUrl>(), Err(StoreUrlError::NoPath { .. })));
        assert!(matches!("blockstore:d?assets=ftp://x".parse::<StoreUrl>(), Err(StoreUrlError::Assets(_))));
        assert!(matches!("memory:x".parse::<StoreUrl>(), Err(StoreUrlError::UnexpectedPath { .. })));
        let refused = |text: &str| text.parse::<StoreUrl>().unwrap_err();
        assert_eq!(refused("blockstore+mysql://h/db"), StoreUrlError::NoAssetsPlace);
        assert!(matches!(refused("blockstore+mysql://h/db?x-assets=/a"), StoreUrlError::Mysql(_)));
        assert!(matches!(refused("blockstore+mysql:db?assets=/a"), StoreUrlError::Mysql(_)));
        assert!(matches!(refused("blockstore+mysql://h/db?assets="), StoreUrlError::Assets(_)));
    }

    #[test]
    fn options_stand_in_any_order() {
        let text = "blockstore+mysql://u@db.example.org/b?assets=s3://b/p2&tls=off&lock-timeout=5";
        let url: StoreUrl = text.parse().unwrap();
        let StoreUrl::BlockstoreOnServer { database, assets } = &url else { panic!("a server") };
        assert_eq!(assets.to_string(), "s3://b/p2");
        assert_eq!((&database.tls, database.lock_timeout.as_secs()), (&Tls::Off, 5));
        let same = "blockstore+mysql://u@db.example.org/b?tls=off&assets=s3://b/p2&lock-timeout=5";
        assert_eq!(same.parse::<StoreUrl>().unwrap(), url);
        let refused = |text: &str| text.parse::<StoreUrl>().unwrap_err();
        for text in ["blockstore:d?assets=/a&tls=on", "blockstore:d?tls=on", "blockstore:d?assets=/a & b"] {
            assert!(matches!(refused(text), StoreUrlError::UnknownOption { .. }), "{text}");
        }
        assert_eq!(refused("blockstore:d?assets=/a&assets=/b"), StoreUrlError::TwoPlaces);
        let unknown = refused("blockstore+mysql://h/db?assets=/a&colour=red");
        assert!(matches!(unknown, StoreUrlError::Mysql(NoMysqlPlace::NoSuchOption { .. })), "{unknown}");
    }

    #[test]
    fn passwords_are_not_written_back() {
        let url: StoreUrl = "blockstore+mysql://u:hush@h/db?assets=/a".parse().unwrap();
        assert_eq!(url.to_string(), "blockstore+mysql://u@h:3306/db?assets=/a");
        assert!(!format!("{url:?}").contains("hush"));
    }

    #[test]
    fn no_password_of_a_server_is_shown() {
        let url = "modulestore+mongodb://me:s3cret@h/d".parse::<StoreUrl>().unwrap();
        assert_eq!(url.to_string(), "modulestore+mongodb://me:***@h/d");
        assert!(!format!("{url:?}").contains("s3cret"));
        let error = "modulestore+mongodb://me:s3cret@h".parse::<StoreUrl>().unwrap_err();
        assert_eq!(error, StoreUrlError::Mongo { source: MongoUrlError::NoDatabase });
        assert!(!error.to_string().contains("s3cret"));
    }

    #[test]
    fn learner_state_lies_beside_its_store() {
        let at = |text: &str| text.parse::<StoreUrl>().unwrap().learner_state_path();
        assert_eq!(at("memory:"), None);
        assert_eq!(at("blockstore:d"), Some("d/learner-state.sqlite3".into()));
        assert_eq!(at("modulestore:d/f.db"), Some("d/f.db.learner-state.sqlite3".into()));
    }
}
