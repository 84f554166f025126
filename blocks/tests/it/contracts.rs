//! What every block promises, on each type of this crate.

use serde_json::json;
use xblock_core::block::HandlerRequest;
use xblock_testkit::{Contract, Workbench};

use crate::context::{get, post};

macro_rules! contracts {
    ($($name:ident),+ $(,)?) => {
        $(xblock_testkit::block_contract!($name, crate::contracts::$name);)+
    };
}

contracts! {
    about, annotatable, chapter, conditional, course, course_info, custom_tag_template, customtag, discussion, error,
    hidden, html, itembank, library, library_content, lti, pdf, poll_question, problem, randomize, raw, sequential,
    split_test, static_tab, vertical, video, word_cloud, wrapper,
}

#[test]
fn every_type_has_a_contract() {
    let registry = blocks::registry().expect("no type is declared twice");
    let here = include_str!("contracts.rs");
    for block_type in registry.types().filter(|block_type| *block_type.name == *block_type.class.block_type) {
        assert!(here.contains(&format!("fn {}() -> Contract", block_type.name)), "{}", block_type.name);
    }
}

fn of(block_type: &str) -> Contract {
    Contract::new(blocks::registry().expect("no type is declared twice"), block_type)
}

/// A contract of a type of the HTML family.
fn text(block_type: &str) -> Contract {
    of(block_type)
        .sample("a text", |bench| {
            bench.field("data", "<p>Ebb &amp; <a href=\"/static/flow.txt\">flow</a></p>")
        })
        .html("data")
}

/// A contract of a type that shows children.
fn container(block_type: &str) -> Contract {
    of(block_type).sample("two children", two_children)
}

fn two_children(bench: Workbench) -> Workbench {
    bench.child("html", "one", json!({"display_name": "One & all", "data": "<p>First</p>"})).child(
        "html",
        "two",
        json!({"display_name": "Two", "data": "<p>Second</p>"}),
    )
}

/// A contract of a type whose `data` is its own element.
fn element(block_type: &'static str) -> Contract {
    of(block_type)
        .values("data", [json!(format!("<{block_type} a=\"1\">\n  <b>c &amp; d</b>\n</{block_type}>\n"))])
        .except(
            OLX,
            "field `data`, unset,",
            "an element without content is content of its own, as on the platform",
        )
}

const OLX: &str = "olx_round_trips";
const NAMES: &str = "fields_are_described";
const NAMELESS: &str = "its editor hides it, as on the platform";

fn annotatable() -> Contract {
    element("annotatable")
}

fn custom_tag_template() -> Contract {
    element("custom_tag_template")
}

fn hidden() -> Contract {
    element("hidden")
}

fn raw() -> Contract {
    element("raw")
}

fn conditional() -> Contract {
    of("conditional").except(
        OLX,
        "children",
        "what is shown on a condition is read as a child, as on the platform",
    )
}

fn customtag() -> Contract {
    of("customtag").values("data", [json!("<customtag url_name=\"block\" impl=\"quote\"/>\n")]).except(
        OLX,
        "sample \"new block\"",
        "without a template it is an error block, as on the platform",
    )
}

fn discussion() -> Contract {
    of("discussion").except(NAMES, "field `sort_key`", NAMELESS)
}

fn error() -> Contract {
    of("error").except(OLX, "", "an error block is written as what could not be read, which it becomes again")
}

fn lti() -> Contract {
    of("lti")
        .except("grades_are_in_range", "sample", "the tool gives the scores, where its setting says so")
        .except(OLX, "field `data`", "the type has no text: old content left the field")
}

fn pdf() -> Contract {
    of("pdf")
}

fn poll_question() -> Contract {
    of("poll_question").except(
        OLX,
        "sample \"new block\"",
        "without a question it is an error block, as on the platform",
    )
}

fn randomize() -> Contract {
    of("randomize").sample("two children", two_children)
}

fn split_test() -> Contract {
    of("split_test").except(NAMES, "field `user_partitions`", NAMELESS)
}

fn word_cloud() -> Contract {
    of("word_cloud").except(OLX, "field `data`", "the type has no text: old content left the field")
}

fn html() -> Contract {
    text("html")
}

fn about() -> Contract {
    text("about").except(OLX, "sample \"new block\"", "a page is its file, and without a text there is none")
}

fn static_tab() -> Contract {
    text("static_tab")
}

fn course_info() -> Contract {
    text("course_info")
}

fn vertical() -> Contract {
    container("vertical")
}

fn wrapper() -> Contract {
    container("wrapper")
}

fn chapter() -> Contract {
    container("chapter")
}

fn course() -> Contract {
    container("course").except(OLX, "", "a course is the package: its own tests read and write it")
}

fn library() -> Contract {
    container("library")
}

fn itembank() -> Contract {
    container("itembank")
}

fn library_content() -> Contract {
    container("library_content")
}

fn sequential() -> Contract {
    container("sequential").request("goto_position", json!({ "position": 2 }))
}

const CHOICE: &str = r#"<problem>
  <multiplechoiceresponse>
    <label>When is high water?</label>
    <choicegroup type="MultipleChoice">
      <choice correct="true">At noon</choice>
      <choice correct="false">Never</choice>
    </choicegroup>
  </multiplechoiceresponse>
  <demandhint>
    <hint>Look out.</hint>
  </demandhint>
</problem>
"#;

fn problem() -> Contract {
    let form = |body: &str| post("", body);
    let unnamed = [
        "field `due`",
        "field `force_save_button`",
        "field `graceperiod`",
        "field `markdown`",
        "field `markdown_edited`",
        "field `use_latex_compiler`",
    ];
    unnamed
        .iter()
        .fold(of("problem"), |contract, field| contract.except(NAMES, field, NAMELESS))
        .except(
            OLX,
            "field `data`, unset,",
            "an element without content is content of its own, as on the platform",
        )
        .sample("a choice", |bench| bench.field("data", CHOICE))
        .values("data", [json!(CHOICE)])
        .raw_request("problem_check", form("input_block_2_1=choice_0"))
        .raw_request("problem_get", form(""))
        .raw_request("problem_show", form(""))
        .raw_request("problem_save", form("input_block_2_1=choice_1"))
        .raw_request("problem_reset", form(""))
        .raw_request("hint_button", form("hint_index=0"))
        .raw_request("input_ajax", form("input_id=block_2_1&dispatch=preview_formcalc&formula=x"))
        .raw_request("xmodule_handler", HandlerRequest { suffix: "problem_get".into(), ..form("") })
}

fn video() -> Contract {
    of("video")
        .sample("a file", |bench| {
            bench
                .field("html5_sources", json!(["https://videos.example/tide.mp4"]))
                .field("display_name", "Tide & moon")
                .field("transcripts", json!({"en": "tide.srt"}))
                .file("tide.srt", "1\n00:00:00,000 --> 00:00:02,000\nHigh water.\n")
        })
        .values("transcripts", [json!({"en": "tide.srt", "nb": "tidevann.srt"}), json!({})])
        .values("edx_video_id", [json!("f7e0-4a"), json!("")])
        .except("texts_are_translated", "\"English\"", "languages of transcripts are named in themselves")
        .except(
            OLX,
            "field `download_track`, unset,",
            "a transcript's address opens its download, as on the platform",
        )
        .raw_request("transcript", get("available_translations", &[]))
        .raw_request(
            "ajax_handler",
            HandlerRequest { suffix: "save_user_state".into(), ..post("", "speed=1.5") },
        )
        .raw_request(
            "xmodule_handler",
            HandlerRequest { suffix: "save_user_state".into(), ..post("", "speed=1.5") },
        )
        .request("publish_completion", json!({ "completion": 1.0 }))
}
