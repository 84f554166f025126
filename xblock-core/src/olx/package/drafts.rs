//! The `drafts/` folder: blocks that are not published, or are different there (xblock reference, section 20).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::fields::Json;
use crate::keys::UsageKey;
use crate::runtime::BlockData;

use super::super::course_xml::pointer_path;
use super::super::diagnostic::{Diagnostic, Outcome, Severity};
use super::super::document::Document;
use super::super::element::{Attribute, Element};
use super::super::error::OlxError;
use super::child::Child;
use super::importer::{Importer, pointer_key};
use super::options::Fidelity;
use super::source::{Contents, PackageSource, SourceError, read_within};
use super::trace::{Trace, Tracer};

const FOLDER: &str = "drafts";
const MARK: &str = "index_in_children_list";

/// The attributes that tell where a draft stands.
pub(super) const PLACE_ATTRIBUTES: [&str; 3] = ["parent_url", "parent_sequential_url", MARK];

/// The files below a folder as a package of its own.
struct SubFolder<'s> {
    inner: &'s dyn PackageSource,
    folder: &'static str,
}

impl PackageSource for SubFolder<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        self.inner.read(&format!("{}/{path}", self.folder))
    }

    fn size(&self, path: &str) -> Result<Option<u64>, SourceError> {
        self.inner.size(&format!("{}/{path}", self.folder))
    }

    fn read_within(&self, path: &str, limit: u64) -> Result<Option<Contents>, SourceError> {
        self.inner.read_within(&format!("{}/{path}", self.folder), limit)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        let path =
            if folder.is_empty() { self.folder.to_owned() } else { format!("{}/{folder}", self.folder) };
        self.inner.list(&path)
    }

    fn exists(&self, path: &str) -> Result<bool, SourceError> {
        self.inner.exists(&format!("{}/{path}", self.folder))
    }
}

/// One file with the top of a draft subtree.
struct Draft {
    /// Where it says what its parent is, to remark upon.
    place: Diagnostic,
    usage: UsageKey,
    parent: Option<UsageKey>,
    index: i64,
    blocks: BTreeMap<UsageKey, Arc<BlockData>>,
}

/// Reads the drafts; what comes back are the blocks of the draft branch, with parents that got a child.
pub(super) fn read_drafts(
    importer: &mut Importer<'_>,
    trace: Option<&mut Trace>,
) -> Result<BTreeMap<UsageKey, Arc<BlockData>>, OlxError> {
    let mut paths = Vec::new();
    list_marked(importer, FOLDER, &mut paths)?;
    let source = SubFolder { inner: importer.package, folder: FOLDER };
    let mut remarks = Vec::new();
    let mut drafts = Vec::new();
    let traced;
    {
        let mut inner = Importer::new(&source, importer.registry, importer.options, importer.context.clone());
        inner.parse = importer.parse.clone();
        inner.published = Some(&importer.blocks);
        inner.tracer = importer.tracer.is_some().then(Tracer::default);
        for path in paths {
            match read_draft(&mut inner, importer.package, &path) {
                Ok(draft) => drafts.push(draft),
                Err(error @ OlxError::Source { .. }) => return Err(error),
                Err(error) => remarks.push(error.diagnostic().outcome(Outcome::LeftOut)),
            }
        }
        for mut remark in inner.diagnostics {
            // Files are named from the root of the package.
            if let Some(file) = remark.file.take() {
                let path = file.as_str();
                let is_inner = !path.starts_with(FOLDER);
                remark.file = Some(if is_inner { format!("{FOLDER}/{path}").as_str().into() } else { file });
            }
            remarks.push(remark);
        }
        traced = inner.tracer.map(|tracer| tracer.trace.below(FOLDER)).unwrap_or_default();
    }
    if let Some(trace) = trace {
        trace.draft = traced;
        let top = |draft: &Draft| (draft.usage.clone(), (draft.parent.clone(), draft.index));
        trace.tops = drafts.iter().map(top).collect();
    }
    importer.diagnostics.append(&mut remarks);
    drafts.sort_by_key(|draft| draft.index);
    let tops: Vec<UsageKey> = drafts.iter().map(|draft| draft.usage.clone()).collect();
    let mut all = BTreeMap::new();
    if importer.options.fidelity == Fidelity::Platform {
        // What names another draft as its parent is taken to be in that, and lost if it is not.
        drafts.retain(|draft| draft.parent.as_ref().is_none_or(|parent| !tops.contains(parent)));
        for mut draft in drafts {
            insert_into_parent(importer, &draft, &tops, &mut all);
            all.append(&mut draft.blocks);
        }
        return Ok(all);
    }
    for draft in &mut drafts {
        all.append(&mut draft.blocks);
    }
    let all_data = all.values_mut().map(Arc::make_mut);
    for attributes in all_data.filter_map(|data| data.settings.get_mut("xml_attributes")) {
        if let Json::Object(attributes) = attributes {
            attributes.retain(|name, _| !PLACE_ATTRIBUTES.contains(&name.as_str()));
        }
    }
    for draft in &drafts {
        insert_into_parent(importer, draft, &tops, &mut all);
    }
    Ok(all)
}

/// Lists the files that are tops of draft subtrees.
fn list_marked(importer: &Importer<'_>, folder: &str, paths: &mut Vec<String>) -> Result<(), OlxError> {
    for name in importer.list(folder)? {
        if let Some(name) = name.strip_suffix('/') {
            list_marked(importer, &format!("{folder}/{name}"), paths)?;
        } else if !name.starts_with("._") {
            let path = format!("{folder}/{name}");
            let bytes = match importer.read(&path) {
                Ok(bytes) => bytes.unwrap_or_default(),
                // One that is too large is told of where it is read as a draft.
                Err(OlxError::Xml(_)) => MARK.into(),
                Err(error) => return Err(error),
            };
            if bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes()) {
                paths.push(path);
            }
        }
    }
    Ok(())
}

fn read_draft(
    importer: &mut Importer<'_>,
    package: &dyn PackageSource,
    path: &str,
) -> Result<Draft, OlxError> {
    let bytes = read_within(package, path, &importer.parse)?.unwrap_or_default();
    let document = Document::parse(path.into(), &bytes, &importer.parse)?;
    let file = path.rsplit('/').next().unwrap_or(path);
    let name = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let mut pointer = Element::new(&document.root.name);
    let name = Attribute { name: "url_name".into(), value: name.into() };
    pointer.set_attribute(&name);
    let is_own_file = importer.options.fidelity != Fidelity::Platform
        && path == format!("{FOLDER}/{}", pointer_path(&pointer));
    let place = place(&document);
    let key = pointer_key(&pointer);
    if is_own_file && let Some(usage) = importer.known(&pointer, &key) {
        // Another draft pointed here, and has the block.
        let url = document.root.get("parent_url").or_else(|| document.root.get("parent_sequential_url"));
        let parent = url.and_then(|url| importer.reference(url));
        let index = document.root.get(MARK).and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        return Ok(Draft { place, usage, parent, index, blocks: BTreeMap::new() });
    }
    let result = importer.root(Child::root(document.root, &name), &document.source);
    let mut blocks = std::mem::take(&mut importer.blocks);
    let usage = result?;
    if is_own_file {
        importer.remember(key, &usage);
    }
    let mut parent = None;
    let mut index = 0;
    if let Some(Json::Object(unknown)) =
        blocks.get_mut(&usage).map(Arc::make_mut).and_then(|data| data.settings.get_mut("xml_attributes"))
    {
        let url = unknown.shift_remove("parent_url");
        let old_url = unknown.shift_remove("parent_sequential_url");
        parent = url.or(old_url).and_then(|url| importer.reference(url.as_str()?));
        if let Some(text) = unknown.shift_remove(MARK) {
            index = text
                .as_str()
                .and_then(|text| text.trim().parse().ok())
                .or_else(|| text.as_i64())
                .unwrap_or(0);
        }
    }
    Ok(Draft { place, usage, parent, index, blocks })
}

/// Begins a remark about what a draft says of its parent, or about the draft where it says nothing.
fn place(document: &Document) -> Diagnostic {
    let root = &document.root;
    let attribute = root.attribute("parent_url").or_else(|| root.attribute("parent_sequential_url"));
    let (code, severity) = ("draft-without-parent", Severity::Warning);
    match attribute {
        Some(attribute) => {
            let message = format!("{:?} names no parent for this draft", attribute.value.as_str());
            document.source.diagnostic(code, severity, attribute, message)
        }
        None => document.source.diagnostic(code, severity, root, "this draft names no parent"),
    }
    .outcome(Outcome::Kept)
}

/// Makes a draft a child of its parent, if it is none yet.
fn insert_into_parent(
    importer: &mut Importer<'_>,
    draft: &Draft,
    tops: &[UsageKey],
    all: &mut BTreeMap<UsageKey, Arc<BlockData>>,
) {
    let Some(parent) = &draft.parent else {
        importer.diagnostics.push(draft.place.clone());
        return;
    };
    let Some(data) = all.get(parent).or_else(|| importer.blocks.get(parent)) else {
        let message = format!("the parent {parent} of this draft does not exist");
        importer.diagnostics.push(Diagnostic { message, ..draft.place.clone() });
        return;
    };
    let is_strict = importer.options.fidelity == Fidelity::Platform;
    let is_listed = |child: &UsageKey| match is_strict {
        true => child.block_id() == draft.usage.block_id(),
        false => *child == draft.usage,
    };
    if data.children.iter().any(is_listed) {
        return;
    }
    if tops.contains(parent) {
        let is_circle = contains(&importer.blocks, all, &draft.usage, parent);
        let (code, message) = match is_circle {
            true => ("draft-without-parent", format!("the parent {parent} of this draft stands below it")),
            false => ("draft-not-listed", format!("the draft {parent} does not list this one; it is put in")),
        };
        let known = Diagnostic::new(code, Severity::Warning, message);
        let Diagnostic { file, position, excerpt, .. } = draft.place.clone();
        importer.diagnostics.push(Diagnostic { file, position, excerpt, ..known }.outcome(Outcome::Kept));
        if is_circle {
            return;
        }
    }
    let mut data = BlockData::clone(data);
    let at = usize::try_from(draft.index).unwrap_or(0).min(data.children.len());
    data.children.insert(at, draft.usage.clone());
    all.insert(parent.clone(), Arc::new(data));
}

/// Says whether a block of the draft branch is another one or stands below it.
fn contains(
    published: &BTreeMap<UsageKey, Arc<BlockData>>,
    all: &BTreeMap<UsageKey, Arc<BlockData>>,
    top: &UsageKey,
    sought: &UsageKey,
) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![top];
    while let Some(usage) = next.pop() {
        if usage == sought {
            return true;
        }
        if seen.insert(usage)
            && let Some(data) = all.get(usage).or_else(|| published.get(usage))
        {
            next.extend(&data.children);
        }
    }
    false
}
