//! A course of quizzes in memory.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::json;
use xblock_core::block::{
    BlockContext, BlockError, HandlerRequest, Registry, RegistryBuilder, Scorable, User, ValidationMessage,
    XBlock,
};
use xblock_core::clock::FixedClock;
use xblock_core::fields::{BlockFields, Json, Score};
use xblock_core::fragment::Fragment;
use xblock_core::host::{Host, PathUrls};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{AsideData, Base, BlockData, Branch, Edit, MemoryRuntime, Runtime};
use xblock_core::services::{CompletionService, I18nService, UserService};

/// A question whose answer is a number.
#[derive(XBlock)]
#[xblock(
    type = "quiz",
    has_children,
    scorable,
    custom_completion,
    views(student_view),
    json_handlers(answer),
    fallback_handler = other,
    validate = remarks,
    needs(dyn UserService, dyn I18nService),
    wants(dyn CompletionService)
)]
#[field(question: String = "", scope = content, help = "What is asked.")]
#[field(right: Integer = 0, scope = settings, help = "The right answer.")]
#[field(given: Option<Integer>, scope = user_state, help = "The learner's answer.")]
#[field(score: Option<Score>, scope = user_state, help = "The learner's score.")]
pub(super) struct Quiz {
    fields: BlockFields,
}

impl Quiz {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        let user = context.need::<dyn UserService>()?.current_user();
        let role = user.role().unwrap_or("visitor").to_owned();
        let text = context.need::<dyn I18nService>()?.gettext("Question").into_owned();
        let mut fragment = Fragment::new(format!("({text} {role}: {})", self.question()?));
        for child in context.children() {
            let child = context.render_child(&child.usage, "student_view");
            fragment.add_content(&child.content);
        }
        Ok(fragment)
    }

    fn answer(&self, given: i64, context: &dyn BlockContext) -> Result<Json, BlockError> {
        self.set_given(Some(given))?;
        let score = self.calculate_score(context)?;
        self.set_score(score.clone())?;
        self.publish_grade(&score, None, context);
        context.emit_completion(1.0)?;
        Ok(json!({ "right": score.earned() > 0.0 }))
    }

    fn other(
        &self,
        name: &str,
        _: &HandlerRequest,
        _: &dyn BlockContext,
    ) -> Result<xblock_core::block::HandlerResponse, BlockError> {
        Err(BlockError::BadRequest { status: 404, message: format!("nothing called {name}") })
    }

    fn remarks(&self) -> Vec<ValidationMessage> {
        match self.question() {
            Ok(question) if question.is_empty() => vec![ValidationMessage::error("There is no question.")],
            _ => Vec::new(),
        }
    }
}

impl Scorable for Quiz {
    fn has_submitted_answer(&self, _: &dyn BlockContext) -> Result<bool, BlockError> {
        Ok(self.given()?.is_some())
    }

    fn score(&self, _: &dyn BlockContext) -> Result<Option<Score>, BlockError> {
        Ok(Self::score(self)?)
    }

    fn set_score(&self, score: Score) -> Result<(), BlockError> {
        Ok(Self::set_score(self, Some(score))?)
    }

    fn calculate_score(&self, _: &dyn BlockContext) -> Result<Score, BlockError> {
        Ok(Score::new(f64::from(self.given()? == Some(self.right()?)), 1.0))
    }
}

/// A text with nothing to score.
#[derive(XBlock)]
#[xblock(type = "text", views(student_view, public_view = student_view))]
pub(super) struct Text {
    fields: BlockFields,
}

impl Text {
    fn student_view(&self, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(Fragment::new("(text)"))
    }
}

pub(super) fn key(block_type: &str, id: &str) -> UsageKey {
    let context: ContextKey = "course-v1:O+C+R".parse().expect("a course key");
    context.make_usage_key(block_type, id).expect("a usage key")
}

pub(super) fn quiz(id: &str) -> UsageKey {
    key("quiz", id)
}

/// A host over a quiz `top` that contains a quiz `inner` and a text `words`.
pub(super) fn host(complete: impl FnOnce(RegistryBuilder) -> RegistryBuilder) -> Host {
    host_with_asides(Vec::new(), complete)
}

pub(super) fn host_with_asides(
    asides: Vec<AsideData>,
    complete: impl FnOnce(RegistryBuilder) -> RegistryBuilder,
) -> Host {
    let clock = Arc::new(FixedClock(DateTime::from_timestamp(1_930_000_000, 0).expect("a moment")));
    let runtime = MemoryRuntime::new(clock.clone());
    let inner = BlockData {
        content: [("question".into(), json!("6 × 7?"))].into_iter().collect(),
        settings: [("right".into(), json!(42))].into_iter().collect(),
        asides,
        ..BlockData::default()
    };
    let top = BlockData { children: vec![quiz("inner"), key("text", "words")], ..BlockData::default() };
    let edit = Edit::new(quiz("top").context_key(), Base::New { root: quiz("top") })
        .put(quiz("top"), top)
        .put(quiz("inner"), inner)
        .put(key("text", "words"), BlockData::default());
    runtime.commit(edit).expect("the course is made");
    let builder = Registry::builder(Text::CLASS).class(Quiz::CLASS).class(Text::CLASS);
    let registry = complete(builder).build().expect("a registry");
    let mut host = Host::new(Arc::new(runtime), Branch::Draft, registry, clock);
    host.urls = Arc::new(PathUrls { root: "http://host".into() });
    host
}

pub(super) fn learner() -> User {
    User { id: "7".into(), is_staff: false }
}

pub(super) fn render(host: &Host, view: &str) -> String {
    host.render(&quiz("top"), view, Some(&learner())).expect("a fragment").content
}
