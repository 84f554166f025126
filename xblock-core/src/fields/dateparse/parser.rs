//! Goes through the tokens of a date and collects what each says.
use super::components::{Components, Label};
use super::decimal::{Decimal, integer, is_digits};
use super::lexer;
use super::words::{self, Unit};
use crate::fields::python::number::parse_float;

/// The year two-digit years are near to when the current one is not known.
const STAND_IN_YEAR: i64 = 2000;

/// Tells that a text is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure;

/// What a text says, part by part.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) year: Option<i64>,
    pub(super) month: Option<i64>,
    pub(super) day: Option<i64>,
    /// From Monday as 0.
    pub(super) weekday: Option<u64>,
    pub(super) hour: Option<i64>,
    pub(super) minute: Option<i64>,
    pub(super) second: Option<i64>,
    pub(super) microsecond: Option<i64>,
    zone: Option<String>,
    /// Seconds east of UTC.
    pub(super) offset: Option<i64>,
    afternoon: Option<bool>,
    /// Whether a year of two digits was completed without knowing the current one.
    pub(super) guessed_century: bool,
}

impl Found {
    /// Tells whether the text said nothing at all.
    pub(super) const fn is_empty(&self) -> bool {
        self.year.is_none()
            && self.month.is_none()
            && self.day.is_none()
            && self.weekday.is_none()
            && self.hour.is_none()
            && self.minute.is_none()
            && self.second.is_none()
            && self.microsecond.is_none()
            && self.zone.is_none()
            && self.offset.is_none()
            && self.afternoon.is_none()
    }

    /// Turns a zone's name into its offset. Only names of UTC are known; others are as good as none.
    pub(super) fn settle(&mut self) {
        if self.zone.as_deref().is_some_and(words::is_utc) {
            self.offset = Some(0);
        }
    }
}

pub(super) fn parse(text: &str, this_year: Option<i32>) -> Result<Found, Failure> {
    let mut parser = Parser {
        tokens: lexer::split(text),
        components: Components::default(),
        found: Found::default(),
        this_year: this_year.map(i64::from),
    };
    let mut index = 0;
    while index < parser.tokens.len() {
        index = parser.token(index)? + 1;
    }
    let (year, month, day) = parser.components.resolve()?;
    let has_century = parser.components.has_century;
    parser.found.year = year.map(|year| if has_century { year } else { parser.with_century(year) });
    parser.found.month = month;
    parser.found.day = day;
    Ok(parser.found)
}

struct Parser {
    tokens: Vec<String>,
    components: Components,
    found: Found,
    this_year: Option<i64>,
}

impl Parser {
    fn at(&self, index: usize) -> Option<&str> {
        self.tokens.get(index).map(String::as_str)
    }

    fn need(&self, index: usize) -> Result<&str, Failure> {
        self.at(index).ok_or(Failure)
    }

    /// Reads the token at an index, and returns the index of the last one it took.
    fn token(&mut self, index: usize) -> Result<usize, Failure> {
        let token = self.need(index)?.to_owned();
        if parse_float(&token).is_some() {
            return self.number(index, &token);
        }
        if let Some(weekday) = words::weekday(&token) {
            self.found.weekday = Some(weekday);
            return Ok(index);
        }
        if let Some(month) = words::month(&token) {
            return self.month(index, month);
        }
        if let Some(afternoon) = words::is_afternoon(&token) {
            // The word alone says nothing of which hour it means, and a 24-hour clock has no need of it.
            let hour = self.found.hour.filter(|hour| (0..=12).contains(hour)).ok_or(Failure)?;
            self.found.hour = Some(on_clock(hour, afternoon));
            self.found.afternoon = Some(afternoon);
            return Ok(index);
        }
        let zone_is_open = self.found.hour.is_some() && self.found.zone.is_none();
        if zone_is_open && self.found.offset.is_none() && words::may_be_zone(&token) {
            self.zone(index, token);
            return Ok(index);
        }
        if self.found.hour.is_some() && matches!(token.as_str(), "+" | "-") {
            return self.offset(index, if token == "+" { 1 } else { -1 });
        }
        if words::is_jump(&token) { Ok(index) } else { Err(Failure) }
    }

    /// Reads what may follow a month's name: `-02-2030`, `/2030`, ` of 2030`.
    fn month(&mut self, index: usize, month: i64) -> Result<usize, Failure> {
        self.components.push_month(month)?;
        let Some(separator) = self.at(index + 1).map(str::to_owned) else { return Ok(index) };
        if matches!(separator.as_str(), "-" | "/") {
            let text = self.need(index + 2)?.to_owned();
            self.components.push_text(&text, None)?;
            if self.at(index + 3) == Some(&separator) {
                let text = self.need(index + 4)?.to_owned();
                self.components.push_text(&text, None)?;
                return Ok(index + 4);
            }
            return Ok(index + 2);
        }
        let pertains = separator == " "
            && self.at(index + 3) == Some(" ")
            && self.at(index + 2).is_some_and(words::pertains);
        if let Some(text) = self.at(index + 4).filter(|_| pertains).map(str::to_owned) {
            if is_digits(&text) {
                let year = self.with_century(integer(&text).ok_or(Failure)?);
                self.components.push_text(&year.to_string(), Some(Label::Year))?;
            }
            return Ok(index + 4);
        }
        Ok(index)
    }

    /// Remembers a zone's name. A sign after it means the opposite: `GMT+3` is three hours west when read as a name.
    fn zone(&mut self, index: usize, name: String) {
        let is_utc = words::is_utc(&name);
        self.found.offset = (name == "z").then_some(0);
        self.found.zone = Some(name);
        if let Some(sign) = self.tokens.get_mut(index + 1).filter(|sign| matches!(sign.as_str(), "+" | "-")) {
            *sign = if sign == "+" { "-" } else { "+" }.to_owned();
            self.found.offset = None;
            if is_utc {
                self.found.zone = None;
            }
        }
    }

    /// Reads `+0530`, `+05:30` or `+5`, and a zone's name in brackets after it.
    fn offset(&mut self, index: usize, sign: i64) -> Result<usize, Failure> {
        let mut last = index;
        let digits = self.need(index + 1)?.to_owned();
        let length = digits.chars().count();
        let (hours, minutes) = if length == 4 {
            (integer(&slice(&digits, 0, 2)).ok_or(Failure)?, integer(&slice(&digits, 2, 4)).ok_or(Failure)?)
        } else if self.at(index + 2) == Some(":") {
            last += 2;
            (integer(&digits).ok_or(Failure)?, integer(self.need(index + 3)?).ok_or(Failure)?)
        } else if length <= 2 {
            (integer(&digits).ok_or(Failure)?, 0)
        } else {
            return Err(Failure);
        };
        let seconds = hours.saturating_mul(3600).saturating_add(minutes.saturating_mul(60));
        self.found.offset = Some(sign.saturating_mul(seconds));
        let in_brackets = self.at(last + 2).is_some_and(words::is_jump)
            && self.at(last + 3) == Some("(")
            && self.at(last + 5) == Some(")");
        if in_brackets
            && self.found.zone.is_none()
            && let Some(name) =
                self.at(last + 4).filter(|name| name.chars().count() >= 3 && words::may_be_zone(name))
        {
            self.found.zone = Some(name.to_owned());
            last += 4;
        }
        Ok(last + 1)
    }

    fn number(&mut self, index: usize, token: &str) -> Result<usize, Failure> {
        let value = Decimal::parse(token).ok_or(Failure)?;
        let length = token.chars().count();
        let next = self.at(index + 1);
        let starts_time = next == Some(":") || next.is_some_and(|next| words::unit(next).is_some());
        if self.components.len() == 3 && matches!(length, 2 | 4) && self.found.hour.is_none() && !starts_time
        {
            // 20300102 T 0304
            self.found.hour = Some(integer(&slice(token, 0, 2)).ok_or(Failure)?);
            if length == 4 {
                self.found.minute = Some(integer(&slice(token, 2, 4)).ok_or(Failure)?);
            }
            return Ok(index);
        }
        if length == 6 || (length > 6 && token.chars().position(|character| character == '.') == Some(6)) {
            return self.six_digits(token).map(|()| index);
        }
        if matches!(length, 8 | 12 | 14) {
            return self.whole_date(token, length).map(|()| index);
        }
        if let Some(at) = self.unit_near(index) {
            return self.with_unit(index, at, token, &value);
        }
        if next == Some(":") && self.at(index + 2).is_some() {
            return self.clock(index, &value);
        }
        if let Some(separator) = next.filter(|next| matches!(*next, "-" | "/" | ".")).map(str::to_owned) {
            return self.separated(index, token, &separator);
        }
        if next.is_none_or(words::is_jump) {
            return match self.at(index + 2).and_then(words::is_afternoon) {
                Some(afternoon) => {
                    self.found.hour = Some(on_clock(value.whole, afternoon));
                    Ok(index + 2)
                }
                None => self.components.push_decimal(&value).map(|()| index + 1),
            };
        }
        if let Some(afternoon) = next.and_then(words::is_afternoon)
            && value.whole < 24
        {
            self.found.hour = Some(on_clock(value.whole, afternoon));
            return Ok(index + 1);
        }
        if self.components.could_be_day(&value) {
            return self.components.push_decimal(&value).map(|()| index);
        }
        Err(Failure)
    }

    /// Reads `300102` as a date if there is none yet, otherwise `030405` as a time.
    fn six_digits(&mut self, token: &str) -> Result<(), Failure> {
        if self.components.len() == 0 && !token.contains('.') {
            for start in [0, 2, 4] {
                self.components.push_text(&slice(token, start, start + 2), None)?;
            }
        } else {
            self.found.hour = Some(integer(&slice(token, 0, 2)).ok_or(Failure)?);
            self.found.minute = Some(integer(&slice(token, 2, 4)).ok_or(Failure)?);
            self.seconds(&slice(token, 4, usize::MAX))?;
        }
        Ok(())
    }

    /// Reads `20300102`, with hours and minutes, with seconds.
    fn whole_date(&mut self, token: &str, length: usize) -> Result<(), Failure> {
        self.components.push_text(&slice(token, 0, 4), Some(Label::Year))?;
        self.components.push_text(&slice(token, 4, 6), None)?;
        self.components.push_text(&slice(token, 6, 8), None)?;
        if length > 8 {
            self.found.hour = Some(integer(&slice(token, 8, 10)).ok_or(Failure)?);
            self.found.minute = Some(integer(&slice(token, 10, 12)).ok_or(Failure)?);
        }
        if length > 12 {
            self.found.second = Some(integer(&slice(token, 12, 14)).ok_or(Failure)?);
        }
        Ok(())
    }

    /// Finds the word that names the unit of a number: after it, or before it at the end of the text.
    fn unit_near(&self, index: usize) -> Option<usize> {
        let is_unit = |at: usize| self.at(at).is_some_and(|word| words::unit(word).is_some());
        if is_unit(index + 1) {
            return Some(index + 1);
        }
        if self.at(index + 1) == Some(" ") && is_unit(index + 2) {
            return Some(index + 2);
        }
        if index > 0 && is_unit(index - 1) {
            return Some(index - 1);
        }
        let is_last = index > 1 && index + 1 == self.tokens.len();
        (is_last && self.at(index - 1) == Some(" ") && is_unit(index - 2)).then(|| index - 2)
    }

    fn with_unit(&mut self, index: usize, at: usize, token: &str, value: &Decimal) -> Result<usize, Failure> {
        let named = words::unit(self.need(at)?);
        // After the word of one unit comes the next smaller one: 10h30.
        let (unit, last) = if at > index { (named, at) } else { (named.and_then(Unit::next), index) };
        match unit {
            Some(Unit::Hour) => {
                self.found.hour = Some(value.whole);
                if value.has_fraction() {
                    self.found.minute = Some(value.sixtieths());
                }
            }
            Some(Unit::Minute) => self.minutes(value),
            Some(Unit::Second) => self.seconds(token)?,
            None => {}
        }
        Ok(last)
    }

    /// Reads `10:30`, `10:30:15.5` or `10:30.5`.
    fn clock(&mut self, index: usize, hour: &Decimal) -> Result<usize, Failure> {
        self.found.hour = Some(hour.whole);
        let minutes = Decimal::parse(self.need(index + 2)?).ok_or(Failure)?;
        self.found.second = None;
        self.minutes(&minutes);
        if self.at(index + 3) == Some(":")
            && let Some(seconds) = self.at(index + 4).map(str::to_owned)
        {
            self.seconds(&seconds)?;
            return Ok(index + 4);
        }
        Ok(index + 2)
    }

    /// Reads `30-01-2030`, `30-Jan-2030`, `01/2030` and the like.
    fn separated(&mut self, index: usize, token: &str, separator: &str) -> Result<usize, Failure> {
        self.components.push_text(token, None)?;
        let Some(second) = self.at(index + 2).filter(|second| !words::is_jump(second)).map(str::to_owned)
        else {
            return Ok(index + 1);
        };
        if is_digits(&second) {
            self.components.push_text(&second, None)?;
        } else {
            self.components.push_month(words::month(&second).ok_or(Failure)?)?;
        }
        if self.at(index + 3) != Some(separator) {
            return Ok(index + 2);
        }
        let third = self.need(index + 4)?.to_owned();
        match words::month(&third) {
            Some(month) => self.components.push_month(month)?,
            None => self.components.push_text(&third, None)?,
        }
        Ok(index + 4)
    }

    /// Sets minutes, and seconds from their fraction if there is any.
    fn minutes(&mut self, value: &Decimal) {
        self.found.minute = Some(value.whole);
        self.found.second = value.has_fraction().then(|| value.sixtieths());
    }

    /// Sets seconds and microseconds, cutting off further digits.
    fn seconds(&mut self, text: &str) -> Result<(), Failure> {
        match text.split_once('.') {
            None => {
                self.found.second = Some(integer(text).ok_or(Failure)?);
                self.found.microsecond = Some(0);
            }
            Some((whole, fraction)) => {
                self.found.second = Some(integer(whole).ok_or(Failure)?);
                self.found.microsecond =
                    Some(integer(&slice(&format!("{fraction:0<6}"), 0, 6)).ok_or(Failure)?);
            }
        }
        Ok(())
    }

    /// Completes a year of two digits to the one nearest to the current year.
    fn with_century(&mut self, year: i64) -> i64 {
        if year >= 100 {
            return year;
        }
        self.found.guessed_century |= self.this_year.is_none();
        let this_year = self.this_year.unwrap_or(STAND_IN_YEAR);
        let year = year + this_year / 100 * 100;
        if year >= this_year + 50 {
            year - 100
        } else if year < this_year - 50 {
            year + 100
        } else {
            year
        }
    }
}

/// Returns the hour of a 24-hour clock.
const fn on_clock(hour: i64, afternoon: bool) -> i64 {
    if hour < 12 && afternoon {
        hour + 12
    } else if hour == 12 && !afternoon {
        0
    } else {
        hour
    }
}

/// Returns the characters of a range, fewer at the end.
fn slice(text: &str, start: usize, end: usize) -> String {
    text.chars().skip(start).take(end.saturating_sub(start)).collect()
}
