//! What a learner sees of a problem: the questions, what can be done with them, and what came of it (capa reference,
//! section 7.6).

use serde_json::{Value as Json, json};
use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fragment::Fragment;

use super::api::Problem;
use super::policy::{Score, short};
use super::python;
use super::session::Session;
use super::{ProblemBlock, error::LoadError};
use crate::rewrite;
use crate::template::{self, context};
use crate::words::{Words, fill, marked, marked_forms};

/// Whether the result of the last submission is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastResult {
    Shown,
    Hidden,
}

/// Renders the whole block.
pub(super) fn student_view(block: &ProblemBlock, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
    show(block, context, context.is_author_mode())
}

/// Renders the whole block for its author.
pub(super) fn author_view(block: &ProblemBlock, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
    show(block, context, true)
}

fn show(block: &ProblemBlock, context: &dyn BlockContext, is_author: bool) -> Result<Fragment, BlockError> {
    let mut fragment = match Session::open_for(block, context, is_author)? {
        Ok(session) => {
            let score = session.display_score();
            let words = session.problem.services().words();
            let values = context! {
                id => session.problem.engine.id.as_str(),
                usage => context.usage().to_string(),
                url => context.handler_url("xmodule_handler", "").trim_end_matches('/'),
                score => python::printed(&score.0),
                total => python::printed(&score.1),
                attempts_used => session.problem.state.attempts,
                graded => is_graded(block),
                content => html(&session, context, LastResult::Shown)?,
            };
            let mut fragment = Fragment::new(template::render("problem/student_view.html", &words, values));
            let mut scripts = scripts(&session.problem);
            scripts.push(include_str!("problem.js"));
            let said = words.of_scripts(&scripts);
            scripts.into_iter().for_each(|script| fragment.add_javascript(script));
            fragment.initialize_js("XBlockRuntimeProblem", said.map(|said| json!({ "words": said })));
            fragment
        }
        Err(error) => load_error(block, context, &error, is_author),
    };
    fragment.add_css(include_str!("problem.css"));
    Ok(fragment)
}

/// Returns the scripts that the inputs of a problem need, before the one that calls them.
fn scripts(problem: &Problem) -> Vec<&'static str> {
    let mut scripts = Vec::new();
    for input in problem.inputs() {
        let script = match input.tag.as_str() {
            "imageinput" => include_str!("scripts/image.js"),
            "annotationinput" => include_str!("scripts/annotation.js"),
            "radiotextgroup" | "checkboxtextgroup" => include_str!("scripts/choice_text.js"),
            "drag_and_drop_input" => include_str!("scripts/drag_and_drop.js"),
            "jsinput" => include_str!("scripts/frame.js"),
            "matlabinput" => include_str!("scripts/matlab.js"),
            "formulaequationinput" | "chemicalequationinput" => include_str!("scripts/preview.js"),
            "schematic" | "crystallography" | "vsepr_input" | "designprotein2dinput" | "editageneinput" => {
                include_str!("scripts/data_field.js")
            }
            _ => continue,
        };
        if !scripts.contains(&script) {
            scripts.push(script);
        }
    }
    scripts
}

fn load_error(
    block: &ProblemBlock,
    context: &dyn BlockContext,
    error: &LoadError,
    is_author: bool,
) -> Fragment {
    let mut fragment = Fragment::new(template::render(
        "problem/load_error.html",
        &Words::of(context),
        context! {
            name => name(block),
            is_staff => is_author || context.user().is_some_and(|user| user.is_staff),
            error => error.to_string(),
        },
    ));
    fragment.add_css(include_str!("../placeholder/placeholder.css"));
    fragment
}

fn is_graded(block: &ProblemBlock) -> bool {
    block.fields().spec("graded").is_some() && block.fields().bool("graded").unwrap_or(false)
}

/// Returns the problem's name; a blank one is the type's.
fn name(block: &ProblemBlock) -> String {
    match block.display_name() {
        Ok(Some(name)) if !name.trim().is_empty() => name.to_string(),
        _ => "problem".into(),
    }
}

/// Renders the problem with its buttons and messages: what `problem_get` and its like answer with.
pub(super) fn html(
    session: &Session<'_>,
    context: &dyn BlockContext,
    result: LastResult,
) -> Result<String, BlockError> {
    let policy = &session.policy;
    let state = &session.problem.state;
    let content = session.problem.html_with(policy.correctness_available(), session.tells_causes());
    let is_answerable = session.problem.needs().is_empty();
    let words = session.problem.services().words();
    let attempts = policy.max_attempts.filter(|most| *most > 0).map(|most| {
        let text = words.ngettext(
            "You have used {num_used} of {num_total} attempt.",
            "You have used {num_used} of {num_total} attempts",
            most.unsigned_abs(),
        );
        fill(&text, &[("num_used", &state.attempts), ("num_total", &most)])
    });
    let html = template::render(
        "problem/problem.html",
        &words,
        context! {
            id => session.problem.engine.id.as_str(),
            usage => context.usage().to_string(),
            name => name(session.block),
            progress => progress(session, &words),
            content => without_hints(&content),
            has_hints => !session.problem.demand_hints().is_empty(),
            shows_save => is_answerable && policy.shows_save(),
            shows_reset => policy.shows_reset() && state.attempts > 0,
            shows_answer => is_answerable && policy.answer_available(),
            submit_enabled => is_answerable && policy.is_submit_enabled(),
            attempts,
            grading_method => grading_method(session.grading_method(), &words),
            result => if result == LastResult::Shown { result_of(session, &words) } else { None },
            saved_message => state
                .has_saved_answers
                .then(|| words.gettext("Your answers were previously saved. Click 'Submit' to grade them.")),
        },
    );
    rewrite::addresses(&html, session.block.fields(), context)
}

/// What is said of points: of one, of several.
type Forms = (&'static str, &'static str);

const HIDDEN_GRADED: Forms = marked_forms(
    "{num_points} point possible (graded, results hidden)",
    "{num_points} points possible (graded, results hidden)",
);
const HIDDEN_UNGRADED: Forms = marked_forms(
    "{num_points} point possible (ungraded, results hidden)",
    "{num_points} points possible (ungraded, results hidden)",
);
const POSSIBLE_GRADED: Forms =
    marked_forms("{num_points} point possible (graded)", "{num_points} points possible (graded)");
const POSSIBLE_UNGRADED: Forms =
    marked_forms("{num_points} point possible (ungraded)", "{num_points} points possible (ungraded)");
const EARNED_GRADED: Forms =
    marked_forms("{earned}/{possible} point (graded)", "{earned}/{possible} points (graded)");
const EARNED_UNGRADED: Forms =
    marked_forms("{earned}/{possible} point (ungraded)", "{earned}/{possible} points (ungraded)");

/// Returns how many points there are, and how many were earned.
fn progress(session: &Session<'_>, words: &Words) -> String {
    let (score, total) = session.display_score();
    let possible = total.as_f64().unwrap_or_default();
    if possible == 0.0 {
        return String::new();
    }
    let is_new = session.problem.state.attempts == 0;
    let (one, many) = match (score.as_f64(), is_graded(session.block)) {
        (None, true) => HIDDEN_GRADED,
        (None, false) => HIDDEN_UNGRADED,
        (Some(_), true) if is_new => POSSIBLE_GRADED,
        (Some(_), false) if is_new => POSSIBLE_UNGRADED,
        (Some(_), true) => EARNED_GRADED,
        (Some(_), false) => EARNED_UNGRADED,
    };
    let earned = short(score.as_f64().unwrap_or_default());
    fill(
        &words.ngettext_of(one, many, possible),
        &[("num_points", &short(possible)), ("earned", &earned), ("possible", &short(possible))],
    )
}

/// The names of the grading methods there are.
const METHODS: [(&str, &str); 4] = [
    ("last_score", marked("Last Score")),
    ("first_score", marked("First Score")),
    ("highest_score", marked("Highest Score")),
    ("average_score", marked("Average Score")),
];

fn grading_method(stored: &str, words: &Words) -> String {
    if let Some((_, name)) = METHODS.iter().find(|(method, _)| *method == stored) {
        return words.gettext(name).into_owned();
    }
    let words = stored.split('_').map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}

const CORRECT: Forms = marked_forms("Correct ({progress} point)", "Correct ({progress} points)");
const INCORRECT: Forms = marked_forms("Incorrect ({progress} point)", "Incorrect ({progress} points)");
const PARTIALLY_CORRECT: Forms =
    marked_forms("Partially correct ({progress} point)", "Partially correct ({progress} points)");

/// Returns the message about the last submission.
fn result_of(session: &Session<'_>, words: &Words) -> Option<minijinja::Value> {
    let map = &session.problem.state.correct_map;
    let verdict = if !session.policy.correctness_available() && map.entries().len() > 0 {
        "submitted"
    } else {
        let mut verdicts = map.entries().map(|(_, entry)| entry.correctness.as_deref().unwrap_or_default());
        let first = verdicts.next()?;
        if verdicts.all(|verdict| verdict == first) { first } else { "partially-correct" }
    };
    let (kind, icon, word, (one, many)) = match verdict {
        "correct" => ("success", "check", marked("Correct"), CORRECT),
        "incorrect" => ("error", "close", marked("Incorrect"), INCORRECT),
        "partially-correct" => ("success", "asterisk", marked("Partially Correct"), PARTIALLY_CORRECT),
        "submitted" => ("general", "info-circle", marked("Answer submitted."), ("", "")),
        _ => return None,
    };
    let message = match session.problem.score().weighted(session.weight) {
        Some(score) if verdict != "submitted" => {
            let text = words.ngettext_of(one, many, score.possible());
            fill(&text, &[("progress", &Score::text(&score))])
        }
        _ => words.gettext(word).into_owned(),
    };
    Some(context! { kind, icon, message })
}

/// The elements that hold hints; they are for grading and never shown.
const HINTS: [&str; 10] = [
    "demandhint",
    "choicehint",
    "optionhint",
    "stringhint",
    "numerichint",
    "correcthint",
    "regexphint",
    "additional_answer",
    "stringequalhint",
    "compoundhint",
];

/// Takes the hints out of a problem's markup.
pub(super) fn without_hints(html: &str) -> String {
    let mut html = html.to_owned();
    for name in HINTS {
        let (open, close) = (format!("<{name}"), format!("</{name}>"));
        while let Some(start) = html.find(&open).filter(|at| ends_name(&html[at + open.len()..])) {
            let Some(length) = html[start..].find(&close) else {
                break;
            };
            html.replace_range(start..start + length + close.len(), "");
        }
    }
    html
}

fn ends_name(rest: &str) -> bool {
    rest.starts_with(|c: char| c == '>' || c == '/' || c.is_whitespace())
}

/// Rewrites the addresses in answers that are texts.
pub(super) fn with_addresses(
    answer: Json,
    block: &ProblemBlock,
    context: &dyn BlockContext,
) -> Result<Json, BlockError> {
    match answer {
        Json::String(html) => rewrite::addresses(&html, block.fields(), context).map(Json::String),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_taken_out_with_what_is_in_them() {
        let html = "<div>A <choicehint label=\"x\">secret <b>1</b></choicehint>B<demandhint><hint>h</hint></demandhint></div>";
        assert_eq!(without_hints(html), "<div>A B</div>");
        assert_eq!(without_hints("<choicehints>x</choicehints>"), "<choicehints>x</choicehints>");
    }
}
