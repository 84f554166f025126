//! Many objects written: those that are named by their content under that name at once, the rest where they are planned.
//!
//! There is no renaming among objects. What a batch would write under one name and rename is written under the last one:
//! an object appears whole, and no row names it before the batch is done. What was written before is copied; the first
//! object stays, and goes with the folder it came in by.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::batch::{Batch, Work, spread_over};
use super::client::Client;
use super::names::Storage;
use super::objects::{SMALL, prove};
use crate::digest::Digest;
use crate::error::BlockstoreError;

/// Requests under way at once; nearly all of their time is waiting.
pub(super) const THREADS: usize = 24;

impl Batch {
    /// Does it all and returns when the service has it.
    pub(super) fn run_on(self, client: &Arc<Client>) -> Result<(), BlockstoreError> {
        let mut last: HashMap<PathBuf, PathBuf> = self.renames.iter().cloned().collect();
        let mut work = Vec::with_capacity(self.work.len());
        for item in self.work {
            let target = match &item {
                Work::Bytes { target, .. } | Work::Link { target, .. } => target,
            };
            let target = last.remove(target).unwrap_or_else(|| target.clone());
            work.push((item, target));
        }
        spread_over(THREADS, &work, |(item, target)| write(client, item, target))?;
        let renames: Vec<_> = self.renames.iter().filter(|(from, _)| last.contains_key(from)).collect();
        spread_over(THREADS, &renames, |(from, to)| client.copy(from, to))?;
        self.last.map_or(Ok(()), |(from, to)| client.copy(&from, &to))
    }
}

fn write(client: &Arc<Client>, item: &Work, target: &Path) -> Result<(), BlockstoreError> {
    match item {
        Work::Bytes { bytes, .. } => client.put(target, bytes.to_vec()),
        Work::Link { source, expected: None, .. } => client.copy(source, target),
        Work::Link { source, expected: Some(expected), .. } => {
            let storage = Storage { root: client.root().to_path_buf(), objects: Some(client.clone()) };
            let before = client.mark(source)?;
            if before.length <= SMALL {
                let bytes = client.read(source)?;
                prove(source, Digest::of(&bytes), *expected)?;
                return client.put(target, bytes);
            }
            prove(source, storage.digest_of(source)?.0, *expected)?;
            client.copy(source, target)?;
            // What was proved is what was copied only where nobody wrote it between.
            if client.mark(source)? != before {
                let reason = "another program wrote it while it was copied";
                return Err(BlockstoreError::corrupt(source.display(), reason));
            }
            Ok(())
        }
    }
}
