//! The scripts of a problem as one text.

use crate::problem::error::LoadError;
use crate::problem::tree::Node;

/// The scripts of a problem as one text, with what is known of its lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) text: String,
    /// For each script the line of the text and the line of the problem file on which it begins.
    parts: Vec<(u32, u32)>,
}

/// Tells whether an element is a script that is run: any but those said to be in another language.
fn is_python(node: &Node) -> bool {
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
            source.parts.push((line_of_end(&source.text), node.text_line));
            // Authors wrote these where the platform's old storage wanted them.
            source.text.push_str(&node.text.replace("&apos;", "'").replace("&quot;", "\""));
        }
        Ok(source)
    }

    /// Returns the line of the problem file for a line of the text; nothing for lines behind its end.
    pub(super) fn file_line(&self, line: u32) -> Option<u32> {
        if line > line_of_end(&self.text) {
            return None;
        }
        let (first, file_line) = self.parts.iter().rev().find(|(first, _)| *first <= line)?;
        Some(file_line + (line - first))
    }
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
        let lines: Vec<_> = (1..6).map(|line| source.file_line(line)).collect();
        assert_eq!(lines, [Some(3), Some(4), Some(7), Some(8), None]);
    }
}
