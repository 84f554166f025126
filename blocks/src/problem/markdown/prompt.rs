//! What stands before the answers: headers, underlined by `==`, and questions, `>>label||description<<`.

use super::text::{between, find, from, line_end};

/// Turns lines that are underlined by two or more `=` into headings.
pub(super) fn headers(text: &str) -> String {
    let is_underline = |at: usize| {
        let line = between(text, at, line_end(text, at));
        line.len() >= 2 && line.bytes().all(|c| c == b'=')
    };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    loop {
        let end = line_end(text, at);
        let line = between(text, at, end);
        let ends_with_newline = from(text, end).starts_with('\n');
        if ends_with_newline && is_underline(end + 1) {
            out.push_str("<h3 class=\"hd hd-2 problem-header\">");
            out.push_str(line);
            out.push_str("</h3>");
        } else {
            out.push_str(line);
        }
        let Some(terminator) = from(text, end).chars().next() else { return without_underlines(&out) };
        out.push(terminator);
        at = end + terminator.len_utf8();
    }
}

/// Removes underlines with the end of the line before them.
fn without_underlines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(newline) = find(text, at, "\n") {
        let end = line_end(text, newline + 1);
        let line = between(text, newline + 1, end);
        out.push_str(between(text, at, newline));
        if line.len() >= 2 && line.bytes().all(|c| c == b'=') {
            at = end;
        } else {
            out.push('\n');
            at = newline + 1;
        }
    }
    out.push_str(from(text, at));
    out
}

/// Turns `>>label||description<<` into elements; what follows a second `||` is dropped.
pub(super) fn labels(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(start) = find(text, at, ">>") {
        let first = from(text, start + 2).chars().next().map_or(1, char::len_utf8);
        let Some(end) = find(text, start + 2 + first, "<<") else { break };
        let mut parts = between(text, start + 2, end).split("||");
        out.push_str(between(text, at, start));
        out.push_str(&format!("<label>{}</label>\n", parts.next().unwrap_or_default()));
        if let Some(description) = parts.next().filter(|description| !description.is_empty()) {
            out.push_str(&format!("<description>{description}</description>\n"));
        }
        at = end + 2;
    }
    out.push_str(from(text, at));
    out
}

/// Splits a text where a line holds nothing but `---`; a separator takes the blank lines around it along.
pub(super) fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(newline) = find(text, at, "\n") {
        let dashes = super::text::skip_blanks(text, newline + 1);
        let after = dashes + 3;
        let end = super::text::skip_blanks(text, after.min(text.len()));
        let last =
            from(text, dashes).starts_with("---").then(|| between(text, after, end).rfind('\n')).flatten();
        match last {
            Some(last) => {
                parts.push(between(text, start, newline));
                start = after + last + 1;
                at = start;
            }
            None => at = dashes.max(newline + 1),
        }
    }
    parts.push(from(text, start));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_share_no_end_of_line() {
        assert_eq!(parts("a\n\n---\n\nb"), ["a", "b"]);
        assert_eq!(parts("a\n---\n---\nb"), ["a", "---\nb"]);
        assert_eq!(parts("---\na\n--- b"), ["---\na\n--- b"]);
    }

    #[test]
    fn underlines_may_be_headings_themselves() {
        let heading = |text: &str| format!("<h3 class=\"hd hd-2 problem-header\">{text}</h3>");
        assert_eq!(headers("a\n==\n===\nb"), format!("{}\n{}\nb", heading("a"), heading("==")));
        assert_eq!(headers("a\n=\nb\n== "), "a\n=\nb\n== ");
    }
}
