//! The declarations of a block type's fields, found by name.
use std::sync::Arc;

use super::spec::FieldSpec;
use crate::quick_hash::quick_hash;

/// Marks a place of the index that no field has.
const FREE: u16 = u16::MAX;

/// Holds the fields of a block type, found by name in a few nanoseconds. All blocks of a type share one.
#[derive(Debug)]
pub struct FieldTable {
    specs: Arc<[FieldSpec]>,
    /// The names, as the maps of stored values share them.
    names: Box<[Arc<str>]>,
    /// The names of those that refer to blocks.
    references: Box<[&'static str]>,
    /// The number of the field at the place its name hashes to, or at the next places where others were first.
    index: Box<[u16]>,
}

impl FieldTable {
    /// Collects declarations. A later one of a name replaces an earlier one, in the earlier one's place.
    #[must_use]
    pub fn new(declarations: impl IntoIterator<Item = FieldSpec>) -> Self {
        let mut specs: Vec<FieldSpec> = Vec::new();
        let mut table = Self {
            specs: Arc::default(),
            names: Box::default(),
            references: Box::default(),
            index: index_of(&[], 64),
        };
        for spec in declarations {
            match find(&table.index, &specs, spec.name) {
                Ok(at) => specs[at] = spec,
                Err(place) => {
                    specs.push(spec);
                    // Half of the places stay free, so that there is always one to stop at.
                    if specs.len() * 2 > table.index.len() {
                        table.index = index_of(&specs, table.index.len() * 2);
                    } else {
                        table.index[place] = number(specs.len() - 1);
                    }
                }
            }
        }
        let references = specs.iter().filter(|spec| spec.kind.is_reference());
        table.references = references.map(|spec| spec.name).collect();
        table.names = specs.iter().map(|spec| spec.name.into()).collect();
        table.specs = specs.into();
        table
    }

    /// Returns the declarations in order.
    #[must_use]
    pub fn specs(&self) -> &Arc<[FieldSpec]> {
        &self.specs
    }

    /// Finds a field by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&FieldSpec> {
        self.position(name).map(|at| &self.specs[at])
    }

    /// Lists the names of the fields that refer to blocks.
    #[must_use]
    pub fn references(&self) -> &[&'static str] {
        &self.references
    }

    /// Finds a field by its name; the name comes along as the maps of stored values can share it.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<(&FieldSpec, &Arc<str>)> {
        self.position(name).map(|at| (&self.specs[at], &self.names[at]))
    }

    /// Finds the place of a field in [`specs`](Self::specs).
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        find(&self.index, &self.specs, name).ok()
    }
}

/// Makes an index of so many places, a power of two.
fn index_of(specs: &[FieldSpec], places: usize) -> Box<[u16]> {
    let mut index = vec![FREE; places].into_boxed_slice();
    for (at, spec) in specs.iter().enumerate() {
        if let Err(place) = find(&index, specs, spec.name) {
            index[place] = number(at);
        }
    }
    index
}

fn number(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(FREE)
}

/// Returns the field of this name, or the free place where it would be.
fn find(index: &[u16], specs: &[FieldSpec], name: &str) -> Result<usize, usize> {
    let mask = index.len() - 1;
    let mut place = quick_hash(name.as_bytes()) & mask;
    loop {
        let at = usize::from(index[place]);
        match specs.get(at) {
            None => return Err(place),
            Some(spec) if spec.name == name => return Ok(at),
            Some(_) => place = (place + 1) & mask,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::{FieldType, INHERITABLE, Scope};

    #[test]
    fn every_name_is_found_and_no_other() {
        let table = FieldTable::new(INHERITABLE.iter().copied());
        for (at, spec) in INHERITABLE.iter().enumerate() {
            assert_eq!(table.position(spec.name), Some(at), "{}", spec.name);
        }
        for name in ["", "x", "du", "duee", "DUE", "graceperioD", "max_attempt", "max_attemptsX"] {
            assert_eq!(table.position(name), None, "{name}");
        }
        assert!(FieldTable::new([]).get("due").is_none());
    }

    #[test]
    fn a_later_declaration_takes_the_place_of_an_earlier_one() {
        let names: Vec<&'static str> = (0..500).map(|n| &*format!("field_{n}").leak()).collect();
        let field = |name, kind| FieldSpec::new(name, kind, Scope::Settings);
        let first = names.iter().map(|name| field(name, FieldType::String));
        let second = names.iter().rev().map(|name| field(name, FieldType::Integer));
        let table = FieldTable::new(first.chain(second));
        assert_eq!(table.specs().len(), 500);
        for (at, name) in names.iter().enumerate() {
            assert_eq!(table.position(name), Some(at));
            assert_eq!(table.get(name).map(|spec| spec.kind), Some(FieldType::Integer));
        }
    }
}
