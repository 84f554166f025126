//! What a learner sees of a video: a player that every browser has, captions, and what can be downloaded.

use xblock_core::block::{BlockContext, BlockError, XBlock};
use xblock_core::fields::Value;
use xblock_core::fragment::Fragment;

use super::{VideoBlock, languages, source};
use crate::name;
use crate::setting::or_default;
use crate::template::{self, context};
use crate::words::Words;

/// Whether the rendering may remember where the learner was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// For a learner of the course.
    Kept,
    /// For anybody.
    Forgotten,
}

/// Renders the video.
///
/// Nothing is asked of another site before somebody follows a link to it: a video that is only at YouTube is a link.
pub(super) fn render(
    block: &VideoBlock,
    context: &dyn BlockContext,
    state: State,
) -> Result<Fragment, BlockError> {
    let (start, end) = (
        or_default(block, block.start_time())?.total_seconds(),
        or_default(block, block.end_time())?.total_seconds(),
    );
    let urls: Vec<String> = or_default(block, block.html5_sources())?
        .iter()
        .filter_map(Value::as_str)
        .filter(|url| !url.trim().is_empty())
        .map(|url| source::url(url, context))
        .collect();
    let download = if or_default(block, block.download_video())? {
        urls.iter().find(|url| !source::is_stream(url)).cloned()
    } else {
        None
    };
    let sources: Vec<_> = urls
        .iter()
        .map(|url| context! { url => source::with_range(url, start, end), type => source::media_type(url) })
        .collect();

    let languages = block.transcript_languages()?;
    let preferred = or_default(block, block.transcript_language())?;
    let shown = if !or_default(block, block.show_captions())? {
        None
    } else {
        languages.iter().find(|language| **language == *preferred).or_else(|| languages.first())
    };
    let tracks: Vec<_> = languages
        .iter()
        .map(|language| {
            context! {
                url => context.handler_url("transcript", &format!("webvtt/{language}")),
                language,
                label => languages::name(language),
                default => Some(language) == shown,
            }
        })
        .collect();
    let track = or_default(block, block.track())?;
    let (track_url, downloads) = match (or_default(block, block.download_track())?, track.is_empty()) {
        (false, _) => (None, Vec::new()),
        (true, false) => (Some(source::url(&track, context)), Vec::new()),
        (true, true) => (None, download_links(&languages, context)),
    };

    let position = if state == State::Kept {
        or_default(block, block.saved_video_position())?.total_seconds()
    } else {
        0.0
    };
    let html = template::render(
        "video.html",
        &Words::of(context),
        context! {
            name => name::shown(block.fields(), context.usage()),
            sources,
            tracks,
            youtube => youtube(block, urls.is_empty())?,
            poster => Some(or_default(block, block.thumbnail())?).filter(|url| !url.is_empty()).map(|url| source::url(&url, context)),
            download,
            track_url,
            downloads,
            handout => or_default(block, block.handout())?.filter(|url| !url.is_empty()).map(|url| source::url(&url, context)),
            position,
            end,
        },
    );
    let mut fragment = Fragment::new(html);
    fragment.add_css(include_str!("video.css"));
    if state == State::Kept {
        fragment.add_javascript(include_str!("video.js"));
        fragment.initialize_js("XBlockRuntimeVideo", None);
    }
    Ok(fragment)
}

fn download_links(languages: &[String], context: &dyn BlockContext) -> Vec<minijinja::Value> {
    let base = context.handler_url("transcript", "download");
    let separator = if base.contains('?') { '&' } else { '?' };
    languages
        .iter()
        .map(|language| {
            context! { url => format!("{base}{separator}lang={language}"), language, label => languages::name(language) }
        })
        .collect()
}

/// Returns the address at YouTube. The id every video has by default is somebody else's, so it counts only where it
/// was chosen or where there is nothing else.
fn youtube(block: &VideoBlock, is_only: bool) -> Result<Option<String>, BlockError> {
    let id = or_default(block, block.youtube_id_1_0())?;
    let is_chosen = block.fields().is_set_on("youtube_id_1_0")?;
    let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    Ok((is_id && (is_chosen || is_only)).then(|| format!("https://www.youtube.com/watch?v={id}")))
}
