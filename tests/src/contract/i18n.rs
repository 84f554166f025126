//! The promise about languages.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset};
use xblock_core::fields::Json;
use xblock_core::services::{I18nService, NullI18n, Service};

use super::html::{Element, Html};
use super::views::{place, shown};
use super::{Contract, Finding};
use crate::workbench::Workbench;

/// Attributes whose values people read.
const READ: &[&str] =
    &["alt", "title", "placeholder", "aria-label", "aria-description", "aria-valuetext", "label"];

/// A language made of English: every letter becomes another one, and placeholders and tags stay.
struct PseudoI18n;

/// Says a text in the made-up language: letters of Latin script as their full-width forms.
fn pseudo(text: &str) -> String {
    let mut said = String::new();
    let mut depth = 0_usize;
    let mut percent = false;
    for c in text.chars() {
        match c {
            '{' | '<' | '(' if c != '(' || percent => depth += 1,
            '}' | '>' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let stays = depth > 0 || percent;
        percent = c == '%' || (percent && depth > 0) || (percent && c == ')');
        match u32::from(c) {
            code @ 0x41..=0x5A | code @ 0x61..=0x7A if !stays => {
                said.push(char::from_u32(code + 0xFEE0).unwrap_or(c));
            }
            _ => said.push(c),
        }
    }
    said
}

impl I18nService for PseudoI18n {
    fn language(&self) -> &str {
        "en-x-pseudo"
    }

    fn gettext<'t>(&'t self, text: &'t str) -> Cow<'t, str> {
        pseudo(text).into()
    }

    fn ngettext<'t>(&'t self, singular: &'t str, plural: &'t str, number: u64) -> Cow<'t, str> {
        pseudo(if number == 1 { singular } else { plural }).into()
    }

    fn pgettext<'t>(&'t self, _: &str, text: &'t str) -> Cow<'t, str> {
        self.gettext(text)
    }

    fn npgettext<'t>(&'t self, _: &str, singular: &'t str, plural: &'t str, number: u64) -> Cow<'t, str> {
        self.ngettext(singular, plural, number)
    }

    fn strftime(&self, time: &DateTime<FixedOffset>, format: &str) -> String {
        pseudo(&NullI18n.strftime(time, format))
    }
}

pub(super) fn translated(contract: &Contract) -> Vec<Finding> {
    let services = contract.block_type().class.services;
    let asks =
        services.needs.iter().chain(services.wants).any(|name| *name == <dyn I18nService as Service>::NAME);
    let mend = if asks {
        "say it with i18n.gettext(\"..\"), where i18n is context.need::<dyn I18nService>()?"
    } else {
        "ask for the service, needs(dyn I18nService), and say it with its gettext"
    };
    let mut findings = Vec::new();
    for (name, bench) in contract.samples() {
        let bench = bench.service::<dyn I18nService>(Arc::new(PseudoI18n));
        let authored = authored(contract, &bench);
        for view in &contract.views {
            let Ok(Some(fragment)) = shown(&bench, view) else { continue };
            for text in untranslated(&fragment.content, &authored) {
                let short: String = text.chars().take(60).collect();
                let place = format!("{short:?}, {}", place(view, name));
                findings.push(Finding::new(place, format!("{short:?} is not translated"), mend));
            }
        }
    }
    findings
}

/// All texts of fields, of children too: they are their authors', in whatever language.
fn authored(contract: &Contract, bench: &Workbench) -> Vec<String> {
    let mut texts = vec![bench.usage().to_string(), bench.usage().block_id().to_owned()];
    let block = bench.load();
    for spec in contract.block_type().fields().iter() {
        if let Ok(value) = block.fields().json(spec.name) {
            collect(&value, &mut texts);
        }
    }
    for (usage, data) in bench.children() {
        texts.push(usage.block_id().replace('_', " "));
        texts.push(usage.block_type().to_owned());
        texts.push(usage.to_string());
        data.content.values().chain(data.settings.values()).for_each(|value| collect(value, &mut texts));
    }
    texts
}

fn collect(value: &Json, texts: &mut Vec<String>) {
    match value {
        Json::String(text) => {
            texts.push(text.clone());
            // Of HTML and XML it is the text that is shown.
            texts.extend(Html::parse(text).elements.into_iter().flat_map(|element| {
                let values = element.attributes.into_iter().map(|(_, value)| value);
                values.chain(element.own_texts).chain([element.text]).collect::<Vec<_>>()
            }));
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Json::Object(members) => members.iter().for_each(|(name, value)| {
            texts.push(name.clone());
            collect(value, texts);
        }),
        _ => {}
    }
}

fn untranslated(html: &str, authored: &[String]) -> Vec<String> {
    let html = Html::parse(html);
    let mut found = Vec::new();
    for (index, element) in html.elements.iter().enumerate() {
        let is_code =
            |element: &Element| matches!(element.name.as_str(), "script" | "style" | "code" | "kbd" | "samp");
        if is_code(element) || html.around(index).any(is_code) {
            continue;
        }
        let values = element.attributes.iter().filter(|(name, _)| READ.contains(&name.as_str()));
        let mut said: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
        said.extend(element.own_texts.iter().map(String::as_str));
        if element.name == "input" && matches!(element.get("type"), Some("submit" | "button" | "reset")) {
            said.extend(element.get("value"));
        }
        for text in said {
            let rest = without(text, authored);
            if has_word(&rest) {
                found.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
    }
    found.extend(has_word(&without(&html.loose_text, authored)).then(|| html.loose_text.trim().to_owned()));
    found
}

/// Takes out what authors wrote.
fn without(text: &str, authored: &[String]) -> String {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = plain(text);
    let mut by_length: Vec<String> =
        authored.iter().map(|own| plain(own)).filter(|own| !own.is_empty()).collect();
    if by_length.contains(&text) {
        return String::new();
    }
    by_length.sort_by_key(|own| std::cmp::Reverse(own.len()));
    // A single letter or short word of an author would hide half of any text.
    by_length.into_iter().filter(|own| own.len() > 3).fold(text, |rest, own| rest.replace(&own, " "))
}

/// Tells whether a text has a word of the Latin alphabet: what the made-up language has none of.
fn has_word(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphabetic()).any(|word| word.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_made_up_language_keeps_placeholders_and_tags() {
        assert_eq!(pseudo("Hi {name}, <b>you</b>"), "Ｈｉ {name}, <b>ｙｏｕ</b>");
        assert_eq!(pseudo("%(count)s points"), "%(count)s ｐｏｉｎｔｓ");
        assert_eq!(pseudo("50% of it (or so)"), "50% ｏｆ ｉｔ (ｏｒ ｓｏ)");
    }

    #[test]
    fn what_authors_wrote_needs_no_translation() {
        let authored = ["High water".to_owned(), "a".to_owned()];
        assert_eq!(untranslated("<p>High  water: Ａｈａ</p><i>12 a</i>", &authored), Vec::<String>::new());
        assert_eq!(
            untranslated("<p title=\"Low\">High water and low</p>", &authored),
            ["Low", "High water and low"]
        );
    }
}
