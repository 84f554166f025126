//! Dropdowns: `[[a, (b), c]]`, or one option a line.

use super::MarkdownError;
use super::hint::Hinted;
use super::text::{between, ends_line, find, from, is_blank, skip_blanks, trim};

/// Turns every `[[..]]` into a question with a dropdown.
pub(super) fn replace(text: &str) -> Result<String, MarkdownError> {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while let Some(start) = find(text, at, "[[") {
        let first = from(text, start + 2).chars().next().map_or(1, char::len_utf8);
        let Some(close) = find(text, start + 2 + first, "]]") else { break };
        let inner = between(text, start + 2, close);
        if let Some(offset) = inner.rfind(|c| ends_line(c) && c != '\n') {
            at = start + 2 + offset;
            continue;
        }
        out.push_str(between(text, copied, start));
        out.push_str("\n<optionresponse>\n  <optioninput");
        out.push_str(&if inner.contains('\n') { lines(inner)? } else { one_line(inner) });
        out.push_str("</optioninput>\n</optionresponse>\n\n");
        copied = close + 2;
        at = copied;
    }
    out.push_str(from(text, copied));
    Ok(out)
}

/// Writes the options of one line into attributes, as they stand: quotes and apostrophes are not escaped.
fn one_line(inner: &str) -> String {
    let mut options = inner.split(',');
    let first = options.next().unwrap_or_default();
    let options: Vec<_> = std::iter::once(first)
        .chain(options.map(|option| option.trim_start_matches(is_blank)))
        .map(|option| format!("'{}'", in_parentheses(option).unwrap_or(option)))
        .collect();
    let correct = first_correct(inner).unwrap_or_default();
    format!(" options=\"({})\" correct=\"{correct}\">", options.join(","))
}

/// Returns what stands inside the parentheses of an option that is nothing but these.
fn in_parentheses(option: &str) -> Option<&str> {
    trim(option).strip_prefix('(')?.strip_suffix(')')
}

/// Finds the first text in parentheses that begins an option and ends one; commas may stand inside.
fn first_correct(inner: &str) -> Option<&str> {
    let starts = std::iter::once(0).chain(inner.match_indices(',').map(|(at, _)| at + 1));
    let open = starts.map(|at| skip_blanks(inner, at)).find(|at| from(inner, *at).starts_with('('))?;
    // Without an end after the first beginning there is none after a later one.
    let close = from(inner, open).match_indices(')').map(|(offset, _)| open + offset).find(|close| {
        let after = from(inner, skip_blanks(inner, close + 1));
        after.is_empty() || after.starts_with(',')
    })?;
    Some(between(inner, open + 1, close))
}

/// Writes one option a line, with hints.
fn lines(inner: &str) -> Result<String, MarkdownError> {
    let mut out = String::from(">\n");
    for line in inner.split('\n').map(trim).filter(|line| !line.is_empty()) {
        let mut hinted = Hinted::read(line);
        let (correct, text) = match hinted.answer.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
            Some(text) => ("True", text),
            None => ("False", hinted.answer.as_str()),
        };
        if text.is_empty() {
            return Err(MarkdownError::BlankOption);
        }
        out.push_str(&format!("    <option correct=\"{correct}\">{text}"));
        // Unlike elsewhere, an empty label is none.
        hinted.label = hinted.label.take().filter(|label| !label.is_empty());
        if !hinted.hint.is_empty() {
            out.push(' ');
            out.push_str(&hinted.element("optionhint"));
        }
        out.push_str("</option>\n");
    }
    out.push_str("  ");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_with_a_comma_is_two_but_may_be_correct() {
        assert_eq!(one_line("(a,b), c"), " options=\"('(a','b)','c')\" correct=\"a,b\">");
        assert_eq!(one_line(" a ,  (b) , c "), " options=\"(' a ','b','c ')\" correct=\"b\">");
        assert_eq!(one_line("(a) ), b"), " options=\"('a) ','b')\" correct=\"a) \">");
    }
}
