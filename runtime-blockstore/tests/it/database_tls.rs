//! Encrypted connections to a MariaDB server, which must prove its name.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use mysql::prelude::Queryable as _;
use runtime_blockstore::{
    Access, Assets, Blockstore, BlockstoreError, DatabaseError, FsckOptions, MysqlPlace,
};

use crate::fixture::{Now, new_bundle};
use crate::mariadb::Server;

/// Makes an authority and the certificate of a server with this name; false where there is no OpenSSL to make them with.
fn certificates(folder: &Path, server: &str, names: &str) -> bool {
    let run = |arguments: &str| {
        let made = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output();
        match made {
            Ok(made) => {
                assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
                true
            }
            Err(error) => {
                let _ = writeln!(
                    std::io::stderr(),
                    "SKIPPED: no certificates for MariaDB here: openssl: {error}"
                );
                false
            }
        }
    };
    std::fs::write(
        folder.join(format!("{server}.cnf")),
        format!("basicConstraints=CA:FALSE\nsubjectAltName={names}\nextendedKeyUsage=serverAuth\n"),
    )
    .unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    (folder.join("ca.pem").exists()
        || run(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=tests")))
        && run(&format!("req {key} -keyout {server}.key -out {server}.csr -subj /CN={server}"))
        && run(&format!(
            "x509 -req -in {server}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {server}.pem -days 2 \
             -extfile {server}.cnf"
        ))
}

struct Reached {
    server: Server,
    database: String,
    folder: PathBuf,
}

impl Reached {
    /// Starts a server that has a certificate for these names.
    fn start(folder: &Path, name: &str, names: &str) -> Option<Self> {
        if !certificates(folder, name, names) {
            return None;
        }
        let at = |file: &str| folder.join(file).display().to_string();
        let server = Server::start_with(&[
            &format!("--ssl-ca={}", at("ca.pem")),
            &format!("--ssl-cert={}", at(&format!("{name}.pem"))),
            &format!("--ssl-key={}", at(&format!("{name}.key"))),
        ])?;
        let database = server.database();
        server.run(&[
            "CREATE USER app@'127.0.0.1' REQUIRE SSL",
            &format!("GRANT ALL ON {database}.* TO app@'127.0.0.1'"),
        ]);
        Some(Self { server, database, folder: folder.to_owned() })
    }

    fn open(&self, user: &str, options: &str) -> Result<Blockstore, BlockstoreError> {
        let port = self.server.place(&self.database).port;
        let place: MysqlPlace =
            format!("//{user}@127.0.0.1:{port}/{}?connect-timeout=5&read-timeout=5&{options}", self.database)
                .parse()
                .expect("an address");
        Blockstore::open_mysql(
            &place,
            &Assets::Folder(self.folder.join("storage")),
            Access::ReadWrite,
            Arc::new(Now),
        )
    }

    fn refused(&self, user: &str, options: &str) -> DatabaseError {
        match self.open(user, options) {
            Err(BlockstoreError::Database { source, .. }) => source,
            Err(error) => panic!("{options}: {error}"),
            Ok(_) => panic!("{options}: it was let in"),
        }
    }
}

#[test]
fn an_encrypted_connection_needs_an_authority_that_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let Some(reached) = Reached::start(folder.path(), "here", "IP:127.0.0.1,DNS:localhost") else { return };
    assert!(certificates(other.path(), "there", "IP:127.0.0.1"));
    let tls_ca = |folder: &Path| format!("tls-ca={}", folder.join("ca.pem").display());

    // This user is let in over an encrypted connection only, so that who works is encrypted.
    let error = reached.refused("app", "tls=off");
    assert!(matches!(error, DatabaseError::Refused { .. }), "{error}");
    for options in ["tls=on".to_owned(), tls_ca(other.path())] {
        let error = reached.refused("app", &options);
        assert!(matches!(error, DatabaseError::Unreachable { .. }), "{options}: {error}");
    }
    let store = reached.open("app", &tls_ca(folder.path())).expect("an authority that is trusted");
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "ebb")]);
    store.write_draft_file(draft, "a", Some(b"flow")).unwrap();
    assert_eq!(store.commit_draft(draft).unwrap(), 2);
    assert_eq!(store.get_bundle_file_data(bundle, "a", None).unwrap(), b"flow");
    assert_eq!(store.fsck(FsckOptions::default()).unwrap().findings, []);
    // The server saw it so, too.
    let mut root = mysql::Conn::new(&*reached.server.url).unwrap();
    let accepted: (String, u64) =
        root.query_first("SHOW GLOBAL STATUS LIKE 'Ssl_finished_accepts'").unwrap().unwrap();
    assert!(accepted.1 > 0, "{accepted:?}");
    // A file that is none, or is not there.
    std::fs::write(other.path().join("none.pem"), "no certificate").unwrap();
    for file in ["none.pem", "nowhere.pem"] {
        let error = reached.refused("app", &format!("tls-ca={}", other.path().join(file).display()));
        assert!(
            matches!(error, DatabaseError::Client { .. } | DatabaseError::Unreachable { .. }),
            "{file}: {error}"
        );
    }
}

#[test]
fn a_server_must_prove_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let Some(reached) = Reached::start(folder.path(), "elsewhere", "DNS:db.example.org") else { return };
    let error = reached.refused("app", &format!("tls-ca={}", folder.path().join("ca.pem").display()));
    assert!(matches!(error, DatabaseError::Unreachable { .. }), "{error}");
}
