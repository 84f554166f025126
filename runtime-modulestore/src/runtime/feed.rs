//! The change feed, which tells of our own commits, and of where other programs brought a branch.
//!
//! Those enter nothing: a head the feed never told of is entered by whoever reads the feed to its end and may write. What
//! another program made in between is in the branch's history.

use std::collections::HashSet;

use bson::oid::ObjectId;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Change, Cursor, EditInfo, RuntimeError, VersionId};

use super::ModulestoreRuntime;
use crate::documents::{CourseIndex, IndexKey, corrupt};
use crate::store::{DocumentReads, FeedEntry, Outcome};

/// A head the feed has not told of.
pub(super) struct Untold {
    context: ContextKey,
    branch: Branch,
    version: ObjectId,
    edit_info: EditInfo,
}

/// Finds at most so many heads the feed has not told of, in one look at the indexes and one at the feed.
pub(super) fn untold(docs: &dyn DocumentReads, most: usize) -> Result<Vec<Untold>, RuntimeError> {
    let mut heads = Vec::new();
    for index in docs.indexes()? {
        // What is damaged is told by whoever reads it.
        let Ok(index) = index.and_then(|raw| CourseIndex::read(&raw)) else { continue };
        let (Ok(context), Ok(())) = (index.context(), index.check_heads()) else { continue };
        for branch in [Branch::Published, Branch::Draft] {
            if let Some(version) = index.head(branch) {
                heads.push((index.key().clone(), context.clone(), branch, version));
            }
        }
    }
    // After the indexes: a commit of ours that they show is in the feed by then.
    docs.feed_end()?;
    let versions: Vec<_> = heads.iter().map(|(.., version)| *version).collect();
    let told: HashSet<_> = docs.feed_of(&versions)?.into_iter().filter_map(told_of).collect();
    let mut found = Vec::new();
    for (key, context, branch, version) in heads {
        if found.len() >= most {
            break;
        }
        if told.contains(&(key, branch.name().to_owned(), version)) {
            continue;
        }
        match docs.header(version) {
            Ok(Some(header)) => {
                found.push(Untold { context, branch, version, edit_info: header.edit_info });
            }
            // Nobody can read that version.
            Ok(None) => {}
            Err(error) if error.is_damage() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Returns what an entry tells of; a course has one place, whichever form of its key was used.
fn told_of(entry: FeedEntry) -> Option<(IndexKey, String, ObjectId)> {
    let context: ContextKey = entry.context.parse().ok()?;
    Some((IndexKey::of(&context).ok()?, entry.branch, entry.version))
}

impl ModulestoreRuntime {
    pub(super) fn read_feed(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, RuntimeError> {
        let read = || {
            let docs = self.store.read()?;
            if after.0 > docs.feed_end()? {
                return Err(RuntimeError::NoSuchCursor { cursor: after });
            }
            docs.feed(after.0, limit)
        };
        let mut entries = read()?;
        // What cannot be entered keeps the feed behind, which is asked for apart from it.
        if entries.len() < limit && self.enter_untold().unwrap_or(false) {
            entries = read()?;
        }
        entries.into_iter().map(change).collect()
    }

    /// Enters the heads the feed has not told of, where that may be written; says whether there were any.
    fn enter_untold(&self) -> Result<bool, RuntimeError> {
        if untold(&*self.store.read()?, 1)?.is_empty() {
            return Ok(false);
        }
        let docs = self.store.write()?;
        for head in untold(&*docs, usize::MAX)? {
            let context = head.context.to_string();
            docs.append_feed(&context, head.branch.name(), head.version, &head.edit_info)?;
        }
        Ok(docs.commit()? == Outcome::Kept)
    }
}

fn change(entry: FeedEntry) -> Result<Change, RuntimeError> {
    let place = || format!("change {}", entry.cursor);
    let branch = Branch::ALL.into_iter().find(|branch| branch.name() == entry.branch);
    Ok(Change {
        cursor: Cursor(entry.cursor),
        context: entry.context.parse().map_err(|error| corrupt(place(), error))?,
        branch: branch.ok_or_else(|| corrupt(place(), "it names no branch"))?,
        version: VersionId(entry.version.to_hex().into()),
        edit_info: entry.edit_info,
    })
}
