//! The problem's own HTML: its tree walked, questions and inputs put in (capa reference, section 2).
//!
//! What comes out is XML, too, with explicit end tags.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};

use super::correct_map::CorrectMap;
use super::inputs::{self, InputState};
use super::loncapa::LoncapaProblem;
use super::responses::{Answers, Response};
use super::tree::{Mark, Node, close_tag, escape_text, markup, open_tag};
use crate::escape;
use crate::words::{Words, fill};

/// What rendering must know of the learner.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'s> {
    pub(super) answers: &'s Answers,
    pub(super) map: &'s CorrectMap,
    /// Whether the answers were saved since they were graded.
    pub(super) has_saved_answers: bool,
    /// Whether verdicts may be shown.
    pub(super) correctness_available: bool,
    pub(super) done: bool,
    /// What the inputs keep, by id.
    pub(super) input_state: &'s Map<String, Json>,
    /// The present moment.
    pub(super) now: DateTime<Utc>,
    /// Whether who looks may read why something does not work: authors and course staff.
    pub(super) tells_causes: bool,
}

/// Elements that are for grading and never shown; the text after them goes with them.
pub(super) const REMOVED: [&str; 8] = [
    "additional_answer",
    "codeparam",
    "responseparam",
    "answer",
    "script",
    "hintgroup",
    "openendedparam",
    "openendedrubric",
];

/// Renders the problem.
pub(super) fn html(problem: &LoncapaProblem, shown: Shown<'_>) -> String {
    let words = problem.words();
    let mut renderer = Renderer { problem, shown, words: words.clone(), out: String::new() };
    let incomplete = words.gettext(
        "This problem is not complete right now: it may look odd, and it cannot be graded. \
         If this lasts, please tell your course team.",
    );
    if let Some(cause) = problem.script.missing() {
        renderer.note(&incomplete, cause, None);
    }
    renderer.element(&problem.shown_root(shown.done), None);
    let page = std::mem::take(&mut renderer.out);
    problem.context.substitution()(&page).unwrap_or_else(|| {
        // Answers are names, too, once something was graded: what was little text can have become much.
        renderer.note(&incomplete, &words.gettext("the values of $names make too much text"), None);
        renderer.out + &page
    })
}

struct Renderer<'p> {
    problem: &'p LoncapaProblem,
    shown: Shown<'p>,
    words: Words,
    out: String,
}

impl Renderer<'_> {
    /// Renders an element with the text after it. `feedback_for` is the question that targeted feedback here is about.
    fn element(&mut self, node: &Node, feedback_for: Option<&Node>) {
        if !node.is_element() {
            return;
        }
        let is_javascript = node.get("type").is_some_and(|kind| kind.contains("javascript"));
        match (node.mark, node.name.as_str()) {
            (_, "script") if is_javascript => {
                node.write(&mut self.out);
                escape_text(&node.tail, &mut self.out);
            }
            (_, name) if REMOVED.contains(&name) => {}
            (Mark::Input(response, index), _) => self.input(node, response, index),
            (Mark::Response(index), _) => {
                self.response(node, index);
                escape_text(&node.tail, &mut self.out);
            }
            (_, "math") => self.math(node),
            (Mark::Solution(_), _) => {
                let id = escape::html(node.get("id").unwrap_or_default());
                self.out.push_str(&format!(
                    "<div class=\"solution-span\"><span id=\"solution_{id}\"></span></div>"
                ));
            }
            (_, "targetedfeedback") => self.targeted_feedback(node, feedback_for),
            (_, "clarification") => self.clarification(node),
            (_, name) => {
                let (name, keeps_attributes) = match name {
                    "problem" => ("div", false),
                    "text" => ("span", false),
                    other => (other, true),
                };
                open_tag(&mut self.out, name, if keeps_attributes { &node.attributes } else { &[] });
                if matches!(name, "style" | "script") {
                    self.out.push_str(&node.text);
                } else {
                    escape_text(&node.text, &mut self.out);
                }
                self.children(node, feedback_for);
                close_tag(&mut self.out, name);
                escape_text(&node.tail, &mut self.out);
            }
        }
    }

    fn children(&mut self, node: &Node, feedback_for: Option<&Node>) {
        let mut question = feedback_for;
        for child in &node.children {
            if child.name == "multiplechoiceresponse" && child.get("targeted-feedback").is_some() {
                question = Some(child);
            }
            self.element(child, question);
            if child.name == "targetedfeedbackset" {
                question = feedback_for;
            }
        }
    }

    fn response(&mut self, node: &Node, index: usize) {
        let Some(response) = self.problem.responses.get(index) else {
            return;
        };
        let is_inline = node.get("inline").is_some_and(|inline| !inline.is_empty());
        let class = if is_inline { "inline" } else { "wrapper-problem-response" };
        let name = fill(&self.words.gettext("Question {number}"), &[("number", &response.number)]);
        self.out.push_str(&format!(
            "<div class=\"{class}\" tabindex=\"-1\" aria-label=\"{}\" role=\"group\">",
            escape::html(&name)
        ));
        if let Some(group) = &response.group {
            self.out.push_str("<div class=\"multi-inputs-group\" role=\"group\"");
            if let Some(id) = &group.label_id {
                self.out.push_str(&format!(" aria-labelledby=\"{}\"", escape::html(id)));
            }
            if !group.description_ids.is_empty() {
                let ids = group.description_ids.join(" ");
                self.out.push_str(&format!(" aria-describedby=\"{}\"", escape::html(&ids)));
            }
            self.out.push('>');
        }
        if let Some(needs) = self.problem.needs_of(response) {
            self.notice(&needs, response);
        }
        self.children(node, None);
        let overall = &self.shown.map.overall_message;
        if !overall.is_empty() {
            self.out.push_str(&format!("<div class=\"response_message\">{}</div>", markup(overall)));
        }
        if response.group.is_some() {
            self.out.push_str("</div>");
        }
        self.out.push_str("</div>");
    }

    /// Says that a question cannot be answered here.
    fn notice(&mut self, cause: &str, response: &Response) {
        let words = self.words.clone();
        let text = words.gettext(
            "This question cannot be answered right now. If this lasts, please tell your course team.",
        );
        self.note(&text, cause, Some(&format!("unsupported_{}", response.id)));
    }

    /// Tells learners that something does not work, and those who can mend it why.
    fn note(&mut self, text: &str, cause: &str, id: Option<&str>) {
        self.out.push_str("<p class=\"problem-unsupported\" role=\"note\"");
        if let Some(id) = id {
            self.out.push_str(&format!(" id=\"{}\"", escape::html(id)));
        }
        self.out.push('>');
        escape_text(text, &mut self.out);
        if self.shown.tells_causes {
            let cause = fill(&self.words.gettext("For course staff: {cause}."), &[("cause", &cause)]);
            self.out.push_str(" <span class=\"problem-unsupported-cause\">");
            escape_text(&cause, &mut self.out);
            self.out.push_str("</span>");
        }
        self.out.push_str("</p>");
    }

    fn input(&mut self, node: &Node, response: usize, index: usize) {
        let Some(response) = self.problem.responses.get(response) else {
            return;
        };
        let Some(input) = response.inputs.get(index) else {
            return;
        };
        // What was answered before stays there to be read; only no more answers are taken.
        let is_closed = self.problem.needs_of(response).is_some();
        if is_closed {
            self.out.push_str(&format!(
                "<fieldset class=\"problem-unsupported-input\" disabled=\"disabled\" \
                 aria-labelledby=\"unsupported_{}\">",
                escape::html(&response.id)
            ));
        }
        let state = self.state_of(response, &input.id);
        self.out.push_str(&inputs::render(node, input, state, &self.words));
        if is_closed {
            self.out.push_str("</fieldset>");
        }
    }

    /// Puts together what an input shows: the answer, and what grading said of it.
    fn state_of(&self, response: &Response, id: &str) -> InputState {
        let value = self.shown.answers.get(id).cloned().unwrap_or_else(|| Json::String(String::new()));
        let group_label = response.group.as_ref().and_then(|group| group.label_id.clone());
        let mut state = InputState {
            value,
            kept: self.shown.input_state.get(id).cloned().unwrap_or_default(),
            now: self.shown.now,
            named_by: group_label.unwrap_or_else(|| format!("{}-problem-title", self.problem.id)),
            ..InputState::default()
        };
        let Some(entry) = self.shown.map.get(id) else {
            return state;
        };
        if !self.shown.correctness_available {
            state.status = "submitted".into();
            return state;
        }
        if !self.shown.has_saved_answers {
            state.status = entry.correctness.clone().unwrap_or_else(|| "None".into());
            state.message = entry.msg.clone().unwrap_or_default();
        }
        state.answer_variable.clone_from(&entry.answervariable);
        if entry.hintmode.as_deref() == Some("always") {
            state.message = if state.message.is_empty() {
                entry.hint.clone()
            } else {
                format!("{}<br/>{}", entry.hint, state.message)
            };
        }
        state
    }

    /// Marks TeX between dollar signs for MathJax.
    fn math(&mut self, node: &Node) {
        let text = &node.text;
        let marked = match (text.find('$'), text.rfind('$')) {
            (Some(open), Some(close)) if open < close => format!(
                "{}[mathjaxinline]{}[/mathjaxinline]{}",
                &text[..open],
                &text[open + 1..close],
                &text[close + 1..]
            ),
            _ => text.clone(),
        };
        let marked = if marked.contains("\\displaystyle") {
            marked.replace("\\displaystyle", "").replace("mathjaxinline]", "mathjax]")
        } else {
            marked
        };
        self.out.push_str("<html><html>");
        escape_text(&marked, &mut self.out);
        self.out.push_str("</html><html>");
        escape_text(&node.tail, &mut self.out);
        self.out.push_str("</html></html>");
    }

    /// Shows what is said to one choice: once the problem is done, and only to that choice.
    fn targeted_feedback(&mut self, node: &Node, question: Option<&Node>) {
        let mut verdict = None;
        if let Some(question) = question.filter(|_| node.mark != Mark::Explanation) {
            let chosen = self.chosen(question);
            let is_meant = self.shown.done
                && chosen.is_some_and(|choice| choice.get("explanation-id") == node.get("explanation-id"));
            if !is_meant {
                return;
            }
            let is_right =
                chosen.and_then(|c| c.get("correct")).is_some_and(|c| c.eq_ignore_ascii_case("true"));
            verdict =
                Some(if is_right { self.words.gettext("Correct") } else { self.words.gettext("Incorrect") });
        }
        self.out.push_str("<section class=\"targeted-feedback-span\"><span>");
        let mut copy = node.clone();
        if let Some(verdict) = verdict {
            let mut label = Node::new("span");
            label.set("class", "sr");
            label.text = verdict.into_owned();
            copy.children.insert(0, label);
            copy.set("role", "group");
            let is_labelled = question.is_some_and(|question| self.is_labelled(question));
            if let Some(id) =
                question.and_then(group_of).and_then(|group| group.get("id")).filter(|_| is_labelled)
            {
                copy.set("aria-describedby", format!("{id}-legend"));
            }
        }
        copy.write(&mut self.out);
        escape_text(&node.tail, &mut self.out);
        self.out.push_str("</span></section>");
    }

    /// Tells whether a question has a label, which others can refer to.
    fn is_labelled(&self, question: &Node) -> bool {
        let Mark::Response(index) = question.mark else {
            return false;
        };
        let input = self.problem.responses.get(index).and_then(|response| response.inputs.first());
        input.is_some_and(|input| !input.label.label.is_empty())
    }

    fn chosen<'n>(&self, question: &'n Node) -> Option<&'n Node> {
        let group = group_of(question)?;
        let answer = self.shown.answers.get(group.get("id")?)?.as_str()?;
        group.descendants().into_iter().find(|node| node.name == "choice" && node.get("name") == Some(answer))
    }

    fn clarification(&mut self, node: &Node) {
        let text = escape::html(&node.inner_xml());
        let name = escape::html(&self.words.gettext("Clarification"));
        self.out.push_str(&format!(
            "<span class=\"clarification\" tabindex=\"0\" role=\"note\" aria-label=\"{name}\">\
             <span class=\"fa fa-info-circle\" data-tooltip=\"{text}\" data-tooltip-show-on-click=\"true\" \
             aria-hidden=\"true\"></span><span class=\"sr\">({text})</span></span>"
        ));
        escape_text(&node.tail, &mut self.out);
    }
}

fn group_of(question: &Node) -> Option<&Node> {
    question.descendants().into_iter().find(|node| node.name == "choicegroup")
}
