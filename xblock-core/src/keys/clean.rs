//! Making text fit for keys: what Studio and the importers do to names that people and files bring along.

use super::charset::Charset;

/// Replaces what is outside the set by `_`, one for each character, or one for each run when `collapse` is set.
fn clean_to(set: Charset, collapse: bool, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let c = if set.has(c) { c } else { '_' };
        if !(collapse && c == '_' && out.ends_with('_')) {
            out.push(c);
        }
    }
    out
}

/// Replaces each run of characters outside `[\w.%-]`, and each run of underscores, by one `_` (`Location.clean`).
pub fn clean(text: &str) -> String {
    clean_to(Charset::Old, true, text)
}

/// Replaces each character outside `[\w.%-]` by `_` (`Location.clean_keeping_underscores`).
pub fn clean_keeping_underscores(text: &str) -> String {
    clean_to(Charset::Old, false, text)
}

/// Does what [`clean`] does and keeps `:` (`Location.clean_for_url_name`).
pub fn clean_for_url_name(text: &str) -> String {
    clean_to(Charset::UrlName, true, text)
}

/// Replaces each run of characters outside `[\w-]`, and each run of underscores, by one `_` (`Location.clean_for_html`).
pub fn clean_for_html(text: &str) -> String {
    clean_to(Charset::Html, true, text)
}

/// Makes the path of a file the name of an asset: `/` becomes `_`, and so does each character outside `[\w.%-]`; runs stay.
///
/// This is what `StaticContent.compute_location` does to the name of an uploaded or imported file.
///
/// ```
/// assert_eq!(xblock_core::keys::clean_asset_name("images/a  b.png"), "images_a__b.png");
/// ```
pub fn clean_asset_name(path: &str) -> String {
    clean_keeping_underscores(path)
}
