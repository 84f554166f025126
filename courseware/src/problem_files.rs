//! The texts of a package's problems as they stand in its files, so that lines can be told as their authors see them.

use std::collections::HashMap;

use xblock_core::keys::UsageKey;
use xblock_core::olx::{Document, Element, FileName, Node, PackageSource, ParseOptions, Source};

/// Where a problem stands.
pub(crate) struct ProblemFile {
    /// The file's path in the package.
    pub(crate) path: String,
    /// The problem, behind as many line breaks as stand before it in the file.
    pub(crate) xml: String,
}

/// Finds the texts of problems in the files of a package.
pub(crate) struct ProblemFiles<'p> {
    source: &'p dyn PackageSource,
    /// Problems that stand among other blocks, by name; looked for once.
    inline: Option<HashMap<String, Vec<ProblemFile>>>,
}

impl<'p> ProblemFiles<'p> {
    pub(crate) fn new(source: &'p dyn PackageSource) -> Self {
        Self { source, inline: None }
    }

    /// Returns the text of a problem as it stands in its file, nothing where no file has one that says the same: reading
    /// a package only changes blanks between elements and the attributes of the problem.
    pub(crate) fn find(&mut self, usage: &UsageKey, data: &str) -> Option<ProblemFile> {
        let read = Document::parse_text(
            Source::new(FileName::from("problem.xml"), data.into()),
            &ParseOptions::default(),
        )
        .ok()?;
        let name = usage.block_id().replace(':', "/");
        for path in [
            format!("problem/{name}.xml"),
            format!("drafts/problem/{name}.xml"),
            format!("problems/{name}.xml"),
        ] {
            let Some(document) = document(self.source, &path) else { continue };
            if is_same(&document.root, &read.root, true) {
                let xml = text_of(&document, &document.root)?;
                return Some(ProblemFile { path, xml });
            }
        }
        let source = self.source;
        let inline = self.inline.get_or_insert_with(|| {
            let mut found = HashMap::new();
            collect(source, "", &mut found);
            found
        });
        let found = inline.get(usage.block_id())?.iter().find(|file| {
            let text = Source::new(FileName::from("problem.xml"), file.xml.as_str().into());
            Document::parse_text(text, &ParseOptions::default())
                .is_ok_and(|document| is_same(&document.root, &read.root, true))
        })?;
        Some(ProblemFile { path: found.path.clone(), xml: found.xml.clone() })
    }
}

fn document(source: &dyn PackageSource, path: &str) -> Option<Document> {
    let bytes = source.read(path).ok()??;
    Document::parse_vec(FileName::from(path), bytes, &ParseOptions::default()).ok()
}

/// Cuts an element out of its file.
fn text_of(document: &Document, element: &Element) -> Option<String> {
    let text = document.source.text.get(element.span().range())?;
    let line = usize::try_from(element.position().line).ok()?;
    Some("\n".repeat(line.saturating_sub(1)) + text)
}

/// Collects the problems that stand among other blocks in the files of a folder.
fn collect(source: &dyn PackageSource, folder: &str, found: &mut HashMap<String, Vec<ProblemFile>>) {
    for name in source.list(folder).unwrap_or_default() {
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if let Some(folder) = path.strip_suffix('/') {
            // The files of learners hold no blocks.
            if folder != "static" {
                collect(source, folder, found);
            }
        } else if name.ends_with(".xml")
            && let Some(document) = document(source, &path)
        {
            below(&document, &document.root, &path, found);
        }
    }
}

fn below(document: &Document, parent: &Element, path: &str, found: &mut HashMap<String, Vec<ProblemFile>>) {
    for element in parent.elements() {
        if &*element.name != "problem" {
            below(document, element, path, found);
        } else if let (Some(name), Some(xml)) = (element.get("url_name"), text_of(document, element)) {
            let file = ProblemFile { path: path.to_owned(), xml };
            found.entry(name.to_owned()).or_default().push(file);
        }
    }
}

/// Tells whether two elements say the same to a problem: blanks between elements are nothing, and what the root says of
/// the block besides its content stands elsewhere.
fn is_same(a: &Element, b: &Element, is_root: bool) -> bool {
    let attributes = |element: &Element| -> Vec<(String, String)> {
        element.attributes.iter().map(|a| (a.name.to_string(), a.value.to_string())).collect()
    };
    if a.name != b.name || (!is_root && attributes(a) != attributes(b)) {
        return false;
    }
    let has_elements = a.elements().next().is_some();
    let texts = |element: &Element| -> Vec<String> {
        let mut texts = vec![String::new()];
        for child in &element.children {
            match child {
                Node::Element(_) => texts.push(String::new()),
                Node::Text(chars) | Node::CData(chars) => {
                    if let Some(last) = texts.last_mut() {
                        last.push_str(&chars.value);
                    }
                }
                Node::Comment(_) | Node::ProcessingInstruction(_) => {}
            }
        }
        if has_elements {
            texts.iter_mut().for_each(|text| *text = text.trim().to_owned());
        }
        texts
    };
    texts(a) == texts(b)
        && a.elements().count() == b.elements().count()
        && a.elements().zip(b.elements()).all(|(a, b)| is_same(a, b, false))
}
