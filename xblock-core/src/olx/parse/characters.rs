//! Text: runs of characters that become one node, blank text as libxml2 judges it, and CDATA sections.

use super::super::element::{Chars, Node};
use super::super::parse_error::ParseErrorKind;
use super::super::parse_options::{BlankText, CDataSections};
use super::super::position::Span;
use super::super::syntax_error::SyntaxError;
use super::super::text::Text;
use super::super::xml_name::{is_blank, normalise_lines};
use super::{Builder, Failure, Open, Place, Space};

/// Text that goes on until markup comes.
pub(super) struct Run {
    span: Span,
    value: RunValue,
}

enum RunValue {
    /// The bytes as they are.
    Part(Span),
    Owned(String),
}

impl Builder<'_> {
    /// Makes a node of the text being read.
    pub(super) fn end_run(&mut self) {
        let Some(Run { span, value }) = self.run.take() else { return };
        let value = match value {
            RunValue::Part(part) => Text::part(self.source, part),
            RunValue::Owned(value) => self.decoded(&value, span),
        };
        self.nodes.push(Node::Text(Chars { value, span }));
    }

    /// Says whether libxml2 takes blank text at this place for indentation (its heuristic `areBlanks`).
    fn is_indentation(&self, open: &Open, is_before_end: bool) -> bool {
        let children = &self.nodes[open.first_child..];
        let is_only_text = children.is_empty() && self.run.is_none() && is_before_end;
        let is_text = |node: Option<&Node>| node.is_some_and(|node| node.as_text().is_some());
        let is_mixed = self.run.is_some() || is_text(children.first()) || is_text(children.last());
        matches!(open.space, Space::Unknown | Space::Default) && !is_only_text && !is_mixed
    }

    /// Takes text that is written out.
    pub(super) fn characters(
        &mut self,
        raw: &str,
        start: usize,
        place: Place,
        is_before_tag: bool,
        is_before_end: bool,
    ) -> Result<(), Failure> {
        let span = place.span(start, start + raw.len());
        let is_blank = is_blank(raw);
        if !is_blank && let Some(at) = section_end(raw) {
            return Err(Failure::new(SyntaxError::SectionEnd.into(), place.offset(start + at)));
        }
        let Some(open) = self.open.last() else {
            if is_blank {
                return Ok(());
            }
            let blanks = raw.len() - raw.trim_start_matches([' ', '\t', '\n', '\r']).len();
            return Err(self.text_outside(place.offset(start + blanks)));
        };
        let keep_blank = self.options.blank_text == BlankText::Keep;
        if keep_blank || !self.may_have_returns(place) || !raw.contains('\r') {
            if !keep_blank && is_blank && is_before_tag && self.is_indentation(open, is_before_end) {
                self.drop_blanks(span, place);
                return Ok(());
            }
            if let Some(open) = self.open.last_mut() {
                open.note_text();
            }
            let text = if self.may_have_returns(place) { normalise_lines(raw) } else { raw.into() };
            let at = matches!(text, std::borrow::Cow::Borrowed(_)).then_some(start);
            return self.push_text(&text, at, place, span);
        }
        // libxml2 judges the pieces between line endings of two characters one by one.
        let pieces = pieces(raw);
        let mut is_kept = false;
        for (number, piece) in pieces.iter().enumerate() {
            let Some(open) = self.open.last() else { return Ok(()) };
            let is_last = number + 1 == pieces.len();
            let may_go = !is_last || is_before_tag;
            let is_indentation = may_go && self.is_indentation(open, is_last && is_before_end);
            let is_dropped = piece.is_empty() || (is_indentation && self::is_blank(piece));
            if !is_dropped {
                if let Some(open) = self.open.last_mut() {
                    open.note_text();
                }
                is_kept = true;
                self.push_text(&normalise_lines(piece), None, place, span)?;
            }
        }
        if !is_kept {
            self.drop_blanks(span, place);
        }
        Ok(())
    }

    pub(super) const fn may_have_returns(&self, place: Place) -> bool {
        self.has_returns || matches!(place, Place::Entity(_))
    }

    /// Keeps in mind which bytes have no node, so that they are not lost.
    pub(super) fn drop_blanks(&mut self, span: Span, place: Place) {
        match self.dropped.last_mut() {
            _ if !matches!(place, Place::File) => {}
            Some(last) if last.end == span.start => last.end = span.end,
            _ => self.dropped.push(span),
        }
    }

    /// Keeps in mind a reference that brought nothing.
    pub(super) fn keep_empty_reference(&mut self, nodes: usize, span: Span, place: Place) {
        match &mut self.run {
            _ if self.nodes.len() != nodes || !matches!(place, Place::File) => {}
            Some(run) => run.span.end = span.end,
            None => self.drop_blanks(span, place),
        }
    }

    pub(super) fn text_outside(&self, at: usize) -> Failure {
        let kind = match self.root {
            Some(_) => ParseErrorKind::TrailingContent,
            None => SyntaxError::TextBeforeRoot.into(),
        };
        Failure::new(kind, at)
    }

    /// Takes text from wherever it came; adjacent pieces become one node. `at` is where it stands as it is.
    pub(super) fn push_text(
        &mut self,
        text: &str,
        at: Option<usize>,
        place: Place,
        span: Span,
    ) -> Result<(), Failure> {
        if self.open.is_empty() {
            return Err(self.text_outside(span.start as usize));
        }
        let at = at.filter(|_| matches!(place, Place::File));
        let length = match &mut self.run {
            Some(run) => {
                run.span.end = span.end;
                let value = match &mut run.value {
                    RunValue::Owned(value) => value,
                    RunValue::Part(part) => {
                        run.value = RunValue::Owned(self.source[part.range()].to_owned());
                        let RunValue::Owned(value) = &mut run.value else { return Ok(()) };
                        value
                    }
                };
                value.push_str(text);
                value.len()
            }
            None => {
                let value = match at {
                    Some(at) => RunValue::Part(Span::new(at, at + text.len())),
                    None => RunValue::Owned(text.to_owned()),
                };
                self.run = Some(Run { span, value });
                text.len()
            }
        };
        let limit = self.options.max_text;
        if length > limit {
            let kind = ParseErrorKind::TooLarge { what: "a text", limit };
            return Err(Failure::new(kind, span.start as usize));
        }
        Ok(())
    }

    pub(super) fn cdata(
        &mut self,
        raw: &str,
        (start, end): (usize, usize),
        place: Place,
    ) -> Result<(), Failure> {
        let at = start + "<![CDATA[".len();
        if self.options.cdata == CDataSections::AsText || self.open.is_empty() {
            let value = normalise_lines(raw);
            let at = matches!(value, std::borrow::Cow::Borrowed(_)).then_some(at);
            return self.push_text(&value, at, place, place.span(start, end));
        }
        let value = self.lines(raw, at, place);
        self.add(Node::CData(Chars { value, span: place.own_span(start, end) }), place);
        Ok(())
    }
}

/// Divides text as libxml2's quick path does: before each `\r\n`, of which only `\n` counts; from a single `\r`, a
/// second `\r\n` right after one, or a character beyond ASCII on it stays in one piece.
fn pieces(raw: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while let Some(at) = raw[start..].find(|c: char| c == '\r' || !c.is_ascii()).map(|at| start + at) {
        if raw.as_bytes()[at] != b'\r' {
            break;
        }
        pieces.push(&raw[start..at]);
        let is_pair = raw.as_bytes().get(at + 1) == Some(&b'\n');
        start = if is_pair { at + 1 } else { at };
        let goes_on = raw.as_bytes().get(at + 2).is_none_or(|next| *next != b'\r' && next.is_ascii());
        if !is_pair || !goes_on {
            break;
        }
    }
    pieces.push(&raw[start..]);
    pieces
}

/// Finds the end of a CDATA section, which most texts have no byte of.
fn section_end(text: &str) -> Option<usize> {
    if memchr::memchr(b']', text.as_bytes()).is_some() { text.find("]]>") } else { None }
}
