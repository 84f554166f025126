//! What was written reads back the same.
use chrono::{DateTime as ChronoDateTime, FixedOffset};
use proptest::prelude::*;
use serde_json::json;
use xblock_core::fields::{DateTime, Dict, FieldError, FieldType, Json, Score, TimeDelta, Value, ValueSet};

/// Texts as fields keep them: without the characters XML forbids, and without the one YAML does.
fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        any::<char>().prop_filter("allowed", |character| {
            !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}')
        }),
        0..12,
    )
    .prop_map(|characters| characters.into_iter().collect())
}

/// Values that JSON holds natively. Floats are such that JSON writes them without an exponent: with one, YAML 1.1 reads a
/// text.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<i32>().prop_map(|eighths| Value::Float(f64::from(eighths) / 8.0)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            proptest::collection::vec((text().prop_map(Value::from), inner), 0..4)
                .prop_map(|pairs| Value::Dict(pairs.into_iter().collect::<Dict>())),
        ]
    })
}

fn dict() -> impl Strategy<Value = Value> {
    proptest::collection::vec((text().prop_map(Value::from), json_value()), 0..4)
        .prop_map(|pairs| Value::Dict(pairs.into_iter().collect::<Dict>()))
}

fn list() -> impl Strategy<Value = Value> {
    proptest::collection::vec(json_value(), 0..4).prop_map(Value::List)
}

/// Date-times of whole seconds from the year 1000 on; those before are printed with fewer digits.
fn instant() -> impl Strategy<Value = ChronoDateTime<chrono::Utc>> {
    (-30_000_000_000_i64..250_000_000_000)
        .prop_map(|seconds| ChronoDateTime::from_timestamp(seconds, 0).unwrap_or_default())
}

fn date() -> impl Strategy<Value = Value> {
    (instant(), -1439..=1439_i32).prop_map(|(instant, minutes)| {
        let offset = FixedOffset::east_opt(minutes * 60);
        Value::DateTime(DateTime { local: instant.naive_utc(), offset })
    })
}

fn seconds(range: std::ops::Range<i128>) -> impl Strategy<Value = Value> {
    range.prop_map(|seconds| Value::TimeDelta(TimeDelta::from_seconds(seconds).unwrap_or_default()))
}

fn score() -> impl Strategy<Value = Value> {
    (0..100_i64, 0..100_i64).prop_map(|(earned, more)| {
        Value::from(Score { raw_earned: Value::Int(earned), raw_possible: Value::Int(earned + more) })
    })
}

/// Textbooks: pairs of title and address.
fn pairs() -> impl Strategy<Value = Value> {
    proptest::collection::vec((text(), text()), 0..3).prop_map(|pairs| {
        let pair = |(title, address): (String, String)| Value::List(vec![title.into(), address.into()]);
        Value::List(pairs.into_iter().map(pair).collect())
    })
}

/// Partitions as they are written today.
fn partitions() -> impl Strategy<Value = Value> {
    proptest::collection::vec((any::<i32>(), text()), 0..3).prop_map(|partitions| {
        let partition = |(id, name): (i32, String)| {
            json!({"id": id, "name": name, "scheme": "random", "description": "", "parameters": {},
                   "groups": [{"id": 1, "name": name, "version": 1}], "active": true, "version": 3})
        };
        Value::from(&partitions.into_iter().map(partition).collect::<Json>())
    })
}

/// Which types the text of a value does not give back, as in Python, and why.
const NOT_FROM_TEXT: [(FieldType, &str); 4] = [
    (FieldType::Set, "a set has no JSON, which the text is"),
    (FieldType::Score, "a score is written as a pair"),
    (FieldType::ListScore, "so are the scores of a list"),
    (FieldType::GroupAccessDict, "the keys of JSON are texts, and only stored ones become numbers"),
];

#[test]
fn every_type_reads_back_or_says_why_not() {
    use proptest::strategy::ValueTree as _;

    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..2_000 {
        seen.insert(field_value().new_tree(&mut runner).expect("a value").current().0);
    }
    for (kind, why) in NOT_FROM_TEXT {
        assert!(seen.insert(kind), "{kind:?} reads back after all: {why}");
    }
    assert_eq!(seen, FieldType::ALL.into_iter().collect());
}

/// Values of each type that survive being written, as text and as JSON.
fn field_value() -> impl Strategy<Value = (FieldType, Value)> {
    prop_oneof![
        any::<i64>().prop_map(|value| (FieldType::Integer, Value::Int(value))),
        any::<i128>().prop_map(|value| (FieldType::Integer, Value::from(num_bigint::BigInt::from(value)))),
        any::<f64>().prop_map(|value| (FieldType::Float, Value::Float(value))),
        any::<bool>().prop_map(|value| (FieldType::Boolean, Value::Bool(value))),
        text().prop_map(|value| (FieldType::String, Value::from(value))),
        text().prop_map(|value| (FieldType::XmlString, Value::from(value))),
        date().prop_map(|value| (FieldType::Date, value)),
        instant().prop_map(|value| (FieldType::DateTime, Value::DateTime(DateTime::utc(value.naive_utc())))),
        seconds(0..400_000_000).prop_map(|value| (FieldType::Timedelta, value)),
        seconds(0..86_400).prop_map(|value| (FieldType::RelativeTime, value)),
        dict().prop_map(|value| (FieldType::Dict, value)),
        dict().prop_map(|value| (FieldType::ReferenceValueDict, value)),
        list().prop_map(|value| (FieldType::List, value)),
        list().prop_map(|value| (FieldType::ReferenceList, value)),
        json_value().prop_map(|value| (FieldType::Any, value)),
        json_value().prop_map(|value| (FieldType::JsonField, value)),
        json_value().prop_map(|value| (FieldType::Field, value)),
        pairs().prop_map(|value| (FieldType::TextbookList, value)),
        proptest::collection::vec(("[a-z_]{1,9}", text()), 0..3).prop_map(|tabs| {
            let tab = |(kind, name): (String, String)| json!({"type": kind, "name": name, "url_slug": name});
            let tabs = Value::from(&tabs.into_iter().map(tab).collect::<Json>());
            (FieldType::CourseTabList, tabs)
        }),
        partitions().prop_map(|value| (FieldType::UserPartitionList, value)),
        prop::sample::select(vec!["always", "onreset", "never", "per_student"])
            .prop_map(|value| (FieldType::Randomization, Value::from(value))),
        text().prop_map(|value| (FieldType::Reference, Value::from(value))),
    ]
}

proptest! {
    #[test]
    fn text_reads_back((kind, value) in field_value()) {
        let text = kind.to_text(&value).unwrap().unwrap();
        prop_assert_eq!(kind.from_text(&text).unwrap(), value, "{}", text);
    }

    #[test]
    fn json_reads_back((kind, value) in field_value()) {
        let json = kind.to_json(&value).unwrap();
        prop_assert_eq!(kind.from_json(&json).unwrap(), value, "{}", json);
    }

    #[test]
    fn scores_and_sets_read_back_from_json(score in score(), items in proptest::collection::vec(any::<i64>(), 0..6)) {
        let json = FieldType::Score.to_json(&score).unwrap();
        prop_assert_eq!(FieldType::Score.from_json(&json).unwrap(), score.clone());
        let scores = Value::List(vec![score]);
        let json = FieldType::ListScore.to_json(&scores).unwrap();
        prop_assert_eq!(FieldType::ListScore.from_json(&json).unwrap(), scores);
        let set = Value::Set(items.into_iter().map(Value::Int).collect::<ValueSet>());
        let json = FieldType::Set.to_json(&set).unwrap();
        prop_assert_eq!(FieldType::Set.from_json(&json).unwrap(), set);
    }

    /// Equal values have equal hashes, or mappings would lose keys.
    #[test]
    fn numbers_are_one_key_whatever_their_type(number in -(1_i64 << 53)..1 << 53) {
        #[expect(clippy::cast_precision_loss, reason = "within the integers floats hold exactly")]
        let dict: Dict = [(Value::Int(number), Value::None), (Value::Float(number as f64), Value::None)].into_iter().collect();
        prop_assert_eq!(dict.len(), 1);
    }
}

#[test]
fn numbers_json_does_not_have_are_stored_as_text() {
    for number in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        let json = FieldType::Float.to_json(&Value::Float(number)).unwrap();
        assert_eq!(FieldType::Float.from_json(&json).unwrap(), Value::Float(number));
    }
    let Err(FieldError::NotJson { .. }) = FieldType::Any.to_json(&Value::Float(f64::NAN)) else { panic!() };
}

#[test]
fn python_equality_of_values() {
    assert_eq!(Value::Int(1), Value::Bool(true));
    assert_eq!(Value::Bool(true), Value::Float(1.0));
    assert_ne!(Value::Int(1 << 53), Value::Float(9_007_199_254_740_994.0));
    assert_ne!(Value::List(vec![]), Value::Tuple(vec![]));
    let utc = FieldType::Date.from_json(&json!("2030-01-02T05:30:00Z")).unwrap();
    let india = FieldType::Date.from_json(&json!("2030-01-02T11:00:00+05:30")).unwrap();
    assert_eq!(utc, india);
    let Value::DateTime(utc) = utc else { panic!() };
    assert_ne!(Value::DateTime(DateTime::naive(utc.local)), india);
}

#[test]
fn group_access_has_integers_natively_and_texts_in_json() {
    let json = json!({"50": [1, 2]});
    let value = FieldType::GroupAccessDict.from_json(&json).unwrap();
    assert!(value.as_dict().unwrap().contains_key(&Value::Int(50)));
    assert_eq!(FieldType::GroupAccessDict.to_json(&value).unwrap(), json);
    assert_eq!(FieldType::GroupAccessDict.from_json(&Json::Null).unwrap(), Value::None);
    assert!(FieldType::GroupAccessDict.from_json(&json!({"x": []})).is_err());
}

#[test]
fn old_user_partitions_are_brought_up_to_date() {
    let group = json!({"id": 1, "name": "g", "version": 1});
    let old = json!([{"id": 0, "name": "p", "description": "", "version": 1, "groups": [group]}]);
    let value = FieldType::UserPartitionList.from_json(&old).unwrap();
    let stored = FieldType::UserPartitionList.to_json(&value).unwrap();
    assert_eq!((&stored[0]["version"], &stored[0]["scheme"]), (&json!(3), &json!("random")));
    assert_eq!((&stored[0]["active"], &stored[0]["parameters"]), (&json!(true), &json!({})));
    assert_eq!(FieldType::UserPartitionList.from_json(&stored).unwrap(), value);
    assert!(FieldType::UserPartitionList.from_json(&json!([{"id": 0}])).is_err());
}

#[test]
fn a_date_without_year_needs_a_current_one() {
    use chrono::NaiveDate;
    use xblock_core::fields::Conversion;

    let read = |text: &str, conversion| FieldType::Date.load(Value::from(text), &conversion);
    for text in ["March 4", "04/03/31"] {
        let Err(FieldError::IncompleteDate { .. }) = read(text, Conversion::default()) else {
            panic!("{text}")
        };
    }
    let today = Conversion::on(NaiveDate::from_ymd_opt(2026, 7, 1).unwrap());
    let iso = |text: &str| match read(text, today) {
        Ok(Value::DateTime(value)) => value.isoformat(),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(iso("March 4"), "2026-03-04T00:00:00+00:00");
    assert_eq!(iso("04/03/31"), "2031-04-03T00:00:00+00:00");
    assert_eq!(iso("04/03/77"), "1977-04-03T00:00:00+00:00");
}
