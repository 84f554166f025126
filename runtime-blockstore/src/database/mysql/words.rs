//! Statements as this crate writes them, put into the words of MySQL.

/// A statement for the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) text: String,
    /// Which of the given values stands at each `?`.
    pub(super) parameters: Vec<usize>,
    /// Whether it changes anything.
    pub(super) writes: bool,
}

impl Words {
    /// Translates: `?2` is a `?` that takes the second value, `main.` goes, and `temp.x` is the table `temp_x`.
    ///
    /// Texts in single quotes stay as they are; names in double quotes are names by the session's mode.
    pub(super) fn of(sql: &str) -> Self {
        let mut text = String::with_capacity(sql.len());
        let mut parameters = Vec::new();
        let mut rest = sql;
        let mut is_word = false;
        while let Some(first) = rest.chars().next() {
            let taken = match first {
                '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
                '?' => {
                    let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                    let number: usize = rest[1..=digits].parse().unwrap_or(1);
                    parameters.push(number.saturating_sub(1));
                    text.push('?');
                    rest = &rest[digits + 1..];
                    is_word = false;
                    continue;
                }
                'm' if !is_word && rest.starts_with("main.") => {
                    rest = &rest[5..];
                    continue;
                }
                't' if !is_word && rest.starts_with("temp.") => {
                    text.push_str("temp_");
                    rest = &rest[5..];
                    continue;
                }
                other => other.len_utf8(),
            };
            is_word = first.is_alphanumeric() || first == '_';
            text.push_str(&rest[..taken]);
            rest = &rest[taken..];
        }
        let verb = sql.split_whitespace().next().unwrap_or_default();
        Self { text, parameters, writes: !verb.eq_ignore_ascii_case("select") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_by_their_numbers() {
        let words = Words::of("SELECT a FROM t WHERE ?2 IS NULL OR (b = ?2 AND c = ?1) LIMIT ?10");
        assert_eq!(words.text, "SELECT a FROM t WHERE ? IS NULL OR (b = ? AND c = ?) LIMIT ?");
        assert_eq!(words.parameters, [1, 1, 0, 9]);
        assert!(!words.writes);
    }

    #[test]
    fn places_of_tables_are_told_and_texts_stay() {
        let words = Words::of("INSERT INTO main.a SELECT 'main.?1', \"main.\", domain.x, ü FROM temp.b");
        assert_eq!(words.text, "INSERT INTO a SELECT 'main.?1', \"main.\", domain.x, ü FROM temp_b");
        assert!(words.parameters.is_empty() && words.writes);
    }
}
