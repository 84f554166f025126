//! What a codejail service answers, and what that means.

use serde_json::Value as Json;
use xblock_core::services::{Globals, SandboxError};

use super::{engine, numbers};

/// Reads an answer.
///
/// # Errors
/// [`SandboxError::Code`] where the code failed, [`SandboxError::Engine`] with the platform's words for all else.
pub(super) fn read(status: u16, body: &[u8]) -> Result<Globals, SandboxError> {
    if status >= 400 {
        return Err(engine("Codejail API Service invalid response."));
    }
    let nonsense = || engine("Invalid JSON response received from codejail api service.");
    let text = std::str::from_utf8(body).map_err(|_| nonsense())?;
    let Some(Json::Object(mut answer)) = numbers::read(text) else { return Err(nonsense()) };
    if let Some(message) = answer.get("emsg").and_then(Json::as_str).filter(|message| !message.is_empty()) {
        return Err(code_error(message));
    }
    match answer.remove("globals_dict") {
        Some(Json::Object(globals)) => Ok(globals),
        _ => Err(nonsense()),
    }
}

/// Adds to the service's words what the platform adds. Our own line stands before the author's.
fn code_error(message: &str) -> SandboxError {
    SandboxError::from_jail(format!("{message}. For more information check Codejail Service logs."), Some(1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_what_the_platform_makes_of_them() {
        let globals = |value: Json| value.as_object().expect("an object").clone();
        assert_eq!(read(200, br#"{"globals_dict": {"a": 1}}"#), Ok(globals(json!({"a": 1}))));
        assert_eq!(read(200, br#"{"globals_dict": {"a": 1}, "emsg": ""}"#), Ok(globals(json!({"a": 1}))));
        for status in [400, 403, 404, 500, 503] {
            let error = read(status, br#"{"globals_dict": {}}"#);
            assert_eq!(error, Err(engine("Codejail API Service invalid response.")));
        }
        for body in [
            &b"<html>"[..],
            b"",
            b"[]",
            b"{}",
            br#"{"globals_dict": null}"#,
            b"\xff",
            br#"{"globals_dict": {"#,
        ] {
            let error = read(200, body);
            assert_eq!(error, Err(engine("Invalid JSON response received from codejail api service.")));
        }
    }

    #[test]
    fn an_error_names_its_line() {
        let message = concat!(
            r#"Couldn't execute jailed code: stdout: b'', stderr: b'Traceback (most recent call last):\n"#,
            r#"  File "/tmp/codejail-x/jailed_code", line 19, in <module>\n    exec(code, g_dict)\n"#,
            r#"  File "<string>", line 3, in <module>\nZeroDivisionError: division by zero\n' with status code: 1"#
        );
        let body = json!({"emsg": message}).to_string();
        assert_eq!(
            read(200, body.as_bytes()),
            Err(SandboxError::Code {
                message: format!("{message}. For more information check Codejail Service logs."),
                last_line: Some("ZeroDivisionError: division by zero".into()),
                line: Some(2),
            })
        );
        let Err(SandboxError::Code { last_line, line, .. }) = read(200, br#"{"emsg": "gone"}"#) else {
            panic!("an error")
        };
        assert_eq!((last_line, line), (None, None));
    }
}
