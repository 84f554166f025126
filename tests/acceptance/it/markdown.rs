//! The simple editor's language: texts made to be slow.

use std::time::{Duration, Instant};

use blocks::problem::markdown::{from_xml, to_xml};

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

/// A problem of the recorded texts either comes back as a text that means the same, or there is a reason why not. Which of
/// them have one is counted, so that the language does not lose words unnoticed.
#[test]
fn recorded_problems_come_back_or_say_why_not() {
    let recorded = include_str!("../../vectors/markdown.json");
    let recorded: serde_json::Value = serde_json::from_str(recorded).expect("the vectors are JSON");
    let problems =
        recorded["cases"].as_array().expect("cases").iter().filter_map(|case| case["xml"].as_str());
    let (mut back, mut reasons) = (0, Vec::new());
    for xml in problems {
        match from_xml(xml) {
            Ok(text) => {
                // What comes back is stable: the text of its own problem is the same text.
                let again = to_xml(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
                assert_eq!(from_xml(&again).as_ref(), Ok(&text), "{xml}");
                back += 1;
            }
            Err(reason) => reasons.push(format!("{reason}: {xml}")),
        }
    }
    assert!(back >= 95, "only {back} come back:\n{}", reasons.join("\n"));
}
