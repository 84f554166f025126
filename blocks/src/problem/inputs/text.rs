//! `textline` and `formulaequationinput`: a line of text, a formula (capa reference, section 2.4).

use minijinja::context;

use super::Rendered;
use super::attributes::attribute;
use crate::problem::tree::Node;

pub(super) fn textline(node: &Node) -> Rendered {
    let some = |name| node.get(name).filter(|value| !value.is_empty());
    let is_math = some("math").is_some() || some("dojs").is_some();
    let preprocessor = match (node.get("preprocessorClassName"), node.get("preprocessorSrc")) {
        (Some(class), Some(src)) if is_math => Some(context! { class, src }),
        _ => None,
    };
    let context = context! {
        preprocessor,
        size => some("size"),
        hidden => some("hidden"),
        inline => some("inline").is_some(),
        math => is_math,
    };
    ("problem/textline.html", context)
}

pub(super) fn formula_equation(node: &Node) -> Rendered {
    ("problem/formulaequationinput.html", context! { inline => !attribute(node, "inline").is_empty() })
}
