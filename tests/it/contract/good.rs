//! A block that keeps every promise.

use serde::Deserialize;
use serde_json::json;
use xblock_core::block::{BlockContext, BlockError, Event, Grade, HandlerRequest, HandlerResponse, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::services::I18nService;
use xblock_testkit::{Contract, Workbench};

use super::bad::escape;

/// A question with a number for an answer.
#[derive(XBlock)]
#[xblock(type = "good", has_children, has_score, views(student_view), handlers(answer), max_score = points, needs(dyn I18nService))]
#[field(title: Option<String> = "Good", scope = settings, display_name = "Title", help = "The heading.")]
#[field(level: Integer = 1, scope = settings, min = 1, max = 3, display_name = "Level", help = "How hard it is.")]
#[field(words: List = [], scope = content, help = "Words to think of.")]
#[field(given: Option<Integer>, scope = user_state, help = "What the learner answered.")]
pub(super) struct GoodBlock {
    fields: BlockFields,
}

#[derive(Deserialize)]
struct Request {
    number: i64,
}

impl GoodBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        let i18n = context.need::<dyn I18nService>()?;
        let title = self.title()?.unwrap_or_default();
        let i18n_title = i18n.gettext("Question");
        let id = escape(context.usage().block_id());
        let mut html = format!(
            "<h3 id=\"{id}-title\">{}</h3>",
            escape(if title.is_empty() { &i18n_title } else { &title })
        );
        for word in self.words()? {
            html.push_str(&format!("<p>{}</p>", escape(word.as_str().unwrap_or("?"))));
        }
        html.push_str(&format!(
            "<label>{} <input name=\"number\" value=\"{}\"></label>",
            i18n.gettext("Number"),
            self.given()?.unwrap_or(0)
        ));
        let mut fragment = Fragment::default();
        for child in context.children() {
            let rendered = context.render_child(&child.usage, "student_view");
            fragment.add_resources_of(&rendered);
            html.push_str(&rendered.content);
        }
        fragment.add_content(&html);
        fragment.add_javascript("function Good(runtime, element) {}");
        fragment.initialize_js("Good", Some(json!({ "url": context.handler_url("answer", "") })));
        Ok(fragment)
    }

    fn answer(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        let Request { number } = request.json()?;
        if context.user().is_none() {
            return Err(BlockError::BadRequest { status: 403, message: "log in to answer".into() });
        }
        self.set_given(Some(number))?;
        let value = f64::from(u8::from(number == 42));
        context.publish(Event::Grade(Grade::new(value, 1.0)));
        Ok(HandlerResponse::json(&json!({ "right": number == 42 })))
    }

    fn points(&self, _: &dyn BlockContext) -> Result<f64, BlockError> {
        Ok(1.0)
    }
}

pub(super) fn contract() -> Contract {
    Contract::of(GoodBlock::CLASS)
        .sample("answered", |bench| bench.field("words", json!(["sea", "tide"])).field("given", 7))
        .sample("with a child", |bench| bench.child("html", "note", json!({ "data": "<p>Think.</p>" })))
        .request("answer", json!({ "number": 42 }))
}

#[test]
fn a_bench_runs_a_block_as_a_host_does() {
    let bench = Workbench::of(GoodBlock::CLASS).field("title", "Depth <m>").child(
        "html",
        "note",
        json!({"data": "<p>Think.</p>"}),
    );
    let html = bench.html("student_view");
    assert!(html.contains("Depth &lt;m&gt;") && html.contains("<p>Think.</p>"), "{html}");
    let answer = bench.post("answer", json!({ "number": 42 }));
    assert_eq!((answer.status, answer.grade().map(|grade| grade.value)), (200, Some(1.0)));
    assert_eq!(bench.value("given"), json!(42));
    assert_eq!(bench.clone().learner("another").value("given"), json!(null));
    assert_eq!(bench.post("answer", json!({})).status, 400);
    assert_eq!(bench.clone().nobody().post("answer", json!({ "number": 1 })).status, 403);
    let apart = bench.clone().apart();
    assert_eq!(apart.post("answer", json!({ "number": 1 })).status, 200);
    assert_eq!((bench.value("given"), apart.value("given")), (json!(42), json!(1)));
}
