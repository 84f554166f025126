//! Texts made safe for HTML.

/// Escapes a text for content and quoted attributes, in the spelling of Python's markupsafe.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Escapes a text in the spelling of Python's `html.escape`.
pub(crate) fn python_html(text: &str) -> String {
    html(text).replace("&#34;", "&quot;").replace("&#39;", "&#x27;")
}
