//! `video`.

use serde_json::json;
use xblock_core::block::{Completion, Event, HandlerResponse, ValidationMessage};

use crate::context::{World, get, json, post};

const SUBRIP: &str = "1\n00:00:01,000 --> 00:00:02,500\nHigh &amp; dry\n";

fn values() -> xblock_core::fields::Json {
    json!({
        "display_name": "Harbour <day>",
        "html5_sources": ["/static/day.webm", "https://cdn.example/day.mp4", ""],
        "transcripts": {"nb": "day-nb.srt", "en": "day-en.srt", "fr": ""},
        "download_video": true,
        "download_track": true,
        "handout": "/asset-v1:Org+C1+R1+type@asset+block@notes.pdf",
        "start_time": "00:00:05",
        "end_time": "00:00:30",
        "youtube_id_1_0": "",
    })
}

fn transcript(world: &World, suffix: &str, query: &[(&str, &str)]) -> HandlerResponse {
    world.block(&values()).handle("transcript", &get(suffix, query), world).expect("it is answered")
}

#[test]
fn a_video_is_a_player_every_browser_has() {
    let world = World::of("video");
    let fragment = world.block(&values()).view("student_view", &world).expect("it renders");
    let html = &fragment.content;
    assert!(html.contains(r#"<source src="/asset/day.webm#t=5,30" type="video/webm">"#), "{html}");
    assert!(html.contains(r#"<source src="https://cdn.example/day.mp4#t=5,30" type="video/mp4">"#), "{html}");
    assert!(html.contains(r#"<track kind="captions" src="/handler/transcript/webvtt/en" srclang="en" label="English" default>"#), "{html}");
    assert!(html.contains(r#"srclang="nb" label="norsk bokmål">"#), "{html}");
    assert!(!html.contains(r#"srclang="fr""#), "a language without a file has no track");
    assert!(html.contains(r#"href="/asset/day.webm" download"#), "{html}");
    assert!(html.contains(r#"href="/handler/transcript/download?lang=nb""#), "{html}");
    assert!(html.contains(r#"href="/asset/notes.pdf""#), "{html}");
    assert!(html.contains("Harbour &lt;day&gt;") && !html.contains("youtube"), "{html}");
    assert_eq!(fragment.js_init_fn.as_deref(), Some("XBlockRuntimeVideo"));
}

#[test]
fn a_video_only_at_youtube_is_a_link_and_nothing_else() {
    let world = World::of("video");
    let html = world
        .block(&json!({ "youtube_id_1_0": "abc_-9" }))
        .view("student_view", &world)
        .expect("it renders")
        .content;
    assert!(html.contains(r#"href="https://www.youtube.com/watch?v=abc_-9""#), "{html}");
    assert!(!html.contains("<iframe") && !html.contains("src="), "nothing is fetched from elsewhere: {html}");
}

#[test]
fn an_address_that_would_run_a_script_leads_nowhere() {
    let world = World::of("video");
    let values = json!({ "html5_sources": ["javascript:alert(1)"], "handout": " JavaScript:alert(1)" });
    let html = world.block(&values).view("student_view", &world).expect("it renders").content;
    assert!(!html.to_lowercase().contains("javascript:"), "{html}");
}

#[test]
fn a_public_view_remembers_nothing() {
    let world = World::of("video");
    let fragment = world.block(&values()).view("public_view", &world).expect("it renders");
    assert_eq!((fragment.js_init_fn, fragment.content.contains("<video")), (None, true));
}

#[test]
fn transcripts_come_in_the_form_that_is_asked_for() {
    let world = World::of("video").with_asset("day-en.srt", SUBRIP);
    let vtt = transcript(&world, "webvtt/en", &[]);
    assert_eq!(vtt.content_type, "text/vtt; charset=utf-8");
    assert_eq!(vtt.body, b"WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nHigh &amp; dry\n");
    let download = transcript(&world, "download", &[("lang", "en")]);
    assert_eq!(download.body, SUBRIP.as_bytes());
    assert!(
        download
            .headers
            .contains(&("Content-Disposition".into(), "attachment; filename=\"q-en.srt\"".into()))
    );
    let sjson = transcript(&world, "translation/en", &[]);
    assert_eq!(json(&sjson.body), json!({ "start": [1000], "end": [2500], "text": ["High &amp; dry"] }));
    assert_eq!(json(&transcript(&world, "available_translations", &[]).body), json!(["en", "nb"]));
}

#[test]
fn a_transcript_that_is_not_there_is_not_found() {
    let world = World::of("video").with_asset("day-en.srt", SUBRIP);
    for suffix in ["webvtt/nb", "webvtt/fr", "webvtt/../secret", "translation/de", "nothing"] {
        assert_eq!(transcript(&world, suffix, &[]).status, 404, "{suffix}");
    }
}

#[test]
fn an_old_transcript_is_found_by_its_id() {
    let world = World::of("video")
        .with_asset("subs_day1.srt.sjson", r#"{"start": [0], "end": [900], "text": ["Low"]}"#);
    let block = world.block(&json!({ "sub": "day1" }));
    let response = block.handle("transcript", &get("webvtt/en", &[]), &world).expect("it is answered");
    assert_eq!(response.body, b"WEBVTT\n\n00:00:00.000 --> 00:00:00.900\nLow\n");
}

#[test]
fn the_player_reports_where_the_learner_is() {
    let world = World::of("video");
    let block = world.block(&values());
    let form = "saved_video_position=00%3A01%3A30&speed=1.5&transcript_download_format=txt&other=1";
    let response =
        block.handle("ajax_handler", &post("save_user_state", form), &world).expect("it is answered");
    assert_eq!(json(&response.body), json!({ "success": true }));
    assert_eq!(block.fields().json("saved_video_position").expect("it is set"), "00:01:30");
    assert_eq!(block.fields().float("global_speed").expect("it is set"), Some(1.5));
    let response =
        block.handle("ajax_handler", &post("save_user_state", "speed=NaN"), &world).expect("it is answered");
    assert_eq!(json(&response.body)["success"], false);
    assert!(
        block.handle("ajax_handler", &post("save_user_state", "saved_video_position=soon"), &world).is_err()
    );
}

#[test]
fn completion_is_published_between_zero_and_one() {
    let world = World::of("video");
    let block = world.block(&values());
    let mut request = post("", r#"{"completion": 1.0}"#);
    request.content_type = "application/json".into();
    let response = block.handle("publish_completion", &request, &world).expect("it is answered");
    assert_eq!(json(&response.body), json!({ "result": "ok" }));
    assert_eq!(*world.events.borrow(), [Event::Completion(Completion { completion: 1.0 })]);
    request.body = br#"{"completion": 1.5}"#.to_vec();
    assert_eq!(block.handle("publish_completion", &request, &world).expect("it is answered").status, 400);
}

#[test]
fn languages_without_a_file_are_reported_to_the_author() {
    let world = World::of("video");
    assert_eq!(
        world.block(&values()).validate().messages,
        [ValidationMessage::warning("There is no transcript file associated with the français language.")]
    );
}

#[test]
fn a_transcript_that_is_no_utf8_is_refused_by_name() {
    let mut world = World::of("video");
    world.assets.insert("day-nb.srt".into(), b"1\n00:00:01,000 --> 00:00:02,500\nFl\xf8\n".to_vec());
    for suffix in ["webvtt/nb", "translation/nb"] {
        let response = transcript(&world, suffix, &[]);
        let text = String::from_utf8_lossy(&response.body).into_owned();
        assert_eq!(response.status, 422, "{suffix}: {text}");
        assert!(text.contains("day-nb.srt") && text.contains("not UTF-8"), "{suffix}: {text}");
    }
}
