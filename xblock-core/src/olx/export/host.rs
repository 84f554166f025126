//! Writes the blocks of one branch, parents before children.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Display;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Map;

use crate::block::Registry;
use crate::fields::Json;
use crate::keys::{ContextKey, CourseKey, UsageKey};
use crate::olx::write::{BlockSource, Placement, WriteError, WriteHost};
use crate::olx::{
    Diagnostic, Document, Element, Fidelity, Outcome, ParseOptions, Severity, WriteOptions, is_pointer,
    pointer_path,
};
use crate::runtime::{BlockData, Branch, ContentDigest, Runtime, RuntimeError};

use super::layout::{Layout, policy_key};
use super::sink::{ExportOptions, ExportReport, ExportStep, PackageSink};

/// How deep blocks may be nested; deeper ones can only be a circle in damaged data.
const MAX_DEPTH: usize = 200;

/// Folders of a package that hold other things than blocks: a block of such a type has no file of its own there. The
/// HTML family's readers look for text in `html/` only, so that its other types stand in their parents, too.
const OTHER_FOLDERS: [&str; 11] = [
    "about",
    "assets",
    "course_info",
    "custom_tags",
    "drafts",
    "info",
    "policies",
    "static",
    "static_import",
    "static_tab",
    "tabs",
];

/// The bytes a file's name may have in every file system of note, without the longest extension written here.
const LONGEST_NAME: usize = 255 - ".html".len();

/// Says whether a block's id can be the path of a file: colons part its folders.
fn is_path(block_id: &str) -> bool {
    block_id.split(':').all(|name| !matches!(name, "" | "." | "..") && name.len() <= LONGEST_NAME)
}

/// Where files go whose path is taken.
const COLLISIONS: &str = "collisions/";

/// Who wrote a file, and what.
#[derive(PartialEq)]
struct Written {
    by: Option<UsageKey>,
    digest: Arc<str>,
}

/// Whoever writes the blocks of a package.
pub(super) struct Exporter<'a> {
    pub(super) runtime: &'a dyn Runtime,
    pub(super) registry: &'a Registry,
    pub(super) context: &'a ContextKey,
    /// The block at the top of what is written.
    pub(super) root: &'a UsageKey,
    pub(super) options: ExportOptions<'a>,
    pub(super) sink: &'a mut dyn PackageSink,
    pub(super) report: ExportReport,
    /// The branch that is being written.
    pub(super) branch: Branch,
    /// The folder everything goes to: empty or `drafts/`.
    pub(super) folder: &'static str,
    /// The old form of the course's key, in which references stand in packages.
    pub(super) old_key: Option<ContextKey>,
    /// What only policy files can hold, by `type/name`.
    pub(super) policies: BTreeMap<String, Map<String, Json>>,
    /// The blocks on the way down.
    path: Vec<UsageKey>,
    /// Pointers to blocks that were written already.
    pointers: HashMap<UsageKey, Element>,
    /// The blocks of the branch that were written.
    pub(super) written: HashSet<UsageKey>,
    /// The files that were written.
    files: HashMap<String, Written>,
    /// The blocks that were said to have no place.
    pub(super) left_out: HashSet<UsageKey>,
    /// The files of an origin that are kept.
    pub(super) kept: Option<&'a Kept>,
    /// Files that were to be kept and cannot be, for what they point to has no file.
    pub(super) conflicts: BTreeSet<String>,
    /// The blocks that stand in files that are kept, by the folder these are in.
    pub(super) visited: HashSet<(&'static str, UsageKey)>,
    /// What stands for blocks that are put into files that are kept.
    pub(super) added: HashMap<(&'static str, UsageKey), String>,
}

/// How the files of an origin are kept, for what is published and for drafts.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) published: Layout,
    pub(super) draft: Layout,
    /// The tops of draft subtrees that stay as they are.
    pub(super) tops: BTreeSet<UsageKey>,
    /// Pages that stay as they are.
    pub(super) pages: BTreeSet<UsageKey>,
}

impl<'a> Exporter<'a> {
    pub(super) fn new(
        runtime: &'a dyn Runtime,
        registry: &'a Registry,
        context: &'a ContextKey,
        root: &'a UsageKey,
        options: ExportOptions<'a>,
        sink: &'a mut dyn PackageSink,
        branch: Branch,
    ) -> Self {
        Self {
            runtime,
            registry,
            context,
            root,
            options,
            sink,
            report: ExportReport::default(),
            branch,
            folder: "",
            old_key: old_key(context),
            policies: BTreeMap::new(),
            path: Vec::new(),
            pointers: HashMap::new(),
            written: HashSet::new(),
            files: HashMap::new(),
            left_out: HashSet::new(),
            kept: None,
            conflicts: BTreeSet::new(),
            visited: HashSet::new(),
            added: HashMap::new(),
        }
    }

    /// Goes on with another branch in a folder of its own.
    pub(super) fn enter(&mut self, branch: Branch, folder: &'static str) {
        self.branch = branch;
        self.folder = folder;
        self.pointers.clear();
        self.written.clear();
    }

    /// Writes a block into `node`; says whether it has any XML.
    pub(super) fn block(
        &mut self,
        usage: &UsageKey,
        data: &BlockData,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        if self.options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(WriteError::Stopped);
        }
        let block_type = self.registry.block_type(usage.block_type());
        let source = BlockSource { usage, block_type: &block_type, data };
        if !data.defaults.is_empty() {
            let host: &mut dyn WriteHost = self;
            let names: Vec<_> = data.defaults.keys().map(|name| &**name).collect();
            let what = format!(
                "what these settings have from a library has no place in OLX, and only an import over this course keeps it: {}",
                names.join(", ")
            );
            host.warn("defaults-left-out", usage, &what);
        }
        self.path.push(usage.clone());
        let is_written = block_type.class.olx.write(&source, self, node);
        self.path.pop();
        if is_written? {
            if usage.block_type() == "error" {
                self.unread_files(usage, node)?;
            }
            self.report.blocks += 1;
            self.written.insert(usage.clone());
            if let Some(progress) = self.options.progress {
                progress(ExportStep::Block(usage));
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Writes the files that an error block points to as they were imported: they are all there is of it.
    fn unread_files(&mut self, usage: &UsageKey, pointer: &Element) -> Result<(), WriteError> {
        let Some(imported) = self.options.imported.filter(|_| self.kept.is_none()) else { return Ok(()) };
        let Some(name) = pointer.get("url_name") else { return Ok(()) };
        // The file of another block is written with that; this one leads back to it.
        let other = self.context.make_usage_key(&pointer.name, name);
        if other.is_ok_and(|other| self.runtime.block(&other, self.branch).is_ok()) {
            return Ok(());
        }
        let path = pointer_path(pointer);
        let file = |path: &str| imported.files().get(&format!("{}{path}", self.folder)).cloned();
        let own = is_pointer(pointer).then(|| file(&path)).flatten();
        let text_name = match &own {
            Some(bytes) => match Document::parse(path.as_str().into(), bytes, &ParseOptions::default()) {
                Ok(document) => document.root.get("filename").map(str::to_owned),
                // What it says cannot be read; a text nearly always has its name.
                Err(_) => path.rsplit(['/', '.']).nth(1).map(str::to_owned),
            },
            None => pointer.get("filename").map(str::to_owned),
        };
        let text = text_name.and_then(|name| {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let path = format!("{folder}/{name}.html");
            Some((file(&path)?, path))
        });
        self.path.push(usage.clone());
        let mut files = own.map(|bytes| (bytes, path)).into_iter().chain(text);
        let written = files.try_for_each(|(bytes, path)| self.put(&path, &bytes));
        self.path.pop();
        written
    }

    /// Returns how the files of the folder that is being written are kept.
    fn layout(&self) -> Option<&'a Layout> {
        let kept = self.kept?;
        Some(if self.folder.is_empty() { &kept.published } else { &kept.draft })
    }

    /// Returns the file a block has its home in, where that is kept.
    pub(super) fn home(&self, usage: &UsageKey) -> Option<&'a str> {
        self.layout()?.home(usage)
    }

    /// Writes what a block points to whose file is kept, and returns a pointer to the block.
    pub(super) fn keep(&mut self, usage: &UsageKey, file: &'a str) -> Result<Element, WriteError> {
        let mut pointer = Element::new(usage.block_type());
        pointer.set("url_name", usage.block_id());
        if !self.written.insert(usage.clone()) {
            return Ok(pointer);
        }
        self.visited.insert((self.folder, usage.clone()));
        if self.options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(WriteError::Stopped);
        }
        let record = self.runtime.block(usage, self.branch)?;
        self.path.push(usage.clone());
        for child in &record.data.children {
            if self.layout().is_some_and(|layout| layout.is_elsewhere(child)) {
                self.written.insert(child.clone());
                continue;
            }
            let is_inside = self.home(child) == Some(file);
            let is_added = self.layout().is_some_and(|layout| layout.is_added(file, child));
            let Some(node) = self.child(child)? else { continue };
            if is_added {
                let text = node.to_text(WriteOptions::PRETTY).trim_end().to_owned();
                self.added.insert((self.folder, child.clone()), text);
            } else if !is_inside && !is_pointer(&node) {
                self.conflicts.insert(file.to_owned());
            }
        }
        self.path.pop();
        self.report.blocks += 1;
        if let Some(progress) = self.options.progress {
            progress(ExportStep::Block(usage));
        }
        Ok(pointer)
    }

    /// Says that something of the store cannot be read and is missing in the package.
    pub(super) fn leave_out(&mut self, key: &dyn Display, error: &RuntimeError) {
        let message = format!("{key} cannot be read: {error}");
        let remark = Diagnostic::new("cannot-be-read", Severity::Error, message);
        self.report.diagnostics.push(remark.outcome(Outcome::LeftOut));
    }

    /// Hands a file on, unless its block wrote it before: one with several parents is written once. Where something else
    /// has the path already, the file goes elsewhere with a remark.
    pub(super) fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let Some((path, new)) = self.place(path, ContentDigest::of(bytes)) else { return Ok(()) };
        self.sink.write(&path, bytes).map_err(|source| WriteError::File { path: path.clone(), source })?;
        self.files.insert(path, new);
        Ok(())
    }

    /// As [`Exporter::put`], of a file of any size whose digest is known; says whether the package has it.
    pub(super) fn put_from(
        &mut self,
        path: &str,
        digest: &Arc<str>,
        content: &mut dyn Read,
    ) -> Result<bool, WriteError> {
        let full = format!("{}{path}", self.folder);
        let Some((path, new)) = self.place(path, digest.clone()) else { return Ok(self.sink.takes(&full)) };
        let outcome = self.sink.write_from(&path, content);
        outcome.map_err(|source| WriteError::File { path: path.clone(), source })?;
        self.files.insert(path, new);
        Ok(true)
    }

    /// Finds the path a file goes to; none where it is there already, or where its name is too long for the sink, which
    /// is remarked.
    fn place(&mut self, path: &str, digest: Arc<str>) -> Option<(String, Written)> {
        let mut path = format!("{}{path}", self.folder);
        if !self.sink.takes(&path) {
            let message = "the name is too long for a folder; a .tar.gz takes it";
            let remark = Diagnostic::new("name-too-long", Severity::Error, message);
            self.report.diagnostics.push(remark.in_file(path.as_str().into()).outcome(Outcome::LeftOut));
            return None;
        }
        let new = Written { by: self.path.last().cloned(), digest };
        while let Some(old) = self.files.get(&path) {
            if *old == new || new.by.is_some() && old.by == new.by {
                return None;
            }
            let message =
                format!("another file of the package is called so; this one goes to {COLLISIONS}{path}");
            let remark = Diagnostic::new("path-taken", Severity::Error, message);
            self.report.diagnostics.push(remark.in_file(path.as_str().into()).outcome(Outcome::Kept));
            path.insert_str(0, COLLISIONS);
        }
        Some((path, new))
    }

    /// Says whether a block wrote this file.
    pub(super) fn has_file(&self, path: &str, usage: &UsageKey) -> bool {
        self.files.get(path).is_some_and(|file| file.by.as_ref() == Some(usage))
    }

    /// Remarks that a block hangs below none that is written; once is enough.
    pub(super) fn leave_orphan_out(&mut self, usage: &UsageKey) -> Result<(), WriteError> {
        if self.left_out.insert(usage.clone()) {
            let parents = self.runtime.parents(usage, self.branch);
            let message = match parents {
                Ok(parents) if parents.is_empty() => format!("{usage}: no block has it as a child"),
                Err(error) if !error.is_damage() => return Err(error.into()),
                _ => format!("{usage}: no block that is written has it as a child"),
            };
            let host: &mut dyn WriteHost = self;
            let remark = Diagnostic::new("orphan-left-out", Severity::Warning, message);
            host.report(remark.outcome(Outcome::LeftOut));
        }
        Ok(())
    }
}

impl WriteHost for Exporter<'_> {
    fn placement(&self) -> Placement {
        match self.path.last() {
            // Its file would be the root's.
            Some(block) if block.block_type() == "course" && block != self.root => Placement::Inline,
            Some(block) if OTHER_FOLDERS.contains(&block.block_type()) => Placement::Inline,
            // Types are found in lower case, and their readers look into folders of that name.
            Some(block)
                if block.block_type().chars().any(char::is_uppercase)
                    && self.registry.block_type(block.block_type()).is_known =>
            {
                Placement::Inline
            }
            // A pointer would not declare the type's prefix.
            Some(block) if block.block_type().contains(':') => Placement::Inline,
            Some(block) if !is_path(block.block_id()) => Placement::Inline,
            _ => Placement::File,
        }
    }

    fn child(&mut self, child: &UsageKey) -> Result<Option<Element>, WriteError> {
        if let Some(pointer) = self.pointers.get(child) {
            return Ok(Some(pointer.clone()));
        }
        if self.path.len() >= MAX_DEPTH || self.path.contains(child) {
            let host: &mut dyn WriteHost = self;
            host.warn("circle", child, "the block contains itself and is left out there");
            return Ok(None);
        }
        if let Some(file) = self.home(child) {
            return self.keep(child, file).map(Some);
        }
        let record = match self.runtime.block(child, self.branch) {
            Ok(record) => record,
            Err(error) if error.is_not_found() => {
                let host: &mut dyn WriteHost = self;
                host.warn("missing-child", child, "the block is named as a child but does not exist");
                return Ok(None);
            }
            Err(error) if error.is_damage() => {
                self.leave_out(child, &error);
                self.left_out.insert(child.clone());
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let mut node = Element::new(child.block_type());
        node.set("url_name", child.block_id());
        if !self.block(child, &record.data, &mut node)? {
            return Ok(None);
        }
        if node.children.is_empty() && node.attributes.len() == 1 {
            self.pointers.insert(child.clone(), node.clone());
        }
        Ok(Some(node))
    }

    fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), WriteError> {
        self.put(path, bytes)
    }

    fn reference(&self, key: &str) -> String {
        let old = self.old_key.as_ref().and_then(|old| {
            let usage: UsageKey = key.parse().ok()?;
            let is_own = usage.context_key().plain() == *self.context;
            if is_own { old.make_usage_key(usage.block_type(), usage.block_id()).ok() } else { None }
        });
        old.map_or_else(|| key.to_owned(), |old| old.to_string())
    }

    fn policy(&mut self, usage: &UsageKey, name: &str, value: &Json) -> bool {
        // Policies are for the published tree, and the video's own reader does not ask for them.
        if !self.folder.is_empty() || usage.block_type() == "video" {
            return false;
        }
        let key = policy_key(usage, self.root);
        self.policies.entry(key).or_default().insert(name.to_owned(), value.clone());
        true
    }

    fn leads_to_block(&self, block_type: &str, name: &str) -> bool {
        let imported = self.options.imported.filter(|_| self.kept.is_none());
        let path = format!("{}{block_type}/{}.xml", self.folder, name.replace(':', "/"));
        let is_there = imported.is_some_and(|imported| imported.files().contains_key(&path));
        // Without a file, an element of an unknown type is the block itself.
        if !is_there && !self.registry.block_type(block_type).is_known {
            return true;
        }
        let Ok(usage) = self.context.make_usage_key(block_type, name) else { return false };
        // A pointer to a block above leads back to it, which is why it could not be read.
        !self.path.contains(&usage) && self.runtime.block(&usage, self.branch).is_ok()
    }

    fn loses_nothing(&self) -> bool {
        self.options.fidelity == Fidelity::LoseNothing
    }

    fn report(&mut self, remark: Diagnostic) {
        self.report.diagnostics.push(remark);
    }
}

/// Returns the key `Org/Course/Run` of a course, where its parts may stand in one.
fn old_key(context: &ContextKey) -> Option<ContextKey> {
    let course = context.as_course()?;
    CourseKey::new_deprecated(course.org(), course.course(), Some(course.run())).ok().map(ContextKey::from)
}

#[cfg(test)]
mod tests {
    use super::is_path;

    #[test]
    fn ids_that_no_file_can_have_stand_in_their_parents() {
        assert!(is_path("week1:intro") && is_path(&"x".repeat(250)));
        for id in ["..", "a:..:b", ":a", &"x".repeat(251), &"\u{8a9e}".repeat(90)] {
            assert!(!is_path(id), "{id}");
        }
    }
}
