//! Multiple choice, `( ) a`, and checkboxes, `[x] a`.

use super::MarkdownError;
use super::hint::Hinted;
use super::text::{
    between, ends_line, find, from, is_blank, line_and_empty_lines, line_end, replace_groups, skip_blanks,
    trim,
};

/// Turns groups of lines such as `(x) text` into multiple choice: `x` marks what is correct, `@` what is not shuffled, `!`
/// that the others are.
pub(super) fn multiple_choice(text: &str) -> Result<String, MarkdownError> {
    let is_choice = |text: &str, at: usize| {
        parentheses(between(text, at, line_end(text, at))).map(|_| line_and_empty_lines(text, at))
    };
    replace_groups(text, is_choice, |group| {
        let mut shuffle = "";
        let mut choices = String::new();
        for line in group.split('\n').map(trim).filter(|line| !line.is_empty()) {
            let Some((marks, choice)) = parentheses(line) else { continue };
            if choice.is_empty() {
                return Err(MarkdownError::BlankOption);
            }
            let correct = marks.contains(['x', 'X']);
            let fixed = if marks.contains('@') { " fixed=\"true\"" } else { "" };
            if marks.contains('!') {
                shuffle = " shuffle=\"true\"";
            }
            let hinted = Hinted::read(choice);
            let choice = if hinted.hint.is_empty() {
                choice.to_owned()
            } else {
                format!("{} {}", hinted.answer, hinted.element("choicehint"))
            };
            choices.push_str(&format!("    <choice correct=\"{correct}\"{fixed}>{choice}</choice>\n"));
        }
        Ok(format!(
            "<multiplechoiceresponse>\n  <choicegroup type=\"MultipleChoice\"{shuffle}>\n{choices}  </choicegroup>\n\
             </multiplechoiceresponse>\n\n"
        ))
    })
}

/// Parts a line that begins with up to three characters in parentheses: what is inside, and the text after it. The longest
/// reading counts: of `(a)b)` the inside is `a)b`.
fn parentheses(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix('(')?;
    let mut units = 0;
    let mut found = None;
    for (at, c) in rest.char_indices() {
        if ends_line(c) || units > 3 {
            break;
        }
        if c == ')' {
            found = Some(at);
        }
        units += c.len_utf16();
    }
    let close = found?;
    Some((between(rest, 0, close), from(rest, close + 1).trim_start_matches(is_blank)))
}

/// Turns groups of lines such as `[x] text`, among them hints of combinations `{{ ((A B)) text }}`, into checkboxes.
pub(super) fn checkboxes(text: &str) -> Result<String, MarkdownError> {
    let is_choice = |text: &str, at: usize| {
        let line = between(text, at, line_end(text, at));
        let is_hint = line.starts_with("{{") && find(line, 2, "}}").is_some();
        (is_hint || brackets(line).is_some()).then(|| line_and_empty_lines(text, at))
    };
    replace_groups(text, is_choice, |group| {
        let mut choices = String::new();
        let mut combinations = String::new();
        for line in group.split('\n').filter(|line| !trim(line).is_empty()) {
            let line = line.trim_start_matches(is_blank);
            if let Some((value, hint)) = combination(line) {
                combinations.push_str(&format!(
                    "    <compoundhint value=\"{}\">{}</compoundhint>\n",
                    trim(value),
                    trim(&hint.replacen("&lf;", "\n", 1))
                ));
                continue;
            }
            let Some((mark, choice)) = brackets(line).filter(|(_, choice)| !choice.is_empty()) else {
                return Err(MarkdownError::BlankOption);
            };
            let correct = matches!(mark, "x" | "X");
            let hinted = Hinted::read(choice);
            let hints = selection_hints(&hinted.hint);
            // A hint in no known form stays in the text, where its author sees it.
            let choice = if hints.is_empty() { choice } else { &hinted.answer };
            choices.push_str(&format!("    <choice correct=\"{correct}\">{choice}{hints}</choice>\n"));
        }
        Ok(format!(
            "<choiceresponse>\n  <checkboxgroup>\n{choices}{combinations}  </checkboxgroup>\n</choiceresponse>\n\n"
        ))
    })
}

/// Parts a line that begins with at most one character in brackets: that character, and the text after it.
fn brackets(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix('[')?;
    let mark = rest.chars().next().filter(|c| !ends_line(*c) && c.len_utf16() == 1)?;
    let (mark, rest) = match rest.split_at_checked(mark.len_utf8()) {
        Some((mark, after)) if after.starts_with(']') => (mark, after),
        _ => ("", rest),
    };
    Some((mark, rest.strip_prefix(']')?.trim_start_matches(is_blank)))
}

/// Reads `{{ ((A B)) text }}`: the combination and the text.
fn combination(line: &str) -> Option<(&str, &str)> {
    let inner = line.strip_prefix("{{")?.trim_start_matches(is_blank).strip_prefix("((")?;
    let (value, rest) = inner.split_once("))")?;
    let (hint, _) = rest.split_once("}}")?;
    (!value.contains(ends_line) && !hint.contains(ends_line)).then_some((value, hint))
}

/// Writes the hints of `selected: text}, {unselected: text`, each on a line of its own.
fn selection_hints(hint: &str) -> String {
    let braced = format!("{{{hint}}}");
    let hint = |names: [&str; 2], selected: &str| {
        let text = selection_hint(&braced, names)?;
        Some(format!("\n      <choicehint selected=\"{selected}\">{}</choicehint>", trim(text)))
    };
    if braced == "{}" {
        return String::new();
    }
    [hint(["s", "selected"], "true"), hint(["u", "unselected"], "false")].into_iter().flatten().collect()
}

fn selection_hint<'t>(braced: &'t str, names: [&str; 2]) -> Option<&'t str> {
    braced.match_indices('{').find_map(|(open, _)| {
        let at = skip_blanks(braced, open + 1);
        let rest = names.iter().find_map(|name| {
            let (word, rest) = from(braced, at).split_at_checked(name.len())?;
            word.eq_ignore_ascii_case(name).then_some(rest)?.strip_prefix(':')
        })?;
        let (text, _) = rest.split_once('}')?;
        (!text.contains(|c| ends_line(c) && c != '\n')).then_some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_long_as_they_can_be() {
        assert_eq!(parentheses("(a)b) c"), Some(("a)b", "c")));
        assert_eq!(parentheses("(abc)) d"), Some(("abc", ") d")));
        assert_eq!(parentheses("(abcd) e"), None);
        assert_eq!(parentheses("(\u{1f600}b) c"), Some(("\u{1f600}b", "c")));
        assert_eq!(parentheses("(\u{1f600}\u{1f600}) c"), None);
        assert_eq!(brackets("[]] a"), Some(("]", "a")));
        assert_eq!(brackets("[] a"), Some(("", "a")));
        assert_eq!(brackets("[\u{1f600}] a"), None);
    }

    #[test]
    fn blank_choices_are_refused() {
        assert!(matches!(multiple_choice("( )\n(x) b"), Err(MarkdownError::BlankOption)));
        assert!(matches!(checkboxes("[x] a\n{{hint}}"), Err(MarkdownError::BlankOption)));
    }
}
