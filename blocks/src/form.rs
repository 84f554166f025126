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

/// A file among the fields of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PostedFile {
    /// The name of the field.
    pub(crate) field: String,
    /// The name of the file.
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
}

/// A form with files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FormWithFiles {
    pub(crate) pairs: Vec<(String, String)>,
    pub(crate) files: Vec<PostedFile>,
}

/// Reads a form with files (multipart/form-data), everything in order. Nothing where the request is no such form.
///
/// # Errors
/// [`BlockError::BadRequest`] 400 for a body that is none although its type says so.
pub(crate) fn multipart(request: &HandlerRequest) -> Option<Result<FormWithFiles, BlockError>> {
    let (media_type, parameters) = request.content_type.split_once(';')?;
    if !media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    let bad = || BlockError::BadRequest { status: 400, message: "Invalid form".into() };
    Some(parts(&request.body, &format!("--{boundary}")).ok_or_else(bad))
}

fn parts(body: &[u8], boundary: &str) -> Option<FormWithFiles> {
    let mut form = FormWithFiles::default();
    let mut rest = &body[find(body, boundary.as_bytes())? + boundary.len()..];
    let next = format!("\r\n{boundary}");
    while !rest.starts_with(b"--") {
        rest = rest.strip_prefix(b"\r\n")?;
        let head_length = find(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&rest[..head_length]).ok()?;
        rest = &rest[head_length + 4..];
        let length = find(rest, next.as_bytes())?;
        let content = &rest[..length];
        rest = &rest[length + next.len()..];
        let disposition = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
        })?;
        let field = parameter(disposition, "name")?;
        match parameter(disposition, "filename") {
            Some(name) => form.files.push(PostedFile { field, name, content: content.to_vec() }),
            None => form.pairs.push((field, String::from_utf8(content.to_vec()).ok()?)),
        }
    }
    Some(form)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Returns a parameter of a header; browsers write quotation marks and line breaks in names as `%22`, `%0D` and `%0A`.
fn parameter(header: &str, name: &str) -> Option<String> {
    let value = header.split(';').find_map(|part| {
        let (known, value) = part.split_once('=')?;
        known.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })?;
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    Some(value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
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

    #[test]
    fn files_come_beside_the_other_fields() {
        let mut request = HandlerRequest::post_json(&serde_json::Value::Null);
        request.content_type = "multipart/form-data; boundary=x-y".into();
        request.body = b"--x-y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x-y\r\n\
            Content-Disposition: form-data; name=\"f\"; filename=\"a%22.py\"\r\nContent-Type: text/plain\r\n\r\n\
            \r\n\xff\r\n\r\n--x-y--\r\n"
            .to_vec();
        let form = multipart(&request).expect("it is a form with files").expect("it is well-formed");
        assert_eq!(form.pairs, [("a".to_owned(), "1".to_owned())]);
        let content = b"\r\n\xff\r\n".to_vec();
        assert_eq!(form.files, [PostedFile { field: "f".into(), name: "a\".py".into(), content }]);
        request.body.truncate(40);
        assert!(matches!(multipart(&request), Some(Err(_))));
        request.content_type = "application/json".into();
        assert!(multipart(&request).is_none());
    }
}
