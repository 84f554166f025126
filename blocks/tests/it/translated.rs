//! What native blocks say themselves, in another language.

use std::sync::Arc;

use serde_json::json;
use xblock_core::fields::{BlockFieldsError, Json};
use xblock_core::services::{Catalogue, CatalogueI18n};

use crate::context::{World, data, json as body, post};

const GERMAN: &str = r#"
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n"

msgid "Submit"
msgstr "Abgeben"

msgid "Select an option"
msgstr "Bitte <wählen>"

msgid "You have used {num_used} of {num_total} attempt."
msgid_plural "You have used {num_used} of {num_total} attempts"
msgstr[0] "{num_used} von {num_total} Versuch gebraucht"
msgstr[1] "{num_used} von {num_total} Versuchen gebraucht"

msgid "{num_points} point possible (ungraded)"
msgid_plural "{num_points} points possible (ungraded)"
msgstr[0] "{num_points} Punkt möglich (unbenotet)"
msgstr[1] "{num_points} Punkte möglich (unbenotet)"

msgid "Correct ({progress} point)"
msgid_plural "Correct ({progress} points)"
msgstr[0] "Richtig ({progress} Punkt)"
msgstr[1] "Richtig ({progress} Punkte)"

msgid "This answer is correct."
msgstr "Diese Antwort ist richtig."

msgid "Correct: "
msgstr "Richtig: "

msgid "Answer"
msgstr "Antwort"

msgid "Hint ({hint_num} of {hints_count}): "
msgstr "Hinweis ({hint_num} von {hints_count}): "

msgid "Could not interpret '{student_answer}' as a number."
msgstr "'{student_answer}' ist keine Zahl."

msgid "You must submit an answer before you can select Reset."
msgstr "Zuerst antworten."

msgid "Correct answer"
msgstr "Richtige Antwort"

msgid "Download the video"
msgstr "Video herunterladen"

msgid "Downloads for {name}"
msgstr "Dateien zu {name}"

msgid "There is no such transcript."
msgstr "Diese Mitschrift gibt es nicht."
"#;

fn german(block_type: &str) -> World {
    let catalogue = Catalogue::from_po(GERMAN.as_bytes()).expect("it is a catalogue");
    World { i18n: Some(Arc::new(CatalogueI18n::new("de", [catalogue]))), ..World::of(block_type) }
}

const PROBLEM: &str = r#"<problem>
<optionresponse><optioninput><option correct="True">Submit<optionhint>Well.</optionhint></option><option correct="False">B</option></optioninput></optionresponse>
<demandhint><hint>One.</hint></demandhint></problem>"#;

#[test]
fn a_problem_speaks_the_learners_language() {
    let world = german("problem");
    let values = json!({ "data": PROBLEM, "max_attempts": 3 });
    let stored = Arc::new(data(&values));
    let block = world.block_on(stored.clone());
    let fragment = block.view("student_view", &world).expect("it renders");
    for said in [
        ">Abgeben<",
        "0 von 3 Versuchen gebraucht",
        "1 Punkt möglich (unbenotet)",
        ">Bitte &lt;wählen&gt;<",
        // What the author wrote stays.
        "<option value=\"Submit\">Submit</option>",
        // What nobody translated is in English.
        ">Review<",
    ] {
        assert!(fragment.content.contains(said), "{said}: {}", fragment.content);
    }
    assert_eq!(
        fragment.json_init_args.expect("the script has words")["words"]["Correct answer"],
        "Richtige Antwort"
    );

    let ask = |handler: &str, form: &str| -> Json {
        body(&block.handle(handler, &post("", form), &world).expect("it is answered").body)
    };
    assert_eq!(ask("problem_reset", "")["msg"], "Zuerst antworten.");
    let hint = ask("hint_button", "hint_index=0")["msg"].to_string();
    assert!(hint.contains("<strong>Hinweis (1 von 1): </strong>One."), "{hint}");

    let checked = ask("problem_check", "input_q_2_1=Submit")["contents"].to_string();
    for said in ["Richtig (1/1 Punkt)", "Diese Antwort ist richtig.", "1 von 3 Versuchen gebraucht"] {
        assert!(checked.contains(said), "{said}: {checked}");
    }
    // The message is in the language it was graded in, whoever looks at it later.
    let map = || -> Result<Json, BlockFieldsError> { block.fields().json("correct_map") };
    let message = map().expect("it is stored")["q_2_1"]["msg"].to_string();
    assert!(message.contains(">Antwort<") && message.contains(">Richtig: <"), "{message}");
    let english = World::of("problem");
    let shown = block.view("student_view", &english).expect("it renders");
    assert!(
        shown.content.contains(">Richtig: <") && shown.content.contains(">Submit</span>"),
        "{}",
        shown.content
    );
    assert_eq!(shown.json_init_args, None, "scripts speak English by themselves");
}

#[test]
fn what_stops_grading_is_said_in_the_learners_language() {
    let world = german("problem");
    let xml =
        "<problem><numericalresponse answer=\"5\"><formulaequationinput/></numericalresponse></problem>";
    let block = world.block(&json!({ "data": xml }));
    let reply = block.handle("problem_check", &post("", "input_q_2_1=%5B"), &world).expect("it is answered");
    let said = &body(&reply.body)["success"];
    assert!(said == "'[' ist keine Zahl." || said.as_str().is_some_and(|said| said.contains('[')), "{said}");
    let reply =
        block.handle("problem_check", &post("", "input_q_2_1%5B%5D=a"), &world).expect("it is answered");
    assert!(body(&reply.body)["success"].as_str().is_some_and(|said| said.ends_with("ist keine Zahl.")));
}

#[test]
fn a_video_speaks_the_learners_language() {
    let world = german("video");
    let block = world.block(&json!({
        "display_name": "Ebbe & Flut", "html5_sources": ["/static/day.webm"], "download_video": true,
    }));
    let html = block.view("student_view", &world).expect("it renders").content;
    for said in [">Video herunterladen<", "aria-label=\"Dateien zu Ebbe &amp; Flut\""] {
        assert!(html.contains(said), "{said}: {html}");
    }
    let missing =
        block.handle("transcript", &crate::context::get("webvtt/xx", &[]), &world).expect("it is answered");
    assert!(String::from_utf8_lossy(&missing.body).contains("Diese Mitschrift gibt es nicht."));
}

#[test]
fn a_placeholder_keeps_the_type_where_the_language_puts_it() {
    let world = german("poll_question");
    let html = world.block(&json!({})).view("student_view", &world).expect("it renders").content;
    assert!(html.contains("This block is of type <code>poll_question</code>, which cannot"), "{html}");
}
