//! How the editor's language sees text: its blanks, its ends of lines, and groups of lines of one kind.
//!
//! The editor runs in browsers, so blanks are those of ECMAScript, and lengths count UTF-16 units.

/// Tells whether a character ends a line.
pub(super) const fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Tells whether a character is a blank, ends of lines included.
pub(super) const fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}'
            | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

/// Removes blanks from both ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// Removes every blank.
pub(super) fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !is_blank(*c)).collect()
}

/// Returns what follows a position; nothing past the end.
pub(super) fn from(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

/// Returns what stands between two positions.
pub(super) fn between(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// Finds the first character from a position on that is no blank, or the end.
pub(super) fn skip_blanks(text: &str, at: usize) -> usize {
    from(text, at).find(|c| !is_blank(c)).map_or(text.len(), |offset| at + offset)
}

/// Finds the end of the line a position stands on.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    from(text, at).find(ends_line).map_or(text.len(), |offset| at + offset)
}

/// Finds the first beginning of a line after a position.
pub(super) fn next_line(text: &str, at: usize) -> Option<usize> {
    let end = line_end(text, at);
    from(text, end).chars().next().map(|c| end + c.len_utf8())
}

/// Tells whether a line begins at a position.
pub(super) fn begins_line(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|before| before.chars().next_back().is_none_or(ends_line))
}

/// Finds a text from a position on.
pub(super) fn find(text: &str, at: usize, what: &str) -> Option<usize> {
    from(text, at).find(what).map(|offset| at + offset)
}

/// Replaces every group of lines of one kind. Such a group begins with a line's beginning, blank lines before its first
/// line included.
///
/// `line` is asked, at the first character of a line that is no blank, where a line of this kind ends; `make` writes what
/// stands for the group.
pub(super) fn replace_groups<E>(
    text: &str,
    line: impl Fn(&str, usize) -> Option<usize>,
    mut make: impl FnMut(&str) -> Result<String, E>,
) -> Result<String, E> {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut start = Some(0);
    while let Some(at) = start {
        let content = skip_blanks(text, at);
        let Some(mut end) = line(text, content) else {
            start = next_line(text, content);
            continue;
        };
        while begins_line(text, end)
            && let Some(further) = line(text, skip_blanks(text, end))
        {
            end = further;
        }
        out.push_str(between(text, copied, at));
        out.push_str(&make(between(text, at, end))?);
        copied = end;
        // A line that begins where the group ends is of another kind, or the group had gone on.
        let seen = if begins_line(text, end) { skip_blanks(text, end) } else { end };
        start = next_line(text, seen);
    }
    out.push_str(from(text, copied));
    Ok(out)
}

/// Returns the end of the line a position stands on, and of the empty lines after it.
pub(super) fn line_and_empty_lines(text: &str, at: usize) -> usize {
    let end = line_end(text, at);
    from(text, end).find(|c| c != '\n').map_or(text.len(), |offset| end + offset)
}

/// Removes a word, in letters of any size, with the blank before it, and as many bytes after it as `rest` says, which may
/// also keep it.
pub(super) fn remove_after_blank(text: &str, word: &str, rest: impl Fn(&str) -> Option<usize>) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, _) in lower.match_indices(word) {
        let before = between(text, copied, at);
        let Some(blank) = before.chars().next_back().filter(|c| is_blank(*c)) else { continue };
        let Some(rest) = rest(from(text, at + word.len())) else { continue };
        out.push_str(between(text, copied, at - blank.len_utf8()));
        copied = at + word.len() + rest;
    }
    out.push_str(from(text, copied));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_take_the_blank_lines_before_them() {
        let is_dash =
            |text: &str, at: usize| from(text, at).starts_with('-').then(|| line_and_empty_lines(text, at));
        let made = replace_groups::<()>("a\n\n - b\n- c\n\nd\n- e", is_dash, |group| {
            Ok(format!("[{}]", group.len()))
        });
        assert_eq!(made, Ok("a\n[11]d\n[3]".into()));
    }
}
