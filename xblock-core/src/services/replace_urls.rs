//! Service `replace_urls`: addresses of authored HTML made real for the host that shows it (blocks reference, section 8).

use super::{Service, ServiceError};

/// Makes addresses that authors wrote real for the host that shows them.
pub trait ReplaceUrlsService: Send + Sync {
    /// Replaces the addresses in a text: static files (`/static/..`), and, unless only those are asked for, other blocks
    /// (`/jump_to_id/..`).
    ///
    /// # Errors
    /// [`ServiceError::Failed`] where the host cannot tell where something is.
    fn replace_urls(&self, text: &str, static_replace_only: bool) -> Result<String, ServiceError>;
}

impl Service for dyn ReplaceUrlsService {
    const NAME: &'static str = "replace_urls";
}

/// Replaces the addresses in a text, given the addresses of a static file and of another block.
///
/// Only addresses in quotation marks are touched: the first quotation mark, with or without a backslash before it, ends
/// the address where it comes again. `folder` is the block's `static_asset_path`, below which files stay on the server.
#[must_use]
pub fn replace_addresses(
    text: &str,
    folder: &str,
    asset_url: &dyn Fn(&str) -> String,
    jump_url: Option<&dyn Fn(&str) -> String>,
) -> String {
    let replaced = quoted(text, "/static/", |rest| static_file(rest, folder, asset_url));
    match jump_url {
        Some(jump_url) => quoted(&replaced, "/jump_to_id/", |rest| Some(jump(rest, jump_url))),
        None => replaced,
    }
}

/// Returns the address of a static file, none where it stays as it is.
fn static_file(rest: &str, folder: &str, asset_url: &dyn Fn(&str) -> String) -> Option<String> {
    if rest.starts_with("xblock/") || rest.ends_with("?raw") || rest.is_empty() {
        return None;
    }
    if !folder.is_empty() {
        return (!rest.starts_with(folder)).then(|| format!("/static/{folder}/{rest}"));
    }
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    // A fragment of the address is lost in the platform; here it is kept, so that links into documents work.
    let (path, fragment) = match path.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment)),
        None => (path, None),
    };
    let mut url = asset_url(&percent_decode(path));
    if let Some(query) = query {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(query);
    }
    if let Some(fragment) = fragment {
        url.push('#');
        url.push_str(fragment);
    }
    Some(url)
}

fn jump(rest: &str, jump_url: &dyn Fn(&str) -> String) -> String {
    let (id, fragment) = match rest.split_once('#') {
        Some((id, fragment)) => (id, Some(fragment)),
        None => (rest, None),
    };
    let mut url = jump_url(id);
    if let Some(fragment) = fragment {
        url.push('#');
        url.push_str(fragment);
    }
    url
}

/// Replaces every quoted text that begins with `prefix` by what `replace` makes of the rest of it.
fn quoted(html: &str, prefix: &str, replace: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(html.len());
    let mut copied = 0;
    let mut from = 0;
    while let Some(found) = html[from..].find(prefix) {
        let start = from + found;
        let begin = start + prefix.len();
        from = begin;
        let before = &html[copied..start];
        let Some(quote) = ["\\\"", "\\'", "\"", "'"].into_iter().find(|quote| before.ends_with(quote)) else {
            continue;
        };
        let Some(length) = html[begin..].find(quote) else {
            continue;
        };
        if let Some(url) = replace(&html[begin..begin + length]) {
            out.push_str(before);
            out.push_str(&url);
            copied = begin + length;
        }
        from = begin + length;
    }
    out.push_str(&html[copied..]);
    out
}

/// Decodes `%20` and the like; what is no UTF-8 then stays as it was.
fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_quoted_addresses_are_replaced() {
        let upper = |rest: &str| Some(rest.to_uppercase());
        assert_eq!(
            quoted(r#"<img src="/static/a.png"> /static/b"#, "/static/", upper),
            r#"<img src="A.PNG"> /static/b"#
        );
        assert_eq!(
            quoted(r#"x = '/static/it"s'; y = \"/static/q\""#, "/static/", upper),
            r#"x = 'IT"S'; y = \"Q\""#
        );
        assert_eq!(quoted(r#"url("/static/open"#, "/static/", upper), r#"url("/static/open"#);
        assert_eq!(
            quoted(r#""/static/keep" "/static/a""#, "/static/", |r| (r != "keep").then(|| "b".into())),
            r#""/static/keep" "b""#
        );
    }

    #[test]
    fn percent_signs_that_encode_nothing_stay() {
        assert_eq!(percent_decode("a%20b%C3%A9 100%"), "a bé 100%");
        assert_eq!(percent_decode("%ff"), "%ff");
    }
}
