//! What a block tells the world while it handles a request.

use serde::{Deserialize, Serialize};

use crate::fields::Json;

/// A score a learner got on a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grade {
    /// Points earned.
    pub value: f64,
    /// Points possible.
    pub max_value: f64,
    /// Whether to keep the old score if it is higher.
    pub only_if_higher: Option<bool>,
}

/// How far a learner completed a block, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// 0 is not at all, 1 is whole.
    pub completion: f64,
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
            Self::Grade(grade) => serde_json::json!({
                "value": grade.value,
                "max_value": grade.max_value,
                "only_if_higher": grade.only_if_higher,
            }),
            Self::Completion(completion) => serde_json::json!({ "completion": completion.completion }),
            Self::Other { data, .. } => data.clone(),
        }
    }
}
