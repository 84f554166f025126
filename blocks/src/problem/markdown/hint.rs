//! Hints of answers, `{{label:: text}}`, and hints on demand, `|| text ||`.

use super::text::{between, ends_line, find, from, is_blank, replace_groups, skip_blanks, trim};

/// An answer and its hint.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hinted {
    /// The answer without its hint.
    pub(super) answer: String,
    /// The hint; empty where there is none.
    pub(super) hint: String,
    /// What stands before the hint instead of "Correct" or "Incorrect".
    pub(super) label: Option<String>,
}

impl Hinted {
    /// Takes the first hint out of an answer, with the blanks before it.
    pub(super) fn read(answer: &str) -> Self {
        let Some((start, inner, end)) = first_braces(answer) else {
            return Self { answer: answer.to_owned(), hint: String::new(), label: None };
        };
        let before = answer.get(..start).unwrap_or_default().trim_end_matches(is_blank);
        let hint = trim(inner);
        let (label, hint) = match hint.split_once("::") {
            Some((label, hint)) => (Some(trim(label).to_owned()), trim(hint)),
            None => (None, hint),
        };
        Self { answer: format!("{before}{}", from(answer, end)), hint: hint.to_owned(), label }
    }

    /// Writes the label as an attribute, where there is one, be it empty.
    pub(super) fn label_attribute(&self) -> String {
        self.label.as_ref().map(|label| format!(" label=\"{label}\"")).unwrap_or_default()
    }

    /// Writes the hint as an element with its label.
    pub(super) fn element(&self, tag: &str) -> String {
        format!("<{tag}{}>{}</{tag}>", self.label_attribute(), self.hint)
    }
}

/// Finds the first `{{..}}` that stands on one line: where it starts, what is inside, and where it ends.
fn first_braces(text: &str) -> Option<(usize, &str, usize)> {
    let mut at = 0;
    loop {
        let start = find(text, at, "{{")?;
        let close = find(text, start + 2, "}}")?;
        let inner = between(text, start + 2, close);
        match inner.rfind(ends_line) {
            None => return Some((start, inner, close + 2)),
            // No pair that opens before this end of a line closes on its own line.
            Some(offset) => at = start + 2 + offset,
        }
    }
}

/// Brings hints of several lines onto one: ends of lines and the indentation after them become one space.
pub(super) fn join_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while let Some(start) = find(text, at, "{{") {
        let Some(close) = find(text, start + 2, "}}") else { break };
        let inner = between(text, start, close + 2);
        if let Some(offset) = inner.rfind(|c| ends_line(c) && c != '\n') {
            at = start + offset;
            continue;
        }
        out.push_str(between(text, copied, start));
        let mut lines = inner.split('\n');
        out.push_str(lines.next().unwrap_or_default());
        for line in lines {
            out.push(' ');
            out.push_str(line.trim_start_matches([' ', '\t']));
        }
        copied = close + 2;
        at = copied;
    }
    out.push_str(from(text, copied));
    out
}

/// Takes the lines `|| text ||` out of the text and returns what is left and their texts.
pub(super) fn take_demand_hints(text: &str) -> (String, Vec<String>) {
    let mut hints = Vec::new();
    let left = replace_groups(text, demand_hint_line, |group| {
        for line in group.split('\n') {
            hints.extend(line.split(ends_line).find_map(demand_hint));
        }
        Ok::<_, std::convert::Infallible>(String::new())
    });
    let Ok(left) = left;
    (left, hints)
}

/// Finds the end of a line of hints on demand: `||` .. `||`, and the blanks after it up to the last end of a line among
/// them.
fn demand_hint_line(text: &str, at: usize) -> Option<usize> {
    let line = between(text, at, super::text::line_end(text, at));
    let mut inside = line.strip_prefix("||").map(|_| at + 2)?;
    loop {
        let close = find(between(text, 0, at + line.len()), inside, "||")?;
        let after = close + 2;
        let end = skip_blanks(text, after);
        if end == text.len() {
            return Some(end);
        }
        let blanks = between(text, after, end);
        match blanks.char_indices().rev().find(|(_, c)| ends_line(*c)) {
            Some((offset, '\n')) => return Some(after + offset + 1),
            Some((offset, _)) => return Some(after + offset),
            None => inside = close + 1,
        }
    }
}

fn demand_hint(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("||")?;
    let (hint, _) = rest.split_once("||")?;
    Some(trim(hint).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_comes_out_with_its_label() {
        let hinted = Hinted::read("b {{Yes:: because}} c");
        assert_eq!((hinted.answer.as_str(), hinted.hint.as_str()), ("b c", "because"));
        assert_eq!(hinted.element("choicehint"), "<choicehint label=\"Yes\">because</choicehint>");
        assert_eq!(Hinted::read("{{a\n{{b}}").hint, "b");
    }

    #[test]
    fn lines_of_a_hint_are_joined() {
        assert_eq!(join_lines("a {{b\n \tc\n}} d\n{{e"), "a {{b c }} d\n{{e");
    }

    #[test]
    fn hints_on_demand_are_taken_out() {
        let (left, hints) = take_demand_hints("a\n\n|| b ||\n  || c || d ||  \ne || f ||\n|| g");
        assert_eq!(left, "a\ne || f ||\n|| g");
        assert_eq!(hints, ["b", "c"]);
    }
}
