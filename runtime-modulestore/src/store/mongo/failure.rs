//! Failures of the server as the runtime's.

use std::fmt;

use mongodb::error::{Error, ErrorKind, WriteFailure};
use xblock_core::runtime::RuntimeError;

/// The server's numbers of failures that mean something here.
mod code {
    pub(super) const DUPLICATE: i32 = 11000;
    pub(super) const BAD_VALUE: i32 = 2;
    pub(super) const TOO_LARGE: i32 = 10334;
    pub(super) const DOTTED_NAME: i32 = 57;
    pub(super) const DOLLAR_NAME: i32 = 52;
    pub(super) const LOGIN_REFUSED: i32 = 18;
    pub(super) const NOT_ALLOWED: i32 = 13;
}

/// Returns the numbers of everything that went wrong in an operation.
fn codes(error: &Error) -> Vec<i32> {
    match &*error.kind {
        ErrorKind::Command(error) => vec![error.code],
        ErrorKind::Write(WriteFailure::WriteError(error)) => vec![error.code],
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => vec![error.code],
        ErrorKind::InsertMany(errors) => {
            let mut codes: Vec<_> = errors.write_errors.iter().flatten().map(|error| error.code).collect();
            codes.extend(errors.write_concern_error.iter().map(|error| error.code));
            codes
        }
        _ => Vec::new(),
    }
}

/// Says whether all that went wrong is that documents with these ids or keys are there.
pub(super) fn is_duplicate(error: &Error) -> bool {
    let codes = codes(error);
    !codes.is_empty() && codes.iter().all(|code| *code == code::DUPLICATE)
}

/// Returns the places of the documents that were not added, unless the server says that it was for their `_id`.
pub(super) fn clashing(error: &Error) -> Vec<usize> {
    match &*error.kind {
        ErrorKind::InsertMany(errors) => errors
            .write_errors
            .iter()
            .flatten()
            .filter(|error| !error.message.contains("index: _id_"))
            .map(|error| error.index)
            .collect(),
        _ => Vec::new(),
    }
}

/// Says whether an index is there already, made with other options.
pub(super) fn is_other_index(error: &Error) -> bool {
    codes(error).iter().any(|code| matches!(code, 85 | 86))
}

/// What is said of a change of the one document that makes a commit, where the server did not say whether it was made: it
/// may still carry it out.
#[derive(Debug)]
struct MayBeMade(Box<dyn std::error::Error + Send + Sync>);

impl fmt::Display for MayBeMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "whether the edit was made is not known; look whether it is there before you make it again",
        )
    }
}

impl std::error::Error for MayBeMade {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// Adds to a failure that what was to be done may be done all the same.
pub(super) fn may_be_made(error: RuntimeError) -> RuntimeError {
    match error {
        RuntimeError::Storage { action, source } => RuntimeError::storage(action, MayBeMade(source)),
        other => other,
    }
}

/// Says in plain words what the driver tells of the servers it looked for: each server with what went wrong there.
fn plain(message: &str) -> String {
    let mut told: Vec<String> = Vec::new();
    for server in message.split("Address: ").skip(1) {
        let (address, rest) = server.split_once([',', ' ']).unwrap_or((server, ""));
        let reason = rest.split_once("Error: Kind: ").map(|(_, reason)| reason);
        let reason = reason.map(|reason| reason.split(", labels").next().unwrap_or(reason).trim());
        told.push(match reason {
            Some(reason) => format!("{address}: {reason}"),
            None => format!("{address} does not answer in time"),
        });
    }
    if told.is_empty() { message.to_owned() } else { told.join("; ") }
}

/// Turns a failure into the runtime's. Drivers never put passwords into their messages.
pub(super) fn failed(action: &str, error: Error) -> RuntimeError {
    let codes = codes(&error);
    let has = |wanted: &[i32]| codes.iter().any(|code| wanted.contains(code));
    let refused = |what: &str, error: Error| RuntimeError::storage(action, format!("{what}: {}", error.kind));
    match &*error.kind {
        ErrorKind::Authentication { .. } => refused("the server refused the credentials", error),
        ErrorKind::ServerSelection { message, .. } => {
            RuntimeError::storage(action, format!("no server answers: {}", plain(message)))
        }
        _ if has(&[code::LOGIN_REFUSED]) => refused("the server refused the credentials", error),
        _ if has(&[code::NOT_ALLOWED]) => refused("the server does not allow it to this user", error),
        _ if has(&[code::BAD_VALUE, code::TOO_LARGE, code::DOTTED_NAME, code::DOLLAR_NAME])
            && matches!(&*error.kind, ErrorKind::Write(_) | ErrorKind::InsertMany(_)) =>
        {
            RuntimeError::Unstorable { place: action.to_owned(), reason: error.kind.to_string() }
        }
        ErrorKind::Bson(_) | ErrorKind::BsonDeserialization(_) => {
            RuntimeError::Corrupt { place: action.to_owned(), reason: error.kind.to_string() }
        }
        // Without what the driver notes for itself beside it.
        kind => RuntimeError::storage(action, plain(&kind.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_do_not_answer_are_told_in_plain_words() {
        let message = "Server selection timeout: No available servers. Topology: { Type: Unknown, Servers: [ { Address: \
                       127.0.0.1:1, Type: Unknown, Error: Kind: I/O error: Connection refused (os error 111), labels: {}, \
                       source: None }, { Address: b.example:27017, Type: Unknown } ] }";
        assert_eq!(
            plain(message),
            "127.0.0.1:1: I/O error: Connection refused (os error 111); b.example:27017 does not answer in time"
        );
        assert_eq!(plain("Command failed"), "Command failed");
    }

    #[test]
    fn a_lost_answer_is_told_as_such() {
        let RuntimeError::Storage { source, .. } =
            may_be_made(RuntimeError::storage("changing", "no answer"))
        else {
            panic!("the medium's");
        };
        assert!(source.to_string().contains("whether the edit was made is not known"));
        assert_eq!(source.source().map(ToString::to_string).as_deref(), Some("no answer"));
    }
}
