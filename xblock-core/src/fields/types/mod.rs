//! The field types: what each makes of stored JSON, of attribute text and of values that are set.
mod collections;
mod dates;
mod durations;
mod numbers;
mod platform;
mod scores;
mod texts;
mod xml;

use super::conversion::Conversion;
use super::error::FieldError;
use super::python::json_text::dumps;
use super::value::{Dict, Json, Value, ValueSet};
use super::yaml;

/// Names the type of a field, and with it its conversions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldType {
    /// An integer, or a text `int()` reads.
    Integer,
    /// A float, or a text `float()` reads.
    Float,
    /// A truth value; of texts only `true` is one.
    Boolean,
    /// A mapping.
    Dict,
    /// A list.
    List,
    /// A set.
    Set,
    /// A text without the control characters XML forbids.
    String,
    /// A text that is an XML document, checked when the field enforces its type.
    XmlString,
    /// A date with time, written to the second with `Z`.
    Date,
    /// A date with time written with microseconds in its own wall clock, or a duration in seconds.
    DateTime,
    /// A duration as a sentence: `1 day 2 hours`.
    Timedelta,
    /// A duration as a clock: `00:01:30`.
    RelativeTime,
    /// Anything.
    Any,
    /// The usage key of another block.
    Reference,
    /// A list of usage keys.
    ReferenceList,
    /// A mapping to usage keys.
    ReferenceValueDict,
    /// A score.
    Score,
    /// A list of scores.
    ListScore,
    /// Anything; the base class of all others.
    JsonField,
    /// Anything; the root of the classes.
    Field,
    /// The partitions learners are divided by.
    UserPartitionList,
    /// Which groups of which partition may see a block.
    GroupAccessDict,
    /// Textbooks as pairs of title and address.
    TextbookList,
    /// The tabs of a course.
    CourseTabList,
    /// When a problem's numbers are drawn anew.
    Randomization,
}

impl FieldType {
    /// All field types.
    pub const ALL: [Self; 25] = [
        Self::Integer,
        Self::Float,
        Self::Boolean,
        Self::Dict,
        Self::List,
        Self::Set,
        Self::String,
        Self::XmlString,
        Self::Date,
        Self::DateTime,
        Self::Timedelta,
        Self::RelativeTime,
        Self::Any,
        Self::Reference,
        Self::ReferenceList,
        Self::ReferenceValueDict,
        Self::Score,
        Self::ListScore,
        Self::JsonField,
        Self::Field,
        Self::UserPartitionList,
        Self::GroupAccessDict,
        Self::TextbookList,
        Self::CourseTabList,
        Self::Randomization,
    ];

    /// Returns the name of the Python class.
    #[must_use]
    pub const fn class_name(self) -> &'static str {
        match self {
            Self::Integer => "Integer",
            Self::Float => "Float",
            Self::Boolean => "Boolean",
            Self::Dict => "Dict",
            Self::List => "List",
            Self::Set => "Set",
            Self::String => "String",
            Self::XmlString => "XMLString",
            Self::Date => "Date",
            Self::DateTime => "DateTime",
            Self::Timedelta => "Timedelta",
            Self::RelativeTime => "RelativeTime",
            Self::Any => "Any",
            Self::Reference => "Reference",
            Self::ReferenceList => "ReferenceList",
            Self::ReferenceValueDict => "ReferenceValueDict",
            Self::Score => "ScoreField",
            Self::ListScore => "ListScoreField",
            Self::JsonField => "JSONField",
            Self::Field => "Field",
            Self::UserPartitionList => "UserPartitionList",
            Self::GroupAccessDict => "GroupAccessDict",
            Self::TextbookList => "TextbookList",
            Self::CourseTabList => "CourseTabList",
            Self::Randomization => "Randomization",
        }
    }

    /// Finds the type whose Python class has this name.
    #[must_use]
    pub fn from_class_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.class_name() == name)
    }

    /// Tells whether values can be changed in place, so that reading one is enough to watch it for changes.
    #[must_use]
    pub const fn is_mutable(self) -> bool {
        match self {
            Self::Dict
            | Self::List
            | Self::Set
            | Self::DateTime
            | Self::Any
            | Self::Reference
            | Self::ReferenceList
            | Self::ReferenceValueDict
            | Self::ListScore
            | Self::JsonField
            | Self::Field
            | Self::UserPartitionList
            | Self::GroupAccessDict
            | Self::TextbookList
            | Self::CourseTabList => true,
            Self::Integer
            | Self::Float
            | Self::Boolean
            | Self::String
            | Self::XmlString
            | Self::Date
            | Self::Timedelta
            | Self::RelativeTime
            | Self::Score
            | Self::Randomization => false,
        }
    }

    /// Tells whether the values are texts that are written to XML as they are.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Self::String | Self::XmlString | Self::Randomization)
    }

    /// Tells whether a value of nothing is written to XML.
    #[must_use]
    pub const fn none_to_xml(self) -> bool {
        self.is_text()
    }

    /// Tells whether native values are what JSON itself holds.
    #[must_use]
    pub const fn is_native_json(self) -> bool {
        !matches!(
            self,
            Self::Set
                | Self::Date
                | Self::DateTime
                | Self::Timedelta
                | Self::RelativeTime
                | Self::Score
                | Self::ListScore
                | Self::GroupAccessDict
                | Self::UserPartitionList
        )
    }

    /// Returns the default of a field that declares none.
    #[must_use]
    pub fn default_value(self) -> Value {
        match self {
            Self::Dict | Self::ReferenceValueDict | Self::GroupAccessDict => Value::Dict(Dict::new()),
            Self::List
            | Self::ReferenceList
            | Self::ListScore
            | Self::UserPartitionList
            | Self::TextbookList
            | Self::CourseTabList => Value::List(Vec::new()),
            Self::Set => Value::Set(ValueSet::new()),
            _ => Value::None,
        }
    }

    /// Checks a default as the constructor of the Python class does: it is kept as it is, of a wrong type too, unless
    /// the field enforces its type; a set field makes a set of it.
    ///
    /// # Errors
    /// A [`FieldError`] when the value cannot be enforced, or made a set.
    pub fn check_default(self, default: Value, enforce_type: bool) -> Result<Value, FieldError> {
        let default = if enforce_type { self.enforce(default, &Conversion::default())? } else { default };
        match self {
            Self::Set => collections::set_from(default),
            _ => Ok(default),
        }
    }

    /// Converts a stored value to the native one.
    ///
    /// # Errors
    /// A [`FieldError`] when the value is none of this field.
    pub fn from_json(self, json: &Json) -> Result<Value, FieldError> {
        self.load(Value::from(json), &Conversion::default())
    }

    /// Converts a native value to the one to store.
    ///
    /// An XML text is not checked here, because only fields that enforce their type do; see
    /// [`FieldSpec::to_json`](super::FieldSpec::to_json).
    ///
    /// # Errors
    /// A [`FieldError`] when the value is none of this field, or has no JSON form.
    pub fn to_json(self, value: &Value) -> Result<Json, FieldError> {
        let dumped = self.dump(value)?;
        match (self, &dumped) {
            // JSON has no infinite numbers and serialisers lose large integers; both fields read the text back.
            (Self::Float, Value::Float(number)) if !number.is_finite() => Ok(Json::String(dumps(&dumped)?)),
            (Self::Integer, Value::BigInt(number)) if dumped.to_json().is_err() => {
                Ok(Json::String(number.to_string()))
            }
            _ => dumped.to_json(),
        }
    }

    /// Says whether values name blocks.
    #[must_use]
    pub const fn is_reference(self) -> bool {
        matches!(self, Self::Reference | Self::ReferenceList | Self::ReferenceValueDict)
    }

    /// Says whether a value is known to be in its stored form already, without converting it: whether reading it and
    /// storing what was read gives the same. Values of which that is only found out by doing so are not known.
    pub(crate) fn is_stored_form(self, json: &Json) -> bool {
        match (self, json) {
            (Self::String, Json::String(text)) => texts::is_clean(text),
            (Self::Boolean, Json::Bool(_)) | (Self::String, Json::Null) => true,
            (Self::Integer, Json::Number(number)) => number.is_i64(),
            (Self::Float, Json::Number(number)) => number.is_f64(),
            (Self::Dict, Json::Object(_)) | (Self::List, Json::Array(_)) => is_plain(json),
            _ => false,
        }
    }

    /// Converts any value that a store or a caller may hold to the native one: `from_json` of the Python class.
    ///
    /// # Errors
    /// A [`FieldError`] when the value is none of this field.
    pub fn load(self, value: Value, conversion: &Conversion) -> Result<Value, FieldError> {
        match self {
            Self::Integer => numbers::load_integer(&value),
            Self::Float => numbers::load_float(&value),
            Self::Boolean => Ok(numbers::load_boolean(&value)),
            Self::Dict | Self::ReferenceValueDict => collections::load_dict(value),
            Self::List | Self::ReferenceList => collections::load_list(value),
            Self::Set => collections::load_set(value),
            Self::String | Self::XmlString => texts::load_string(value),
            Self::Date => dates::load_date(value, conversion),
            Self::DateTime => dates::load_datetime(value, conversion),
            Self::Timedelta => durations::load_timedelta(value),
            Self::RelativeTime => durations::load_relative_time(value),
            Self::Any | Self::Reference | Self::JsonField | Self::Field => Ok(value),
            Self::Score => scores::load_score(value),
            Self::ListScore => scores::load_list(value),
            Self::UserPartitionList => platform::load_user_partitions(value),
            Self::GroupAccessDict => platform::load_group_access(value),
            Self::TextbookList => platform::load_textbooks(value),
            Self::CourseTabList => platform::load_tabs(value),
            Self::Randomization => platform::load_randomization(value),
        }
    }

    /// Converts a native value to what the Python class hands its store: `to_json` there, which need not be JSON.
    ///
    /// # Errors
    /// A [`FieldError`] when the value is none of this field.
    pub fn dump(self, value: &Value) -> Result<Value, FieldError> {
        match self {
            Self::Date => dates::dump_date(value),
            Self::DateTime => dates::dump_datetime(value),
            Self::Timedelta => Ok(durations::dump_timedelta(value)),
            Self::RelativeTime => durations::dump_relative_time(value),
            Self::GroupAccessDict => platform::dump_group_access(value),
            Self::Randomization => platform::load_randomization(value.clone()),
            _ => Ok(value.clone()),
        }
    }

    /// Converts a value that is being set on a field which enforces its type.
    ///
    /// # Errors
    /// A [`FieldError`] when the value is none of this field.
    pub fn enforce(self, value: Value, conversion: &Conversion) -> Result<Value, FieldError> {
        match self {
            Self::XmlString => xml::check(&value).map(|()| value),
            Self::RelativeTime if value.is_none() => Ok(value),
            // The platform's classes convert stored values only; a value set is checked as their base class does.
            Self::GroupAccessDict => collections::load_dict(value),
            Self::UserPartitionList | Self::TextbookList | Self::CourseTabList => {
                collections::load_list(value)
            }
            Self::Randomization => texts::load_string(value),
            _ => self.load(value, conversion),
        }
    }

    /// Cleans a value as every set and every get of the field does: texts lose what XML forbids, bytes become text.
    ///
    /// # Errors
    /// [`FieldError::NotUtf8`] for bytes that are no text.
    pub fn sanitize(self, value: Value) -> Result<Value, FieldError> {
        if self.is_text() { texts::sanitize(value) } else { Ok(value) }
    }

    /// Reads the text of an attribute or element: texts as they are, everything else as YAML 1.1.
    ///
    /// # Errors
    /// A [`FieldError`] when the text is no YAML or its value is none of this field.
    pub fn from_text(self, text: &str) -> Result<Value, FieldError> {
        self.parse_text(text, &Conversion::default())
    }

    /// Reads a text as [`from_text`](Self::from_text) does, completing dates from the conversion.
    ///
    /// # Errors
    /// A [`FieldError`] when the text is no YAML or its value is none of this field.
    pub fn parse_text(self, text: &str, conversion: &Conversion) -> Result<Value, FieldError> {
        if self.is_text() {
            return self.load(Value::from(text), conversion);
        }
        self.enforce(yaml::load(text)?, conversion)
    }

    /// Writes the value as the text of an attribute or element; nothing when a text field holds nothing.
    ///
    /// # Errors
    /// A [`FieldError`] when the value is none of this field or has no text.
    pub fn to_text(self, value: &Value) -> Result<Option<String>, FieldError> {
        Ok(match self.dump_text(value)? {
            Value::None => None,
            Value::Str(text) => Some(text.to_string()),
            // Reached by a duration in a date-time field, and by a wrong type in a text field.
            other => Some(dumps(&other)?),
        })
    }

    /// Does what `to_string` of the Python class does, which gives a value that is no text where the field is a text
    /// field holding something else, or a date-time field holding a duration.
    ///
    /// # Errors
    /// A [`FieldError`] when the value is none of this field or has no text.
    pub fn dump_text(self, value: &Value) -> Result<Value, FieldError> {
        match self {
            Self::String | Self::XmlString | Self::Randomization => match value {
                Value::Bytes(bytes) => self.dump(&Value::from(texts::decode(bytes)?)),
                other => self.dump(other),
            },
            Self::DateTime => self.dump(value),
            Self::Dict | Self::ReferenceValueDict | Self::GroupAccessDict => {
                let dumped = self.dump(&collections::load_dict(value.clone())?)?;
                Ok(Value::from(dumps(&collections::rename_none_key(dumped))?))
            }
            _ => Ok(Value::from(dumps(&self.dump(value)?)?)),
        }
    }
}

/// Says whether a value consists of what reads back as it is written.
fn is_plain(json: &Json) -> bool {
    match json {
        Json::Null | Json::Bool(_) | Json::String(_) => true,
        Json::Number(number) => number.is_i64() || number.is_f64(),
        Json::Array(items) => items.iter().all(is_plain),
        Json::Object(members) => members.values().all(is_plain),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_taken_for_stored_is_what_comes_back() {
        let values = [
            json!(null),
            json!(true),
            json!(0),
            json!(-7),
            json!(u64::MAX),
            json!(1.5),
            json!(-0.0),
            json!(1e300),
            json!(""),
            json!("a \u{e9}\t\r\n"),
            json!("\u{0}"),
            json!("\u{ffff}"),
            json!("true"),
            json!("1"),
            json!([]),
            json!([1, 2.0, "x", null, [true], {"b": {"a": 1}, "a": []}]),
            json!({}),
            json!({"b": 1, "a": {"z": [0.5], "y": null}}),
        ];
        for kind in FieldType::ALL {
            for value in values.iter().filter(|value| kind.is_stored_form(value)) {
                let stored = kind.from_json(value).and_then(|native| kind.to_json(&native));
                assert_eq!(
                    stored.as_ref().map(ToString::to_string).ok(),
                    Some(value.to_string()),
                    "{kind:?}"
                );
            }
        }
        assert!(!FieldType::String.is_stored_form(&json!("\u{1}")));
        assert!(!FieldType::Float.is_stored_form(&json!(1)));
    }
}
