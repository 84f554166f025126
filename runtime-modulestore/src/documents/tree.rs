//! Which blocks of a structure stand below which.

use std::sync::OnceLock;

use super::entries::{Entries, Span, Wanted};

/// How many children are looked up at once.
const AT_ONCE: usize = 256;
/// Of how many blocks the lists of children are fetched at once.
const AHEAD: u32 = 64;

/// A child of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Child {
    /// The block at a place of the structure.
    Block(u32),
    /// One that the structure does not have, by its place among those.
    Missing(u32),
}

/// The children of all blocks, in their order.
#[derive(Debug)]
pub(super) struct Tree {
    /// Where each block's children end; they begin where those of the block before end.
    ends: Box<[u32]>,
    children: Box<[Child]>,
    missing: Vec<(Span, Span)>,
    /// Blocks whose children cannot all be read, in order. Those that can are known as theirs, so that nobody takes them for
    /// orphans.
    unreadable: Vec<u32>,
    /// The way back; made when first asked for.
    parents: OnceLock<Parents>,
}

/// Who has which children.
#[derive(Debug)]
struct Parents {
    /// Children with their parents, in order.
    of_blocks: Box<[(u32, u32)]>,
    /// The parent of each child that the structure does not have.
    of_missing: Box<[u32]>,
}

/// Lists the children of the block at a place that are pairs of texts; says whether that is all there is.
fn list<'a>(whole: &'a [u8], entries: &Entries, at: u32, wanted: &mut Vec<Wanted<'a>>) -> bool {
    let Some(items) = entries.children(whole, at) else { return false };
    let mut is_whole = true;
    for item in items {
        let Ok(item) = item else { return false };
        let is_text = |text: &[u8]| text.is_ascii() || std::str::from_utf8(text).is_ok();
        match item.pair().filter(|(block_type, block_id)| is_text(block_type) && is_text(block_id)) {
            Some((block_type, block_id)) => wanted.push(entries.wanted(block_type, block_id)),
            None => is_whole = false,
        }
    }
    is_whole
}

impl Tree {
    /// About how many bytes it takes for each block.
    pub(super) const WEIGHT: usize = size_of::<u32>() + size_of::<Child>() + size_of::<(u32, u32)>();

    /// Goes through all blocks once.
    pub(super) fn read(whole: &[u8], entries: &Entries) -> Self {
        let mut tree = Self {
            ends: Box::default(),
            children: Box::default(),
            missing: Vec::new(),
            unreadable: Vec::new(),
            parents: OnceLock::new(),
        };
        let mut ends = Vec::with_capacity(entries.len());
        let mut children = Vec::with_capacity(entries.len());
        let (mut wanted, mut found) = (Vec::new(), Vec::new());
        for at in (0..).take(entries.len()) {
            if at % AHEAD == 0 {
                entries.fetch_children(whole, at..at.saturating_add(AHEAD));
            }
            if !list(whole, entries, at, &mut wanted) {
                tree.unreadable.push(at);
            }
            // Each child takes several of the less than 2^31 bytes of a document.
            ends.push(u32::try_from(children.len() + wanted.len()).unwrap_or(u32::MAX));
            if wanted.len() >= AT_ONCE || ends.len() == entries.len() {
                entries.positions(&wanted, &mut found);
                for (wanted, found) in wanted.drain(..).zip(&found) {
                    children.push(found.map_or_else(|| tree.miss(whole, wanted), Child::Block));
                }
            }
        }
        Self { ends: ends.into(), children: children.into(), ..tree }
    }

    /// Takes note of a child that the structure does not have.
    fn miss(&mut self, whole: &[u8], wanted: Wanted<'_>) -> Child {
        let (block_type, block_id) = wanted.key();
        let place = |text| Span::of(whole, text).expect("it lies in a document of less than 2^31 bytes");
        self.missing.push((place(block_type), place(block_id)));
        Child::Missing(u32::try_from(self.missing.len() - 1).unwrap_or(u32::MAX))
    }

    /// Returns the children of the block at a place; nothing where they cannot be read.
    pub(super) fn children(&self, at: u32) -> Option<&[Child]> {
        if !self.unreadable.is_empty() && self.unreadable.binary_search(&at).is_ok() {
            return None;
        }
        Some(self.known_children(at))
    }

    /// Returns those children of the block at a place that can be read.
    fn known_children(&self, at: u32) -> &[Child] {
        let at = at as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.children[start..self.ends[at] as usize]
    }

    /// Returns the type and id of a child that the structure does not have.
    pub(super) fn missing<'a>(&self, whole: &'a [u8], number: u32) -> (&'a str, &'a str) {
        let (block_type, block_id) = self.missing[number as usize];
        (block_type.text(whole), block_id.text(whole))
    }

    /// Returns how many children there are that the structure does not have.
    pub(super) fn missing_len(&self) -> usize {
        self.missing.len()
    }

    /// Returns the places of the blocks that have this one among their children.
    pub(super) fn parents(&self, at: u32) -> impl Iterator<Item = u32> {
        let links = &self.links().of_blocks;
        let start = links.partition_point(|(child, _)| *child < at);
        links[start..].iter().take_while(move |(child, _)| *child == at).map(|(_, parent)| *parent)
    }

    /// Returns the places of the blocks that have one among their children that the structure does not have.
    pub(super) fn parents_of_missing(
        &self,
        whole: &[u8],
        block_type: &str,
        block_id: &str,
    ) -> impl Iterator<Item = u32> {
        let links = &self.links().of_missing;
        self.missing.iter().zip(links).filter_map(move |((kind, id), parent)| {
            let is_it = kind.bytes(whole) == block_type.as_bytes() && id.bytes(whole) == block_id.as_bytes();
            is_it.then_some(*parent)
        })
    }

    fn links(&self) -> &Parents {
        self.parents.get_or_init(|| {
            let (mut of_blocks, mut of_missing) = (Vec::new(), Vec::new());
            for (parent, _) in (0..).zip(&self.ends) {
                for child in self.known_children(parent) {
                    match child {
                        Child::Block(child) => of_blocks.push((*child, parent)),
                        Child::Missing(_) => of_missing.push(parent),
                    }
                }
            }
            of_blocks.sort_unstable();
            of_blocks.dedup();
            Parents { of_blocks: of_blocks.into(), of_missing: of_missing.into() }
        })
    }
}

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;
    use bson::{Bson, doc};
    use xblock_core::keys::ContextKey;
    use xblock_core::runtime::RuntimeError;

    use super::*;
    use crate::documents::Structure;

    const BLOCKS: u32 = 1_000;

    fn pair(number: u32) -> Bson {
        // Ids of several lengths, some beyond ASCII, one that makes no key.
        let id = match number % 5 {
            _ if number == 600 => "no key".to_owned(),
            0 => format!("ñ{number}"),
            1 => format!("{number:032x}"),
            _ => number.to_string(),
        };
        Bson::Array(vec![["html", "vertical"][number as usize % 2].into(), id.into()])
    }

    /// A structure whose blocks have children all over it, some that it does not have, and some that cannot be read.
    fn structure() -> Structure {
        let blocks: Vec<Bson> = (0..BLOCKS)
            .map(|number| {
                let Bson::Array(key) = pair(number) else { unreachable!("a pair") };
                let mut children: Vec<_> =
                    (0..number % 7).map(|nth| pair((number * 31 + nth * 411) % (BLOCKS + 40))).collect();
                if number % 100 == 50 {
                    children.push(Bson::from(1));
                }
                let (block_type, block_id) = (&key[0], &key[1]);
                doc! { "block_type": block_type, "block_id": block_id, "fields": { "children": children } }
                    .into()
            })
            .collect();
        let id = ObjectId::from_bytes([1; 12]);
        let document = doc! { "_id": id, "root": pair(0), "blocks": blocks };
        Structure::read(id, document.to_vec().expect("BSON")).expect("a structure")
    }

    /// Children that are looked up many at once are those each block names.
    #[test]
    fn children_are_those_that_blocks_name() {
        let structure = structure();
        let (mut there, mut missing) = (0, 0);
        for at in 0..BLOCKS {
            let named = structure.at(at).expect("a block").children();
            let Some(children) = structure.children_at(at) else {
                assert!(matches!(named, Err(RuntimeError::Corrupt { .. })), "{at}");
                assert_eq!(at % 100, 50);
                continue;
            };
            let keys: Vec<_> = children.iter().map(|child| structure.child_key(*child)).collect();
            assert_eq!(named.ok().as_ref(), Some(&keys), "{at}");
            for (child, (block_type, block_id)) in children.iter().zip(keys) {
                match (child, structure.position(block_type, block_id)) {
                    (Child::Block(at), Some(known)) => assert_eq!(*at, known),
                    (Child::Missing(_), None) => missing += 1,
                    other => panic!("{block_type}+{block_id}: {other:?}"),
                }
                there += 1;
            }
        }
        assert!(there > 2_000 && missing > 50, "{there}, {missing}");
    }

    /// What makes no key is an error where it is asked for, and of nothing that is made with it.
    #[test]
    fn keys_are_those_of_their_blocks() {
        let structure = structure();
        let context: ContextKey = "course-v1:Harbour+Tides+2031".parse().expect("a key");
        let usages = structure.usages(&context);
        let all: Vec<_> =
            (0..BLOCKS).rev().flat_map(|at| structure.children_at(at).unwrap_or_default()).collect();
        for child in all.into_iter().copied().chain((0..BLOCKS).map(Child::Block)) {
            let (block_type, block_id) = structure.child_key(child);
            match usages.key(&structure, child) {
                Ok(key) => assert_eq!((key.block_type(), key.block_id()), (block_type, block_id)),
                Err(error) => {
                    assert!(matches!(error, RuntimeError::Corrupt { .. }), "{error}");
                    assert_eq!(block_id, "no key");
                }
            }
        }
        let no_key = usages.key(&structure, Child::Block(600));
        assert!(matches!(no_key, Err(RuntimeError::Corrupt { .. })), "{no_key:?}");
    }
}
