//! Who is asking: every browser gets an id of its own in a cookie, so that two visitors' answers stay apart.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponseParts, ResponseParts};
use uuid::Uuid;
use xblock_core::block::User;

use super::Site;

const COOKIE_NAME: &str = "learner";

/// A visitor.
#[derive(Clone)]
pub(super) struct Visitor {
    /// As blocks see the visitor.
    pub(super) user: User,
    is_new: bool,
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Infallible> {
        let known = known_id(&parts.headers);
        let is_new = known.is_none();
        let id = known.unwrap_or_else(|| Uuid::new_v4().simple().to_string());
        Ok(Self { user: User { id: id.into(), is_staff: site.staff }, is_new })
    }
}

impl IntoResponseParts for Visitor {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        if self.is_new {
            let cookie =
                format!("{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000", self.user.id);
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
        }
        Ok(response)
    }
}

/// Reads the cookie; an id that is not one of ours counts as none.
fn known_id(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, id)| {
            *name == COOKIE_NAME && id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())
        })
        .map(|(_, id)| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_ours_are_taken() {
        let id = "0123456789abcdef0123456789abcdef";
        let headers = |cookie: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_str(cookie).expect("a header"));
            headers
        };
        assert_eq!(known_id(&headers(&format!("a=b; learner={id}; c=d"))).as_deref(), Some(id));
        assert_eq!(known_id(&headers("learner=../../x")), None);
        assert_eq!(known_id(&headers("learner")), None);
        assert_eq!(known_id(&HeaderMap::new()), None);
    }
}
