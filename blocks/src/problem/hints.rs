//! What an author says to particular answers (capa reference, section 4.4).

use serde_json::{Value as Json, json};

use super::tree::Node;
use crate::escape;
use crate::words::Words;

/// One hint as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hint {
    /// What stands before it; the default where none is given.
    pub(super) label: Option<String>,
    /// HTML.
    pub(super) html: String,
}

impl Hint {
    /// Reads a hint element; nothing where it has no content.
    pub(super) fn read(node: &Node) -> Option<Self> {
        let html = node.inner_xml().trim().to_owned();
        (!html.is_empty()).then(|| Self { label: node.get("label").map(str::to_owned), html })
    }
}

/// What an author's condition says to an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConditionalHint {
    /// HTML.
    pub(super) text: String,
    /// When it is shown; `always` shows it with the message.
    pub(super) mode: String,
}

/// Which choices of a question a hint is about, for the event log.
pub(super) type Trigger = Vec<(String, bool)>;

/// Something said to a learner after grading.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Feedback {
    /// The label; none for the default, empty for none at all.
    pub(super) label: Option<String>,
    /// HTML texts with the choices each is about.
    pub(super) texts: Vec<(String, Option<Trigger>)>,
    pub(super) is_correct: bool,
    pub(super) is_compound: bool,
    /// Whether the texts stand in a list of their own, as those of checkboxes do.
    pub(super) is_list: bool,
    /// The learner's answer as a list.
    pub(super) student_answer: Json,
    /// All choices of the question, for checkboxes.
    pub(super) choice_all: Option<Vec<String>>,
}

impl Feedback {
    /// Makes feedback of one hint.
    pub(super) fn single(hint: &Hint, is_correct: bool, answer: &str) -> Self {
        Self {
            label: hint.label.clone(),
            texts: vec![(hint.html.clone(), None)],
            is_correct,
            is_compound: false,
            is_list: false,
            student_answer: json!([answer]),
            choice_all: None,
        }
    }

    fn shown_label(&self, words: &Words) -> String {
        match &self.label {
            Some(label) if label.is_empty() => String::new(),
            Some(label) => format!("{label} "),
            None if self.is_correct => words.gettext("Correct: ").into_owned(),
            None => words.gettext("Incorrect: ").into_owned(),
        }
    }

    /// Returns the markup that is added to the answer's message.
    pub(super) fn html(&self, words: &Words) -> String {
        let class = if self.is_correct { "correct" } else { "incorrect" };
        let label = self.shown_label(words);
        let label = if label.is_empty() {
            label
        } else {
            format!("<span class=\"hint-label\">{}</span>", escape::html(&label))
        };
        let texts: String =
            self.texts.iter().map(|(text, _)| format!("<div class=\"hint-text\">{text}</div>")).collect();
        let texts =
            if self.is_list { format!("<div class=\"feedback-hint-multi\">{texts}</div>") } else { texts };
        let title = escape::html(&words.gettext("Answer"));
        format!(
            "<div class=\"feedback-hint-{class}\"><div class=\"explanation-title\">{title}</div>{label}{texts}</div>"
        )
    }

    /// Returns the event `edx.problem.hint.feedback_displayed`.
    pub(super) fn event(
        &self,
        module_id: &str,
        response_id: &str,
        question_type: &str,
        words: &Words,
    ) -> Json {
        let hints: Vec<Json> = self
            .texts
            .iter()
            .map(|(text, trigger)| match trigger {
                None => json!({ "text": text }),
                Some(trigger) => {
                    let trigger: Vec<Json> = trigger
                        .iter()
                        .map(|(choice, selected)| json!({ "choice": choice, "selected": selected }))
                        .collect();
                    json!({ "text": text, "trigger": trigger })
                }
            })
            .collect();
        let mut event = json!({
            "module_id": module_id,
            "problem_part_id": response_id,
            "trigger_type": if self.is_compound { "compound" } else { "single" },
            "hint_label": self.shown_label(words).trim_end(),
            "hints": hints,
            "correctness": self.is_correct,
            "student_answer": self.student_answer,
            "question_type": question_type,
        });
        if let Some(all) = &self.choice_all {
            event["choice_all"] = json!(all);
        }
        event
    }
}
