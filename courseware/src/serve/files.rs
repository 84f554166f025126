//! Static files: those of courses, with ranges and validators, and the page's own.

use std::ops::Range;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use runtime_blockstore::guess_mime_type;
use xblock_core::keys::AssetKey;

use super::signing::Refused;
use super::{Site, blocking, pages};

/// Answers `/asset/KEY?expires=...&signature=...`.
pub(super) async fn asset(
    State(site): State<Site>,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match site.signer.check(&key, query.as_deref().unwrap_or_default()) {
        Ok(()) => {}
        Err(Refused::NotSigned) => {
            return pages::failure(StatusCode::FORBIDDEN, "This address was not made by this server.");
        }
        Err(Refused::Expired) => {
            return pages::failure(
                StatusCode::FORBIDDEN,
                "This address was good for an hour. Load the page again that led here.",
            );
        }
    }
    let Ok(key) = key.parse::<AssetKey>() else {
        return pages::failure(StatusCode::NOT_FOUND, "This is not the key of a static file.");
    };
    let host = site.host.clone();
    let tag_seen =
        headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let read = blocking(move || {
        let record = host.runtime.asset(&key, host.branch)?;
        let tag = format!("\"{}\"", record.digest);
        let fresh = tag_seen.is_some_and(|seen| names(&seen, &tag));
        let bytes = if fresh { None } else { Some(host.runtime.read_asset(&key, host.branch)?) };
        Ok::<_, xblock_core::runtime::RuntimeError>((record, tag, bytes))
    });
    let (record, tag, bytes) = match read.await {
        Ok(Ok(read)) => read,
        Ok(Err(error)) => return pages::refusal(&error.into()),
        Err(response) => return response,
    };
    let Some(bytes) = bytes else { return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response() };
    let content_type = record
        .data
        .content_type
        .or_else(|| guess_mime_type(&record.data.display_name).map(|guess| guess.to_string()))
        .unwrap_or_else(|| "application/octet-stream".into());
    // A part is wanted of the file as it was seen before; of another one all of it (RFC 9110, 13.1.5).
    let is_as_seen = headers.get(header::IF_RANGE).is_none_or(|seen| seen.as_bytes() == tag.as_bytes());
    let wanted = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).filter(|_| is_as_seen);
    let mut response = match wanted.map(|wanted| byte_range(wanted, bytes.len())) {
        Some(Some(Ok(range))) => {
            let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, bytes.len());
            (StatusCode::PARTIAL_CONTENT, [(header::CONTENT_RANGE, content_range)], bytes[range].to_vec())
                .into_response()
        }
        Some(Some(Err(OutsideFile))) => {
            let content_range = format!("bytes */{}", bytes.len());
            return (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, content_range)])
                .into_response();
        }
        Some(None) | None => bytes.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [(header::CONTENT_TYPE, content_type), (header::ETAG, tag)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// Says whether a list of entity tags has one (RFC 9110, 13.1.2).
fn names(list: &str, tag: &str) -> bool {
    list.trim() == "*" || list.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
}

/// A range that begins behind the end of the file.
#[derive(Debug, PartialEq, Eq)]
struct OutsideFile;

/// Reads a `Range` header with one range. Anything else is none, and the whole file is the answer (RFC 9110, 14.2).
fn byte_range(header: &str, length: usize) -> Option<Result<Range<usize>, OutsideFile>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let count: usize = last.parse().ok()?;
        if count == 0 || length == 0 {
            return Some(Err(OutsideFile));
        }
        return Some(Ok(length.saturating_sub(count)..length));
    }
    let first: usize = first.parse().ok()?;
    let end = if last.is_empty() { length } else { last.parse::<usize>().ok()?.checked_add(1)?.min(length) };
    if first >= length {
        return Some(Err(OutsideFile));
    }
    if first >= end {
        return None;
    }
    Some(Ok(first..end))
}

/// Answers `/web/NAME`: the style sheet and the script of the pages.
pub(super) async fn web(Path(name): Path<String>) -> Response {
    let (content_type, text) = match name.as_str() {
        "style.css" => ("text/css; charset=utf-8", include_str!("../../web/style.css")),
        "runtime.js" => ("text/javascript; charset=utf-8", include_str!("../../web/runtime.js")),
        _ => return pages::nowhere().await,
    };
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_in_lists() {
        for list in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(names(list, "\"a\""), "{list}");
        }
        assert!(!names("\"b\"", "\"a\"") && !names("a", "\"a\"") && !names("", "\"a\""));
    }

    #[test]
    fn ranges_follow_the_standard() {
        assert_eq!(byte_range("bytes=0-3", 10), Some(Ok(0..4)));
        assert_eq!(byte_range("bytes=4-", 10), Some(Ok(4..10)));
        assert_eq!(byte_range("bytes=-3", 10), Some(Ok(7..10)));
        assert_eq!(byte_range("bytes=-30", 10), Some(Ok(0..10)));
        assert_eq!(byte_range("bytes=8-99", 10), Some(Ok(8..10)));
        assert_eq!(byte_range("bytes=10-", 10), Some(Err(OutsideFile)));
        assert_eq!(byte_range("bytes=-0", 10), Some(Err(OutsideFile)));
        for nonsense in
            ["bytes=5-2", "bytes=a-b", "bytes=0-1,3-4", "lines=0-1", "bytes=0-18446744073709551615"]
        {
            assert_eq!(byte_range(nonsense, 10), None, "{nonsense}");
        }
    }
}
