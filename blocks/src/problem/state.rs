//! What is kept of a learner's work on a problem (capa reference, section 6.2), read and written as a whole.

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use xblock_core::fields::{BlockFields, BlockFieldsError};

use super::correct_map::CorrectMap;
use super::policy::Score;
use super::responses::Answers;

/// A learner's state.
#[derive(Debug, Clone, PartialEq)]
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
}

impl State {
    /// Reads the state.
    ///
    /// # Errors
    /// A stored value that is none of its field, a score out of its range among them.
    pub(super) fn read(fields: &BlockFields) -> Result<Self, BlockFieldsError> {
        let object = |name: &str| {
            Ok::<_, BlockFieldsError>(fields.json(name)?.as_object().cloned().unwrap_or_default())
        };
        let list = |name: &str| {
            Ok::<_, BlockFieldsError>(fields.json(name)?.as_array().cloned().unwrap_or_default())
        };
        Ok(Self {
            seed: fields.int("seed")?,
            attempts: fields.int("attempts")?.unwrap_or_default(),
            done: fields.bool("done")?,
            student_answers: object("student_answers")?,
            student_answers_history: list("student_answers_history")?,
            correct_map: CorrectMap::from_json(&fields.json("correct_map")?),
            correct_map_history: list("correct_map_history")?,
            score: Score::from_json(&fields.json("score")?),
            score_history: list("score_history")?.iter().filter_map(Score::from_json).collect(),
            has_saved_answers: fields.bool("has_saved_answers")?,
            input_state: object("input_state")?,
            last_submission_time: fields.json("last_submission_time")?,
        })
    }

    /// Writes the state into the fields.
    ///
    /// # Errors
    /// A value its field refuses, such as a score out of its range; nothing is saved then.
    pub(super) fn write(&self, fields: &BlockFields) -> Result<(), BlockFieldsError> {
        let scores: Vec<Json> = self.score_history.iter().map(Score::to_json).collect();
        for (name, value) in [
            ("seed", json!(self.seed)),
            ("attempts", json!(self.attempts)),
            ("done", json!(self.done)),
            ("student_answers", json!(self.student_answers)),
            ("student_answers_history", json!(self.student_answers_history)),
            ("correct_map", self.correct_map.to_json()),
            ("correct_map_history", json!(self.correct_map_history)),
            ("score", self.score.as_ref().map_or(Json::Null, Score::to_json)),
            ("score_history", json!(scores)),
            ("has_saved_answers", json!(self.has_saved_answers)),
            ("input_state", json!(self.input_state)),
            ("last_submission_time", self.last_submission_time.clone()),
        ] {
            fields.set_json(name, &value)?;
        }
        Ok(())
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
}
