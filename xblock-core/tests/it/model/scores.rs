//! Scores, rescoring, completion, what is published, what authors hear, views nobody wrote.

use std::sync::Arc;

use serde_json::json;
use xblock_core::block::{
    BlockClass, BlockError, Completion, CompletionError, CompletionMode, Event, Grade, HandlerRequest,
    RescoreError,
};
use xblock_core::fields::Score;
use xblock_core::runtime::{Base, Edit};
use xblock_core::services::{CompletionService, MemoryCompletion, MemoryEvents, PublishService, ServiceSet};

use super::world::{Quiz, host, key, learner, quiz, render};

#[test]
fn rescoring_follows_what_the_author_says_now() {
    let mut host = host(|builder| builder);
    let events = Arc::new(MemoryEvents::default());
    host.services = ServiceSet::default().with::<dyn PublishService>(events.clone());
    let inner = quiz("inner");
    let refused = host.rescore(&inner, &learner(), true);
    assert!(matches!(refused, Err(BlockError::Rescore(RescoreError::Unanswered { .. }))), "{refused:?}");
    let refused = host.rescore(&key("text", "words"), &learner(), true);
    assert!(matches!(refused, Err(BlockError::Rescore(RescoreError::Unsupported { .. }))), "{refused:?}");
    assert!(events.published().is_empty());

    let request = HandlerRequest::post_json(&json!(41));
    let handled = host.handle(&inner, "answer", &request, Some(&learner())).expect("an answer");
    assert_eq!(handled.response.body, br#"{"right": false}"#);
    let published =
        vec![Event::Grade(Grade::new(0.0, 1.0)), Event::Completion(Completion { completion: 1.0 })];
    assert_eq!(handled.events, published);

    let head = host.runtime.context(&inner.context_key()).expect("the course").draft.version;
    let mut data = (*host.runtime.block(&inner, host.branch).expect("the block").data).clone();
    data.settings.insert("right".into(), json!(41));
    let edit = Edit::new(inner.context_key(), Base::Version(head)).put(inner.clone(), data);
    host.runtime.commit(edit).expect("an edit");
    let rescored = host.rescore(&inner, &learner(), true).expect("a score");
    assert_eq!(rescored.score, Score::new(1.0, 1.0));
    let grade = json!({ "value": 1.0, "max_value": 1.0, "only_if_higher": true });
    assert_eq!(rescored.events[0].data(), grade);
    let heard: Vec<_> =
        events.published().into_iter().map(|(usage, user, event)| (usage, user, event.data())).collect();
    assert_eq!(heard.last(), Some(&(inner, Some("7".into()), grade)));
    assert_eq!(heard.len(), 3);
}

#[test]
fn completions_that_handlers_publish_are_kept_by_the_completion_service() {
    let mut host = host(|builder| builder);
    let completion = Arc::new(MemoryCompletion::default());
    host.services = ServiceSet::default().with::<dyn CompletionService>(completion.clone());
    let inner = quiz("inner");
    let kept = || completion.completions(std::slice::from_ref(&inner)).expect("they are kept in memory");
    let refused = host.handle(&inner, "answer", &HandlerRequest::post_json(&json!("?")), Some(&learner()));
    assert!(refused.is_ok_and(|handled| handled.events.is_empty()) && kept().is_empty());
    let request = HandlerRequest::post_json(&json!(41));
    host.handle(&inner, "answer", &request, Some(&learner())).expect("an answer");
    assert_eq!(kept(), [(inner.clone(), 1.0)].into());
}

#[test]
fn a_grade_says_only_what_there_is_to_say() {
    let deleted = Grade { user_id: Some("8".into()), grader_response: true, ..Grade::deleted() };
    assert_eq!(
        deleted.to_json(),
        json!({
            "value": 0.0, "max_value": 0.0, "only_if_higher": null,
            "score_deleted": true, "grader_response": true, "user_id": "8",
        })
    );
}

#[test]
fn completion_is_reported_by_those_who_may_and_within_bounds() {
    assert_eq!(Completion::of_class(Quiz::CLASS, 0.25), Ok(Completion { completion: 0.25 }));
    for wrong in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(Completion::of_class(Quiz::CLASS, wrong), Err(CompletionError::OutOfRange { .. })));
    }
    let create = Quiz::CLASS.create;
    for class in [
        BlockClass::new("silent", create),
        BlockClass {
            has_custom_completion: true,
            completion_mode: CompletionMode::Aggregator,
            ..BlockClass::new("shelf", create)
        },
    ] {
        assert!(matches!(Completion::of_class(&class, 1.0), Err(CompletionError::NotReported { .. })));
    }
}

#[test]
fn json_handlers_refuse_what_is_no_json_and_others_fall_back() {
    let host = host(|builder| builder);
    let ask = |name: &str, request: &HandlerRequest| {
        let response =
            host.handle(&quiz("inner"), name, request, Some(&learner())).expect("an answer").response;
        (response.status, String::from_utf8(response.body).expect("text"))
    };
    let get = HandlerRequest { method: "GET".into(), ..HandlerRequest::default() };
    assert_eq!(ask("answer", &get), (405, r#"{"error": "Method must be POST"}"#.into()));
    let empty = HandlerRequest { method: "POST".into(), ..HandlerRequest::default() };
    assert_eq!(ask("answer", &empty), (400, r#"{"error": "Invalid JSON"}"#.into()));
    let (status, said) = ask("answer", &HandlerRequest::post_json(&json!("x")));
    assert_eq!(status, 400);
    assert!(said.contains("Wrong value: invalid type: string"), "{said}");
    let two = HandlerRequest { body: b"{} {}".to_vec(), ..HandlerRequest::post_json(&json!({})) };
    assert_eq!(ask("answer", &two), (400, r#"{"error": "Invalid JSON"}"#.into()));
    assert_eq!(ask("é", &get), (404, r#"{"error": "nothing called \u00e9"}"#.into()));
}

#[test]
fn views_nobody_wrote() {
    let host = host(|builder| builder);
    assert!(render(&host, "author_view").contains("(Question student: )"));
    let public = render(&host, "public_view");
    assert!(public.contains("Sign in and enroll") && !public.contains("6 × 7?"), "{public}");
    let text = host.render(&key("text", "words"), "public_view", None).expect("a fragment").content;
    assert!(text.contains("(text)"));
    let refused = host.render(&quiz("top"), "studio_view", None);
    assert!(matches!(refused, Err(BlockError::NoSuchView { .. })));
}

#[test]
fn authors_hear_of_problems() {
    let host = host(|builder| builder);
    assert_eq!(
        host.validate(&quiz("top")).expect("readable").to_json(),
        json!({
            "xblock_id": quiz("top").to_string(),
            "messages": [{ "type": "error", "text": "There is no question." }],
            "empty": false,
        })
    );
    assert!(host.validate(&quiz("inner")).expect("readable").is_empty());
}
