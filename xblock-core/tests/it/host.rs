//! A host over the runtime in memory: inheritance, placeholders, staff-only blocks, saving.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::json;
use xblock_core::block::{
    BlockClass, BlockContext, BlockError, CompletionMode, HandlerRequest, HandlerResponse, Registry, User,
    XBlock,
};
use xblock_core::clock::FixedClock;
use xblock_core::fields::{BlockFields, FieldSpec, FieldType, MemoryStore, Scope};
use xblock_core::fragment::Fragment;
use xblock_core::host::{Host, PathUrls};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::RawOlx;
use xblock_core::runtime::{Base, BlockData, Branch, Edit, MemoryRuntime, Runtime};
use xblock_core::services::ServiceSet;

/// Shows a field it inherits and its children; counts presses of a button, for each learner.
struct Toy(BlockFields);

static TOY_FIELDS: &[FieldSpec] = &[
    FieldSpec::new("presses", FieldType::Integer, Scope::UserState).default("0"),
    FieldSpec::new("seen", FieldType::List, Scope::UserState).default("[]"),
];

static TOY: BlockClass = BlockClass {
    fields: TOY_FIELDS,
    has_children: true,
    completion_mode: CompletionMode::Aggregator,
    olx: &RawOlx,
    ..BlockClass::new("toy", |fields| Box::new(Toy(fields)))
};

impl XBlock for Toy {
    fn fields(&self) -> &BlockFields {
        &self.0
    }

    fn view(&self, name: &str, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        if name != "student_view" {
            return Err(BlockError::NoSuchView { view: name.into() });
        }
        let mut fragment =
            Fragment::new(format!("[{} {}]", context.usage().block_id(), self.0.str("showanswer")?));
        fragment.initialize_js("Toy", Some(json!({ "text": "</script>" })));
        for child in context.children() {
            let child = context.render_child(&child.usage, name);
            fragment.add_content(&child.content);
        }
        Ok(fragment)
    }

    fn handle(
        &self,
        name: &str,
        _: &HandlerRequest,
        _: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        let presses = self.0.int("presses")?.unwrap_or(0) + 1;
        self.0.set("presses", presses)?;
        match name {
            "press" => Ok(HandlerResponse::json(&json!({ "presses": presses }))),
            "refuse" => Err(BlockError::BadRequest { status: 400, message: "no".into() }),
            _ => Err(BlockError::NoSuchHandler { handler: name.into() }),
        }
    }
}

fn key(id: &str) -> UsageKey {
    let context: ContextKey = "course-v1:O+C+R".parse().expect("a course key");
    context.make_usage_key("toy", id).expect("a usage key")
}

fn data(settings: serde_json::Value, children: &[&str]) -> BlockData {
    let serde_json::Value::Object(settings) = settings else { panic!("an object") };
    BlockData {
        settings: settings.into_iter().map(|(name, value)| (name.as_str().into(), value)).collect(),
        children: children.iter().map(|id| key(id)).collect(),
        ..BlockData::default()
    }
}

fn host(blocks: &[(&str, BlockData)]) -> (Host, Arc<MemoryStore>) {
    let clock = Arc::new(FixedClock(DateTime::from_timestamp(1_930_000_000, 0).expect("a moment")));
    let runtime = MemoryRuntime::new(clock.clone());
    let mut edit = Edit::new(key("a").context_key(), Base::New { root: key("a") });
    for (id, data) in blocks {
        edit = edit.put(key(id), data.clone());
    }
    runtime.commit(edit).expect("the course is made");
    let store = Arc::new(MemoryStore::new());
    let host = Host {
        runtime: Arc::new(runtime),
        branch: Branch::Draft,
        registry: Registry::builder(&TOY).class(&TOY).build().expect("a registry"),
        learner_state: store.clone(),
        urls: Arc::new(PathUrls::default()),
        clock,
        services: ServiceSet::default(),
        is_author_mode: false,
    };
    (host, store)
}

fn learner(id: &str) -> User {
    User { id: id.into(), is_staff: false }
}

#[test]
fn children_inherit_through_every_level() {
    let (host, _) = host(&[
        ("a", data(json!({ "showanswer": "never" }), &["b", "d"])),
        ("b", data(json!({}), &["c"])),
        ("c", data(json!({}), &[])),
        ("d", data(json!({ "showanswer": "always" }), &[])),
    ]);
    let all = ["[a never]", "[b never]", "[c never]", "[d always]"];
    for (top, expected) in [("a", &all[..]), ("c", &["[c never]"])] {
        let html = host.render(&key(top), "student_view", None).expect("a fragment").content;
        for text in expected {
            assert!(html.contains(text), "{text} in {html}");
        }
    }
}

#[test]
fn a_missing_child_and_one_that_fails_are_placeholders() {
    let (host, _) =
        host(&[("a", data(json!({}), &["ghost", "b"])), ("b", data(json!({ "showanswer": [] }), &[]))]);
    let html = host.render(&key("a"), "student_view", None).expect("a fragment").content;
    assert_eq!(html.matches("class=\"xblock-unavailable\"").count(), 2, "{html}");
    assert!(html.contains("[a finished]"));
}

#[test]
fn the_wrapper_names_the_block_and_cannot_be_broken_out_of() {
    let (host, _) = host(&[("a", data(json!({}), &[]))]);
    let html = host.render(&key("a"), "student_view", None).expect("a fragment").content;
    assert!(html.starts_with(
        r#"<div class="xblock-v1 xblock-v1-student_view" data-usage="block-v1:O+C+R+type@toy+block@a""#
    ));
    assert!(html.contains(r#"data-init="Toy" data-runtime-version="1""#));
    assert_eq!(html.matches("</script>").count(), 1, "{html}");
    assert!(!html.contains("data-name"), "{html}");
    let (host, _) = self::host(&[("a", data(json!({ "name": "<b\"" }), &[]))]);
    let html = host.render(&key("a"), "student_view", None).expect("a fragment").content;
    assert!(html.contains(r#"data-block-type="toy" data-name="&lt;b&quot;" data-init"#), "{html}");
}

#[test]
fn staff_only_blocks_are_for_staff_only() {
    let (host, _) = host(&[
        ("a", data(json!({}), &["b"])),
        ("b", data(json!({ "visible_to_staff_only": true }), &["c"])),
        ("c", data(json!({}), &[])),
    ]);
    let (staff, someone) = (User { id: "s".into(), is_staff: true }, learner("l"));
    let shown = |user| host.render(&key("a"), "student_view", user).expect("a fragment").content;
    assert!(shown(Some(&staff)).contains("[c "));
    assert!(!shown(Some(&someone)).contains("[b "));
    assert!(!shown(None).contains("[b "));
    for hidden in ["b", "c"] {
        assert!(matches!(
            host.render(&key(hidden), "student_view", Some(&learner("l"))),
            Err(BlockError::StaffOnly { .. })
        ));
        assert!(matches!(
            host.handle(&key(hidden), "press", &HandlerRequest::default(), Some(&learner("l"))),
            Err(BlockError::StaffOnly { .. })
        ));
    }
}

#[test]
fn each_learner_has_their_own_state_and_reading_saves_nothing() {
    let (host, store) = host(&[("a", data(json!({}), &[]))]);
    let press = |who: &str| {
        let handled = host.handle(&key("a"), "press", &HandlerRequest::default(), Some(&learner(who)));
        handled.expect("an answer").response.body
    };
    assert_eq!(press("l"), br#"{"presses": 1}"#);
    assert_eq!(press("l"), br#"{"presses": 2}"#);
    assert_eq!(press("m"), br#"{"presses": 1}"#);
    let before = store.snapshot();
    assert_eq!(before.len(), 2);
    host.render(&key("a"), "student_view", Some(&learner("l"))).expect("a fragment");
    host.load(&key("a"), Some(&learner("n"))).expect("a block").block.fields().get("seen").expect("a list");
    assert_eq!(store.snapshot(), before);
}

#[test]
fn a_handler_that_fails_saves_nothing() {
    let (host, store) = host(&[("a", data(json!({}), &[]))]);
    let ask = |name| host.handle(&key("a"), name, &HandlerRequest::default(), Some(&learner("l")));
    assert_eq!(ask("refuse").expect("an answer").response.status, 400);
    assert!(matches!(ask("other"), Err(BlockError::NoSuchHandler { .. })));
    assert!(store.snapshot().is_empty());
}

#[test]
fn of_many_requests_at_once_none_is_forgotten() {
    let (host, _) = host(&[("a", data(json!({}), &[]))]);
    #[expect(clippy::disallowed_methods, reason = "a test may have threads")]
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let handled =
                        host.handle(&key("a"), "press", &HandlerRequest::default(), Some(&learner("l")));
                    assert_eq!(handled.expect("an answer").response.status, 200);
                }
            });
        }
    });
    let block = host.load(&key("a"), Some(&learner("l"))).expect("a block").block;
    assert_eq!(block.fields().int("presses").expect("a number"), Some(200));
}
