//! The simple editor's language: texts made to be slow.

use std::time::{Duration, Instant};

use blocks::problem::markdown::to_xml;

/// Texts that, repeated, keep a reader that goes back and forth busy for ever.
const HOSTILE: [&str; 26] = [
    "(",
    "[[",
    "{{",
    "|| ",
    ">>",
    "= ",
    "\n",
    "\n ",
    "[code]",
    "<pre ",
    "\n\n",
    "[x] {{",
    "( ) a\n\n",
    "=\nor=\n",
    "</",
    ",(",
    "xmlns=",
    "\n---",
    " \n||",
    "[explanation]\n",
    "{{ ((",
    "\u{2028}",
    "\n==",
    "class='",
    "<b/>\n",
    "|| a || b\n",
];

#[test]
fn hostile_texts_take_bounded_time() {
    for piece in HOSTILE {
        let text = piece.repeat(200_000 / piece.len());
        let begun = Instant::now();
        // What comes of it does not matter, but that it comes.
        let _ = to_xml(&text);
        let _ = to_xml(&format!("( ) a\n{text}"));
        assert!(begun.elapsed() < Duration::from_secs(20), "{piece:?}: {:?}", begun.elapsed());
    }
}
