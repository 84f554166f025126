//! Where the database of a store is, where that is a server: address, user, and what of time it may take.

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::database::Database;
use crate::error::BlockstoreError;

/// Variables of the environment that are asked where an address does not say it.
const USER_VARIABLE: &str = "BLOCKSTORE_MYSQL_USER";
const PASSWORD_VARIABLE: &str = "BLOCKSTORE_MYSQL_PASSWORD";
const PASSWORD_FILE_VARIABLE: &str = "BLOCKSTORE_MYSQL_PASSWORD_FILE";

/// The options of an address, as messages list them.
const OPTIONS: &str = "tls, tls-ca, connect-timeout, read-timeout, lock-timeout and connections";

/// What would end the value of an option, or be taken for something that is written so.
const IN_OPTION: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'&').add(b'+').add(b'#');

/// The address of a database on a MySQL or MariaDB server: `//USER@HOST:PORT/DATABASE?OPTION=VALUE&…`.
///
/// The user's name and password come from the address, or from `BLOCKSTORE_MYSQL_USER`, `BLOCKSTORE_MYSQL_PASSWORD`
/// and the file that `BLOCKSTORE_MYSQL_PASSWORD_FILE` names. A password is never printed.
///
/// | option | | default |
/// |---|---|---|
/// | `tls` | `on`, `off` | `on`, but `off` for `localhost`, `127.0.0.1` and `::1` |
/// | `tls-ca` | a PEM file with the authorities to trust besides the web's; `tls=on` | |
/// | `connect-timeout` | seconds until a connection must stand | 10 |
/// | `read-timeout` | seconds until one statement must be answered | 30 |
/// | `lock-timeout` | seconds to wait for other writers | 60 |
/// | `connections` | how many may read at once in one process | 16 |
///
/// ```
/// use runtime_blockstore::MysqlPlace;
///
/// let place: MysqlPlace = "//lms:se%40cret@db.example.org/blockstore?lock-timeout=5".parse()?;
/// assert_eq!(place.to_string(), "//lms@db.example.org:3306/blockstore?lock-timeout=5");
/// # Ok::<(), runtime_blockstore::NoMysqlPlace>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct MysqlPlace {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database on it.
    pub database: String,
    /// Who connects; the server's own default where it is said nowhere.
    pub user: Option<String>,
    /// Whether and how the connection is encrypted.
    pub tls: Tls,
    /// Until when a connection must stand.
    pub connect_timeout: Duration,
    /// Until when a statement must be answered.
    pub read_timeout: Duration,
    /// How long to wait for other writers.
    pub lock_timeout: Duration,
    /// How many may read at once.
    pub connections: usize,
    password: Option<String>,
    /// The options as they were given, without those that are not ours.
    given: Vec<(String, String)>,
}

/// Whether and how a connection is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tls {
    /// It is not.
    Off,
    /// It is, and the server proves who it is with a certificate of an authority the web trusts.
    On,
    /// It is, and the server's certificate may also be of an authority in this file.
    Authority(PathBuf),
}

/// A text that is no address of a database on a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoMysqlPlace {
    /// It does not have the form of an address; the text is not repeated, because it may have a password.
    #[error("the address of the database is none: {reason}; it should be //USER@HOST:PORT/DATABASE")]
    Form {
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such option; its value is not repeated, it may be a secret.
    #[error("the database's address has no option {name}, only {OPTIONS}")]
    NoSuchOption {
        /// The option.
        name: String,
    },
    /// An option has a value that it cannot have.
    #[error("option {name} of the database's address cannot be {value:?}")]
    Option {
        /// The option.
        name: String,
        /// Its value.
        value: String,
    },
    /// The file with the password cannot be read.
    #[error("the password cannot be read from {file}: {reason}")]
    PasswordFile {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
}

impl FromStr for MysqlPlace {
    type Err = NoMysqlPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = |reason: &str| NoMysqlPlace::Form { reason: reason.to_owned() };
        let url = Url::parse(&format!("mysql:{text}")).map_err(|error| form(&error.to_string()))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| form("it has no host"))?;
        // An address of version 6 stands in brackets.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let database = decoded(url.path().trim_start_matches('/'))?;
        if database.is_empty() || database.contains('/') {
            return Err(form("it names no database"));
        }
        let user =
            if url.username().is_empty() { variable(USER_VARIABLE) } else { Some(decoded(url.username())?) };
        let password = match url.password() {
            Some(password) => Some(decoded(password)?),
            None => password_outside()?,
        };
        let is_near = matches!(&*host, "localhost" | "127.0.0.1" | "::1");
        let mut place = Self {
            host,
            port: url.port().unwrap_or(3306),
            database,
            user,
            tls: if is_near { Tls::Off } else { Tls::On },
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(60),
            connections: 16,
            password,
            given: Vec::new(),
        };
        for (name, value) in url.query_pairs() {
            place.set(&name, &value)?;
        }
        Ok(place)
    }
}

impl MysqlPlace {
    fn set(&mut self, name: &str, value: &str) -> Result<(), NoMysqlPlace> {
        let bad = || NoMysqlPlace::Option { name: name.to_owned(), value: value.to_owned() };
        let number =
            || value.parse::<u64>().ok().filter(|number| (1..=86_400).contains(number)).ok_or_else(bad);
        match (name, value) {
            // The file with the authority says that it is on, too.
            ("tls", "on") => {
                if self.tls == Tls::Off {
                    self.tls = Tls::On;
                }
            }
            ("tls", "off") => self.tls = Tls::Off,
            ("tls-ca", file) if !file.is_empty() => self.tls = Tls::Authority(file.into()),
            ("connect-timeout", _) => self.connect_timeout = Duration::from_secs(number()?),
            ("read-timeout", _) => self.read_timeout = Duration::from_secs(number()?),
            ("lock-timeout", _) => self.lock_timeout = Duration::from_secs(number()?),
            ("connections", _) => self.connections = usize::try_from(number()?).map_err(|_| bad())?,
            ("tls" | "tls-ca", _) => return Err(bad()),
            _ => return Err(NoMysqlPlace::NoSuchOption { name: name.to_owned() }),
        }
        self.given.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// Says whether the database has a Blockstore, the app's or one of ours.
    ///
    /// # Errors
    /// [`BlockstoreError::Database`] where the server cannot be reached or refuses.
    pub fn has_store(&self) -> Result<bool, BlockstoreError> {
        Database::has_app(self)
    }

    /// Connects with this password.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// Returns host and port, as messages name the server.
    pub(crate) fn server(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for MysqlPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("//")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        write!(f, "{}/{}", self.server(), self.database)?;
        for (at, (name, value)) in self.given.iter().enumerate() {
            let value = utf8_percent_encode(value, IN_OPTION);
            write!(f, "{}{name}={value}", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for MysqlPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MysqlPlace").field(&self.to_string()).finish()
    }
}

fn decoded(text: &str) -> Result<String, NoMysqlPlace> {
    percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|error| NoMysqlPlace::Form { reason: error.to_string() })
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn password_outside() -> Result<Option<String>, NoMysqlPlace> {
    if let Some(password) = variable(PASSWORD_VARIABLE) {
        return Ok(Some(password));
    }
    let Some(file) = variable(PASSWORD_FILE_VARIABLE) else { return Ok(None) };
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
        Err(error) => Err(NoMysqlPlace::PasswordFile { file, reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_its_password_is_not_shown() {
        let place: MysqlPlace =
            "//l%40ms:s%2Fecret@db.example.org:3307/block%20store?read-timeout=7&tls-ca=/ca.pem"
                .parse()
                .unwrap();
        assert_eq!((&*place.host, place.port, &*place.database), ("db.example.org", 3307, "block store"));
        assert_eq!((place.user.as_deref(), place.password()), (Some("l@ms"), Some("s/ecret")));
        assert_eq!(place.tls, Tls::Authority("/ca.pem".into()));
        assert_eq!(place.read_timeout, Duration::from_secs(7));
        assert!(!format!("{place} {place:?}").contains("ecret"));
    }

    #[test]
    fn far_servers_are_spoken_to_in_secret() {
        let tls = |text: &str| text.parse::<MysqlPlace>().unwrap().tls;
        assert_eq!(tls("//db.example.org/b"), Tls::On);
        assert_eq!(tls("//db.example.org/b?tls=off"), Tls::Off);
        assert_eq!(tls("//127.0.0.1/b"), Tls::Off);
        assert_eq!(tls("//[::1]/b"), Tls::Off);
        assert_eq!(tls("//localhost/b?tls=on"), Tls::On);
    }

    #[test]
    fn what_is_no_address_says_why() {
        for text in
            ["", "//", "//host", "//host/", "//host/a/b", "host/b", "//host:port/b", "//u:pässwort@host"]
        {
            let error = text.parse::<MysqlPlace>().unwrap_err();
            assert!(matches!(error, NoMysqlPlace::Form { .. }), "{text}: {error}");
            assert!(!error.to_string().contains("sswort"));
        }
        for option in ["tls=maybe", "read-timeout=0", "read-timeout=soon", "connections=-1", "tls-ca="] {
            let error = format!("//host/b?{option}").parse::<MysqlPlace>().unwrap_err();
            assert!(matches!(error, NoMysqlPlace::Option { .. }), "{option}: {error}");
        }
        let error = "//host/b?lock-timout=hush".parse::<MysqlPlace>().unwrap_err();
        assert_eq!(error, NoMysqlPlace::NoSuchOption { name: "lock-timout".into() });
        let text = error.to_string();
        assert!(text.contains("no option lock-timout") && text.contains("lock-timeout"), "{text}");
        assert!(!text.contains("hush"), "{text}");
    }
}
