//! ScoreField and ListScoreField.
use std::cmp::Ordering;

use super::super::error::FieldError;
use super::super::value::{Score, Value};

const SCORE: &str = "a score with raw_earned and raw_possible";

pub(super) fn load_score(value: Value) -> Result<Value, FieldError> {
    match value {
        // A score that is one already is taken as it is.
        Value::None | Value::Score(_) => Ok(value),
        Value::Dict(mut dict) if dict.len() == 2 => {
            let raw_earned = dict.swap_remove(&Value::from("raw_earned"));
            let raw_possible = dict.swap_remove(&Value::from("raw_possible"));
            match (raw_earned, raw_possible) {
                (Some(raw_earned), Some(raw_possible)) => {
                    checked(Score { raw_earned, raw_possible }).map(Value::from)
                }
                _ => Err(FieldError::WrongType { expected: SCORE, found: "dict" }),
            }
        }
        other => Err(FieldError::WrongType { expected: SCORE, found: other.type_name() }),
    }
}

/// Checks `raw_possible` first, then that `raw_earned` lies between nothing and it.
fn checked(score: Score) -> Result<Score, FieldError> {
    let check_number = |value: &Value| match value.is_number() {
        true => Ok(()),
        false => Err(FieldError::WrongType { expected: "a number", found: value.type_name() }),
    };
    let zero = Value::Int(0);
    check_number(&score.raw_possible)?;
    if score.raw_possible.order(&zero) == Some(Ordering::Less) {
        return Err(FieldError::InvalidValue {
            expected: "a number of points possible",
            found: score.raw_possible.excerpt(),
        });
    }
    check_number(&score.raw_earned)?;
    let at_most =
        |low: &Value, high: &Value| matches!(low.order(high), Some(Ordering::Less | Ordering::Equal));
    if !(at_most(&zero, &score.raw_earned) && at_most(&score.raw_earned, &score.raw_possible)) {
        return Err(FieldError::InvalidValue {
            expected: "between 0 and the points possible",
            found: score.raw_earned.excerpt(),
        });
    }
    Ok(score)
}

pub(super) fn load_list(value: Value) -> Result<Value, FieldError> {
    match value {
        Value::None => Ok(value),
        Value::List(items) => {
            items.into_iter().map(load_score).collect::<Result<Vec<_>, _>>().map(Value::List)
        }
        other => Err(FieldError::WrongType { expected: "a list of scores", found: other.type_name() }),
    }
}
