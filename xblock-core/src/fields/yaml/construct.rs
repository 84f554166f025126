//! Makes values of nodes, as safe loading does: only plain values, whatever the tags ask for.
use num_bigint::BigInt;

use super::base64;
use super::compose::{Content, Node, NodeId};
use super::error::{YamlError, YamlStage};
use super::resolve;
use super::timestamp::Timestamp;
use super::token::Mark;
use crate::fields::python::number::{has_text, parse_float, parse_int};
use crate::fields::value::{Dict, Value, ValueSet};

/// How many values aliases may multiply a text to.
const MAX_VALUES: usize = 1_000_000;

pub(super) struct Constructor {
    nodes: Vec<Node>,
    /// Nodes being made, to find those that contain themselves.
    open: Vec<NodeId>,
    made: usize,
}

fn fail<T>(mark: Mark, problem: impl Into<String>) -> Result<T, YamlError> {
    Err(YamlError::new(YamlStage::Constructor, mark, problem))
}

impl Constructor {
    pub(super) const fn new(nodes: Vec<Node>) -> Self {
        Self { nodes, open: Vec::new(), made: 0 }
    }

    pub(super) fn construct(&mut self, id: NodeId) -> Result<Value, YamlError> {
        let mark = self.nodes[id].mark;
        if self.open.contains(&id) {
            return fail(mark, "a value that contains itself");
        }
        self.made += 1;
        if self.made > MAX_VALUES {
            return fail(mark, "aliases that multiply to too many values");
        }
        self.open.push(id);
        let value = self.make(id)?;
        self.open.pop();
        Ok(value)
    }

    fn make(&mut self, id: NodeId) -> Result<Value, YamlError> {
        let mark = self.nodes[id].mark;
        let tag = self.nodes[id].tag.clone();
        match tag.strip_prefix(resolve::PREFIX).unwrap_or("") {
            "null" => self.scalar(id).map(|_| Value::None),
            "bool" => self.boolean(id),
            "int" => self.integer(id),
            "float" => self.float(id),
            "binary" => self.binary(id),
            "timestamp" => self.timestamp(id),
            "str" => self.scalar(id).map(Value::from),
            "seq" => self.sequence(id).map(Value::List),
            "map" => self.mapping(id).map(Value::Dict),
            "set" => Ok(Value::Set(self.mapping(id)?.into_keys().collect::<ValueSet>())),
            "omap" | "pairs" => self.pairs(id),
            _ => fail(mark, format!("no value can be made of `{tag}`")),
        }
    }

    /// Returns the text of a scalar, or of the scalar a mapping has under the key `=`.
    fn scalar(&self, id: NodeId) -> Result<String, YamlError> {
        let mut id = id;
        for _ in 0..=self.nodes.len() {
            match &self.nodes[id].content {
                Content::Scalar(text) => return Ok(text.clone()),
                Content::Mapping(pairs) => {
                    let value = pairs.iter().find(|(key, _)| self.nodes[*key].tag == resolve::tag("value"));
                    match value {
                        Some(&(_, value)) => id = value,
                        None => break,
                    }
                }
                Content::Sequence(_) => break,
            }
        }
        fail(self.nodes[id].mark, "a collection where a scalar should be")
    }

    /// Reports a scalar that its tag does not fit.
    fn misfit<T>(&self, id: NodeId, stage: YamlStage, text: &str, kind: &str) -> Result<T, YamlError> {
        Err(YamlError::new(stage, self.nodes[id].mark, format!("`{text}` is not {kind}")))
    }

    fn boolean(&self, id: NodeId) -> Result<Value, YamlError> {
        let text = self.scalar(id)?;
        match text.to_lowercase().as_str() {
            "yes" | "true" | "on" => Ok(Value::Bool(true)),
            "no" | "false" | "off" => Ok(Value::Bool(false)),
            _ => self.misfit(id, YamlStage::TruthValue, &text, "a truth value"),
        }
    }

    fn integer(&self, id: NodeId) -> Result<Value, YamlError> {
        let text = self.scalar(id)?;
        let digits = text.replace('_', "");
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
        };
        let value = if digits == "0" {
            Some(BigInt::ZERO)
        } else if let Some(binary) = digits.strip_prefix("0b") {
            parse_radix(binary, 2)
        } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
            parse_radix(hexadecimal, 16)
        } else if digits.starts_with('0') {
            parse_radix(digits.strip_prefix("0o").unwrap_or(digits), 8)
        } else if digits.contains(':') {
            digits.split(':').try_fold(BigInt::ZERO, |sum, group| Some(sum * 60 + parse_int(group)?))
        } else {
            parse_int(digits)
        };
        // Other bases give numbers that Python reads and then cannot write.
        match value.filter(has_text) {
            Some(value) => Ok(Value::from(if negative { -value } else { value })),
            None if digits.is_empty() => self.misfit(id, YamlStage::EmptyNumber, &text, "an integer"),
            None => self.misfit(id, YamlStage::Number, &text, "an integer"),
        }
    }

    fn float(&self, id: NodeId) -> Result<Value, YamlError> {
        let text = self.scalar(id)?;
        let digits = text.replace('_', "").to_lowercase();
        let (sign, digits) = match digits.strip_prefix('-') {
            Some(rest) => (-1.0, rest),
            None => (1.0, digits.strip_prefix('+').unwrap_or(&digits)),
        };
        let value = match digits {
            ".inf" => Some(f64::INFINITY),
            ".nan" => Some(f64::NAN),
            _ if digits.contains(':') => sexagesimal(digits),
            _ => parse_float(digits),
        };
        match value {
            Some(value) => Ok(Value::Float(sign * value)),
            None if text.replace('_', "").is_empty() => {
                self.misfit(id, YamlStage::EmptyNumber, &text, "a number")
            }
            None => self.misfit(id, YamlStage::Number, &text, "a number"),
        }
    }

    fn binary(&self, id: NodeId) -> Result<Value, YamlError> {
        let text = self.scalar(id)?;
        match base64::decode(&text) {
            Some(bytes) => Ok(Value::Bytes(bytes.into())),
            None => fail(self.nodes[id].mark, "binary data that is not base64"),
        }
    }

    fn timestamp(&self, id: NodeId) -> Result<Value, YamlError> {
        let text = self.scalar(id)?;
        let Some(timestamp) = Timestamp::parse(&text) else {
            return self.misfit(id, YamlStage::Timestamp, &text, "a date");
        };
        match timestamp.value() {
            Some(value) => Ok(value),
            None => self.misfit(id, YamlStage::Number, &text, "a possible date"),
        }
    }

    fn sequence(&mut self, id: NodeId) -> Result<Vec<Value>, YamlError> {
        match self.nodes[id].content.clone() {
            Content::Sequence(items) => items.into_iter().map(|item| self.construct(item)).collect(),
            _ => fail(self.nodes[id].mark, "no list where a list should be"),
        }
    }

    fn mapping(&mut self, id: NodeId) -> Result<Dict, YamlError> {
        self.flatten(id)?;
        let mark = self.nodes[id].mark;
        let Content::Mapping(pairs) = self.nodes[id].content.clone() else {
            return fail(mark, "no mapping where a mapping should be");
        };
        let mut dict = Dict::with_capacity(pairs.len());
        for (key, value) in pairs {
            let key_mark = self.nodes[key].mark;
            let key = self.construct(key)?;
            if !key.is_hashable() {
                return fail(key_mark, format!("a {} cannot be a key", key.type_name()));
            }
            let value = self.construct(value)?;
            dict.insert(key, value);
        }
        Ok(dict)
    }

    /// Replaces the merge keys (`<<`) of a mapping by what they refer to, before its own pairs so that those win.
    fn flatten(&mut self, id: NodeId) -> Result<(), YamlError> {
        let mark = self.nodes[id].mark;
        let mut merged = Vec::new();
        let mut index = 0;
        while let Content::Mapping(pairs) = &mut self.nodes[id].content
            && let Some(&(key, value)) = pairs.get(index)
        {
            if self.nodes[key].tag == resolve::tag("merge") {
                if let Content::Mapping(pairs) = &mut self.nodes[id].content {
                    pairs.remove(index);
                }
                match self.nodes[value].content.clone() {
                    Content::Mapping(_) => merged.extend(self.flattened(value)?),
                    // Of several mappings the first wins, so it comes last.
                    Content::Sequence(items) => {
                        let mut parts = Vec::with_capacity(items.len());
                        for item in items {
                            if !matches!(self.nodes[item].content, Content::Mapping(_)) {
                                return fail(mark, "a merge of something that is no mapping");
                            }
                            parts.push(self.flattened(item)?);
                        }
                        merged.extend(parts.into_iter().rev().flatten());
                    }
                    Content::Scalar(_) => return fail(mark, "a merge of something that is no mapping"),
                }
            } else {
                if self.nodes[key].tag == resolve::tag("value") {
                    self.nodes[key].tag = resolve::tag("str");
                }
                index += 1;
            }
        }
        if !merged.is_empty()
            && let Content::Mapping(pairs) = &mut self.nodes[id].content
        {
            pairs.splice(0..0, merged);
        }
        Ok(())
    }

    fn flattened(&mut self, id: NodeId) -> Result<Vec<(NodeId, NodeId)>, YamlError> {
        self.flatten(id)?;
        match &self.nodes[id].content {
            Content::Mapping(pairs) => {
                self.made += pairs.len();
                if self.made > MAX_VALUES {
                    return fail(self.nodes[id].mark, "merges that multiply to too many values");
                }
                Ok(pairs.clone())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Makes the list of pairs both kinds of ordered mappings are.
    fn pairs(&mut self, id: NodeId) -> Result<Value, YamlError> {
        let Content::Sequence(items) = self.nodes[id].content.clone() else {
            return fail(self.nodes[id].mark, "no list of pairs where one should be");
        };
        let mut pairs = Vec::with_capacity(items.len());
        for item in items {
            match self.nodes[item].content.clone() {
                Content::Mapping(members) if members.len() == 1 => {
                    let (key, value) = members[0];
                    pairs.push(Value::Tuple(vec![self.construct(key)?, self.construct(value)?]));
                }
                _ => return fail(self.nodes[item].mark, "no mapping of one pair"),
            }
        }
        Ok(Value::List(pairs))
    }
}

fn parse_radix(digits: &str, radix: u32) -> Option<BigInt> {
    let has_digits = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    has_digits.then(|| BigInt::parse_bytes(digits.as_bytes(), radix)).flatten()
}

/// Adds groups of base 60 from the last, each a float of its own.
fn sexagesimal(text: &str) -> Option<f64> {
    let mut sum = 0.0;
    let mut base = 1.0;
    for group in text.rsplit(':') {
        sum += parse_float(group)? * base;
        base *= 60.0;
    }
    Some(sum)
}
