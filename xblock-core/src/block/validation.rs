//! What an author should hear of a block (XBlock's `validation.py`; xblock reference, section 15).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fields::{BlockFields, Json};

/// How bad a thing is that an author should hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValidationMessageType {
    /// The block works, perhaps not as meant.
    Warning,
    /// The block does not work.
    Error,
    /// The block was not set up yet; Studio's addition.
    NotConfigured,
}

impl ValidationMessageType {
    /// Returns the word XBlock uses for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
            Self::NotConfigured => "not-configured",
        }
    }
}

impl fmt::Display for ValidationMessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an author can do about a message; Studio's addition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationAction {
    /// What the button says.
    pub label: String,
    /// The class of the button, by which Studio's script finds it.
    pub class: Option<String>,
    /// The event Studio's runtime is notified of.
    pub runtime_event: Option<String>,
}

/// One thing an author should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationMessage {
    /// How bad it is.
    pub message_type: ValidationMessageType,
    /// What to tell.
    pub text: String,
    /// What can be done about it.
    pub action: Option<ValidationAction>,
}

impl ValidationMessage {
    /// Makes a warning.
    #[must_use]
    pub fn warning(text: impl Into<String>) -> Self {
        Self { message_type: ValidationMessageType::Warning, text: text.into(), action: None }
    }

    /// Makes an error.
    #[must_use]
    pub fn error(text: impl Into<String>) -> Self {
        Self { message_type: ValidationMessageType::Error, text: text.into(), action: None }
    }

    /// Says that the block was not set up yet.
    #[must_use]
    pub fn not_configured(text: impl Into<String>) -> Self {
        Self { message_type: ValidationMessageType::NotConfigured, text: text.into(), action: None }
    }

    /// Adds what can be done about it.
    #[must_use]
    pub fn with_action(mut self, action: ValidationAction) -> Self {
        self.action = Some(action);
        self
    }

    /// Returns the JSON form: `type` and `text`, and Studio's `action_..` members where there is an action.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut json = serde_json::json!({ "type": self.message_type.name(), "text": self.text });
        if let Some(ValidationAction { label, class, runtime_event }) = &self.action {
            if let Some(class) = class {
                json["action_class"] = Json::from(class.as_str());
            }
            json["action_label"] = Json::from(label.as_str());
            if let Some(event) = runtime_event {
                json["action_runtime_event"] = Json::from(event.as_str());
            }
        }
        json
    }
}

/// All an author should hear of one block.
///
/// ```
/// use xblock_core::block::{Validation, ValidationMessage};
///
/// let mut validation = Validation::new("block-v1:O+C+R+type@html+block@h");
/// assert!(validation.is_empty());
/// validation.add(ValidationMessage::warning("The picture has no description."));
/// assert_eq!(
///     validation.to_json().to_string(),
///     r#"{"xblock_id":"block-v1:O+C+R+type@html+block@h","messages":[{"type":"warning","text":"The picture has no description."}],"empty":false}"#
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validation {
    /// The block's usage, as text.
    pub xblock_id: Arc<str>,
    /// The messages, in the order in which they were added.
    pub messages: Vec<ValidationMessage>,
}

impl Validation {
    /// Begins without messages.
    #[must_use]
    pub fn new(xblock_id: impl Into<Arc<str>>) -> Self {
        Self { xblock_id: xblock_id.into(), messages: Vec::new() }
    }

    /// Begins without messages, for the block that has these fields.
    #[must_use]
    pub fn of(fields: &BlockFields) -> Self {
        Self::new(fields.ids().usage_id.clone())
    }

    /// Tells whether there is nothing to say.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Adds a message.
    pub fn add(&mut self, message: ValidationMessage) {
        self.messages.push(message);
    }

    /// Adds the messages of another validation.
    pub fn add_messages(&mut self, other: Self) {
        self.messages.extend(other.messages);
    }

    /// Adds messages and returns the whole.
    #[must_use]
    pub fn with(mut self, messages: impl IntoIterator<Item = ValidationMessage>) -> Self {
        self.messages.extend(messages);
        self
    }

    /// Returns the JSON form, as XBlock's `to_json` gives it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let messages: Vec<Json> = self.messages.iter().map(ValidationMessage::to_json).collect();
        serde_json::json!({ "xblock_id": &*self.xblock_id, "messages": messages, "empty": self.is_empty() })
    }
}
