//! A fragment as a whole HTML page.

use xblock_core::fragment::{Fragment, Placement, Resource, ResourceKind};

/// Puts a fragment into a page of its own, with its resources where they belong.
///
/// Scripts that name an initialisation function need the page's runtime; without one the page shows what the HTML says.
#[must_use]
pub fn standalone_page(title: &str, fragment: &Fragment) -> String {
    let (head, foot) = resources(fragment);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n{head}</head>\n\
         <body>\n<main>\n{}\n</main>\n{foot}</body>\n</html>\n",
        escape(title),
        fragment.content,
    )
}

/// Returns the elements for a fragment's resources: those of the head and those of the foot of the page.
pub(crate) fn resources(fragment: &Fragment) -> (String, String) {
    let mut head = String::new();
    let mut foot = String::new();
    for resource in &fragment.resources {
        let place = match resource.placement {
            Placement::Head => &mut head,
            Placement::Foot => &mut foot,
        };
        place.push_str(&element(resource));
        place.push('\n');
    }
    (head, foot)
}

/// The element for a resource (xblock reference, section 12).
fn element(resource: &Resource) -> String {
    let Resource { kind, data, mimetype, .. } = resource;
    match (kind, mimetype.as_str()) {
        (ResourceKind::Text, "text/css") => format!("<style>\n{data}\n</style>"),
        (ResourceKind::Url, "text/css") => format!("<link rel=\"stylesheet\" href=\"{}\">", escape(data)),
        (ResourceKind::Text, "application/javascript") => format!("<script>\n{data}\n</script>"),
        (ResourceKind::Url, "application/javascript") => {
            format!("<script src=\"{}\"></script>", escape(data))
        }
        (ResourceKind::Text, "text/html") => data.clone(),
        (ResourceKind::Text, mimetype) => {
            format!("<script type=\"{}\">\n{data}\n</script>", escape(mimetype))
        }
        (ResourceKind::Url, mimetype) => {
            format!("<link rel=\"alternate\" type=\"{}\" href=\"{}\">", escape(mimetype), escape(data))
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_stand_in_head_and_foot_and_titles_are_escaped() {
        let mut fragment = Fragment::new("<p>Ebb</p>");
        fragment.add_css("p { color: navy }");
        fragment.add_javascript_url("/a.js?b=1&c=2");
        let page = standalone_page("Tides & <harbours>", &fragment);
        let (head, body) = page.split_once("</head>").unwrap();
        assert!(head.contains("<title>Tides &amp; &lt;harbours&gt;</title>"), "{page}");
        assert!(head.contains("color: navy"), "{page}");
        assert!(body.contains("<script src=\"/a.js?b=1&amp;c=2\"></script>"), "{page}");
        assert!(body.find("<p>Ebb</p>") < body.find("<script"), "{page}");
    }
}
