//! What screen readers need: descriptions of images, titles of embedded pages.

use html5gum::StartTag;
use xblock_core::olx::Element;

use crate::check::codes::{MISSING_ALT, MISSING_TITLE};
use crate::check::course::{Course, File};
use crate::check::findings::Findings;
use crate::check::html::tags;

/// Checks pages in HTML and the markup inside blocks.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    for file in course.files.values().filter(|file| file.text.path().ends_with(".html")) {
        html(file, findings);
    }
    for place in &course.blocks {
        // Blocks inside a container are visited themselves.
        if !course.registry.block_type(place.block_type).class.has_children {
            markup(place.file, place.element, findings);
        }
    }
}

fn html(file: &File, findings: &mut Findings) {
    for StartTag { name, attributes, span, .. } in tags(&file.text.text) {
        let has = |wanted: &str| attributes.keys().any(|name| name.eq_ignore_ascii_case(wanted.as_bytes()));
        let is_hidden = || {
            let value = |wanted: &[u8]| {
                attributes
                    .iter()
                    .find(|(name, _)| name.as_slice() == wanted)
                    .map(|(_, value)| value.as_slice())
            };
            value(b"aria-hidden") == Some(b"true")
                || matches!(value(b"role"), Some(b"presentation" | b"none"))
        };
        tag(file, &name, span.start, &has, is_hidden(), findings);
    }
}

fn markup(file: &File, element: &Element, findings: &mut Findings) {
    let has = |name: &str| element.attribute(name).is_some();
    let is_hidden = element.get("aria-hidden") == Some("true")
        || matches!(element.get("role"), Some("presentation" | "none"));
    tag(file, element.name.as_bytes(), element.span().range().start, &has, is_hidden, findings);
    for child in element.elements() {
        markup(file, child, findings);
    }
}

fn tag(
    file: &File,
    name: &[u8],
    offset: usize,
    has: &dyn Fn(&str) -> bool,
    is_hidden: bool,
    findings: &mut Findings,
) {
    let is_named = is_hidden || has("aria-label") || has("aria-labelledby");
    match name {
        b"img" if !is_named && !has("alt") => {
            findings.report(&MISSING_ALT, &file.text, offset, "the image has no alt text");
        }
        b"iframe" if !is_named && !has("title") => {
            findings.report(&MISSING_TITLE, &file.text, offset, "the embedded page has no title");
        }
        _ => {}
    }
}
