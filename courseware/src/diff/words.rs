//! How alike two blocks are: by the words their authors wrote.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use xblock_core::fields::Json;
use xblock_core::runtime::{BlockData, FieldMap};

use super::values::without_layout;

/// How many words of a block are looked at.
const WORDS: usize = 4_000;

/// The words of a block and their neighbours, with the fields they stand in, as numbers in order.
pub(super) struct Words {
    pub(super) features: Vec<u64>,
    /// Differs, as good as always, where anything in the fields or asides does.
    pub(super) exact: u64,
}

impl Words {
    pub(super) fn of(data: &BlockData) -> Self {
        let mut reader = Reader { features: Vec::new(), exact: Hash::default(), words: 0 };
        for (place, map) in [(1, &data.content), (2, &data.settings), (3, &data.defaults)] {
            reader.map(place, map);
        }
        for aside in &data.asides {
            reader.exact.bytes(aside.aside_type.as_bytes());
            reader.map(4, &aside.fields);
        }
        let mut features = reader.features;
        features.sort_unstable();
        features.dedup();
        Self { features, exact: reader.exact.0 }
    }
}

struct Reader {
    features: Vec<u64>,
    exact: Hash,
    words: usize,
}

impl Reader {
    fn map(&mut self, place: u8, map: &FieldMap) {
        let mut names: Vec<_> = map.keys().collect();
        names.sort_unstable();
        for name in names {
            let Some(value) = without_layout(name, &map[name]) else { continue };
            let mut field = Hash::default();
            field.bytes(&[place]);
            field.bytes(name.as_bytes());
            self.exact.bytes(&field.0.to_le_bytes());
            self.value(field, &value);
        }
    }

    fn value(&mut self, field: Hash, value: &Json) {
        match value {
            Json::String(text) => self.text(field, text),
            Json::Array(items) => {
                self.exact.bytes(b"[");
                items.iter().for_each(|item| self.value(field, item));
                self.exact.bytes(b"]");
            }
            Json::Object(map) => {
                let mut names: Vec<_> = map.keys().collect();
                names.sort_unstable();
                for name in names {
                    let mut inner = field;
                    inner.bytes(name.as_bytes());
                    self.exact.bytes(&inner.0.to_le_bytes());
                    self.value(inner, &map[name]);
                }
            }
            plain => self.text(field, &plain.to_string()),
        }
    }

    fn text(&mut self, field: Hash, text: &str) {
        self.exact.bytes(text.as_bytes());
        self.exact.bytes(&[0]);
        let mut last: Option<u64> = None;
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            if self.words >= WORDS {
                return;
            }
            self.words += 1;
            let mut hash = field;
            hash.bytes(word.as_bytes());
            self.features.push(hash.0);
            if let Some(last) = last {
                let mut pair = hash;
                pair.bytes(&last.to_le_bytes());
                self.features.push(pair.0);
            }
            last = Some(hash.0);
        }
    }
}

/// FNV-1a: the same on every machine and in every build, so that what is found is too.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Takes features for their own hashes, as they are ones already.
#[derive(Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        let mut hash = Hash(self.0);
        hash.bytes(bytes);
        self.0 = hash.0;
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// A map of features.
pub(super) type FeatureMap<T> = HashMap<u64, T, BuildHasherDefault<AsIs>>;

/// In how many blocks of a type each word occurs, left and right.
#[derive(Default)]
pub(super) struct Frequencies(FeatureMap<[u32; 2]>);

impl Frequencies {
    /// Takes in the words of a block of side 0 or 1.
    pub(super) fn add(&mut self, side: usize, words: &Words) {
        for feature in &words.features {
            self.0.entry(*feature).or_default()[side] += 1;
        }
    }

    /// Returns what a word counts: what every block has, such as the names of tags, says little.
    pub(super) fn weight(&self, feature: u64) -> f64 {
        let most = self.0.get(&feature).map_or(1, |[left, right]| *left.max(right));
        1.0 / f64::from(most.max(1))
    }

    /// Returns how alike two blocks are, from 0 to 1, and what they share counts.
    pub(super) fn likeness(&self, left: &Words, right: &Words) -> (f64, f64) {
        let total = |words: &Words| words.features.iter().map(|feature| self.weight(*feature)).sum::<f64>();
        let mut shared = 0.0;
        let mut rest = &right.features[..];
        for feature in &left.features {
            let at = rest.partition_point(|other| other < feature);
            rest = &rest[at..];
            if rest.first() == Some(feature) {
                shared += self.weight(*feature);
            }
        }
        let all = total(left) + total(right);
        if all == 0.0 { (0.0, 0.0) } else { (2.0 * shared / all, shared) }
    }
}
