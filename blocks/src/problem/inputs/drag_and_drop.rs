//! `drag_and_drop_input`: pictures and labels dragged onto a picture (capa reference, section 2.4).

use minijinja::context;
use serde_json::{Map, Value as Json, json};

use super::Rendered;
use crate::problem::json_text;
use crate::problem::tree::Node;

/// Returns what the page's script builds the input from.
///
/// # Errors
/// The attribute that is missing.
pub(super) fn setup(node: &Node) -> Result<Json, String> {
    let has_no_labels = !node.get("no_labels").unwrap_or("False").is_empty();
    let draggables: Vec<Json> =
        node.all("draggable").map(|child| draggable(child, has_no_labels)).collect::<Result<_, _>>()?;
    let targets: Vec<Json> = node.all("target").map(target).collect::<Result<_, _>>()?;
    let mut setup = json!({
        "base_image": required(node, "img")?,
        "target_outline": node.get("target_outline").unwrap_or("False"),
        "one_per_target": node.get("one_per_target").unwrap_or("True"),
        "draggables": draggables,
        "targets": targets,
    });
    if let Some(color) = node.get("label_bg_color").filter(|color| !color.is_empty()) {
        setup["label_bg_color"] = json!(color);
    }
    Ok(setup)
}

fn required<'n>(node: &'n Node, name: &str) -> Result<&'n str, String> {
    node.get(name).ok_or_else(|| format!("Missing required attribute {name}."))
}

fn draggable(node: &Node, has_no_labels: bool) -> Result<Json, String> {
    let id = required(node, "id")?;
    let label = node.get("label").unwrap_or_default();
    let label = if label.is_empty() && !has_no_labels { id } else { label };
    let targets: Vec<Json> = node.all("target").map(target).collect::<Result<_, _>>()?;
    Ok(json!({
        "id": id,
        "label": label,
        "icon": node.get("icon").unwrap_or_default(),
        "can_reuse": node.get("can_reuse").unwrap_or_default(),
        "target_fields": targets,
    }))
}

fn target(node: &Node) -> Result<Json, String> {
    let mut target = Map::new();
    for name in ["id", "x", "y", "w", "h"] {
        target.insert(name.into(), json!(required(node, name)?));
    }
    Ok(Json::Object(target))
}

pub(super) fn render(node: &Node) -> Rendered {
    let setup = setup(node).unwrap_or_else(|_| json!({}));
    // Quotation marks stay, as the host finds the addresses of pictures by them.
    let setup = json_text::dumps(&setup).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    ("problem/drag_and_drop_input.html", context! { setup })
}
