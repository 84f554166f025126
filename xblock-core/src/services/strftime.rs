//! Times written by `strftime` formats, in the words of a language.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike, FixedOffset, Timelike};

use super::i18n::I18nService;

/// Names for formats (XBlock's `STRFTIME_FORMATS`), with the format unless the language has another.
const NAMED: [(&str, &str, &str); 4] = [
    ("SHORT_DATE", "SHORT_DATE_FORMAT", "%b %d, %Y"),
    ("LONG_DATE", "LONG_DATE_FORMAT", "%A, %B %d, %Y"),
    ("TIME", "TIME_FORMAT", "%I:%M:%S %p"),
    ("DATE_TIME", "DATE_TIME_FORMAT", "%b %d, %Y at %H:%M"),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Writes a time; a directive that is none stays as it is.
pub(super) fn write(time: &DateTime<FixedOffset>, format: &str, words: &dyn I18nService) -> String {
    let named = NAMED.iter().find(|(name, ..)| *name == format);
    let translated = named.map(|(_, key, default)| match words.gettext(key) {
        // Nobody translated it.
        text if text == *key => (*default).to_owned(),
        text => text.into_owned(),
    });
    let format = translated.as_deref().unwrap_or(format);
    let mut out = String::with_capacity(format.len() * 2);
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some(directive) => write_directive(&mut out, time, directive, words),
            None => out.push('%'),
        }
    }
    out
}

fn write_directive(out: &mut String, time: &DateTime<FixedOffset>, directive: char, words: &dyn I18nService) {
    let month = MONTHS[time.month0() as usize];
    let weekday = WEEKDAYS[time.weekday().num_days_from_monday() as usize];
    match directive {
        'B' => out.push_str(&words.pgettext("month name", month)),
        'b' | 'h' => out.push_str(&words.pgettext("abbreviated month name", &month[..3])),
        'A' => out.push_str(&words.pgettext("weekday name", weekday)),
        'a' => out.push_str(&words.pgettext("abbreviated weekday name", &weekday[..3])),
        'p' => {
            out.push_str(&words.pgettext("am/pm indicator", if time.hour() < 12 { "AM" } else { "PM" }));
        }
        'f' => put(out, format_args!("{:06}", time.nanosecond() % 1_000_000_000 / 1000)),
        'd' | 'e' | 'H' | 'I' | 'j' | 'm' | 'M' | 'S' | 'U' | 'w' | 'u' | 'W' | 'V' | 'G' | 'g' | 'y'
        | 'Y' | 'C' | 'z' | 'k' | 'l' | 's' | 'n' | 't' | '%' | 'D' | 'F' | 'R' | 'T' | 'x' | 'X' => {
            let mut pattern = String::from('%');
            pattern.push(directive);
            put(out, format_args!("{}", time.format(&pattern)));
        }
        'Z' => out.push_str("UTC"),
        'c' => {
            for directive in ['a', ' ', 'b', ' ', 'e', ' ', 'H', ':', 'M', ':', 'S', ' ', 'Y'] {
                match directive {
                    ' ' | ':' => out.push(directive),
                    directive => write_directive(out, time, directive, words),
                }
            }
        }
        other => {
            out.push('%');
            out.push(other);
        }
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a text takes every text");
}

#[cfg(test)]
mod tests {
    use super::super::{Catalogue, CatalogueI18n, NullI18n};
    use super::*;

    #[test]
    fn times_are_written_as_xblock_does() {
        let time = "2031-03-01T15:04:05.25+00:00".parse().expect("a time");
        let write = |format| write(&time, format, &NullI18n);
        assert_eq!(write("SHORT_DATE"), "Mar 01, 2031");
        assert_eq!(write("LONG_DATE"), "Saturday, March 01, 2031");
        assert_eq!(write("TIME"), "03:04:05 PM");
        assert_eq!(write("DATE_TIME"), "Mar 01, 2031 at 15:04");
        assert_eq!(write("%Y-%m-%dT%H:%M:%S.%f%z %j %% %! %"), "2031-03-01T15:04:05.250000+0000 060 % %! %");
    }

    #[test]
    fn names_and_formats_follow_the_language() {
        let po = "msgid \"\"\nmsgstr \"\"\n\nmsgctxt \"month name\"\nmsgid \"March\"\nmsgstr \"mars\"\n\n\
                  msgid \"LONG_DATE_FORMAT\"\nmsgstr \"%d %B %Y\"\n";
        let french = CatalogueI18n::new("fr", [Catalogue::from_po(po.as_bytes()).expect("a catalogue")]);
        let time = "2031-03-01T15:04:05+00:00".parse().expect("a time");
        assert_eq!(french.strftime(&time, "LONG_DATE"), "01 mars 2031");
        assert_eq!(french.strftime(&time, "SHORT_DATE"), "Mar 01, 2031");
    }
}
