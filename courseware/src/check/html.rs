//! HTML as a browser reads it, with the places of its tags.

use std::ops::Range;

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// Lists the tags that open, in order of their places.
pub(super) fn tags(text: &str) -> impl Iterator<Item = StartTag<usize>> + '_ {
    tokens(text).filter_map(|token| match token {
        Token::StartTag(tag) => Some(tag),
        _ => None,
    })
}

/// Lists where tags and the texts of scripts and styles stand, in order.
pub(super) fn markup(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    // Where the text of a script or style began.
    let mut raw = None;
    for token in tokens(text) {
        match token {
            Token::StartTag(tag) => {
                ranges.push(tag.span.start..tag.span.end);
                raw = matches!(tag.name.as_slice(), b"script" | b"style").then_some(tag.span.end);
            }
            Token::EndTag(tag) => {
                if let Some(start) = raw.take() {
                    ranges.push(start..tag.span.start);
                }
            }
            _ => {}
        }
    }
    ranges
}

fn tokens(text: &str) -> impl Iterator<Item = Token<usize>> + '_ {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    Tokenizer::new_with_emitter(text, emitter).filter_map(Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_scripts_are_markup() {
        let text = "a <b c='d'>e</b> <script>f</script> g";
        let found: Vec<&str> = markup(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["<b c='d'>", "<script>", "f"]);
    }
}
