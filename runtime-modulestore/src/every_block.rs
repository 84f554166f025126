//! All blocks of a branch with their content, read by several threads.

use std::num::NonZero;
use std::sync::Arc;
use std::{thread, vec};

use xblock_core::block::BlockType;
use xblock_core::runtime::{BlockRecord, RuntimeError};

use crate::documents::UsageTable;
use crate::view::BranchView;

/// How many blocks are read at once, so that not all of a big course are in memory.
const ROUND: usize = 4096;
/// How many blocks are worth a thread.
const WORTH: usize = 256;

/// The blocks of a branch in the order of its document, each with its content or what is wrong with it.
///
/// They are read some thousand at once, by so many threads, each in a view of the store of its own: what a version holds
/// never changes.
pub struct EveryBlock<'v> {
    view: &'v BranchView<'v>,
    usages: &'v Arc<UsageTable>,
    threads: usize,
    next: u32,
    ready: vec::IntoIter<Result<BlockRecord, RuntimeError>>,
}

impl BranchView<'_> {
    /// Reads every block with its content, on so many threads, without a number on as many as there are processors.
    #[must_use]
    pub fn every_block(&self, threads: Option<NonZero<usize>>) -> EveryBlock<'_> {
        let threads = threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZero::get);
        EveryBlock { view: self, usages: self.usages(), threads, next: 0, ready: Vec::new().into_iter() }
    }
}

impl Iterator for EveryBlock<'_> {
    type Item = Result<BlockRecord, RuntimeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.as_slice().is_empty() {
            self.ready = self.round().into_iter();
        }
        self.ready.next()
    }
}

impl EveryBlock<'_> {
    fn round(&mut self) -> Vec<Result<BlockRecord, RuntimeError>> {
        let places: Vec<u32> = (self.next..).take(self.view.len() - self.next as usize).take(ROUND).collect();
        let Some(last) = places.last() else { return Vec::new() };
        self.next = last + 1;
        let threads = self.threads.min(places.len() / WORTH).max(1);
        let mut parts = places.chunks(places.len().div_ceil(threads));
        let own = parts.next().unwrap_or_default();
        thread::scope(|scope| {
            let this = &*self;
            let others: Vec<_> = parts.map(|part| scope.spawn(move || this.read(part))).collect();
            let mut records = this.read(own);
            for other in others {
                match other.join() {
                    Ok(more) => records.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            records
        })
    }

    fn read(&self, places: &[u32]) -> Vec<Result<BlockRecord, RuntimeError>> {
        let runtime = self.view.runtime();
        let docs = match runtime.store.read() {
            Ok(docs) => docs,
            Err(error) => return vec![Err(error)],
        };
        let reader = runtime.reader(&*docs, self.usages.context());
        let structure = self.view.structure();
        let mut declared: Vec<Option<BlockType>> = Vec::new();
        places
            .iter()
            .map(|at| {
                let number = structure.type_at(*at);
                if declared.len() <= number {
                    declared.resize_with(number + 1, || None);
                }
                let declared = declared[number]
                    .get_or_insert_with(|| runtime.registry.block_type(structure.key_at(*at).0));
                reader.record_at(structure, self.usages, declared, *at)
            })
            .collect()
    }
}
