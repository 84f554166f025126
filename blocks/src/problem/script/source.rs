//! The scripts of a problem as one text.

use crate::problem::error::LoadError;
use crate::problem::tree::Node;

/// The scripts of a problem as one text, with what is known of its lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) text: String,
    parts: Vec<Part>,
    /// Whether a script names folders to look for modules in, which the platform did on a server's disk.
    pub(super) names_folders: bool,
}

/// One script.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    /// The line of the text on which it begins.
    start: u32,
    /// The line of the problem file on which it begins; of one in a file of its own the line of its element.
    line: u32,
    /// The file of its own.
    file: Option<String>,
}

/// A line of a script, in the file where its author finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::problem) struct Place {
    /// The line of the problem file.
    pub(in crate::problem) line: u32,
    /// The script's own file, where it has one, and the line of that.
    pub(in crate::problem) file: Option<(String, u32)>,
}

/// Tells whether an element is a script that is run: any but those said to be in another language.
pub(in crate::problem) fn is_python(node: &Node) -> bool {
    let kind = node.get("type").unwrap_or_default();
    node.name == "script" && !kind.contains("javascript") && !kind.contains("perl")
}

impl Source {
    /// Joins the scripts of a problem in their order, with nothing between them.
    ///
    /// # Errors
    /// [`LoadError`] for a script without text.
    pub(super) fn collect(root: &Node) -> Result<Self, LoadError> {
        let mut source = Self::default();
        for node in root.descendants().into_iter().filter(|node| is_python(node)) {
            if node.text.is_empty() {
                return Err(LoadError::at(node.line, "a script is empty"));
            }
            source.names_folders |= node.get("system_path").is_some_and(|path| !path.is_empty());
            let start = line_of_end(&source.text);
            source.parts.push(match node.get("src").filter(|_| node.text_line == 0) {
                Some(file) => Part { start, line: node.line, file: Some(file.to_owned()) },
                None => Part { start, line: node.text_line, file: None },
            });
            source.text.push_str(&unescaped(&node.text));
        }
        Ok(source)
    }

    /// Returns where a line of the text stands; nothing for lines behind its end.
    pub(super) fn place(&self, line: u32) -> Option<Place> {
        if line > line_of_end(&self.text) {
            return None;
        }
        let part = self.parts.iter().rev().find(|part| part.start <= line)?;
        let below = line - part.start;
        Some(match &part.file {
            Some(file) => Place { line: part.line, file: Some((file.clone(), below + 1)) },
            None => Place { line: part.line + below, file: None },
        })
    }
}

/// Reads the entities that authors wrote where the platform's old storage wanted them, in the order in which Python's
/// `saxutils.unescape` does: `&amp;lt;` becomes `&lt;`.
fn unescaped(text: &str) -> String {
    const ENTITIES: [(&str, &str); 5] =
        [("&gt;", ">"), ("&lt;", "<"), ("&apos;", "'"), ("&quot;", "\""), ("&amp;", "&")];
    let mut text = text.to_owned();
    for (entity, character) in ENTITIES {
        if text.contains(entity) {
            text = text.replace(entity, character);
        }
    }
    text
}

/// Returns the line on which a text ends, from 1.
fn line_of_end(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use xblock_core::olx::{Document, FileName, ParseOptions, Source as File};

    use super::*;

    #[test]
    fn lines_are_those_of_the_file() {
        let xml = "<problem>\n<script\n type='x'>a\nb\n</script>\n<p/>\n<script>c\nd</script></problem>";
        let file = File::new(FileName::from("problem.xml"), xml.into());
        let document = Document::parse_text(file, &ParseOptions::default()).expect("XML");
        let source = Source::collect(&Node::from_document(&document)).expect("scripts with text");
        assert_eq!(source.text, "a\nb\nc\nd");
        let lines: Vec<_> = (1..6).map(|line| source.place(line).map(|place| place.line)).collect();
        assert_eq!(lines, [Some(3), Some(4), Some(7), Some(8), None]);
    }
}
