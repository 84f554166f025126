//! Which staged files this process brought to the medium, so that a commit need not wait for them again.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::storage::{Mark, Storage};

/// Files remembered; what is forgotten is waited for again.
const FILES: usize = 1 << 15;

/// Files that are whole on the medium, by what the file system says of them: they keep that when they are renamed.
#[derive(Default)]
pub(super) struct DurableFiles(Mutex<HashMap<u64, Mark>>);

impl DurableFiles {
    /// Remembers a file that is on the medium.
    pub(super) fn remember(&self, storage: &Storage, file: &Path) {
        if storage.waits_for_nothing() {
            return;
        }
        let Some(mark) = storage.mark(file).ok().filter(|mark| mark.inode > 0) else { return };
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if files.len() >= FILES {
            files.clear();
        }
        files.insert(mark.inode, mark);
    }

    /// Says whether a file is one of those, and nobody has written it since.
    pub(super) fn knows(&self, storage: &Storage, file: &Path) -> bool {
        if storage.waits_for_nothing() {
            return false;
        }
        let Ok(mark) = storage.mark(file) else { return false };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&mark.inode) == Some(&mark)
    }
}
