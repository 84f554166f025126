//! The order that Python gives to keys, which is only partial.

use std::cmp::Ordering;

use crate::keys::{AnyKey, KeyError, Scalar};

use super::KeyValue;

/// Compares two keys as Python does with `<` and its kin.
///
/// # Errors
/// [`KeyError::NotComparable`] when the keys differ in fields, namespace or form, or when the first values in which they
/// differ are of kinds that have no order, such as a text and nothing.
pub fn python_cmp(left: &AnyKey, right: &AnyKey) -> Result<Ordering, KeyError> {
    let (left_fields, right_fields) = (left.fields(), right.fields());
    let names =
        |fields: &[(_, _)]| fields.iter().map(|(name, _)| smol_str::SmolStr::clone(name)).collect::<Vec<_>>();
    let comparable = names(&left_fields) == names(&right_fields)
        && left.namespace() == right.namespace()
        && left.is_deprecated() == right.is_deprecated();
    if !comparable {
        return Err(not_comparable(left, right));
    }
    for ((_, left), (_, right)) in left_fields.iter().zip(&right_fields) {
        if left != right {
            return compare_values(left, right);
        }
    }
    Ok(Ordering::Equal)
}

fn not_comparable(left: &impl ToString, right: &impl ToString) -> KeyError {
    KeyError::NotComparable { left: left.to_string(), right: right.to_string() }
}

fn compare_values(left: &KeyValue, right: &KeyValue) -> Result<Ordering, KeyError> {
    match (left, right) {
        (KeyValue::Key(left), KeyValue::Key(right)) => python_cmp(left, right),
        (KeyValue::Bool(left), KeyValue::Bool(right)) => Ok(left.cmp(right)),
        (KeyValue::Scalar(left), KeyValue::Scalar(right)) => match (left, right) {
            (Scalar::Text(left), Scalar::Text(right)) => Ok(left.cmp(right)),
            (Scalar::Int(left), Scalar::Int(right)) => Ok(left.cmp(right)),
            (Scalar::ObjectId(left), Scalar::ObjectId(right)) => Ok(left.cmp(right)),
            (Scalar::Uuid(left), Scalar::Uuid(right)) => Ok(left.cmp(right)),
            _ => Err(not_comparable(left, right)),
        },
        // Keys ask what they are compared with for its fields.
        (KeyValue::Key(_), other) | (other, KeyValue::Key(_)) => {
            Err(KeyError::NoAttribute { class: "value", name: format!("KEY_FIELDS of {other}") })
        }
        _ => Err(not_comparable(left, right)),
    }
}
