//! Old Mongo: every document of every course, what is below what, and the files; nothing of it is ever repaired.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use xblock_core::block::Registry;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, RuntimeError, Severity};

use super::blocks::{find_cycles, told};
use super::files;
use super::fsck::Check;
use crate::documents::{BlockKey, FileId, corrupt, digest_of, malformed, misshapen};
use crate::dump::{TAKEN_ID, damage_of};
use crate::old_mongo::{self, OldDocument};
use crate::operations::DETACHED;
use crate::store::{Collection, OLD_MONGO};

/// What a course's documents say of their children.
#[derive(Default)]
struct Course {
    /// The runs; in Old Mongo they share all blocks but their roots.
    runs: Vec<ContextKey>,
    published: BTreeMap<BlockKey, Vec<BlockKey>>,
    drafts: BTreeMap<BlockKey, Vec<BlockKey>>,
    documents: usize,
}

/// Checks all documents; returns the courses.
pub(super) fn check(
    check: &mut Check<'_>,
    registry: &Registry,
    is_quick: bool,
) -> Result<Vec<ContextKey>, RuntimeError> {
    let mut courses: BTreeMap<(String, String), Course> = BTreeMap::new();
    let (mut nameless, mut ids) = (Vec::new(), HashSet::new());
    let collection = Collection::Other(OLD_MONGO.to_owned());
    // Whose documents they are, and the roots, by which the children's keys are made.
    check.docs.each_document(&collection, &mut |raw| {
        if misshapen(raw).is_some() {
            nameless.push(place_and_reason(damage_of(&collection, raw))?);
            return Ok(());
        }
        let named = OldDocument::new(raw).and_then(|document| {
            if !ids.insert(digest_of(&[FileId::of(raw, "_id")?.as_bytes()])) {
                return Err(corrupt(document.place(), TAKEN_ID));
            }
            let (org, course) = document.owner()?;
            let course = courses.entry((org.to_owned(), course.to_owned())).or_default();
            course.documents += 1;
            document.block()?;
            if let Some(reason) = malformed(raw) {
                return Err(corrupt(document.place(), reason));
            }
            course.runs.extend(old_mongo::context(raw)?);
            Ok(())
        });
        if let Err(error) = named {
            nameless.push(place_and_reason(error)?);
        }
        Ok(())
    })?;
    for (place, reason) in nameless {
        check.find(Severity::Damage, "old_document", place, reason, None);
    }
    let mut contexts = Vec::new();
    for ((org, name), mut course) in courses {
        check.report.blocks += course.documents;
        let Some(first) = course.runs.first().cloned() else {
            let reason = format!("{} documents belong to no course", course.documents);
            check.find(Severity::Damage, "no_root", format!("{org}/{name}"), reason, None);
            continue;
        };
        check.report.contexts += course.runs.len();
        course.read(check, registry, &first, (&org, &name))?;
        course.tree(check, &first);
        files::check(check, &first, is_quick)?;
        contexts.append(&mut course.runs);
    }
    Ok(contexts)
}

fn place_and_reason(error: RuntimeError) -> Result<(String, String), RuntimeError> {
    match error {
        RuntimeError::Corrupt { place, reason } => Ok((place, reason)),
        other => Err(other),
    }
}

impl Course {
    fn read(
        &mut self,
        check: &mut Check<'_>,
        registry: &Registry,
        context: &ContextKey,
        (org, course): (&str, &str),
    ) -> Result<(), RuntimeError> {
        let (mut damaged, mut keyless) = (Vec::new(), Vec::new());
        check.docs.each_old_block(org, course, &mut |raw| {
            // One that is not named was told of.
            let Ok(document) = OldDocument::new(raw) else { return Ok(()) };
            let Ok((category, name, is_draft)) = document.block() else { return Ok(()) };
            if let Err(error) = context.make_usage_key(category, name) {
                damaged.push(("block_key", document.place().to_owned(), error.to_string()));
                return Ok(());
            }
            let key = BlockKey::new(category, name);
            let children = match old_mongo::children(&document, registry, context) {
                Ok((children, no_children)) => {
                    let place = || document.place().to_owned();
                    keyless.extend(no_children.into_iter().map(|reason| (place(), reason)));
                    children
                }
                Err(error) => {
                    damaged.push(("block", document.place().to_owned(), told(error)?));
                    Vec::new()
                }
            };
            let children = children.iter().map(|child| BlockKey::new(child.block_type(), child.block_id()));
            let revision = if is_draft { &mut self.drafts } else { &mut self.published };
            if revision.insert(key, children.collect()).is_some() {
                let reason = "another document has the same `_id` with its members in another order";
                damaged.push(("twice", document.place().to_owned(), reason.to_owned()));
            }
            Ok(())
        })?;
        for (place, reason) in keyless {
            check.find(Severity::Warning, "missing_child", place, reason, None);
        }
        for (code, place, reason) in damaged {
            check.find(Severity::Damage, code, place, reason, None);
        }
        Ok(())
    }

    /// Looks at what is below what, in the draft and as it is published, each thing once.
    fn tree(&self, check: &mut Check<'_>, context: &ContextKey) {
        let mut overlaid = self.published.clone();
        overlaid.extend(self.drafts.iter().map(|(key, children)| (key.clone(), children.clone())));
        let is_root = |key: &&BlockKey| *key.block_type == *old_mongo::COURSE;
        let roots: Vec<_> = overlaid.keys().filter(is_root).cloned().collect();
        let mut found = BTreeSet::new();
        for below in [&overlaid, &self.published] {
            for (parent, children) in below {
                let mut seen = BTreeSet::new();
                for child in children {
                    // What is published may list a unit that was never published: it is passed over.
                    if !overlaid.contains_key(child) {
                        found.insert(("missing_child", parent.clone(), child.clone()));
                    } else if !seen.insert(child) {
                        found.insert(("child_twice", parent.clone(), child.clone()));
                    }
                }
            }
            found.extend(
                find_cycles(below, &roots).into_iter().map(|(parent, child)| ("cycle", parent, child)),
            );
        }
        for (code, parent, child) in found {
            let (severity, what) = match code {
                "missing_child" => (Severity::Warning, "does not exist"),
                "child_twice" => (Severity::Warning, "is listed twice"),
                _ => (Severity::Damage, "stands above it"),
            };
            let (place, reason) = (format!("{context}, {parent}"), format!("its child {child} {what}"));
            check.find(severity, code, place, reason, None);
        }
        for (branch, below) in [(Branch::Draft, &overlaid), (Branch::Published, &self.published)] {
            let children: BTreeSet<_> = below.values().flatten().collect();
            let is_orphan = |key: &&BlockKey| {
                *key.block_type != *old_mongo::COURSE
                    && !DETACHED.contains(&&*key.block_type)
                    && !children.contains(key)
            };
            let mut orphans = below.keys().filter(is_orphan);
            if let Some(first) = orphans.next() {
                let reason = format!("nothing leads to {} blocks like {first}", 1 + orphans.count());
                check.find(Severity::Note, "orphan", format!("{context}, {branch}"), reason, None);
            }
        }
    }
}
