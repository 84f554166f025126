//! What the pages show of a course: its outline, and where a unit stands in it.

use serde::Serialize;
use xblock_core::block::{BlockError, User};
use xblock_core::host::Host;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{MOST_PLACES, RuntimeError, RuntimeExt};

use crate::tree::circles;

/// A block with what is below it, down to units.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Entry {
    /// The usage key as text.
    pub(super) usage: String,
    /// Its type.
    pub(super) block_type: String,
    /// Its name.
    pub(super) name: String,
    /// What is below, units excepted.
    pub(super) children: Vec<Entry>,
    /// Whether it is shown on a page of its own.
    pub(super) is_unit: bool,
}

/// Block types that only hold others; everything else is a page.
const FOLDERS: [&str; 6] = ["course", "chapter", "sequential", "problemset", "videosequence", "library"];

/// Says whether a block's view begins with its name, as those of containers do.
pub(super) fn names_itself(usage: &UsageKey) -> bool {
    FOLDERS.contains(&usage.block_type()) || matches!(usage.block_type(), "vertical" | "unit" | "wrapper")
}

/// Reads the outline a user may see.
pub(super) fn read(host: &Host, context: &ContextKey, user: &User) -> Result<Entry, BlockError> {
    let root = host.runtime.context(context)?.root;
    let mut places = 0;
    let mut top = entry(host, &root, user, 0, &mut places)?;
    if !context.is_course() {
        // What a library's units include in a circle hangs below none that its root has.
        for usage in circles(&*host.runtime, context, host.branch)? {
            match visible(host, &usage, user) {
                Ok(true) => top.children.push(entry(host, &usage, user, 1, &mut places)?),
                Ok(false) => {}
                Err(_) => top.children.push(unreadable(&usage)),
            }
        }
    }
    Ok(top)
}

fn entry(
    host: &Host,
    usage: &UsageKey,
    user: &User,
    depth: usize,
    places: &mut usize,
) -> Result<Entry, BlockError> {
    *places += 1;
    if *places > MOST_PLACES {
        let context = usage.context_key();
        return Err(RuntimeError::TooManyPlaces { context, limit: MOST_PLACES }.into());
    }
    let loaded = host.load(usage, Some(user))?;
    let is_unit = !FOLDERS.contains(&usage.block_type()) || depth > 8;
    let mut children = Vec::new();
    if !is_unit {
        for child in &loaded.record.data.children {
            match visible(host, child, user) {
                Ok(true) => children.push(entry(host, child, user, depth + 1, places)?),
                Ok(false) => {}
                Err(_) => children.push(unreadable(child)),
            }
        }
    }
    Ok(Entry {
        usage: usage.to_string(),
        block_type: usage.block_type().to_owned(),
        name: name(&loaded.block.fields().str("display_name").unwrap_or_default(), usage),
        children,
        is_unit,
    })
}

fn visible(host: &Host, usage: &UsageKey, user: &User) -> Result<bool, BlockError> {
    let loaded = host.load(usage, Some(user))?;
    Ok(user.is_staff || !loaded.block.fields().bool("visible_to_staff_only")?)
}

/// Keeps a block that cannot be read in the outline; its page says what is wrong.
fn unreadable(usage: &UsageKey) -> Entry {
    Entry {
        usage: usage.to_string(),
        block_type: usage.block_type().to_owned(),
        name: name("", usage),
        children: Vec::new(),
        is_unit: true,
    }
}

fn name(display_name: &str, usage: &UsageKey) -> String {
    if display_name.is_empty() { usage.block_id().replace('_', " ") } else { display_name.to_owned() }
}

impl Entry {
    /// Lists the pages of the outline in order.
    pub(super) fn units(&self) -> Vec<&Self> {
        if self.is_unit {
            return vec![self];
        }
        self.children.iter().flat_map(Self::units).collect()
    }
}

/// The way down to a block, without itself: names and addresses for the bread crumbs, and the page it belongs to.
pub(super) fn way(host: &Host, usage: &UsageKey) -> Result<Vec<(UsageKey, String)>, RuntimeError> {
    let mut above = host.runtime.ancestors(usage, host.branch)?;
    above.reverse();
    Ok(above
        .into_iter()
        .map(|record| {
            (record.usage.clone(), name(record.data.display_name().unwrap_or_default(), &record.usage))
        })
        .collect())
}

/// Encodes a text for one segment of a path.
pub(super) fn path_segment(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' | b':' | b'+' => {
                encoded.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}
