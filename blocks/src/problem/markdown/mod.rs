//! The language of the simple editor for problems, and the XML it stands for (capa reference, section 8).
//!
//! [`to_xml`] gives the very text the platform's editor saves, its oddities included, in time that grows with the length of
//! the source. The steps run over the whole text one after the other, as authors know them: what one writes, the next reads.

mod answers;
mod choices;
mod dropdown;
mod from_xml;
mod hint;
mod meaning;
mod paragraphs;
mod prompt;
mod single_response;
mod text;

pub use from_xml::{NotMarkdown, from_xml};

/// Why a text of the simple editor cannot be saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MarkdownError {
    /// A choice or an option has no text.
    #[error("An answer option has been left blank. Please review and edit the component.")]
    BlankOption,
    /// The text gives no well-formed XML, often because of `&` or `<`; the message is the platform's.
    #[error("Invalid XML: {xml}")]
    InvalidXml {
        /// The XML of the part, in an element of its own.
        xml: String,
        /// The line of that XML, counted from 1.
        line: u32,
        /// What is wrong with it.
        reason: String,
    },
    /// The only question of a part stands inside other markup, so that nothing can be moved into it.
    #[error("The operation would yield an incorrect node tree.")]
    NestedQuestion,
}

/// Converts a text of the simple editor to the XML of a problem, exactly as the platform's editor does.
///
/// Parts are separated by lines of `---`. In a part with one question, what stands beside the question moves into it.
///
/// # Errors
/// [`MarkdownError`].
///
/// ```
/// let xml = blocks::problem::markdown::to_xml(">>Two and two?<<\n= 4 +- 0.1\n").expect("well-formed");
/// assert!(xml.contains("<numericalresponse answer=\"4\">"));
/// ```
pub fn to_xml(markdown: &str) -> Result<String, MarkdownError> {
    let mut parts = Vec::new();
    let mut demand_hints = Vec::new();
    for part in prompt::parts(markdown) {
        if !text::trim(part).is_empty() {
            parts.push(part_to_xml(part, &mut demand_hints)?);
        }
    }
    let mut out = format!("<problem>\n{}", parts.join("\n\n"));
    if !demand_hints.is_empty() {
        out.push_str("\n<demandhint>\n");
        for hint in demand_hints {
            out.push_str(&format!("  <hint>{hint}</hint>\n"));
        }
        out.push_str("</demandhint>");
    }
    out.push_str("\n</problem>");
    Ok(out)
}

fn part_to_xml(markdown: &str, demand_hints: &mut Vec<String>) -> Result<String, MarkdownError> {
    let xml = prompt::labels(&prompt::headers(&markdown.replace("\r\n", "\n")));
    let (xml, hints) = hint::take_demand_hints(&xml);
    let xml = dropdown::replace(&hint::join_lines(&xml))?;
    let xml = choices::checkboxes(&choices::multiple_choice(&xml)?)?;
    let xml = paragraphs::blocks(&answers::replace(&xml));
    let xml = paragraphs::wrap(&xml).replace("\n\n\n", "\n");
    demand_hints.extend(hints);
    Ok(without_title_class(&single_response::gather(xml)?))
}

/// Removes a mark of titles that old texts have.
fn without_title_class(xml: &str) -> String {
    const MARK: &str = "class='qtitle'";
    text::remove_after_blank(xml, MARK, |_| Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_titles_go() {
        assert_eq!(
            without_title_class("<p CLASS='QTitle' id=\"a\">aclass='qtitle'"),
            "<p id=\"a\">aclass='qtitle'"
        );
    }
}
