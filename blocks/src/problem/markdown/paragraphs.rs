//! What stands around the questions: explanations, code, and paragraphs.

use super::text::{begins_line, between, ends_line, find, from, is_blank, line_end, next_line, skip_blanks};

/// Elements whose text is no paragraphs; a name that begins so is taken for one of them.
const WHOLE: [&str; 4] = ["script", "pre", "label", "description"];

/// Turns `[explanation]..[explanation]` into solutions and `[code]..[code]` into preformatted text.
pub(super) fn blocks(text: &str) -> String {
    let text = enclosed(text, "explanation", |inner| {
        format!("<solution>\n<div class=\"detailed-solution\">\nExplanation\n\n{inner}\n</div>\n</solution>")
    });
    enclosed(&text, "code", |inner| format!("<pre><code>{inner}</code></pre>"))
}

/// Replaces what stands between `[word]` and the next `[word]` or `[/word]`, where no `]` stands inside.
fn enclosed(text: &str, word: &str, make: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while let Some(start) = find(text, at, "[") {
        at = start + 1;
        let Some(inner) = after_word(from(text, at), word).map(|rest| text.len() - rest.len()) else {
            continue;
        };
        let inner = if from(text, inner).starts_with('\n') { inner + 1 } else { inner };
        let Some(close) = find(text, inner, "]") else { break };
        let content = between(text, inner, close);
        let Some(content) = before_word(content, word) else { continue };
        out.push_str(between(text, copied, start));
        out.push_str(&make(content));
        copied = close + 1;
        at = copied;
    }
    out.push_str(from(text, copied));
    out
}

fn after_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (found, rest) = text.split_at_checked(word.len())?;
    found.eq_ignore_ascii_case(word).then_some(rest)?.strip_prefix(']')
}

fn before_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (rest, found) = text.split_at_checked(text.len().checked_sub(word.len())?)?;
    let rest = found.eq_ignore_ascii_case(word).then_some(rest)?;
    rest.strip_suffix("[/").or_else(|| rest.strip_suffix('['))
}

/// Wraps every line that is no markup into a paragraph, outside of scripts, preformatted text, labels and descriptions.
pub(super) fn wrap(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_open = true;
    for piece in pieces(text) {
        if WHOLE.iter().any(|name| piece.contains(&format!("<{name}"))) {
            is_open = false;
        }
        if is_open {
            wrap_lines(piece, &mut out)
        } else {
            out.push_str(piece)
        }
        if WHOLE.iter().any(|name| piece.contains(&format!("</{name}"))) {
            is_open = true;
        }
    }
    out
}

/// Parts a text into the tags of such elements and what stands between them. A tag ends on the line it begins on.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(open) = find(text, at, "<") {
        at = open + 1;
        let name = from(text, at);
        let name = name.strip_prefix('/').unwrap_or(name);
        let Some(word) = WHOLE.iter().find(|word| name.starts_with(**word)) else { continue };
        let after = text.len() - name.len() + word.len();
        let end = tag_end(text, after);
        if from(text, end).starts_with('>') {
            pieces.push(between(text, start, open));
            pieces.push(between(text, open, end + 1));
            start = end + 1;
        }
        at = end;
    }
    pieces.push(from(text, start));
    pieces
}

/// Finds the end of a tag, or of the line it should have ended on.
fn tag_end(text: &str, at: usize) -> usize {
    from(text, at).find(|c| c == '>' || ends_line(c)).map_or(text.len(), |offset| at + offset)
}

fn wrap_lines(piece: &str, out: &mut String) {
    let mut start = Some(0);
    // Up to here all is blank, and markup or none follows: blank lines before a line of markup stay bare.
    let mut blank_until = 0;
    let mut markup_follows = false;
    while let Some(at) = start {
        debug_assert!(at == 0 || begins_line(piece, at), "lines begin where lines begin");
        if at >= blank_until {
            blank_until = skip_blanks(piece, at);
            markup_follows = from(piece, blank_until).starts_with('<');
        }
        let end = line_end(piece, at);
        let line = between(piece, at, end);
        if line.is_empty() || markup_follows && line.chars().all(is_blank) || is_markup(line) {
            out.push_str(line);
        } else {
            out.push_str("<p>");
            out.push_str(line);
            out.push_str("</p>");
        }
        start = next_line(piece, at);
        out.push_str(between(piece, end, start.unwrap_or(end)));
    }
}

fn is_markup(line: &str) -> bool {
    line.trim_start_matches(is_blank).starts_with('<')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_markup_becomes_a_paragraph() {
        assert_eq!(wrap("a\n\n  \n<b>c</b>\n  \nd"), "<p>a</p>\n\n  \n<b>c</b>\n<p>  </p>\n<p>d</p>");
        assert_eq!(wrap("a <pre>\nb\n</pre> c"), "<p>a </p><pre>\nb\n</pre><p> c</p>");
        assert_eq!(wrap("<pre a\nb"), "<pre a\nb");
    }

    #[test]
    fn explanations_end_at_their_word() {
        assert_eq!(
            enclosed("[Code]\na[/code] [code]b[c][code]", "code", |inner| format!("<{inner}>")),
            "<a> [code]b[c][code]"
        );
        assert_eq!(enclosed("[code][code]a[code]", "code", |inner| format!("<{inner}>")), "<>a[code]");
    }
}
