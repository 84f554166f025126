//! Static files: those of courses, piece by piece, with ranges and validators, and the page's own.

use std::ops::Range;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::try_unfold;
use runtime_blockstore::guess_mime_type;
use xblock_core::keys::{AssetKey, UsageKey};
use xblock_core::runtime::{AssetReader, AssetStream, RuntimeError, RuntimeExt as _};

use super::signing::{Refused, block_file};
use super::{Site, blocking, pages};

/// Bytes of a part of a file that are in memory at once, for each request.
const PIECE: usize = 1024 * 1024;

/// Answers `/asset/KEY?expires=...&signature=...`.
pub(super) async fn asset(
    State(site): State<Site>,
    method: Method,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = refusal(&site, &key, query.as_deref()) {
        return refusal;
    }
    let Ok(key) = key.parse::<AssetKey>() else {
        return pages::failure(StatusCode::NOT_FOUND, "This is not the key of a static file.");
    };
    let host = site.host.clone();
    // Reading the store blocks, so the answer is made where that is allowed, with its first piece.
    let answered = blocking(move || {
        let key = host.runtime.asset_with_run(&key)?;
        let file = host.runtime.open_asset(&key, host.branch)?;
        answer(file, &method, &headers)
    });
    match answered.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => pages::refusal(&error.into()),
        Err(response) => response,
    }
}

/// Says no where an address is not one of this server's, or no longer.
fn refusal(site: &Site, signed: &str, query: Option<&str>) -> Option<Response> {
    let said = match site.signer.check(signed, query.unwrap_or_default()) {
        Ok(()) => return None,
        Err(Refused::NotSigned) => "This address was not made by this server.",
        Err(Refused::Expired) => "This address was good for an hour. Load the page again that led here.",
    };
    Some(pages::failure(StatusCode::FORBIDDEN, said))
}

/// Answers `/block-asset/USAGE/NAME?expires=...&signature=...`.
pub(super) async fn block_asset(
    State(site): State<Site>,
    method: Method,
    Path((usage, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = refusal(&site, &block_file(&usage, &name), query.as_deref()) {
        return refusal;
    }
    let Ok(usage) = usage.parse::<UsageKey>() else {
        return pages::failure(StatusCode::NOT_FOUND, "This is not the key of a block.");
    };
    let host = site.host.clone();
    let answered = blocking(move || {
        let usage = host.runtime.usage_with_run(&usage)?;
        let file = host.runtime.open_block_asset(&usage, &name, host.branch)?;
        answer(file, &method, &headers)
    });
    match answered.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => pages::refusal(&error.into()),
        Err(response) => response,
    }
}

/// Answers a request with a file, or with as much of it as was asked for.
fn answer(
    file: Box<dyn AssetReader>,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, RuntimeError> {
    let said = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let record = file.record();
    let length = record.length;
    let tag = format!("\"{}\"", record.digest);
    let content_type = record
        .data
        .content_type
        .clone()
        .or_else(|| guess_mime_type(&record.data.display_name).map(|guess| guess.to_string()))
        .unwrap_or_else(|| "application/octet-stream".into());
    // A part is wanted of the file as it was seen before; of another one all of it (RFC 9110, 13.1.5). Parts are for GET.
    let is_as_seen = headers.get(header::IF_RANGE).is_none_or(|seen| seen.as_bytes() == tag.as_bytes());
    let wanted = said(header::RANGE).filter(|_| is_as_seen && method == Method::GET);
    let mut response = if said(header::IF_NONE_MATCH).is_some_and(|seen| names(seen, &tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match wanted.and_then(|wanted| byte_range(wanted, length)) {
            Some(Err(OutsideFile)) => {
                let content_range = format!("bytes */{length}");
                (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, content_range)]).into_response()
            }
            Some(Ok(range)) => {
                let content_range = format!("bytes {}-{}/{length}", range.start, range.end - 1);
                let told = [
                    (header::CONTENT_RANGE, content_range),
                    (header::CONTENT_LENGTH, (range.end - range.start).to_string()),
                ];
                (StatusCode::PARTIAL_CONTENT, told, body(Pieces::Part(file, range))?).into_response()
            }
            None => {
                let told = [(header::CONTENT_LENGTH, length.to_string())];
                let whole = match *method {
                    // Who asks for the headers alone waits for no bytes.
                    Method::HEAD => Body::empty(),
                    _ => body(Pieces::Whole(Box::new(AssetStream::new(file))))?,
                };
                (told, whole).into_response()
            }
        }
    };
    let has_content = response.status().is_success();
    let headers = response.headers_mut();
    // Who wrote the file said its type, which may be anything.
    let content_type = HeaderValue::from_str(&content_type).ok().filter(|_| has_content);
    for (name, value) in
        [(header::CONTENT_TYPE, content_type), (header::ETAG, HeaderValue::from_str(&tag).ok())]
    {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

/// What is still to be sent of a file.
enum Pieces {
    /// All of it, proved at its end.
    Whole(Box<AssetStream>),
    /// The rest of a part of it.
    Part(Box<dyn AssetReader>, Range<u64>),
}

impl Pieces {
    fn next_piece(&mut self) -> Result<Option<Vec<u8>>, RuntimeError> {
        match self {
            Self::Whole(stream) => stream.next_piece(),
            Self::Part(file, rest) => {
                let length = usize::try_from(rest.end - rest.start).unwrap_or(usize::MAX).min(PIECE);
                let piece = file.read_at(rest.start, length)?;
                rest.start += piece.len() as u64;
                Ok(Some(piece).filter(|piece| !piece.is_empty()))
            }
        }
    }
}

/// Makes a body whose first piece is read now, so that a file that cannot be read is an answer of its own; each other
/// piece is read when the one before it is on its way. Where one fails the connection ends before its time.
fn body(mut pieces: Pieces) -> Result<Body, RuntimeError> {
    let first = pieces.next_piece()?;
    Ok(Body::from_stream(try_unfold((first, pieces), |(ready, mut pieces)| async move {
        if let Some(piece) = ready {
            return Ok::<_, axum::BoxError>(Some((piece, (None, pieces))));
        }
        let (piece, pieces) = tokio::task::spawn_blocking(move || (pieces.next_piece(), pieces)).await?;
        Ok(piece?.map(|piece| (piece, (None, pieces))))
    })))
}

/// Says whether a list of entity tags has one (RFC 9110, 13.1.2).
fn names(list: &str, tag: &str) -> bool {
    list.trim() == "*" || list.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
}

/// A range that begins behind the end of the file.
#[derive(Debug, PartialEq, Eq)]
struct OutsideFile;

/// Reads a `Range` header with one range. Anything else is none, and the whole file is the answer (RFC 9110, 14.2).
fn byte_range(header: &str, length: u64) -> Option<Result<Range<u64>, OutsideFile>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let count: u64 = last.parse().ok()?;
        if count == 0 || length == 0 {
            return Some(Err(OutsideFile));
        }
        return Some(Ok(length.saturating_sub(count)..length));
    }
    let first: u64 = first.parse().ok()?;
    let end = if last.is_empty() { length } else { last.parse::<u64>().ok()?.checked_add(1)?.min(length) };
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
