//! What names mean in a formula: variables and functions of the caller, beside the constants and functions there are.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::FormulaError;
use super::functions::{CONSTANT_NAMES, FUNCTION_NAMES, Native, constant, native};
use super::number::Number;
use crate::words::{Saying, marked};

/// Variables of the caller, which go before constants of the same name.
pub type Variables = IndexMap<String, Number>;

/// A function of the caller.
pub type Function = Box<dyn Fn(&Number) -> Result<Number, FormulaError> + Send + Sync>;

/// Functions of the caller, which go before those that every formula has.
pub type Functions = IndexMap<String, Function>;

/// Whether names are told apart by case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// `X` and `x` are two names.
    Sensitive,
    /// `X` and `x` are one name; of two definitions the later counts.
    Insensitive,
}

impl Case {
    fn fold(self, name: &str) -> String {
        match self {
            Self::Sensitive => name.to_owned(),
            Self::Insensitive => name.to_lowercase(),
        }
    }

    /// Tells whether a name of a formula, whose letters are ASCII, is a folded one.
    fn is(self, name: &str, folded: &str) -> bool {
        match self {
            Self::Sensitive => name == folded,
            Self::Insensitive => name.eq_ignore_ascii_case(folded),
        }
    }
}

/// The names a formula may use.
pub struct Names<'f> {
    case: Case,
    variables: Vec<String>,
    functions: Vec<(String, &'f Function)>,
}

/// Where the value of a variable comes from.
pub(super) enum Slot {
    /// The caller gives it, in this place.
    Given(usize),
    /// It is a constant.
    Constant(Number),
}

/// A function that a name means.
pub(super) enum Applied<'f> {
    Native(Native),
    Given(&'f Function),
}

impl<'f> Names<'f> {
    /// Collects the names of variables, in the order of the values they get later, and functions.
    pub fn new<'v>(
        variables: impl IntoIterator<Item = &'v str>,
        functions: &'f Functions,
        case: Case,
    ) -> Self {
        Self {
            case,
            variables: variables.into_iter().map(|name| case.fold(name)).collect(),
            functions: functions.iter().map(|(name, function)| (case.fold(name), function)).collect(),
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<Slot> {
        if let Some(place) = self.variables.iter().rposition(|known| self.case.is(name, known)) {
            return Some(Slot::Given(place));
        }
        match self.case {
            Case::Sensitive => constant(name),
            Case::Insensitive => constant(&name.to_ascii_lowercase()),
        }
        .map(Slot::Constant)
    }

    pub(super) fn function(&self, name: &str) -> Option<Applied<'f>> {
        if let Some((_, function)) = self.functions.iter().rev().find(|(known, _)| self.case.is(name, known))
        {
            return Some(Applied::Given(function));
        }
        match self.case {
            Case::Sensitive => native(name),
            Case::Insensitive => native(&name.to_ascii_lowercase()),
        }
        .map(Applied::Native)
    }

    /// Says which variables are not defined.
    pub(super) fn undefined_variables(&self, names: &BTreeSet<&str>) -> FormulaError {
        let known = self.variables.iter().map(String::as_str).chain(CONSTANT_NAMES);
        let text = marked("Invalid Input: {bad_variables} not permitted in answer as a variable");
        let message = Saying::new(text, &[("bad_variables", &listed(names))]);
        FormulaError::Undefined { message: self.with_names_differing_by_case(message, names, known) }
    }

    /// Says which functions are not defined.
    pub(super) fn undefined_functions(&self, names: &BTreeSet<&str>) -> FormulaError {
        let known = self.functions.iter().map(|(name, _)| name.as_str()).chain(FUNCTION_NAMES);
        let text = marked("Invalid Input: {bad_functions} not permitted in answer as a function");
        let mut message = Saying::new(text, &[("bad_functions", &listed(names))]);
        if names.iter().any(|name| self.variable(name).is_some()) {
            message = message.and(marked(" (did you forget to use * for multiplication?)"), &[]);
        }
        FormulaError::Undefined { message: self.with_names_differing_by_case(message, names, known) }
    }

    /// Suggests names that differ from the undefined ones only by case.
    fn with_names_differing_by_case<'n>(
        &self,
        message: Saying,
        undefined: &BTreeSet<&str>,
        known: impl Iterator<Item = &'n str>,
    ) -> Saying {
        if self.case == Case::Insensitive {
            return message;
        }
        let lower: BTreeSet<String> = undefined.iter().map(|name| name.to_lowercase()).collect();
        let close: BTreeSet<&str> = known.filter(|name| lower.contains(&name.to_lowercase())).collect();
        if close.is_empty() {
            return message;
        }
        message.and(marked(" (did you mean {names}?)"), &[("names", &listed(&close))])
    }
}

fn listed(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}
