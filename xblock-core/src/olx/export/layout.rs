//! Which files of an origin still say what is so, and which can be made to by changing a few places in them.
//!
//! A file is the home of the blocks whose elements stand in it. It is kept where all of them are as it says, patched
//! where the others differ in attributes, in their text or in which children they have, and left to the canonical
//! writer otherwise. Whether that was right is seen by whoever reads the package that comes of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Map;

use crate::block::Registry;
use crate::fields::Json;
use crate::keys::UsageKey;
use crate::olx::package::{BranchTrace, Provenance};
use crate::olx::serialise::escape_text;
use crate::olx::{Document, Element, FileName, ParseOptions, Span, WriteOptions};
use crate::runtime::BlockData;

use super::own::{Own, own_form};
use super::patch::Patch;

/// Blocks by their keys.
pub(super) type Blocks = BTreeMap<UsageKey, Arc<BlockData>>;

/// What one branch was by its origin, and what it is.
pub(super) struct Sides<'a> {
    pub(super) files: &'a BTreeMap<String, Vec<u8>>,
    pub(super) trace: &'a BranchTrace,
    pub(super) then: &'a Blocks,
    pub(super) now: &'a Blocks,
    /// What is published now, for drafts that point to it.
    pub(super) below: Option<&'a Blocks>,
    pub(super) registry: &'a Registry,
    /// The settings in the policy file, which no draft has.
    pub(super) policy: &'a Map<String, Json>,
    /// Files that must not be kept.
    pub(super) refused: &'a BTreeSet<String>,
    pub(super) root: &'a UsageKey,
}

/// How the blocks of a branch lie in the files that are kept.
#[derive(Default)]
pub(super) struct Layout {
    /// The file each block has its home in; blocks that are missing here are written anew.
    homes: HashMap<UsageKey, String>,
    /// Blocks that an element stands for without a file: drafts that are as they are published.
    elsewhere: HashSet<UsageKey>,
    /// Files that stay as they are.
    pub(super) kept: BTreeSet<String>,
    /// Files that change in places.
    pub(super) patched: BTreeMap<String, Patch>,
    /// Files of texts that are replaced.
    pub(super) replaced: BTreeMap<String, Vec<u8>>,
    /// Blocks that patches put into files: their own text is asked for.
    added: HashMap<(String, UsageKey), ()>,
    /// Settings to change in the policy file, by its names of blocks.
    pub(super) policy: Vec<(String, String, Option<Json>)>,
}

/// Returns the file a block's element stands in, and where; nowhere means that it is the root.
pub(super) fn home(block: &Provenance) -> Option<(&str, Option<Span>)> {
    match block.is_pointer {
        true => block.files.iter().find(|path| path.ends_with(".xml")).map(|path| (path.as_str(), None)),
        false => Some((block.file.as_str(), Some(block.span))),
    }
}

/// Returns the files a block reads beside its home.
pub(super) fn others(block: &Provenance) -> impl Iterator<Item = &String> {
    let own = home(block).map(|(file, _)| file.to_owned());
    block.files.iter().filter(move |path| Some(path.as_str()) != own.as_deref())
}

impl Layout {
    /// Decides on every file that blocks of the branch came from.
    pub(super) fn plan(sides: &Sides<'_>) -> Self {
        let mut layout = Self::default();
        let mut blocks_of: BTreeMap<&str, Vec<&UsageKey>> = BTreeMap::new();
        for (usage, block) in &sides.trace.blocks {
            match home(block) {
                Some((file, _)) => blocks_of.entry(file).or_default().push(usage),
                None => {
                    let is_so = match sides.below {
                        Some(below) => is_same_tree(usage, sides.now, below),
                        None => sides.then.get(usage) == sides.now.get(usage),
                    };
                    if is_so {
                        layout.elsewhere.insert(usage.clone());
                    }
                }
            }
        }
        for (file, blocks) in blocks_of {
            let files = blocks.iter().flat_map(|usage| others(&sides.trace.blocks[*usage]));
            let is_refused =
                sides.refused.contains(file) || files.into_iter().any(|path| sides.refused.contains(path));
            if is_refused || !sides.files.contains_key(file) {
                continue;
            }
            let changed: Vec<&UsageKey> = blocks
                .iter()
                .copied()
                .filter(|usage| sides.then.get(*usage) != sides.now.get(*usage))
                .collect();
            if changed.is_empty() {
                layout.kept.insert(file.to_owned());
                layout.cover(sides, file, &blocks, &[]);
            } else if let Some(change) = FileChange::make(sides, file, &changed) {
                layout.cover(sides, file, &blocks, &change.gone);
                layout.added.extend(change.added.into_iter().map(|usage| ((file.to_owned(), usage), ())));
                layout.policy.extend(change.policy);
                layout.replaced.extend(change.replaced);
                layout.patched.insert(file.to_owned(), change.patch);
            }
        }
        for path in layout.replaced.keys() {
            layout.kept.remove(path);
        }
        layout
    }

    /// Notes that blocks have their home in a file that is kept, except for those that are gone from it.
    fn cover(&mut self, sides: &Sides<'_>, file: &str, blocks: &[&UsageKey], gone: &[Span]) {
        for usage in blocks {
            let block = &sides.trace.blocks[*usage];
            let is_gone = home(block)
                .and_then(|(_, span)| span)
                .is_some_and(|span| gone.iter().any(|gone| gone.start <= span.start && span.end <= gone.end));
            if is_gone || !sides.now.contains_key(*usage) {
                continue;
            }
            self.homes.insert((*usage).clone(), file.to_owned());
            self.kept.extend(others(block).cloned());
            self.kept
                .extend((block.is_pointer && *usage == sides.root).then(|| block.file.as_str().to_owned()));
        }
    }

    /// Returns the file that is kept and has a block.
    pub(super) fn home(&self, usage: &UsageKey) -> Option<&str> {
        self.homes.get(usage).map(String::as_str)
    }

    /// Says whether a pointer to a block needs no file.
    pub(super) fn is_elsewhere(&self, usage: &UsageKey) -> bool {
        self.elsewhere.contains(usage)
    }

    /// Says whether a block is to be put into a file anew.
    pub(super) fn is_added(&self, file: &str, usage: &UsageKey) -> bool {
        self.added.contains_key(&(file.to_owned(), usage.clone()))
    }
}

/// Says whether a block and everything below it are the same in both.
pub(super) fn is_same_tree(top: &UsageKey, a: &Blocks, b: &Blocks) -> bool {
    let mut seen = HashSet::new();
    let mut next = vec![top];
    while let Some(usage) = next.pop() {
        if !seen.insert(usage) {
            continue;
        }
        match (a.get(usage), b.get(usage)) {
            (Some(one), Some(other)) if one == other => next.extend(&one.children),
            _ => return false,
        }
    }
    true
}

/// What is to change in one file.
struct FileChange {
    patch: Patch,
    added: Vec<UsageKey>,
    gone: Vec<Span>,
    replaced: Vec<(String, Vec<u8>)>,
    policy: Vec<(String, String, Option<Json>)>,
}

impl FileChange {
    /// Works out what makes a file say what is so now; none where that is no matter of a few places.
    fn make(sides: &Sides<'_>, file: &str, changed: &[&UsageKey]) -> Option<Self> {
        let bytes = sides.files.get(file)?;
        let name = FileName::from(file);
        let document = Document::parse(name.clone(), bytes, &ParseOptions::default()).ok()?;
        let patch = Patch::new(bytes)?;
        let mut change = Self { patch, added: vec![], gone: vec![], replaced: vec![], policy: vec![] };
        let mut deleted = Vec::new();
        for usage in changed {
            let span = home(&sides.trace.blocks[*usage])?.1;
            let element = match span {
                Some(span) => find(&document.root, span)?,
                None => &document.root,
            };
            match (sides.then.get(*usage), sides.now.get(*usage)) {
                (Some(then), Some(now)) => change.block(sides, &name, usage, element, (then, now))?,
                (Some(_), None) => deleted.push(element.span()),
                _ => return None,
            }
        }
        // A block that is gone must have been taken out of its parent.
        let is_out =
            |span: &Span| change.gone.iter().any(|gone| gone.start <= span.start && span.end <= gone.end);
        deleted.iter().all(is_out).then_some(change)
    }

    fn block(
        &mut self,
        sides: &Sides<'_>,
        file: &FileName,
        usage: &UsageKey,
        element: &Element,
        (then, now): (&Arc<BlockData>, &Arc<BlockData>),
    ) -> Option<()> {
        let block_type = sides.registry.block_type(usage.block_type());
        let (old, new) = (own_form(usage, &block_type, then)?, own_form(usage, &block_type, now)?);
        let key = policy_key(usage, sides.root);
        let entry = sides.policy.get(&key).and_then(Json::as_object);
        self.attributes(element, &old, &new, entry)?;
        self.settings(usage == sides.root, &key, entry, (then, now), &old, &new)?;
        let block = &sides.trace.blocks[usage];
        let texts: Vec<&String> = others(block).collect();
        if old.inner != new.inner {
            if !then.children.is_empty() || !now.children.is_empty() || !texts.is_empty() {
                return None;
            }
            self.patch.inner(element, &new.inner)?;
        }
        if old.files != new.files {
            let written: Vec<_> = new.files.iter().collect();
            match (texts.as_slice(), written.as_slice()) {
                ([path], [(_, bytes)]) if !path.ends_with(".xml") => {
                    self.replaced.push(((*path).clone(), (*bytes).clone()));
                }
                // The text of a file stands in the element here.
                ([], [(_, bytes)]) if then.children.is_empty() && now.children.is_empty() => {
                    self.patch.inner(element, &markup(std::str::from_utf8(bytes).ok()?))?;
                }
                _ => return None,
            }
        }
        if then.children != now.children {
            let mut places: Vec<(UsageKey, Span)> = element
                .elements()
                .filter_map(|child| {
                    let usage = sides.trace.children.get(&(file.clone(), child.span()))?;
                    Some((usage.clone(), child.span()))
                })
                .collect();
            places.sort_by_key(|(_, span)| span.start);
            if !places.iter().map(|(usage, _)| usage).eq(&then.children) {
                return None;
            }
            let (added, gone) = self.patch.children(element, &places, &now.children)?;
            self.added.extend(added);
            self.gone.extend(gone);
        }
        Some(())
    }

    fn attributes(
        &mut self,
        element: &Element,
        old: &Own,
        new: &Own,
        entry: Option<&Map<String, Json>>,
    ) -> Option<()> {
        let names: BTreeSet<&String> = old.attributes.keys().chain(new.attributes.keys()).collect();
        for name in names {
            let (before, after) = (old.attributes.get(name), new.attributes.get(name));
            if before == after {
                continue;
            }
            if name.contains(['{', ':']) {
                return None;
            }
            let is_there = element.attribute(name).is_some();
            if !is_there && entry.is_some_and(|entry| entry.contains_key(name)) {
                continue;
            }
            if is_there || after.is_some() {
                self.patch.attribute(element, name, after.map(String::as_str))?;
            }
        }
        Some(())
    }

    /// Changes settings in the policy file: those it has, and those of the root that stand nowhere else.
    fn settings(
        &mut self,
        is_root: bool,
        key: &str,
        entry: Option<&Map<String, Json>>,
        (then, now): (&BlockData, &BlockData),
        old: &Own,
        new: &Own,
    ) -> Option<()> {
        let names: BTreeSet<_> = then.settings.keys().chain(now.settings.keys()).collect();
        for name in names {
            let (before, after) = (then.settings.get(name), now.settings.get(name));
            let name = &**name;
            if before == after || name == "xml_attributes" {
                continue;
            }
            let is_attribute =
                old.attributes.get(name) != new.attributes.get(name) && !new.inexact.contains(name);
            let is_policy = entry.is_some_and(|entry| entry.contains_key(name));
            if is_policy || is_root && !is_attribute {
                self.policy.push((key.to_owned(), name.to_owned(), after.cloned()));
            } else if !is_attribute && new.inexact.contains(name) {
                return None;
            }
        }
        Some(())
    }
}

/// Writes a text into an element: as XML where that reads back as the text, else escaped.
fn markup(text: &str) -> String {
    let whole = format!("<text>{text}</text>");
    let mut escaped = String::new();
    escape_text(&mut escaped, text);
    match Document::parse("text".into(), whole.as_bytes(), &ParseOptions::platform()) {
        Ok(document) if document.root.to_text(WriteOptions::default()) == whole => text.to_owned(),
        _ => escaped,
    }
}

/// Returns the name under which the policy file has a block.
pub(super) fn policy_key(usage: &UsageKey, root: &UsageKey) -> String {
    let context = usage.context_key();
    match context.as_course() {
        Some(course) if usage == root => format!("course/{}", course.run()),
        _ => format!("{}/{}", usage.block_type(), usage.block_id()),
    }
}

/// Finds the element at a place.
fn find(element: &Element, span: Span) -> Option<&Element> {
    if element.span() == span {
        return Some(element);
    }
    let inside = |child: &&Element| child.span().start <= span.start && span.end <= child.span().end;
    find(element.elements().find(inside)?, span)
}
