//! WebVTT, the form browsers play (W3C WebVTT, section 4).

use super::Cue;

/// Writes cues. What WebVTT cannot hold is brought into it: unknown tags are left out, stray `<` and `&` escaped.
pub(super) fn write(cues: &[Cue]) -> String {
    let mut out = String::from("WEBVTT\n");
    for cue in cues.iter().filter(|cue| cue.end > cue.start.max(0)) {
        out.push_str(&format!("\n{} --> {}\n", clock(cue.start.max(0)), clock(cue.end)));
        for line in cue.text.lines().filter(|line| !line.trim().is_empty()) {
            out.push_str(&text(line));
            out.push('\n');
        }
    }
    out
}

fn clock(milliseconds: i64) -> String {
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    format!("{:02}:{:02}:{:02}.{rest:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The tags that mean in WebVTT what they mean in SubRip.
const TAGS: [&str; 6] = ["<b>", "</b>", "<i>", "</i>", "<u>", "</u>"];

fn text(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        if let Some(tag) =
            TAGS.iter().find(|tag| rest.get(..tag.len()).is_some_and(|t| t.eq_ignore_ascii_case(tag)))
        {
            out.push_str(tag);
            rest = &rest[tag.len()..];
            continue;
        }
        if let Some(length) = tag_length(rest) {
            rest = &rest[length..];
            continue;
        }
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' if !begins_entity(rest) => out.push_str("&amp;"),
            other => out.push(other),
        }
        rest = &rest[character.len_utf8()..];
    }
    out
}

/// Returns the length of the tag a text begins with.
fn tag_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('<')?;
    let name = inside.strip_prefix('/').unwrap_or(inside);
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    inside.find('>').map(|end| end + 2)
}

fn begins_entity(text: &str) -> bool {
    let Some(end) = text.find(';') else {
        return false;
    };
    let name = &text[1..end];
    let name = name.strip_prefix('#').unwrap_or(name);
    !name.is_empty() && name.len() < 32 && name.chars().all(|character| character.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_signs_become_what_webvtt_allows() {
        assert_eq!(text("<I>a</I> <font color=\"red\">b</font>"), "<i>a</i> b");
        assert_eq!(text("1 < 2 & 3 &amp; 4 --> 5"), "1 &lt; 2 &amp; 3 &amp; 4 --&gt; 5");
    }

    #[test]
    fn cues_without_duration_are_left_out() {
        let cue = |start, end| Cue { start, end, text: "a\n\nb".into() };
        assert_eq!(
            write(&[cue(1500, 3_600_000), cue(5, 5)]),
            "WEBVTT\n\n00:00:01.500 --> 01:00:00.000\na\nb\n"
        );
    }
}
