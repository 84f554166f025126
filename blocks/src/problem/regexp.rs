//! Regular expressions as authors write them for Python's `re`, run by an engine with look-around and a limit on
//! backtracking.

use fancy_regex::{Regex, RegexBuilder};

/// How often the engine may go back before it gives up.
const BACKTRACK_LIMIT: usize = 200_000;

/// A pattern that cannot be used, in the engine's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadPattern(pub(super) String);

/// Tells whether a pattern is found in a text.
pub(super) fn is_found(pattern: &str, ignore_case: bool, text: &str) -> Result<bool, BadPattern> {
    compile(pattern, ignore_case)?.is_match(text).map_err(|error| BadPattern(error.to_string()))
}

/// Checks that a pattern can be used.
pub(super) fn check(pattern: &str) -> Result<(), BadPattern> {
    compile(pattern, false).map(drop)
}

fn compile(pattern: &str, ignore_case: bool) -> Result<Regex, BadPattern> {
    RegexBuilder::new(&translate(pattern))
        .case_insensitive(ignore_case)
        .backtrack_limit(BACKTRACK_LIMIT)
        .build()
        .map_err(|error| BadPattern(error.to_string()))
}

/// Rewrites what the engine reads in another way than Python: `\Z`, literal braces, and brackets and set operators
/// inside character classes.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut characters = pattern.char_indices().peekable();
    let mut class_start = None;
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, 'Z')) if class_start.is_none() => out.push_str("\\z"),
                Some((_, escaped)) => {
                    out.push('\\');
                    out.push(escaped);
                }
                None => out.push('\\'),
            },
            '[' if class_start.is_none() => {
                out.push('[');
                let mut first = at + 1;
                if let Some((_, '^')) = characters.peek() {
                    characters.next();
                    out.push('^');
                    first += 1;
                }
                // A closing bracket right at the beginning stands for itself.
                if let Some((_, ']')) = characters.peek() {
                    characters.next();
                    out.push_str("\\]");
                    first += 1;
                }
                class_start = Some(first);
            }
            ']' if class_start.is_some() => {
                class_start = None;
                out.push(']');
            }
            '[' => out.push_str("\\["),
            '&' | '~' if class_start.is_some() => {
                out.push('\\');
                out.push(character);
            }
            '-' if class_start.is_some_and(|start| start == at) => out.push_str("\\-"),
            '{' if class_start.is_none() && !is_quantifier(&pattern[at..]) => out.push_str("\\{"),
            '}' if class_start.is_none() && !closes_quantifier(&pattern[..at]) => out.push_str("\\}"),
            other => out.push(other),
        }
    }
    out
}

/// Tells whether a text begins with `{2}`, `{2,}`, `{,3}` or `{2,3}`.
fn is_quantifier(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(inside, _)| inside)
    else {
        return false;
    };
    let (least, most) = inside.split_once(',').unwrap_or((inside, "0"));
    let is_number = |text: &str| text.chars().all(|digit| digit.is_ascii_digit());
    !(inside.is_empty() || inside == ",") && is_number(least) && is_number(most)
}

fn closes_quantifier(before: &str) -> bool {
    before.rfind('{').is_some_and(|open| is_quantifier(&format!("{}}}", &before[open..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_python() {
        let found = |pattern, text| is_found(pattern, false, text).expect("it is a pattern");
        assert!(found("^ba+d$", "baaad"));
        assert!(found("^a{2}{x}\\Z", "aa{x}"));
        assert!(found("^[][a-]+$", "[a-]"));
        assert!(found("^[&&~~]+$", "&~"));
        assert!(found(r"^\w+ \d{2}$", "Ähre ٣٤"));
        assert!(found("^(?=.*x)(?!.*y).+$", "axb") && !found("^(?=.*x)(?!.*y).+$", "axy"));
        assert!(is_found("^(", false, "").is_err());
        assert!(is_found("^STRASSE$", true, "strasse").expect("it is a pattern"));
    }

    #[test]
    fn a_pattern_cannot_run_forever() {
        assert!(is_found("^(a|b|ab)*(?=c)\\1d$", false, &"ab".repeat(40)).is_err());
    }
}
