//! Scans the four styles of scalars.
use super::cursor::{END, is_blank_or_end, is_break};
use super::error::YamlError;
use super::scanner::{Scanner, fail};

/// What happens to the line breaks at the end of a block scalar.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

impl Scanner {
    /// Scans a literal (`|`) or folded (`>`) scalar.
    pub(super) fn scan_block_scalar(&mut self, folded: bool) -> Result<String, YamlError> {
        self.cursor.forward(1);
        let (chomping, increment) = self.scan_block_header()?;
        self.skip_rest_of_line("after the head of a block scalar")?;
        let least = usize::try_from(self.indent + 1).unwrap_or(0).max(1);
        let (indent, mut breaks) = match increment {
            None => {
                let (breaks, deepest) = self.scan_block_indentation();
                (least.max(deepest), breaks)
            }
            Some(increment) => {
                let indent = least + increment - 1;
                (indent, self.scan_block_breaks(indent))
            }
        };
        let mut text = String::new();
        let mut line_break = None;
        while self.cursor.mark.column == indent && self.cursor.peek(0) != END {
            text.push_str(&breaks);
            let starts_solid = !matches!(self.cursor.peek(0), ' ' | '\t');
            text.push_str(&self.cursor.take_while(|character| !is_break(character)));
            line_break = self.cursor.take_break();
            breaks = self.scan_block_breaks(indent);
            if self.cursor.mark.column != indent || self.cursor.peek(0) == END {
                break;
            }
            // Folding joins two lines that both begin without a blank.
            let folds = folded
                && line_break == Some('\n')
                && starts_solid
                && !matches!(self.cursor.peek(0), ' ' | '\t');
            match line_break {
                Some(_) if folds => {
                    if breaks.is_empty() {
                        text.push(' ');
                    }
                }
                other => text.extend(other),
            }
        }
        if chomping != Chomping::Strip {
            text.extend(line_break);
        }
        if chomping == Chomping::Keep {
            text.push_str(&breaks);
        }
        Ok(text)
    }

    /// Scans the indicators after `|` or `>`: how to chomp and how deep the text is indented, in either order.
    fn scan_block_header(&mut self) -> Result<(Chomping, Option<usize>), YamlError> {
        let mut chomping = None;
        let mut increment = None;
        for _ in 0..2 {
            match self.cursor.peek(0) {
                '+' if chomping.is_none() => chomping = Some(Chomping::Keep),
                '-' if chomping.is_none() => chomping = Some(Chomping::Strip),
                '0' if increment.is_none() => return fail(self.cursor.mark, "an indentation of 0"),
                digit @ '1'..='9' if increment.is_none() => increment = digit.to_digit(10),
                _ => break,
            }
            self.cursor.forward(1);
        }
        self.expect_blank("in the head of a block scalar")?;
        Ok((chomping.unwrap_or(Chomping::Clip), increment.and_then(|digit| usize::try_from(digit).ok())))
    }

    /// Scans leading empty lines, and finds how deep the deepest of them or the first line of text is.
    fn scan_block_indentation(&mut self) -> (String, usize) {
        let mut breaks = String::new();
        let mut deepest = 0;
        loop {
            if self.cursor.peek(0) == ' ' {
                self.cursor.forward(1);
                deepest = deepest.max(self.cursor.mark.column);
            } else if let Some(line_break) = self.cursor.take_break() {
                breaks.push(line_break);
            } else {
                return (breaks, deepest);
            }
        }
    }

    fn scan_block_breaks(&mut self, indent: usize) -> String {
        let mut breaks = String::new();
        loop {
            while self.cursor.mark.column < indent && self.cursor.peek(0) == ' ' {
                self.cursor.forward(1);
            }
            match self.cursor.take_break() {
                Some(line_break) => breaks.push(line_break),
                None => return breaks,
            }
        }
    }

    /// Scans a scalar in single or double quotes.
    pub(super) fn scan_quoted(&mut self, quote: char) -> Result<String, YamlError> {
        let mut text = String::new();
        self.cursor.forward(1);
        self.scan_quoted_word(quote, &mut text)?;
        while self.cursor.peek(0) != quote {
            self.scan_quoted_blanks(&mut text)?;
            self.scan_quoted_word(quote, &mut text)?;
        }
        self.cursor.forward(1);
        Ok(text)
    }

    fn scan_quoted_word(&mut self, quote: char, text: &mut String) -> Result<(), YamlError> {
        loop {
            text.push_str(&self.cursor.take_while(|character| {
                !is_blank_or_end(character) && !matches!(character, '\'' | '"' | '\\')
            }));
            let next = self.cursor.peek(0);
            if quote == '\'' && next == '\'' && self.cursor.peek(1) == '\'' {
                text.push('\'');
                self.cursor.forward(2);
            } else if next != quote && (matches!(next, '\'' | '"') || (quote == '\'' && next == '\\')) {
                text.push(next);
                self.cursor.forward(1);
            } else if quote == '"' && next == '\\' {
                self.cursor.forward(1);
                self.scan_escape(text)?;
            } else {
                return Ok(());
            }
        }
    }

    fn scan_escape(&mut self, text: &mut String) -> Result<(), YamlError> {
        let code = self.cursor.peek(0);
        let replacement = match code {
            '0' => '\0',
            'a' => '\u{7}',
            'b' => '\u{8}',
            't' | '\t' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            'e' => '\u{1b}',
            ' ' | '"' | '\\' | '/' => code,
            'N' => '\u{85}',
            '_' => '\u{a0}',
            'L' => '\u{2028}',
            'P' => '\u{2029}',
            'x' => self.scan_code(2)?,
            'u' => self.scan_code(4)?,
            'U' => self.scan_code(8)?,
            line_end if is_break(line_end) => {
                self.cursor.take_break();
                self.scan_quoted_breaks(text)?;
                return Ok(());
            }
            other => return fail(self.cursor.mark, format!("unknown escape {other:?}")),
        };
        self.cursor.forward(1);
        text.push(replacement);
        Ok(())
    }

    /// Scans a character given by its code, up to its last digit. Two escaped surrogates, as JSON writes characters beyond
    /// the basic plane, make one character; a lone one makes none and is replaced.
    fn scan_code(&mut self, length: usize) -> Result<char, YamlError> {
        let code = self.hex_ahead(1, length)?;
        self.cursor.forward(length);
        if let Some(character) = char::from_u32(code) {
            return Ok(character);
        }
        if code > 0x10_ffff {
            return fail(self.cursor.mark, "an escape beyond all characters");
        }
        let is_high = (0xd800..0xdc00).contains(&code);
        if is_high && self.cursor.peek(1) == '\\' && self.cursor.peek(2) == 'u' {
            let low = self.hex_ahead(3, 4)?;
            if (0xdc00..0xe000).contains(&low) {
                self.cursor.forward(6);
                let joined = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex_ahead(&self, distance: usize, length: usize) -> Result<u32, YamlError> {
        let mut code = 0_u32;
        for offset in distance..distance + length {
            match self.cursor.peek(offset).to_digit(16) {
                Some(digit) => code = (code << 4) | digit,
                None => {
                    return fail(self.cursor.mark, format!("an escape without {length} hexadecimal digits"));
                }
            }
        }
        Ok(code)
    }

    fn scan_quoted_blanks(&mut self, text: &mut String) -> Result<(), YamlError> {
        let blanks = self.cursor.take_while(|character| matches!(character, ' ' | '\t'));
        if self.cursor.peek(0) == END {
            return fail(self.cursor.mark, "a quote that is not closed");
        }
        match self.cursor.take_break() {
            None => text.push_str(&blanks),
            Some(line_break) => {
                let mut breaks = String::new();
                self.scan_quoted_breaks(&mut breaks)?;
                push_folded(line_break, &breaks, text);
            }
        }
        Ok(())
    }

    fn scan_quoted_breaks(&mut self, breaks: &mut String) -> Result<(), YamlError> {
        loop {
            if self.cursor.at_document_mark() {
                return fail(self.cursor.mark, "a document mark within quotes");
            }
            self.cursor.take_while(|character| matches!(character, ' ' | '\t'));
            match self.cursor.take_break() {
                Some(line_break) => breaks.push(line_break),
                None => return Ok(()),
            }
        }
    }

    /// Scans a scalar without quotes, over several lines if they are indented.
    pub(super) fn scan_plain(&mut self) -> String {
        let mut text = String::new();
        let mut blanks = String::new();
        let indent = usize::try_from(self.indent + 1).unwrap_or(0);
        let in_flow = self.flow_level > 0;
        while self.cursor.peek(0) != '#' {
            let mut length = 0;
            loop {
                let next = self.cursor.peek(length);
                let after = self.cursor.peek(length + 1);
                let ends_key = next == ':'
                    && (is_blank_or_end(after) || (in_flow && matches!(after, ',' | '[' | ']' | '{' | '}')));
                if is_blank_or_end(next)
                    || ends_key
                    || (in_flow && matches!(next, ',' | '?' | '[' | ']' | '{' | '}'))
                {
                    break;
                }
                length += 1;
            }
            if length == 0 {
                break;
            }
            self.allow_simple_key = false;
            text.push_str(&blanks);
            text.push_str(&self.cursor.take(length));
            blanks = self.scan_plain_blanks();
            if blanks.is_empty()
                || self.cursor.peek(0) == '#'
                || (!in_flow && self.cursor.mark.column < indent)
            {
                break;
            }
        }
        text
    }

    /// Scans what may stand between two words of a plain scalar; nothing when the scalar ends here.
    fn scan_plain_blanks(&mut self) -> String {
        let blanks = self.cursor.take_while(|character| character == ' ');
        let Some(line_break) = self.cursor.take_break() else { return blanks };
        self.allow_simple_key = true;
        let mut breaks = String::new();
        if self.cursor.at_document_mark() {
            return String::new();
        }
        while self.cursor.peek(0) == ' ' || is_break(self.cursor.peek(0)) {
            if self.cursor.peek(0) == ' ' {
                self.cursor.forward(1);
            } else {
                breaks.extend(self.cursor.take_break());
                if self.cursor.at_document_mark() {
                    return String::new();
                }
            }
        }
        let mut folded = String::new();
        push_folded(line_break, &breaks, &mut folded);
        folded
    }
}

/// Folds line breaks: a single line feed becomes a blank, of several the first is dropped.
fn push_folded(first: char, others: &str, text: &mut String) {
    if first != '\n' {
        text.push(first);
    } else if others.is_empty() {
        text.push(' ');
    }
    text.push_str(others);
}
