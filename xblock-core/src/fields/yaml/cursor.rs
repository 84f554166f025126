//! A position in a YAML text.
use super::error::{YamlError, YamlStage};
use super::token::Mark;

/// Stands for the end of the text, which no YAML text contains.
pub(super) const END: char = '\0';

/// Tells whether a character ends a line.
pub(super) const fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Tells whether a character ends a line or the text.
pub(super) const fn is_break_or_end(character: char) -> bool {
    character == END || is_break(character)
}

/// Tells whether a character is a blank, or ends a line or the text.
pub(super) const fn is_blank_or_end(character: char) -> bool {
    matches!(character, ' ' | '\t') || is_break_or_end(character)
}

/// Tells whether names of anchors, handles and directives may contain a character.
pub(super) const fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

pub(super) struct Cursor {
    characters: Vec<char>,
    pub(super) mark: Mark,
}

impl Cursor {
    /// Checks that a text has only characters YAML allows, and stands before the first.
    pub(super) fn new(text: &str) -> Result<Self, YamlError> {
        let mut cursor = Self { characters: text.chars().collect(), mark: Mark::default() };
        if let Some(index) = cursor.characters.iter().position(|&character| !is_printable(character)) {
            cursor.forward(index);
            let problem = format!("character U+{:04X} is not allowed", u32::from(cursor.peek(0)));
            return Err(YamlError::new(YamlStage::Reader, cursor.mark, problem));
        }
        Ok(cursor)
    }

    /// Returns a character ahead, or [`END`] beyond the text.
    pub(super) fn peek(&self, distance: usize) -> char {
        self.characters.get(self.mark.index + distance).copied().unwrap_or(END)
    }

    /// Returns the next characters as text, fewer at the end.
    pub(super) fn prefix(&self, length: usize) -> String {
        self.characters.iter().skip(self.mark.index).take(length).collect()
    }

    /// Steps over so many characters.
    pub(super) fn forward(&mut self, length: usize) {
        for _ in 0..length {
            let Some(&character) = self.characters.get(self.mark.index) else { return };
            self.mark.index += 1;
            let ends_line = match character {
                '\r' => self.peek(0) != '\n',
                other => is_break(other),
            };
            if ends_line {
                self.mark.line += 1;
                self.mark.column = 0;
            } else if character != '\u{feff}' {
                self.mark.column += 1;
            }
        }
    }

    /// Takes so many characters.
    pub(super) fn take(&mut self, length: usize) -> String {
        let text = self.prefix(length);
        self.forward(length);
        text
    }

    /// Takes characters while they satisfy a condition.
    pub(super) fn take_while(&mut self, condition: impl Fn(char) -> bool) -> String {
        let mut length = 0;
        while self.peek(length) != END && condition(self.peek(length)) {
            length += 1;
        }
        self.take(length)
    }

    /// Steps over blanks, but not tabs.
    pub(super) fn skip_spaces(&mut self) {
        while self.peek(0) == ' ' {
            self.forward(1);
        }
    }

    /// Steps to the end of the line.
    pub(super) fn skip_line(&mut self) {
        while !is_break_or_end(self.peek(0)) {
            self.forward(1);
        }
    }

    /// Takes a line break, normalised to a line feed but for the two Unicode separators.
    pub(super) fn take_break(&mut self) -> Option<char> {
        match self.peek(0) {
            '\r' if self.peek(1) == '\n' => {
                self.forward(2);
                Some('\n')
            }
            '\r' | '\n' | '\u{85}' => {
                self.forward(1);
                Some('\n')
            }
            separator @ ('\u{2028}' | '\u{2029}') => {
                self.forward(1);
                Some(separator)
            }
            _ => None,
        }
    }

    /// Tells whether a line of three dashes or dots begins here.
    pub(super) fn at_document_mark(&self) -> bool {
        let is_mark = |dash| (0..3).all(|distance| self.peek(distance) == dash);
        (is_mark('-') || is_mark('.')) && is_blank_or_end(self.peek(3))
    }
}

const fn is_printable(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}'
            | '\u{10000}'..='\u{10ffff}'
    )
}
