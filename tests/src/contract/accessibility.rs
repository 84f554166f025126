//! Promises about what everybody can perceive and use (WCAG 2.2, level A, as far as HTML alone shows it).

use std::collections::BTreeSet;

use super::html::{Element, Html};
use super::views::{each, place, shown};
use super::{Contract, Finding};

/// Attributes that name other elements by their ids.
const REFERENCES: &[&str] = &[
    "for",
    "aria-labelledby",
    "aria-describedby",
    "aria-controls",
    "aria-owns",
    "aria-details",
    "aria-activedescendant",
    "aria-errormessage",
    "aria-flowto",
    "list",
];

/// Attributes of WAI-ARIA 1.2 that take certain words only, with the words; `true` and `false` go without saying where
/// the first word is empty.
const WORDS: &[(&str, &[&str])] = &[
    ("aria-atomic", &[""]),
    ("aria-autocomplete", &["inline", "list", "both", "none"]),
    ("aria-busy", &[""]),
    ("aria-checked", &["", "mixed", "undefined"]),
    ("aria-current", &["", "page", "step", "location", "date", "time"]),
    ("aria-disabled", &[""]),
    ("aria-expanded", &["", "undefined"]),
    ("aria-haspopup", &["", "menu", "listbox", "tree", "grid", "dialog"]),
    ("aria-hidden", &["", "undefined"]),
    ("aria-invalid", &["", "grammar", "spelling"]),
    ("aria-live", &["assertive", "off", "polite"]),
    ("aria-modal", &[""]),
    ("aria-multiline", &[""]),
    ("aria-multiselectable", &[""]),
    ("aria-orientation", &["horizontal", "vertical", "undefined"]),
    ("aria-pressed", &["", "mixed", "undefined"]),
    ("aria-readonly", &[""]),
    ("aria-required", &[""]),
    ("aria-selected", &["", "undefined"]),
    ("aria-sort", &["ascending", "descending", "none", "other"]),
];

/// The other attributes of WAI-ARIA 1.2 and 1.3 that are neither of those nor [`REFERENCES`].
const FREE: &[&str] = &[
    "aria-braillelabel",
    "aria-brailleroledescription",
    "aria-colcount",
    "aria-colindex",
    "aria-colindextext",
    "aria-colspan",
    "aria-description",
    "aria-dropeffect",
    "aria-grabbed",
    "aria-keyshortcuts",
    "aria-label",
    "aria-level",
    "aria-placeholder",
    "aria-posinset",
    "aria-relevant",
    "aria-roledescription",
    "aria-rowcount",
    "aria-rowindex",
    "aria-rowindextext",
    "aria-rowspan",
    "aria-setsize",
    "aria-valuemax",
    "aria-valuemin",
    "aria-valuenow",
    "aria-valuetext",
];

/// Finds attributes of WAI-ARIA that nobody understands.
fn aria(name: &str, value: &str, fault: &mut impl FnMut(&str, &'static str)) {
    if !name.starts_with("aria-") || REFERENCES.contains(&name) || FREE.contains(&name) {
        return;
    }
    match WORDS.iter().find(|(known, _)| *known == name) {
        None => fault(&format!("has {name}, which WAI-ARIA does not know"), "correct the name"),
        Some((_, words)) => {
            let is_truth = words[0].is_empty() && matches!(value, "true" | "false");
            if !is_truth && (value.is_empty() || !words.contains(&value)) {
                fault(
                    &format!("has {name}={value:?}, which says nothing"),
                    "write a word WAI-ARIA has for it",
                );
            }
        }
    }
}

pub(super) fn views(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    each(contract, |place, _, _, fragment| {
        let html = Html::parse(&fragment.content);
        for (index, element) in html.elements.iter().enumerate() {
            for (wrong, mend) in faults(&html, index, element) {
                findings.push(Finding::new(&place, format!("{} {wrong}", element.tag()), mend));
            }
        }
        let mut ids = BTreeSet::new();
        for element in &html.elements {
            if let Some(id) = element.get("id")
                && !ids.insert(id)
            {
                let mend = "make ids of the usage and a name: they must be unique on the page";
                findings.push(Finding::new(
                    &place,
                    format!("{} has an id that is there twice", element.tag()),
                    mend,
                ));
            }
        }
    });
    findings
}

type Fault = (String, &'static str);

fn faults(html: &Html, index: usize, element: &Element) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut fault = |wrong: &str, mend: &'static str| faults.push((wrong.to_owned(), mend));
    let is_named = || has_name(html, element);
    match element.name.as_str() {
        "img" if element.get("alt").is_none() && element.get("role") != Some("presentation") => {
            fault(
                "says nothing to those who do not see it",
                "describe it in alt, or leave alt empty for decoration",
            );
        }
        "input" | "select" | "textarea" => match element.get("type").unwrap_or("text") {
            "hidden" => {}
            "submit" | "reset" => {}
            "image" if element.has_text_in("alt") => {}
            "button" if element.has_text_in("value") => {}
            _ if is_named()
                || html.around(index).any(|around| around.name == "label" && is_text(&around.text)) => {}
            _ => fault(
                "has no label",
                "put it into a <label>, or give it an id and <label for=..>, or aria-label",
            ),
        },
        "button" | "summary" if !is_text(&element.text) && !is_named() => {
            fault("has no text", "write what it does, or say so in aria-label");
        }
        "a" if element.get("href").is_some() && !is_text(&element.text) && !is_named() => {
            fault("has no text", "write where it leads, or say so in aria-label");
        }
        "iframe" if !element.has_text_in("title") && !is_named() => {
            fault("has no title", "say in title what it shows");
        }
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if !is_text(&element.text) && !is_named() => {
            fault("is a heading without a text", "leave it out where there is nothing to say");
        }
        "fieldset"
            if !html.inside(index).any(|inside| inside.name == "legend" && is_text(&inside.text))
                && !is_named() =>
        {
            fault("has no legend", "say in <legend> what is asked");
        }
        _ => {}
    }
    let is_control = matches!(element.name.as_str(), "a" | "button" | "input" | "select" | "textarea");
    if is_control && html.around(index).any(|around| matches!(around.name.as_str(), "button" | "a")) {
        fault("stands inside another control", "put controls beside each other");
    }
    let is_operable =
        is_control || matches!(element.name.as_str(), "summary" | "label" | "video" | "audio" | "option");
    if element.get("onclick").is_some() && !is_operable && element.get("tabindex").is_none() {
        fault("cannot be used with a keyboard", "make it a <button type=\"button\">");
    }
    if element.get("tabindex").and_then(|text| text.trim().parse::<i64>().ok()).is_some_and(|at| at > 0) {
        fault("jumps the order of the page", "use tabindex=\"0\" or the order of the elements");
    }
    operation(html, index, element, &mut fault);
    media(html, index, element, &mut fault);
    for (name, value) in &element.attributes {
        aria(name, value, &mut fault);
        if REFERENCES.contains(&name.as_str()) {
            for id in value.split_whitespace().filter(|id| html.by_id(id).is_none()) {
                fault(
                    &format!("names #{id} in {name}, which is not there"),
                    "give the element that is meant this id",
                );
            }
        }
        if matches!(name.as_str(), "lang" | "role") && value.trim().is_empty() {
            fault(&format!("has an empty {name}"), "leave the attribute out where there is nothing to say");
        }
    }
    faults
}

/// Roles of what is operated by itself. Parts of a whole, such as tabs, may be reached from their neighbours.
const OPERATED: &[&str] =
    &["button", "link", "checkbox", "switch", "slider", "spinbutton", "textbox", "searchbox", "combobox"];

/// Roles within which arrow keys go from part to part, so that a part needs no place of its own in the order.
const WHOLES: &[&str] = &["toolbar", "menu", "menubar", "tablist", "radiogroup", "listbox", "tree", "grid"];

/// What a change or the mere focus must not do, as it stands in scripts.
const LEAVING: &[&str] = &["submit(", "location", "navigate("];

/// Finds what no key reaches, what takes the focus unseen, and what happens before anybody asked for it.
fn operation(html: &Html, index: usize, element: &Element, fault: &mut impl FnMut(&str, &'static str)) {
    let around = |test: &dyn Fn(&Element) -> bool| test(element) || html.around(index).any(test);
    let is_off = around(&|one| one.get("hidden").is_some() || one.get("inert").is_some());
    let role = element.get("role").unwrap_or_default();
    if OPERATED.contains(&role) && !is_off && element.get("aria-disabled") != Some("true") {
        let is_part =
            html.around(index).any(|one| one.get("role").is_some_and(|role| WHOLES.contains(&role)));
        let is_reached = takes_focus(element) || (is_part && element.get("tabindex").is_some());
        if !is_reached && !is_disabled(element) {
            fault(
                &format!("has the role {role}, and no key reaches it"),
                "make it a <button type=\"button\"> or the like, or give it tabindex=\"0\" and listen to keys",
            );
        }
    }
    if takes_focus(element) && !is_off && around(&|one| one.get("aria-hidden") == Some("true")) {
        fault(
            "takes the focus and is hidden from screen readers by aria-hidden",
            "take aria-hidden away, or hide it from everybody with hidden",
        );
    }
    for name in ["onchange", "oninput", "onfocus", "onblur"] {
        let leaves = |script: &str| LEAVING.iter().any(|part| script.to_ascii_lowercase().contains(part));
        if element.get(name).is_some_and(leaves) {
            fault(
                &format!("sends the page away in {name}"),
                "give the form a button: who moves through values with keys has not chosen yet",
            );
        }
    }
}

fn is_disabled(element: &Element) -> bool {
    matches!(element.name.as_str(), "button" | "input" | "select" | "textarea")
        && element.get("disabled").is_some()
}

/// Tells whether the key Tab reaches an element.
fn takes_focus(element: &Element) -> bool {
    if let Some(at) = element.get("tabindex").and_then(|text| text.trim().parse::<i64>().ok()) {
        return at >= 0 && !is_disabled(element);
    }
    match element.name.as_str() {
        "a" | "area" => element.get("href").is_some(),
        "input" => element.get("type") != Some("hidden") && !is_disabled(element),
        "button" | "select" | "textarea" => !is_disabled(element),
        "iframe" | "summary" => true,
        "video" | "audio" => element.get("controls").is_some(),
        _ => element.get("contenteditable").is_some_and(|value| value != "false"),
    }
}

/// Finds sound and moving pictures that begin by themselves, and speech nobody wrote down.
fn media(html: &Html, index: usize, element: &Element, fault: &mut impl FnMut(&str, &'static str)) {
    if !matches!(element.name.as_str(), "video" | "audio") {
        return;
    }
    let is_muted = element.get("muted").is_some();
    if element.get("autoplay").is_some() && !(is_muted && element.get("controls").is_some()) {
        fault("plays by itself", "take autoplay away and give it controls: let the learner begin");
    }
    let is_captions = |track: &Element| {
        track.name == "track" && matches!(track.get("kind"), None | Some("captions" | "subtitles"))
    };
    if element.name == "video" && !is_muted && !html.inside(index).any(is_captions) {
        fault("has no captions", "add <track kind=\"captions\" src=\"..\" srclang=\"..\">");
    }
}

/// Tells whether something beside the element's own text names it.
fn has_name(html: &Html, element: &Element) -> bool {
    let by_label = || {
        let id = element.get("id")?;
        html.elements
            .iter()
            .find(|label| label.name == "label" && label.get("for") == Some(id) && is_text(&label.text))
    };
    let by_reference = || {
        let ids = element.get("aria-labelledby")?;
        ids.split_whitespace().filter_map(|id| html.by_id(id)).find(|named| is_text(&named.text))
    };
    element.has_text_in("aria-label")
        || element.has_text_in("title")
        || by_label().is_some()
        || by_reference().is_some()
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty()
}

pub(super) fn neighbours(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, bench) in contract.samples() {
        for view in &contract.views {
            let (Ok(Some(one)), Ok(Some(other))) =
                (shown(&bench.clone().at("one"), view), shown(&bench.clone().at("other"), view))
            else {
                continue;
            };
            // The same children stand in both; what carries their ids is different where they are.
            let children: Vec<&str> = bench.data().children.iter().map(|child| child.block_id()).collect();
            let names = |html: &str| -> BTreeSet<String> {
                let html = Html::parse(html);
                let elements = &html.elements;
                let ids =
                    elements.iter().filter_map(|element| element.get("id").map(|id| format!("id {id:?}")));
                // Radio buttons of a form of their own are a group of their own.
                let loose = |at: usize| html.around(at).all(|around| around.name != "form");
                let radios = elements
                    .iter()
                    .enumerate()
                    .filter(|(at, element)| element.get("type") == Some("radio") && loose(*at))
                    .map(|(_, element)| element);
                let radios = radios
                    .filter_map(|element| element.get("name").map(|name| format!("radio name {name:?}")));
                ids.chain(radios).filter(|name| !children.iter().any(|child| name.contains(child))).collect()
            };
            for shared in names(&one.content).intersection(&names(&other.content)) {
                let mend = "make it of the usage's id: two blocks of the type can stand in one unit";
                findings.push(Finding::new(
                    place(view, name),
                    format!("two blocks have the same {shared}"),
                    mend,
                ));
            }
        }
    }
    findings
}
