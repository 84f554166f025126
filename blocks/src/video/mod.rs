//! `video`: a video with its transcripts.

mod handlers;
mod languages;
mod olx;
mod olx_write;
mod source;
mod transcript;
mod view;

use xblock_core::block::{BlockContext, BlockError, ValidationMessage, XBlock};
use xblock_core::fields::BlockFields;
use xblock_core::fragment::Fragment;
use xblock_core::services::I18nService;

use self::olx::VideoOlx;
use view::State;

/// A video (blocks reference, section 5).
#[derive(XBlock)]
#[xblock(
    type = "video",
    aliases("videoalpha"),
    icon = "video",
    custom_completion,
    olx = VideoOlx,
    views(student_view, public_view, author_view = student_view),
    handlers(transcript, ajax_handler, xmodule_handler = ajax_handler, publish_completion),
    validate = warnings,
    wants(dyn I18nService),
)]
#[field(auto_advance: Boolean = true, scope = preferences, help = "Whether the next unit opens when a video ends.")]
#[field(bumper_do_not_show_again: Boolean = false, scope = preferences, help = "Whether the learner skips the pre-roll video for good.")]
#[field(bumper_last_view_date: DateTime, scope = preferences, help = "When the learner last saw the pre-roll video.")]
#[field(data: String = "", scope = content, hidden, help = "Unused; kept for old content.")]
#[field(display_name: Option<String> = "Video", scope = settings, display_name = "Component Display Name",
    help = "The name of the video.")]
#[field(download_track: Boolean = false, scope = settings, display_name = "Download Transcript Allowed",
    help = "Whether learners can download a transcript.")]
#[field(download_video: Boolean = false, scope = settings, display_name = "Video Download Allowed",
    help = "Whether learners can download the video.")]
#[field(edx_video_id: String = "", scope = settings, display_name = "Video ID",
    help = "The id of the video in the platform's video store.")]
#[field(end_time: RelativeTime = "00:00:00", scope = settings, display_name = "Video Stop Time",
    help = "Where the video stops, as HH:MM:SS.")]
#[field(global_speed: Float = 1.0, scope = preferences, help = "The speed of videos the learner chose no speed for.")]
#[field(handout: Option<String>, scope = settings, display_name = "Upload Handout",
    help = "A file that goes with the video.")]
#[field(html5_sources: List = [], scope = settings, display_name = "Video File URLs",
    help = "Where the video is, in several formats.")]
#[field(license: Option<String> = null, scope = content, display_name = "License",
    help = "The licence of the video.")]
#[field(only_on_web: Boolean = false, scope = settings, display_name = "Video Available on Web Only",
    help = "Whether the video is kept out of the mobile applications.")]
#[field(public_access: Boolean = false, scope = settings, display_name = "Public Access",
    help = "Whether the video can be shared with people outside the course.")]
#[field(saved_video_position: RelativeTime = "00:00:00", scope = user_state, help = "Where the learner stopped.")]
#[field(show_captions: Boolean = true, scope = settings, display_name = "Show Transcript",
    help = "Whether the transcript is shown with the video at first.")]
#[field(speed: Option<Float>, scope = user_state, help = "The speed the learner chose for this video.")]
#[field(start_time: RelativeTime = "00:00:00", scope = settings, display_name = "Video Start Time",
    help = "Where the video starts, as HH:MM:SS.")]
#[field(sub: String = "", scope = settings, display_name = "Default Timed Transcript",
    help = "The id of the English transcript.", deprecated)]
#[field(thumbnail: String = "", scope = settings, display_name = "Thumbnail", help = "The image shown before the video plays.")]
#[field(track: String = "", scope = settings, display_name = "Downloadable Transcript URL",
    help = "Where a transcript can be downloaded.")]
#[field(transcript_download_format: String = "srt", scope = preferences, display_name = "Transcript Download Format",
    values = {"SubRip (.srt) file": "srt", "Text (.txt) file": "txt"}, help = "In which format the learner downloads transcripts.")]
#[field(transcript_language: String = "en", scope = preferences, help = "The language the learner chose for transcripts.")]
#[field(transcripts: Dict = {}, scope = settings, display_name = "Transcript Languages",
    help = "The transcript files by language.")]
#[field(youtube_id_0_75: String = "", scope = settings, display_name = "YouTube ID for .75x speed",
    help = "The video at three quarters of its speed.")]
#[field(youtube_id_1_0: String = "3_yD_cEKoCk", scope = settings, display_name = "YouTube ID",
    help = "The video at YouTube.")]
#[field(youtube_id_1_25: String = "", scope = settings, display_name = "YouTube ID for 1.25x speed",
    help = "The video at five quarters of its speed.")]
#[field(youtube_id_1_5: String = "", scope = settings, display_name = "YouTube ID for 1.5x speed",
    help = "The video at one and a half times its speed.")]
#[field(youtube_is_available: Boolean = true, scope = user_info, help = "Whether the learner can reach YouTube.")]
pub struct VideoBlock {
    fields: BlockFields,
}

impl VideoBlock {
    fn student_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        view::render(self, context, State::Kept)
    }

    fn public_view(&self, context: &dyn BlockContext) -> Result<Fragment, BlockError> {
        view::render(self, context, State::Forgotten)
    }

    fn warnings(&self) -> Vec<ValidationMessage> {
        let Ok(transcripts) = self.transcripts() else {
            return Vec::new();
        };
        let mut missing: Vec<&str> = transcripts
            .iter()
            .filter(|(_, file)| !file.is_truthy())
            .filter_map(|(language, _)| language.as_str())
            .map(languages::name)
            .collect();
        missing.sort_unstable();
        let text = match missing.as_slice() {
            [] => return Vec::new(),
            [one] => format!("There is no transcript file associated with the {one} language."),
            several => {
                let names = several.join(", ");
                format!("There are no transcript files associated with the {names} languages.")
            }
        };
        vec![ValidationMessage::warning(text)]
    }
}
