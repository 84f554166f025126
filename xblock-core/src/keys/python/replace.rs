//! `replace`: a key with some of its fields changed.

use smol_str::SmolStr;

use crate::keys::{AnyKey, KeyClass, KeyError};

use super::fields::Fields;
use super::{KeyValue, construct};

/// The fields of a custom course; those of a course are the first five.
const CCX_FIELDS: [&str; 6] = ["org", "course", "run", "branch", "version_guid", "ccx"];

/// The fields of a library.
const LIBRARY_FIELDS: [&str; 4] = ["org", "library", "branch", "version_guid"];

/// Moves what is named in one list out of another, keeping the order.
fn split_off(from: &mut Fields, names: &[&str]) -> Fields {
    let (taken, rest) =
        std::mem::take(from).into_iter().partition(|(name, _)| names.contains(&name.as_str()));
    *from = rest;
    taken
}

fn has(values: &Fields, name: &str) -> bool {
    values.iter().any(|(other, _)| other == name)
}

/// Gives a value its present name, unless there is a value of that name already.
fn rename(values: &mut Fields, old: &str, new: &'static str) {
    if has(values, old) && !has(values, new) {
        let (_, value) = split_off(values, &[old]).remove(0);
        values.push((SmolStr::new_static(new), value));
    }
}

/// Sets a value, in its place when it is there.
fn set(values: &mut Fields, name: SmolStr, value: KeyValue) {
    match values.iter_mut().find(|(other, _)| *other == name) {
        Some((_, old)) => *old = value,
        None => values.push((name, value)),
    }
}

impl AnyKey {
    /// Returns the key with other values for some fields: itself when nothing changes, else a new key, for which all checks of
    /// the constructor run again.
    ///
    /// Some classes also take the fields of the key within them, and old names of fields.
    ///
    /// # Errors
    /// [`KeyError::UnknownField`], and those of the constructor.
    pub fn replace(&self, kwargs: Fields) -> Result<AnyKey, KeyError> {
        let Some(class) = self.class() else {
            return Err(KeyError::NotReplaceable { class: self.class_name() });
        };
        match class {
            KeyClass::BlockUsageLocator
            | KeyClass::CcxBlockUsageLocator
            | KeyClass::DeprecatedLocation
            | KeyClass::LibraryUsageLocator
            | KeyClass::AssetLocator => self.replace_block(class, kwargs),
            KeyClass::AsideUsageKeyV1 | KeyClass::AsideUsageKeyV2 => self.replace_aside(
                class,
                "usage_key",
                &["block_id", "block_type", "definition_key", "course_key"],
                kwargs,
            ),
            KeyClass::AsideDefinitionKeyV1 | KeyClass::AsideDefinitionKeyV2 => {
                self.replace_aside(class, "definition_key", &["block_type"], kwargs)
            }
            _ => self.replace_fields(class, kwargs),
        }
    }

    /// What all classes do in the end.
    fn replace_fields(&self, class: KeyClass, kwargs: Fields) -> Result<AnyKey, KeyError> {
        let mut values = self.fields();
        values.push((SmolStr::new_static("deprecated"), self.is_deprecated().into()));
        let mut changed = false;
        for (name, value) in &kwargs {
            let Some((_, old)) = values.iter().find(|(field, _)| field == name) else {
                return Err(KeyError::UnknownField { class: class.name(), field: name.to_string() });
            };
            if old != value {
                // Python stops looking here, and leaves unknown names that follow to the constructor.
                changed = true;
                break;
            }
        }
        if !changed {
            return Ok(self.clone());
        }
        for (name, value) in kwargs {
            set(&mut values, name, value);
        }
        construct(class, Vec::new(), values)
    }

    fn replace_block(&self, class: KeyClass, mut kwargs: Fields) -> Result<AnyKey, KeyError> {
        let mut context_field = "course_key";
        match class {
            KeyClass::AssetLocator => {
                rename(&mut kwargs, "path", "block_id");
                rename(&mut kwargs, "asset_type", "block_type");
            }
            // These two classes see to their context first; old names of its fields then start from the old context again.
            KeyClass::CcxBlockUsageLocator => {
                let course = split_off(&mut kwargs, &CCX_FIELDS);
                self.set_context("course_key", "course_key", course, &mut kwargs)?;
            }
            KeyClass::LibraryUsageLocator => {
                context_field = "library_key";
                rename(&mut kwargs, "version", "version_guid");
                let library = split_off(&mut kwargs, &LIBRARY_FIELDS);
                self.set_context(context_field, context_field, library, &mut kwargs)?;
                if let Some((_, context)) = split_off(&mut kwargs, &["course_key"]).pop() {
                    set(&mut kwargs, context_field.into(), context);
                }
            }
            _ => {}
        }
        rename(&mut kwargs, "revision", "branch");
        rename(&mut kwargs, "version", "version_guid");
        let course = split_off(&mut kwargs, &CCX_FIELDS[..5]);
        self.set_context(context_field, "course_key", course, &mut kwargs)?;
        rename(&mut kwargs, "name", "block_id");
        rename(&mut kwargs, "category", "block_type");
        self.replace_fields(class, kwargs)
    }

    /// Adds the key of the context, with some of its fields changed, to the values.
    fn set_context(
        &self,
        field: &str,
        name: &'static str,
        changes: Fields,
        kwargs: &mut Fields,
    ) -> Result<(), KeyError> {
        if changes.is_empty() {
            return Ok(());
        }
        let Some(KeyValue::Key(context)) = self.field(field) else {
            return Err(KeyError::no_attribute(self.class_name(), field));
        };
        set(kwargs, name.into(), KeyValue::Key(context.replace(changes)?));
        Ok(())
    }

    fn replace_aside(
        &self,
        class: KeyClass,
        inner: &'static str,
        inner_fields: &[&str],
        mut kwargs: Fields,
    ) -> Result<AnyKey, KeyError> {
        let replace_inner = !has(&kwargs, inner);
        let of_inner: Vec<_> = inner_fields.iter().copied().filter(|name| *name != inner).collect();
        // Python looks for them in this order, whatever the order they are given in.
        let inner_values: Fields = of_inner.iter().flat_map(|name| split_off(&mut kwargs, &[name])).collect();
        if replace_inner && !inner_values.is_empty() {
            let replaced = match self.field(inner) {
                Some(KeyValue::Key(key)) => KeyValue::Key(key.replace(inner_values)?),
                Some(other) => return Err(KeyError::wrong_type(class.name(), inner, other)),
                None => return Err(KeyError::no_attribute(class.name(), inner)),
            };
            set(&mut kwargs, inner.into(), replaced);
        }
        self.replace_fields(class, kwargs)
    }
}
