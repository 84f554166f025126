//! Times in documents: Python's `isoformat` of a UTC time.

use chrono::{DateTime, Timelike as _, Utc};

/// Writes a time with six digits of fraction.
///
/// The app leaves the fraction out where it is zero and its releases cannot read that back, so a whole second is moved
/// by one microsecond: then everybody writes and reads the same text.
pub(crate) fn format_time(time: DateTime<Utc>) -> String {
    let micros = time.timestamp_subsec_micros().max(1);
    let time = time.with_nanosecond(micros * 1000).unwrap_or(time);
    time.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// Reads a time with or without fraction.
pub(crate) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_keep_a_fraction() {
        let time = parse_time("2026-11-22T10:05:05+00:00").unwrap();
        assert_eq!(format_time(time), "2026-11-22T10:05:05.000001+00:00");
    }

    #[test]
    fn what_was_written_reads_back() {
        let text = "2026-11-22T10:05:05.069490+00:00";
        assert_eq!(format_time(parse_time(text).unwrap()), text);
        assert_eq!(parse_time("yesterday"), None);
    }
}
