//! Old links of a course to its own files and blocks, made portable (xblock reference, section 20).

use memchr::memmem::Finder;

/// Rewrites links that stand exactly between quotes.
#[derive(Debug)]
pub(super) struct Rewriter {
    asset: Finder<'static>,
    jump: Finder<'static>,
}

impl Rewriter {
    /// Knows the course by the names in its root element, as old links do.
    pub(super) fn new(org: &str, course: &str, run: &str) -> Self {
        Self {
            asset: finder(&format!("/c4x/{org}/{course}/asset/")),
            jump: finder(&format!("/courses/{org}/{course}/{run}/jump_to/i4x://{org}/{course}/")),
        }
    }

    pub(super) fn rewrite(&self, text: &mut String) {
        if self.asset.find(text.as_bytes()).is_some() {
            *text = replace(text, &self.asset, |rest| Some(format!("/static/{rest}")));
        }
        if self.jump.find(text.as_bytes()).is_some() {
            *text = replace(text, &self.jump, |rest| {
                rest.split_once('/').map(|(_, id)| format!("/jump_to_id/{id}"))
            });
        }
    }
}

fn finder(prefix: &str) -> Finder<'static> {
    Finder::new(prefix).into_owned()
}

/// Replaces what begins with a prefix right after a quote and ends before the same quote, on one line.
///
/// A quote may have a backslash before it, as in JSON and scripts; then the closing one must have it too.
fn replace(text: &str, prefix: &Finder<'_>, new: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = prefix.find(rest.as_bytes()) {
        let (before, link) = rest.split_at(at);
        let (prefix, after) = link.split_at(prefix.needle().len());
        let replaced = opening_quote(before).and_then(|quote| {
            let end = after.find(&quote)?;
            let target = &after[..end];
            (!target.contains('\n')).then(|| new(target)).flatten().map(|new| (new, end))
        });
        out.push_str(before);
        match replaced {
            Some((new, end)) => {
                out.push_str(&new);
                rest = &after[end..];
            }
            None => {
                out.push_str(prefix);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn opening_quote(before: &str) -> Option<String> {
    let quote = before.chars().next_back().filter(|c| matches!(c, '"' | '\''))?;
    let is_escaped = before[..before.len() - 1].ends_with('\\');
    Some(if is_escaped { format!("\\{quote}") } else { quote.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> String {
        let mut text = text.to_owned();
        Rewriter::new("Org", "Crs", "Run").rewrite(&mut text);
        text
    }

    #[test]
    fn links_between_quotes_become_portable() {
        assert_eq!(rewritten(r#"<a href="/c4x/Org/Crs/asset/a.png">"#), r#"<a href="/static/a.png">"#);
        assert_eq!(rewritten(r#"x = \"/c4x/Org/Crs/asset/a.png\""#), r#"x = \"/static/a.png\""#);
        assert_eq!(
            rewritten("<a href='/courses/Org/Crs/Run/jump_to/i4x://Org/Crs/vertical/v1'>"),
            "<a href='/jump_to_id/v1'>"
        );
    }

    #[test]
    fn other_links_stay() {
        for text in [
            "/c4x/Org/Crs/asset/a.png",
            "url(/c4x/Org/Crs/asset/a.png)",
            r#"<a href="/c4x/Other/Crs/asset/a.png">"#,
            "<a href=\"/c4x/Org/Crs/asset/a\n.png\">",
            "<a href='/courses/Org/Crs/Run/about'>",
        ] {
            assert_eq!(rewritten(text), text);
        }
    }
}
