//! `optionresponse`: dropdowns (capa reference, section 3.6).

use serde_json::{Value as Json, json};

use super::{Graded, Grader, Input, as_list};
use crate::problem::context::Context;
use crate::problem::correct_map::Entry;
use crate::problem::error::{GradeError, LoadError};
use crate::problem::grading::Grading;
use crate::problem::hints::{Feedback, Hint};
use crate::problem::tree::Node;

/// Dropdowns.
#[derive(Debug, Clone)]
pub(in crate::problem) struct Options {
    /// The right option of each, where there is one.
    correct: Vec<Option<String>>,
    /// The options of the first dropdown that have hints: text, whether it is right, hint.
    hints: Vec<(String, bool, Hint)>,
}

impl Options {
    pub(super) fn build(node: &Node, context: &Context) -> Self {
        let inputs: Vec<&Node> =
            node.descendants().into_iter().filter(|child| child.name == "optioninput").collect();
        let correct =
            inputs.iter().map(|input| input.get("correct").map(|text| context.substitute(text))).collect();
        let hints = inputs.first().into_iter().flat_map(|input| input.all("option")).filter_map(|option| {
            let hint = option.all("optionhint").next().and_then(Hint::read)?;
            let is_correct = option.get("correct").is_some_and(|text| text.to_uppercase() == "TRUE");
            Some((option.text.trim().to_owned(), is_correct, hint))
        });
        Self { correct, hints: hints.collect() }
    }
}

impl Grader for Options {
    fn grade(&self, inputs: &[Input], grading: &mut Grading<'_>) -> Result<Graded, GradeError> {
        let answers = grading.answers;
        let mut graded = Graded::default();
        for (input, correct) in inputs.iter().zip(&self.correct) {
            let answer = answers.get(&input.id).and_then(Json::as_str);
            let mut entry = Entry::right(answer.is_some() && answer == correct.as_deref());
            entry.answervariable =
                answer.and_then(|answer| grading.context.name_of(answer)).map(|name| format!("${name}"));
            graded.entries.push((input.id.clone(), entry));
        }
        let first = inputs.first().and_then(|input| answers.get(&input.id)).map(as_list).unwrap_or_default();
        if let Some(answer) = first.first()
            && let Some((_, is_correct, hint)) = self.hints.iter().find(|(text, ..)| text == answer)
        {
            graded.feedback = Some(Feedback::single(hint, *is_correct, answer));
        }
        Ok(graded)
    }

    fn correct_answers(&self, inputs: &[Input]) -> Result<Vec<(String, Json)>, LoadError> {
        let answers = inputs.iter().zip(&self.correct);
        Ok(answers.map(|(input, correct)| (input.id.clone(), json!(correct))).collect())
    }
}

/// What stands for an apostrophe inside an option while the options are parted.
const APOSTROPHE: &str = "&#39;";

/// Splits the attribute `options` of a dropdown (capa reference, section 2.4): its first and last characters go, then
/// words and texts in apostrophes are parted by blanks and commas, and each loses its first and last character.
///
/// # Errors
/// A text whose closing apostrophe is missing.
pub(in crate::problem) fn split_options(attribute: &str) -> Result<Vec<String>, &'static str> {
    let protected = protect(attribute);
    let characters: Vec<char> = protected.chars().collect();
    let inside = characters.get(1..characters.len().saturating_sub(1)).unwrap_or_default();
    let mut tokens: Vec<String> = Vec::new();
    let mut at = 0;
    while at < inside.len() {
        let start = at;
        match inside[at] {
            ' ' | ',' => {
                at += 1;
                continue;
            }
            // What follows a number sign is a comment up to the end of the line.
            '#' => {
                while at < inside.len() && inside[at] != '\n' {
                    at += 1;
                }
                at += 1;
                continue;
            }
            '\'' => {
                at += 1;
                while at < inside.len() && inside[at] != '\'' {
                    at += 1;
                }
                if at == inside.len() {
                    return Err("No closing quotation");
                }
                at += 1;
            }
            character if is_word(character) => {
                while at < inside.len() && (is_word(inside[at]) || inside[at] == '\'') {
                    at += 1;
                }
            }
            _ => at += 1,
        }
        tokens.push(inside[start..at].iter().collect());
    }
    let trimmed = tokens.iter().map(|token| {
        let characters: Vec<char> = token.chars().collect();
        let inside: String =
            characters.get(1..characters.len().saturating_sub(1)).unwrap_or_default().iter().collect();
        inside.replace(APOSTROPHE, "'")
    });
    Ok(trimmed.collect())
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Protects apostrophes between two letters, with or without a backslash, and those behind a backslash anywhere.
fn protect(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let is_letter = |at: usize| characters.get(at).is_some_and(char::is_ascii_alphabetic);
    let is = |at: usize, wanted: char| characters.get(at) == Some(&wanted);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let escaped = is(at + 1, '\\') && is(at + 2, '\'') && is_letter(at + 3);
        let plain = is(at + 1, '\'') && is_letter(at + 2);
        if is_letter(at) && (escaped || plain) {
            let after = if escaped { at + 3 } else { at + 2 };
            out.push(characters[at]);
            out.push_str(APOSTROPHE);
            out.push(characters[after]);
            // The letter after the apostrophe is used up, so it protects no other.
            at = after + 1;
        } else {
            out.push(characters[at]);
            at += 1;
        }
    }
    out.replace("\\'", APOSTROPHE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_parted_as_the_platform_does() {
        let split = |text| split_options(text).expect("the quotation marks close");
        assert_eq!(split("('a','b c','d, e')"), ["a", "b c", "d, e"]);
        assert_eq!(split("('don't','it\\'s')"), ["don't", "it's"]);
        assert_eq!(split("('a''b')"), ["a", "b"]);
        assert_eq!(split("(2, cde)"), ["", "d"]);
        assert_eq!(split("(\"a\",\"b\")"), ["", "", "", "", "", ""]);
        assert_eq!(split_options("('a)"), Err("No closing quotation"));
    }
}
