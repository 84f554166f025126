//! Videos: something to play, and transcripts that are there.

use xblock_core::fields::Json;
use xblock_core::runtime::BlockData;

use crate::check::codes::{MISSING_TRANSCRIPT, VIDEO_WITHOUT_SOURCE, VIDEO_WITHOUT_TRANSCRIPT};
use crate::check::course::{BlockPlace, Course};
use crate::check::findings::Findings;

/// The fields that name what is played.
const SOURCES: [&str; 7] = [
    "youtube_id_0_75",
    "youtube_id_1_0",
    "youtube_id_1_25",
    "youtube_id_1_5",
    "html5_sources",
    "source",
    "edx_video_id",
];

/// Checks every video.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    for (usage, data) in course.of_type("video") {
        let Some(place) = course.place(usage) else { continue };
        let element = place.element.span().range().start;
        if !SOURCES.iter().any(|name| is_set(data, name)) {
            let message = "the video names nothing to play".to_owned();
            findings.report(&VIDEO_WITHOUT_SOURCE, &place.file.text, element, message);
        }
        let files = transcripts(data);
        if files.is_empty()
            && !is_set(data, "track")
            && !is_set(data, "edx_video_id")
            && !has_transcript(place)
        {
            findings.report(
                &VIDEO_WITHOUT_TRANSCRIPT,
                &place.file.text,
                element,
                "the video has no transcript",
            );
        }
        for (language, file) in files.into_iter().filter(|(_, file)| !course.has_asset(file)) {
            let offset = written(place, &file).unwrap_or(element);
            let message = format!("static/{file}, the transcript for {language:?}, does not exist");
            findings.report(&MISSING_TRANSCRIPT, &place.file.text, offset, message);
        }
    }
}

fn is_set(data: &BlockData, name: &str) -> bool {
    match data.settings.get(name).or_else(|| data.content.get(name)) {
        Some(Json::String(text)) => !text.trim().is_empty(),
        Some(Json::Array(items)) => !items.is_empty(),
        Some(value) => !value.is_null(),
        None => false,
    }
}

/// Lists the languages and files of a video's transcripts.
fn transcripts(data: &BlockData) -> Vec<(String, String)> {
    let mut files = Vec::new();
    if let Some(sub) = data.settings.get("sub").and_then(Json::as_str).filter(|sub| !sub.is_empty()) {
        files.push(("en".to_owned(), format!("subs_{sub}.srt.sjson")));
    }
    for (language, file) in data.settings.get("transcripts").and_then(Json::as_object).into_iter().flatten() {
        if let Some(file) = file.as_str().filter(|file| !file.is_empty()) {
            files.push((language.clone(), file.to_owned()));
        }
    }
    files
}

fn has_transcript(place: &BlockPlace<'_>) -> bool {
    place.element.elements().any(|child| matches!(&*child.name, "transcript" | "track"))
}

/// Finds where a video names a file.
fn written(place: &BlockPlace<'_>, file: &str) -> Option<usize> {
    let span = place.element.span().range();
    let element = place.file.text.text.get(span.clone())?;
    let name = file.strip_prefix("subs_").and_then(|name| name.strip_suffix(".srt.sjson")).unwrap_or(file);
    element.find(name).map(|at| span.start + at)
}
