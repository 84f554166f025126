//! Field values read back as they were put, in whatever form they are stored.

use std::sync::Arc;

use bson::oid::ObjectId;
use bson::{Bson, Document};
use proptest::prelude::*;
use runtime_modulestore::ModulestoreRuntime;
use serde_json::{Value as Json, json};
use xblock_core::runtime::{AsideData, BlockData, Branch, Runtime};
use xblock_testkit::fixture::{commit, edit, map, published_course, usage};

use crate::fixture::new_store;

/// Puts a block with these settings and returns it as it is read, and the fields as they are stored.
fn put(runtime: &ModulestoreRuntime, block_type: &str, settings: Json) -> (Json, Document) {
    let at = usage(block_type, "value");
    let version = commit(
        runtime,
        edit().put(at.clone(), BlockData { settings: map(settings), ..BlockData::default() }),
    );
    let data = runtime.block(&at, Branch::Draft).expect("the block").data.clone();
    let read = data.settings.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    let id = ObjectId::parse_str(&*version.draft.0).expect("an id");
    let bytes =
        runtime.store().read().expect("a view").structure(id).expect("a read").expect("the structure");
    let structure = Document::from_reader(bytes.as_slice()).expect("BSON");
    let stored = structure
        .get_array("blocks")
        .expect("blocks")
        .iter()
        .map(|block| block.as_document().expect("a document"))
        .find(|block| block.get_str("block_id").is_ok_and(|id| id == "value"))
        .expect("the block");
    (Json::Object(read), stored.get_document("fields").expect("fields").clone())
}

/// A date in the platform's own form becomes a BSON date; any other text of a date field stays a text.
#[test]
fn dates_are_stored_as_dates_where_they_come_back_equal() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let dates = ["2031-01-02T03:04:05Z", "1900-01-01T00:00:00Z", "9999-12-31T23:59:59Z"];
    let texts = [
        "2031-01-02T03:04:05.001Z",
        "2031-01-02T03:04:05.000001Z",
        "2031-01-02T03:04:05+00:00",
        "2031-01-02T03:04:05+05:30",
        "2031-01-02T03:04:60Z",
        "2031-1-2T03:04:05Z",
        "1850-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "2031-01-02",
        "next spring",
        "",
    ];
    for (text, is_date) in dates.map(|text| (text, true)).into_iter().chain(texts.map(|text| (text, false))) {
        let settings = json!({ "start": text, "display_name": text });
        let (read, stored) = put(&runtime, "sequential", settings.clone());
        assert_eq!(read, settings);
        assert_eq!(matches!(stored.get("start"), Some(Bson::DateTime(_))), is_date, "{text}");
        assert_eq!(stored.get("display_name"), Some(&Bson::from(text)));
    }
    let (read, stored) = put(&runtime, "sequential", json!({ "start": null, "due": 1_900_000_000_000_i64 }));
    assert_eq!(read, json!({ "start": null, "due": 1_900_000_000_000_i64 }));
    assert_eq!(stored.get("start"), Some(&Bson::Null));
    assert_eq!(stored.get("due"), Some(&Bson::Int64(1_900_000_000_000)));
}

/// XBlock's own date-time fields are dates too, in their own form.
#[test]
fn date_times_are_stored_as_dates_where_they_come_back_equal() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let date = Some(&Bson::DateTime(bson::DateTime::from_millis(1_925_089_445_120)));
    for (text, stored_as) in [
        ("2031-01-02T03:04:05.120000", date),
        ("2031-01-02T03:04:05.120001", None),
        ("2031-01-02T03:04:05Z", None),
    ] {
        let (read, stored) = put(&runtime, "conditional", json!({ "seen_on": text }));
        assert_eq!(read, json!({ "seen_on": text }));
        assert_eq!(stored.get("seen_on"), stored_as.or(Some(&Bson::from(text))));
    }
}

/// Numbers keep their kind; what no BSON number holds is kept as text.
#[test]
fn numbers_keep_their_kind() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let settings = json!({
        "a": 1, "b": 1.0, "c": -0.0, "d": i64::MIN, "e": u64::MAX, "f": 1e300, "g": 0.1, "h": 2_147_483_648_i64,
        "i": [u64::MAX, { "x": u64::MAX }],
    });
    let (read, stored) = put(&runtime, "tide_clock", settings.clone());
    assert_eq!(read, settings);
    assert_eq!(stored.get("a"), Some(&Bson::Int32(1)));
    assert_eq!(stored.get("b"), Some(&Bson::Double(1.0)));
    assert_eq!(stored.get("h"), Some(&Bson::Int64(2_147_483_648)));
    assert_eq!(
        stored.get_document("e").expect("a document").get("$json"),
        Some(&Bson::from(u64::MAX.to_string()))
    );
}

/// A setting may have any name, also the one Split keeps the list of children under.
#[test]
fn odd_names_are_kept() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let settings =
        json!({ "children": "two", "a.b": 1, "$set": 2, "": 3, "parent": [], "xblock_runtime": 4 });
    let (read, stored) = put(&runtime, "tide_clock", settings.clone());
    assert_eq!(read, settings);
    assert!(!stored.contains_key("children"));
    // A publish copies the block with what is kept beside its fields.
    commit(&runtime, edit().publish_all());
    let published = runtime.block(&usage("tide_clock", "value"), Branch::Published).expect("the block");
    assert_eq!(published.data.settings["children"], json!("two"));
    // Nothing is left of it once it is unset.
    assert_eq!(put(&runtime, "tide_clock", json!({ "a": 1 })).0, json!({ "a": 1 }));
}

/// Any JSON at all, in fields of the types whose stored form is a special one, and in all others.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_filter_map("a number", |n| serde_json::Number::from_f64(n).map(Json::Number)),
        any::<String>().prop_map(Json::from),
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}(000)?".prop_map(Json::from),
        "(18|19|20|99)[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,6})?(Z|\\+00:00)?"
            .prop_map(Json::from),
        Just(json!(["html", "h1"])),
        Just(json!({ "$json": "1" })),
        Just(json!({ "k": ["html", "h1"], "n\u{0}": 1 })),
        Just(json!("block-v1:Harbour+TIDES+2031+type@html+block@h1")),
        Just(json!("block-v1:Harbour+WINDS+2031+type@html+block@h1")),
        Just(json!("i4x://Harbour/TIDES/html/h1")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[a-z$.\u{0}]{0,3}", inner, 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// What is put is what is read, in every scope and for every type of field.
#[test]
fn any_value_comes_back() {
    let (runtime, _folder) = new_store();
    published_course(&runtime);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let values = prop::collection::vec(any_json(), 9);
    runner
        .run(&values, |values| {
            let mut values = values.into_iter();
            let mut field = |name: &str| (Arc::from(name), values.next().unwrap_or_default());
            // Dates and references have stored forms of their own.
            let conditional = BlockData {
                content: [field("sources_list"), field("conditional_attr")].into_iter().collect(),
                settings: [field("start"), field("display_name"), field("first"), field("seen_on")]
                    .into_iter()
                    .collect(),
                defaults: [field("due")].into_iter().collect(),
                asides: vec![AsideData {
                    aside_type: "note".into(),
                    fields: [field("text")].into_iter().collect(),
                }],
                children: vec![],
            };
            let split_test = BlockData {
                content: [field("group_id_to_child")].into_iter().collect(),
                ..BlockData::default()
            };
            let at = [usage("conditional", "any"), usage("split_test", "any")];
            let put = edit().put(at[0].clone(), conditional.clone()).put(at[1].clone(), split_test.clone());
            commit(&runtime, put);
            for (at, data) in at.iter().zip([conditional, split_test]) {
                let read = runtime.block(at, Branch::Draft).expect("the block");
                prop_assert_eq!(&*read.data, &data);
            }
            Ok(())
        })
        .expect("every value comes back");
}
