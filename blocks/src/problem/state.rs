//! What is kept of a learner's work on a problem (capa reference, section 6.2), read and written as a whole.

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use thiserror::Error;
use xblock_core::fields::{BlockFields, BlockFieldsError, Value};
use xblock_core::keys::UsageKey;

use super::correct_map::CorrectMap;
use super::policy::Score;
use super::python;
use super::responses::Answers;
use crate::words::Words;

/// A learner's state.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct State {
    pub(super) seed: Option<i64>,
    pub(super) attempts: i64,
    pub(super) done: bool,
    pub(super) student_answers: Answers,
    pub(super) student_answers_history: Vec<Json>,
    pub(super) correct_map: CorrectMap,
    pub(super) correct_map_history: Vec<Json>,
    pub(super) score: Option<Score>,
    pub(super) score_history: Vec<Score>,
    pub(super) has_saved_answers: bool,
    pub(super) input_state: Map<String, Json>,
    /// In the stored form.
    pub(super) last_submission_time: Json,
    /// What stands there beside these, as it came; whoever writes the state back loses none of it.
    rest: Map<String, Json>,
}

/// A stored state that is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the learner's state has {found} as {name}")]
pub struct StateError {
    /// The part of the state.
    pub name: &'static str,
    /// What stands there.
    pub found: String,
}

/// The names of the fields that hold the state.
const FIELDS: [&str; 12] = [
    "seed",
    "attempts",
    "done",
    "student_answers",
    "student_answers_history",
    "correct_map",
    "correct_map_history",
    "score",
    "score_history",
    "has_saved_answers",
    "input_state",
    "last_submission_time",
];

impl State {
    /// Reads the state.
    ///
    /// # Errors
    /// A stored value that is none of its field.
    pub(super) fn read(fields: &BlockFields) -> Result<Self, BlockFieldsError> {
        let mut stored = Map::new();
        for name in FIELDS {
            let value = match fields.json(name) {
                // A grade out of its range was kept all the same, and the field refuses it from then on.
                Err(error) if matches!(name, "score" | "score_history") => {
                    score_as_stored(fields, name).ok_or(error)?
                }
                value => value?,
            };
            stored.insert(name.to_owned(), value);
        }
        // Fields give values of their types only.
        Ok(Self::from_json(&Json::Object(stored)).unwrap_or_default())
    }

    /// Reads the stored form; what is missing or null has its default.
    ///
    /// # Errors
    /// [`StateError`] for a value of another type.
    pub(super) fn from_json(stored: &Json) -> Result<Self, StateError> {
        let part = Stored(stored);
        let scores = part.list("score_history")?;
        let members = stored.as_object().into_iter().flatten();
        let rest = members.filter(|(name, _)| !FIELDS.contains(&name.as_str()));
        Ok(Self {
            rest: rest.map(|(name, value)| (name.clone(), value.clone())).collect(),
            seed: part.read("seed", Json::as_i64)?,
            attempts: part.read("attempts", Json::as_i64)?.unwrap_or_default(),
            done: part.truth("done"),
            student_answers: part.object("student_answers")?,
            student_answers_history: part.list("student_answers_history")?,
            correct_map: CorrectMap::from_json(&Json::Object(part.object("correct_map")?)),
            correct_map_history: part.list("correct_map_history")?.into_iter().map(in_full).collect(),
            score: part.read("score", Score::from_json)?,
            score_history: scores.iter().filter_map(Score::from_json).collect(),
            has_saved_answers: part.truth("has_saved_answers"),
            input_state: part.object("input_state")?,
            last_submission_time: part.0.get("last_submission_time").cloned().unwrap_or_default(),
        })
    }

    /// Returns the stored form.
    pub(super) fn to_json(&self) -> Json {
        let scores: Vec<Json> = self.score_history.iter().map(Score::to_json).collect();
        let mut stored = json!({
            "seed": self.seed,
            "attempts": self.attempts,
            "done": self.done,
            "student_answers": self.student_answers,
            "student_answers_history": self.student_answers_history,
            "correct_map": self.correct_map.to_json(),
            "correct_map_history": self.correct_map_history,
            "score": self.score.as_ref().map_or(Json::Null, Score::to_json),
            "score_history": scores,
            "has_saved_answers": self.has_saved_answers,
            "input_state": self.input_state,
            "last_submission_time": self.last_submission_time,
        });
        for (name, value) in &self.rest {
            stored[name] = value.clone();
        }
        stored
    }

    /// Writes the state into the fields.
    ///
    /// # Errors
    /// A value its field refuses; nothing is saved then.
    pub(super) fn write(&self, fields: &BlockFields) -> Result<(), BlockFieldsError> {
        let stored = self.to_json();
        for name in FIELDS {
            match name {
                // Grades are kept as they were given, out of their range too (capa reference, section 6.2).
                "score" => fields.set(name, self.score.as_ref().map_or(Value::None, Score::to_value))?,
                "score_history" => {
                    let scores = self.score_history.iter().map(Score::to_value).collect();
                    fields.set(name, Value::List(scores))?;
                }
                _ => fields.set_json(name, &stored[name])?,
            }
        }
        Ok(())
    }

    /// Notes what came of sending an answer to its grader, wherever the answer waits under the key that went with it:
    /// `{key, message}`, or `{key, error}` where the queue did not take it.
    pub(super) fn note_sent(&mut self, outcome: &Json, words: &Words) {
        let Some(key) = outcome["key"].as_str() else {
            return;
        };
        self.correct_map.note_sent(key, outcome, words);
        for kept in &mut self.correct_map_history {
            let mut map = CorrectMap::from_json(kept);
            if map.note_sent(key, outcome, words) {
                *kept = map.to_json();
            }
        }
    }

    /// Returns the part of the state that events carry.
    pub(super) fn for_events(&self) -> Json {
        json!({
            "seed": self.seed,
            "student_answers": self.student_answers,
            "has_saved_answers": self.has_saved_answers,
            "correct_map": self.correct_map.to_json(),
            "correct_map_history": self.correct_map_history,
            "input_state": self.input_state,
            "done": self.done,
        })
    }
}

/// Returns scores that their field refuses, where they are scores at all.
fn score_as_stored(fields: &BlockFields, name: &str) -> Option<Json> {
    let stored = fields.data().get(fields.spec(name)?, fields.ids()).ok().flatten()?;
    let is_score =
        |value: &Json| Score::from_json(value).is_some() && value.as_object().is_some_and(|m| m.len() == 2);
    let is_readable = match &stored {
        Json::Array(scores) => scores.iter().all(is_score),
        score => is_score(score),
    };
    is_readable.then_some(stored)
}

/// Brings the verdicts of an attempt into the form that is stored today.
fn in_full(kept: Json) -> Json {
    if kept.is_object() { CorrectMap::from_json(&kept).to_json() } else { kept }
}

/// A state in its stored form.
struct Stored<'s>(&'s Json);

impl Stored<'_> {
    fn read<T>(
        &self,
        name: &'static str,
        read: impl Fn(&Json) -> Option<T>,
    ) -> Result<Option<T>, StateError> {
        match self.0.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(StateError { name, found: value.to_string() }),
            },
        }
    }

    /// Reads what is a truth value, or what Python takes for one.
    fn truth(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !python::is_false(value))
    }

    fn object(&self, name: &'static str) -> Result<Map<String, Json>, StateError> {
        Ok(self.read(name, |value| value.as_object().cloned())?.unwrap_or_default())
    }

    fn list(&self, name: &'static str) -> Result<Vec<Json>, StateError> {
        Ok(self.read(name, |value| value.as_array().cloned())?.unwrap_or_default())
    }
}

/// Returns the number a learner's variant of a problem comes from (capa reference, section 5.1).
///
/// Where the platform draws a number at random, here it follows from learner, usage and the given circumstance: what
/// was shown without being saved is then the same when it is answered.
pub(super) fn seed(rerandomize: &str, user_id: &str, usage: &str, circumstance: &str) -> i64 {
    let digest = |text: String| {
        let hash = Sha256::digest(text.as_bytes());
        let seven_digits = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) >> 4;
        i64::from(seven_digits)
    };
    match rerandomize {
        "never" => 1,
        "per_student" => {
            let user_id = if user_id.is_empty() { "0" } else { user_id };
            digest(format!("{user_id}b'{usage}'")) % 20
        }
        _ => digest(format!("{user_id} {usage} {circumstance}")) % 1000,
    }
}

/// Returns the number a student's own variant of a problem comes from: one of twenty (capa reference, section 5.1).
#[must_use]
pub fn student_seed(user_id: &str, usage: &UsageKey) -> i64 {
    seed("per_student", user_id, &usage.to_string(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_of_a_student_is_the_platforms() {
        let usage = "block-v1:Org+C1+R1+type@problem+block@q";
        assert_eq!(seed("per_student", "42", usage, ""), 18);
        assert_eq!(seed("never", "42", usage, ""), 1);
        assert_eq!(seed("always", "42", usage, "a"), seed("always", "42", usage, "a"));
        assert_ne!(seed("always", "42", usage, "a"), seed("always", "42", usage, "b"));
    }

    #[test]
    fn what_python_takes_for_true_is_done() {
        for (stored, expected) in [
            (json!(1), true),
            (json!("yes"), true),
            (json!(null), false),
            (json!(0), false),
            (json!(true), true),
        ] {
            let state = State::from_json(&json!({ "done": stored, "has_saved_answers": stored }));
            let state = state.expect("a state");
            assert_eq!((state.done, state.has_saved_answers), (expected, expected), "{stored}");
        }
    }

    #[test]
    fn verdicts_of_the_oldest_form_are_written_in_full_everywhere() {
        let old = json!({ "q_2_1": "correct" });
        let stored = json!({ "correct_map": old, "correct_map_history": [old, old] });
        let written = State::from_json(&stored).expect("a state").to_json();
        assert_eq!(written["correct_map"]["q_2_1"]["correctness"], "correct");
        assert_eq!(written["correct_map_history"], json!([written["correct_map"], written["correct_map"]]));
    }

    #[test]
    fn members_nobody_here_knows_are_written_back() {
        let stored = json!({"seed": 3, "attempts": 1, "of_a_newer_release": {"a": [1]}});
        let written = State::from_json(&stored).expect("a state").to_json();
        assert_eq!(written["of_a_newer_release"], json!({"a": [1]}));
        assert_eq!((&written["seed"], &written["attempts"]), (&json!(3), &json!(1)));
    }
}
