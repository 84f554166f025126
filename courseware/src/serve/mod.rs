//! A local web page on a store: outline, units, problems to answer. For looking at courses, not for a whole class.
//!
//! - `pages`: what a person sees, from what `outline` knows and the templates of folder `web/`.
//! - `blocks`: handlers of blocks.
//! - `files`: static files. - `signing`: their addresses. - `session`: who is asking.

mod blocks;
mod files;
mod outline;
mod pages;
mod session;
mod signing;
mod template;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokio::net::TcpListener;
use xblock_core::host::Host;

use crate::error::CoursewareError;

pub use signing::{SignedUrls, Signer};

/// Where to listen and for whom.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The address to listen on.
    pub address: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Whether every visitor sees what course staff see.
    pub staff: bool,
    /// Knows the addresses of static files that may be read; the host's [`SignedUrls`] make them.
    pub signer: Signer,
}

/// What every request needs.
#[derive(Clone)]
struct Site {
    host: Arc<Host>,
    signer: Signer,
    staff: bool,
    /// Whether only this machine can reach the site, so that other names than its own in `Host` are an attack.
    local_only: bool,
}

/// Listens and serves until `stop` is ready. `ready` learns the address as soon as it is known.
///
/// # Errors
/// [`CoursewareError::Serve`] where the address cannot be listened on.
pub async fn serve(
    host: Host,
    options: ServeOptions,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), CoursewareError> {
    let address = SocketAddr::new(options.address, options.port);
    let failed = |source| CoursewareError::Serve { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    ready(listener.local_addr().map_err(failed)?);
    let site = Site {
        host: Arc::new(host),
        signer: options.signer,
        staff: options.staff,
        local_only: options.address.is_loopback(),
    };
    axum::serve(listener, router(site)).with_graceful_shutdown(stop).await.map_err(failed)
}

fn router(site: Site) -> Router {
    Router::new()
        .route("/", get(pages::contexts))
        .route("/course/{context}", get(pages::outline))
        .route("/block/{usage}", get(pages::block))
        .route("/jump/{context}/{block_id}", get(pages::jump))
        .route("/handler/{usage}/{handler}", any(blocks::handle))
        .route("/handler/{usage}/{handler}/{*suffix}", any(blocks::handle_suffix))
        .route("/asset/{key}", get(files::asset))
        .route("/block-asset/{usage}/{*name}", get(files::block_asset))
        .route("/web/{name}", get(files::web))
        .fallback(pages::nowhere)
        .layer(middleware::from_fn_with_state(site.clone(), guard))
        .with_state(site)
}

/// Refuses requests that another site made in the visitor's name, and says how the answer may be used.
async fn guard(
    axum::extract::State(site): axum::extract::State<Site>,
    request: Request,
    next: Next,
) -> Response {
    if site.local_only && !names_this_machine(&request) {
        return (StatusCode::FORBIDDEN, "this address is for this machine only").into_response();
    }
    let changes_something = !(request.method().is_safe());
    if changes_something && is_from_elsewhere(request.headers()) {
        return (StatusCode::FORBIDDEN, "another site may not act here").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    response
}

/// Says whether another site's page made a request. Browsers say so themselves; older ones only name the page's origin.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    // What is no text comes from no browser's own page.
    let header = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(from) = header(HeaderName::from_static("sec-fetch-site")) {
        return from != "same-origin" && from != "none";
    }
    let Some(origin) = header(header::ORIGIN) else { return false };
    let site = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    !site.is_some_and(|site| header(header::HOST).is_some_and(|host| host.eq_ignore_ascii_case(site)))
}

/// Course texts may bring scripts and pictures of their own; scripts from elsewhere are not loaded.
const CONTENT_POLICY: &str = "default-src 'self' 'unsafe-inline' data: blob:; img-src * data: blob:; media-src * data: blob:; frame-src 'self' https:; object-src 'none'; base-uri 'self'; frame-ancestors 'self'";

fn names_this_machine(request: &Request) -> bool {
    let Some(host) = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()) else {
        return true;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Runs store work, which blocks, where it does not hold other requests up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Response> {
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        pages::failure(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong inside the server.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_elsewhere(pairs: &[(&'static str, &'static str)]) -> bool {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        is_from_elsewhere(&pairs.collect())
    }

    #[test]
    fn a_page_of_another_site_is_told_by_what_browsers_send() {
        let host = ("host", "127.0.0.1:8765");
        assert!(!from_elsewhere(&[host]), "no browser: nobody's cookies");
        assert!(!from_elsewhere(&[host, ("origin", "http://127.0.0.1:8765")]));
        for origin in ["http://evil.example", "http://127.0.0.1:9999", "null", "127.0.0.1:8765", ""] {
            assert!(from_elsewhere(&[host, ("origin", origin)]), "{origin:?}");
        }
        assert!(from_elsewhere(&[("origin", "http://evil.example")]));
        assert!(from_elsewhere(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(from_elsewhere(&[host, ("sec-fetch-site", "same-site")]));
        assert!(!from_elsewhere(&[host, ("sec-fetch-site", "same-origin")]));
    }
}
