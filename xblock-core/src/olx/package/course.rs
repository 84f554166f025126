//! A whole package: from its root file to blocks, drafts and static files (xblock reference, section 20).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, json};

use crate::block::Registry;
use crate::fields::Json;
use crate::keys::{AssetKey, ContextKey, CourseKey, KeyError, LibraryKey, UsageKey, clean, clean_asset_name};
use crate::runtime::{AssetData, AssetMetadata, BlockData};

use super::super::diagnostic::{Diagnostic, Outcome, Severity};
use super::super::document::Document;
use super::super::element::Element;
use super::super::error::OlxError;
use super::super::parse_options::ParseOptions;
use super::assets::{Assets, PackageAsset, read_assets};
use super::child::Child;
use super::drafts::read_drafts;
use super::importer::{HANDOUT, Importer};
use super::links::Rewriter;
use super::options::{Links, ReadOptions};
use super::pages::read_pages;
use super::policy::{grading_path, policy_path, read_grading_policy, read_policy};
use super::python_json::read_json;
use super::source::{PackageSource, read_within};
use super::trace::{Trace, Tracer};

/// How much a package holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Published blocks.
    pub blocks: usize,
    /// Blocks that are different, or only there, in the draft branch.
    pub drafts: usize,
    /// Static files.
    pub assets: usize,
    /// Remarks of severity error.
    pub errors: usize,
    /// Remarks of severity warning.
    pub warnings: usize,
}

/// A course or a library as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// The context its keys belong to.
    pub context: ContextKey,
    /// The block everything hangs below, detached and orphaned ones excepted.
    pub root: UsageKey,
    /// The published blocks.
    pub published: BTreeMap<UsageKey, Arc<BlockData>>,
    /// The blocks that are different, or only there, in the draft branch; parents that got a child included.
    pub draft: BTreeMap<UsageKey, Arc<BlockData>>,
    /// The static files, in order of their paths.
    pub assets: Vec<PackageAsset>,
    /// What an `assetstore` says about files, of which the package need not have any, in key order; absent where the package
    /// says nothing about that.
    pub asset_metadata: Option<Vec<(AssetKey, AssetMetadata)>>,
    /// What is to be said about the package.
    pub diagnostics: Vec<Diagnostic>,
    /// How much there is.
    pub counts: Counts,
}

/// What a package says it is.
struct Identity {
    /// The names in its root element.
    org: String,
    course: String,
    run: String,
    is_library: bool,
}

/// Reads a course or a library.
///
/// # Errors
/// [`OlxError::NotOlx`] where there is no root file, [`OlxError::Xml`], [`OlxError::WrongRoot`] and
/// [`OlxError::MissingAttribute`] where it says nothing usable, [`OlxError::MissingFile`] and others where the root block
/// itself cannot be read, [`OlxError::Source`]. Whatever is wrong below the root is a remark.
pub fn read_course(
    source: &dyn PackageSource,
    options: &ReadOptions,
    registry: &Registry,
) -> Result<Package, OlxError> {
    read(source, options, registry, None)
}

/// Reads a course or a library as [`read_course`] does, and tells which files each block came from.
///
/// # Errors
/// As [`read_course`].
pub(crate) fn read_course_traced(
    source: &dyn PackageSource,
    options: &ReadOptions,
    registry: &Registry,
) -> Result<(Package, Trace), OlxError> {
    let mut trace = Trace::default();
    let package = read(source, options, registry, Some(&mut trace))?;
    Ok((package, trace))
}

fn read(
    source: &dyn PackageSource,
    options: &ReadOptions,
    registry: &Registry,
    mut trace: Option<&mut Trace>,
) -> Result<Package, OlxError> {
    let (path, expected) = match source.exists("course.xml").map_err(unreadable("course.xml"))? {
        true => ("course.xml", "course"),
        false => ("library.xml", "library"),
    };
    let parse = options.parse.clone().unwrap_or_else(ParseOptions::platform);
    let Some(bytes) = read_within(source, path, &parse)? else { return Err(OlxError::NotOlx) };
    let mut document = Document::parse(path.into(), &bytes, &parse)?;
    let at = document.root.position();
    if document.root.name != expected {
        let found = document.root.name.to_string();
        return Err(OlxError::WrongRoot { expected, found, place: document.source.place_at(at) });
    }
    let mut remarks = Vec::new();
    let identity = identify(&mut document, options, &mut remarks)?;
    let context = match &options.target {
        Some(target) => target.plain(),
        None => identity.context().map_err(|source| OlxError::InvalidName {
            name: format!("{}, {}, {}", identity.org, identity.course, identity.run),
            source,
            place: document.source.place_at(at),
        })?,
    };
    let mut importer = Importer::new(source, registry, options, context);
    importer.diagnostics = remarks;
    importer.tracer = trace.is_some().then(Tracer::default);
    if !identity.is_library {
        importer.policy = Arc::new(read_policy(&mut importer, &identity.run)?.into());
    }
    importer.rewriter = (options.links == Links::Rewrite)
        .then(|| Arc::new(Rewriter::new(&identity.org, &identity.course, &identity.run)));
    let tree = |importer: &mut Importer<'_>| {
        let read = importer.root(Child::Alone(&document.root), &document.source)?;
        let root = importer.place_root(&read, expected, || document.source.place_at(at))?;
        if !identity.is_library {
            read_grading_policy(importer, &identity.run, &root)?;
            read_pages(importer, &identity.run, &root, trace.as_deref_mut())?;
            finish_course(importer, &identity, &root);
            if let Some(trace) = trace.as_deref_mut() {
                trace.policy = Some(policy_path(importer, &identity.run)?);
                trace.grading = Some(grading_path(importer, &identity.run)?);
            }
        }
        Ok(root)
    };
    let (root, assets) = importer.both(tree, |importer| read_assets(importer))?;
    let drafts = match identity.is_library {
        true => BTreeMap::new(),
        false => read_drafts(&mut importer, trace.as_deref_mut())?,
    };
    if let (Some(trace), Some(tracer)) = (trace, importer.tracer.take()) {
        trace.published = tracer.trace;
    }
    Ok(package(importer, drafts, assets, root))
}

fn unreadable(path: &str) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> OlxError {
    let path = path.to_owned();
    move |source| OlxError::Source { path, source }
}

/// Reads from the root element what the package is.
fn identify(
    document: &mut Document,
    options: &ReadOptions,
    remarks: &mut Vec<Diagnostic>,
) -> Result<Identity, OlxError> {
    let is_library = document.root.name == "library";
    let at = document.root.position();
    let missing = |document: &Document, attribute| OlxError::MissingAttribute {
        attribute,
        place: document.source.place_at(at),
    };
    let has_target = options.target.is_some();
    let mut value = |document: &mut Document, name: &'static str, other: Option<&str>| {
        if let Some(value) = document.root.get(name).filter(|value| !value.is_empty()) {
            return Ok(value.to_owned());
        }
        let Some(other) = other else { return Err(missing(document, name)) };
        let message = format!("attribute {name} is missing; {other:?} is taken");
        remarks.push(document.source.diagnostic("missing-attribute", Severity::Warning, at, message));
        // A pointer must name all three.
        document.root.set(name, other);
        Ok(other.to_owned())
    };
    if is_library {
        let org = if has_target { Some("edx") } else { None };
        let org = value(document, "org", org)?;
        let other = if has_target { Some("library") } else { options.folder_name.as_deref() };
        let library = value(document, "library", other)?;
        return Ok(Identity { org, course: library, run: "library".into(), is_library });
    }
    let Some(run) = course_name(&document.root) else { return Err(missing(document, "url_name")) };
    let target = options.target.as_ref().and_then(ContextKey::as_course);
    let folder = options.folder_name.clone().or_else(|| target.map(|key| key.course().to_owned()));
    let org = value(document, "org", Some("edx"))?;
    let course = value(document, "course", folder.as_deref())?;
    Ok(Identity { org, course, run, is_library })
}

fn course_name(root: &Element) -> Option<String> {
    let given = root.get("url_name").or_else(|| root.get("slug")).filter(|name| !name.is_empty());
    given.map(str::to_owned).or_else(|| root.get("name").map(clean).filter(|name| !name.is_empty()))
}

impl Identity {
    fn context(&self) -> Result<ContextKey, KeyError> {
        if self.is_library {
            return LibraryKey::new(&self.org, &self.course).map(ContextKey::Library);
        }
        CourseKey::new(&self.org, &self.course, &self.run).map(ContextKey::Course)
    }

    /// The slash form, in which old links and the platform's loader name the course.
    fn slash_key(&self) -> Option<ContextKey> {
        CourseKey::new_deprecated(&self.org, &self.course, Some(&self.run)).ok().map(ContextKey::Course)
    }
}

/// Completes the root of a course as the platform does when it makes the block and when it imports it.
fn finish_course(importer: &mut Importer<'_>, identity: &Identity, root: &UsageKey) {
    let target = importer.context.as_course().map(|key| {
        let unique = format!("{}.{}.{}", key.org(), key.course(), key.run());
        (unique, key.clone())
    });
    let topic = identity
        .slash_key()
        .and_then(|key| key.make_usage_key("course", &identity.run).ok())
        .map(|usage| usage.html_id());
    let Some(data) = importer.blocks.get_mut(root).map(Arc::make_mut) else { return };
    if let Some((unique, _)) = target {
        let slug = data.content.get("wiki_slug").and_then(Json::as_str);
        let own = format!("{}.{}.{}", identity.org, identity.course, identity.run);
        if slug.is_none_or(|slug| slug == own || slug == identity.course) {
            data.content.insert("wiki_slug".into(), unique.into());
        }
    }
    let is_empty = |value: Option<&Json>| match value {
        Some(Json::Array(items)) => items.is_empty(),
        Some(Json::Object(map)) => map.is_empty(),
        Some(value) => value.is_null(),
        None => true,
    };
    if is_empty(data.settings.get("tabs")) {
        data.settings.insert("tabs".into(), default_tabs());
    }
    if is_empty(data.settings.get("discussion_topics"))
        && let Some(topic) = topic
    {
        data.settings.insert("discussion_topics".into(), json!({ "General": { "id": topic } }));
    }
    for book in data.settings.get_mut("pdf_textbooks").and_then(Json::as_array_mut).into_iter().flatten() {
        for chapter in book.get_mut("chapters").and_then(Json::as_array_mut).into_iter().flatten() {
            if let Some(Json::String(url)) = chapter.get_mut("url")
                && let Some((_, name)) = url.strip_prefix("/c4x/").and_then(|rest| rest.rsplit_once('/'))
            {
                *url = format!("/static/{name}");
            }
        }
    }
}

/// Returns the pages a new course has.
fn default_tabs() -> Json {
    json!([
        { "course_staff_only": false, "name": "Home", "type": "course_info" },
        { "course_staff_only": false, "name": "Course", "type": "courseware" },
        { "course_staff_only": false, "name": "Textbooks", "type": "textbooks" },
        { "course_staff_only": false, "name": "Discussion", "type": "discussion" },
        { "course_staff_only": false, "is_hidden": true, "name": "Wiki", "type": "wiki" },
        { "course_staff_only": false, "name": "Progress", "type": "progress" },
        { "course_staff_only": false, "name": "Dates", "type": "dates" },
    ])
}

/// Puts everything together: references and links get their last form, drafts keep what differs.
fn package(
    mut importer: Importer<'_>,
    mut drafts: BTreeMap<UsageKey, Arc<BlockData>>,
    assets: Assets,
    root: UsageKey,
) -> Package {
    let mut published = std::mem::take(&mut importer.blocks);
    for usage in importer.unfinished() {
        if let Some(data) = published.get_mut(&usage) {
            finish_block(&importer, &usage, data, &root);
        }
    }
    for (usage, data) in &mut drafts {
        finish_block(&importer, usage, data, &root);
        importer.rewrite(Arc::make_mut(data));
    }
    drafts.retain(|usage, data| published.get(usage) != Some(data));
    let of = |severity| importer.diagnostics.iter().filter(|d| d.severity == severity).count();
    let counts = Counts {
        blocks: published.len(),
        drafts: drafts.len(),
        assets: assets.files.len(),
        errors: of(Severity::Error),
        warnings: of(Severity::Warning),
    };
    Package {
        context: importer.context,
        root,
        published,
        draft: drafts,
        assets: assets.files,
        asset_metadata: assets.metadata,
        diagnostics: importer.diagnostics,
        counts,
    }
}

/// Brings what a block says of others and of files to the context that was read into.
fn finish_block(importer: &Importer<'_>, usage: &UsageKey, data: &mut Arc<BlockData>, root: &UsageKey) {
    importer.map_kept_references(usage, data, root);
    if usage.block_type() == "video"
        && data.settings.contains_key(HANDOUT)
        && let Some(Json::String(handout)) = Arc::make_mut(data).settings.get_mut(HANDOUT)
        && let Some(mapped) = mapped_handout(handout, &importer.context)
    {
        *handout = mapped;
    }
}

/// Returns where a video's handout is in the context being read into, if it is named by the key of a static file.
fn mapped_handout(handout: &str, context: &ContextKey) -> Option<String> {
    let key: AssetKey = handout.parse().or_else(|_| handout.trim_matches('/').parse()).ok()?;
    let path = clean_asset_name(key.path());
    Some(format!("/{}", context.make_asset_key(&path).ok()?))
}

/// Reads a JSON file that must hold an object; one that does not is remarked on and counts as absent.
pub(super) fn read_json_object(
    importer: &mut Importer<'_>,
    path: &str,
) -> Result<Option<Map<String, Json>>, OlxError> {
    let Some(bytes) = importer.read(path)? else { return Ok(None) };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let value = read_json(bytes).map(|(value, is_python)| {
        if is_python {
            importer.diagnostics.push(python_diagnostic(path));
        }
        value
    });
    match value {
        Ok(Json::Object(map)) => Ok(Some(map)),
        Ok(_) => {
            let remark =
                Diagnostic::new("invalid-json", Severity::Error, "this must be a JSON object; it is ignored");
            importer.diagnostics.push(remark.in_file(path.into()));
            Ok(None)
        }
        Err(error) => {
            importer.diagnostics.push(json_diagnostic(path, bytes, &error));
            Ok(None)
        }
    }
}

/// Makes the remark on a file that only Python reads as JSON.
pub(super) fn python_diagnostic(path: &str) -> Diagnostic {
    let message = "NaN, Infinity and halves of surrogate pairs are no JSON; such numbers are read as texts, halves as U+FFFD";
    Diagnostic::new("python-json", Severity::Warning, message).in_file(path.into()).outcome(Outcome::Kept)
}

/// Makes the remark on a file that is no JSON.
pub(super) fn json_diagnostic(path: &str, bytes: &[u8], error: &serde_json::Error) -> Diagnostic {
    use super::super::document::Source;
    use super::super::position::Position;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    let position = Position { line: number(error.line()), column: number(error.column()) };
    let text = String::from_utf8_lossy(bytes);
    let source = Source::new(path.into(), (*text).into());
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or_default();
    source
        .diagnostic("invalid-json", Severity::Error, position, format!("{reason}; the file is ignored"))
        .with_fix("correct the JSON")
}

/// Makes empty attributes for a static file nothing is said about.
pub(super) fn plain_asset(display_name: String) -> AssetData {
    AssetData { display_name, ..AssetData::default() }
}
