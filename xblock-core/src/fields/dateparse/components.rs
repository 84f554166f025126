//! The up to three numbers that are year, month and day in some order.
use super::decimal::{Decimal, integer, is_digits};
use super::parser::Failure;

/// Which of the three a number is known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Year,
    Month,
}

/// Year, month and day as far as they are known.
type Resolved = (Option<i64>, Option<i64>, Option<i64>);

/// Collects the numbers, and where year and month are among them.
#[derive(Debug, Default)]
pub(super) struct Components {
    numbers: Vec<i64>,
    year_at: Option<usize>,
    month_at: Option<usize>,
    /// Whether a year was written with its century.
    pub(super) has_century: bool,
}

/// Returns the days of a month, nothing for a month that does not exist.
pub(super) fn days_in_month(year: i64, month: i64) -> Option<u32> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if is_leap { 29 } else { 28 }),
        _ => None,
    }
}

impl Components {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Adds digits; more than two are a year with its century.
    pub(super) fn push_text(&mut self, text: &str, label: Option<Label>) -> Result<(), Failure> {
        let is_year = is_digits(text) && text.chars().count() > 2;
        self.push(integer(text).ok_or(Failure)?, is_year, label)
    }

    /// Adds a number; more than a hundred is a year with its century.
    pub(super) fn push_decimal(&mut self, value: &Decimal) -> Result<(), Failure> {
        let is_year = value.whole > 100 || (value.whole == 100 && value.has_fraction());
        self.push(value.whole, is_year, None)
    }

    /// Adds a month known by its name.
    pub(super) fn push_month(&mut self, month: i64) -> Result<(), Failure> {
        self.push(month, false, Some(Label::Month))
    }

    fn push(&mut self, number: i64, is_year: bool, label: Option<Label>) -> Result<(), Failure> {
        let label = if is_year {
            self.has_century = true;
            if label == Some(Label::Month) {
                return Err(Failure);
            }
            Some(Label::Year)
        } else {
            label
        };
        let at = self.numbers.len();
        self.numbers.push(number);
        let place = match label {
            Some(Label::Year) => &mut self.year_at,
            Some(Label::Month) => &mut self.month_at,
            None => return Ok(()),
        };
        if place.replace(at).is_some() { Err(Failure) } else { Ok(()) }
    }

    /// Tells whether a number could be the day that belongs to what is known of year and month.
    pub(super) fn could_be_day(&self, value: &Decimal) -> bool {
        let last = match self.month_at {
            None => Some(31),
            Some(at) => {
                days_in_month(self.year_at.map_or(2000, |year_at| self.numbers[year_at]), self.numbers[at])
            }
        };
        last.is_some_and(|last| {
            let last = i64::from(last);
            value.whole >= 1 && (value.whole < last || (value.whole == last && !value.has_fraction()))
        })
    }

    /// Decides which number is what.
    pub(super) fn resolve(&self) -> Result<Resolved, Failure> {
        let numbers = &self.numbers;
        let labels = usize::from(self.year_at.is_some()) + usize::from(self.month_at.is_some());
        if labels > 0 && (numbers.len() == labels || (numbers.len() == 3 && labels == 2)) {
            return Ok(self.by_labels());
        }
        match *numbers.as_slice() {
            [] => Ok((None, None, None)),
            [only] => Ok(match self.month_at {
                Some(_) => (None, Some(only), None),
                None => year_or_day(only),
            }),
            [first, second] => Ok(match self.month_at {
                Some(at) => {
                    let (month, other) = if at == 0 { (first, second) } else { (second, first) };
                    let (year, _, day) = year_or_day(other);
                    (year, Some(month), day)
                }
                None if first > 31 => (Some(first), Some(second), None),
                None if second > 31 => (Some(second), Some(first), None),
                None => (None, Some(first), Some(second)),
            }),
            [first, second, third] => Ok(self.three(first, second, third)),
            _ => Err(Failure),
        }
    }

    /// Takes the labelled numbers for what they are, and a third for what is missing.
    fn by_labels(&self) -> Resolved {
        let rest = (0..self.numbers.len()).find(|&at| Some(at) != self.year_at && Some(at) != self.month_at);
        let number = |at: Option<usize>| at.map(|at| self.numbers[at]);
        (number(self.year_at), number(self.month_at), number(rest))
    }

    /// Decides the order of three numbers, of which at most one is labelled.
    fn three(&self, first: i64, second: i64, third: i64) -> Resolved {
        let (year, month, day) = match self.month_at {
            Some(0) if second > 31 => (second, first, third),
            Some(0) => (third, first, second),
            Some(1) if first > 31 => (first, second, third),
            Some(1) => (third, second, first),
            Some(_) if second > 31 => (second, third, first),
            Some(_) => (first, third, second),
            None if first > 31 || self.year_at == Some(0) => (first, second, third),
            None if first > 12 => (third, second, first),
            None => (third, first, second),
        };
        (Some(year), Some(month), Some(day))
    }
}

fn year_or_day(number: i64) -> Resolved {
    if number > 31 { (Some(number), None, None) } else { (None, None, Some(number)) }
}
