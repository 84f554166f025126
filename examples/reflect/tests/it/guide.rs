//! The guide for authors quotes this example: every piece of code in it is code that these tests compile and run.

use std::path::Path;

/// Reads the pieces of code that name a file: text between fences, beside what stands behind the opening fence.
fn quotes(guide: &str) -> Vec<(&str, String)> {
    let mut quotes = Vec::new();
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
        let body: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        quotes.push((info, body.join("\n")));
    }
    quotes
}

#[test]
fn the_guide_quotes_the_example_as_it_is() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(here.join("../../docs/authoring.md")).expect("the guide");
    let mut checked = 0;
    for (info, code) in quotes(&guide) {
        // Commands for a shell and files of a reader's own name no file of the example.
        let Some((_, file)) = info.split_once(' ') else {
            assert!(!matches!(info, "rust" | "html"), "this code names no file of the example:\n{code}");
            continue;
        };
        let source =
            std::fs::read_to_string(here.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        for part in code.split("\n...\n") {
            assert!(source.contains(part), "{file} does not say this any more:\n{part}");
            checked += 1;
        }
    }
    assert!(checked >= 10, "the guide quotes {checked} pieces only");
}
