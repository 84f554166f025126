//! The templates of all blocks, compiled into the crate; every value is escaped unless a template says `safe`.

use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use crate::escape;
use crate::words::Words;

pub(crate) use minijinja::context;

/// Every template by its name.
const TEMPLATES: &[(&str, &str)] = &[
    ("error.html", include_str!("error/templates/error.html")),
    ("outline.html", include_str!("outline/templates/outline.html")),
    ("placeholder.html", include_str!("placeholder/templates/placeholder.html")),
    ("problem/annotationinput.html", include_str!("problem/templates/annotationinput.html")),
    ("problem/chemicalequationinput.html", include_str!("problem/templates/chemicalequationinput.html")),
    ("problem/choicegroup.html", include_str!("problem/templates/choicegroup.html")),
    ("problem/choicetextgroup.html", include_str!("problem/templates/choicetextgroup.html")),
    ("problem/crystallography.html", include_str!("problem/templates/crystallography.html")),
    ("problem/designprotein2dinput.html", include_str!("problem/templates/designprotein2dinput.html")),
    ("problem/drag_and_drop_input.html", include_str!("problem/templates/drag_and_drop_input.html")),
    ("problem/editageneinput.html", include_str!("problem/templates/editageneinput.html")),
    ("problem/filesubmission.html", include_str!("problem/templates/filesubmission.html")),
    ("problem/formulaequationinput.html", include_str!("problem/templates/formulaequationinput.html")),
    ("problem/grader_status.html", include_str!("problem/templates/grader_status.html")),
    ("problem/imageinput.html", include_str!("problem/templates/imageinput.html")),
    ("problem/jsinput.html", include_str!("problem/templates/jsinput.html")),
    ("problem/label.html", include_str!("problem/templates/label.html")),
    ("problem/load_error.html", include_str!("problem/templates/load_error.html")),
    ("problem/matlabinput.html", include_str!("problem/templates/matlabinput.html")),
    ("problem/notification.html", include_str!("problem/templates/notification.html")),
    ("problem/optioninput.html", include_str!("problem/templates/optioninput.html")),
    ("problem/problem.html", include_str!("problem/templates/problem.html")),
    ("problem/schematic.html", include_str!("problem/templates/schematic.html")),
    ("problem/status.html", include_str!("problem/templates/status.html")),
    ("problem/student_view.html", include_str!("problem/templates/student_view.html")),
    ("problem/textbox.html", include_str!("problem/templates/textbox.html")),
    ("problem/textline.html", include_str!("problem/templates/textline.html")),
    ("problem/vsepr_input.html", include_str!("problem/templates/vsepr_input.html")),
    ("sequential.html", include_str!("sequential/templates/sequential.html")),
    ("video.html", include_str!("video/templates/video.html")),
    ("vertical.html", include_str!("vertical/templates/vertical.html")),
];

/// The parsed templates. They never change, so sharing them shares no state.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    // Nothing a value lacks makes rendering fail.
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // The engine's own escaping also writes slashes as `&#x2f;`, which hosts that rewrite addresses in HTML do not read.
    environment.set_formatter(|out, _, value| {
        if value.is_undefined() || value.is_none() {
            return Ok(());
        }
        let text = value.to_string();
        out.write_str(&if value.is_safe() { text } else { escape::html(&text) })?;
        Ok(())
    });
    for (name, source) in TEMPLATES {
        environment.add_template(name, source).expect("a test parses every template");
    }
    environment
});

/// Renders a template of this crate, what it says itself in these words.
pub(crate) fn render(name: &str, words: &Words, values: Value) -> String {
    let template = ENVIRONMENT.get_template(name).expect("callers name templates of the list above");
    template
        .render(context! { ..words.functions(), ..values })
        .expect("templates only print and repeat what they are given")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses_and_renders_without_values() {
        for (name, source) in TEMPLATES {
            assert!(render(name, &Words::default(), context! {}).len() <= source.len() * 2, "{name}");
        }
    }

    #[test]
    fn values_are_escaped() {
        let html = render("vertical.html", &Words::default(), context! { name => "<b>\"" });
        assert!(html.contains("&lt;b&gt;&#34;"), "{html}");
    }
}
