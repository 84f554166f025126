//! Form data as browsers post it (application/x-www-form-urlencoded).

use xblock_core::block::{BlockError, HandlerRequest};

/// Reads the pairs of a posted form, in order.
///
/// # Errors
/// [`BlockError::BadRequest`] 405 for another method than POST, 400 for a body that is no such form.
pub(crate) fn pairs(request: &HandlerRequest) -> Result<Vec<(String, String)>, BlockError> {
    if request.method != "POST" {
        return Err(BlockError::BadRequest { status: 405, message: "Method must be POST".into() });
    }
    let bad = || BlockError::BadRequest { status: 400, message: "Invalid form".into() };
    let body = std::str::from_utf8(&request.body).map_err(|_| bad())?;
    body.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name).ok_or_else(bad)?, decode(value).ok_or_else(bad)?))
        })
        .collect()
}

/// Tells whether the body of a request is JSON.
pub(crate) fn is_json(request: &HandlerRequest) -> bool {
    let media_type = request.content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

/// Decodes a name or value: `+` is a blank, `%41` a byte; a percent sign that encodes nothing stays.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        match (bytes[at], hex) {
            (b'%', Some(pair)) => {
                let pair = std::str::from_utf8(pair).ok()?;
                decoded.push(u8::from_str_radix(pair, 16).ok()?);
                at += 3;
            }
            (b'+', _) => {
                decoded.push(b' ');
                at += 1;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Vec<(String, String)> {
        let request =
            HandlerRequest { method: "POST".into(), body: body.into(), ..HandlerRequest::default() };
        pairs(&request).expect("the form is one")
    }

    #[test]
    fn pairs_keep_their_order_and_come_more_than_once() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read("input_q_2_1%5B%5D=choice_1&input_q_2_1[]=choice_2&x=a+b%2B%C3%A9&100%=&flag"),
            [
                pair("input_q_2_1[]", "choice_1"),
                pair("input_q_2_1[]", "choice_2"),
                pair("x", "a b+é"),
                pair("100%", ""),
                pair("flag", "")
            ]
        );
    }

    #[test]
    fn only_posts_are_forms() {
        let request = HandlerRequest { method: "GET".into(), ..HandlerRequest::default() };
        assert!(matches!(pairs(&request), Err(BlockError::BadRequest { status: 405, .. })));
    }
}
