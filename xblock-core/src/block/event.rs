//! What a block tells the world while it handles a request.

use serde::{Deserialize, Serialize};

use crate::fields::Json;

use super::completion::Completion;

/// A score a learner got on a block: the data of a `grade` event (xblock reference, section 8).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Grade {
    /// Points earned.
    pub value: f64,
    /// Points possible.
    pub max_value: f64,
    /// Whether to keep the old score if it is higher.
    pub only_if_higher: Option<bool>,
    /// Whether the score was taken back.
    #[serde(default)]
    pub score_deleted: bool,
    /// Whether it comes from an external grader and not from a request of the learner's.
    #[serde(default)]
    pub grader_response: bool,
    /// The learner, where it is another one than the block works for.
    #[serde(default)]
    pub user_id: Option<String>,
}

impl Grade {
    /// Makes a grade of points earned and possible.
    #[must_use]
    pub fn new(value: f64, max_value: f64) -> Self {
        Self { value, max_value, ..Self::default() }
    }

    /// Makes the grade that takes a score back.
    #[must_use]
    pub fn deleted() -> Self {
        Self { score_deleted: true, ..Self::default() }
    }

    /// Returns the data of the event: `value`, `max_value` and `only_if_higher` always, the rest where it says something.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut data = serde_json::json!({
            "value": self.value,
            "max_value": self.max_value,
            "only_if_higher": self.only_if_higher,
        });
        for (name, on) in [("score_deleted", self.score_deleted), ("grader_response", self.grader_response)] {
            if on {
                data[name] = Json::Bool(true);
            }
        }
        if let Some(user_id) = &self.user_id {
            data["user_id"] = Json::from(user_id.as_str());
        }
        data
    }
}

/// An event a block publishes.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Type `grade`.
    Grade(Grade),
    /// Type `completion`.
    Completion(Completion),
    /// Any other type; goes to the event log.
    Other {
        /// The event's type.
        event_type: String,
        /// Its data.
        data: Json,
    },
}

impl Event {
    /// Returns the event's type, as XBlock's `publish` takes it.
    #[must_use]
    pub fn event_type(&self) -> &str {
        match self {
            Self::Grade(_) => "grade",
            Self::Completion(_) => "completion",
            Self::Other { event_type, .. } => event_type,
        }
    }

    /// Returns the event's data, as XBlock's `publish` takes it.
    #[must_use]
    pub fn data(&self) -> Json {
        match self {
            Self::Grade(grade) => grade.to_json(),
            Self::Completion(completion) => serde_json::json!({ "completion": completion.completion }),
            Self::Other { data, .. } => data.clone(),
        }
    }
}
