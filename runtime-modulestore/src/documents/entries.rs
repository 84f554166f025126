//! Where each block of a structure lies in its bytes, and how it is found.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;
use std::sync::OnceLock;

use foldhash::fast::RandomState;
use hashbrown::{HashTable, hash_table};
use xblock_core::runtime::RuntimeError;

use super::read::corrupt;
use super::scan::{ARRAY, Element, Elements, fetch, find, head, last_byte};

/// A stretch of a structure's bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Locates a slice inside the bytes it was cut from.
    pub(super) fn of(whole: &[u8], part: &[u8]) -> Option<Self> {
        let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
        let end = start.checked_add(part.len()).filter(|end| *end <= whole.len())?;
        Self::new(start, end)
    }

    #[inline]
    fn new(start: usize, end: usize) -> Option<Self> {
        Some(Self { start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? })
    }

    pub(super) fn bytes(self, whole: &[u8]) -> &[u8] {
        &whole[self.start as usize..self.end as usize]
    }

    /// Returns a part of a text.
    fn part(self, whole: &str) -> &str {
        &whole[self.start as usize..self.end as usize]
    }

    /// Returns a text that was proved to be one.
    pub(super) fn text(self, whole: &[u8]) -> &str {
        std::str::from_utf8(self.bytes(whole)).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Place of the block's type among the types.
    block_type: u32,
    /// In the text of all ids.
    block_id: Span,
    document: Span,
    fields: Fields,
    children: ChildList,
}

/// Where a block's fields begin; they end by their own length.
#[derive(Debug, Clone, Copy)]
struct Fields(u32);

impl Fields {
    /// There is no document of fields, or whether there is one is not known.
    const UNKNOWN: Self = Self(0);
}

/// A block as the table has it.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The hash of type and id, so that most looks at a slot are looks at nothing else.
    hash: u32,
    at: u32,
}

/// Where a block's list of children is.
#[derive(Debug, Clone, Copy)]
enum ChildList {
    /// It has none.
    None,
    /// Its elements, of which the last may end late.
    At(Span),
    /// Something else is in its place.
    Unreadable,
}

/// The blocks of one structure, each by its place in the document.
#[derive(Debug)]
pub(super) struct Entries {
    list: Vec<Entry>,
    /// The types there are; blocks are many, types few.
    types: Vec<Box<str>>,
    /// The ids, one behind the other: what looks for a block need not bring all documents into the processor's caches.
    ids: String,
    /// Of blocks by the same key the last, which is the one edx-platform reads.
    table: HashTable<Slot>,
    hasher: RandomState,
    /// Places in the order of type and id; made when first asked for.
    order: OnceLock<Box<[u32]>>,
}

impl Entries {
    fn new() -> Self {
        Self {
            list: Vec::new(),
            types: Vec::new(),
            ids: String::new(),
            table: HashTable::new(),
            hasher: RandomState::default(),
            order: OnceLock::new(),
        }
    }

    /// About how many bytes an entry takes, with its places in the table and in the order.
    pub(super) const WEIGHT: usize = size_of::<Entry>() + 2 * size_of::<Slot>() + size_of::<u32>();

    /// Returns how many bytes the ids take.
    pub(super) fn ids_weight(&self) -> usize {
        self.ids.capacity()
    }

    fn reserve(&mut self, blocks: usize) {
        self.list.reserve(blocks);
        self.table.reserve(blocks, |slot| spread(slot.hash));
    }

    /// Adds a block after the others.
    fn add(&mut self, entry: Entry, hash: u32, ids: &[u8]) -> Option<()> {
        let at = u32::try_from(self.list.len()).ok()?;
        let list = &self.list;
        let is_same = |slot: &Slot| {
            slot.hash == hash && {
                let other = &list[slot.at as usize];
                other.block_type == entry.block_type && other.block_id.bytes(ids) == entry.block_id.bytes(ids)
            }
        };
        match self.table.entry(spread(hash), is_same, |slot| spread(slot.hash)) {
            hash_table::Entry::Occupied(mut earlier) => earlier.get_mut().at = at,
            hash_table::Entry::Vacant(free) => {
                free.insert(Slot { hash, at });
            }
        }
        self.list.push(entry);
        Some(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower half is a hash as well")]
    fn hash(&self, block_type: &[u8], block_id: &[u8]) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(block_type);
        hasher.write(block_id);
        hasher.finish() as u32
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Finds a block's place.
    pub(super) fn position(&self, block_type: &[u8], block_id: &[u8]) -> Option<u32> {
        self.find(self.wanted(block_type, block_id))
    }

    fn find(&self, wanted: Wanted<'_>) -> Option<u32> {
        let is_wanted = |slot: &Slot| slot.hash == wanted.hash && self.is(slot.at, wanted);
        Some(self.table.find(spread(wanted.hash), is_wanted)?.at)
    }

    fn is(&self, at: u32, wanted: Wanted<'_>) -> bool {
        let (block_type, block_id) = self.key(at);
        block_id.as_bytes() == wanted.block_id && block_type.as_bytes() == wanted.block_type
    }

    /// Prepares to look a block up.
    pub(super) fn wanted<'a>(&self, block_type: &'a [u8], block_id: &'a [u8]) -> Wanted<'a> {
        Wanted { hash: self.hash(block_type, block_id), block_type, block_id }
    }

    /// Finds the places of several blocks, in their order.
    ///
    /// Nothing of the table need be in the processor's caches. Step by step for all of them it waits for many pieces of
    /// memory at once, for one after the other it would wait for each.
    pub(super) fn positions(&self, wanted: &[Wanted<'_>], found: &mut Vec<Option<u32>>) {
        found.clear();
        found.extend(wanted.iter().map(|wanted| {
            let slot = self.table.find(spread(wanted.hash), |slot| slot.hash == wanted.hash)?;
            Some(slot.at)
        }));
        for (place, wanted) in found.iter_mut().zip(wanted) {
            if let Some(at) = *place
                && !self.is(at, *wanted)
            {
                // Another block has the same hash.
                *place = self.find(*wanted);
            }
        }
    }

    /// Returns the type and id of the block at a place.
    pub(super) fn key(&self, at: u32) -> (&str, &str) {
        let entry = &self.list[at as usize];
        (&self.types[entry.block_type as usize], entry.block_id.part(&self.ids))
    }

    /// Returns the place of a block's type among the types of the structure.
    pub(super) fn type_number(&self, at: u32) -> usize {
        self.list[at as usize].block_type as usize
    }

    /// Returns the fields of the block at a place, nothing where they have to be looked for.
    pub(super) fn fields<'a>(&self, whole: &'a [u8], at: u32) -> Option<&'a [u8]> {
        let entry = &self.list[at as usize];
        let Fields(start) = entry.fields;
        if start == 0 {
            return None;
        }
        let rest = whole.get(start as usize..entry.document.end as usize)?;
        rest.get(..last_byte(*rest.first_chunk()?)? + 1)
    }

    /// Returns the document of the block at a place.
    pub(super) fn document<'a>(&self, whole: &'a [u8], at: u32) -> &'a [u8] {
        self.list[at as usize].document.bytes(whole)
    }

    /// Goes through the children of the block at a place, nothing where there is no list but something else.
    pub(super) fn children<'a>(&self, whole: &'a [u8], at: u32) -> Option<Elements<'a>> {
        match self.list[at as usize].children {
            ChildList::None => Some(Elements::within(&[])),
            ChildList::At(list) => Some(Elements::within(list.bytes(whole))),
            ChildList::Unreadable => None,
        }
    }

    /// Fetches the lists of children of blocks that will be gone through.
    pub(super) fn fetch_children(&self, whole: &[u8], places: Range<u32>) {
        let end = self.list.len().min(places.end as usize);
        for entry in &self.list[places.start as usize..end] {
            if let ChildList::At(list) = entry.children {
                fetch(list.bytes(whole));
            }
        }
    }

    /// Returns the places in the order of type and id, those of the same key in the order of the document.
    pub(super) fn order(&self) -> &[u32] {
        self.order.get_or_init(|| {
            let mut order: Box<[u32]> = (0..).take(self.list.len()).collect();
            let mut by_name: Vec<_> = (0..self.types.len()).collect();
            by_name.sort_by_key(|number| &self.types[*number]);
            let mut ranks = vec![0_usize; self.types.len()];
            for (rank, number) in by_name.into_iter().enumerate() {
                ranks[number] = rank;
            }
            let key = |at: &u32| {
                let entry = &self.list[*at as usize];
                (ranks[entry.block_type as usize], entry.block_id.part(&self.ids))
            };
            order.sort_by(|a, b| key(a).cmp(&key(b)));
            order
        })
    }
}

/// A block that is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    hash: u32,
    block_type: &'a [u8],
    block_id: &'a [u8],
}

impl<'a> Wanted<'a> {
    /// Returns its type and id.
    pub(super) fn key(&self) -> (&'a [u8], &'a [u8]) {
        (self.block_type, self.block_id)
    }
}

/// Looks for the blocks of a structure while its bytes come in, so that they need not come into the processor twice. Of
/// each block only its type and id are looked for.
pub(super) struct Intake {
    place: String,
    entries: Entries,
    /// The ids so far, each of them proved UTF-8; a text is made of them when all are there.
    ids: Vec<u8>,
    /// The number of each type.
    numbers: HashMap<Box<[u8]>, u32, RandomState>,
    /// Numbers of types met lately.
    recent: [u32; RECENT],
    /// How many bytes the biggest of the first blocks takes.
    biggest: usize,
    /// Where the next element begins: of the structure, or of its blocks once they are found.
    next: usize,
    /// Where the blocks end.
    end: Option<usize>,
    failed: Option<RuntimeError>,
}

impl Intake {
    pub(super) fn new(place: String) -> Self {
        let (entries, numbers) = (Entries::new(), HashMap::default());
        let ids = Vec::new();
        Self {
            place,
            entries,
            ids,
            numbers,
            recent: [0; RECENT],
            biggest: 0,
            next: 4,
            end: None,
            failed: None,
        }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Goes on as far as the bytes reach; they begin with those that were there before.
    pub(super) fn advance(&mut self, so_far: &[u8]) {
        if self.failed.is_none()
            && let Err(error) = self.find_blocks(so_far).and_then(|()| self.take_blocks(so_far))
        {
            self.failed = Some(error);
        }
    }

    /// Returns the blocks of a structure that is whole, with the place that was named.
    pub(super) fn finish(mut self, whole: &[u8]) -> Result<(Entries, String), RuntimeError> {
        self.advance(whole);
        if let Some(error) = self.failed {
            return Err(error);
        }
        let Some(end) = self.end else {
            // Either there are none, or what stands before them is malformed.
            let found = find(whole, "blocks").map_err(|error| corrupt(&self.place, error))?;
            let reason =
                if found.is_some() { "`blocks` does not end within it" } else { "it has no `blocks`" };
            return Err(corrupt(&self.place, reason));
        };
        if self.next != end || whole.get(end) != Some(&0) {
            let place = format!("{}, block {}", self.place, self.entries.len());
            return Err(corrupt(place, "it does not end within the list of blocks"));
        }
        let ids = String::from_utf8(self.ids).expect("each is UTF-8");
        Ok((Entries { ids, ..self.entries }, self.place))
    }

    /// Goes through the structure's own elements to its blocks.
    fn find_blocks(&mut self, so_far: &[u8]) -> Result<(), RuntimeError> {
        let Some(last) = so_far.first_chunk().and_then(|length| last_byte(*length)) else { return Ok(()) };
        while self.end.is_none() {
            let left = so_far.get(self.next..last.min(so_far.len())).unwrap_or_default();
            let Some((name, kind, start)) = head(left) else { return Ok(()) };
            if name == b"blocks" {
                if kind != ARRAY {
                    return Err(corrupt(&self.place, "`blocks` is no list"));
                }
                let Some(length) = left[start..].first_chunk() else { return Ok(()) };
                let start = self.next + start;
                let end = last_byte(*length).map(|last| start + last).filter(|end| *end < last);
                self.end = Some(end.ok_or_else(|| corrupt(&self.place, "`blocks` does not end within it"))?);
                self.next = start + 4;
            } else {
                // What is not there yet may be there the next time.
                let mut elements = Elements::within(left);
                if !matches!(elements.next(), Some(Ok(_))) {
                    return Ok(());
                }
                self.next += left.len() - elements.left();
            }
        }
        Ok(())
    }

    fn take_blocks(&mut self, so_far: &[u8]) -> Result<(), RuntimeError> {
        let Some(end) = self.end else { return Ok(()) };
        let left = so_far.get(self.next..end.min(so_far.len())).unwrap_or_default();
        let mut blocks = Elements::within(left);
        while let Some(Ok(block)) = blocks.next() {
            self.next = so_far.len().min(end) - blocks.left();
            self.take(so_far, block, end)
                .map_err(|reason| corrupt(format!("{}, block {}", self.place, self.entries.len()), reason))?;
        }
        Ok(())
    }

    /// Returns the number of a type, a new one where it was not met before.
    fn type_number(&mut self, kind: &[u8]) -> Result<u32, String> {
        let types = &mut self.entries.types;
        // Types are few, and this is asked for every block: mostly one look at one place is enough.
        let mix = kind.len() + kind.first().map_or(0, |first| usize::from(*first));
        let recent = &mut self.recent[mix % RECENT];
        if types.get(*recent as usize).is_some_and(|known| known.as_bytes() == kind) {
            return Ok(*recent);
        }
        *recent = match self.numbers.get(kind) {
            Some(number) => *number,
            None => {
                let text = std::str::from_utf8(kind).map_err(|error| format!("`block_type`: {error}"))?;
                let number = u32::try_from(types.len()).map_err(|error| error.to_string())?;
                types.push(text.into());
                self.numbers.insert(kind.into(), number);
                number
            }
        };
        Ok(*recent)
    }

    fn take(&mut self, so_far: &[u8], block: Element<'_>, end: usize) -> Result<(), String> {
        let document = block.document().ok_or("it is no document")?;
        let Found { block_type: kind, block_id: id, fields, children } = look_through(document)?;
        let block_type = self.type_number(kind)?;
        // Nearly all are ASCII, which is the quicker proof.
        if !id.is_ascii() {
            std::str::from_utf8(id).map_err(|error| format!("`block_id`: {error}"))?;
        }
        let place = Span::of(so_far, document).ok_or(TOO_FAR)?;
        let fields = fields.and_then(|fields| Span::of(so_far, fields));
        let fields = fields.map_or(Fields::UNKNOWN, |span| Fields(span.start));
        let children = match children {
            Ok(None) => ChildList::None,
            Ok(Some(list)) => Span::of(so_far, list).map_or(ChildList::Unreadable, ChildList::At),
            Err(Unreadable) => ChildList::Unreadable,
        };
        let hash = self.entries.hash(kind, id);
        match self.entries.len() {
            0..SAMPLE => self.biggest = self.biggest.max(document.len()),
            SAMPLE => {
                let blocks = end / ((self.next - self.biggest) / SAMPLE).max(SMALL);
                self.entries.reserve(blocks);
                self.ids.reserve(blocks * self.ids.len().div_ceil(SAMPLE));
            }
            _ => {}
        }
        let start = self.ids.len();
        self.ids.extend_from_slice(id);
        let block_id = Span::new(start, self.ids.len()).ok_or(TOO_FAR)?;
        let entry = Entry { block_type, block_id, document: place, fields, children };
        self.entries.add(entry, hash, &self.ids).ok_or_else(|| TOO_FAR.into())
    }
}

/// How many types have a place among those met lately.
const RECENT: usize = 16;

/// Places have 32 bits.
const TOO_FAR: &str = "it lies beyond the first 4 GiB";
/// After how many blocks their number is guessed, from all of them but the biggest: it may be the root, which has many
/// children.
const SAMPLE: usize = 64;
/// The number of bytes a block takes at least for the guess.
const SMALL: usize = 128;

/// Makes a hash of the table of one of an entry: the table looks at its highest and its lowest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// What is wanted of every block.
struct Found<'a> {
    block_type: &'a [u8],
    block_id: &'a [u8],
    /// Its fields, where they are a document.
    fields: Option<&'a [u8]>,
    /// The elements of its list of children.
    children: Result<Option<&'a [u8]>, Unreadable>,
}

/// Something else is where a list of children should be.
struct Unreadable;

/// Finds what is wanted of a block, wherever it stands in its document.
fn look_through(document: &[u8]) -> Result<Found<'_>, String> {
    let (mut block_type, mut block_id, mut fields, mut children) = (None, None, None, None);
    for element in Elements::of(document) {
        let element = match element {
            Ok(element) => element,
            // The block has a name: it is found, and it alone cannot be read.
            Err(_) if block_type.is_some() && block_id.is_some() => {
                children.get_or_insert(Err(Unreadable));
                break;
            }
            Err(error) => return Err(error.to_string()),
        };
        match element.name() {
            b"block_type" if block_type.is_none() => {
                block_type = Some(element.string().ok_or("`block_type` is no string")?);
            }
            b"block_id" if block_id.is_none() => {
                block_id = Some(element.string().ok_or("`block_id` is no string")?);
            }
            b"fields" if children.is_none() => {
                fields = element.document();
                children = Some(child_list(element));
            }
            _ => continue,
        }
        if block_type.is_some() && block_id.is_some() && children.is_some() {
            break;
        }
    }
    Ok(Found {
        block_type: block_type.ok_or("it has no `block_type`")?,
        block_id: block_id.ok_or("it has no `block_id`")?,
        fields,
        children: children.unwrap_or(Ok(None)),
    })
}

fn child_list(fields: Element<'_>) -> Result<Option<&[u8]>, Unreadable> {
    if fields.is_null() {
        return Ok(None);
    }
    let found = find(fields.document().ok_or(Unreadable)?, "children").map_err(|_| Unreadable)?;
    let Some(list) = found.filter(|list| !list.is_null()) else { return Ok(None) };
    list.items().map(|items| Some(items.bytes())).ok_or(Unreadable)
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    /// Two blocks with one hash are told apart by their names.
    #[test]
    fn a_hash_alone_finds_nothing() {
        let block = |id: &str| doc! { "block_type": "html", "block_id": id, "fields": {} };
        let document = doc! { "blocks": [block("one"), block("two"), block("one")] };
        let bytes = document.to_vec().expect("BSON");
        let (entries, _) = Intake::new("a structure".into()).finish(&bytes).expect("a structure");
        let known = entries.wanted(b"html", b"one");
        let other = Wanted { block_id: b"six", ..known };
        let kind = Wanted { block_type: b"video", ..known };
        let mut found = Vec::new();
        entries.positions(&[known, other, entries.wanted(b"html", b"two"), kind], &mut found);
        assert_eq!(found, [Some(2), None, Some(1), None]);
    }

    /// Ids are proved one by one, although they are kept as one text.
    #[test]
    fn halves_of_a_letter_are_no_ids() {
        let block = |id: &str| doc! { "block_type": "html", "block_id": id, "fields": {} };
        let document =
            doc! { "blocks": [block("mole"), block("mol\u{e9}"), block("\u{e9}"), block("\u{e8}")] };
        let mut bytes = document.to_vec().expect("BSON");
        let (entries, _) = Intake::new("a structure".into()).finish(&bytes).expect("a structure");
        let ids: Vec<_> = (0..4).map(|at| entries.key(at).1).collect();
        assert_eq!(ids, ["mole", "mol\u{e9}", "\u{e9}", "\u{e8}"]);
        assert_eq!(entries.position(b"html", "\u{e8}".as_bytes()), Some(3));
        // The last two become one letter of four bytes.
        for (id, halves) in [("\u{e9}\0", b"\xf0\x9f"), ("\u{e8}\0", b"\x8c\x8a")] {
            let at = bytes.windows(7).rposition(|part| part == [b"\x03\0\0\0", id.as_bytes()].concat());
            let at = at.expect("it is there") + 4;
            bytes[at..at + 2].copy_from_slice(halves);
        }
        let failure =
            Intake::new("a structure".into()).finish(&bytes).expect_err("it is damaged").to_string();
        assert!(failure.contains("block 2") && failure.contains("`block_id`: "), "{failure}");
    }
}
