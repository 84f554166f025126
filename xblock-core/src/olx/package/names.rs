//! The names of blocks: where they come from and how they are kept apart (xblock reference, section 18).

use std::collections::HashSet;

use foldhash::fast::RandomState;
use sha1::{Digest, Sha1};

use crate::keys::{Within, clean};

use super::super::element::Element;
use super::super::text::Text;

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

/// The names used so far, with their types.
#[derive(Debug, Default)]
pub(super) struct UsedNames(HashSet<Within, RandomState>);

impl UsedNames {
    /// Finds an element's name and makes it unique.
    ///
    /// `text` gives the element as text, which is only needed where a name must be made up.
    pub(super) fn name(
        &mut self,
        element: &Element,
        text: &dyn Fn() -> String,
        repeated: Repeated,
    ) -> (Text, Option<NameRemark>) {
        let tag = element.name.as_str();
        let is_stateful = || STATEFUL.contains(&tag);
        let mut remark = None;
        let mut name = match given_name(element).filter(|name| !name.is_empty()) {
            Some(name) => name,
            None => {
                remark = is_stateful().then_some(NameRemark::NoName);
                format!("{tag}_{}", hash(&text())).into()
            }
        };
        if !self.0.insert(Within::of_texts(tag, &name)) {
            if repeated == Repeated::Rename || is_stateful() {
                let new = renamed(tag, &name, &hash(&text()));
                remark = Some(match name == new {
                    true => NameRemark::SameContent,
                    false => NameRemark::Renamed { old: name.into() },
                });
                name = new.into();
                self.0.insert(Within::of_texts(tag, &name));
            } else {
                remark = Some(NameRemark::Shared);
            }
        }
        (name, remark)
    }

    /// Says whether none of the other's names was used here.
    pub(super) fn is_disjoint(&self, other: &Self) -> bool {
        self.0.is_disjoint(&other.0)
    }

    /// Takes over the names that were used elsewhere.
    pub(super) fn extend(&mut self, other: Self) {
        if self.0.is_empty() {
            *self = other;
        } else {
            self.0.extend(other.0);
        }
    }
}

/// Writes a name that was found onto its element as `url_name`; a slug that gave it goes.
pub(super) fn write_name(element: &mut Element, name: &Text) {
    match element.get("url_name") {
        Some(given) if name == given => return,
        Some(_) => {}
        None => drop(element.remove("slug")),
    }
    element.set("url_name", name);
}

fn given_name(element: &Element) -> Option<Text> {
    let given = element.attribute("url_name").or_else(|| element.attribute("slug"));
    let text = || element.get("name").or_else(|| element.get("display_name"));
    given.map(|given| given.value.clone()).or_else(|| Some(clean(text()?).into()))
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
