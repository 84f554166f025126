//! Regular expressions as authors write them for Python's `re`, run by an engine with look-around and limits on
//! backtracking and on the texts it looks ahead in.

mod fault;
mod translate;

use fancy_regex::{Error, Regex, RegexBuilder, RuntimeError};

use translate::translate;

/// How often the engine may go back before it gives up.
const BACKTRACK_LIMIT: usize = 200_000;

/// How long a text may be, in bytes, that is compared with a pattern that looks ahead or back. At each place in the
/// text such a pattern may read all the rest of it, which is no going back and not counted.
const LOOK_LIMIT: usize = 10_000;

/// A pattern that cannot be used: in Python's words where it is none in Python either, else in the engine's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadPattern(pub(super) String);

/// Tells whether a pattern is found in a text.
pub(super) fn is_found(pattern: &str, ignore_case: bool, text: &str) -> Result<bool, BadPattern> {
    let translated = translate(pattern, text.ends_with('\n'))?;
    let compiled = compile(&translated, ignore_case)?;
    // Only what the engine below can run without going back takes time in proportion to the text.
    if text.len() > LOOK_LIMIT && regex::Regex::new(&translated).is_err() {
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
    compile(&translate(pattern, false)?, false).map(drop)
}

fn compile(translated: &str, ignore_case: bool) -> Result<Regex, BadPattern> {
    RegexBuilder::new(translated)
        .case_insensitive(ignore_case)
        .backtrack_limit(BACKTRACK_LIMIT)
        .build()
        .map_err(|error| BadPattern(error.to_string()))
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
        assert!(found(r"^\N{DEGREE SIGN}\x41\u00e9\U0001F600$", "°Aé😀") && found(r"^[\b]$", "\x08"));
        assert!(found("^a{,}b{,2}$", "aaabb") && found("^a{ 1}$", "a{ 1}") && !found("^a*+a$", "aaa"));
        assert!(found(r"^\s$", "\x1c") && !found(r"^\w$", "\u{93f}") && found(r"^[\W]$", "\u{93f}"));
        assert!(found("^(?i)a$", "A") && found("^(?x) a b # c\n$", "ab") && found("^(?a:é|\\W)$", "é"));
        assert!(found("^(?=a)*+b$", "b") && found("^(?(1)a|b)(b)?$", "bb"));
        assert!(found("^a$", "a\n") && !found(r"^a\Z", "a\n") && found("^(a)?(?(1)b|c)$", "c"));
        assert!(is_found("^(", false, "").is_err());
        assert!(is_found("^STRASSE$", true, "strasse").expect("it is a pattern"));
    }

    #[test]
    fn what_python_takes_for_no_pattern_is_none() {
        let none = [
            "a{2,1}",
            "a**",
            "a{1}{2}",
            r"\B?",
            "^*",
            "$+",
            "a|*",
            "(*a)",
            r"\h",
            r"\z",
            r"\R",
            r"\p{L}",
            r"\x{41}",
            r"\u12",
            r"[\A]",
            "(?<n>a)",
            "(?P>n)",
            "(?R)",
            "(?L)a",
            "[z-a]",
            r"[a-\d]",
            "[]a",
            "(a",
            "a)",
            "(?#x)*",
            r"\8",
            "\\",
            "^a{99999999999}$",
            r"\N{NO SUCH THING}",
            r"\g<1>",
            "(?-)",
            "(?i",
            "(?P<n",
        ];
        for pattern in none {
            assert!(check(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_python() {
        let recorded: Vec<(String, Option<String>)> =
            serde_json::from_str(include_str!("../../../../tests/vectors/regexp.json")).expect("pairs");
        let differing: Vec<_> = recorded
            .iter()
            .map(|(pattern, expected)| (pattern, expected, translate(pattern, false).err().map(|bad| bad.0)))
            .filter(|(_, expected, found)| **expected != *found)
            .collect();
        assert!(recorded.len() > 200 && differing.is_empty(), "{differing:#?}");
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
