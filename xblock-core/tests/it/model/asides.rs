//! Asides: beside which views they stand, what they keep, how they are asked.

use std::sync::Arc;

use serde_json::json;
use xblock_core::block::{
    BlockContext, BlockError, HandlerRequest, Registry, RegistryError, XBlock, XBlockAside,
};
use xblock_core::fields::{ASIDE_FAMILY, BlockFields, KeyValueStore, MemoryStore, Scope};
use xblock_core::fragment::Fragment;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::AsideData;
use xblock_core::services::SandboxService;

use super::world::{Text, host, host_with_asides, learner, quiz, render};

/// Notes beside quizzes.
#[derive(XBlockAside)]
#[xblock_aside(type = "notes", views(student_view), json_handlers(keep), applies_to = is_for)]
#[field(prompt: String = "Notes", scope = settings, help = "What stands above.")]
#[field(text: String = "", scope = user_state, help = "What the learner wrote.")]
struct Notes {
    fields: BlockFields,
}

impl Notes {
    fn is_for(&self, block: &dyn XBlock, _: &dyn BlockContext) -> bool {
        &*block.fields().ids().block_type == "quiz"
    }

    fn student_view(&self, block: &dyn XBlock, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        let mut fragment = Fragment::new(format!(
            "[{}: {} on {} at {}]",
            self.prompt()?,
            self.text()?,
            block.fields().str("question")?,
            context.handler_url("keep", "")
        ));
        fragment.add_css("notes {}");
        fragment.initialize_js("Notes", None);
        Ok(fragment)
    }

    fn keep(&self, text: String, _: &dyn BlockContext) -> Result<(), BlockError> {
        Ok(self.set_text(text)?)
    }
}

/// An aside that lacks what it needs.
#[derive(XBlockAside)]
#[xblock_aside(type = "broken", views(student_view), needs(dyn SandboxService))]
struct Broken {
    fields: BlockFields,
}

impl Broken {
    fn student_view(&self, _: &dyn XBlock, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(Fragment::new("never"))
    }
}

fn of_inner() -> UsageKey {
    format!("aside-usage-v2:{}::notes", quiz("inner").to_string().replace(':', "$:")).parse().expect("a key")
}

#[test]
fn asides_stand_behind_the_blocks_they_are_for() {
    let data = AsideData {
        aside_type: "notes".into(),
        fields: [("prompt".into(), json!("Think"))].into_iter().collect(),
    };
    let host = host_with_asides(vec![data], |builder| builder.aside(Notes::CLASS));
    let html = render(&host, "student_view");
    // One for each quiz and none for the text; authored values are the block's own.
    assert_eq!(html.matches("xblock_asides-v1-student_view").count(), 2, "{html}");
    assert!(html.contains("[Think:  on 6 × 7? at http://host/handler/aside-usage-v2:"), "{html}");
    let wrapper = concat!(
        r#"<div class="xblock_asides-v1 xblock_asides-v1-student_view" "#,
        r#"data-usage="aside-usage-v2:block-v1$:O+C+R+type@quiz+block@inner::notes" data-block-type="notes" "#,
        r#"data-block_id="block-v1:O+C+R+type@quiz+block@inner" data-url_selector="asideBaseUrl" "#,
        r#"data-init="Notes" data-runtime-version="1">"#
    );
    assert!(html.contains(wrapper), "{html}");
    let top = host.render(&quiz("top"), "student_view", None).expect("a fragment");
    assert!(top.resources.iter().any(|resource| resource.data == "notes {}"));
    // Nothing stands beside the author's view; the child inside is shown as learners see it.
    assert_eq!(render(&host, "author_view").matches("xblock_asides-v1-").count(), 1);
}

#[test]
fn a_broken_aside_leaves_the_block_standing() {
    let html = render(&host(|builder| builder.aside(Broken::CLASS)), "student_view");
    assert!(html.contains("6 × 7?") && html.contains("service sandbox is not available"), "{html}");
    assert!(!html.contains("never"));
}

#[test]
fn what_learners_keep_in_asides_is_kept_apart_from_blocks() {
    let mut host = host(|builder| builder.aside(Notes::CLASS));
    let store = Arc::new(MemoryStore::new());
    host.learner_state = store.clone();
    let request = HandlerRequest::post_json(&json!("odd"));
    let handled = host.handle(&of_inner(), "keep", &request, Some(&learner())).expect("an answer");
    assert_eq!(handled.response.body, b"null");
    assert!(render(&host, "student_view").contains("[Notes: odd on 6 × 7?"));
    let ids = xblock_core::fields::ScopeIds::new("notes", "d", of_inner().to_string()).with_user("7");
    let key = xblock_core::fields::StateKey::new(Scope::UserState, &ids, "text");
    assert_eq!(store.get(&key).expect("readable"), None);
    assert_eq!(store.get(&key.with_family(ASIDE_FAMILY)).expect("readable"), Some(json!("odd")));
}

#[test]
fn asides_nobody_registered_or_that_do_not_apply_answer_nothing() {
    let request = HandlerRequest::post_json(&json!("x"));
    let ask = |usage: &UsageKey| host(|b| b.aside(Notes::CLASS)).handle(usage, "keep", &request, None);
    let other = of_inner().to_string().replace("::notes", "::unknown").parse().expect("a key");
    assert!(matches!(ask(&other), Err(BlockError::NoSuchAside { aside_type }) if aside_type == "unknown"));
    let text = of_inner().to_string().replace("quiz+block@inner", "text+block@words").parse().expect("a key");
    assert!(matches!(ask(&text), Err(BlockError::NoSuchAside { .. })));
    let twice = Registry::builder(Text::CLASS).aside(Notes::CLASS).aside(Notes::CLASS).build();
    assert_eq!(twice.err(), Some(RegistryError::AmbiguousAside { aside_type: "notes".into() }));
}
