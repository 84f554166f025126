//! The page templates of folder `web/`.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use minijinja::{Environment, Value};

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    for (name, source) in [
        ("base.html", include_str!("../../web/base.html")),
        ("contexts.html", include_str!("../../web/contexts.html")),
        ("outline.html", include_str!("../../web/outline.html")),
        ("block.html", include_str!("../../web/block.html")),
        ("message.html", include_str!("../../web/message.html")),
    ] {
        environment
            .add_template(name, source)
            .expect("the templates of this crate are well-formed: a test reads them");
    }
    environment
});

/// Fills a template in; values are escaped unless they are marked safe.
pub(super) fn page(status: StatusCode, name: &str, values: Value) -> Response {
    match TEMPLATES.get_template(name).and_then(|template| template.render(values)) {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{name}: {error}")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_template_is_well_formed() {
        assert_eq!(super::TEMPLATES.templates().count(), 5);
    }
}
