//! Addresses of videos and of what belongs to them.

use xblock_core::block::BlockContext;

/// Returns the address for a value that may name a file of the course: `/static/a.mp4`, or an asset key with a slash
/// before it; anything else is an address already. Addresses that would run a script lead nowhere.
pub(super) fn url(value: &str, context: &dyn BlockContext) -> String {
    let value = value.trim();
    if let Some(path) = value.strip_prefix("/static/") {
        return context.asset_url(path);
    }
    if (value.starts_with("/asset-v1:") || value.starts_with("/c4x/") || value.starts_with("asset-v1:"))
        && let Some(name) = value.rsplit(['@', '/']).next()
    {
        return context.asset_url(name);
    }
    let scheme =
        value.split(['/', '?', '#']).next().and_then(|start| start.split_once(':')).map(|(scheme, _)| scheme);
    match scheme {
        None => value.to_owned(),
        Some(scheme) if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => {
            value.to_owned()
        }
        Some(_) => String::from("about:blank"),
    }
}

/// Tells whether an address is that of an HLS playlist.
pub(super) fn is_stream(url: &str) -> bool {
    path(url).to_lowercase().ends_with(".m3u8")
}

/// Returns the media type that the ending of an address stands for.
pub(super) fn media_type(url: &str) -> Option<&'static str> {
    let path = path(url).to_lowercase();
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension {
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "ogv" | "ogg" => "video/ogg",
        "mov" => "video/quicktime",
        "m3u8" => "application/vnd.apple.mpegurl",
        "mp3" => "audio/mpeg",
        _ => return None,
    })
}

/// Adds the part of the video to be played (W3C Media Fragments, section 4.2.1), seconds with 0 for the whole.
pub(super) fn with_range(url: &str, start: f64, end: f64) -> String {
    let start = start.max(0.0);
    if url.contains('#') {
        url.to_owned()
    } else if end > start {
        format!("{url}#t={start},{end}")
    } else if start > 0.0 {
        format!("{url}#t={start}")
    } else {
        url.to_owned()
    }
}

fn path(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_come_from_the_path_alone() {
        assert_eq!(media_type("https://a.example/b.MP4?x=.webm"), Some("video/mp4"));
        assert_eq!(media_type("https://a.example/watch"), None);
        assert!(is_stream("/a/b.m3u8?token=1"));
    }

    #[test]
    fn a_range_needs_an_end_after_its_start() {
        assert_eq!(with_range("a.mp4", 0.0, 30.0), "a.mp4#t=0,30");
        assert_eq!(with_range("a.mp4", 5.5, 3.0), "a.mp4#t=5.5");
        assert_eq!(with_range("a.mp4", 0.0, 0.0), "a.mp4");
    }
}
