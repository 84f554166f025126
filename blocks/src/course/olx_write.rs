//! Writes the root of a course: textbooks, wiki and licence beside the chapters.

use xblock_core::fields::Json;
use xblock_core::olx::{
    BlockSource, Element, Node, Placement, WriteError, WriteHost, XmlForm, write_children, write_xml,
};

/// Writes the root of a course.
///
/// # Errors
/// [`WriteError`].
pub(crate) fn write(
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    node: &mut Element,
) -> Result<(), WriteError> {
    let mut xml = Element::new("course");
    write_children(block, host, &mut xml)?;
    let mut textbooks: Vec<Element> =
        block.own("textbooks").and_then(Json::as_array).into_iter().flatten().filter_map(textbook).collect();
    if !host.loses_nothing() && textbooks.len() > 1 {
        // The platform puts all of them into one element, so that the last one stays.
        textbooks.drain(..textbooks.len() - 1);
    }
    xml.children.extend(textbooks.into_iter().map(Node::from));
    if let Some(slug) = block.text("wiki_slug") {
        let mut wiki = Element::new("wiki");
        wiki.set("slug", &*slug);
        xml.children.push(Node::from(wiki));
    }
    if block.own("license").is_some()
        && let Some(license) = block.text("license")
    {
        xml.set("license", &*license);
    }
    write_xml(
        block,
        host,
        xml,
        XmlForm::with_content(&["textbooks", "wiki_slug", "license", "grading_policy"]),
        node,
    )?;
    // A course below the root stands in its parent; a pointer has these two.
    if (host.placement() == Placement::File || !host.loses_nothing())
        && let Some(course) = block.usage.context_key().as_course()
    {
        node.set("org", course.org());
        node.set("course", course.course());
    }
    Ok(())
}

fn textbook(book: &Json) -> Option<Element> {
    let mut element = Element::new("textbook");
    for (index, name) in ["title", "book_url"].into_iter().enumerate() {
        match book.get(index)? {
            // The attribute was not there.
            Json::Null => {}
            value => element.set(name, value.as_str()?),
        }
    }
    Some(element)
}
