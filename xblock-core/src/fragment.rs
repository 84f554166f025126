//! What a view returns: HTML with the resources and the initialisation it needs (web_fragments' JSON form).

use serde::{Deserialize, Serialize};

use crate::fields::Json;

/// Whether a resource's data is the text itself or the address of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// The data is the resource.
    Text,
    /// The data is a URL.
    Url,
}

/// Where on the page a resource goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// In the head of the document.
    Head,
    /// At the foot of the body.
    Foot,
}

/// A style sheet, script or piece of HTML that a fragment needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Whether `data` is the resource or its address.
    pub kind: ResourceKind,
    /// Text or URL.
    pub data: String,
    /// MIME type.
    pub mimetype: String,
    /// Where it goes.
    pub placement: Placement,
}

/// A rendered view.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Fragment {
    /// The HTML.
    pub content: String,
    /// What it needs, in the order in which it was asked for, each once.
    pub resources: Vec<Resource>,
    /// JavaScript function to call with the element once it is on the page.
    pub js_init_fn: Option<String>,
    /// Version of the JavaScript interface; 1 where `js_init_fn` is set.
    pub js_init_version: Option<u32>,
    /// Argument for `js_init_fn`.
    pub json_init_args: Option<Json>,
}

impl Fragment {
    /// Makes a fragment of HTML.
    #[must_use]
    pub fn new(content: impl Into<String>) -> Self {
        Self { content: content.into(), ..Self::default() }
    }

    /// Appends HTML.
    pub fn add_content(&mut self, html: &str) {
        self.content.push_str(html);
    }

    /// Adds a resource unless an equal one is there.
    pub fn add_resource(&mut self, resource: Resource) {
        if !self.resources.contains(&resource) {
            self.resources.push(resource);
        }
    }

    /// Adds a style sheet given as text.
    pub fn add_css(&mut self, text: impl Into<String>) {
        self.add(ResourceKind::Text, text.into(), "text/css", Placement::Head);
    }

    /// Adds a style sheet by its address.
    pub fn add_css_url(&mut self, url: impl Into<String>) {
        self.add(ResourceKind::Url, url.into(), "text/css", Placement::Head);
    }

    /// Adds a script given as text.
    pub fn add_javascript(&mut self, text: impl Into<String>) {
        self.add(ResourceKind::Text, text.into(), "application/javascript", Placement::Foot);
    }

    /// Adds a script by its address.
    pub fn add_javascript_url(&mut self, url: impl Into<String>) {
        self.add(ResourceKind::Url, url.into(), "application/javascript", Placement::Foot);
    }

    /// Takes over another fragment's resources, not its content.
    pub fn add_resources_of(&mut self, other: &Self) {
        for resource in &other.resources {
            self.add_resource(resource.clone());
        }
    }

    /// Names the JavaScript function that brings the fragment to life.
    ///
    /// Arguments that Python calls false (null, empty, 0) are left out, as web_fragments does.
    pub fn initialize_js(&mut self, function: impl Into<String>, args: Option<Json>) {
        self.js_init_fn = Some(function.into());
        self.js_init_version = Some(1);
        self.json_init_args = args.filter(truthy);
    }

    fn add(&mut self, kind: ResourceKind, data: String, mimetype: &str, placement: Placement) {
        self.add_resource(Resource { kind, data, mimetype: mimetype.to_owned(), placement });
    }
}

fn truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(b) => *b,
        Json::Number(n) => n.as_f64() != Some(0.0),
        Json::String(s) => !s.is_empty(),
        Json::Array(a) => !a.is_empty(),
        Json::Object(o) => !o.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_resources_are_listed_once() {
        let mut fragment = Fragment::new("<p>x</p>");
        fragment.add_css("p {}");
        fragment.add_javascript_url("/a.js");
        fragment.add_css("p {}");
        assert_eq!(fragment.resources.len(), 2);
        assert_eq!(fragment.resources[1].placement, Placement::Foot);
    }

    #[test]
    fn falsy_arguments_are_left_out() {
        let mut fragment = Fragment::default();
        fragment.initialize_js("Init", Some(serde_json::json!({})));
        assert_eq!(fragment.json_init_args, None);
        assert_eq!(fragment.js_init_version, Some(1));
    }
}
