//! The names of blocks: where they come from and how they are kept apart (xblock reference, section 18).

use std::collections::{HashMap, HashSet};

use sha1::{Digest, Sha1};

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
    by_type: HashMap<String, HashSet<String>>,
}

impl UsedNames {
    /// Finds an element's name, makes it unique and writes it onto the element as `url_name`.
    ///
    /// `text` gives the element as text, which is only needed where a name must be made up.
    pub(super) fn name(
        &mut self,
        element: &mut Element,
        text: &dyn Fn() -> String,
        repeated: Repeated,
    ) -> (String, Option<NameRemark>) {
        let tag = element.name.clone();
        let is_stateful = STATEFUL.contains(&tag.as_str());
        let mut remark = None;
        let mut name = given_name(element).unwrap_or_default();
        if name.is_empty() {
            name = format!("{tag}_{}", hash(&text()));
            remark = is_stateful.then_some(NameRemark::NoName);
        }
        let used = self.by_type.entry(tag.to_string()).or_default();
        if used.contains(&name) {
            if is_stateful || repeated == Repeated::Rename {
                let new = renamed(&tag, &name, &hash(&text()));
                remark = Some(match new == name {
                    true => NameRemark::SameContent,
                    false => NameRemark::Renamed { old: std::mem::replace(&mut name, new) },
                });
            } else {
                remark = Some(NameRemark::Shared);
            }
        }
        used.insert(name.clone());
        if element.get("url_name") != Some(&name) {
            element.set("url_name", name.as_str());
        }
        (name, remark)
    }
}

fn given_name(element: &mut Element) -> Option<String> {
    if let Some(name) = element.get("url_name") {
        return Some(name.to_owned());
    }
    if let Some(name) = element.remove("slug") {
        return Some(name.into());
    }
    element.get("name").or_else(|| element.get("display_name")).map(clean)
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
