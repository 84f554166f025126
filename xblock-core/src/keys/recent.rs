//! Courses whose keys were read lately, so that the keys of all blocks of a course share one.
//!
//! Texts name the same few courses over and over. Each thread remembers some of them; a text that it knows is not taken
//! apart again, and equal courses are most often the same one, which is what comparing looks for first.

use std::cell::RefCell;

use super::CourseKey;
use crate::quick_hash::quick_hash;

/// How many courses a thread remembers; a power of two.
const PLACES: usize = 64;

/// The longest text that is worth being kept.
const LONGEST: usize = 128;

struct Recent {
    text: Box<str>,
    key: CourseKey,
}

thread_local! {
    static RECENT: RefCell<[Option<Recent>; PLACES]> = const { RefCell::new([const { None }; PLACES]) };
}

/// Returns the course that this text was found to be.
pub(super) fn recall(text: &str) -> Option<CourseKey> {
    let place = quick_hash(text.as_bytes()) & (PLACES - 1);
    // When a thread ends its memory is gone before the last of its values may be.
    let recalled = RECENT.try_with(|places| {
        let places = places.try_borrow().ok()?;
        let recent = places[place].as_ref().filter(|recent| *recent.text == *text)?;
        Some(recent.key.clone())
    });
    recalled.ok().flatten()
}

/// Remembers which course a text is: the part of a key that names the course, and nothing else of it.
pub(super) fn remember(text: &str, key: &CourseKey) {
    if text.len() > LONGEST {
        return;
    }
    let place = quick_hash(text.as_bytes()) & (PLACES - 1);
    let recent = Recent { text: text.into(), key: key.clone() };
    // The one that goes is dropped here, where nothing is borrowed any more.
    let _ = RECENT.try_with(|places| places.try_borrow_mut().ok()?[place].replace(recent));
}
