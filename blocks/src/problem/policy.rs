//! What a learner may do and see of a problem (capa reference, sections 7.2 to 7.5).

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use xblock_core::fields::{Score as FieldScore, Value};

use super::number;
use crate::words::{Words, fill};

/// The settings and circumstances the rules are about.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Policy {
    pub(super) now: DateTime<Utc>,
    /// The due date with the grace period.
    pub(super) close_date: Option<DateTime<Utc>>,
    pub(super) is_staff: bool,
    pub(super) max_attempts: Option<i64>,
    pub(super) attempts: i64,
    pub(super) attempts_before_showanswer_button: i64,
    pub(super) showanswer: String,
    pub(super) show_correctness: String,
    pub(super) rerandomize: String,
    pub(super) show_reset_button: bool,
    pub(super) force_save_button: bool,
    pub(super) done: bool,
    /// Whether the learner has all points.
    pub(super) is_correct: bool,
}

impl Policy {
    pub(super) fn is_past_due(&self) -> bool {
        self.close_date.is_some_and(|close| self.now > close)
    }

    pub(super) fn used_all_attempts(&self) -> bool {
        self.max_attempts.is_some_and(|most| self.attempts >= most)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.used_all_attempts() || self.is_past_due()
    }

    fn is_survey(&self) -> bool {
        self.max_attempts == Some(0)
    }

    /// Tells whether answers have to be reset before others are taken.
    pub(super) fn needs_reset(&self) -> bool {
        self.done && self.rerandomize == "always"
    }

    pub(super) fn is_submit_enabled(&self) -> bool {
        !self.is_closed() && !self.needs_reset()
    }

    pub(super) fn shows_reset(&self) -> bool {
        if self.is_closed() && !self.is_survey() {
            return false;
        }
        if self.done && matches!(self.rerandomize.as_str(), "always" | "onreset") {
            return true;
        }
        !self.is_correct && self.show_reset_button
    }

    pub(super) fn shows_save(&self) -> bool {
        if self.force_save_button {
            return !self.is_closed();
        }
        let is_pointless = self.max_attempts.is_none() && self.rerandomize != "always";
        !is_pointless && (!self.is_closed() || self.is_survey()) && !self.needs_reset()
    }

    /// Tells whether verdicts may be shown.
    pub(super) fn correctness_available(&self) -> bool {
        match self.show_correctness.as_str() {
            "never" | "never_but_include_grade" => false,
            "past_due" => self.is_staff || self.close_date.is_none() || self.is_past_due(),
            _ => true,
        }
    }

    /// Tells whether the answer may be shown.
    pub(super) fn answer_available(&self) -> bool {
        if !self.correctness_available() || matches!(self.showanswer.as_str(), "" | "never") {
            return false;
        }
        if self.is_staff {
            return true;
        }
        match self.showanswer.as_str() {
            "attempted" => self.attempts > 0 || self.is_past_due(),
            "answered" => self.is_correct,
            "closed" => self.is_closed(),
            "finished" => self.is_closed() || self.is_correct,
            "correct_or_past_due" => self.is_correct || self.is_past_due(),
            "past_due" => self.is_past_due(),
            "always" => true,
            "after_attempts" => self.attempts >= self.required_attempts(),
            "after_all_attempts" => self.used_all_attempts(),
            "after_all_attempts_or_correct" => self.used_all_attempts() || self.is_correct,
            "attempted_no_past_due" => self.attempts > 0,
            _ => false,
        }
    }

    fn required_attempts(&self) -> i64 {
        let required = self.attempts_before_showanswer_button;
        match self.max_attempts {
            Some(most) if most > 0 && required >= most => most,
            _ => required,
        }
    }
}

/// Points earned out of points possible, each an integer or a float as it was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    pub(super) earned: Json,
    pub(super) possible: Json,
}

impl Score {
    /// Returns the points earned.
    #[must_use]
    pub fn earned(&self) -> f64 {
        number::read(&self.earned).unwrap_or_default()
    }

    /// Returns the points possible.
    #[must_use]
    pub fn possible(&self) -> f64 {
        number::read(&self.possible).unwrap_or_default()
    }

    /// Tells whether all points are earned; with nothing to earn they are.
    pub(super) fn is_full(&self) -> bool {
        self.earned() == self.possible()
    }

    /// Returns the score brought to the problem's weight; nothing where there is nothing to earn.
    pub(super) fn weighted(&self, weight: Option<f64>) -> Option<Self> {
        if self.possible() <= 0.0 || weight == Some(0.0) {
            return None;
        }
        let score = match weight {
            None => self.clone(),
            Some(weight) => {
                Self { earned: json!(self.earned() * weight / self.possible()), possible: json!(weight) }
            }
        };
        Some(if score.earned() < 0.0 {
            Self { earned: json!(0), ..score }
        } else if score.earned() > score.possible() {
            Self { earned: score.possible.clone(), ..score }
        } else {
            score
        })
    }

    /// Prints the score, both numbers with two digits at most.
    pub(super) fn text(&self) -> String {
        format!("{}/{}", short(self.earned()), short(self.possible()))
    }

    /// Returns the stored form: `{raw_earned, raw_possible}`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({ "raw_earned": self.earned, "raw_possible": self.possible })
    }

    /// Returns the value of the field that holds it.
    pub(super) fn to_value(&self) -> Value {
        Value::from(FieldScore {
            raw_earned: Value::from(&self.earned),
            raw_possible: Value::from(&self.possible),
        })
    }

    pub(super) fn from_json(json: &Json) -> Option<Self> {
        Some(Self { earned: json.get("raw_earned")?.clone(), possible: json.get("raw_possible")?.clone() })
    }
}

/// Prints a number with two digits, without the zeros and the dot they leave.
pub(super) fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Chooses the score that counts from those of all attempts.
pub(super) fn by_method(method: &str, history: &[Score], max_score: i64) -> Option<Score> {
    match method {
        "first_score" => history.first().cloned(),
        "highest_score" => {
            let key = |score: &Score| (score.earned(), score.possible());
            let mut best: Option<&Score> = None;
            for score in history {
                if best.is_none_or(|best| key(score) > key(best)) {
                    best = Some(score);
                }
            }
            best.cloned()
        }
        "average_score" => {
            #[expect(clippy::cast_precision_loss, reason = "nobody submits that often")]
            let count = history.len() as f64;
            let average = history.iter().map(Score::earned).sum::<f64>() / count;
            let rounded: f64 = format!("{average:.2}").parse().unwrap_or(average);
            (count > 0.0).then(|| Score { earned: json!(rounded), possible: json!(max_score) })
        }
        _ => history.last().cloned(),
    }
}

/// Prints a duration as `1 hour 2 minutes 3 seconds`, without parts that are zero.
pub(super) fn duration(seconds: i64, words: &Words) -> String {
    let seconds = u64::try_from(seconds).unwrap_or_default();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut parts = Vec::new();
    if hours > 0 {
        let text = words.ngettext("{num_hour} hour", "{num_hour} hours", hours);
        parts.push(fill(&text, &[("num_hour", &hours)]));
    }
    if minutes > 0 {
        let text = words.ngettext("{num_minute} minute", "{num_minute} minutes", minutes);
        parts.push(fill(&text, &[("num_minute", &minutes)]));
    }
    if rest > 0 || parts.is_empty() {
        let text = words.ngettext("{num_second} second", "{num_second} seconds", rest);
        parts.push(fill(&text, &[("num_second", &rest)]));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    fn rows(table: &str) -> Vec<Vec<Json>> {
        let rules: Json = serde_json::from_str(include_str!("../../../tests/vectors/capa/block_rules.json"))
            .expect("the vectors are JSON");
        serde_json::from_value(rules[table]["rows"].clone()).expect("a table has rows")
    }

    fn policy() -> Policy {
        Policy {
            now: "2026-03-01T12:00:00Z".parse().expect("a time"),
            close_date: None,
            is_staff: false,
            max_attempts: None,
            attempts: 0,
            attempts_before_showanswer_button: 0,
            showanswer: "finished".into(),
            show_correctness: "always".into(),
            rerandomize: "never".into(),
            show_reset_button: false,
            force_save_button: false,
            done: false,
            is_correct: false,
        }
    }

    fn due(word: &Json) -> Option<DateTime<Utc>> {
        match word.as_str() {
            Some("past") => Some("2001-01-01T00:00:00Z".parse().expect("a time")),
            Some("future") => Some("2999-01-01T00:00:00Z".parse().expect("a time")),
            _ => None,
        }
    }

    fn text(json: &Json) -> String {
        json.as_str().unwrap_or_default().into()
    }

    #[test]
    fn answers_are_available_as_recorded() {
        for row in rows("answer_available") {
            let policy = Policy {
                showanswer: text(&row[0]),
                is_staff: row[1] == true,
                attempts: row[2].as_i64().unwrap_or_default(),
                max_attempts: row[3].as_i64(),
                is_correct: row[4] == true,
                close_date: due(&row[5]),
                ..policy()
            };
            assert_eq!(json!(policy.answer_available()), row[6], "{row:?}");
        }
        for row in rows("answer_available_after_attempts") {
            let policy = Policy {
                showanswer: "after_attempts".into(),
                attempts_before_showanswer_button: row[0].as_i64().unwrap_or_default(),
                max_attempts: row[1].as_i64(),
                attempts: row[2].as_i64().unwrap_or_default(),
                ..policy()
            };
            assert_eq!(json!(policy.answer_available()), row[3], "{row:?}");
        }
    }

    #[test]
    fn correctness_is_available_as_recorded() {
        for row in rows("correctness_available") {
            let policy = Policy {
                show_correctness: text(&row[0]),
                is_staff: row[1] == true,
                close_date: due(&row[2]),
                showanswer: "always".into(),
                ..policy()
            };
            assert_eq!(json!(policy.correctness_available()), row[3], "{row:?}");
            assert_eq!(json!(policy.answer_available()), row[4], "{row:?}");
        }
    }

    #[test]
    fn problems_close_as_recorded() {
        for row in rows("closed") {
            let grace = row[3].as_i64().map_or(Duration::zero(), Duration::seconds);
            let policy = Policy {
                attempts: row[0].as_i64().unwrap_or_default(),
                max_attempts: row[1].as_i64(),
                close_date: due(&row[2]).map(|due| due + grace),
                ..policy()
            };
            let found = [policy.is_past_due(), policy.used_all_attempts(), policy.is_closed()];
            assert_eq!(json!(found), json!(row[4..7]), "{row:?}");
        }
    }

    #[test]
    fn buttons_are_shown_as_recorded() {
        for row in rows("buttons") {
            let policy = Policy {
                rerandomize: text(&row[0]),
                attempts: row[1].as_i64().unwrap_or_default(),
                max_attempts: row[2].as_i64(),
                done: row[3] == true,
                is_correct: row[4] == true,
                show_reset_button: row[5] == true,
                force_save_button: row[6] == true,
                close_date: due(&row[7]),
                ..policy()
            };
            let found = [policy.is_submit_enabled(), policy.shows_reset(), policy.shows_save()];
            assert_eq!(json!(found), json!(row[8..11]), "{row:?}");
        }
    }

    #[test]
    fn scores_are_weighted_as_recorded() {
        let same = |found: &Score, expected: &Json| {
            (found.earned() - expected[0].as_f64().unwrap_or(f64::NAN)).abs() < 1e-12
                && found.possible() == expected[1].as_f64().unwrap_or(f64::NAN)
        };
        for row in rows("progress") {
            let score = Score { earned: row[1].clone(), possible: row[2].clone() };
            let weighted = score.weighted(row[0].as_f64());
            match &weighted {
                None => assert!(row[3].is_null(), "{row:?}"),
                Some(weighted) => {
                    assert!(same(weighted, &row[3]), "{row:?}: {weighted:?}");
                    assert_eq!(json!(weighted.text()), row[4], "{row:?}");
                }
            }
            assert_eq!(json!(score.is_full()), row[6], "{row:?}");
        }
    }

    #[test]
    fn scores_are_chosen_as_recorded() {
        for row in rows("grading_method") {
            let history: Vec<Score> = row[1]
                .as_array()
                .into_iter()
                .flatten()
                .map(|score| Score { earned: score[0].clone(), possible: score[1].clone() })
                .collect();
            let found =
                by_method(&text(&row[0]), &history, row[2].as_i64().unwrap_or_default()).expect("a score");
            assert_eq!(json!([found.earned, found.possible]), row[3], "{row:?}");
        }
    }

    #[test]
    fn durations_are_printed_as_recorded() {
        for row in rows("pretty_print_seconds") {
            assert_eq!(json!(duration(row[0].as_i64().unwrap_or_default(), &Words::default())), row[1]);
        }
    }
}
