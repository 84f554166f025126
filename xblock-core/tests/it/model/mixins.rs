//! Mixins: fields and behaviour a host adds to classes.

use xblock_core::block::{
    BlockContext, BlockError, HandlerRequest, HandlerResponse, Mixin, MixinBehaviour, Validation,
    ValidationMessage, XBlock,
};
use xblock_core::fields::{FieldSpec, FieldType, Scope};
use xblock_core::fragment::Fragment;
use xblock_core::services::{DeclaredServices, Demand, SandboxService, Service};

use super::world::{host, key, quiz, render};

static CHROME_FIELDS: &[FieldSpec] = &[
    FieldSpec::new("colour", FieldType::String, Scope::Settings).default("\"blue\""),
    // The class's own declaration counts.
    FieldSpec::new("right", FieldType::String, Scope::Settings).default("\"mixed in\""),
];

struct Frame(&'static str);

impl MixinBehaviour for Frame {
    fn view(
        &self,
        block: &dyn XBlock,
        name: &str,
        context: &dyn BlockContext,
    ) -> Result<Fragment, BlockError> {
        match name {
            "colour_view" => Ok(Fragment::new(block.fields().str("colour")?.to_string())),
            _ => {
                let mut fragment = block.view(name, context)?;
                fragment.content = format!("<{0}>{1}</{0}>", self.0, fragment.content);
                Ok(fragment)
            }
        }
    }

    fn handle(
        &self,
        block: &dyn XBlock,
        name: &str,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        match name {
            "paint" => Ok(HandlerResponse::json(&serde_json::json!("painted"))),
            _ => block.handle(name, request, context),
        }
    }

    fn validate(&self, block: &dyn XBlock) -> Validation {
        block.validate().with([ValidationMessage::warning("It is blue.")])
    }
}

static INNER: Frame = Frame("i");
static OUTER: Frame = Frame("b");

#[test]
fn behaviour_lies_around_the_blocks_it_is_for() {
    let outer = Mixin {
        applies_to: |class| class.block_type == "quiz",
        fields: CHROME_FIELDS,
        ..Mixin::of_behaviour("outer", &OUTER)
    };
    let host = host(|builder| builder.mixin(Mixin::of_behaviour("inner", &INNER)).mixin(outer));
    let html = render(&host, "student_view");
    assert!(html.contains("<b><i>(Question student: 6 × 7?)</i></b>"), "{html}");
    assert!(html.contains("><i>(text)</i></div>"), "{html}");
    assert!(render(&host, "colour_view").contains(">blue</div>"));
    let painted = host.handle(&quiz("top"), "paint", &HandlerRequest::default(), None).expect("an answer");
    assert_eq!(painted.response.body, br#""painted""#);
    let text = host.handle(&key("text", "words"), "paint", &HandlerRequest::default(), None);
    assert!(text.is_ok(), "the inner one is for every class");
    let said = host.validate(&quiz("top")).expect("readable");
    let said: Vec<_> = said.messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(said, ["There is no question.", "It is blue.", "It is blue."]);
}

#[test]
fn fields_of_mixins_come_first_and_the_class_counts() {
    let host = host(|builder| builder.mixin(Mixin::of_fields("chrome", CHROME_FIELDS)));
    let quiz = host.registry.block_type("quiz");
    assert_eq!(quiz.field("right").map(|field| field.kind), Some(FieldType::Integer));
    let at = |name: &str| quiz.fields().iter().position(|field| field.name == name);
    assert!(at("colour") < at("name") && at("name") < at("question"), "{:?}", at("colour"));
    assert!(host.registry.block_type("nobody's").field("colour").is_some());
    assert_eq!(quiz.mixins().len(), 1);
}

#[test]
fn what_a_mixin_needs_its_blocks_need() {
    let services = DeclaredServices { needs: &[<dyn SandboxService as Service>::NAME], wants: &["credit"] };
    let mixin = Mixin { services, ..Mixin::of_fields("chrome", &[]) };
    let host = host(|builder| builder.mixin(mixin));
    let quiz_type = host.registry.block_type("quiz");
    assert_eq!(quiz_type.demand("sandbox"), Demand::Needed);
    assert_eq!(quiz_type.demand("credit"), Demand::Wanted);
    assert_eq!(quiz_type.demand("mako"), Demand::Undeclared);
    let refused = host.render(&quiz("top"), "student_view", None);
    assert!(matches!(refused, Err(BlockError::Service(_))), "{refused:?}");
}
