//! What the draft branch has and the published one has not, under `drafts/`.

use std::collections::{BTreeMap, BTreeSet};

use crate::fields::Json;
use crate::keys::UsageKey;
use crate::olx::Element;
use crate::olx::write::{WriteError, WriteHost};
use crate::runtime::{BlockData, Branch, RuntimeExt};

use super::host::Exporter;
use super::pages::is_page;

/// Types that edx-platform always publishes at once.
const DIRECT_ONLY: [&str; 3] = ["course", "chapter", "sequential"];

impl Exporter<'_> {
    /// Writes the roots of all draft subtrees, each with everything below it.
    pub(super) fn drafts(&mut self, root: &UsageKey) -> Result<(), WriteError> {
        let changed = self.changed_blocks(root)?;
        self.enter(Branch::Draft, "drafts/");
        let mut wanted = changed;
        let mut done: BTreeSet<UsageKey> = BTreeSet::new();
        for usage in self.kept.into_iter().flat_map(|kept| &kept.tops) {
            if let Some(file) = self.home(usage) {
                self.keep(usage, file)?;
                done.insert(usage.clone());
            }
        }
        while let Some(usage) = wanted.pop_first() {
            if done.contains(&usage) || self.written.contains(&usage) {
                continue;
            }
            let above: Vec<UsageKey> = match self.runtime.ancestors(&usage, Branch::Draft) {
                // Whoever stands above and cannot be read was told of already.
                Err(error) if error.is_damage() => continue,
                above => above?.into_iter().map(|block| block.usage).collect(),
            };
            // An orphan has no place to be put, nor has what hangs below one.
            if above.last() != Some(root) {
                self.leave_orphan_out(&usage)?;
                continue;
            }
            // A block below a root is written with it.
            if above.iter().any(|a| done.contains(a) || wanted.contains(a)) {
                continue;
            }
            let Some(parent) = above.first() else { continue };
            if self.draft_root(&usage, parent)? {
                done.insert(usage);
            } else if parent != root {
                // A block that stands in its parent's element has no file; its parent becomes the root instead.
                wanted.insert(parent.clone());
            } else {
                let host: &mut dyn WriteHost = self;
                host.warn("draft-left-out", &usage, "a draft of this type has no place in a package");
            }
        }
        Ok(())
    }

    /// Lists the blocks of the draft branch that differ from the published one, without those whose difference is only
    /// that a new block stands among their children.
    fn changed_blocks(&mut self, root: &UsageKey) -> Result<BTreeSet<UsageKey>, WriteError> {
        let mut changed = BTreeSet::new();
        let mut containers: Vec<(UsageKey, BlockData, BlockData)> = Vec::new();
        let usages = match self.runtime.usages(self.context, Branch::Draft) {
            // What is published comes out all the same.
            Err(error) if error.is_damage() => {
                self.leave_out(&format!("the draft of {}", self.context), &error);
                return Ok(changed);
            }
            usages => usages?,
        };
        for usage in usages {
            let draft = match self.runtime.block(&usage, Branch::Draft) {
                Err(error) if error.is_damage() => {
                    self.leave_out(&usage, &error);
                    continue;
                }
                draft => draft?,
            };
            let published = match self.runtime.block(&usage, Branch::Published) {
                Ok(published) => Some(published),
                // What cannot be read as it is published is written as it is drafted, at least.
                Err(error) if error.is_not_found() || error.is_damage() => None,
                Err(error) => return Err(error.into()),
            };
            match published {
                Some(published) if published.data == draft.data => {}
                Some(published) if DIRECT_ONLY.contains(&usage.block_type()) => {
                    containers.push((usage, (*draft.data).clone(), (*published.data).clone()));
                }
                _ if is_page(usage.block_type()) => {
                    let host: &mut dyn WriteHost = self;
                    host.warn("draft-left-out", &usage, "pages beside the course have no drafts");
                }
                _ => {
                    changed.insert(usage);
                }
            }
        }
        for (usage, draft, published) in containers {
            if is_explained(&draft, &published, &changed) {
                continue;
            }
            if usage == *root {
                let host: &mut dyn WriteHost = self;
                host.warn("draft-left-out", &usage, "changes to the course itself have no drafts");
            } else {
                changed.insert(usage);
            }
        }
        Ok(changed)
    }

    /// Writes one root, and says whether it got a file.
    ///
    /// A reader takes a root's name from its file, so that one in a folder of its own cannot be a root.
    fn draft_root(&mut self, usage: &UsageKey, parent: &UsageKey) -> Result<bool, WriteError> {
        if usage.block_id().contains(':') {
            return Ok(false);
        }
        let record = self.runtime.block(usage, Branch::Draft)?;
        let siblings = self.runtime.block(parent, Branch::Draft)?;
        let index = siblings.data.children.iter().position(|child| child == usage).unwrap_or_default();
        let mut data = (*record.data).clone();
        let place = [
            ("parent_url", Json::from(self.reference(&parent.to_string()))),
            ("index_in_children_list", Json::from(index.to_string())),
        ];
        let attributes =
            data.settings.entry("xml_attributes".into()).or_insert_with(|| Json::Object(Default::default()));
        if !attributes.is_object() {
            *attributes = Json::Object(Default::default());
        }
        if let Json::Object(attributes) = attributes {
            attributes.extend(place.map(|(name, value)| (name.to_owned(), value)));
        }
        let mut node = Element::new(usage.block_type());
        let path = format!("drafts/{}/{}.xml", usage.block_type(), usage.block_id().replace(':', "/"));
        let is_written = self.block(usage, &data, &mut node)?;
        Ok(is_written && self.has_file(&path, usage))
    }
}

/// Says whether the new blocks, put at their places, make the published children the draft's.
fn is_explained(draft: &BlockData, published: &BlockData, changed: &BTreeSet<UsageKey>) -> bool {
    let without_children = |data: &BlockData| BlockData { children: Vec::new(), ..data.clone() };
    if without_children(draft) != without_children(published) {
        return false;
    }
    let mut children = published.children.clone();
    let new: BTreeMap<usize, &UsageKey> =
        draft.children.iter().enumerate().filter(|(_, child)| changed.contains(*child)).collect();
    for (index, child) in new {
        if !children.contains(child) {
            children.insert(index.min(children.len()), child.clone());
        }
    }
    children == draft.children
}
