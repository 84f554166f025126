//! Expressions and equations as HTML.

use super::parse::{Arrow, Molecule, Part, What, parse, split_on_arrow};
use crate::escape;

/// Shows an expression or an equation; a side that is none is shown as it is, marked as an error.
#[must_use]
pub fn render_to_html(equation: &str) -> String {
    let (left, right) = split_on_arrow(equation);
    let mut html = String::from("<span class=\"math\">");
    write_side(left, &mut html);
    if let Some((arrow, right)) = right {
        html.push(match arrow {
            Arrow::Forth => '→',
            Arrow::Both => '↔',
        });
        write_side(right, &mut html);
    }
    html.push_str("</span>");
    html
}

fn write_side(text: &str, html: &mut String) {
    let Ok(molecules) = parse(text) else {
        html.push_str("<span class=\"inline-error inline\">");
        html.push_str(&escape::html(text));
        html.push_str("</span>");
        return;
    };
    for (at, molecule) in molecules.iter().enumerate() {
        html.push_str(if at > 0 { "+" } else { "" });
        write_molecule(molecule, html);
    }
}

fn write_molecule(molecule: &Molecule<'_>, html: &mut String) {
    match &molecule.count {
        Some((above, Some(below))) => {
            html.push_str(&format!("<sup>{above}</sup>&frasl;<sub>{below}</sub>"));
        }
        Some((count, None)) => html.push_str(count),
        None => {}
    }
    write_parts(&molecule.parts, html);
    html.push_str(molecule.phase.unwrap_or_default());
}

fn write_parts(parts: &[Part], html: &mut String) {
    for part in parts {
        match &part.what {
            What::Element(name) => html.push_str(name),
            What::Parentheses(inside) => write_group('(', inside, ')', html),
            What::Brackets(inside) => write_group('[', inside, ']', html),
        }
        for (tag, text) in [("sub", &part.number), ("sup", &part.charge)] {
            if !text.is_empty() {
                html.push_str(&format!("<{tag}>{text}</{tag}>"));
            }
        }
    }
}

fn write_group(open: char, inside: &[Part], close: char, html: &mut String) {
    html.push(open);
    write_parts(inside, html);
    html.push(close);
}
