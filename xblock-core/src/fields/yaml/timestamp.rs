//! Dates and date-times as YAML writes them.
use chrono::{FixedOffset, NaiveDate};

use crate::fields::value::{DateTime, Value};

/// The parts of a timestamp, not yet checked to be possible.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timestamp {
    year: i32,
    month: u32,
    day: u32,
    has_short_date: bool,
    time: Option<Time>,
}

#[derive(Debug, Clone, Copy)]
struct Time {
    hour: u32,
    minute: u32,
    second: u32,
    microsecond: u32,
    /// Seconds east of UTC; nothing when no zone is given.
    offset: Option<i32>,
}

impl Timestamp {
    /// Reads `2030-01-02`, with a time after `T` or blanks, a fraction and a zone if given.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_suffix('\n').unwrap_or(text);
        let year = digits(&mut rest, 4, 4)?;
        rest = rest.strip_prefix('-')?;
        let before = rest.len();
        let month = digits(&mut rest, 1, 2)?;
        rest = rest.strip_prefix('-')?;
        let day = digits(&mut rest, 1, 2)?;
        let has_short_date = before - rest.len() < 5;
        let time = if rest.is_empty() { None } else { Some(parse_time(rest)?) };
        Some(Self { year: i32::try_from(year).ok()?, month, day, has_short_date, time })
    }

    /// Tells whether a plain scalar of this form is a timestamp: a date alone needs two digits for month and day.
    pub(super) const fn is_canonical(&self) -> bool {
        self.time.is_some() || !self.has_short_date
    }

    /// Makes the value; nothing when the date or time is impossible.
    pub(super) fn value(&self) -> Option<Value> {
        let date = (self.year >= 1).then(|| NaiveDate::from_ymd_opt(self.year, self.month, self.day))??;
        let Some(time) = self.time else { return Some(Value::Date(date)) };
        let local = date.and_hms_micro_opt(time.hour, time.minute, time.second, time.microsecond)?;
        let offset = match time.offset {
            Some(seconds) => Some(FixedOffset::east_opt(seconds)?),
            None => None,
        };
        Some(Value::DateTime(DateTime { local, offset }))
    }
}

fn parse_time(text: &str) -> Option<Time> {
    let mut rest = match text.strip_prefix(['T', 't']) {
        Some(rest) => rest,
        None => {
            let rest = text.trim_start_matches([' ', '\t']);
            if rest.len() == text.len() {
                return None;
            }
            rest
        }
    };
    let hour = digits(&mut rest, 1, 2)?;
    rest = rest.strip_prefix(':')?;
    let minute = digits(&mut rest, 2, 2)?;
    rest = rest.strip_prefix(':')?;
    let second = digits(&mut rest, 2, 2)?;
    let mut microsecond = 0;
    if let Some(after) = rest.strip_prefix('.') {
        let end = after.find(|character: char| !character.is_ascii_digit()).unwrap_or(after.len());
        let (fraction, after) = after.split_at(end);
        microsecond = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
        rest = after;
    }
    let zone = rest.trim_start_matches([' ', '\t']);
    let offset = match zone {
        "" if rest.is_empty() => None,
        "Z" => Some(0),
        other => Some(parse_offset(other)?),
    };
    Some(Time { hour, minute, second, microsecond, offset })
}

fn parse_offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let mut rest = text.strip_prefix(['-', '+'])?;
    let hours = digits(&mut rest, 1, 2)?;
    let minutes = match rest.strip_prefix(':') {
        Some(mut after) => {
            let minutes = digits(&mut after, 2, 2)?;
            rest = after;
            minutes
        }
        None => 0,
    };
    if !rest.is_empty() {
        return None;
    }
    i32::try_from(hours * 3600 + minutes * 60).ok().map(|seconds| sign * seconds)
}

/// Takes a number of at least and at most so many digits.
fn digits(text: &mut &str, least: usize, most: usize) -> Option<u32> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (number, rest) = text.split_at(count);
    *text = rest;
    number.parse().ok()
}
