//! What a video's player asks: transcripts, the learner's position, completion (blocks reference, section 5.9).

use serde_json::json;
use xblock_core::block::{
    BlockContext, BlockError, Completion, Event, HandlerRequest, HandlerResponse, XBlock,
};
use xblock_core::fields::{Json, Value};

use super::VideoBlock;
use super::transcript::{Format, convert};
use crate::form;
use crate::setting::or_default;
use crate::words::Words;

impl VideoBlock {
    /// Answers `transcript/webvtt/LANGUAGE`, `transcript/translation/LANGUAGE`, `transcript/download?lang=LANGUAGE`
    /// and `transcript/available_translations`.
    pub(super) fn transcript(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        let (what, language) = request.suffix.split_once('/').unwrap_or((&request.suffix, ""));
        match what {
            "available_translations" => {
                let languages = self.transcript_languages()?;
                if languages.is_empty() {
                    Ok(not_found(context))
                } else {
                    Ok(HandlerResponse::json(&json!(languages)))
                }
            }
            "webvtt" => self.transcript_in(language, Format::Vtt, context),
            "translation" => self.translation(language, context),
            "download" => {
                let language =
                    request.query.iter().find(|(name, _)| name == "lang").map(|(_, value)| value.clone());
                let language = match language {
                    Some(language) => language,
                    None => self.default_language()?,
                };
                let format = if &*or_default(self, self.transcript_download_format())? == "txt" {
                    Format::Txt
                } else {
                    Format::Srt
                };
                let mut response = self.transcript_in(&language, format, context)?;
                if response.status == 200 {
                    let name = format!("{}-{language}.{}", context.usage().block_id(), format.extension());
                    let disposition = format!("attachment; filename=\"{}\"", file_name(&name));
                    response.headers.push(("Content-Disposition".into(), disposition));
                }
                Ok(response)
            }
            _ => Ok(not_found(context)),
        }
    }

    /// Answers with the platform's form of a transcript, and remembers that the learner chose this language.
    fn translation(&self, language: &str, context: &dyn BlockContext) -> Result<HandlerResponse, BlockError> {
        if context.user().is_none() {
            return Ok(HandlerResponse::error(
                403,
                &Words::of(context).gettext("Log in to choose a transcript"),
            ));
        }
        if language.is_empty() {
            return Ok(HandlerResponse::error(400, "Language is required."));
        }
        let response = self.transcript_in(language, Format::Sjson, context)?;
        if response.status == 200 {
            self.set_transcript_language(language)?;
        }
        Ok(response)
    }

    fn transcript_in(
        &self,
        language: &str,
        format: Format,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        if !self.transcript_languages()?.iter().any(|known| known == language) {
            return Ok(not_found(context));
        }
        for file in self.transcript_files(language)? {
            let content = match context.read_asset(&file) {
                Ok(content) => content,
                Err(BlockError::Runtime(error)) if error.is_not_found() => continue,
                Err(error) => return Err(error),
            };
            let stored = Format::sniff(&file, &String::from_utf8_lossy(&content));
            let text = match convert(&content, stored, format) {
                Ok(text) => text,
                // The file is the author's to mend; nothing here is broken.
                Err(error) => return Ok(HandlerResponse::error(422, &format!("{file}: {error}"))),
            };
            return Ok(HandlerResponse {
                status: 200,
                content_type: format.media_type().into(),
                headers: vec![("Content-Language".into(), language.to_owned())],
                body: text.into_bytes(),
            });
        }
        Ok(not_found(context))
    }

    /// Lists the languages with a transcript, in order of their codes; `sub` is an English one.
    pub(super) fn transcript_languages(&self) -> Result<Vec<String>, BlockError> {
        let mut languages: Vec<String> = or_default(self, self.transcripts())?
            .iter()
            .filter(|(_, file)| file.as_str().is_some_and(|file| !file.is_empty()))
            .filter_map(|(language, _)| language.as_str().map(str::to_owned))
            .collect();
        if !or_default(self, self.sub())?.is_empty() && !languages.iter().any(|language| language == "en") {
            languages.push("en".into());
        }
        languages.sort();
        Ok(languages)
    }

    fn default_language(&self) -> Result<String, BlockError> {
        let languages = self.transcript_languages()?;
        let preferred = or_default(self, self.transcript_language())?;
        Ok(languages
            .iter()
            .find(|language| **language == *preferred)
            .or_else(|| languages.iter().find(|language| *language == "en"))
            .or_else(|| languages.first())
            .cloned()
            .unwrap_or_else(|| "en".into()))
    }

    /// Lists the static files in which the transcript of a language may be, likely ones first.
    fn transcript_files(&self, language: &str) -> Result<Vec<String>, BlockError> {
        let mut files = Vec::new();
        if let Some(file) =
            or_default(self, self.transcripts())?.get(&Value::from(language)).and_then(Value::as_str)
            && !file.is_empty()
        {
            files.push(file.strip_prefix("static/").unwrap_or(file).to_owned());
        }
        let sources = or_default(self, self.html5_sources())?;
        let names = sources.iter().filter_map(Value::as_str).filter_map(|url| {
            let name = url.rsplit('/').next()?;
            Some(name.rsplit_once('.').map_or(name, |(name, _)| name).to_owned())
        });
        let ids =
            [or_default(self, self.sub())?.to_string(), or_default(self, self.youtube_id_1_0())?.to_string()];
        for id in ids.into_iter().chain(names).filter(|id| !id.is_empty()) {
            let prefix = if language == "en" { String::new() } else { format!("{language}_") };
            files.push(format!("{prefix}subs_{id}.srt.sjson"));
        }
        Ok(files)
    }

    /// Answers `ajax_handler/save_user_state`: remembers what the player reports of the learner.
    pub(super) fn ajax_handler(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        if request.suffix != "save_user_state" {
            return Ok(not_found(context));
        }
        for (name, value) in form::pairs(request)? {
            match name.as_str() {
                "saved_video_position" => self
                    .fields()
                    .set_json(&name, &Json::String(value))
                    .map_err(|error| BlockError::BadRequest { status: 400, message: error.to_string() })?,
                "speed" => {
                    let Some(speed) = value.trim().parse::<f64>().ok().filter(|speed| speed.is_finite())
                    else {
                        let error = format!("Invalid speed value {value}, must be a float.");
                        return Ok(HandlerResponse::json(&json!({ "success": false, "error": error })));
                    };
                    self.set_speed(speed)?;
                    self.set_global_speed(speed)?;
                }
                "auto_advance" => self.set_auto_advance(value == "true")?,
                "youtube_is_available" => self.set_youtube_is_available(value == "true")?,
                "bumper_do_not_show_again" => {
                    self.set_bumper_do_not_show_again(value.eq_ignore_ascii_case("true"))?;
                }
                "bumper_last_view_date" => {
                    let now = xblock_core::fields::DateTime::utc(context.now().naive_utc());
                    self.set_bumper_last_view_date(Value::from(now))?;
                }
                "transcript_language" => self.set_transcript_language(value)?,
                "transcript_download_format" => self.set_transcript_download_format(value)?,
                _ => {}
            }
        }
        Ok(HandlerResponse::json(&json!({ "success": true })))
    }

    /// Answers `publish_completion` with `{"completion": 0..1}`.
    pub(super) fn publish_completion(
        &self,
        request: &HandlerRequest,
        context: &dyn BlockContext,
    ) -> Result<HandlerResponse, BlockError> {
        let body: Json = request.json()?;
        let shown = body.get("completion").map_or_else(|| "None".into(), Json::to_string);
        let Some(completion) = body.get("completion").and_then(Json::as_f64) else {
            let message = format!("Invalid completion value {shown}. Must be a float in range [0.0, 1.0]");
            return Ok(HandlerResponse::error(400, &message));
        };
        if !(0.0..=1.0).contains(&completion) {
            let message = format!("Invalid completion value {shown}. Must be in range [0.0, 1.0]");
            return Ok(HandlerResponse::error(400, &message));
        }
        context.publish(Event::Completion(Completion { completion }));
        Ok(HandlerResponse::json(&json!({ "result": "ok" })))
    }
}

fn not_found(context: &dyn BlockContext) -> HandlerResponse {
    HandlerResponse::error(404, &Words::of(context).gettext("There is no such transcript."))
}

/// Keeps the characters of a file name that a header can hold without escaping.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '_' }).collect()
}
