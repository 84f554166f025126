//! Requests to the handlers of blocks.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use xblock_core::block::{BlockError, HandlerRequest, HandlerResponse};
use xblock_core::keys::UsageKey;
use xblock_core::runtime::RuntimeExt as _;

use super::session::Visitor;
use super::{Site, blocking};

/// Answers `/handler/USAGE/NAME`.
pub(super) async fn handle(
    site: State<Site>,
    visitor: Visitor,
    Path((usage, handler)): Path<(String, String)>,
    method: Method,
    query: Query<Vec<(String, String)>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(site.0, visitor, usage, handler, request(&method, "", query.0, &headers, &body)).await
}

/// Answers `/handler/USAGE/NAME/SUFFIX`.
pub(super) async fn handle_suffix(
    site: State<Site>,
    visitor: Visitor,
    Path((usage, handler, suffix)): Path<(String, String, String)>,
    method: Method,
    query: Query<Vec<(String, String)>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(site.0, visitor, usage, handler, request(&method, &suffix, query.0, &headers, &body)).await
}

fn request(
    method: &Method,
    suffix: &str,
    query: Vec<(String, String)>,
    headers: &HeaderMap,
    body: &Bytes,
) -> HandlerRequest {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    HandlerRequest {
        method: method.as_str().to_owned(),
        suffix: suffix.to_owned(),
        query,
        content_type: content_type.unwrap_or_default().to_owned(),
        body: body.to_vec(),
    }
}

async fn answer(
    site: Site,
    visitor: Visitor,
    usage: String,
    handler: String,
    request: HandlerRequest,
) -> Response {
    let Ok(usage) = usage.parse::<UsageKey>() else {
        return respond(HandlerResponse::error(404, "this is no usage key"));
    };
    let user = visitor.user.clone();
    let handled = blocking(move || {
        let usage = site.host.runtime.usage_with_run(&usage)?;
        site.host.handle(&usage, &handler, &request, Some(&user))
    })
    .await;
    match handled {
        Ok(Ok(handled)) => (visitor, respond(handled.response)).into_response(),
        Ok(Err(error)) => respond(HandlerResponse::error(status(&error).as_u16(), &error.to_string())),
        Err(response) => response,
    }
}

/// The HTTP status for what a block reports.
pub(super) fn status(error: &BlockError) -> StatusCode {
    match error {
        BlockError::NoSuchView { .. } | BlockError::NoSuchHandler { .. } => StatusCode::NOT_FOUND,
        BlockError::StaffOnly { .. } => StatusCode::FORBIDDEN,
        BlockError::Runtime(error) if error.is_not_found() => StatusCode::NOT_FOUND,
        BlockError::BadRequest { status, .. } => {
            StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST)
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn respond(answer: HandlerResponse) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    let content_type = HeaderValue::from_str(&answer.content_type);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
