//! What a view returns: HTML with the resources and the initialisation it needs (web_fragments' JSON form).

use serde::{Deserialize, Deserializer, Serialize};

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

impl Placement {
    /// Returns where web_fragments puts a resource of this MIME type: scripts at the foot, everything else in the head.
    #[must_use]
    pub fn of(mimetype: &str) -> Self {
        if mimetype == "application/javascript" { Self::Foot } else { Self::Head }
    }
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

impl Resource {
    /// Returns the element that brings the resource onto a page, as web_fragments writes it; addresses are escaped, which
    /// they are not there.
    ///
    /// # Errors
    /// [`FragmentError`] where there is none.
    pub fn html(&self) -> Result<String, FragmentError> {
        let data = &self.data;
        let url = || data.replace('&', "&amp;").replace('\'', "&#39;").replace('<', "&lt;");
        Ok(match (self.mimetype.as_str(), self.kind) {
            ("text/css", ResourceKind::Text) => format!("<style type='text/css'>\n{data}\n</style>"),
            ("text/css", ResourceKind::Url) => {
                format!("<link rel='stylesheet' href='{}' type='text/css'>", url())
            }
            ("application/javascript", ResourceKind::Text) => format!("<script>\n{data}\n</script>"),
            ("application/javascript", ResourceKind::Url) => {
                format!("<script src='{}' type='application/javascript'></script>", url())
            }
            ("text/html", ResourceKind::Text) => data.clone(),
            (mimetype, kind) => {
                return Err(FragmentError::UnknownResource { mimetype: mimetype.to_owned(), kind });
            }
        })
    }
}

/// A resource that no page can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FragmentError {
    /// There is no element for its MIME type, or none that loads it from an address.
    #[error("a page cannot hold a resource of type {mimetype} given as {kind:?}")]
    UnknownResource {
        /// The type.
        mimetype: String,
        /// How it is given.
        kind: ResourceKind,
    },
}

/// A rendered view.
///
/// Its JSON form is that of web_fragments' `to_dict` and `from_dict`, which wants all members:
///
/// ```
/// use xblock_core::fragment::Fragment;
///
/// let mut fragment = Fragment::new("<p>x</p>");
/// fragment.add_javascript_url("/a.js");
/// fragment.initialize_js("Start", Some(serde_json::json!({ "n": 1 })));
/// let json = serde_json::to_string(&fragment)?;
/// assert_eq!(
///     json,
///     r#"{"content":"<p>x</p>","resources":[{"kind":"url","data":"/a.js","mimetype":"application/javascript","placement":"foot"}],"js_init_fn":"Start","js_init_version":1,"json_init_args":{"n":1}}"#
/// );
/// assert_eq!(serde_json::from_str::<Fragment>(&json)?, fragment);
/// assert!(serde_json::from_str::<Fragment>(r#"{"content": "<p>x</p>"}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Fragment {
    /// The HTML.
    pub content: String,
    /// What it needs, in the order in which it was asked for, each once.
    #[serde(deserialize_with = "each_once")]
    pub resources: Vec<Resource>,
    /// JavaScript function to call with the element once it is on the page.
    #[serde(deserialize_with = "Option::deserialize")]
    pub js_init_fn: Option<String>,
    /// Version of the JavaScript interface; 1 where `js_init_fn` is set.
    #[serde(deserialize_with = "Option::deserialize")]
    pub js_init_version: Option<u32>,
    /// Argument for `js_init_fn`.
    #[serde(deserialize_with = "Option::deserialize")]
    pub json_init_args: Option<Json>,
}

fn each_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Resource>, D::Error> {
    let mut fragment = Fragment::default();
    for resource in Vec::deserialize(deserializer)? {
        fragment.add_resource(resource);
    }
    Ok(fragment.resources)
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
    /// Arguments that Python calls false (null, empty, 0) change nothing, as in web_fragments: arguments that were given
    /// before stay.
    pub fn initialize_js(&mut self, function: impl Into<String>, args: Option<Json>) {
        self.js_init_fn = Some(function.into());
        self.js_init_version = Some(1);
        if let Some(args) = args.filter(truthy) {
            self.json_init_args = Some(args);
        }
    }

    /// Adds a resource given as text, in the place web_fragments chooses for its MIME type.
    pub fn add_text(&mut self, text: impl Into<String>, mimetype: &str) {
        self.add(ResourceKind::Text, text.into(), mimetype, Placement::of(mimetype));
    }

    /// Adds a resource by its address, in the place web_fragments chooses for its MIME type.
    pub fn add_url(&mut self, url: impl Into<String>, mimetype: &str) {
        self.add(ResourceKind::Url, url.into(), mimetype, Placement::of(mimetype));
    }

    /// Returns the elements for the head of the page, one per line.
    ///
    /// # Errors
    /// [`FragmentError`] for a resource no page can hold.
    pub fn head_html(&self) -> Result<String, FragmentError> {
        self.resources_html(Placement::Head)
    }

    /// Returns the elements for the foot of the page, one per line.
    ///
    /// # Errors
    /// [`FragmentError`] for a resource no page can hold.
    pub fn foot_html(&self) -> Result<String, FragmentError> {
        self.resources_html(Placement::Foot)
    }

    fn resources_html(&self, placement: Placement) -> Result<String, FragmentError> {
        let placed = self.resources.iter().filter(|resource| resource.placement == placement);
        let elements: Result<Vec<String>, _> = placed.map(Resource::html).collect();
        Ok(elements?.join("\n"))
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
        fragment.initialize_js("Init", Some(serde_json::json!([1])));
        fragment.initialize_js("Again", None);
        assert_eq!(fragment.json_init_args, Some(serde_json::json!([1])));
    }

    /// Recorded from web-fragments: `head_html()`, `foot_html()` and `resources` after `from_dict`.
    #[test]
    fn pages_hold_what_web_fragments_writes() {
        let mut fragment = Fragment::new("x");
        fragment.add_css("p {}");
        fragment.add_css_url("/a.css");
        fragment.add_javascript("f()");
        fragment.add_javascript_url("/a.js");
        fragment.add_text("<template></template>", "text/html");
        assert_eq!(
            fragment.head_html().as_deref(),
            Ok(
                "<style type='text/css'>\np {}\n</style>\n<link rel='stylesheet' href='/a.css' type='text/css'>\n<template></template>"
            )
        );
        assert_eq!(
            fragment.foot_html().as_deref(),
            Ok("<script>\nf()\n</script>\n<script src='/a.js' type='application/javascript'></script>")
        );
        fragment.add_url("/x.html", "text/html");
        assert!(matches!(fragment.head_html(), Err(FragmentError::UnknownResource { .. })));
        let twice = r#"{"content": "", "resources": [
            {"kind": "text", "data": "p", "mimetype": "text/css", "placement": "head"},
            {"kind": "text", "data": "p", "mimetype": "text/css", "placement": "head"}],
            "js_init_fn": null, "js_init_version": null, "json_init_args": null}"#;
        assert_eq!(serde_json::from_str::<Fragment>(twice).expect("a fragment").resources.len(), 1);
    }
}
