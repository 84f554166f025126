//! Contexts whose keys were read lately, so that the keys of all blocks of a course share one.
//!
//! Texts name the same few courses and libraries over and over. Each thread remembers some of them; a text that it knows is
//! not taken apart again, and equal contexts are most often the same one, which is what comparing looks for first.

use std::cell::RefCell;

use super::{ContextKey, CourseKey, LibraryKey, LibraryKeyV2};
use crate::quick_hash::quick_hash;

/// How many contexts a thread remembers; a power of two.
const PLACES: usize = 128;

/// The longest text that is worth being kept.
const LONGEST: usize = 128;

/// As what a text was read: one text may be something else elsewhere, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadAs {
    /// A course of the new form, without the namespace.
    Course,
    /// A course of the old form.
    OldCourse,
    /// What names the course in a block or asset of the old form, which says no run.
    OldCourseOfBlock,
    /// A library kept with courses, without the namespace.
    Library,
    /// A library of the second generation, without the namespace.
    LibraryV2,
}

struct Recent {
    read_as: ReadAs,
    text: Box<str>,
    key: ContextKey,
}

thread_local! {
    static RECENT: RefCell<[Option<Recent>; PLACES]> = const { RefCell::new([const { None }; PLACES]) };
}

/// Keys that are remembered by their text: the whole of it, or the part of another key that names the context.
pub(super) trait Remembered: Clone + Into<ContextKey> {
    /// Returns the key when the context is of this kind.
    fn among(context: &ContextKey) -> Option<&Self>;
}

impl Remembered for CourseKey {
    fn among(context: &ContextKey) -> Option<&CourseKey> {
        context.as_course()
    }
}

impl Remembered for LibraryKey {
    fn among(context: &ContextKey) -> Option<&LibraryKey> {
        context.as_library()
    }
}

impl Remembered for LibraryKeyV2 {
    fn among(context: &ContextKey) -> Option<&LibraryKeyV2> {
        context.as_library_v2()
    }
}

/// Returns the context that this text was found to be.
pub(super) fn recall<K: Remembered>(read_as: ReadAs, text: &str) -> Option<K> {
    let place = quick_hash(text.as_bytes()) & (PLACES - 1);
    // When a thread ends its memory is gone before the last of its values may be.
    let recalled = RECENT.try_with(|places| {
        let places = places.try_borrow().ok()?;
        let is_it = |recent: &&Recent| recent.read_as == read_as && *recent.text == *text;
        let at = |place: usize| places[place].as_ref().filter(is_it);
        K::among(&at(place).or_else(|| at(place ^ 1))?.key).cloned()
    });
    recalled.ok().flatten()
}

/// Remembers which context a text is: the part of a key that names it, and nothing else of the key.
pub(super) fn remember<K: Remembered>(read_as: ReadAs, text: &str, key: &K) {
    if text.len() > LONGEST {
        return;
    }
    let place = quick_hash(text.as_bytes()) & (PLACES - 1);
    let recent = Recent { read_as, text: text.into(), key: key.clone().into() };
    // The place's last one moves to its neighbour, so that two may share a place. The one that goes is dropped here, where
    // nothing is borrowed any more.
    let _ = RECENT.try_with(|places| {
        let mut places = places.try_borrow_mut().ok()?;
        let last = places[place].replace(recent);
        std::mem::replace(&mut places[place ^ 1], last)
    });
}
