//! The element around every rendered block, by which a page finds and starts it (xblock reference, section 12).

use crate::fragment::Fragment;
use crate::keys::UsageKey;

/// Puts a block's content into its wrapper element, which says the field `name` where that has a value. Unlike XBlock's own
/// wrapper, values are escaped.
pub(super) fn wrap(fragment: Fragment, usage: &UsageKey, name: Option<&str>, view: &str) -> Fragment {
    let mut data = vec![("usage", usage.to_string()), ("block-type", usage.block_type().to_owned())];
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        data.push(("name", name.to_owned()));
    }
    wrap_element(fragment, "xblock-v1", view, &data)
}

/// Puts an aside's content into its wrapper element, which names the block (xblock reference, section 12).
pub(super) fn wrap_aside(fragment: Fragment, usage: &UsageKey, block: &UsageKey, view: &str) -> Fragment {
    let aside_type = match usage {
        UsageKey::Aside(key) => key.aside_type(),
        other => other.block_type(),
    };
    let data = [
        ("usage", usage.to_string()),
        ("block-type", aside_type.to_owned()),
        ("block_id", block.to_string()),
        ("url_selector", "asideBaseUrl".to_owned()),
    ];
    wrap_element(fragment, "xblock_asides-v1", view, &data)
}

fn wrap_element(fragment: Fragment, family: &str, view: &str, data: &[(&str, String)]) -> Fragment {
    let Fragment { content, resources, js_init_fn, js_init_version, json_init_args } = fragment;
    let mut html = format!(r#"<div class="{family} {family}-{}""#, escape(view));
    for (name, value) in data {
        html.push_str(&format!(r#" data-{name}="{}""#, escape(value)));
    }
    if let Some(function) = js_init_fn {
        let version = js_init_version.unwrap_or(1);
        html.push_str(&format!(r#" data-init="{}" data-runtime-version="{version}""#, escape(&function)));
    }
    html.push('>');
    html.push_str(&content);
    if let Some(args) = json_init_args {
        // "</script>" inside a JSON text would end the element; "\u003c" means the same.
        let json = args.to_string().replace('<', "\\u003c");
        html.push_str(&format!(
            r#"<script type="json/xblock-args" class="xblock_json_init_args">{json}</script>"#
        ));
    }
    html.push_str("</div>");
    Fragment { content: html, resources, ..Fragment::default() }
}

/// Stands where a block could not be rendered and says so, without breaking what is around it.
pub(super) fn placeholder(usage: &UsageKey, reason: &str) -> Fragment {
    Fragment::new(format!(
        r#"<div class="xblock-unavailable" role="note"><p>This part of the course cannot be shown.</p><p><code>{}</code>: {}</p></div>"#,
        escape(&usage.to_string()),
        escape(reason),
    ))
}

/// Escapes a text for HTML content and double-quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
