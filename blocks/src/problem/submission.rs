//! Answers as they are posted, and what is told of them in events (capa reference, sections 7.7 and 7.8).

use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};
use xblock_core::block::{BlockError, HandlerRequest};

use super::api::Problem;
use super::grading::Files;
use super::responses::Answers;
use crate::form::{self, FormWithFiles};

/// What was posted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Posted {
    pub(super) pairs: Vec<(String, String)>,
    /// The files, by the ids of their inputs.
    pub(super) files: Files,
}

impl Posted {
    /// Makes answers of what was posted; that to an input for files is a list of their names.
    ///
    /// # Errors
    /// What is wrong, in the platform's words.
    pub(super) fn answers(&self) -> Result<Answers, String> {
        let mut answers = answers(&self.pairs)?;
        for (id, files) in &self.files {
            let names: Json = files.iter().map(|(name, _)| name.as_str()).collect();
            if answers.insert(id.clone(), names).is_some() {
                return Err(format!("Key {id} already exists in answers dict"));
            }
        }
        Ok(answers)
    }
}

/// Reads what was posted: a form, with files or without, or a JSON object whose lists stand for names that come more than
/// once.
///
/// # Errors
/// [`BlockError::BadRequest`].
pub(super) fn read(request: &HandlerRequest) -> Result<Posted, BlockError> {
    let Some(form) = form::multipart(request) else {
        return Ok(Posted { pairs: pairs(request)?, files: Files::new() });
    };
    let FormWithFiles { pairs, files: posted } = form?;
    let mut files = Files::new();
    for file in posted {
        let id = file.field.split_once('_').map_or(file.field.as_str(), |(_, id)| id).to_owned();
        files.entry(id).or_default().push((file.name, file.content));
    }
    Ok(Posted { pairs, files })
}

fn pairs(request: &HandlerRequest) -> Result<Vec<(String, String)>, BlockError> {
    if !form::is_json(request) {
        return form::pairs(request);
    }
    // A call that sends nothing may send null.
    let body: Option<Map<String, Json>> = request.json()?;
    let mut pairs = Vec::new();
    for (name, value) in body.unwrap_or_default() {
        match value {
            Json::Array(items) => pairs.extend(items.into_iter().map(|item| (name.clone(), as_text(item)))),
            other => pairs.push((name, as_text(other))),
        }
    }
    Ok(pairs)
}

fn as_text(value: Json) -> String {
    match value {
        Json::String(text) => text,
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

/// Makes answers of what was posted: `input_ID`, `input_ID[]` for lists, `input_ID{}` for JSON.
///
/// # Errors
/// What is wrong, in the platform's words.
pub(super) fn answers(pairs: &[(String, String)]) -> Result<Answers, String> {
    let mut grouped: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for (name, value) in pairs {
        grouped.entry(name).or_default().push(value);
    }
    let mut answers = Answers::new();
    for (name, values) in grouped {
        let rest = name.split_once('_').map(|(_, rest)| rest).filter(|rest| !rest.is_empty());
        let rest = rest.ok_or_else(|| format!("{name} must contain at least one underscore"))?;
        let last = values.last().copied().unwrap_or_default();
        let (id, value) = if let Some(id) = rest.strip_suffix("[]") {
            (id, json!(values))
        } else if let Some(id) = rest.strip_suffix("{}") {
            let value =
                serde_json::from_str(last).map_err(|_| format!("Invalid submission: {last} for {name}"))?;
            (id, value)
        } else {
            (rest, json!(last))
        };
        if answers.insert(id.to_owned(), value).is_some() {
            return Err(format!("Key {id} already exists in answers dict"));
        }
    }
    Ok(answers)
}

/// Describes a submission for the event log; nothing where an answer names a choice there is not.
pub(super) fn metadata(problem: &Problem, answers: &Answers, variant: &Json) -> Json {
    let mut metadata = Map::new();
    for (id, answer) in answers {
        let Some((response, input)) = problem.engine.input(id) else {
            // What no input has was sent beside the answers, such as what a browser made of a formula.
            let nothing = json!({
                "question": "", "answer": answer, "response_type": "", "input_type": "", "correct": "",
                "variant": variant, "group_label": "",
            });
            metadata.insert(id.clone(), nothing);
            continue;
        };
        let is_choice = matches!(input.tag.as_str(), "choicegroup" | "radiogroup" | "checkboxgroup");
        let answer = if is_choice {
            let named = |name: &Json| {
                problem.engine.choice_html(id, name.as_str().unwrap_or_default()).map(Json::String)
            };
            let found = match answer {
                Json::Array(names) => names.iter().map(named).collect::<Option<Vec<_>>>().map(Json::Array),
                name => named(name),
            };
            match found {
                Some(found) => found,
                None => return json!({}),
            }
        } else {
            answer.clone()
        };
        let correct =
            problem.state.correct_map.get(id).map_or_else(|| json!(""), |entry| json!(entry.is_correct()));
        metadata.insert(
            id.clone(),
            json!({
                "question": input.label.label,
                "answer": answer,
                "response_type": response.tag,
                "input_type": input.tag,
                "correct": correct,
                "variant": variant,
                "group_label": input.label.group_label,
            }),
        );
    }
    Json::Object(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Json, String> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        answers(&pairs).map(Json::Object)
    }

    #[test]
    fn names_say_what_values_are() {
        assert_eq!(
            read(&[
                ("input_q_2_1", "a"),
                ("input_q_2_1", "b"),
                ("input_q_3_1[]", "x"),
                ("input_q_3_1[]", "y"),
                ("input_q_4_1{}", "{\"k\": 1}")
            ]),
            Ok(json!({ "q_2_1": "b", "q_3_1": ["x", "y"], "q_4_1": {"k": 1} }))
        );
        assert_eq!(read(&[("input", "a")]), Err("input must contain at least one underscore".into()));
        assert_eq!(
            read(&[("input_q", "a"), ("input_q[]", "b")]),
            Err("Key q already exists in answers dict".into())
        );
        assert_eq!(read(&[("input_q{}", "{bad")]), Err("Invalid submission: {bad for input_q{}".into()));
    }
}
