//! Static files: those that are named and not there, those that are there and not named.

use std::collections::{HashMap, HashSet};

use aho_corasick::AhoCorasick;
use unicode_normalization::UnicodeNormalization;
use xblock_core::fields::Json;
use xblock_core::keys::clean_asset_name;
use xblock_core::olx::Severity;

use crate::check::codes::{LINK_AS_TEXT, MISSING_ASSET, NO_STATIC_FILES, UNUSED_ASSET};
use crate::check::course::{Course, File};
use crate::check::findings::Findings;
use crate::check::links::{Link, LinkKind, find};

/// The library that scripts of problems import from.
const PYTHON_LIB: &str = "python_lib.zip";

/// Endings of static files that may name other static files.
const READABLE: [&str; 9] = ["html", "htm", "css", "js", "xml", "json", "svg", "txt", "md"];

/// Endings of files too large to read for little.
const LARGE: [&str; 14] =
    ["7z", "avi", "gz", "iso", "m4v", "mkv", "mov", "mp3", "mp4", "ogg", "ogv", "wav", "webm", "zip"];

/// The longest path a link that was copied as text may hold.
const LONGEST_LINK: usize = 4096;

/// Larger files are not looked through for names.
const LARGEST_READ: usize = 16 << 20;

/// Says whether a file is no larger than that, as far as is known without reading it.
fn is_at_most(course: &Course<'_>, path: &str, limit: usize) -> bool {
    course.source.size(path).is_ok_and(|size| size.is_none_or(|size| size <= limit as u64))
}

/// Checks what pages name and what the package has.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    missing(course, findings);
    links_as_text(course, findings);
    unused(course, findings);
}

fn missing(course: &Course<'_>, findings: &mut Findings) {
    // Such courses have their files in another place.
    let is_elsewhere = course.package.published.values().any(|data| {
        data.settings.get("static_asset_path").and_then(Json::as_str).is_some_and(|path| !path.is_empty())
    });
    if is_elsewhere {
        return;
    }
    let mut links: Vec<(&File, Link)> = Vec::new();
    for file in course.files.values().filter(|file| !file.text.path().ends_with(".json")) {
        let found = file.links().into_iter();
        links.extend(found.filter(|link| is_missing(link, course)).map(|link| (file, link)));
    }
    if course.package.assets.is_empty() && links.len() > 1 {
        let files: HashSet<&str> = links.iter().map(|(_, link)| link.target.as_str()).collect();
        let message =
            format!("{} links name {} static files, and the package has none", links.len(), files.len());
        findings.report_package(&NO_STATIC_FILES, message);
        return;
    }
    let paths = course.package.assets.iter().map(|asset| asset.path.as_str());
    let nearly: HashMap<String, &str> = match links.is_empty() {
        true => HashMap::new(),
        false => {
            paths.map(|path| (plain(path.split_once('/').map_or(path, |(_, path)| path)), path)).collect()
        }
    };
    for (file, link) in links {
        let mut message = format!("static/{} does not exist", link.target);
        if let Some(other) = nearly.get(&plain(&link.target)) {
            message = format!("{message}; did you mean {other}?");
        }
        let severity = if may_be_platform(&link.target) { Severity::Note } else { MISSING_ASSET.severity };
        findings.report_as(&MISSING_ASSET, severity, &file.text, link.offset, message);
    }
}

/// Brings the path of a static file to a form in which small and capital letters, blanks and forms of accents are the
/// same.
fn plain(path: &str) -> String {
    let letters = path.nfc().filter(|c| c.is_alphanumeric() || matches!(c, '.' | '/'));
    letters.flat_map(char::to_lowercase).collect()
}

/// Finds files that hold nothing but a path: symbolic links that were copied as text.
fn links_as_text(course: &Course<'_>, findings: &mut Findings) {
    let is_large = |path: &str| {
        let ending = path.rsplit('.').next().unwrap_or_default().to_lowercase();
        LARGE.contains(&ending.as_str()) && !path.ends_with(PYTHON_LIB)
    };
    for asset in course.package.assets.iter().filter(|asset| !is_large(&asset.path)) {
        if is_at_most(course, &asset.path, LONGEST_LINK)
            && let Ok(Some(bytes)) = course.source.read(&asset.path)
            && let Some(target) = link_target(&asset.path, &bytes)
        {
            let message = format!("the file holds nothing but the path {target}");
            findings.report_file(&LINK_AS_TEXT, LINK_AS_TEXT.severity, &asset.path, message);
        }
    }
}

/// Returns the path that is all a file holds, if it leads to a file of the same name.
pub(super) fn link_target<'b>(path: &str, bytes: &'b [u8]) -> Option<&'b str> {
    let text = std::str::from_utf8(bytes.get(..bytes.len().min(LONGEST_LINK))?).ok()?.trim();
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_path = text.starts_with("../") || text.starts_with("./") || text.starts_with('/');
    (bytes.len() < LONGEST_LINK && is_path && !text.contains('\n') && text.rsplit('/').next() == Some(name))
        .then_some(text)
}

fn is_missing(link: &Link, course: &Course<'_>) -> bool {
    let is_plain = !link.target.is_empty()
        // Files of blocks themselves, and files the platform is asked to leave alone.
        && !link.target.starts_with("xblock/")
        && !link.written.ends_with("?raw")
        // What a script completes.
        && !link.written.contains(['$', '{', '}'])
        && !link.target.ends_with('/');
    link.kind == LinkKind::Static && is_plain && !course.has_asset(&link.target)
}

/// Says whether a file may be one of the platform's own, which it serves where a course has none of the name.
fn may_be_platform(path: &str) -> bool {
    const FOLDERS: [&str; 7] = ["bundles", "common", "css", "fonts", "images", "js", "xmodule"];
    path.split_once('/').is_some_and(|(folder, _)| FOLDERS.contains(&folder))
}

fn unused(course: &Course<'_>, findings: &mut Findings) {
    let mut uses = Uses::new(course);
    for file in course.files.values() {
        uses.read(&file.text.text, None);
    }
    // Settings that policies, or the platform's defaults, give a course name files, too.
    for (_, data) in course.all_blocks() {
        for (_, value) in data.settings.iter().chain(&data.content) {
            if let Json::String(text) = value {
                uses.read(text, None);
            } else if value.is_object() || value.is_array() {
                uses.read(&value.to_string(), None);
            }
        }
    }
    let has_script = course.files.values().any(|file| file.text.text.contains("<script"));
    for asset in &course.package.assets {
        let ending = asset.path.rsplit('.').next().unwrap_or_default().to_lowercase();
        if READABLE.contains(&ending.as_str())
            && is_at_most(course, &asset.path, LARGEST_READ)
            && let Ok(Some(bytes)) = course.source.read(&asset.path)
        {
            uses.read(&String::from_utf8_lossy(&bytes), Some(asset.key.path()));
        }
    }
    for asset in &course.package.assets {
        let name = asset.key.path();
        let is_library = name == PYTHON_LIB && has_script;
        // Transcripts are found by the video's id and language; `video` says which are missing.
        if uses.found.contains(name) || is_library || is_transcript(name, course) {
            continue;
        }
        findings.report_file(&UNUSED_ASSET, UNUSED_ASSET.severity, &asset.path, "no page names this file");
    }
}

/// Says whether a file is one of a video's transcripts, which are named by the video.
fn is_transcript(name: &str, course: &Course<'_>) -> bool {
    let Some(name) = name.strip_prefix("subs_") else { return false };
    let name = name.trim_end_matches(".srt.sjson");
    course.of_type("video").any(|(_, data)| {
        let is = |field: &str| {
            data.settings
                .get(field)
                .and_then(Json::as_str)
                .is_some_and(|id| !id.is_empty() && name.ends_with(id))
        };
        is("sub") || is("youtube_id_1_0")
    })
}

/// The static files that are named somewhere.
struct Uses<'c> {
    /// Keys by the ways in which files are named: by path, by name alone, cleaned or not.
    names: HashMap<String, Vec<&'c str>>,
    found: HashSet<&'c str>,
    /// The keys of files whose names have blanks and the like, and what finds the names in a text.
    spaced: Vec<&'c str>,
    finder: Option<AhoCorasick>,
}

impl<'c> Uses<'c> {
    fn new(course: &Course<'c>) -> Self {
        let mut uses =
            Self { names: HashMap::new(), found: HashSet::new(), spaced: Vec::new(), finder: None };
        let mut spaced = Vec::new();
        for asset in &course.package.assets {
            let path = asset.path.split_once('/').map_or(asset.path.as_str(), |(_, path)| path);
            let file = path.rsplit('/').next().unwrap_or(path);
            let key = asset.key.path();
            for name in [path.to_owned(), file.to_owned(), key.to_owned(), clean_asset_name(file)] {
                let keys = uses.names.entry(name).or_default();
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
            if file.contains(is_end) {
                uses.spaced.push(key);
                spaced.push(file);
            }
        }
        // Names too many or too long for it are found in links only.
        uses.finder = AhoCorasick::new(spaced).ok();
        uses
    }

    /// Takes note of what a text names; a file does not use itself.
    fn read(&mut self, text: &str, own: Option<&str>) {
        for link in find(text)
            .iter()
            .filter(|link| matches!(link.kind, LinkKind::Static | LinkKind::Asset | LinkKind::OldAsset))
        {
            let name = link.target.rsplit(['@', '/']).next().unwrap_or_default();
            self.take(&link.target, own);
            self.take(&clean_asset_name(&link.target), own);
            self.take(name, own);
        }
        for word in text.split(is_end).filter(|word| word.contains('.')) {
            let name = word.rsplit(['/', '@']).next().unwrap_or(word);
            self.take(name, own);
            if name.contains('%')
                && let Ok(decoded) = percent_encoding::percent_decode_str(name).decode_utf8()
            {
                self.take(&decoded, own);
            }
            // A sentence ends with a full stop, too.
            self.take(name.trim_end_matches('.'), own);
        }
        for found in self.finder.iter().flat_map(|finder| finder.find_overlapping_iter(text)) {
            let key = self.spaced[found.pattern().as_usize()];
            if own != Some(key) {
                self.found.insert(key);
            }
        }
    }

    fn take(&mut self, name: &str, own: Option<&str>) {
        if let Some(keys) = self.names.get(name) {
            self.found.extend(keys.iter().filter(|key| own != Some(**key)));
        }
    }
}

/// Says whether a character ends the name of a file in a text.
fn is_end(character: char) -> bool {
    character.is_whitespace() || "\"'<>()[]{}|,;=&?#\\:!*`".contains(character)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn names_that_look_alike_are_brought_to_one_form() {
        for (name, other) in [
            ("Pic.PNG", "pic.png"),
            ("two words.pdf", "two_words.pdf"),
            ("caf\u{e9}.jpg", "cafe\u{301}.jpg"),
            ("a/b.css", "A/b.css"),
        ] {
            assert_eq!(plain(name), plain(other));
        }
        assert_ne!(plain("a/b.css"), plain("ab.css"));
        assert_ne!(plain("caf\u{e9}.jpg"), plain("cafe.jpg"));
    }
}
