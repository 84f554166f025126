//! Answering a problem or another block from outside a browser: the request a page would send, and what came of it.

use serde::Serialize;
use xblock_core::block::{Event, Grade, HandlerRequest, User};
use xblock_core::fields::Json;
use xblock_core::host::Host;
use xblock_core::keys::UsageKey;

use crate::error::CoursewareError;

/// The handler that grades a problem.
const HANDLER: &str = "problem_check";

/// What came of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Submission {
    /// The problem.
    pub usage: UsageKey,
    /// Who answered.
    pub user: String,
    /// HTTP status of the handler's answer; 200 where the answer was graded.
    pub status: u16,
    /// What the problem says of the answer as a whole: `correct`, `incorrect`, or why it was not graded.
    pub success: Option<String>,
    /// The grade, where one was published.
    pub grade: Option<Grade>,
    /// The handler's whole answer.
    pub response: Json,
}

impl Submission {
    /// Says whether the answers were graded, right or wrong; an answer that cannot be read is not.
    #[must_use]
    pub fn is_graded(&self) -> bool {
        matches!(self.success.as_deref(), Some("correct" | "incorrect"))
    }
}

/// Hands answers to a problem, as its page would, and returns the verdict.
///
/// Names are those of the inputs, such as `input_p1_2_1`; a name given several times, or ending in `[]`, is a list.
///
/// # Errors
/// [`CoursewareError::Block`] where the block does not exist or takes no answers; then nothing was saved.
pub fn submit(
    host: &Host,
    usage: &UsageKey,
    user: &User,
    answers: &[(String, String)],
) -> Result<Submission, CoursewareError> {
    let request = HandlerRequest {
        method: "POST".into(),
        content_type: "application/x-www-form-urlencoded".into(),
        body: form(answers).into_bytes(),
        ..HandlerRequest::default()
    };
    hand_on(host, usage, user, HANDLER, &request)
}

/// Hands a JSON object to a handler of any block, as its page would, and returns what came of it.
///
/// # Errors
/// [`CoursewareError::Block`] where the block does not exist or has no such handler; then nothing was saved.
pub fn submit_json(
    host: &Host,
    usage: &UsageKey,
    user: &User,
    handler: &str,
    body: &Json,
) -> Result<Submission, CoursewareError> {
    hand_on(host, usage, user, handler, &HandlerRequest::post_json(body))
}

fn hand_on(
    host: &Host,
    usage: &UsageKey,
    user: &User,
    handler: &str,
    request: &HandlerRequest,
) -> Result<Submission, CoursewareError> {
    let handled = host.handle(usage, handler, request, Some(user))?;
    let text = || Json::String(String::from_utf8_lossy(&handled.response.body).into_owned());
    let response: Json = serde_json::from_slice(&handled.response.body).unwrap_or_else(|_| text());
    let said = |name: &str| response.get(name).and_then(Json::as_str).map(str::to_owned);
    let grade = handled.events.iter().rev().find_map(|event| match event {
        Event::Grade(grade) => Some(grade.clone()),
        _ => None,
    });
    Ok(Submission {
        usage: usage.clone(),
        user: user.id.to_string(),
        status: handled.response.status,
        success: said("success").or_else(|| said("error")),
        grade,
        response,
    })
}

/// Writes pairs as a form does (URL standard, section 5.2).
fn form(pairs: &[(String, String)]) -> String {
    let mut body = String::new();
    for (name, value) in pairs {
        if !body.is_empty() {
            body.push('&');
        }
        encode(name, &mut body);
        body.push('=');
        encode(value, &mut body);
    }
    body
}

fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                into.push(char::from(byte))
            }
            b' ' => into.push('+'),
            _ => into.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded() {
        let pairs = [("input_a_2_1[]".to_owned(), "x & é".to_owned()), ("b".to_owned(), String::new())];
        assert_eq!(form(&pairs), "input_a_2_1%5B%5D=x+%26+%C3%A9&b=");
    }
}
