//! The HTML family in OLX: text in the element itself or in a `.html` file beside it (blocks reference, section 7.2).

use xblock_core::olx::{
    BlockSource, Body, Charset, CourseXml, DefinitionForm, Element, Loaded, OlxConvention, OlxError, Reading,
    WriteError, WriteHost, name_to_path, read_course_xml, remove_settings,
};
use xblock_core::runtime::BlockData;

use super::olx_write;

/// How html, about, static_tab and course_info stand in OLX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HtmlOlx;

impl OlxConvention for HtmlOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        read_course_xml(self, element, reading)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        olx_write::write(block, host, node)?;
        Ok(true)
    }

    fn definition_form(&self) -> DefinitionForm {
        DefinitionForm::Markup
    }
}

impl CourseXml for HtmlOlx {
    fn body(&self, element: &Element, _: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        Ok(text_body(inner_markup(element)))
    }

    fn fallback_paths(&self, path: &str) -> Vec<String> {
        fallback_paths(path)
    }

    // A `filename` leads to HTML, not to XML; `<meta>` is HTML too.
    fn load(&self, mut element: Element, reading: &mut Reading<'_, '_>) -> Result<Loaded, OlxError> {
        let Some(attribute) = element.attribute("filename") else {
            remove_settings(&mut element, reading.block_type());
            let body = self.body(&element, reading)?;
            return Ok(Loaded { body, ..Loaded::default() });
        };
        let (filename, at) = (attribute.value.to_string(), element.mark());
        let name = name_to_path(reading.name());
        let folder = name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let mut path = ["html/", &folder, &filename, ".html"].concat();
        let text = match reading.find_text(&path)? {
            Some(text) => text,
            None => {
                path = reading.first_existing(self.fallback_paths(&path))?.unwrap_or(path);
                reading.load_text(&path, at)?
            }
        };
        Ok(Loaded { body: text_body(text), path, filename: Some(filename), meta: None })
    }
}

fn text_body(text: String) -> Body {
    let mut body = Body::default();
    body.set("data", text);
    body
}

/// Returns what stands between an element's tags: the text before the first child as it reads, the rest as XML.
pub(crate) fn inner_markup(element: &Element) -> String {
    let mut markup = element.text().map(std::borrow::Cow::into_owned).unwrap_or_default();
    for (index, node) in element.children.iter().enumerate() {
        if node.as_text().is_none() {
            markup.push_str(&element.child_text(index, Charset::Unicode));
        }
    }
    markup
}

/// Lists where older exports may have put a file.
fn fallback_paths(path: &str) -> Vec<String> {
    let doubled = [".html.xml", ".html.html"].iter().find_map(|end| path.strip_suffix(end));
    let mut rest = doubled.map_or_else(|| path.to_owned(), |stem| format!("{stem}.html"));
    let mut paths = Vec::new();
    while let Some((_, shorter)) = rest.split_once('/') {
        let shorter = shorter.to_owned();
        paths.push(std::mem::replace(&mut rest, shorter));
    }
    let renamed: Vec<_> = paths
        .iter()
        .filter_map(|path| path.strip_suffix(".xml"))
        .map(|stem| format!("{stem}.html"))
        .collect();
    paths.extend(renamed);
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_exports_put_files_elsewhere() {
        assert_eq!(fallback_paths("html/a/b.html.html"), ["html/a/b.html", "a/b.html"]);
        assert_eq!(fallback_paths("html/b.html.xml"), ["html/b.html"]);
        assert_eq!(fallback_paths("html/b.xml"), ["html/b.xml", "html/b.html"]);
    }
}
