//! Cuts a YAML text into tokens, by the rules of YAML 1.1 as PyYAML has them.
//!
//! What makes this more than a list of patterns are simple keys: only a `:` tells that what came before was a key, so the
//! places where keys may have begun are remembered and the key token is inserted afterwards.
use std::collections::{BTreeMap, VecDeque};

use super::cursor::{Cursor, END, is_blank_or_end, is_break_or_end, is_name};
use super::error::{YamlError, YamlStage};
use super::token::{Mark, Token, TokenKind};

/// How far a key may reach, in characters.
const MAX_KEY_LENGTH: usize = 1024;

/// A place where a key may have begun.
struct SimpleKey {
    token_number: usize,
    required: bool,
    mark: Mark,
}

pub(super) struct Scanner {
    pub(super) cursor: Cursor,
    tokens: VecDeque<Token>,
    tokens_taken: usize,
    done: bool,
    pub(super) flow_level: usize,
    /// The column of the current block, -1 outside all.
    pub(super) indent: isize,
    indents: Vec<isize>,
    pub(super) allow_simple_key: bool,
    /// At most one per level of flow collections.
    simple_keys: BTreeMap<usize, SimpleKey>,
}

pub(super) fn fail<T>(mark: Mark, problem: impl Into<String>) -> Result<T, YamlError> {
    Err(YamlError::new(YamlStage::Scanner, mark, problem))
}

impl Scanner {
    pub(super) fn new(text: &str) -> Result<Self, YamlError> {
        Ok(Self {
            cursor: Cursor::new(text)?,
            tokens: VecDeque::new(),
            tokens_taken: 0,
            done: false,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            allow_simple_key: true,
            simple_keys: BTreeMap::new(),
        })
    }

    /// Returns the next token without taking it.
    pub(super) fn peek(&mut self) -> Result<Token, YamlError> {
        self.fill()?;
        let at_end = Token { kind: TokenKind::StreamEnd, mark: self.cursor.mark };
        Ok(self.tokens.front().cloned().unwrap_or(at_end))
    }

    /// Tells whether the next token satisfies a condition.
    pub(super) fn next_is(&mut self, condition: impl Fn(&TokenKind) -> bool) -> Result<bool, YamlError> {
        self.fill()?;
        Ok(condition(self.tokens.front().map_or(&TokenKind::StreamEnd, |token| &token.kind)))
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Result<Token, YamlError> {
        self.fill()?;
        self.tokens_taken += 1;
        let at_end = Token { kind: TokenKind::StreamEnd, mark: self.cursor.mark };
        Ok(self.tokens.pop_front().unwrap_or(at_end))
    }

    /// Reads ahead until no key can be inserted before the first token any more.
    fn fill(&mut self) -> Result<(), YamlError> {
        while self.needs_more()? {
            self.fetch()?;
        }
        Ok(())
    }

    fn needs_more(&mut self) -> Result<bool, YamlError> {
        if self.done {
            return Ok(false);
        }
        if self.tokens.is_empty() {
            return Ok(true);
        }
        self.drop_stale_keys()?;
        Ok(self.simple_keys.values().map(|key| key.token_number).min() == Some(self.tokens_taken))
    }

    fn fetch(&mut self) -> Result<(), YamlError> {
        self.skip_to_token();
        self.drop_stale_keys()?;
        self.unwind_indent(self.column());
        let character = self.cursor.peek(0);
        let in_block = self.flow_level == 0;
        let before_blank = is_blank_or_end(self.cursor.peek(1));
        match character {
            END => self.fetch_stream_end(),
            '%' if self.cursor.mark.column == 0 => self.fetch_directive(),
            '-' if self.cursor.mark.column == 0 && self.cursor.at_document_mark() => {
                self.fetch_document_mark(TokenKind::DocumentStart)
            }
            '.' if self.cursor.mark.column == 0 && self.cursor.at_document_mark() => {
                self.fetch_document_mark(TokenKind::DocumentEnd)
            }
            '[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            '{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            ']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            '}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            ',' => self.fetch_flow_entry(),
            '-' if before_blank => self.fetch_block_entry(),
            '?' if !in_block || before_blank => self.fetch_key(),
            ':' if !in_block || before_blank => self.fetch_value(),
            '*' => {
                self.start_simple_key()?;
                let (mark, name) = self.scan_anchor()?;
                self.push(TokenKind::Alias(name), mark);
                Ok(())
            }
            '&' => {
                self.start_simple_key()?;
                let (mark, name) = self.scan_anchor()?;
                self.push(TokenKind::Anchor(name), mark);
                Ok(())
            }
            '!' => {
                self.start_simple_key()?;
                let mark = self.cursor.mark;
                let tag = self.scan_tag()?;
                self.push(tag, mark);
                Ok(())
            }
            '|' | '>' if in_block => {
                self.allow_simple_key = true;
                self.remove_simple_key()?;
                let mark = self.cursor.mark;
                let text = self.scan_block_scalar(character == '>')?;
                self.push(TokenKind::Scalar { text, plain: false }, mark);
                Ok(())
            }
            '\'' | '"' => {
                self.start_simple_key()?;
                let mark = self.cursor.mark;
                let text = self.scan_quoted(character)?;
                self.push(TokenKind::Scalar { text, plain: false }, mark);
                Ok(())
            }
            _ if self.at_plain() => {
                self.start_simple_key()?;
                let mark = self.cursor.mark;
                let text = self.scan_plain();
                self.push(TokenKind::Scalar { text, plain: true }, mark);
                Ok(())
            }
            other => fail(self.cursor.mark, format!("{other:?} cannot start anything")),
        }
    }

    fn column(&self) -> isize {
        isize::try_from(self.cursor.mark.column).unwrap_or(isize::MAX)
    }

    fn push(&mut self, kind: TokenKind, mark: Mark) {
        self.tokens.push_back(Token { kind, mark });
    }

    /// A plain scalar begins with anything but an indicator, of which three are indicators only before a blank.
    fn at_plain(&self) -> bool {
        let character = self.cursor.peek(0);
        let is_indicator = is_blank_or_end(character) || "-?:,[]{}#&*!|>'\"%@`".contains(character);
        !is_indicator
            || (!is_blank_or_end(self.cursor.peek(1))
                && (character == '-' || (self.flow_level == 0 && matches!(character, '?' | ':'))))
    }

    /// Steps over blanks, comments and line breaks. A tab is none of them.
    fn skip_to_token(&mut self) {
        if self.cursor.mark.index == 0 && self.cursor.peek(0) == '\u{feff}' {
            self.cursor.forward(1);
        }
        loop {
            self.cursor.skip_spaces();
            if self.cursor.peek(0) == '#' {
                self.cursor.skip_line();
            }
            if self.cursor.take_break().is_none() {
                return;
            }
            if self.flow_level == 0 {
                self.allow_simple_key = true;
            }
        }
    }

    /// Forgets the places of keys that are now too far away or on another line.
    fn drop_stale_keys(&mut self) -> Result<(), YamlError> {
        let mark = self.cursor.mark;
        let is_stale =
            |key: &SimpleKey| key.mark.line != mark.line || mark.index - key.mark.index > MAX_KEY_LENGTH;
        if let Some(key) = self.simple_keys.values().find(|key| is_stale(key) && key.required) {
            return fail(key.mark, "a key without `:`");
        }
        self.simple_keys.retain(|_, key| !is_stale(key));
        Ok(())
    }

    /// Remembers that a key may begin here, and that none may directly after what follows.
    fn start_simple_key(&mut self) -> Result<(), YamlError> {
        self.save_simple_key()?;
        self.allow_simple_key = false;
        Ok(())
    }

    fn save_simple_key(&mut self) -> Result<(), YamlError> {
        if !self.allow_simple_key {
            return Ok(());
        }
        self.remove_simple_key()?;
        // In a block, what stands at the block's own column can only be a key.
        let required = self.flow_level == 0 && self.indent == self.column();
        let token_number = self.tokens_taken + self.tokens.len();
        self.simple_keys
            .insert(self.flow_level, SimpleKey { token_number, required, mark: self.cursor.mark });
        Ok(())
    }

    pub(super) fn remove_simple_key(&mut self) -> Result<(), YamlError> {
        match self.simple_keys.remove(&self.flow_level) {
            Some(key) if key.required => fail(key.mark, "a key without `:`"),
            _ => Ok(()),
        }
    }

    /// Ends the blocks that are indented deeper than a column.
    fn unwind_indent(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.indent = self.indents.pop().unwrap_or(-1);
            self.push(TokenKind::BlockEnd, self.cursor.mark);
        }
    }

    fn add_indent(&mut self, column: isize) -> bool {
        if self.indent >= column {
            return false;
        }
        self.indents.push(self.indent);
        self.indent = column;
        true
    }

    fn fetch_stream_end(&mut self) -> Result<(), YamlError> {
        self.unwind_indent(-1);
        self.remove_simple_key()?;
        self.allow_simple_key = false;
        self.simple_keys.clear();
        self.push(TokenKind::StreamEnd, self.cursor.mark);
        self.done = true;
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), YamlError> {
        self.unwind_indent(-1);
        self.remove_simple_key()?;
        self.allow_simple_key = false;
        let mark = self.cursor.mark;
        let directive = self.scan_directive()?;
        self.push(directive, mark);
        Ok(())
    }

    fn fetch_document_mark(&mut self, kind: TokenKind) -> Result<(), YamlError> {
        self.unwind_indent(-1);
        self.remove_simple_key()?;
        self.allow_simple_key = false;
        self.push(kind, self.cursor.mark);
        self.cursor.forward(3);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Result<(), YamlError> {
        self.save_simple_key()?;
        self.flow_level += 1;
        self.allow_simple_key = true;
        self.push(kind, self.cursor.mark);
        self.cursor.forward(1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Result<(), YamlError> {
        self.remove_simple_key()?;
        // A bracket too many is left for the parser to report.
        self.flow_level = self.flow_level.saturating_sub(1);
        self.allow_simple_key = false;
        self.push(kind, self.cursor.mark);
        self.cursor.forward(1);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Result<(), YamlError> {
        self.allow_simple_key = true;
        self.remove_simple_key()?;
        self.push(TokenKind::FlowEntry, self.cursor.mark);
        self.cursor.forward(1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), YamlError> {
        if self.flow_level == 0 {
            if !self.allow_simple_key {
                return fail(self.cursor.mark, "a list entry is not allowed here");
            }
            if self.add_indent(self.column()) {
                self.push(TokenKind::BlockSequenceStart, self.cursor.mark);
            }
        }
        self.allow_simple_key = true;
        self.remove_simple_key()?;
        self.push(TokenKind::BlockEntry, self.cursor.mark);
        self.cursor.forward(1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), YamlError> {
        self.start_mapping("a mapping key is not allowed here")?;
        self.allow_simple_key = self.flow_level == 0;
        self.remove_simple_key()?;
        self.push(TokenKind::Key, self.cursor.mark);
        self.cursor.forward(1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), YamlError> {
        if let Some(key) = self.simple_keys.remove(&self.flow_level) {
            let at = key.token_number - self.tokens_taken;
            self.tokens.insert(at, Token { kind: TokenKind::Key, mark: key.mark });
            let column = isize::try_from(key.mark.column).unwrap_or(isize::MAX);
            if self.flow_level == 0 && self.add_indent(column) {
                self.tokens.insert(at, Token { kind: TokenKind::BlockMappingStart, mark: key.mark });
            }
            self.allow_simple_key = false;
        } else {
            self.start_mapping("a mapping value is not allowed here")?;
            self.allow_simple_key = self.flow_level == 0;
            self.remove_simple_key()?;
        }
        self.push(TokenKind::Value, self.cursor.mark);
        self.cursor.forward(1);
        Ok(())
    }

    fn start_mapping(&mut self, problem: &'static str) -> Result<(), YamlError> {
        if self.flow_level == 0 {
            if !self.allow_simple_key {
                return fail(self.cursor.mark, problem);
            }
            if self.add_indent(self.column()) {
                self.push(TokenKind::BlockMappingStart, self.cursor.mark);
            }
        }
        Ok(())
    }

    fn scan_anchor(&mut self) -> Result<(Mark, String), YamlError> {
        let mark = self.cursor.mark;
        self.cursor.forward(1);
        let name = self.cursor.take_while(is_name);
        let next = self.cursor.peek(0);
        if name.is_empty() || !(is_blank_or_end(next) || "?:,]}%@`".contains(next)) {
            return fail(self.cursor.mark, format!("{next:?} in the name of an anchor"));
        }
        Ok((mark, name))
    }

    fn scan_directive(&mut self) -> Result<TokenKind, YamlError> {
        self.cursor.forward(1);
        let name = self.cursor.take_while(is_name);
        let next = self.cursor.peek(0);
        if name.is_empty() || !(next == ' ' || is_break_or_end(next)) {
            return fail(self.cursor.mark, format!("{next:?} in the name of a directive"));
        }
        let directive = match name.as_str() {
            "YAML" => {
                self.cursor.skip_spaces();
                let major = self.scan_version_number()?;
                if self.cursor.peek(0) != '.' {
                    return fail(self.cursor.mark, "a version without `.`");
                }
                self.cursor.forward(1);
                self.scan_version_number()?;
                self.expect_blank("after a version")?;
                TokenKind::YamlDirective { major }
            }
            "TAG" => {
                self.cursor.skip_spaces();
                let handle = self.scan_tag_handle()?;
                if self.cursor.peek(0) != ' ' {
                    return fail(self.cursor.mark, "no blank after a tag handle");
                }
                self.cursor.skip_spaces();
                let prefix = self.scan_tag_uri()?;
                self.expect_blank("after a tag prefix")?;
                TokenKind::TagDirective { handle, prefix }
            }
            _ => {
                self.cursor.skip_line();
                TokenKind::UnknownDirective
            }
        };
        self.skip_rest_of_line("after a directive")?;
        Ok(directive)
    }

    fn scan_version_number(&mut self) -> Result<String, YamlError> {
        let digits = self.cursor.take_while(|character| character.is_ascii_digit());
        if digits.is_empty() { fail(self.cursor.mark, "a version without digits") } else { Ok(digits) }
    }

    pub(super) fn expect_blank(&self, place: &str) -> Result<(), YamlError> {
        let next = self.cursor.peek(0);
        if next == ' ' || is_break_or_end(next) {
            Ok(())
        } else {
            fail(self.cursor.mark, format!("{next:?} {place}"))
        }
    }

    /// Steps over blanks and a comment to the next line; nothing else may be left.
    pub(super) fn skip_rest_of_line(&mut self, place: &str) -> Result<(), YamlError> {
        self.cursor.skip_spaces();
        if self.cursor.peek(0) == '#' {
            self.cursor.skip_line();
        }
        let next = self.cursor.peek(0);
        if !is_break_or_end(next) {
            return fail(self.cursor.mark, format!("{next:?} {place}"));
        }
        self.cursor.take_break();
        Ok(())
    }

    fn scan_tag(&mut self) -> Result<TokenKind, YamlError> {
        let next = self.cursor.peek(1);
        let (handle, suffix) = if next == '<' {
            self.cursor.forward(2);
            let suffix = self.scan_tag_uri()?;
            if self.cursor.peek(0) != '>' {
                return fail(self.cursor.mark, "a tag without `>`");
            }
            self.cursor.forward(1);
            (None, suffix)
        } else if is_blank_or_end(next) {
            self.cursor.forward(1);
            (None, "!".to_owned())
        } else {
            let mut length = 1;
            let mut has_handle = false;
            while !(self.cursor.peek(length) == ' ' || is_break_or_end(self.cursor.peek(length))) {
                if self.cursor.peek(length) == '!' {
                    has_handle = true;
                    break;
                }
                length += 1;
            }
            let handle = if has_handle {
                self.scan_tag_handle()?
            } else {
                self.cursor.forward(1);
                "!".to_owned()
            };
            (Some(handle), self.scan_tag_uri()?)
        };
        self.expect_blank("after a tag")?;
        Ok(TokenKind::Tag { handle, suffix })
    }

    fn scan_tag_handle(&mut self) -> Result<String, YamlError> {
        if self.cursor.peek(0) != '!' {
            return fail(self.cursor.mark, "a tag handle without `!`");
        }
        let mut length = 1;
        if self.cursor.peek(length) != ' ' {
            while is_name(self.cursor.peek(length)) {
                length += 1;
            }
            if self.cursor.peek(length) != '!' {
                self.cursor.forward(length);
                return fail(self.cursor.mark, "a tag handle without a second `!`");
            }
            length += 1;
        }
        Ok(self.cursor.take(length))
    }

    fn scan_tag_uri(&mut self) -> Result<String, YamlError> {
        let mut uri = String::new();
        loop {
            let next = self.cursor.peek(0);
            if next == '%' {
                uri.push_str(&self.scan_uri_escapes()?);
            } else if next.is_ascii_alphanumeric() || "-;/?:@&=+$,_.!~*'()[]".contains(next) {
                uri.push(next);
                self.cursor.forward(1);
            } else {
                break;
            }
        }
        if uri.is_empty() { fail(self.cursor.mark, "a tag without a name") } else { Ok(uri) }
    }

    fn scan_uri_escapes(&mut self) -> Result<String, YamlError> {
        let mark = self.cursor.mark;
        let mut bytes = Vec::new();
        while self.cursor.peek(0) == '%' {
            self.cursor.forward(1);
            match u8::from_str_radix(&self.cursor.prefix(2), 16) {
                Ok(byte) if self.cursor.peek(0) != '+' && self.cursor.peek(1) != END => bytes.push(byte),
                _ => return fail(self.cursor.mark, "an escape without two hexadecimal digits"),
            }
            self.cursor.forward(2);
        }
        String::from_utf8(bytes).or_else(|_| fail(mark, "escapes that are not UTF-8"))
    }
}
