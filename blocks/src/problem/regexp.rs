//! Regular expressions as authors write them for Python's `re`, run by an engine with look-around and limits on
//! backtracking and on the texts it looks ahead in.

use fancy_regex::{Error, Regex, RegexBuilder, RuntimeError};

/// How often the engine may go back before it gives up.
const BACKTRACK_LIMIT: usize = 200_000;

/// How long a text may be, in bytes, that is compared with a pattern that looks ahead or back. At each place in the
/// text such a pattern may read all the rest of it, which is no going back and not counted.
const LOOK_LIMIT: usize = 10_000;

/// A pattern that cannot be used, in the engine's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadPattern(pub(super) String);

/// Tells whether a pattern is found in a text.
pub(super) fn is_found(pattern: &str, ignore_case: bool, text: &str) -> Result<bool, BadPattern> {
    let compiled = compile(pattern, ignore_case)?;
    // Only what the engine below can run without going back takes time in proportion to the text.
    if text.len() > LOOK_LIMIT && regex::Regex::new(&translate(pattern)).is_err() {
        return Err(BadPattern("the answer is too long to be compared with this pattern".into()));
    }
    compiled.is_match(text).map_err(|error| {
        BadPattern(match error {
            Error::RuntimeError(RuntimeError::BacktrackLimitExceeded) => {
                "comparing the answer with this pattern takes too long".into()
            }
            other => other.to_string(),
        })
    })
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

/// Rewrites what the engine reads in another way than Python: `\Z`, `\<` and `\>`, octal numbers, literal braces, and
/// brackets and set operators inside character classes.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut characters = pattern.char_indices().peekable();
    let mut class_start = None;
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, 'Z')) if class_start.is_none() => out.push_str("\\z"),
                // The engine has them for the edges of words.
                Some((_, angle @ ('<' | '>'))) => out.push(angle),
                Some((start, '0'..='7')) if octal(&pattern[start..], class_start.is_some()).is_some() => {
                    let (number, length) =
                        octal(&pattern[start..], class_start.is_some()).unwrap_or_default();
                    out.push_str(&format!("\\x{{{number:x}}}"));
                    for _ in 1..length {
                        characters.next();
                    }
                }
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
            '-' if class_start.is_some_and(|start| start == at || ends_range(&pattern[start..at])) => {
                out.push_str("\\-");
            }
            '{' if class_start.is_none() && !is_quantifier(&pattern[at..]) => out.push_str("\\{"),
            '}' if class_start.is_none() && !closes_quantifier(&pattern[..at]) => out.push_str("\\}"),
            other => out.push(other),
        }
    }
    out
}

/// Tells whether what stands in a character class so far ends with the sign of a range, whose end comes next.
fn ends_range(class: &str) -> bool {
    class.len() > 1 && class.ends_with('-') && !class.ends_with("\\-")
}

/// Reads the octal number after a backslash and how many digits it has: `0` with up to two digits more, or three digits;
/// in a character class any. Other digits name groups.
fn octal(text: &str, in_class: bool) -> Option<(u32, usize)> {
    let digits = text.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    if !(text.starts_with('0') || digits == 3 || in_class) {
        return None;
    }
    u32::from_str_radix(&text[..digits], 8).ok().map(|number| (number, digits))
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
        assert!(found(r"^\<b\>[\<]$", "<b><"));
        assert!(found("^[+--]$", ",") && found("^[a+--]$", "-") && !found("^[+--]$", "."));
        assert!(found("^[--/]$", ".") && found(r"^[\--/]$", "."));
        assert!(found(r"^\07?\101\0?[\60]$", "A0") && found(r"^(a)\1$", "aa"));
        assert!(is_found("^(", false, "").is_err());
        assert!(is_found("^STRASSE$", true, "strasse").expect("it is a pattern"));
    }

    #[test]
    fn a_pattern_cannot_run_forever() {
        assert!(is_found("^(a|b|ab)*(?=c)\\1d$", false, &"ab".repeat(40)).is_err());
        // Neither goes back, and each reads all the rest at every place.
        let long = "a".repeat(1 << 20);
        for pattern in ["^(?:(?=a*b?)a)*$", r"^(?:(?=(a*))a)*c\1$"] {
            let error = is_found(pattern, false, &long).expect_err("it would take hours");
            assert!(error.0.contains("too long"), "{error:?}");
        }
        assert!(is_found("^(a|aa)+$", false, &long).expect("it takes one pass"));
    }
}
