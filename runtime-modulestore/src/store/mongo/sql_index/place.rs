//! Where the table of course indexes is.

use std::fmt;
use std::time::Duration;

use percent_encoding::percent_decode_str;

/// How long a connection to a server may take to come about, unless the address says otherwise.
const CONNECTING: Duration = Duration::from_secs(10);

/// What the option `index` takes.
pub(in crate::store::mongo) const TAKES: &str =
    "sqlite:FILE or mysql://USER@HOST:PORT/DATABASE, with its own options in percent signs (%3Ftls=off)";

/// Where the table of course indexes is. It is shown without its password.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexPlace {
    /// In an SQLite file.
    Sqlite(String),
    /// In a database on a MySQL or MariaDB server.
    Mysql(MysqlIndexPlace),
}

/// A database on a MySQL or MariaDB server: `mysql://USER:PASSWORD@HOST:PORT/DATABASE`.
///
/// Options stand behind it: `tls=on|off` (on, but off for `localhost`, `127.0.0.1` and `::1`), `tls-ca=FILE` (authorities to
/// trust besides the web's), `connect-timeout=SECONDS` (10). How long reading or
/// changing the table may take is `timeoutMS` of the store.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MysqlIndexPlace {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) is_encrypted: bool,
    pub(super) authority: Option<String>,
    pub(super) connecting: Duration,
    shown: String,
}

impl IndexPlace {
    /// Reads the value of the option; `text` is decoded once.
    pub(in crate::store::mongo) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("sqlite:") {
            Some(file) => Some(Self::Sqlite(file.to_owned())).filter(|_| !file.is_empty()),
            None => MysqlIndexPlace::parse(text).map(Self::Mysql),
        }
    }
}

impl MysqlIndexPlace {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("mysql://")?;
        let (authority, path) = rest.split_once('/')?;
        let (database, options) = path.split_once('?').unwrap_or((path, ""));
        let (login, server) =
            authority.rsplit_once('@').map_or((None, authority), |(login, server)| (Some(login), server));
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((user, password)) => (Some(decoded(user)?), Some(decoded(password)?)),
            None => (None, None),
        };
        let (host, port) = match server.strip_prefix('[') {
            Some(address) => {
                let (host, port) = address.split_once(']')?;
                (host, port.strip_prefix(':'))
            }
            None => server.split_once(':').map_or((server, None), |(host, port)| (host, Some(port))),
        };
        let database = decoded(database)?;
        if host.is_empty() || database.is_empty() || database.contains('/') {
            return None;
        }
        let shown_login =
            user.as_ref().map(|_| login.unwrap_or_default().split(':').next().unwrap_or_default());
        let is_hidden = password.as_ref().is_some_and(|password| !password.is_empty());
        let mut shown = String::from("mysql://");
        if let Some(user) = shown_login {
            shown += user;
            shown += if is_hidden { ":***@" } else { "@" };
        }
        shown += &rest[authority.len() - server.len()..];
        let mut place = Self {
            user: user.filter(|user| !user.is_empty()),
            password: password.filter(|password| !password.is_empty()),
            host: host.to_owned(),
            port: port.map_or(Some(3306), |port| port.parse().ok())?,
            database,
            is_encrypted: !matches!(host, "localhost" | "127.0.0.1" | "::1"),
            authority: None,
            connecting: CONNECTING,
            shown,
        };
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=')?;
            let value = decoded(value)?;
            match (name, &*value) {
                ("tls", "on") => place.is_encrypted = true,
                ("tls", "off") => place.is_encrypted = false,
                ("tls-ca", file) if !file.is_empty() => {
                    place.authority = Some(file.to_owned());
                    place.is_encrypted = true;
                }
                ("connect-timeout", _) => {
                    let seconds = value.parse().ok().filter(|seconds| *seconds > 0)?;
                    place.connecting = Duration::from_secs(seconds);
                }
                _ => return None,
            }
        }
        Some(place)
    }

    /// Logs in as somebody else than the address says.
    #[must_use]
    pub(in crate::store::mongo) fn with_login(mut self, user: &str, password: &str) -> Self {
        self.user = Some(user.to_owned());
        self.password = Some(password.to_owned());
        self
    }

    /// Returns host and port, as messages name the server.
    pub(super) fn server(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(String::from)
}

impl fmt::Display for IndexPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "sqlite:{file}"),
            Self::Mysql(place) => f.write_str(&place.shown),
        }
    }
}

impl fmt::Debug for MysqlIndexPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MysqlIndexPlace").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mysql(text: &str) -> MysqlIndexPlace {
        match IndexPlace::parse(text) {
            Some(IndexPlace::Mysql(place)) => place,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_server_is_read_and_its_password_is_not_shown() {
        let place =
            mysql("mysql://l%40ms:s%2Fecret@db.example.org:3307/edx%20app?tls-ca=/ca.pem&connect-timeout=7");
        assert_eq!((&*place.host, place.port, &*place.database), ("db.example.org", 3307, "edx app"));
        assert_eq!((place.user.as_deref(), place.password.as_deref()), (Some("l@ms"), Some("s/ecret")));
        assert_eq!((place.authority.as_deref(), place.connecting), (Some("/ca.pem"), Duration::from_secs(7)));
        let shown = format!("{} {place:?}", IndexPlace::Mysql(place.clone()));
        assert!(
            !shown.contains("ecret") && shown.contains("mysql://l%40ms:***@db.example.org:3307/"),
            "{shown}"
        );
    }

    #[test]
    fn far_servers_are_spoken_to_in_secret() {
        assert!(mysql("mysql://db.example.org/b").is_encrypted);
        assert!(!mysql("mysql://db.example.org/b?tls=off").is_encrypted);
        assert!(!mysql("mysql://root@127.0.0.1:99/b").is_encrypted);
        let own = mysql("mysql://[::1]:5/b");
        assert_eq!((own.is_encrypted, own.server()), (false, "[::1]:5".to_owned()));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in [
            "mysql://",
            "mysql://h",
            "mysql://h/",
            "mysql://h/a/b",
            "mysql://h:port/b",
            "mysql:h/b",
            "sqlite:",
            "x",
            "mysql://h/b?tls=maybe",
            "mysql://h/b?colour=red",
            "mysql://h/b?connect-timeout=0",
        ] {
            assert_eq!(IndexPlace::parse(text), None, "{text}");
        }
    }
}
