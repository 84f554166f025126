//! How long the names may be that the index has room for.
//!
//! MySQL takes keys of 3,072 bytes, and keys of the index have a type and an id in them. Every Blockstore keeps to it, so that
//! each can be brought to a server.

use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::Include;
use xblock_core::runtime::{Edit, EditOp, RuntimeError};

/// The longest type of a block or file, in bytes.
const LONGEST_TYPE: usize = 760;
/// The longest id of a block, path or name of a file, and key of a context, in bytes.
const LONGEST_NAME: usize = 2000;

/// Says whether the index has room for a name of a type.
pub(super) fn has_room(kind: &str, name: &str) -> bool {
    kind.len() <= LONGEST_TYPE && name.len() <= LONGEST_NAME
}

/// Says whether the index has room for a context with its root.
pub(super) fn has_room_for_context(key: &str, root_type: &str, root_id: &str) -> bool {
    key.len() <= LONGEST_NAME && has_room(root_type, root_id)
}

/// Says what is wrong with names of other blocks in a definition.
pub(super) fn too_long(children: &[UsageKey], includes: &[Include]) -> Option<String> {
    let child =
        children.iter().find_map(|child| too_long_key(child).map(|reason| format!("a child's {reason}")));
    child.or_else(|| {
        let include = includes.iter().find(|include| !has_room(&include.block_type, &include.path()))?;
        let length = include.path().len();
        Some(format!("an include's path has {length} bytes, and there is room for {LONGEST_NAME}"))
    })
}

fn too_long_key(usage: &UsageKey) -> Option<String> {
    let (block_type, id) = (usage.block_type().len(), usage.block_id().len());
    if block_type > LONGEST_TYPE {
        return Some(format!("type has {block_type} bytes, and there is room for {LONGEST_TYPE}"));
    }
    (id > LONGEST_NAME).then(|| format!("id has {id} bytes, and there is room for {LONGEST_NAME}"))
}

/// Refuses an edit that makes names there is no room for.
pub(super) fn refuse_too_long(edit: &Edit) -> Result<(), RuntimeError> {
    refuse_long_context(&edit.context)?;
    for op in &edit.ops {
        let (usage, children) = match op {
            EditOp::PutBlock { usage, data } => (usage, &*data.children),
            EditOp::PatchBlock { usage, patch } => (usage, patch.children.as_deref().unwrap_or_default()),
            _ => continue,
        };
        if let Some(reason) =
            too_long_key(usage).map(|reason| format!("its {reason}")).or_else(|| too_long(children, &[]))
        {
            return Err(RuntimeError::Unstorable { place: shown(usage), reason });
        }
    }
    Ok(())
}

fn refuse_long_context(key: &ContextKey) -> Result<(), RuntimeError> {
    let text = key.to_string();
    if text.len() <= LONGEST_NAME {
        return Ok(());
    }
    let reason = format!("its key has {} bytes, and there is room for {LONGEST_NAME}", text.len());
    Err(RuntimeError::Unstorable { place: beginning(&text), reason })
}

fn shown(usage: &UsageKey) -> String {
    beginning(&usage.to_string())
}

/// Cuts a text that is too long for a message.
fn beginning(text: &str) -> String {
    const SHOWN: usize = 120;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
