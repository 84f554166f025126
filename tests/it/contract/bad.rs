//! Blocks with one bad habit each.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use xblock_core::block::{
    BlockContext, BlockError, Event, Grade, HandlerRequest, HandlerResponse, Scorable, XBlock,
};
use xblock_core::fields::{BlockFields, Json, Score};
use xblock_core::fragment::Fragment;
use xblock_core::olx::{Element, OlxConvention, OlxError, Reading, read_plain_block};
use xblock_core::runtime::BlockData;
use xblock_core::services::I18nService;
use xblock_testkit::Contract;

/// A bad habit and the promise that catches it.
pub(super) struct Case {
    pub(super) promise: &'static str,
    pub(super) contract: fn() -> Contract,
    /// Part of what is said to be wrong.
    pub(super) wrong: &'static str,
}

pub(super) const CASES: &[Case] = &[
    case("fields_are_described", || Contract::of(Unnamed::CLASS), "is a setting without a name"),
    case("fields_are_described", || Contract::of(Unnamed::CLASS), "it has no help"),
    case(
        "defaults_are_valid",
        || Contract::of(BadDefaults::CLASS),
        "breaks its own schema: 9 is more than 5",
    ),
    case("defaults_are_valid", || Contract::of(BadDefaults::CLASS), "it offers \"much\", which it refuses"),
    case("the_declaration_is_sound", || Contract::of(BadNames::CLASS), "is no tag that is found again"),
    case("the_declaration_is_sound", || Contract::of(BadNames::CLASS), "OLX and the platform use the name"),
    case("olx_round_trips", || Contract::of(Forgetful::CLASS), "is lost"),
    case("views_render", || Contract::of(Failing::CLASS), "it panics: no title"),
    case("views_render", || Contract::of(AnyView::CLASS), "a view of any name is answered"),
    case("views_never_write", || Contract::of(Writing::CLASS), "it sets seen"),
    case("views_never_write", || Contract::of(Writing::CLASS), "it publishes \"seen\""),
    case("views_repeat_themselves", || Contract::of(Counting::CLASS), "renders differently at each time"),
    case("fragments_are_valid", || Contract::of(BadFragment::CLASS), "a browser has to mend the HTML"),
    case("fragments_are_valid", || Contract::of(BadFragment::CLASS), "has type \"css\""),
    case("fragments_are_valid", || Contract::of(BadFragment::CLASS), "is no address a page can load"),
    case("fragments_are_valid", || Contract::of(BadFragment::CLASS), "ends its own element"),
    case(
        "fragments_are_valid",
        || Contract::of(BadFragment::CLASS),
        "no script of the fragment defines Start",
    ),
    case("views_are_accessible", || Contract::of(Inaccessible::CLASS), "has no label"),
    case(
        "views_are_accessible",
        || Contract::of(Inaccessible::CLASS),
        "says nothing to those who do not see it",
    ),
    case("views_are_accessible", || Contract::of(Inaccessible::CLASS), "<button> has no text"),
    case("views_are_accessible", || Contract::of(Inaccessible::CLASS), "jumps the order of the page"),
    case("views_are_accessible", || Contract::of(Inaccessible::CLASS), "has an id that is there twice"),
    case("views_are_accessible", || Contract::of(Inaccessible::CLASS), "names #nowhere in aria-describedby"),
    case("views_are_accessible", || Contract::of(Inaccessible::CLASS), "cannot be used with a keyboard"),
    case("views_are_accessible", || Contract::of(Inaccessible::CLASS), "has no legend"),
    case(
        "views_are_accessible",
        || Contract::of(Unreachable::CLASS),
        "<div role=\"button\"> has the role button, and no key reaches it",
    ),
    case(
        "views_are_accessible",
        || Contract::of(Unreachable::CLASS),
        "<a href=\"/x\"> takes the focus and is hidden",
    ),
    case(
        "views_are_accessible",
        || Contract::of(Unreachable::CLASS),
        "<span tabindex=\"0\"> takes the focus and is hidden",
    ),
    case(
        "views_are_accessible",
        || Contract::of(Unreachable::CLASS),
        "has aria-labeledby, which WAI-ARIA does not know",
    ),
    case(
        "views_are_accessible",
        || Contract::of(Unreachable::CLASS),
        "has aria-pressed=\"yes\", which says nothing",
    ),
    case("views_are_accessible", || Contract::of(Unreachable::CLASS), "plays by itself"),
    case("views_are_accessible", || Contract::of(Unreachable::CLASS), "has no captions"),
    case("views_are_accessible", || Contract::of(Unreachable::CLASS), "sends the page away in onchange"),
    case(
        "broken_children_do_no_harm",
        || Contract::of(Careless::CLASS),
        "it shows a child and drops its resources",
    ),
    case(
        "two_blocks_share_a_page",
        || Contract::of(Inaccessible::CLASS),
        "two blocks have the same id \"x\"",
    ),
    case("empty_fields_are_shown", || Contract::of(NeedsText::CLASS), "it fails"),
    case("strange_values_do_no_harm", || Contract::of(Trusting::CLASS), "it panics: a text"),
    case("strange_values_do_no_harm", || answering(Summing::CLASS), "the page has 12001"),
    case("visitors_without_a_name_are_served", || Contract::of(Failing::CLASS), "it panics: no title"),
    case("visitors_without_a_name_are_served", || answering(NeedsUser::CLASS), "it panics: somebody"),
    case("broken_children_do_no_harm", || Contract::of(Trusting::CLASS), "it panics: a child"),
    case("values_are_escaped", || Contract::of(Trusting::CLASS), "becomes markup of the page"),
    case("values_are_escaped", || Contract::of(Trusting::CLASS), "becomes an address that runs as a script"),
    case("values_are_escaped", || Contract::of(Trusting::CLASS), "raw in a script or style"),
    case("requests_are_answered", || Contract::of(AnyHandler::CLASS), "no sample request is given"),
    case("requests_are_answered", || answering(AnyHandler::CLASS), "it is not declared and is answered"),
    case("requests_are_answered", || answering(Refusing::CLASS), "it refuses the sample request with 400"),
    case("garbage_is_refused", || answering(AnyHandler::CLASS), "it takes what is no JSON"),
    case("garbage_is_refused", || answering(NeedsUser::CLASS), "it panics: JSON"),
    case("garbage_is_refused", || answering(Summing::CLASS), "a good request fails afterwards: it panics"),
    case("garbage_is_refused", || answering(Greedy::CLASS), "afterwards student_view does not render"),
    case(
        "refused_requests_save_nothing",
        || answering(Refusing::CLASS),
        "it answers 400 and saves or publishes",
    ),
    case(
        "reading_requests_change_nothing",
        || answering(AnyHandler::CLASS),
        "it saves or publishes something",
    ),
    case("grades_are_in_range", || answering(Greedy::CLASS), "its grade is 11 of 10"),
    case("grades_are_in_range", || answering(Greedy::CLASS), "its grade is of 10, and max_score says 5"),
    case("grades_are_in_range", || answering(Refusing::CLASS), "it gives a grade and is not scored"),
    case("grades_are_in_range", || answering(Greedy::CLASS), "it gives a grade, and nobody is logged in"),
    case(
        "threads_do_not_meet",
        || Contract::of(ThreadBound::CLASS),
        "renders differently when several threads",
    ),
    case("rescoring_repeats_itself", || answering(Drifting::CLASS), "rescoring twice gives"),
    case(
        "rescoring_repeats_itself",
        || answering(Drifting::CLASS),
        "a learner who did not answer is rescored",
    ),
    case("texts_are_translated", || Contract::of(English::CLASS), "\"Submit now\" is not translated"),
    case("texts_are_translated", || Contract::of(English::CLASS), "\"Your answer\" is not translated"),
];

const fn case(promise: &'static str, contract: fn() -> Contract, wrong: &'static str) -> Case {
    Case { promise, contract, wrong }
}

/// The contract of a block whose handler `answer` takes a number.
fn answering(class: &'static xblock_core::block::BlockClass) -> Contract {
    Contract::of(class).request("answer", json!({ "number": 3 }))
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

macro_rules! bad_blocks {
    ($($(#[$attribute:meta])* $name:ident)+) => {
        $(
            #[derive(XBlock)]
            $(#[$attribute])*
            pub(super) struct $name {
                fields: BlockFields,
            }
        )+
    };
}

bad_blocks! {
    #[xblock(type = "unnamed", views(student_view))]
    #[field(title: String = "", scope = settings)]
    Unnamed

    #[xblock(type = "bad_defaults", views(student_view))]
    #[field(level: Integer = 9, scope = settings, max = 5, help = "How hard it is.")]
    #[field(size: Float = 1, scope = settings, values = {"Much": "much", "Less": 1}, help = "How big it is.")]
    BadDefaults

    #[xblock(type = "BadNames", views(student_view))]
    #[field(url_name: String = "", scope = settings, help = "The address.")]
    BadNames

    #[xblock(type = "forgetful", olx = ForgetfulOlx, views(student_view))]
    #[field(title: String = "", scope = settings, help = "The heading.")]
    Forgetful

    #[xblock(type = "failing", views(student_view))]
    Failing

    #[xblock(type = "any_view", view = any_view)]
    AnyView

    #[xblock(type = "writing", views(student_view))]
    #[field(seen: Integer = 0, scope = user_state, help = "How often it was seen.")]
    Writing

    #[xblock(type = "counting", views(student_view))]
    Counting

    #[xblock(type = "bad_fragment", views(student_view))]
    BadFragment

    #[xblock(type = "inaccessible", views(student_view))]
    Inaccessible

    #[xblock(type = "unreachable", views(student_view))]
    Unreachable

    #[xblock(type = "careless", has_children, views(student_view))]
    Careless

    #[xblock(type = "needs_text", views(student_view))]
    #[field(text: Option<String> = "x", scope = content, help = "The text.")]
    NeedsText

    #[xblock(type = "trusting", has_children, views(student_view))]
    #[field(text: Any = "x", scope = content, help = "The text.")]
    Trusting

    #[xblock(type = "needs_user", views(student_view), handlers(answer))]
    NeedsUser

    #[xblock(type = "any_handler", views(student_view), handlers(answer))]
    #[field(votes: Integer = 0, scope = user_state_summary, help = "How many votes there are.")]
    AnyHandlerInner

    #[xblock(type = "refusing", views(student_view), handlers(answer))]
    #[field(given: Integer = 0, scope = user_state, help = "What the learner answered.")]
    Refusing

    #[xblock(type = "greedy", has_score, views(student_view), handlers(answer), max_score = points)]
    #[field(given: Any = 0, scope = user_state, help = "What the learner answered.")]
    Greedy

    #[xblock(type = "summing", views(student_view), handlers(answer))]
    #[field(stars: Integer = 3, scope = settings, display_name = "Stars", help = "How many stars there are.")]
    #[field(total: Integer = 0, scope = user_state_summary, help = "How many stars all gave.")]
    Summing

    #[xblock(type = "drifting", scorable, views(student_view), handlers(answer), max_score = points)]
    #[field(given: Integer = 0, scope = user_state, help = "What the learner answered.")]
    Drifting

    #[xblock(type = "english", views(student_view), wants(dyn I18nService))]
    English

    #[xblock(type = "thread_bound", views(student_view))]
    ThreadBound
}

macro_rules! plain_views {
    ($($name:ident)+) => {
        $(
            impl $name {
                fn student_view(&self, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
                    Ok(Fragment::new("<p>x</p>"))
                }
            }
        )+
    };
}

plain_views! { Drifting Unnamed BadDefaults BadNames Forgetful NeedsUser AnyHandlerInner Refusing }

/// Reads nothing of what was written.
struct ForgetfulOlx;

impl OlxConvention for ForgetfulOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        let read = read_plain_block(&element, reading)?;
        Ok(BlockData { children: read.children, ..BlockData::default() })
    }
}

impl Failing {
    fn student_view(&self, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        panic!("no title")
    }
}

fn any_view(_: &dyn XBlock, view: &str, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
    Ok(Fragment::new(format!("<p>{view}</p>")))
}

impl Writing {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        self.set_seen(self.seen()? + 1)?;
        context.publish(Event::Other { event_type: "seen".into(), data: json!({}) });
        Ok(Fragment::new("<p>x</p>"))
    }
}

impl Counting {
    fn student_view(&self, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        static SEEN: AtomicUsize = AtomicUsize::new(0);
        Ok(Fragment::new(format!("<p>{}</p>", SEEN.fetch_add(1, Ordering::Relaxed))))
    }
}

impl BadFragment {
    fn student_view(&self, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        let mut fragment = Fragment::new("<div><p>x</div></span>");
        fragment.add_css_url("style sheet.css");
        fragment.add_javascript("var a = '</script>';");
        let mut resource = fragment.resources[0].clone();
        resource.mimetype = "css".into();
        fragment.add_resource(resource);
        fragment.initialize_js("Start", None);
        // The address of a script could define it, so only texts are left.
        fragment.resources.retain(|resource| !resource.mimetype.is_empty());
        Ok(fragment)
    }
}

impl Inaccessible {
    fn student_view(&self, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(Fragment::new(
            "<input name=\"a\"><img src=\"/a.png\"><button></button><p id=\"x\" tabindex=\"2\">x</p><p id=\"x\">y</p>\
             <p aria-describedby=\"nowhere\">z</p><p onclick=\"go()\">go</p><fieldset><p>?</p></fieldset>",
        ))
    }
}

impl Unreachable {
    fn student_view(&self, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        Ok(Fragment::new(
            "<b aria-pressed=\"yes\" aria-labeledby=\"x\">b</b><div role=\"button\">go</div><div aria-hidden=\"true\"><a href=\"/x\">x</a><span tabindex=\"0\">y</span></div>\
             <video autoplay src=\"/a.mp4\"></video>\
             <select aria-label=\"a\" onchange=\"this.form.submit()\"><option>1</option></select>",
        ))
    }
}

impl Careless {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        let children = context.children();
        let shown = children.iter().map(|child| context.render_child(&child.usage, "student_view").content);
        Ok(Fragment::new(shown.collect::<String>()))
    }
}

impl NeedsText {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        let reason = || BlockError::BadContent { usage: context.usage().clone(), reason: "no text".into() };
        Ok(Fragment::new(escape(&self.text()?.ok_or_else(reason)?)))
    }
}

impl Trusting {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        for child in context.children() {
            assert!(child.usage.block_id() != "gone", "a child");
        }
        let value = self.text()?;
        assert!(
            value.as_list().is_none_or(|items| items.iter().all(|item| item.as_str().is_some())),
            "a text"
        );
        let text = value.as_str().unwrap_or("none");
        let mut fragment =
            Fragment::new(format!("<p><a href=\"{0}\">x</a> {0}</p>", text.replace('"', "&quot;")));
        fragment.add_javascript(format!("var text = '{text}';"));
        Ok(fragment)
    }
}

impl NeedsUser {
    fn answer(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        let _: Json = serde_json::from_slice(&request.body).expect("JSON");
        let user = context.user().expect("somebody");
        Ok(HandlerResponse::json(&json!({ "user": &*user.id })))
    }
}

impl AnyHandlerInner {
    fn answer(&self, _: &HandlerRequest, _: &dyn BlockContext) -> Result<HandlerResponse, BlockError> {
        self.set_votes(self.votes()? + 1)?;
        Ok(HandlerResponse::json(&json!({ "votes": self.votes()? })))
    }
}

/// Answers to every name.
pub(super) struct AnyHandler(AnyHandlerInner);

impl AnyHandler {
    const CLASS: &'static xblock_core::block::BlockClass = &xblock_core::block::BlockClass {
        create: |fields| Box::new(Self(AnyHandlerInner::from_fields(fields))),
        ..*AnyHandlerInner::CLASS
    };
}

impl XBlock for AnyHandler {
    fn fields(&self) -> &BlockFields {
        self.0.fields()
    }

    fn view(&self, name: &str, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        self.0.view(name, context)
    }

    fn handle(
        &self,
        _: &str,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        self.0.answer(request, context)
    }
}

impl Refusing {
    fn answer(&self, _: &HandlerRequest, context: &dyn BlockContext) -> Result<HandlerResponse, BlockError> {
        self.set_given(1)?;
        context.publish(Event::Grade(Grade::new(1.0, 1.0)));
        Ok(HandlerResponse::error(400, "no"))
    }
}

impl Greedy {
    fn student_view(&self, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        let given = self.given()?;
        Ok(Fragment::new(format!(
            "<p>{}</p>",
            given.as_int().ok_or(BlockError::NotJson { problem: "no number".into() })?
        )))
    }

    fn answer(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        let body: Json = request.json()?;
        self.set_given(xblock_core::fields::Value::from(&body["number"]))?;
        context.publish(Event::Grade(Grade::new(11.0, 10.0)));
        Ok(HandlerResponse::json(&json!({})))
    }

    fn points(&self, _: &dyn BlockContext) -> Result<f64, BlockError> {
        Ok(5.0)
    }
}

impl Summing {
    fn student_view(&self, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        let stars = usize::try_from(self.stars()?).unwrap_or_default();
        Ok(Fragment::new("<p>star</p>\n".repeat(stars)))
    }

    fn answer(&self, request: &HandlerRequest, _: &dyn BlockContext) -> Result<HandlerResponse, BlockError> {
        let body: serde_json::Map<String, Json> = request.json()?;
        self.set_total(self.total()? + body.get("number").and_then(Json::as_i64).unwrap_or_default())?;
        Ok(HandlerResponse::json(&json!({})))
    }
}

impl Drifting {
    fn answer(&self, request: &HandlerRequest, _: &dyn BlockContext) -> Result<HandlerResponse, BlockError> {
        let body: serde_json::Map<String, Json> = request.json()?;
        self.set_given(body.get("number").and_then(Json::as_i64).unwrap_or_default())?;
        Ok(HandlerResponse::json(&json!({})))
    }

    fn points(&self, _: &dyn BlockContext) -> Result<f64, BlockError> {
        Ok(1000.0)
    }
}

impl Scorable for Drifting {
    fn has_submitted_answer(&self, _: &dyn BlockContext) -> Result<bool, BlockError> {
        Ok(true)
    }

    fn score(&self, _: &dyn BlockContext) -> Result<Option<Score>, BlockError> {
        Ok(None)
    }

    fn set_score(&self, _: Score) -> Result<(), BlockError> {
        Ok(())
    }

    fn calculate_score(&self, _: &dyn BlockContext) -> Result<Score, BlockError> {
        self.set_given(self.given()? + 1)?;
        #[expect(clippy::cast_precision_loss, reason = "small")]
        Ok(Score::new(self.given()? as f64, 1000.0))
    }
}

impl English {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        let i18n = context.need::<dyn I18nService>()?;
        let right = i18n.gettext("This is right");
        Ok(Fragment::new(format!(
            "<p>{right}</p><button>Submit now</button><input aria-label=\"Your answer\">"
        )))
    }
}

impl ThreadBound {
    fn student_view(&self, _: &dyn BlockContext) -> Result<Fragment, BlockError> {
        thread_local!(static SEEN: Cell<usize> = const { Cell::new(0) });
        let seen = SEEN.with(|seen| seen.replace(seen.get() + 1));
        Ok(Fragment::new(format!("<p>{seen}</p>")))
    }
}
