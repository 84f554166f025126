//! The words a date may contain.

const WEEKDAYS: [(&str, &str); 7] = [
    ("mon", "monday"),
    ("tue", "tuesday"),
    ("wed", "wednesday"),
    ("thu", "thursday"),
    ("fri", "friday"),
    ("sat", "saturday"),
    ("sun", "sunday"),
];

const MONTHS: [&[&str]; 12] = [
    &["jan", "january"],
    &["feb", "february"],
    &["mar", "march"],
    &["apr", "april"],
    &["may"],
    &["jun", "june"],
    &["jul", "july"],
    &["aug", "august"],
    &["sep", "sept", "september"],
    &["oct", "october"],
    &["nov", "november"],
    &["dec", "december"],
];

const JUMPS: [&str; 18] =
    [" ", ".", ",", ";", "-", "/", "'", "at", "on", "and", "ad", "m", "t", "of", "st", "nd", "rd", "th"];

/// A part of the time that is named by a word after its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Hour,
    Minute,
    Second,
}

impl Unit {
    /// Returns the unit that follows when a number stands after the word of another one.
    pub(super) const fn next(self) -> Option<Self> {
        match self {
            Self::Hour => Some(Self::Minute),
            Self::Minute => Some(Self::Second),
            Self::Second => None,
        }
    }
}

/// Returns the day of the week, from Monday as 0.
pub(super) fn weekday(word: &str) -> Option<u64> {
    let word = word.to_lowercase();
    let index = WEEKDAYS.iter().position(|&(short, long)| word == short || word == long)?;
    u64::try_from(index).ok()
}

/// Returns the month, from January as 1.
pub(super) fn month(word: &str) -> Option<i64> {
    let word = word.to_lowercase();
    let index = MONTHS.iter().position(|names| names.contains(&word.as_str()))?;
    i64::try_from(index + 1).ok()
}

/// Returns the unit a word names.
pub(super) fn unit(word: &str) -> Option<Unit> {
    match word.to_lowercase().as_str() {
        "h" | "hour" | "hours" => Some(Unit::Hour),
        "m" | "minute" | "minutes" => Some(Unit::Minute),
        "s" | "second" | "seconds" => Some(Unit::Second),
        _ => None,
    }
}

/// Tells whether a word means the afternoon, or the morning.
pub(super) fn is_afternoon(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "am" | "a" => Some(false),
        "pm" | "p" => Some(true),
        _ => None,
    }
}

/// Tells whether a word or sign means nothing.
pub(super) fn is_jump(word: &str) -> bool {
    JUMPS.contains(&word.to_lowercase().as_str())
}

/// Tells whether a word ties a month to its year.
pub(super) fn pertains(word: &str) -> bool {
    word.to_lowercase() == "of"
}

/// Tells whether a word names UTC.
pub(super) fn is_utc(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "utc" | "gmt" | "z")
}

/// Tells whether a word has the shape of a zone's name.
pub(super) fn may_be_zone(word: &str) -> bool {
    word.chars().count() <= 5 && (word.chars().all(|letter| letter.is_ascii_uppercase()) || word == "z")
}
