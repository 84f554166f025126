//! The address of a server: a MongoDB connection string with options of our own.

use std::fmt;
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::MongoLogin;
use super::sql_index::{IndexPlace, TAKES};

/// What would end the value of an option, or be decoded with it.
const IN_OPTION: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'&').add(b'?').add(b'#');

/// How long an operation may take unless the address says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// The address of a database on a MongoDB server: `mongodb://HOST/DATABASE?OPTION=VALUE`.
///
/// The options are those of MongoDB's connection strings (`replicaSet`, `readPreference`, `tls`, `tlsCAFile`,
/// `serverSelectionTimeoutMS`, `connectTimeoutMS`, `w`, ...) and these of our own: `timeoutMS`, which bounds every
/// operation (60 seconds); `collection` and `bucket`, the prefixes of the collections (`modulestore`, `fs`); and
/// `index=sqlite:FILE` or `index=mysql://HOST/DATABASE`, the table of course indexes of newer releases. It is shown without
/// its passwords.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MongoUrl {
    /// With the password, without our own options.
    connection: String,
    shown: String,
    database: String,
    patience: Duration,
    prefix: String,
    bucket: String,
    index: Option<IndexPlace>,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MongoUrlError {
    /// It begins with neither `mongodb://` nor `mongodb+srv://`.
    NoMongoUrl,
    /// It names no database.
    NoDatabase,
    /// One of our own options has a value that it cannot have.
    BadOption {
        /// Its name.
        name: &'static str,
        /// What it takes.
        takes: &'static str,
    },
}

impl fmt::Display for MongoUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMongoUrl => f.write_str("it begins with neither mongodb:// nor mongodb+srv://"),
            Self::NoDatabase => {
                f.write_str("it names no database; one stands after the hosts: mongodb://HOST/DATABASE")
            }
            Self::BadOption { name, takes } => write!(f, "its option `{name}` takes {takes}"),
        }
    }
}

impl std::error::Error for MongoUrlError {}

impl MongoUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`MongoUrlError`]; what only MongoDB's own reader of connection strings knows is found when the store is opened.
    pub fn parse(text: &str) -> Result<Self, MongoUrlError> {
        let (scheme, rest) = ["mongodb://", "mongodb+srv://"]
            .into_iter()
            .find_map(|scheme| Some((scheme, text.strip_prefix(scheme)?)))
            .ok_or(MongoUrlError::NoMongoUrl)?;
        let (hosts, path) = rest.split_once('/').ok_or(MongoUrlError::NoDatabase)?;
        let (name, query) = path.split_once('?').unwrap_or((path, ""));
        let database = decoded(name).filter(|name| !name.is_empty()).ok_or(MongoUrlError::NoDatabase)?;
        let mut url = Self {
            connection: String::new(),
            shown: String::new(),
            database,
            patience: PATIENCE,
            prefix: "modulestore".to_owned(),
            bucket: "fs".to_owned(),
            index: None,
        };
        let (mut theirs, mut shown) = (Vec::new(), Vec::new());
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            if !url.take_option(key, value)? {
                theirs.push(option.to_owned());
            }
            let is_secret = ["password", "properties", "token"].iter().any(|word| {
                let key = key.to_ascii_lowercase();
                key.contains(word)
            });
            shown.push(match (&url.index, is_secret) {
                (_, true) => format!("{key}=***"),
                (Some(IndexPlace::Mysql(place)), _) if key.eq_ignore_ascii_case("index") => {
                    let place = IndexPlace::Mysql(place.clone()).to_string();
                    format!("{key}={}", utf8_percent_encode(&place, IN_OPTION))
                }
                _ => option.to_owned(),
            });
        }
        let query = |options: Vec<String>| match options.is_empty() {
            true => String::new(),
            false => format!("?{}", options.join("&")),
        };
        url.connection = format!("{scheme}{hosts}/{name}{}", query(theirs));
        url.shown = format!("{scheme}{}/{name}{}", without_password(hosts), query(shown));
        Ok(url)
    }

    /// Takes one of our own options; says whether it is one.
    fn take_option(&mut self, key: &str, value: &str) -> Result<bool, MongoUrlError> {
        let bad = |name, takes| MongoUrlError::BadOption { name, takes };
        let name = |known| match decoded(value) {
            Some(name) if !name.is_empty() && !name.contains(['$', '\0']) => Ok(name),
            _ => Err(bad(known, "the prefix of a collection's name")),
        };
        match &*key.to_ascii_lowercase() {
            // Drivers of other languages bound their sockets with the second one.
            "timeoutms" | "sockettimeoutms" => {
                let time = value.parse().ok().filter(|time| *time > 0).map(Duration::from_millis);
                self.patience =
                    time.ok_or_else(|| bad("timeoutMS", "one millisecond or more, as a number"))?;
            }
            "collection" => self.prefix = name("collection")?,
            "bucket" => self.bucket = name("bucket")?,
            "index" => {
                let place = decoded(value).and_then(|place| IndexPlace::parse(&place));
                self.index = Some(place.ok_or_else(|| bad("index", TAKES))?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Returns the connection string, password and all.
    pub(super) fn connection(&self) -> &str {
        &self.connection
    }

    /// Returns the database's name.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Returns how long an operation may take.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Returns the prefix of Split's collections, which is also the name of Old Mongo's.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the bucket of static files.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Returns where the table of course indexes is.
    #[must_use]
    pub fn index(&self) -> Option<&IndexPlace> {
        self.index.as_ref()
    }

    /// Logs in to the server with the table of course indexes as somebody else than the address says; nothing where the table is
    /// on none.
    #[must_use]
    pub fn with_index_login(mut self, login: &MongoLogin) -> Self {
        if let Some(IndexPlace::Mysql(place)) = self.index {
            self.index = Some(IndexPlace::Mysql(place.with_login(&login.user, &login.password)));
        }
        self
    }
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(String::from)
}

fn without_password(hosts: &str) -> String {
    match hosts.rsplit_once('@') {
        Some((login, hosts)) => match login.split_once(':') {
            Some((user, _)) => format!("{user}:***@{hosts}"),
            None => format!("{login}@{hosts}"),
        },
        None => hosts.to_owned(),
    }
}

impl fmt::Display for MongoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for MongoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MongoUrl").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        let text = "mongodb://me:s3cret@a:1,b:2/edxapp?tls=true&tlsCertificateKeyFilePassword=s3cret";
        let url = MongoUrl::parse(text).expect("an address");
        assert_eq!(
            url.to_string(),
            "mongodb://me:***@a:1,b:2/edxapp?tls=true&tlsCertificateKeyFilePassword=***"
        );
        assert!(!format!("{url:?}").contains("s3cret"));
        assert_eq!(url.connection(), text);
    }

    #[test]
    fn our_options_are_ours() {
        let text = "mongodb://h/x%20y?timeoutMS=1500&w=1&index=sqlite:/a%3Fb&collection=m&bucket=g";
        let url = MongoUrl::parse(text).expect("an address");
        assert_eq!(url.connection(), "mongodb://h/x%20y?w=1");
        assert_eq!((url.database(), url.prefix(), url.bucket()), ("x y", "m", "g"));
        assert_eq!(url.index(), Some(&IndexPlace::Sqlite("/a?b".to_owned())));
        assert_eq!(url.patience(), Duration::from_millis(1500));
        assert_eq!(url.to_string(), text);
    }

    #[test]
    fn the_password_of_the_table_is_not_shown() {
        let text = "mongodb://h/d?index=mysql://me:s3%2525cret@db:3307/edxapp%3Ftls=off&w=1";
        let url = MongoUrl::parse(text).expect("an address");
        assert_eq!(url.to_string(), "mongodb://h/d?index=mysql://me:***@db:3307/edxapp%3Ftls=off&w=1");
        assert_eq!(url.connection(), "mongodb://h/d?w=1");
        assert!(!format!("{url:?}").contains("cret"));
        let again = MongoUrl::parse(&url.to_string()).expect("what is shown is an address");
        assert_eq!(again.to_string(), url.to_string());
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |text: &str| MongoUrl::parse(text).expect_err("no address");
        assert_eq!(error("http://h/d"), MongoUrlError::NoMongoUrl);
        assert_eq!(error("mongodb://h"), MongoUrlError::NoDatabase);
        assert_eq!(error("mongodb://h/?w=1"), MongoUrlError::NoDatabase);
        for (option, name) in [
            ("timeoutMS=0", "timeoutMS"),
            ("timeoutMS=long", "timeoutMS"),
            ("index=oracle:x", "index"),
            ("index=sqlite:", "index"),
            ("index=mysql://host", "index"),
            ("bucket=", "bucket"),
        ] {
            match error(&format!("mongodb://h/d?{option}")) {
                MongoUrlError::BadOption { name: found, .. } => assert_eq!(found, name),
                other => panic!("{option}: {other:?}"),
            }
        }
    }
}
