//! The names of blocks: where they come from and how they are kept apart (xblock reference, section 18).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use foldhash::fast::RandomState;
use sha1::{Digest, Sha1};
use smol_str::SmolStr;

use crate::keys::clean;

use super::super::element::Element;

/// The types that keep learner state under their name.
const STATEFUL: [&str; 8] =
    ["problem", "sequential", "video", "course", "chapter", "videosequence", "poll_question", "vertical"];

/// What is to be said about a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NameRemark {
    /// The element says nothing that could be a name.
    NoName,
    /// The name was used before; this is the new one.
    Renamed { old: String },
    /// The name was used before, and both blocks share it.
    Shared,
    /// The name was made up of the content, and an element of the same content came before.
    SameContent,
}

/// Whether a name that was used before is shared by types without learner state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    Share,
    Rename,
}

/// The names used so far, by type.
#[derive(Debug, Default)]
pub(super) struct UsedNames {
    by_type: BTreeMap<SmolStr, HashSet<SmolStr, RandomState>>,
}

impl UsedNames {
    /// Finds an element's name and makes it unique.
    ///
    /// `text` gives the element as text, which is only needed where a name must be made up.
    pub(super) fn name(
        &mut self,
        element: &Element,
        text: &dyn Fn() -> String,
        repeated: Repeated,
    ) -> (String, Option<NameRemark>) {
        let tag = element.name.as_str();
        let is_stateful = STATEFUL.contains(&tag);
        let mut remark = None;
        let mut name = given_name(element).unwrap_or_default();
        if name.is_empty() {
            name = format!("{tag}_{}", hash(&text()));
            remark = is_stateful.then_some(NameRemark::NoName);
        }
        let used = self.by_type.entry(tag.into()).or_default();
        if !used.insert(name.as_str().into()) {
            if is_stateful || repeated == Repeated::Rename {
                let new = renamed(tag, &name, &hash(&text()));
                remark = Some(match new == name {
                    true => NameRemark::SameContent,
                    false => NameRemark::Renamed { old: std::mem::replace(&mut name, new) },
                });
                used.insert(name.as_str().into());
            } else {
                remark = Some(NameRemark::Shared);
            }
        }
        (name, remark)
    }

    /// Says whether none of the other's names was used here.
    pub(super) fn is_disjoint(&self, other: &Self) -> bool {
        let mut types = self.by_type.iter();
        types.all(|(tag, names)| other.by_type.get(tag).is_none_or(|others| names.is_disjoint(others)))
    }

    /// Takes over the names that were used elsewhere.
    pub(super) fn extend(&mut self, other: Self) {
        for (tag, names) in other.by_type {
            match self.by_type.entry(tag) {
                Entry::Occupied(mut own) => own.get_mut().extend(names),
                Entry::Vacant(place) => {
                    place.insert(names);
                }
            }
        }
    }
}

/// Writes a name that was found onto its element as `url_name`; a slug that gave it goes.
pub(super) fn write_name(element: &mut Element, name: &str) {
    match element.get("url_name") {
        Some(given) if given == name => return,
        Some(_) => {}
        None => drop(element.remove("slug")),
    }
    element.set("url_name", name);
}

fn given_name(element: &Element) -> Option<String> {
    let given = element.get("url_name").or_else(|| element.get("slug"));
    given
        .map(str::to_owned)
        .or_else(|| element.get("name").or_else(|| element.get("display_name")).map(clean))
}

/// Makes a new name of one that is taken; a hash that was made up before is replaced.
fn renamed(tag: &str, name: &str, hash: &str) -> String {
    let is_made_up = name.len() > tag.len() + 12
        && name.starts_with(tag)
        && name.is_char_boundary(name.len() - 12)
        && name[name.len() - 12..].bytes().all(|b| b.is_ascii_hexdigit());
    let base = if is_made_up { name.get(tag.len() + 1..name.len() - 12).unwrap_or("") } else { name };
    if base.is_empty() { format!("{tag}_{hash}") } else { format!("{tag}_{base}_{hash}") }
}

fn hash(text: &str) -> String {
    let mut digest = sha1_hex(text);
    digest.truncate(12);
    digest
}

pub(super) fn sha1_hex(text: &str) -> String {
    hex::encode(Sha1::digest(text.as_bytes()))
}
