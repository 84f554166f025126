//! Every declaration holds together: types, defaults and values.

use std::collections::BTreeSet;

use xblock_core::block::{BlockType, Registry};
use xblock_core::fields::{FieldSpec, FieldType, Scope, ScopeIds, Value};

fn registry() -> Registry {
    blocks::registry().expect("no type is declared twice")
}

fn own<'r>(block_type: &'r BlockType, name: &str) -> &'r FieldSpec {
    block_type.class.fields.iter().find(|spec| spec.name == name).expect("the class has this field")
}

#[test]
fn every_default_and_every_value_is_of_its_field() {
    let registry = registry();
    for block_type in registry.types() {
        let ids = ScopeIds::new(&*block_type.name, "definition", "usage");
        let mut names = BTreeSet::new();
        for spec in block_type.class.fields {
            assert!(names.insert(spec.name), "{}: {} is declared twice", block_type.name, spec.name);
            let default = spec.default_json().unwrap_or_else(|error| panic!("{}: {error}", block_type.name));
            spec.from_json(&default)
                .unwrap_or_else(|error| panic!("{}.{}: {error}", block_type.name, spec.name));
            spec.default_value(&ids)
                .unwrap_or_else(|error| panic!("{}.{}: {error}", block_type.name, spec.name));
            spec.values_json().unwrap_or_else(|error| panic!("{}.{}: {error}", block_type.name, spec.name));
            assert!(!spec.help.is_empty(), "{}.{} has no help", block_type.name, spec.name);
        }
    }
}

#[test]
fn the_types_of_the_reference_are_registered() {
    let registry = registry();
    let names: Vec<&str> = registry.types().map(|block_type| &*block_type.name).collect();
    assert_eq!(
        names,
        [
            "about",
            "annotatable",
            "book",
            "chapter",
            "conditional",
            "course",
            "course_info",
            "custom_tag_template",
            "customtag",
            "discuss",
            "discussion",
            "error",
            "hidden",
            "html",
            "image",
            "itembank",
            "library",
            "library_content",
            "lti",
            "pdf",
            "poll_question",
            "problem",
            "problemset",
            "randomize",
            "raw",
            "sequential",
            "slides",
            "split_test",
            "static_tab",
            "unit",
            "vertical",
            "video",
            "videoalpha",
            "videodev",
            "videosequence",
            "word_cloud",
            "wrapper",
        ]
    );
    let unknown = registry.block_type("recommender");
    assert!(!unknown.is_known);
    assert_eq!(&*unknown.name, "recommender");
}

#[test]
fn a_class_replaces_a_field_of_its_group() {
    let registry = registry();
    let ids = ScopeIds::new("static_tab", "definition", "usage");
    let default = |block_type: &str, name: &str| {
        own(&registry.block_type(block_type), name).default_value(&ids).expect("the default is declared")
    };
    assert_eq!(default("html", "display_name"), Value::from("Text"));
    assert_eq!(default("about", "display_name"), Value::from("overview"));
    assert_eq!(default("static_tab", "display_name"), Value::from("Empty"));
    assert_eq!(default("course_info", "data"), Value::from("<ol></ol>"));
}

#[test]
fn fields_have_the_types_and_scopes_of_the_platform() {
    let registry = registry();
    let kind = |block_type: &str, name: &str| {
        let block_type = registry.block_type(block_type);
        let spec = own(&block_type, name);
        (spec.kind, spec.scope)
    };
    assert_eq!(kind("problem", "data"), (FieldType::XmlString, Scope::Content));
    assert_eq!(kind("problem", "rerandomize"), (FieldType::Randomization, Scope::Settings));
    assert_eq!(kind("problem", "score_history"), (FieldType::ListScore, Scope::UserState));
    assert_eq!(kind("video", "saved_video_position"), (FieldType::RelativeTime, Scope::UserState));
    assert_eq!(kind("video", "youtube_is_available"), (FieldType::Boolean, Scope::UserInfo));
    assert_eq!(kind("course", "textbooks"), (FieldType::TextbookList, Scope::Content));
    assert_eq!(kind("chapter", "position"), (FieldType::Integer, Scope::UserState));
    assert_eq!(kind("word_cloud", "all_words"), (FieldType::Dict, Scope::UserStateSummary));
    assert_eq!(registry.block_type("sequential").class.fields[0].name, "due");
    assert_eq!(registry.block_type("problem").class.fields.len(), 31);
}
