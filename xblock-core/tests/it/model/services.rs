//! Services: what is declared, offered and missing.

use std::sync::Arc;

use serde_json::json;
use xblock_core::block::{BlockContext, BlockError, HandlerRequest, XBlock};
use xblock_core::fields::{BlockFields, FieldData};
use xblock_core::fragment::Fragment;
use xblock_core::services::{
    CacheService, Catalogue, CatalogueI18n, CompletionService, CurrentUser, I18nService, MemoryCache,
    MemoryCompletion, ReplaceUrlsService, SandboxService, Service, ServiceError, ServiceSet, UserAttribute,
    UserService, XBlockUser,
};

use super::world::{host, key, learner, quiz, render};

trait Weather: Send + Sync {
    fn temperature(&self) -> f64;
}

impl Service for dyn Weather {
    const NAME: &'static str = "weather";
}

struct Mild(f64);

impl Weather for Mild {
    fn temperature(&self) -> f64 {
        self.0
    }
}

/// Another service under the same name, made by somebody else.
struct Forecast;

impl Service for Forecast {
    const NAME: &'static str = "weather";
}

#[derive(XBlock)]
#[xblock(
    type = "balcony",
    views(student_view),
    json_handlers(ask),
    needs(dyn Weather, dyn ReplaceUrlsService),
    wants(dyn CacheService, "bookmarks")
)]
struct Balcony {
    fields: BlockFields,
}

impl Balcony {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        let degrees = context.need::<dyn Weather>()?.temperature();
        let cached = context.want::<dyn CacheService>()?.and_then(|cache| cache.get("seen"));
        let urls = context.need::<dyn ReplaceUrlsService>()?;
        let html = urls.replace_urls(r#"<img src="/static/a.png"><a href="/jump_to_id/x">"#, false)?;
        let all = context.need::<dyn FieldData>()?.get(&Self::FIELDS_OF_ALL[0], self.fields.ids());
        assert!(all.expect("readable").is_none());
        Ok(Fragment::new(format!("{degrees} {cached:?} {html}")))
    }

    const FIELDS_OF_ALL: &'static [xblock_core::fields::FieldSpec] = xblock_core::fields::XBLOCK_FIELDS;

    fn ask(&self, _: (), context: &dyn BlockContext) -> Result<bool, BlockError> {
        // Nobody declared it.
        Ok(context.want::<dyn SandboxService>()?.is_some())
    }
}

fn balcony(services: ServiceSet) -> Result<String, BlockError> {
    let mut host = host(|builder| builder.class(Balcony::CLASS));
    host.services = services;
    let edit = xblock_core::runtime::Edit::new(
        quiz("top").context_key(),
        xblock_core::runtime::Base::Version(
            host.runtime.context(&quiz("top").context_key()).expect("the course").draft.version,
        ),
    );
    host.runtime.commit(edit.put(key("balcony", "b"), Default::default())).expect("one more block");
    let refused = host.handle(&key("balcony", "b"), "ask", &HandlerRequest::post_json(&json!(null)), None);
    if host.services.names().any(|name| name == "weather") {
        let undeclared =
            matches!(refused, Err(BlockError::Service(ServiceError::NotDeclared { service: "sandbox", .. })));
        assert!(undeclared, "{refused:?}");
    }
    Ok(host.render(&key("balcony", "b"), "student_view", None)?.content)
}

#[test]
fn what_is_needed_and_missing_is_an_error_that_names_block_and_service() {
    let error = balcony(ServiceSet::default()).unwrap_err();
    assert_eq!(error.to_string(), "balcony: service weather is not available");
    assert!(matches!(
        error,
        BlockError::Service(ServiceError::NotAvailable { block_type, service: "weather" }) if block_type == "balcony"
    ));
}

#[test]
fn what_is_wanted_and_missing_is_nothing() {
    let services = ServiceSet::default().with::<dyn Weather>(Arc::new(Mild(18.5)));
    let html = balcony(services).expect("a fragment");
    assert!(html.contains("18.5 None"), "{html}");
    assert!(html.contains("http://host/asset/asset-v1:O+C+R+type@asset+block@a.png"), "{html}");
    assert!(html.contains("http://host/jump/course-v1:O+C+R/x"), "{html}");
}

#[test]
fn services_are_told_apart_by_type_and_made_for_each_block() {
    let services = ServiceSet::default().with(Arc::new(Forecast));
    assert!(matches!(balcony(services), Err(BlockError::Service(ServiceError::OtherType { .. }))));

    let clock = Arc::new(xblock_core::clock::FixedClock(chrono::DateTime::UNIX_EPOCH));
    let cache = MemoryCache::new(clock, 10);
    cache.set("seen", json!(3), None);
    let services = ServiceSet::default()
        .with_factory::<dyn Weather>(|request| match request.usage.block_type() {
            "balcony" => Some(Arc::new(Mild(4.0)) as Arc<dyn Weather>),
            _ => None,
        })
        .with::<dyn CacheService>(Arc::new(cache));
    assert!(balcony(services).expect("a fragment").contains("4 Some(Number(3))"));
}

#[test]
fn every_host_knows_its_user_and_the_language_can_be_set() {
    let mut host = host(|builder| builder);
    assert!(render(&host, "student_view").contains("(Question student: 6 × 7?)"));
    let po = "msgid \"Question\"\nmsgstr \"Frage\"\n";
    let german = CatalogueI18n::new("de", [Catalogue::from_po(po.as_bytes()).expect("a catalogue")]);
    let user = XBlockUser::default().with_attribute(UserAttribute::UserRole, "instructor");
    host.services = ServiceSet::default()
        .with::<dyn I18nService>(Arc::new(german))
        .with::<dyn UserService>(Arc::new(CurrentUser::of(user)));
    assert!(render(&host, "student_view").contains("(Frage instructor: 6 × 7?)"));
    let user = CurrentUser::new(Some(&learner())).current_user();
    assert_eq!(user.attribute(UserAttribute::UserId), Some(&json!(7)));
    assert!(user.is_authenticated() && !CurrentUser::new(None).current_user().is_authenticated());
}

#[test]
fn completion_is_kept_by_block() {
    let completion = MemoryCompletion::default();
    completion.submit_completion(&quiz("a"), 0.5).expect("kept");
    let kept = completion.completions(&[quiz("a"), quiz("b")]).expect("kept");
    assert_eq!(kept.into_iter().collect::<Vec<_>>(), [(quiz("a"), 0.5)]);
}
