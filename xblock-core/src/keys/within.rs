//! What a key names within its context: a block by its type and id, or an asset.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use arrayvec::ArrayString;

use super::Scalar;

/// How long type and id may be together to be kept in the key itself: ids are most often 32 digits.
const SHORT: usize = 56;

/// A block type and a block id.
///
/// Most are texts and short, and lie in the key one behind the other, so that a key is one piece of memory. What can be
/// kept that way always is: equal values have the same form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Within(Repr);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Repr {
    Short { text: ArrayString<SHORT>, type_end: u8 },
    Other { block_type: Scalar, block_id: Scalar },
}

impl Within {
    pub(crate) fn new(block_type: Scalar, block_id: Scalar) -> Within {
        if let (Scalar::Text(kind), Scalar::Text(id)) = (&block_type, &block_id)
            && let Some(short) = Within::short(kind, id)
        {
            return short;
        }
        Within(Repr::Other { block_type, block_id })
    }

    pub(crate) fn of_texts(block_type: &str, block_id: &str) -> Within {
        Within::short(block_type, block_id).unwrap_or_else(|| {
            Within(Repr::Other { block_type: block_type.into(), block_id: block_id.into() })
        })
    }

    fn short(block_type: &str, block_id: &str) -> Option<Within> {
        let mut text = ArrayString::new();
        text.try_push_str(block_type).ok()?;
        let type_end = u8::try_from(text.len()).ok()?;
        text.try_push_str(block_id).ok()?;
        Some(Within(Repr::Short { text, type_end }))
    }

    /// Returns the text written for the type.
    pub(crate) fn block_type(&self) -> &str {
        match &self.0 {
            Repr::Short { text, type_end } => &text[..usize::from(*type_end)],
            Repr::Other { block_type, .. } => block_type.shown(),
        }
    }

    /// Returns the text written for the id.
    pub(crate) fn block_id(&self) -> &str {
        match &self.0 {
            Repr::Short { text, type_end } => &text[usize::from(*type_end)..],
            Repr::Other { block_id, .. } => block_id.shown(),
        }
    }

    /// Returns the type and the id as values.
    pub(crate) fn values(&self) -> (Scalar, Scalar) {
        match &self.0 {
            Repr::Short { .. } => (self.block_type().into(), self.block_id().into()),
            Repr::Other { block_type, block_id } => (block_type.clone(), block_id.clone()),
        }
    }

    /// Returns the id as a value.
    pub(crate) fn id_value(&self) -> Scalar {
        match &self.0 {
            Repr::Short { .. } => self.block_id().into(),
            Repr::Other { block_id, .. } => block_id.clone(),
        }
    }

    /// Feeds a hash in as few pieces as possible, because each costs: `seed`, which stands for all else that is in the key,
    /// goes into the first one with the lengths.
    pub(crate) fn hash_with<H: Hasher>(&self, seed: u64, state: &mut H) {
        match &self.0 {
            Repr::Short { text, type_end } => {
                state.write_u64(seed ^ (u64::from(*type_end) << 8 | text.len() as u64));
                state.write(text.as_bytes());
            }
            Repr::Other { block_type, block_id } => {
                state.write_u64(!seed);
                block_type.hash(state);
                block_id.hash(state);
            }
        }
    }
}

impl Hash for Within {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash_with(0, state);
    }
}

impl Ord for Within {
    /// Compares the types, then the ids.
    fn cmp(&self, other: &Within) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Short { .. }, Repr::Short { .. }) => {
                let order = self.block_type().cmp(other.block_type());
                order.then_with(|| self.block_id().cmp(other.block_id()))
            }
            _ => self.values().cmp(&other.values()),
        }
    }
}

impl PartialOrd for Within {
    fn partial_cmp(&self, other: &Within) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
