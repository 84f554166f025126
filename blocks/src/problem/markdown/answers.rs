//! Answers that are typed: `= 5 +- 1`, `= Paris`, with `or=` and `not=` lines after it.

use super::hint::Hinted;
use super::text::{
    begins_line, between, find, from, is_blank, line_end, next_line, skip_blanks, trim, without_blanks,
};

/// Turns lines of answers into questions for numbers or texts.
pub(super) fn replace(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut start = Some(0);
    while let Some(at) = start {
        let Some(end) = answers_end(text, at) else {
            start = next_line(text, at);
            continue;
        };
        out.push_str(between(text, copied, at));
        let lines: Vec<_> = between(text, at, end).split('\n').collect();
        let (first, others) = lines.split_first().map_or(("", &[][..]), |(first, others)| (*first, others));
        out.push_str(&numerical(first, others).unwrap_or_else(|| string(first, others)));
        copied = end;
        start = next_line(text, end);
    }
    out.push_str(from(text, copied));
    out
}

/// Finds the end of the answers that begin with a line: `=` or `s=`, then `or=` and `not=` lines with nothing but empty lines
/// between. Blanks after a sign may be ends of lines, so a sign alone takes the next line.
fn answers_end(text: &str, at: usize) -> Option<usize> {
    debug_assert!(begins_line(text, at), "answers begin with a line");
    let line = from(text, at);
    let sign =
        line.strip_prefix('s').unwrap_or(line).strip_prefix('=').map(|rest| text.len() - rest.len())?;
    let mut end = line_end(text, skip_blanks(text, sign));
    loop {
        let next = from(text, end).find(|c| c != '\n').map_or(text.len(), |offset| end + offset);
        let Some(word) = ["or=", "not="].into_iter().find(|word| from(text, next).starts_with(word)) else {
            return Some(end);
        };
        end = line_end(text, skip_blanks(text, next + word.len()));
    }
}

/// Writes a question for numbers, where the first answer is one or a range of them.
fn numerical(first: &str, others: &[&str]) -> Option<String> {
    let first = first.strip_prefix('=').map_or(first, |first| first.trim_start_matches(is_blank));
    if !is_number(first) && !is_range(first) {
        return None;
    }
    let hinted = Hinted::read(first);
    let first = if hinted.hint.is_empty() { first } else { &hinted.answer };
    let mut out = String::new();
    if is_range(first) {
        out.push_str(&format!("<numericalresponse answer=\"{first}\">\n"));
    } else {
        let (answer, tolerance) = match first.split_once("+-") {
            Some((answer, tolerance)) => (answer, tolerance.trim_start_matches(is_blank)),
            None => (first, ""),
        };
        out.push_str(&format!("<numericalresponse answer=\"{}\">\n", without_blanks(answer)));
        if !tolerance.is_empty() {
            out.push_str(&format!("  <responseparam type=\"tolerance\" default=\"{tolerance}\" />\n"));
        }
    }
    for other in others {
        let hinted = Hinted::read(other);
        let answer = value_after("or=", &hinted.answer);
        // Only single numbers can be added.
        if let Some(answer) = answer.filter(|a| begins_as_number(a) && !is_range(a) && !a.contains("+-")) {
            out.push_str(&additional_answer(answer, &hinted));
        }
    }
    out.push_str("  <formulaequationinput />\n");
    if !hinted.hint.is_empty() {
        out.push_str(&format!("  {}\n", hinted.element("correcthint")));
    }
    out.push_str("</numericalresponse>\n\n");
    Some(out)
}

/// Writes a question for a text.
fn string(first: &str, others: &[&str]) -> String {
    let unmarked = first.strip_prefix('s').unwrap_or(first).strip_prefix('=');
    let first = unmarked.map_or(first, |first| first.trim_start_matches(is_blank));
    let hinted = Hinted::read(first);
    let (kind, answer) = match hinted.answer.strip_prefix('|') {
        Some(pattern) => ("ci regexp", trim(pattern)),
        None => ("ci", hinted.answer.as_str()),
    };
    let mut out = format!("<stringresponse answer=\"{answer}\" type=\"{kind}\" >\n");
    if !hinted.hint.is_empty() {
        out.push_str(&format!("  {}\n", hinted.element("correcthint")));
    }
    for other in others {
        let hinted = Hinted::read(other);
        if let Some(answer) = value_after("not=", &hinted.answer) {
            let label = hinted.label_attribute();
            out.push_str(&format!(
                "  <stringequalhint answer=\"{answer}\"{label}>{}</stringequalhint>\n",
                hinted.hint
            ));
        } else if let Some(answer) = value_after("or=", &hinted.answer) {
            out.push_str(&additional_answer(answer, &hinted));
        }
    }
    out.push_str("  <textline size=\"20\"/>\n</stringresponse>\n\n");
    out
}

fn additional_answer(answer: &str, hinted: &Hinted) -> String {
    let hint = if hinted.hint.is_empty() { String::new() } else { hinted.element("correcthint") };
    format!("  <additional_answer answer=\"{answer}\">{hint}</additional_answer>\n")
}

fn value_after<'t>(sign: &str, line: &'t str) -> Option<&'t str> {
    let value = line.strip_prefix(sign)?.trim_start_matches(is_blank);
    Some(between(value, 0, line_end(value, 0)))
}

/// Tells whether a text is a range: it begins and ends with a bracket or parenthesis.
fn is_range(text: &str) -> bool {
    text.starts_with(['[', '(']) && text.ends_with([']', ')'])
}

/// Tells whether an answer is meant as a number: apart from hints it begins as one and has no letter but `e`.
fn is_number(answer: &str) -> bool {
    let bare = without_hints(answer);
    let has_letter = bare.contains(|c: char| c.is_ascii_alphabetic() && !c.eq_ignore_ascii_case(&'e'));
    !has_letter && begins_as_number(&bare)
}

fn without_hints(answer: &str) -> String {
    let mut out = String::new();
    let mut at = 0;
    while let Some(start) = find(answer, at, "{{") {
        let Some(close) = find(answer, start + 2, "}}") else { break };
        out.push_str(between(answer, at, start));
        at = close + 2;
    }
    out.push_str(from(answer, at));
    out
}

/// Tells whether a text begins with a decimal number, whatever follows.
fn begins_as_number(text: &str) -> bool {
    let text = text.trim_start_matches(is_blank);
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = text.strip_prefix('.').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit()) || text.starts_with("Infinity")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_as_numbers_and_have_no_letters() {
        for number in ["5", " -5.5", "+.5", "1.5e3", "5*2", "15%", "5 {{abc}}"] {
            assert!(is_number(number), "{number}");
        }
        for text in ["", "e5", "2*pi", ".", "-", "5 apples", "{{5}}"] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn a_sign_alone_takes_the_next_line() {
        assert_eq!(
            replace("=\n\nB\nC"),
            "<stringresponse answer=\"\" type=\"ci\" >\n  <textline size=\"20\"/>\n</stringresponse>\n\n\nC"
        );
    }
}
