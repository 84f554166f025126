//! What grading says of each answer (capa reference, section 6.1).

use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};

use super::{number, queue};
use crate::words::Words;

/// The verdict on one answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// `correct`, `incorrect`, `partially-correct`, or whatever else a grader wrote.
    pub(super) correctness: Option<String>,
    /// Points, where they are not simply one or none.
    pub(super) npoints: Option<Json>,
    /// HTML for the learner.
    pub(super) msg: Option<String>,
    pub(super) hint: String,
    /// When the hint is shown; `always` shows it with the message.
    pub(super) hintmode: Option<String>,
    /// Where an answer waits for a grader elsewhere.
    pub(super) queuestate: Option<Json>,
    /// The variable an option is the value of, as `$name`.
    pub(super) answervariable: Option<String>,
    /// What stands there beside these, or in their places in another form, as it came; it is written back.
    pub(super) rest: Map<String, Json>,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            correctness: None,
            npoints: None,
            msg: Some(String::new()),
            hint: String::new(),
            hintmode: None,
            queuestate: None,
            answervariable: None,
            rest: Map::new(),
        }
    }
}

impl Entry {
    /// Makes a plain verdict.
    pub(super) fn new(correctness: &str) -> Self {
        Self { correctness: Some(correctness.to_owned()), ..Self::default() }
    }

    /// Makes a plain verdict of right or wrong.
    pub(super) fn right(is_right: bool) -> Self {
        Self::new(if is_right { "correct" } else { "incorrect" })
    }

    /// Makes a verdict with points.
    pub(super) fn with_points(correctness: &str, npoints: Json) -> Self {
        Self { npoints: Some(npoints), ..Self::new(correctness) }
    }

    /// Tells whether the answer is right, in part at least.
    pub(super) fn is_correct(&self) -> bool {
        matches!(self.correctness.as_deref(), Some("correct" | "partially-correct"))
    }

    /// Returns the points earned.
    pub(super) fn points(&self) -> f64 {
        match self.npoints.as_ref().and_then(number::read) {
            Some(points) => points,
            None if self.is_correct() => 1.0,
            None => 0.0,
        }
    }

    /// Adds to the message.
    pub(super) fn add_message(&mut self, html: &str) {
        self.msg.get_or_insert_default().push_str(html);
    }

    fn to_json(&self) -> Json {
        let mut entry = json!({
            "correctness": self.correctness,
            "npoints": self.npoints,
            "msg": self.msg,
            "hint": self.hint,
            "hintmode": self.hintmode,
            "queuestate": self.queuestate,
            "answervariable": self.answervariable,
        });
        for (name, value) in &self.rest {
            entry[name] = value.clone();
        }
        entry
    }

    /// Reads an entry; members that are not known are kept for whoever knows them, missing ones defaulted, and in the
    /// oldest form the entry is just the verdict.
    fn from_json(json: &Json) -> Self {
        let Some(members) = json.as_object() else {
            return Self { correctness: json.as_str().map(str::to_owned), ..Self::default() };
        };
        let is_read = |name: &str, value: &Json| match name {
            "correctness" | "msg" | "hintmode" | "answervariable" => value.is_string() || value.is_null(),
            "hint" => value.is_string(),
            "npoints" | "queuestate" => true,
            _ => false,
        };
        let rest = members.iter().filter(|(name, value)| !is_read(name, value));
        let text = |name: &str| members.get(name).and_then(Json::as_str).map(str::to_owned);
        let some = |name: &str| members.get(name).filter(|value| !value.is_null()).cloned();
        Self {
            correctness: text("correctness"),
            npoints: some("npoints"),
            msg: if members.contains_key("msg") { text("msg") } else { Some(String::new()) },
            hint: text("hint").unwrap_or_default(),
            hintmode: text("hintmode"),
            queuestate: some("queuestate"),
            answervariable: text("answervariable"),
            rest: rest.map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}

/// The verdicts on all answers, by input id, in the order of the questions.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CorrectMap {
    entries: IndexMap<String, Entry>,
    /// What a grader says of the whole; lost with the next request, as it is not stored.
    pub(super) overall_message: String,
}

impl CorrectMap {
    /// Returns the verdict on an answer.
    pub(super) fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// Sets the verdict on an answer.
    pub(super) fn set(&mut self, id: &str, entry: Entry) {
        self.entries.insert(id.to_owned(), entry);
    }

    /// Lists the verdicts.
    pub(super) fn entries(&self) -> impl ExactSizeIterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(id, entry)| (id.as_str(), entry))
    }

    /// Notes what came of sending the answer that waits under a key; tells whether one does.
    pub(super) fn note_sent(&mut self, key: &str, outcome: &Json, words: &Words) -> bool {
        let mut waiting = self.entries.values_mut();
        let is_it = |entry: &&mut Entry| entry.queuestate.as_ref().is_some_and(|state| state["key"] == key);
        let Some(entry) = waiting.find(is_it) else {
            return false;
        };
        match outcome["error"].as_str() {
            None => entry.msg = outcome["message"].as_str().map(str::to_owned),
            Some(reason) => *entry = queue::undelivered(reason, words),
        }
        true
    }

    /// Returns the sum of the points earned.
    pub(super) fn points(&self) -> f64 {
        self.entries.values().map(Entry::points).sum()
    }

    /// Returns the stored form.
    pub(super) fn to_json(&self) -> Json {
        Json::Object(
            self.entries.iter().map(|(id, entry)| (id.clone(), entry.to_json())).collect::<Map<_, _>>(),
        )
    }

    /// Reads the stored form; what is no mapping is empty.
    pub(super) fn from_json(json: &Json) -> Self {
        let entries = json.as_object().into_iter().flatten();
        Self {
            entries: entries.map(|(id, entry)| (id.clone(), Entry::from_json(entry))).collect(),
            overall_message: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_form_holds_verdicts_alone() {
        let map = CorrectMap::from_json(
            &json!({ "q_2_1": "correct", "q_3_1": "partially-correct", "q_4_1": null }),
        );
        assert_eq!(map.points(), 2.0);
        assert_eq!(map.get("q_4_1"), Some(&Entry::default()));
    }

    #[test]
    fn members_nobody_here_knows_are_written_back() {
        let stored = json!({ "q_2_1": {
            "correctness": true, "npoints": { "__float__": "NaN" }, "msg": null, "hint": null, "hintmode": 3,
            "queuestate": null, "answervariable": null, "of_a_newer_release": [1],
        } });
        let map = CorrectMap::from_json(&stored);
        assert_eq!(map.to_json(), stored);
        assert!(map.points().is_nan());
    }

    #[test]
    fn the_stored_form_reads_back() {
        let mut map = CorrectMap::default();
        map.set("q_2_1", Entry { msg: None, ..Entry::with_points("partially-correct", json!(0.25)) });
        assert_eq!(CorrectMap::from_json(&map.to_json()), map);
        assert_eq!(map.points(), 0.25);
    }
}
