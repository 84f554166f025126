//! A request to a block's handler and its answer.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fields::Json;

use super::error::BlockError;

/// A request, as a web server hands it on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HandlerRequest {
    /// HTTP method in upper case.
    pub method: String,
    /// What followed the handler's name in the path.
    pub suffix: String,
    /// The query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Media type of the body, empty if none was given.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl HandlerRequest {
    /// Makes the POST request a JSON handler expects.
    #[must_use]
    pub fn post_json(value: &Json) -> Self {
        Self {
            method: "POST".into(),
            content_type: "application/json".into(),
            body: value.to_string().into_bytes(),
            ..Self::default()
        }
    }

    /// Reads the body as JSON by XBlock's rules for JSON handlers (xblock reference, section 11).
    ///
    /// A body that is JSON and holds another value than the wanted one is refused with where that value is, and why.
    ///
    /// # Errors
    /// [`BlockError::BadRequest`] 405 for another method than POST, 400 for a body that is not JSON of the wanted form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, BlockError> {
        if self.method != "POST" {
            return Err(BlockError::BadRequest { status: 405, message: "Method must be POST".into() });
        }
        let refuse = |message: String| BlockError::BadRequest { status: 400, message };
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let (place, error) = (error.path().to_string(), error.inner());
            // Whether the body is JSON at all is known only where it was read to its end.
            match serde_json::from_slice::<serde::de::IgnoredAny>(&self.body) {
                Ok(_) => refuse(wrong_value(&place, error)),
                Err(_) => refuse(INVALID_JSON.into()),
            }
        })?;
        reader.end().map_err(|_| refuse(INVALID_JSON.into()))?;
        Ok(value)
    }
}

/// What XBlock answers to a body that is no JSON.
const INVALID_JSON: &str = "Invalid JSON";

/// How many characters of an error are told: it quotes what was sent.
const LONGEST_ERROR: usize = 200;

/// Says which value is not the wanted one: `Wrong value of stars: invalid type: string "x", expected i64`.
fn wrong_value(place: &str, error: &serde_json::Error) -> String {
    let text = error.to_string();
    // The position in the body means nothing to who filled in a page.
    let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
    let text: String = text.chars().take(LONGEST_ERROR).collect();
    match place {
        "." => format!("Wrong value: {text}"),
        place => format!("Wrong value of {place}: {text}"),
    }
}

/// A handler's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct HandlerResponse {
    /// HTTP status.
    pub status: u16,
    /// Media type of the body.
    pub content_type: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HandlerResponse {
    /// Makes a JSON answer with status 200, in ASCII as XBlock's JSON handlers write it.
    #[must_use]
    pub fn json(value: &Json) -> Self {
        Self {
            status: 200,
            content_type: "application/json".into(),
            headers: Vec::new(),
            body: crate::olx::json_line(value).into_bytes(),
        }
    }

    /// Makes a JSON answer with status 200 of anything that can be written as JSON.
    ///
    /// # Errors
    /// [`BlockError::NotJson`] for what has no JSON form, such as a mapping whose names are no texts.
    pub fn of(value: &impl Serialize) -> Result<Self, BlockError> {
        let value = serde_json::to_value(value)
            .map_err(|error| BlockError::NotJson { problem: error.to_string() })?;
        Ok(Self::json(&value))
    }

    /// Makes the answer to a request that failed, in the form XBlock gives it.
    #[must_use]
    pub fn error(status: u16, message: &str) -> Self {
        let mut response = Self::json(&serde_json::json!({ "error": message }));
        response.status = status;
        if status == 405 {
            response.headers.push(("Allow".into(), "POST".into()));
        }
        response
    }
}
