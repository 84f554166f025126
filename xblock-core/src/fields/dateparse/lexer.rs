//! Cuts a date into words, numbers and single signs.
use std::collections::VecDeque;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::fields::python::text::{decimal_digit, is_space};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Word,
    Number,
    /// A word with points in it, perhaps an abbreviation.
    DottedWord,
    /// A number with points in it, perhaps a decimal or a whole date.
    DottedNumber,
}

fn is_word(character: char) -> bool {
    if character.is_ascii() {
        character.is_ascii_alphabetic()
    } else {
        character.general_category_group() == GeneralCategoryGroup::Letter
    }
}

fn is_number(character: char) -> bool {
    decimal_digit(character).is_some()
}

/// Cuts a text into tokens; every white space is a token of one blank.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut characters: VecDeque<char> = text.chars().filter(|&character| character != '\0').collect();
    let mut tokens = Vec::new();
    while let Some(first) = characters.pop_front() {
        let mut state = if is_word(first) {
            State::Word
        } else if is_number(first) {
            State::Number
        } else {
            tokens.push(if is_space(first) { " ".to_owned() } else { first.to_string() });
            continue;
        };
        let mut token = String::from(first);
        // As in the reference, a letter that ends the whole text after a point does not count: `0304.m` is one token.
        let mut has_letters = false;
        while let Some(&next) = characters.front() {
            has_letters |= matches!(state, State::Word | State::DottedWord);
            let Some(following) = step(state, next, &token) else { break };
            state = following;
            token.push(next);
            characters.pop_front();
        }
        finish(token, state, has_letters, &mut tokens);
    }
    tokens
}

/// Returns the state after one more character, or nothing when the token ends before it.
fn step(state: State, next: char, token: &str) -> Option<State> {
    let after_point = token.ends_with('.');
    match state {
        State::Word if is_word(next) => Some(State::Word),
        State::Word if next == '.' => Some(State::DottedWord),
        State::Number if is_number(next) => Some(State::Number),
        State::Number if next == '.' || (next == ',' && token.chars().count() >= 2) => {
            Some(State::DottedNumber)
        }
        State::DottedWord if next == '.' || is_word(next) => Some(State::DottedWord),
        State::DottedWord if is_number(next) && after_point => Some(State::DottedNumber),
        State::DottedNumber if next == '.' || is_number(next) => Some(State::DottedNumber),
        State::DottedNumber if is_word(next) && after_point => Some(State::DottedWord),
        _ => None,
    }
}

/// Adds a token, cut at its points unless it is a decimal number.
fn finish(token: String, state: State, has_letters: bool, tokens: &mut Vec<String>) {
    let is_dotted = matches!(state, State::DottedWord | State::DottedNumber);
    let points = token.matches('.').count();
    if is_dotted && (has_letters || points > 1 || token.ends_with(['.', ','])) {
        let mut part = String::new();
        for character in token.chars() {
            if matches!(character, '.' | ',') {
                if !part.is_empty() {
                    tokens.push(std::mem::take(&mut part));
                }
                tokens.push(character.to_string());
            } else {
                part.push(character);
            }
        }
        if !part.is_empty() {
            tokens.push(part);
        }
    } else if state == State::DottedNumber && points == 0 {
        tokens.push(token.replace(',', "."));
    } else {
        tokens.push(token);
    }
}
